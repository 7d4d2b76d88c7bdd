//! Which IPv4 addresses are somebody's on the public internet.

use std::net::Ipv4Addr;

/// What is not: the IANA special-purpose registry (RFC 6890 and what was added since), multicast, and the reserved
/// rest. Each with the length of its prefix.
const NOT_PUBLIC: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),          // "this network"
    ([10, 0, 0, 0], 8),         // private
    ([100, 64, 0, 0], 10),      // shared, behind a provider's translation
    ([127, 0, 0, 0], 8),        // loopback
    ([169, 254, 0, 0], 16),     // link-local, and the clouds' metadata
    ([172, 16, 0, 0], 12),      // private
    ([192, 0, 0, 0], 24),       // protocol assignments; two anycast addresses in it nobody opens a port to
    ([192, 0, 2, 0], 24),       // documentation
    ([192, 88, 99, 0], 24),     // 6to4 relays, withdrawn
    ([192, 168, 0, 0], 16),     // private
    ([198, 18, 0, 0], 15),      // benchmarks
    ([198, 51, 100, 0], 24),    // documentation
    ([203, 0, 113, 0], 24),     // documentation
    ([224, 0, 0, 0], 4),        // multicast
    ([240, 0, 0, 0], 4),        // reserved
    ([255, 255, 255, 255], 32), // broadcast
];

pub(crate) fn is_public(ip: Ipv4Addr) -> bool {
    let within = |&(base, length): &([u8; 4], u32)| {
        let mask = u32::MAX << (u32::BITS - length);
        u32::from(ip) & mask == u32::from_be_bytes(base)
    };
    !NOT_PUBLIC.iter().any(within)
}
