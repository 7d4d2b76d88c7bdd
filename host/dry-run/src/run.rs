//! `regent-dry-run run`: one request, from its module to its reply, by the daemon's own stages. What is left out is who
//! asks.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use regent_grants::{DEADLINE_DEFAULT, Operation, Step, combine};
use regent_protocol::{Data, Refusal, WantedCommand};
use regentd::fair::Peer;
use regentd::perform;
use regentd::plan::Plan;
use regentd::plugin::Fault;
use regentd::plugin::alone::{self, Alone};
use regentd::plugin::exchange::{Answer, NoAnswer, Preparation};
use regentd::plugin::module::{self, Sealed};
use regentd::plugin::programs::Launch;
use regentd::record::denial::Because;
use regentd::record::outcome::{Failure, Performed};
use regentd::why::lines;
use tokio::time::Instant;

use crate::arguments::Trial;
use crate::files::{FileError, Text};
use crate::means::Means;
use crate::permits::Permits;
use crate::report::{self, Consent, Described, Lines, Problem, Report, milliseconds};
use crate::watched::Watched;
use crate::{place, status};

/// Nobody else asks.
const PEER: Peer = (0, 0);
/// What a plugin has to word a result in, whatever the steps took.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// Files as they are, of which nothing is looked at yet.
pub(crate) struct Files {
    module: Sealed,
    path: PathBuf,
    grants: Option<Text>,
    grants_would_be: PathBuf,
    config: Option<Text>,
}

/// A report that has begun, and its files; or why they were not read.
pub(crate) type ReadFiles = (Report, Result<Files, Problem>);

/// Reads what a trial is about.
pub(crate) fn read(trial: &Trial) -> ReadFiles {
    let mut report = Report { file: trial.what.display().to_string(), ..Report::default() };
    report.operation.clone_from(&trial.operation);
    let files = files(trial, &mut report);
    (report, files)
}

fn files(trial: &Trial, report: &mut Report) -> Result<Files, Problem> {
    let place = place::find(&trial.what).map_err(|why| Problem::of_module(why.to_string().into()))?;
    report.file = place.module.display().to_string();
    let module = module::read_untrusted(&place.module).map_err(|why| Problem::of_module(why.into()))?;
    (report.sha256, report.size) = (hex::encode(module.digest()), module.size());
    report.grants = trial.grants.as_ref().or(place.grants.as_ref()).map(|file| file.display().to_string());
    let believed = trial.perform && rustix::process::geteuid().is_root();
    let grants = match (&trial.grants, &place.grants) {
        (Some(named), _) => Some(Text::read(named, believed)),
        (None, found) => found.as_deref().map(|found| Text::beside(found, believed)),
    };
    let grants = grants.transpose().map_err(bad_grants)?;
    let config = trial.config.as_deref().map(|file| Text::read(file, believed)).transpose().map_err(bad_grants)?;
    Ok(Files { module, path: place.module, grants, grants_would_be: place.grants_would_be, config })
}

/// Tries, as far as it goes.
pub(crate) async fn run(trial: &Trial, (mut report, files): ReadFiles, means: &Means) -> Report {
    if let Err(problem) = try_it(trial, files, means, &mut report).await {
        report.error = Some(problem);
    }
    report.keep_log(regentd::log::taken(), true);
    report
}

async fn try_it(
    trial: &Trial,
    files: Result<Files, Problem>,
    means: &Means,
    report: &mut Report,
) -> Result<(), Problem> {
    let data = Data::parse(&trial.data).map_err(|why| refused(why.into()))?;
    let files = files?;
    let permits = permits(trial, &files)?;
    report.warnings.clone_from(&permits.warnings);
    let grants = &permits.grants;
    let engine = trial.engine.or(grants.engine).unwrap_or_default();
    report.engine = engine.as_str();
    let launch = Launch { name: &grants.name, uid: means.uid, engine, settings: &grants.settings };
    let alone = alone::load(&means.programs, launch, &files.module).await;
    report.keep_log(regentd::log::taken(), false);
    let alone = alone.map_err(Problem::of_module)?;
    (report.cost.compile_ms, report.cost.load_ms) = (milliseconds(alone.compile), milliseconds(alone.load));
    let described: Described = serde_json::from_str(&alone.described).unwrap_or_default();
    let has_grants = files.grants.is_some();
    let written = files.grants.map_or(files.grants_would_be, |grants| grants.path);
    if !has_grants {
        let lines = wanted(&trial.operation, &described.wants);
        report.write = Some(Lines { file: written.display().to_string(), lines, instead_of: None });
    }
    let operation = operation(trial, &permits, &alone, &written)?;
    report.operation.clone_from(&operation.called);
    let stage = Stage { trial, means, permits, alone, operation, written };
    let tried = stage.request(&data, report).await;
    report.cost.memory_kib = peak_memory(stage.alone.plugin.sandbox().pid());
    tried
}

