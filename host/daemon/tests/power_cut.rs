//! What is kept, when the power goes: at every point where the disk is told to sync, with what was written since the
//! last sync kept, dropped or torn. The real store and the real audit log run over a disk that forgets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test says so by panicking")]

mod forgetful;

use std::sync::{Arc, Mutex};

use forgetful::{Medium, Power, Unsynced};
use jiff::{SignedDuration, Timestamp};
use redb::StorageBackend;
use regent_protocol::{Code, Data, State};
use regentd::kept::audit::{Audit, AuditLog};
use regentd::kept::ending::Ending;
use regentd::kept::event::{Event, EventKind};
use regentd::kept::ledger::{Ledger, Recovered};
use regentd::kept::store::{Store, StoreError};
use regentd::record::hold::{Bound, Consent, ConsentStep, Handle, Hold, HoldId, PlannedStep};
use regentd::record::outcome::Outcome;
use regentd::record::reason::{BoundField, Decider, VoidCause};
use regentd::record::requester::Requester;

/// Both files, and what a start over them makes.
struct Disk {
    power: Arc<Mutex<Power>>,
    audit: Arc<Medium>,
    store: Arc<Medium>,
    boot: &'static str,
}

impl Disk {
    fn new(syncs_left: Option<usize>, audit: Vec<u8>, store: Vec<u8>) -> Self {
        let power = Arc::new(Mutex::new(Power { syncs_left, syncs: 0, out: false }));
        Self { audit: Medium::new(&power, audit), store: Medium::new(&power, store), power, boot: "boot" }
    }

    fn start(&self) -> Result<(Ledger, Recovered), StoreError> {
        self.start_with_log().map(|(ledger, _, found)| (ledger, found))
    }

    fn start_with_log(&self) -> Result<(Ledger, AuditLog, Recovered), StoreError> {
        let audit = Audit::open(Arc::<Medium>::clone(&self.audit), self.boot.into())?;
        let store = Store::open(Arc::<Medium>::clone(&self.store))?;
        let audit = AuditLog::new(audit);
        let ledger = Ledger::new(store, audit.clone());
        let found = ledger.recover(now())?;
        Ok((ledger, audit, found))
    }

    fn restarted(&self, unsynced: Unsynced, syncs_left: Option<usize>) -> Self {
        Self::new(syncs_left, self.audit.after(unsynced), self.store.after(unsynced))
    }
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn asked(number: usize) -> Hold {
    let plan = PlannedStep {
        command: "open-port".into(),
        values: vec![("ip".into(), "8.8.8.8".into())],
        argv: vec!["/usr/sbin/nft".into(), "8.8.8.8".into()],
        program: Some("/usr/sbin/nft".into()),
        run_as: "root".into(),
        uid: 0,
        gid: 0,
        groups: vec![0],
        timeout_ms: 3_000,
        stdin_data: false,
        ends_host: false,
        via: None,
    };
    Hold {
        version: 0,
        id: HoldId::parse(&format!("hhhhhhhhh{}", ["2", "3", "4"][number])).unwrap(),
        handle: Handle::of(&format!("handle {number}")),
        state: State::Held,
        requester: Requester { socket: "web".into(), uid: 33, gid: 33, groups: vec![], pid: None, trusted: true },
        requester_name: "www-data".into(),
        operation: "open".into(),
        plugin: "firewall".into(),
        data: Data::null(),
        plugin_state: vec![0; 1_000],
        summary: "Open a port".into(),
        plan: vec![plan],
        steps: vec![ConsentStep { of: "ops".into(), count: 2, consents: vec![] }],
        bound: Bound::of([(BoundField::Plan, b"plan".to_vec())]),
        reference: "abcdefgh".into(),
        asked: now(),
        expires: now() + SignedDuration::from_mins(15),
        run_within: 300,
        approved: None,
        boot: None,
        ended: None,
        outcome: None,
        reason: None,
        rule: None,
        key: None,
    }
}

/// What the outside world was told and saw, for each of the three holds.
#[derive(Debug, Default, Clone)]
struct Witness {
    acknowledged: Option<State>,
    consents: u32,
    tried: Option<State>,
    consents_tried: u32,
    ran: u32,
}

type Step<'a> = Result<Hold, StoreError>;

fn step(ledger: &Ledger, seen: &mut Witness, next: Hold, by: Option<&Decider>) -> Step<'static> {
    let mut next = next;
    let consents = u32::try_from(next.steps[0].consents.len()).unwrap();
    (seen.tried, seen.consents_tried) = (Some(next.state), consents);
    ledger.transition(&mut next, by, &[])?;
    (seen.acknowledged, seen.consents) = (Some(next.state), consents);
    Ok(next)
}

