//! Files in a folder of the process' own, which nobody else writes.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes a folder that is this user's alone, or makes one that is there so.
///
/// # Errors
/// What the kernel says.
pub fn own_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => return Err(why),
        _ => {}
    }
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

/// Replaces a file by what `write` writes: whole or not at all, and on the disk when this returns. The file is its
/// owner's alone (0600). One caller at a time for each path.
///
/// # Errors
/// What the kernel says.
pub fn replace(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let half = path.with_extension("half");
    let _left_over = fs::remove_file(&half);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    write(&mut file)?;
    file.sync_data()?;
    fs::rename(&half, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
