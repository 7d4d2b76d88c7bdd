//! Files that only root may read, handed over by the spawner: a configuration is read on a thread of its own, and asks
//! from there.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use regent_spawner::Refused;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroize as _;

use crate::policy::{self, Findings, For, Policy};
use crate::process::Spawner;
use crate::trusted_file::{Trusted, Untrusted};

/// Deeper than reading a configuration goes, and far less than such a thread has.
const DEPTH: usize = 256 << 10;

/// A path, and where to say what came of it.
type Wanted = (PathBuf, oneshot::Sender<Result<Trusted, Untrusted>>);

pub async fn read(spawner: &Rc<Spawner>, path: &Path) -> (Option<Policy>, Findings) {
    let (want, mut wanted) = mpsc::unbounded_channel::<Wanted>();
    let path = path.to_path_buf();
    let reading = tokio::task::spawn_blocking(move || {
        let mut findings = Findings::default();
        let policy = policy::read(&path, For::Serving, &|path| ask(&want, path), &mut findings);
        wipe_stack();
        (policy, findings)
    });
    while let Some((path, say)) = wanted.recv().await {
        let _it_waits = say.send(open(spawner, &path).await);
    }
    reading.await.unwrap_or_else(|why| (None, Findings { mistakes: vec![why.to_string()], ..Findings::default() }))
}

/// What a hash was made of, and what was moved, leaves its bytes on the stack of a thread that is kept for whoever is
/// next.
#[inline(never)]
fn wipe_stack() {
    let mut below = [0_u8; DEPTH];
    below.zeroize();
    black_box(&below);
}

fn ask(want: &mpsc::UnboundedSender<Wanted>, path: &Path) -> Result<Trusted, Untrusted> {
    let (say, said) = oneshot::channel();
    let gone = || Untrusted::Unsafe(path.into(), "the spawner has ended".into());
    want.send((path.to_path_buf(), say)).map_err(|_| gone())?;
    said.blocking_recv().map_err(|_| gone())?
}

async fn open(spawner: &Rc<Spawner>, path: &Path) -> Result<Trusted, Untrusted> {
    match spawner.open(path.to_path_buf()).await {
        Ok(file) => Trusted::received(file, path),
        Err(Refused::Missing(path)) => Err(Untrusted::Missing(path)),
        Err(Refused::Because(why) | Refused::Path { rule: why, .. }) => Err(Untrusted::Judged(why)),
    }
}
