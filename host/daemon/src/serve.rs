//! Sockets and what happens on them: a task for each socket, and one for each connection.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use jiff::Timestamp;
use regent_peer::Peer;
use regent_protocol::{Line, Refusal, Reply};
use rustix::net::SendFlags;
use tokio::task::{spawn_local, yield_now};
use tokio_util::task::AbortOnDropHandle;

use crate::admin::{self, Admin};
use crate::answered::Answered;
use crate::connection::{BYTES, Connection, Next};
use crate::crowd::Crowd;
use crate::fair::Peer as Share;
use crate::gate::Caller;
use crate::listen::Listener;
use crate::listening::{Kind, Opened};
use crate::pipeline::Pipeline;
use crate::policy::{CurrentPolicy, Socket};
use crate::random;
use crate::record::denial::{Because, Refused};
use crate::record::requester::{Requester, place_of};
use crate::record::why::Why;
use crate::refusals::RefusalLog;
use crate::shares::Taken;
use crate::shutdown::Shutdown;
use crate::turns::begun_in;

/// The admin socket, as far as places go.
const ADMIN: u64 = u64::MAX;
/// Connections that are accepted before whoever is connected is heard again.
const ACCEPTED_AT_ONCE: usize = 2;

#[derive(Debug)]
pub struct Server {
    pub pipeline: Pipeline,
    pub admin: Admin,
    pub policy: Rc<CurrentPolicy>,
    pub refusals: Rc<RefusalLog>,
    pub crowd: Rc<Crowd>,
    /// When whoever still waits is given up.
    pub shutdown: Shutdown,
}

impl Server {
    /// Serves a socket until that is aborted.
    pub fn serve(self: &Rc<Self>, Opened { key: (path, kind), listener, .. }: Opened) -> AbortOnDropHandle<()> {
        match kind {
            Kind::Requests => self.requests(&path, listener),
            Kind::Admin => self.admins(listener),
        }
    }

    fn requests(self: &Rc<Self>, path: &Path, listener: Listener) -> AbortOnDropHandle<()> {
        let share = {
            let (server, path) = (Rc::clone(self), path.to_path_buf());
            move |uid| match server.socket_at(&path) {
                Some(socket) => place_of(socket.number, uid, socket.trust_peer_uid),
                None => (u64::MAX, uid),
            }
        };
        let full = {
            let (server, path) = (Rc::clone(self), path.to_path_buf());
            move |peer: Peer, refusal: &Refusal, reference: &str| {
                if let Some(socket) = server.socket_at(&path) {
                    server.crowded(&requester(&socket, peer), refusal, reference);
                }
            }
        };
        let (server, path) = (Rc::clone(self), path.to_path_buf());
        accept(listener, &self.crowd, share, full, move |stream, peer, place| {
            connection(Rc::clone(&server), path.clone(), peer, stream, place)
        })
    }

    fn admins(self: &Rc<Self>, listener: Listener) -> AbortOnDropHandle<()> {
        let server = Rc::clone(self);
        accept(
            listener,
            &self.crowd,
            |uid| (ADMIN, uid),
            |_, _, _| (),
            move |stream, peer, place| administrator(Rc::clone(&server), peer, stream, place),
        )
    }

    /// The socket that is configured at this path now.
    fn socket_at(&self, path: &Path) -> Option<Arc<Socket>> {
        self.policy.get().sockets.iter().find(|socket| socket.place.path == path).map(Arc::clone)
    }

    /// Kept for who asks why; not worth a line of any log.
    fn crowded(&self, requester: &Requester, refusal: &Refusal, reference: &str) {
        let limit = self.crowd.connections.limit();
        let why = Why::Connections { each: limit.alone(), most: limit.most, trusted: requester.trusted };
        let (at, word, why) = (Timestamp::now(), why.word(), why.to_string());
        let refused = Refused { requester, at, asked: None, refusal, reference, word, why, rule: None };
        self.refusals.remembered.keep(refused);
    }

    async fn converse(&self, callers: &mut Callers, connection: &mut Connection) {
        loop {
            let reference = random::reference();
            let next = connection.next().await;
            let Some(caller) = callers.now() else { return };
            let line = match next {
                Next::Line(line) => line,
                Next::End => return,
                Next::TooLong => {
                    return self.turn_away(&caller, connection, &reference, Refusal::too_long().into()).await;
                }
                Next::Crowded => return self.turn_away(&caller, connection, &reference, too_many_bytes()).await,
            };
            let turn = connection.turn();
            let (answered, id) = begun_in(turn, self.answer(&caller, line, &reference)).await;
            // The line is gone: what waits now does not count by it.
            connection.is_over();
            let Some(reply) = self.settle(connection, answered, &reference).await else { return };
            if !connection.reply(&reply.to_line(id.as_deref())).await {
                return;
            }
        }
    }

