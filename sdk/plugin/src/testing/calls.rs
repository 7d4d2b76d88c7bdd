//! The host's functions for a plugin that runs natively: they reach the exchange that its thread is in.

use std::{cell::RefCell, rc::Rc, time::Duration};

use regent_grants::{Grants, RenderError, Rendered, grant_lines};
use regent_lane::{RANDOM_MAX, STEPS_MAX};

use crate::{Level, Refusal, Want};

thread_local! {
    static CURRENT: RefCell<Option<Exchange>> = const { RefCell::new(None) };
}

/// Which of the plugin's functions runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// `describe`.
    Describing,
    /// `prepare`.
    Preparing,
    /// `authorise` or `finish`.
    Other,
}

/// What a plugin's calls read of their host.
#[derive(Debug, Clone)]
pub(crate) struct HostState {
    pub(super) wants: &'static [Want],
    pub(super) grants: Rc<Grants>,
    pub(super) now: Duration,
}

/// One call of the plugin, and what it did meanwhile.
#[derive(Debug)]
pub(crate) struct Exchange {
    host: HostState,
    phase: Phase,
    pub(super) steps: Vec<(String, Rendered)>,
    pub(super) logged: Vec<(Level, String)>,
}

impl Exchange {
    /// Runs the plugin's function as part of an exchange.
    pub(super) fn during<T>(host: &HostState, phase: Phase, function: impl FnOnce() -> T) -> (T, Self) {
        let new = || Self { host: host.clone(), phase, steps: vec![], logged: vec![] };
        CURRENT.set(Some(new()));
        let returned = function();
        (returned, CURRENT.take().unwrap_or_else(new))
    }

    fn plan(&mut self, command: &str, values: &[(String, String)]) -> Result<(), Refusal> {
        assert!(self.phase == Phase::Preparing, "commands.plan is allowed in prepare only");
        assert!(self.steps.len() < STEPS_MAX, "a plan has at most {STEPS_MAX} steps");
        let granted = self.host.grants.command(command);
        let granted = granted.unwrap_or_else(|| panic!("{}", self.not_granted(command, values)));
        match granted.render(values) {
            Ok(rendered) => {
                self.steps.push((command.to_owned(), rendered));
                Ok(())
            }
            Err(RenderError::NotAccepted { slot, .. }) => Err(Refusal::invalid(format!("{slot}: not accepted"))),
            Err(RenderError::UnknownSlot(slot)) => panic!("command {command} has no slot {slot}"),
            Err(RenderError::MissingSlot(slot)) => panic!("command {command}: slot {slot} was given no value"),
            Err(RenderError::GivenTwice(slot)) => panic!("command {command}: slot {slot} was given twice"),
        }
    }
}

impl Exchange {
    /// What to write into the grants file: with the slots that the plugin says it wants, else with those that it
    /// filled.
    fn not_granted(&self, command: &str, values: &[(String, String)]) -> String {
        let wanted = self.host.wants.iter().find(|want| want.command == command).map(|want| want.slots.to_vec());
        let names = wanted.unwrap_or_else(|| values.iter().map(|(slot, _)| slot.as_str()).collect());
        let value = |name: &str| values.iter().find(|(slot, _)| slot == name).map(|(_, value)| value.as_str());
        let slots: Vec<_> = names.into_iter().map(|name| (name, value(name))).collect();
        let lines = grant_lines(command, &slots).join("\n");
        format!("not granted: add to the grants of {}:\n{lines}", self.host.grants.name)
    }
}

fn current<T>(call: impl FnOnce(&mut Exchange) -> T) -> T {
    CURRENT.with_borrow_mut(|current| match current {
        Some(exchange) => call(exchange),
        None => panic!("there is no host here: in a test, call the plugin through regent_plugin::testing::Host"),
    })
}

pub(crate) fn plan(command: &str, values: Vec<(String, String)>) -> Result<(), Refusal> {
    current(|exchange| exchange.plan(command, &values))
}

pub(crate) fn log(level: Level, text: &str) {
    // Cargo shows it for a test that failed.
    eprintln!("log: {level:?}: {text}");
    current(|exchange| exchange.logged.push((level, text.to_owned())));
}

pub(crate) fn settings() -> String {
    current(|exchange| exchange.host.grants.settings.clone())
}

/// The time does not pass while a test runs.
pub(crate) fn now() -> u64 {
    current(|exchange| u64::try_from(exchange.host.now.as_nanos()).unwrap_or(u64::MAX))
}

pub(crate) fn monotonic() -> u64 {
    now()
}

/// Not random, so that tests do not depend on luck: 0, 1, 2 and so on.
pub(crate) fn random(length: u32) -> Vec<u8> {
    assert!(length <= RANDOM_MAX, "random.bytes: at most {RANDOM_MAX} bytes a call");
    (0..=u8::MAX).cycle().take(length as usize).collect()
}
