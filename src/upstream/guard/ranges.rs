//! Ranges: addresses that no provider on the internet has. Owns the list, from IANA's registries of special addresses.
//! Refuses names: those are the guard's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First address, length of the prefix, and what is there.
type Range<Bits> = (Bits, u32, &'static str);

const V4: &[Range<u32>] = &[
    (v4(0, 0, 0, 0), 8, "this network"),
    (v4(10, 0, 0, 0), 8, "a private network"),
    (v4(100, 64, 0, 0), 10, "a carrier's network"),
    (v4(127, 0, 0, 0), 8, "loopback"),
    (v4(168, 63, 129, 16), 32, "a cloud's metadata"),
    (v4(169, 254, 0, 0), 16, "link-local, where clouds keep metadata"),
    (v4(172, 16, 0, 0), 12, "a private network"),
    (v4(192, 0, 0, 0), 24, "reserved for protocols"),
    (v4(192, 0, 2, 0), 24, "reserved for documentation"),
    (v4(192, 31, 196, 0), 24, "reserved for name servers"),
    (v4(192, 52, 193, 0), 24, "a multicast relay"),
    (v4(192, 88, 99, 0), 24, "a 6to4 relay"),
    (v4(192, 168, 0, 0), 16, "a private network"),
    (v4(192, 175, 48, 0), 24, "reserved for name servers"),
    (v4(198, 18, 0, 0), 15, "reserved for benchmarks"),
    (v4(198, 51, 100, 0), 24, "reserved for documentation"),
    (v4(203, 0, 113, 0), 24, "reserved for documentation"),
    (v4(224, 0, 0, 0), 4, "multicast"),
    (v4(240, 0, 0, 0), 4, "reserved"),
];

/// What lies inside the one block that is in use; the rest is refused as a whole.
const V6: &[Range<u128>] = &[
    (v6(0x2001, 0, 0), 23, "reserved for protocols"),
    (v6(0x2001, 0xdb8, 0), 32, "reserved for documentation"),
    (v6(0x2002, 0, 0), 16, "an IPv4 address in a 6to4 tunnel"),
    (v6(0x2620, 0x4f, 0x8000), 48, "reserved for name servers"),
    (v6(0x3fff, 0, 0), 20, "reserved for documentation"),
];

/// Known kinds of what is outside it; only for the words.
const OUTSIDE: &[Range<u128>] = &[
    (0, 128, "the unspecified address"),
    (1, 128, "loopback"),
    (0xffff << 32, 96, "an IPv4 address in IPv6 form"),
    (v6(0x64, 0xff9b, 0), 96, "an IPv4 address behind NAT64"),
    (v6(0x64, 0xff9b, 1), 48, "an IPv4 address behind NAT64"),
    (v6(0xfc00, 0, 0), 7, "a private network"),
    (v6(0xfe80, 0, 0), 10, "link-local"),
    (v6(0xfec0, 0, 0), 10, "a private network"),
    (v6(0xff00, 0, 0), 8, "multicast"),
];

/// Where no provider is on any network: metadata of clouds (Amazon and most others, Azure, Alibaba), everybody, nobody.
const NEVER_V4: &[Range<u32>] = &[
    (v4(0, 0, 0, 0), 8, "the unspecified address"),
    (v4(100, 100, 100, 200), 32, "a cloud's metadata"),
    (v4(168, 63, 129, 16), 32, "a cloud's metadata"),
    (v4(169, 254, 0, 0), 16, "link-local, where clouds keep metadata"),
    (v4(224, 0, 0, 0), 4, "multicast"),
    (v4(240, 0, 0, 0), 4, "reserved"),
];

/// The same (metadata of Amazon and of Google).
const NEVER_V6: &[Range<u128>] = &[
    (0, 128, "the unspecified address"),
    (v6(0xfd00, 0xec2, 0) | 0x254, 128, "a cloud's metadata"),
    (v6(0xfd20, 0xce, 0) | 0x254, 128, "a cloud's metadata"),
    (v6(0xfe80, 0, 0), 10, "link-local, where clouds keep metadata"),
    (v6(0xff00, 0, 0), 8, "multicast"),
];

/// `2000::/3`: all that was ever given out.
const IN_USE: (u128, u32) = (v6(0x2000, 0, 0), 3);

/// What is at `address`, if it is nowhere a provider could be.
pub(super) fn refusal(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => find_v4(V4, address.to_bits()),
        IpAddr::V6(address) => refusal_v6(address.to_bits()),
    }
}

/// What is at `address`, if it is nowhere a provider could be even on a private network.
pub(super) fn never(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => find_v4(NEVER_V4, address.to_bits()),
        IpAddr::V6(address) => find_v6(NEVER_V6, address.to_bits()),
    }
}

fn find_v4(ranges: &[Range<u32>], bits: u32) -> Option<&'static str> {
    ranges.iter().find(|(start, length, _)| (bits ^ start) >> (32 - length) == 0).map(|(.., what)| *what)
}

fn find_v6(ranges: &[Range<u128>], bits: u128) -> Option<&'static str> {
    ranges.iter().find(|(start, length, _)| within(bits, *start, *length)).map(|(.., what)| *what)
}

fn refusal_v6(bits: u128) -> Option<&'static str> {
    if within(bits, IN_USE.0, IN_USE.1) {
        find_v6(V6, bits)
    } else {
        Some(find_v6(OUTSIDE, bits).unwrap_or("reserved"))
    }
}

fn within(bits: u128, start: u128, length: u32) -> bool {
    (bits ^ start) >> (128 - length) == 0
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    Ipv4Addr::new(a, b, c, d).to_bits()
}

const fn v6(a: u16, b: u16, c: u16) -> u128 {
    Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_bits()
}
