//! Another program of the same application beside cortop: cortop leaves alone what belongs to the
//! other program.

use cortop_client::{Command, ConnectionStep, Event, Feed, HeadsetId, RecordCommand};
use cortop_protocol::{Error, RecordEvent, SessionId, Stream, record::NewRecord};
use cortop_sim::{Injection, Options, Sim, fault::Fault};
use serde_json::{Value, json};

use crate::{
    service::{ClientUnderTest, closed, config, opened, reached, refused},
    simulated::{OtherProgram, SimHarness, options},
};

const EPOCX: &str = "epocx:EPOCX-1A2B3C4D:connected";

/// Another program with an activated session that streams and records; then cortop starts.
async fn shared() -> (SimHarness, OtherProgram, SessionId) {
    let mut rig = SimHarness::start(&["insight:connected", EPOCX]).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    let mut other = OtherProgram::start(&rig.sim).await;
    let open = json!({"headset": "EPOCX-1A2B3C4D", "status": "active"});
    let theirs = other.ask("createSession", open).await;
    let id = theirs["id"].as_str().unwrap().to_owned();
    other.ask("subscribe", json!({"session": id, "streams": ["dev"]})).await;
    other.ask("createRecord", json!({"session": id, "title": "theirs"})).await;
    let adopt = Command::Open { headset: "EPOCX-1A2B3C4D".into(), mode: None };
    rig.tested.command(adopt).await;
    (rig, other, id.into())
}

async fn only_session(other: &mut OtherProgram) -> Value {
    let mut sessions = other.ask("querySessions", json!({})).await;
    assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions}");
    sessions[0].take()
}

type Streams = (Vec<Stream>, Vec<Stream>, Vec<(Stream, Error)>);

/// Which streams arrive here, which go to the owner, and which do not run and why.
fn flowing(event: &Event) -> Option<Streams> {
    match event {
        Event::Subscribed { streams, theirs, refused, .. } => {
            Some((streams.clone(), theirs.clone(), refused.clone()))
        }
        _ => None,
    }
}

fn running(event: &Event) -> Option<(String, bool)> {
    match event {
        Event::Record(RecordEvent::Started { record, foreign, .. }) => {
            Some((record.title.clone(), *foreign))
        }
        _ => None,
    }
}

async fn activations_left(other: &mut OtherProgram) -> Value {
    other.ask("getLicenseInfo", json!({})).await["license"]["localQuota"].take()
}

#[tokio::test]
async fn another_programs_session_is_left_as_it_was() {
    let (mut rig, mut other, id) = shared().await;
    let foreign = |event: &Event| match event {
        Event::Opened { foreign, .. } => Some(*foreign),
        _ => None,
    };
    assert!(rig.tested.until(foreign).await);
    // `dev` was running before.
    let told = rig.tested.until(flowing).await;
    assert_eq!(told, (vec![Stream::Eeg], vec![Stream::Dev], Vec::new()));
    assert_eq!(rig.tested.until(running).await, ("theirs".to_owned(), true));
    assert_eq!(only_session(&mut other).await["streams"], json!(["dev", "eeg"]));
    // cortop receives what cortop subscribed to.
    let received = loop {
        if let Feed::Sample(sample) = rig.tested.fed().await {
            break sample.subscription.stream;
        }
    };
    assert_eq!(received, Stream::Eeg);
    let events = rig.tested.quit().await;
    let out_of_sight = |event: &Event| matches!(event, Event::Record(RecordEvent::OutOfSight { record, .. }) if record.title == "theirs");
    assert!(events.iter().any(out_of_sight), "{events:#?}");
    assert_eq!(events.iter().find_map(closed), None, "it is not closed");
    assert!(events.iter().any(|event| matches!(event, Event::Released { .. })));
    let left = only_session(&mut other).await;
    assert_eq!((left["id"].as_str(), &left["status"]), (Some(id.as_str()), &json!("activated")));
    assert_eq!((&left["recording"], &left["streams"]), (&json!(true), &json!(["dev"])));
    other.sample("dev").await;
}

#[tokio::test]
async fn looking_only_is_no_refusal_and_taking_a_stream_of_the_owner_is_one() {
    let (mut rig, _other, id) = shared().await;
    rig.tested.until(flowing).await;
    rig.tested.command(Command::Unsubscribe(id.clone(), vec![Stream::Eeg])).await;
    rig.tested.until(reached(ConnectionStep::Watching)).await;
    let refusal = rig.ask(Command::Subscribe(id, vec![Stream::Dev]), refused).await;
    assert!(refusal.contains("dev is subscribed by the program that opened"), "{refusal}");
    rig.tested.quit().await;
}

