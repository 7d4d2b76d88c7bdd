//! A private folder, and the processes that run over it. Both are gone when this is dropped, or when somebody
//! interrupts.

use regent_build::{At as _, Error, Result, Run};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Two hundred sandboxes start within seconds, a large module compiles as long; a machine may be busy.
const WITHIN: Duration = Duration::from_mins(2);
/// What was asked to end and has not is killed.
const END_WITHIN: Duration = Duration::from_secs(5);
/// Between two looks: far below the shortest start.
const LOOK_EVERY: Duration = Duration::from_micros(500);

pub(crate) struct Ground {
    folder: PathBuf,
    running: Arc<Mutex<Vec<Child>>>,
}

impl Ground {
    pub(crate) fn open() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("regent-bench-{}", std::process::id()));
        fs::create_dir(&folder).at(&folder)?;
        let ground = Self { folder, running: Arc::default() };
        ground.clear_when_interrupted()?;
        fs::set_permissions(&ground.folder, fs::Permissions::from_mode(0o755)).at(&ground.folder)?;
        Ok(ground)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts a program that reads nothing and whose output nobody reads.
    pub(crate) fn start(&self, command: &mut Command) -> Result<u32> {
        self.start_with(command, Stdio::null())
    }

    /// The same of one that reads this.
    pub(crate) fn start_with(&self, command: &mut Command, stdin: Stdio) -> Result<u32> {
        command.stdin(stdin).stdout(Stdio::null());
        let program = PathBuf::from(command.get_program());
        let mut running = self.running();
        let child = command.spawn().at(&program)?;
        let pid = child.id();
        running.push(child);
        Ok(pid)
    }

    /// Ends what was started.
    pub(crate) fn end(&self, pid: u32) {
        let mut running = self.running();
        if let Some(at) = running.iter().position(|child| child.id() == pid) {
            end(running.swap_remove(at));
        }
    }

    fn running(&self) -> MutexGuard<'_, Vec<Child>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clear_when_interrupted(&self) -> Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).at(&self.folder)?;
        let (folder, running) = (self.folder.clone(), Arc::clone(&self.running));
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                // Held to the end, so that nothing is started meanwhile.
                let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
                clear(&folder, &mut running);
                std::process::exit(130);
            }
        });
        Ok(())
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        clear(&self.folder, &mut self.running());
    }
}

fn clear(folder: &Path, running: &mut Vec<Child>) {
    running.drain(..).for_each(end);
    let _already_gone = fs::remove_dir_all(folder);
}

fn end(mut child: Child) {
    let _already_ended = Run::new("kill").args(["-TERM", &child.id().to_string()]).done();
    let begin = Instant::now();
    while matches!(child.try_wait(), Ok(None)) {
        if begin.elapsed() > END_WITHIN {
            let _already_ended = child.kill();
            let _ended = child.wait();
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Waits until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) -> Result<()> {
    let begin = Instant::now();
    while !so() {
        if begin.elapsed() > WITHIN {
            return Err(Error::new(format!("never came true: {what}")));
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// All files of a folder, into one that is made.
pub(crate) fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).at(to)?;
    for entry in fs::read_dir(from).at(from)? {
        let entry = entry.at(from)?;
        let to = to.join(entry.file_name());
        fs::copy(entry.path(), &to).at(&to)?;
    }
    Ok(())
}
