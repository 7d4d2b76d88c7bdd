//! `cargo xtask demo`: a conversation with a daemon of its own, each line as it crossed the socket, and what ran.
//!
//! It plays in a private folder and, as root, in a network namespace of its own; the machine's firewall is never
//! touched. A reply that is not what it should be ends it with an error.

// Where it plays.
mod stage;
// What crosses the socket, seen.
mod relay;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{build, place, programs::Profile, python, test::machine};
use regent_build::{At as _, Error, Result, Run};
use relay::Relay;
use stage::{APPROVER, SECRET, Stage};

/// What root's part needs, and Debian's packages of it.
const NEEDED: [(&str, &str); 2] = [("ip", "iproute2"), ("nft", "nftables")];

/// Shows it all.
pub(crate) fn demo() -> Result<()> {
    let root = machine::is_root();
    if let Some(missing) = root.then(|| machine::programs(&NEEDED)).flatten() {
        return Err(missing);
    }
    // A dist that is at hand is shown as it is.
    if std::env::var_os("REGENT_DEMO_AS_BUILT").is_none() {
        build::with(&regent_build::wasm(&place::target(), place::root())?, Profile::Dev)?;
    }
    let python = python::venv()?.program("python");
    let stage = Stage::set(root)?;
    let play = Play { relay_socket: stage.path("seen.sock"), stage, python, root };
    play.configure("")?;
    play.stage.start()?;
    let relay = Relay::open(&play.relay_socket, &play.stage.socket())?;
    play.harmless(&relay)?;
    play.refused(&relay)?;
    if root {
        play.held(&relay)?;
        play.void(&relay)?;
        say("What this machine lacks", "of the sandboxes' confinement; docs/confinement.md has what others lack");
    } else {
        say(
            "Left out",
            "what needs root: the approval by another user, nft in a namespace, and of the sandboxes' confinement:",
        );
    }
    play.lacks()?;
    drop(play);
    println!("\nAll of it as it should be; nothing is left behind.\n");
    println!(
        "How to go on: target/dist is what you install; README.md, \"Serving it\", has the three files to write, and"
    );
    println!("`regent check` says what is wrong with them.");
    Ok(())
}

struct Play {
    stage: Stage,
    relay_socket: PathBuf,
    python: PathBuf,
    root: bool,
}

impl Play {
    /// regent.toml, and the firewall's grants: as shipped, or with consent.
    fn configure(&self, extra: &str) -> Result<()> {
        let path = |name: &str| self.stage.path(name).display().to_string();
        let people = if self.root {
            format!(
                "\n[people.anna]\nuser = \"{APPROVER}\"\n[admin]\npath = \"{}\"\nmode = \"0666\"\n",
                path("run-admin/admin.sock")
            )
        } else {
            String::new()
        };
        self.stage.write(
            stage::CONFIG,
            &format!(
                "plugins = [\"{}\"]\nstate = \"{}\"\n[[sockets]]\nname = \"demo\"\npath = \"{}\"\nsecret = \"{SECRET}\"\noperations = [\"*\"]\n{people}{extra}",
                path("plugins"), path("state"), path("run/regent.sock"),
            ),
        )?;
        if self.root { self.pin() } else { Ok(()) }
    }

    /// `open` needs anna's approval, and approval is bound to the module that is there now.
    fn pin(&self) -> Result<()> {
        let shipped = place::dist().join("plugins/firewall.toml");
        let grants = std::fs::read_to_string(&shipped).at(&shipped)?;
        let digest = Run::new("sha256sum").arg(self.stage.path("plugins/firewall.wasm")).text()?;
        let digest = digest.split(' ').next().unwrap_or_default();
        let consent = "[operations.open]\nrequire = [{ step = \"approval\", of = \"anna\" }]";
        let grants = format!("sha256 = \"{digest}\"\n{}", grants.replace("[operations.open]", consent));
        self.stage.write("plugins/firewall.toml", &grants)
    }

    /// What of the sandboxes' confinement this machine or this user lacks, in the daemon's own words: nothing that it
    /// knows of is kept from the screen.
    fn lacks(&self) -> Result<()> {
        let log = self.stage.log();
        let shown = lacking(&log);
        shown.iter().for_each(|lack| println!("  {lack}"));
        if !self.root {
            return expect_in(&shown.join("\n"), "not started as root: ");
        }
        all_shown(&self.stage.status()?, &shown)
    }

