//! System calls of a running process that fail, by strace.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// It ends by itself so soon after what it is attached to.
const ENDS_WITHIN: Duration = Duration::from_millis(200);
/// Longer than letting go takes on a busy machine.
const LETS_GO_WITHIN: Duration = Duration::from_secs(5);

/// strace at a thread or a process, until this is dropped.
pub struct Injected(Child);

impl Injected {
    /// What these calls of this thread (a process' number is that of its first) do, in the words of `strace -e
    /// inject=`. Attached when this returns.
    pub fn at(thread: u32, what: &str) -> Self {
        Self::attached(&[thread], what)
    }

    /// The same at each thread that a process has, which counts its own calls. What it starts from now on is let alone.
    pub fn at_all_threads(pid: u32, what: &str) -> Self {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap().map(|task| task.unwrap().file_name());
        let threads: Vec<u32> = tasks.map(|task| task.to_str().unwrap().parse().unwrap()).collect();
        Self::attached(&threads, what)
    }

    fn attached(threads: &[u32], what: &str) -> Self {
        let call = what.split(':').next().unwrap();
        let mut strace = Command::new("strace")
            .args(["-e", &format!("trace={call}"), "-e", &format!("inject={what}")])
            .args(threads.iter().flat_map(|thread| ["-p".to_owned(), thread.to_string()]))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("strace");
        let mut said = BufReader::new(strace.stderr.take().unwrap());
        let mut read = String::new();
        while read.matches(" attached").count() < threads.len() {
            assert!(said.read_line(&mut read).unwrap() > 0, "{read}");
        }
        thread::spawn(move || said.lines().count());
        Self(strace)
    }

    /// Waits until what it is attached to has ended.
    pub fn ended(mut self) {
        self.0.wait().unwrap();
    }
}

impl Injected {
    fn ends_within(&mut self, within: Duration) -> bool {
        let since = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) {
            if since.elapsed() > within {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        // Interrupted while the last thread of a process that was killed has still to be heard, it waits for the first
        // for ever.
        if self.ends_within(ENDS_WITHIN) {
            return;
        }
        // By this one it lets go of what it is attached to; by KILL the kernel would do it later.
        let pid = rustix::process::Pid::from_child(&self.0);
        let _gone = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        if !self.ends_within(LETS_GO_WITHIN) {
            let _gone = self.0.kill();
            let _gone = self.0.wait();
        }
    }
}
