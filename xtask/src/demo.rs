//! `cargo xtask demo`: a conversation with a daemon of its own, each line as it crossed the socket, and what ran.
//!
//! It plays in a private folder and, as root, in a network namespace of its own; the machine's firewall is never touched. A
//! reply that is not what it should be ends it with an error, and whatever ends it, nothing is left behind.

// What has to be there.
mod props;
// Where it plays: the folder, the namespace, the daemon.
mod stage;
// What an administrator writes.
mod files;
// The processes that end with the demo.
mod company;
// What crosses a socket, seen.
pub(crate) mod relay;
// Who speaks: the requester and the approver.
mod talk;
// What is said, in order.
mod acts;

use crate::error::{Error, Result};
use props::Props;
use stage::Stage;
use talk::Talk;

/// Shows it all.
pub(crate) fn demo() -> Result<()> {
    let props = Props::bring()?;
    let stage = Stage::set(&props)?;
    play(&props, &stage).map_err(|error| {
        stage.wait_if_interrupted();
        Error::new(format!("the demo did not go as it should: {error}\n--- the daemon's log\n{}---", stage.log()))
    })?;
    drop(stage);
    println!("\nAll of it was as it should be, and nothing is left behind.\n");
    println!("How to go on: {} has programs (bin) and plugins with their", props.dist.display());
    println!("grants (plugins). README.md, \"Serving it\", has the files to write beside them, and");
    println!("`regentd --config FILE --check` says what is wrong with these. \"Writing a plugin\" is next.");
    Ok(())
}

fn play(props: &Props, stage: &Stage) -> Result<()> {
    files::write(stage, props)?;
    stage.start()?;
    let talk = Talk::open(stage, props)?;
    println!("→ is what a client sent, ← what the daemon answered: the lines of JSON that crossed the socket.");
    acts::whoami(&talk)?;
    acts::wrong_secret(&talk)?;
    acts::refused_address(&talk)?;
    if !props.nft {
        acts::left_out("consent, and what it lets run: the firewall's grants need nft (`apt-get install nftables`)");
        return Ok(());
    }
    let held = acts::held(&talk)?;
    acts::own_consent(&talk, &held)?;
    if !props.root {
        acts::given_up(&talk, &held)?;
        acts::left_out(
            "what needs root: the approval by another user, its run by nft in a network namespace, the consent that \
             became void, and the sandboxes' uids and namespaces",
        );
        return Ok(());
    }
    acts::approved(&talk, stage, &held)?;
    acts::void(&talk, stage, props)
}
