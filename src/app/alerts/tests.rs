use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    tracker::{Fact, Watched},
    *,
};

const STEP: Duration = Duration::from_millis(500);
const MINUTE: u32 = 120;
const SENSORS: [&str; 3] = ["AF3", "P8", "T7"];

/// What is known at a step: no headset, no sensor, or which sensors have no contact.
#[derive(Clone, Copy, Debug, PartialEq)]
enum KnownSensors {
    NotWatched,
    Unknown,
    Lost([bool; 3]),
}

fn known() -> impl Strategy<Value = KnownSensors> {
    prop_oneof![
        1 => Just(KnownSensors::NotWatched),
        2 => Just(KnownSensors::Unknown),
        20 => any::<[bool; 3]>().prop_map(KnownSensors::Lost),
    ]
}

/// A sequence of steps in which the known state changes now and then.
fn course() -> impl Strategy<Value = Vec<KnownSensors>> {
    prop::collection::vec((known(), 1_usize..80), 1..16)
        .prop_map(|parts| parts.into_iter().flat_map(|(known, n)| vec![known; n]).collect())
}

/// The alerts raised along a sequence, each with its step.
fn run(course: &[KnownSensors], delay: Duration) -> Vec<(usize, Alert)> {
    let headset = HeadsetId::from("EPOCX-1");
    let start = Instant::now();
    let mut tracker = AlertTracker::default();
    let mut said = Vec::new();
    for (step, known) in (0_u32..).zip(course) {
        let now = start + STEP * step;
        let facts = match known {
            KnownSensors::Lost(lost) => {
                let lost = SENSORS.iter().zip(lost).filter(|(_, lost)| **lost);
                let fact =
                    |subject: &str| Fact { subject: subject.into(), value: None, since: now };
                vec![(AlertKind::Contact, lost.map(|(sensor, _)| fact(sensor)).collect())]
            }
            _ => Vec::new(),
        };
        let watched = Watched { headset: &headset, known: facts };
        let watched = if *known == KnownSensors::NotWatched { Vec::new() } else { vec![watched] };
        let alerts = tracker.observe(&watched, |_| delay, now);
        said.extend(alerts.into_iter().map(|alert| (step as usize, alert)));
    }
    said
}

/// Whether a sensor is without contact at a step, by the last known state; `None` before anything is known of
/// a watched headset.
fn lost(course: &[KnownSensors], sensor: usize, step: usize) -> Option<bool> {
    match course[step] {
        KnownSensors::NotWatched => None,
        KnownSensors::Lost(lost) => Some(lost[sensor]),
        KnownSensors::Unknown => {
            step.checked_sub(1).and_then(|before| lost(course, sensor, before))
        }
    }
}

/// How many steps, up to and including this one, that has been the case.
fn steps(course: &[KnownSensors], sensor: usize, step: usize, state: Option<bool>) -> u32 {
    let back = (0..=step).rev().take_while(|&step| lost(course, sensor, step) == state);
    u32::try_from(back.count()).expect("few")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_alert_has_lasted_is_not_repeated_within_a_minute_and_its_end_follows_it(
        course in course(),
        delay in 0_u32..20,
    ) {
        let said = run(&course, STEP * delay);
        for (sensor, name) in SENSORS.iter().enumerate() {
            let own = said.iter().filter(|(_, alert)| alert.subjects.iter().any(|one| one == name));
            let mut last: Option<(usize, bool)> = None;
            for (step, alert) in own {
                let state = Some(!alert.is_over);
                let lasted = steps(&course, sensor, *step, state) - 1;
                prop_assert!(lasted >= if alert.is_over { 4 } else { delay }, "{alert:?} at {step}");
                match last {
                    // Each end follows its alert.
                    Some((_, is_over)) if alert.is_over => prop_assert!(!is_over),
                    None => prop_assert!(!alert.is_over),
                    _ => {}
                }
                last = Some((*step, alert.is_over));
            }
            let begun: Vec<usize> = said.iter()
                .filter(|(_, alert)| !alert.is_over && alert.subjects.iter().any(|one| one == name))
                .map(|(step, _)| *step).collect();
            let apart = begun.windows(2).all(|two| two[1] - two[0] >= MINUTE as usize);
            prop_assert!(apart, "{name} at {begun:?}");
        }
    }

    #[test]
    fn what_lasts_is_said_and_so_is_its_end(course in course(), delay in 0_u32..20) {
        // One more second, in which others may join.
        let enough = MINUTE.max(delay) + 3;
        let with_end: Vec<KnownSensors> = course.iter().copied()
            .chain(vec![KnownSensors::Lost([true, false, false]); enough as usize])
            .chain(vec![KnownSensors::Lost([false; 3]); 8])
            .collect();
        let said = run(&with_end, STEP * delay);
        let of = |name: &str| said.iter().rfind(|(_, alert)| alert.subjects.iter().any(|one| one == name));
        let (step, end) = of("AF3").expect("said");
        prop_assert!(end.is_over && *step >= course.len());
        let left = of("P8").is_some_and(|(_, alert)| !alert.is_over);
        let watched_on = !course.contains(&KnownSensors::NotWatched);
        prop_assert!(!left || !watched_on, "what was said of P8 is over: {said:?}");
    }

    #[test]
    fn whatever_cortex_calls_a_sensor_or_a_headset_drives_neither_terminal_nor_environment(
        name in any::<String>(),
        headset in any::<String>(),
        is_over in any::<bool>(),
    ) {
        for kind in [AlertKind::Stale, AlertKind::Contact, AlertKind::Rail] {
            let alert = Alert {
                kind,
                headset: Some(HeadsetId::from(headset.as_str())),
                subjects: vec![cortop_client::sanitize::clean_bounded(&name)],
                value: Some(4.0),
                lasted: Duration::from_secs(4),
                is_over,
            };
            prop_assert!(!alert.text().contains(char::is_control));
            for (name, value) in alert.environment() {
                prop_assert!(!value.contains(char::is_control), "{name}");
            }
        }
    }
}

