//! Tests of the drawn screen.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use ratatui::{Terminal, backend::TestBackend, style::Style};
use tokio::time::Instant;

use crate::{
    app::Key,
    lab::{BrokerLink, Lab, LabSettings},
    ui::{Ui, UiOptions},
};
use cortop_client::Moment;
use cortop_mqtt::{
    book::Received,
    payload::{
        HeadsetCondition, HeadsetState, SensorState, SessionState, StationAlert, StationEvent,
        StationMessage, StationState, Status, StreamReport,
    },
};

const SENSORS: [&str; 14] =
    ["AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4"];

/// 08:12:06 of the day of these tests.
const STALE_SINCE: f64 = 1_767_946_326.0;

fn send<T: serde::Serialize>(lab: &mut Lab, topic: &str, body: T) {
    let Moment { instant, wall } = lab.now;
    let wall = wall.as_duration().as_secs_f64();
    let payload = StationMessage::new(&"run".into(), wall, body).to_json();
    let (topic, payload) = (topic.to_owned().into(), payload.into());
    lab.on_message(&Received { topic, payload, retained: false, arrival: instant, wall });
}

fn headset(id: &str, condition: HeadsetCondition, worst: u8) -> HeadsetState {
    let level = |place: usize| if place == 4 { worst } else { 4 };
    let sensors = SENSORS.iter().enumerate().map(|(place, name)| SensorState {
        name: (*name).into(),
        level: Some(level(place)),
        defect: None,
    });
    let is_stale = condition == HeadsetCondition::Stale;
    let stream = StreamReport {
        name: "eeg".into(),
        nominal: Some(256.0),
        rate: (!is_stale).then_some(256.0),
        loss: Some(if worst < 2 { 1.2 } else { 0.0 }),
        lost: Some(3),
        stale_since: is_stale.then_some(STALE_SINCE),
    };
    let alert = |kind: &str, text: &str| StationAlert { kind: kind.into(), text: text.into() };
    let alerts = match (is_stale, worst) {
        (true, _) => vec![alert("stale", "eeg stale")],
        (_, 0) => vec![alert("contact", "T7 no contact")],
        _ => Vec::new(),
    };
    HeadsetState {
        headset: id.into(),
        model: "EPOC X".into(),
        condition,
        battery: Some(77),
        contact: Some(91),
        sensors: sensors.collect(),
        streams: vec![stream],
        session: Some(SessionState {
            status: "activated".into(),
            recording: worst > 2,
            ..SessionState::default()
        }),
        alerts,
        ..HeadsetState::default()
    }
}

/// Four stations: one streams, one has lost its headset, one is gone, and one was never heard.
fn busy() -> Lab {
    let wall: Timestamp = "2026-01-09T08:10:00Z".parse().expect("a time");
    let settings = LabSettings {
        broker: "mqtts://broker.example.org:8883".to_owned(),
        themes: vec!["auto".to_owned()],
        theme: 0,
        bell: true,
    };
    let mut lab = Lab::new(settings, Moment { instant: Instant::now(), wall });
    lab.on_link(BrokerLink::Connected);
    let state = |status| StationState {
        status,
        why: (status == Status::Gone).then(|| "lost".into()),
        host: "lab-pc".into(),
        cortex: "streaming".into(),
        accepts_markers: true,
        ..StationState::default()
    };
    let later = |lab: &mut Lab, seconds| {
        let Moment { instant, wall } = lab.now;
        let step = Duration::from_secs(seconds);
        lab.tick(Moment { instant: instant + step, wall: wall + step });
    };
    for second in 0..130 {
        for name in ["PC-01", "PC-02"] {
            send(&mut lab, &format!("cortop/v1/{name}/state"), state(Status::Online));
        }
        let worst = if second < 60 { 0 } else { 4 };
        send(
            &mut lab,
            "cortop/v1/PC-01/headset/EPOCX-0A1B2C3D/state",
            headset("EPOCX-0A1B2C3D", HeadsetCondition::Streaming, worst),
        );
        later(&mut lab, 1);
    }
    send(
        &mut lab,
        "cortop/v1/PC-01/headset/EPOCX-1A1B2C3D/state",
        headset("EPOCX-1A1B2C3D", HeadsetCondition::Streaming, 1),
    );
    send(
        &mut lab,
        "cortop/v1/PC-02/headset/EPOCX-2A1B2C3D/state",
        headset("EPOCX-2A1B2C3D", HeadsetCondition::Stale, 4),
    );
    send(&mut lab, "cortop/v1/PC-03/state", state(Status::Online));
    send(
        &mut lab,
        "cortop/v1/PC-03/headset/EPOCX-3A1B2C3D/state",
        headset("EPOCX-3A1B2C3D", HeadsetCondition::Streaming, 3),
    );
    send(&mut lab, "cortop/v1/PC-03/state", state(Status::Gone));
    let marker = StationEvent {
        at: lab.now.wall.as_duration().as_secs_f64() - 2.0,
        kind: "marker".into(),
        headset: Some("EPOCX-0A1B2C3D".into()),
        text: "marker go".into(),
    };
    send(&mut lab, "cortop/v1/PC-01/event", marker);
    later(&mut lab, 3);
    lab
}

