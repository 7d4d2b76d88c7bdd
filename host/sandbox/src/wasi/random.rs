//! Random numbers, all of them the kernel's: the insecure kinds too, which costs nothing and surprises nobody.

use regent_lane::RANDOM_MAX;
use wasmtime::component::{HasData, Linker};
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};

use crate::fault::Broken;
use crate::state::State;
use crate::world::random_bytes;

/// Nothing is kept between two numbers.
struct Numbers;

impl HasData for Numbers {
    type Data<'a> = Numbers;
}

/// Links all three.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    random::add_to_linker::<State, Numbers>(linker, |_| Numbers)?;
    insecure::add_to_linker::<State, Numbers>(linker, |_| Numbers)?;
    insecure_seed::add_to_linker::<State, Numbers>(linker, |_| Numbers)
}

impl random::Host for Numbers {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        // One too many for whatever does not even fit.
        let length = u32::try_from(length).unwrap_or(RANDOM_MAX + 1);
        random_bytes(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        number()
    }
}

impl insecure::Host for Numbers {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        random::Host::get_random_bytes(self, length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        number()
    }
}

impl insecure_seed::Host for Numbers {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((number()?, number()?))
    }
}

fn number() -> wasmtime::Result<u64> {
    let bytes = random_bytes(8)?;
    let bytes = bytes.try_into().map_err(|_| Broken::denied("no random numbers"))?;
    Ok(u64::from_ne_bytes(bytes))
}