/// A person, as a record names it.
fn by(person: &str, uid: u32) -> Decider {
    Decider { person: Some(person.into()), uid }
}

fn consent(hold: Hold, person: &str) -> Hold {
    hold.consented(Consent { person: person.into(), uid: 1_000, at: now() })
}

/// Three holds, taken turn by turn, to different ends.
fn story(ledger: &Ledger, seen: &mut [Witness; 3]) -> Result<(), StoreError> {
    let mut holds = Vec::new();
    for (number, seen) in seen.iter_mut().enumerate() {
        holds.push(step(ledger, seen, asked(number), None)?);
    }
    for (hold, seen) in holds.iter_mut().zip(seen.iter_mut()) {
        *hold = step(ledger, seen, consent(hold.clone(), "anna"), Some(&by("anna", 1000)))?;
    }
    holds[1] = step(ledger, &mut seen[1], holds[1].clone().ended(State::Cancelled, None, now()), None)?;
    for number in [0, 2] {
        let seen = &mut seen[number];
        let hold = step(ledger, seen, consent(holds[number].clone(), "ben"), Some(&by("ben", 1001)))?;
        let hold = step(ledger, seen, Hold { state: State::Performing, ..hold }, None)?;
        seen.ran += 1;
        let mut done = hold.ended(State::Done, None, now());
        done.outcome = Some(match number {
            0 => Outcome::Done(Data::null()),
            _ => Outcome::Failed("Failed to change firewall".into(), Code::Failed),
        });
        step(ledger, seen, done, None)?;
    }
    Ok(())
}

/// What must hold of each after any crash and a start.
fn check(ledger: &Ledger, seen: &[Witness; 3], at: &str) {
    for (number, seen) in seen.iter().enumerate() {
        let found = ledger.store.hold(&asked(number).id).unwrap();
        let Some(found) = found else {
            assert_eq!(seen.acknowledged, None, "{at}: hold {number} was acknowledged and is lost");
            continue;
        };
        let by_handle = ledger.store.by_handle(&found.handle).unwrap();
        assert!(by_handle.is_some(), "{at}: hold {number} has lost its handle");
        let consents = u32::try_from(found.steps[0].consents.len()).unwrap();
        assert!(consents >= seen.consents, "{at}: hold {number} has lost a consent");
        assert!(consents <= seen.consents_tried, "{at}: hold {number} has a consent that nobody gave");
        assert_ne!(found.state, State::Void, "{at}: hold {number} is void for nothing: {:?}", found.reason);
        assert_ne!(found.state, State::Performing, "{at}: hold {number} still runs after a restart");
        if found.state == State::Approved {
            assert_eq!(consents, 2, "{at}: hold {number} is approved without consent");
            assert_eq!(seen.ran, 0, "{at}: hold {number} ran and would run again");
        }
        if seen.ran > 0 {
            let told = matches!(found.state, State::Interrupted | State::Done);
            assert!(told, "{at}: hold {number} ran and is {}", found.state);
        }
        let settled = [State::Done, State::Cancelled, State::Interrupted];
        if seen.acknowledged.is_some_and(|state| settled.contains(&state)) {
            assert_eq!(Some(found.state), seen.acknowledged, "{at}: hold {number} went back");
        }
    }
}

