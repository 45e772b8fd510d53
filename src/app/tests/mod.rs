//! The state machine as pure state: messages go in, new state and effects come out.

mod captures;
mod panes;
mod sessions;
mod streams;

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::*;
use crate::exchange::OutsideMarker;
use cortop_client::{
    ClockOffset, Columns, Command, ConnectionStep, Error, ErrorKind, Event, Headset,
    HeadsetCommand, HeadsetId, MarkerCommand, Method, Record, RecordEvent, Sample, Security,
    SessionId, SessionMode, Stream, Subscription, code, headset::HeadsetStatus,
    marker::MarkerValue, session::SessionStatus,
};
use cortop_signal::{
    Filters, StreamHealth,
    montage::Montage,
    snapshot::{Binning, Gap, Holes, RecentCounts},
};

const PLAIN: StreamView =
    StreamView { name: "", keys: &[], help: "", hint: None, streams: &[], features: &[] };
static MOT: StreamView = StreamView { name: "mot", streams: &[Stream::Mot], ..PLAIN };

static CONTACT: StreamView =
    StreamView { name: "contact", keys: &[Key::char('c')], streams: &[Stream::Dev], ..PLAIN };
static SPECTRUM: StreamView = StreamView {
    name: "spectrum",
    keys: &[Key::char('p')],
    streams: &[Stream::Eeg],
    features: &[Feature::Spectrum, Feature::Selection, Feature::History],
    ..PLAIN
};

static SPECTROGRAM: StreamView = StreamView {
    name: "spectrogram",
    keys: &[Key::char('g')],
    streams: &[Stream::Eeg],
    features: StreamView::TRACES,
    ..PLAIN
};

static INSPECTOR: StreamView = StreamView {
    name: "inspector",
    keys: &[Key::char('i')],
    features: &[Feature::Messages, Feature::Selection, Feature::History],
    ..PLAIN
};

fn app() -> App {
    let views = vec![&StreamView::ALL, &SPECTRUM, &SPECTROGRAM, &MOT, &CONTACT, &INSPECTOR];
    let settings = AppSettings {
        keymap: Keymap::new(views),
        themes: vec!["a".into(), "b".into()],
        ..AppSettings::default()
    };
    App::new(settings, Moment::now())
}

fn headset(id: &str, status: HeadsetStatus) -> Headset {
    Headset { id: id.into(), status, ..Headset::default() }
}

fn session(id: &str, status: SessionStatus) -> Session {
    Session {
        id: id.into(),
        status,
        headset: headset("EPOCX-00000001", HeadsetStatus::Connected),
        ..Session::default()
    }
}

fn on_event(app: &mut App, event: Event) {
    assert_eq!(app.update(Message::Cortex(event)), [], "an event asks for nothing");
}

fn press(app: &mut App, key: Key) -> Vec<Effect> {
    app.update(Message::Key(key))
}

fn refusal(method: Method) -> Error {
    let text = "The stream is unavailable or unsupported.";
    let error = Error::refused(method, code::error::STREAM_UNAVAILABLE, text);
    Error { next: "EEG needs a licence with scope eeg".into(), ..error }
}

fn health() -> StreamHealth {
    StreamHealth {
        session: "s".into(),
        headset: "h".into(),
        stream: Stream::Eeg,
        nominal_rate: Some(128.0),
        rate: None,
        received: 1,
        lost: 0,
        holes: Holes::default(),
        interpolated: 0,
        recent: RecentCounts::default(),
        bad_channels: Arc::default(),
        malformed: 0,
        wrong_times: 0,
        clock_step: None,
        subscribed: Instant::now(),
        last: None,
        last_time: None,
        gap: None,
        stale_since: None,
    }
}

/// Windows of ten seconds at 128 Hz, with twenty seconds of history before `newest`.
fn snapshot(end: u64, newest: u64, view_end: ViewEnd) -> Arc<Snapshot> {
    let mut snapshot = Snapshot { health: vec![health()], ..Snapshot::default() };
    snapshot.view.end = view_end;
    snapshot.traces = Some(Traces {
        subscription: Arc::new(Subscription {
            session: "s".into(),
            headset: "h".into(),
            stream: Stream::Eeg,
            columns: Columns::default(),
            nominal_rate: Some(128.0),
        }),
        channels_in_all: 14,
        channels: Vec::new(),
        bins: Binning { samples: 1280, columns: 100 },
        first_bin: 0,
        end,
        end_time: None,
        oldest: newest.saturating_sub(2560),
        newest,
        last: None,
        gaps: Vec::new(),
        seconds: Vec::new(),
        clock_steps: Vec::new(),
        markers: Vec::new(),
        cursors: [None; 2],
        spread: f32::NAN,
        reference: Vec::new(),
        spectra: None,
    });
    Arc::new(snapshot)
}
