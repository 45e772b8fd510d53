use std::fmt::Write as _;

use ratatui::{Terminal, backend::TestBackend, layout::Rect};
use tempfile::TempDir;
use tokio::{sync::mpsc, time::timeout};

use super::*;
use crate::{
    app::{App, AppSettings, Message},
    capture::CaptureService,
    monitor::Monitor,
    ui::{Ui, UiOptions},
};
use cortop_client::{
    ClientConfig, Command, ConnectionStep, Link, MarkerCommand, RecordCommand, SessionId, Stream,
    marker::MarkerValue, model::Model, record::NewRecord,
};
use cortop_signal::decoder;
use cortop_sim::{Fault, Sim};

const HISTORY: usize = 64 << 20;
const AREA: Rect = Rect { x: 0, y: 0, width: 100, height: 30 };

/// The event loop without a terminal and without waiting.
struct Screen {
    player: Player,
    view: watch::Sender<View>,
    app: App,
    ui: Ui,
}

impl Screen {
    fn open(path: &Path) -> Self {
        let (view, viewed) = watch::channel(View::default());
        let player = Player::open(path, viewed, HISTORY).expect("a capture");
        let app = App::new(AppSettings::default(), player.now());
        let (ui, _) = Ui::new(&UiOptions::default());
        Self { player, view, app, ui }
    }

    fn take(&mut self, step: PlaybackStep) {
        if step.restarted {
            self.app.restart(step.now);
        }
        for (at, event) in step.events {
            self.app.update(Message::Tick(at));
            self.app.update(Message::Cortex(event));
        }
        self.app.update(Message::Tick(step.now));
        self.app.update(Message::Snapshot(step.snapshot));
        self.app.update(Message::Playback(self.player.state()));
    }

    /// Plays up to a position.
    fn play_to(&mut self, place: Duration) {
        loop {
            let step = self.player.step();
            self.take(step);
            let view = self.ui.view(&self.app, AREA);
            self.view.send_if_modified(|own| std::mem::replace(own, view.clone()) != view);
            if self.player.position() >= place && !self.player.state().is_seeking {
                return;
            }
        }
    }

    fn seek(&mut self, place: Duration) {
        self.player.execute(PlaybackCommand::Seek(place)).expect("read again");
        self.play_to(place);
    }

