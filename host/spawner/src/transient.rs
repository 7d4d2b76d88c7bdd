//! A command as a transient unit of systemd's: outside of the service that the daemon is, and of all that binds that.
//! What its grant says of it, systemd is told; the command's own end, and all that it writes, come back through
//! `systemd-run`.

use regent_grants::{Capabilities, Command};
use regent_resolve::{PlannedStep, SYSTEMD_RUN};

/// What is always asked. What the command leaves behind ends with it, and at once, as it would here.
const ALWAYS: [&str; 8] = [
    SYSTEMD_RUN,
    "--quiet",
    "--pipe",
    "--wait",
    "--collect",
    "--service-type=exec",
    "--property=KillMode=control-group",
    "--property=KillSignal=SIGKILL",
];

/// The argument list by which systemd runs it.
pub(crate) fn argv(token: u64, command: &Command, step: &PlannedStep, env: &[String]) -> Vec<String> {
    let groups: Vec<_> = step.groups.iter().map(ToString::to_string).collect();
    let property = |name: &str, value: &str| format!("--property={name}={value}");
    let cwd = command.cwd.as_ref().map_or_else(|| "/".into(), |cwd| cwd.display().to_string());
    let own = [
        // Numbers of processes and tokens come again, but not while a unit of theirs is there.
        format!("--unit=regent-{}-{}-{token}", command.name, std::process::id()),
        property("User", &step.uid.to_string()),
        property("Group", &step.gid.to_string()),
        property("SupplementaryGroups", &groups.join(" ")),
        property("WorkingDirectory", &cwd),
        property("UMask", &format!("{:04o}", command.umask)),
        // Whoever waits may be gone by then.
        property("RuntimeMaxSec", &format!("{}ms", step.timeout_ms)),
        property("NoNewPrivileges", if command.setuid { "no" } else { "yes" }),
    ];
    // By value: of its own environment root's `systemd-run` would load what the grant means for another user. Whoever
    // may ask systemd reads the values there anyway, which is everybody.
    let env = env.iter().map(|variable| format!("--setenv={variable}"));
    // systemd would put a variable where one dollar is.
    let words = step.argv.iter().map(|word| word.replace('$', "$$"));
    let always = ALWAYS.into_iter().map(str::to_owned);
    let capabilities = command.capabilities.iter().flat_map(|some| bounded(*some, step.uid));
    always.chain(own).chain(capabilities).chain(env).chain(["--".to_owned()]).chain(words).collect()
}

/// No more than these; and who is not root has them only if they are handed over.
fn bounded(capabilities: Capabilities, uid: u32) -> Vec<String> {
    let names = capabilities.names().join(" ").to_ascii_uppercase();
    let mut properties = vec![format!("--property=CapabilityBoundingSet={names}")];
    if uid != 0 {
        properties.push(format!("--property=AmbientCapabilities={names}"));
    }
    properties
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use regent_grants::{Config, Grants};

    use super::*;

    fn words(run_as: &str, more: &str) -> Vec<String> {
        let config = "plugins = [\"/p\"]\nstate = \"/s\"\n[[sockets]]\nname = \"a\"\npath = \"/a/b\"\n\
                      secret_file = \"/c\"\noperations = [\"*\"]\n";
        let config = Config::parse("regent.toml", config).unwrap().value;
        let text = format!("[operations.o]\nrun = [\"/bin/x\", \"$HOME\"]\nvia = \"systemd\"\n{run_as}{more}");
        let grants = Grants::parse("p", "p.toml", &text, &config).unwrap().value;
        let command = grants.command("o").unwrap();
        let step = PlannedStep {
            command: "o".into(),
            values: Vec::new(),
            argv: vec!["/bin/x".into(), "$HOME".into()],
            program: None,
            run_as: "somebody".into(),
            uid: if run_as.is_empty() { 0 } else { 7 },
            gid: 8,
            groups: vec![8, 9],
            timeout_ms: 3_000,
            stdin_data: false,
            ends_host: false,
            via: Some("systemd".into()),
        };
        argv(5, command, &step, &["A=b c".to_owned()])
    }

    #[test]
    fn systemd_is_told_all_that_the_grant_says_and_the_command_line_comes_last() {
        let words = words("run_as = 7\n", "umask = \"0077\"\ncwd = \"/opt\"\ncapabilities = [\"cap_net_admin\"]\n");
        assert_eq!(words.first().unwrap(), "/usr/bin/systemd-run");
        for word in [
            "--wait",
            "--pipe",
            "--property=User=7",
            "--property=Group=8",
            "--property=SupplementaryGroups=8 9",
            "--property=WorkingDirectory=/opt",
            "--property=UMask=0077",
            "--property=RuntimeMaxSec=3000ms",
            "--property=NoNewPrivileges=yes",
            "--property=CapabilityBoundingSet=CAP_NET_ADMIN",
            "--property=AmbientCapabilities=CAP_NET_ADMIN",
            "--setenv=A=b c",
        ] {
            assert!(words.iter().any(|known| known == word), "{word}: {words:?}");
        }
        assert!(words.ends_with(&["--".to_owned(), "/bin/x".to_owned(), "$$HOME".to_owned()]), "{words:?}");
    }

    #[test]
    fn root_is_bound_to_what_it_was_granted_and_to_nothing_where_nothing_is_said() {
        let of = |more: &str| words("", more).into_iter().filter(|word| word.contains("Capabilit")).collect::<Vec<_>>();
        assert_eq!(of(""), Vec::<String>::new());
        assert_eq!(of("capabilities = []\n"), ["--property=CapabilityBoundingSet="]);
        assert!(words("", "setuid = true\n").contains(&"--property=NoNewPrivileges=no".to_owned()));
    }
}
