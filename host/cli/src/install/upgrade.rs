//! `plugin upgrade` and `plugin rollback`: the pin becomes another, after what that means was shown. Until then the
//! daemon serves what it accepted.

use regent_client::HoldView;
use regent_protocol::{ModuleView, visible};
use serde::Serialize;

use super::difference::{self, Change};
use super::{EVERY_NAME, Installed, agreed, kept, voided};
use crate::arguments::{self, Place};
use crate::described;
use crate::ending::{Ending, Failure};
use crate::files::{self, Configuration};
use crate::output;

/// What came of it, for programs.
#[derive(Serialize)]
struct UpgradeReport<'a> {
    plugin: &'a str,
    /// The grants file.
    file: String,
    /// The digest that is pinned.
    sha256: &'a str,
    /// Those that were.
    before: Vec<String>,
    /// Granted operations that the module does not have: until that is mended the daemon serves what it accepted
    /// before.
    lost: Vec<String>,
    /// `None`: what was accepted is not known.
    changes: Option<&'a [Change]>,
    /// Holds that become void; `None`: not known, since no daemon could be asked.
    voids: Option<Vec<&'a str>>,
    /// Whether the file is another now.
    written: bool,
}

pub(crate) fn upgrade(place: &Place, asked: &arguments::Upgrade) -> Result<Ending, Failure> {
    let name = asked.name.as_str();
    let configuration = Configuration::read(&asked.config.config)?;
    let installed = Installed::read(&configuration, name)?;
    let module = described::describe(&installed.module(&configuration, name)?)?;
    let digest = module.sha256.to_ascii_lowercase();
    if let Some(wanted) = asked.sha256.as_ref().filter(|wanted| wanted.to_ascii_lowercase() != digest) {
        return Err(Failure::other(format!(
            "{}: has sha256 {digest} and not {wanted}: nothing was accepted",
            module.file
        )));
    }
    let before = installed.pins.digests();
    let accepted = accepted(&configuration, &installed, name);
    let changes = difference::between(accepted.as_ref(), &module);
    let voids = voided::holds(place, &installed.pins.operations());
    let known = before.contains(&digest);
    let lost = lost(&installed, &module);
    let others = installed.pins.others(&digest);
    let text = installed.pinned(&configuration, name, &digest, &others)?;
    if !asked.json {
        let what = if known { Changed::Nothing } else { Changed::From(accepted.as_ref(), &changes) };
        output::print(&shown(name, &module, &what, &lost, &voids))?;
        if !known {
            output::print(&kept_pins(&others))?;
        }
    }
    let mut written = false;
    if asked.print {
        if !asked.json {
            output::print(&format!("\n{}:\n{}", installed.path().display(), visible::text(&text)))?;
        }
    } else if !lost.is_empty() {
        return Err(not_with(&lost, &installed));
    } else if !known {
        let instead = format!("say --yes --sha256 {digest}, if that is the module that you mean");
        if !asked.yes && !agreed("Accept this module?", &instead)? {
            return Err(Failure::other("not accepted: the daemon serves what it accepted before"));
        }
        installed.folder.replace(&installed.file, &installed.standing, text.as_bytes()).map_err(files::said)?;
        written = true;
    }
    let report = UpgradeReport {
        plugin: name,
        file: installed.path().display().to_string(),
        sha256: &digest,
        before,
        lost,
        changes: accepted.is_some().then_some(&changes),
        voids: voided::ids(&voids),
        written,
    };
    told(asked.json, &report, "accepted: a running daemon takes it up at once (regent plugin list says how it went)")
}

