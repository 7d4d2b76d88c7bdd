//! `engine`: what runs plugins' code. regent.toml says it for all, a grants file for its own plugin.

use crate::sheet::value::Value;

/// What runs a plugin's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Engine {
    /// This machine's processor.
    #[default]
    Native,
    /// An interpreter, in a process that nothing can make executable.
    Interpreter,
}

impl Engine {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Interpreter => "interpreter",
        }
    }

    /// What is called so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Native, Self::Interpreter].into_iter().find(|engine| engine.as_str() == word)
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(crate) fn read(value: &Value<'_>) -> Option<Engine> {
    let word = value.text()?;
    let engine = Engine::named(word);
    if engine.is_none() {
        value.mistake(format!("no engine is called {word:?}: write \"native\" or \"interpreter\""));
    }
    engine
}
