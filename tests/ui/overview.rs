//! The overview of a lab with sixteen headsets, and what the header says about them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use cortop::app::{Action, AppSettings, Effect, Key, Message, MouseTarget, Pane, Throughput};
use cortop_client::{
    Command, Event, Headset, HeadsetId, Session, SessionId, Stream, account::Licence,
    headset::HeadsetStatus, session::SessionStatus,
};
use cortop_signal::snapshot::{DeviceReadings, LatestValues};

use crate::{
    fixture::{Fixture, headset, health, options, session},
    picture,
};

const SIZES: [(u16, u16); 2] = [(80, 24), (160, 48)];
const HEADSETS: usize = 16;

fn id(at: usize) -> HeadsetId {
    let number = u32::try_from(at).expect("small") * 2 + 1;
    let prefix = match at {
        2 => "INSIGHT2",
        5 => "EPOCFLEX",
        9 => "MN8",
        _ => "EPOCX",
    };
    format!("{prefix}-{:08X}", 0x1A2B_3C4D_u32.wrapping_mul(number)).into()
}

fn sid(at: usize) -> SessionId {
    format!("{at:08x}-2222-4333-8444-555555555555").into()
}

/// Whether a headset has a session: the others are discovered, connecting, on a cable, or only connected.
fn has_session(at: usize) -> bool {
    !(10..14).contains(&at)
}

fn one(at: usize) -> Headset {
    let (status, connected_by) = match at {
        10 => (HeadsetStatus::Discovered, "bluetooth"),
        11 => (HeadsetStatus::Connecting, "bluetooth"),
        12 => (HeadsetStatus::Connected, "usb cable"),
        _ => (HeadsetStatus::Connected, "dongle"),
    };
    let connected_by = connected_by.to_owned();
    let custom_name = if at == 3 { "Lab 3".to_owned() } else { String::new() };
    Headset { id: id(at), status, connected_by, custom_name, ..headset() }
}

/// Contact of the sensors and the battery, different for each headset.
fn device(at: usize, fixture: &Fixture) -> DeviceReadings {
    let levels = [
        ("AF3", 4.0),
        ("T7", if at.is_multiple_of(3) { 4.0 } else { (at % 4) as f64 }),
        ("Pz", 4.0),
    ];
    let all = [("BatteryPercent", if at == 7 { 12.0 } else { 97.0 - 4.0 * at as f64 })];
    let overall = [("OVERALL", 100.0 - (at % 3) as f64 * 9.0)];
    let values = levels.into_iter().chain(overall).chain(all);
    let values = values.map(|(label, value)| (label.to_owned(), Some(value))).collect();
    let received = fixture.now().instant - Duration::from_millis(200);
    DeviceReadings { dev: Some(Arc::new(LatestValues { values, received })), eq: None }
}

fn lab() -> Fixture {
    lab_with(|_| {})
}

fn lab_with(settings: impl FnOnce(&mut AppSettings)) -> Fixture {
    let mut fixture = Fixture::new(&options()).with(settings).streaming();
    fixture.on_event(Event::Closed {
        session: crate::SID.into(),
        why: "for the lab".to_owned(),
        ordered: false,
    });
    fixture.on_event(Event::Headsets((0..HEADSETS).map(one).collect()));
    for at in (0..HEADSETS).filter(|&at| has_session(at)) {
        let status = if at == 15 { SessionStatus::Opened } else { SessionStatus::Activated };
        let session = session(status);
        fixture.on_event(Event::Session(Session {
            id: sid(at),
            headset: one(at),
            recording: Some(at == 14),
            ..session
        }));
        let streams = Stream::ALL[usize::from(at == 15)..].to_vec();
        fixture.on_event(Event::Subscribed {
            session: sid(at),
            streams,
            theirs: Vec::new(),
            refused: Vec::new(),
        });
    }
    fixture.until_the_notice_is_gone();
    fixture.focus(Pane::Headsets);
    fixture.apply(Action::Overview);
    fixture
}

