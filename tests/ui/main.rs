//! What the monitor looks like in its states, as pictures in text; that it can be drawn at any
//! size; that nothing from the wire gets through to the terminal; and what a frame costs in bytes.

#![expect(clippy::expect_used, reason = "a fixture that cannot be made has failed")]

mod alerts;
mod alive;
mod axis;
mod bad_channels;
mod bytes;
mod clocks;
mod fixture;
mod motion;
mod mouse;
mod overview;
mod session;
mod views;

use std::{
    cell::Cell,
    io::{self, Write},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use cortop::{
    app::{Action, Key, Keymap, Message, Pane},
    ui::{Colors, UiOptions},
};
use cortop_client::{
    ClockOffset, ConnectionStep, Error, ErrorKind, Event, HeadsetId, Link, Marker, Method, Record,
    RecordEvent, Security, Session, SessionMode, Stream, Warning,
    account::Licence,
    code::{self, ErrorCode, WARNINGS},
    session::SessionStatus,
};
use cortop_signal::{snapshot::Bin, view::ViewEnd};
use fixture::{Fixture, HEADSET, SID, insight, options, session};
use serde_json::Value;

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// A screen at both sizes, fed with signals.
fn pictures(name: &str, fixture: impl Fn() -> Fixture) {
    for (width, height) in SIZES {
        let mut fixture = fixture();
        // The first tells what there is to look at.
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
fn before_anything_is_known() {
    pictures("connecting", new);
    pictures("waiting", || {
        let fixture = new();
        let at = fixture.now().instant + Duration::from_millis(2400);
        let why = "nothing listens there; start EMOTIV Launcher";
        let error = Error::new(ErrorKind::Unreachable, why, "");
        fixture.link(Link::Waiting { error, at, attempt: 4 })
    });
}

#[test]
fn what_is_not_answered_says_so_and_since_when() {
    let mut fixture = new().linked(ConnectionStep::Authorizing);
    assert!(!fixture.text(80, 24).contains("has not answered"));
    fixture.forward(Duration::from_secs(12));
    let text = fixture.text(80, 24).replace('\n', " ");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("Cortex (authorize) has not answered for 12 s,"), "{text}");
    assert!(text.contains("since 14:25:33."), "{text}");
}

/// The number and state of the headsets as they are, and what to do.
#[test]
fn what_is_said_of_the_headsets_is_true() {
    let text = |step: ConnectionStep, list: Vec<cortop_client::Headset>| {
        let mut fixture = new().linked(step);
        fixture.on_event(Event::Headsets(list));
        let text = fixture.text(160, 48);
        text.lines().take(8).collect::<Vec<_>>().join(" ")
    };
    let (epocx, insight) = (fixture::headset(), fixture::insight());
    let charging = cortop_client::Headset { connected_by: "usb cable".into(), ..epocx.clone() };
    let third = || ConnectionStep::Missing("MN8-0000ABCD".into());
    for (step, list, words) in [
        (
            ConnectionStep::Choosing,
            vec![epocx.clone()],
            format!("No session is open on {}.", epocx.id),
        ),
        (ConnectionStep::Choosing, vec![charging], format!("{} is on a USB cable", epocx.id)),
        (
            ConnectionStep::Choosing,
            vec![epocx.clone(), insight.clone()],
            "There are 2 headsets: ".to_owned(),
        ),
        (
            third(),
            vec![epocx.clone()],
            format!("MN8-0000ABCD is not there. There is {}.", epocx.id),
        ),
        (
            third(),
            vec![epocx.clone(), insight],
            "MN8-0000ABCD is not there. There are 2".to_owned(),
        ),
    ] {
        let text = text(step, list);
        assert!(text.contains(&words), "{words}: {text}");
    }
}

fn cut_off(mut fixture: Fixture) -> Fixture {
    let at = fixture.now().instant + Duration::from_millis(2400);
    let why = "the service closed the connection; start EMOTIV Launcher";
    let error = Error::new(ErrorKind::Unreachable, why, "");
    fixture.on_event(Event::Link(Link::Waiting { error, at, attempt: 1 }));
    fixture
}

#[test]
fn nothing_looks_alive_without_a_connection() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        let fixture = cut_off(fixture);
        picture("cut_off", &fixture, width, height);
        let text = fixture.text(width, height);
        let head: String = text.lines().take(2).collect();
        assert!(head.contains("no data") && text.contains("last known"), "{text}");
        for alive in ["Hz", "lost 0", "battery", "still open", "debited: "] {
            assert!(!head.contains(alive) && !text.contains("still open"), "{alive}\n{text}");
        }
    }
    for stream in Stream::ALL {
        let mut fixture = one(stream);
        fixture.feed(120, 40, 3000);
        let fixture = cut_off(fixture);
        let text = fixture.text(120, 40);
        assert!(text.contains("no data since") || text.contains("STALE"), "{stream}\n{text}");
    }
}

