//! `plugin disable`: the grants file gets another name, under which no daemon reads it; `plugin enable` gives it back.

use regent_files::Untrusted;
use regent_protocol::visible;
use serde::Serialize;

use super::{DISABLED, Installed};
use crate::arguments::Pin;
use crate::ending::{Ending, Failure};
use crate::files::{self, Configuration};
use crate::output;

#[derive(Serialize)]
struct DisableReport<'a> {
    plugin: &'a str,
    file: String,
    kept_as: String,
    written: bool,
}

pub(crate) fn disable(asked: &Pin) -> Result<Ending, Failure> {
    let name = asked.name.as_str();
    let configuration = Configuration::read(&asked.config.config)?;
    let installed = Installed::read(&configuration, name)?;
    let away = format!("{}.{DISABLED}", installed.file);
    if !asked.print {
        installed.folder.rename(&installed.file, &away).map_err(|why| match why {
            Untrusted::Failed(path, rustix::io::Errno::EXIST) => {
                Failure::other(format!("{}: is there already: remove it, or give it another name", path.display()))
            }
            why => files::said(why),
        })?;
    }
    let (file, kept_as) = (installed.path(), installed.folder.path().join(away));
    let report = DisableReport {
        plugin: name,
        file: file.display().to_string(),
        kept_as: kept_as.display().to_string(),
        written: !asked.print,
    };
    if asked.json {
        output::document(&report)?;
    } else {
        let would = if asked.print { "would be " } else { "" };
        let (file, kept_as) = (visible::line(&report.file), visible::line(&report.kept_as));
        let what = "a running daemon serves nothing of it from now on, and what is held for it can no longer run";
        output::print(&format!("{file}: {would}renamed to {kept_as}\n{what}\nBack: regent plugin enable {name}"))?;
    }
    Ok(Ending::Done)
}
