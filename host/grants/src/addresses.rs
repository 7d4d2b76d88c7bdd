//! Which IPv4 addresses are public: by IANA's registry of special-purpose addresses (RFC 6890 and its updates), read narrowly.
//! What is not certainly an address that anybody on the internet can have is not public.

use std::net::Ipv4Addr;

/// First address and prefix length of every range that is not globally reachable, or not somebody's own.
const NOT_PUBLIC: [(Ipv4Addr, u32); 18] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),          // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),         // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),      // shared by carriers
    (Ipv4Addr::new(127, 0, 0, 0), 8),        // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),     // link local
    (Ipv4Addr::new(172, 16, 0, 0), 12),      // private
    (Ipv4Addr::new(192, 0, 0, 0), 29),       // IETF protocols, up to the two anycast addresses
    (Ipv4Addr::new(192, 0, 0, 8), 32),       // dummy
    (Ipv4Addr::new(192, 0, 0, 11), 32),      // IETF protocols, after them
    (Ipv4Addr::new(192, 0, 0, 12), 30),
    (Ipv4Addr::new(192, 0, 0, 16), 28),
    (Ipv4Addr::new(192, 0, 0, 32), 27),
    (Ipv4Addr::new(192, 0, 0, 64), 26),
    (Ipv4Addr::new(192, 0, 0, 128), 25),
    (Ipv4Addr::new(192, 0, 2, 0), 24),       // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24),     // once 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),     // private
    (Ipv4Addr::new(198, 18, 0, 0), 15),      // benchmarks
];
/// The rest of them: documentation, multicast, reserved, broadcast.
const NOR_THESE: [(Ipv4Addr, u32); 3] = [
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// Whether anybody on the internet can have this address.
#[must_use]
pub fn is_public(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC.iter().chain(&NOR_THESE).any(|(first, length)| is_in(address, *first, *length))
}

/// Whether it is one of RFC 1918.
#[must_use]
pub fn is_private(address: Ipv4Addr) -> bool {
    address.is_private()
}

fn is_in(address: Ipv4Addr, first: Ipv4Addr, length: u32) -> bool {
    let differing = address.to_bits() ^ first.to_bits();
    differing.leading_zeros() >= length
}
