//! How far the unit closes the service, and where it stops: all of it binds the granted commands as well, which are
//! there to change this machine. What is left out stands in the unit too, for whoever grants nothing that needs it.

use super::layout::Kind;

/// The lines for `[Service]`.
pub(super) fn lines(kind: Kind) -> &'static str {
    match kind {
        Kind::Machine | Kind::Trial => MACHINE,
        Kind::User => USER,
    }
}

const MACHINE: &str = "\
# What follows binds the granted commands too. One that fails for it is told by the directive's name, in the log and by
# `regent why`, and runs outside of all of it with via = \"systemd\" in its grant.
# Files of the daemon's own; commands have the umask of their grants.
UMask=0077
KeyringMode=private
NotifyAccess=main
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Neither the system's clock nor the hardware's.
ProtectClock=yes
# No disk, no tunnel, no virtual machine: null, zero, random, terminals and their like.
DevicePolicy=closed
# As the firewall's programs need it; no packet sockets.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @debug @module @obsolete @raw-io @reboot @swap
# What is forbidden fails, and does not kill.
SystemCallErrorNumber=EPERM
CapabilityBoundingSet=~CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_BLOCK_SUSPEND CAP_BPF CAP_CHECKPOINT_RESTORE CAP_IPC_LOCK
CapabilityBoundingSet=~CAP_LEASE CAP_LINUX_IMMUTABLE CAP_MAC_ADMIN CAP_MAC_OVERRIDE CAP_MKNOD CAP_NET_BROADCAST CAP_PERFMON
CapabilityBoundingSet=~CAP_SYS_BOOT CAP_SYS_MODULE CAP_SYS_PACCT CAP_SYS_PTRACE CAP_SYS_RAWIO CAP_SYS_TIME
CapabilityBoundingSet=~CAP_SYS_TTY_CONFIG CAP_WAKE_ALARM
# Left out, since the daemon or the sandboxes need it. Do not add these:
# - User=, PrivateUsers=, CapabilityBoundingSet= without CAP_SYS_ADMIN, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_CHOWN,
#   CAP_DAC_*, CAP_KILL: root starts the spawner, which starts each sandbox and command as its user. The daemon itself
#   becomes daemon_user, without capabilities.
# - RestrictNamespaces=, SystemCallFilter=~@mount, ~@privileged, ~@resources: a sandbox is made of namespaces, an empty root,
#   another user and limits.
# - ProtectHostname=: a sandbox names its own host.
# - ProtectControlGroups=, Delegate=no: each run is ended by its control group.
# - MemoryDenyWriteExecute=: a sandbox loads machine code. With engine = \"interpreter\" and no command that needs it: add it.
# - RestrictAddressFamilies= without AF_UNIX: the sockets.
# - RootDirectory=: modules, grants and programs are the machine's.
# Left out, since commands would be bound that are often granted. Add what yours do without:
# - NoNewPrivileges=: commands with setuid = true.
# - ProtectSystem=, ProtectHome=, PrivateTmp=: commands that write below /etc, /usr, /home or share /tmp.
# - PrivateMounts=, PrivateDevices=, ProtectKernelModules=, ProtectKernelLogs=, ProtectProc=, ProcSubset=, and the line before:
#   with a mount namespace, what a command mounts is seen by nobody else, and no error tells.
# - DeviceAllow=: ProtectClock= adds reading the hardware's clock to it, and that stays.
# - ProtectKernelTunables=: sysctl, and `ufw enable`, which calls it. CAP_SYSLOG: dmesg.
# - CAP_AUDIT_WRITE: su, useradd and whatever else uses PAM. CAP_FOWNER, CAP_FSETID, CAP_SETFCAP, CAP_IPC_OWNER: installing
#   files for others. CAP_SYS_CHROOT: chroot. CAP_SYS_NICE, CAP_SYS_RESOURCE: services that are started with limits; the first is
#   also what the daemon takes its own priority with.
# - CAP_NET_ADMIN, CAP_NET_RAW, AF_NETLINK: nft, iptables, ip. CAP_NET_BIND_SERVICE, AF_INET, AF_INET6, PrivateNetwork=,
#   IPAddressDeny=: commands that talk over the network.
";

const USER: &str = "\
# Files of the daemon's own; commands have the umask of their grants.
UMask=0077
# Left out, all that closes a machine's service: a user's own manager sets hardly any of it without NoNewPrivileges=, which
# would bind commands with setuid = true, and user namespaces, which make the sandboxes.
";
