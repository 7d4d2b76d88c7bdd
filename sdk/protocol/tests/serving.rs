//! The frames about what is served: asked strictly, shown with every part, and read back the same.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use regent_protocol::{
    AdminReply, AdminRequest, AllowView, AnswerLine, Ask, Code, CrashesView, Data, Line, OperationView, Origin,
    PluginView, Rejection, Reloaded, Reply, RuleView, ServedView, Serving, SocketView, StatusView, StepView, WhyView,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn admin(text: &str) -> Result<AdminRequest, Rejection> {
    Line::read(text.as_bytes())?.admin()
}

fn step() -> StepView {
    StepView { step: "approval".into(), of: "ops".into(), count: 2, approved_by: Vec::new() }
}

/// What a client reads of a reply, and the reply's text.
fn read_back<T: DeserializeOwned>(reply: &AdminReply) -> (Option<T>, String) {
    let line = reply.to_line(Some("i"));
    let text = String::from_utf8(line.clone()).unwrap();
    assert!(text.ends_with("\"id\":\"i\"}\n") && text.lines().count() == 1, "{text}");
    let AnswerLine::Success { data, .. } = AnswerLine::read(&line).unwrap() else { panic!("{text}") };
    (AdminReply::read(&data), text)
}

fn status() -> StatusView {
    StatusView {
        version: "0.2.0".into(),
        pid: 4711,
        user: Some("regentd".into()),
        since: "2026-01-01T00:00:00Z".into(),
        config: "/etc/regent/regent.toml".into(),
        engine: Some("interpreter".into()),
        sockets: vec![SocketView {
            name: "web".into(),
            path: "/run/regent/web/regent.sock".into(),
            connections: 3,
            operations: vec!["*".into()],
            trust_peer_uid: false,
        }],
        serving: 1,
        troubled: 2,
        held: 3,
        running: 4,
        lacks: vec!["no cgroup v2".into()],
        mistakes: vec!["a.toml:1: \n\u{1b}".into()],
        warnings: vec!["\u{202e}".into()],
    }
}

fn plugin(state: Serving) -> PluginView {
    PluginView {
        name: "firewall".into(),
        state,
        grants: Some("/etc/regent/plugins/firewall.toml".into()),
        module: None,
        serves: Some("aa".into()),
        file: None,
        pin: "none".into(),
        engine: Some("native".into()),
        reasons: vec!["no module".into()],
        operations: vec![ServedView {
            operation: "open".into(),
            sockets: vec!["web".into()],
            allow: Some(vec!["user www-data".into()]),
            require: vec![step()],
            unserved: None,
        }],
        crashes: None,
    }
}

fn why() -> WhyView {
    WhyView {
        reference: "kqzwmfpa".into(),
        at: "2026-01-01T00:00:00Z".into(),
        requester: "www-data".into(),
        from: Origin { socket: "web".into(), uid: 33, gid: 33, pid: None },
        operation: Some("open".into()),
        data: Some("{\"ip\":".into()),
        said: "Unknown operation".into(),
        code: Some(Code::UnknownOperation),
        why: "not among those who may ask".into(),
        rule: Some(RuleView { file: "/f".into(), line: Some(7), rule: "allow = user deploy".into() }),
        allow: Some(AllowView { file: "/f".into(), lines: vec!["[a]".into(), "  b = 1".into()], beware: None }),
    }
}

