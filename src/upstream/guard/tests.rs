//! Every spelling of a forbidden address that somebody thought of, from one table of addresses.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

/// One of each kind, and the ends of the ranges.
const FORBIDDEN_V4: [[u8; 4]; 26] = [
    [0, 0, 0, 0],
    [0, 255, 255, 255],
    [10, 0, 0, 1],
    [10, 255, 255, 255],
    [100, 64, 0, 1],
    [100, 100, 100, 200],
    [100, 127, 255, 255],
    [127, 0, 0, 1],
    [127, 255, 255, 254],
    [168, 63, 129, 16],
    [169, 254, 0, 1],
    [169, 254, 169, 254],
    [172, 16, 0, 1],
    [172, 31, 255, 255],
    [192, 0, 0, 192],
    [192, 0, 2, 1],
    [192, 88, 99, 1],
    [192, 168, 0, 1],
    [192, 168, 255, 255],
    [198, 18, 0, 1],
    [198, 19, 255, 255],
    [198, 51, 100, 1],
    [203, 0, 113, 1],
    [224, 0, 0, 1],
    [240, 0, 0, 1],
    [255, 255, 255, 255],
];

const FORBIDDEN_V6: [&str; 24] = [
    "::",
    "::1",
    "::2",
    "100::1",
    "64:ff9b:1::1",
    "64:ff9b::808:808",
    "::ffff:8.8.8.8",
    "2001::1",
    "2001:2::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:a00:1::",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff:ffff::1",
    "fe80::1",
    "fe80::a9fe:a9fe",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
];

const FORBIDDEN_NAMES: [&str; 14] = [
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost",
    "localhost.localdomain",
    "metadata",
    "metadata.google.internal",
    "metadata.google.internal.",
    "instance-data",
    "kubernetes",
    "printer.local",
    "router.home.arpa",
    "intranet",
    "wiki.intranet",
];

/// Spellings of one IPv4 address that some parser reads as that address.
fn spellings(bytes: [u8; 4]) -> Vec<String> {
    let [a, b, c, d] = bytes;
    let (plain, bits) = (Ipv4Addr::from(bytes), u32::from_be_bytes(bytes));
    let (low, lower) = (bits & 0xff_ffff, bits & 0xffff);
    vec![
        format!("{plain}"),
        format!("{plain}."),
        format!("{bits}"),
        format!("{bits:#x}"),
        format!("{bits:#o}").replace('o', ""),
        format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("{a:03}.{b:03}.{c:03}.0{d:03}"),
        format!("{a}.{low}"),
        format!("{a}.{b}.{lower}"),
        format!("{a:#x}.{low}"),
        format!("[{}]", plain.to_ipv6_mapped()),
        format!("[::ffff:{a:02x}{b:02x}:{c:02x}{d:02x}]"),
        format!("[::{plain}]"),
        format!("[64:ff9b::{plain}]"),
        format!("[2002:{a:02x}{b:02x}:{c:02x}{d:02x}::1]"),
        format!("[0:0:0:0:0:FFFF:{plain}]"),
    ]
}

#[test]
fn no_spelling_of_a_forbidden_address_is_a_base_url() {
    let names = FORBIDDEN_NAMES.map(str::to_owned);
    let v6 = FORBIDDEN_V6.map(|address| format!("[{address}]"));
    let hosts: Vec<String> = FORBIDDEN_V4.into_iter().flat_map(spellings).chain(v6).chain(names).collect();
    println!("{} spellings", hosts.len());
    assert!(hosts.len() >= 200);
    for host in hosts {
        for text in [format!("https://{host}/v1"), format!("https://{host}:8443")] {
            assert!(Address::parse(&text, false).is_err(), "{text}");
        }
    }
}

