use cortop_mqtt::payload::{
    Acknowledgement, BadLabel, HeadsetCondition, HeadsetState, SensorState, StationEvent,
    StationMessage, StationState, Status, StreamReport,
};

use super::{log::MOST_LINES, *};
use crate::app::Key;

fn lab() -> Lab {
    let broker = "mqtts://b:8883".to_owned();
    let settings = LabSettings { broker, themes: vec!["auto".to_owned()], theme: 0, bell: true };
    Lab::new(settings, Moment::now())
}

/// A message that arrives now.
fn send<T: serde::Serialize>(lab: &mut Lab, topic: &str, body: T) -> Vec<LabEffect> {
    let Moment { instant, wall } = lab.now;
    let wall = wall.as_duration().as_secs_f64();
    let payload = StationMessage::new(&"run".into(), wall, body).to_json();
    let (topic, payload) = (topic.to_owned().into(), payload.into());
    lab.on_message(&Received { topic, payload, retained: false, arrival: instant, wall })
}

/// Removes a retained message.
fn take_away(lab: &mut Lab, topic: &str) {
    let Moment { instant: arrival, wall } = lab.now;
    let (topic, payload) = (topic.to_owned().into(), Vec::new().into());
    let wall = wall.as_duration().as_secs_f64();
    lab.on_message(&Received { topic, payload, retained: false, arrival, wall });
}

fn station(lab: &mut Lab, name: &str, status: Status) -> Vec<LabEffect> {
    let why = (status == Status::Gone).then(|| "lost".into());
    let state = StationState { status, why, accepts_markers: true, ..StationState::default() };
    send(lab, &format!("cortop/v1/{name}/state"), state)
}

fn headset(lab: &mut Lab, name: &str, state: HeadsetState) -> Vec<LabEffect> {
    let topic = format!("cortop/v1/{name}/headset/{}/state", state.headset);
    send(lab, &topic, state)
}

fn streaming(id: &str, battery: u8) -> HeadsetState {
    HeadsetState {
        headset: id.into(),
        condition: HeadsetCondition::Streaming,
        battery: Some(battery),
        ..HeadsetState::default()
    }
}

fn later(lab: &mut Lab, seconds: u64) -> Vec<LabEffect> {
    let Moment { instant, wall } = lab.now;
    let step = Duration::from_secs(seconds);
    let wall = wall.checked_add(step).unwrap_or(wall);
    lab.tick(Moment { instant: instant + step, wall })
}

fn names(lab: &Lab) -> Vec<String> {
    lab.rows().iter().map(|row| format!("{} {}", row.name, row.id())).collect()
}

fn press(lab: &mut Lab, keys: &str) {
    for char in keys.chars() {
        lab.on_key(Key::char(char));
    }
}

#[test]
fn rows_are_sorted_and_filtered_and_a_station_without_headsets_has_one() {
    let mut lab = lab();
    for name in ["B", "A", "C"] {
        station(&mut lab, name, Status::Online);
    }
    headset(&mut lab, "A", streaming("EPOCX-2", 90));
    headset(&mut lab, "A", streaming("EPOCX-1", 20));
    headset(&mut lab, "B", streaming("INSIGHT-1", 50));
    assert_eq!(names(&lab), ["A EPOCX-1", "A EPOCX-2", "B INSIGHT-1", "C "]);
    // Station, headset, name, model, state, battery.
    press(&mut lab, "sssss");
    assert_eq!(lab.sort, LabSort::Battery);
    assert_eq!(names(&lab), ["A EPOCX-1", "B INSIGHT-1", "A EPOCX-2", "C "]);
    press(&mut lab, "/insi");
    assert_eq!(names(&lab), ["B INSIGHT-1"]);
    lab.on_key(Key::ENTER);
    lab.on_key(Key::ESC);
    assert_eq!(names(&lab).len(), 4);
    // The row stays selected when the order changes.
    press(&mut lab, "jj");
    press(&mut lab, "s");
    let rows = lab.rows();
    assert_eq!(rows[lab.selected(&rows)].id(), "EPOCX-2");
    lab.on_key(Key::ENTER);
    assert_eq!(names(&lab), ["A EPOCX-1", "A EPOCX-2"]);
}

