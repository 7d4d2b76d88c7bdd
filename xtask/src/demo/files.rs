//! What an administrator writes: regent.toml, and the firewall's grants with consent added.

use super::props::Props;
use super::stage::{APPROVER, SECRET, Stage};
use crate::error::{At, Error, Result};
use crate::run::Run;

const TABLE: &str = "[operations.open]";
const CONSENT: &str = "[operations.open]\nrequire = [{ step = \"approval\", of = \"anna\" }]";

/// Both. The grants stand beside the modules; those of the other plugins are as shipped.
pub(super) fn write(stage: &Stage, props: &Props) -> Result<()> {
    let path = |name: &str| stage.path(name).display().to_string();
    // Without root there is nobody else to be a person: then the requester is, and cannot approve all the same.
    let person = if props.root { APPROVER.to_owned() } else { Run::new("id").arg("-u").text()?.trim().to_owned() };
    let regent = format!(
        "plugins = [\"{plugins}\"]\nstate = \"{state}\"\n\
         [[sockets]]\nname = \"demo\"\npath = \"{socket}\"\nsecret = \"{SECRET}\"\noperations = [\"*\"]\n\
         [admin]\npath = \"{admin}\"\nmode = \"0666\"\n\
         [people.anna]\nuser = \"{person}\"\n",
        plugins = path("plugins"),
        state = path("state"),
        socket = stage.socket().display(),
        admin = stage.admin_socket().display(),
    );
    stage.write("regent.toml", &regent)?;
    pin(stage, props)
}

/// `open` needs anna's consent, which is bound to the module that is there now.
pub(super) fn pin(stage: &Stage, props: &Props) -> Result<()> {
    let shipped = props.dist.join("plugins/firewall.toml");
    let grants = std::fs::read_to_string(&shipped).at(&shipped)?;
    if !grants.contains(TABLE) {
        return Err(Error::new(format!("{}: there is no {TABLE}", shipped.display())));
    }
    let digest = Run::new("sha256sum").arg(stage.path("plugins/firewall.wasm")).text()?;
    let digest = digest.split(' ').next().unwrap_or_default();
    stage.write("plugins/firewall.toml", &format!("sha256 = \"{digest}\"\n{}", grants.replace(TABLE, CONSENT)))
}

/// An empty section more: another module, though it does the same.
pub(super) fn change_module(stage: &Stage) -> Result<()> {
    let path = stage.path("plugins/firewall.wasm");
    let mut bytes = std::fs::read(&path).at(&path)?;
    // Of the kind "custom", 5 bytes long, with a name of 4.
    bytes.extend([0, 5, 4]);
    bytes.extend(b"demo");
    std::fs::write(&path, bytes).at(&path)
}