    /// What comes of a line, and the name that its sender gave it.
    async fn answer(&self, caller: &Caller, line: Vec<u8>, reference: &str) -> (Answered, Option<String>) {
        let read = match Line::read(&line) {
            Ok(read) => read,
            Err(rejection) => {
                let because = Because::stranger(rejection.into());
                return (self.pipeline.refuse(&caller.requester, reference, because), None);
            }
        };
        let answered = tokio::select! {
            answered = self.pipeline.answer(caller, &read, reference) => answered,
            () = self.shutdown.over() => Answered::Now(self.refusals.refuse(&caller.requester, reference, given_up())),
        };
        (answered, read.id().map(str::to_owned))
    }
    async fn turn_away(&self, caller: &Caller, connection: &mut Connection, reference: &str, because: Because) {
        let answered = self.pipeline.refuse(&caller.requester, reference, because);
        let Some(reply) = self.settle(connection, answered, reference).await else { return };
        connection.reply_and_close(&reply.to_line(None)).await;
    }

    /// Waits with a reply as long as it is to wait; `None` when nobody is there any more to hear it.
    async fn settle(&self, connection: &mut Connection, answered: Answered, reference: &str) -> Option<Reply> {
        match answered {
            Answered::Now(reply) => Some(reply),
            Answered::Late(reply, late) => {
                connection.let_go_if_gone();
                tokio::time::sleep(late).await;
                Some(reply)
            }
            Answered::Waits { id, uid, wait } => {
                let requested = &self.pipeline.requested;
                tokio::select! {
                    reply = requested.wait((&id, &uid), wait, self.shutdown.over(), reference) => Some(reply),
                    () = connection.gone() => None,
                }
            }
        }
    }

    async fn administer(&self, requester: &Requester, connection: &mut Connection) {
        loop {
            let reference = random::reference();
            let too_much = match connection.next().await {
                Next::Line(line) => {
                    let turn = connection.turn();
                    let reply = begun_in(turn, self.admin.answer(requester, &line, &reference)).await;
                    if !connection.reply(&reply).await {
                        return;
                    }
                    continue;
                }
                Next::TooLong => Refusal::too_long().into(),
                Next::Crowded => too_many_bytes(),
                Next::End => return,
            };
            let reply = self.refusals.refuse(requester, &reference, too_much);
            return connection.reply_and_close(&reply.to_line(None)).await;
        }
    }
}

fn accept<F: Future<Output = ()> + 'static>(
    listener: Listener,
    crowd: &Rc<Crowd>,
    share: impl Fn(u32) -> Share + 'static,
    full: impl Fn(Peer, &Refusal, &str) + 'static,
    serve: impl Fn(Connection, Peer, Taken) -> F + 'static,
) -> AbortOnDropHandle<()> {
    let crowd = Rc::clone(crowd);
    AbortOnDropHandle::new(spawn_local(async move {
        for count in 1_usize.. {
            let (stream, peer) = listener.accept().await;
            let share = share(peer.uid);
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
    }))
}

/// Who asks, by the rules that the socket has now.
struct Callers {
    server: Rc<Server>,
    path: PathBuf,
    peer: Peer,
    last: Option<Rc<Caller>>,
}

impl Callers {
    /// `None`: no socket is configured here any more.
    fn now(&mut self) -> Option<Rc<Caller>> {
        let socket = self.server.socket_at(&self.path)?;
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

async fn connection(server: Rc<Server>, path: PathBuf, peer: Peer, mut connection: Connection, place: Taken) {
    let mut callers = Callers { server: Rc::clone(&server), path, peer, last: None };
    server.converse(&mut callers, &mut connection).await;
    connection.taken().await;
    drop(place);
}

async fn administrator(server: Rc<Server>, peer: Peer, mut connection: Connection, place: Taken) {
    server.administer(&admin::requester(peer), &mut connection).await;
    connection.taken().await;
    drop(place);
}

fn too_many_bytes() -> Because {
    let why = Why::Bytes { each: BYTES.each >> 20, most: BYTES.most >> 20 };
    Because::of(Refusal::too_many_requests(), why)
}

/// To whom it runs for too long after the daemon was told to end.
fn given_up() -> Because {
    Because::of(Refusal::shutting_down(), Why::GivenUp)
}
