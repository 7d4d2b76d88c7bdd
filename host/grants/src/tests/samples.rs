//! Slots of each type, and values for them from a seed: good ones, and good ones bent in the ways that a hostile client
//! would try. The daemon's tests hand the same ones to a process.

/// xorshift64*: no dependency, the same values everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, most: usize) -> usize {
        (self.next() >> 33) as usize % most
    }

    pub(crate) fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    pub(crate) fn text(&mut self, letters: &[&str], longest: usize) -> String {
        (0..self.below(longest + 1)).map(|_| self.of(letters)).collect()
    }

    /// A value for a slot of [`SAMPLES`]: as its type has it, or, one of three, bent.
    pub(crate) fn value(&mut self, good: Good) -> String {
        let good = good(self);
        if self.below(3) > 0 {
            return good;
        }
        let mut letters: Vec<char> = good.chars().collect();
        let at = self.below(letters.len() + 1);
        let end = (at + self.below(3)).min(letters.len());
        letters.splice(at..end, self.of(&PIECES).chars());
        letters.into_iter().collect()
    }
}

/// What bends a value in an interesting place.
const PIECES: [&str; 36] = [
    "",
    "-",
    "--",
    "-f ",
    "+",
    "@",
    "=",
    "\n",
    "\0",
    "\t",
    "\u{7f}",
    " ",
    "$(id)",
    ";id",
    "`",
    "'",
    "/",
    "//",
    "/../",
    "..",
    ".",
    ":",
    "::",
    "::ffff:",
    "64:ff9b::",
    "2002:",
    "%eth0",
    "0",
    "00",
    "9",
    "a",
    "A",
    "٧",
    "р",
    "\u{202e}",
    "\u{200b}",
];

/// Makes a value that its slot mostly takes.
pub(crate) type Good = fn(&mut Random) -> String;

