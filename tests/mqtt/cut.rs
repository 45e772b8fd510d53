//! A network failure: nothing is forwarded, and no connection is closed.

use std::{
    io::{self, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use cortop_mqtt::book::{DepartureTime, SILENCE, StationPresence};
use tokio::time::{Instant, sleep_until};

use crate::{
    broker::{Mosquitto, Station, service},
    lab::{Lab, is, run, streams},
};

/// Maximum pause between two attempts of a station, plus the time of an attempt that is not answered.
const RETURN: Duration = Duration::from_secs(15 + 10);

/// Margin for a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// Whether bytes may pass.
type Gate = Arc<(Mutex<bool>, Condvar)>;

/// Forwards between a station and its broker.
struct Forwarder {
    port: u16,
    gate: Gate,
}

impl Forwarder {
    /// Forwards until it is cut. Its threads end with the connections.
    fn start(broker: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let gate = Gate::new((Mutex::new(true), Condvar::new()));
        let shared = Arc::clone(&gate);
        thread::spawn(move || {
            for station in listener.incoming().map_while(Result::ok) {
                let Ok(broker) = TcpStream::connect(("127.0.0.1", broker)) else { continue };
                let ends = [(&station, &broker), (&broker, &station)];
                for (from, to) in ends {
                    let (from, to) = (from.try_clone(), to.try_clone());
                    let (from, to) = (from.expect("the same"), to.expect("the same"));
                    let gate = Arc::clone(&shared);
                    thread::spawn(move || forward(from, to, &gate));
                }
            }
        });
        Self { port, gate }
    }

    fn set(&self, is_open: bool) {
        *self.gate.0.lock().expect("whole") = is_open;
        self.gate.1.notify_all();
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, gate: &Gate) -> io::Result<()> {
    let mut chunk = [0; 4096];
    loop {
        let count = from.read(&mut chunk)?;
        let is_open = gate.0.lock().expect("whole");
        drop(gate.1.wait_while(is_open, |is_open| !*is_open).expect("whole"));
        if count == 0 {
            return to.shutdown(Shutdown::Write);
        }
        to.write_all(&chunk[..count])?;
    }
}

/// Cuts the network of a station for this long, and at least until the lab has noticed.
fn cut_for(time: Duration) {
    let Some(broker) = Mosquitto::start() else { return };
    let sim = service();
    let forwarder = Forwarder::start(broker.ports[0]);
    let url = format!("mqtts://localhost:{}", forwarder.port);
    let config = broker.account("PC-03");
    let _station = Station::start(&sim, &config, &["--broker", &url, "--name", "PC-03"]).ready();
    let is_live = |presence| matches!(presence, StationPresence::Live);
    run(async {
        let mut lab = Lab::new(&broker);
        lab.until("it streams", |book| streams(book, "PC-03") && is(book, "PC-03", is_live)).await;
        forwarder.set(false);
        let cut = Instant::now();
        lab.until("it is noticed", |book| !is(book, "PC-03", is_live)).await;
        let noticed = cut.elapsed();
        assert!(noticed < SILENCE + SLACK, "{noticed:?}");
        lab.until("the will", |book| {
            is(book, "PC-03", |presence| {
                matches!(presence, StationPresence::Gone(DepartureTime::At(_)))
            })
        })
        .await;
        // The passage of time itself is awaited.
        sleep_until(cut + time).await;
        forwarder.set(true);
        let healed = Instant::now();
        lab.until("its return", |book| streams(book, "PC-03") && is(book, "PC-03", is_live)).await;
        let returned = healed.elapsed();
        assert!(returned < RETURN + SLACK, "{returned:?}");
        println!("noticed after {noticed:.1?}, back {returned:.1?} after it was healed");
        lab.subscriber.stop().await;
    });
    // A late reader gets everything.
    let mut reader = broker.read();
    let state = reader.wait("the station", |message| message.is_station("PC-03", "online"));
    assert!(state.retained, "{state:?}");
    let headset = reader.wait("its headset", |message| message.is_headset("PC-03", "streaming"));
    assert!(headset.retained, "{headset:?}");
}

#[test]
fn a_cut_network_is_noticed_in_time_and_nothing_is_lost_when_it_heals() {
    cut_for(Duration::ZERO);
}

#[test]
#[ignore = "takes more than a minute"]
fn a_network_that_is_cut_for_a_minute() {
    cut_for(Duration::from_secs(60));
}
