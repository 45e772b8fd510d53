//! States of the monitor made by hand: no network, no clock, the same every time.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use cortop::{
    app::{Action, App, AppSettings, Effect, Key, Keymap, Message, MouseTarget, Pane, Throughput},
    ui::{Ui, UiOptions},
};
use cortop_client::{
    Columns, ConnectionStep, Error, Event, Headset, HeadsetId, Link, Method, Moment, Sample,
    Security, Session, SessionId, SessionMode, Stream, Subscription,
    account::{CortexInfo, Licence, UserLogin},
    code,
    headset::{HeadsetStatus, Settings as Rates},
    model::EPOC_SENSORS,
    sample,
    session::SessionStatus,
};
use cortop_signal::{
    ContactHistory, Orientation, Smoothed, Snapshot, StreamHealth, Traces, View,
    bands::BANDS,
    montage::{Montage, longitudinal_pairs},
    snapshot::{
        Bin, Binning, Cursor, DeviceReadings, FacialExpression, Holes, LatestValues, MentalCommand,
        Metric, Readings, RecentCounts, Trace, TrainingEvent,
    },
    spectra::SpectrumBuilder,
    spectrum::Periodogram,
};
use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Frame, Terminal, backend::TestBackend, buffer::Buffer, layout::Rect};
use tokio::time::Instant;

pub(crate) const SID: &str = "11111111-2222-4333-8444-555555555555";
pub(crate) const HEADSET: &str = "EPOCX-1A2B3C4D";
const RATE: u64 = 128;
/// Epoch seconds of the first sample.
const EPOCH: i64 = 1_767_968_902;

/// The monitor in a state that a test has reached with events and keys. It begins before the service has
/// answered.
pub(crate) struct Fixture {
    ui: RefCell<Ui>,
    app: App,
    settings: AppSettings,
    /// The moment of the last tick.
    now: Moment,
    /// The newest snapshot.
    snapshot: Arc<Snapshot>,
    /// The session's flowing streams.
    subscribed: Vec<Stream>,
}

pub(crate) fn options() -> UiOptions {
    UiOptions { zone: Some(TimeZone::UTC), ..UiOptions::default() }
}

impl Fixture {
    pub(crate) fn new(options: &UiOptions) -> Self {
        let (ui, warnings) = Ui::new(options);
        assert_eq!(warnings, Vec::<String>::new());
        let wall: Timestamp = "2026-01-09T14:25:33Z".parse().expect("a time");
        let now = Moment { wall, instant: Instant::now() };
        let settings = AppSettings {
            keymap: Keymap::new(cortop::ui::views()),
            themes: ui.theme_names(),
            url: "wss://localhost:6868".to_owned(),
            ..AppSettings::default()
        };
        Self {
            ui: RefCell::new(ui),
            app: App::new(settings.clone(), now),
            settings,
            now,
            snapshot: Arc::default(),
            subscribed: Vec::new(),
        }
    }

