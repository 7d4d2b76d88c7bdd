//! A program that says what world it was born into. Compiled static by the tests, so that it also lives in an empty
//! root.

use std::fs;

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("sleep") => std::thread::sleep(std::time::Duration::from_secs(60)),
        Some("try") => try_things(),
        _ => say_world(),
    }
}

fn say_world() {
    for file in ["status", "limits"] {
        print!("{}", fs::read_to_string(format!("/proc/self/{file}")).unwrap());
    }
    for file in ["oom_score_adj", "timerslack_ns", "personality", "stat"] {
        println!("{file}={}", fs::read_to_string(format!("/proc/self/{file}")).unwrap().trim());
    }
    for (name, value) in std::env::vars() {
        println!("env {name}={value}");
    }
    // The handle of this listing is one of its own entries, and gone when its link is read.
    let fds = fs::read_dir("/proc/self/fd").unwrap().filter_map(|fd| fs::read_link(fd.unwrap().path()).ok());
    println!("fds={}", fds.filter(|link| !link.starts_with("/proc")).count());
    println!("argv={:?} cwd={}", std::env::args().collect::<Vec<_>>(), std::env::current_dir().unwrap().display());
}

fn try_things() {
    println!("root={:?}", fs::read_dir("/").map(Iterator::count).ok());
    println!("create={}", fs::File::create("/x").is_err());
    println!("connect={}", std::net::UdpSocket::bind("0.0.0.0:0").and_then(|udp| udp.connect("127.0.0.1:9")).is_err());
    println!("pid={}", std::process::id());
}