/// A whole file for one operation and all that the plugin wants.
fn wanted(called: &str, wants: &[WantedCommand]) -> String {
    let commands = wants.iter().map(|want| {
        let slots: Vec<_> = want.slots.iter().map(|slot| (slot.clone(), None)).collect();
        format!("\n{}", lines::command(&want.command, &slots, Some(&want.reason)))
    });
    lines::operation(called) + &commands.collect::<String>()
}

fn permits(trial: &Trial, files: &Files) -> Result<Permits, Problem> {
    let permits = match &files.grants {
        Some(grants) => Permits::of(grants, files.config.as_ref()),
        None => {
            let name = files.path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            Permits::none(name, &trial.operation)
        }
    };
    permits.map_err(bad_grants)
}

fn bad_grants(why: FileError) -> Problem {
    Problem::found("grants", status::NOT_GRANTED, why.to_string().lines().map(str::to_owned).collect())
}

/// The operation as it is granted, by the name that callers use or by the plugin's own.
fn operation(trial: &Trial, permits: &Permits, alone: &Alone, file: &Path) -> Result<Operation, Problem> {
    let name = &trial.operation;
    let description = alone.plugin.description();
    let granted = permits.grants.operations.iter();
    let found = granted.clone().find(|operation| operation.called == *name);
    let found = found.or_else(|| granted.clone().find(|operation| operation.name == *name));
    let own = found.map_or(name, |operation| &operation.name);
    if description.operation(own).is_none() {
        let has: Vec<&str> = description.names().collect();
        let why = format!("the plugin has no operation {own}; it has {}", has.join(", "));
        return Err(Problem {
            text: Some(Refusal::unknown_operation().text),
            ..Problem::found("unknown-operation", status::BAD_DATA, vec![why])
        });
    }
    found.cloned().ok_or_else(|| {
        let why = format!("{} serves no operation {name}", file.display());
        let add = Lines { file: file.display().to_string(), lines: lines::operation(name), instead_of: None };
        Problem { add: Some(Box::new(add)), ..Problem::found("not-granted", status::NOT_GRANTED, vec![why]) }
    })
}

/// All that a request meets.
struct Stage<'t> {
    trial: &'t Trial,
    means: &'t Means,
    permits: Permits,
    alone: Alone,
    operation: Operation,
    /// The grants file, or what it would be.
    written: PathBuf,
}

