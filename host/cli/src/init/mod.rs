//! `init`: what a first daemon needs, written once. Each file is shown as it is written, so that nothing is on the
//! machine that nobody saw; what is there already is left as it is, so that saying it twice changes nothing.

// Where everything goes.
mod layout;
// Whose the state is by now.
mod owner;
// How far the unit closes the service.
mod hardening;
// What is in the files.
mod texts;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use regent_files::{Folder, Untrusted};
use regent_protocol::visible;
use zeroize::Zeroizing;

use crate::arguments::Init;
use crate::ending::{Ending, Failure};
use crate::{files, output, secret};
use layout::{Kind, Layout};

/// A folder or a file.
struct Piece {
    path: PathBuf,
    mode: u32,
    /// `None`: a folder.
    content: Option<Content>,
    /// Whose else than ours it may be, if it is there already.
    handed_to: Option<u32>,
}

enum Content {
    Text(String),
    Secret(Zeroizing<String>),
}

pub(crate) fn init(init: &Init) -> Result<Ending, Failure> {
    let layout = Layout::of(init)?;
    let pieces = pieces(&layout)?;
    for piece in &pieces {
        let there = if init.print { is_there(&piece.path)? } else { !piece.write()? };
        output::print(&piece.shown(there))?;
    }
    if init.print {
        output::complain("nothing was written: --print");
    }
    output::print(&next(&layout)?).map(|()| Ending::Done)
}

/// All of it, in the order in which it is written: what a file names comes before it.
fn pieces(layout: &Layout) -> Result<Vec<Piece>, Failure> {
    let text = texts::config(layout)?;
    // Whatever the paths are, the daemon must take the file.
    files::parse(&layout.config(), &text)?;
    let mut pieces = vec![
        Piece::folder(layout.etc.clone(), 0o755),
        Piece::folder(layout.grants(), 0o755),
        Piece { handed_to: owner::uid(layout), ..Piece::folder(layout.state.clone(), 0o700) },
        Piece::folder(layout.run.clone(), 0o755),
        Piece::folder(layout.run_admin.clone(), 0o755),
    ];
    // The last is for plugins that came from elsewhere; the others are there.
    pieces.extend(layout.plugins.last().map(|path| Piece::folder(path.clone(), 0o755)));
    let secret = secret::line(&secret::fresh()?);
    let content = Some(Content::Secret(secret));
    pieces.push(Piece { path: layout.secret(), mode: secret::MODE, content, handed_to: None });
    pieces.push(Piece::file(layout.config(), text));
    if let Some(units) = &layout.units {
        pieces.push(Piece::file(units.join("regentd.service"), texts::unit(layout)?));
    }
    Ok(pieces)
}

impl Piece {
    fn folder(path: PathBuf, mode: u32) -> Self {
        Self { path, mode, content: None, handed_to: None }
    }

    fn file(path: PathBuf, text: String) -> Self {
        Self { path, mode: 0o644, content: Some(Content::Text(text)), handed_to: None }
    }

    /// Says whether it was written: it was not there.
    fn write(&self) -> Result<bool, Failure> {
        let Some(content) = &self.content else {
            return match Folder::make(&self.path, self.mode) {
                // All above it was judged before it.
                Err(Untrusted::Unsafe(path, _)) if path == self.path && self.is_handed_over() => Ok(false),
                made => made.map(|(_, made)| made).map_err(files::said),
            };
        };
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let (folder, _) = Folder::make(folder, 0o755).map_err(files::said)?;
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if folder.has(name).map_err(files::said)? {
            return Ok(false);
        }
        folder.create(name, self.mode, None, content.bytes()).map_err(files::said)?;
        Ok(true)
    }

    /// Whether it is a folder, and the one user's whose it may be.
    fn is_handed_over(&self) -> bool {
        let there = self.path.symlink_metadata();
        there.is_ok_and(|there| there.is_dir() && Some(there.uid()) == self.handed_to && there.mode() & 0o022 == 0)
    }

    fn shown(&self, there: bool) -> String {
        let path = visible::argument(&self.path.display().to_string());
        let slash = if self.content.is_none() { "/" } else { "" };
        if there {
            return format!("{path}{slash}: exists already: left as it is\n");
        }
        let head = format!("{path}{slash} (mode {:04o})", self.mode);
        match &self.content {
            None => format!("{head}\n"),
            Some(Content::Secret(_)) => format!("{head}: a fresh secret, which is not shown\n"),
            Some(Content::Text(text)) => {
                let lines: String = text.lines().map(|line| format!("    {}\n", visible::line(line))).collect();
                format!("{head}:\n{lines}")
            }
        }
    }
}

impl Content {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Secret(text) => text.as_bytes(),
        }
    }
}

fn is_there(path: &Path) -> Result<bool, Failure> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(why) => Err(Failure::other(format!("{}: {why}", path.display()))),
    }
}

/// What to type now.
fn next(layout: &Layout) -> Result<String, Failure> {
    let word = |path: &Path| visible::argument(&path.display().to_string());
    let (config, admin) = (word(&layout.config()), word(&layout.admin()));
    let by_hand = format!("{} --config {config}", word(&layout.regentd));
    let start = match (layout.kind, &layout.units) {
        (Kind::Machine, Some(_)) => {
            format!("systemctl daemon-reload && systemctl enable --now regentd\n# or: {by_hand}")
        }
        (Kind::User, _) => {
            format!("systemctl --user daemon-reload && systemctl --user enable --now regentd\n# or: {by_hand}")
        }
        _ => by_hand,
    };
    let usual = if layout.kind == Kind::Machine {
        String::new()
    } else {
        let (socket, secret) = (word(&layout.socket()), word(&layout.secret()));
        format!(
            "export REGENT_CONFIG={config} REGENT_ADMIN={admin}\nexport REGENT_SOCKET={socket} REGENT_SECRET_FILE={secret}\n"
        )
    };
    let lines = format!("{usual}regent check\n{start}\nregent status\nregent ops\nregent call OP KEY=VALUE\n");
    let lines: String = lines.lines().map(|line| format!("    {line}\n")).collect();
    Ok(format!("\nGrants go into {}. Next:\n{lines}", word(&layout.grants())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_and_never_shown() {
        let secret = secret::line("hunter2-hunter2-hunter2");
        let content = Some(Content::Secret(secret));
        let piece = Piece { path: "/etc/regent/local.secret".into(), mode: 0o600, content, handed_to: None };
        assert_eq!(piece.shown(false), "/etc/regent/local.secret (mode 0600): a fresh secret, which is not shown\n");
        assert_eq!(piece.shown(true), "/etc/regent/local.secret: exists already: left as it is\n");
    }
}
