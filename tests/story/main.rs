//! Stories: what a person sees and does, over the real path from the simulator over a socket, the client and
//! the decoder to the screen.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot be told has failed")]

mod alerts;
mod bad_channels;
mod dots;
mod exchange;
mod flows;
mod other;
#[path = "../pace/mod.rs"]
mod pace;
mod person;
mod picture;
mod reconnect;
mod screen;
mod spectrum;

use std::time::Duration;

use cortop::app::Key;
use cortop_client::{HeadsetId, Stream, model::Model, session::SessionStatus};
use cortop_sim::{Fault, Injection, Sim};
use tokio::time::timeout;

use person::{HEADER, line, story};

#[tokio::test]
async fn the_demo_streams_everything_and_quits_without_a_trace() {
    let (app, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            let screen = person
                .eyes
                .wait("all streams", |screen| {
                    ["eeg", "mot", "dev", "eq", "pow", "com", "fac"]
                        .iter()
                        .all(|stream| line(screen, stream).contains("Hz"))
                        && line(screen, "met").contains("eng")
                })
                .await;
            assert!(screen.contains("streaming") && screen.contains("activated"), "{screen}");
            assert!(screen.contains("AF3") && screen.contains("FC5 poor"), "{screen}");
            assert!(screen.contains("· lost 0 ·"), "{screen}");
            person
        },
    )
    .await;
    assert_eq!(app.live_sessions().count(), 1);
    timeout(Duration::from_secs(2), sim.control().disconnected(0))
        .await
        .expect("the socket is closed");
    sim.task.abort();
}

#[tokio::test]
async fn a_headset_is_fitted_and_its_messages_are_read() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("contact", |screen| line(screen, "dev").contains(" %")).await;
            person.type_in("zc").await;
            let fitted = ["EEG quality", "overall", "battery", "→ "];
            let screen = person
                .eyes
                .wait("the head", |screen| fitted.iter().all(|word| screen.contains(word)))
                .await;
            // On the head and in the table.
            assert_eq!(screen.matches("FC6").count(), 2, "{screen}");
            person.type_in("i").await;
            let raw = person.eyes.wait_for("COUNTER").await;
            assert!(
                raw.contains("AF4") && raw.contains("MARKERS           ") && raw.contains("[]"),
                "{raw}"
            );
            person.type_in("jj").await;
            person.eyes.wait_for("BatteryPercent").await;
            person
        },
    )
    .await;
    sim.task.abort();
}

#[tokio::test]
async fn a_refused_stream_says_why_and_what_to_do_while_the_others_flow() {
    let options = cortop_sim::Options { scopes: Vec::new(), ..cortop_sim::Options::default() };
    let (app, sim) = story(
        options,
        |config| config,
        |mut person| async {
            let screen = person
                .eyes
                .wait("motion and a reason", |screen| {
                    line(screen, "mot").contains("Hz") && screen.contains("scope eeg")
                })
                .await;
            assert!(screen.contains("opened"), "{screen}");
            assert!(screen.contains("✖ eeg refused -32016"), "{screen}");
            assert_eq!(screen.matches("refused -").count(), 2, "in panes 2 and 3: {screen}");
            person
        },
    )
    .await;
    let status: Vec<_> = app.live_sessions().map(|session| session.status.clone()).collect();
    assert_eq!(status, [SessionStatus::Opened]);
    sim.task.abort();
}

#[tokio::test]
async fn a_link_that_stays_open_but_sends_nothing_looks_stale_and_recovers() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            person.sim.control().inject(Fault::Stall { seconds: None });
            let screen = person.eyes.wait_for("STALE").await;
            assert!(screen.contains("EPOCX"), "the rest still stands there: {screen}");
            person.sim.control().inject(Fault::Clear {});
            person.eyes.wait("no stale stream", |screen| !screen.contains("STALE")).await;
            person
        },
    )
    .await;
    sim.task.abort();
}

#[tokio::test]
async fn a_dropped_link_is_shown_and_session_and_streams_come_back() {
    let (app, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            person.sim.control().inject(Fault::Drop { close: false });
            person.eyes.wait_for("no connection").await;
            person
                .eyes
                .wait("streams again", |screen| line(screen, "eeg").contains("256/256 Hz"))
                .await;
            // The lost session is kept for reading.
            person.eyes.wait_for("session 2 of 2").await;
            person
        },
    )
    .await;
    assert_eq!(app.live_sessions().count(), 1);
    sim.task.abort();
}

#[tokio::test]
async fn lost_samples_are_counted_and_a_hole_in_the_picture() {
    let (app, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            let lose = Injection::from(Fault::Lose { count: 300 }).on(Stream::Eeg);
            person.sim.control().inject(lose);
            person.eyes.wait("the loss", |screen| line(screen, "eeg").contains("lost 300")).await;
            person
        },
    )
    .await;
    let traces = app.traces().expect("traces");
    let hole = |trace: &cortop_signal::snapshot::Trace| {
        trace.columns.iter().filter(|column| column.count == 0).count() as u64
    };
    // The columns that lie entirely within the 300 samples are empty.
    let most = 300 * traces.bins.columns / traces.bins.samples;
    for trace in &traces.channels {
        assert!((most - 1..=most).contains(&hole(trace)), "{}: {}", trace.label, hole(trace));
    }
    sim.task.abort();
}

