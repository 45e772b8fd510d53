use std::time::Duration;

use proptest::prelude::*;

use super::*;

/// A message of a station.
fn send<T: serde::Serialize>(
    book: &mut Book,
    (topic, instance): (&str, &str),
    (sent, arrival, retained): (f64, (Instant, f64), bool),
    body: T,
) -> BookChange {
    let payload = StationMessage::new(&instance.into(), sent, body).to_json();
    let (arrival, wall) = arrival;
    let (topic, payload) = (topic.to_owned().into(), payload.into());
    book.on_message(&Received { topic, payload, retained, arrival, wall })
}

fn state(status: Status) -> StationState {
    StationState { status, ..StationState::default() }
}

fn name() -> StationName {
    "PC".parse().unwrap()
}

const STATE: &str = "cortop/v1/PC/state";
const HEADSET: &str = "cortop/v1/PC/headset/E/state";

#[tokio::test(start_paused = true)]
async fn what_was_retained_is_not_live_until_it_is_heard_and_silence_ends_that() {
    let mut book = Book::default();
    let start = Instant::now();
    let presence = |book: &Book, seconds| {
        book.stations()[&name()].presence(start + Duration::from_secs(seconds))
    };
    send(&mut book, (STATE, "a"), (5.0, (start, 100.0), true), state(Status::Online));
    assert_eq!(presence(&book, 0), StationPresence::Unconfirmed);
    send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), state(Status::Online));
    assert_eq!(presence(&book, 12), StationPresence::Live);
    assert_eq!(presence(&book, 13), StationPresence::Silent(Some(start)));
    // A station that is not heard over a new connection becomes silent, since it was last heard.
    book.on_disconnected(start + Duration::from_secs(14));
    assert_eq!(presence(&book, 99), StationPresence::Unconfirmed);
    book.on_connected(start + Duration::from_secs(20));
    assert_eq!(presence(&book, 32), StationPresence::Unconfirmed);
    assert_eq!(presence(&book, 33), StationPresence::Silent(Some(start)));
    send(&mut book, (STATE, "a"), (5.0, (start, 123.0), false), state(Status::Gone));
    assert_eq!(presence(&book, 99), StationPresence::Gone(DepartureTime::At(123.0)));
    // A retained message does not change that.
    send(&mut book, (STATE, "a"), (5.0, (start, 150.0), true), state(Status::Gone));
    assert_eq!(presence(&book, 99), StationPresence::Gone(DepartureTime::At(123.0)));
    // A station of which nothing but its retained state is known.
    let mut book = Book::default();
    send(&mut book, (STATE, "a"), (5.0, (start, 100.0), true), state(Status::Online));
    assert_eq!(presence(&book, 13), StationPresence::Silent(None));
    assert_eq!(book.stations()[&name()].kept(), Some(5.0));
}

#[tokio::test(start_paused = true)]
async fn of_a_station_that_went_before_the_lab_came_only_what_is_known_is_said() {
    let start = Instant::now();
    let gone = |why: &str, heard: Option<f64>| {
        let mut book = Book::default();
        if let Some(wall) = heard {
            let online = state(Status::Online);
            send(&mut book, (STATE, "a"), (10.0, (start, wall), false), online);
        }
        let body = StationState { why: Some(why.into()), ..state(Status::Gone) };
        send(&mut book, (STATE, "a"), (25.0, (start, 900.0), true), body);
        book.stations()[&name()].presence(start)
    };
    // A goodbye has the time by the station's clock, which only live messages can correct.
    let told = DepartureTime::Told { own_clock: 25.0, latest: 900.0 };
    assert_eq!(gone("stopped", None), StationPresence::Gone(told));
    assert_eq!(gone("stopped", Some(510.0)), StationPresence::Gone(DepartureTime::At(525.0)));
    // A will is stamped when its connection begins.
    assert_eq!(gone("lost", None), StationPresence::Gone(DepartureTime::Before(900.0)));
    assert_eq!(gone("lost", Some(510.0)), StationPresence::Gone(DepartureTime::Before(900.0)));
}

#[tokio::test(start_paused = true)]
async fn wills_of_a_broker_that_ends_say_nothing_of_stations() {
    let start = Instant::now();
    let presence_after = |millis| {
        let mut book = Book::default();
        let will = StationState { why: Some(LOST.into()), ..state(Status::Gone) };
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), state(Status::Online));
        send(&mut book, (STATE, "a"), (5.0, (start, 100.0), false), will);
        let end = start + Duration::from_millis(millis);
        book.on_disconnected(end);
        book.stations()[&name()].presence(end)
    };
    assert_eq!(presence_after(20), StationPresence::Unconfirmed);
    assert_eq!(presence_after(1500), StationPresence::Gone(DepartureTime::At(100.0)));
}

#[tokio::test(start_paused = true)]
async fn a_station_that_was_refused_a_name_changes_nothing() {
    let mut book = Book::default();
    let now = (Instant::now(), 100.0);
    send(&mut book, (STATE, "a"), (5.0, now, false), state(Status::Online));
    for status in [Status::Joining, Status::Gone] {
        let change = send(&mut book, (STATE, "b"), (5.0, now, false), state(status));
        assert_eq!(change, BookChange::Nothing);
    }
    assert_eq!(book.stations()[&name()].presence(now.0), StationPresence::Live);
}