impl Stage<'_> {
    async fn request(&self, data: &Data, report: &mut Report) -> Result<(), Problem> {
        let deadline = Instant::now() + self.operation.deadline.unwrap_or(DEADLINE_DEFAULT);
        let (answer, plan) = self.prepare(data, deadline, report).await?;
        report.summary = Some(answer.summary.clone());
        report.plan = Some(report::planned(&plan));
        for Step { of, count } in self.required(&answer)? {
            report.require.push(Consent { step: "approval", of, count });
        }
        if plan.is_empty() || self.trial.perform {
            self.perform(answer, &plan, data, deadline, report).await?;
        }
        Ok(())
    }

    async fn prepare(&self, data: &Data, deadline: Instant, report: &mut Report) -> Result<(Answer, Plan), Problem> {
        let (spawner, grants) = (Rc::clone(&self.means.spawner), Rc::new(self.permits.grants.clone()));
        let mut planning = Watched::new(spawner, grants, &self.written);
        let may_complete = self.operation.require.is_empty();
        let preparation = Preparation { operation: &self.operation.name, data, may_complete };
        let begin = Instant::now();
        let answer = self.alone.plugin.prepare(PEER, &preparation, &mut planning, deadline).await;
        report.cost.prepare_ms = milliseconds(begin.elapsed());
        match answer {
            Ok(answer) => Ok((answer, planning.into_plan())),
            Err(no) => {
                let mut problem = not_prepared(no, planning);
                problem.why.extend(self.looked_as().filter(|_| problem.code == "host"));
                Err(problem)
            }
        }
    }

    /// Where root tries and performs nothing, less can be opened than where root performs.
    fn looked_as(&self) -> Option<String> {
        let own = rustix::process::geteuid();
        let other = self.means.spawner.is_root() && !own.is_root();
        other.then(|| {
            format!("without --perform it is looked at as uid {}, which may open less than root", own.as_raw())
        })
    }

    /// The administrator's steps, and those that the plugin adds.
    fn required(&self, answer: &Answer) -> Result<Vec<Step>, Problem> {
        let floor = &self.operation.require;
        let Some(asked) = &answer.steps else { return Ok(floor.clone()) };
        let own = self.permits.steps(asked).map_err(|why| Problem {
            text: Some(Refusal::not_authorised().text),
            ..Problem::found("plugin-fault", status::FAULT, vec![format!("authorise: {why}")])
        })?;
        Ok(combine(floor, &own))
    }

    async fn perform(
        &self,
        answer: Answer,
        plan: &Plan,
        data: &Data,
        deadline: Instant,
        report: &mut Report,
    ) -> Result<(), Problem> {
        own_user(plan)?;
        let begin = Instant::now();
        let (results, failure) = perform::steps(&self.means.spawner, plan, data, deadline).await;
        if !plan.is_empty() {
            report.cost.commands_ms = milliseconds(begin.elapsed());
            report.results = Some(results.iter().map(report::ran).collect());
        }
        let reply = match answer.reply {
            Some(reply) => Ok(Some(reply)),
            None => {
                let begin = Instant::now();
                let deadline = deadline.max(begin + FINISH_WITHIN);
                let plugin = &self.alone.plugin;
                let reply = plugin.finish(PEER, &self.operation.name, answer.state, results, deadline).await;
                report.cost.finish_ms = milliseconds(begin.elapsed());
                reply
            }
        };
        if let Err(no) = reply {
            let mut problem = of_no_answer(no);
            problem.why.extend(failure.map(|step| step.failure.to_string()));
            return Err(problem);
        }
        match perform::shaped(reply, failure) {
            Performed::Done(data) => report.reply = Some(data),
            Performed::Failed(Failure { refusal, why, .. }) => {
                let why = if why.is_unsaid() { Vec::new() } else { vec![why.to_string()] };
                let problem = Problem::found(refusal.code.as_str(), status::FAILED, why);
                return Err(Problem { text: Some(refusal.text), ..problem });
            }
        }
        Ok(())
    }
}

/// What was refused meanwhile says more than what came of it.
fn not_prepared(no: NoAnswer, planning: Watched) -> Problem {
    let mut problem = of_no_answer(no);
    problem.why.extend(planning.not_accepted.iter().cloned());
    match planning.to_add().filter(|_| problem.code == "plugin-fault") {
        Some(add) => {
            (problem.code, problem.status) = ("not-granted", status::NOT_GRANTED);
            problem.add = Some(Box::new(add));
        }
        None => problem.add = planning.into_wider().map(Box::new),
    }
    problem
}

/// Only root can be somebody else.
fn own_user(plan: &Plan) -> Result<(), Problem> {
    let own = rustix::process::geteuid();
    let other = plan.steps().iter().find(|step| !own.is_root() && step.planned.uid != own.as_raw());
    let Some(step) = other else { return Ok(()) };
    let (command, user) = (&step.planned.command, &step.planned.run_as);
    let why = format!("command {command} runs as {user}, which only root can start: try it as root, or without run_as");
    Err(Problem::found("run-as", status::NOT_PERMITTED, vec![why]))
}

fn refused(refusal: Refusal) -> Problem {
    Problem { text: Some(refusal.text), ..Problem::found(refusal.code.as_str(), status::BAD_DATA, Vec::new()) }
}

fn of_no_answer(no: NoAnswer) -> Problem {
    let fault = match &no {
        NoAnswer::Fault(fault) => Some((code(&no), fault.to_string())),
        NoAnswer::Busy | NoAnswer::Refused(_) | NoAnswer::Denied(_) => None,
    };
    let (refusal, why) = Because::from(no).into_parts();
    let ((code, status), why) = fault.unwrap_or(((refusal.code.as_str(), status::BAD_DATA), why.to_string()));
    let why = if why.is_empty() { Vec::new() } else { vec![why] };
    Problem { text: Some(refusal.text), ..Problem::found(code, status, why) }
}

/// The word for what a plugin did, and how to end.
fn code(no: &NoAnswer) -> (&'static str, u8) {
    match no {
        NoAnswer::Fault(fault @ Fault::Host(_)) => (fault.code(), status::NOT_GRANTED),
        NoAnswer::Fault(fault) => (fault.code(), status::FAULT),
        NoAnswer::Busy => ("busy", status::CANNOT_START),
        NoAnswer::Refused(_) | NoAnswer::Denied(_) => ("refused", status::BAD_DATA),
    }
}

/// The most memory that a process had so far, in KiB; `None` if it is gone.
fn peak_memory(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    peak.trim().strip_suffix("kB")?.trim().parse().ok()
}
