//! regent.toml as a whole, from its text.

use std::path::PathBuf;
use std::time::Duration;

use super::people::{self, People};
use super::{Config, sandbox, sockets};
use crate::mistake::{Checked, Mistakes};
use crate::sheet::Sheet;
use crate::sheet::table::Table;
use crate::sheet::value::Value;

/// How long results are told to their requesters.
const KEEP_RESULTS: Duration = Duration::from_secs(24 * 3600);

const MONTH: Duration = Duration::from_secs(30 * 24 * 3600);

impl Config {
    /// Reads regent.toml; `file` is what mistakes call it.
    ///
    /// # Errors
    /// All mistakes, each with its line and what to write instead.
    pub fn parse(file: &str, text: &str) -> Result<Checked<Self>, Mistakes> {
        let sheet = Sheet::new(file, text);
        let document = sheet.document();
        let config = document
            .as_ref()
            .and_then(|document| read(Table::new(&sheet, "regent.toml".into(), 1, document.get_ref())));
        drop(document);
        sheet.finish(config)
    }
}

fn read(mut table: Table<'_>) -> Option<Config> {
    let plugins = table.need("plugins", "plugins = [\"/usr/lib/regent/plugins\"]", folders);
    let grants = table.read("grants", Value::path);
    let state = table.need("state", "state = \"/var/lib/regent\"", Value::path);
    let audit = table.read("audit", Value::file_path);
    let daemon_user = table.read("daemon_user", |value| Some((value.account_or_id()?, value.line)));
    let (daemon_user, daemon_user_line) = daemon_user.map_or((None, 1), |(name, line)| (Some(name), line));
    let keep_results = table.read("keep_results", keep_results).unwrap_or(KEEP_RESULTS);
    let sandbox = sandbox::read(&mut table);
    table.misplaced("engine", "engine is of the sandboxes: write it below [sandbox]");
    let admin = table.read("admin", sockets::admin);
    let sockets = sockets::read(&mut table, admin.as_ref());
    let People { people, teams, lines } = people::read(&mut table);
    let file = table.sheet.file().to_owned();
    table.finish(&["mail", "keys", "rate"]);
    let state = state?;
    Some(Config {
        file,
        plugins: plugins?,
        grants,
        audit: audit.unwrap_or_else(|| state.join("audit.jsonl")),
        state,
        daemon_user,
        daemon_user_line,
        keep_results,
        sandbox: sandbox.uids,
        allow_missing: sandbox.allow_missing,
        engine: sandbox.engine,
        recycle: sandbox.recycle,
        sockets,
        admin: admin.map(|(admin, _)| admin),
        people,
        teams,
        lines,
    })
}

fn keep_results(value: &Value<'_>) -> Option<Duration> {
    let time = value.seconds()?;
    if time > MONTH {
        let text = "what commands printed stays on the disk for more than 30 days: write \"720h\" or less";
        value.sheet.warning(value.line, format!("keep_results: {text}"));
    }
    Some(time)
}

fn folders(value: &Value<'_>) -> Option<Vec<PathBuf>> {
    let list = value.list_of_some("nothing could be served: write plugins = [\"/usr/lib/regent/plugins\"]")?;
    Some(Value::each(&list, Value::path))
}
