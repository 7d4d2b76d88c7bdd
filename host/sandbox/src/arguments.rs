//! The command line.

use regent_lane::Demands;

use crate::engine::Kind;

/// What it was told as it was started.
pub(crate) struct Told {
    pub(crate) demands: Demands,
    pub(crate) engine: Kind,
}

/// `None`: something that it does not know.
pub(crate) fn told() -> Option<Told> {
    let mut told = Told { demands: Demands::default(), engine: Kind::Native };
    for argument in std::env::args_os().skip(1) {
        match argument.to_str()? {
            "--interpreter" => told.engine = Kind::Interpreter,
            other if told.demands.take(other) => {}
            _ => return None,
        }
    }
    Some(told)
}