    /// The same with other settings; nothing may have happened yet.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut AppSettings)) -> Self {
        change(&mut self.settings);
        self.app = App::new(self.settings.clone(), self.now);
        self
    }

    /// The service is running, and a user is logged in.
    pub(crate) fn linked(mut self, step: ConnectionStep) -> Self {
        self.on_event(Event::Service(CortexInfo {
            version: "4.8.32".to_owned(),
            ..CortexInfo::default()
        }));
        let username = "ana.lab".to_owned();
        self.on_event(Event::User(Some(UserLogin { username, ..UserLogin::default() })));
        self.link(Link::Up { security: Security::Verified, step })
    }

    pub(crate) fn link(mut self, link: Link) -> Self {
        self.on_event(Event::Link(link));
        self
    }

    /// The demo's EPOC X streams everything it can.
    pub(crate) fn streaming(self) -> Self {
        self.with(|settings| settings.demo = true).streaming_from_cortex()
    }

    /// The same from a service other than the demo's.
    pub(crate) fn streaming_from_cortex(self) -> Self {
        let mut fixture = self.linked(ConnectionStep::Streaming);
        fixture.on_event(Event::Licence(Licence {
            license_id: "66666666-7777-4888-8999-aaaaaaaaaaaa".to_owned(),
            license_name: "EmotivPRO".to_owned(),
            scopes: vec!["eeg".to_owned(), "pm".to_owned()],
            ..Licence::default()
        }));
        fixture.on_event(Event::Headsets(vec![headset(), insight()]));
        fixture.on_event(Event::Session(session(SessionStatus::Activated)));
        let why = "the licence has scope eeg and quota left".to_owned();
        fixture.on_event(Event::Opened {
            session: SID.into(),
            mode: SessionMode::Active,
            why,
            foreign: false,
        });
        fixture.subscribed(SID, Stream::ALL.to_vec(), Vec::new());
        fixture.update(Message::Throughput(Throughput { bytes: 4400.0, ..Throughput::default() }));
        fixture.forward(Duration::from_secs(192));
        fixture
    }

    /// The licence has no scope eeg.
    pub(crate) fn without_licence(self) -> Self {
        let mut fixture = self.linked(ConnectionStep::Streaming);
        fixture.on_event(Event::Headsets(vec![headset()]));
        let bare = Session { license: Some(String::new()), ..session(SessionStatus::Opened) };
        fixture.on_event(Event::Session(bare));
        let why = "the licence has no scope eeg".to_owned();
        fixture.on_event(Event::Opened {
            session: SID.into(),
            mode: SessionMode::Open,
            why,
            foreign: false,
        });
        let text = "The stream is unavailable or unsupported.";
        let error = Error::refused(Method::Subscribe, code::error::STREAM_UNAVAILABLE, text);
        let next = "EEG needs a licence with scope eeg; showing the other streams.";
        let refusal = Error { next: next.into(), ..error };
        fixture.subscribed(SID, Stream::ALL[1..].to_vec(), vec![(Stream::Eeg, refusal)]);
        fixture.forward(Duration::from_secs(192));
        fixture
    }

    /// Cortex has answered `subscribe`.
    pub(crate) fn subscribed(
        &mut self,
        session: &str,
        streams: Vec<Stream>,
        refused: Vec<(Stream, Error)>,
    ) {
        let theirs = Vec::new();
        self.on_event(Event::Subscribed { session: session.into(), streams, theirs, refused });
    }

    /// Shows a view by name.
    pub(crate) fn show(&mut self, name: &str) {
        if self.shown() != name {
            let views = self.settings.keymap.views();
            let place = views.iter().position(|view| view.name == name).expect(name);
            self.apply(Action::View(place));
        }
    }

    /// Shows the view of one stream.
    pub(crate) fn show_stream(&mut self, stream: Stream) {
        self.show(if stream == Stream::Dev { "contact" } else { stream.name() });
    }

    /// The name of the view shown.
    pub(crate) fn shown(&self) -> &'static str {
        self.app.view().name
    }

    /// The names of the themes.
    pub(crate) fn themes(&self) -> &[String] {
        &self.settings.themes
    }

    /// Chooses a theme by its name.
    pub(crate) fn choose_theme(&mut self, name: &str) {
        let is_chosen = |fixture: &Self| fixture.notice().is_some_and(|it| it.ends_with(name));
        for _ in 0..self.themes().len() {
            if !is_chosen(self) {
                self.apply(Action::Theme);
            }
        }
        assert!(is_chosen(self), "no theme {name}");
    }

    pub(crate) fn focus(&mut self, pane: Pane) {
        self.apply(match pane {
            Pane::Headsets => Action::HeadsetsPane,
            Pane::Session => Action::SessionPane,
            Pane::Streams => Action::StreamsPane,
            Pane::Log => Action::LogPane,
        });
    }

    /// Toggles the focused pane between its place and the whole screen.
    pub(crate) fn zoom(&mut self) {
        self.apply(Action::Zoom);
    }

    /// Performs an action, whatever its key.
    pub(crate) fn apply(&mut self, action: Action) -> Vec<Effect> {
        self.update(Message::Action(action))
    }

    pub(crate) fn press(&mut self, key: Key) -> Vec<Effect> {
        self.update(Message::Key(key))
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        text.chars().for_each(|char| drop(self.press(Key::char(char))));
    }

    pub(crate) fn on_event(&mut self, event: Event) -> Vec<Effect> {
        if let Event::Subscribed { streams, .. } = &event {
            self.subscribed.clone_from(streams);
        }
        self.update(Message::Cortex(event))
    }

    pub(crate) fn update(&mut self, message: Message) -> Vec<Effect> {
        match &message {
            Message::Tick(now) => self.now = *now,
            Message::Snapshot(snapshot) => self.snapshot = Arc::clone(snapshot),
            _ => {}
        }
        self.app.update(message)
    }

    pub(crate) fn forward(&mut self, time: Duration) -> Vec<Effect> {
        let wall = self.now.wall + jiff::SignedDuration::try_from(time).expect("short");
        self.update(Message::Tick(Moment { wall, instant: self.now.instant + time }))
    }

    /// Lets time pass until no notice is left.
    pub(crate) fn until_the_notice_is_gone(&mut self) {
        while self.app.notice().is_some() {
            self.forward(Duration::from_secs(1));
        }
    }

    /// Replaces a notice, which may cover rows of the panes, by one of a single row.
    pub(crate) fn shorten_notice(&mut self) {
        self.update(Message::Notice("a short notice".to_owned()));
    }

    /// Sets the clock of this computer ahead.
    pub(crate) fn set_clock_ahead(&mut self, time: Duration) {
        let wall = self.now.wall + jiff::SignedDuration::try_from(time).expect("short");
        self.update(Message::Tick(Moment { wall, ..self.now }));
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// The notice.
    pub(crate) fn notice(&self) -> Option<&str> {
        self.app.notice()
    }

    /// The mouse target at a position.
    pub(crate) fn target(&self, width: u16, height: u16, place: (u16, u16)) -> Option<MouseTarget> {
        self.buffer(width, height);
        self.ui.borrow().target(place.into())
    }

    pub(crate) fn draw(&self, frame: &mut Frame<'_>) {
        self.ui.borrow_mut().draw(&self.app, frame);
    }

    /// What the screen requests from the decoder.
    pub(crate) fn view(&self, width: u16, height: u16) -> View {
        self.ui.borrow().view(&self.app, Rect::new(0, 0, width, height))
    }

    /// The newest snapshot.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The decoder delivers what the screen requests, `newest` samples after the start.
    pub(crate) fn feed(&mut self, width: u16, height: u16, newest: u64) {
        let view = self.view(width, height);
        let traced = (view.stream.is_trace() || view.stream == Stream::Pow)
            && self.app.has_picture(view.stream);
        let snapshot = snapshot(self.now, view, traced, &self.subscribed, newest);
        self.update(Message::Snapshot(Arc::new(snapshot)));
    }

    /// Modifies the newest snapshot, late enough for its numbers to be shown.
    pub(crate) fn edit_snapshot(&mut self, edit: impl FnOnce(&mut Snapshot, Instant)) {
        self.forward(Duration::from_millis(500));
        let mut snapshot = (*self.snapshot).clone();
        edit(&mut snapshot, self.now.instant);
        self.update(Message::Snapshot(Arc::new(snapshot)));
    }

    pub(crate) fn buffer(&self, width: u16, height: u16) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend");
        terminal.draw(|frame| self.draw(frame)).expect("drawn");
        terminal.backend().buffer().clone()
    }

    /// The screen as text.
    pub(crate) fn text(&self, width: u16, height: u16) -> String {
        let buffer = self.buffer(width, height);
        let rows = buffer.content.chunks(usize::from(width.max(1)));
        rows.map(|row| {
            row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().trim_end().to_owned()
                + "\n"
        })
        .collect()
    }
}

