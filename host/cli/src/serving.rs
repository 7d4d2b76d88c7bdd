//! `reload`, `status`, `plugin list`, `why`: what an administrator asks of a running daemon.

use regent_client::{AdminRequest, Data};
use regent_protocol::{PluginView, Reloaded, StatusView, WhyView};

use crate::arguments::Place;
use crate::ending::{Ending, Failure};
use crate::{admin, output, show as view};

pub(crate) fn reload(place: &Place, json: bool) -> Result<Ending, Failure> {
    let (data, reloaded) = admin::ask::<Reloaded>(place, &AdminRequest::Reload)?;
    if json {
        output::json(&data)?;
    } else {
        output::print(&view::changes(&reloaded))?;
        output::warn(&view::mistakes(&reloaded));
    }
    let sound = reloaded.applied && reloaded.mistakes.is_empty();
    Ok(if sound { Ending::Done } else { Ending::Mistakes })
}

pub(crate) fn status(place: &Place, json: bool) -> Result<Ending, Failure> {
    let (data, status) = admin::ask::<StatusView>(place, &AdminRequest::Status)?;
    if json {
        output::json(&data)?
    } else {
        output::print(&view::status(&status))?
    }
    Ok(Ending::Done)
}

pub(crate) fn why(place: &Place, reference: &str, json: bool) -> Result<Ending, Failure> {
    let (data, why) = admin::ask::<WhyView>(place, &AdminRequest::Why { reference: reference.to_owned() })?;
    if json {
        output::json(&data)?
    } else {
        output::print(&view::why(&why))?
    }
    Ok(Ending::Done)
}

pub(crate) fn plugins(place: &Place, name: Option<&str>, json: bool) -> Result<Ending, Failure> {
    let (data, plugins) = admin::ask::<Vec<PluginView>>(place, &AdminRequest::Plugins)?;
    let asked_for = |plugin: &PluginView| name.is_none_or(|name| plugin.name == name);
    if let Some(name) = name.filter(|_| !plugins.iter().any(asked_for)) {
        let known: Vec<_> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Failure::other(format!("no plugin is called {name}; there is: {known}")));
    }
    if json {
        output::json(&items(&data, &plugins, asked_for)?)?;
    } else if plugins.is_empty() {
        output::complain("no plugins: the folders of `plugins` and `grants` in regent.toml hold none");
    } else {
        let shown: Vec<_> = plugins.iter().filter(|plugin| asked_for(plugin)).map(view::plugin).collect();
        output::print(&shown.join("\n"))?;
    }
    Ok(Ending::Done)
}

/// The daemon's own JSON of some of the plugins.
fn items(data: &Data, plugins: &[PluginView], wanted: impl Fn(&PluginView) -> bool) -> Result<Data, Failure> {
    let texts: Vec<Data> = regent_protocol::AdminReply::read(data).unwrap_or_default();
    let wanted = texts.iter().zip(plugins).filter(|(_, plugin)| wanted(plugin)).map(|(text, _)| text.as_str());
    let list = format!("[{}]", wanted.collect::<Vec<_>>().join(","));
    Data::parse(&list).map_err(|rejection| Failure::other(rejection.to_string()))
}
