//! A person at a running monitor, whose screen is in memory and whose service is a simulator.

use std::{sync::Arc, time::Duration};

use cortop::{
    app::{AlertSettings, App, AppSettings, Key, Keymap},
    monitor::Monitor,
    terminal::{self, Exit, Input, input, screen as screens},
    ui::{self, Ui},
};
use cortop_client::{HeadsetId, Moment};
use cortop_signal::{Snapshot, decoder};
use cortop_sim::Sim;
use tokio::sync::{mpsc, watch};

use crate::{
    pace::Pace,
    screen::{Reader, screen},
};

/// The pace of stories on a paused clock.
const PACE: Duration = Duration::from_millis(50);

/// A person at a running monitor.
pub(crate) struct Person {
    pub(crate) sim: Sim,
    pub(crate) eyes: Reader,
    keys: mpsc::Sender<Input>,
    /// The decoder's snapshots.
    pub(crate) snapshots: watch::Receiver<Arc<Snapshot>>,
}

impl Person {
    pub(crate) async fn press(&self, key: Key) {
        self.keys.send(Input::Key(key, Moment::now())).await.expect("the monitor runs");
    }

    pub(crate) async fn press_all(&self, keys: impl IntoIterator<Item = Key>) {
        for key in keys {
            self.press(key).await;
        }
    }

    /// Types a text that replaces the content of the field, and submits it.
    pub(crate) async fn enter(&self, text: &str) {
        self.press(Key::ctrl('u')).await;
        self.type_in(text).await;
        self.press(Key::ENTER).await;
    }

    /// Waits until all headsets of the simulator are on the screen, and returns their ids.
    pub(crate) async fn all_headsets(&mut self) -> Vec<HeadsetId> {
        let ids = self.sim.control().headsets();
        let all = |screen: &str| ids.iter().all(|id| screen.contains(id.as_str()));
        self.eyes.wait("all headsets", all).await;
        ids
    }

    /// Presses each character in turn.
    pub(crate) async fn type_in(&self, text: &str) {
        for char in text.chars() {
            self.press(Key::char(char)).await;
        }
    }
}

/// Runs the monitor on a screen in memory with a simulator, and a person who tells a story and quits at its
/// end. Returns the final state machine.
pub(crate) async fn story<F: Future<Output = Person>>(
    options: cortop_sim::Options,
    adjust: impl FnOnce(cortop_client::ClientConfig) -> cortop_client::ClientConfig,
    tell: impl FnOnce(Person) -> F,
) -> (App, Sim) {
    story_on((120, 40), options, adjust, tell).await
}

/// The same on a screen of a given size.
pub(crate) async fn story_on<F: Future<Output = Person>>(
    size: (u16, u16),
    options: cortop_sim::Options,
    adjust: impl FnOnce(cortop_client::ClientConfig) -> cortop_client::ClientConfig,
    tell: impl FnOnce(Person) -> F,
) -> (App, Sim) {
    story_with(size, AlertSettings::default(), options, adjust, tell).await
}

/// The same with other alert settings.
pub(crate) async fn story_with<F: Future<Output = Person>>(
    (width, height): (u16, u16),
    alerts: AlertSettings,
    options: cortop_sim::Options,
    adjust: impl FnOnce(cortop_client::ClientConfig) -> cortop_client::ClientConfig,
    tell: impl FnOnce(Person) -> F,
) -> (App, Sim) {
    let sim = Sim::start(options).await.expect("the simulator starts");
    let frame = Duration::from_millis(50);
    let config = adjust(cortop_client::ClientConfig::new("story", "story").url(sim.url()));
    let markers = ["rest", "task"].map(str::to_owned).to_vec();
    let settings = AppSettings {
        keymap: Keymap::new(ui::views()),
        url: config.url.clone(),
        markers,
        alerts,
        ..AppSettings::default()
    };
    let app = App::new(settings, Moment::now());
    let (ui, warnings) = Ui::new(&ui::UiOptions::default());
    assert_eq!(warnings, Vec::<String>::new());
    let (screen, eyes) = screen(width, height);
    let mut terminal = screens::terminal(screen).expect("a screen in memory has a size");
    let (keys, mut input) = input::queue();
    let limits = decoder::Limits { frame, history: 64 << 20 };
    let mut monitor = Monitor::start(config, limits);
    let _pace = Pace::start(PACE);
    let person = Person { sim, eyes, keys, snapshots: monitor.channels.snapshots.clone() };
    let run = terminal::run(app, ui, &mut terminal, &mut monitor.channels, &mut input, frame);
    let run = Box::pin(run);
    let telling = async {
        let person = tell(person).await;
        // Fails if the person has quit within the story.
        let _ = person.keys.send(Input::Key(Key::char('q'), Moment::now())).await;
        person.sim
    };
    let ((app, end), sim) = tokio::join!(run, telling);
    assert_eq!(end, Exit::Quit);
    monitor.stop().await;
    (app, sim)
}

/// Lines above the content of the panes that also mention eeg: the header and the frame.
pub(crate) const HEADER: usize = 3;

/// The content of a stream's line on the screen.
pub(crate) fn line<'a>(screen: &'a str, stream: &str) -> &'a str {
    screen
        .lines()
        .skip(HEADER)
        .find(|line| line.contains(&format!("{stream} ")) && line.contains("Hz"))
        .unwrap_or_default()
}
