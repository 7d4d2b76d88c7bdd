//! Lists and flags: slots that come to several arguments, or to none.

use super::{command, grants, pairs};
use crate::{Command, RenderError};

fn argv(command: &Command, values: &[&str]) -> Option<Vec<String>> {
    let rendered = match command.render(&pairs(values)) {
        Ok(rendered) => rendered,
        Err(RenderError::NotAccepted { .. }) => return None,
        Err(other) => panic!("{other:?}"),
    };
    // What was rendered comes to the same again: what is held is bound to its values.
    assert_eq!(command.render(rendered.values()).unwrap(), rendered);
    Some(rendered.argv()[1..].to_vec())
}

fn with_run(run: &str, params: &str) -> Command {
    grants(&format!("[operations.o]\n[commands.c]\nrun = [\"/bin/x\", {run}]\n{params}\n"))
        .command("c")
        .unwrap()
        .clone()
}

#[test]
fn each_value_of_a_list_is_an_argument_of_its_own_in_order() {
    let list = command(r#"type = "list", of = { type = "ip" }"#);
    assert_eq!(argv(&list, &["10.0.0.1"]).unwrap(), ["10.0.0.1"]);
    assert_eq!(argv(&list, &["10.0.0.2", "2001:DB8::1", "10.0.0.2"]).unwrap(), ["10.0.0.2", "2001:db8::1", "10.0.0.2"]);
    for values in
        [&["10.0.0.1", "10.0.0"][..], &["10.0.0.1,10.0.0.2"], &["10.0.0.1 10.0.0.2"], &[""], &["10.0.0.1", "-f"]]
    {
        assert_eq!(argv(&list, values), None, "{values:?}");
    }
}

#[test]
fn the_text_around_a_list_is_in_each_of_its_arguments() {
    let command = with_run(
        r#""--first", "--add={v}/tcp", "{force}", "{a}-{a}""#,
        "params.v = { type = \"list\", of = { type = \"integer\" }, min = 0 }\n\
         params.force = { type = \"flag\", value = \"--force\" }\nparams.a = { type = \"integer\" }",
    );
    let render = |values: &[(&str, &str)]| {
        let values: Vec<_> = values.iter().map(|(slot, value)| ((*slot).to_owned(), (*value).to_owned())).collect();
        command.render(&values)
    };
    let all = render(&[("v", "22"), ("a", "7"), ("force", "true"), ("v", "80")]).unwrap();
    assert_eq!(all.argv(), ["/bin/x", "--first", "--add=22/tcp", "--add=80/tcp", "--force", "7-7"]);
    let values = [("v", "22"), ("v", "80"), ("force", "true"), ("a", "7")];
    assert_eq!(all.values(), values.map(|(slot, value)| (slot.to_owned(), value.to_owned())));
    assert_eq!(render(&[("a", "7")]).unwrap().argv(), ["/bin/x", "--first", "7-7"]);
    assert_eq!(render(&[("a", "7"), ("force", "false")]), render(&[("a", "7")]));
    assert_eq!(render(&[("a", "7"), ("a", "7")]), Err(RenderError::GivenTwice("a".into())));
    assert_eq!(
        render(&[("a", "7"), ("force", "true"), ("force", "true")]),
        Err(RenderError::GivenTwice("force".into()))
    );
    assert_eq!(render(&[("v", "7")]), Err(RenderError::MissingSlot("a".into())));
    assert_eq!(render(&[("a", "7"), ("w", "7")]), Err(RenderError::UnknownSlot("w".into())));
}

#[test]
fn a_list_has_as_many_values_as_it_says() {
    let (usual, some, none) = (
        command(r#"type = "list", of = { type = "integer" }"#),
        command(r#"type = "list", of = { type = "integer" }, min = 2, max = 3"#),
        command(r#"type = "list", of = { type = "integer" }, min = 0, max = 64"#),
    );
    for (list, taken, refused) in
        [(&usual, &[1, 2, 16][..], &[17, 64, 1000][..]), (&some, &[2, 3], &[1, 4]), (&none, &[0, 1, 64], &[65])]
    {
        taken.iter().for_each(|count| assert_eq!(argv(list, &vec!["7"; *count]).map(|argv| argv.len()), Some(*count)));
        refused.iter().for_each(|count| assert_eq!(argv(list, &vec!["7"; *count]), None, "{count}"));
    }
    for list in [&usual, &some] {
        assert!(matches!(list.render(&[]), Err(RenderError::NotAccepted { slot, .. }) if slot == "v"));
    }
}

#[test]
fn more_may_be_asked_for_than_the_usual_most() {
    let list = command(r#"type = "list", of = { type = "integer" }, min = 20"#);
    assert!(
        argv(&list, &["7"; 20]).is_some() && argv(&list, &["7"; 19]).is_none() && argv(&list, &["7"; 21]).is_none()
    );
}

#[test]
fn a_flag_is_the_administrators_argument_or_is_not_there() {
    let flag = command(r#"type = "flag", value = "-f""#);
    assert_eq!(argv(&flag, &["true"]).unwrap(), ["-f"]);
    assert_eq!(argv(&flag, &["false"]).unwrap(), [""; 0]);
    assert_eq!(argv(&flag, &[]).unwrap(), [""; 0]);
    for value in ["", "-f", "--force", "True", "TRUE", "1", "0", "yes", "on", "true ", "true\n", "null", "\0", "falsе"]
    {
        assert_eq!(argv(&flag, &[value]), None, "{value:?}");
    }
}

#[test]
fn a_flags_argument_is_taken_letter_by_letter() {
    let flag = command(r#"type = "flag", value = "--set {v} }} é""#);
    assert_eq!(argv(&flag, &["true"]).unwrap(), ["--set {v} }} é"]);
}

#[test]
fn the_paths_of_a_command_line_are_told_with_their_folders() {
    let command = with_run(
        r#""{log}", "--add={files}", "{n}""#,
        "params.log = { type = \"path\", below = \"/var/log\" }\nparams.n = { type = \"integer\" }\n\
         params.files = { type = \"list\", of = { type = \"path\", below = \"/srv/a/\" } }",
    );
    let values = [("n", "1"), ("log", "a.log"), ("files", "x"), ("files", "/srv/a/y/z")];
    let values = values.map(|(slot, value)| (slot.to_owned(), value.to_owned()));
    let rendered = command.render(&values).unwrap();
    let told: Vec<_> = rendered
        .paths()
        .iter()
        .map(|below| (below.slot.as_str(), below.folder.to_str().unwrap(), below.path.to_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [("log", "/var/log", "/var/log/a.log"), ("files", "/srv/a", "/srv/a/x"), ("files", "/srv/a", "/srv/a/y/z")]
    );
    assert_eq!(rendered.argv(), ["/bin/x", "/var/log/a.log", "--add=/srv/a/x", "--add=/srv/a/y/z", "1"]);
    assert!(
        with_run("\"{v}\"", "params.v = { type = \"integer\" }").render(&pairs(&["7"])).unwrap().paths().is_empty()
    );
}
