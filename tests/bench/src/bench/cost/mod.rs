//! The CPU time and the voluntary context switches of a request: of the build, of a baseline build if one is named, and
//! of the original service, in turns in one run.
//!
//! Wall time varies by half on a shared machine, and CPU time much less. `usage` says what is counted. Each turn reads
//! it before and after all requests of one kind, at rest both times. The client is not counted.

// The figures of each side.
mod table;
// The kernel's counters.
mod usage;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use regent_build::{Error, Result};
use regent_client::Client;

use super::figures::Report;
use super::ground::Ground;
use super::original::Original;
use super::regentd::{Regentd, SECRET};
use super::rounds::{WARM_UP, call};
use super::{Amount, BenchInputs, needed};
use usage::{Growth, Usage};

pub(super) use table::CostTable;

/// Work that goes on after a reply ends within this: records are written, a control group is removed.
const SETTLES: Duration = Duration::from_millis(100);
/// The plugins of each daemon.
const PLUGINS: [&str; 2] = ["echo", "whoami"];

/// One kind of request.
struct Request {
    name: &'static str,
    operation: &'static str,
    kept: bool,
    /// It starts a child that ends with it.
    runs: bool,
}

const REQUESTS: [Request; 3] = [
    Request { name: "no-op, one connection per call", operation: "echo", kept: false, runs: false },
    Request { name: "no-op, connection kept; the original keeps none", operation: "echo", kept: true, runs: false },
    Request { name: "whoami, one connection per call", operation: "whoami", kept: false, runs: true },
];

/// A service, and its row of the table.
struct Service {
    pid: u32,
    socket: PathBuf,
    keeps: bool,
    side: table::Side,
}

/// All of it, into a table of its own.
pub(super) fn measure(
    ground: &Rc<Ground>,
    inputs: &BenchInputs,
    baseline: Option<&Path>,
    amount: Amount,
    report: &mut Report,
) -> Result<()> {
    let original = Original::start(ground, needed(inputs.python.as_ref(), "a Python with the original")?)?;
    let ours = daemon(ground, "cost", &inputs.dist)?;
    let baseline = baseline.map(|dist| daemon(ground, "baseline", dist)).transpose()?;
    let mut services = vec![Service::original(&original), Service::daemon(&ours, table::Side::Ours)?];
    if let Some(baseline) = &baseline {
        services.push(Service::daemon(baseline, table::Side::Baseline)?);
    }
    let measured = turns(&mut services, amount);
    ours.end();
    baseline.iter().for_each(Regentd::end);
    report.cost(measured?);
    Ok(())
}

/// A build's daemon with its own grants files, so that an older one reads what it knows.
fn daemon(ground: &Rc<Ground>, name: &str, dist: &Path) -> Result<Regentd> {
    let daemon = Regentd::with_shipped(ground, name, dist, &PLUGINS)?;
    let served = daemon.start().and_then(|_| daemon.says(" serves ", PLUGINS.len(), 0));
    served.map_err(|error| Error::new(format!("{error}; the daemon of {} says:\n{}", dist.display(), daemon.log())))?;
    Ok(daemon)
}

fn turns(services: &mut [Service], amount: Amount) -> Result<CostTable> {
    let mut table = CostTable::default();
    for _ in 0..amount.turns {
        for request in &REQUESTS {
            for service in &*services {
                let used = service.measure(request, amount.cost_requests)?;
                table.add(request.name, service.side, used, amount.cost_requests);
                if request.runs {
                    table.add_children(request.name, service.side, used, amount.cost_requests);
                }
            }
        }
        // The next turn begins with another.
        services.rotate_left(1);
    }
    Ok(table)
}

impl Service {
    fn original(original: &Original) -> Self {
        Self { pid: original.pid(), socket: original.socket(), keeps: false, side: table::Side::Original }
    }

    fn daemon(daemon: &Regentd, side: table::Side) -> Result<Self> {
        let pid = daemon.pid().ok_or_else(|| Error::new("the daemon does not run"))?;
        Ok(Self { pid, socket: daemon.socket(), keeps: true, side })
    }

    /// The usage of so many requests.
    fn measure(&self, request: &Request, count: usize) -> Result<Growth> {
        let mut client = Client::new(&self.socket, SECRET);
        self.ask(&mut client, request, WARM_UP)?;
        thread::sleep(SETTLES);
        let before = Usage::of(self.pid)?;
        self.ask(&mut client, request, count)?;
        thread::sleep(SETTLES);
        Ok(Usage::of(self.pid)?.since(&before))
    }

    fn ask(&self, kept: &mut Client, request: &Request, count: usize) -> Result<()> {
        for _ in 0..count {
            if request.kept && self.keeps {
                call(kept, request.operation)?;
            } else {
                call(&mut Client::new(&self.socket, SECRET), request.operation)?;
            }
        }
        Ok(())
    }
}
