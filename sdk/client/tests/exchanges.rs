//! A client against daemons that answer well, late, wrongly, too much and not at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that fails may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use regent_client::{Admin, Answer, Client, Code, Data, Error, Options, State};

/// A daemon for one test: its socket, and what was asked of it when it is done.
struct Daemon {
    _folder: tempfile::TempDir,
    path: PathBuf,
    thread: JoinHandle<Vec<String>>,
}

/// A reader and writer of one connection.
struct Peer(BufReader<UnixStream>);

impl Peer {
    fn read(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }
}

impl Daemon {
    fn start(serve: impl FnOnce(UnixListener) -> Vec<String> + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regent.sock");
        let listener = UnixListener::bind(&path).unwrap();
        Self { _folder: folder, path, thread: std::thread::spawn(move || serve(listener)) }
    }

    /// Says one reply after the other on one connection, each after a request.
    fn saying(replies: &'static [&'static str]) -> Self {
        Self::start(move |listener| {
            let mut peer = accept(&listener);
            replies
                .iter()
                .map(|reply| {
                    let asked = peer.read();
                    peer.say(reply);
                    asked
                })
                .collect()
        })
    }

    fn client(&self) -> Client {
        Client::new(&self.path, "sesame").with_patience(Duration::from_millis(300))
    }

    fn asked(self) -> Vec<String> {
        self.thread.join().unwrap()
    }
}

fn accept(listener: &UnixListener) -> Peer {
    Peer(BufReader::new(listener.accept().unwrap().0))
}

fn call(client: &mut Client) -> Result<Answer, Error> {
    client.call("whoami", Data::null(), &Options::default())
}

#[test]
fn calls_share_one_connection() {
    let reply = "{\"success\":true,\"uid\":null,\"data\":\"root\"}\n";
    let daemon = Daemon::saying(Box::leak(vec![reply; 2].into_boxed_slice()));
    let mut client = daemon.client();
    for _ in 0..2 {
        assert_eq!(call(&mut client).unwrap(), Answer::Done(Data::string("root")));
    }
    assert_eq!(daemon.asked(), ["{\"secret\":\"sesame\",\"op\":\"whoami\",\"data\":null}\n"; 2]);
}

#[test]
fn a_connection_that_was_closed_between_two_calls_is_made_again() {
    let daemon = Daemon::start(|listener| {
        let mut asked = Vec::new();
        for _ in 0..2 {
            let mut peer = accept(&listener);
            asked.push(peer.read());
            peer.say("{\"success\": true, \"uid\": null, \"data\": null}\n");
        }
        asked
    });
    let mut client = daemon.client();
    assert!(call(&mut client).is_ok());
    std::thread::sleep(Duration::from_millis(50));
    assert!(call(&mut client).is_ok());
    assert_eq!(daemon.asked().len(), 2);
}

#[test]
fn a_request_whose_answer_did_not_come_is_not_sent_again() {
    let daemon = Daemon::start(|listener| {
        let asked = accept(&listener).read();
        listener.set_nonblocking(true).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        assert!(listener.accept().is_err());
        vec![asked]
    });
    assert!(matches!(call(&mut daemon.client()), Err(Error::Closed)));
    assert_eq!(daemon.asked().len(), 1);
}

#[test]
fn a_hold_is_held_and_its_end_is_an_error_with_its_state() {
    let daemon = Daemon::saying(&[
        "{\"success\":true,\"uid\":\"u\",\"data\":\"Waiting\",\"state\":\"held\",\"step\":\"approval\"}\n",
        "{\"success\":true,\"uid\":null,\"data\":7,\"state\":\"done\"}\n",
        "{\"error\":\"Authorisation failed\",\"code\":\"not-authorised\",\"ref\":\"r\",\"state\":\"denied\"}\n",
    ]);
    let mut client = daemon.client();
    let options = Options { wait: Some(Duration::from_secs(1)), ..Options::default() };
    let Answer::Held(held) = client.call("open", Data::null(), &options).unwrap() else { panic!("not held") };
    assert_eq!((held.uid.as_str(), held.state, held.text.as_str()), ("u", Some(State::Held), "Waiting"));
    assert_eq!(client.read("u").unwrap(), Answer::Done(Data::parse("7").unwrap()));
    match client.wait("u", Duration::from_secs(2)) {
        Err(Error::Refused { code: Some(Code::NotAuthorised), state: Some(State::Denied), reference, .. }) => {
            assert_eq!(reference.as_deref(), Some("r"));
        }
        other => panic!("{other:?}"),
    }
    let asked = daemon.asked();
    assert!(asked[0].contains("\"wait\":1") && asked[1].contains("\"uid\":\"u\""), "{asked:?}");
}