    fn harmless(&self, relay: &Relay) -> Result<()> {
        let user = Run::new("id").arg("-un").text()?;
        let user = user.trim();
        say("whoami, by the Python client of 2022, unchanged", "one granted command, run by a WebAssembly operation");
        expect(self.python("whoami", "None")?.trim(), user)?;
        say("whoami, by `regent call`", "the same over the same wire");
        expect(self.regent(&["call", "whoami"])?.1.trim(), user)?;
        relay.last();
        say("What ran", "as the audit log has it: a record before, and one after");
        let log = self.stage.path("state/audit.jsonl");
        let audit = std::fs::read_to_string(&log).at(&log)?;
        let lines: Vec<&str> = audit.lines().collect();
        lines.iter().rev().take(2).rev().for_each(|line| println!("  {line}"));
        expect_in(&audit, "[\"/usr/bin/whoami\"]")
    }

    fn refused(&self, relay: &Relay) -> Result<()> {
        say("A wrong secret", "answered after a second, which delays nobody else");
        self.client("wrong", "whoami", "None")?;
        expect_in(&relay.last(), "Permission denied")?;
        say("An address that is not public", "refused by the operation; the slot's own type would refuse it too");
        self.python("open", "{'ip': '10.0.0.1', 'port': 22}")?;
        expect_in(&relay.last(), "Invalid data: IP not allowed")
    }

    fn held(&self, relay: &Relay) -> Result<()> {
        say("open, held", "nothing runs; the requester gets a handle to read with");
        let uid = self.open(relay)?;
        say(
            &format!("What the approver sees (user {APPROVER}, over the admin socket)"),
            "the command lines that will run, whatever the plugin says",
        );
        let id = self.pending()?;
        let shown = self.approver(&["show", &id])?;
        expect_in(&shown, "8.8.8.8 . 22")?;
        say("Approved by that other user", "the last approval runs it at once");
        self.approver(&["approve", &id])?;
        self.read_until(relay, &uid, "\"state\":\"done\"")?;
        say("The rule, as nft lists it in the namespace", "");
        let listed = self.stage.nft(&["list", "set", "inet", "regent", "open"])?;
        println!("{}", listed.trim_end());
        expect_in(&listed, "8.8.8.8 . 22")
    }

    fn void(&self, relay: &Relay) -> Result<()> {
        say("Another one, held", "and then module and pin are changed, as by somebody who got at the files");
        let uid = self.open_to(relay, "8.8.4.4")?;
        self.stage.stop();
        let module = self.stage.path("plugins/firewall.wasm");
        let mut bytes = std::fs::read(&module).at(&module)?;
        // An empty section of its own: another module that does the same.
        bytes.extend([0, 5, 4, b'd', b'e', b'm', b'o']);
        std::fs::write(&module, bytes).at(&module)?;
        self.pin()?;
        self.stage.start()?;
        let id = self.pending()?;
        let (status, said) = self.stage.approver(&["approve", &id])?;
        print!("$ regent approve {id}\n{said}");
        expect(&status.to_string(), "1")?;
        expect_in(&self.approver(&["show", &id])?, "void: module")?;
        self.read_until(relay, &uid, "Authorisation failed")?;
        let listed = self.stage.nft(&["list", "set", "inet", "regent", "open"])?;
        if listed.contains("8.8.4.4") { Err(Error::new("it ran all the same")) } else { Ok(()) }
    }

    fn open(&self, relay: &Relay) -> Result<String> {
        self.open_to(relay, "8.8.8.8")
    }

    fn open_to(&self, relay: &Relay, ip: &str) -> Result<String> {
        relay.last();
        self.python("open", &format!("{{'ip': '{ip}', 'port': 22}}"))?;
        let reply = relay.last();
        expect_in(&reply, "\"state\":\"held\"")?;
        let uid = reply.split("\"uid\":\"").nth(1).and_then(|rest| rest.split('"').next());
        uid.map(str::to_owned).ok_or_else(|| Error::new(format!("no uid in {reply}")))
    }

    fn read_until(&self, relay: &Relay, uid: &str, text: &str) -> Result<()> {
        relay.last();
        let script = format!(
            "import sys; from regent.client import Client; c = Client(sys.argv[1], sys.argv[2]); c.call_service({{'uid': '{uid}', 'data': None, 'wait': 4}})"
        );
        self.script(&script, SECRET)?;
        expect_in(&relay.last(), text)
    }

    fn pending(&self) -> Result<String> {
        let shown = self.approver(&["pending"])?;
        let (_, listed) = self.stage.approver(&["pending", "--json"])?;
        let id = listed.split("\"id\":").nth(1).and_then(|rest| rest.split('"').nth(1));
        id.map(str::to_owned).ok_or_else(|| Error::new(format!("nothing is pending: {shown}")))
    }

