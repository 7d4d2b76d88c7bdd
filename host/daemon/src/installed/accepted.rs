//! Modules that served once, kept by digest in the state folder (0700): a package that replaces a file ends no service,
//! not after a restart either, and what served before can serve again. For each plugin a file names the module that it
//! accepted last and those before it; what no file names is dropped.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use regent_lane::MODULE_MAX;
use serde::{Deserialize, Serialize};

use crate::plugin::module::{ModuleDigest, Sealed};
use crate::trusted_file::{own_folder, replace};

/// Modules before the present one that a plugin can go back to.
const BEFORE_MAX: usize = 2;
/// Such a file names a few digests.
const RECORD_MAX: u64 = 4 << 10;

#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
    /// One writes at a time: plugins of one module keep the same file.
    writing: Arc<Mutex<()>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    #[serde(with = "hex")]
    pub accepted: ModuleDigest,
    /// Those before it, the newest first.
    pub before: Vec<String>,
}

impl Shelf {
    /// In this folder, made if it is not there.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        own_folder(&folder)?;
        Ok(Self { folder, writing: Arc::default() })
    }

    fn module_path(&self, digest: &ModuleDigest) -> PathBuf {
        self.folder.join(format!("{}.wasm", hex::encode(digest)))
    }

    fn record_path(&self, plugin: &str) -> PathBuf {
        self.folder.join(format!("{plugin}.json"))
    }

    pub fn record(&self, plugin: &str) -> Option<Record> {
        let mut text = String::new();
        File::open(self.record_path(plugin)).ok()?.take(RECORD_MAX).read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// A module that was accepted once; `None` if it is not there, or not what it was, which is said.
    pub fn module(&self, digest: &ModuleDigest) -> Option<Sealed> {
        let path = self.module_path(digest);
        let sealed = Sealed::copy("module", File::open(&path).ok()?, MODULE_MAX);
        match sealed {
            Ok(sealed) if sealed.digest() == *digest => Some(sealed),
            Ok(_) => {
                crate::warning!("{}: is not the module that was kept: dropped", path.display());
                let _either_way = fs::remove_file(&path);
                None
            }
            Err(why) => {
                crate::warning!("{}: {why}", path.display());
                None
            }
        }
    }

    /// This plugin serves this module from now on.
    ///
    /// # Errors
    /// What the disk says: it serves all the same, and may not after a restart.
    pub fn accept(&self, plugin: &str, module: &Sealed) -> io::Result<()> {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = module.digest();
        let path = self.module_path(&digest);
        if !path.exists() {
            replace(&path, |file| io::copy(&mut module.reader()?, file).map(|_| ()))?;
        }
        let former = self.record(plugin);
        if former.as_ref().is_some_and(|record| record.accepted == digest) {
            return Ok(());
        }
        let record = next(former.clone(), digest);
        let text = serde_json::to_vec(&record)?;
        replace(&self.record_path(plugin), |file| file.write_all(&text))?;
        former.iter().flat_map(|former| &former.before).filter(|gone| !record.before.contains(gone)).for_each(|gone| {
            self.drop_unless_named(gone);
        });
        Ok(())
    }

    /// Drops a module that a plugin can no longer go back to, unless another can.
    fn drop_unless_named(&self, digest: &str) {
        let named = fs::read_dir(&self.folder).into_iter().flatten().flatten().any(|entry| {
            let path = entry.path();
            let record = path.extension().is_some_and(|ending| ending == "json");
            record && fs::read_to_string(&path).is_ok_and(|text| text.contains(digest))
        });
        if !named {
            let _either_way = fs::remove_file(self.folder.join(format!("{digest}.wasm")));
        }
    }

    /// What this plugin accepted is no longer to serve by itself.
    pub fn forget(&self, plugin: &str) {
        let _either_way = fs::remove_file(self.record_path(plugin));
    }

    /// Drops modules that none of these plugins can go back to, and what is told of others.
    pub fn tidy(&self, plugins: &BTreeSet<String>, pins: &BTreeSet<ModuleDigest>) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let records: Vec<Record> = plugins.iter().filter_map(|plugin| self.record(plugin)).collect();
        let mut named: BTreeSet<String> = pins.iter().map(hex::encode).collect();
        for record in records {
            named.insert(hex::encode(record.accepted));
            named.extend(record.before);
        }
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            let keep = match path.extension().and_then(|ending| ending.to_str()) {
                Some("wasm") => named.contains(stem),
                Some("json") => plugins.contains(stem),
                _ => false,
            };
            if !keep {
                let _either_way = fs::remove_file(&path);
            }
        }
    }
}