#[test]
fn nothing_looks_alive_once_the_session_is_closed() {
    // What is computed over a window stands as it was.
    let computed = ["spectrum", "spectrogram", "numbers"];
    let views = names().filter(|name| !computed.contains(name));
    for (shown, (width, height)) in views.flat_map(|shown| SIZES.map(|size| (shown, size))) {
        let mut fixture = new().streaming();
        fixture.show(shown);
        fixture.feed(width, height, 3000);
        let why = "Cortex closed it".to_owned();
        fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
        fixture.shorten_notice();
        let text = fixture.text(width, height);
        assert!(text.contains("closed 0 s ago") && text.contains("no data"), "{text}");
        assert!(text.contains("The session is closed: Cortex closed it"), "{text}");
        // The old picture stands, and looks old.
        let pictured = ["all", "eeg", "mot"].contains(&shown);
        assert_eq!(text.contains("STALE"), pictured, "{shown:?}\n{text}");
        let text = text.replace("0.5–45 Hz", "the filters").replace("8–12 Hz", "the band");
        for alive in ["Hz", "battery", "85 %", "still open", "lost 0", "blink"] {
            assert!(!text.contains(alive), "{alive} in {shown:?}\n{text}");
        }
    }
}

#[test]
fn a_passing_refusal_does_not_stand_in_the_way() {
    let text = "The headset is currently not available.";
    let refusal = Error::refused(Method::ControlDevice, code::error::HEADSET_UNAVAILABLE, text);
    let mut fixture = new().streaming();
    fixture.on_event(Event::Refused(refusal));
    assert!(fixture.text(120, 40).contains("currently not available"), "said once, in the footer");
    fixture.until_the_notice_is_gone();
    assert!(!fixture.text(120, 40).contains("currently not available"));
}

#[test]
fn while_the_user_has_something_to_do() {
    pictures("login", || {
        let mut fixture = new().linked(ConnectionStep::Login);
        fixture.on_event(Event::User(None));
        fixture
    });
    pictures("approval", || new().linked(ConnectionStep::Approval));
    pictures("searching", || {
        let mut fixture = new().linked(ConnectionStep::Searching);
        fixture.on_event(Event::Headsets(Vec::new()));
        fixture.focus(Pane::Headsets);
        fixture
    });
    pictures("choosing", || {
        let mut fixture = new().linked(ConnectionStep::Choosing);
        fixture.on_event(Event::Headsets(vec![fixture::headset(), fixture::insight()]));
        fixture.focus(Pane::Headsets);
        fixture
    });
}

#[test]
fn streaming() {
    pictures("streaming", || new().streaming());
    for (width, height) in [(100, 30), (160, 48), (240, 60)] {
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

/// The wall clock is set 5 min ahead of Cortex's.
#[test]
fn the_age_of_a_session_is_that_of_its_creation_here_or_marked_as_a_guess() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.set_clock_ahead(Duration::from_mins(5));
        let text = fixture.text(width, height);
        assert!(text.contains("activated 3 min") && !text.contains('≈'), "{text}");

        let (session, mode) = (SID.into(), SessionMode::Active);
        fixture.on_event(Event::Opened { session, mode, why: "adopted".to_owned(), foreign: true });
        let text = fixture.text(width, height);
        assert!(text.contains("activated ≈8 min") && !text.contains(" 8 min"), "{text}");
        let started = text.lines().find(|line| line.contains(" started ")).expect("a row");
        assert!(started.contains(" ≈8 min"), "{started}");
    }
}

/// No stream of it is ours.
#[test]
fn another_programs_session_is_shown_calmly() {
    for (width, height) in SIZES {
        let mut fixture = new().linked(ConnectionStep::Watching);
        fixture.on_event(Event::Session(fixture::session(SessionStatus::Activated)));
        let (mode, why) = (SessionMode::Active, "adopted".to_owned());
        fixture.on_event(Event::Opened { session: SID.into(), mode, why, foreign: true });
        let (theirs, refused) = (Stream::ALL.to_vec(), Vec::new());
        let streams = Vec::new();
        fixture.on_event(Event::Subscribed { session: SID.into(), streams, theirs, refused });
        let text = fixture.text(width, height);
        let head = text.lines().next().unwrap_or_default();
        assert!(head.contains("● watching · another program's session"), "{head}");
        assert!(text.contains("its samples go to its owner"), "{text}");
        assert!(!text.contains('✖') && !text.contains("refused"), "{text}");
    }
}

/// After the connection was lost nobody knows what became of it.
#[test]
fn header_and_panes_agree_on_another_programs_session_that_was_left() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        let (session, mode) = (SID.into(), SessionMode::Active);
        fixture.on_event(Event::Opened { session, mode, why: "adopted".to_owned(), foreign: true });
        let why = "the connection to the service was lost".to_owned();
        fixture.on_event(Event::Released { session: SID.into(), why });
        fixture.forward(Duration::from_mins(1));
        let text = fixture.text(width, height);
        assert!(text.contains("left 1 min") && text.contains("The session is left"), "{text}");
        assert!(!text.contains("activated 1 min") && !text.contains("session is closed"), "{text}");
    }
}

#[test]
fn each_stream_as_what_it_is() {
    for stream in Stream::ALL {
        pictures(&format!("view_{stream}"), || one(stream));
    }
}

/// The contact view on the whole screen, the levels of the sensors changed.
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

fn spectral(shown: &str) -> Fixture {
    let mut fixture = new().streaming();
    fixture.show(shown);
    fixture.zoom();
    fixture
}

/// Selects the seventh channel, which takes a picture.
fn select_seventh(fixture: &mut Fixture) {
    fixture.feed(120, 40, 3000);
    for _ in 0..6 {
        fixture.apply(Action::ChannelDown);
    }
}