#[tokio::test(start_paused = true)]
async fn headsets_of_an_earlier_run_are_none() {
    let mut book = Book::default();
    let now = (Instant::now(), 100.0);
    let body = || HeadsetState { headset: "E".into(), ..HeadsetState::default() };
    send(&mut book, (HEADSET, "a"), (5.0, now, true), body());
    assert_eq!(book.stations()[&name()].headsets().count(), 1, "its station is not known yet");
    send(&mut book, (STATE, "b"), (5.0, now, true), state(Status::Online));
    assert_eq!(book.stations()[&name()].headsets().count(), 0);
    send(&mut book, (HEADSET, "b"), (5.0, now, false), body());
    assert!(book.stations()[&name()].headset("E").is_some());
    let gone = Received {
        topic: HEADSET.into(),
        payload: Bytes::new(),
        retained: false,
        arrival: now.0,
        wall: 0.0,
    };
    assert!(matches!(book.on_message(&gone), BookChange::Headset(..)));
    assert_eq!((book.stations()[&name()].headsets().count(), book.headsets), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn times_are_corrected_by_the_soonest_arrival() {
    let mut book = Book::default();
    let now = Instant::now();
    // Its clock is 1000 s behind; the messages take 0.4, 0.1 and 0.3 s.
    for (sent, wall) in [(10.0, 1010.4), (20.0, 1020.1), (30.0, 1030.3)] {
        send(&mut book, (STATE, "a"), (sent, (now, wall), false), state(Status::Online));
    }
    let station = &book.stations()[&name()];
    assert!((station.lab_time(25.0).unwrap() - 1025.1).abs() < 1e-9);
    let event = StationEvent { at: 39.0, ..StationEvent::default() };
    let topic = ("cortop/v1/PC/event", "a");
    let change = send(&mut book, topic, (40.0, (now, 1040.2), false), event);
    let BookChange::Event(_, at, _) = change else { panic!("{change:?}") };
    assert!((at - 1039.2).abs() < 1e-9, "{at}");
}

#[tokio::test(start_paused = true)]
async fn a_million_stations_are_counted_and_4096_kept() {
    let mut book = Book::default();
    let arrival = Instant::now();
    let payload = StationMessage::new(&"a".into(), 0.0, state(Status::Online)).to_json();
    let payload = Bytes::from(payload);
    for number in 0..1_000_000 {
        let topic = format!("cortop/v1/{number}/state");
        let topic = Bytes::from(topic);
        // The first ones send their state twice.
        for _ in 0..=usize::from(number < 10_000) {
            let (topic, payload) = (topic.clone(), payload.clone());
            book.on_message(&Received { topic, payload, retained: false, arrival, wall: 0.0 });
        }
    }
    assert_eq!(book.stations().len(), MOST_STATIONS);
    assert_eq!(book.beyond().0, 1_000_000 - MOST_STATIONS);
    let state = HeadsetState { headset: "E".into(), ..HeadsetState::default() };
    let payload = Bytes::from(StationMessage::new(&"a".into(), 0.0, state).to_json());
    for number in 0..100 {
        let topic = format!("cortop/v1/0/headset/{number}/state").into();
        let payload = payload.clone();
        book.on_message(&Received { topic, payload, retained: false, arrival, wall: 0.0 });
    }
    assert_eq!(book.stations()[&"0".parse().unwrap()].headsets().count(), MOST_OF_A_STATION);
    assert_eq!(book.beyond().1, 36);
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_counted_and_named() {
    let mut book = Book::default();
    let arrival = Instant::now();
    for (topic, payload, says) in [
        ("cortop/v1/PC/other", &b"{}"[..], "no such topic"),
        ("cortop/v1/PC/state", b"{}", "missing field"),
        ("cortop/v1/PC/state", b"{\"version\":0}", "version 0"),
    ] {
        let (topic, payload) = (topic.into(), payload.into());
        let message = Received { topic, payload, retained: true, arrival, wall: 0.0 };
        assert_eq!(book.on_message(&message), BookChange::Malformed);
        let (_, last) = book.malformed();
        let (_, why) = last.expect("one");
        assert!(why.to_string().contains(says), "{why}");
    }
    assert_eq!(book.malformed().0, 3);
    assert!(book.stations().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_station_of_a_later_version_is_no_malformed_one() {
    let mut book = Book::default();
    let now = (Instant::now(), 100.0);
    let (topic, payload) = (STATE.into(), b"{\"version\":2,\"new\":true}"[..].into());
    let message = Received { topic, payload, retained: false, arrival: now.0, wall: now.1 };
    for _ in 0..2 {
        assert_eq!(book.on_message(&message), BookChange::Newer(name(), 2));
    }
    assert_eq!((book.newer(), book.malformed().0), (1, 0));
    send(&mut book, (STATE, "a"), (5.0, now, false), state(Status::Online));
    assert_eq!(book.newer(), 0);
}

proptest! {
    #[test]
    fn any_message_is_taken(
        topic in "(cortop/v1/)?[A-Z]{0,2}/?(state|event|headset/x/state|acknowledgement)?",
        payload in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..64),
            any::<String>().prop_map(String::into_bytes),
            "\\{\"version\":1,\"instance\":\"a\",\"sent\":[0-9e]{1,3}(,\"at\":1e309)?\\}"
                .prop_map(String::into_bytes),
        ],
        retained in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut book = Book::default();
            let (topic, payload) = (topic.into(), payload.into());
            let arrival = Instant::now();
            book.on_message(&Received { topic, payload, retained, arrival, wall: 0.0 });
        });
    }
}
