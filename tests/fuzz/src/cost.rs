//! What reading allocates, which nobody who sends little may make much.

/// Reads, and asserts that its memory was at no moment more than `times` the bytes, and `beside`.
pub fn within<T>(bytes: &[u8], times: usize, beside: usize, read: impl FnOnce() -> T) -> T {
    let mut found = None;
    let took = allocation_counter::measure(|| found = Some(read())).bytes_max;
    let most = bytes.len() * times + beside;
    assert!(took <= most as u64, "{took} bytes of memory for {} that were read", bytes.len());
    found.expect("it has returned")
}
