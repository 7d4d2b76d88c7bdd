//! What a daemon told, for people to read; here a hold, in the rooms below all else. Of a hold: who asks, from where,
//! exactly what will run, and only then what the requester and the plugin say about it, marked as theirs. Nothing is
//! left out or cut, for what is left out is where an attack would sit.
//!
//! Every part passes through [`visible`] here, whoever wrote it.

// The lines of a screen.
mod fields;
// The daemon at one moment.
mod status;
// What a reload came to.
mod reload;
// A plugin: whether it serves, and what.
mod plugin;
// A refusal, explained.
mod why;
// An operation, for who may ask for it.
mod operation;

use std::fmt::Write as _;

use regent_client::HoldView;
use regent_protocol::{Origin, PlannedStepView, StepView, visible};

pub(crate) use fields::Fields;
pub(crate) use operation::{operation, operation_help};
pub(crate) use plugin::plugin;
pub(crate) use reload::{changes, mistakes};
pub(crate) use status::status;
pub(crate) use why::why;

/// All of it, several lines.
pub(crate) fn hold(hold: &HoldView) -> String {
    let mut fields = Fields::new();
    fields.line("hold", &visible::line(&hold.id));
    fields.line("operation", &visible::line(&hold.operation));
    fields.line("asked by", &format!("{} ({})", visible::line(&hold.requester), origin(&hold.from)));
    fields.line("asked at", &visible::line(&hold.asked));
    fields.line("state", &standing(hold));
    fields.line("expires", &visible::line(&hold.expires));
    for step in &hold.steps {
        fields.line("needs", &needs(step));
    }
    if let Some(phrase) = &hold.phrase {
        fields.line("phrase", &visible::line(phrase));
    }
    match hold.plan.as_slice() {
        [] => fields.line("will run", "nothing"),
        [only] => fields.line("will run", &command(only)),
        several => {
            for (number, step) in several.iter().enumerate() {
                fields.line(&format!("will run {}", number + 1), &command(step));
            }
        }
    }
    fields.line("data", &format!("the requester says: {}", visible::line(hold.data.as_str())));
    fields.line("summary", &format!("the plugin says: {}", quoted(&hold.summary)));
    fields.text()
}

/// Where it stands, and why if it is over.
pub(crate) fn standing(hold: &HoldView) -> String {
    let state = hold.state.as_str();
    let mut words = match hold.outcome.as_deref() {
        Some(outcome) if outcome.starts_with(state) => visible::line(outcome).into_owned(),
        Some(outcome) => format!("{state}: {}", visible::line(outcome)),
        None => state.to_owned(),
    };
    if !hold.decided_by.is_empty() {
        let _ = write!(words, ", decided by {}", visible::line(&hold.decided_by.join(", ")));
    }
    words
}

/// One line after a decision: what was decided, and what is still missing.
pub(crate) fn decision(word: &str, hold: &HoldView) -> String {
    let mut words = format!(
        "{word}: {} for {}, hold {}: {}",
        visible::line(&hold.operation),
        visible::line(&hold.requester),
        visible::line(&hold.id),
        standing(hold),
    );
    if hold.state == regent_client::State::Held {
        for step in &hold.steps {
            let _ = write!(words, "; needs {}", needs(step));
        }
    }
    words
}

fn origin(from: &Origin) -> String {
    let Origin { socket, uid, gid, pid } = from;
    let pid = pid.map(|pid| format!(", pid {pid}")).unwrap_or_default();
    format!("uid {uid}, gid {gid}{pid}, socket {}", visible::line(socket))
}

fn needs(step: &StepView) -> String {
    let StepView { step, of, count, approved_by } = step;
    let given = approved_by.len();
    let by = if given == 0 { String::new() } else { format!(" ({})", visible::line(&approved_by.join(", "))) };
    format!("{} of {}: {given} of {count}{by}", visible::line(step), visible::line(of))
}

/// What a step will ask for, before anybody was asked.
fn consent(step: &StepView) -> String {
    let StepView { step, of, count, .. } = step;
    let persons = if *count == 1 { String::new() } else { format!(", by {count} persons") };
    format!("{} of {}{persons}", visible::line(step), visible::line(of))
}

/// The command line as a shell would take it, or what is known where it was not shown.
fn command(step: &PlannedStepView) -> String {
    let what = match &step.argv {
        Some(argv) => visible::command_line(argv),
        None => {
            let values = step.values.0.iter().map(|(slot, text)| visible::argument(&format!("{slot}={text}")));
            [visible::argument(&step.command)].into_iter().chain(values).collect::<Vec<_>>().join(" ")
        }
    };
    let whom = step.run_as.as_deref().map(|user| format!("as {}, ", visible::line(user))).unwrap_or_default();
    let stdin = if step.stdin_data { ", stdin: the request's data" } else { "" };
    let via = step.via.as_deref().map(|via| format!(", via {}", visible::line(via))).unwrap_or_default();
    let end = if step.ends_host { ", ends the host" } else { "" };
    let name = visible::line(&step.command);
    format!("{what}   [{whom}{name}, at most {} s{via}{stdin}{end}]", step.timeout.0.as_secs_f64())
}

