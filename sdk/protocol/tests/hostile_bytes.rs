//! The entry points over mutated bytes: whatever comes, they answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use regent_protocol::{AnswerLine, Data, Line, visible};

const ROUNDS: usize = 100_000;

const SEEDS: [&str; 8] = [
    r#"{"secret": "123456", "op": "whoami", "data": null}"#,
    r#"{"secret":"s","uid":"8c1f","data":"123456","wait":60,"cancel":false,"id":"x"}"#,
    r#"{"op":"open","data":{"ip":"198.51.100.7","port":[1,-2.5e3,true,null,{"a":"\u00e9\ud83d\ude00"}]},"dry_run":true}"#,
    r#"{"admin":"approve","hold":"h"}"#,
    r#"{"success":true,"uid":null,"data":{"a":[1]},"state":"done"}"#,
    r#"{"error":"Operation failed","code":"failed","ref":"abcdefgh"}"#,
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
    r#"{"key":"k","list":true,"stream":false,"secret":"a","secret":"b"}"#,
];

/// Pieces that parsers have stumbled over.
const PIECES: [&[u8]; 14] = [
    b"\"",
    b"\\",
    b"\\ud800",
    b"\\u0000",
    b"1e999",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\xff",
    b"\xe2\x80\xae",
    b"\"op\":",
];

/// Xorshift with a fixed seed: the same bytes in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (limit.max(1) as u64)).unwrap()
    }
}

fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    let at = random.below(bytes.len());
    match random.below(5) {
        0 if !bytes.is_empty() => bytes[at] = u8::try_from(random.below(256)).unwrap(),
        1 => bytes.truncate(at),
        2 => {
            let piece = PIECES[random.below(PIECES.len())];
            bytes.splice(at..at, piece.iter().copied());
        }
        3 => {
            let end = at + random.below(bytes.len() - at);
            bytes.drain(at..end);
        }
        _ => {
            let other = SEEDS[random.below(SEEDS.len())].as_bytes();
            let from = random.below(other.len());
            bytes.splice(at..at, other[from..].iter().copied());
        }
    }
}

#[test]
fn nothing_that_anybody_sends_makes_a_reader_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut read = 0;
    for round in 0..ROUNDS {
        let mut bytes = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..random.below(5) {
            mutate(&mut random, &mut bytes);
        }
        if let Ok(line) = Line::read(&bytes) {
            read += 1;
            let _ = (line.id(), line.secret(), line.is_admin(), line.admin());
            if let Ok(request) = line.request() {
                // What was accepted can be said again and means the same.
                let again = request.to_line("s").unwrap();
                assert_eq!(Line::read(again.strip_suffix(b"\n").unwrap()).unwrap().request().unwrap(), request);
            }
        }
        let _ = AnswerLine::read(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = (Data::parse(&text), visible::argument(&text));
        assert!(!visible::line(&text).chars().any(|character| character.is_control()));
    }
    assert!(read > ROUNDS / 10, "only {read} lines were read: the test says little");
}
