//! Slots of each type, and values for them from a seed: good ones, and good ones bent in the ways that a hostile client would
//! try. The daemon's tests hand the same ones to a process.

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

    /// A value for a slot of [`SAMPLES`]: as its type has it, or bent.
    pub(crate) fn value(&mut self, good: Good) -> String {
        let good = good(self);
        if self.below(2) == 0 {
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
pub(crate) const SAMPLES: [(&str, Good); 22] = [
    (r#"type = "ipv4""#, ipv4),
    (r#"type = "ipv4", scope = "public""#, ipv4),
    (r#"type = "ipv6""#, ipv6),
    (r#"type = "ipv6", scope = "public""#, ipv6),
    (r#"type = "ipv6", scope = "private""#, ipv6),
    (r#"type = "ip""#, ip),
    (r#"type = "cidr""#, cidr),
    (r#"type = "cidr", scope = "public", min_prefix = 8"#, cidr),
    (r#"type = "cidr", family = 6, max_prefix = 64"#, cidr),
    (r#"type = "hostname""#, hostname),
    (r#"type = "hostname", below = ["org", "b.net"]"#, hostname),
    (r#"type = "integer", max = 4000000000"#, integer),
    (r#"type = "integer", one_of = "settings.ports""#, |random| random.of(&["22", "80"]).into()),
    (r#"type = "one_of", values = ["start", "a b"]"#, |random| random.of(&["start", "a b"]).into()),
    (r#"type = "text", pattern = ".*""#, |random| random.text(&["a", "Z", "-", " ", "*", "{", "\\", "\"", "~"], 20)),
    (r#"type = "text", pattern = "[a-z0-9.-]+", max = 12"#, |random| random.text(&["a", "z", "5", "-", "."], 14)),
    (r#"type = "user""#, account),
    (r#"type = "group""#, account),
    (r#"type = "unit""#, unit),
    (r#"type = "unit", suffix = ["timer", "socket"]"#, unit),
    (r#"type = "uuid""#, uuid),
    (r#"type = "path", below = "/var/log/app""#, path),
];

fn ipv4(random: &mut Random) -> String {
    std::net::Ipv4Addr::from_bits((random.next() >> 32) as u32).to_string()
}

/// Of each part of the world, and in other spellings than std's.
fn ipv6(random: &mut Random) -> String {
    let first = [0x2000, 0x2001, 0x2002, 0x2600, 0x2a01, 0xfc00, 0xfd12, 0xfe80, 0xff02, 0x64, 0][random.below(11)];
    let mut groups = [first, 0, 0, 0, 0, 0, 0, 0];
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

fn ip(random: &mut Random) -> String {
    if random.below(2) == 0 { ipv4(random) } else { ipv6(random) }
}

fn cidr(random: &mut Random) -> String {
    let (family, bits) = (random.below(2), u128::from(random.next()) << 64 | u128::from(random.next()));
    let (width, length) = if family == 0 { (32, random.below(34)) } else { (128, random.below(131)) };
    let bits = if family == 0 { bits } else { bits >> 3 | 0x2 << 124 };
    let net = if length == 0 { 0 } else { bits & u128::MAX << (128 - length.min(width)) };
    let net = if random.below(10) == 0 { bits } else { net };
    match family {
        0 => format!("{}/{length}", std::net::Ipv4Addr::from_bits((net >> 96) as u32)),
        _ => format!("{}/{length}", std::net::Ipv6Addr::from_bits(net)),
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

fn unit(random: &mut Random) -> String {
    let name = random.of(&["n", "nginx", "getty@tty1", "a\\x2db", "_x:y", "0"]).to_owned()
        + &random.text(&[".", "-", "@", "b"], 4);
    format!("{name}.{}", random.of(&["service", "service", "timer", "socket", "mount"]))
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
