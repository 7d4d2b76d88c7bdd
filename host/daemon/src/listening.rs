//! The sockets that are open now. What stays where it was stays open, with its connections; what is new is opened before anything
//! of the old is closed, so that a configuration that cannot be had changes nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use tokio::task::AbortHandle;

use crate::activation::Activated;
use crate::daemon::Daemon;
use crate::listen::{CannotListen, Listener, Place};
use crate::policy::Policy;
use crate::serve::{self, Crowd};

/// What listens, by its path and what it is for.
#[derive(Debug)]
pub struct Listening {
    open: RefCell<BTreeMap<(PathBuf, Kind), Open>>,
    /// What those who are connected share.
    pub crowd: Rc<Crowd>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Requests,
    Admin,
}

#[derive(Debug)]
struct Open {
    place: Place,
    own: bool,
    task: AbortHandle,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listening {
    /// Nothing is open yet; who will be connected shares this.
    #[must_use]
    pub fn of(crowd: Rc<Crowd>) -> Self {
        Self { open: RefCell::default(), crowd }
    }

    /// Opens what this policy has and was not open, or has lost its name, and closes what it has no more. Connections that there
    /// are go on, by the rules of the socket that is configured at their path from then on. Returns what had lost its name.
    ///
    /// # Errors
    /// [`CannotListen`]: nothing is changed then.
    pub async fn apply(
        &self,
        daemon: &Rc<Daemon>,
        policy: &Policy,
        handed: &mut Activated,
    ) -> Result<Vec<PathBuf>, CannotListen> {
        let wanted = places(policy);
        let (mut opened, mut again) = (Vec::new(), Vec::new());
        for (key, place) in &wanted {
            let own = self.open.borrow().get(key).map(|open| open.own);
            let listener = match own {
                // Another's, who handed it over.
                Some(false) => continue,
                Some(true) => match Listener::open(&daemon.spawner, place).await? {
                    Some(listener) => {
                        again.push(place.path.clone());
                        listener
                    }
                    None => continue,
                },
                None => match handed.at(&place.path) {
                    Some(socket) => Listener::adopt(socket, place)?,
                    None => Listener::open(&daemon.spawner, place).await?.ok_or_else(|| CannotListen::again(place))?,
                },
            };
            opened.push((key.clone(), place.clone(), listener));
        }
        self.open.borrow_mut().retain(|key, _| wanted.contains_key(key));
        for (key, place) in wanted {
            self.permit_anew(daemon, &key, place).await;
        }
        opened.into_iter().for_each(|(key, place, listener)| self.begin(daemon, key, place, listener));
        Ok(again)
    }

    /// Gives each socket whose name is gone its name again, whatever comes of the others: the paths of those that have it again,
    /// and why others have not.
    pub async fn name_again(&self, daemon: &Rc<Daemon>) -> (Vec<PathBuf>, Vec<CannotListen>) {
        let (mut again, mut without) = (Vec::new(), Vec::new());
        let own = |(key, open): (&(PathBuf, Kind), &Open)| open.own.then(|| (key.clone(), open.place.clone()));
        let looked: Vec<_> = self.open.borrow().iter().filter_map(own).collect();
        for (key, place) in looked {
            match Listener::open(&daemon.spawner, &place).await {
                Ok(Some(listener)) => {
                    again.push(place.path.clone());
                    self.begin(daemon, key, place, listener);
                }
                Ok(None) => {}
                Err(why) => without.push(why),
            }
        }
        (again, without)
    }

    fn begin(&self, daemon: &Rc<Daemon>, key: (PathBuf, Kind), place: Place, listener: Listener) {
        let own = listener.is_own();
        let task = match key.1 {
            Kind::Requests => serve::requests(daemon, &place.path, listener, &self.crowd),
            Kind::Admin => serve::admins(daemon, listener, &self.crowd),
        };
        self.open.borrow_mut().insert(key, Open { place, own, task });
    }

    async fn permit_anew(&self, daemon: &Daemon, key: &(PathBuf, Kind), place: Place) {
        let own = match self.open.borrow().get(key) {
            Some(open) if open.place != place => open.own,
            _ => return,
        };
        if own && let Err(why) = daemon.spawner.permit(place.path.clone()).await {
            crate::error!("{}: its mode and group stay as they were: {why}", place.path.display());
        }
        if let Some(open) = self.open.borrow_mut().get_mut(key) {
            open.place = place;
        }
    }

    /// How many sockets are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.open.borrow().len()
    }
}

fn places(policy: &Policy) -> BTreeMap<(PathBuf, Kind), Place> {
    let of = |place: &Place, kind| ((place.path.clone(), kind), place.clone());
    let requests = policy.sockets.iter().map(|socket| of(&socket.place, Kind::Requests));
    requests.chain(policy.admin.iter().map(|admin| of(admin, Kind::Admin))).collect()
}
