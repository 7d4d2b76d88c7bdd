//! An exchange over the admin socket: the daemon's own JSON for programs, and what it says for people.

use regent_client::{Admin, AdminRequest, Data, Error};
use regent_protocol::AdminReply;
use serde::de::DeserializeOwned;

use crate::arguments::Place;
use crate::ending::Failure;

pub(crate) fn ask<T: DeserializeOwned>(place: &Place, request: &AdminRequest) -> Result<(Data, T), Failure> {
    let path = place.admin_socket()?;
    let data = Admin::new(&path).ask(request).map_err(|error| Failure::of_client(&error, &path))?;
    let told = AdminReply::read(&data)
        .ok_or_else(|| Failure::of_client(&Error::Protocol("what came back is not what was asked for"), &path))?;
    Ok((data, told))
}