fn next(former: Option<Record>, digest: ModuleDigest) -> Record {
    let mut before = Vec::new();
    if let Some(former) = former {
        before.push(hex::encode(former.accepted));
        before.extend(former.before);
    }
    let now = hex::encode(digest);
    before.retain(|digest| *digest != now);
    before.truncate(BEFORE_MAX);
    Record { accepted: digest, before }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(bytes: &[u8]) -> Sealed {
        Sealed::copy("test", bytes, MODULE_MAX).unwrap()
    }

    #[test]
    fn what_was_accepted_is_there_again_and_what_came_before_it_too() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().join("modules")).unwrap();
        let all: Vec<Sealed> = [b"one", b"two", b"six"].iter().map(|bytes| sealed(*bytes)).collect();
        all.iter().for_each(|module| shelf.accept("echo", module).unwrap());
        shelf.accept("echo", &all[1]).unwrap();
        let record = shelf.record("echo").unwrap();
        assert_eq!(record.accepted, all[1].digest());
        assert_eq!(record.before, [hex::encode(all[2].digest()), hex::encode(all[0].digest())]);
        assert_eq!(shelf.module(&all[0].digest()).unwrap().digest(), all[0].digest());
    }

    #[test]
    fn plugins_of_one_module_that_start_at_once_each_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().to_path_buf()).unwrap();
        let module = sealed(&[7; 100_000]);
        std::thread::scope(|scope| {
            let accept = |plugin: usize| shelf.accept(&format!("p{plugin}"), &module);
            let all: Vec<_> = (0..16).map(|plugin| scope.spawn(move || accept(plugin))).collect();
            all.into_iter().for_each(|accepted| accepted.join().unwrap().unwrap());
        });
        assert!((0..16).all(|plugin| shelf.record(&format!("p{plugin}")).is_some()));
    }

    #[test]
    fn what_no_plugin_can_go_back_to_any_more_is_dropped_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().to_path_buf()).unwrap();
        let all: Vec<Sealed> = [b"1", b"2", b"3", b"4"].iter().map(|bytes| sealed(*bytes)).collect();
        shelf.accept("other", &all[1]).unwrap();
        all.iter().for_each(|module| shelf.accept("echo", module).unwrap());
        assert!(!shelf.module_path(&all[0].digest()).exists());
        assert!(all.iter().skip(1).all(|module| shelf.module(&module.digest()).is_some()));
    }

    #[test]
    fn a_kept_module_that_was_changed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().to_path_buf()).unwrap();
        let module = sealed(b"one");
        shelf.accept("echo", &module).unwrap();
        fs::write(shelf.module_path(&module.digest()), b"two").unwrap();
        assert!(shelf.module(&module.digest()).is_none());
        assert!(!shelf.module_path(&module.digest()).exists());
    }

    #[test]
    fn what_no_plugin_names_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(folder.path().to_path_buf()).unwrap();
        let (one, two, pinned) = (sealed(b"one"), sealed(b"two"), sealed(b"pinned"));
        shelf.accept("gone", &one).unwrap();
        shelf.accept("gone", &pinned).unwrap();
        shelf.accept("echo", &two).unwrap();
        shelf.tidy(&BTreeSet::from(["echo".to_owned()]), &BTreeSet::from([pinned.digest()]));
        assert!(shelf.module(&one.digest()).is_none() && shelf.record("gone").is_none());
        assert!(shelf.module(&two.digest()).is_some() && shelf.record("echo").is_some());
        assert!(shelf.module(&pinned.digest()).is_some());
    }
}
