//! What an outsider may cost, and why so much.

use std::time::Duration;

/// Bytes of a request's line without its newline: every byte is read, checked and kept before anybody is trusted.
pub const LINE_MAX: usize = 65_536;

/// How deep arrays and objects may stand in each other, the outermost counted: readers recurse, and what nobody needs
/// is not worth a stack.
pub const DEPTH_MAX: usize = 32;

/// Bytes of a request's `id`, which comes back in each reply: room for a UUID and a prefix, not for storage.
pub const ID_MAX: usize = 128;

/// The shortest `wait`: below it the client may as well read.
pub const WAIT_MIN: Duration = Duration::from_secs(1);

/// The longest `wait`: it keeps a connection, of which a peer has a few hundred.
pub const WAIT_MAX: Duration = Duration::from_secs(3600);

/// Bytes of a reply's line that a client must be ready for: 1 MiB of result, whose bytes may each be escaped once more
/// in a view, with room for the envelope.
pub const REPLY_LINE_MAX: usize = 4 << 20;