#[test]
fn what_an_administrator_asks_about_serving_the_daemon_reads() {
    let why = |reference: &str| AdminRequest::Why { reference: reference.into() };
    for (request, line) in [
        (AdminRequest::Reload, r#"{"admin":"reload"}"#),
        (AdminRequest::Status, r#"{"admin":"status"}"#),
        (AdminRequest::Plugins, r#"{"admin":"plugins"}"#),
        (why("kqzwmfpa"), r#"{"admin":"why","ref":"kqzwmfpa"}"#),
        (why("\"\n"), r#"{"admin":"why","ref":"\"\n"}"#),
    ] {
        assert_eq!(request.to_line(), format!("{line}\n").into_bytes());
        assert_eq!((admin(line).unwrap(), request.hold()), (request.clone(), None));
    }
}

#[test]
fn why_without_its_reference_or_with_another_type_is_refused() {
    for line in [
        r#"{"admin":"why"}"#,
        r#"{"admin":"why","reference":"kqzwmfpa"}"#,
        r#"{"admin":"why","ref":null}"#,
        r#"{"admin":"why","ref":7}"#,
        r#"{"admin":"why","ref":["kqzwmfpa"]}"#,
    ] {
        assert_eq!(admin(line), Err(Rejection::WrongType("ref")), "{line}");
    }
    assert_eq!(admin(r#"{"admin":"why","ref":"a","ref":"a"}"#), Err(Rejection::DuplicateKey));
    assert_eq!(admin(r#"{"admin":"why","ref":"a","r\u0065f":"b"}"#), Err(Rejection::DuplicateKey));
    assert_eq!(admin(r#"{"admin":"why","hold":7,"ref":"a"}"#), Err(Rejection::WrongType("hold")));
}

#[test]
fn a_verb_is_one_of_these_to_the_letter() {
    for verb in ["Reload", "reload ", "plugin", "plugins\\u0000", "list", "stop", ""] {
        assert_eq!(admin(&format!(r#"{{"admin":"{verb}"}}"#)), Err(Rejection::UnknownVerb), "{verb}");
    }
    assert_eq!(admin(r#"{"admin":["reload"]}"#), Err(Rejection::WrongType("admin")));
    assert_eq!(admin(r#"{"admin":null}"#), Err(Rejection::WrongType("admin")));
    // What is not asked is not looked at.
    assert_eq!(admin(r#"{"admin":"reload","ref":7,"colour":{}}"#), Ok(AdminRequest::Reload));
}

#[test]
fn a_reload_is_read_back_the_same() {
    let reloaded =
        Reloaded { applied: true, changed: vec!["a\nb".into()], mistakes: vec!["c".into()], warnings: vec![] };
    let (back, _) = read_back::<Reloaded>(&AdminReply::Reloaded(reloaded.clone()));
    assert_eq!(back, Some(reloaded));
    assert!(!Reloaded::default().applied);
}

#[test]
fn a_status_is_read_back_the_same_and_is_nothing_else() {
    let reply = AdminReply::Status(Box::new(status()));
    assert_eq!(read_back::<StatusView>(&reply).0, Some(status()));
    assert_eq!(read_back::<Reloaded>(&reply).0, None);
    assert_eq!(read_back::<WhyView>(&reply).0, None);
}

#[test]
fn plugins_are_read_back_the_same_in_every_state() {
    for state in [Serving::Serving, Serving::ServingAccepted, Serving::Preparing, Serving::Resting, Serving::NotServing]
    {
        let plugins = vec![plugin(state), plugin(Serving::Serving)];
        let (back, text) = read_back::<Vec<PluginView>>(&AdminReply::Plugins(plugins.clone()));
        assert_eq!(back, Some(plugins));
        assert!(text.contains(&format!("\"state\":\"{state}\"")), "{text}");
    }
}

#[test]
fn crashes_are_told_where_there_were_any_and_a_daemon_that_tells_none_is_understood() {
    let told = |crashes| {
        let view = PluginView { crashes, ..plugin(Serving::Resting) };
        let (back, text) = read_back::<Vec<PluginView>>(&AdminReply::Plugins(vec![view]));
        (back.unwrap()[0].crashes.clone(), text)
    };
    let crashes = CrashesView { count: 5, last: "a\nb".into(), until: Some("2026-01-01T00:00:00Z".into()) };
    let (back, text) = told(Some(crashes.clone()));
    assert_eq!(back, Some(crashes));
    assert!(text.contains(r#""crashes":{"count":5,"last":"a\nb","until":"2026-01-01T00:00:00Z"}"#), "{text}");
    let (back, text) = told(None);
    assert_eq!(back, None);
    assert!(!text.contains("crashes"), "{text}");
}

#[test]
fn who_may_ask_tells_nobody_from_everybody() {
    let allowed = |allow| {
        let mut view = plugin(Serving::Serving);
        view.operations[0].allow = allow;
        let (back, text) = read_back::<Vec<PluginView>>(&AdminReply::Plugins(vec![view]));
        (back.unwrap()[0].operations[0].allow.clone(), text)
    };
    let (everybody, text) = allowed(None);
    assert_eq!(everybody, None);
    assert!(text.contains("\"allow\":null"), "{text}");
    let (nobody, text) = allowed(Some(Vec::new()));
    assert_eq!(nobody, Some(Vec::new()));
    assert!(text.contains("\"allow\":[]"), "{text}");
}

#[test]
fn an_explanation_is_read_back_the_same_with_and_without_its_parts() {
    assert_eq!(read_back::<WhyView>(&AdminReply::Why(Box::new(why()))).0, Some(why()));
    let bare = WhyView { operation: None, data: None, code: None, rule: None, allow: None, ..why() };
    assert_eq!(read_back::<WhyView>(&AdminReply::Why(Box::new(bare.clone()))).0, Some(bare));
    let beware = |why: &WhyView| serde_json::to_string(&why.allow).unwrap().contains("beware");
    let mut careful = why();
    careful.allow.as_mut().unwrap().beware = Some("all of them".into());
    assert_eq!((beware(&why()), beware(&careful)), (false, true));
}

/// What is left of a view when one of its keys is taken away, or is of another type.
fn spoilt<T: Serialize + DeserializeOwned>(view: &T) {
    let whole = serde_json::to_value(view).unwrap();
    let read = |value: &serde_json::Value| AdminReply::read::<T>(&Data::parse(&value.to_string()).unwrap()).is_some();
    assert!(read(&whole));
    for key in whole.as_object().unwrap().keys() {
        let mut other = whole.clone();
        other[key] = serde_json::json!({ "another": ["type"] });
        assert!(!read(&other), "{key} of another type was read: {other}");
    }
}

#[test]
fn a_view_with_a_part_of_another_type_is_no_view() {
    spoilt(&Reloaded::default());
    spoilt(&status());
    spoilt(&status().sockets[0]);
    spoilt(&plugin(Serving::Serving));
    spoilt(&plugin(Serving::Serving).operations[0]);
    spoilt(&why());
    spoilt(&step());
}

#[test]
fn a_list_is_the_data_of_a_success_and_its_schemas_are_the_plugins_own_text() {
    let schema = Data::parse(r#"{"type" : "object", "b":1.50}"#).unwrap();
    let view = OperationView { operation: "open".into(), summary: "s".into(), schema, steps: vec![step()] };
    let data = Data::parse(&serde_json::to_string(&[&view]).unwrap()).unwrap();
    let AnswerLine::Success { data, .. } = AnswerLine::read(&Reply::done(data).to_line(None)).unwrap() else {
        panic!("no success")
    };
    assert!(data.as_str().contains(r#""schema":{"type" : "object", "b":1.50}"#), "{}", data.as_str());
    assert_eq!(serde_json::from_str::<Vec<OperationView>>(data.as_str()).unwrap(), [view]);
}

#[test]
fn to_list_is_to_ask_for_it_and_for_nothing_else() {
    let asked = |text: &str| Line::read(text.as_bytes()).unwrap().request().map(|request| request.ask);
    assert_eq!(asked(r#"{"secret":"s","list":true}"#), Ok(Ask::List));
    assert_eq!(asked(r#"{"secret":"s","list":true,"data":{"a":1},"uid":null}"#), Err(Rejection::WrongType("uid")));
    assert_eq!(asked(r#"{"list":false}"#), Err(Rejection::OperationNotFound));
    assert_eq!(asked(r#"{"list":null}"#), Err(Rejection::OperationNotFound));
    assert_eq!(asked(r#"{"list":1}"#), Err(Rejection::WrongType("list")));
    assert_eq!(asked(r#"{"list":true,"op":"x"}"#), Err(Rejection::NotServed("list")));
}

#[test]
fn a_key_of_the_most_bytes_is_taken_and_one_more_is_a_wrong_type() {
    let asked = |key: &str| {
        let text = format!(r#"{{"op":"x","key":"{key}"}}"#);
        Line::read(text.as_bytes()).unwrap().request().map(|request| request.ask)
    };
    let longest = "\u{e9}".repeat(regent_protocol::ID_MAX / 2);
    let Ok(Ask::Operation { key, .. }) = asked(&longest) else { panic!("refused") };
    assert_eq!(key, Some(longest.clone()));
    assert_eq!(asked(&format!("{longest}a")), Err(Rejection::WrongType("key")));
    assert_eq!(asked(""), Err(Rejection::WrongType("key")));
}
