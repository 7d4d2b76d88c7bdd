//! Which addresses and networks are public, by tables of our own: std's `is_global` is not stable, and what counts here
//! must not change with the compiler.
//!
//! Public is what IANA's special-purpose address registries (RFC 6890) call globally reachable, less some: multicast,
//! all of 192.0.0.0/24 and of 2001::/23 (though a few anycast addresses and identifiers in them may be routed), and
//! whatever carries an IPv4 address inside: 6to4, Teredo, NAT64. In IPv6 only 2000::/3 is given out, so nothing outside
//! of it is public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NOT_PUBLIC_V4: [Network; 16] = [
    v4([0, 0, 0, 0], 8),       // "this network", RFC 791
    v4([10, 0, 0, 0], 8),      // private, RFC 1918
    v4([100, 64, 0, 0], 10),   // shared by carriers, RFC 6598
    v4([127, 0, 0, 0], 8),     // loopback, RFC 1122
    v4([169, 254, 0, 0], 16),  // link-local, RFC 3927
    v4([172, 16, 0, 0], 12),   // private, RFC 1918
    v4([192, 0, 0, 0], 24),    // protocol assignments, RFC 6890
    v4([192, 0, 2, 0], 24),    // documentation, RFC 5737
    v4([192, 88, 99, 0], 24),  // 6to4 relays, withdrawn by RFC 7526
    v4([192, 168, 0, 0], 16),  // private, RFC 1918
    v4([198, 18, 0, 0], 15),   // benchmarks, RFC 2544
    v4([198, 51, 100, 0], 24), // documentation, RFC 5737
    v4([203, 0, 113, 0], 24),  // documentation, RFC 5737
    v4([224, 0, 0, 0], 4),     // multicast, RFC 5771
    v4([240, 0, 0, 0], 4),     // reserved, RFC 1112
    v4([255; 4], 32),          // broadcast, RFC 919
];

const PRIVATE_V4: [Network; 3] = [v4([10, 0, 0, 0], 8), v4([172, 16, 0, 0], 12), v4([192, 168, 0, 0], 16)];

/// All that IANA has given out as global unicast, RFC 4291.
const GIVEN_OUT_V6: Network = v6([0x2000, 0, 0], 3);

/// What is not public in it.
const NOT_PUBLIC_V6: [Network; 4] = [
    v6([0x2001, 0, 0], 23), // protocol assignments, RFC 2928: Teredo, benchmarks, ORCHID and others
    v6([0x2001, 0xdb8, 0], 32), // documentation, RFC 3849
    v6([0x2002, 0, 0], 16), // 6to4, RFC 3056
    v6([0x3fff, 0, 0], 20), // documentation, RFC 9637
];

/// Unique local, RFC 4193.
const PRIVATE_V6: [Network; 1] = [v6([0xfc00, 0, 0], 7)];

/// Other spellings of IPv4 addresses: mapped and compatible, RFC 4291.
const SPELLINGS_OF_V4: [Network; 2] =
    [Network { first: IpAddr::V6(Ipv6Addr::from_bits(0xffff << 32)), length: 96 }, v6([0, 0, 0], 96)];

/// A network. That there is one tells you that its first address has no bit beyond its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// From its first address and the length of its prefix; `None`: there is no such network.
    #[must_use]
    pub fn new(first: IpAddr, length: u8) -> Option<Self> {
        let whole = length <= width(first);
        let beyond = bits(first).checked_shl(length.into()).unwrap_or_default();
        (whole && beyond == 0).then_some(Self { first, length })
    }

    /// The network of one address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self { first: address, length: width(address) }
    }

    /// Its first address.
    #[must_use]
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// The length of its prefix.
    #[must_use]
    pub fn length(&self) -> u8 {
        self.length
    }

    /// Whether each of its addresses is one of the whole Internet's.
    #[must_use]
    pub fn is_public(&self) -> bool {
        let free_of = |nets: &[Self]| !nets.iter().any(|net| net.overlaps(self));
        match self.first {
            IpAddr::V4(_) => free_of(&NOT_PUBLIC_V4),
            IpAddr::V6(_) => self.within(&GIVEN_OUT_V6) && free_of(&NOT_PUBLIC_V6),
        }
    }

    /// Whether each of its addresses is one of RFC 1918's or RFC 4193's, and no other that is merely not public.
    #[must_use]
    pub fn is_private(&self) -> bool {
        PRIVATE_V4.iter().chain(&PRIVATE_V6).any(|net| self.within(net))
    }

    /// Whether it has addresses that are IPv4's in disguise. `::` and `::1` are none, and ::/0 means all there are.
    #[must_use]
    pub fn disguises_v4(&self) -> bool {
        let plain = [Ipv6Addr::UNSPECIFIED, Ipv6Addr::LOCALHOST].map(IpAddr::V6);
        let known = self.length == 0 || self.length == 128 && plain.contains(&self.first);
        !known && SPELLINGS_OF_V4.iter().any(|net| net.overlaps(self))
    }

    fn overlaps(&self, other: &Self) -> bool {
        same_family(self.first, other.first) && self.common(other) >= self.length.min(other.length).into()
    }

    fn within(&self, other: &Self) -> bool {
        self.length >= other.length && self.overlaps(other)
    }

    /// How many of their first bits are the same.
    fn common(&self, other: &Self) -> u32 {
        (bits(self.first) ^ bits(other.first)).leading_zeros()
    }
}

/// Whether the address is one of the whole Internet's.
#[must_use]
pub fn is_public(address: impl Into<IpAddr>) -> bool {
    Network::of(address.into()).is_public()
}

/// Whether the address is one of RFC 1918's or RFC 4193's, and no other that is merely not public.
#[must_use]
pub fn is_private(address: impl Into<IpAddr>) -> bool {
    Network::of(address.into()).is_private()
}

const fn v4(first: [u8; 4], length: u8) -> Network {
    let [a, b, c, d] = first;
    Network { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), length }
}

const fn v6(first: [u16; 3], length: u8) -> Network {
    let [a, b, c] = first;
    Network { first: IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0)), length }
}

fn same_family(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// An address' bits from the left, so that prefixes of both families are compared alike.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}
