//! Ten thousand values for each type of slot, good and bent: whatever is accepted is one harmless argument that stays
//! what it is, and what is accepted is what a rule of another make accepts.

use super::samples::{Random, SAMPLES};
use super::{command, filled};

const COUNT: usize = 10_000;

/// Whether no program could take it for an option, for nothing, or for more than one line.
fn is_harmless(rendered: &str) -> bool {
    !rendered.is_empty() && !rendered.starts_with('-') && rendered.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

#[test]
fn whatever_is_accepted_is_one_argument_that_stays_what_it_is() {
    for (slot, good) in SAMPLES {
        let (command, mut random, mut accepted) = (command(slot), Random(0xa11_5107), 0);
        for _ in 0..COUNT {
            let value = random.value(good);
            let Some(rendered) = filled(&command, &value) else { continue };
            accepted += 1;
            assert!(is_harmless(&rendered), "{slot}: {value:?} {rendered:?}");
            assert_eq!(filled(&command, &rendered).as_deref(), Some(&*rendered), "{slot}: {value:?}");
        }
        assert!((COUNT / 2..COUNT - COUNT / 25).contains(&accepted), "{slot}: {accepted} of {COUNT} accepted");
    }
}

/// The rules once more, as patterns over the whole value; what is rendered in lower case is matched so.
#[test]
fn what_is_accepted_is_what_a_rule_of_another_make_accepts() {
    let label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
    for (slot, pattern) in [
        (r#"type = "user""#, "[a-z_][a-z0-9_-]{0,31}".to_owned()),
        (r#"type = "group""#, "[a-z_][a-z0-9_-]{0,31}".to_owned()),
        (r#"type = "unit""#, r"[A-Za-z0-9:_\\][A-Za-z0-9:_.\\@-]*\.service".to_owned()),
        (r#"type = "uuid""#, "(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}".to_owned()),
        (r#"type = "hostname", below = ["org", "b.net"]"#, format!(r"(?i)({label}\.)*(org|b\.net)")),
        (
            r#"type = "path", below = "/var/log/app""#,
            r"(/var/log/app/)?([ -~&&[^/\-]][ -~&&[^/]]*/)*[ -~&&[^/\-]][ -~&&[^/]]*".to_owned(),
        ),
    ] {
        let whole = regex::bytes::RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).unicode(false).build().unwrap();
        let (_, good) = SAMPLES.into_iter().find(|(sample, _)| *sample == slot).unwrap();
        let (command, mut random) = (command(slot), Random(0x0dd_5eed));
        for _ in 0..COUNT {
            let value = random.value(good);
            let dots = slot.contains("path") && value.split('/').any(|part| part == "." || part == "..");
            assert_eq!(
                filled(&command, &value).is_some(),
                whole.is_match(value.as_bytes()) && !dots,
                "{slot}: {value:?}"
            );
        }
    }
}
