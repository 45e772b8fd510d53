//! What an alert does besides its line: the terminal's bell and a desktop notification, each once, and the
//! user's command with the facts in its environment.

use std::{fs, path::Path};

use cortop_sim::{Fault, Injection};
use serde_json::{Value, json};

use crate::{CORTOP, CREDENTIALS, Pty, service};

/// A config file in a folder.
fn configured(folder: &Path, text: &str) -> String {
    let path = folder.join("config.toml");
    fs::write(&path, text).expect("written");
    path.display().to_string()
}

/// The warnings, each at another poll.
fn warnings(warnings: &[(i64, Value)]) -> Vec<Injection> {
    let warnings = warnings.iter().zip(2..).map(|((code, message), nth)| {
        let warning = Fault::Warning { code: *code, message: message.clone() };
        Injection::from(warning).when_called("queryHeadsets", nth)
    });
    warnings.collect()
}

/// The bytes outside of operating system commands, and those commands.
fn divided(bytes: &[u8]) -> (String, Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split("\x1b]");
    let mut outside = parts.next().unwrap_or_default().to_owned();
    let mut commands = Vec::new();
    for part in parts {
        let ends = [part.find('\x07').map(|at| (at, 1)), part.find("\x1b\\").map(|at| (at, 2))];
        let (end, length) = ends.into_iter().flatten().min().unwrap_or((part.len(), 0));
        commands.push(part[..end].to_owned());
        outside.push_str(&part[end + length..]);
    }
    (outside, commands)
}

#[test]
fn an_alert_rings_notifies_and_runs_the_command_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("environment");
    let script = "env | grep ^CORTOP_ | grep -v -e ^CORTOP_DATA -e ^CORTOP_EXAMPLES | sort > \"$0.new\"; env | grep ^EMOTIV >> \"$0.new\"; \
                  echo ran >> \"$0.new\"; cat \"$0.new\" >> \"$0\"; exit 3";
    let config = configured(
        folder.path(),
        &format!(
            "[alerts]\nwhen = \"always\"\ncontact = false\nrail = false\nnotification = \"osc777\"\n\
             on-alert = [\"sh\", \"-c\", '{script}', '{}']\n",
            out.display()
        ),
    );
    let low = || (19, json!({}));
    let scenario = warnings(&[low(), low(), (999, json!("the last warning"))]);
    let (url, _alive) = service(cortop_sim::Options { scenario, ..cortop_sim::Options::default() });
    let log = folder.path().join("log").display().to_string();
    let args = ["--config", &config, "--url", &url, "--log-file", &log];
    let mut pty = Pty::start_in((24, 160), Path::new(CORTOP), &args, &CREDENTIALS);
    pty.wait_for_text("the last warning");
    pty.wait("the command's end in the log", |_| {
        fs::read_to_string(&log)
            .unwrap_or_default()
            .contains("on-alert: sh has failed: exit status: 3")
    });
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    pty.assert_restored();
    let bytes = pty.received.0.lock().expect("no panic").bytes.clone();
    let (outside, commands) = divided(&bytes);
    assert_eq!(outside.matches('\x07').count(), 1, "the bell");
    let text = "less than 1 GB is free on the disk → free some space";
    let notified: Vec<_> = commands.iter().filter(|own| own.starts_with("777;")).collect();
    assert_eq!(notified, [&format!("777;notify;cortop;{text}")]);
    let environment = fs::read_to_string(&out).expect("the command ran");
    let expected = format!(
        "CORTOP_ALERT=disk\nCORTOP_HEADSET=\nCORTOP_SENSOR=\nCORTOP_STATE=begun\nCORTOP_STREAM=\n\
         CORTOP_TEXT={text}\nCORTOP_VALUE=19\nran\n"
    );
    assert_eq!(environment, expected);
}

#[test]
fn what_rings_and_notifies_is_off_where_it_is_switched_off() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = configured(
        folder.path(),
        "[alerts]\nwhen = \"always\"\ncontact = false\nrail = false\nbell = false\n",
    );
    let scenario = warnings(&[(20, json!({})), (999, json!("the last warning"))]);
    let (url, _alive) = service(cortop_sim::Options { scenario, ..cortop_sim::Options::default() });
    let args = ["--config", &config, "--url", &url];
    let mut pty = Pty::start_in((24, 160), Path::new(CORTOP), &args, &CREDENTIALS);
    pty.wait_for_text("disk low, warned");
    pty.wait_for_text("the last warning");
    pty.type_in("q");
    assert_eq!(pty.wait_for_end().exit_code(), 0);
    let bytes = pty.received.0.lock().expect("no panic").bytes.clone();
    let (outside, commands) = divided(&bytes);
    assert_eq!(outside.matches('\x07').count(), 0);
    assert!(!commands.iter().any(|own| own.starts_with("9;") || own.starts_with("777;")));
}
