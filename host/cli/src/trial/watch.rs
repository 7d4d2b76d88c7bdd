//! `--watch`: a trial again and again, whenever a file that bears on it has changed. Looking is by time and size a few
//! times a second: it sees what any editor does, on every file system, and costs nothing that can be felt.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use super::arguments::Run;
use crate::ending::{Ending, Failure};
use crate::{door, output};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// An editor saves in several steps: a change counts when it has been quiet for so long.
const QUIET: Duration = Duration::from_millis(60);
/// Folders of a plugin that a build writes, or that hold no sources.
const NOT_SOURCES: [&str; 6] = ["target", "out", "node_modules", "__pycache__", ".git", ".venv"];
/// Files that are looked at: a folder with more is not one plugin's.
const FILES_MAX: usize = 10_000;

/// What the files are known by.
type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Until it is interrupted.
pub(super) fn watch(run: &Run, mut arguments: Vec<OsString>) -> Result<Ending, Failure> {
    loop {
        let seen = look(run)?;
        if is_read(run, &mut arguments) && built(run)? {
            // A trial that ends badly is one more to be looked at, and no reason to stop.
            door::dry_run_runs(&arguments)?;
        }
        let changed = wait(run, &seen)?;
        output::print(&format!("\n--- changed: {}", shown(&changed)))?;
    }
}

/// Takes the data as their file has them now; whether there are any. What is wrong with them is told, and may be
/// mended.
fn is_read(run: &Run, arguments: &mut Vec<OsString>) -> bool {
    if run.data_file().is_none() {
        return true;
    }
    match run.arguments() {
        Ok(now) => *arguments = now,
        Err(failure) => {
            output::complain(&failure.words);
            return false;
        }
    }
    true
}

/// Builds the folder of a crate; whether there is something to try then. A failed build has told why itself.
fn built(run: &Run) -> Result<bool, Failure> {
    if !["Cargo.toml", "app.py"].iter().any(|source| run.what.join(source).is_file()) {
        return Ok(true);
    }
    let build = ["plugin", "build", "--again", "--"].map(OsStr::new);
    let build = build.into_iter().chain([run.what.as_os_str()]);
    Ok(door::regent_runs(build)? == Ending::Done)
}

/// The files that have changed, been made or gone.
fn wait(run: &Run, before: &Seen) -> Result<Vec<PathBuf>, Failure> {
    loop {
        sleep(LOOK_EVERY);
        let mut now = look(run)?;
        if now == *before {
            continue;
        }
        loop {
            sleep(QUIET);
            let later = look(run)?;
            if later == now {
                break;
            }
            now = later;
        }
        let changed = differing(before, &now);
        if !changed.is_empty() {
            return Ok(changed);
        }
    }
}

fn differing(before: &Seen, now: &Seen) -> Vec<PathBuf> {
    let mut changed: Vec<PathBuf> = before.keys().filter(|path| before.get(*path) != now.get(*path)).cloned().collect();
    changed.extend(now.keys().filter(|path| !before.contains_key(*path)).cloned());
    changed
}

fn shown(changed: &[PathBuf]) -> String {
    let names = changed.iter().map(|path| regent_protocol::visible::argument(&path.display().to_string()));
    names.collect::<Vec<_>>().join(" ")
}

/// All that bears on a trial, as it is now.
fn look(run: &Run) -> Result<Seen, Failure> {
    let mut seen = Seen::new();
    if run.what.is_dir() {
        let is_built = run.what.join("Cargo.toml").is_file();
        let walked = walk(&run.what, is_built, &mut seen);
        walked.map_err(|why| Failure::other(format!("{}: {why}", run.what.display())))?;
    } else {
        see(&run.what, &mut seen);
        see(&run.what.with_extension("toml"), &mut seen);
    }
    let named = [run.grants.as_deref(), run.config.as_deref(), run.data_file()];
    named.into_iter().flatten().for_each(|path| see(path, &mut seen));
    Ok(seen)
}

