//! Who changes what in the folders, by inotify(7). What somebody still writes to is not read: a module half copied is
//! none, and a grants file without its last lines may grant more than the whole. Only what was closed or renamed is
//! looked at.
//!
//! Where the kernel tells nothing (a network file system), `regent reload` looks all the same.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init, remove_watch};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::Notify;

/// Read at a time: some hundred events.
const BUFFER: usize = 16 << 10;
/// A file that appeared with something in it, and that nobody has touched for so long, was complete when it appeared.
const LINKED_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Watch {
    /// Read like a pipe; tokio has no better name for what only is readable.
    inotify: Receiver,
    heard: RefCell<Heard>,
    /// Something was heard while it was asked after a file, and has not been looked at yet.
    news: Notify,
}

#[derive(Debug, Default)]
struct Heard {
    /// By the kernel's number: the folder, and what it was when the watch was set.
    folders: HashMap<i32, (PathBuf, Option<(u64, u64)>)>,
    /// Files that were begun and not yet closed.
    written: HashMap<PathBuf, Begun>,
    /// Files of which anything was heard since a look began.
    touched: BTreeSet<PathBuf>,
}

/// How a file stands that is not yet closed.
#[derive(Debug)]
enum Begun {
    /// It is there, with so many bytes since then, and nobody was heard to write to it.
    There(u64, Instant),
    Written,
}

impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        let inotify = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self {
            inotify: Receiver::from_owned_fd_unchecked(inotify)?,
            heard: RefCell::default(),
            news: Notify::new(),
        })
    }

    /// Listens to these folders and no others; says whether one of them is not the folder that it was, or a file in one
    /// is whole that was not known to be. A folder that is not there is tried again with the next call.
    pub(super) fn follow(&self, folders: &[PathBuf]) -> bool {
        let mut heard = self.heard.borrow_mut();
        let stale = |(_, (path, was)): &(&i32, &(PathBuf, _))| !folders.contains(path) || identity(path) != *was;
        let gone: Vec<i32> = heard.folders.iter().filter(stale).map(|(number, _)| *number).collect();
        for number in &gone {
            let _the_folder_went_first = remove_watch(&self.inotify, *number);
            if let Some((folder, _)) = heard.folders.remove(number) {
                heard.written.retain(|path, _| path.parent() != Some(&folder));
            }
        }
        let mut new = false;
        for folder in folders {
            if heard.folders.values().any(|(path, _)| path == folder) {
                continue;
            }
            let is = identity(folder);
            if let Ok(number) = add_watch(&self.inotify, folder, flags()) {
                new |= heard.folders.insert(number, (folder.clone(), is)).is_none();
            }
        }
        new | !gone.is_empty() | heard.take_linked()
    }

    /// Waits until something may be looked at anew.
    pub(super) async fn changed(&self) {
        loop {
            tokio::select! {
                () = self.news.notified() => return,
                readable = self.inotify.readable() => if readable.is_err() {
                    return std::future::pending().await;
                },
            }
            let news = self.hear();
            // No event fits into one byte: this only has tokio see that nothing is left, if so.
            let _nothing_left = self.inotify.try_read(&mut [0; 1]);
            if news {
                return;
            }
        }
    }

    pub(super) fn begin(&self) {
        self.hear();
        self.heard.borrow_mut().touched.clear();
    }

    /// Whether what was read of this file since the look began is to be believed: nobody writes to it, or did
    /// meanwhile.
    pub(super) fn is_still(&self, path: &Path) -> bool {
        // The kernel says each thing once.
        if self.hear() {
            self.news.notify_one();
        }
        let heard = self.heard.borrow();
        !heard.written.contains_key(path) && !heard.touched.contains(path)
    }

    pub(super) fn is_being_written(&self, path: &Path) -> bool {
        self.heard.borrow().written.contains_key(path)
    }

    /// Takes note of all that the kernel has to say; whether any of it is worth a look.
    fn hear(&self) -> bool {
        let mut heard = self.heard.borrow_mut();
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut news = false;
        while let Ok(event) = reader.next() {
            let Some(name) = event.file_name() else {
                // Of the folder itself: gone, or its owner or mode is another, which decides whether it is believed.
                news = true;
                if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                    // What was missed may have been the end of any writing.
                    heard.written.clear();
                }
                continue;
            };
            let name = name.to_str().ok().filter(|name| is_ours(name));
            news |= heard.take(event.wd(), name, event.events());
        }
        news
    }
}