pub(crate) fn headset() -> Headset {
    Headset {
        id: HEADSET.into(),
        status: HeadsetStatus::Connected,
        connected_by: "dongle".to_owned(),
        dongle: "6ff".to_owned(),
        firmware: "a11".to_owned(),
        custom_name: "Lab 3".to_owned(),
        sensors: EPOC_SENSORS.map(str::to_owned).to_vec(),
        motion_sensors: MOTION.map(str::to_owned).to_vec(),
        settings: Rates {
            mode: "EPOCX".to_owned(),
            eeg_rate: Some(128.0),
            eeg_res: Some(14.0),
            mems_rate: Some(32.0),
            mems_res: Some(14.0),
        },
        headband_position: Some("back".to_owned()),
        ..Headset::default()
    }
}

const MOTION: [&str; 10] = ["Q0", "Q1", "Q2", "Q3", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY", "MAGZ"];

/// On a USB cable, so that it cannot stream.
pub(crate) fn insight() -> Headset {
    Headset {
        id: "INSIGHT2-0A1B2C3D".into(),
        status: HeadsetStatus::Connected,
        connected_by: "usb cable".to_owned(),
        ..Headset::default()
    }
}

pub(crate) fn session(status: SessionStatus) -> Session {
    Session {
        id: SID.into(),
        status,
        owner: Some("ana.lab".to_owned()),
        license: Some("66666666-7777-4888-8999-aaaaaaaaaaaa".to_owned()),
        app_id: Some("com.ana.monitor".to_owned()),
        started: Some("2026-01-09T15:25:30.123+01:00".to_owned()),
        stopped: Some(String::new()),
        streams: Some(Stream::ALL.map(|stream| stream.name().to_owned()).to_vec()),
        record_ids: Some(Vec::new()),
        recording: Some(false),
        headset: headset(),
        ..Session::default()
    }
}

fn snapshot(
    moment: Moment,
    view: View,
    traced: bool,
    subscribed: &[Stream],
    newest: u64,
) -> Snapshot {
    let now = moment.instant;
    let session: SessionId = SID.into();
    let health = subscribed.iter().map(|&stream| health(stream, moment)).collect();
    let messages = if view.inspect { messages(now) } else { Vec::new() };
    let last = Some(now - Duration::from_millis(8));
    let pictured = traced.then(|| Traces { last, ..traces(&view, &session, newest) });
    let readings = readings(now);
    let device = DeviceReadings { dev: readings.dev.clone(), eq: readings.eq.clone() };
    Snapshot {
        view,
        traces: pictured,
        readings,
        orientation: orientation(0.0),
        messages,
        health,
        devices: BTreeMap::from([(HEADSET.into(), device)]),
        dropped: 0,
    }
}

/// The orientation of a head tilted by some degrees, with gravity on the sensor's x axis.
pub(crate) fn orientation(degrees: f64) -> Option<Orientation> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (half_sin, half_cos) = (degrees.to_radians() / 2.0).sin_cos();
    let acc = [("ACCX", cos), ("ACCY", sin), ("ACCZ", 0.0)];
    let quaternion = [("Q0", half_cos), ("Q1", 0.0), ("Q2", 0.0), ("Q3", half_sin)];
    let values = acc.into_iter().chain(quaternion).map(|(label, value)| (label, Some(value)));
    Orientation::of(&values.collect::<Vec<_>>())
}

