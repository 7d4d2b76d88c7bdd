//! What an operation wants done, step by step. A plan runs nothing: the daemon shows it, has it authorised, and carries
//! it out.

use std::fmt::Display;

use crate::{Refusal, host};

/// The plan of the request that is being prepared. Only `prepare` is given one, since only there may steps be added.
#[derive(Debug)]
pub struct Plan {
    operation: String,
}

impl Plan {
    pub(crate) fn of(operation: &str) -> Self {
        Self { operation: operation.into() }
    }

    /// The name of the operation that is being prepared: the plugin's own, and for one that is described as `*`
    /// whatever name the grants file serves.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Adds a step: run the granted command with a value for each of its slots. At most 64 steps.
    ///
    /// # Errors
    /// A value that its slot does not take, as a refusal (`ip: not accepted`) to return as it is or to word better. An
    /// unknown command or slot is no error but a fault of the plugin, and ends the request.
    pub fn run(&mut self, command: &str, values: &[(&str, &dyn Display)]) -> Result<(), Refusal> {
        let values = values.iter().map(|(slot, value)| ((*slot).to_owned(), value.to_string())).collect();
        host::plan(command, values)
    }
}
