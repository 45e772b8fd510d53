//! What an alert looks like, what it asks of the terminal and the user's command, and when.

use std::time::Duration;

use cortop::app::{Action, AlertSettings, Effect, Message, NotificationProtocol};
use cortop_client::{
    Event, Record, RecordEvent, Stream, Warning, code::warning, model::EPOC_SENSORS,
};
use cortop_signal::{BadChannel, Defect, Snapshot, snapshot::RecentCounts};
use serde_json::Value;
use std::sync::Arc;

use crate::{
    FIVE_SIZES,
    fixture::{self, Fixture, HEADSET, SID},
};

/// Introduces a problem.
type Corrupt = fn(&mut Snapshot);

/// A record is running; all alerts are enabled.
fn recording() -> Fixture {
    let alerts = AlertSettings {
        contact: Some(Duration::from_secs(10)),
        notification: NotificationProtocol::Osc9,
        command: vec!["/bin/lamp".to_owned(), "red".to_owned()],
        ..AlertSettings::default()
    };
    let mut fixture = crate::new().with(|settings| settings.alerts = alerts).streaming();
    let record = Record { title: "rest".to_owned(), uuid: "r".into(), ..Record::default() };
    let started = RecordEvent::Started { session: SID.into(), record, foreign: false };
    fixture.on_event(Event::Record(started));
    fixture.until_the_notice_is_gone();
    fixture
}

/// All sensors have contact.
fn fit(snapshot: &mut Snapshot) {
    fixture::set_levels(&mut snapshot.readings, |_, _| Some(4.0));
    for device in snapshot.devices.values_mut() {
        device.dev.clone_from(&snapshot.readings.dev);
    }
}

/// Continues for some seconds with a modified snapshot; returns the effects.
fn go_on(fixture: &mut Fixture, seconds: u64, corrupt: impl Fn(&mut Snapshot)) -> Vec<Effect> {
    let mut effects = Vec::new();
    for _ in 0..2 * seconds {
        effects.extend(fixture.forward(Duration::from_millis(500)));
        fixture.feed(80, 24, 3000);
        let mut snapshot = (**fixture.snapshot()).clone();
        fit(&mut snapshot);
        corrupt(&mut snapshot);
        effects.extend(fixture.update(Message::Snapshot(Arc::new(snapshot))));
    }
    effects
}

fn silent(snapshot: &mut Snapshot, since: tokio::time::Instant) {
    for health in &mut snapshot.health {
        (health.stale_since, health.last) = (Some(since), Some(since));
    }
}

fn lossy(snapshot: &mut Snapshot) {
    for health in snapshot.health.iter_mut().filter(|health| health.stream == Stream::Eeg) {
        health.lost = 93;
        health.recent = RecentCounts { received: 1187, lost: 93, ..health.recent };
    }
}

fn without_contact(snapshot: &mut Snapshot) {
    let level = |name: &str, _| Some(if name == "P8" || name == "O2" { 0.0 } else { 4.0 });
    fixture::set_levels(&mut snapshot.readings, level);
    for device in snapshot.devices.values_mut() {
        device.dev.clone_from(&snapshot.readings.dev);
    }
}

fn railed(snapshot: &mut Snapshot) {
    for health in snapshot.health.iter_mut().filter(|health| health.stream == Stream::Eeg) {
        let bad = BadChannel { label: "AF3".into(), defect: Defect::Railed };
        health.bad_channels = [bad].into();
    }
}

fn exhausted(snapshot: &mut Snapshot) {
    for device in snapshot.devices.values_mut() {
        let dev = Arc::make_mut(device.dev.as_mut().expect("a table"));
        for (_, level) in dev.values.iter_mut().filter(|(name, _)| name == "BatteryPercent") {
            *level = Some(14.0);
        }
    }
}

fn pictures(name: &str, fixture: &mut Fixture, corrupt: impl Fn(&mut Snapshot)) {
    for (width, height) in FIVE_SIZES {
        fixture.feed(width, height, 3000);
        // The numbers on the screen are half a second old.
        for _ in 0..2 {
            fixture.edit_snapshot(|snapshot, _| {
                fit(snapshot);
                corrupt(snapshot);
            });
        }
        crate::picture(&format!("alert_{name}"), fixture, width, height);
    }
}

