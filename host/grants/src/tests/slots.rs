//! Each type of slot: what it takes, as what it is rendered, and what it refuses: whatever
//! it takes is one argument, and means to the program what it means here.

use super::{command, filled};

/// What no type of one kind of thing takes.
const HOSTILE: [&str; 30] = [
    "-f",
    "--",
    "-",
    "",
    " ",
    "@/etc/shadow",
    "a b",
    "$(id)",
    ";id",
    "`id`",
    "a\n",
    "\na",
    "\0",
    "a\0",
    "+7",
    "٧",
    "::ffff:10.0.0.1",
    "127.1",
    "010.0.0.1",
    "fe80::1%eth0",
    "\u{202e}abc",
    "a\u{200b}",
    "рoot",
    "é",
    "\u{1b}[2J",
    "../../etc/shadow",
    "/etc/shadow",
    "*",
    "{v}",
    "=1+1",
];

/// The slot; what it takes and as what it is rendered; what it refuses beside [`HOSTILE`].
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const CASES: [Case; 20] = [
    (
        r#"type = "ipv6""#,
        &[
            ("::1", "::1"),
            ("::", "::"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("fe80::1", "fe80::1"),
            ("64:ff9b::a00:1", "64:ff9b::a00:1"),
        ],
        &[
            "10.0.0.1",
            "8.8.8.8",
            "::10.0.0.1",
            "::a00:1",
            "::2",
            "::ffff:a00:1",
            "::FFFF:0:0",
            "0:0:0:0:0:ffff:a00:1",
            "64:ff9b::10.0.0.1",
            "2001:db8::1/128",
            "[2001:db8::1]",
            "2001:db8::1]:22",
            "2001:db8::00001",
            "2001:db8",
            ":::",
            "1::2::3",
            "2001:db8::g",
            "2001:db8::1 ",
            "fe80::1%2",
            "1:2:3:4:5:6:7:8:9",
        ],
    ),
    (
        r#"type = "ipv6", scope = "public""#,
        &[("2606:4700:4700::1111", "2606:4700:4700::1111"), ("2A00::1", "2a00::1")],
        &[
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2002:808:808::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:db8::1",
            "3fff::1",
            "fd00::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::1",
            "::",
            "100::1",
            "5f00::1",
            "4000::1",
            "::ffff:8.8.8.8",
            "::ffff:808:808",
        ],
    ),
    (
        r#"type = "ipv6", scope = "private""#,
        &[("fd12:3456::1", "fd12:3456::1"), ("fc00::", "fc00::")],
        &["fe80::1", "2606:4700::1", "::1", "::ffff:10.0.0.1", "fe00::1", "10.0.0.1"],
    ),
    (
        r#"type = "ip", scope = "public""#,
        &[("8.8.8.8", "8.8.8.8"), ("2606:4700:0::1111", "2606:4700::1111")],
        &["100.64.0.1", "10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "fd00::1", "::ffff:8.8.8.8", "8.8.8"],
    ),
    (
        r#"type = "ip", scope = "private""#,
        &[("10.0.0.1", "10.0.0.1"), ("FD00::1", "fd00::1")],
        &["8.8.8.8", "100.64.0.1", "::ffff:10.0.0.1", "fe80::1"],
    ),
    (
        r#"type = "cidr""#,
        &[
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("8.8.8.8/32", "8.8.8.8/32"),
            ("2001:0DB8::/32", "2001:db8::/32"),
            ("::1/128", "::1/128"),
        ],
        &[
            "10.0.0.1/8",
            "10.0.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "10.0.0.0/ 8",
            "10.0.0.0/8 ",
            "10.0.0.0/-1",
            "10.0.0.0/255.0.0.0",
            "10.0.0.0/8/8",
            "10/8",
            "010.0.0.0/8",
            "0.0.0.1/0",
            "2001:db8::1/32",
            "::/129",
            "::/96",
            "::/95",
            "::/64",
            "::ffff:0:0/96",
            "::ffff:10.0.0.0/104",
            "::ffff:a00:0/104",
            "::fffe:0:0/95",
            "::10.0.0.0/104",
            "fe80::%eth0/10",
            "10.0.0.0/٨",
            "/8",
        ],
    ),
    (
        r#"type = "cidr", scope = "public""#,
        &[("8.8.8.0/24", "8.8.8.0/24"), ("2600::/12", "2600::/12"), ("11.0.0.0/8", "11.0.0.0/8")],
        &[
            "0.0.0.0/0",
            "::/0",
            "10.0.0.0/8",
            "10.1.2.0/24",
            "8.0.0.0/5",
            "8.0.0.0/6",
            "100.64.0.0/10",
            "100.0.0.0/8",
            "192.0.0.0/8",
            "192.168.0.0/16",
            "2000::/3",
            "2001::/16",
            "2001:db8::/48",
            "2002::/16",
            "64:ff9b::/96",
            "fc00::/7",
        ],
    ),
    (
        r#"type = "cidr", scope = "private""#,
        &[("10.0.0.0/8", "10.0.0.0/8"), ("172.16.0.0/12", "172.16.0.0/12"), ("fd00::/8", "fd00::/8")],
        &["8.0.0.0/6", "172.0.0.0/11", "172.0.0.0/8", "192.0.0.0/8", "8.8.8.0/24", "fc00::/6", "::/0"],
    ),
    (
        r#"type = "cidr", family = 4, min_prefix = 16, max_prefix = 24"#,
        &[("10.1.0.0/16", "10.1.0.0/16"), ("10.1.2.0/24", "10.1.2.0/24")],
        &["10.0.0.0/15", "10.1.2.0/25", "10.1.2.3/32", "2001:db8::/20"],
    ),
    (r#"type = "cidr", family = 6"#, &[("2001:db8::/32", "2001:db8::/32")], &["10.0.0.0/8", "2001:db9::/31"]),
    (
        r#"type = "hostname""#,
        &[
            ("localhost", "localhost"),
            ("WWW.Example.ORG", "www.example.org"),
            ("a-b.c", "a-b.c"),
            ("3com.com", "3com.com"),
            ("1.2.3.four", "1.2.3.four"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("0xg", "0xg"),
        ],
        &[
            "example.org.",
            ".example.org",
            "a..b",
            ".",
            "-a.org",
            "a-.org",
            "a.-b",
            "a.b-",
            "a_b.org",
            "10.0.0.1",
            "1",
            "a.1",
            "0x7f000001",
            "a.0x7f",
            "a.0X7F",
            "0x",
            "example.org:80",
            "http://a",
            "a/b",
            "user@host",
            "bücher.example",
            "a.org\n",
            "a,b",
        ],
    ),
    (
        r#"type = "hostname", below = "Example.org""#,
        &[("example.org", "example.org"), ("A.B.example.ORG", "a.b.example.org")],
        &["badexample.org", "example.org.evil.com", "org", "example.com", ".example.org", "a..example.org"],
    ),
    (
        r#"type = "hostname", one_of = "settings.hosts""#,
        &[("www.example.org", "www.example.org"), ("WWW.example.org", "www.example.org")],
        &["a.www.example.org", "example.org", "www.example.org."],
    ),
    (
        r#"type = "user""#,
        &[("root", "root"), ("_apt", "_apt"), ("www-data", "www-data"), ("a1_-", "a1_-")],
        &["0", "1000", "Root", "a.b", "a$", "9a", "a:b", "root\n", "a,b", "root:root", "a@b"],
    ),
    (
        r#"type = "group", one_of = ["adm", "www-data"]"#,
        &[("adm", "adm"), ("www-data", "www-data")],
        &["root", "ad", "admm", "ADM", "adm,www-data"],
    ),
    (
        r#"type = "unit""#,
        &[
            ("nginx.service", "nginx.service"),
            ("getty@tty1.service", "getty@tty1.service"),
            ("a\\x2db.service", "a\\x2db.service"),
            ("a.timer.service", "a.timer.service"),
        ],
        &[
            "nginx",
            "nginx.timer",
            ".service",
            "..service",
            "@a.service",
            "-.service",
            "nginx.Service",
            "nginx.service.",
            "nginx*.service",
            "ngin?.service",
            "[a].service",
            "a/b.service",
            "/dev/sda.service",
            "a b.service",
            "nginx.service\n",
            "nginx.services",
        ],
    ),
    (
        r#"type = "unit", suffix = ["timer", "mount"]"#,
        &[("backup.timer", "backup.timer"), ("home-a.mount", "home-a.mount")],
        &["nginx.service", "-.mount", "backup", "timer"],
    ),
    (
        r#"type = "unit", one_of = ["nginx.service", "backup.timer"]"#,
        &[("nginx.service", "nginx.service"), ("backup.timer", "backup.timer")],
        &["apache2.service", "nginx", "nginx.timer"],
    ),
    (
        r#"type = "uuid""#,
        &[
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
            ("00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000"),
        ],
        &[
            "f81d4fae7dec11d0a76500a0c91e6bf6",
            "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}",
            "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6\n",
            "f81d4fae-7dec-11d0-a76500-a0c91e6bf6",
            "f81d4fae-7dec-11d0-a765+00a0c91e6bf6",
            "------------------------------------",
            "f81d4fae-7dec-11d0-a765-00a0c91e6b٧",
        ],
    ),
    (
        r#"type = "list", of = { type = "user", one_of = ["adm"] }, max = 1"#,
        &[("adm", "adm")],
        &["root", "adm,adm", "adm adm"],
    ),
];

#[test]
fn each_type_takes_its_own_and_renders_it_in_one_spelling() {
    for (slot, accepted, _) in CASES {
        let command = command(slot);
        for (value, rendered) in accepted {
            assert_eq!(filled(&command, value).as_deref(), Some(*rendered), "{slot}: {value:?}");
            assert_eq!(filled(&command, rendered).as_deref(), Some(*rendered), "{slot}: {value:?}");
        }
    }
}

#[test]
fn each_type_refuses_what_is_not_its_own() {
    for (slot, _, refused) in CASES {
        let command = command(slot);
        let long = ["a", "1", "a.", "1:", "0", "a/"].map(|piece| piece.repeat(50_000));
        for value in refused.iter().chain(&HOSTILE).copied().chain(long.iter().map(String::as_str)) {
            assert_eq!(filled(&command, value), None, "{slot}: {:?}", value.get(..40).unwrap_or(value));
        }
    }
}

#[test]
fn a_name_is_as_long_as_its_type_has_it_and_no_longer() {
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    for (slot, good, bad) in [
        (r#"type = "hostname""#, label.clone(), "a".repeat(64)),
        (r#"type = "hostname""#, longest.clone(), format!("{longest}b")),
        (r#"type = "user""#, "a".repeat(32), "a".repeat(33)),
        (r#"type = "unit""#, "a".repeat(247) + ".service", "a".repeat(248) + ".service"),
    ] {
        let command = command(slot);
        assert_eq!(filled(&command, &good), Some(good.clone()), "{slot}");
        assert_eq!(filled(&command, &bad), None, "{slot}");
    }
}
