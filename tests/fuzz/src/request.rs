//! What a line asks, of a request socket and of an admin socket: within the limits, the caller's own text, and the same
//! when it is said again.

use regent_protocol::{AdminRequest, Ask, Data, ID_MAX, Line, Request, WAIT_MAX, WAIT_MIN};

/// The target.
pub fn read(bytes: &[u8]) {
    if bytes.contains(&b'\n') {
        return; // two lines
    }
    let Ok(line) = Line::read(bytes) else { return };
    if let Ok(request) = line.request() {
        limits(&request);
        own_text(bytes, &request);
        again(&request);
    }
    if let Ok(request) = line.admin() {
        let said = request.to_line();
        let again: AdminRequest = line_of(&said).admin().expect("what was asked can be asked again");
        assert_eq!(again, request);
    }
}

fn limits(request: &Request) {
    let (wait, key) = match &request.ask {
        Ask::Operation { dry_run, wait, key, .. } => {
            assert!(!(*dry_run && key.is_some()));
            (wait, key.as_deref())
        }
        Ask::Hold { wait, .. } => (wait, None),
        Ask::List => (&None, None),
    };
    assert!(wait.is_none_or(|wait| (WAIT_MIN..=WAIT_MAX).contains(&wait)));
    assert!(key.is_none_or(|key| (1..=ID_MAX).contains(&key.len())));
    assert!(request.id.as_ref().is_none_or(|id| id.len() <= ID_MAX));
}

/// The data stands in the line as it is carried, and can be read in one way only.
fn own_text(bytes: &[u8], request: &Request) {
    let data = match &request.ask {
        Ask::Operation { data, .. } => Some(data).filter(|data| !data.is_null()),
        Ask::Hold { data, .. } => data.as_ref(),
        Ask::List => None,
    };
    let Some(data) = data else { return };
    let text = data.as_str();
    assert!(std::str::from_utf8(bytes).is_ok_and(|line| line.contains(text)));
    let by_itself = Data::parse(text).expect("data of a line is such a text by itself");
    assert_eq!(by_itself.as_str(), text.replace('\r', " "));
}

/// A secret whose bytes are none of the request's.
fn again(request: &Request) {
    let Some(said) = request.to_line("s") else { return };
    assert_eq!(line_of(&said).secret(), Some("s"));
    assert_eq!(line_of(&said).request().as_ref(), Ok(request));
}

fn line_of(said: &[u8]) -> Line<'_> {
    let line = said.strip_suffix(b"\n").expect("a line has an end");
    assert!(!line.contains(&b'\n'), "a line has one end");
    Line::read(line).expect("what was said is a line")
}