impl Heard {
    fn take(&mut self, folder: i32, name: Option<&str>, events: ReadFlags) -> bool {
        let (Some(name), Some((folder, _))) = (name, self.folders.get(&folder)) else { return false };
        let path = folder.join(name);
        self.touched.insert(path.clone());
        if events.contains(ReadFlags::MODIFY) {
            self.written.insert(path, Begun::Written);
            return false;
        }
        if events.contains(ReadFlags::CREATE)
            && let Some(size) = size_of_a_file_of_its_own(&path)
        {
            self.written.insert(path, Begun::There(size, Instant::now()));
            return false;
        }
        if !events.contains(ReadFlags::ATTRIB) {
            self.written.remove(&path);
        }
        true
    }

    /// Files that were complete before they got this name (O_TMPFILE, and a link) are never closed under it. They are
    /// known by what is in them though nobody wrote it here; says whether there is any.
    fn take_linked(&mut self) -> bool {
        let before = self.written.len();
        self.written.retain(|path, begun| {
            let Begun::There(size, since) = begun else { return true };
            let now = path.symlink_metadata().map_or(0, |stat| stat.len());
            if now != *size {
                // One long write(2) is heard of when it is over.
                (*size, *since) = (now, Instant::now());
            }
            now == 0 || since.elapsed() < LINKED_AFTER
        });
        self.written.len() < before
    }
}

fn flags() -> WatchFlags {
    WatchFlags::CREATE
        | WatchFlags::MODIFY
        | WatchFlags::CLOSE_WRITE
        | WatchFlags::MOVED_TO
        | WatchFlags::MOVED_FROM
        | WatchFlags::DELETE
        | WatchFlags::ATTRIB
        | WatchFlags::DELETE_SELF
        | WatchFlags::MOVE_SELF
        | WatchFlags::ONLYDIR
}

fn is_ours(name: &str) -> bool {
    !name.starts_with('.') && (name.ends_with(".toml") || name.ends_with(".wasm") || name == "SHA256SUMS")
}

/// What was made by open(2) is closed some time, so it has a size to be watched; a link, a FIFO or a folder is whole as
/// soon as it is there.
fn size_of_a_file_of_its_own(path: &Path) -> Option<u64> {
    path.symlink_metadata().ok().filter(|stat| stat.is_file() && stat.nlink() == 1).map(|stat| stat.len())
}

fn identity(folder: &Path) -> Option<(u64, u64)> {
    folder.metadata().ok().map(|stat| (stat.dev(), stat.ino()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::time::timeout;

    use super::*;

    /// Long enough for what the kernel has already said.
    const SOON: Duration = Duration::from_secs(5);
    /// What is not said is waited for so long.
    const NEVER: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn what_is_heard_while_a_file_is_asked_after_is_looked_at_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new().unwrap();
        assert!(watch.follow(&[folder.path().to_path_buf()]));
        let path = folder.path().join("echo.wasm");
        watch.begin();
        fs::write(&path, "written and closed").unwrap();
        assert!(!watch.is_still(&path));
        timeout(SOON, watch.changed()).await.unwrap();
        watch.begin();
        assert!(watch.is_still(&path));
        timeout(NEVER, watch.changed()).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_is_begun_is_no_news_until_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new().unwrap();
        watch.follow(&[folder.path().to_path_buf()]);
        let path = folder.path().join("echo.toml");
        let begun = fs::File::create(&path).unwrap();
        timeout(NEVER, watch.changed()).await.unwrap_err();
        watch.begin();
        assert!(watch.is_being_written(&path) && !watch.is_still(&path));
        drop(begun);
        timeout(SOON, watch.changed()).await.unwrap();
        watch.begin();
        assert!(watch.is_still(&path));
    }

    #[tokio::test]
    async fn another_mode_of_the_folder_itself_is_news() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new().unwrap();
        watch.follow(&[folder.path().to_path_buf()]);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        timeout(SOON, watch.changed()).await.unwrap();
    }
}
