//! Sockets and what happens on them: a task for each socket, and one for each connection.

use std::future::Future;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use regent_peer::Peer;
use regent_protocol::{Line, Refusal, Reply};
use rustix::net::SendFlags;
use tokio::task::{AbortHandle, spawn_local, yield_now};

use crate::admin;
use crate::connection::{BYTES, Connection, Next};
use crate::daemon::Daemon;
use crate::fair::Peer as Share;
use crate::gate::{Requester, place_of};
use crate::held;
use crate::listen::{Listener, connections};
use crate::pipeline::{self, Answered, Caller, WRONG_SECRET, refused_in_time};
use crate::policy::Socket;
use crate::random;
use crate::refusals::{Because, refused};
use crate::shares::{Shares, Taken};
use crate::turns::{Turns, begun_in};
use crate::why::Refused;

/// The admin socket, as far as places go.
const ADMIN: u64 = u64::MAX;
/// Connections that are accepted before whoever is connected is heard again.
const ACCEPTED_AT_ONCE: usize = 2;

/// What those who are connected share.
#[derive(Debug)]
pub struct Crowd {
    /// Connections.
    pub connections: Rc<Shares>,
    /// Bytes of theirs in memory.
    bytes: Rc<Shares>,
    /// The thread.
    turns: Rc<Turns>,
}

impl Crowd {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new(Self { connections: connections(), bytes: Shares::of(BYTES), turns: Turns::new() })
    }

    fn connection(&self, stream: UnixStream, share: Share) -> Connection {
        Connection::new(stream, share, &self.turns, &self.bytes)
    }
}

/// Serves the request socket at this path, until that is aborted.
pub fn requests(daemon: &Rc<Daemon>, path: &Path, listener: Listener, crowd: &Rc<Crowd>) -> AbortHandle {
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
    accept(listener, crowd, place, full, move |stream, peer, place| {
        connection(Rc::clone(&daemon), path.clone(), peer, stream, place)
    })
}

/// Serves the admin socket, until that is aborted.
pub fn admins(daemon: &Rc<Daemon>, listener: Listener, crowd: &Rc<Crowd>) -> AbortHandle {
    let daemon = Rc::clone(daemon);
    accept(
        listener,
        crowd,
        |uid| (ADMIN, uid),
        |_, _, _| (),
        move |stream, peer, place| administrator(Rc::clone(&daemon), peer, stream, place),
    )
}

