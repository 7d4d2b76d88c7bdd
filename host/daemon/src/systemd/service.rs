//! What the service that this daemon runs as is bound by, and which directive of its unit may be why a command failed:
//! a guess, by what the kernel says of this process and by the command's own words, and told as one.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use regent_grants::{Capabilities, Command, Via};
use regent_lane::Outcome;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Bounds {
    may: Capabilities,
    no_new_privileges: bool,
    filtered: bool,
    /// Whether it may have a mount namespace of its own.
    mounts: bool,
}

/// What systemd-run says where nothing that it could ask is there.
const NO_BUS: [&str; 2] = ["Failed to connect to bus", "System has not been booted with systemd"];

static BOUNDS: OnceLock<Option<Bounds>> = OnceLock::new();

/// What a filter of system calls may stand for, for the kernel tells no more than that there is one.
const FILTERS: &str = "SystemCallFilter= and what else filters system calls (RestrictSUIDSGID=, RestrictRealtime=, ProtectClock=, \
                       LockPersonality=, RestrictNamespaces=, ProtectKernelModules=, MemoryDenyWriteExecute=)";
const FAMILIES: &str = "RestrictAddressFamilies=";
const READ_ONLY: &str =
    "ProtectSystem=, ProtectHome=read-only, ReadOnlyPaths=, ProtectKernelTunables= or ProtectControlGroups=";
const HIDDEN: &str = "ProtectHome=, InaccessiblePaths=, ProtectKernelModules= or ProtectKernelLogs=";
const DEVICES: &str = "DevicePolicy= and DeviceAllow=, if it is about a device";

/// Looks; before anything of it is given up.
pub fn look() {
    let _once = BOUNDS.get_or_init(|| std::env::var_os("INVOCATION_ID").and_then(|_| bounds()));
}

fn bounds() -> Option<Bounds> {
    let namespace = |pid: &str| fs::metadata(format!("/proc/{pid}/ns/mnt")).ok().map(|found| found.ino());
    // Without CAP_SYS_PTRACE, which the unit of `regent init` does not give, the kernel does not say.
    let mounts = namespace("1").is_none_or(|init| Some(init) != namespace("self"));
    Some(Bounds { mounts, ..read(&fs::read_to_string("/proc/self/status").ok()?)? })
}

fn read(status: &str) -> Option<Bounds> {
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some(Bounds {
        may: Capabilities(u64::from_str_radix(field("CapBnd:")?, 16).ok()?),
        no_new_privileges: field("NoNewPrivs:")? == "1",
        filtered: field("Seccomp:")? == "2",
        mounts: false,
    })
}

/// Which directives may be why a command that this user runs ended so with these words; `None` if none comes to mind,
/// or this is no service.
pub fn may_be_why(command: &Command, uid: u32, outcome: Outcome, stderr: &str) -> Option<String> {
    // Nothing of it binds what systemd starts.
    let bounds = BOUNDS.get().copied().flatten().filter(|_| command.via.is_none())?;
    let wants = match command.capabilities {
        Some(some) => some,
        None if uid == 0 || command.setuid => Capabilities::known(),
        None => Capabilities::default(),
    };
    let suspects = bounds.suspects(wants, command.setuid, outcome, stderr);
    let outside = "via = \"systemd\" in its grant runs it outside of the unit";
    (!suspects.is_empty()).then(|| format!("the daemon's unit may be why: {}; {outside}", suspects.join("; ")))
}

/// That a command was to be started by systemd, and there is none to do it.
pub fn absent(command: &Command, stderr: &str) -> Option<String> {
    let no_bus = NO_BUS.iter().any(|words| stderr.contains(words));
    (command.via == Some(Via::Systemd) && no_bus)
        .then(|| "no systemd answers on this machine, and via = \"systemd\" needs one".to_owned())
}

