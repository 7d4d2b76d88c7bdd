//! What of the kernel is left to the daemon. A filter binds the thread that takes it, so each test has one of its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[cfg(target_arch = "x86_64")]
#[path = "../../sandbox/tests/dangerous/mod.rs"]
mod dangerous;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::thread;

use regentd::system_calls;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};

fn filtered(test: impl FnOnce() + Send + 'static) {
    let tried = thread::spawn(|| {
        rustix::thread::set_no_new_privs(true).unwrap();
        system_calls::keep().unwrap();
        test();
    });
    assert!(tried.join().is_ok());
}

fn not_there<T>(result: io::Result<T>) {
    assert_eq!(result.err().and_then(|why| why.raw_os_error()), Some(Errno::NOSYS.raw_os_error()));
}

#[test]
fn no_program_is_executed_and_nothing_becomes_another_process() {
    let words = ["/bin/true"];
    filtered(move || {
        #[allow(clippy::disallowed_methods, reason = "that it cannot be started is what is tested")]
        words.iter().for_each(|program| assert!(Command::new(program).spawn().is_err()));
        assert_eq!(rustix::thread::set_name(c"thread"), Ok(()));
    });
}

/// Without a clone before it. The program is one that fails: if this process becomes it, so does this test.
#[test]
fn the_process_itself_becomes_no_other_program() {
    filtered(|| {
        #[allow(clippy::disallowed_methods, reason = "that it cannot be executed is what is tested")]
        let why = Command::new("/bin/false").exec();
        assert_eq!(why.raw_os_error(), Some(Errno::NOSYS.raw_os_error()), "{why}");
    });
}

/// What the daemon needs of those that no plugin does, whatever the arguments.
#[cfg(target_arch = "x86_64")]
const NEEDED: [&str; 7] = ["connect", "sendmsg", "recvmsg", "sendmmsg", "sendto", "recvfrom", "memfd_create"];

/// No descriptor, no address, no process, and every flag that there is: no kernel that knows the call answers that it
/// does not.
#[cfg(target_arch = "x86_64")]
#[test]
fn every_call_that_is_dangerous_and_not_needed_is_as_unknown_as_to_an_older_kernel() {
    filtered(|| {
        for (name, number) in dangerous::DANGEROUS {
            #[allow(unsafe_code, reason = "nothing safe would ask for this")]
            // SAFETY: no argument is an address.
            let done = unsafe { libc::syscall(number, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64, -1_i64) };
            let why = io::Error::last_os_error().raw_os_error();
            assert_eq!(done, -1, "{name}");
            assert_eq!(why == Some(libc::ENOSYS), !NEEDED.contains(&name), "{name}: {why:?}");
        }
    });
}

#[test]
fn nobody_is_looked_at_signalled_or_become_and_nothing_is_bound_or_mounted() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    filtered(move || {
        not_there(UnixListener::bind(&socket));
        let own = rustix::process::getpid();
        let signalled = rustix::process::kill_process(own, rustix::process::Signal::CONT);
        assert_eq!(signalled, Err(Errno::NOSYS));
        assert_eq!(rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).err(), Some(Errno::NOSYS));
        let root = rustix::process::Uid::ROOT;
        assert_eq!(rustix::thread::set_thread_res_uid(root, root, root), Err(Errno::NOSYS));
        let mounted = rustix::mount::mount("none", "/", "tmpfs", rustix::mount::MountFlags::empty(), None);
        assert_eq!(mounted, Err(Errno::NOSYS));
        let chowned = rustix::fs::chown("/", None, None);
        assert_eq!(chowned, Err(Errno::NOSYS));
    });
}

/// Of linux/fcntl.h.
const F_SETSIG: i32 = 10;

/// What it was started in is the terminal of whoever started it, root's shell mostly.
#[test]
fn nothing_is_typed_into_a_terminal_nobody_signalled_by_a_descriptor_and_no_other_kind_of_socket_had() {
    filtered(|| {
        let (typed, owner) = (b"x", rustix::process::getpid().as_raw_nonzero().get());
        #[allow(unsafe_code, reason = "nothing safe would ask for this")]
        // SAFETY: the byte outlives the calls, and the kernel does no more than look at it.
        unsafe {
            for request in [libc::TIOCSTI, libc::TIOCLINUX, libc::TIOCSCTTY] {
                let done = libc::ioctl(0, request, typed.as_ptr());
                assert_eq!((done, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ENOSYS)), "{request:x}");
            }
            for (request, argument) in [(libc::F_SETOWN, owner), (F_SETSIG, libc::SIGKILL)] {
                let done = libc::fcntl(0, request, argument);
                assert_eq!((done, io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ENOSYS)), "{request}");
            }
        }
        for family in [AddressFamily::VSOCK, AddressFamily::from_raw(38), AddressFamily::PACKET, AddressFamily::TIPC] {
            assert_eq!(socket(family, SocketType::STREAM, None).err(), Some(Errno::NOSYS), "{family:?}");
        }
        assert!(socket(AddressFamily::UNIX, SocketType::STREAM, None).is_ok());
    });
}

#[test]
fn files_threads_connections_and_the_user_databases_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
    filtered(move || {
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), "text").unwrap();
        File::open(at("one")).unwrap().sync_all().unwrap();
        fs::rename(at("one"), at("two")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
        let mode = |mode| fs::set_permissions(at("two"), fs::Permissions::from_mode(mode));
        mode(0o600).unwrap();
        not_there(mode(0o4700));
        assert_eq!(thread::spawn(|| 7).join().unwrap(), 7);
        let _connected = UnixStream::connect(at("socket")).unwrap();
        listener.accept().unwrap();
        assert_eq!(regent_resolve::users::name_of(0), "root");
        assert_eq!(regent_resolve::users::user("games").unwrap().uid, 5);
    });
}
