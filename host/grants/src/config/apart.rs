//! Who may enter a socket's folder may reach the socket: so each has a folder of its own, and the admin socket above
//! all.

use std::path::PathBuf;

use crate::sheet::Sheet;

/// A word or path of the file, and its line.
pub(super) type At<T> = (T, usize);

/// Where a socket is, as far as that could be read: one with another mistake is still in the way of others.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) name: Option<At<String>>,
    pub(super) path: Option<At<PathBuf>>,
}

impl Place {
    fn called(&self) -> &str {
        self.name.as_ref().map_or("a socket without a name", |(name, _)| name)
    }
}

/// Says of each place what it shares with one before it, and of the admin socket whose folder it is in.
pub(super) fn judge(sheet: &Sheet<'_>, places: &[Place], admin: Option<&At<PathBuf>>) {
    for (number, place) in places.iter().enumerate() {
        for other in places.iter().take(number) {
            pair(sheet, place, other);
        }
    }
    let Some((admin, line)) = admin else { return };
    let same = |place: &&Place| place.path.as_ref().is_some_and(|(path, _)| path.parent() == admin.parent());
    if let Some(place) = places.iter().find(same) {
        let called = place.called();
        sheet.mistake(*line, format!("the admin socket is in the folder of {called}: give it a folder of its own"));
    }
}

fn pair(sheet: &Sheet<'_>, place: &Place, other: &Place) {
    if let (Some((name, line)), Some((other, _))) = (&place.name, &other.name)
        && name == other
    {
        sheet.mistake(*line, format!("two sockets are called {name}: name one otherwise"));
    }
    let (Some((path, line)), Some((others, _))) = (&place.path, &other.path) else { return };
    let (name, other) = (place.called(), other.called());
    if path == others {
        sheet.mistake(*line, format!("{name} has the path of {other}: give it another"));
    } else if path.parent() == others.parent() {
        sheet.mistake(*line, format!("{name} is in the folder of {other}: give each a folder of its own"));
    }
}