#[test]
fn spectra() {
    pictures("spectrum", || spectral("spectrum"));
    pictures("spectrum_of_all", || {
        let mut fixture = spectral("spectrum");
        fixture.apply(Action::SpectrumChannels);
        select_seventh(&mut fixture);
        fixture
    });
    pictures("spectrum_overlaid", || {
        let mut fixture = spectral("spectrum");
        for action in [
            Action::SpectrumChannels,
            Action::SpectrumChannels,
            Action::SpectrumEnd,
            Action::SpectrumScale,
        ] {
            fixture.apply(action);
        }
        fixture
    });
    pictures("spectrogram", || {
        let mut fixture = spectral("spectrogram");
        fixture.apply(Action::Reference);
        fixture
    });
    pictures("topography", || spectral("topography"));
    pictures("numbers", || {
        let mut fixture = spectral("numbers");
        select_seventh(&mut fixture);
        fixture
    });
    // Nothing but a second of data.
    let mut fixture = spectral("spectrum");
    fixture.feed(80, 24, 128);
    assert!(fixture.text(80, 24).contains("Two seconds without a gap are needed."));
}

#[test]
fn a_frozen_picture_that_has_been_forgotten_says_so_whole_in_every_view() {
    for shown in ["eeg", "spectrum", "spectrogram"] {
        let mut fixture = one(Stream::Eeg);
        fixture.show(shown);
        fixture.feed(80, 24, if shown == "eeg" { 2560 } else { 128 });
        fixture.edit_snapshot(|snapshot, _| {
            let traces = snapshot.traces.as_mut().expect("EEG");
            (traces.oldest, traces.newest) = (traces.end, traces.end + 1000);
        });
        fixture.apply(Action::Freeze);
        let text = fixture.text(80, 24);
        assert!(text.contains("has been forgotten;"), "{shown:?}:\n{text}");
        assert!(text.contains("what is left."), "{shown:?}:\n{text}");
        assert!(!text.contains("without a gap"), "{shown:?}:\n{text}");
        // No axis and no legend of what is not there.
        assert!(shown != "spectrogram" || !text.contains("│0 s"), "{text}");
        assert!(shown != "spectrogram" || !text.contains("dB"), "{text}");
    }
}

#[test]
fn the_legend_of_a_spectrogram_is_never_cut() {
    for (size, whole) in [((80, 24), false), ((120, 40), true)] {
        let mut fixture = one(Stream::Eeg);
        fixture.show("spectrogram");
        fixture.feed(size.0, size.1, 3000);
        fixture.feed(size.0, size.1, 3000);
        let text = fixture.text(size.0, size.1);
        let legend = text.lines().find(|line| line.contains("dB µV²/Hz")).expect("a legend");
        assert!(legend.ends_with('┃'), "{legend}");
        assert_eq!(legend.contains("of the 2 s before"), whole, "{legend}");
    }
}

#[test]
fn a_spectrogram_has_two_rows_a_cell_in_the_colours_of_its_legend() {
    for (colors, ascii) in [(Colors::Indexed, false), (Colors::Rgb, false), (Colors::Rgb, true)] {
        let mut fixture = Fixture::new(&UiOptions { colors, ascii, ..options() }).streaming();
        fixture.show("spectrogram");
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        let buffer = fixture.buffer(120, 40);
        let text = fixture.text(120, 40);
        assert!(!ascii || text.is_ascii(), "{text}");
        let rows = || text.lines().zip(0..);
        let row = |word| rows().find(|(line, _)| line.contains(word)).expect(word).1;
        let legend = row(if ascii { "dB uV2/Hz" } else { "dB µV²/Hz" });
        let scale: Vec<_> =
            (0..120).map(|x| &buffer[(x, legend)]).filter(|cell| cell.symbol() == "█").collect();
        assert_eq!(scale.len(), if ascii { 0 } else { 12 }, "{text}");
        let (first, last) = (row("60 mains"), legend - 1);
        let mut plot = (first..last).flat_map(|y| (55..118).map(move |x| (x, y)));
        assert!(plot.clone().all(|at| buffer[at].symbol() != "?"), "{text}");
        assert_eq!(plot.any(|at| buffer[at].symbol() == "▀"), !ascii, "{text}");
        let weakest = (first..last).map(|y| buffer[(60, y)].fg);
        let ends = scale.first().is_none_or(|end| weakest.clone().any(|color| color == end.fg));
        assert!(ends, "the weakest is drawn in the first colour of the legend: {text}");
    }
}

#[test]
fn without_band_power_it_is_computed_from_eeg() {
    pictures("view_pow_computed", || {
        let mut fixture = one(Stream::Pow);
        let text = "The stream is unavailable or unsupported.";
        let refusal = Error::refused(Method::Subscribe, code::error::STREAM_UNAVAILABLE, text);
        let refusal = Error { next: "".into(), ..refusal };
        let refused = vec![(Stream::Pow, refusal)];
        let streams = Stream::ALL.into_iter().filter(|&stream| stream != Stream::Pow).collect();
        fixture.subscribed(SID, streams, refused);
        fixture.until_the_notice_is_gone();
        fixture
    });
}

#[test]
fn the_selected_sensor_is_among_those_shown() {
    for (width, height) in SIZES {
        let mut fixture = one(Stream::Pow);
        fixture.feed(width, height, 3000);
        for sensor in cortop_client::model::EPOC_SENSORS {
            fixture.feed(width, height, 3000);
            let text = fixture.text(width, height);
            assert!(text.contains(&format!("▶{sensor} ")), "{sensor}\n{text}");
            assert!(text.contains(&format!("{sensor}, 10 s: ")), "{sensor}\n{text}");
            fixture.apply(Action::ChannelDown);
        }
    }
}

