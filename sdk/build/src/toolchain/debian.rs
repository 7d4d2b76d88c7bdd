//! Debian 12's compiler, for machines that reach package mirrors and not rustup's server.
//!
//! Its packages are fetched by apt, which checks them against Debian's signed lists, and unpacked into a folder of our
//! own; nothing is installed, since they conflict with rustup, and no root is needed. Debian has no WebAssembly
//! standard library of this target but its source, so cargo builds that too; the linker is rustup's.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::rustc::{host, sysroot};
use crate::{
    error::{At, Error, Result},
    folder,
    run::Run,
};

/// 14 MB of lists, 140 MB of packages, from a slow mirror.
const FETCH: Duration = Duration::from_mins(10);
/// The packages whose names stay; those of the two libraries below them carry a version.
const PACKAGES: [&str; 4] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", "wasi-libc"];
/// Written last: with it the folder is whole.
const WHOLE: &str = "whole";

/// Having one tells you: the packages are unpacked, and the compiler in them runs.
#[derive(Debug)]
pub(crate) struct Rustc {
    /// Where the packages were unpacked.
    root: PathBuf,
    /// Where their libraries are.
    libraries: PathBuf,
    linkers: Linkers,
}

/// Rustup's linkers, to be put on PATH. Having one tells you: they are there.
#[derive(Debug, Clone)]
struct Linkers([PathBuf; 2]);

/// The compiler, unpacked by an earlier run or by this one.
pub(super) fn ready(cache: &Path, crates: &Path) -> Result<Rustc> {
    // No package brings them, and 140 MB are not fetched to find that out.
    let linkers = Linkers::of(&sysroot(crates)?, &host(crates)?)?;
    let folder = cache.join("wasm-toolchain");
    if !folder.join(WHOLE).exists() {
        only_on_debian()?;
        // An interrupted run left a part that nobody looks at; it starts again.
        let part = folder::emptied(cache.join("wasm-toolchain.part"))?;
        fetch(&part)?;
        Rustc::at(&part.join("root"), linkers.clone())?;
        fs::write(part.join(WHOLE), "").at(&part)?;
        folder::remove(&folder)?;
        fs::rename(&part, &folder).at(&folder)?;
    }
    Rustc::at(&folder.join("root"), linkers)
}

impl Linkers {
    /// Of the compiler whose libraries are in `rust`.
    fn of(rust: &Path, host: &str) -> Result<Self> {
        let tools = rust.join("lib/rustlib").join(host).join("bin");
        let lld = tools.join("gcc-ld");
        match [tools.join("wasm-component-ld"), lld.join("wasm-ld")].iter().find(|file| !file.exists()) {
            None => Ok(Self([tools, lld])),
            Some(missing) => Err(Error::new(format!(
                "the Rust here has no linkers for WebAssembly: {} is missing, which only rustup's Rust brings\n  get that from \
                 https://rustup.rs, and put it on PATH before the other",
                missing.display()
            ))),
        }
    }
}

impl Rustc {
    /// Looks whether all is there that a build needs.
    fn at(root: &Path, linkers: Linkers) -> Result<Self> {
        let triplet = format!("{}-linux-gnu", env::consts::ARCH);
        let rustc = Self { root: root.to_owned(), libraries: root.join("usr/lib").join(triplet), linkers };
        if let Some(missing) = [rustc.wasi().join("libc.a"), rustc.program()].iter().find(|file| !file.exists()) {
            let again = root.parent().unwrap_or(root);
            return Err(Error::new(format!(
                "{} is missing; remove {} and try again",
                missing.display(),
                again.display()
            )));
        }
        Run::new(rustc.program()).arg("--version").env("LD_LIBRARY_PATH", &rustc.libraries).text()?;
        Ok(rustc)
    }

    fn program(&self) -> PathBuf {
        self.root.join("usr/bin/rustc")
    }

    fn wasi(&self) -> PathBuf {
        self.root.join("usr/lib/wasm32-wasi")
    }

    /// Makes a cargo call use this compiler, and build the standard library.
    pub(super) fn compile(&self, cargo: Run) -> Run {
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(self.linkers.0.iter().cloned().chain(env::split_paths(&path))).unwrap_or(path);
        cargo
            .arg("-Zbuild-std=std,panic_abort")
            .env("RUSTC", self.program())
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", format!("-L {}", self.wasi().display()))
            .env("LD_LIBRARY_PATH", &self.libraries)
            .env("PATH", path)
    }
}

fn only_on_debian() -> Result<()> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let says = |line: &str| release.lines().any(|found| found.replace('"', "") == line);
    if says("ID=debian") && says("VERSION_ID=12") {
        return Ok(());
    }
    Err(Error::new(
        "plugins cannot be compiled here: the compiler has no wasm32-wasip2, rustup could not bring it, and the packages \
         that would do instead are Debian 12's.\n  Install it where rustup reaches its server (`rustup target add \
         wasm32-wasip2`), or build on Debian 12.",
    ))
}

