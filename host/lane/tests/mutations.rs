//! The daemon's decoder over words that a hostile sandbox might send: valid ones, changed at random. Whatever comes is
//! a word or an error, and costs no more memory than the bytes that are there account for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on panics")]

use regent_lane::{
    Authorised, Blame, Call, Export, FrameError, HEADER, Level, ModuleCode, Refusal, Say, Side, decode, encode,
    frame_length,
};

/// Of each run: the same ones each time.
const MUTATIONS: usize = 2_000;
/// Changes of one word at most.
const CHANGES: usize = 8;
/// An empty pair of texts is two bytes and takes 48, a list that grows has twice what it needs, and both exist for a
/// moment.
const TIMES: u64 = 80;
/// Beside that: the smallest list that anything allocates.
const BESIDE: u64 = 1 << 10;

/// Numbers without a pattern, from a seed (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }
}

fn words() -> Vec<Say> {
    let refusal = || Refusal { code: "invalid-data".into(), message: "ip: not accepted".into() };
    let (summary, state) = (String::from("open 22"), vec![0, 1, 2, 0xff]);
    let values = vec![("ip".into(), "1.1.1.1".into()), ("port".into(), "22".into())];
    vec![
        Say::Loaded { exports: vec![Export::Authorising, Export::Finishing] },
        Say::Unloadable {
            incompatible: false,
            reasons: vec!["one".into(), ModuleCode::Size.because("two"), "".into()],
        },
        Say::Described("{\"operations\":[]}".into()),
        Say::Plan(Call { command: "open".into(), values }),
        Say::Log(Level::Warning, "a line".into()),
        Say::Prepared { summary: summary.clone(), state: state.clone(), authorised: None, reply: None },
        Say::Prepared {
            summary,
            state,
            authorised: Some(Authorised::Denied(refusal())),
            reply: Some(Ok("[1, 2, 3]".into())),
        },
        Say::Refused(refusal()),
        Say::Finished(Err(refusal())),
        Say::Finished(Ok("null".into())),
        Say::Fault(Blame::Memory, "its memory limit".into()),
    ]
}

fn body(word: &Say) -> Vec<u8> {
    encode(Side::Sandbox, word).unwrap().split_off(HEADER)
}

/// One change: of a bit, a byte, a length, or of what stands where.
fn change(bytes: &mut Vec<u8>, other: &[u8], numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    match numbers.below(8) {
        _ if bytes.is_empty() => bytes.push(numbers.next() as u8),
        0 => bytes[at] ^= 1 << numbers.below(8),
        1 => bytes[at] = numbers.next() as u8,
        2 => bytes.insert(at, numbers.next() as u8),
        3 => drop(bytes.remove(at)),
        4 => bytes.truncate(at),
        5 => drop(bytes.splice(at..=at, [0xff, 0xff, 0xff, 0xff, 0x0f])),
        6 => drop(bytes.splice(at..at, other[numbers.below(other.len())..].iter().copied())),
        _ => bytes.extend_from_within(at..),
    }
}

/// Decodes, and returns what that took at its highest.
fn decoded(bytes: &[u8]) -> (Result<Say, FrameError>, u64) {
    let mut said = Err(FrameError::Malformed);
    let took = allocation_counter::measure(|| said = decode(bytes));
    (said, took.bytes_max)
}

#[test]
fn two_thousand_changed_words_are_words_or_errors_and_allocate_within_what_is_there() {
    let bodies: Vec<_> = words().iter().map(body).collect();
    let mut numbers = Numbers(0x005e_ed0f_1a9e);
    let (mut accepted, mut refused) = (0, 0);
    for number in 0..MUTATIONS {
        let mut bytes = bodies[number % bodies.len()].clone();
        for _ in 0..=numbers.below(CHANGES) {
            let other = bodies[numbers.below(bodies.len())].clone();
            change(&mut bytes, &other, &mut numbers);
        }
        let (said, took) = decoded(&bytes);
        let most = TIMES * bytes.len() as u64 + BESIDE;
        assert!(took <= most, "{took} bytes for {} of {bytes:02x?}", bytes.len());
        match said {
            // What is a word is that word whoever says it: it goes back into bytes, and comes again.
            Ok(word) => {
                accepted += 1;
                assert_eq!(decode::<Say>(&body(&word)), Ok(word));
            }
            Err(why) => {
                refused += 1;
                assert_eq!(why, FrameError::Malformed);
            }
        }
    }
    assert!(accepted > MUTATIONS / 100 && refused > MUTATIONS / 2, "{accepted} accepted, {refused} refused");
}

#[test]
fn two_thousand_headers_are_a_length_within_the_limit_or_an_error() {
    let mut numbers = Numbers(0x0be5_1de5);
    for number in 0..MUTATIONS {
        // Every other one of a length that could be.
        let told = if number % 2 == 0 { numbers.next() as u32 } else { numbers.below(2 << 20) as u32 };
        match frame_length(Side::Sandbox, told.to_le_bytes()) {
            Ok(length) => assert!(length == told as usize && length < 2 << 20),
            Err(why) => assert!(why == FrameError::TooLong && told > 1 << 20),
        }
    }
}

/// Lists of as many empty texts as a frame holds: the most memory that a byte can be made to take.
#[test]
fn the_most_expensive_words_cost_a_fixed_multiple_of_their_bytes() {
    const MANY: usize = 100_000;
    let pairs = vec![(String::new(), String::new()); MANY];
    for word in [
        Say::Unloadable { incompatible: false, reasons: vec!["".into(); MANY] },
        Say::Plan(Call { command: String::new(), values: pairs }),
        Say::Loaded { exports: vec![Export::Judging; MANY] },
        Say::Described("x".repeat(MANY)),
    ] {
        let bytes = body(&word);
        let (said, took) = decoded(&bytes);
        assert_eq!(said, Ok(word));
        assert!(took <= TIMES * bytes.len() as u64 + BESIDE, "{took} bytes for {}", bytes.len());
    }
}

#[test]
fn a_length_of_what_is_not_there_reserves_nothing() {
    let claims = [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0xff, 0xff, 0x3f], &[0x80, 0x80, 0x04]];
    for start in [&[0][..], &[1, 0], &[2], &[3, 0], &[4, 0], &[5], &[5, 0], &[6], &[7, 0], &[8, 0]] {
        for claim in claims {
            let (said, took) = decoded(&[start, claim].concat());
            assert_eq!(said, Err(FrameError::Malformed), "{start:?}");
            assert!(took <= BESIDE, "{took} bytes for {start:?} {claim:02x?}");
        }
    }
}
