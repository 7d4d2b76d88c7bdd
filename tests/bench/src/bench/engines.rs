//! Each shipped plugin on the processor and on the interpreter, by one kept connection, turn by turn. What would
//! have an effect is asked for as a dry run: the plugin does all that it does, and no command runs.

use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use regent_build::{At as _, Error, Result};
use regent_client::{Answer, Client, Data, Options};

use super::Amount;
use super::figures::{Report, Times};
use super::ground::{self, Ground};
use super::regentd::Regentd;
use super::rounds::{WARM_UP, timed};

const ENGINES: [&str; 2] = ["native", "interpreter"];
/// The interpreter is what everybody gets if no plugin of Rust takes longer on it than this.
const TOWARDS: f64 = 1.1;

/// A shipped plugin, and what it is asked.
struct Asked {
    plugin: &'static str,
    operation: &'static str,
    data: &'static str,
    dry_run: bool,
}

const ALL: [Asked; 6] = [
    Asked { plugin: "echo", operation: "echo", data: r#"{"n":1}"#, dry_run: false },
    Asked { plugin: "whoami", operation: "whoami", data: "null", dry_run: true },
    Asked { plugin: "firewall", operation: "open", data: r#"{"ip":"8.8.8.8","port":22}"#, dry_run: true },
    Asked { plugin: "restart", operation: "restart", data: r#"{"service":"nginx"}"#, dry_run: true },
    Asked { plugin: "reboot", operation: "reboot", data: "null", dry_run: true },
    Asked { plugin: "commands", operation: "load", data: "null", dry_run: true },
];

/// Each plugin's round trip on the interpreter against the processor's.
pub(super) fn measure(ground: &Rc<Ground>, dist: &Path, amount: Amount, report: &mut Report) -> Result<()> {
    let daemon = Regentd::new(ground, "engines", dist, "")?;
    install(&daemon, dist)?;
    daemon.start()?;
    let said = daemon.says(" serves ", ALL.len() * ENGINES.len(), 0);
    said.map_err(|why| Error::new(format!("{why}; the daemon says:\n{}", daemon.log())))?;
    let mut client = daemon.client();
    for asked in &ALL {
        let [native, interpreted] = turn_by_turn(&mut client, asked, amount.requests)?;
        let how = if asked.dry_run { ", dry run" } else { "" };
        let name = format!("{}{how}, interpreter, connection kept", asked.plugin);
        report.compare(&name, "native", Some(TOWARDS), &native, &interpreted);
    }
    daemon.end();
    Ok(())
}

fn turn_by_turn(client: &mut Client, asked: &Asked, count: usize) -> Result<[Times; 2]> {
    let mut times = [Times::default(), Times::default()];
    for turn in 0..count + WARM_UP {
        let mut took = ENGINES.iter().zip(&mut times).map(|(engine, times)| (*engine, times)).collect::<Vec<_>>();
        // Neither always comes after the other.
        if turn % 2 == 1 {
            took.reverse();
        }
        for (engine, times) in took {
            let took = round(client, asked, engine)?;
            if turn >= WARM_UP {
                times.add(took);
            }
        }
    }
    Ok(times)
}

fn round(client: &mut Client, asked: &Asked, engine: &str) -> Result<Duration> {
    let data = Data::parse(asked.data).map_err(|why| Error::new(why.to_string()))?;
    let options = Options { dry_run: asked.dry_run, ..Options::default() };
    let operation = called(asked.operation, engine);
    timed(|| match client.call(&operation, data, &options) {
        Ok(Answer::Done(_)) => Ok(()),
        Ok(Answer::Held(_)) => Err(Error::new(format!("{operation} is held"))),
        Err(why) => Err(Error::new(format!("{operation}: {why}"))),
    })
}

/// Each module once, and its grants once for each engine.
fn install(daemon: &Regentd, dist: &Path) -> Result<()> {
    let plugins = daemon.folder().join("plugins");
    ground::copy(&dist.join("plugins"), &plugins)?;
    for Asked { plugin, .. } in &ALL {
        let shipped = plugins.join(format!("{plugin}.toml"));
        let grants = fs::read_to_string(&shipped).at(&shipped)?;
        fs::remove_file(&shipped).at(&shipped)?;
        for engine in ENGINES {
            daemon.write(&format!("plugins/{plugin}-{engine}.toml"), on(engine, plugin, &grants).as_bytes())?;
        }
    }
    Ok(())
}

/// The shipped grants on this engine, each operation under a name of its own, for whoever measures.
fn on(engine: &str, plugin: &str, grants: &str) -> String {
    let mut text = format!("module = \"{plugin}\"\nengine = \"{engine}\"\n");
    for line in grants.lines().filter(|line| !line.starts_with("allow")) {
        text.push_str(line);
        text.push('\n');
        if let Some(name) = line.strip_prefix("[operations.").and_then(|rest| rest.split(']').next()) {
            text.push_str(&format!("as = \"{}\"\n", called(name, engine)));
        }
    }
    text
}

fn called(operation: &str, engine: &str) -> String {
    format!("{operation}-{engine}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_grants_become_those_of_one_engine_under_names_of_its_own() {
        let shipped =
            "# a comment\n\n[operations.open]\nallow = [{ uid = 0 }]\n[commands.open]\nrun = [\"/bin/true\"]\n";
        assert_eq!(
            on("interpreter", "firewall", shipped),
            "module = \"firewall\"\nengine = \"interpreter\"\n# a comment\n\n[operations.open]\nas = \
             \"open-interpreter\"\n[commands.open]\nrun = [\"/bin/true\"]\n"
        );
    }
}
