//! What lies in the folders at one moment: grants files as they are written, and the modules that they name. Read on a
//! thread of its own, since neither a folder nor the system's user database answers by a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regent_grants::{Config, Grants, Operation, Principal, Unpinned};
use regent_resolve::{Findings, grants_folders, users};

use super::sums::Sums;
use crate::catalog::{Allowed, UnknownPrincipal, Who};
use crate::plugin::module::ModuleDigest;
use crate::policy::checked;
use crate::trusted_file::{self, Trusted, Untrusted};

#[derive(Debug, Default)]
pub struct Seen {
    /// Grants files, by the plugin's name.
    pub files: BTreeMap<String, GrantsFile>,
    /// Of the folders themselves.
    pub folders: FolderFindings,
}

/// What was found in the folders besides what serves.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct FolderFindings {
    /// Wrong: each with file, line and cure.
    pub mistakes: Vec<String>,
    /// Served, and to be looked at.
    pub warnings: Vec<String>,
    /// Modules that no grants file names.
    pub strays: Vec<PathBuf>,
}

#[derive(Debug)]
pub struct GrantsFile {
    pub path: PathBuf,
    /// What is in it, if it can be read at all.
    parsed: Option<Written>,
    mistakes: Vec<String>,
    pub warnings: Vec<String>,
    /// Where it can be written to by another name: what it was.
    pub link: Option<Link>,
}

/// What a link led to when it was looked at, or a file of several names; nobody is told when that changes, so it is
/// asked now and then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Option<FileId>);

impl Link {
    fn at(path: &Path) -> Option<Self> {
        let own = path.symlink_metadata().ok()?;
        let elsewhere = own.is_symlink() || (own.is_file() && own.nlink() > 1);
        elsewhere.then(|| Self(path.metadata().ok().map(|stat| FileId::from(&stat))))
    }

    /// Whether it leads to something else by now, to which nobody has written for so long.
    pub fn has_changed(&self, path: &Path, quiet: Duration) -> bool {
        let now = path.metadata().ok();
        let written = now.as_ref().and_then(|stat| stat.modified().ok()?.elapsed().ok());
        now.as_ref().map(FileId::from) != self.0 && written.is_none_or(|since| since >= quiet)
    }
}

impl GrantsFile {
    /// The module that it names, if that is there.
    pub fn module(&self) -> Option<&PathBuf> {
        Some(&self.parsed.as_ref()?.module.as_ref()?.path)
    }

    /// What it grants, mistakes or not, for whoever judges that by this machine.
    pub fn grants(&self) -> Option<&Grants> {
        self.parsed.as_ref().map(|written| &written.grants)
    }

    /// What this machine says of it.
    pub fn judged(&mut self, found: Findings) {
        self.mistakes.splice(..0, found.mistakes);
        self.warnings.splice(..0, found.warnings);
    }

    /// What is in it; else each mistake.
    ///
    /// # Errors
    /// For the administrator. Whom a rule cannot name keeps one operation away and not the file; with the file away it
    /// is told with the rest.
    pub fn written(self) -> Result<Written, Vec<String>> {
        let mut mistakes = self.mistakes;
        if let Some(written) = self.parsed.as_ref().filter(|_| !mistakes.is_empty()) {
            mistakes.extend(unresolved(&written.grants, &written.allowed));
        }
        self.parsed.filter(|_| mistakes.is_empty()).ok_or(mistakes)
    }
}

/// A grants file without a mistake.
#[derive(Debug)]
pub struct Written {
    pub grants: Grants,
    /// Who may ask for each operation, as numbers of this machine.
    pub allowed: Allowed,
    /// The module that it names, if that is there.
    pub module: Option<Module>,
}

/// A module as it lies there, not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    pub path: PathBuf,
    /// What tells one file from the next in its place.
    pub file: FileId,
    /// The digest that SHA256SUMS beside it gives it.
    pub vouched: Option<ModuleDigest>,
}

impl Module {
    /// Whether the file is the one that was seen, and nobody has written to it since.
    pub fn is_unchanged(&self) -> bool {
        FileId::of(&self.path).as_ref() == Some(&self.file)
    }
}

/// What tells a file from another, or from itself after a change: device, inode, size, and both times in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    place: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileId {
    fn of(path: &Path) -> Option<Self> {
        path.symlink_metadata().ok().map(|stat| Self::from(&stat))
    }
}

impl From<&Metadata> for FileId {
    fn from(stat: &Metadata) -> Self {
        Self {
            place: (stat.dev(), stat.ino()),
            size: stat.size(),
            modified: (stat.mtime(), stat.mtime_nsec()),
            changed: (stat.ctime(), stat.ctime_nsec()),
        }
    }
}

/// A folder of modules, and who vouches for them.
type ModulesFolder<'c> = (&'c Path, Sums);

