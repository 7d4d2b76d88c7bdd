//! Times as people write them: `500ms`, `3s`, `15m`, `24h`.

use std::time::Duration;

/// No time in a file is longer: what is added to a clock must stay a date, and a longer one is a slip of the pen.
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads one; the error says what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or(("", text));
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(form(text)),
    };
    if number.is_empty() {
        return Err(form(text));
    }
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match time.map(Duration::from_millis) {
        Some(Duration::ZERO) => Err("zero is no time: write 1ms or more, or leave the key out".into()),
        Some(time) if time <= LONGEST => Ok(time),
        _ => Err(format!("{text} is too long: write 8784h (366 days) or less")),
    }
}

fn form(text: &str) -> String {
    format!(
        "{text:?} is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\""
    )
}

/// No time in a file is so long that this would not be exact.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A time for a message, as it could be written in a file.
pub(crate) fn shown(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        _ => format!("{}ms", time.as_millis()),
    }
}
