//! A crate as a component: cargo's build, and a look whether that is what came of it.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::error::{At, Error, Result};
use crate::package::Package;
use crate::toolchain::Wasm;

/// How much the compiler is to make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// To be tried at once.
    Quick,
    /// To be shipped: small rather than fast, for a plugin runs for microseconds, and is hashed, copied and compiled.
    Small,
}

impl Effort {
    fn settings(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[
                "profile.release.opt-level=1",
                "profile.release.incremental=true",
                "profile.release.panic=\"abort\"",
                "profile.release.strip=true",
            ],
            Self::Small => &[
                "profile.release.opt-level=\"s\"",
                "profile.release.lto=true",
                "profile.release.codegen-units=1",
                "profile.release.panic=\"abort\"",
                "profile.release.strip=true",
            ],
        }
    }
}

/// What a WebAssembly component begins with: the magic, then version 13 of layer 1. A core module has 1 and layer 0.
const COMPONENT: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

/// Having one tells you: these bytes begin as a component does, and were built of the package of this name.
#[derive(Debug)]
pub struct Component {
    name: String,
    bytes: Vec<u8>,
}

impl Component {
    /// What is in this file, as the component of this name.
    ///
    /// # Errors
    /// It is none.
    pub fn read(name: &str, file: &Path) -> Result<Self> {
        let bytes = fs::read(file).at(file)?;
        match bytes.starts_with(&COMPONENT) {
            true => Ok(Self { name: name.to_owned(), bytes }),
            false => Err(Error::new(format!("{}: what was built is no WebAssembly component", file.display()))),
        }
    }

    /// The package's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes it to this file, whole or not at all, as a daemon would take it: nobody else may write it, whatever the
    /// umask.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, to: &Path) -> Result<()> {
        let mut part = to.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        // A former one, or a link that somebody left there to have another file written.
        let _either_way = fs::remove_file(&part);
        let mut file = OpenOptions::new().write(true).create_new(true).open(&part).at(&part)?;
        file.write_all(&self.bytes).at(&part)?;
        file.set_permissions(Permissions::from_mode(0o644)).at(&part)?;
        fs::rename(&part, to).at(to)
    }
}

/// Builds packages of the workspace in a folder. What cargo compiles stays below `target`, which must be that
/// workspace's own: cargo takes packages of one name in two workspaces for the same, and would hand out the other's
/// module as up to date.
///
/// # Errors
/// Cargo's own words went to standard error; or what was built is no component.
pub fn packages(wasm: &Wasm, target: &Path, packages: &[&str], effort: Effort) -> Result<Vec<Component>> {
    let all = Package::all(wasm.folder())?;
    let chosen = packages.iter().map(|name| {
        let found = all.iter().find(|package| package.name == *name);
        found.ok_or_else(|| Error::new(format!("there is no package {name} in {}", wasm.folder().display())))
    });
    build(wasm, target, &chosen.collect::<Result<Vec<_>>>()?, effort)
}

/// Builds the crate whose manifest is in the toolchain's folder. What is said of `target` at [`packages`] holds here
/// too.
///
/// # Errors
/// As [`packages`]; or there is no crate here.
pub fn this(wasm: &Wasm, target: &Path, effort: Effort) -> Result<Component> {
    let package = Package::of(wasm.folder())?;
    let component = build(wasm, target, &[&package], effort)?.pop();
    component.ok_or_else(|| Error::new("cargo built nothing"))
}

fn build(wasm: &Wasm, target: &Path, packages: &[&Package], effort: Effort) -> Result<Vec<Component>> {
    // Before minutes are spent on a crate of which nothing can come.
    let modules = packages.iter().map(|package| package.module()).collect::<Result<Vec<_>>>()?;
    let target = wasm.target(target);
    let cargo = wasm.cargo_build().arg("--target-dir").arg(&target).arg("--release");
    let cargo = cargo.args(effort.settings().iter().flat_map(|setting| ["--config", setting]));
    let cargo = packages.iter().fold(cargo, |cargo, package| cargo.args(["-p", &package.name]));
    if !cargo.succeeds()? {
        return Err(Error::new("cargo could not build it: what it says stands above"));
    }
    let built = wasm.built(&target);
    packages.iter().zip(modules).map(|(package, module)| Component::read(&package.name, &built.join(module))).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;

    #[test]
    fn a_core_module_and_a_cut_one_are_no_components() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.wasm");
        for bytes in [&b"\0asm\x01\0\0\0"[..], b"\0asm", b"", b"\x7fELF\x02\x01\x01\0"] {
            fs::write(&file, bytes).unwrap();
            assert!(Component::read("a", &file).unwrap_err().to_string().contains("no WebAssembly component"));
        }
        fs::write(&file, b"\0asm\x0d\0\x01\0 and more").unwrap();
        assert_eq!(Component::read("a", &file).unwrap().bytes().len(), 17);
    }

    #[test]
    fn a_component_is_written_whole_and_nobody_else_may_write_it() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("a.wasm");
        fs::write(&to, "a former one").unwrap();
        fs::set_permissions(&to, Permissions::from_mode(0o666)).unwrap();
        Component { name: "a".into(), bytes: COMPONENT.to_vec() }.write(&to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), COMPONENT);
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no part of it is left beside it");
    }

    #[test]
    fn nothing_is_written_through_a_link_that_waits_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (to, other) = (folder.path().join("a.wasm"), folder.path().join("other"));
        fs::write(&other, "another's").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("a.wasm.part")).unwrap();
        Component { name: "a".into(), bytes: COMPONENT.to_vec() }.write(&to).unwrap();
        assert_eq!((fs::read(&to).unwrap(), fs::read(&other).unwrap()), (COMPONENT.to_vec(), b"another's".to_vec()));
    }
}
