//! The screen of the simulator and of the proxy in a real terminal.

use std::{path::Path, process::Command};

use super::{CORTOP, Pty, Signal};

/// The address in the header of a screen.
fn url(pty: &Pty) -> String {
    pty.wait("the address", |received| {
        received.screen.screen().contents().contains("s://localhost:")
    });
    let screen = pty.received.0.lock().expect("no panic").screen.screen().contents();
    let word = screen.split_whitespace().find(|word| word.contains("://")).expect("an address");
    word.to_owned()
}

/// Runs `cortop headsets` at an address.
fn client(url: &str) -> bool {
    let mut client = Command::new(CORTOP);
    client.args(["headsets", "--url", url]);
    client
        .env("EMOTIV_CLIENT_ID", "the-client-id")
        .env("EMOTIV_CLIENT_SECRET", "the-client-secret");
    client.output().expect("started").status.success()
}

#[test]
fn the_simulator_shows_its_clients_takes_faults_and_quits() {
    let args = ["sim", "--watch", "--ws", "--port", "0", "--approved"];
    let mut pty = Pty::start(Path::new(CORTOP), &args, &[]);
    pty.wait_for_text("no client yet");
    let url = url(&pty);
    assert!(client(&url));
    pty.wait_for_text("queryHeadsets");
    pty.wait_for_text("disconnected by the client");
    // A fault by name, and another by key.
    pty.type_in(":refuse");
    pty.wait_for_text("a method is refused with a code");
    pty.type_in("\t");
    pty.wait_for_text(": refuse = { method");
    pty.type_in("\x15refuse = { code = -32003 }\r");
    pty.wait_for_text("fault: refuse = { code = -32003, times = 1 }");
    client(&url);
    pty.wait_for_text("-32003");
    pty.type_in("c");
    pty.wait_for_text("fault: clear");
    pty.type_in("?");
    pty.wait_for_text("all tokens run out");
    pty.type_in("\x1b");
    pty.wait_for_text("[2] requests");
    let seen = pty.received.0.lock().expect("no panic").bytes.clone();
    assert!(!String::from_utf8_lossy(&seen).contains("the-client"));
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    pty.assert_restored();
}

#[test]
fn the_proxy_shows_the_same_without_faults() {
    let (service, _alive) = super::service(cortop_sim::Options::default());
    let args = ["proxy", "--ws", "--listen", "0", "--to", &service];
    let mut pty = Pty::start(Path::new(CORTOP), &args, &[]);
    pty.wait_for_text("no client yet");
    assert!(client(&url(&pty)));
    pty.wait_for_text("getUserLogin");
    pty.type_in(":");
    pty.type_in("?");
    pty.wait_for_text("next theme");
    pty.signal(Signal::TERM);
    assert_eq!(pty.wait_for_end().exit_code(), 128 + 15);
    pty.assert_restored();
}