#[test]
fn to_cancel_is_answered_with_the_state_reached() {
    let daemon = Daemon::saying(&[
        "{\"error\":\"Operation failed\",\"code\":\"failed\",\"state\":\"cancelled\"}\n",
        "{\"success\":true,\"uid\":null,\"data\":null,\"state\":\"done\"}\n",
        "{\"error\":\"Unknown or expired uid\",\"code\":\"unknown-uid\"}\n",
    ]);
    let mut client = daemon.client();
    assert_eq!(client.cancel("u").unwrap(), State::Cancelled);
    assert_eq!(client.cancel("u").unwrap(), State::Done);
    assert!(matches!(client.cancel("u"), Err(Error::Refused { code: Some(Code::UnknownUid), .. })));
    assert!(daemon.asked()[0].contains("\"cancel\":true"));
}

#[test]
fn the_originals_replies_without_codes_are_understood() {
    let daemon = Daemon::saying(&["{\"error\": \"Unknown operation\"}\n"]);
    let error = call(&mut daemon.client()).unwrap_err();
    assert_eq!(error.to_string(), "Unknown operation");
}

#[test]
fn nobody_at_the_path_is_no_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.sock");
    assert!(matches!(call(&mut Client::new(&path, "s")), Err(Error::NoDaemon(_))));
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(call(&mut Client::new(&path, "s")), Err(Error::NoDaemon(_))));
    assert!(matches!(Client::new(path.join("x"), "s").connect(), Err(Error::NoDaemon(_))));
    assert!(matches!(Client::new("/".repeat(500), "s").connect(), Err(Error::Io(_))));
}

#[test]
fn a_daemon_that_says_nothing_is_not_waited_for_beyond_the_deadline() {
    let daemon = Daemon::start(|listener| {
        let mut peer = accept(&listener);
        let asked = peer.read();
        // A byte now and then does not buy it more time.
        for _ in 0..6 {
            std::thread::sleep(Duration::from_millis(100));
            let _ = peer.0.get_mut().write_all(b" ");
        }
        vec![asked]
    });
    let started = Instant::now();
    assert!(matches!(call(&mut daemon.client()), Err(Error::Timeout)));
    assert!(started.elapsed() < Duration::from_millis(600), "{:?}", started.elapsed());
    daemon.asked();
}

#[test]
fn a_reply_without_end_is_given_up() {
    let daemon = Daemon::start(|listener| {
        let mut peer = accept(&listener);
        let asked = peer.read();
        let piece = vec![b' '; 1 << 20];
        while peer.0.get_mut().write_all(&piece).is_ok() {}
        vec![asked]
    });
    let mut client = Client::new(&daemon.path, "s");
    assert!(matches!(call(&mut client), Err(Error::Protocol("the reply is too long"))));
    daemon.asked();
}

#[test]
fn what_is_no_reply_or_two_or_anothers_is_refused() {
    for reply in [
        "nonsense\n",
        "{\"success\":true}\n{\"success\":true}\n",
        "{\"success\":true,\"uid\":null,\"data\":1,\"id\":\"other\"}\n",
    ] {
        let daemon = Daemon::saying(Box::leak(vec![reply].into_boxed_slice()));
        assert!(matches!(call(&mut daemon.client()), Err(Error::Protocol(_))), "{reply}");
    }
}

#[test]
fn a_refusal_said_before_the_request_was_read_is_heard() {
    let daemon = Daemon::start(|listener| {
        let mut peer = accept(&listener);
        peer.say("{\"error\":\"Too many requests\",\"code\":\"rate\"}\n");
        peer.0.get_mut().shutdown(std::net::Shutdown::Both).unwrap();
        Vec::new()
    });
    let mut client = daemon.client();
    let Err(error) = call(&mut client) else { panic!("no error") };
    assert!(matches!(error, Error::Refused { code: Some(Code::Rate), .. }), "{error:?}");
    daemon.asked();
}

