//! What the process gives up by itself: the right to gain rights, and resources that it does not need.

use regent_confine::LimitError;
use rustix::process::Resource;

/// Stack of a lane's thread: the plugin's 512 KiB, the host's own calls below, and room. Running out of it would end
/// the process, while running out of the plugin's is a trap.
pub(crate) const THREAD_STACK: usize = 2 << 20;
/// Address space. An instance may reserve 64 MiB and guards for each of its memories; four lanes of a plugin with eight
/// memories stay below this, and so does a Python plugin's code.
const ADDRESS_SPACE: u64 = 4 << 30;
/// Descriptors: those it was born with, and the images of memories that the engine keeps, one a core module.
const DESCRIPTORS: u64 = 256;
/// Threads of this uid. One for each lane, the ticker and the main one are all that are started, but the kernel counts
/// by uid, and those of predecessors that are being killed still count. That none is started besides is the filter's
/// part.
const THREADS: u64 = 64;

/// Gives them up; `shared_user`: the kernel counts threads by user, and an ordinary user has other processes.
pub(crate) fn give_up(shared_user: bool) -> Result<(), LimitError> {
    let limits = [
        (Resource::Core, 0),
        (Resource::As, ADDRESS_SPACE),
        (Resource::Nofile, DESCRIPTORS),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    limits.into_iter().try_for_each(|(resource, most)| regent_confine::lower(resource, most))?;
    if !shared_user {
        regent_confine::lower(Resource::Nproc, THREADS)?;
    }
    regent_confine::give_up()
}
