//! What a process has in its memory, for root to look through.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

/// Read at a time.
const CHUNK: usize = 1 << 20;

/// The mappings of a process in which any of these texts stands, each with the text.
pub fn found(pid: u32, texts: &[String]) -> Vec<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let readable = maps.lines().filter(|map| map.split(' ').nth(1).is_some_and(|rights| rights.starts_with('r')));
    readable.flat_map(|map| in_mapping(&memory, map, texts)).collect()
}

fn in_mapping(memory: &File, map: &str, texts: &[String]) -> Vec<String> {
    let (begin, end) = map.split(' ').next().unwrap().split_once('-').unwrap();
    let [begin, end] = [begin, end].map(|number| u64::from_str_radix(number, 16).unwrap());
    let longest = texts.iter().map(String::len).max().unwrap_or(1) as u64;
    let mut found = Vec::new();
    let mut at = begin;
    while at < end {
        // A little of the next, for what lies across.
        let length = usize::try_from((end - at).min(CHUNK as u64 + longest)).unwrap();
        let mut bytes = vec![0; length];
        // The kernel's own pages are nobody's to read.
        if memory.read_exact_at(&mut bytes, at).is_ok() {
            let here = texts.iter().filter(|text| contains(&bytes, text.as_bytes()));
            found.extend(here.map(|text| format!("{text} in {map}")));
        }
        at += CHUNK as u64;
    }
    found
}

/// Whether these bytes stand in those.
pub fn contains(bytes: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(text) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
