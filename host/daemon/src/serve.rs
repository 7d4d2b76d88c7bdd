//! Sockets and what happens on them: a task for each socket, and one for each connection.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use regent_peer::Peer;
use regent_protocol::{Line, Refusal, Reply};
use tokio::net::UnixStream;
use tokio::task::{AbortHandle, spawn_local};

use crate::admin;
use crate::connection::{Connection, Next};
use crate::daemon::Daemon;
use crate::gate::{Requester, place_of};
use crate::held;
use crate::listen::{Admission, CONNECTIONS_EACH, CONNECTIONS_MAX, Connections, Listener};
use crate::pipeline::{self, Answered, Caller};
use crate::plugin::places::Peer as Share;
use crate::policy::Socket;
use crate::random;
use crate::refusals::{Because, refused};
use crate::why::Refused;

/// A wrong secret is answered after this. Its connection keeps its place so long, whether or not anybody still listens.
const WRONG_SECRET: Duration = Duration::from_secs(1);
/// The admin socket, as far as places go.
const ADMIN: u64 = u64::MAX;

/// Serves the request socket at this path, until that is aborted.
pub fn requests(daemon: &Rc<Daemon>, path: &Path, listener: Listener, connections: &Rc<Connections>) -> AbortHandle {
    let (daemon, path) = (Rc::clone(daemon), path.to_path_buf());
    let place = {
        let (daemon, path) = (Rc::clone(&daemon), path.clone());
        move |uid| match socket_at(&daemon, &path) {
            Some(socket) => place_of(socket.number, uid, socket.trust_peer_uid),
            None => (u64::MAX, uid),
        }
    };
    let full = {
        let (daemon, path) = (Rc::clone(&daemon), path.clone());
        move |peer: Peer, refusal: &Refusal, reference: &str| {
            if let Some(socket) = socket_at(&daemon, &path) {
                crowded(&daemon, &requester(&socket, peer), refusal, reference);
            }
        }
    };
    accept(listener, connections, place, full, move |stream, peer, place| {
        connection(Rc::clone(&daemon), path.clone(), peer, Connection::new(stream), place)
    })
}

/// Serves the admin socket, until that is aborted.
pub fn admins(daemon: &Rc<Daemon>, listener: Listener, connections: &Rc<Connections>) -> AbortHandle {
    let daemon = Rc::clone(daemon);
    accept(
        listener,
        connections,
        |uid| (ADMIN, uid),
        |_, _, _| (),
        move |stream, peer, place| administrator(Rc::clone(&daemon), peer, Connection::new(stream), place),
    )
}

fn accept<F: Future<Output = ()> + 'static>(
    listener: Listener,
    connections: &Rc<Connections>,
    place: impl Fn(u32) -> Share + 'static,
    full: impl Fn(Peer, &Refusal, &str) + 'static,
    serve: impl Fn(UnixStream, Peer, Admission) -> F + 'static,
) -> AbortHandle {
    let connections = Rc::clone(connections);
    let accepting = spawn_local(async move {
        loop {
            let (stream, peer) = listener.accept().await;
            match connections.admit(place(peer.uid)) {
                Some(place) => drop(spawn_local(serve(stream, peer, place))),
                None => {
                    // Not worth a task: what does not fit into the socket's buffer is not sent.
                    let (refusal, reference) = (Refusal::too_many_requests(), random::reference());
                    full(peer, &refusal, &reference);
                    let reply = Reply::refused(refusal.with_reference(reference));
                    let _gone = stream.try_write(&reply.to_line(None));
                }
            }
        }
    });
    accepting.abort_handle()
}

/// Kept for who asks why; not worth a line of any log.
fn crowded(daemon: &Daemon, requester: &Requester, refusal: &Refusal, reference: &str) {
    let whose = if requester.trusted { "of one user on one socket" } else { "on a socket where uids are not trusted" };
    let why = format!("at most {CONNECTIONS_EACH} connections {whose} are open at once, and {CONNECTIONS_MAX} in all");
    let at = Timestamp::now();
    daemon.remembered.keep(Refused { requester, at, asked: None, refusal, reference, why, rule: None });
}

/// The socket that is configured at this path now.
fn socket_at(daemon: &Daemon, path: &Path) -> Option<Arc<Socket>> {
    daemon.policy().sockets.iter().find(|socket| socket.place.path == path).map(Arc::clone)
}

