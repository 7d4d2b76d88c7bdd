//! Grants files, as this process itself read and judged them. What the daemon says of a command is its name and what
//! stands in its slots; all else is the file's.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::OwnedFd;

use regent_files::{Trusted, names};
use regent_grants::{Command, Config, Grants};
use regent_resolve::{PlannedStep, Unresolved, grants_file, grants_folders, judge, resolve};
use regent_spawner::{Answer, CommandError, Granted, Look, Refused, Run, Start, born};

use super::privileges::Privileges;

/// Texts of one file that are kept besides the one that serves: what runs by one of them may have steps left.
const KEPT: usize = 4;

/// Why a granted command does not run.
pub(crate) enum RunError {
    /// The spawner serves no daemon.
    NoGrants,
    Refused(Refused),
    /// The step is not the one that was planned.
    Changed,
    Command(CommandError),
    MissingDescriptors,
    WrongDescriptors,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoGrants => f.write_str("this spawner has no grants"),
            Self::Refused(refused) => refused.fmt(f),
            Self::Changed => {
                f.write_str("it is no longer what was planned: its user, groups, program or arguments have changed")
            }
            Self::Command(error) => error.fmt(f),
            Self::MissingDescriptors => f.write_str("its descriptors did not come"),
            Self::WrongDescriptors => f.write_str("its descriptors are not a command's"),
        }
    }
}

impl From<Refused> for RunError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<CommandError> for RunError {
    fn from(error: CommandError) -> Self {
        Self::Command(error)
    }
}

/// All that are known, by the plugin's name; the latest last.
#[derive(Default)]
pub(super) struct Files(BTreeMap<String, Vec<Grants>>);

impl Files {
    /// Reads a plugin's file, if this is not known yet, and judges it by this machine as it is now.
    pub(super) fn look(&mut self, config: &Config, privileges: &Privileges, look: &Look) -> Result<Answer, Refused> {
        let Look { plugin, text: digest, serving, .. } = look;
        if self.text(plugin, digest).is_none() {
            let text = read(config, plugin)?;
            if text.text != *digest {
                return Err(Refused::Because(format!("{}: has changed meanwhile", text.file)));
            }
            let texts = self.0.entry(plugin.clone()).or_default();
            texts.push(text);
            forget(texts, serving.as_ref());
        }
        let text = self.text(plugin, digest).ok_or_else(|| unknown(plugin))?;
        let regent_resolve::Findings { mut mistakes, warnings } = judge(text);
        mistakes.extend(privileges.lacks(text));
        Ok(Answer::Judged { mistakes, warnings })
    }

    pub(super) fn plan(&self, granted: &Granted) -> Result<Answer, Refused> {
        let (_, step) = self.step(granted)?;
        let planned = serde_json::to_string(&step).map_err(|why| Refused::Because(why.to_string()))?;
        Ok(Answer::Planned(planned))
    }

    /// The step anew, which has to be the one that was planned; and whether it reads the request's data.
    pub(super) fn born(&self, run: &Run) -> Result<(OwnedFd, Start, bool), RunError> {
        let Run { granted, planned, grouped } = run;
        let (command, step) = self.step(granted)?;
        if step.digest() != *planned {
            return Err(RunError::Changed);
        }
        let (program, start) = born(granted.token, command, &step, *grouped)?;
        Ok((program, start, command.stdin_data))
    }

    fn step(&self, granted: &Granted) -> Result<(&Command, PlannedStep), Refused> {
        let Granted { plugin, text, command, values, .. } = granted;
        let text = self.text(plugin, text).ok_or_else(|| unknown(plugin))?;
        let command = text.command(command).ok_or_else(|| {
            Refused::Because(format!("{}: it grants no command of the name that was asked for", text.file))
        })?;
        let step = resolve(command, values).map_err(|why| match why {
            Unresolved::Path { slot, rule } => Refused::Path { slot, rule },
            Unresolved::Host(why) => Refused::Because(why),
            Unresolved::Values(_) => {
                Refused::Because(format!("command {}: its slots do not take what was asked for", command.name))
            }
        })?;
        Ok((command, step))
    }

    fn text(&self, plugin: &str, digest: &[u8; 32]) -> Option<&Grants> {
        self.0.get(plugin)?.iter().find(|text| text.text == *digest)
    }
}

fn unknown(plugin: &str) -> Refused {
    Refused::Because(format!("the grants of {plugin} are no longer the ones that were read: reload"))
}

fn read(config: &Config, plugin: &str) -> Result<Grants, Refused> {
    let path = grants_file(config, plugin).ok_or_else(|| Refused::Because(format!("{plugin} has no grants file")))?;
    let text = Trusted::open(&path).and_then(Trusted::text)?;
    let grants = Grants::parse(plugin, &path.display().to_string(), &text, config);
    Ok(grants.map_err(|mistakes| Refused::Because(mistakes.to_string()))?.value)
}

/// Every file without a mistake; what is wrong with the others is said when they are to be served.
pub(super) fn granted(config: &Config) -> Vec<Grants> {
    let folders = grants_folders(config).into_iter();
    let names = folders.flat_map(|folder| names(&folder, ".toml").unwrap_or_default());
    names.filter_map(|name| read(config, &name).ok()).collect()
}

/// What serves stays, and the latest of the others.
fn forget(texts: &mut Vec<Grants>, serving: Option<&[u8; 32]>) {
    let others = texts.iter().filter(|text| Some(&text.text) != serving).count();
    let mut too_many = others.saturating_sub(KEPT);
    texts.retain(|text| {
        let goes = too_many > 0 && Some(&text.text) != serving;
        too_many -= usize::from(goes);
        !goes
    });
}
