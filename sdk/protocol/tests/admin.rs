//! The frames of an admin socket, and what is shown over it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::time::Duration;

use regent_protocol::{
    AdminReply, AdminRequest, AnswerLine, Data, HoldView, Line, Origin, PlannedStepView, Refusal, Rejection, Seconds,
    State, StepView, Values,
};

fn admin(text: &str) -> Result<AdminRequest, Rejection> {
    Line::read(text.as_bytes())?.admin()
}

fn hold() -> HoldView {
    HoldView {
        id: "hold-1".into(),
        operation: "open".into(),
        state: State::Held,
        requester: "www-data".into(),
        from: Origin { socket: "web".into(), uid: 33, gid: 33, pid: Some(4711) },
        asked: "2026-01-01T00:00:00Z".into(),
        expires: "2026-01-01T00:15:00Z".into(),
        data: Data::parse(r#"{"port": 22,  "ip": "198.51.100.7"}"#).unwrap(),
        summary: "Open port 22 to 198.51.100.7".into(),
        plan: vec![PlannedStepView {
            command: "open-port".into(),
            values: Values(vec![("port".into(), "22".into()), ("ip".into(), "198.51.100.7".into())]),
            argv: Some(vec!["/usr/sbin/ufw".into(), "allow".into()]),
            run_as: Some("root".into()),
            timeout: Seconds(Duration::from_secs(3)),
            stdin_data: false,
            ends_host: false,
            via: None,
        }],
        steps: vec![StepView { step: "approval".into(), of: "ops".into(), count: 2, approved_by: vec!["ben".into()] }],
        phrase: None,
        outcome: None,
        decided_by: Vec::new(),
    }
}

#[test]
fn what_an_administrator_writes_the_daemon_reads() {
    let hold = || "hold-1".to_owned();
    for request in [
        AdminRequest::Pending,
        AdminRequest::Show { hold: hold() },
        AdminRequest::Approve { hold: hold() },
        AdminRequest::Deny { hold: hold() },
    ] {
        let bytes = request.to_line();
        let line = Line::read(bytes.strip_suffix(b"\n").unwrap()).unwrap();
        assert!(line.is_admin());
        assert_eq!(line.admin().unwrap(), request);
    }
    assert!(!Line::read(br#"{"op":"x"}"#).unwrap().is_admin());
}

#[test]
fn an_admin_line_is_read_as_strictly_as_a_request() {
    assert_eq!(admin(r#"{"admin":"deny","hold":"a","hold":"b"}"#), Err(Rejection::DuplicateKey));
    assert_eq!(admin(r#"{"admin":7}"#), Err(Rejection::WrongType("admin")));
    assert_eq!(admin(r#"{"admin":"pending","hold":7}"#), Err(Rejection::WrongType("hold")));
    assert_eq!(admin(r#"{"admin":"approve"}"#), Err(Rejection::WrongType("hold")));
    assert_eq!(admin(r#"{"admin":"Approve","hold":"a"}"#), Err(Rejection::UnknownVerb));
    assert_eq!(admin(r#"{"op":"approve","hold":"a"}"#), Err(Rejection::OperationNotFound));
    assert_eq!(admin("[]"), Err(Rejection::Denied));
}

#[test]
fn a_hold_is_shown_with_every_part_and_read_back_the_same() {
    let line = AdminReply::Hold(Box::new(hold())).to_line(Some("i"));
    let text = String::from_utf8(line.clone()).unwrap();
    for part in [
        r#""values":{"port":"22","ip":"198.51.100.7"}"#,
        r#""data":{"port": 22,  "ip": "198.51.100.7"}"#,
        r#""timeout":3}"#,
        r#""approved_by":["ben"]"#,
        r#""from":{"socket":"web","uid":33,"gid":33,"pid":4711}"#,
        r#""id":"i"}"#,
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let AnswerLine::Success { data, .. } = AnswerLine::read(&line).unwrap() else { panic!("{text}") };
    assert_eq!(AdminReply::read::<HoldView>(&data).unwrap(), hold());
    assert_eq!(AdminReply::read::<Vec<HoldView>>(&data), None);
}

#[test]
fn a_slot_with_several_texts_is_a_list_of_them_and_is_read_back_in_order() {
    let pairs = [("hosts", "a"), ("port", "22"), ("hosts", "b")].map(|(slot, text)| (slot.to_owned(), text.to_owned()));
    let text = serde_json::to_string(&Values(pairs.to_vec())).unwrap();
    assert_eq!(text, r#"{"hosts":["a","b"],"port":"22"}"#);
    let read = |text: &str| serde_json::from_str::<Values>(text).map(|values| values.0);
    let [first, port, second] = pairs;
    assert_eq!(read(&text).unwrap(), [first, second, port]);
    for other in [r#"{"hosts":[["a"]]}"#, r#"{"port":22}"#, r#"{"hosts":["a",null]}"#] {
        assert!(read(other).is_err(), "{other}");
    }
}

#[test]
fn what_a_step_does_beside_its_command_line_is_said_only_where_it_is_so() {
    let mut step = hold().plan.remove(0);
    let plain = serde_json::to_string(&step).unwrap();
    assert!(!plain.contains("stdin") && !plain.contains("ends_host") && !plain.contains("via"), "{plain}");
    assert_eq!(serde_json::from_str::<PlannedStepView>(&plain).unwrap(), step);
    (step.stdin_data, step.ends_host, step.via) = (true, true, Some("systemd".into()));
    let told = serde_json::to_string(&step).unwrap();
    assert!(told.ends_with(r#""stdin_data":true,"ends_host":true,"via":"systemd"}"#), "{told}");
    assert_eq!(serde_json::from_str::<PlannedStepView>(&told).unwrap(), step);
    assert!(step.without_command_line().stdin_data);
}

#[test]
fn pending_is_a_list() {
    let line = AdminReply::Pending(vec![hold(), hold()]).to_line(None);
    let AnswerLine::Success { data, .. } = AnswerLine::read(&line).unwrap() else { panic!("no success") };
    assert_eq!(AdminReply::read::<Vec<HoldView>>(&data).unwrap(), [hold(), hold()]);
}

#[test]
fn an_admin_refusal_has_the_form_of_every_refusal() {
    let line = AdminReply::Refused(Refusal::unknown_hold().with_reference("abcdefgh")).to_line(None);
    assert_eq!(line, b"{\"error\":\"Unknown hold\",\"code\":\"unknown-uid\",\"ref\":\"abcdefgh\"}\n");
}

#[test]
fn a_step_without_its_command_line_shows_neither_arguments_nor_user() {
    let step = hold().plan.remove(0).without_command_line();
    let text = serde_json::to_string(&step).unwrap();
    assert!(!text.contains("argv") && !text.contains("run_as") && text.contains("values"), "{text}");
}