#[test]
fn whoever_goes_is_gone_or_silent_and_rings_once_and_nothing_of_it_is_live() {
    let mut lab = lab();
    station(&mut lab, "A", Status::Online);
    station(&mut lab, "B", Status::Online);
    headset(&mut lab, "A", streaming("EPOCX-1", 20));
    assert!(lab.rows().iter().all(LabRow::is_live));
    assert_eq!(station(&mut lab, "A", Status::Gone), []);
    assert_eq!(lab.rows()[0].state_word(), "gone");
    // Perhaps the broker is ending.
    assert!(lab.log.is_empty());
    assert_eq!(later(&mut lab, 1), [LabEffect::Bell]);
    assert_eq!(lab.log.back().unwrap().text, "A is gone: lost");
    // The bell has just rung.
    assert_eq!(later(&mut lab, 4), []);
    assert_eq!(later(&mut lab, 9), [LabEffect::Bell]);
    assert_eq!(lab.log.back().unwrap().text, "B is silent");
    assert!(!lab.rows().iter().any(LabRow::is_live));
    assert_eq!(station(&mut lab, "B", Status::Online), []);
    later(&mut lab, 1);
    assert_eq!(lab.log.back().unwrap().text, "B is back");
    lab.on_link(BrokerLink::Lost("away".to_owned(), lab.now.instant));
    assert!(!lab.rows().iter().any(LabRow::is_live));
}

#[test]
fn a_broker_that_ends_takes_no_station_with_it_and_whoever_stays_away_is_silent() {
    let mut lab = lab();
    lab.on_link(BrokerLink::Connected);
    for name in ["A", "B"] {
        station(&mut lab, name, Status::Online);
    }
    later(&mut lab, 3);
    // The wills of all stations, then the broker's end.
    for name in ["A", "B"] {
        assert_eq!(station(&mut lab, name, Status::Gone), []);
    }
    lab.on_link(BrokerLink::Lost("the broker shuts down".to_owned(), lab.now.instant));
    assert_eq!(later(&mut lab, 30), []);
    assert!(lab.rows().iter().all(|row| row.presence == StationPresence::Unconfirmed));
    lab.on_link(BrokerLink::Connected);
    station(&mut lab, "A", Status::Online);
    later(&mut lab, 8);
    station(&mut lab, "A", Status::Online);
    assert_eq!(later(&mut lab, 5), [LabEffect::Bell]);
    let texts: Vec<_> = lab.log.iter().map(|line| line.text.as_str()).collect();
    let broker = "the broker is connected";
    assert_eq!(texts, [broker, "the broker: the broker shuts down", broker, "B is silent"]);
}

#[test]
fn a_station_without_cortex_says_so_once_rings_and_keeps_its_history() {
    let mut lab = lab();
    let online = |down_since| StationState {
        cortex: "nothing listens".into(),
        cortex_down_since: down_since,
        ..StationState::default()
    };
    let sensor = SensorState { name: "T7".into(), level: Some(2), defect: None };
    let state = HeadsetState { sensors: vec![sensor], ..streaming("E", 50) };
    let known = |lab: &Lab| {
        let history = lab.history(&"A".parse().unwrap(), &"E".into()).unwrap();
        history.cells().iter().filter(|own| own.contact.is_some()).count()
    };
    send(&mut lab, "cortop/v1/A/state", online(None));
    headset(&mut lab, "A", state.clone());
    for _ in 0..60 {
        send(&mut lab, "cortop/v1/A/state", online(None));
        later(&mut lab, 1);
    }
    assert_eq!(known(&lab), 6);
    let since = lab.now.wall.as_duration().as_secs_f64();
    let effects = send(&mut lab, "cortop/v1/A/state", online(Some(since)));
    assert_eq!(effects, [LabEffect::Bell]);
    let lost = HeadsetState { condition: HeadsetCondition::NoService, ..HeadsetState::default() };
    headset(&mut lab, "A", HeadsetState { headset: "E".into(), ..lost });
    let event = StationEvent { kind: "service".into(), ..StationEvent::default() };
    send(&mut lab, "cortop/v1/A/event", event);
    later(&mut lab, 1);
    let texts: Vec<_> = lab.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["A: Cortex is not reached: nothing listens"]);
    assert_eq!(lab.rows()[0].state_word(), "no Cortex");
    let (at, why) = lab.rows()[0].outage().unwrap();
    assert!((at - since).abs() < 0.001 && why == "nothing listens");
    for _ in 0..240 {
        send(&mut lab, "cortop/v1/A/state", online(Some(since)));
        later(&mut lab, 1);
    }
    // Even if the station removes the headset from the broker, or restarts.
    take_away(&mut lab, "cortop/v1/A/headset/E/state");
    later(&mut lab, 5);
    send(&mut lab, "cortop/v1/A/state", online(None));
    headset(&mut lab, "A", state);
    later(&mut lab, 1);
    assert_eq!(lab.log.back().unwrap().text, "A: Cortex is reached again");
    assert_eq!(known(&lab), 7);
    // A headset that was silent for ten minutes is forgotten.
    take_away(&mut lab, "cortop/v1/A/headset/E/state");
    later(&mut lab, 610);
    later(&mut lab, 1);
    assert_eq!(lab.history(&"A".parse().unwrap(), &"E".into()).map(HeadsetHistory::cells), None);
}

