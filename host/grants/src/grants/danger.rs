//! What is valid in a command and dangerous all the same: programs that run what they are given, variables that decide
//! what a program loads, folders that everybody writes to.
//!
//! The lists are of what is known, and a program that is on none of them may run what it is given too: a warning helps
//! whoever did not think of it, and is no guard.

use std::path::Path;

use super::template::Template;
use crate::sheet::Sheet;
use crate::sheet::value::Value;

/// A program that takes code as an argument, and the letters of the options that say so. Versions are left out of its
/// name.
const TAKE_CODE: [(&str, &str); 21] = [
    ("ash", "c"),
    ("bash", "c"),
    ("csh", "c"),
    ("dash", "c"),
    ("fish", "c"),
    ("ksh", "c"),
    ("lua", "e"),
    ("luajit", "e"),
    ("mksh", "c"),
    ("node", "ep"),
    ("nodejs", "ep"),
    ("perl", "eE"),
    ("php", "r"),
    ("pypy", "c"),
    ("python", "c"),
    ("ruby", "e"),
    ("runuser", "c"),
    ("sh", "c"),
    ("su", "c"),
    ("tcsh", "c"),
    ("zsh", "c"),
];

/// Other programs that run what stands in their arguments, or what those tell them to.
const RUN_OTHERS: [&str; 42] = [
    "at",
    "awk",
    "batch",
    "busybox",
    "chroot",
    "chrt",
    "crontab",
    "docker",
    "doas",
    "ed",
    "env",
    "expect",
    "find",
    "flock",
    "gawk",
    "gdb",
    "ionice",
    "kubectl",
    "make",
    "mawk",
    "nawk",
    "nice",
    "nohup",
    "nsenter",
    "parallel",
    "podman",
    "pkexec",
    "script",
    "sed",
    "setpriv",
    "setsid",
    "ssh",
    "stdbuf",
    "strace",
    "sudo",
    "systemd-run",
    "taskset",
    "tclsh",
    "timeout",
    "unshare",
    "watch",
    "xargs",
];

/// Programs that run nothing but what stands behind some options, and these: the short ones may have it attached, the
/// long ones behind a `=`.
const BEHIND_OPTIONS: [(&str, &[&str]); 8] = [
    ("apt-get", &["-o", "--option", "-c", "--config-file"]),
    ("git", &["-c", "--config-env", "--exec-path", "--receive-pack", "--upload-pack", "-u"]),
    ("rsync", &["-e", "--rsh", "--rsync-path"]),
    ("scp", &["-S", "-o", "-F", "-D"]),
    ("sftp", &["-S", "-o", "-F", "-D"]),
    (
        "tar",
        &[
            "-I",
            "--use-compress-program",
            "--to-command",
            "--checkpoint-action",
            "--rsh-command",
            "--rmt-command",
            "-F",
        ],
    ),
    ("tcpdump", &["-z"]),
    ("zip", &["-TT", "--unzip-command"]),
];

/// Options of interpreters that are followed by a value, which is neither the code nor the script.
const VALUED: [&str; 9] = ["-o", "+o", "-O", "+O", "-W", "-X", "-I", "--rcfile", "--init-file"];

/// Programs whose options may stand behind their other arguments.
const ANYWHERE: [&str; 2] = ["runuser", "su"];

/// Variables by which a program is told what to load or run, beside `LD_*`.
const LOADING: [&str; 15] = [
    "BASH_ENV",
    "ENV",
    "GCONV_PATH",
    "IFS",
    "LUA_INIT",
    "LUA_PATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PATH",
    "PERL5LIB",
    "PERL5OPT",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
];