fn accept<F: Future<Output = ()> + 'static>(
    listener: Listener,
    crowd: &Rc<Crowd>,
    place: impl Fn(u32) -> Share + 'static,
    full: impl Fn(Peer, &Refusal, &str) + 'static,
    serve: impl Fn(Connection, Peer, Taken) -> F + 'static,
) -> AbortHandle {
    let crowd = Rc::clone(crowd);
    let accepting = spawn_local(async move {
        for count in 1_usize.. {
            let (stream, peer) = listener.accept().await;
            let share = place(peer.uid);
            match crowd.connections.take(share, 1) {
                Some(place) => drop(spawn_local(serve(crowd.connection(stream, share), peer, place))),
                None => {
                    // Not worth a task: what does not fit into the socket's buffer is not sent.
                    let (refusal, reference) = (Refusal::too_many_requests(), random::reference());
                    full(peer, &refusal, &reference);
                    let reply = Reply::refused(refusal.with_reference(reference));
                    let _gone =
                        rustix::net::send(&stream, &reply.to_line(None), SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
                }
            }
            if count.is_multiple_of(ACCEPTED_AT_ONCE) {
                yield_now().await;
            }
        }
    });
    accepting.abort_handle()
}

/// Kept for who asks why; not worth a line of any log.
fn crowded(daemon: &Daemon, requester: &Requester, refusal: &Refusal, reference: &str) {
    let whose = if requester.trusted { "of one user on one socket" } else { "on a socket where uids are not trusted" };
    let limit = daemon.listening.crowd.connections.limit();
    let why = format!(
        "at most {} connections {whose} are open at once, {} in all, and nobody has more than an eighth of what is free",
        limit.alone(),
        limit.most
    );
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

async fn connection(daemon: Rc<Daemon>, path: PathBuf, peer: Peer, mut connection: Connection, place: Taken) {
    let mut callers = Callers { daemon: Rc::clone(&daemon), path, peer, last: None };
    converse(&daemon, &mut callers, &mut connection).await;
    connection.taken().await;
    drop(place);
}

async fn converse(daemon: &Rc<Daemon>, callers: &mut Callers, connection: &mut Connection) {
    loop {
        let reference = random::reference();
        let next = connection.next().await;
        let Some(caller) = callers.now() else { return };
        let line = match next {
            Next::Line(line) => line,
            Next::End => return,
            Next::TooLong => {
                return turn_away(daemon, &caller, connection, &reference, Refusal::too_long().into()).await;
            }
            Next::Crowded => return turn_away(daemon, &caller, connection, &reference, too_many_bytes()).await,
        };
        let turn = connection.turn();
        let (answered, id) = begun_in(turn, answer(daemon, &caller, line, &reference)).await;
        // The line is gone: what waits now does not count by it.
        connection.is_over();
        let Some(reply) = settle(daemon, connection, answered, &reference).await else { return };
        if !connection.reply(&reply.to_line(id.as_deref())).await {
            return;
        }
    }
}

/// What comes of a line, and the name that its sender gave it.
async fn answer(daemon: &Rc<Daemon>, caller: &Caller, line: Vec<u8>, reference: &str) -> (Answered, Option<String>) {
    let read = match Line::read(&line) {
        Ok(read) => read,
        Err(rejection) => {
            let denied = rejection.code() == regent_protocol::Code::Denied;
            let answered = refused_in_time(daemon, &caller.requester, reference, Because::stranger(rejection.into()));
            return match answered {
                Answered::Now(reply) | Answered::Late(reply, _) if denied => {
                    (Answered::Late(reply, WRONG_SECRET), None)
                }
                answered => (answered, None),
            };
        }
    };
    let answered = tokio::select! {
        answered = pipeline::answer(daemon, caller, &read, reference) => answered,
        () = daemon.over() => Answered::Now(refused(daemon, &caller.requester, reference, given_up())),
    };
    (answered, read.id().map(str::to_owned))
}

/// The last reply of a connection.
async fn turn_away(daemon: &Daemon, caller: &Caller, connection: &mut Connection, reference: &str, because: Because) {
    let answered = refused_in_time(daemon, &caller.requester, reference, because);
    let Some(reply) = settle(daemon, connection, answered, reference).await else { return };
    connection.reply_and_close(&reply.to_line(None)).await;
}

fn too_many_bytes() -> Because {
    let (each, most) = (BYTES.each >> 20, BYTES.most >> 20);
    let why = format!(
        "at most {each} MiB of long lines and of replies that are not taken are kept for one user on one socket, {most} MiB in \
         all, and nobody has more than an eighth of what is free"
    );
    Because::of(Refusal::too_many_requests(), why)
}

/// Waits with a reply as long as it is to wait; `None` when nobody is there any more to hear it.
async fn settle(daemon: &Daemon, connection: &mut Connection, answered: Answered, reference: &str) -> Option<Reply> {
    match answered {
        Answered::Now(reply) => Some(reply),
        Answered::Late(reply, late) => {
            connection.let_go_if_gone();
            tokio::time::sleep(late).await;
            Some(reply)
        }
        Answered::Waits { id, uid, wait } => {
            let hold = tokio::select! {
                // It waits on, whether or not the daemon does.
                () = daemon.over() => daemon.held.by_id(&id).await,
                hold = daemon.held.wait(&id, wait) => hold,
                () = connection.gone() => return None,
            };
            let unknown = || Reply::refused(Refusal::unknown_uid().with_reference(reference.to_owned()));
            Some(hold.map_or_else(unknown, |hold| held::reply(daemon, &hold, &uid, reference)))
        }
    }
}

/// To whom it runs for too long after the daemon was told to end.
fn given_up() -> Because {
    let why = "it still ran when the time was over that the daemon gives what runs at its end, so it was ended: how far it came \
               is not known";
    Because::of(Refusal::shutting_down(), why.into())
}

async fn administrator(daemon: Rc<Daemon>, peer: Peer, mut connection: Connection, place: Taken) {
    administer(&daemon, &admin::requester(peer), &mut connection).await;
    connection.taken().await;
    drop(place);
}

async fn administer(daemon: &Rc<Daemon>, requester: &Requester, connection: &mut Connection) {
    loop {
        let reference = random::reference();
        let too_much = match connection.next().await {
            Next::Line(line) => {
                let turn = connection.turn();
                let reply = begun_in(turn, admin::answer(daemon, requester, &line, &reference)).await;
                if !connection.reply(&reply).await {
                    return;
                }
                continue;
            }
            Next::TooLong => Refusal::too_long().into(),
            Next::Crowded => too_many_bytes(),
            Next::End => return,
        };
        let reply = refused(daemon, requester, &reference, too_much);
        return connection.reply_and_close(&reply.to_line(None)).await;
    }
}
