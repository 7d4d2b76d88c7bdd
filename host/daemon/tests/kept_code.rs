//! Compiled code that is kept: only what the daemon itself wrote under this very name comes back. Anything else is
//! said, and is as if there were nothing, so that the module is compiled again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::fs::{self, File, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use regent_grants::Engine;
use regentd::log;
use regentd::plugin::cache::{ARTEFACT_MAX, Cache, CacheKey};
use regentd::plugin::module::Sealed;
use tempfile::TempDir;

/// Magic, key, digest.
const HEADER: usize = 16 + 64;
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A cache with one code in it, and the file that it is in.
struct Kept {
    folder: TempDir,
    cache: Cache,
    key: CacheKey,
    file: PathBuf,
    code: Vec<u8>,
}

fn kept() -> Kept {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("compiled"), [0; 32]).unwrap();
    // No two places of it alike, as far as a byte can tell.
    let code: Vec<u8> = (0..100_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let key = cache.key(&[1; 32], Engine::Native);
    cache.keep_code(key, &sealed(&code));
    let file = files(&folder, "code").pop().unwrap();
    Kept { folder, cache, key, file, code }
}

fn sealed(bytes: &[u8]) -> Sealed {
    Sealed::copy("code", bytes, ARTEFACT_MAX).unwrap()
}

fn files(folder: &TempDir, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path().join("compiled")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

/// All that is said of this file from now on, once.
fn said_of(path: &Path) -> Vec<String> {
    static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut said = SAID.lock().unwrap();
    said.extend(log::taken().into_iter().map(|line| line.text));
    let begins = format!("{}: ", path.display());
    let (of_it, others) = said.drain(..).partition(|line| line.starts_with(&begins));
    *said = others;
    of_it
}

/// Lines are kept for [`said_of`] instead of written.
fn listen() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(log::keep);
}

impl Kept {
    fn bytes(&self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        self.cache.code(self.key)?.reader().unwrap().read_to_end(&mut bytes).unwrap();
        Some(bytes)
    }

    /// It is not used, which is said in these words; compiled again it is there again.
    #[track_caller]
    fn is_compiled_again(&self, why: &str) {
        assert!(self.bytes().is_none(), "{why}");
        assert_eq!(said_of(&self.file), [format!("{}: {why}: compiling again", self.file.display())]);
        self.cache.keep_code(self.key, &sealed(&self.code));
        assert_eq!(self.bytes().as_ref(), Some(&self.code), "{why}");
        assert_eq!(said_of(&self.file), [""; 0]);
    }
}

#[test]
fn code_with_one_byte_flipped_is_compiled_again_wherever_the_byte_is() {
    listen();
    let kept = kept();
    let length = kept.code.len() + HEADER;
    assert_eq!(fs::metadata(&kept.file).unwrap().len(), length as u64);
    let body = (0..1_000 - HEADER).map(|number| HEADER + number * kept.code.len() / (1_000 - HEADER));
    let places: Vec<usize> = (0..HEADER).chain(body).collect();
    let file = File::options().read(true).write(true).open(&kept.file).unwrap();
    for (number, place) in places.iter().enumerate() {
        let mut byte = [0];
        file.read_exact_at(&mut byte, *place as u64).unwrap();
        file.write_all_at(&[byte[0] ^ 1 << (number % 8)], *place as u64).unwrap();
        assert!(kept.cache.code(kept.key).is_none(), "byte {place}");
        file.write_all_at(&byte, *place as u64).unwrap();
    }
    let said = said_of(&kept.file);
    assert!(
        said.len() == 1_000 && said.iter().all(|line| line.ends_with("is not what was written there: compiling again"))
    );
    assert_eq!(kept.bytes().as_ref(), Some(&kept.code), "with no byte flipped it is used");
}

#[test]
fn code_that_is_cut_short_or_longer_than_it_was_is_compiled_again() {
    listen();
    let kept = kept();
    let whole = fs::read(&kept.file).unwrap();
    for length in [0, 1, HEADER - 1] {
        fs::write(&kept.file, &whole[..length]).unwrap();
        kept.is_compiled_again("is cut short");
    }
    for length in [HEADER, HEADER + 1, whole.len() - 1] {
        fs::write(&kept.file, &whole[..length]).unwrap();
        kept.is_compiled_again("is not what was written there");
    }
    for more in [&b"\0"[..], &whole] {
        fs::write(&kept.file, [&whole, more].concat()).unwrap();
        kept.is_compiled_again("is not what was written there");
    }
}

#[test]
fn code_of_another_module_compiler_or_engine_under_this_name_is_compiled_again() {
    listen();
    let kept = kept();
    let another_compiler = Cache::open(kept.folder.path().join("compiled"), [9; 32]).unwrap();
    let keys = [
        kept.cache.key(&[2; 32], Engine::Native),
        kept.cache.key(&[1; 32], Engine::Interpreter),
        another_compiler.key(&[1; 32], Engine::Native),
    ];
    for key in keys {
        assert!(kept.cache.code(key).is_none());
        kept.cache.keep_code(key, &sealed(b"another's"));
        let another = files(&kept.folder, "code").into_iter().find(|path| *path != kept.file).unwrap();
        fs::rename(&another, &kept.file).unwrap();
        kept.is_compiled_again("is not what was written there");
    }
}

