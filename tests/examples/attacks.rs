//! Writes the hand-written hostile components, and a grants file for each, into a folder, for whoever measures what a
//! neighbour notices of them: `cargo run -p regent-tests --example attacks FOLDER`. It prints, as JSON, what to ask for
//! each attack; what is to be dropped in a plugins folder stands in `bombs/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what cannot be written is an error that ends it"
)]

#[path = "../tests/attacks/mod.rs"]
mod attacks;
#[path = "../tests/handmade/mod.rs"]
mod handmade;

use std::fs;
use std::path::Path;

use attacks::{Attack, GRANTS, all_of, around, asked, bombs, data, handed};
use handmade::Plugin;
use serde_json::json;

fn main() {
    let folder = std::env::args_os().nth(1).expect("usage: attacks FOLDER");
    let folder = Path::new(&folder);
    let together = [asked::time(), asked::space(), asked::steps(), some(handed::lengths()), some(handed::pointers())];
    let together = together.concat();
    write(folder, "hostile", &all_of(&together));
    // The same load without an attack: what a neighbour notices of that is not the attack's.
    let harmless =
        json!({"name": "nothing wrong, asked as fast as it answers", "operation": "hostile", "data": "well"});
    let mut asks: Vec<_> = together.iter().enumerate().map(|(number, attack)| ask(attack, "hostile", number)).collect();
    let alone =
        around::after_the_reply().into_iter().skip(1).take(1).chain(around::allocators().into_iter().skip(2).take(1));
    for (number, (attack, plugin)) in alone.enumerate() {
        let name = format!("hostile-{number}");
        write(folder, &name, &plugin);
        asks.push(ask(&attack, &name, 0));
    }
    fs::create_dir(folder.join("bombs")).unwrap();
    fs::write(folder.join("bombs/memory.wasm"), bombs::of_memory()).unwrap();
    fs::write(folder.join("bombs/time.wasm"), bombs::of_time()).unwrap();
    asks.insert(0, harmless);
    println!("{}", json!(asks));
}

/// The first two of many that cost the same.
fn some(attacks: Vec<Attack>) -> Vec<Attack> {
    attacks.into_iter().take(2).collect()
}

fn ask(attack: &Attack, operation: &str, number: usize) -> serde_json::Value {
    json!({"name": attack.name, "operation": operation, "data": data(number)})
}

fn write(folder: &Path, name: &str, plugin: &Plugin) {
    fs::write(folder.join(format!("{name}.wasm")), plugin.component()).unwrap();
    let grants = GRANTS.replace("[operations.attack]", &format!("[operations.attack]\nas = \"{name}\""));
    fs::write(folder.join(format!("{name}.toml")), grants).unwrap();
}
