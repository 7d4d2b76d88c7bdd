//! Which IPv4 addresses are public, by a table of our own: std's `is_global` is not stable, and what counts here must not
//! change with the compiler.
//!
//! Public is what IANA's IPv4 Special-Purpose Address Registry (RFC 6890) calls globally reachable, less multicast
//! (RFC 5771), all of 192.0.0.0/24 (though .9 and .10 are anycast), and the withdrawn 6to4 relays 192.88.99.0/24 (RFC 7526).

use std::net::Ipv4Addr;

/// Network, length of its prefix.
type Net = ([u8; 4], u32);

const NOT_PUBLIC: [Net; 16] = [
    ([0, 0, 0, 0], 8),       // "this network", RFC 791
    ([10, 0, 0, 0], 8),      // private, RFC 1918
    ([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    ([127, 0, 0, 0], 8),     // loopback, RFC 1122
    ([169, 254, 0, 0], 16),  // link-local, RFC 3927
    ([172, 16, 0, 0], 12),   // private, RFC 1918
    ([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
    ([192, 0, 2, 0], 24),    // documentation, RFC 5737
    ([192, 88, 99, 0], 24),  // 6to4 relays, withdrawn by RFC 7526
    ([192, 168, 0, 0], 16),  // private, RFC 1918
    ([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    ([198, 51, 100, 0], 24), // documentation, RFC 5737
    ([203, 0, 113, 0], 24),  // documentation, RFC 5737
    ([224, 0, 0, 0], 4),     // multicast, RFC 5771
    ([240, 0, 0, 0], 4),     // reserved, RFC 1112
    ([255; 4], 32),          // broadcast, RFC 919
];

const PRIVATE: [Net; 3] = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)];

/// Whether the address is one of the whole Internet's.
#[must_use]
pub fn is_public(address: Ipv4Addr) -> bool {
    !within(address, &NOT_PUBLIC)
}

/// Whether the address is one of RFC 1918's, and no other that is merely not public.
#[must_use]
pub fn is_private(address: Ipv4Addr) -> bool {
    within(address, &PRIVATE)
}

fn within(address: Ipv4Addr, nets: &[Net]) -> bool {
    let address = address.to_bits();
    nets.iter().any(|(net, length)| (address ^ Ipv4Addr::from(*net).to_bits()).leading_zeros() >= *length)
}