#[test]
fn data_that_cannot_be_trusted() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                match health.stream {
                    Stream::Eeg => {
                        (health.lost, health.recent.lost, health.rate) = (57, 12, Some(118.0));
                    }
                    Stream::Mot => {
                        health.stale_since = Some(now - Duration::from_secs(75));
                        health.rate = None;
                    }
                    _ => {}
                }
            }
            for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
                let columns = trace.columns.len();
                trace.columns[columns / 4..columns / 3].fill(Bin { gap: true, ..Bin::EMPTY });
                trace.columns[columns / 2].gap = true;
            }
        });
        picture("lossy", &fixture, width, height);

        let mut fixture = new().streaming();
        fixture.zoom();
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                health.stale_since = Some(now - Duration::from_secs(75));
                health.rate = None;
            }
        });
        picture("stale", &fixture, width, height);
    }
}

#[test]
fn refused() {
    pictures("without_licence", || new().without_licence());
    pictures("refused", || {
        let mut fixture = new().linked(ConnectionStep::Stopped);
        let text = "The client id or secret is wrong.";
        let error = Error::refused(Method::Authorize, code::error::WRONG_CREDENTIALS, text);
        let next = "Check EMOTIV_CLIENT_ID and EMOTIV_CLIENT_SECRET.";
        fixture.on_event(Event::Refused(Error { next: next.into(), ..error }));
        fixture
    });
    pictures("closed", || {
        let mut fixture = new().streaming();
        let why = "Cortex closed it as the headset was lost".to_owned();
        fixture.on_event(Event::Closed { session: SID.into(), why, ordered: false });
        fixture
    });
}

#[test]
fn frozen_scrolling_and_clipped() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        for action in [Action::Zoom, Action::Sweep, Action::Larger] {
            fixture.apply(action);
        }
        fixture.feed(width, height, 3000);
        fixture.apply(Action::Freeze);
        fixture.forward(Duration::from_secs(9));
        fixture.feed(width, height, 3000);
        picture("frozen", &fixture, width, height);
    }
}