fn draw(lab: &Lab, size: (u16, u16)) -> String {
    drawn(lab, size).to_string()
}

fn drawn(lab: &Lab, (width, height): (u16, u16)) -> TestBackend {
    let options = UiOptions { zone: Some(TimeZone::UTC), ..UiOptions::default() };
    let mut ui = Ui::new(&options).0;
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| ui.draw_lab(lab, frame)).expect("drawn");
    terminal.backend().clone()
}

/// The style of each occurrence of a text, from top to bottom.
fn styles_of(lab: &Lab, text: &str) -> Vec<Style> {
    let screen = drawn(lab, (80, 24));
    let buffer = screen.buffer();
    let area = *buffer.area();
    let symbols = |x, y| (x..area.width).map(move |x| buffer[(x, y)].symbol()).collect::<String>();
    let places = (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y)));
    let found = places.filter(|&(x, y)| symbols(x, y).starts_with(text));
    found.map(|place| buffer[place].style()).collect()
}

/// The style of old values, such as the state of a station that is gone.
fn stale_style() -> Style {
    let mut lab = busy();
    lab.opened = None;
    styles_of(&lab, "EPOCX-3A1B2C3D")[0]
}

#[test]
fn the_overview_shows_all_stations() {
    let lab = busy();
    insta::assert_snapshot!("overview_80x24", draw(&lab, (80, 24)));
    insta::assert_snapshot!("overview_160x48", draw(&lab, (160, 48)));
}

#[test]
fn a_station_shows_its_headsets_contact_and_history() {
    let mut lab = busy();
    lab.on_key(Key::ENTER);
    insta::assert_snapshot!("station_80x24", draw(&lab, (80, 24)));
    insta::assert_snapshot!("station_160x48", draw(&lab, (160, 48)));
}

#[test]
fn a_narrow_screen_shows_the_newest_of_the_history() {
    let mut lab = busy();
    lab.on_key(Key::ENTER);
    let strip = |columns| {
        let drawn = draw(&lab, (columns, 24));
        let line = drawn.lines().find_map(|line| line.split_once("┃rate")).expect("a strip").1;
        line.split('┃').next().expect("an edge").trim().to_owned()
    };
    let (narrow, wide) = (strip(48), strip(80));
    assert!(!narrow.is_empty() && wide.ends_with(&narrow), "{narrow}|{wide}");
}

#[test]
fn lines_of_the_log_and_the_help_can_be_read_on_the_smallest_screens() {
    let mut lab = busy();
    let long = "a_first_word and many more that no screen has room for in a row, with a last_word";
    lab.on_refusal(long);
    for size in [(80, 24), (40, 12)] {
        let has_end = |lab: &Lab| draw(lab, size).contains("last_word");
        assert!(!has_end(&lab), "{size:?}");
        lab.on_key(Key::TAB);
        assert!(has_end(&lab) && draw(&lab, size).contains("a_first_word"), "{size:?}");
        lab.on_key(Key::TAB);
    }
    lab.on_key(Key::char('?'));
    let mut seen = String::new();
    for _ in 0..20 {
        seen += &draw(&lab, (40, 10));
        lab.on_key(Key::PAGE_DOWN);
    }
    for key in crate::lab::TABLE.iter().flat_map(|row| row.keys) {
        assert!(seen.contains(&key.to_string()), "{key}");
    }
    for word in crate::lab::TABLE.iter().flat_map(|row| row.help.split_whitespace()) {
        assert!(seen.contains(word), "{word}");
    }
    lab.on_key(Key::ESC);
    assert!(lab.help.is_none());
}

