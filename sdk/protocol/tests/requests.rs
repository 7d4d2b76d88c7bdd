//! Requests from raw bytes: every rejection, its place in the order of checks, and beside each what is accepted.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::time::Duration;

use regent_protocol::{Ask, Code, DEPTH_MAX, ID_MAX, LINE_MAX, Line, Refusal, Rejection, Request};

fn request(text: &str) -> Result<Request, Rejection> {
    Line::read(text.as_bytes())?.request()
}

fn words(text: &str) -> String {
    request(text).unwrap_err().to_string()
}

fn operation(text: &str) -> (String, String) {
    match request(text).unwrap().ask {
        Ask::List => ("list".into(), String::new()),
        Ask::Operation { op, data, .. } => (op, data.as_str().to_owned()),
        Ask::Hold { .. } => panic!("{text} asks about a hold"),
    }
}

#[test]
fn what_the_python_client_sends_is_a_request() {
    assert_eq!(
        operation(r#"{"secret": "s", "op": "open", "data": {"ip": "198.51.100.7", "port": 22}}"#),
        ("open".to_owned(), r#"{"ip": "198.51.100.7", "port": 22}"#.to_owned()),
    );
    assert_eq!(operation(r#"{"secret": "s", "op": "whoami", "data": null}"#), ("whoami".into(), "null".into()));
    let read = request(r#"{"secret": "s", "uid": "u-1", "data": null}"#).unwrap();
    assert_eq!(read.ask, Ask::Hold { uid: "u-1".into(), data: None, wait: None, cancel: false });
}

#[test]
fn data_is_the_callers_own_text_to_the_byte() {
    let data = r#"{"b" : 1.50, "a":[ 1e2,"\u00e9\/" ] }"#;
    assert_eq!(operation(&format!(r#"{{"op":"x","data":  {data}  }}"#)).1, data);
    assert_eq!(operation(r#"{"op":"x"}"#).1, "null");
}

#[test]
fn op_wins_when_both_are_present() {
    assert_eq!(operation(r#"{"uid":"u","op":"x"}"#).0, "x");
}

#[test]
fn neither_op_nor_uid_is_operation_not_found() {
    assert_eq!(words(r#"{"secret":"s","data":1}"#), "Invalid message: operation not found");
}

#[test]
fn unknown_keys_are_ignored() {
    assert_eq!(operation(r#"{"op":"x","colour":[{"a":1}],"Op":"y","hold":7,"admin":3}"#).0, "x");
}

#[test]
fn a_key_is_known_however_it_is_escaped() {
    assert_eq!(operation(r#"{"\u006fp":"x"}"#).0, "x");
    assert_eq!(words(r#"{"op":"a","\u006fp":"b"}"#), "Invalid message: duplicate key");
}

#[test]
fn duplicate_keys_are_refused_at_any_depth_and_after_the_secret() {
    for text in [
        r#"{"op":"whoami","op":"reboot"}"#,
        r#"{"op":"x","data":{"ip":1,"ip":2}}"#,
        r#"{"op":"x","data":[[{"a":{"b":1,"\u0062":2}}]]}"#,
        r#"{"op":"x","unknown":{"a":1,"a":1}}"#,
        // Before the types of known keys.
        r#"{"op":1,"x":1,"x":1}"#,
    ] {
        let line = Line::read(text.as_bytes()).unwrap();
        assert_eq!(line.request().unwrap_err(), Rejection::DuplicateKey, "{text}");
    }
    assert!(request(r#"{"op":"x","data":[{"a":1},{"a":1},{"b":{"a":1}}]}"#).is_ok());
}

#[test]
fn a_secret_given_twice_or_not_as_a_string_is_no_secret() {
    for text in [r#"{"secret":"s","secret":"s"}"#, r#"{"secret":["s"]}"#, r#"{"secret":null}"#, "{}"] {
        assert_eq!(Line::read(text.as_bytes()).unwrap().secret(), None, "{text}");
    }
    assert_eq!(Line::read(br#"{"secret":"\u0073\u00e9"}"#).unwrap().secret(), Some("s\u{e9}"));
}

#[test]
fn what_is_not_an_object_is_denied() {
    for text in ["[]", "1", "\"op\"", "null", r#"[{"op":"x","secret":"s"}]"#] {
        let refusal = Refusal::from(Line::read(text.as_bytes()).unwrap_err());
        assert_eq!((refusal.text.as_str(), refusal.code), ("Permission denied", Code::Denied), "{text}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_or_in_none_is_not_json() {
    let cases: [&[u8]; 18] = [
        b"",
        b" ",
        b"{",
        b"{}{}",
        b"{} x",
        b"\xef\xbb\xbf{}",
        b"{\"op\":\"\xff\"}",
        b"{\"op\":\"\xed\xa0\x80\"}",
        b"{\"op\":\"a\nb\"}",
        b"{\"op\":\"\x00\"}",
        br#"{"op":"x","data":"\ud800"}"#,
        br#"{"op":"x","data":{"\udc00":1}}"#,
        br#"{"op":"x","data":1e999}"#,
        br#"{"op":"x","data":[-1e999]}"#,
        br#"{"op":"x","data":NaN}"#,
        br#"{"op":"x","data":-Infinity}"#,
        br#"{"op":"x","data":01}"#,
        br#"{'op':"x"}"#,
    ];
    for bytes in cases {
        let rejection = Line::read(bytes).unwrap_err();
        assert_eq!(rejection.code(), Code::InvalidMessage);
        let said = rejection.to_string();
        assert!(said.starts_with("Invalid message, could not decode JSON: "), "{said}");
    }
    assert!(request(r#"{"op":"x","data":["\ud83d\ude00","\u0000",1e308,-0]}"#).is_ok());
}

#[test]
fn one_level_too_deep_is_refused_and_the_deepest_allowed_is_not() {
    let nested = |levels: usize| format!(r#"{{"op":"x","data":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
    assert!(request(&nested(DEPTH_MAX - 1)).is_ok());
    assert_eq!(words(&nested(DEPTH_MAX)), "Invalid message: too deep");
    let objects = |levels: usize| format!(r#"{}1{}"#, r#"{"a":"#.repeat(levels), "}".repeat(levels));
    assert_eq!(words(&objects(DEPTH_MAX)), "Invalid message: operation not found");
    assert_eq!(words(&objects(DEPTH_MAX + 1)), "Invalid message: too deep");
}

#[test]
fn a_line_of_brackets_costs_no_stack() {
    assert_eq!(
        words(&format!("{}{}", "[".repeat(LINE_MAX / 2), "]".repeat(LINE_MAX / 2))),
        "Invalid message: too deep"
    );
    assert!(words(&"[".repeat(LINE_MAX)).starts_with("Invalid message, could not decode JSON"));
    assert!(words(&r#"{"a":"#.repeat(LINE_MAX / 5)).starts_with("Invalid message, could not decode JSON"));
}

#[test]
fn one_byte_too_long_is_refused_before_it_is_read() {
    let longest = format!(r#"{{"op":"x"{}}}"#, " ".repeat(LINE_MAX - 9 - 1));
    assert_eq!(longest.len(), LINE_MAX);
    assert!(request(&longest).is_ok());
    let rejection = Line::read(" ".repeat(LINE_MAX + 1).as_bytes()).unwrap_err();
    assert_eq!((rejection.to_string().as_str(), rejection.code()), ("Request too long", Code::TooLong));
}

#[test]
fn known_keys_have_their_types() {
    for (key, wrong) in [
        ("op", "1"),
        ("op", "null"),
        ("uid", "{}"),
        ("uid", "null"),
        ("id", "7"),
        ("dry_run", "\"true\""),
        ("dry_run", "1"),
        ("wait", "\"5\""),
        ("wait", "true"),
        ("wait", "0"),
        ("wait", "-1"),
        ("wait", "0.99"),
        ("wait", "3600.5"),
        ("wait", "1e300"),
        ("cancel", "0"),
        ("key", "1"),
        ("key", "\"\""),
        ("list", "[]"),
        ("stream", "\"no\""),
    ] {
        let said = words(&format!(r#"{{"{key}":{wrong}}}"#));
        assert_eq!(said, format!("Invalid message: wrong type of {key}"), "{wrong}");
    }
}

#[test]
fn an_id_of_the_most_bytes_comes_back_and_one_more_is_a_wrong_type() {
    let id = "\u{e9}".repeat(ID_MAX / 2);
    let text = format!(r#"{{"op":"x","id":"{id}"}}"#);
    let line = Line::read(text.as_bytes()).unwrap();
    assert_eq!(line.id(), Some(id.as_str()));
    assert_eq!(line.request().unwrap().id.as_deref(), Some(id.as_str()));
    let text = format!(r#"{{"op":"x","id":"{id}a"}}"#);
    let line = Line::read(text.as_bytes()).unwrap();
    assert_eq!(line.id(), None);
    assert_eq!(line.request().unwrap_err(), Rejection::WrongType("id"));
}

#[test]
fn the_id_is_known_even_where_the_request_is_refused() {
    let line = Line::read(br#"{"op":1,"id":"seven"}"#).unwrap();
    assert!(line.request().is_err());
    assert_eq!(line.id(), Some("seven"));
}

#[test]
fn keys_that_are_not_served_yet_are_refused_and_their_absent_forms_are_not() {
    for (key, asked) in [("list", "true"), ("stream", "true"), ("cancel", "true")] {
        let said = words(&format!(r#"{{"op":"x","{key}":{asked}}}"#));
        assert_eq!(said, format!("Invalid message: {key} is not served"));
    }
    assert!(request(r#"{"op":"x","key":null,"list":false,"stream":null,"list2":true}"#).is_ok());
    // Types come before it, `op` or `uid` after it.
    assert_eq!(words(r#"{"list":true,"wait":"x"}"#), "Invalid message: wrong type of wait");
    assert_eq!(words(r#"{"list":true,"stream":true}"#), "Invalid message: stream is not served");
}

#[test]
fn a_key_that_such_a_request_cannot_honour_is_refused() {
    assert_eq!(words(r#"{"op":"x","cancel":true}"#), "Invalid message: cancel is not served");
    assert_eq!(words(r#"{"uid":"u","dry_run":true}"#), "Invalid message: dry_run is not served");
    for (asked, key) in [
        (r#"{"uid":"u","list":true}"#, "list"),
        (r#"{"uid":"u","key":"k"}"#, "key"),
        (r#"{"list":true,"key":"k"}"#, "key"),
        (r#"{"op":"x","key":"k","dry_run":true}"#, "key"),
        (r#"{"list":true,"dry_run":true}"#, "dry_run"),
        (r#"{"list":true,"cancel":true}"#, "cancel"),
        (r#"{"list":true,"wait":1}"#, "wait"),
    ] {
        assert_eq!(words(asked), format!("Invalid message: {key} is not served"), "{asked}");
    }
    assert!(request(r#"{"op":"x","cancel":false}"#).is_ok());
    assert!(request(r#"{"uid":"u","dry_run":false}"#).is_ok());
}

#[test]
fn what_a_client_writes_the_daemon_reads() {
    let asks = [
        Ask::Operation {
            op: "open".into(),
            data: regent_protocol::Data::parse("{\n\"ip\": \"198.51.100.7\"\n}").unwrap(),
            dry_run: true,
            wait: Some(Duration::from_secs(60)),
            key: None,
        },
        Ask::Operation {
            op: "open".into(),
            data: regent_protocol::Data::null(),
            dry_run: false,
            wait: None,
            key: Some("order 17".into()),
        },
        Ask::List,
        Ask::Hold { uid: "u".into(), data: None, wait: Some(Duration::from_millis(1500)), cancel: true },
        Ask::Hold { uid: "u".into(), data: Some(regent_protocol::Data::string("123456")), wait: None, cancel: false },
    ];
    for ask in asks {
        let request = Request { id: Some("1".into()), ask };
        let bytes = request.to_line("se\"cret").unwrap();
        let (end, line) = bytes.split_last().unwrap();
        assert_eq!((*end, line.contains(&b'\n')), (b'\n', false));
        let line = Line::read(line).unwrap();
        assert_eq!(line.secret(), Some("se\"cret"));
        assert_eq!(line.request().unwrap(), request);
    }
}

#[test]
fn a_client_does_not_write_what_no_daemon_reads() {
    let data = regent_protocol::Data::string(&"x".repeat(LINE_MAX));
    let ask = Ask::Operation { op: "x".into(), data, dry_run: false, wait: None, key: None };
    assert_eq!(Request { id: None, ask }.to_line("s"), None);
}

#[test]
fn a_line_shows_no_secret_in_debug() {
    let line = Line::read(br#"{"secret":"hunter2","op":"x"}"#).unwrap();
    assert!(!format!("{line:?}").contains("hunter2"));
}