/// A zoomed picture after these keys, fed before and after.
fn after(keys: &[Action], options: &UiOptions, (width, height): (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(options).streaming();
    fixture.zoom();
    fixture.show_stream(Stream::Eeg);
    fixture.feed(width, height, 3000);
    for &key in keys {
        fixture.apply(key);
        fixture.feed(width, height, 3000);
    }
    fixture
}

/// A picture with two markers, one of them from nobody's friend.
fn mark(fixture: &mut Fixture) {
    fixture.edit_snapshot(|snapshot, _| {
        if let Some(traces) = &mut snapshot.traces {
            traces.markers = vec![(2100, "eyes closed 1".into()), (2600, "\u{1b}[2Jopen".into())];
        }
    });
}

#[test]
fn cursors_read_every_channel_and_how_far_apart_they_are() {
    let keys = [
        Action::Freeze,
        Action::CursorLeft,
        Action::SecondCursor,
        Action::CursorRight,
        Action::CursorRight,
        Action::CursorRight,
        Action::CursorOn,
    ];
    for size in SIZES {
        let mut fixture = after(&keys, &options(), size);
        mark(&mut fixture);
        picture("cursors", &fixture, size.0, size.1);
    }
    let columns = |fixture: &Fixture| fixture.view(120, 40).columns;
    let without = after(&keys[..1], &options(), (120, 40));
    let mut fixture = after(&keys[..2], &options(), (120, 40));
    assert_eq!(columns(&without), columns(&fixture), "placing a cursor moves nothing");
    let text = fixture.text(120, 40);
    let [Some(at), None] = fixture.view(120, 40).cursors else { panic!("one cursor") };
    for (channel, label) in cortop_client::model::EPOC_SENSORS.iter().enumerate() {
        let value = format!("{:+.1} µV", fixture::value(channel, at));
        let row = text.lines().find(|line| line.contains(&format!("┃{label} "))).expect("a row");
        assert!(row.contains(&value), "{label} {value}\n{text}");
    }
    fixture.apply(Action::Freeze);
    fixture.feed(120, 40, 3000);
    assert!(!fixture.text(120, 40).contains('▲'), "no cursor in a moving picture");
}

#[test]
fn markers_stand_in_the_picture_in_every_way_it_is_drawn() {
    let ascii = UiOptions { ascii: true, ..options() };
    for (name, keys, options) in [
        ("marked", &[][..], options()),
        ("marked_scroll", &[Action::Sweep], options()),
        ("marked_ascii", &[], ascii),
    ] {
        for size in SIZES {
            let mut fixture = after(keys, &options, size);
            mark(&mut fixture);
            picture(name, &fixture, size.0, size.1);
        }
    }
}

#[test]
fn ways_of_drawing() {
    for (name, keys) in
        [("half_block", &[Action::GlyphSet][..]), ("block", &[Action::GlyphSet, Action::GlyphSet])]
    {
        for size in SIZES {
            picture(name, &after(keys, &options(), size), size.0, size.1);
        }
    }
}

#[test]
fn channels_arranged() {
    let keys = [
        Action::HideChannel,
        Action::ChannelDown,
        Action::MoveChannelDown,
        Action::ChannelSmaller,
        Action::ChannelUp,
        Action::ChannelLarger,
        Action::ChannelLarger,
    ];
    for size in SIZES {
        picture("arranged", &after(&keys, &options(), size), size.0, size.1);
        let solo = after(&[Action::ChannelDown, Action::SoloChannel], &options(), size);
        picture("solo", &solo, size.0, size.1);
    }
}

#[test]
fn each_channel_keeps_its_colour() {
    let rgb = UiOptions { colors: Colors::Rgb, ..options() };
    let mut fixture = after(&[Action::HideChannel], &rgb, (120, 40));
    // Below the header, the frame and the line of the stream's health.
    let row = |fixture: &Fixture, row: u16| fixture.buffer(120, 40)[(60, 4 + 2 * row)].fg;
    for name in Fixture::new(&rgb).themes() {
        fixture.choose_theme(name);
        let colours: std::collections::BTreeSet<_> =
            (0..13).map(|at| row(&fixture, at).to_string()).collect();
        let many = ["hues-dark", "hues-light", "pastel", "colour-blind"].contains(&name.as_str());
        assert_eq!(colours.len() == 13, many, "{name}: {colours:?}");
        let second = row(&fixture, 0);
        fixture.apply(Action::ResetChannels);
        fixture.feed(120, 40, 3000);
        assert_eq!(row(&fixture, 1), second, "{name}");
        fixture.apply(Action::ChannelUp);
        fixture.apply(Action::HideChannel);
        fixture.feed(120, 40, 3000);
    }
}

#[test]
fn the_header_says_how_far_back_a_frozen_picture_is() {
    let mut fixture = after(&[Action::Freeze], &options(), (120, 40));
    fixture.forward(Duration::from_secs(70));
    fixture.apply(Action::Earlier);
    let ViewEnd::At(end) = fixture.view(120, 40).end else { panic!("frozen") };
    fixture.feed(120, 40, end);
    let text = fixture.text(120, 40);
    let head = text.lines().next().expect("a header");
    assert!(head.contains("FROZEN 14:28:40 · 1 min 15 s ago · since 14:28:45"), "{head}");
}

#[test]
fn help_shows_every_key_in_force() {
    pictures("help", || {
        let mut fixture = new();
        fixture.apply(Action::Help);
        fixture
    });
    for (focus, size) in Pane::ALL.into_iter().flat_map(|pane| SIZES.map(|size| (pane, size))) {
        let mut fixture = new();
        fixture.focus(focus);
        fixture.apply(Action::Help);
        // More pages than there are show the first ones again.
        let pages: Vec<_> = (0..6)
            .map(|_| {
                let page = fixture.text(size.0, size.1);
                fixture.press(Key::PAGE_DOWN);
                page
            })
            .collect();
        let text = pages.join("\n");
        let keymap = Keymap::new(cortop::ui::views());
        let rows = keymap.rows().map(|(row, _)| row);
        for row in rows.filter(|row| !row.keys.is_empty()) {
            let first = row.help.split(' ').next().expect("a word");
            let key = row.keys[0].to_string();
            assert!(
                text.lines().any(|line| line.contains(&key) && line.contains(first)),
                "{row:?}
{text}"
            );
        }
    }
}

#[test]
fn the_help_opens_with_what_works_in_this_view_and_typing_narrows_it() {
    let mut fixture = new().streaming();
    fixture.show("contact");
    fixture.apply(Action::Help);
    let text = fixture.text(120, 40);
    let first = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}\n{text}"));
    assert!(text.contains("streams: contact"), "{text}");
    assert!(!text.contains("next high-pass") || first("quit") < first("next high-pass"), "{text}");
    for char in "next pane".chars() {
        fixture.press(Key::char(char));
    }
    let text = fixture.text(80, 24);
    assert!(text.contains("search: next pane") && text.contains("tab       next pane"), "{text}");
    assert!(!text.contains("contact quality"), "{text}");
    for char in "xyz".chars() {
        fixture.press(Key::char(char));
    }
    assert!(fixture.text(80, 24).contains("no key does that"), "{}", fixture.text(80, 24));
}

#[test]
fn the_footer_names_the_keys_of_the_view_and_never_leaves_out_the_last_ones() {
    for view in names() {
        let mut fixture = new().streaming();
        fixture.show(view);
        let text = fixture.text(80, 24);
        let footer = text.lines().last().expect("a footer");
        for hint in [" commands", " freeze", " record", " help", " quit"] {
            assert!(footer.contains(hint), "{view}: {footer}");
        }
        let works = ["spectrum", "eeg", "all"].contains(&view);
        assert_eq!(footer.contains("larger"), works, "{view}: {footer}");
    }
    let mut fixture = new().streaming();
    fixture.feed(80, 24, 3000);
    fixture.feed(80, 24, 3000);
    fixture.press(Key::SPACE);
    let text = fixture.text(80, 24);
    let footer = text.lines().last().expect("a footer");
    assert!(footer.contains("space resume"), "{footer}");
}

#[test]
fn the_help_says_what_the_marks_mean_and_what_the_filters_do() {
    for size in SIZES {
        let mut fixture = new();
        fixture.apply(Action::Help);
        let pages = (0..6).map(|_| {
            let page = fixture.text(size.0, size.1);
            fixture.press(Key::PAGE_DOWN);
            page
        });
        let pages = pages.collect::<String>();
        let text = pages.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["╳ samples lost", "↺ filter restarted", "up positive", "134 ms", "causal"]
        {
            assert!(text.contains(words), "{words}\n{pages}");
        }
    }
}