#[test]
fn streams_that_fall_silent_and_come_back_together_are_one_alert_each_time() {
    let headset = HeadsetId::from("EPOCX-1");
    let start = Instant::now();
    let mut tracker = AlertTracker::default();
    let mut said = Vec::new();
    for step in 0_u32..60 {
        let now = start + STEP * step;
        // When each becomes stale, in steps; the last samples came two seconds before.
        let silent = [("eeg", 4..30), ("mot", 4..30), ("met", 5..31)];
        let stale = silent.into_iter().filter(|(_, own)| own.contains(&step));
        let facts = stale.map(|(name, own)| Fact {
            subject: name.to_owned(),
            value: Some(f64::from(step - own.start) / 2.0 + 2.0),
            since: start + STEP * (own.start - 4),
        });
        let known = vec![(AlertKind::Stale, facts.collect())];
        let watched = [Watched { headset: &headset, known }];
        let alerts = tracker.observe(&watched, |_| Duration::ZERO, now);
        said.extend(alerts.into_iter().map(|alert| (step, alert.text())));
    }
    let expected = [
        (6, "EPOCX-1: eeg mot met are stale, no sample for 3 s".to_owned()),
        (36, "EPOCX-1: eeg mot met came back after 15 s".to_owned()),
    ];
    assert_eq!(said, expected);
}

#[test]
fn the_user_command_gets_every_fact_in_a_variable_of_its_own() {
    let alert = Alert {
        kind: AlertKind::Contact,
        headset: Some("EPOCX-1".into()),
        subjects: vec!["AF3".to_owned(), "P8".to_owned()],
        value: None,
        lasted: Duration::from_secs(11),
        is_over: false,
    };
    let environment: BTreeMap<_, _> = alert.environment().into_iter().collect();
    let expected = [
        ("CORTOP_ALERT", "contact"),
        ("CORTOP_STATE", "begun"),
        ("CORTOP_HEADSET", "EPOCX-1"),
        ("CORTOP_STREAM", ""),
        ("CORTOP_SENSOR", "AF3 P8"),
        ("CORTOP_VALUE", "11"),
        ("CORTOP_TEXT", "EPOCX-1: AF3 P8 have had no contact for 11 s"),
    ];
    assert_eq!(environment, expected.map(|(name, value)| (name, value.to_owned())).into());
    let loss = Alert { kind: AlertKind::Loss, value: Some(7.25), ..alert.clone() };
    let environment: BTreeMap<_, _> = loss.environment().into_iter().collect();
    assert_eq!(environment["CORTOP_VALUE"], "7.3");
    let loss = Alert {
        kind: AlertKind::Loss,
        subjects: vec!["eeg".to_owned()],
        value: Some(7.25),
        is_over: true,
        ..alert
    };
    let environment: BTreeMap<_, _> = loss.environment().into_iter().collect();
    assert_eq!(environment["CORTOP_VALUE"], "11", "seconds");
    assert_eq!(environment["CORTOP_STATE"], "over");
    assert_eq!(
        (environment["CORTOP_STREAM"].as_str(), environment["CORTOP_SENSOR"].as_str()),
        ("eeg", "")
    );
}

#[test]
fn what_happens_at_once_is_not_repeated_within_a_minute_and_has_no_end() {
    let start = Instant::now();
    let mut tracker = AlertTracker::default();
    let text = || "less than 1 GB is free on the disk".to_owned();
    let mut warn = |second: u64, text: String| {
        let now = start + Duration::from_secs(second);
        let over = tracker.observe(&[], |_| Duration::ZERO, now);
        (tracker.event(AlertKind::Disk, None, text, Some(19.0), now).is_some(), over.len())
    };
    assert_eq!(warn(0, text()), (true, 0));
    assert_eq!(warn(30, text()), (false, 0));
    assert_eq!(warn(40, "less than 300 MB".to_owned()), (true, 0), "another thing");
    assert_eq!(warn(60, text()), (true, 0));
}