/// With the decoder's snapshot of them.
fn flowing(mut fixture: Fixture) -> Fixture {
    let now = fixture.now();
    let devices: BTreeMap<_, _> = (0..HEADSETS)
        .filter(|&at| has_session(at))
        .map(|at| (id(at), device(at, &fixture)))
        .collect();
    fixture.edit_snapshot(|snapshot, late| {
        snapshot.devices = devices;
        snapshot.health = (0..HEADSETS)
            .filter(|&at| has_session(at))
            .flat_map(|at| Stream::ALL[usize::from(at == 15)..].iter().map(move |&s| (at, s)))
            .map(|(at, stream)| {
                let mut health = health(stream, now);
                (health.session, health.headset) = (sid(at), id(at));
                match (at, stream) {
                    (4, Stream::Eeg) => (health.lost, health.recent.lost) = (70, 64),
                    (6, Stream::Eeg) => health.rate = Some(118.0),
                    (1, _) | (8, Stream::Dev) => {
                        let last = late - Duration::from_secs(75);
                        (health.last, health.stale_since) = (Some(last), Some(last));
                    }
                    _ => {}
                }
                health
            })
            .collect();
    });
    fixture
}

/// Selects a headset.
fn select(fixture: &mut Fixture, headset: &HeadsetId) {
    for _ in 0..HEADSETS {
        fixture.press(Key::UP);
    }
    let rows = ids(fixture);
    for _ in rows.iter().take_while(|id| *id != headset) {
        fixture.press(Key::DOWN);
    }
}

/// The selected headset.
fn selected(fixture: &Fixture) -> HeadsetId {
    let text = fixture.text(160, 48);
    let row = text.lines().skip(4).find(|line| line.contains('▶')).expect("a selected row");
    (0..HEADSETS).map(id).find(|id| row.contains(id.as_str())).expect("a headset")
}

/// Whether the overview is on the screen, sorted by a column.
fn is_sorted_by(fixture: &Fixture, column: &str) -> bool {
    fixture.text(160, 48).contains(&format!("sorted by {column} "))
}

/// The headsets of the table's rows, from top to bottom.
fn ids(fixture: &Fixture) -> Vec<HeadsetId> {
    let text = fixture.text(160, 48);
    let all: Vec<_> = (0..HEADSETS).map(id).collect();
    let rows = text.lines().skip(4).filter(|line| !line.contains(": "));
    rows.filter_map(|line| all.iter().find(|id| line.contains(id.as_str())).cloned()).collect()
}

#[test]
fn all_sixteen_are_seen_at_once() {
    for (width, height) in SIZES {
        let fixture = flowing(lab());
        picture("overview", &fixture, width, height);
        let text = fixture.text(width, height);
        assert!((0..HEADSETS).all(|at| text.contains(id(at).as_str())), "{text}");
        assert!(text.contains("2 of 12 stale"), "{text}");
        let mut fixture = fixture;
        fixture.press(Key::char('s'));
        assert!(is_sorted_by(&fixture, "state"));
        picture("overview_by_state", &fixture, width, height);
    }
}

#[test]
fn the_worst_come_first_in_every_column() {
    let mut fixture = flowing(lab());
    for (sort, first) in [
        ("state", 1),
        ("batt", 7),
        ("contact", 8),
        ("Hz", 6),
        ("loss", 4),
        ("age", 1),
        ("session", 14),
    ] {
        fixture.press(Key::char('s'));
        assert!(is_sorted_by(&fixture, sort), "{sort}");
        assert_eq!(ids(&fixture)[0], id(first), "{sort}");
        // Nothing is known of those without a session.
        let last = ids(&fixture).pop().expect("rows");
        let nameless = (0..HEADSETS).filter(|&at| !has_session(at)).any(|at| id(at) == last);
        assert!(nameless || sort == "state", "{sort}: {last}");
    }
    assert!(fixture.text(80, 24).contains("rate off"), "not by its colour alone");
    fixture.press(Key::char('s'));
    assert!(ids(&fixture).is_sorted(), "by id again");
}