#[test]
fn two_codes_whose_names_were_exchanged_are_both_compiled_again() {
    listen();
    let kept = kept();
    let other = kept.cache.key(&[2; 32], Engine::Native);
    kept.cache.keep_code(other, &sealed(b"another's"));
    let another = files(&kept.folder, "code").into_iter().find(|path| *path != kept.file).unwrap();
    let beside = kept.folder.path().join("beside");
    fs::rename(&kept.file, &beside).unwrap();
    fs::rename(&another, &kept.file).unwrap();
    fs::rename(&beside, &another).unwrap();
    assert!(kept.cache.code(other).is_none());
    assert_eq!(said_of(&another).len(), 1);
    kept.is_compiled_again("is not what was written there");
}

#[test]
fn code_that_others_may_have_written_or_read_is_compiled_again() {
    listen();
    let kept = kept();
    for mode in [0o666, 0o620, 0o602, 0o640, 0o604, 0o700, 0o400, 0o4600, 0o1600] {
        fs::set_permissions(&kept.file, Permissions::from_mode(mode)).unwrap();
        kept.is_compiled_again(&format!("has mode {mode:04o}, not 0600"));
    }
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&kept.file, Some(65_534), None).unwrap();
        kept.is_compiled_again("belongs to uid 65534, not to the daemon's");
    }
}

#[test]
fn a_link_in_the_place_of_code_is_not_followed_and_gives_way() {
    listen();
    let kept = kept();
    let elsewhere = kept.folder.path().join("elsewhere");
    fs::rename(&kept.file, &elsewhere).unwrap();
    let whole = fs::read(&elsewhere).unwrap();
    for target in [&elsewhere, Path::new("/dev/zero"), Path::new("/nowhere")] {
        fs::remove_file(&kept.file).unwrap_or_default();
        std::os::unix::fs::symlink(target, &kept.file).unwrap();
        kept.is_compiled_again("is a symbolic link");
    }
    assert_eq!(fs::read(&elsewhere).unwrap(), whole, "what the link named is left alone");
}

#[test]
fn a_pipe_in_the_place_of_code_is_not_waited_for_and_gives_way() {
    listen();
    let kept = kept();
    fs::remove_file(&kept.file).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &kept.file, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    kept.is_compiled_again("is no file");
}

#[test]
fn a_folder_or_a_socket_in_the_place_of_code_is_not_code() {
    listen();
    let kept = kept();
    fs::remove_file(&kept.file).unwrap();
    fs::create_dir(&kept.file).unwrap();
    assert!(kept.cache.code(kept.key).is_none());
    kept.cache.keep_code(kept.key, &sealed(b"code"));
    let said = said_of(&kept.file);
    assert!(said.len() == 2 && said[0].ends_with(": is no file: compiling again"), "{said:?}");
    assert!(said[1].ends_with(": what was compiled is not kept"), "{said:?}");
    fs::remove_dir(&kept.file).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(&kept.file).unwrap();
    assert!(kept.cache.code(kept.key).is_none());
    assert_eq!(said_of(&kept.file).len(), 1);
}

#[test]
fn what_a_module_said_of_itself_comes_back_only_as_it_was_kept() {
    listen();
    let kept = kept();
    let (one, other) = (kept.cache.told(kept.key, "{}"), kept.cache.told(kept.key, "{\"a\":1}"));
    let interpreted = kept.cache.told(kept.cache.key(&[1; 32], Engine::Interpreter), "{}");
    kept.cache.keep_description(one, "it says");
    let file = files(&kept.folder, "description").pop().unwrap();
    assert_eq!(kept.cache.description(one).as_deref(), Some("it says"));
    assert_eq!((kept.cache.description(other), kept.cache.description(interpreted)), (None, None));
    let whole = fs::read(&file).unwrap();
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1;
        fs::write(&file, flipped).unwrap();
        assert_eq!(kept.cache.description(one), None, "byte {place}");
    }
    let said = said_of(&file);
    let expected = format!("{}: is not what was written there: asking the plugin again", file.display());
    assert!(said.len() == whole.len() && said.iter().all(|line| *line == expected), "{said:?}");
    kept.cache.keep_description(one, "it says");
    assert_eq!(kept.cache.description(one).as_deref(), Some("it says"));
}

#[test]
fn what_nobody_used_for_long_is_dropped_and_what_is_used_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path().join("compiled"), [0; 32]).unwrap();
    let [used, unused] = [[1; 32], [2; 32]].map(|module| cache.key(&module, Engine::Native));
    for key in [used, unused] {
        cache.keep_code(key, &sealed(b"code"));
    }
    for path in files(&folder, "code") {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - 180 * DAY).unwrap();
    }
    assert!(cache.code(used).is_some());
    let cache = Cache::open(folder.path().join("compiled"), [0; 32]).unwrap();
    assert!(cache.code(used).is_some() && cache.code(unused).is_none());
}