/// In quotes that what stands in them cannot end, nor look as if it were made harmless.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", visible::line(&text))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use regent_client::{Data, State};
    use regent_protocol::{Seconds, Values};

    use super::*;

    fn example() -> HoldView {
        HoldView {
            id: "h-1".into(),
            operation: "open".into(),
            state: State::Held,
            requester: "www-data".into(),
            from: Origin { socket: "web".into(), uid: 33, gid: 33, pid: Some(4711) },
            asked: "2026-01-01T00:00:00Z".into(),
            expires: "2026-01-01T00:15:00Z".into(),
            data: Data::parse(r#"{"ip": "198.51.100.7"}"#).unwrap(),
            summary: "Open port 22".into(),
            plan: vec![PlannedStepView {
                command: "open-port".into(),
                values: Values(vec![("ip".into(), "198.51.100.7".into())]),
                argv: Some(vec!["/usr/sbin/ufw".into(), "allow from".into(), "198.51.100.7".into()]),
                run_as: Some("root".into()),
                timeout: Seconds(Duration::from_secs(3)),
                stdin_data: false,
                ends_host: false,
                via: None,
            }],
            steps: vec![StepView {
                step: "approval".into(),
                of: "ops".into(),
                count: 2,
                approved_by: vec!["ben".into()],
            }],
            phrase: None,
            outcome: None,
            decided_by: Vec::new(),
        }
    }

    #[test]
    fn a_hold_says_who_from_where_and_exactly_what() {
        assert_eq!(
            hold(&example()),
            "hold        h-1\n\
             operation   open\n\
             asked by    www-data (uid 33, gid 33, pid 4711, socket web)\n\
             asked at    2026-01-01T00:00:00Z\n\
             state       held\n\
             expires     2026-01-01T00:15:00Z\n\
             needs       approval of ops: 1 of 2 (ben)\n\
             will run    /usr/sbin/ufw 'allow from' 198.51.100.7   [as root, open-port, at most 3 s]\n\
             data        the requester says: {\"ip\": \"198.51.100.7\"}\n\
             summary     the plugin says: \"Open port 22\"\n"
        );
    }

    #[test]
    fn what_a_step_does_beside_its_command_line_and_every_value_of_a_slot_is_shown() {
        let mut view = example();
        let step = &mut view.plan[0];
        (step.stdin_data, step.ends_host, step.argv) = (true, true, None);
        step.via = Some("systemd".into());
        step.values.0.push(("ip".into(), "198.51.100.8".into()));
        assert!(hold(&view).contains(
            "will run    open-port ip=198.51.100.7 ip=198.51.100.8   \
             [as root, open-port, at most 3 s, via systemd, stdin: the request's data, ends the host]\n"
        ));
    }

    #[test]
    fn no_part_of_a_hold_reaches_a_person_with_hidden_characters() {
        for character in ['\u{1b}', '\n', '\r', '\u{9b}', '\u{202e}', '\u{2066}', '\u{200b}', '\u{e0041}', '\u{2028}'] {
            let evil = || format!("a{character}b");
            let mut view = example();
            let plain = hold(&view).lines().count();
            view.id = evil();
            view.operation = evil();
            view.requester = evil();
            view.from.socket = evil();
            view.asked = evil();
            view.expires = evil();
            view.data =
                Data::parse(&format!("\"{}\"", if character.is_ascii() { "x".into() } else { evil() })).unwrap();
            view.summary = evil();
            view.steps[0] = StepView { step: evil(), of: evil(), count: 1, approved_by: vec![evil()] };
            view.phrase = Some(evil());
            view.outcome = Some(evil());
            view.decided_by = vec![evil()];
            view.plan[0].command = evil();
            view.plan[0].argv = Some(vec![evil()]);
            view.plan[0].run_as = Some(evil());
            let shown = hold(&view);
            assert_eq!(shown.lines().count(), plain + 1, "{shown}");
            let number = format!("{:x}", u32::from(character));
            assert!(character == '\n' || !shown.contains(character), "{shown}");
            assert!(shown.matches(&number).count() >= 14, "{shown}");
            view.plan[0].argv = None;
            view.plan[0].values = Values(vec![(evil(), evil())]);
            let shown = hold(&view) + &decision("approved", &view);
            assert!(character == '\n' || !shown.contains(character), "{shown}");
        }
    }

    #[test]
    fn the_plugins_word_cannot_end_its_quotes() {
        let mut view = example();
        view.summary = "x\" will run nothing \\\"".into();
        assert!(hold(&view).ends_with("the plugin says: \"x\\\" will run nothing \\\\\\\"\"\n"));
    }

    #[test]
    fn steps_are_numbered_where_there_are_several_and_nothing_is_said_where_there_are_none() {
        let mut view = example();
        view.plan.push(view.plan[0].clone());
        assert!(hold(&view).contains("will run 2  /usr/sbin/ufw"));
        view.plan.clear();
        assert!(hold(&view).contains("will run    nothing\n"));
    }

    #[test]
    fn after_a_decision_people_read_what_is_still_missing() {
        let mut view = example();
        assert_eq!(
            decision("approved", &view),
            "approved: open for www-data, hold h-1: held; needs approval of ops: 1 of 2 (ben)"
        );
        view.state = State::Done;
        view.decided_by = vec!["anna".into(), "ben".into()];
        assert_eq!(decision("approved", &view), "approved: open for www-data, hold h-1: done, decided by anna, ben");
        view.outcome = Some("void: module".into());
        view.state = State::Void;
        assert_eq!(standing(&view), "void: module, decided by anna, ben");
        view.outcome = Some("expired grants".into());
        assert_eq!(standing(&view), "void: expired grants, decided by anna, ben");
    }
}
