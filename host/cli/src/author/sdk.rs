//! Where the SDK is: where its variable says, beside this program as a build leaves it, or where a package puts it.

use std::path::{Path, PathBuf};

use crate::ending::Failure;

/// The SDK's crates, and beside them the WIT.
#[derive(Debug)]
pub(super) struct Sdk(PathBuf);

impl Sdk {
    pub(super) fn find() -> Result<Self, Failure> {
        let own = std::env::current_exe().ok();
        let beside = own.as_deref().and_then(Path::parent).and_then(Path::parent).map(|above| above.join("sdk"));
        Self::of(std::env::var_os("REGENT_SDK").map(PathBuf::from), beside)
    }

    fn of(given: Option<PathBuf>, beside: Option<PathBuf>) -> Result<Self, Failure> {
        let is = |folder: &PathBuf| folder.join("plugin/Cargo.toml").is_file();
        if let Some(given) = given.filter(|given| !given.as_os_str().is_empty()) {
            let folder = given.canonicalize().ok().filter(is);
            return folder.map(Self).ok_or_else(|| {
                Failure::usage(format!("REGENT_SDK: there is no SDK in {}: it has plugin/Cargo.toml", given.display()))
            });
        }
        let places = beside.into_iter().chain([PathBuf::from("/usr/share/regent/sdk")]);
        places.into_iter().find(is).map(Self).ok_or_else(|| {
            Failure::other(
                "the SDK is not beside this program: `cargo xtask build` makes target/dist/sdk, or set REGENT_SDK",
            )
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    pub(super) fn wit(&self) -> PathBuf {
        self.0.parent().unwrap_or(&self.0).join("wit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_variable_says_is_believed_and_nothing_else_is_tried() {
        let folder = tempfile::tempdir().unwrap();
        let sdk = folder.path().join("sdk");
        std::fs::create_dir_all(sdk.join("plugin")).unwrap();
        std::fs::write(sdk.join("plugin/Cargo.toml"), "").unwrap();
        assert_eq!(Sdk::of(None, Some(sdk.clone())).unwrap().folder(), sdk);
        assert_eq!(Sdk::of(Some(sdk.clone()), None).unwrap().folder(), sdk.canonicalize().unwrap());
        let failure = Sdk::of(Some(folder.path().to_owned()), Some(sdk)).unwrap_err();
        assert!(failure.words.starts_with("REGENT_SDK: there is no SDK in "), "{}", failure.words);
    }
}