/// The sources of a folder. What a build makes of them is none, nor is a file that only an editor knows of.
fn walk(folder: &Path, is_built: bool, seen: &mut Seen) -> io::Result<()> {
    let mut ahead = vec![folder.to_path_buf()];
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !NOT_SOURCES.contains(&&*name) {
                ahead.push(path);
            } else if kind.is_file() && !is_product(&name, is_built) {
                see(&path, seen);
            }
            if seen.len() > FILES_MAX {
                return Err(io::Error::other(format!("more than {FILES_MAX} files: name the folder of one plugin")));
            }
        }
    }
    Ok(())
}

fn is_product(name: &str, is_built: bool) -> bool {
    let editors = name.starts_with(".#") || name.ends_with('~') || name.ends_with(".swp") || name.ends_with(".swx");
    editors || (is_built && (name.ends_with(".wasm") || name == "Cargo.lock"))
}

fn see(path: &Path, seen: &mut Seen) {
    // What is not there is not seen, so that its coming is a change.
    if let Ok(found) = fs::metadata(path)
        && let Ok(changed) = found.modified()
    {
        seen.insert(path.to_path_buf(), (changed, found.len()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(what: &Path) -> Run {
        Run {
            what: what.to_path_buf(),
            op: "say".into(),
            pairs: Vec::new(),
            data: None,
            grants: None,
            config: None,
            engine: None,
            perform: false,
            json: false,
            watch: true,
        }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn changed_by(name: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        for file in ["Cargo.toml", "src/lib.rs", "say.toml", "Cargo.lock"] {
            write(folder.path(), file, "one");
        }
        let before = look(&run(folder.path())).unwrap();
        write(folder.path(), name, "another");
        let changed = differing(&before, &look(&run(folder.path())).unwrap());
        changed.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string()).collect()
    }

    #[test]
    fn a_source_its_grants_and_a_new_file_are_changes_and_what_a_build_writes_is_none() {
        for source in ["src/lib.rs", "say.toml", "src/new/deep.rs"] {
            assert_eq!(changed_by(source), [source]);
        }
        for product in ["target/regent/say.wasm", "Cargo.lock", "say.wasm", ".git/index", "src/.lib.rs.swp"] {
            assert_eq!(changed_by(product), [""; 0], "{product}");
        }
    }

    #[test]
    fn the_file_of_the_data_is_watched_and_read_anew_and_what_is_no_json_in_it_is_not_tried() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.json");
        write(folder.path(), "data.json", "1");
        let run = Run { data: Some(format!("@{}", data.display())), ..run(&folder.path().join("say.wasm")) };
        let (before, mut arguments) = (look(&run).unwrap(), run.arguments().unwrap());
        write(folder.path(), "data.json", "[1, 2]");
        assert_eq!(differing(&before, &look(&run).unwrap()), [data]);
        assert!(is_read(&run, &mut arguments));
        assert_eq!(arguments.last().unwrap(), "[1, 2]");
        write(folder.path(), "data.json", "[1, ");
        assert!(!is_read(&run, &mut arguments));
        // The twin: what was typed stays.
        let typed = Run { data: Some("7".into()), ..self::run(folder.path()) };
        let mut arguments = typed.arguments().unwrap();
        assert!(is_read(&typed, &mut arguments) && arguments.last().unwrap() == "7");
    }

    #[test]
    fn of_a_module_the_file_itself_and_the_grants_beside_it_are_watched_also_when_they_come_or_go() {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("say.wasm");
        let run = run(&module);
        let none = look(&run).unwrap();
        write(folder.path(), "say.wasm", "x");
        let one = look(&run).unwrap();
        assert_eq!(differing(&none, &one), std::slice::from_ref(&module));
        write(folder.path(), "say.toml", "x");
        write(folder.path(), "other.toml", "x");
        assert_eq!(differing(&one, &look(&run).unwrap()), [folder.path().join("say.toml")]);
        fs::remove_file(&module).unwrap();
        assert!(differing(&one, &look(&run).unwrap()).contains(&module));
    }
}
