//! What a lab knows of stations: when it starts late, through a broken connection, and from hostile messages.

use std::{future::Future, time::Duration};

use cortop_mqtt::{
    Broker, BrokerAccount, BrokerUser, LabNotice, Subscriber,
    book::{Book, DepartureTime, Station, StationPresence},
    payload::{HeadsetCondition, LabMarker},
};
use rustix::process::Signal;
use tokio::{
    runtime::Builder,
    time::{Instant, timeout},
};

use crate::broker::{Mosquitto, PATIENCE, password, service};

/// A lab without a screen.
pub(crate) struct Lab {
    pub(crate) book: Book,
    pub(crate) subscriber: Subscriber,
}

impl Lab {
    pub(crate) fn new(broker: &Mosquitto) -> Self {
        let account = BrokerAccount {
            user: Some(BrokerUser {
                name: "lab".to_owned(),
                password: Some(password("lab").into()),
            }),
            ca_file: Some(broker.folder.path().join("root.pem")),
            ..BrokerAccount::default()
        };
        let address = Broker::new(&broker.url(), &account).expect("usable");
        Self { book: Book::default(), subscriber: Subscriber::spawn(address) }
    }

    /// Handles messages until a condition holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Book) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !holds(&self.book) {
            let left = end.saturating_duration_since(Instant::now()).min(Duration::from_secs(1));
            // Silence sends no message: check again and again.
            match timeout(left, self.subscriber.notices.recv()).await {
                Ok(Some(LabNotice::Connected)) => self.book.on_connected(Instant::now()),
                Ok(Some(LabNotice::Disconnected(..))) => {
                    self.book.on_disconnected(Instant::now());
                }
                Ok(Some(LabNotice::Message(message))) => {
                    self.book.on_message(&message);
                }
                Ok(Some(LabNotice::Refused(_))) => {}
                Ok(None) => panic!("it has ended"),
                Err(_) => assert!(Instant::now() < end, "never: {what}; {:#?}", self.book),
            }
        }
    }
}

fn station<'a>(book: &'a Book, name: &str) -> Option<&'a Station> {
    book.stations().get(&name.parse().expect("a name"))
}

pub(crate) fn is(book: &Book, name: &str, wanted: fn(StationPresence) -> bool) -> bool {
    station(book, name).is_some_and(|station| wanted(station.presence(Instant::now())))
}

pub(crate) fn streams(book: &Book, name: &str) -> bool {
    let headset = station(book, name).and_then(|own| own.headset("EPOCX-0A1B2C3D"));
    headset.is_some_and(|own| own.state.condition == HeadsetCondition::Streaming)
}

pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test);
}

#[test]
fn a_lab_follows_stations_through_kills_and_a_restarted_broker() {
    let Some(mut broker) = Mosquitto::start() else { return };
    let sim = service();
    let mut killed = broker.station(&sim, "PC-03", &[]).ready();
    run(async {
        let mut lab = Lab::new(&broker);
        let is_live = |presence| matches!(presence, StationPresence::Live);
        lab.until("a headset that streams", |book| {
            streams(book, "PC-03") && is(book, "PC-03", is_live)
        })
        .await;
        killed.end(Signal::KILL);
        lab.until("the will", |book| {
            is(book, "PC-03", |presence| {
                matches!(presence, StationPresence::Gone(DepartureTime::At(_)))
            })
        })
        .await;
        let again = broker.station(&sim, "PC-03", &[]).ready();
        lab.until("its return", |book| streams(book, "PC-03") && is(book, "PC-03", is_live)).await;
        broker.stop();
        // Its end published the station's last will.
        lab.until("that it is not known", |book| {
            is(book, "PC-03", |presence| presence == StationPresence::Unconfirmed)
        })
        .await;
        broker.start_again();
        lab.until("its state again", |book| streams(book, "PC-03") && is(book, "PC-03", is_live))
            .await;
        again.says("publishes as PC-03 now");
        // A stopped station neither publishes nor closes its connection; then the broker gives it up.
        again.signal(Signal::STOP);
        lab.until("its silence", |book| !is(book, "PC-03", is_live)).await;
        again.signal(Signal::CONT);
        lab.until("its return", |book| is(book, "PC-03", is_live)).await;
        lab.subscriber.stop().await;
    });
}

#[test]
fn a_marker_goes_out_and_hostile_messages_are_counted_and_named() {
    let Some(broker) = Mosquitto::start() else { return };
    run(async {
        let state = r#"{"version":1,"instance":"x","sent":0,"status":"online","since":0,
            "host":"\u001b]0;owned\u0007","program":"p","cortex":"c","headsets":[]}"#;
        let topic = "cortop/v1/PC-04/state";
        broker.publish_as("PC-04", topic, &["-r", "-m", &state.replace('\n', "")]);
        let (mut lab, mut reader) = (Lab::new(&broker), broker.read());
        reader.wait("the station", |message| message.is_station("PC-04", "online"));
        lab.until("a station", |book| station(book, "PC-04").is_some()).await;
        let host = station(&lab.book, "PC-04").and_then(|own| own.state.clone()).expect("one").host;
        assert_eq!(host.as_str(), "\u{fffd}]0;owned\u{fffd}");
        let long = "x".repeat(20_000);
        for hostile in ["{", "[[[[", r#"{"version":0}"#, &long] {
            broker.publish_as("PC-04", topic, &["-m", hostile]);
        }
        lab.until("what is malformed", |book| book.malformed().0 == 4).await;
        let (named, _) = lab.book.malformed().1.expect("named");
        assert_eq!(named.as_str(), topic);
        let marker = LabMarker { id: "1".into(), label: "go".into(), value: None };
        lab.subscriber.markers.send(marker).await.expect("taken");
        // The message comes back to those who read all topics.
        let before = lab.book.received().0;
        lab.until("the marker", |book| book.received().0 > before).await;
        let is_marker =
            |message: &crate::broker::Message| message.topic.ends_with("command/marker");
        let sent = reader.wait("the marker", is_marker);
        crate::contract::check(&sent);
        assert_eq!((&sent.payload["id"], &sent.payload["label"]), (&"1".into(), &"go".into()));
        lab.subscriber.stop().await;
    });
}