    /// The drawn screen without the log, which all tests share.
    fn drawn(&mut self) -> String {
        let mut terminal =
            Terminal::new(TestBackend::new(AREA.width, AREA.height)).expect("a terminal");
        // What a frame requests is drawn in the next one.
        for _ in 0..2 {
            let view = self.ui.view(&self.app, AREA);
            self.view.send_if_modified(|own| std::mem::replace(own, view.clone()) != view);
            let step = self.player.refresh();
            self.take(step);
        }
        terminal.draw(|frame| self.ui.draw(&self.app, frame)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let mut text = String::new();
        for y in 0..AREA.height {
            let line: String = (0..AREA.width).map(|x| buffer[(x, y)].symbol()).collect();
            if !line.contains("[4]") {
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        text.split("[4]").next().unwrap_or_default().to_owned()
    }
}

/// A capture of some seconds of a simulated EPOC X, made by the monitor's own client.
async fn captured(seconds: u64) -> (TempDir, PathBuf) {
    captured_with(seconds, |_, _, _, _| {}).await
}

/// The same, with an action in each second.
async fn captured_with(
    seconds: u64,
    mut act: impl FnMut(u64, &Sim, &mpsc::Sender<Command>, &SessionId),
) -> (TempDir, PathBuf) {
    let sim = Sim::start(cortop_sim::Options::demo(Model::EpocX, 1, 7)).await.expect("a simulator");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("capture.jsonl");
    let config = ClientConfig::new("demo", "demo").url(sim.url());
    let mut capture = CaptureService::new(config.tap.clone(), &config.url);
    capture.start(&path).expect("a new file");
    let limits = decoder::Limits { frame: Duration::from_secs(1), history: HISTORY };
    let mut monitor = Monitor::start(config, limits);
    let is_streaming = |event: &Event| {
        matches!(event, Event::Link(Link::Up { step: ConnectionStep::Streaming, .. }))
    };
    let mut session = None;
    loop {
        let event = monitor.channels.events.recv().await.expect("an event");
        if let Event::Session(own) = &event {
            session = Some(own.id.clone());
        }
        if is_streaming(&event) {
            break;
        }
    }
    let session = session.expect("a session");
    for second in 0..seconds {
        act(second, &sim, &monitor.channels.commands, &session);
        let events = async { while monitor.channels.events.recv().await.is_some() {} };
        let _ = timeout(Duration::from_secs(1), events).await;
    }
    monitor.stop().await;
    let state = capture.stop().expect("it ran");
    assert_eq!((state.lost, state.error), (0, None));
    sim.stop().await;
    (folder, path)
}

#[tokio::test]
async fn the_same_place_is_the_same_screen_however_it_is_reached() {
    let (_folder, path) = captured(5).await;
    let place = Duration::from_secs(4);
    let mut played = Screen::open(&path);
    played.play_to(place);
    let screen = played.drawn();
    for part in ["EPOCX-", "AF3", "O2", "streaming", "PLAYING 1x 0:00:04/0:00:0"] {
        assert!(screen.contains(part), "no {part} in\n{screen}");
    }
    let health = played.app.numbers().health.iter().find(|own| own.stream == Stream::Eeg);
    let health = health.expect("EEG").clone();
    assert!(
        health.received > 300 && health.lost == 0 && health.stale_since.is_none(),
        "{health:?}"
    );

    let mut sought = Screen::open(&path);
    sought.seek(place);
    assert_eq!(sought.drawn(), screen, "sought at once");
    sought.seek(Duration::ZERO);
    assert_ne!(sought.drawn(), screen);
    assert_eq!(sought.player.position(), Duration::ZERO);
    sought.seek(place);
    assert_eq!(sought.drawn(), screen, "sought from the start");
    played.play_to(Duration::from_secs(5));
    played.player.execute(PlaybackCommand::Faster).expect("it can");
    played.seek(place);
    played.player.execute(PlaybackCommand::Slower).expect("it can");
    played.app.update(Message::Playback(played.player.state()));
    assert_eq!(played.drawn(), screen, "back from later, at another speed");

    // Timers of other tasks fire meanwhile.
    let mut running = Screen::open(&path);
    running.player.execute(PlaybackCommand::Seek(place)).expect("it can");
    let mut wait = std::pin::pin!(tokio::time::sleep(Duration::from_millis(1)));
    let mut is_served = false;
    while running.player.state().is_seeking {
        tokio::select! {
            biased;
            () = &mut wait, if !is_served => is_served = true,
            _ = running.player.next() => {}
        }
    }
    assert!(is_served);

    // At the end the client has closed the session and the connection.
    let mut ended = Screen::open(&path);
    ended.seek(Duration::from_secs(3600));
    assert!(ended.player.state().is_over());
    assert!(ended.app.live_sessions().next().is_none(), "{}", ended.drawn());
    let notes: Vec<_> = ended.app.history_notes().collect();
    assert!(notes.iter().any(|note| note.contains("closed by the client")), "{notes:?}");
}

#[tokio::test]
async fn loss_and_silence_are_as_they_were() {
    let (_folder, path) = captured(6).await;
    let text = std::fs::read_to_string(&path).expect("text");
    let at = |line: &str| -> f64 {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        line["at"].as_f64().expect("a time")
    };
    let first = text.lines().find(|line| line.contains(r#"{\"eeg\":"#)).map(at).expect("EEG");
    let start = at(text.lines().next().expect("one"));
    let is_silent = |line: &str| {
        let since = at(line) - first;
        line.contains(r#"\"sid\":"#) && (1.0..1.5).contains(&since) || since > 2.0
    };
    let kept: Vec<_> = text.lines().filter(|line| !is_silent(line)).collect();
    // The end stays where it was.
    let last = text.lines().last().expect("one");
    std::fs::write(&path, format!("{}\nnot a line\n{last}\n", kept.join("\n"))).expect("written");
    let mut screen = Screen::open(&path);
    let after = |seconds: f64| Duration::from_secs_f64(first - start + seconds);
    screen.play_to(after(1.9));
    let health = &screen.app.numbers().health;
    let eeg = health.iter().find(|own| own.stream == Stream::Eeg).expect("EEG");
    let share = eeg.lost as f64 / eeg.nominal_rate.expect("known");
    assert!((0.4..0.6).contains(&share), "{eeg:?}");
    assert_eq!(screen.app.numbers().stale(), 0);
    screen.play_to(after(5.0));
    assert!(screen.app.numbers().stale() > 3, "{}", screen.drawn());
    let problems = screen.player.state().problems;
    assert!(problems.len() == 1 && problems[0].contains("line left out"), "{problems:?}");
    assert!(screen.drawn().contains("1 line left out, line"), "{}", screen.drawn());
}

#[tokio::test]
async fn alerts_come_as_they_did_and_a_key_goes_to_a_marker() {
    let (_folder, path) = captured_with(9, |second, sim, commands, session| {
        let session = session.clone();
        let command = match second {
            0 => {
                let new = NewRecord { title: "alerts".to_owned(), ..NewRecord::default() };
                Command::Record(RecordCommand::Start(session, new))
            }
            2 => Command::Marker(MarkerCommand::Mark {
                session,
                label: "eyes closed".to_owned(),
                value: MarkerValue::Number(1),
                at: Moment::now(),
            }),
            4 => return sim.control().inject(Fault::Stall { seconds: None }),
            8 => return sim.control().inject(Fault::Clear {}),
            _ => return,
        };
        commands.try_send(command).expect("room");
    })
    .await;
    let mut screen = Screen::open(&path);
    let markers = screen.player.state().markers;
    assert_eq!(markers.len(), 1, "{markers:?}");
    let set = Some("marker eyes closed set");
    screen.play_to(markers[0].saturating_sub(Duration::from_millis(300)));
    assert_ne!(screen.app.notice(), set);
    screen.play_to(markers[0] + Duration::from_millis(500));
    assert_eq!(screen.app.notice(), set);
    let stale = |screen: &Screen| -> Vec<String> {
        let active = screen.app.alerts.active().map(|(kind, _, part)| kind.words(part));
        active.filter(|own| own.ends_with("stale")).collect()
    };
    // The stall begins two seconds after the marker and lasts four.
    let stalled = markers[0] + Duration::from_millis(5500);
    assert_eq!(stale(&screen), Vec::<String>::new());
    screen.play_to(stalled);
    let alerts = stale(&screen);
    assert!(alerts.contains(&"eeg stale".to_owned()), "{alerts:?}\n{}", screen.drawn());
    screen.seek(markers[0]);
    screen.play_to(markers[0] + Duration::from_millis(500));
    assert_eq!(screen.app.notice(), set, "sought");
    screen.seek(stalled);
    assert_eq!(stale(&screen), alerts, "sought");
}

#[tokio::test]
async fn it_stands_still_when_told_to_and_keeps_time_else() {
    let (_folder, path) = captured(2).await;
    let mut screen = Screen::open(&path);
    let step = screen.player.next().await;
    screen.take(step);
    screen.player.execute(PlaybackCommand::Pause(true)).expect("it can");
    assert!(timeout(Duration::from_millis(300), screen.player.next()).await.is_err());
    // A change of view is still answered.
    screen.view.send_modify(|view| view.columns += 1);
    let before = screen.player.position();
    let step = screen.player.next().await;
    assert!(step.events.is_empty() && screen.player.position() == before);
    screen.player.execute(PlaybackCommand::Pause(false)).expect("it can");
    for _ in 0..8 {
        screen.player.execute(PlaybackCommand::Faster).expect("it can");
    }
    assert!((screen.player.state().speed - 16.0).abs() < f64::EPSILON);
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        screen.player.next().await;
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    for _ in 0..9 {
        screen.player.execute(PlaybackCommand::Slower).expect("it can");
    }
    assert!((screen.player.state().speed - 0.25).abs() < f64::EPSILON);
}

/// Lines of another client, without requests and columns.
#[test]
fn captures_of_other_clients_open_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("other.jsonl");
    let mut text = String::new();
    for index in 0..640_u32 {
        let time = 1_700_000_000.0 + f64::from(index) / 128.0;
        let values: Vec<_> = (0..14).map(|own| 4200.0 + f64::from((index + own) % 9)).collect();
        let data = serde_json::to_string(&values).expect("JSON");
        let data = data.trim_matches(['[', ']']);
        let counter = index % 128;
        let _ = writeln!(
            text,
            r#"{{"stream":"eeg","time":{time},"data":[{counter},0,{data},0,0,[]]}}"#
        );
        if index % 64 == 0 {
            let _ = writeln!(
                text,
                r#"{{"stream":"met","time":{time},"values":{{"eng.isActive":true,"eng":0.5}}}}"#
            );
        }
    }
    std::fs::write(&path, text).expect("written");
    let mut screen = Screen::open(&path);
    screen.play_to(Duration::from_secs(4));
    let health = screen.app.numbers().health.clone();
    let eeg = health.iter().find(|own| own.stream == Stream::Eeg).expect("EEG");
    assert!(eeg.received > 400 && eeg.lost == 0 && eeg.malformed == 0, "{eeg:?}");
    assert!(health.iter().any(|own| own.stream == Stream::Met), "{health:?}");
    assert!(screen.drawn().contains("AF4"), "{}", screen.drawn());
}