fn fetch(part: &Path) -> Result<()> {
    let apt = Apt::new(part)?;
    eprintln!("[1/4] reading Debian's package lists");
    // An unrelated source that fails makes this fail; what counts is whether the compiler is found.
    if let Err(error) = apt.get().args(["update", "-q"]).within(FETCH).done() {
        eprintln!("{error}");
    }
    eprintln!("[2/4] looking for the compiler's packages");
    let packages = apt.packages()?;
    eprintln!("[3/4] fetching {}", packages.join(" "));
    let (debs, root) = (folder::emptied(part.join("debs"))?, folder::emptied(part.join("root"))?);
    apt.get().args(["download", "-q"]).args(&packages).folder(&debs).within(FETCH).done()?;
    let mut unpacked = 0;
    for entry in fs::read_dir(&debs).at(&debs)? {
        let deb = entry.at(&debs)?.path();
        eprintln!("[4/4] unpacking {}", deb.file_name().unwrap_or_default().display());
        Run::new("dpkg").arg("-x").arg(&deb).arg(&root).done()?;
        unpacked += 1;
    }
    if unpacked != packages.len() {
        return Err(Error::new(format!("apt was asked for {} packages and brought {unpacked}", packages.len())));
    }
    folder::remove(&debs)?;
    apt.clear()
}

/// apt with lists and a cache of its own, so that anybody may update them.
struct Apt {
    lists: PathBuf,
    cache: PathBuf,
}

impl Apt {
    fn new(part: &Path) -> Result<Self> {
        let (lists, cache) = (part.join("lists"), part.join("cache"));
        for folder in [lists.join("partial"), cache.join("archives/partial")] {
            fs::create_dir_all(&folder).at(&folder)?;
        }
        Ok(Self { lists, cache })
    }

    fn run(&self, program: &str) -> Run {
        Run::new(program)
            .args(["-o", &format!("Dir::State::lists={}", self.lists.display())])
            .args(["-o", &format!("Dir::Cache={}", self.cache.display())])
            .args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Languages=none", "-o", "Acquire::Retries=3"])
            .env("LC_ALL", "C")
    }

    fn get(&self) -> Run {
        self.run("apt-get")
    }

    /// All packages by their names of today.
    fn packages(&self) -> Result<Vec<String>> {
        self.recent_enough("rustc-web")?;
        let library = self.dependency("libstd-rust-web-dev", "libstd-rust-web-")?;
        let llvm = self.dependency(&library, "libllvm")?;
        Ok(PACKAGES.iter().map(|name| (*name).to_owned()).chain([library, llvm]).collect())
    }

    fn recent_enough(&self, package: &str) -> Result<()> {
        let shown = self.run("apt-cache").args(["show", "--no-all-versions", package]).text()?;
        let version = shown.lines().find_map(|line| line.strip_prefix("Version: ")).unwrap_or("none");
        let needed = env!("CARGO_PKG_RUST_VERSION");
        if minor(version) >= minor(needed) {
            return Ok(());
        }
        Err(Error::new(format!(
            "Debian's {package} is {version}, and {needed} is needed: does this machine's list of sources lack \
             Debian's security updates?"
        )))
    }

    fn dependency(&self, package: &str, prefix: &str) -> Result<String> {
        let shown = self.run("apt-cache").args(["depends", package]).text()?;
        let names = shown.lines().filter_map(|line| line.trim().strip_prefix("Depends: "));
        let found = names.map(str::trim).find(|name| name.starts_with(prefix));
        found.map(str::to_owned).ok_or_else(|| Error::new(format!("Debian's {package} depends on no {prefix}…")))
    }

    fn clear(&self) -> Result<()> {
        folder::remove(&self.lists)?;
        folder::remove(&self.cache)
    }
}

/// `1.96` of `1.96.0+dfsg1-1` as a pair that compares.
fn minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::fs;

    use super::{Linkers, minor};

    #[test]
    fn without_rustups_linkers_it_says_which_rust_to_get_and_with_them_it_goes_on() {
        let rust = tempfile::tempdir().unwrap();
        let tools = rust.path().join("lib/rustlib/one-two-three/bin");
        fs::create_dir_all(tools.join("gcc-ld")).unwrap();
        for missing in ["wasm-component-ld", "gcc-ld/wasm-ld"] {
            let why = Linkers::of(rust.path(), "one-two-three").unwrap_err().to_string();
            assert!(why.contains(missing) && why.contains("https://rustup.rs") && !why.contains("remove"), "{why}");
            fs::write(tools.join(missing), "").unwrap();
        }
        let Linkers(found) = Linkers::of(rust.path(), "one-two-three").unwrap();
        assert_eq!(found, [tools.clone(), tools.join("gcc-ld")]);
    }

    #[test]
    fn an_older_compiler_is_known_by_its_version() {
        assert!(minor("1.85.0+dfsg3-1~deb12u3") < minor("1.95"));
        assert!(minor("1.96.0+dfsg1-1~deb12u2") >= minor("1.95"));
        assert!(minor("1.100.0") >= minor("1.95"));
        assert!(minor("none") < minor("1.95"));
    }
}
