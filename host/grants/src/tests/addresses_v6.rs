//! IPv6: each range's first and last address, and its neighbours outside; and networks of both families.

use std::net::{IpAddr, Ipv6Addr};

use super::samples::Random;
use crate::addresses::{Network, is_private, is_public};

/// First and last address of each range that is not public, next to or within what is.
const RANGES: [(&str, &str); 6] = [
    ("::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
];

/// What Python's `ipaddress` (3.13) calls private in IPv6, and what it takes out of that: the ranges of IANA's
/// registry.
const PYTHON_PRIVATE: [&str; 12] = [
    "::1/128",
    "::/128",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "2002::/16",
    "3fff::/20",
    "fc00::/7",
    "fe80::/10",
    "5f00::/16",
];
const PYTHON_EXCEPTIONS: [&str; 6] =
    ["2001:1::1/128", "2001:1::2/128", "2001:3::/32", "2001:4:112::/48", "2001:20::/28", "2001:30::/28"];

fn bits(text: &str) -> u128 {
    text.parse::<Ipv6Addr>().unwrap().to_bits()
}

fn network(text: &str) -> Network {
    let (first, length) = text.split_once('/').unwrap();
    Network::new(first.parse().unwrap(), length.parse().unwrap()).unwrap()
}

/// First and last address.
fn ends(text: &str) -> (u128, u128) {
    let (first, length) = text.split_once('/').unwrap();
    let host = u128::MAX.checked_shr(length.parse().unwrap()).unwrap_or(0);
    (bits(first), bits(first) | host)
}

fn in_one_of(address: u128, nets: &[&str]) -> bool {
    nets.iter().map(|net| ends(net)).any(|(first, last)| (first..=last).contains(&address))
}

fn expected(address: u128) -> bool {
    !RANGES.iter().any(|(first, last)| (bits(first)..=bits(last)).contains(&address))
}

#[test]
fn a_range_is_refused_from_its_first_address_to_its_last_and_no_further() {
    for (first, last) in RANGES.map(|(first, last)| (bits(first), bits(last))) {
        for address in [first.wrapping_sub(1), first, first + 1, last - 1, last, last.wrapping_add(1)] {
            let named = Ipv6Addr::from_bits(address);
            assert_eq!(is_public(named), expected(address), "{named}");
        }
    }
}

#[test]
fn every_first_48_bits_are_judged_by_the_ranges() {
    let mut random = Random(0x6);
    for first in 0..=0xffff_u128 {
        for address in [first << 112, first << 112 | u128::MAX >> 16, first << 112 | u128::from(random.next()) << 48] {
            let named = Ipv6Addr::from_bits(address);
            assert_eq!(is_public(named), expected(address), "{named}");
            assert_eq!(is_private(named), named.is_unique_local(), "{named}");
            assert!(!(is_public(named) && (is_private(named) || named.is_multicast())), "{named}");
        }
    }
}

#[test]
fn what_carries_an_ipv4_address_is_never_public() {
    for address in [
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::8.8.8.8",
        "2002:808:808::1",
        "2001:0:808:808::1",
        "2001::",
        "::ffff:0:8.8.8.8",
    ] {
        let address: Ipv6Addr = address.parse().unwrap();
        assert!(!is_public(address) && !is_private(address), "{address}");
    }
}

#[test]
fn known_public_addresses_are_public() {
    for address in
        ["2606:4700:4700::1111", "2001:4860:4860::8888", "2620:fe::fe", "2a00::", "2001:200::", "2620:4f:8000::1"]
    {
        assert!(is_public(address.parse::<Ipv6Addr>().unwrap()), "{address}");
    }
}

/// What Python refuses is refused; what is refused beyond it is outside of 2000::/3, or anycast and identifiers in
/// 2001::/23.
#[test]
fn nothing_is_public_that_python_refuses() {
    let edges = PYTHON_PRIVATE.iter().chain(&PYTHON_EXCEPTIONS).chain(&["2000::/3", "ff00::/8"]).map(|net| ends(net));
    for (first, last) in edges {
        for address in [first.wrapping_sub(1), first, first + (last - first) / 2, last, last.wrapping_add(1)] {
            let private = in_one_of(address, &PYTHON_PRIVATE) && !in_one_of(address, &PYTHON_EXCEPTIONS);
            let beyond = !in_one_of(address, &["2000::/3"]) || in_one_of(address, &PYTHON_EXCEPTIONS);
            let named = Ipv6Addr::from_bits(address);
            assert_eq!(is_public(named), !private && !beyond, "{named}");
        }
    }
}

#[test]
fn a_network_is_public_or_private_if_all_of_it_is() {
    for (net, public, private) in [
        ("8.8.8.0/24", true, false),
        ("8.0.0.0/7", true, false),
        ("8.0.0.0/6", false, false),
        ("10.0.0.0/8", false, true),
        ("10.0.0.0/7", false, false),
        ("172.16.0.0/12", false, true),
        ("172.0.0.0/11", false, false),
        ("192.0.1.0/24", true, false),
        ("192.0.0.0/22", false, false),
        ("0.0.0.0/0", false, false),
        ("::/0", false, false),
        ("2600::/12", true, false),
        ("2000::/3", false, false),
        ("2001:200::/23", true, false),
        ("2001::/16", false, false),
        ("::/2", false, false),
        ("3000::/5", true, false),
        ("3000::/4", false, false),
        ("fc00::/7", false, true),
        ("fc00::/6", false, false),
        ("fd00::/8", false, true),
    ] {
        let net = network(net);
        assert_eq!((net.is_public(), net.is_private()), (public, private), "{net:?}");
    }
}

#[test]
fn a_network_has_no_host_bits_and_no_longer_prefix_than_its_family() {
    for (first, length, is) in [
        ("10.0.0.0", 8, true),
        ("10.0.0.1", 8, false),
        ("10.0.0.1", 32, true),
        ("10.0.0.0", 33, false),
        ("0.0.0.0", 0, true),
        ("128.0.0.0", 0, false),
        ("128.0.0.0", 1, true),
        ("::", 0, true),
        ("::1", 0, false),
        ("::1", 127, false),
        ("::1", 128, true),
        ("::", 129, false),
        ("8000::", 1, true),
        ("8000::", 255, false),
    ] {
        let address: IpAddr = first.parse().unwrap();
        assert_eq!(Network::new(address, length).is_some(), is, "{first}/{length}");
    }
}
