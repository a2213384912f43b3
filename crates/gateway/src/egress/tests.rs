//! The policy and its parts: which addresses are refused in which spelling, what proxies and headers may be.

use proptest::prelude::*;

use super::*;

fn strict() -> EgressPolicy {
    EgressPolicy::default()
}

#[test]
fn addresses_that_are_no_provider_on_the_internet_are_refused_by_kind() {
    for (address, kind) in [
        ("127.0.0.1", Kind::Loopback),
        ("127.255.0.9", Kind::Loopback),
        ("::1", Kind::Loopback),
        ("10.0.0.1", Kind::Private),
        ("172.16.0.1", Kind::Private),
        ("172.31.255.255", Kind::Private),
        ("192.168.1.1", Kind::Private),
        ("100.64.0.1", Kind::Private),
        ("100.127.255.255", Kind::Private),
        ("fc00::1", Kind::Private),
        ("fdff::1", Kind::Private),
        ("169.254.169.254", Kind::Metadata),
        ("100.100.100.200", Kind::Metadata),
        ("fd00:ec2::254", Kind::Metadata),
        ("169.254.0.1", Kind::LinkLocal),
        ("fe80::1", Kind::LinkLocal),
        ("febf::1", Kind::LinkLocal),
        ("0.0.0.0", Kind::Unspecified),
        ("0.1.2.3", Kind::Unspecified),
        ("::", Kind::Unspecified),
        ("224.0.0.1", Kind::Multicast),
        ("239.255.255.255", Kind::Multicast),
        ("ff02::1", Kind::Multicast),
        ("255.255.255.255", Kind::Broadcast),
        ("240.0.0.1", Kind::Reserved),
        ("192.0.2.1", Kind::Reserved),
        ("198.18.0.1", Kind::Reserved),
        ("198.51.100.7", Kind::Reserved),
        ("203.0.113.7", Kind::Reserved),
        ("2001:db8::1", Kind::Reserved),
        ("64:ff9b:1::1", Kind::Reserved),
        // The same by detours.
        ("::ffff:127.0.0.1", Kind::Loopback),
        ("::ffff:169.254.169.254", Kind::Metadata),
        ("::ffff:0:10.0.0.1", Kind::Private),
        ("::10.0.0.1", Kind::Private),
        ("64:ff9b::10.0.0.1", Kind::Private),
        ("2002:7f00:1::", Kind::Loopback),
    ] {
        let parsed: IpAddr = address.parse().unwrap();
        assert_eq!(Kind::of(parsed), Some(kind), "{address}");
        assert!(strict().check_addr(parsed).is_err(), "{address}");
    }
}

#[test]
fn public_addresses_pass() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "169.253.255.255",
        "223.255.255.255",
        "2606:4700::1111",
        "2001:4860:4860::8888",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ] {
        assert_eq!(
            strict().check_addr(address.parse().unwrap()),
            Ok(()),
            "{address}"
        );
    }
}

#[test]
fn hosts_are_judged_however_they_are_spelt() {
    for url in [
        "http://127.0.0.1:8080/x",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
        "http://localhost:1",
        "http://LOCALHOST.",
        "http://api.localhost",
        "http://metadata.google.internal/computeMetadata",
        "http://instance-data.ec2.internal",
        "http://2130706433",
        "http://0x7f000001",
        "http://127.1",
        "http://0177.0.0.1",
        "http://127.0.0.1.",
        "https://user:pw@10.0.0.1",
    ] {
        assert!(strict().check_url(url).is_err(), "{url}");
    }
    for url in [
        "https://api.openai.com",
        "https://notlocalhost",
        "https://localhost.example.com",
        "https://gpt4.example",
        "https://1.1.1.1",
    ] {
        assert_eq!(strict().check_url(url), Ok(()), "{url}");
    }
}

#[test]
fn a_refusal_says_which_setting_allows_it_and_that_setting_does() {
    for url in [
        "http://10.1.2.3",
        "http://169.254.169.254",
        "http://[fe80::1]",
    ] {
        let why = strict().check_url(url).unwrap_err();
        assert!(why.contains("[egress]") && why.contains("allow"), "{why}");
        let range = why.rsplit('"').nth(1).unwrap();
        let policy = EgressPolicy::new(vec![range.parse().unwrap()], [], []);
        assert_eq!(policy.check_url(url), Ok(()), "{why}");
    }
    let named = strict()
        .check_url("http://metadata.google.internal")
        .unwrap_err();
    assert!(named.contains("169.254.169.254/32"), "{named}");
}

#[test]
fn what_the_file_names_allows_its_kind_but_never_what_is_link_local() {
    let policy = EgressPolicy::new(
        Vec::new(),
        [
            "http://127.0.0.1:9",
            "http://169.254.1.1",
            "http://169.254.169.254",
        ],
        ["192.168.0.1"],
    );
    for url in [
        "http://127.0.0.9",
        "http://localhost",
        "http://[::1]",
        "http://10.0.0.1",
    ] {
        assert_eq!(policy.check_url(url), Ok(()), "{url}");
    }
    for url in [
        "http://169.254.1.1",
        "http://169.254.169.254",
        "http://203.0.113.1",
    ] {
        assert!(policy.check_url(url).is_err(), "{url}");
    }
}

