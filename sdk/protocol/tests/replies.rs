//! Replies as bytes, and as a client reads them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use regent_protocol::{AnswerLine, Code, Data, Refusal, Rejection, Reply, State};

fn text(reply: &Reply, id: Option<&str>) -> String {
    String::from_utf8(reply.to_line(id)).unwrap()
}

#[test]
fn a_result_is_inserted_as_the_text_that_it_is() {
    let data = Data::parse(" {\"b\": 1.50,\r\n \"a\" :[] } ").unwrap();
    assert_eq!(
        text(&Reply::done(data), None),
        "{\"success\":true,\"uid\":null,\"data\":{\"b\": 1.50,   \"a\" :[] }}\n"
    );
}

#[test]
fn a_hold_says_its_state_and_what_it_waits_for() {
    let reply = Reply::Held {
        uid: "u".into(),
        state: State::Held,
        text: "Waiting for \"ops\"\n".into(),
        step: Some("approval".into()),
        expires: Some("2026-01-01T00:00:00Z".into()),
        phrase: None,
    };
    assert_eq!(
        text(&reply, Some("7")),
        "{\"success\":true,\"uid\":\"u\",\"data\":\"Waiting for \\\"ops\\\"\\n\",\"state\":\"held\",\
         \"step\":\"approval\",\"expires\":\"2026-01-01T00:00:00Z\",\"id\":\"7\"}\n"
    );
}

#[test]
fn a_refusal_says_its_code_and_its_reference() {
    let reply = Reply::refused(Refusal::invalid_data("Missing IP").with_reference("abcdefgh"));
    assert_eq!(
        text(&reply, None),
        "{\"error\":\"Invalid data: Missing IP\",\"code\":\"invalid-data\",\"ref\":\"abcdefgh\"}\n"
    );
}

#[test]
fn a_hold_that_ended_without_a_result_is_an_error_with_its_state() {
    for (state, words) in [
        (State::Denied, "Authorisation failed"),
        (State::Expired, "Authorisation failed"),
        (State::Void, "Authorisation failed"),
        (State::Cancelled, "Operation failed"),
        (State::Interrupted, "Operation failed"),
    ] {
        assert!(state.is_over());
        let reply = Reply::Refused { refusal: state.refusal().unwrap().with_reference("r"), state: Some(state) };
        let line = text(&reply, None);
        assert!(line.contains(words) && line.contains(&format!("\"state\":\"{state}\"")), "{line}");
    }
    for state in [State::Held, State::Approved, State::Performing, State::Done, State::Failed] {
        assert_eq!(state.refusal(), None);
    }
}

#[test]
fn every_code_is_the_same_word_by_serde_and_by_name() {
    for code in Code::ALL {
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{code}\""));
        assert_eq!(Code::of_word(code.as_str()), Some(code));
    }
    assert_eq!(Code::of_word("no-such"), None);
}

#[test]
fn data_from_outside_is_read_as_strictly_as_a_request() {
    assert_eq!(Data::parse("[1,").unwrap_err().code(), Code::InvalidMessage);
    assert_eq!(Data::parse(r#"{"a":1,"a":2}"#), Err(Rejection::DuplicateKey));
    assert_eq!(Data::parse(&format!("{}{}", "[".repeat(33), "]".repeat(33))), Err(Rejection::TooDeep));
    assert!(Data::parse("\"\\ud800\"").is_err());
    assert_eq!(Data::parse("\n\"a\\u0062\"\n").unwrap().to_text().as_deref(), Some("ab"));
    assert_eq!(Data::parse("5").unwrap().to_text(), None);
    assert!(Data::parse(" null ").unwrap().is_null());
}

#[test]
fn a_client_reads_every_reply_and_those_of_the_original() {
    let held = Reply::Held {
        uid: "u".into(),
        state: State::Performing,
        text: "Running".into(),
        step: None,
        expires: None,
        phrase: Some("blue horse".into()),
    };
    match AnswerLine::read(&held.to_line(Some("1"))).unwrap() {
        AnswerLine::Success { uid, data, state, phrase, id, .. } => {
            assert_eq!(uid.as_deref(), Some("u"));
            assert_eq!(data.to_text().as_deref(), Some("Running"));
            assert_eq!(state.as_deref(), Some("performing"));
            assert_eq!(phrase.as_deref(), Some("blue horse"));
            assert_eq!(id.as_deref(), Some("1"));
        }
        other => panic!("{other:?}"),
    }
    let AnswerLine::Error { text, code, reference, .. } =
        AnswerLine::read(br#"{"error": "Unknown operation"}"#).unwrap()
    else {
        panic!("an error was read as a success")
    };
    assert_eq!((text.as_str(), code, reference), ("Unknown operation", None, None));
    assert!(AnswerLine::read(br#"{"success": true, "uid": null, "data": "root"}"#).is_ok());
    assert!(AnswerLine::read(br#"{"success": true, "state": "of-next-year", "colour": 1}"#).is_ok());
}

#[test]
fn what_is_no_reply_is_not_read_as_one() {
    for bytes in [&b""[..], b"[]", b"{}", br#"{"success":false}"#, br#"{"error":null}"#, br#"{"error":1}"#, b"\xff"] {
        assert!(AnswerLine::read(bytes).is_err());
    }
}
