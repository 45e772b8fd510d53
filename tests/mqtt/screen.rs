//! `cortop lab` in a terminal, with real stations.

use std::{
    ffi::OsStr,
    io::{Read as _, Write},
    path::Path,
    sync::{Arc, Condvar, Mutex},
    thread,
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::Signal;

use crate::{
    broker::{Message, Mosquitto, PATIENCE, SERVICE, installed, password, service},
    contract::check,
    served::{CORTOP, Served},
};

/// A program in a terminal.
struct LabScreen {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    shown: Arc<(Mutex<vt100::Parser>, Condvar)>,
    // Keeps the terminal open.
    _master: Box<dyn MasterPty + Send>,
}

impl LabScreen {
    fn start(arguments: impl IntoIterator<Item: AsRef<OsStr>>, home: &Path) -> Self {
        let pair =
            native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() });
        let pair = pair.expect("a pty");
        let mut command = CommandBuilder::new(CORTOP);
        command.args(arguments);
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", home);
        command.env("EMOTIV_CLIENT_ID", "the-client-id");
        command.env("EMOTIV_CLIENT_SECRET", "the-client-secret");
        command.env_remove("EMOTIV_CORTEX_URL");
        let child = pair.slave.spawn_command(command).expect("started");
        let [rows, columns] = [24, 80].map(|count: u16| count.try_into().expect("more than none"));
        let parser = vt100::Parser::new(rows, columns, 0);
        let shown = Arc::new((Mutex::new(parser), Condvar::new()));
        let mut output = pair.master.try_clone_reader().expect("readable");
        let shared = Arc::clone(&shown);
        thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut chunk) {
                shared.0.lock().expect("whole").process(&chunk[..count]);
                shared.1.notify_all();
            }
        });
        let keyboard = pair.master.take_writer().expect("writable");
        Self { child, keyboard, shown, _master: pair.master }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Waits until all of these are on the screen.
    fn shows(&self, texts: &[&str]) {
        let (screen, change) = &*self.shown;
        let has_all = |screen: &vt100::Parser| {
            let contents = screen.screen().contents();
            texts.iter().all(|text| contents.contains(text))
        };
        let screen = screen.lock().expect("whole");
        let (screen, _) =
            change.wait_timeout_while(screen, PATIENCE, |own| !has_all(own)).expect("whole");
        assert!(has_all(&screen), "{texts:?} are not in\n{}", screen.screen().contents());
    }
}

impl Drop for LabScreen {
    fn drop(&mut self) {
        // It has ended already if the test passed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_lab_shows_stations_sends_markers_and_says_who_is_gone() {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let account = broker.account("lab").display().to_string();
    let arguments = ["lab", "--broker", &broker.url(), "--config", &account];
    let mut screen = LabScreen::start(arguments, broker.folder.path());
    screen.shows(&["connected", "no station yet"]);
    let mut station = broker.station(&sim, "PC-03", &["--accept-markers"]).ready();
    screen.shows(&["1/1 stations", "PC-03", "EPOCX-0A1B2C3D", "streaming", "256/256"]);
    screen.press("m");
    screen.shows(&["marker to 1 station, its label:"]);
    screen.press("go\r");
    screen.shows(&["PC-03: marker go, ", "no record runs"]);
    screen.press("\r");
    screen.shows(&["station PC-03 · live", "accepts markers", "AF3", "contact", "rate"]);
    station.end(Signal::KILL);
    screen.shows(&["PC-03 is gone: lost", "station PC-03 · gone at "]);
    screen.press("q");
    assert_eq!(screen.child.wait().expect("ended").exit_code(), 0);
}

#[test]
fn a_lab_says_what_the_broker_refuses() {
    let Some(broker) = Mosquitto::start() else { return };
    let section = "ca-file = \"FOLDER/root.pem\"\nuser = \"lab\"\npassword = \"guessed\"";
    let config = broker.config("wrong", section).display().to_string();
    let arguments = ["lab", "--broker", &broker.url(), "--config", &config];
    let screen = LabScreen::start(arguments, broker.folder.path());
    screen.shows(&[
        "✖ again in ",
        " s: the broker refuses the",
        "refuses the user lab: check user",
    ]);
}

#[test]
fn a_lab_says_that_a_station_does_not_reach_cortex_and_since_when() {
    let Some(broker) = Mosquitto::start() else { return };
    let mut sim = service();
    let port = sim.url.rsplit(':').next().expect("a port").to_owned();
    let account = broker.account("lab").display().to_string();
    let arguments = ["lab", "--broker", &broker.url(), "--config", &account];
    let mut screen = LabScreen::start(arguments, broker.folder.path());
    let _station = broker.station(&sim, "PC-03", &[]).ready();
    screen.shows(&["EPOCX-0A1B2C3D", "streaming", "256/256"]);
    let mut reader = broker.read();
    sim.end(Signal::KILL);
    // Its lines come one after the other: the log has room for them.
    screen.press("\t");
    screen.shows(&["PC-03: Cortex is not reached: "]);
    screen.shows(&["✖ PC-03", "Cortex not reached since ", ": nothing "]);
    screen.press("\t");
    let lost = reader.wait("the loss", |message| message.is_headset("PC-03", "no-service"));
    check(&lost);
    let down = |message: &Message| message.payload["cortex_down_since"].is_number();
    let state = reader.seen.iter().find(|message| down(message)).cloned();
    check(&state.unwrap_or_else(|| reader.wait("the state", down)));
    screen.press("\r");
    screen.shows(&["Cortex not reached since ", ": nothing listens on localhost", "rate  "]);
    let _again = Served::run(&[&["sim", "--port", &port], &SERVICE[..]].concat());
    screen.press("\t");
    screen.shows(&["PC-03: Cortex is reached again", "256/256"]);
}

#[test]
fn the_monitor_publishes_beside_its_screen_and_says_when_it_cannot() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let sim = service();
    let section = format!(
        "publish = true\naccept-markers = true\nbroker = \"{}\"\nname = \"PC-03\"\n\
         user = \"PC-03\"\npassword = \"{}\"\nca-file = \"FOLDER/root.pem\"",
        broker.url(),
        password("PC-03"),
    );
    let config = broker.config("monitor", &section).display().to_string();
    let mut reader = broker.read();
    let arguments = ["--url", &sim.url, "--config", &config];
    let mut screen = LabScreen::start(arguments, broker.folder.path());
    screen.shows(&["● MQTT", "● streaming"]);
    let born = reader.wait("birth", |message| message.is_station("PC-03", "online"));
    check(&born);
    assert_eq!(born.payload["accepts_markers"], true);
    reader.wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    let command = r#"{"version":1,"instance":"lab","sent":1,"id":"1","label":"go"}"#;
    broker.publish("cortop/v1/command/marker", command);
    let is_answer = |message: &Message| message.topic.ends_with("/acknowledgement");
    assert_eq!(reader.wait("an answer", is_answer).payload["id"], "1");
    screen.shows(&["marker go from outside"]);