#[test]
fn alerts_of_all_stations_are_in_one_log_until_they_are_over() {
    let mut lab = lab();
    station(&mut lab, "A", Status::Online);
    let alert = |kind: &str, text: &str| StationAlert { kind: kind.into(), text: text.into() };
    let with = |alerts| HeadsetState { alerts, ..streaming("E", 50) };
    headset(&mut lab, "A", with(vec![alert("contact", "T7 no contact")]));
    let rings = headset(&mut lab, "A", with(vec![alert("stale", "eeg stale")]));
    assert_eq!(rings, [LabEffect::Bell]);
    headset(&mut lab, "A", with(Vec::new()));
    later(&mut lab, 1);
    let texts: Vec<_> = lab.log.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "A E: T7 no contact",
            "A E: eeg stale",
            "A E: no longer T7 no contact",
            "A E: no longer eeg stale"
        ]
    );
    for number in 0..3000 {
        headset(&mut lab, "A", with(vec![alert("loss", &number.to_string())]));
        later(&mut lab, 1);
    }
    assert_eq!(lab.log.len(), MOST_LINES);
}

#[test]
fn what_happens_to_many_stations_at_once_has_one_line() {
    let mut lab = lab();
    let name = |number| format!("PC-{number:04}");
    for number in 0..4200 {
        station(&mut lab, &name(number), Status::Online);
    }
    assert_eq!(later(&mut lab, 13), [LabEffect::Bell]);
    for number in 0..9 {
        station(&mut lab, &name(number), Status::Online);
    }
    later(&mut lab, 1);
    for number in 0..2 {
        station(&mut lab, &name(number), Status::Gone);
    }
    later(&mut lab, 1);
    let texts: Vec<_> = lab.log.iter().map(|line| line.text.as_str()).collect();
    let first = "PC-0000, PC-0001, PC-0002, PC-0003, PC-0004, PC-0005, PC-0006, PC-0007 …";
    let silent = format!("4096 stations are silent: {first}");
    let back = format!("9 stations are back: {first}");
    assert_eq!(
        texts,
        [silent, back, "PC-0000 is gone: lost".into(), "PC-0001 is gone: lost".into()]
    );
}

