//! Two thousand values of each slot type, from a fixed seed: what is accepted is what an independent rule accepts, in
//! one spelling, and rendering it again changes nothing.

use std::net::Ipv4Addr;

use super::samples::Random;
use super::{command, filled};

const COUNT: usize = 2000;

/// Both answers must come up often, or the values try nothing.
fn holds(slot: &str, expected: impl Fn(&str) -> bool, mut value: impl FnMut(&mut Random) -> String) {
    let (command, mut random, mut accepted) = (command(slot), Random(0x5eed), 0);
    for _ in 0..COUNT {
        let value = value(&mut random);
        let found = filled(&command, &value);
        assert_eq!(found.is_some(), expected(&value), "{slot}: {value:?}");
        if let Some(rendered) = found {
            accepted += 1;
            assert_eq!(rendered, value);
            assert_eq!(filled(&command, &rendered).as_deref(), Some(&*rendered));
        }
    }
    assert!((COUNT / 50..COUNT - COUNT / 50).contains(&accepted), "{slot}: {accepted} of {COUNT} accepted");
}

fn four_parts(value: &str) -> Option<Ipv4Addr> {
    let part = |part: &str| {
        let canonical = part == "0" || !part.starts_with('0');
        (canonical && part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse().ok())?
    };
    let parts: Vec<u8> = value.split('.').map(part).collect::<Option<_>>()?;
    <[u8; 4]>::try_from(parts).ok().map(Ipv4Addr::from)
}

fn address(random: &mut Random) -> String {
    let number = Ipv4Addr::from((random.next() >> 32) as u32).to_string();
    match random.below(6) {
        0 | 1 => number,
        2 => format!("10.{}.{}.{}", random.below(300), random.below(256), random.below(256)),
        3 => number.replacen('.', random.of(&["..", "", ".0", " .", ".-", "。"]), 1),
        4 => format!("{}{number}", random.of(&["0", " ", "::ffff:", "+", ""])),
        _ => random.text(&["1", "2", "5", "0", ".", ".", "٧", "x", ":"], 15),
    }
}

#[test]
fn an_address_is_taken_in_four_decimal_parts_and_in_no_other_spelling() {
    holds(r#"type = "ipv4""#, |value| four_parts(value).is_some(), address);
}

#[test]
fn a_public_scope_takes_exactly_the_public_addresses() {
    let public = |value: &str| four_parts(value).is_some_and(crate::addresses::is_public);
    holds(r#"type = "ipv4", scope = "public""#, public, address);
}

#[test]
fn a_private_scope_takes_exactly_those_of_rfc_1918() {
    let private = |value: &str| four_parts(value).is_some_and(|address| address.is_private());
    holds(r#"type = "ipv4", scope = "private""#, private, address);
}

fn number(random: &mut Random) -> String {
    match random.below(4) {
        0 => (random.below(300) as i64 - 150).to_string(),
        1 => random.text(&["-", "0", "1", "7", "9"], 4),
        2 => random.text(&["-", "+", "0", "1", "٧", " ", "_", "."], 3),
        _ => random.next().to_string(),
    }
}

/// Digits without a leading zero, and at most one `-` before other than zero.
fn canonical(value: &str) -> Option<i128> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let zero = digits.starts_with('0') && value != "0";
    (plain && !zero && digits.len() < 30).then(|| value.parse().ok())?
}

#[test]
fn a_number_is_taken_within_its_bounds_and_in_its_one_spelling() {
    let within = |value: &str| canonical(value).is_some_and(|number| (-20..=100).contains(&number));
    holds(r#"type = "integer", min = -20, max = 100"#, within, number);
}

#[test]
fn a_number_without_bounds_is_taken_from_zero_on() {
    let within = |value: &str| canonical(value).is_some_and(|number| (0..=i128::from(i64::MAX)).contains(&number));
    holds(r#"type = "integer""#, within, number);
}

#[test]
fn a_number_of_the_settings_is_taken_and_no_other() {
    let value = |random: &mut Random| random.of(&["22", "80", "022", "220", "-22", "2", "", "22 "]).to_owned();
    holds(r#"type = "integer", one_of = "settings.ports""#, |value| ["22", "80"].contains(&value), value);
}

#[test]
fn a_member_is_taken_letter_by_letter() {
    let member = |value: &str| ["start", "stop"].contains(&value);
    let value = |random: &mut Random| random.of(&["start", "stop", "Start", "star", "stopp", "", "stop\n"]).to_owned();
    holds(r#"type = "text", one_of = "settings.words""#, member, value);
    holds(r#"type = "one_of", values = ["start", "stop"]"#, member, value);
}

#[test]
fn a_text_is_taken_if_all_of_it_matches() {
    let taken = |value: &str| {
        let first = value.bytes().next().is_some_and(|byte| !b"-+@=".contains(&byte));
        first && value.len() <= 6 && value.bytes().all(|byte| b"ab-@= ".contains(&byte))
    };
    let letters = ["a", "a", "b", "b", "-", "@", "=", " ", "a", "b", "\n", "é", "+"];
    holds(r#"type = "text", pattern = "[ab@= -]+", max = 6"#, taken, |random| random.text(&letters, 8));
}

#[test]
fn a_text_of_any_pattern_is_printable_ascii_and_no_option() {
    let taken = |value: &str| {
        let first = !value.starts_with(['-', '+', '@', '=']);
        first && (1..=256).contains(&value.len()) && value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    let value = |random: &mut Random| {
        let most = if random.below(8) == 0 { 0x180 } else { 0x7f };
        (0..random.below(12)).filter_map(|_| char::from_u32(0x18 + random.below(most - 0x18) as u32)).collect()
    };
    holds(r#"type = "text", pattern = ".*""#, taken, value);
}
