//! Markers land where the key was pressed: the headset's clock is measured whatever delays the path
//! to Cortex, and again when either clock is set.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cortop_client::{
    ClockOffset, Command, ConnectionStep, Event, HeadsetCommand, Marker, MarkerCommand, Moment,
    RecordCommand, RecordEvent, SessionId, marker::MarkerValue, record::NewRecord,
};
use cortop_sim::Sim;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    secrets::logged,
    service::{
        ClientUnderTest, INSIGHT, Reply, ScriptedService, config, headset, reached, session,
    },
    simulated::options,
};

/// The session id of the scripted service.
const SESSION: &str = "session-0-of-INSIGHT-0A1B2C3D";
const RECORD: &str = "bbbbbbbb-1111-4222-8333-444444444444";

/// A relay that delays what passes, by a separate time in each direction.
struct SlowRelay {
    url: String,
    task: JoinHandle<()>,
}

impl Drop for SlowRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SlowRelay {
    async fn start(url: &str, there: Duration, back: Duration) -> Self {
        let port = url.rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://localhost:{}", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            loop {
                let (client, _) = listener.accept().await.unwrap();
                let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                let ways = [client, server].map(|socket| {
                    socket.set_nodelay(true).unwrap();
                    socket.into_split()
                });
                let [(from_client, to_client), (from_server, to_server)] = ways;
                // Each task ends with its socket.
                tokio::spawn(hold_back(from_client, to_server, there));
                tokio::spawn(hold_back(from_server, to_client, back));
            }
        });
        Self { url, task }
    }
}

