//! A word as bytes: its length in four bytes, little end first, then the word in postcard's encoding.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::{DESCRIPTION_MAX, RESULTS_MAX};

/// Bytes before each word.
pub const HEADER: usize = 4;

/// Room for names, lengths and the other small parts of a word, beside the one large part that a limit of its own
/// bounds.
const OVERHEAD: usize = 256 << 10;

/// Who sent a frame, which decides how large it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The daemon: the outputs of a plan's steps are the largest.
    Daemon,
    /// A sandbox: a description or a reply is the largest.
    Sandbox,
}

impl Side {
    fn largest(self) -> usize {
        match self {
            Self::Daemon => RESULTS_MAX + OVERHEAD,
            Self::Sandbox => DESCRIPTION_MAX + OVERHEAD,
        }
    }
}

/// What is wrong with a frame. All of it is the fault of the side that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Longer than that side may send.
    TooLong,
    /// Not a word, or a word with bytes after it.
    Malformed,
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLong => "a word on the lane is too long",
            Self::Malformed => "what came over the lane is not a word",
        })
    }
}

impl std::error::Error for FrameError {}

/// The word as a whole frame, header included.
///
/// # Errors
/// [`FrameError::TooLong`] if `side` may not send a word of that length.
pub fn encode<W: Serialize>(side: Side, word: &W) -> Result<Vec<u8>, FrameError> {
    let mut frame = postcard::to_extend(word, vec![0; HEADER]).map_err(|_| FrameError::Malformed)?;
    let length = frame.len() - HEADER;
    if length > side.largest() {
        return Err(FrameError::TooLong);
    }
    let length = u32::try_from(length).map_err(|_| FrameError::TooLong)?;
    for (to, from) in frame.iter_mut().zip(length.to_le_bytes()) {
        *to = from;
    }
    Ok(frame)
}

/// How many bytes follow this header.
///
/// # Errors
/// [`FrameError::TooLong`] if `side` may not send so many: nothing is to be allocated or read then.
pub fn frame_length(side: Side, header: [u8; HEADER]) -> Result<usize, FrameError> {
    let length = u32::from_le_bytes(header) as usize;
    if length > side.largest() { Err(FrameError::TooLong) } else { Ok(length) }
}

/// The word that these bytes (without their header) are.
///
/// # Errors
/// [`FrameError::Malformed`] unless they are exactly one word.
pub fn decode<W: DeserializeOwned>(bytes: &[u8]) -> Result<W, FrameError> {
    match postcard::take_from_bytes(bytes) {
        Ok((word, [])) => Ok(word),
        _ => Err(FrameError::Malformed),
    }
}

/// The words of these frames, up to the first frame that is not whole or not a word.
#[must_use]
pub fn decode_all<W: DeserializeOwned>(side: Side, mut frames: &[u8]) -> Vec<W> {
    let mut words = Vec::new();
    while let Some((header, rest)) = frames.split_first_chunk::<HEADER>() {
        let whole = frame_length(side, *header).ok().and_then(|length| rest.split_at_checked(length));
        let Some((Ok(word), rest)) = whole.map(|(body, rest)| (decode(body), rest)) else { break };
        words.push(word);
        frames = rest;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Ask, Say};

    #[test]
    fn a_word_comes_back_as_it_was_sent() {
        let word = Ask::Prepare {
            operation: "open".into(),
            data: "{\"ip\":\"198.51.100.7\"}".into(),
            authorising: true,
            complete: false,
            finishing: true,
        };
        let frame = encode(Side::Daemon, &word).unwrap();
        let (header, body) = frame.split_first_chunk::<HEADER>().unwrap();
        assert_eq!(frame_length(Side::Daemon, *header).unwrap(), body.len());
        assert_eq!(decode::<Ask>(body).unwrap(), word);
    }

    #[test]
    fn a_frame_one_byte_too_long_is_refused_by_its_header_alone() {
        let largest = u32::try_from(Side::Sandbox.largest()).unwrap();
        assert!(frame_length(Side::Sandbox, largest.to_le_bytes()).is_ok());
        assert_eq!(frame_length(Side::Sandbox, (largest + 1).to_le_bytes()), Err(FrameError::TooLong));
    }

    #[test]
    fn bytes_after_a_word_are_refused() {
        let frame = encode(Side::Sandbox, &Say::Described("{}".into())).unwrap();
        let mut body = frame[HEADER..].to_vec();
        body.push(0);
        assert_eq!(decode::<Say>(&body), Err(FrameError::Malformed));
    }

    #[test]
    fn a_length_inside_a_word_that_its_frame_does_not_hold_allocates_nothing_and_is_refused() {
        // `Described` with a string of nearly 2^32 bytes, of which none is there.
        assert_eq!(decode::<Say>(&[2, 0xff, 0xff, 0xff, 0xff, 0x0f]), Err(FrameError::Malformed));
    }

    #[test]
    fn frames_are_decoded_up_to_the_first_broken_one() {
        let words = ["one", "two"].map(|text| Say::Described(text.into()));
        let frames: Vec<u8> = words.iter().flat_map(|word| encode(Side::Sandbox, word).unwrap()).collect();
        assert_eq!(decode_all::<Say>(Side::Sandbox, &frames), words);
        assert_eq!(decode_all::<Say>(Side::Sandbox, &frames[..frames.len() - 1]), words[..1]);
        assert_eq!(decode_all::<Say>(Side::Sandbox, b"not a frame"), []);
    }
}