#[test]
fn a_request_too_long_is_not_sent() {
    let mut client = Client::new("/nowhere", "s");
    let data = Data::string(&"x".repeat(70_000));
    assert!(matches!(client.call("x", data, &Options::default()), Err(Error::TooLong)));
}

#[test]
fn a_debug_print_shows_no_secret() {
    assert!(!format!("{:?}", Client::new("/nowhere", "hunter2")).contains("hunter2"));
}

#[test]
fn a_key_goes_with_its_call_and_no_other() {
    let reply = "{\"success\":true,\"uid\":null,\"data\":1}\n";
    let daemon = Daemon::saying(Box::leak(vec![reply; 2].into_boxed_slice()));
    let mut client = daemon.client();
    let options = Options { key: Some("order 17".into()), ..Options::default() };
    assert!(client.call("open", Data::null(), &options).is_ok());
    assert!(call(&mut client).is_ok());
    let asked = daemon.asked();
    assert_eq!(asked[0], "{\"secret\":\"sesame\",\"op\":\"open\",\"data\":null,\"key\":\"order 17\"}\n");
    assert!(!asked[1].contains("key"), "{}", asked[1]);
}

#[test]
fn a_key_used_for_another_deed_is_an_error_and_never_a_result() {
    let daemon = Daemon::saying(&["{\"error\":\"Invalid message: key\",\"code\":\"invalid-message\",\"ref\":\"r\"}\n"]);
    let options = Options { key: Some("order 17".into()), ..Options::default() };
    let error = daemon.client().call("close", Data::null(), &options).unwrap_err();
    assert!(matches!(error, Error::Refused { code: Some(Code::InvalidMessage), .. }), "{error:?}");
}

#[test]
fn a_list_is_what_this_caller_may_ask_for() {
    let daemon = Daemon::saying(&[concat!(
        r#"{"success":true,"uid":null,"data":[{"operation":"open","summary":"Open a port","schema":{"b":1.50, "a":[]},"#,
        r#""steps":[{"step":"approval","of":"ops","count":2}],"a_later_key":1}]}"#,
        "\n"
    )]);
    let list = daemon.client().list().unwrap();
    assert_eq!((list.len(), list[0].operation.as_str(), list[0].summary.as_str()), (1, "open", "Open a port"));
    // The schema is the plugin's own text.
    assert_eq!(list[0].schema.as_str(), r#"{"b":1.50, "a":[]}"#);
    assert_eq!((list[0].steps[0].count, list[0].steps[0].approved_by.len()), (2, 0));
    assert_eq!(daemon.asked(), ["{\"secret\":\"sesame\",\"data\":null,\"list\":true}\n"]);
}

#[test]
fn what_is_no_list_is_not_read_as_one() {
    for reply in [
        "{\"success\":true,\"uid\":null,\"data\":7}\n",
        "{\"success\":true,\"uid\":null,\"data\":[{\"operation\":\"open\"}]}\n",
        "{\"success\":true,\"uid\":\"u\",\"data\":[],\"state\":\"held\"}\n",
    ] {
        let daemon = Daemon::saying(Box::leak(vec![reply].into_boxed_slice()));
        assert!(matches!(daemon.client().list(), Err(Error::Protocol(_))), "{reply}");
    }
    let daemon = Daemon::saying(&["{\"error\":\"Permission denied\",\"code\":\"denied\",\"ref\":\"r\"}\n"]);
    assert!(matches!(daemon.client().list(), Err(Error::Refused { code: Some(Code::Denied), .. })));
}

#[test]
fn an_administrator_asks_and_is_told() {
    let daemon = Daemon::saying(&[
        "{\"success\":true,\"data\":[]}\n",
        "{\"error\":\"Unknown hold\",\"code\":\"unknown-uid\",\"ref\":\"r\"}\n",
        "{\"success\":true,\"data\":7}\n",
    ]);
    let mut admin = Admin::new(&daemon.path);
    assert_eq!(admin.pending().unwrap(), []);
    assert!(matches!(admin.approve("h"), Err(Error::Refused { code: Some(Code::UnknownUid), .. })));
    assert!(matches!(admin.show("h"), Err(Error::Protocol(_))));
    assert_eq!(daemon.asked()[1], "{\"admin\":\"approve\",\"hold\":\"h\"}\n");
}
