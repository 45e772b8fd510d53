//! The monitor's states as text pictures; it can be drawn at any size; nothing from the wire reaches the
//! terminal unsanitized; and the bytes of a frame.

#![expect(clippy::expect_used, reason = "a fixture that cannot be made has failed")]

mod alerts;
mod alive;
mod axis;
mod bad_channels;
mod bytes;
mod clocks;
mod connection;
mod every_size;
mod fixture;
mod keys;
mod motion;
mod mouse;
mod overview;
mod session;
mod sizes;
mod spectral;
mod traces;
mod views;

use std::time::Duration;

use cortop::app::{Action, Key, Pane};
use cortop_client::{
    ClockOffset, Event, Marker, Record, RecordEvent, Session, Stream, account::Licence,
    session::SessionStatus,
};
use fixture::{Fixture, HEADSET, SID, insight, options, session};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
/// The sizes at which the default screen, each view, each waiting state and each alert are checked.
const FIVE_SIZES: [(u16, u16); 5] = [(80, 24), (100, 30), (120, 40), (160, 48), (240, 60)];

/// A screen at both sizes, fed with signals.
fn pictures(name: &str, fixture: impl Fn() -> Fixture) {
    for (width, height) in SIZES {
        let mut fixture = fixture();
        // The first draw determines what is requested.
        fixture.feed(width, height, 3000);
        fixture.feed(width, height, 3000);
        picture(name, &fixture, width, height);
    }
}

fn picture(name: &str, fixture: &Fixture, width: u16, height: u16) {
    insta::assert_snapshot!(format!("{name}_{width}x{height}"), fixture.text(width, height));
}

fn new() -> Fixture {
    Fixture::new(&options())
}

/// The names of all views.
fn names() -> impl Iterator<Item = &'static str> {
    cortop::ui::views().into_iter().map(|view| view.name)
}

fn one(stream: Stream) -> Fixture {
    let mut fixture = new().streaming();
    fixture.show_stream(stream);
    fixture
}

#[test]
fn streaming() {
    for (width, height) in FIVE_SIZES {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        fixture.feed(width, height, 3000);
        picture("streaming", &fixture, width, height);
    }
    pictures("session_focused", || {
        let mut fixture = new().streaming();
        fixture.focus(Pane::Session);
        fixture.press(Key::ENTER);
        fixture
    });
}

#[test]
fn zoomed() {
    for (pane, name) in Pane::ALL.into_iter().zip(["headsets", "session", "streams", "log"]) {
        pictures(&format!("zoomed_{name}"), || {
            let mut fixture = new().streaming();
            fixture.focus(pane);
            fixture.zoom();
            fixture
        });
    }
}

#[test]
fn the_unfolded_headset_shows_its_clock() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.focus(Pane::Headsets);
        fixture.zoom();
        let clock = ClockOffset { offset: 0.0121, uncertainty: 0.0073 };
        fixture.on_event(Event::Clock { headset: HEADSET.into(), clock });
        let text = fixture.text(width, height);
        let row = text.lines().find(|line| line.contains("clock ")).expect("a row");
        assert!(row.contains(" offset +0.012 s ± 8 ms"), "{row}");
    }
}

/// The contact view on the whole screen, with changed sensor levels.
fn fitting(name: &str, stream: Stream, level: fn(&str, f64) -> Option<f64>) {
    for (width, height) in SIZES {
        let mut fixture = one(stream);
        fixture.zoom();
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, _| fixture::set_levels(&mut snapshot.readings, level));
        picture(name, &fixture, width, height);
    }
}

#[test]
fn a_headset_is_fitted() {
    fitting("contact_good", Stream::Dev, |_, _| Some(4.0));
    fitting("contact_one_bad", Stream::Dev, |name, _| Some(if name == "T8" { 1.0 } else { 4.0 }));
    fitting("contact_reference_off", Stream::Dev, |name, _| {
        Some(if name.starts_with('F') { 1.0 } else { 0.0 })
    });
    fitting("contact_null", Stream::Dev, |name, level| (name != "O1").then_some(level));
    fitting("quality_mixed", Stream::Eq, |_, level| Some(level));
}

#[test]
fn the_inspector_shows_the_last_message_of_a_stream() {
    let open = || {
        let mut fixture = new().streaming();
        fixture.zoom();
        fixture.press(Key::char('i'));
        fixture
    };
    pictures("inspector_eeg", open);
    for (width, height) in SIZES {
        let mut fixture = open();
        fixture.feed(width, height, 3000);
        fixture.apply(Action::ChannelDown);
        assert!(fixture.text(width, height).contains("No message yet"), "of motion");
        fixture.apply(Action::ChannelDown);
        picture("inspector_dev", &fixture, width, height);
        fixture.apply(Action::Later);
        let text = fixture.text(width, height);
        assert!(text.contains('▲') && !text.contains("Battery "), "{text}");
        for _ in 0..9 {
            fixture.apply(Action::Later);
        }
        assert!(fixture.text(width, height).contains("1767968925.37"), "the end is the last line");
        fixture.press(Key::char('i'));
        assert_eq!(fixture.shown(), "all");
    }
}

/// A record is running, a licence expires, no profile is loaded, and a scan is under way.
#[test]
fn at_work() {
    let starts = |fixture: &mut Fixture| {
        let record = Record { title: "eyes closed".to_owned(), ..Record::default() };
        fixture.on_event(Event::Record(RecordEvent::Started {
            session: SID.into(),
            record,
            foreign: false,
        }));
        fixture.on_event(Event::Marker {
            session: SID.into(),
            record: "r".into(),
            marker: Marker { label: "start".to_owned(), ..Marker::default() },
        });
        fixture.on_event(Event::Profile { headset: HEADSET.into(), loaded: None });
        fixture.forward(Duration::from_secs(75));
    };
    pictures("recording", || {
        let mut fixture = new().streaming();
        starts(&mut fixture);
        let valid_to = "2026-01-14T23:59:59.999+00:00".to_owned();
        fixture.on_event(Event::Licence(Licence { valid_to, ..Licence::default() }));
        fixture.on_event(Event::Scan(true));
        fixture.forward(Duration::from_secs(8));
        fixture
    });
    let elsewhere = || {
        let mut fixture = new().streaming();
        starts(&mut fixture);
        let other = Session { headset: insight(), ..session(SessionStatus::Opened) };
        fixture.on_event(Event::Session(Session { id: "other".into(), ..other }));
        fixture.apply(Action::NextSession);
        fixture
    };
    pictures("recording_elsewhere", elsewhere);
    // However small the screen, it shows how long a record has run.
    for (width, height) in [(40, 12), (24, 6)] {
        let text = elsewhere().text(width, height);
        assert!(text.contains("REC 0:01:15"), "{text}");
    }
    pictures("without_profile", || {
        let mut fixture = new().streaming();
        fixture.on_event(Event::Profile { headset: HEADSET.into(), loaded: None });
        fixture.show_stream(Stream::Com);
        fixture
    });
}