#[test]
fn keys_go_through_the_rows_as_they_stand_and_enter_goes_to_the_session() {
    let mut fixture = flowing(lab());
    fixture.type_in("ss");
    for _ in 0..HEADSETS {
        fixture.press(Key::UP);
    }
    assert_eq!(selected(&fixture), id(7));
    fixture.press(Key::DOWN);
    let second = ids(&fixture)[1].clone();
    assert_eq!(selected(&fixture), second);
    fixture.press(Key::ENTER);
    let text = fixture.text(160, 48);
    assert!(text.lines().nth(1).is_some_and(|line| line.starts_with(second.as_str())), "{text}");
    assert!(text.contains("▶[3]") && !text.contains("sorted by"), "{text}");
    fixture.press(Key::char('1'));
    assert!(is_sorted_by(&fixture, "batt"), "one comes back to it");
    fixture.press(Key::char('o'));
    assert!(!fixture.text(160, 48).contains("sorted by"));
}

#[test]
fn rows_keep_their_places_until_they_are_sorted_again() {
    let mut fixture = flowing(lab());
    fixture.press(Key::char('s'));
    fixture.press(Key::char('s'));
    let before = ids(&fixture);
    let mut snapshot = (**fixture.snapshot()).clone();
    for device in snapshot.devices.values_mut() {
        let table = Arc::make_mut(device.dev.as_mut().expect("readings"));
        for (_, value) in table.values.iter_mut().filter(|(name, _)| name == "BatteryPercent") {
            *value = value.map(|percent| 100.0 - percent);
        }
    }
    fixture.update(Message::Snapshot(Arc::new(snapshot)));
    fixture.forward(Duration::from_secs(1));
    assert_eq!(ids(&fixture), before);
    fixture.press(Key::char('S'));
    assert_ne!(ids(&fixture), before);
    assert!(is_sorted_by(&fixture, "batt"));
}

#[test]
fn picked_headsets_are_opened_together_and_all_of_them_by_one_key() {
    let mut fixture = flowing(lab());
    // Those without a session, one of them on a cable.
    let free: Vec<_> = [10, 11, 13].map(id).to_vec();
    for wanted in &free[1..] {
        select(&mut fixture, wanted);
        fixture.press(Key::SPACE);
    }
    assert!(fixture.text(80, 24).contains("enter open picked"), "{}", fixture.text(80, 24));
    let opened = |effects: Vec<Effect>| {
        let ids = effects.into_iter().map(|effect| match effect {
            Effect::Command(Command::Open { headset, mode: None }) => headset,
            other => panic!("{other:?}"),
        });
        ids.collect::<BTreeSet<_>>()
    };
    // Each may use an activation: one question for all of them.
    let asked = |fixture: &mut Fixture, key| {
        assert_eq!(fixture.press(key), []);
        fixture.text(80, 24)
    };
    let text = asked(&mut fixture, Key::ENTER);
    assert!(text.contains("That may use up to 2 activations of the licence."), "{text}");
    fixture.press(Key::char('n'));
    assert!(fixture.text(80, 24).contains("enter open picked"), "a no changes nothing");
    asked(&mut fixture, Key::ENTER);
    let effects = fixture.press(Key::char('y'));
    assert_eq!(opened(effects), free[1..].iter().cloned().collect());
    assert!(!fixture.text(80, 24).contains("open picked"));
    let shown = |fixture: &Fixture| fixture.text(80, 24).lines().nth(1).map(str::to_owned);
    let before = shown(&fixture);
    let text = asked(&mut fixture, Key::char('A'));
    assert!(text.contains("That may use up to 3 activations of the licence."), "{text}");
    let licence = |left| Licence {
        scopes: vec!["eeg".to_owned()],
        local_quota: Some(left),
        ..Licence::default()
    };
    fixture.on_event(Event::Licence(licence(1.0)));
    let text = fixture.text(80, 24);
    assert!(text.contains("up to 1 activation of"), "{text}");
    assert!(text.contains("1 activation is left on this computer."), "{text}");
    let effects = fixture.press(Key::char('y'));
    assert_eq!(opened(effects), free.iter().cloned().collect());
    assert_eq!(shown(&fixture), before, "the picture stays");
    // Without an activation nothing is debited, so nothing is asked.
    fixture.on_event(Event::Licence(licence(0.0)));
    let effects = fixture.press(Key::char('A'));
    assert_eq!(opened(effects), free.into_iter().collect());
}

