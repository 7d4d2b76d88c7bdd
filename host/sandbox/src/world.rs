//! What a plugin may call of its own world. Only `commands.plan` asks the daemon; the rest is answered here, from what
//! this process was told or can compute.

use regent_lane::{Ask, CALL_MAX, Call, RANDOM_MAX, STEPS_MAX, Say};
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::time::{ClockId, clock_gettime};
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::regent::plugin as wit;
use crate::fault::{Broken, Stop};
use crate::state::{Phase, State};

/// Bytes that a name or value counts for beside its own.
const PART_OVERHEAD: usize = 8;

/// Links every interface of the world, one by one.
pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    wit::types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::commands::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::log::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::settings::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::clocks::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    wit::random::add_to_linker::<State, HasSelf<State>>(linker, |state| state)
}

impl wit::types::Host for State {}

impl wit::commands::Host for State {
    fn plan(
        &mut self,
        command: String,
        values: Vec<(String, String)>,
    ) -> wasmtime::Result<Result<(), wit::types::Refusal>> {
        if self.phase != Phase::Prepare {
            let text = format!("it called `commands.plan` in {}: only `prepare` plans", self.phase.name());
            return Err(Broken::denied(text).into());
        }
        if self.planned == STEPS_MAX {
            return Err(Broken::denied(format!("it planned more than {STEPS_MAX} steps")).into());
        }
        let parts = values.iter().map(|(slot, value)| slot.len() + value.len() + PART_OVERHEAD);
        if parts.sum::<usize>() + command.len() > CALL_MAX {
            return Err(Broken::denied(format!("it planned a step of more than {} KiB", CALL_MAX >> 10)).into());
        }
        self.planned += 1;
        self.lane.say(&Say::Plan(Call { command, values }))?;
        match self.lane.ask()? {
            Some(Ask::Planned(taken)) => {
                Ok(taken.map_err(|no| wit::types::Refusal { code: no.code, message: no.message }))
            }
            Some(_) => Err(Stop::Broken("a word other than the answer to a plan".into()).into()),
            None => Err(Stop::Ended.into()),
        }
    }
}

impl wit::log::Host for State {
    fn write(&mut self, level: wit::log::Level, text: String) -> wasmtime::Result<()> {
        let level = match level {
            wit::log::Level::Debug => regent_lane::Level::Debug,
            wit::log::Level::Info => regent_lane::Level::Info,
            wit::log::Level::Warning => regent_lane::Level::Warning,
            wit::log::Level::Error => regent_lane::Level::Error,
        };
        self.lane.log(level, text);
        Ok(())
    }
}

impl wit::settings::Host for State {
    fn all(&mut self) -> wasmtime::Result<String> {
        Ok(self.settings.to_string())
    }
}

impl wit::clocks::Host for State {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(now())
    }

    fn monotonic(&mut self) -> wasmtime::Result<u64> {
        Ok(monotonic())
    }
}

/// The clock on the wall.
pub(crate) fn now() -> u64 {
    nanoseconds(ClockId::Realtime)
}

/// The clock that is never set.
pub(crate) fn monotonic() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let (seconds, rest) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(rest.unwrap_or(0))
}

impl wit::random::Host for State {
    fn bytes(&mut self, length: u32) -> wasmtime::Result<Vec<u8>> {
        random_bytes(length)
    }
}

/// Bytes of the kernel's, as many as one call may ask for.
pub(crate) fn random_bytes(length: u32) -> wasmtime::Result<Vec<u8>> {
    if length > RANDOM_MAX {
        return Err(
            Broken::denied(format!("it asked for too many random bytes, {length}; the limit is {RANDOM_MAX}")).into()
        );
    }
    let mut bytes = vec![0; length as usize];
    let mut rest = bytes.as_mut_slice();
    while !rest.is_empty() {
        let length = rustix::io::retry_on_intr(|| getrandom(&mut *rest, GetRandomFlags::empty()))?;
        rest = rest.get_mut(length..).unwrap_or_default();
    }
    Ok(bytes)
}