/// Who asks, by the rules that the socket has now.
struct Callers {
    daemon: Rc<Daemon>,
    path: PathBuf,
    peer: Peer,
    last: Option<Rc<Caller>>,
}

impl Callers {
    /// `None`: no socket is configured here any more.
    fn now(&mut self) -> Option<Rc<Caller>> {
        let socket = socket_at(&self.daemon, &self.path)?;
        if let Some(last) = self.last.as_ref().filter(|last| Arc::ptr_eq(&last.socket, &socket)) {
            return Some(Rc::clone(last));
        }
        let requester = Rc::new(requester(&socket, self.peer.clone()));
        let caller = Rc::new(Caller { socket, requester });
        self.last = Some(Rc::clone(&caller));
        Some(caller)
    }
}

fn requester(socket: &Socket, peer: Peer) -> Requester {
    Requester {
        socket: socket.name.clone(),
        uid: peer.uid,
        gid: peer.gid,
        groups: peer.groups,
        pid: peer.pid,
        trusted: socket.trust_peer_uid,
    }
}

async fn connection(daemon: Rc<Daemon>, path: PathBuf, peer: Peer, mut connection: Connection, place: Admission) {
    let _place = place;
    let mut callers = Callers { daemon: Rc::clone(&daemon), path, peer, last: None };
    loop {
        let reference = random::reference();
        let next = connection.next().await;
        let Some(caller) = callers.now() else { return };
        let line = match next {
            Next::Line(line) => line,
            Next::TooLong => {
                let because = Because::of(Refusal::too_long(), String::new());
                let reply = refused(&daemon, &caller.requester, &reference, because).to_line(None);
                connection.reply_and_close(&reply).await;
                return;
            }
            Next::End => return,
        };
        let reply = match Line::read(&line) {
            Ok(read) => {
                let answered = tokio::select! {
                    answered = pipeline::answer(&daemon, &caller, &read, &reference) => answered,
                    () = daemon.over() => Answered::Now(refused(&daemon, &caller.requester, &reference, given_up())),
                };
                let Some(reply) = settle(&daemon, &connection, answered, &reference).await else { return };
                reply.to_line(read.id())
            }
            Err(rejection) => {
                let denied = rejection.code() == regent_protocol::Code::Denied;
                let reply = refused(&daemon, &caller.requester, &reference, Because::stranger(rejection.into()));
                if denied {
                    tokio::time::sleep(WRONG_SECRET).await;
                }
                reply.to_line(None)
            }
        };
        if !connection.reply(&reply).await {
            return;
        }
    }
}

/// Waits with a reply as long as it is to wait; `None` when nobody is there any more to hear it.
async fn settle(daemon: &Daemon, connection: &Connection, answered: Answered, reference: &str) -> Option<Reply> {
    match answered {
        Answered::Now(reply) => Some(reply),
        Answered::Late(reply) => {
            tokio::time::sleep(WRONG_SECRET).await;
            Some(reply)
        }
        Answered::Waits { hold, uid, wait } => tokio::select! {
            // It waits on, whether or not the daemon does.
            () = daemon.over() => Some(held::reply(daemon, &hold, &uid, reference)),
            hold = daemon.held.wait((*hold).clone(), wait) => Some(held::reply(daemon, &hold, &uid, reference)),
            () = connection.gone() => None,
        },
    }
}

/// To whom it runs for too long after the daemon was told to end.
fn given_up() -> Because {
    let why = "it still ran when the time was over that the daemon gives what runs at its end, so it was ended: how far it came \
               is not known";
    Because::of(Refusal::shutting_down(), why.into())
}

async fn administrator(daemon: Rc<Daemon>, peer: Peer, mut connection: Connection, place: Admission) {
    let _place = place;
    let requester = admin::requester(peer);
    loop {
        let reference = random::reference();
        match connection.next().await {
            Next::Line(line) => {
                if !connection.reply(&admin::answer(&daemon, &requester, &line, &reference).await).await {
                    return;
                }
            }
            Next::TooLong => {
                let reply = refused(&daemon, &requester, &reference, Refusal::too_long().into());
                return connection.reply_and_close(&reply.to_line(None)).await;
            }
            Next::End => return,
        }
    }
}
