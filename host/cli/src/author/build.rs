//! `plugin build`: the source in a folder as `target/regent/NAME.wasm`. What is needed for it is found or fetched into
//! a cache of the user's, what is compiled stays in the folder, and the compiler's own words are passed on as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use regent_build::{At as _, Component, Effort, Error, emptied, python};
use regent_protocol::visible;
use sha2::{Digest as _, Sha256};

use super::Build;
use super::sdk::Sdk;
use super::source::{Language, Source};
use crate::ending::{Ending, Failure};
use crate::output;

pub(crate) fn build(build: &Build) -> Result<Ending, Failure> {
    let begin = Instant::now();
    let source = Source::find(&build.dir)?;
    let component = match source.language {
        Language::Rust => of_rust(&source, if build.release { Effort::Small } else { Effort::Quick })?,
        Language::Python => of_python(&source)?,
    };
    let to = match &build.out {
        Some(out) => out.clone(),
        None => source.products().join(format!("{}.wasm", component.name())),
    };
    component.write(&to).map_err(said)?;
    let took = begin.elapsed().as_secs_f64();
    let shown = visible::argument(&to.display().to_string());
    let (size, digest) = (component.bytes().len(), hex::encode(Sha256::digest(component.bytes())));
    output::print(&format!("{shown}: {size} bytes, in {took:.1} s\nsha256 {digest}"))?;
    if !build.again {
        // What a folder builds elsewhere is tried from there.
        let what = if build.out.is_some() { &to } else { &build.dir };
        output::print(&next(what, &source, component.name()))?;
    }
    Ok(Ending::Done)
}

fn of_rust(source: &Source, effort: Effort) -> Result<Component, Failure> {
    let wasm = regent_build::wasm(&cache()?, &source.folder).map_err(said)?;
    regent_build::this(&wasm, &source.products(), effort).map_err(said)
}

fn of_python(source: &Source) -> Result<Component, Failure> {
    let sdk = Sdk::find()?;
    let venv = python::venv(&cache()?.join("componentize-py"), &[python::COMPONENTIZE]).map_err(said)?;
    // What componentize-py makes is looked at before it takes the place of what was there.
    let folder = emptied(source.products().join("python")).map_err(said)?;
    let made = folder.join("made.wasm");
    venv.component(&source.folder, "app", &sdk.wit(), "finishing-plugin", &made).map_err(said)?;
    let component = Component::read(&source.name()?, &made).map_err(said)?;
    regent_build::remove(&folder).map_err(said)?;
    Ok(component)
}

/// By the XDG Base Directory Specification.
fn cache() -> Result<PathBuf, Failure> {
    let given = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = given("XDG_CACHE_HOME").or_else(|| Some(given("HOME")?.join(".cache")));
    let folder = folder.ok_or_else(|| Failure::usage("HOME is not set: set it, or XDG_CACHE_HOME"))?.join("regent");
    fs::create_dir_all(&folder).at(&folder).map_err(said)?;
    Ok(folder)
}

/// The command that tries it, with the first operation that is granted.
fn next(what: &Path, source: &Source, name: &str) -> String {
    let operation = source.first_operation(name).unwrap_or_else(|| "OP".to_owned());
    let [what, operation] = [&what.display().to_string(), &operation].map(|word| visible::argument(word));
    format!("next: regent plugin run {what} {operation} KEY=VALUE")
}

/// The first line is what is wrong, the others what to do.
fn said(error: Error) -> Failure {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let words = lines.next().unwrap_or_default().to_owned();
    let advice = lines.collect::<Vec<_>>().join("; ");
    Failure { advice: Some(advice).filter(|advice| !advice.is_empty()), ..Failure::other(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_what_to_do_are_lines_of_their_own() {
        let failure = said(Error::new("no Rust here\n  get it\n  or Debian's"));
        assert_eq!((&*failure.words, failure.advice.as_deref()), ("no Rust here", Some("get it; or Debian's")));
        assert_eq!(said(Error::new("cargo could not")).advice, None);
    }
}