#[test]
fn what_is_not_read_has_a_line_for_each_kind_and_few_a_minute() {
    let mut lab = lab();
    let post = |lab: &mut Lab, topic: &str, payload: &[u8]| {
        let Moment { instant: arrival, wall } = lab.now;
        let (topic, payload) = (topic.to_owned().into(), payload.to_vec().into());
        let wall = wall.as_duration().as_secs_f64();
        lab.on_message(&Received { topic, payload, retained: false, arrival, wall });
    };
    for _ in 0..3 {
        post(&mut lab, "cortop/v1/A/state", b"{");
        post(&mut lab, "cortop/v1/A/state", b"{\"host\":7}");
        post(&mut lab, "cortop/v1/A/event", b"{");
        post(&mut lab, "cortop/v1/PC-07/state", b"{\"version\":2}");
        post(&mut lab, "cortop/v1/PC-07/event", b"{\"version\":2}");
    }
    let texts: Vec<_> = lab.log.iter().map(|line| line.text.as_str()).collect();
    let update =
        "PC-07 speaks version 2 of the contract, and this cortop version 1: update cortop here";
    assert!(texts[0].starts_with("malformed, and ignored: cortop/v1/A/state: "), "{texts:?}");
    assert!(texts[1].starts_with("malformed, and ignored: cortop/v1/A/event: "), "{texts:?}");
    assert_eq!(texts[2..], [update]);
    assert_eq!((lab.book.malformed().0, lab.book.newer()), (9, 1));
    for number in 0..5000 {
        post(&mut lab, &format!("cortop/v1/{number}/state"), b"{");
    }
    // A flood does not hide stations with a later version.
    post(&mut lab, "cortop/v1/PC-08/state", b"{\"version\":3}");
    assert!(lab.log.back().unwrap().text.starts_with("PC-08 speaks version 3 "), "{:?}", lab.log);
    assert_eq!(lab.log.len(), 8);
    later(&mut lab, 60);
    for number in 0..5000 {
        post(&mut lab, &format!("cortop/v1/{number}/state"), b"{");
    }
    assert_eq!(lab.log.len(), 14);
}

#[test]
fn what_a_stopped_stream_said_last_is_not_of_now() {
    let mut lab = lab();
    station(&mut lab, "A", Status::Online);
    station(&mut lab, "B", Status::Online);
    let now = lab.now.wall.as_duration().as_secs_f64();
    let stream = |name: &str, stale_since| StreamReport {
        name: name.into(),
        loss: Some(2.0),
        stale_since,
        ..StreamReport::default()
    };
    let sensor = SensorState { name: "T7".into(), level: Some(0), defect: None };
    let stale = HeadsetState {
        condition: HeadsetCondition::Stale,
        sensors: vec![sensor],
        streams: vec![stream("eeg", Some(now - 7.0)), stream("dev", Some(now - 5.0))],
        ..streaming("E", 3)
    };
    headset(&mut lab, "A", stale);
    headset(&mut lab, "B", streaming("F", 90));
    let rows = lab.rows();
    let staleness = rows[0].staleness().unwrap();
    assert!((staleness.since - (now - 7.0)).abs() < 0.001 && staleness.stream.is_none());
    assert!(!rows[0].has_fresh(DEVICE) && rows[1].has_fresh(DEVICE));
    for sort in [LabSort::Battery, LabSort::Contact, LabSort::Loss] {
        assert!(rows[0].key(sort).is_infinite(), "{sort:?}");
    }
    later(&mut lab, 1);
    let history = lab.history(&"A".parse().unwrap(), &"E".into()).unwrap();
    let cell = history.cells().back().unwrap();
    assert_eq!((cell.contact, cell.loss), (None, None));
}