#[test]
fn a_narrow_screen_says_how_each_headset_is() {
    let drawn = draw(&busy(), (40, 16));
    for words in ["streaming", "STALE ", "gone 08:12:10", "C3D"] {
        assert!(drawn.contains(words), "{words}\n{drawn}");
    }
}

#[test]
fn a_headset_whose_streams_have_stopped_says_since_when_and_looks_old() {
    let mut lab = busy();
    let now = lab.now.wall.as_duration().as_secs_f64();
    let id = "EPOCX-2A1B2C3D";
    let topic = format!("cortop/v1/PC-02/headset/{id}/state");
    let mut state = headset(id, HeadsetCondition::Stale, 4);
    let stream = |name: &str, ago: Option<f64>| StreamReport {
        name: name.into(),
        nominal: Some(2.0),
        rate: ago.is_none().then_some(2.0),
        stale_since: ago.map(|ago| now - ago),
        ..StreamReport::default()
    };
    state.streams = vec![stream("eeg", Some(20.0)), stream("mot", Some(20.0)), stream("dev", None)];
    send(&mut lab, &topic, state.clone());
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("STALE eeg 08:11:53"), "{drawn}");
    for key in [Key::DOWN, Key::DOWN, Key::ENTER] {
        lab.on_key(key);
    }
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("live · lab-pc · stale since 08:11:53 · "), "{drawn}");
    assert!(drawn.contains("✖ eeg mot stale since 08:11:53 · dev 2/2 Hz"), "{drawn}");
    state.streams = ["eeg", "mot", "dev"].map(|name| stream(name, Some(20.0))).to_vec();
    send(&mut lab, &topic, state);
    let old = styles_of(&lab, "● good");
    assert!(!old.is_empty() && old.iter().all(|style| *style == stale_style()), "{old:?}");
    lab.on_key(Key::ESC);
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("STALE 08:11:53"), "{drawn}");
    // Two of the rows above have this battery, and one has this contact.
    for (text, place) in [("77%", 2), ("all good", 1)] {
        let styles = styles_of(&lab, text);
        assert!(styles[place] == stale_style() && styles[0] != stale_style(), "{text}: {styles:?}");
    }
}

#[test]
fn of_a_station_that_went_before_the_lab_came_the_time_is_as_sure_as_it_is() {
    let mut lab = busy();
    let now = lab.now.wall.as_duration().as_secs_f64();
    for (name, status, why, ago) in [
        ("PC-11", Status::Gone, Some("stopped"), 60.0),
        ("PC-12", Status::Gone, Some("lost"), 60.0),
        // Its clock is ahead.
        ("PC-13", Status::Gone, Some("stopped"), -60.0),
        ("PC-14", Status::Online, None, 60.0),
    ] {
        let why = why.map(Into::into);
        let state = StationState { status, why, ..StationState::default() };
        let payload = StationMessage::new(&"run".into(), now - ago, state).to_json();
        let (topic, payload) = (format!("cortop/v1/{name}/state").into(), payload.into());
        let arrival = lab.now.instant;
        lab.on_message(&Received { topic, payload, retained: true, arrival, wall: now });
    }
    let Moment { instant, wall } = lab.now;
    let step = Duration::from_secs(13);
    lab.tick(Moment { instant: instant + step, wall: wall + step });
    let drawn = draw(&lab, (100, 24));
    let row = |name: &str| drawn.lines().find(|line| line.contains(name)).expect("a row");
    for (name, said) in [
        ("PC-11", "gone ≈08:11:13 "),
        ("PC-12", "gone by 08:12:13 "),
        ("PC-13", "gone by 08:12:13 "),
        ("PC-14", "silent ≈08:11:13 "),
    ] {
        assert!(row(name).contains(said), "{drawn}");
    }
}

#[test]
fn columns_whose_texts_are_cut_get_the_room_that_is_left() {
    let mut lab = busy();
    let mut state = headset("EPOCX-0A1B2C3D", HeadsetCondition::Streaming, 4);
    state.name = "the subject in the third row".into();
    state.sensors[0].defect = Some("off level".into());
    let name = "laboratory-3-window-side";
    let topic = format!("cortop/v1/{name}");
    let online = StationState::default();
    send(&mut lab, &format!("{topic}/state"), online);
    send(&mut lab, &format!("{topic}/headset/EPOCX-0A1B2C3D/state"), state);
    let drawn = draw(&lab, (160, 24));
    for text in [name, "the subject in the third row", "AF3 off level", "session", "heard"] {
        assert!(drawn.contains(text), "{text} is cut\n{drawn}");
    }
    // On a narrow screen, the room that other columns do not need is used.
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("AF3 off level") && drawn.contains("256/256  0.0%"), "{drawn}");
}