/// A slot as the grants file has it, and values for it.
pub(crate) const SAMPLES: [(&str, Good); 32] = [
    (r#"type = "ipv4""#, ipv4),
    (r#"type = "ipv4", scope = "public""#, ipv4),
    (r#"type = "ipv4", scope = "private""#, private_ipv4),
    (r#"type = "ipv6""#, ipv6),
    (r#"type = "ipv6", scope = "public""#, public_ipv6),
    (r#"type = "ipv6", scope = "private""#, private_ipv6),
    (r#"type = "ip""#, |random| either(random, ipv4, ipv6)),
    (r#"type = "ip", scope = "public""#, |random| either(random, ipv4, public_ipv6)),
    (r#"type = "ip", scope = "private""#, |random| either(random, private_ipv4, private_ipv6)),
    (r#"type = "cidr""#, |random| {
        either(random, |random| cidr(random, ipv4, 8..=33), |random| cidr(random, ipv6, 8..=129))
    }),
    (r#"type = "cidr", scope = "public", min_prefix = 8"#, |random| {
        either(random, |random| cidr(random, ipv4, 8..=33), |random| cidr(random, public_ipv6, 8..=129))
    }),
    (r#"type = "cidr", scope = "private""#, |random| {
        either(random, |random| cidr(random, private_ipv4, 16..=33), |random| cidr(random, private_ipv6, 16..=129))
    }),
    (r#"type = "cidr", family = 6, max_prefix = 64"#, |random| cidr(random, ipv6, 8..=65)),
    (r#"type = "hostname""#, hostname),
    (r#"type = "hostname", below = ["org", "b.net"]"#, hostname),
    (r#"type = "hostname", one_of = ["a.org", "b.net"]"#, |random| random.of(&["a.org", "A.ORG", "b.net"]).into()),
    (r#"type = "integer", max = 4000000000"#, integer),
    (r#"type = "integer", min = 20, max = 100"#, |random| (random.below(90) + 15).to_string()),
    (r#"type = "integer", one_of = "settings.ports""#, |random| random.of(&["22", "80"]).into()),
    (r#"type = "one_of", values = ["start", "a b"]"#, |random| random.of(&["start", "a b"]).into()),
    (r#"type = "text", pattern = ".*""#, |random| random.text(&["a", "Z", "-", " ", "*", "{", "\\", "\"", "~"], 20)),
    (r#"type = "text", pattern = "[a-z0-9.-]+", max = 12"#, |random| {
        random.text(&["a", "z", "5", "b", "0", "-", "."], 13)
    }),
    (r#"type = "text", one_of = ["a b", "c"]"#, |random| random.of(&["a b", "c"]).into()),
    (r#"type = "user""#, account),
    (r#"type = "user", one_of = ["www-data", "_x"]"#, |random| random.of(&["www-data", "_x"]).into()),
    (r#"type = "group""#, account),
    (r#"type = "group", one_of = ["adm", "ssl-cert"]"#, |random| random.of(&["adm", "ssl-cert"]).into()),
    (r#"type = "unit""#, |random| unit(random, &["service", "service", "service", "timer"])),
    (r#"type = "unit", suffix = ["timer", "socket"]"#, |random| unit(random, &["timer", "socket", "timer", "mount"])),
    (r#"type = "unit", one_of = ["a@b.service", "c.timer"]"#, |random| random.of(&["a@b.service", "c.timer"]).into()),
    (r#"type = "uuid""#, uuid),
    (r#"type = "path", below = "/var/log/app""#, path),
];

fn either(random: &mut Random, one: Good, other: Good) -> String {
    if random.below(2) == 0 { one(random) } else { other(random) }
}

fn ipv4(random: &mut Random) -> String {
    std::net::Ipv4Addr::from_bits((random.next() >> 32) as u32).to_string()
}

fn private_ipv4(random: &mut Random) -> String {
    let parts = |random: &mut Random, count| (0..count).map(|_| format!(".{}", random.below(256))).collect::<String>();
    match random.below(3) {
        0 => format!("10{}", parts(random, 3)),
        1 => format!("192.168{}", parts(random, 2)),
        _ => format!("172.{}{}", 16 + random.below(17), parts(random, 2)),
    }
}

/// Of each part of the world.
fn ipv6(random: &mut Random) -> String {
    spelt(random, &[0x2000, 0x2001, 0x2002, 0x2600, 0x2a01, 0xfc00, 0xfd12, 0xfe80, 0xff02, 0x64, 0])
}

fn public_ipv6(random: &mut Random) -> String {
    spelt(random, &[0x2400, 0x2600, 0x2a01, 0x2a02, 0x2003, 0x2604, 0x2001, 0x2002])
}

fn private_ipv6(random: &mut Random) -> String {
    spelt(random, &[0xfc00, 0xfd12, 0xfdff, 0xfe80])
}

/// Beginning so, and in other spellings than std's.
fn spelt(random: &mut Random, first: &[u16]) -> String {
    let mut groups = [first[random.below(first.len())], 0, 0, 0, 0, 0, 0, 0];
    for _ in 0..random.below(8) {
        groups[1 + random.below(7)] = (random.next() >> 48) as u16;
    }
    let written = std::net::Ipv6Addr::from(groups).to_string();
    match random.below(4) {
        0 => written.to_uppercase(),
        1 => groups.map(|group| format!("{group:04x}")).join(":"),
        _ => written,
    }
}

/// The network of such an address, of such a length, the longest being one too long; now and then an address in it
/// instead.
fn cidr(random: &mut Random, address: Good, lengths: std::ops::RangeInclusive<usize>) -> String {
    let (address, length) = (address(random), lengths.start() + random.below(lengths.end() - lengths.start() + 1));
    let is_in_it = random.below(20) == 0;
    match address.parse() {
        Ok(std::net::IpAddr::V4(four)) => {
            let mask = u32::MAX << (32 - length.min(32));
            let net = if is_in_it { four } else { std::net::Ipv4Addr::from_bits(four.to_bits() & mask) };
            format!("{net}/{length}")
        }
        Ok(std::net::IpAddr::V6(six)) => {
            let mask = u128::MAX << (128 - length.min(128));
            let net = if is_in_it { six } else { std::net::Ipv6Addr::from_bits(six.to_bits() & mask) };
            format!("{net}/{length}")
        }
        Err(_) => address,
    }
}

fn hostname(random: &mut Random) -> String {
    let label = |random: &mut Random| random.of(&["www", "A", "b", "x-y", "0x7f", "12", "xn--bcher-kva"]).to_owned();
    let labels: Vec<_> = (0..random.below(4)).map(|_| label(random)).collect();
    format!(
        "{}{}{}",
        labels.join("."),
        if labels.is_empty() { "" } else { "." },
        random.of(&["org", "b.net", "com", "B.net"])
    )
}

fn integer(random: &mut Random) -> String {
    (random.next() >> (31 + random.below(33))).to_string()
}

fn account(random: &mut Random) -> String {
    random.of(&["_", "w", "www", "systemd"]).to_owned() + &random.text(&["a", "z", "0", "9", "-", "_"], 29)
}

fn unit(random: &mut Random, suffixes: &[&str]) -> String {
    let name = random.of(&["n", "nginx", "getty@tty1", "a\\x2db", "_x:y", "0"]).to_owned()
        + &random.text(&[".", "-", "@", "b"], 4);
    format!("{name}.{}", random.of(suffixes))
}

fn uuid(random: &mut Random) -> String {
    let (high, low) = (random.next(), random.next());
    let written = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
    if random.below(3) == 0 { written.to_uppercase() } else { written }
}

fn path(random: &mut Random) -> String {
    let part = |random: &mut Random| random.of(&["a", "app.log", "b c", "..x", "x-", "@y", "$(id)"]).to_owned();
    let parts: Vec<_> = (0..=random.below(4)).map(|_| part(random)).collect();
    random.of(&["", "", "/var/log/app/"]).to_owned() + &parts.join("/")
}