#[test]
fn a_marker_is_sent_and_answers_are_shown_with_their_delay() {
    let mut lab = lab();
    press(&mut lab, "mgo");
    assert_eq!(lab.on_key(Key::ENTER), []);
    assert!(lab.notice.as_ref().unwrap().0.contains("no station accepts markers"));
    station(&mut lab, "A", Status::Online);
    station(&mut lab, "B", Status::Online);
    press(&mut lab, "mgo");
    let effects = lab.on_key(Key::ENTER);
    let [LabEffect::Mark(marker)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!((&marker.label, marker.value.as_ref()), (&"go".into(), None));
    later(&mut lab, 1);
    let answer = |id: &Text| Acknowledgement {
        id: id.clone(),
        headsets: vec!["E".into()],
        took: 0.4,
        ..Acknowledgement::default()
    };
    send(&mut lab, "cortop/v1/A/acknowledgement", answer(&marker.id));
    let text = "A: marker go, 1.00 s, 0.30 s of it there: set in E";
    assert_eq!(lab.log.back().unwrap().text, text);
    // A repeated answer and the answer to another lab's marker are not logged.
    let lines = lab.log.len();
    send(&mut lab, "cortop/v1/A/acknowledgement", answer(&marker.id));
    send(&mut lab, "cortop/v1/A/acknowledgement", answer(&"other".into()));
    assert_eq!(lab.log.len(), lines);
    later(&mut lab, 5);
    assert_eq!(lab.log.back().unwrap().text, "marker go: no answer of B");
}

#[test]
fn a_label_that_is_too_long_is_not_sent_and_stays_to_be_shortened() {
    let mut lab = lab();
    station(&mut lab, "A", Status::Online);
    press(&mut lab, &format!("m{}", "x".repeat(65)));
    assert_eq!(lab.on_key(Key::ENTER), []);
    let problem = lab.input.as_ref().and_then(LabInput::label_problem);
    assert_eq!(problem, Some(BadLabel::Long(65)));
    lab.on_key(Key::BACKSPACE);
    let effects = lab.on_key(Key::ENTER);
    let is_sent = matches!(&effects[..], [LabEffect::Mark(own)] if own.texts().is_ok());
    assert!(is_sent, "{effects:?}");
}

#[test]
fn the_log_is_read_by_pages_and_goes_on_at_its_end() {
    let mut lab = lab();
    for number in 0..50 {
        lab.on_refusal(&number.to_string());
    }
    for (key, back) in [
        (Key::HOME, 0),
        (Key::TAB, 0),
        (Key::PAGE_UP, 10),
        (Key::UP, 11),
        (Key::PAGE_DOWN, 1),
        (Key::HOME, 49),
        (Key::END, 0),
        (Key::PAGE_UP, 10),
    ] {
        lab.on_key(key);
        assert_eq!(lab.back, back, "{key}");
    }
    // The lines being read stay in place; at the end, the log follows new lines again.
    lab.on_refusal("new");
    assert_eq!(lab.back, 11);
    lab.on_key(Key::END);
    lab.on_refusal("newer");
    assert_eq!(lab.back, 0);
    lab.on_key(Key::ESC);
    assert_eq!(lab.focus, LabPane::Rows);
}

#[test]
fn the_key_sorts_by_every_column() {
    let mut lab = lab();
    let mut seen = Vec::new();
    while !seen.contains(&lab.sort) {
        seen.push(lab.sort);
        press(&mut lab, "s");
    }
    assert_eq!(seen.len(), 12);
}

#[test]
fn an_event_of_a_station_without_a_state_makes_no_row() {
    let mut lab = lab();
    send(&mut lab, "cortop/v1/GHOST/event", StationEvent::default());
    send(&mut lab, "cortop/v1/GHOST/acknowledgement", Acknowledgement::default());
    // The time of a retained event is unknown.
    station(&mut lab, "A", Status::Online);
    let event = StationMessage::new(&"run".into(), 1.0, StationEvent::default()).to_json();
    let (topic, payload) = ("cortop/v1/A/event".into(), event.into());
    let arrival = lab.now.instant;
    lab.on_message(&Received { topic, payload, retained: true, arrival, wall: 1.0 });
    take_away(&mut lab, "cortop/v1/A/state");
    assert_eq!((lab.rows().len(), lab.log.len()), (0, 0));
    let topic = "cortop/v1/GHOST/event";
    send(&mut lab, topic, StationEvent { at: -1.0, ..StationEvent::default() });
    let (count, named) = lab.book.malformed();
    assert!(count == 1 && named.unwrap().1.to_string().contains("negative"), "{named:?}");
}

#[test]
fn ten_minutes_are_kept_the_worst_of_ten_seconds_each() {
    let mut lab = lab();
    let stream = |rate| StreamReport {
        name: "eeg".into(),
        nominal: Some(256.0),
        rate: Some(rate),
        loss: Some(0.0),
        ..StreamReport::default()
    };
    let state = |rate| HeadsetState { streams: vec![stream(rate)], ..streaming("E", 50) };
    for second in 0..700 {
        station(&mut lab, "A", Status::Online);
        headset(&mut lab, "A", state(if second == 695 { 128.0 } else { 256.0 }));
        later(&mut lab, 1);
    }
    let (name, id) = ("A".parse().unwrap(), "E".into());
    let cells: Vec<_> =
        lab.history(&name, &id).unwrap().cells().iter().map(|own| own.rate).collect();
    assert_eq!(cells.len(), CELLS);
    assert_eq!(cells.iter().filter(|rate| **rate == Some(0.5)).count(), 1);
    assert!(cells.iter().all(Option::is_some));
    // The time of silence is blank.
    later(&mut lab, 40);
    later(&mut lab, 1);
    let history = lab.history(&name, &id).unwrap();
    assert_eq!(history.cells().back().unwrap().rate, None);
}