    fn approver(&self, words: &[&str]) -> Result<String> {
        let (status, said) = self.stage.approver(words)?;
        print!("$ regent {}\n{said}", words.join(" "));
        if status == 0 { Ok(said) } else { Err(Error::new(format!("regent {} ended with {status}", words.join(" ")))) }
    }

    fn regent(&self, words: &[&str]) -> Result<(i32, String)> {
        let program = self.stage.path("bin/regent");
        let mut command = Command::new(&program);
        command.args(words).env("REGENT_SOCKET", &self.relay_socket).env("REGENT_SECRET", SECRET);
        let out = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output().at(&program)?;
        Ok((out.status.code().unwrap_or(-1), String::from_utf8_lossy(&out.stdout).into_owned()))
    }

    /// A request of the unchanged client; what it prints is the reply's data or its error.
    fn python(&self, op: &str, data: &str) -> Result<String> {
        self.client(SECRET, op, data)
    }

    fn client(&self, secret: &str, op: &str, data: &str) -> Result<String> {
        let script = format!(
            "import sys; from regent.client import Client; r = Client(sys.argv[1], sys.argv[2]).request('{op}', {data}); print(r.get('data', r.get('error')))"
        );
        self.script(&script, secret)
    }

    fn script(&self, script: &str, secret: &str) -> Result<String> {
        Run::new(&self.python).args(["-c", script]).arg(&self.relay_socket).arg(secret).text()
    }
}

/// What a daemon's log says at its start that it lacks.
fn lacking(log: &str) -> Vec<&str> {
    let said = log.lines().filter_map(|line| line.strip_prefix("regentd: warning: "));
    said.filter(|said| ["no ", "not started as root", "cgroup v2"].iter().any(|word| said.starts_with(word))).collect()
}

/// What `regent status --json` lists as lacking was shown, all of it.
fn all_shown(status: &str, shown: &[&str]) -> Result<()> {
    let unread = |why: &dyn std::fmt::Display| Error::new(format!("{why} in the status {status:?}"));
    let status: serde_json::Value = serde_json::from_str(status).map_err(|why| unread(&why))?;
    let lacks =
        status.get("lacks").and_then(|lacks| lacks.as_array()).ok_or_else(|| unread(&"no list of what lacks"))?;
    match lacks.iter().filter_map(|lack| lack.as_str()).find(|lack| !shown.contains(lack)) {
        None => Ok(()),
        Some(lack) => Err(Error::new(format!("the daemon lacks something that was not shown: {lack}"))),
    }
}

fn say(heading: &str, meaning: &str) {
    println!("\n── {heading}");
    if !meaning.is_empty() {
        println!("   {meaning}");
    }
}

fn expect(found: &str, wanted: &str) -> Result<()> {
    if found == wanted { Ok(()) } else { Err(Error::new(format!("expected {wanted:?}, found {found:?}"))) }
}

fn expect_in(found: &str, wanted: &str) -> Result<()> {
    if found.contains(wanted) { Ok(()) } else { Err(Error::new(format!("expected {wanted:?} in {found:?}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_taken_out_of_the_log_and_none_of_it_may_be_kept_back() {
        let log = "regentd: not started as root: no warning\n\
            regentd: warning: not started as root: sandboxes share this user's uid and its groups\n\
            regentd: warning: no landlock: this kernel has none\n\
            regentd: warning: cgroup v2 has no free controller memory: of that a sandbox has only the limits of its own\n\
            regentd: warning: echo.toml: something else\n\
            regentd: READY\n";
        let shown = lacking(log);
        let begin = ["not started as root: ", "no landlock: ", "cgroup v2 has no free controller memory: "];
        assert_eq!(shown.len(), begin.len(), "{shown:?}");
        assert!(shown.iter().zip(begin).all(|(shown, begin)| shown.starts_with(begin)), "{shown:?}");
        let status = |lacks: &[&str]| serde_json::json!({"lacks": lacks}).to_string();
        assert!(all_shown(&status(&shown), &shown).is_ok() && all_shown(&status(&[]), &[]).is_ok());
        let [first, ..] = shown[..] else { panic!("{shown:?}") };
        assert!(all_shown(&status(&shown), &[first]).unwrap_err().to_string().contains("no landlock: "));
        assert!(all_shown("{}", &shown).is_err() && all_shown("regent: no", &shown).is_err());
    }
}