#[test]
fn a_restarted_filter_is_marked_unlike_a_loss() {
    let ascii = UiOptions { ascii: true, ..options() };
    let ways = [("┃F3 ", "↺", "╳", options()), ("|F3 ", "@", "x", ascii)];
    for (label, glyph, lost, options) in ways {
        for (size, shown) in [((120, 40), "eeg"), ((80, 24), "all")] {
            let mut fixture = Fixture::new(&options).streaming();
            if shown != "all" {
                fixture.zoom();
            }
            fixture.show(shown);
            fixture.feed(size.0, size.1, 3000);
            fixture.feed(size.0, size.1, 3000);
            let before = fixture.text(size.0, size.1);
            assert!(!before.contains("restart"), "{before}");
            fixture.edit_snapshot(|snapshot, _| {
                let traces = snapshot.traces.as_mut().expect("traces");
                let (first, count) = (traces.first_bin, traces.channels[2].columns.len());
                traces.channels[2].restarts = vec![first + 2 * count as u64 / 3];
                for trace in &mut traces.channels {
                    trace.columns[count / 3].gap = true;
                }
            });
            let (text, buffer) = (fixture.text(size.0, size.1), fixture.buffer(size.0, size.1));
            assert!(text.contains(&format!("{glyph} restart")), "{text}");
            // One in the row of its channel, the other on the time axis.
            let colour = |label: &str, glyph: &str| {
                let rows = text.lines().skip(3);
                let row = rows.clone().position(|line| line.contains(label)).expect(label) + 3;
                let row = u16::try_from(row).expect("small");
                let left = if size.0 == 80 { 30 } else { 1 };
                let mut cells = (left..size.0).map(|x| &buffer[(x, row)]);
                let marked = cells.find(|cell| cell.symbol() == glyph);
                marked.unwrap_or_else(|| panic!("{glyph} at {label}\n{text}")).fg
            };
            assert_ne!(colour(label, glyph), colour("14:28:4", lost));
        }
    }
}

#[test]
fn band_power_has_its_numbers_its_medians_and_marks_what_is_beyond() {
    for (width, height) in SIZES {
        let mut fixture = one(Stream::Pow);
        fixture.feed(width, height, 3000);
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, _| {
            let table = Arc::make_mut(snapshot.readings.pow.as_mut().expect("power"));
            let newest = [340.0, 4.2, 0.0041, 0.5, 12.0];
            for (value, newest) in table.values.iter_mut().zip(newest) {
                value.1 = Some(newest);
            }
            let traces = snapshot.traces.as_mut().expect("a history");
            let medians = [151.0, 4.0, 0.0016, 0.7, 9.04];
            for (trace, median) in traces.channels.iter_mut().zip(medians) {
                trace.exact_median = median;
            }
        });
        let text = fixture.text(width, height);
        let row = text.lines().position(|line| line.contains("▶AF3 ")).expect("selected");
        let rows: Vec<&str> = text.lines().skip(row).take(2).collect();
        let own: Vec<&str> =
            rows[1].split('┃').nth(1).expect("inside").split_whitespace().collect();
        assert_eq!(own, ["340", "4.20", "4e-3", "0.500", "12.0"], "{text}");
        assert!(rows[0].contains('▸') && rows[0].contains('◂'), "beyond the bars: {text}");
        for median in ["theta   151", "alpha  4.00", "betaL  2e-3", "betaH 0.700", "gamma  9.04"] {
            assert!(text.contains(median), "{median}\n{text}");
        }
        // A third of a decade about a hundredth of the median is far below a tenth of it.
        let theta = text.lines().find(|line| line.contains("theta   151")).expect("a row");
        assert!(theta.contains('▾') || height > 24, "{text}");
    }
}

#[test]
fn the_help_has_as_many_columns_as_fit_whole() {
    // Three columns of 39 cells, and one or two that are left.
    for width in [120, 121] {
        let mut fixture = new();
        fixture.apply(Action::Help);
        let text = fixture.text(width, 40);
        for line in text.lines().skip(1).take(38) {
            assert!(line.chars().skip(1 + 3 * 39).all(|char| " │".contains(char)), "{text}");
        }
    }
}

#[test]
fn a_screen_that_is_too_small_says_first_what_is_needed() {
    for (size, said) in [((20, 5), "24×6 needed, this is"), ((20, 1), "24×6"), ((10, 3), "24×6")]
    {
        let text = new().text(size.0, size.1);
        assert!(text.starts_with(said), "{text}");
    }
    assert!(new().text(20, 5).contains("20×5"));
}

#[test]
fn ascii_has_nothing_but_ascii() {
    let ascii = UiOptions { ascii: true, ..options() };
    let mut fixture = Fixture::new(&ascii).streaming();
    fixture.feed(160, 48, 3000);
    assert!(fixture.text(160, 48).contains(" +/-50 uV/row"), "{}", fixture.text(160, 48));
    pictures("ascii", || {
        let mut fixture = Fixture::new(&ascii).streaming();
        fixture.zoom();
        fixture
    });
    for shown in names() {
        let mut fixture = Fixture::new(&ascii).streaming();
        fixture.show(shown);
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        assert!(fixture.text(120, 40).is_ascii(), "{shown:?}");
    }
}

