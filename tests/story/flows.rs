//! Working with headsets, sessions, streams, profiles and records with keys, including refusals. Time is
//! virtual.

use std::{
    fs, io,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use cortop::{
    app::Key,
    terminal::{Output, Screen as _, Tty},
};
use cortop_client::{SessionPolicy, model::Model};
use cortop_sim::{Fault, Sim, headset_config::HeadsetConfig, headset_config::InitialState};
use ratatui::backend::Backend as _;
use serde_json::json;

use crate::{
    other::OtherApplication,
    person::{HEADER, Person, line, story},
};

/// A headset that is ready, and a service without delays.
fn quick(headsets: Vec<HeadsetConfig>) -> cortop_sim::Options {
    let soon = Duration::from_millis(200);
    let delays = cortop_sim::Delays { connect: soon, update: soon, ..Default::default() };
    cortop_sim::Options { headsets, delays, quota: 3, ..cortop_sim::Options::default() }
}

/// A story in which sessions are opened without using the licence.
async fn unlicensed<F: Future<Output = Person>>(
    options: cortop_sim::Options,
    tell: impl FnOnce(Person) -> F,
) -> Sim {
    story(options, |config| config.session(SessionPolicy::Open), tell).await.1
}

/// The lines of the question, form or list over the panes, without what is beside it.
fn dialog(screen: &str, title: &str) -> Option<Vec<String>> {
    let title = format!("┌ {title}");
    let mut lines = screen.lines().skip_while(|line| !line.contains(&title));
    let top = lines.next()?;
    let left = top[..top.find(&title)?].chars().count();
    let width = top.chars().skip(left).position(|border| border == '┐')?;
    let inside = |line: &str| line.chars().skip(left).take(width).collect::<String>();
    Some(lines.map(inside).take_while(|line| !line.starts_with('└')).collect())
}

impl Person {
    /// Waits for a dialog that contains a text, which may be wrapped over two lines.
    async fn asked(&mut self, title: &str, text: &str) -> Vec<String> {
        let shown =
            |screen: &str| dialog(screen, title).is_some_and(|lines| lines.concat().contains(text));
        let screen = self.eyes.wait(&format!("{title}: {text}"), shown).await;
        dialog(&screen, title).expect("as waited for")
    }

    /// Picks an item of a list.
    async fn choose(&mut self, title: &str, text: &str) {
        let lines = self.asked(title, text).await;
        let row = |text: &str| lines.iter().position(|line| line.contains(text));
        let steps = row(text).zip(row("▶")).and_then(|(to, from)| to.checked_sub(from));
        self.press_all(vec![Key::DOWN; steps.expect("an item below")]).await;
        self.press(Key::ENTER).await;
    }

    /// Closes the dialog.
    async fn close(&mut self) {
        self.press(Key::ESC).await;
        self.gone("Esc: c").await;
    }

    /// Waits until a text has disappeared.
    async fn gone(&mut self, text: &str) -> String {
        self.eyes.wait(&format!("no {text}"), |screen| !screen.contains(text)).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_activated_and_recorded_and_the_record_written_to_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    let told = path.clone();
    let sim = unlicensed(quick(vec![Model::EpocX.into()]), |mut person| async move {
        person.eyes.wait("motion", |screen| line(screen, "mot").contains("Hz")).await;
        // An open session cannot be recorded.
        person.type_in("R").await;
        person.eyes.wait_for("a record needs an activated session").await;

        person.type_in("2a").await;
        person.asked("Activate the session?", "3 activations are left").await;
        person.type_in("n").await;
        person.gone("Activate the session?").await;
        person.type_in("ay").await;
        person.eyes.wait("eeg", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
        person.type_in("u").await;
        person.asked("account", "2 left on this computer").await;
        person.close().await;

        person.press(Key::f(1)).await;
        person.eyes.wait_for("markers need a running record").await;
        person.type_in("R").await;
        person.asked("start a record", "title").await;
        person.enter("eyes closed").await;
        person.eyes.wait_for("REC").await;
        person.press(Key::f(1)).await;
        person.eyes.wait_for("marker rest set").await;
        person.type_in("m").await;
        person.asked("marker", "1 rest · 2 task").await;
        person.enter("door slammed").await;
        person.eyes.wait_for("marker door slammed set").await;
        // Let some time pass for the marker.
        tokio::time::sleep(Duration::from_secs(2)).await;
        person.type_in("M").await;
        person.eyes.wait_for("marker door slammed ended after 2.").await;
        person.type_in("M").await;
        person.eyes.wait_for("there is no marker to end").await;
        person.type_in("Ry").await;
        person.eyes.wait_for("record eyes closed is ready for export").await;

        // A refused form comes back as typed.
        person.type_in("r").await;
        person.asked("records, the newest first", "eyes closed").await;
        person.press_all([Key::ENTER, Key::ENTER]).await;
        person.asked("export eyes closed", "folder").await;
        person.enter("/nowhere/at/all").await;
        person.asked("export eyes closed", "exportRecord").await;
        person.asked("export eyes closed", "/nowhere/at/all").await;
        // Cortex takes some time to write files.
        let seconds = 2.0.into();
        let late =
            cortop_sim::Fault::Late { method: Some("exportRecord".to_owned()), seconds, times: 1 };
        person.sim.control().inject(late);
        person.enter(&told).await;
        person.eyes.wait_for("exporting…").await;
        person.type_in("r").await;
        person.asked("records, the newest first", "exporting…").await;
        person.close().await;
        person.eyes.wait_for("has been written to").await;
        person.gone("exporting…").await;

        person.type_in("r").await;
        person.asked("records, the newest first", "eyes closed").await;
        person.press_all([Key::ENTER, Key::DOWN, Key::ENTER]).await;
        person.asked("change eyes closed", "title").await;
        person.enter("eyes open").await;
        person.type_in("r").await;
        person.asked("records, the newest first", "eyes open").await;
        person.press_all([Key::ENTER, Key::UP, Key::DOWN, Key::DOWN, Key::ENTER]).await;
        person.asked("delete eyes open", "is deleted for good").await;
        person.press(Key::ENTER).await;
        person.asked("delete eyes open", "type delete, or press Esc").await;
        person.enter("delete").await;
        person.eyes.wait_for("has been deleted").await;
        person.type_in("r").await;
        person.asked("records, the newest first", "no record").await;
        person.close().await;
        person
    })
    .await;
    let files: Vec<_> = fs::read_dir(&path).expect("a folder").flatten().collect();
    assert!(
        files.iter().any(|file| file.path().extension().is_some_and(|it| it == "csv")),
        "{files:?}"
    );
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn streams_are_chosen_and_a_refused_one_says_why() {
    let options = cortop_sim::Options { scopes: Vec::new(), ..quick(vec![Model::EpocX.into()]) };
    let sim = unlicensed(options, |mut person| async {
        person.eyes.wait("motion", |screen| line(screen, "mot").contains("64/64 Hz")).await;
        person.type_in("e").await;
        // Requested manually, it is refused.
        person.choose("streams", "[ ] eeg").await;
        person.asked("streams", "refused, -32016: ").await;
        person.choose("streams", "[x] mot").await;
        person.asked("streams", "[ ] mot").await;
        person.close().await;
        person.eyes.wait("no motion", |screen| line(screen, "mot").is_empty()).await;
        person.type_in("e").await;
        person.choose("streams", "[ ] mot").await;
        person.asked("streams", "[x] mot").await;
        person.close().await;
        person.eyes.wait("motion", |screen| line(screen, "mot").contains("64/64 Hz")).await;
        person
    })
    .await;
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn profiles_are_loaded_and_unloaded_and_those_of_others_are_not() {
    let connected = HeadsetConfig { state: Some(InitialState::Connected), ..Model::Insight.into() };
    let options = cortop_sim::Options { warm: false, approved: false, ..quick(vec![connected]) };
    let story = Box::pin(unlicensed(options, |mut person| async {
        person.eyes.wait("motion", |screen| line(screen, "mot").contains("Hz")).await;
        let mut trainer = OtherApplication::start(&person.sim, "trainer").await;
        let headset = person.sim.control().headsets().remove(0);
        for name in ["ana", "ben"] {
            let create = json!({ "status": "create", "profile": name, "headset": headset });
            trainer.ask("setupProfile", create).await;
        }
        person.type_in("2p").await;
        person.choose("profiles", "[ ] ana").await;
        person.asked("profiles", "loaded; Enter unloads it").await;
        person.choose("profiles", "[ ] ben").await;
        person.asked("profiles", "[x] ben").await;
        person.asked("profiles", "[ ] ana").await;
        person.press(Key::ENTER).await;
        person.asked("profiles", "[ ] ben").await;

        let load = json!({ "status": "load", "profile": "ana", "headset": headset });
        trainer.ask("setupProfile", load).await;
        person.asked("profiles", "loaded by another application: unload it there").await;
        person.press(Key::UP).await;
        person.press(Key::ENTER).await;
        person.eyes.wait_for("setupProfile -32046").await;
        let unload = json!({ "status": "unload", "profile": "ana", "headset": headset });
        trainer.ask("setupProfile", unload).await;
        person.asked("profiles", "[ ] ana").await;
        let refuse = Fault::Refuse {
            method: Some("setupProfile".to_owned()),
            code: -32127,
            message: None,
            times: 9,
        };
        person.sim.control().inject(refuse);
        person.press(Key::DOWN).await;
        person.press(Key::ENTER).await;
        person.eyes.wait_for("-32127").await;
        person.close().await;
        person
    }));
    let sim = story.await;
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_headset_is_named_and_set_by_usb_cable_only() {
    let id = "EPOCX-0A1B2C3D";
    let charging = HeadsetConfig {
        id: Some(id.into()),
        state: Some(InitialState::Usb),
        ..Model::EpocX.into()
    };
    let sim = unlicensed(quick(vec![Model::EpocX.into(), charging]), |mut person| async move {
        person.eyes.wait("both headsets", |screen| screen.contains(id)).await;
        person.eyes.wait_for("sorted by headset").await;
        person.type_in("o").await;
        person.press(Key::UP).await;
        person.type_in("e").await;
        person.asked("headset", "connect the headset by USB cable first").await;
        person.choose("headset", "name it").await;
        person.asked("name EPOCX", "name").await;
        person.enter("lab three").await;
        person.eyes.wait("the name", |screen| screen.contains("lab three")).await;
        person.press(Key::DOWN).await;
        person.type_in("e").await;
        person.choose("headset", "set EPOCPLUS 128 Hz, motion 32 Hz").await;
        person.eyes.wait_for(&format!("{id} has been updated")).await;
        person
    })
    .await;
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn sessions_on_several_headsets_flow_together_and_one_of_elsewhere_is_adopted() {
    let options = cortop_sim::Options { quota: 9, ..quick(vec![Model::Insight.into(); 3]) };
    let (app, sim) = story(
        options,
        |config| config,
        |mut person| async {
            let ids = person.all_headsets().await;
            person.eyes.wait_for("sorted by headset").await;
            person.type_in("o").await;
            person.press_all([Key::UP, Key::UP, Key::ENTER]).await;
            person.eyes.wait("the first", |screen| screen.contains("activated")).await;
            person.press_all([Key::DOWN, Key::ENTER]).await;
            let row = |screen: &str, id: usize| {
                let own = screen.lines().skip(HEADER).find(|line| line.contains(ids[id].as_str()));
                own.unwrap_or_default().to_owned()
            };
            person.type_in("o").await;
            let flow = |screen: &str| (0..2).all(|id| row(screen, id).contains("/128"));
            person.eyes.wait("both flow", flow).await;
            // The one opened last is shown; the key switches to the other.
            let shown = |screen: &str, id: usize| {
                screen.lines().nth(1).is_some_and(|line| line.contains(ids[id].as_str()))
            };
            person.eyes.wait("the last one", |screen| shown(screen, 1)).await;
            person.type_in("o2n").await;
            person.eyes.wait("the other", |screen| shown(screen, 0)).await;
            person.type_in("1o").await;
            person.eyes.wait("both still flow", flow).await;
            // Not while streams are running, unless the user confirms.
            person.type_in("r").await;
            person.asked("Scan anyway?", "disturbs running streams").await;
            person.type_in("n").await;
            person.gone("Scan anyway?").await;
            person.type_in("ry").await;
            person.eyes.wait_for("◐ scan ").await;

            let mut twin = OtherApplication::start(&person.sim, "story").await;
            let open = json!({ "headset": ids[2], "status": "open" });
            twin.ask("createSession", open).await;
            person.type_in("2s").await;
            person.choose("live sessions", "opened elsewhere").await;
            person.eyes.wait_for("session 3 of 3").await;
            let screen = person.eyes.wait_for("another program").await;
            assert!(screen.lines().nth(1).is_some_and(|line| line.contains(ids[2].as_str())));
            person
        },
    )
    .await;
    assert_eq!(app.live_sessions().count(), 3);
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn commands_have_names_values_are_copied_and_a_record_is_not_left_behind() {
    let (app, sim) = story(
        quick(vec![Model::EpocX.into()]),
        |config| config,
        |mut person| async {
            person.eyes.wait("eeg", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            person.type_in(":sweep").await;
            person.asked("commands", "streams.sweep").await;
            person.press(Key::ENTER).await;
            person.eyes.wait_for("· scroll ·").await;
            person.type_in("2y").await;
            person.eyes.wait_for("copied, if the terminal allows").await;
            let copied = person.eyes.clipboard.borrow().clone();
            let session = person.snapshots.borrow().health[0].session.clone();
            assert_eq!(copied, session.as_str());

            person.type_in("R").await;
            person.asked("start a record", "title").await;
            person.enter("left running").await;
            person.eyes.wait_for("REC").await;
            person.type_in("q").await;
            person.asked("Quit?", "\"left running\"").await;
            person.type_in("n").await;
            person.gone("Quit?").await;
            person.type_in("qy").await;
            person
        },
    )
    .await;
    assert_eq!(app.running_records().count(), 1, "nobody waited to be told");
    let mut later = OtherApplication::start(&sim, "story").await;
    let query = json!({ "query": {}, "orderBy": [{ "startDatetime": "DESC" }] });
    let records = later.ask("queryRecords", query).await;
    let record = &records["records"][0];
    assert_eq!(record["title"], "left running");
    assert!(record["endDatetime"].as_str().is_some_and(|end| !end.is_empty()), "{record}");
    sim.task.abort();
}

/// Keeps what a terminal would receive.
struct ByteLog(Arc<Mutex<Vec<u8>>>);

impl io::Write for ByteLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("one writer").extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn what_is_copied_goes_to_the_terminal_as_osc_52() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let mut tty = Tty::over(ByteLog(Arc::clone(&kept)), Output::default());
    tty.copy("cortop").expect("queued");
    tty.flush().expect("handed over");
    while !tty.is_ready(false) {
        thread::yield_now();
    }
    let bytes = String::from_utf8_lossy(&kept.lock().expect("written")).into_owned();
    assert!(bytes.contains("\u{1b}]52;c;Y29ydG9w"), "{bytes:?}");
}