#[test]
fn at_every_sync_nothing_acknowledged_is_lost_and_nothing_would_run_twice_or_unapproved() {
    // The store's file itself is made under another name, and is whole when it gets its own.
    let made = Disk::new(None, vec![], vec![]);
    drop(made.start().unwrap());
    let made = made.store.after(Unsynced::Kept);
    let disk = Disk::new(None, vec![], made.clone());
    let (ledger, _) = disk.start().unwrap();
    story(&ledger, &mut Default::default()).unwrap();
    let syncs = disk.power.lock().unwrap().syncs;
    drop(ledger);
    assert!(syncs > 30, "a story of twelve transitions syncs log and store: {syncs}");
    let torn = (0..6).map(|seed| Unsynced::Torn(0x9e37_79b9 * (seed + 1)));
    for unsynced in [Unsynced::Kept, Unsynced::Dropped].into_iter().chain(torn) {
        for last in 0..syncs {
            let at = format!("power out at sync {last}, {unsynced:?}");
            let disk = Disk::new(Some(last), vec![], made.clone());
            let mut seen: [Witness; 3] = Default::default();
            if let Ok((ledger, _)) = disk.start() {
                story(&ledger, &mut seen).expect_err("the power went out in the middle");
            }
            // The start that settles it loses its power too, at each of its first syncs, and then one gets through.
            for again in 0..4 {
                let second = disk.restarted(unsynced, Some(again));
                drop(second.start());
                let third = second.restarted(unsynced, None);
                let (ledger, _) = third.start().unwrap_or_else(|why| panic!("{at}, again at {again}: {why}"));
                check(&ledger, &seen, &format!("{at}, again at {again}"));
            }
        }
    }
}

#[test]
fn a_cut_log_voids_what_is_held() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let held = step(&ledger, &mut Witness::default(), asked(0), None).unwrap();
    drop(ledger);
    let cut = Disk::new(None, vec![], disk.store.after(Unsynced::Kept));
    let (ledger, found) = cut.start().unwrap();
    assert_eq!(found.voided, Some(VoidCause::LogCut));
    let now = ledger.store.hold(&held.id).unwrap().unwrap();
    assert_eq!(now.state, State::Void);
}

#[test]
fn yesterdays_copy_of_the_store_voids_what_is_held() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let mut seen = Witness::default();
    let held = step(&ledger, &mut seen, asked(0), None).unwrap();
    let copy = disk.store.after(Unsynced::Dropped);
    let once = step(&ledger, &mut seen, consent(held, "anna"), Some(&by("anna", 1000))).unwrap();
    step(&ledger, &mut seen, once.ended(State::Cancelled, None, now()), None).unwrap();
    drop(ledger);
    let restored = Disk::new(None, disk.audit.after(Unsynced::Kept), copy);
    let (ledger, found) = restored.start().unwrap();
    assert_eq!(found.voided, Some(VoidCause::StoreOlder));
    assert_eq!(ledger.store.hold(&asked(0).id).unwrap().unwrap().state, State::Void);
}

#[test]
fn a_change_made_for_an_older_version_is_refused_and_leaves_no_record() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let held = step(&ledger, &mut Witness::default(), asked(0), None).unwrap();
    let mut cancelled = held.clone().ended(State::Cancelled, None, now());
    ledger.transition(&mut cancelled, None, &[]).unwrap();
    let before = disk.audit.len().unwrap();
    let mut denied = held.ended(State::Denied, None, now());
    assert!(matches!(ledger.transition(&mut denied, None, &[]), Err(StoreError::Conflict)));
    assert_eq!(disk.audit.len().unwrap(), before);
}

#[test]
fn a_plugin_keeps_its_number_and_nothing_is_written_to_say_so() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let numbers = || ["one", "two", "three"].map(|plugin| ledger.store.sandbox(plugin, 2).unwrap());
    assert_eq!(numbers(), [Some(0), Some(1), None]);
    let before = disk.power.lock().unwrap().syncs;
    assert_eq!(["one", "two"].map(|plugin| ledger.store.sandbox(plugin, 2).unwrap()), [Some(0), Some(1)]);
    assert_eq!(disk.power.lock().unwrap().syncs, before);
    assert_eq!(ledger.store.sandbox("two", 1).unwrap(), None);
}

