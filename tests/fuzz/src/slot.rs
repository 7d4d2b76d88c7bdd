//! A slot of each type and values for it: the first line is the slot as a grants file has it, all after that are the
//! values, with the byte 0x1e between two. What is accepted is harmless by a rule of another make; the line that is
//! offered where something is not accepted lets it through.

use std::net::IpAddr;

use regent_grants::{Command, Instead, RenderError, Rendered};
use toml::{Table, Value};

use crate::grants;

/// Lines of a list's values that are offered one by one.
const OFFERS_MAX: usize = 80;
/// Where the slot stands.
const HEAD: &str = "[settings]\nports = [22, 80]\nwords = [\"start\", \"stop\"]\nhosts = [\"www.example.org\"]\n\
                    [operations.o]\n[commands.c]\nrun = [\"/bin/true\", \"{v}\"]\n";

/// The target.
pub fn fill(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (slot, values) = text.split_once('\n').unwrap_or((text, ""));
    let file = format!("{HEAD}params.v = {{ {slot} }}\n");
    let Some(command) = command(&file) else { return };
    // What ends the slot and begins another key is no slot of this target's.
    let Some(slot) = as_table(&file) else { return };
    let values: Vec<_> = values.split('\x1e').map(|value| ("v".to_owned(), value.to_owned())).collect();
    match command.render(&values) {
        Ok(rendered) => taken(&command, &slot, &values, &rendered),
        Err(RenderError::NotAccepted { slot, line, allow, .. }) => {
            assert_eq!(slot, "v");
            assert!(line <= file.lines().count());
            offered(file, allow, &values);
        }
        Err(RenderError::GivenTwice(slot)) => assert!(slot == "v" && values.len() > 1),
        Err(other) => panic!("{other:?}"),
    }
}

fn command(file: &str) -> Option<Command> {
    grants::parse(file).ok()?.value.command("c").filter(|command| command.params().count() == 1).cloned()
}

/// By another reader, and only if nothing else stands in the command.
fn as_table(file: &str) -> Option<Table> {
    let mut file: Table = file.parse().expect("a grants file is TOML");
    let command = file.get_mut("commands")?.get_mut("c")?.as_table_mut()?;
    (command.len() == 2).then(|| command.get_mut("params")?.get_mut("v")?.as_table().cloned())?
}

type Pair = (String, String);

fn taken(command: &Command, slot: &Table, values: &[Pair], rendered: &Rendered) {
    let again = command.render(rendered.values());
    assert_eq!(again.as_ref(), Ok(rendered), "what is rendered is accepted, and rendered as it is");
    let (program, arguments) = rendered.argv().split_first().expect("a program");
    assert_eq!(program, "/bin/true");
    if let Some(flag) = slot.get("value").filter(|_| is(slot, "flag")) {
        return assert!(arguments.is_empty() || flag.as_str() == arguments.first().map(String::as_str));
    }
    assert_eq!(arguments.len(), values.len(), "each value is one argument");
    assert!(rendered.values().iter().map(|(_, value)| value).eq(arguments));
    let of = slot.get("of").and_then(Value::as_table).unwrap_or(slot);
    for ((_, value), argument) in values.iter().zip(arguments) {
        assert!(!argument.is_empty() && argument.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{argument:?}");
        assert!(!argument.starts_with('-') || may_begin_with_a_dash(of), "{argument:?} of {of}");
        assert!(is_of_its_type(of, value, argument), "{value:?} as {argument:?} of {of}");
    }
}

fn is(slot: &Table, kind: &str) -> bool {
    slot.get("type").and_then(Value::as_str) == Some(kind)
}

/// Where an administrator wrote so.
fn may_begin_with_a_dash(slot: &Table) -> bool {
    let negative = |value: &Value| value.as_integer().is_some_and(|number| number < 0);
    let listed = slot.get("one_of").and_then(Value::as_array).is_some_and(|list| list.iter().any(negative));
    let first_any = slot.get("first_any").and_then(Value::as_bool) == Some(true);
    first_any || is(slot, "integer") && (listed || slot.get("min").is_some_and(negative))
}

/// The rule of each type once more, as std has it where it has one.
fn is_of_its_type(slot: &Table, value: &str, argument: &str) -> bool {
    let kind = slot.get("type").and_then(Value::as_str).unwrap_or("text");
    let key = |key: &str| slot.get(key);
    let number = |name: &str, other| key(name).and_then(Value::as_integer).unwrap_or(other);
    let letters = |more: &[u8]| argument.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte));
    let address = || argument.parse::<IpAddr>().ok().filter(|address| Some(*address) == value.parse().ok());
    match kind {
        "ipv4" => address().is_some_and(|address| address.is_ipv4() && argument == value),
        "ipv6" => address().is_some_and(|address| address.is_ipv6() && address.to_string() == argument),
        "ip" => address().is_some_and(|address| address.to_string() == argument),
        "cidr" => argument.split_once('/').is_some_and(|(address, length)| {
            let most = address.parse::<IpAddr>().map_or(0, |address| if address.is_ipv4() { 32 } else { 128 });
            length.parse::<u8>().is_ok_and(|bits| bits <= most && bits.to_string() == length)
        }),
        "integer" => argument.parse::<i64>().is_ok_and(|found| {
            let within = key("one_of").is_some() || (number("min", 0)..=number("max", i64::MAX)).contains(&found);
            within && found.to_string() == value && value == argument
        }),
        "hostname" => letters(b".-") && value.to_ascii_lowercase() == argument && argument.parse::<IpAddr>().is_err(),
        "user" | "group" => letters(b"_-") && argument.len() <= 32 && value == argument,
        "unit" => letters(br":_.\@-") && argument.contains('.') && value == argument,
        "uuid" => letters(b"-") && argument.len() == 36 && value.to_ascii_lowercase() == argument,
        "path" => is_below(key("below").and_then(Value::as_str).unwrap_or_default(), argument),
        _ => value == argument && argument.len() <= 4096,
    }
}

/// By its parts, as the kernel would walk it without links: to it, `//` and `/./` in the folder's name are one `/`.
fn is_below(folder: &str, path: &str) -> bool {
    let folder = folder.split('/').filter(|part| !["", "."].contains(part));
    let folder: String = folder.map(|part| format!("/{part}")).collect();
    let rest = path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'));
    rest.is_some_and(|rest| rest.split('/').all(|part| !["", ".", ".."].contains(&part) && !part.starts_with('-')))
}

/// Each line that is offered is taken; at the end of a list's all its values are.
fn offered(mut file: String, mut allow: Option<Instead>, values: &[Pair]) {
    for _ in 0..OFFERS_MAX {
        let Some(line) = allow else { return };
        assert!(!line.text.contains('\n'), "{line:?} is more than one line");
        file = rewritten(&file, &line);
        let command = command(&file).unwrap_or_else(|| panic!("what is offered is no grants file:\n{file}"));
        allow = match command.render(values) {
            Ok(_) => return,
            Err(RenderError::NotAccepted { allow: Some(next), .. }) if values.len() > 1 => Some(next),
            // Of a list whose further values nobody would want.
            Err(RenderError::NotAccepted { allow: None, .. }) if values.len() > 1 => None,
            Err(why) => panic!("what is offered does not help: {why:?}\n{file}"),
        };
    }
    panic!("what is offered does not help in the end:\n{file}");
}

/// The file with that line in the place of the one that it names.
fn rewritten(file: &str, instead: &Instead) -> String {
    let lines = file.lines().enumerate();
    lines.map(|(at, line)| format!("{}\n", if at + 1 == instead.line { &instead.text } else { line })).collect()
}