#[test]
fn ranges_are_read_with_their_mistakes() {
    for good in [
        "10.0.0.0/8",
        "fd00::/8",
        "127.0.0.1",
        "::1",
        "0.0.0.0/0",
        "::/0",
    ] {
        assert!(good.parse::<Range>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "10.0.0.0/33",
        "::/129",
        "10.0.0/8",
        "localhost",
        "10.0.0.0/x",
        "/8",
    ] {
        assert!(bad.parse::<Range>().is_err(), "{bad}");
    }
    let mapped: Range = "::ffff:10.0.0.0/104".parse().unwrap();
    assert!(mapped.contains("10.200.0.1".parse().unwrap()));
}

#[test]
fn proxies_are_read_and_shown_without_their_password() {
    for (text, shown) in [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("HTTPS://Proxy.Example", "https://proxy.example:443"),
        ("socks5://10.0.0.1", "socks5://10.0.0.1:1080"),
        (
            "socks5h://u:p%40ss@[fd00::1]:9050/",
            "socks5h://[fd00::1]:9050",
        ),
    ] {
        let proxy = Proxy::parse(text).unwrap();
        assert_eq!(proxy.to_string(), shown);
        assert!(!format!("{proxy:?}").contains("p@ss"));
    }
    let proxy = Proxy::parse("http://me:p%40ss%2F1@host:1").unwrap();
    let auth = proxy.auth().unwrap();
    assert_eq!(
        (auth.user.as_str(), auth.password.expose()),
        ("me", "p@ss/1")
    );
}

#[test]
fn what_is_no_proxy_is_refused_without_quoting_it() {
    for bad in [
        "",
        "hunter2",
        "host:3128",
        "ftp://u:hunter2@host",
        "http://u:hunter2@",
        "http://u:hunter2@host:0",
        "http://u:hunter2@host:99999",
        "http://u:hunter2@host:",
        "http://u:hunter2@host/path",
        "http://u:hunter2/3@host",
        "http://:hunter2@host",
        "http://u:hunter2%00@host",
    ] {
        let why = Proxy::parse(bad).unwrap_err();
        assert!(!why.is_empty() && !why.contains("hunter2"), "{bad}: {why}");
    }
}

#[test]
fn headers_that_break_the_exchange_or_the_credential_are_refused_by_name() {
    use waybill_model::protocol::Platform::{Anthropic, Gemini, OpenAi};
    for (platform, name) in [
        (OpenAi, "Host"),
        (OpenAi, "content-length"),
        (OpenAi, "Connection"),
        (OpenAi, "transfer-encoding"),
        (OpenAi, "accept-encoding"),
        (OpenAi, "Authorization"),
        (Anthropic, "x-api-key"),
        (Gemini, "x-goog-api-key"),
        (OpenAi, "x-waybill-request-id"),
        (OpenAi, "not a name"),
    ] {
        let why = CustomHeaders::new(platform, [(name, "hunter2")]).unwrap_err();
        assert!(why.contains(&name.to_ascii_lowercase()), "{why}");
        assert!(!why.contains("hunter2"), "{why}");
    }
    assert!(CustomHeaders::new(Anthropic, [("authorization", "Basic x")]).is_ok());
    assert!(CustomHeaders::new(OpenAi, [("x-team", "a\nb")]).is_err());
    assert!(CustomHeaders::new(OpenAi, [("X-Team", "a"), ("x-team", "b")]).is_err());
}

#[test]
fn headers_rest_as_json_and_come_back() {
    use waybill_model::protocol::Platform::OpenAi;
    let headers = CustomHeaders::new(
        OpenAi,
        [("X-Team", "blue"), ("openai-organization", "org-1")],
    )
    .unwrap();
    assert_eq!(
        CustomHeaders::from_json(OpenAi, &headers.to_json()).unwrap(),
        headers
    );
    assert_eq!(headers.names(), ["openai-organization", "x-team"]);
    assert!(!format!("{headers:?}").contains("blue"));
}

proptest! {
    #[test]
    fn any_host_is_judged_without_a_panic(host in "\\PC{0,40}") {
        let _ = strict().check_host(&host);
        let _ = strict().check_url(&format!("http://{host}"));
        let _ = Proxy::parse(&host);
    }

    #[test]
    fn a_mapped_address_is_judged_as_the_address_it_is(bits in any::<u32>()) {
        let v4 = std::net::Ipv4Addr::from(bits);
        prop_assert_eq!(Kind::of(v4.into()), Kind::of(v4.to_ipv6_mapped().into()));
    }

    #[test]
    fn a_range_contains_what_shares_its_first_bits(base in any::<u32>(), bits in 0u8..=32, other in any::<u32>()) {
        let range: Range = format!("{}/{bits}", std::net::Ipv4Addr::from(base)).parse().unwrap();
        let mask = if bits == 0 { 0 } else { u32::MAX << (32 - bits) };
        prop_assert_eq!(range.contains(std::net::Ipv4Addr::from(other).into()), base & mask == other & mask);
    }
}