impl Bounds {
    fn suspects(self, wants: Capabilities, gains: bool, outcome: Outcome, stderr: &str) -> Vec<String> {
        let stderr = stderr.to_lowercase();
        let says = |words: &str| stderr.contains(words);
        let filtered = |what: &str| self.filtered.then(|| what.to_owned());
        let not_permitted = says("operation not permitted");
        let mut suspects = Vec::new();
        if not_permitted {
            suspects.extend(self.lacks(wants));
            suspects.extend((self.no_new_privileges && gains).then(|| "NoNewPrivileges=".to_owned()));
            suspects.push(DEVICES.to_owned());
        }
        // By SIGSYS a filter ends a process that it does not merely refuse.
        if not_permitted || outcome == Outcome::Signal(libc::SIGSYS) || says("bad system call") {
            suspects.extend(filtered(FILTERS));
        }
        if says("address family not supported") {
            suspects.extend(filtered(FAMILIES));
        }
        if self.mounts && says("read-only file system") {
            suspects.push(READ_ONLY.to_owned());
        }
        if self.mounts && says("permission denied") {
            suspects.push(HIDDEN.to_owned());
        }
        suspects
    }

    fn lacks(self, wants: Capabilities) -> Option<String> {
        let lacks = wants.without(self.may).names();
        let names = lacks.join(" ").to_ascii_uppercase();
        (!lacks.is_empty()).then(|| format!("CapabilityBoundingSet=, without {names}"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::*;

    const FREE: &str = "CapBnd:\t000001ffffffffff\nNoNewPrivs:\t0\nSeccomp:\t0\n";
    const BOUND: &str = "CapBnd:\t000001fffdffffff\nNoNewPrivs:\t1\nSeccomp:\t2\n";
    const FAILED: Outcome = Outcome::Status(1);

    fn said(bounds: Bounds, outcome: Outcome, stderr: &str) -> Vec<String> {
        bounds.suspects(Capabilities::known(), false, outcome, stderr)
    }

    #[test]
    fn what_binds_is_named_by_its_directive_and_nothing_else_is() {
        let bound = Bounds { mounts: true, ..read(BOUND).unwrap() };
        let clock = "date: cannot set date: Operation not permitted";
        assert_eq!(said(bound, FAILED, clock), ["CapabilityBoundingSet=, without CAP_SYS_TIME", DEVICES, FILTERS]);
        assert_eq!(said(bound, Outcome::Signal(31), ""), [FILTERS]);
        assert_eq!(said(bound, FAILED, "socket: Address family not supported by protocol"), [FAMILIES]);
        assert_eq!(said(bound, FAILED, "touch: cannot touch '/usr/a': Read-only file system"), [READ_ONLY]);
        assert_eq!(said(bound, FAILED, "cat: /root/a: Permission denied"), [HIDDEN]);
        assert_eq!(said(bound, FAILED, "no such service"), Vec::<String>::new());
        let free = read(FREE).unwrap();
        assert_eq!(said(free, FAILED, clock), [DEVICES]);
        for words in ["Read-only file system", "Permission denied", "Address family not supported by protocol"] {
            assert_eq!(said(free, FAILED, words), Vec::<String>::new());
        }
    }

    #[test]
    fn that_no_systemd_answers_is_said_of_what_it_was_to_start_alone() {
        let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/a/b\"\nsecret_file = \"/c\"\noperations = [\"*\"]\n";
        let config = regent_grants::Config::parse("regent.toml", config).unwrap().value;
        let text = "[operations.o]\n[commands.plain]\nrun = [\"/bin/x\"]\n[commands.out]\nrun = [\"/bin/x\"]\nvia = \"systemd\"\n";
        let grants = regent_grants::Grants::parse("x", "x.toml", text, &config).unwrap().value;
        let of = |name: &str, stderr| absent(grants.command(name).unwrap(), stderr).is_some();
        for words in
            ["Failed to connect to bus: Host is down", "System has not been booted with systemd as init system"]
        {
            assert!(of("out", words) && !of("plain", words), "{words}");
        }
        assert!(!of("out", "no such file"));
    }

    #[test]
    fn what_its_own_grant_does_not_give_is_not_the_units_fault() {
        let bound = read(BOUND).unwrap();
        let of = |wants, gains| bound.suspects(wants, gains, FAILED, "Operation not permitted");
        assert_eq!(of(Capabilities::default(), false), [DEVICES, FILTERS]);
        assert_eq!(of(Capabilities::named("cap_net_admin").unwrap(), false), [DEVICES, FILTERS]);
        assert_eq!(of(Capabilities::default(), true), ["NoNewPrivileges=", DEVICES, FILTERS]);
    }
}