#[test]
fn all_holds_together_are_told_without_their_results() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let held = step(&ledger, &mut Witness::default(), asked(0), None).unwrap();
    let mut done = held.ended(State::Done, None, now());
    done.outcome = Some(Outcome::Done(Data::null()));
    ledger.transition(&mut done, None, &[]).unwrap();
    assert!(ledger.store.hold(&done.id).unwrap().unwrap().outcome.is_some());
    let all = ledger.store.holds().unwrap();
    assert_eq!((all.len(), all[0].state, all[0].outcome.is_none()), (1, State::Done, true));
}

/// What a start in this boot makes of an operation with these steps that was running when the power went out.
fn found_running(steps: &[bool], boot: &'static str) -> (Hold, Recovered) {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, _) = disk.start().unwrap();
    let mut hold = asked(0);
    let step = hold.plan.remove(0);
    hold.plan = steps.iter().map(|ends_host| PlannedStep { ends_host: *ends_host, ..step.clone() }).collect();
    ledger.transition(&mut hold, None, &[]).unwrap();
    hold.state = State::Performing;
    ledger.transition(&mut hold, None, &[]).unwrap();
    drop(ledger);
    let after = Disk { boot, ..disk.restarted(Unsynced::Dropped, None) };
    let (ledger, found) = after.start().unwrap();
    (ledger.store.hold(&hold.id).unwrap().unwrap(), found)
}

#[test]
fn what_was_to_end_the_host_is_done_when_the_host_has_ended() {
    let (hold, found) = found_running(&[true], "the next boot");
    assert_eq!((hold.state, &hold.reason), (State::Done, &None));
    assert!(matches!(&hold.outcome, Some(Outcome::Done(data)) if data.as_str() == "null"), "{:?}", hold.outcome);
    assert_eq!((found.ended_host, found.interrupted), (vec![hold.id], vec![]));
}

#[test]
fn what_was_to_end_the_host_is_interrupted_when_only_the_daemon_has_ended() {
    let (hold, found) = found_running(&[true], "boot");
    assert_eq!((hold.state, hold.outcome.is_none()), (State::Interrupted, true));
    assert_eq!((found.ended_host, found.interrupted), (vec![], vec![hold.id]));
}

#[test]
fn what_had_other_things_to_do_is_interrupted_though_the_host_has_ended() {
    for steps in [&[false][..], &[false, true], &[true, false]] {
        let (hold, found) = found_running(steps, "the next boot");
        assert_eq!((hold.state, found.ended_host), (State::Interrupted, vec![]), "{steps:?}");
    }
}

#[test]
fn nothing_is_known_of_a_boot_without_a_name() {
    let (hold, _) = found_running(&[true], "");
    assert_eq!(hold.state, State::Interrupted);
}

// What ends the host without anybody's consent.

/// An operation that was asked under this reference has begun; `only` says whether to end the host is all that it does.
fn begin_ending(ledger: &Ledger, audit: &AuditLog, reference: &str, only: bool) -> Result<(), StoreError> {
    let event = Event { reference: Some(reference), ..Event::of(EventKind::Performing) };
    let began = audit.lock().append(&event)?;
    let (socket, operation) = ("web".to_owned(), "reboot".to_owned());
    ledger.begin_ending(Ending {
        began,
        reference: reference.to_owned(),
        socket,
        uid: 0,
        gid: 0,
        operation,
        only,
        boot: String::new(),
    })
}

/// The records of a reference, in the order of the log.
fn told(disk: &Disk, reference: &str) -> Vec<String> {
    let log = String::from_utf8(disk.audit.after(Unsynced::Kept)).unwrap();
    let records = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let of_it = records.filter(|record| record["ref"] == reference);
    of_it.map(|record| record["event"].as_str().unwrap().to_owned()).collect()
}

/// What two starts in this boot make of an operation that was on its way when the power went out.
fn found_ending(only: bool, boot: &'static str) -> Vec<String> {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, audit, _) = disk.start_with_log().unwrap();
    begin_ending(&ledger, &audit, "aaaaaaaa", only).unwrap();
    drop(ledger);
    let after = Disk { boot, ..disk.restarted(Unsynced::Dropped, None) };
    let (ledger, found) = after.start().unwrap();
    assert_eq!(found.closed.len(), 1, "{found:?}");
    drop(ledger);
    let again = Disk { boot, ..after.restarted(Unsynced::Dropped, None) };
    assert_eq!(again.start().unwrap().1.closed, []);
    told(&again, "aaaaaaaa")
}