#[test]
fn each_kind_of_alert_is_a_line_and_its_end_another() {
    let calm = |_: &mut Snapshot| {};
    let kinds: [(&str, Corrupt, u64); 4] = [
        ("loss", lossy, 3),
        ("contact", without_contact, 13),
        ("rail", railed, 3),
        ("battery", exhausted, 3),
    ];
    for (name, corrupt, seconds) in kinds {
        let mut fixture = recording();
        assert_eq!(go_on(&mut fixture, 5, calm), [], "{name}");
        let effects = go_on(&mut fixture, seconds, corrupt);
        assert_eq!(effects.len(), 3, "{name}: {effects:?}");
        pictures(name, &mut fixture, corrupt);
        assert_eq!(go_on(&mut fixture, 30, corrupt), [], "{name} is said once");
        let effects = go_on(&mut fixture, 5, calm);
        assert_eq!(effects.len(), 2, "no bell at the end of {name}: {effects:?}");
        pictures(&format!("{name}_over"), &mut fixture, calm);
    }
}

#[test]
fn a_headset_that_falls_silent_is_one_alert_with_every_fact() {
    let mut fixture = recording();
    assert_eq!(go_on(&mut fixture, 5, |_| {}), []);
    let since = fixture.now().instant - Duration::from_secs(2);
    let effects = go_on(&mut fixture, 3, |snapshot| silent(snapshot, since));
    let [
        Effect::Bell,
        Effect::Notification(NotificationProtocol::Osc9, text),
        Effect::AlertCommand(command, environment),
    ] = &effects[..]
    else {
        panic!("{effects:?}")
    };
    assert_eq!(command, &["/bin/lamp", "red"]);
    assert_eq!(text, "EPOCX-1A2B3C4D: eeg mot dev and 6 more are stale, no sample for 4 s");
    let get = |wanted: &str| {
        environment.iter().find(|(name, _)| *name == wanted).expect(wanted).1.as_str()
    };
    assert_eq!(get("CORTOP_ALERT"), "stale");
    assert_eq!(get("CORTOP_HEADSET"), HEADSET);
    assert_eq!(get("CORTOP_STREAM"), "eeg mot dev eq pow met com fac sys");
    assert_eq!((get("CORTOP_VALUE"), get("CORTOP_TEXT")), ("4", text.as_str()));
    pictures("stale", &mut fixture, |snapshot| silent(snapshot, since));
}

#[test]
fn the_disk_is_an_alert_while_a_record_runs_and_stays_in_the_header() {
    for (code, name) in [(warning::DISK_LOW, "disk_low"), (warning::DISK_FULL, "disk_full")] {
        let mut fixture = recording();
        let warn = || Event::Warning(Warning { code, message: Value::Null });
        assert_eq!(fixture.on_event(warn()).len(), 3);
        pictures(name, &mut fixture, |_| {});
        assert_eq!(fixture.on_event(warn()).len(), 0, "the same within a minute");
    }
    let mut idle = crate::new().streaming();
    let warn = Event::Warning(Warning { code: warning::DISK_LOW, message: Value::Null });
    assert_eq!(idle.on_event(warn).len(), 0);
    assert!(idle.notice().expect("said").contains("1 GB"));
}

#[test]
fn a_record_lost_with_its_session_is_an_alert_and_one_closed_by_the_user_is_not() {
    for (ordered, count) in [(false, 3), (true, 0)] {
        let mut fixture = recording();
        let record = Record { title: "rest".to_owned(), uuid: "r".into(), ..Record::default() };
        let why = "the connection was lost".to_owned();
        let (session, why) = (SID.into(), why);
        let ended = RecordEvent::Ended { session, record, why: why.clone(), ordered };
        fixture.on_event(Event::Record(ended));
        let closed = Event::Closed { session: SID.into(), why, ordered };
        assert_eq!(fixture.on_event(closed).len(), count);
        if !ordered {
            pictures("record", &mut fixture, |_| {});
        }
    }
}

#[test]
fn channels_marked_as_bad_and_headsets_without_a_record_raise_nothing() {
    let mut fixture = recording();
    for sensor in EPOC_SENSORS {
        fixture.feed(120, 40, 3000);
        if ["P8", "O2", "AF3"].contains(&sensor) {
            fixture.apply(Action::BadChannel);
            assert_eq!(fixture.notice(), Some(format!("{sensor} is marked as bad").as_str()));
        }
        fixture.apply(Action::ChannelDown);
    }
    let corrupt = |snapshot: &mut Snapshot| {
        without_contact(snapshot);
        railed(snapshot);
    };
    assert_eq!(go_on(&mut fixture, 20, corrupt), []);
    let mut idle = crate::new().streaming();
    assert_eq!(go_on(&mut idle, 20, corrupt), []);
}