/// A message of some streams as received, one of which does not match its columns.
fn messages(now: Instant) -> Vec<Arc<Sample>> {
    let message = |stream: Stream, columns: &str, text: &str, ms: u64| {
        let subscription = Subscription {
            session: SID.into(),
            headset: HEADSET.into(),
            stream,
            columns: serde_json::from_str(columns).expect("columns"),
            nominal_rate: None,
        };
        let received = (now - Duration::from_millis(ms)).into_std();
        let text = text.replace("SID", SID).into();
        Arc::new(Sample::new(Arc::new(subscription), text, received))
    };
    let sensors = EPOC_SENSORS.map(|name| format!("\"{name}\",")).concat();
    let eeg =
        format!(r#"["COUNTER","INTERPOLATED",{sensors}"RAW_CQ","MARKER_HARDWARE","MARKERS"]"#);
    let values = "4211.905,4199.524,4205.128,4187.436,4230.0,4178.205,4201.282,".repeat(2);
    let marker =
        r#"{"label":"stimulus","value":3,"startDatetime":"2026-01-09T14:28:45.000001+00:00"}"#;
    let text =
        format!(r#"{{"eeg":[17,0,{values}0.0,0,[{marker}]],"sid":"SID","time":1767968925.4421}}"#);
    let dev = format!(r#"["Battery","Signal",[{sensors}"OVERALL"],"BatteryPercent"]"#);
    let contact =
        r#"{"dev":[4,1.0,[4,4,2,4,0,4,4,4,1,4,4,4,3,4,86.0]],"sid":"SID","time":1767968925.37}"#;
    vec![
        message(Stream::Eeg, &eeg, &text, 8),
        message(Stream::Dev, &dev, contact, 300),
        message(
            Stream::Sys,
            r#"["event","msg"]"#,
            r#"{"sid":"SID","sys":["mentalCommand","MC_Started"],"time":1767968883.4}"#,
            42_000,
        ),
    ]
}

pub(crate) fn health(stream: Stream, now: Moment) -> StreamHealth {
    let (now, wall) = (now.instant, now.wall.as_nanosecond() as f64 / 1e9);
    let last = now - Duration::from_millis(8);
    let rate = stream.nominal_rate(&headset(), true);
    StreamHealth {
        session: SID.into(),
        headset: HeadsetId::from(HEADSET),
        stream,
        nominal_rate: rate,
        rate: rate.map(|rate| rate * 0.993),
        received: 4096,
        lost: 0,
        holes: Holes::default(),
        interpolated: 0,
        recent: RecentCounts {
            received: 1280,
            jitter: Some(0.0012),
            soonest: Some((last, wall - 0.013)),
            ..RecentCounts::default()
        },
        bad_channels: Arc::default(),
        malformed: 0,
        wrong_times: 0,
        clock_step: None,
        subscribed: now - Duration::from_secs(190),
        last: Some(last),
        last_time: None,
        gap: None,
        stale_since: None,
    }
}

/// A mixture of alpha, a slow wave and an occasional blink; different in each channel.
pub(crate) fn value(channel: usize, sample: u64) -> f32 {
    /// More than any test looks at.
    const SAMPLES: usize = 5000;
    static SIGNAL: LazyLock<Vec<f32>> =
        LazyLock::new(|| (0..SAMPLES * 16).map(|at| wave(at % 16, at / 16)).collect());
    SIGNAL[usize::try_from(sample).expect("small") * 16 + channel]
}

fn wave(channel: usize, sample: usize) -> f32 {
    let t = sample as f32 / RATE as f32;
    let alpha = 14.0 * (t * std::f32::consts::TAU * 10.0).sin() * (t * 0.7 + channel as f32).sin();
    let slow = 9.0 * (t * 2.3 + channel as f32 * 1.7).sin();
    let blink =
        if channel % 13 < 2 { 70.0 * (-((t % 4.0 - 2.0) * 9.0).powi(2)).exp() } else { 0.0 };
    alpha + slow + blink
}

/// The channels of a picture.
struct PicturedChannels {
    /// The labels of the stream.
    labels: Vec<String>,
    /// The pairs of a bipolar montage, if it has one.
    pairs: Option<Vec<[usize; 2]>>,
}

impl PicturedChannels {
    fn new(view: &View) -> Self {
        let labels: Vec<String> = match view.stream {
            Stream::Eeg => EPOC_SENSORS.map(str::to_owned).to_vec(),
            Stream::Pow => powers().map(|(label, _)| label).collect(),
            _ => MOTION.map(str::to_owned).to_vec(),
        };
        let is_paired = view.stream == Stream::Eeg && view.montage == Montage::LongitudinalBipolar;
        let pairs = is_paired.then(|| longitudinal_pairs(labels.iter().map(String::as_str)));
        Self { labels, pairs }
    }

    fn count(&self) -> usize {
        self.pairs.as_ref().map_or(self.labels.len(), Vec::len)
    }

    fn pair(&self, at: usize) -> Option<[usize; 2]> {
        self.pairs.as_ref().map(|pairs| pairs[at])
    }

    fn value(&self, at: usize, sample: u64) -> f32 {
        match self.pair(at) {
            Some([plus, minus]) => value(plus, sample) - value(minus, sample),
            None => value(at, sample),
        }
    }

    fn label(&self, at: usize) -> Arc<str> {
        match self.pair(at) {
            Some([plus, minus]) => format!("{}–{}", self.labels[plus], self.labels[minus]).into(),
            None => self.labels[at].as_str().into(),
        }
    }
}

pub(crate) fn traces(view: &View, session: &SessionId, newest: u64) -> Traces {
    let pictured = PicturedChannels::new(view);
    let labels = &pictured.labels;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few thousand")]
    let samples = (view.window * RATE as f64) as u64;
    let bins = Binning { samples, columns: (view.columns as u64).max(1) };
    let value = |at: usize, sample: u64| pictured.value(at, sample);
    let start = |bin: u64| (bin * bins.samples).div_ceil(bins.columns);
    let last = (newest - 1) * bins.columns / bins.samples;
    let first = (last + 1).saturating_sub(bins.columns);
    let column = |channel: usize, bin: u64| {
        let values = (start(bin)..start(bin + 1).min(newest)).map(|sample| value(channel, sample));
        let values: Vec<f32> = match view.stream {
            Stream::Eeg => values.collect(),
            // A band's power, varying by a third of a decade.
            Stream::Pow => {
                let power = powers().nth(channel).expect("a band").1;
                let swing = |sample: u64| (sample as f32 / 200.0 + channel as f32).sin() / 3.0;
                values.zip(start(bin)..).map(|(_, at)| power * 10_f32.powf(swing(at))).collect()
            }
            _ => values.map(|value| value / 100.0).collect(),
        };
        match values[..] {
            [] => Bin::EMPTY,
            [one, .., last] | [one @ last] => Bin {
                min: values.iter().copied().fold(f32::INFINITY, f32::min),
                max: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                first: one,
                last,
                count: u32::try_from(values.len()).expect("few"),
                gap: false,
            },
        }
    };
    let places = view.channels.iter().copied().filter(|&at| at < pictured.count());
    let own = |sample: u64, channel: usize| {
        if view.stream == Stream::Eeg {
            value(channel, sample)
        } else {
            value(channel, sample) / 100.0
        }
    };
    let channels = places.map(|at| Trace {
        place: at,
        at: view.cursors.map(|cursor| cursor.map_or(f32::NAN, |sample| own(sample, at))),
        label: pictured.label(at),
        pair: pictured.pair(at).map(|pair| pair.map(|own| labels[own].as_str().into())),
        columns: (first..=last).map(|bin| column(at, bin)).collect(),
        raw: Some(4200.0),
        restarts: Vec::new(),
        median: 0.0,
        exact_median: if view.stream == Stream::Pow {
            powers().nth(at).expect("a band").1
        } else {
            0.0
        },
        spread: 31.0,
    });
    let epoch = |index: u64| EPOCH as f64 + index as f64 / RATE as f64;
    let spectra = view.spectra.map(|most| {
        let shown = view.channels.iter().copied().filter(|&at| at < pictured.count());
        let mut maker =
            SpectrumBuilder::new(bins, shown.clone().count(), Periodogram::new(RATE, most), 0, 0);
        for sample in 0..newest {
            let values: Vec<f32> = shown.clone().map(|channel| value(channel, sample)).collect();
            maker.push(&values);
        }
        maker.spectra()
    });
    Traces {
        subscription: Arc::new(Subscription {
            session: session.clone(),
            headset: HEADSET.into(),
            stream: view.stream,
            columns: Columns(labels.iter().cloned().map(sample::Column::One).collect()),
            nominal_rate: Some(RATE as f64),
        }),
        channels_in_all: labels.len(),
        channels: channels.collect(),
        bins,
        first_bin: first,
        end: newest,
        end_time: Some(epoch(newest - 1)),
        oldest: 0,
        newest,
        last: None,
        gaps: Vec::new(),
        seconds: (start(first)..newest)
            .filter(|index| index.is_multiple_of(RATE))
            .map(|index| (index, i64::try_from(index / RATE).expect("few") + EPOCH))
            .collect(),
        spread: 31.0,
        clock_steps: Vec::new(),
        reference: averaged(view, labels),
        spectra,
        markers: Vec::new(),
        cursors: view
            .cursors
            .map(|cursor| cursor.map(|index| Cursor { index, time: Some(epoch(index)) })),
    }
}

/// The channels of a common average: all but the last two.
fn averaged(view: &View, labels: &[String]) -> Vec<Arc<str>> {
    let is_averaged = view.montage == Montage::CommonAverage;
    let counting = labels.iter().take(if is_averaged { 12 } else { 0 });
    counting.map(|label| label.as_str().into()).collect()
}

/// Changes the level of each sensor of `dev` and `eq`, by its name and current level.
pub(crate) fn set_levels(readings: &mut Readings, level: fn(&str, f64) -> Option<f64>) {
    let sensors: Vec<String> = EPOC_SENSORS.map(str::to_owned).to_vec();
    for table in [&mut readings.dev, &mut readings.eq] {
        let table = table.as_mut().expect("there is one");
        for (name, value) in &mut Arc::make_mut(table).values {
            if sensors.contains(name) {
                *value = level(name, value.expect("a level"));
            }
        }
    }
    readings.eq_smoothed = Smoothed::default();
    readings.eq.iter().for_each(|eq| readings.eq_smoothed.push(Arc::clone(eq)));
    readings.dev.iter().for_each(|dev| Arc::make_mut(&mut readings.contact).push(dev));
}

/// Two minutes of contact that end with a sample: sensors that are poor there had no contact at first, FC6
/// improved in steps, and for ten seconds no samples arrived.
fn contact(dev: &LatestValues) -> ContactHistory {
    let mut history = ContactHistory::default();
    for at in (0..=240_u32).filter(|at| !(100..120).contains(at)) {
        let before = |name: &str, level: f64| match (name, at) {
            ("FC6", 0..160) => f64::from(at / 40),
            (_, 0..60) if level < 3.5 => 0.0,
            _ => level,
        };
        let level = |(name, level): &(String, Option<f64>)| {
            (name.clone(), level.map(|level| before(name, level)))
        };
        let received = dev.received - Duration::from_millis(500) * (240 - at);
        let values = dev.values.iter().map(level).collect();
        history.push(&LatestValues { values, received });
    }
    history
}

/// The powers of the bands by sensor.
fn powers() -> impl Iterator<Item = (String, f32)> {
    EPOC_SENSORS.iter().enumerate().flat_map(|(at, sensor)| {
        BANDS.iter().enumerate().map(move |(band, own)| {
            let power = 9.0 / (band * band + 1) as f32 * (1.0 + (at % 5) as f32);
            (format!("{sensor}/{}", own.name), power)
        })
    })
}

fn readings(now: Instant) -> Readings {
    let ago = |ms: u64| now - Duration::from_millis(ms);
    let table = |values: Vec<(String, Option<f64>)>| {
        Some(Arc::new(LatestValues { values, received: ago(200) }))
    };
    let mut dev: Vec<_> = EPOC_SENSORS
        .iter()
        .zip([4, 4, 2, 4, 0, 4, 4, 4, 1, 4, 4, 4, 3, 4])
        .map(|(name, level)| ((*name).to_owned(), Some(f64::from(level))))
        .collect();
    let mut eq = dev.clone();
    dev.splice(0..0, [("Battery".to_owned(), Some(4.0)), ("Signal".to_owned(), Some(1.0))]);
    dev.extend([("OVERALL".to_owned(), Some(86.0)), ("BatteryPercent".to_owned(), Some(85.0))]);
    eq.splice(
        0..0,
        [("batteryPercent", 85.0), ("overall", 71.0), ("sampleRateQuality", 1.0)]
            .map(|(n, v)| (n.to_owned(), Some(v))),
    );
    let pow = powers().map(|(label, power)| (label, Some(f64::from(power))));
    let metric = |name: &str, value: Option<f64>, active| Metric {
        name: name.to_owned(),
        value: value.map(|value| (value, ago(7300))),
        active,
        history: (0..40)
            .map(|at| {
                value.filter(|_| at % 11 > 2).map(|value| value * (0.5 + f64::from(at) / 80.0))
            })
            .collect(),
    };
    let com = (0..60_u32).map(|at| MentalCommand {
        action: if at >= 40 { "push" } else { "neutral" }.to_owned(),
        power: Some(if at >= 40 { f64::from(at - 39) / 30.0 } else { 0.0 }),
        received: ago(u64::from(60 - at) * 125),
    });
    let face = |eyes: &str, upper: (&str, f64), ms| FacialExpression {
        eyes: eyes.to_owned(),
        upper: (upper.0.to_owned(), Some(upper.1)),
        lower: ("neutral".to_owned(), Some(0.0)),
        received: ago(ms),
    };
    let (dev, eq) = (table(dev), table(eq));
    let steady = |table: &Option<Arc<LatestValues>>| {
        let mut steady = Smoothed::default();
        table.iter().cloned().for_each(|table| steady.push(table));
        steady
    };
    Readings {
        contact: Arc::new(dev.as_deref().map(contact).unwrap_or_default()),
        eq_smoothed: steady(&eq),
        dev,
        eq,
        pow: table(pow.collect()),
        met: vec![
            metric("attention", Some(0.412_345), Some(true)),
            metric("eng", Some(0.601_234), Some(true)),
            metric("lex", Some(0.0), None),
            metric("str", Some(0.25), Some(false)),
            metric("rel", None, Some(false)),
            metric("int", None, Some(true)),
        ],
        com: com.map(Arc::new).collect(),
        fac: [
            face("neutral", ("neutral", 0.0), 9000),
            face("neutral", ("surprise", 0.41), 8000),
            face("neutral", ("neutral", 0.0), 6000),
            face("blink", ("neutral", 0.0), 150),
            face("neutral", ("neutral", 0.0), 120),
        ]
        .map(Arc::new)
        .into(),
        sys: [TrainingEvent {
            texts: vec!["mentalCommand".to_owned(), "MC_Started".to_owned()],
            time: None,
            received: ago(42_000),
        }]
        .map(Arc::new)
        .into(),
    }
}
