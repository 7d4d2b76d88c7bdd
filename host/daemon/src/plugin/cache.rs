//! Compiled code, kept: a folder of the daemon's own (0700). A file's name is its key; its header names the key again
//! and the digest of what follows, so what is handed to a sandbox is what the compiler of this very module wrote for
//! this very engine. What a module says of itself is kept beside it likewise. A file that is not as it was written, or
//! whose handle does not say that it is the daemon's alone, is not used: that is said, and it is made again.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use regent_grants::Engine;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::module::{ModuleDigest, Sealed};
use crate::trusted_file::{own_folder, replace};

/// First line of each file; the number changes with the header.
const MAGIC: &[u8; 16] = b"regent compiled1";
/// What each file is made with: a file with another is none that the daemon wrote.
const MODE: u32 = 0o600;
/// What was not used for so long is of a module or a compiler that has gone.
const UNUSED: Duration = Duration::from_secs(90 * 24 * 3600);
/// The largest artefact: a 64 MiB module came to twice its size when it was compiled.
pub const ARTEFACT_MAX: u64 = 256 << 20;
const DESCRIPTION_MAX: u64 = regent_lane::DESCRIPTION_MAX as u64;

#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
    compiler: [u8; 32],
    /// One writes at a time: plugins of one module would write the same file.
    writing: Arc<Mutex<()>>,
}

/// Which compiled code: of which module, by which compiler, for which kind of engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

impl Cache {
    /// In this folder, made if it is not there; `compiler` is the SHA-256 of the compiler's own binary.
    pub fn open(folder: PathBuf, compiler: [u8; 32]) -> io::Result<Self> {
        own_folder(&folder)?;
        forget_unused(&folder);
        Ok(Self { folder, compiler, writing: Arc::default() })
    }

    pub fn key(&self, module: &ModuleDigest, engine: Engine) -> CacheKey {
        let hash = Sha256::new().chain_update(module).chain_update(self.compiler).chain_update(engine.as_str());
        CacheKey(hash.finalize().into())
    }

    /// The key of what a module says of itself when it was told these settings.
    pub fn told(&self, code: CacheKey, settings: &str) -> CacheKey {
        CacheKey(Sha256::new().chain_update(code.0).chain_update(settings).finalize().into())
    }

    fn path(&self, key: CacheKey, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", hex::encode(key.0)))
    }

    /// The code, sealed; `None` if it is not there or not whole, which is said.
    pub fn code(&self, key: CacheKey) -> Option<Sealed> {
        self.kept(key, "code", ARTEFACT_MAX, "compiling")
    }

    fn kept(&self, key: CacheKey, ending: &'static str, most: u64, doing: &str) -> Option<Sealed> {
        let path = self.path(key, ending);
        match Self::read(&path, key, ending, most) {
            Ok(sealed) => sealed,
            Err(why) => {
                crate::warning!("{}: {why}: {doing} again", path.display());
                None
            }
        }
    }

    fn read(path: &Path, key: CacheKey, ending: &str, most: u64) -> io::Result<Option<Sealed>> {
        let Some(mut file) = open(path)? else { return Ok(None) };
        let mut header = [0; MAGIC.len() + 64];
        match file.read_exact(&mut header) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Err(io::Error::other("is cut short")),
            other => other?,
        }
        // By when it was used last it is kept.
        let _it_is_a_cache = file.set_modified(SystemTime::now());
        let sealed = Sealed::copy(ending, file, most)?;
        if header != *Self::header(key, &sealed.digest()) {
            return Err(io::Error::other("is not what was written there"));
        }
        Ok(Some(sealed))
    }

    fn header(key: CacheKey, digest: &[u8; 32]) -> Vec<u8> {
        [MAGIC.as_slice(), &key.0, digest].concat()
    }

    /// Keeps code. It is a cache: what cannot be kept is said, and compiled again at the next start.
    pub fn keep_code(&self, key: CacheKey, code: &Sealed) {
        let write = |file: &mut File| {
            file.write_all(&Self::header(key, &code.digest()))?;
            io::copy(&mut code.reader()?, file).map(|_| ())
        };
        self.keep(&self.path(key, "code"), write);
    }

    pub fn description(&self, key: CacheKey) -> Option<String> {
        let mut text = String::new();
        let kept = self.kept(key, "description", DESCRIPTION_MAX, "asking the plugin")?;
        kept.reader().ok()?.read_to_string(&mut text).ok()?;
        Some(text)
    }

    /// Keeps what `describe` said, unless another plugin of the module has said the same.
    pub fn keep_description(&self, key: CacheKey, text: &str) {
        if self.description(key).as_deref() == Some(text) {
            return;
        }
        let header = Self::header(key, &Sha256::digest(text).into());
        self.keep(&self.path(key, "description"), |file| {
            file.write_all(&header)?;
            file.write_all(text.as_bytes())
        });
    }

    /// Drops what the engine would not take: there is none.
    pub fn forget(&self, key: CacheKey) -> Option<Sealed> {
        let _either_way = fs::remove_file(self.path(key, "code"));
        None
    }

    fn keep(&self, path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) {
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(why) = replace(path, write) {
            crate::warning!("{}: {why}: what was compiled is not kept", path.display());
        }
    }
}

/// A file that the daemon alone can have written, by what its handle says; `None`: there is none. A link is not
/// followed and a pipe not waited for.
fn open(path: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(io::Error::other("is a symbolic link")),
        Err(why) => return Err(why.into()),
    };
    let stat = file.metadata()?;
    let (mode, own) = (stat.mode() & 0o7777, rustix::process::geteuid().as_raw());
    if !stat.is_file() {
        Err(io::Error::other("is no file"))
    } else if stat.uid() != own {
        Err(io::Error::other(format!("belongs to uid {}, not to the daemon's", stat.uid())))
    } else if mode != MODE {
        Err(io::Error::other(format!("has mode {mode:04o}, not {MODE:04o}")))
    } else {
        Ok(Some(file))
    }
}

fn forget_unused(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let used = entry.metadata().and_then(|stat| stat.modified());
        if used.is_ok_and(|used| used.elapsed().is_ok_and(|unused| unused > UNUSED)) {
            let _either_way = fs::remove_file(entry.path());
        }
    }
}
