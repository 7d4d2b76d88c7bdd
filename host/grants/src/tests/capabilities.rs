//! Names of capabilities that are none.

use super::config;
use crate::Grants;

fn said(name: &str) -> String {
    let text = format!("[operations.o]\n[commands.c]\nrun = [\"/bin/true\"]\ncapabilities = [\"{name}\"]\n");
    Grants::parse("x", "x.toml", &text, &config()).unwrap_err().to_string()
}

#[test]
fn one_that_is_near_to_another_is_taken_for_a_slip_of_the_pen() {
    for (written, meant) in [
        ("cap_netadmin", "cap_net_admin"),
        ("net_admin", "cap_net_admin"),
        ("CAP_CHWON", "cap_chown"),
        ("cap_dac_overide", "cap_dac_override"),
    ] {
        assert!(said(written).ends_with(&format!("knows no {written:?}: write \"{meant}\"")), "{}", said(written));
    }
}

#[test]
fn one_that_is_like_none_but_for_the_beginning_of_all_is_not() {
    for written in ["cap_foo", "cap_", "cap_everything"] {
        let cure = "write a name that it has, such as \"cap_net_admin\"";
        assert!(said(written).ends_with(&format!("knows no {written:?}: {cure}")), "{}", said(written));
    }
}