#[test]
fn every_size_can_be_drawn() {
    let mut fixtures =
        vec![new(), new().linked(ConnectionStep::Approval), new().without_licence(), {
            let mut fixture = new();
            fixture.apply(Action::Help);
            fixture
        }];
    fixtures.extend(Stream::ALL.map(one));
    fixtures.push({
        let mut fixture = one(Stream::Eeg);
        fixture.show("inspector");
        fixture
    });
    fixtures.extend(["spectrum", "spectrogram"].map(spectral));
    let mut all = spectral("spectrum");
    all.apply(Action::SpectrumChannels);
    fixtures.push(all);
    fixtures.extend(Pane::ALL.map(|pane| {
        let mut fixture = new().streaming();
        fixture.focus(pane);
        if (pane as usize).is_multiple_of(2) {
            fixture.zoom();
        }
        fixture
    }));
    let open = |pane: Pane, keys: &str| {
        let mut fixture = new().streaming();
        fixture.feed(60, 20, 3000);
        fixture.focus(pane);
        keys.chars().for_each(|key| drop(fixture.press(Key::char(key))));
        fixture
    };
    fixtures.extend(
        [
            (Pane::Streams, " hhdhh"),
            (Pane::Streams, "R頭頭 頭"),
            (Pane::Streams, "e"),
            (Pane::Streams, ":st"),
            (Pane::Streams, ":nothing such"),
            (Pane::Headsets, "o"),
            (Pane::Headsets, "r"),
            (Pane::Headsets, "e"),
            (Pane::Session, "s"),
            (Pane::Session, "h"),
            (Pane::Session, "u"),
        ]
        .map(|(pane, keys)| open(pane, keys)),
    );
    fixtures.push({
        let mut fixture = open(Pane::Log, "");
        fixture.update(Message::Notice("頭 and many words ".repeat(50)));
        fixture
    });
    // A quarter of the states at each size; its neighbours have the others.
    for (width, height) in (1..=60).flat_map(|width| (1..=20).map(move |height| (width, height))) {
        let turn = usize::from(width + height) % 4;
        for fixture in fixtures.iter_mut().skip(turn).step_by(4) {
            fixture.feed(width, height, 3000);
            fixture.buffer(width, height);
        }
    }
}

#[test]
fn text_from_the_wire_drives_nothing() {
    let evil = "a\u{1b}]52;c;AAAA\u{7}\u{202e}\u{9b}2J\r\n\u{200b}z";
    let mut fixture = new()
        .with(|settings| settings.url = evil.to_owned())
        .linked(ConnectionStep::Connecting(HeadsetId::from(evil)));
    let mut headset = fixture::headset();
    for text in [
        &mut headset.custom_name,
        &mut headset.connected_by,
        &mut headset.firmware,
        &mut headset.settings.mode,
    ] {
        *text = evil.to_owned();
    }
    headset.id = evil.into();
    headset.sensors = vec![evil.to_owned(); 40];
    let mut session = fixture::session(evil.to_owned().into());
    for text in [
        &mut session.owner,
        &mut session.app_id,
        &mut session.started,
        &mut session.license,
        &mut session.stopped,
    ] {
        *text = Some(evil.to_owned());
    }
    session.streams = Some(vec![evil.to_owned()]);
    session.record_ids = Some(vec![evil.to_owned()]);
    session.headset = headset.clone();
    fixture.on_event(Event::Headsets(vec![headset]));
    fixture.on_event(Event::Session(session));
    let refusal = Error::refused(Method::Subscribe, 1, evil);
    let refusal = Error { next: evil.to_owned().into(), ..refusal };
    fixture.subscribed(SID, Stream::ALL[..8].to_vec(), vec![(Stream::Sys, refusal.clone())]);
    fixture.focus(Pane::Session);
    fixture.press(Key::ENTER);
    for shown in names() {
        for focus in Pane::ALL {
            fixture.show(shown);
            fixture.focus(focus);
            fixture.feed(120, 40, 3000);
            fixture.edit_snapshot(|snapshot, _| {
                for message in &mut snapshot.messages {
                    Arc::make_mut(message).text = format!("{{\"eeg\":[\"{evil}\"]}}").into();
                }
                let readings = &mut snapshot.readings;
                readings.com.iter_mut().for_each(|com| Arc::make_mut(com).action = evil.to_owned());
                readings.fac.iter_mut().map(Arc::make_mut).for_each(|fac| {
                    (fac.eyes, fac.upper.0, fac.lower.0) =
                        (evil.to_owned(), evil.to_owned(), evil.to_owned());
                });
                readings
                    .sys
                    .iter_mut()
                    .for_each(|sys| Arc::make_mut(sys).texts = vec![evil.to_owned()]);
                readings.met.iter_mut().for_each(|met| met.name = evil.to_owned());
                for table in
                    [&mut readings.dev, &mut readings.eq, &mut readings.pow].into_iter().flatten()
                {
                    let labels = Arc::make_mut(table).values.iter_mut().map(|(label, _)| label);
                    labels.for_each(|label| *label = format!("{evil}/alpha"));
                }
                for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
                    trace.label = evil.into();
                }
            });
            for cell in &fixture.buffer(120, 40).content {
                let harmful =
                    |char: char| char.is_control() || ('\u{202a}'..='\u{202e}').contains(&char);
                assert!(!cell.symbol().contains(harmful), "{:?} in {shown:?}", cell.symbol());
            }
            let text = fixture.text(120, 40);
            assert!(
                text.contains('\u{fffd}'),
                "what was left out is to be seen in {shown:?}\n{text}"
            );
        }
    }
}

