//! `pending`, `show`, `approve`, `deny`: an approver's side. Deciding asks nothing, so that scripts can; showing is
//! what makes the decision one.

use regent_client::{Admin, AdminRequest, Error, HoldView, State};

use crate::arguments::Place;
use crate::ending::{Ending, Failure};
use crate::{admin, output, show as view};

pub(crate) fn pending(place: &Place, json: bool) -> Result<Ending, Failure> {
    let (data, holds) = admin::ask::<Vec<HoldView>>(place, &AdminRequest::Pending)?;
    if json {
        output::json(&data)?;
    } else if holds.is_empty() {
        output::complain("nothing waits");
    } else {
        output::print(&holds.iter().map(view::hold).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Ending::Done)
}

pub(crate) fn show(place: &Place, hold: &str, json: bool) -> Result<Ending, Failure> {
    let (data, hold) = admin::ask::<HoldView>(place, &AdminRequest::Show { hold: hold.to_owned() })?;
    if json {
        output::json(&data)?
    } else {
        output::print(&view::hold(&hold))?
    }
    Ok(Ending::Done)
}

pub(crate) fn approve(place: &Place, hold: &str) -> Result<Ending, Failure> {
    decided(place, Admin::approve, hold, "approved")
}

pub(crate) fn deny(place: &Place, hold: &str) -> Result<Ending, Failure> {
    decided(place, Admin::deny, hold, "denied")
}

/// Decides, and says what became of it.
fn decided(
    place: &Place,
    decide: impl Fn(&mut Admin, &str) -> Result<HoldView, Error>,
    hold: &str,
    word: &str,
) -> Result<Ending, Failure> {
    let path = place.admin_socket()?;
    let hold = decide(&mut Admin::new(&path), hold).map_err(|error| Failure::of_client(&error, &path))?;
    let stands = match (word, hold.state) {
        ("approved", State::Denied | State::Expired | State::Void | State::Cancelled) => false,
        ("approved", _) => true,
        (_, state) => state == State::Denied,
    };
    if !stands {
        return Err(Failure::other(format!("not {word}: {}", view::standing(&hold))));
    }
    output::print(&view::decision(word, &hold)).map(|()| Ending::Done)
}
