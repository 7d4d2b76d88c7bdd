//! What an author implements.

use serde::{Serialize, de::DeserializeOwned};

use crate::{Failure, Plan, Refusal, Results, Step};

/// The type of [`Operation::AUTHORISE`].
pub type Authorise<T> = fn(&T) -> Result<Vec<Step>, Refusal>;

/// One operation: what `prepare` understood is kept in the value itself, and comes back to `finish` in another instance
/// of the plugin, perhaps days and a restart later. So it must hold all that is needed, and nothing outside it
/// survives.
pub trait Operation: Serialize + DeserializeOwned {
    /// The caller's data. What does not read as this is refused with `Invalid data: …`. An operation without data takes
    /// [`Ignored`](crate::Ignored).
    type Data: DeserializeOwned;

    /// One line for lists and forms.
    const SUMMARY: &'static str;

    /// A JSON Schema of the data, for forms and documents. It validates nothing: `prepare` does.
    const SCHEMA: &'static str = "{}";

    /// Whether this request needs further steps, or none at all: `Some(Self::authorise)` for a function of yours.
    /// `None` leaves it to the administrator alone. Named here and not a method with a default, so that one that was
    /// written but not named is seen by the compiler as dead code.
    const AUTHORISE: Option<Authorise<Self>> = None;

    /// Validates the data, plans what is to run, and keeps what `finish` will need. It has no effects.
    ///
    /// # Errors
    /// [`Refusal::invalid`] with words for the caller.
    fn prepare(data: Self::Data, plan: &mut Plan) -> Result<Self, Refusal>;

    /// One line for the people who may have to approve. It is shown as the plugin's word, beside the command lines.
    fn summary(&self) -> String {
        Self::SUMMARY.into()
    }

    /// Shapes the reply from the results, the failed one included.
    ///
    /// # Errors
    /// A [`Failure`], with words for the caller or without.
    fn finish(self, results: &Results) -> Result<impl Serialize, Failure>;
}
