//! Persons: who a uid is to the administrator. A user of the system is a person only if it is listed; a peer of a
//! socket whose uids mean nothing is none.

use std::collections::BTreeMap;

use crate::record::reason::Decider;

/// The listed persons and teams, with users as uids.
#[derive(Debug, Clone, Default)]
pub struct People {
    persons: BTreeMap<String, Person>,
    teams: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone, Copy)]
struct Person {
    uid: u32,
    admin: bool,
}

/// Whoever is at the other end of the admin socket, by the kernel's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    pub uid: u32,
    pub person: Option<String>,
    /// May see and deny everything: root, the daemon's own user, or a person with `admin = true`.
    pub all: bool,
}

impl Approver {
    /// As a record names it.
    pub fn decider(&self) -> Decider {
        Decider { person: self.person.clone(), uid: self.uid }
    }
}

impl People {
    /// No two persons have one uid: a quorum counts persons, and a uid is how they are known.
    ///
    /// # Errors
    /// The two persons.
    pub fn new(
        persons: impl IntoIterator<Item = (String, u32, bool)>,
        teams: BTreeMap<String, Vec<String>>,
    ) -> Result<Self, (String, String)> {
        let mut people = Self { persons: BTreeMap::new(), teams };
        for (name, uid, admin) in persons {
            if let Some(other) = people.person(uid) {
                return Err((other.to_owned(), name));
            }
            people.persons.insert(name, Person { uid, admin });
        }
        Ok(people)
    }

    pub fn person(&self, uid: u32) -> Option<&str> {
        self.persons.iter().find(|(_, person)| person.uid == uid).map(|(name, _)| name.as_str())
    }

    /// Whether this person is the one named, or of the team named.
    pub fn is_of(&self, person: &str, of: &str) -> bool {
        person == of || self.teams.get(of).is_some_and(|members| members.iter().any(|member| member == person))
    }

    /// Who this uid is on the admin socket.
    pub fn approver(&self, uid: u32) -> Approver {
        let person = self.person(uid).map(str::to_owned);
        let admin = person.as_ref().and_then(|name| self.persons.get(name)).is_some_and(|person| person.admin);
        let own = rustix::process::geteuid().as_raw();
        Approver { uid, person, all: uid == 0 || uid == own || admin }
    }
}
