//! The name of an interface, and what it is to a plugin: served, there but inert, or refused with its cure.

/// What can be said of an import.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// It is of the plugin's own world.
    Regent,
    /// It is of WASI, and works.
    Served,
    /// It is of WASI, is there because the runtimes of languages import it, and has nothing in it.
    Inert,
    /// It is not there, and this is what to do about it.
    Refused(String),
}

impl Class {
    /// The word for who looks at a module.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Regent => "regent",
            Self::Served => "served",
            Self::Inert => "inert",
            Self::Refused(_) => "refused",
        }
    }
}

/// The version of the plugin's world that is served: all of 0.1.
const WORLD: &str = "0.1";
/// What a plugin may import of its own world.
const IMPORTS: [&str; 6] = ["types", "commands", "log", "settings", "clocks", "random"];
/// WASI 0.2 that is served: clocks, random numbers, what is printed.
const SERVED: [&str; 10] = [
    "cli/stdout",
    "cli/stderr",
    "clocks/monotonic-clock",
    "clocks/wall-clock",
    "io/error",
    "io/poll",
    "io/streams",
    "random/random",
    "random/insecure",
    "random/insecure-seed",
];
/// WASI 0.2 that is there and inert: an empty environment, an exit that is a fault, a file system without files, a
/// closed input, no terminal.
const INERT: [&str; 10] = [
    "cli/environment",
    "cli/exit",
    "cli/stdin",
    "cli/terminal-input",
    "cli/terminal-output",
    "cli/terminal-stdin",
    "cli/terminal-stdout",
    "cli/terminal-stderr",
    "filesystem/types",
    "filesystem/preopens",
];

/// `regent:plugin/commands@0.1.0` taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interface<'a> {
    pub(crate) package: &'a str,
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
}

impl<'a> Interface<'a> {
    /// `None` for what is no interface: a bare function, say.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (package, rest) = text.split_once('/')?;
        let (name, version) = match rest.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (rest, None),
        };
        Some(Self { package, name, version })
    }

    /// Whether its version is one of `MAJOR.MINOR.*`.
    pub(crate) fn is_of(&self, series: &str) -> bool {
        self.version.and_then(|version| version.strip_prefix(series)).is_some_and(|rest| rest.starts_with('.'))
    }

    /// Whether it is of the world that this Regent serves.
    pub(crate) fn is_served_world(&self) -> bool {
        self.package == "regent:plugin" && self.is_of(WORLD)
    }
}

/// What the import of this name is.
pub(crate) fn class(import: &str) -> Class {
    let Some(interface) = Interface::parse(import) else {
        return Class::Refused(
            "it is no interface of Regent's or of WASI 0.2: build against Regent's `wit` folder".into(),
        );
    };
    match interface.package {
        "regent:plugin" => own(&interface),
        "wasi:sockets" | "wasi:http" => Class::Refused(
            "plugins have no network. Python: componentize with --stub-wasi. Otherwise plan a granted command".into(),
        ),
        package => match package.strip_prefix("wasi:") {
            Some(package) => wasi(package, &interface),
            None => Class::Refused("nothing of that name is served: build against Regent's `wit` folder".into()),
        },
    }
}

fn own(interface: &Interface<'_>) -> Class {
    if !interface.is_served_world() {
        return Class::Refused(other_version());
    }
    if IMPORTS.contains(&interface.name) {
        return Class::Regent;
    }
    Class::Refused(format!(
        "this Regent serves regent:plugin {WORLD}, which has no `{}` to import: a newer Regent may",
        interface.name
    ))
}

/// The text about versions of the plugin's world.
pub(crate) fn other_version() -> String {
    format!("this Regent serves regent:plugin {WORLD}: build the plugin against the `wit` folder of this Regent")
}

fn wasi(package: &str, interface: &Interface<'_>) -> Class {
    let path = format!("{package}/{}", interface.name);
    let served = SERVED.contains(&path.as_str());
    if !served && !INERT.contains(&path.as_str()) {
        return Class::Refused(
            "plugins have no such thing: of WASI they get clocks, random numbers and what they print".into(),
        );
    }
    if interface.is_of("0.2") {
        return if served { Class::Served } else { Class::Inert };
    }
    Class::Refused(
        "only WASI 0.2 is served. Rust: build for wasm32-wasip2. Python: componentize with --stub-wasi".into(),
    )
}
