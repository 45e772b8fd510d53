//! Running sessions (§2.7, §2.8): opened in the wanted mode, found, several at once, and with
//! chosen streams.

use cortop_client::{
    Command, ConnectionStep, Event, Feed, SessionId, SessionMode, SessionPolicy, Stream,
};
use serde_json::json;

use crate::{
    service::{EPOCX, INSIGHT, opened, reached, refused},
    simulated::{OtherProgram, SimHarness, options},
};

const BOTH: [&str; 2] = ["insight:INSIGHT-0A1B2C3D:connected", "epocx:EPOCX-1A2B3C4D:connected"];

fn flowing(event: &Event) -> Option<Vec<Stream>> {
    match event {
        Event::Subscribed { streams, .. } => Some(streams.clone()),
        _ => None,
    }
}

fn given_up(event: &Event) -> Option<Vec<Stream>> {
    match event {
        Event::Unsubscribed { streams, .. } => Some(streams.clone()),
        _ => None,
    }
}

fn open(id: &str, mode: Option<SessionMode>) -> Command {
    Command::Open { headset: id.into(), mode }
}

#[tokio::test]
async fn two_headsets_have_a_session_each_and_both_keep_flowing() {
    let mut rig = SimHarness::start(&BOTH).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    rig.tested.command(open(INSIGHT, Some(SessionMode::Open))).await;
    let (_, first) = rig.opened().await;
    assert_eq!(rig.tested.until(opened).await.0, SessionMode::Open);
    rig.tested.command(open(EPOCX, None)).await;
    let second = loop {
        let (headset, session) = rig.opened().await;
        if headset.as_str() == EPOCX {
            break session;
        }
    };
    assert_eq!(rig.tested.until(opened).await.0, SessionMode::Active);
    let all = |event: &Event| match event {
        Event::Sessions(list) if list.len() == 2 => Some(()),
        _ => None,
    };
    rig.tested.until(all).await;
    // Samples of both, alternating for as long as it takes.
    for wanted in [&first, &second, &first, &second] {
        loop {
            match rig.tested.fed().await {
                Feed::Sample(sample) if sample.subscription.session == *wanted => break,
                Feed::Ended(session) => panic!("{session} has ended"),
                _ => {}
            }
        }
    }
    // Closing one session leaves the other alone.
    rig.tested.command(Command::Close(first)).await;
    let one = |event: &Event| match event {
        Event::Sessions(list) if list.len() == 1 => Some(list[0].id.clone()),
        _ => None,
    };
    assert_eq!(rig.tested.until(one).await, second);
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_mode_of_the_users_choice_goes_over_the_policy_and_is_no_habit() {
    let mut poor = options(&BOTH[..1]);
    poor.quota = 0;
    let mut rig = SimHarness::with(poor, |config| config.session(SessionPolicy::Open)).await;
    let session = rig.streaming().await;
    rig.tested.command(Command::Activate(session.clone())).await;
    let refusal = rig.tested.until(refused).await;
    assert!(
        refusal.starts_with("updateSession -32019") && refusal.contains("--debit"),
        "{refusal}"
    );
    rig.tested.command(Command::Close(session)).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    rig.tested.command(open(INSIGHT, Some(SessionMode::Active))).await;
    let refusal = rig.tested.until(refused).await;
    assert!(refusal.starts_with("createSession -32019"), "{refusal}");
    rig.tested.until(reached(ConnectionStep::Stopped)).await;
    rig.tested.command(open(INSIGHT, None)).await;
    assert_eq!(rig.tested.until(opened).await.0, SessionMode::Open);
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_found_session_is_adopted_as_it_is_and_left_at_the_end() {
    let mut rig = SimHarness::start(&BOTH).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    let mut other = OtherProgram::start(&rig.sim).await;
    let theirs = other.ask("createSession", json!({"headset": EPOCX, "status": "active"})).await;
    let record = json!({"session": theirs["id"], "title": "theirs"});
    other.ask("createRecord", record).await;
    let found = |event: &Event| match event {
        Event::Sessions(list) => list.first().cloned(),
        _ => None,
    };
    let found = rig.tested.until(found).await;
    assert_eq!(found.id.as_str(), theirs["id"]);
    rig.tested.command(open(found.headset.id.as_str(), Some(SessionMode::Open))).await;
    let (mode, why) = rig.tested.until(opened).await;
    assert_eq!(mode, SessionMode::Active);
    assert!(why.contains("another program"), "{why}");
    let recording = |event: &Event| match event {
        Event::Record(record) => Some(record.to_string()),
        _ => None,
    };
    let running = "record theirs is running, started by another program";
    assert_eq!(rig.tested.until(recording).await, running);
    rig.tested.quit().await;
    let left = other.ask("querySessions", json!({})).await;
    assert_eq!(left[0]["id"], theirs["id"]);
}

#[tokio::test]
async fn streams_are_chosen_and_the_choice_outlives_the_connection() {
    let mut rig = SimHarness::start(&BOTH[..1]).await;
    let session = rig.streaming().await;
    let add = |session: &SessionId, streams: &[Stream]| {
        Command::Subscribe(session.clone(), streams.to_vec())
    };
    let streams = rig.ask(add(&session, &[Stream::Pow, Stream::Met]), |event| {
        flowing(event).filter(|streams| streams.contains(&Stream::Pow))
    });
    assert_eq!(streams.await, [Stream::Eeg, Stream::Dev, Stream::Pow, Stream::Met]);
    let drop = Command::Unsubscribe(session.clone(), vec![Stream::Eeg, Stream::Mot]);
    let mut gone = rig.ask(drop, given_up).await;
    gone.sort_unstable();
    assert_eq!(gone, [Stream::Eeg, Stream::Mot]);
    loop {
        if let Feed::Unsubscribed(own, Stream::Eeg) = rig.tested.fed().await {
            assert_eq!(own, session);
            break;
        }
    }
    rig.refuse("subscribe", -32007);
    let refusal = rig.ask(add(&session, &[Stream::Com]), refused).await;
    assert!(refusal.starts_with("subscribe -32007"), "{refusal}");
    rig.refuse("unsubscribe", -32603);
    let drop = Command::Unsubscribe(session.clone(), vec![Stream::Met]);
    let refusal = rig.ask(drop, refused).await;
    assert!(refusal.starts_with("unsubscribe -32603"), "{refusal}");

    rig.order(cortop_sim::fault::Fault::Drop { close: false });
    rig.tested.until(reached(ConnectionStep::Listing)).await;
    let streams = rig.tested.until(flowing).await;
    assert_eq!(streams, [Stream::Dev, Stream::Pow, Stream::Com]);
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_session_that_is_not_ours_takes_no_orders() {
    let mut rig = SimHarness::start(&BOTH[..1]).await;
    rig.streaming().await;
    let theirs = SessionId::from("theirs");
    for (command, method) in [
        (Command::Subscribe(theirs.clone(), vec![Stream::Pow]), "subscribe"),
        (Command::Unsubscribe(theirs.clone(), vec![Stream::Pow]), "unsubscribe"),
        (Command::Activate(theirs.clone()), "updateSession"),
        (Command::Close(theirs), "updateSession"),
    ] {
        let refusal = rig.ask(command, refused).await;
        assert!(
            refusal.starts_with(&format!("{method}: it is not one of our sessions")),
            "{refusal}"
        );
    }
    let scan = |anyway| Command::Scan { anyway };
    let refusal = rig.ask(scan(false), refused).await;
    assert!(refusal.contains("scanning disturbs running streams"), "{refusal}");
    for expected in [true, false] {
        let told = |event: &Event| match event {
            Event::Scan(running) => Some(*running),
            _ => None,
        };
        if expected {
            rig.tested.command(scan(true)).await;
        }
        assert_eq!(rig.tested.until(told).await, expected);
    }
    rig.tested.quit().await;
}