#[tokio::test]
async fn the_end_of_another_programs_session_is_no_beginning_of_ours() {
    let (mut rig, mut other, id) = shared().await;
    rig.tested.until(flowing).await;
    other.ask("updateSession", json!({"session": id.as_str(), "status": "close"})).await;
    let why = rig.tested.until(closed).await;
    assert!(why.contains("the program that opened it"), "{why}");
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    // Its owner can open the next session at once, and pays for it alone.
    let open = json!({"headset": "EPOCX-1A2B3C4D", "status": "active"});
    other.ask("createSession", open).await;
    assert_eq!(activations_left(&mut other).await, json!(998));
    rig.tested.quit().await;
}

/// As after `cortop doctor`, whose session was there when cortop started.
#[tokio::test]
async fn where_no_one_has_to_choose_the_end_of_another_programs_session_makes_way_for_ours() {
    for (others, wanted) in [(&[] as &[_], None), (&["insight:connected"], Some("EPOCX-1A2B3C4D"))]
    {
        for released in [false, true] {
            let headsets = [&[EPOCX], others].concat();
            let sim = Sim::start(Options { approved: true, ..options(&headsets) }).await.unwrap();
            let mut other = OtherProgram::start(&sim).await;
            let open = json!({"headset": "EPOCX-1A2B3C4D", "status": "open"});
            let theirs = other.ask("createSession", open).await["id"].take();
            let config = config(&sim.url()).streams([Stream::Dev]);
            let mut tested = ClientUnderTest::start(config.headset(wanted.map(HeadsetId::from)));
            assert!(tested.until(opened).await.1.contains("another program"));
            tested.until(flowing).await;
            if released {
                let id = theirs.as_str().unwrap().into();
                tested.command(Command::Release(id)).await;
                tested.until(reached(ConnectionStep::Choosing)).await;
            }
            other.ask("updateSession", json!({"session": theirs, "status": "close"})).await;
            if released {
                // The user wants none now.
                let none = |event: &Event| match event {
                    Event::Sessions(sessions) => sessions.is_empty().then_some(()),
                    _ => None,
                };
                tested.until(none).await;
            } else {
                tested.until(closed).await;
                assert!(!tested.until(opened).await.1.contains("another program"));
                tested.until(reached(ConnectionStep::Streaming)).await;
            }
            let events = tested.quit().await;
            let ours = usize::from(!released);
            assert_eq!(events.iter().filter_map(opened).count(), 1 + ours, "{events:#?}");
        }
    }
}

#[tokio::test]
async fn after_a_lost_connection_it_is_looked_at_again_or_let_go_but_never_opened() {
    for ends in [false, true] {
        let (mut rig, mut other, id) = shared().await;
        rig.tested.until(flowing).await;
        // Clients are counted from 1, and cortop was the first.
        let drop = Injection { client: Some(1), ..Fault::Drop { close: true }.into() };
        rig.sim.control().inject(drop);
        let released = |event: &Event| matches!(event, Event::Released { .. }).then_some(());
        rig.tested.until(released).await;
        if ends {
            other.ask("updateSession", json!({"session": id.as_str(), "status": "close"})).await;
            rig.tested.until(reached(ConnectionStep::Choosing)).await;
            rig.tested.quit().await;
            assert_eq!(other.ask("querySessions", json!({})).await, json!([]));
        } else {
            rig.tested.until(opened).await;
            assert_eq!(rig.tested.until(running).await, ("theirs".to_owned(), true));
            rig.tested.quit().await;
            assert_eq!(only_session(&mut other).await["recording"], json!(true));
        }
        assert_eq!(activations_left(&mut other).await, json!(999));
    }
}

#[tokio::test]
async fn it_is_left_at_the_users_word_and_only_what_cortop_recorded_there_is_stopped() {
    let (mut rig, mut other, id) = shared().await;
    rig.tested.until(running).await;
    rig.tested.command(Command::Release(id.clone())).await;
    let why = |event: &Event| match event {
        Event::Released { why, .. } => Some(why.clone()),
        _ => None,
    };
    assert!(rig.tested.until(why).await.contains("at your request"));
    assert_eq!(only_session(&mut other).await["streams"], json!(["dev"]));
    other.ask("stopRecord", json!({"session": id.as_str()})).await;

    let adopt = Command::Open { headset: "EPOCX-1A2B3C4D".into(), mode: None };
    rig.ask(adopt, flowing).await;
    let new = NewRecord { title: "ours".to_owned(), ..NewRecord::default() };
    let start = Command::Record(RecordCommand::Start(id.clone(), new));
    assert_eq!(rig.ask(start, running).await, ("ours".to_owned(), false));
    rig.tested.quit().await;
    let left = only_session(&mut other).await;
    assert_eq!((&left["recording"], &left["streams"]), (&json!(false), &json!(["dev"])));
}

#[tokio::test]
async fn a_session_of_our_own_cannot_be_left() {
    let mut rig = SimHarness::start(&[EPOCX]).await;
    let session = rig.streaming().await;
    let refusal = rig.ask(Command::Release(session), refused).await;
    assert!(refusal.contains("cortop opened this session itself"), "{refusal}");
    rig.tested.quit().await;
}