#[test]
fn a_record_of_what_was_to_end_the_host_is_closed_as_done_by_a_later_boot_once() {
    assert_eq!(found_ending(true, "the next boot"), ["performing", "done"]);
}

#[test]
fn it_is_closed_as_interrupted_where_nobody_knows_how_far_it_came() {
    // The host has not ended; there were other steps; the boot has no name.
    for (only, boot) in [(true, "boot"), (false, "the next boot"), (true, "")] {
        assert_eq!(found_ending(only, boot), ["performing", "interrupted"], "{only} {boot:?}");
    }
}

#[test]
fn one_whose_end_is_on_record_is_not_closed_again() {
    for (event, forgotten) in [(EventKind::Done, false), (EventKind::Failed, false), (EventKind::Done, true)] {
        let disk = Disk::new(None, vec![], vec![]);
        let (ledger, audit, _) = disk.start_with_log().unwrap();
        begin_ending(&ledger, &audit, "aaaaaaaa", true).unwrap();
        begin_ending(&ledger, &audit, "bbbbbbbb", true).unwrap();
        audit.record(&Event { reference: Some("aaaaaaaa"), ..Event::of(event) }).unwrap();
        if forgotten {
            ledger.finish_ending("aaaaaaaa").unwrap();
        }
        ledger.sync().unwrap();
        drop(ledger);
        let after = Disk { boot: "the next boot", ..disk.restarted(Unsynced::Dropped, None) };
        let (_ledger, found) = after.start().unwrap();
        let closed: Vec<_> = found.closed.iter().map(|closed| closed.reference.as_str()).collect();
        assert_eq!(closed, ["bbbbbbbb"], "the other's end is missing");
        let event = serde_json::to_value(event).unwrap();
        assert_eq!(told(&after, "aaaaaaaa"), ["performing", event.as_str().unwrap()]);
    }
}

#[test]
fn a_log_that_lost_its_beginning_is_told_no_end() {
    let disk = Disk::new(None, vec![], vec![]);
    let (ledger, audit, _) = disk.start_with_log().unwrap();
    begin_ending(&ledger, &audit, "aaaaaaaa", true).unwrap();
    drop(ledger);
    let cut = Disk { boot: "the next boot", ..Disk::new(None, vec![], disk.store.after(Unsynced::Kept)) };
    assert_eq!(cut.start().unwrap().1.closed, []);
    assert_eq!(told(&cut, "aaaaaaaa"), Vec::<String>::new());
}

#[test]
fn at_every_sync_what_may_have_run_is_closed_and_never_twice() {
    let made = Disk::new(None, vec![], vec![]);
    drop(made.start().unwrap());
    let made = made.store.after(Unsynced::Kept);
    let story = |disk: &Disk| {
        let (ledger, audit, _) = disk.start_with_log()?;
        begin_ending(&ledger, &audit, "aaaaaaaa", true)?;
        Ok::<_, StoreError>(ledger)
    };
    let disk = Disk::new(None, vec![], made.clone());
    drop(story(&disk).unwrap());
    let syncs = disk.power.lock().unwrap().syncs;
    for last in 0..=syncs {
        let disk = Disk::new(Some(last), vec![], made.clone());
        let runs = story(&disk).is_ok();
        for again in 0..8 {
            let at = format!("power out at sync {last}, again at {again}");
            let second = Disk { boot: "the next boot", ..disk.restarted(Unsynced::Dropped, Some(again)) };
            drop(second.start());
            let third = Disk { boot: "the next boot", ..second.restarted(Unsynced::Kept, None) };
            third.start().unwrap_or_else(|why| panic!("{at}: {why}"));
            let told = told(&third, "aaaaaaaa");
            assert!(told.iter().filter(|event| *event == "done").count() <= 1, "{at}: {told:?}");
            assert!(!runs || told == ["performing", "done"], "{at}: {told:?}");
        }
    }
}