/// Folders in which everybody makes files.
const OPEN: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// Says of a command whether a slot is in what its program will run.
pub(super) fn judge_run(sheet: &Sheet<'_>, line: usize, name: &str, run: &[Template]) {
    let Some(program) = run.first().and_then(called) else { return };
    let wrapped = RUN_OTHERS.contains(&program);
    let interpreters = run.iter().enumerate().filter(|(at, _)| *at == 0 || wrapped);
    for (at, letters) in interpreters.filter_map(|(at, argument)| Some((at, code_letters(called(argument)?)?))) {
        let rest = run.get(at + 1..).unwrap_or_default();
        let runs = run.get(at).and_then(called).unwrap_or(program);
        if let Some(slot) = code(rest, letters, ANYWHERE.contains(&runs)).and_then(|code| code.slots().next()) {
            sheet.mistake(
                line,
                format!(
                    "command {name}: {{{slot}}} is inside of the code that {runs} runs: write a program of your own that \
                     takes no code, and give it the value as an argument"
                ),
            );
            return;
        }
    }
    let slot = run.iter().flat_map(Template::slots).next();
    if let (Some(slot), true) = (slot, wrapped || code_letters(program).is_some()) {
        let why = format!("command {name}: {program} runs what it is given, and {{{slot}}} is among that");
        sheet.warning(line, format!("{why}: write a program of your own that takes no code, and grant that"));
    } else if let Some((option, slot)) = behind_option(program, run.get(1..).unwrap_or_default()) {
        let why = format!("command {name}: {program} runs or loads what {option} says, and {{{slot}}} is in that");
        sheet.warning(line, format!("{why}: write the option without a slot, or grant a program of your own"));
    }
}

/// The option, and the slot in what it says.
fn behind_option<'t>(program: &str, arguments: &'t [Template]) -> Option<(&'static str, &'t str)> {
    let (_, options) = BEHIND_OPTIONS.iter().find(|(name, _)| *name == program)?;
    let attached = |argument: &Template, option: &str| match argument.begins().strip_prefix(option) {
        Some(rest) => !option.starts_with("--") || rest.starts_with('='),
        None => false,
    };
    arguments.iter().enumerate().find_map(|(at, argument)| {
        let own = argument.slots().next();
        let option = options.iter().find(|option| match own {
            Some(_) => attached(argument, option),
            None => argument.fixed() == Some(**option),
        })?;
        let slot = own.or_else(|| arguments.get(at + 1)?.slots().next())?;
        Some((*option, slot))
    })
}

/// The file name of a program without its version, `python3.11` being `python`.
fn called(argument: &Template) -> Option<&str> {
    let file = Path::new(argument.fixed()?).file_name()?.to_str()?;
    Some(file.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.'))
}

fn code_letters(program: &str) -> Option<&'static str> {
    TAKE_CODE.iter().find(|(name, _)| *name == program).map(|(_, letters)| *letters)
}

/// The argument that is code: what an option such as `-c`, alone or in `-ec`, is followed by or has in itself. Options
/// of the script that is run instead are none of the interpreter's.
fn code<'t>(arguments: &'t [Template], letters: &str, anywhere: bool) -> Option<&'t Template> {
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let text = argument.begins();
        let short = text.strip_prefix('-').is_some_and(|text| !text.starts_with('-'));
        if short && text.contains(|letter| letters.contains(letter)) {
            let attached = argument.slots().next().is_some();
            return if attached { Some(argument) } else { rest.find(|next| !next.begins().starts_with('-')) };
        }
        if VALUED.contains(&text) {
            rest.next();
        } else if !text.starts_with(['-', '+']) && !anywhere {
            return None;
        }
    }
    None
}

/// Says that a slot takes whatever a shell would.
pub(super) fn judge_wide(value: &Value<'_>) {
    let text = "takes blanks and ; | $( ) ` > alike, as a shell does, and the program may hand it to one";
    let cure = "write a pattern of the letters that are meant, or one_of";
    value.sheet.warning(value.line, format!("params.{} {text}: {cure}", value.key));
}

/// Says of a variable of `env` whether it decides what is loaded.
pub(super) fn judge_variable(value: &Value<'_>) {
    if value.key.starts_with("LD_") || LOADING.contains(&value.key.as_ref()) {
        let text = format!("env: {} decides what code the program finds: take it out, or grant a program", value.key);
        value.sheet.warning(value.line, format!("{text} that needs it not"));
    }
}

/// Says of a command's folder whether everybody may put files there.
pub(super) fn judge_folder(value: &Value<'_>, path: &Path) {
    if OPEN.iter().any(|open| path.starts_with(open)) {
        let text = "everybody can put files where the program will look for its own: write a folder of root's";
        value.sheet.warning(value.line, format!("cwd: {text}"));
    }
}
