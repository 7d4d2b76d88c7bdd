//! What is said where no digest vouches for the module, and that it is said only on being asked.

use super::{PIN, checked};
use crate::{Mistake, Unpinned};

const HELD: &str =
    "[operations.a]\n[operations.o]\nallow = [{ user = \"a\" }]\nrequire = [{ step = \"approval\", of = \"ops\" }]\n";

fn mistake(line: usize, text: &str) -> Mistake {
    Mistake { file: "firewall.toml".into(), line, text: text.into() }
}

#[test]
fn a_module_without_a_pin_is_said_at_the_first_line() {
    let text = "the module is not pinned, so whoever can replace it has these grants: add sha256 = \"…\"";
    let checked = checked("\n[operations.o]\n");
    assert_eq!(checked.value.unpinned(), Some(Unpinned::Warning(mistake(1, text))));
    assert!(checked.warnings.iter().all(|warning| warning.text != text));
}

#[test]
fn what_is_held_for_a_module_without_a_pin_is_a_mistake_where_it_is_required() {
    let text = "held operations need a pin: add sha256 = \"…\", as `sha256sum` of the module prints it";
    assert_eq!(checked(HELD).value.unpinned(), Some(Unpinned::Mistake(mistake(4, text))));
}

#[test]
fn nothing_is_said_of_a_pinned_module() {
    let grants = checked(&format!("sha256 = \"{PIN}\"\n{HELD}")).value;
    assert_eq!((grants.unpinned(), &grants.sha256[0][..2]), (None, [0x9f, 0x2c].as_slice()));
}