#[test]
fn the_selected_row_says_what_needs_a_look_and_the_shown_one_is_marked() {
    let mut fixture = flowing(lab());
    for (at, says) in [
        (1, "eeg stopped for 1 min"),
        (4, "4.8% of the last 10 s lost"),
        (6, "118 of 128 Hz"),
        (7, "battery 12%: charge it"),
        (12, "on a USB cable, over which nothing streams"),
        (9, "nothing needs attention"),
    ] {
        select(&mut fixture, &id(at));
        let text = fixture.text(80, 24);
        let foot = text.lines().rev().nth(2).expect("a row");
        assert!(foot.contains(says), "{says}\n{text}");
    }
    select(&mut fixture, &id(3));
    fixture.press(Key::ENTER);
    fixture.press(Key::char('1'));
    let text = fixture.text(80, 24);
    let marked: Vec<_> = text.lines().filter(|line| line.contains('◆')).collect();
    assert!(matches!(marked[..], [row] if row.contains(id(3).as_str())), "{text}");
}

#[test]
fn a_low_screen_scrolls_with_the_selection() {
    let mut fixture = flowing(lab());
    for step in 0..HEADSETS {
        let text = fixture.text(80, 10);
        let selected = selected(&fixture);
        let row = text.lines().find(|line| line.contains('▶') && line.contains(selected.as_str()));
        assert!(row.is_some(), "step {step}\n{text}");
        fixture.press(Key::DOWN);
    }
}

#[test]
fn the_header_says_when_frames_are_fewer_than_asked() {
    let mut fixture = flowing(lab_with(|settings| settings.fps = 10));
    let throughput = Throughput { bytes: 8000.0, frames: 4.0, held_back: true };
    fixture.update(Message::Throughput(throughput));
    let text = fixture.text(80, 24);
    let first = text.lines().next().expect("a header");
    assert!(first.contains("4/10 fps, held back") && first.contains("2 of 12"), "{first}");
}

#[test]
fn what_becomes_stale_is_said_at_once_though_numbers_stand() {
    let mut fixture = flowing(lab());
    let mut snapshot = (**fixture.snapshot()).clone();
    for health in snapshot.health.iter_mut().filter(|health| health.session == sid(0)) {
        (health.stale_since, health.received) = (health.last, 9999);
    }
    fixture.update(Message::Snapshot(Arc::new(snapshot)));
    let text = fixture.text(80, 24);
    assert!(text.contains("3 of 12 stale"), "{text}");
}

#[test]
fn every_size_can_be_drawn() {
    let fixture = flowing(lab());
    for (width, height) in (1..=130).flat_map(|width| [1, 4, 7, 25].map(|height| (width, height))) {
        fixture.buffer(width, height);
    }
}

#[test]
fn a_click_finds_the_row_the_pane_and_the_key_that_are_drawn_there() {
    let mut fixture = flowing(lab());
    fixture.apply(Action::Mouse);
    fixture.until_the_notice_is_gone();
    for (width, height) in SIZES {
        let text = fixture.text(width, height);
        let at = |fixture: &Fixture, word: &str| {
            let found = text.lines().enumerate().find_map(|(y, line)| {
                let byte = line.rfind(word)?;
                Some((line[..byte].chars().count(), y))
            });
            let (x, y) = found.unwrap_or_else(|| panic!("{word}\n{text}"));
            let place = (u16::try_from(x).expect("small"), u16::try_from(y).expect("small"));
            fixture.target(width, height, place)
        };
        let silent = id(10);
        assert_eq!(at(&fixture, silent.as_str()), Some(MouseTarget::Headset(silent.clone())));
        assert_eq!(at(&fixture, "quit"), Some(MouseTarget::Footer(Action::Quit)));
        assert_eq!(at(&fixture, "commands"), Some(MouseTarget::Footer(Action::Commands)));
        assert_eq!(at(&fixture, "[1]"), Some(MouseTarget::Pane(Pane::Headsets)));
        assert_eq!(at(&fixture, "cortop"), None);
    }
    fixture.press(Key::char('3'));
    let target = fixture.target(80, 24, (60, 10));
    assert_eq!(target, Some(MouseTarget::Pane(Pane::Streams)));
}
