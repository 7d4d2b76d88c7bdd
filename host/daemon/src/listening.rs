//! The sockets that are open now. What stays where it was stays open, with its connections; what is new is opened
//! before anything of the old is closed, so that a configuration that cannot be had changes nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use tokio_util::task::AbortOnDropHandle;

use crate::activation::Activated;
use crate::listen::{CannotListen, Listener};
use crate::policy::{Place, Policy};
use crate::process::Spawner;

#[derive(Debug)]
pub struct Listening {
    spawner: Rc<Spawner>,
    open: RefCell<BTreeMap<SocketKey, OpenSocket>>,
}

/// A socket's path, and what it is for.
type SocketKey = (PathBuf, Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Requests,
    Admin,
}

/// A socket that has been opened, and is served by nobody yet.
#[derive(Debug)]
pub struct Opened {
    pub key: SocketKey,
    pub place: Place,
    pub listener: Listener,
    /// Whether it had been open and had lost its name.
    pub again: bool,
}

#[derive(Debug)]
struct OpenSocket {
    place: Place,
    own: bool,
    _task: AbortOnDropHandle<()>,
}

impl Listening {
    pub fn new(spawner: Rc<Spawner>) -> Self {
        Self { spawner, open: RefCell::default() }
    }

    /// Opens what this policy has and was not open, or has lost its name, and closes what it has no more. Connections
    /// that there are go on, by the rules of the socket that is configured at their path from then on. What is returned
    /// has to be [`begun`](Self::begun).
    ///
    /// # Errors
    /// [`CannotListen`]: nothing is changed then.
    pub async fn apply(&self, policy: &Policy, handed: &mut Activated) -> Result<Vec<Opened>, CannotListen> {
        let wanted = places(policy);
        let mut opened = Vec::new();
        for (key, place) in &wanted {
            let own = self.open.borrow().get(key).map(|open| open.own);
            let again = own.is_some();
            let listener = match own {
                // Another's, who handed it over.
                Some(false) => continue,
                Some(true) => match Listener::open(&self.spawner, place).await? {
                    Some(listener) => listener,
                    None => continue,
                },
                None => match handed.at(&place.path) {
                    Some(socket) => Listener::adopt(socket, place)?,
                    None => Listener::open(&self.spawner, place).await?.ok_or_else(|| CannotListen::again(place))?,
                },
            };
            opened.push(Opened { key: key.clone(), place: place.clone(), listener, again });
        }
        self.open.borrow_mut().retain(|key, _| wanted.contains_key(key));
        for (key, place) in wanted {
            self.permit_anew(&key, place).await;
        }
        Ok(opened)
    }

    /// Opens each socket whose name is gone again, whatever comes of the others: those, and why others cannot be.
    pub async fn name_again(&self) -> (Vec<Opened>, Vec<CannotListen>) {
        let (mut opened, mut without) = (Vec::new(), Vec::new());
        let own = |(key, open): (&SocketKey, &OpenSocket)| open.own.then(|| (key.clone(), open.place.clone()));
        let looked: Vec<_> = self.open.borrow().iter().filter_map(own).collect();
        for (key, place) in looked {
            match Listener::open(&self.spawner, &place).await {
                Ok(Some(listener)) => opened.push(Opened { key, place, listener, again: true }),
                Ok(None) => {}
                Err(why) => without.push(why),
            }
        }
        (opened, without)
    }

    /// What was opened is served by this task, which ends when the socket is closed.
    pub fn begun(&self, key: SocketKey, place: Place, own: bool, task: AbortOnDropHandle<()>) {
        self.open.borrow_mut().insert(key, OpenSocket { place, own, _task: task });
    }

    async fn permit_anew(&self, key: &SocketKey, place: Place) {
        let own = match self.open.borrow().get(key) {
            Some(open) if open.place != place => open.own,
            _ => return,
        };
        if own && let Err(why) = self.spawner.permit(place.path.clone()).await {
            crate::error!("{}: its mode and group stay as they were: {why}", place.path.display());
        }
        if let Some(open) = self.open.borrow_mut().get_mut(key) {
            open.place = place;
        }
    }

    pub fn count(&self) -> usize {
        self.open.borrow().len()
    }
}

fn places(policy: &Policy) -> BTreeMap<SocketKey, Place> {
    let of = |place: &Place, kind| ((place.path.clone(), kind), place.clone());
    let requests = policy.sockets.iter().map(|socket| of(&socket.place, Kind::Requests));
    requests.chain(policy.admin.iter().map(|admin| of(admin, Kind::Admin))).collect()
}
