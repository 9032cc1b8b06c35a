//! Where a request comes from: the address of the peer, or what a trusted proxy says of it.
//! Owns who is believed: `X-Forwarded-For` is read from its right end, as far as trusted proxies wrote it. Refuses names. For
//! limits, an IPv6 network of /64 is one address, because whoever has one address of it has all.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;

use crate::config::Network;

const FORWARDED_FOR: &str = "x-forwarded-for";
/// More proxies than that are in nobody's way; the rest of the list is a client's own invention.
const MOST_HOPS: usize = 16;

/// The address that `request` comes from; `None` if its connection has just been closed.
pub(super) fn of(request: &HttpRequest, trusted: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let nearest = if is_trusted(trusted, peer) { behind(request, trusted, peer) } else { peer };
    Some(nearest.to_canonical())
}

/// The first address, seen from here, that no trusted proxy has; the farthest proxy, if all are such or one is no address.
fn behind(request: &HttpRequest, trusted: &[Network], peer: IpAddr) -> IpAddr {
    let mut nearest = peer;
    let lines: Vec<_> = request.headers().get_all(FORWARDED_FOR).filter_map(|line| line.to_str().ok()).collect();
    let hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    for hop in hops.take(MOST_HOPS) {
        let Some(address) = parse(hop.trim()) else { break };
        nearest = address;
        if !is_trusted(trusted, address) {
            break;
        }
    }
    nearest
}

/// Whether a proxy at `address` is believed.
pub(in crate::web) fn is_trusted(trusted: &[Network], address: IpAddr) -> bool {
    trusted.iter().any(|network| network.contains(address))
}

/// An address; some proxies write its port too, and brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// What is limited together with `address`.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn from(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let begun = TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 1));
        let begun = forwarded.iter().fold(begun, |request, line| request.append_header((FORWARDED_FOR, *line)));
        of(&begun.to_http_request(), &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_say_where_he_is() {
        assert_eq!(from("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
    }

    #[test]
    fn a_trusted_proxy_is_believed_as_far_as_it_saw() {
        for (forwarded, source) in [
            (&["198.51.100.7"][..], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (&["1.1.1.1,198.51.100.7, 10.1.1.1"], "198.51.100.7"),
            (&["1.1.1.1, 198.51.100.7", "10.1.1.1"], "198.51.100.7"),
            (&["198.51.100.7:4711"], "198.51.100.7"),
            (&["[2001:db8::1]:80"], "2001:db8::1"),
            (&["1.1.1.1, nonsense, 10.1.1.1"], "10.1.1.1"),
            (&["10.1.1.1"], "10.1.1.1"),
            (&["unknown"], "10.0.0.1"),
            (&[], "10.0.0.1"),
        ] {
            assert_eq!(from("10.0.0.1", forwarded), source, "{forwarded:?}");
        }
    }

    #[test]
    fn a_network_of_64_bits_is_one_address_and_a_mapped_one_is_the_old_one() {
        for address in ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::"] {
            assert_eq!(from(address, &[]), address, "it is told as it is");
            assert_eq!(network_of(address.parse().unwrap()).to_string(), "2001:db8:1:2::");
        }
        assert_eq!(from("::ffff:192.0.2.1", &["1.1.1.1"]), "192.0.2.1");
        assert_eq!(from("::ffff:10.0.0.1", &["192.0.2.9"]), "192.0.2.9");
    }
}