async fn hold_back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (sender, mut held) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let read = async move {
        let mut bytes = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            let _ = sender.send((Instant::now() + delay, bytes[..count].to_vec()));
        }
    };
    let write = async move {
        while let Some((at, bytes)) = held.recv().await {
            sleep_until(at).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}

fn start(session: &SessionId) -> Command {
    let new = NewRecord { title: "rest".to_owned(), ..NewRecord::default() };
    Command::Record(RecordCommand::Start(session.clone(), new))
}

fn mark(session: &SessionId, at: Moment) -> Command {
    let (label, value) = ("eyes closed".to_owned(), MarkerValue::Number(1));
    Command::Marker(MarkerCommand::Mark { session: session.clone(), label, value, at })
}

fn started(event: &Event) -> Option<()> {
    matches!(event, Event::Record(RecordEvent::Started { .. })).then_some(())
}

fn marker(event: &Event) -> Option<Marker> {
    match event {
        Event::Marker { marker, .. } => Some(marker.clone()),
        _ => None,
    }
}

fn clock(event: &Event) -> Option<ClockOffset> {
    match event {
        Event::Clock { clock, .. } => Some(*clock),
        _ => None,
    }
}

fn live(event: &Event) -> Option<SessionId> {
    match event {
        Event::Session(session) => Some(session.id.clone()),
        _ => None,
    }
}

/// Waits until streams are running and the clock is known, in either order.
async fn streaming(tested: &mut ClientUnderTest) -> ClockOffset {
    tested.until(reached(ConnectionStep::Streaming)).await;
    match tested.events.iter().find_map(clock) {
        Some(known) => known,
        None => tested.until(clock).await,
    }
}

fn epoch(at: Moment) -> f64 {
    at.wall.as_duration().as_secs_f64()
}

/// By how many milliseconds a marker missed its key press over a path with these delays in each
/// direction, and the clock offset that was reported.
async fn missed(there: u64, back: u64) -> (f64, ClockOffset) {
    let sim = Sim::start(options(&["epocx:connected"])).await.unwrap();
    let [there, back] = [there, back].map(Duration::from_millis);
    let relay = SlowRelay::start(&sim.url(), there, back).await;
    let mut tested = ClientUnderTest::start(config(&relay.url));
    let session = tested.until(live).await;
    tested.until(reached(ConnectionStep::Streaming)).await;
    tested.command(start(&session)).await;
    tested.until(started).await;
    let at = Moment::now();
    // The label is typed first.
    sleep(Duration::from_millis(700)).await;
    tested.command(mark(&session, at)).await;
    let marker = tested.until(marker).await;
    let shown = tested.events.iter().filter_map(clock).next_back().unwrap();
    tested.quit().await;
    sim.task.abort();
    ((marker.start - epoch(at)) * 1000.0, shown)
}

#[tokio::test]
async fn a_marker_stands_where_the_key_was_pressed_whatever_the_way_delays() {
    let ways = [
        (0, 0, 20.0),
        (50, 50, 30.0),
        (200, 200, 30.0),
        // Nobody can know which direction takes longer: the error is half of the round trip.
        (0, 50, 25.0),
        (50, 0, 25.0),
        (0, 200, 100.0),
        (200, 0, 100.0),
        (50, 200, 125.0),
    ];
    let all = ways.map(|(there, back, most)| async move {
        let (missed, shown) = missed(there, back).await;
        // An asymmetric path errs by half of its delay plus what the machines add.
        let most = if there == back { most } else { most + 20.0 };
        println!("{there} ms there, {back} ms back: missed by {missed:.1} ms, shown {shown}");
        assert!(missed.abs() <= most, "{there} {back}: {missed} ms");
        assert!(
            missed.abs() <= (shown.uncertainty * 1000.0).ceil(),
            "{there} {back}: {missed} {shown}"
        );
        assert!(shown.offset.abs() <= shown.uncertainty, "{shown}: it is the same clock");
    });
    join_all(all).await;
}

/// A Cortex whose clock is ahead of ours by a number of seconds that the test sets.
struct SkewedService {
    service: ScriptedService,
    ahead: Arc<Mutex<f64>>,
    samples: JoinHandle<()>,
}

impl Drop for SkewedService {
    fn drop(&mut self) {
        self.samples.abort();
    }
}

impl SkewedService {
    /// Sends samples with stamps of its own clock; `measures` answers `syncWithHeadsetClock`.
    async fn start(
        ahead: f64,
        mut measures: impl FnMut(f64, &Value) -> Reply + Send + 'static,
    ) -> Self {
        let ahead = Arc::new(Mutex::new(ahead));
        let its = Arc::clone(&ahead);
        let service = ScriptedService::start(move |seen| match seen.method.as_str() {
            "syncWithHeadsetClock" => {
                measures(epoch(Moment::now()) + *its.lock().unwrap(), &seen.params)
            }
            "createRecord" => Reply::Result(json!({"record": {"uuid": RECORD, "title": "rest"}})),
            "injectMarker" => Reply::Result(json!({"marker": {}, "recordId": RECORD})),
            _ => Reply::Usual,
        })
        .await;
        let (its, push) = (Arc::clone(&ahead), service.push.clone());
        let samples = tokio::spawn(async move {
            loop {
                sleep(Duration::from_millis(10)).await;
                let time = epoch(Moment::now()) + *its.lock().unwrap();
                // Nobody listens before the client has connected.
                let _ = push.send(json!({"dev": [4], "sid": SESSION, "time": time}).to_string());
            }
        });
        Self { service, ahead, samples }
    }

    fn set(&self, ahead: f64) {
        *self.ahead.lock().unwrap() = ahead;
    }

    /// The time of the last marker, in seconds of the service's clock.
    fn marked(&self) -> f64 {
        let asked = self.service.asked("injectMarker");
        asked.last().unwrap().params["time"].as_f64().unwrap() / 1000.0
    }

    fn measured(&self) -> usize {
        self.service.asked("syncWithHeadsetClock").len()
    }
}

fn adjusted(now: f64, params: &Value) -> Reply {
    Reply::Result(json!({"adjustment": now - params["monotonicTime"].as_f64().unwrap()}))
}

#[test]
fn a_step_of_its_clock_is_measured_markers_follow_it_and_only_other_jumps_are_warned_of() {
    let ((), log) = logged(async {
        let beside = Arc::new(Mutex::new(0.0));
        let its = Arc::clone(&beside);
        let measures = move |now: f64, params: &Value| adjusted(now + *its.lock().unwrap(), params);
        let scripted = SkewedService::start(0.0, measures).await;
        let mut tested = ClientUnderTest::start(config(&scripted.service.url));
        let first = streaming(&mut tested).await;
        assert!(first.offset.abs() <= first.uncertainty, "{first}");
        // Until the stamps are known.
        sleep(Duration::from_secs(1)).await;
        for (before, ahead) in [(0.0, 3.4), (3.4, -0.5)] {
            scripted.set(ahead);
            let near = |event: &Event| clock(event).filter(|it| (it.offset - ahead).abs() < 0.1);
            let shown = tested.until(near).await;
            assert!((shown.offset - ahead).abs() <= shown.uncertainty, "{before}: {shown}");
            let at = Moment::now();
            tested.command(mark(&SESSION.into(), at)).await;
            tested.until(marker).await;
            let missed = scripted.marked() - epoch(at) - ahead;
            assert!(missed.abs() <= 0.02, "{ahead}: missed by {missed} s");
        }
        // The stamps stay as they are.
        *beside.lock().unwrap() = 0.2;
        tested.command(start(&SESSION.into())).await;
        tested.until(|event| clock(event).filter(|it| (it.offset + 0.3).abs() < 0.1)).await;
        tested.quit().await;
    });
    let jumped = |by: &str| {
        let text = format!("the clock of {INSIGHT} jumped by {by}");
        log.lines()
            .find(|line| line.contains(&text))
            .unwrap_or_else(|| panic!("{by}: {log}"))
            .to_owned()
    };
    // The decoder warns of steps that the stamps show.
    assert!(jumped("+3.4").contains("DEBUG") && jumped("+3.4").contains("offset +3.4"));
    assert!(jumped("-3.9").contains("DEBUG") && jumped("-3.9").contains("offset -0.5"));
    assert!(jumped("+0.2").contains("WARN") && jumped("+0.2").contains("offset -0.3"));
}

#[tokio::test]
async fn a_marker_after_this_computer_slept_waits_for_the_clock_to_be_measured() {
    const SLEPT: f64 = 3600.0;
    let scripted = SkewedService::start(0.0, adjusted).await;
    let mut tested = ClientUnderTest::start(config(&scripted.service.url));
    streaming(&mut tested).await;
    let before = scripted.measured();
    // The wall clock advanced by an hour, and so did Cortex; the monotonic clock stood still.
    scripted.set(SLEPT);
    let mut at = Moment::now();
    at.wall += Duration::from_secs(3600);
    tested.command(mark(&SESSION.into(), at)).await;
    tested.until(marker).await;
    let missed = scripted.marked() - epoch(at);
    assert!(missed.abs() <= 0.02, "missed by {missed} s");
    assert!(scripted.measured() > before);
    tested.quit().await;
}

#[tokio::test]
async fn an_older_cortex_or_one_that_errs_is_measured_by_the_stamps_of_its_samples() {
    let errs = |now: f64, params: &Value| adjusted(now + 7200.0, params);
    let older = |_: f64, _: &Value| Reply::Error(-32601, "Method not found.");
    for answer in [errs, older] {
        let scripted = SkewedService::start(5.0, answer).await;
        let mut tested = ClientUnderTest::start(config(&scripted.service.url));
        tested.until(reached(ConnectionStep::Streaming)).await;
        sleep(Duration::from_secs(1)).await;
        tested.command(start(&SESSION.into())).await;
        tested.until(started).await;
        let at = Moment::now();
        tested.command(mark(&SESSION.into(), at)).await;
        tested.until(marker).await;
        let shown = tested.events.iter().filter_map(clock).next_back().unwrap();
        let missed = scripted.marked() - epoch(at) - 5.0;
        assert!(missed.abs() <= shown.uncertainty, "missed by {missed} s, {shown}");
        tested.quit().await;
    }
}

#[tokio::test]
async fn each_connection_of_a_headset_is_measured_without_holding_up_the_streams() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "syncWithHeadsetClock" => Reply::Nothing,
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let asked = || service.asked("syncWithHeadsetClock");
    assert_eq!(asked().len(), 1);
    service.warn(104, json!({"headsetId": INSIGHT}));
    service.until_asked("syncWithHeadsetClock", 2).await;
    for seen in asked() {
        assert!(seen.params["systemTime"].as_f64().unwrap() > 1e9);
        assert!(seen.params["monotonicTime"].as_f64().unwrap() < 1e6);
    }
    tested.quit().await;
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_measured_before_a_record_and_each_minute_while_it_runs() {
    let recording = Arc::new(Mutex::new(false));
    let (runs, mut looks) = (Arc::clone(&recording), 0);
    let service = ScriptedService::start(move |seen| {
        let mut runs = runs.lock().unwrap();
        match seen.method.as_str() {
            "syncWithHeadsetClock" => adjusted(1.7e9, &seen.params),
            // A paused clock runs ahead of the wall clock, which would look like sleep.
            "queryHeadsets" => {
                looks += 1;
                let known =
                    if looks == 1 { json!([headset(INSIGHT, "connected")]) } else { json!([]) };
                Reply::Result(known)
            }
            "querySessions" => {
                let mut own = session(SESSION, INSIGHT, "activated");
                own["recording"] = json!(*runs);
                Reply::Result(json!([own]))
            }
            "createRecord" | "stopRecord" => {
                *runs = seen.method == "createRecord";
                Reply::Result(json!({"record": {"uuid": RECORD, "title": "rest"}}))
            }
            _ => Reply::Usual,
        }
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    // One measurement takes several requests.
    let measured = || {
        let asked = service.asked("syncWithHeadsetClock");
        let times = asked.iter().map(|seen| seen.params["monotonicTime"].as_f64().unwrap());
        let times: Vec<_> = times.collect();
        1 + times.windows(2).filter(|pair| pair[1] - pair[0] > 20.0).count()
    };
    sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(measured(), 1, "nothing is recorded");
    tested.command(start(&SESSION.into())).await;
    tested.until(started).await;
    assert_eq!(measured(), 2, "before the record");
    sleep(Duration::from_secs(10 * 60 + 30)).await;
    assert!((11..=13).contains(&measured()), "{}: each minute", measured());
    tested.command(Command::Record(RecordCommand::Stop(SESSION.into()))).await;
    sleep(Duration::from_secs(60)).await;
    let so_far = measured();
    sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(measured(), so_far, "nothing is recorded any more");
    let keep = |always| Command::Headset(HeadsetCommand::MeasureClock(INSIGHT.into(), always));
    tested.command(keep(true)).await;
    sleep(Duration::from_secs(10 * 60 + 30)).await;
    let kept = measured() - so_far;
    assert!((10..=12).contains(&kept), "{kept}: each minute, on the application's word");
    tested.command(keep(false)).await;
    sleep(Duration::from_secs(60)).await;
    let so_far = measured();
    sleep(Duration::from_secs(5 * 60)).await;
    assert_eq!(measured(), so_far, "nobody needs it any more");
    tested.quit().await;
}
