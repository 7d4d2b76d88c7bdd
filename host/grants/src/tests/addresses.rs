//! Each range's first and last address, and its neighbours outside.

use std::net::Ipv4Addr;

use crate::addresses::{is_private, is_public};

/// First and last address of each range that is not public.
const RANGES: [(&str, &str); 15] = [
    ("0.0.0.0", "0.255.255.255"),
    ("10.0.0.0", "10.255.255.255"),
    ("100.64.0.0", "100.127.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.0.0.0", "192.0.0.255"),
    ("192.0.2.0", "192.0.2.255"),
    ("192.88.99.0", "192.88.99.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("198.18.0.0", "198.19.255.255"),
    ("198.51.100.0", "198.51.100.255"),
    ("203.0.113.0", "203.0.113.255"),
    ("224.0.0.0", "239.255.255.255"),
    ("240.0.0.0", "255.255.255.255"),
];

fn ends(range: &(&str, &str)) -> (u32, u32) {
    let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
    (bits(range.0), bits(range.1))
}

fn in_a_range(address: u32) -> bool {
    RANGES.iter().map(ends).any(|(first, last)| (first..=last).contains(&address))
}

#[test]
fn a_range_is_refused_from_its_first_address_to_its_last_and_no_further() {
    for (first, last) in RANGES.iter().map(ends) {
        for address in [first.wrapping_sub(1), first, first + 1, last - 1, last, last.wrapping_add(1)] {
            let named = Ipv4Addr::from(address);
            assert_eq!(is_public(named), !in_a_range(address), "{named}");
        }
    }
}

/// No range begins or ends within a /24, so the ends of each /24 stand for all of it: every one of these, and the ends
/// of every /16 elsewhere.
#[test]
fn every_address_is_public_exactly_outside_of_the_ranges() {
    let ranges = RANGES.map(|range| ends(&range));
    let expected = |address: u32| !ranges.iter().any(|(first, last)| (*first..=*last).contains(&address));
    let split = |first: u32| [100, 169, 172, 192, 198, 203].contains(&(first >> 24));
    for first in (0..=u32::MAX).step_by(1 << 16) {
        let step = if split(first) { 1 << 8 } else { 1 << 16 };
        for first in (first..=first | 0xffff).step_by(step) {
            for address in [first, first | (step as u32 - 1)] {
                let named = Ipv4Addr::from(address);
                assert_eq!(is_public(named), expected(address), "{named}");
                assert!(!(is_public(named) && (is_private(named) || named.is_multicast())), "{named}");
            }
        }
    }
}

#[test]
fn anycast_addresses_of_the_protocol_assignments_are_refused_too() {
    assert!(!is_public(Ipv4Addr::new(192, 0, 0, 9)) && !is_public(Ipv4Addr::new(192, 0, 0, 10)));
}

#[test]
fn known_public_addresses_are_public() {
    for address in ["1.1.1.1", "8.8.8.8", "9.9.9.9", "192.31.196.1", "192.52.193.1", "192.175.48.1", "223.255.255.255"]
    {
        assert!(is_public(address.parse::<Ipv4Addr>().unwrap()), "{address}");
    }
}

#[test]
fn private_is_rfc_1918_and_not_whatever_else_is_not_public() {
    for address in ["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"] {
        assert!(is_private(address.parse::<Ipv4Addr>().unwrap()), "{address}");
    }
    for address in
        ["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "127.0.0.1", "100.64.0.1", "169.254.1.1"]
    {
        assert!(!is_private(address.parse::<Ipv4Addr>().unwrap()), "{address}");
    }
}

/// What Python's `ipaddress` (3.13, and Debian 12's 3.11) calls private in IPv4, and what it takes out of that: the
/// ranges of IANA's registry.
const PYTHON_PRIVATE: [&str; 14] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.0.170/31",
    "192.0.2.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "240.0.0.0/4",
    "255.255.255.255/32",
];
const PYTHON_EXCEPTIONS: [&str; 2] = ["192.0.0.9/32", "192.0.0.10/32"];
const PYTHON_SHARED: [&str; 1] = ["100.64.0.0/10"];
const PYTHON_MULTICAST: [&str; 1] = ["224.0.0.0/4"];

fn in_one_of(address: Ipv4Addr, nets: &[&str]) -> bool {
    nets.iter().any(|net| {
        let (first, length) = net.split_once('/').unwrap();
        let (first, host_bits) = (first.parse::<Ipv4Addr>().unwrap().to_bits(), 32 - length.parse::<u32>().unwrap());
        u64::from(address.to_bits()) >> host_bits == u64::from(first) >> host_bits
    })
}

/// `is_global and not is_multicast`.
fn python_takes(address: Ipv4Addr) -> bool {
    let private = in_one_of(address, &PYTHON_PRIVATE) && !in_one_of(address, &PYTHON_EXCEPTIONS);
    !private && !in_one_of(address, &PYTHON_SHARED) && !in_one_of(address, &PYTHON_MULTICAST)
}

/// The clients of 2022 were answered by Python's rule: what it refuses is refused, and what is refused beyond it stands
/// here.
#[test]
fn nothing_is_public_that_python_refuses_and_only_anycast_and_6to4_relays_are_refused_beyond_it() {
    let beyond = ["192.0.0.9/32", "192.0.0.10/32", "192.88.99.0/24"];
    let agree = |address: u32| {
        let address = Ipv4Addr::from(address);
        let expected = python_takes(address) && !in_one_of(address, &beyond);
        assert_eq!(is_public(address), expected, "{address}");
    };
    // Each /16 at its ends, and each address of those in which a shorter range begins or ends.
    for first in (0..=u32::MAX).step_by(1 << 16) {
        let [a, b, ..] = first.to_be_bytes();
        let split = [(192, 0), (192, 88), (198, 51), (203, 0), (255, 255)].contains(&(a, b));
        (first..=first | 0xffff).step_by(if split { 1 } else { 0xffff }).for_each(agree);
    }
    for address in ["192.0.0.9", "192.0.0.10", "192.88.99.0", "192.88.99.1", "192.88.99.255"] {
        let address = address.parse().unwrap();
        assert!(python_takes(address) && !is_public(address), "{address}");
    }
    for address in ["192.0.0.8", "192.0.0.11", "192.0.0.170", "192.0.0.171"] {
        let address = address.parse().unwrap();
        assert!(!python_takes(address) && !is_public(address), "{address}");
    }
}