#[test]
fn a_station_that_waits_for_a_choice_says_so_at_each_headset() {
    let mut lab = busy();
    let state = StationState { cortex: "choose a headset".into(), ..StationState::default() };
    send(&mut lab, "cortop/v1/PC-07/state", state);
    for id in ["EPOCX-7A1B2C3D", "INSIGHT-7A1B2C3D"] {
        let condition = HeadsetCondition::Connected;
        let state = HeadsetState { headset: id.into(), condition, ..HeadsetState::default() };
        send(&mut lab, &format!("cortop/v1/PC-07/headset/{id}/state"), state);
    }
    let drawn = draw(&lab, (80, 24));
    assert_eq!(drawn.matches("connected · choose a headset").count(), 2, "{drawn}");
    // Once it streams from one, the other is just not in use.
    let streaming = headset("EPOCX-7A1B2C3D", HeadsetCondition::Streaming, 4);
    send(&mut lab, "cortop/v1/PC-07/headset/EPOCX-7A1B2C3D/state", streaming);
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("connected ") && !drawn.contains("choose a headset"), "{drawn}");
}

#[test]
fn an_outage_has_the_whole_row_and_a_time_that_can_be() {
    let mut lab = busy();
    let now = lab.now.wall.as_duration().as_secs_f64();
    for (since, said) in [
        (now - 60.0, "Cortex not reached since 08:11:13: nothing"),
        (now - 3.5 * 86_400.0, "Cortex not reached since 5 Jan 20:12: nothing"),
        (now - 300.0 * 86_400.0, "Cortex not reached since 15 Mar 2025: nothing"),
        (now + 1000.0, "Cortex not reached: nothing"),
    ] {
        let state = StationState {
            cortex: "nothing listens on localhost:6868, whatever was tried in all that time, "
                .into(),
            cortex_down_since: Some(since),
            ..StationState::default()
        };
        send(&mut lab, "cortop/v1/PC-01/state", state);
        let drawn = draw(&lab, (100, 24));
        let row = drawn.lines().find(|line| line.contains(said));
        assert!(row.is_some_and(|row| row.contains("… ┃")), "{said}\n{drawn}");
    }
}

#[test]
fn nothing_is_said_to_be_awaited_without_a_broker() {
    let mut lab = busy();
    assert!(!draw(&lab, (80, 24)).contains("no connection"));
    let why =
        "the broker refuses the user lab: check user and password in [mqtt] against its accounts";
    lab.on_link(BrokerLink::Lost(why.to_owned(), lab.now.instant));
    let drawn = draw(&lab, (80, 24));
    assert!(drawn.contains("no connection ") && !drawn.contains("not heard yet"), "{drawn}");
    // The header shows what is refused, and how many stations there are.
    assert!(
        drawn.contains("✖ again in 0 s: the broker refuses the ") && drawn.contains("… · 0/3 sta")
    );
    assert!(
        draw(&lab, (160, 24)).contains("check user and password in [mqtt] against its accounts")
    );
}

#[test]
fn every_size_is_drawn_with_whatever_is_open() {
    let mut lab = busy();
    for key in
        [Key::ENTER, Key::ESC, Key::char('m'), Key::ESC, Key::char('/'), Key::ESC, Key::char('?')]
    {
        lab.on_key(key);
        for size in [(1, 1), (20, 5), (40, 12), (61, 17), (80, 24), (200, 60)] {
            draw(&lab, size);
        }
    }
}

#[test]
fn nothing_from_the_broker_drives_the_terminal() {
    let mut lab = busy();
    let hostile = "\u{1b}[2J\u{202e}\u{9b}31m\r\n";
    let mut state = headset("EPOCX-0A1B2C3D", HeadsetCondition::Streaming, 4);
    state.name = hostile.into();
    state.sensors[0].name = hostile.into();
    state.alerts = vec![StationAlert { kind: "loss".into(), text: hostile.into() }];
    send(&mut lab, "cortop/v1/PC-01/headset/EPOCX-0A1B2C3D/state", state);
    for _ in 0..2 {
        let drawn = draw(&lab, (160, 48));
        assert!(
            !drawn.contains(|char: char| {
                char != '\n' && cortop_client::sanitize::is_harmful(char)
            })
        );
        lab.on_key(Key::ENTER);
    }
}
