//! What a plugin may cost. The sandbox keeps each of these as a courtesy, so that a plugin hears of it in its own
//! terms; the daemon keeps what it can see itself, because the sandbox may be anybody's.

use std::time::Duration;

/// Lanes of a plugin, and so threads of its sandbox: how many of its requests run at a time.
pub const LANES: usize = 4;
/// How long a plugin's code may run in one exchange. Time spent waiting for the daemon does not count.
pub const GUEST_RUNNING: Duration = Duration::from_millis(200);
/// How long one exchange may take in all, host calls included, before it is a fault of the plugin.
pub const EXCHANGE_WALL: Duration = Duration::from_secs(2);
/// How long after [`EXCHANGE_WALL`] the sandbox may still answer; then its process is killed.
pub const EXCHANGE_GRACE: Duration = Duration::from_secs(1);
/// Linear memory of one instance, all its memories together.
pub const GUEST_MEMORY: usize = 64 << 20;
/// The largest module that is read: linear in the work of hashing and copying it.
pub const MODULE_MAX: u64 = 64 << 20;
/// The plugin's own bytes of a request, which are kept with a held one.
pub const STATE_MAX: usize = 64 << 10;
/// Steps of a plan: what a person can be expected to read before approving.
pub const STEPS_MAX: usize = 64;
/// The reply's data.
pub const REPLY_MAX: usize = 1 << 20;
/// A plugin's description.
pub const DESCRIPTION_MAX: usize = 1 << 20;
/// A summary or a refusal's message: one line.
pub const TEXT_MAX: usize = 500;
/// Log of one exchange, in bytes of text.
pub const LOG_MAX: usize = 64 << 10;
/// Names and values of one planned step together.
pub const CALL_MAX: usize = 64 << 10;
/// Outputs of all steps together, as far as `finish` sees them: later ones are cut.
pub const RESULTS_MAX: usize = 8 << 20;
/// Random bytes of one call.
pub const RANDOM_MAX: u32 = 64 << 10;