pub(crate) fn rollback(place: &Place, asked: &arguments::Rollback) -> Result<Ending, Failure> {
    let arguments::Rollback { pin: asked, sha256 } = asked;
    let name = asked.name.as_str();
    let configuration = Configuration::read(&asked.config.config)?;
    let installed = Installed::read(&configuration, name)?;
    let record = kept::record(&configuration, name).map_err(files::said)?;
    let present = record.as_ref().map(|record| record.accepted.as_str()).unwrap_or_default();
    let pinned = installed.pins.digests();
    // What is pinned may never have served: then the one that did is the way back.
    let unserved = !pinned.is_empty() && !pinned.iter().any(|pin| pin == present);
    let last = record.as_ref().and_then(|record| if unserved { Some(&record.accepted) } else { record.before.first() });
    let digest = last.ok_or_else(|| Failure::other(format!("{name}: no module served before the present one")))?;
    if kept::module(&configuration, digest).is_none() {
        return Err(Failure::other(format!("{name}: the module {digest} is no longer kept")));
    }
    if let Some(wanted) = sha256.as_ref().filter(|wanted| wanted.to_ascii_lowercase() != *digest) {
        return Err(Failure::other(format!("{name}: before the present one served {digest} and not {wanted}")));
    }
    let mut others = installed.pins.others(digest);
    // Left in the list, what is gone back from would serve on.
    others.retain(|other| other != present && !(unserved && lies_there(&configuration, &installed, name, other)));
    let text = installed.pinned(&configuration, name, digest, &others)?;
    let voids = voided::holds(place, &installed.pins.operations());
    if !asked.json {
        output::print(&format!("{name}: back to sha256 {digest}\n{}{}", kept_pins(&others), voided::shown(&voids)))?;
    }
    if !asked.print {
        // What the file names root wrote; what the daemon alone noted is the word of who may have taken it over.
        if sha256.is_none() && !installed.pins.name(digest) {
            let instead = format!("say --sha256 {digest}, if that is the module that you mean");
            let file = installed.path();
            if !agreed(&format!("{} does not name it. Accept this module?", file.display()), &instead)? {
                return Err(Failure::other("not accepted: nothing is written"));
            }
        }
        installed.folder.replace(&installed.file, &installed.standing, text.as_bytes()).map_err(files::said)?;
    } else if !asked.json {
        output::print(&format!("\n{}:\n{}", installed.path().display(), visible::text(&text)))?;
    }
    let report = UpgradeReport {
        plugin: name,
        file: installed.path().display().to_string(),
        sha256: digest,
        before: installed.pins.digests(),
        lost: Vec::new(),
        changes: None,
        voids: voided::ids(&voids),
        written: !asked.print,
    };
    let said = "pinned: a running daemon serves it at once from what it keeps; the module's file is as it is";
    told(asked.json, &report, said)
}

fn told(json: bool, report: &UpgradeReport<'_>, said: &str) -> Result<Ending, Failure> {
    if json {
        output::document(report)?;
    } else if report.written {
        output::print(&format!("{}: {said}", visible::line(&report.file)))?;
    }
    Ok(Ending::Done)
}

/// Whether the module in the folder has this digest.
fn lies_there(configuration: &Configuration, installed: &Installed, name: &str, digest: &str) -> bool {
    let found = installed.module(configuration, name).and_then(|path| described::describe(&path));
    found.is_ok_and(|found| found.sha256.eq_ignore_ascii_case(digest))
}

/// What else the list goes on to accept.
fn kept_pins(others: &[String]) -> String {
    if others.is_empty() { String::new() } else { format!("Pinned as before: {}\n", others.join(", ")) }
}

/// Pinned, such a module would not serve, and after a restart nothing that is pinned would.
fn not_with(lost: &[String], installed: &Installed) -> Failure {
    let tables: Vec<String> = lost.iter().map(|name| format!("[operations.{name}]")).collect();
    Failure::other(format!(
        "not accepted, for it would not serve: take {} out of {} first, with what only they need",
        visible::line(&tables.join(", ")),
        installed.path().display()
    ))
}

/// The module that the daemon accepted last, or that is pinned, if it is kept.
fn accepted(configuration: &Configuration, installed: &Installed, name: &str) -> Option<ModuleView> {
    let record = kept::record(configuration, name).ok().flatten();
    let digest = record.map(|record| record.accepted).or_else(|| match installed.pins.digests().as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    })?;
    described::describe(&kept::module(configuration, &digest)?).ok()
}

/// Granted operations that the module does not have.
fn lost(installed: &Installed, module: &ModuleView) -> Vec<String> {
    let has =
        |name: &str| module.operations.iter().any(|operation| operation.name == name || operation.name == EVERY_NAME);
    installed.pins.operations().into_iter().map(|(name, _)| name).filter(|name| !has(name)).collect()
}

/// Whether the module is another, and than which.
enum Changed<'a> {
    Nothing,
    From(Option<&'a ModuleView>, &'a [Change]),
}

fn shown(
    name: &str,
    module: &ModuleView,
    changed: &Changed<'_>,
    lost: &[String],
    voids: &Result<Vec<HoldView>, Failure>,
) -> String {
    let file = visible::line(&module.file);
    let what = match changed {
        Changed::Nothing => return format!("{name}: {file} is the module that is pinned already\n"),
        Changed::From(Some(before), []) => {
            let before = visible::line(&before.sha256);
            format!("It says of itself what sha256 {before} said: other code, the same words.\n")
        }
        Changed::From(Some(before), changes) => {
            let (before, changes) = (visible::line(&before.sha256), difference::shown(changes));
            format!("What it says of itself is not what sha256 {before} said:\n{changes}")
        }
        Changed::From(None, changes) => {
            let all = difference::shown(changes);
            format!(
                "What was accepted before is not known here (only root reads what is kept). What it says of itself:\n{all}"
            )
        }
    };
    let lost = match lost {
        [] => String::new(),
        lost => format!(
            "It does not have what the grants serve, and is not accepted until they do not: {}\n",
            visible::line(&lost.join(", "))
        ),
    };
    let digest = visible::line(&module.sha256);
    format!("{name}: {file}\nsha256 {digest}, {} bytes\n\n{what}\n{lost}{}", module.size, voided::shown(voids))
}
