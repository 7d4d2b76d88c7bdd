//! Times as people write them: `500ms`, `3s`, `15m`, `24h`.

use std::fmt;
use std::time::Duration;

/// No time in a file is longer: what is added to a clock must stay a date, and a longer one is a slip of the pen.
pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Why a text is not a time.
#[derive(Debug)]
pub(crate) enum DurationError {
    /// It has another form.
    Form(String),
    Zero,
    /// It is longer than [`LONGEST`].
    TooLong(String),
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form(text) => write!(
                f,
                "{text:?} is not a time: write a whole number and ms, s, m or h, such as \"500ms\", \"3s\", \"15m\", \"24h\""
            ),
            Self::Zero => f.write_str("zero is no time: write 1ms or more, or leave the key out"),
            Self::TooLong(text) => write!(f, "{text} is too long: write 8784h (366 days) or less"),
        }
    }
}

/// Reads one; the error says what to write.
pub(crate) fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).unwrap_or(("", text));
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(DurationError::Form(text.to_owned())),
    };
    if number.is_empty() {
        return Err(DurationError::Form(text.to_owned()));
    }
    let time = number.parse::<u64>().ok().and_then(|number| number.checked_mul(milliseconds));
    match time.map(Duration::from_millis) {
        Some(Duration::ZERO) => Err(DurationError::Zero),
        Some(time) if time <= LONGEST => Ok(time),
        _ => Err(DurationError::TooLong(text.to_owned())),
    }
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