#[test]
fn the_note_on_security_stands_in_the_header() {
    for (security, word) in [
        (Security::WrongName, "name not checked"),
        (Security::Unchecked, "insecure"),
        (Security::Plain, "plain"),
    ] {
        let up = || Link::Up { security, step: ConnectionStep::Streaming };
        // The demo's service is in this program.
        let text = new().streaming().link(up()).text(80, 24);
        assert!(!text.contains(word), "{word}");
        let text = new().streaming_from_cortex().link(up()).text(80, 24);
        assert!(text.lines().next().is_some_and(|line| line.contains(word)), "{word}");
    }
}

/// Counts what a terminal would get.
struct ByteCount(Rc<Cell<usize>>);

impl Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_sweep_costs_few_bytes_and_an_unchanged_screen_none() {
    let (width, height) = (120, 40);
    let count = Rc::new(Cell::new(0));
    let area = ratatui::layout::Rect::new(0, 0, width, height);
    let viewport = ratatui::TerminalOptions { viewport: ratatui::Viewport::Fixed(area) };
    let backend = ratatui::backend::CrosstermBackend::new(ByteCount(Rc::clone(&count)));
    let mut terminal = ratatui::Terminal::with_options(backend, viewport).expect("a terminal");
    let mut fixture = new().streaming();
    fixture.zoom();
    // What ratatui writes in every frame, even an empty one: resets of colours, the cursor hidden.
    terminal.draw(|_| ()).expect("drawn");
    let floor = count.take();
    let mut cost = |fixture: &Fixture| {
        terminal.draw(|frame| fixture.draw(frame)).expect("drawn");
        count.take()
    };
    fixture.feed(width, height, 3000);
    let first = cost(&fixture);
    assert_eq!(cost(&fixture) - floor, 0, "an unchanged screen");
    let steps: Vec<usize> = (1..=300)
        .map(|step| {
            // 30 frames a second of 128 samples.
            fixture.feed(width, height, 3000 + step * 128 / 30);
            cost(&fixture) - floor
        })
        .collect();
    let (sum, most) = (steps.iter().sum::<usize>(), steps.iter().max().copied().unwrap_or(0));
    println!("first {first} B, a sweep step {} B on average, {most} B at most", sum / steps.len());
    assert!(most <= 2000, "a sweep step costs {most} bytes");
    assert!(sum / steps.len() <= first / 50, "{sum} bytes in {} steps, first {first}", steps.len());
}

/// What the keys open over the panes.
#[test]
fn dialogs() {
    let open = |keys: &[Key]| {
        let mut fixture = new().streaming();
        for key in keys {
            fixture.press(*key);
        }
        fixture
    };
    let short = Key::char;
    pictures("palette", || open(&[short(':'), short('s'), short('t'), Key::DOWN]));
    pictures("record_form", || open(&[short('R'), Key::TAB, short('a')]));
    pictures("streams_chosen", || open(&[short('3'), short('e'), Key::DOWN]));
    pictures("activate", || {
        let mut fixture = new().without_licence();
        fixture.press(short('2'));
        fixture.press(short('a'));
        fixture
    });
}

/// A record runs, a licence ends, no profile is loaded, and a scan goes on.
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
    // However small the screen, how long a record has run is on it.
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

/// A form taller than the screen shows the entry that is filled in.
#[test]
fn a_form_on_a_small_screen() {
    let mut fixture = new().with(|settings| settings.fragile = true).streaming();
    fixture.press(Key::char('R'));
    for label in ["title", "subject", "description", "tags"] {
        for (width, height) in [(40, 12), (30, 8)] {
            let text = fixture.text(width, height);
            assert!(text.contains(&format!("▶{label}")), "{text}");
        }
        fixture.press(Key::TAB);
    }
    picture("small_form", &fixture, 40, 12);
}

/// Whatever the code, the reason and the next step are on the screen, whole.
#[test]
fn every_code_is_explained_on_the_screen() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for row in ErrorCode::all() {
        let method = row.method.unwrap_or(Method::CreateSession);
        for (width, height) in SIZES {
            let mut fixture = new().streaming();
            fixture.feed(width, height, 3000);
            fixture.on_event(Event::Refused(Error::refused(method, row.code, row.meaning)));
            let text = fixture.text(width, height);
            let shown = words(&text).join(" ");
            let expected = format!("{method} {}: {} → {}", row.code, row.meaning, row.next);
            assert!(shown.contains(&words(&expected).join(" ")), "{expected}\n{text}");
        }
    }
    for row in WARNINGS {
        for (width, height) in SIZES {
            let mut fixture = new().streaming();
            fixture.feed(width, height, 3000);
            fixture.on_event(Event::Warning(Warning { code: row.code, message: Value::Null }));
            let text = fixture.text(width, height);
            let shown = words(&text).join(" ");
            for sentence in [row.meaning, row.next] {
                assert!(
                    shown.contains(&words(sentence).join(" ")),
                    "{}: {sentence}\n{text}",
                    row.code
                );
            }
        }
    }
}

#[test]
fn the_header_shows_that_an_opening_was_called_off() {
    let mut fixture = new().linked(ConnectionStep::Opening(HEADSET.into()));
    fixture.on_event(Event::Headsets(vec![fixture::headset()]));
    let header = |fixture: &Fixture| fixture.text(80, 24).lines().next().map(str::to_owned);
    assert!(header(&fixture).is_some_and(|line| line.contains("opening")));
    for key in ['1', 'x'] {
        fixture.press(Key::char(key));
    }
    let line = header(&fixture).expect("a header");
    assert!(line.contains("called off, waiting for Cortex"), "{line}");
    assert!(!line.contains("opening"), "{line}");
}