#[test]
fn nobody_is_where_metadata_is_whatever_is_allowed() {
    let never = ["169.254.169.254", "168.63.129.16", "100.100.100.200", "0.0.0.0", "224.0.0.1", "255.255.255.255"];
    let never_v6 = ["[fd00:ec2::254]", "[::ffff:169.254.169.254]", "[::]", "[fe80::1]", "[ff02::1]"];
    for host in never.into_iter().chain(never_v6) {
        let parsed = Address::parse(&format!("http://{host}/v1"), true);
        assert!(matches!(parsed, Err(AddressError::Never(..))), "{host}: {parsed:?}");
        let answers = [SocketAddr::new(figures(host).unwrap(), 80)];
        assert!(matches!(vet("x.org", &answers, true), Err(AddressError::Never(..))), "{host}");
    }
    for host in ["127.0.0.1", "10.0.0.1", "192.168.0.1", "100.64.0.1", "[::1]", "[fd00::1]"] {
        assert!(Address::parse(&format!("http://{host}/v1"), true).is_ok(), "{host}");
    }
}

#[test]
fn public_addresses_and_names_are_fine() {
    for host in [
        "api.openai.com",
        "8.8.8.8",
        "1.1.1.1",
        "172.15.0.1",
        "172.32.0.1",
        "100.63.0.1",
        "100.128.0.1",
        "169.253.0.1",
        "192.169.0.1",
        "198.17.0.1",
        "223.255.255.1",
        "[2606:4700::1111]",
        "[2a00:1450::1]",
        "local.example.com",
        "internal.example.org.",
        "mylocalhost.com",
    ] {
        assert!(Address::parse(&format!("https://{host}/v1/"), false).is_ok(), "{host}");
    }
    assert!(Address::parse("http://127.0.0.1:9001/v1", true).is_ok());
}

#[test]
fn one_forbidden_answer_among_many_is_enough() {
    let at = |ip: IpAddr| SocketAddr::new(ip, 443);
    let public = [at(Ipv4Addr::new(8, 8, 8, 8).into()), at("2606:4700::1111".parse().unwrap())];
    assert_eq!(vet("x.org", &public, false), Ok(()));
    let v4 = FORBIDDEN_V4.into_iter().map(|bytes| IpAddr::from(Ipv4Addr::from(bytes)));
    let v6 = FORBIDDEN_V6.into_iter().map(|text| IpAddr::from(text.parse::<Ipv6Addr>().unwrap()));
    let mapped = FORBIDDEN_V4.into_iter().map(|bytes| IpAddr::from(Ipv4Addr::from(bytes).to_ipv6_mapped()));
    for forbidden in v4.chain(v6).chain(mapped) {
        let answers = [public[0], public[1], at(forbidden)];
        let refused = vet("x.org", &answers, false).unwrap_err();
        assert!(refused.to_string().contains(&forbidden.to_string()), "{forbidden}: {refused}");
    }
}

#[test]
fn what_is_no_base_url_is_refused() {
    for text in [
        "",
        "api.openai.com",
        "ftp://x.org",
        "file:///etc/passwd",
        "gopher://x.org",
        "https://u:p@x.org",
        "https://x.org@127.0.0.1",
        "https://x.org\\@127.0.0.1",
        "https://x.org/?a=b",
        "https://x.org/#f",
        "https://",
        "https://127.0.0.1%2f.x.org",
        "https://%31%32%37.0.0.1",
        "https://x.org%00.y.org",
        "https://x.org /",
        "https://x\t.org",
        "https://①②⑦.⓪.⓪.①",
        "https://127。0。0。1",
        "//x.org",
        "https:x.org",
    ] {
        assert!(Address::parse(text, true).is_err(), "{text}");
    }
    assert_eq!(Address::parse("http://api.openai.com/v1", false).unwrap_err(), AddressError::Plain);
}

#[test]
fn a_written_address_may_be_private_where_it_says_so() {
    for text in ["https://models.dev/api.json", "http://127.0.0.1:9001/list", "https://prices.internal/list"] {
        assert!(Address::written(text).is_ok(), "{text}");
    }
    assert_eq!(Address::written("http://models.dev/api.json").unwrap_err(), AddressError::PublicPlain);
    assert_eq!(Address::written("ftp://models.dev").unwrap_err(), AddressError::Malformed);
}