/// Looks. What is wrong with one file keeps only that one out.
pub fn look(config: &Config) -> Seen {
    let mut seen = Seen::default();
    let places: Vec<_> = config.plugins.iter().map(|folder| (folder.as_path(), Sums::beside(folder))).collect();
    for folder in grants_folders(config) {
        match trusted_file::names(&folder, ".toml") {
            Ok(names) => names
                .iter()
                .for_each(|name| file(config, &places, &folder.join(format!("{name}.toml")), name, &mut seen)),
            Err(why) => seen.folders.mistakes.push(why.with_cure()),
        }
    }
    seen.folders.strays = strays(config, &seen);
    seen
}

fn file(config: &Config, places: &[ModulesFolder<'_>], path: &Path, name: &str, seen: &mut Seen) {
    if seen.files.contains_key(name) {
        seen.folders.warnings.push(format!("{}: an earlier folder has it; not read", path.display()));
        return;
    }
    let mut findings = Findings::default();
    // Asked before it is read, so that no change falls between.
    let link = Link::at(path);
    let parsed = parsed(config, places, path, name, &mut findings);
    let Findings { mistakes, warnings, .. } = findings;
    seen.files.insert(name.to_owned(), GrantsFile { path: path.to_path_buf(), parsed, mistakes, warnings, link });
}

fn parsed(
    config: &Config,
    places: &[ModulesFolder<'_>],
    path: &Path,
    name: &str,
    findings: &mut Findings,
) -> Option<Written> {
    let text = Trusted::open(path).and_then(Trusted::text);
    let text = findings.keep(text.map_err(|why| why.with_cure()))?;
    let grants = checked(Grants::parse(name, &path.display().to_string(), &text, config), findings)?;
    let module = module(&grants.module, places);
    if module.is_none() {
        findings.mistakes.extend(hidden(&grants.module, places));
    }
    if module.as_ref().is_none_or(|module| module.vouched.is_none()) {
        unpinned(&grants, findings);
    }
    let allowed = grants.operations.iter().map(|operation| (operation.name.clone(), allowed(operation))).collect();
    Some(Written { allowed, module, grants })
}

/// Rules of `allow` that name whom this machine does not know, each with its line.
pub fn unresolved(grants: &Grants, allowed: &Allowed) -> Vec<String> {
    let said = |operation: &Operation| {
        let why = allowed.get(&operation.name)?.as_ref().err()?;
        let line = operation.allow_line.unwrap_or(operation.line);
        Some(format!("{}:{line}: operation {}: allow: {why}, so it is not served", grants.file, operation.name))
    };
    grants.operations.iter().filter_map(said).collect()
}

/// What the file itself does not pin, and nothing beside the module vouches for.
fn unpinned(grants: &Grants, findings: &mut Findings) {
    match grants.unpinned() {
        Some(Unpinned::Mistake(mistake)) => findings.mistakes.push(mistake.to_string()),
        Some(Unpinned::Warning(warning)) => findings.warnings.push(warning.to_string()),
        None => {}
    }
}

/// The first folder that has it.
fn module(name: &str, places: &[ModulesFolder<'_>]) -> Option<Module> {
    places.iter().find_map(|(folder, sums)| {
        let path = folder.join(format!("{name}.wasm"));
        let file = FileId::of(&path)?;
        Some(Module { vouched: sums.of(name), path, file })
    })
}

/// Why nobody can say whether it is there.
fn hidden(name: &str, places: &[ModulesFolder<'_>]) -> Vec<String> {
    let closed = |(folder, _): &ModulesFolder<'_>| match Trusted::open_itself(&folder.join(format!("{name}.wasm"))) {
        Err(why @ Untrusted::Closed(_)) => Some(why.with_cure()),
        _ => None,
    };
    places.iter().filter_map(closed).collect()
}

/// Modules that no file names, and beside which lies none of their name.
fn strays(config: &Config, seen: &Seen) -> Vec<PathBuf> {
    let in_folder = |folder: &PathBuf| {
        let names = trusted_file::names(folder, ".wasm").unwrap_or_default();
        let stray = |name: &String| !seen.files.contains_key(name);
        names.into_iter().filter(stray).map(|name| folder.join(format!("{name}.wasm"))).collect::<Vec<_>>()
    };
    let named: BTreeSet<&PathBuf> = seen.files.values().filter_map(GrantsFile::module).collect();
    config.plugins.iter().flat_map(in_folder).filter(|path| !named.contains(path)).collect()
}

fn allowed(operation: &Operation) -> Result<Option<Vec<Who>>, UnknownPrincipal> {
    let resolve = |principal: &Principal| match principal {
        Principal::User(name) => users::user(name).map(|user| Who::Uid(user.uid)),
        Principal::Uid(uid) => Ok(Who::Uid(*uid)),
        Principal::Group(name) => users::group(name).map(Who::Gid),
        Principal::Gid(gid) => Ok(Who::Gid(*gid)),
    };
    let found: Option<Result<_, _>> = operation.allow.as_ref().map(|rules| rules.iter().map(resolve).collect());
    found.transpose().map_err(|why| UnknownPrincipal(why.to_string()))
}