#[tokio::test]
async fn clocks_that_are_set_and_times_that_are_wrong_cost_no_sample() {
    let (app, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            person.type_in("zv").await;
            let order = |fault| person.sim.control().inject(Injection::from(fault).on(Stream::Eeg));
            order(Fault::WrongTime { seconds: 3600.0.into(), count: 1 });
            person.eyes.wait_for("malformed 1").await;
            order(Fault::SetClock { seconds: 3.4.into() });
            let screen = person.eyes.wait_for("Cortex's clock was set 3.4 s ahead at ").await;
            assert!(screen.contains("lost 0"), "{screen}");
            person.eyes.wait("one mark", |screen| screen.matches('»').count() == 1).await;
            order(Fault::UnknownMember { count: 64 });
            order(Fault::ShuffledTimes { seconds: 2.0.into(), count: 500 });
            let odd = |screen: &str| {
                let count = screen.split("malformed ").nth(1)?.split_whitespace().next()?;
                count.parse::<u32>().ok()
            };
            let screen = person.eyes.wait("shuffled times", |screen| odd(screen) > Some(400)).await;
            let marks = screen.matches(['»', '«']).count();
            assert!(screen.contains("lost 0") && marks == 1, "shuffled is not set\n{screen}");
            order(Fault::SetClock { seconds: (-3600.0).into() });
            person.eyes.wait_for("Cortex's clock was set 3600 s back at ").await;
            person
        },
    )
    .await;
    let traces = app.traces().expect("traces");
    let whole = |trace: &cortop_signal::snapshot::Trace| {
        trace.columns.iter().all(|column| column.count > 0 && !column.gap)
    };
    assert!(traces.channels.iter().all(whole));
    assert!(app.latest().health.iter().all(|health| health.lost == 0));
    sim.task.abort();
}

#[tokio::test]
async fn of_two_headsets_one_is_chosen_with_enter() {
    let options = cortop_sim::Options::demo(Model::Insight, 2, 7);
    let (app, sim) = story(
        options,
        |config| config,
        |mut person| async {
            person.all_headsets().await;
            // From the overview, which opens first, to the list.
            person.eyes.wait_for("sorted by headset").await;
            person.type_in("1oj").await;
            person.press(Key::ENTER).await;
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("128/128 Hz")).await;
            person
        },
    )
    .await;
    let second: HeadsetId = sim.control().headsets()[1].clone();
    assert_eq!(app.headset(), Some(&second));
    sim.task.abort();
}

#[tokio::test]
async fn the_service_may_come_up_later() {
    let port = Sim::start(cortop_sim::Options::default()).await.expect("starts");
    let url = port.url();
    let number = port.address.port();
    port.task.abort();
    let _ = port.task.await;
    let options = cortop_sim::Options::default();
    let absent = url.clone();
    let (_, sim) = story(
        options,
        |config| config.url(absent),
        |mut person| async move {
            let screen = person.eyes.wait_for("no connection").await;
            assert!(screen.contains(&url), "{screen}");
            let late =
                Sim::start(cortop_sim::Options { port: number, ..cortop_sim::Options::default() })
                    .await;
            let late = late.expect("the port is free again");
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            late.task.abort();
            person
        },
    )
    .await;
    sim.task.abort();
}

/// The content of a headset's row in the overview.
fn row<'a>(screen: &'a str, headset: &HeadsetId) -> &'a str {
    screen.lines().skip(HEADER).find(|line| line.contains(headset.as_str())).unwrap_or_default()
}

#[tokio::test]
async fn sixteen_headsets_stream_at_once_and_the_stale_one_says_so() {
    let options = cortop_sim::Options::demo(Model::Insight, 16, 7);
    let (app, sim) = story(
        options,
        |config| config,
        |mut person| async {
            let ids = person.sim.control().headsets();
            let all = |screen: &str| ids.iter().all(|id| row(screen, id).contains("connected"));
            person.eyes.wait("a row each", all).await;
            person.eyes.wait_for("sorted by headset").await;
            for _ in &ids {
                person.press(Key::UP).await;
            }
            for at in 1..=ids.len() {
                person.press(Key::ENTER).await;
                let opened = |screen: &str| screen.matches("activated").count() >= at;
                person.eyes.wait("one session more", opened).await;
                person.press(Key::DOWN).await;
            }
            person
                .eyes
                .wait("16 rows alive", |screen| {
                    ids.iter().all(|id| {
                        let row = row(screen, id);
                        ["streaming", "/128"].iter().all(|text| row.contains(text))
                    })
                })
                .await;
            // One headset goes silent, the others do not.
            let gone = Injection { headset: Some(ids[3].clone()), ..Fault::HeadsetGone {}.into() };
            person.sim.control().inject(gone);
            person
                .eyes
                .wait("that row stale, and the header", |screen| {
                    row(screen, &ids[3]).contains("STALE") && screen.contains("1 of 16 stale")
                })
                .await;
            person
        },
    )
    .await;
    assert_eq!(app.live_sessions().count(), 16);
    assert_eq!(app.latest().dropped, 0);
    sim.task.abort();
}