    broker.stop();
    screen.shows(&["✖ MQTT", "not published over MQTT: "]);
    broker.start_again();
    let mut reader = broker.read();
    reader.wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    screen.shows(&["● MQTT", "published over MQTT again"]);
    screen.press("q");
    assert_eq!(screen.child.wait().expect("ended").exit_code(), 0);
    let gone = reader.wait("a goodbye", |message| message.is_station("PC-03", "gone"));
    assert_eq!(gone.payload["why"], "stopped");
}

#[test]
fn the_demo_has_a_lab_of_its_own() {
    if installed("mosquitto").is_none() {
        return eprintln!("skipped: mosquitto is missing (apt-get install mosquitto)");
    }
    let home = tempfile::tempdir().expect("a folder");
    let mut screen = LabScreen::start(["demo", "--lab", "2"], home.path());
    screen.shows(&["2/2 stations", "PC-01", "PC-02", "256/256"]);
    screen.press("q");
    assert_eq!(screen.child.wait().expect("ended").exit_code(), 0);
}

/// What only Linux promises: a program whose parent is killed ends, too.
#[cfg(target_os = "linux")]
mod killed {
    use std::{thread, time::Instant};

    use rustix::process::{Pid, Signal, kill_process};

    use super::LabScreen;
    use crate::broker::{LOOK, PATIENCE, installed};

    /// The running child processes of a process.
    fn children(parent: u32) -> Vec<u32> {
        let numbers = std::fs::read_dir("/proc").expect("a /proc").filter_map(Result::ok);
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.filter(|pid| state_of(*pid).is_some_and(|(_, own)| own == parent)).collect()
    }

    /// State and parent of a process, if it exists.
    fn state_of(pid: u32) -> Option<(String, u32)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name is in parentheses and may contain blanks.
        let mut rest = stat.rsplit_once(") ")?.1.split(' ');
        Some((rest.next()?.to_owned(), rest.next()?.parse().ok()?))
    }

    #[test]
    fn a_demo_that_is_killed_leaves_nothing_running() {
        if installed("mosquitto").is_none() || installed("setpriv").is_none() {
            return eprintln!("skipped: mosquitto or setpriv is missing");
        }
        let home = tempfile::tempdir().expect("a folder");
        let screen = LabScreen::start(["demo", "--lab", "1"], home.path());
        screen.shows(&["1/1 stations", "256/256"]);
        let demo = screen.child.process_id().expect("a process");
        let own = children(demo);
        assert_eq!(own.len(), 2, "a broker and a station");
        // Unlike the hangup that `Child::kill` sends first, this leaves the demo no time to end its children.
        let pid = i32::try_from(demo).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(pid, Signal::KILL).expect("killed");
        let until = Instant::now() + PATIENCE;
        // One that has ended may still have to be reaped.
        let runs = |pid: &u32| state_of(*pid).is_some_and(|(state, _)| state != "Z");
        while own.iter().any(runs) {
            assert!(Instant::now() < until, "still there");
            thread::sleep(LOOK);
        }
    }
}
