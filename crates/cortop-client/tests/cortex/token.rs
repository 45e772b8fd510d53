//! The end of a token (§2.4): streams continue before and after it, and nobody has to do anything.

use std::time::Duration;

use cortop_client::{Command, ConnectionStep, Event, Feed, RecordCommand, Stream};
use cortop_sim::fault::Fault;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    service::{ClientUnderTest, Reply, ScriptedService, closed, config, reached, refused},
    simulated::SimHarness,
};

#[tokio::test(start_paused = true)]
async fn it_is_renewed_before_its_end_without_a_debit() {
    let mut tokens = 0;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "generateNewToken" => {
            tokens += 1;
            Reply::Result(json!({"cortexToken": format!("a new token, number {tokens}")}))
        }
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url).debit(1));
    tested.until(reached(ConnectionStep::Streaming)).await;
    for number in 1..=3 {
        // Between two polls of the service, which happen at whole seconds: no request is open.
        tokio::time::sleep(Duration::from_millis(2500)).await;
        tokio::time::advance(Duration::from_secs(47 * 3600)).await;
        // All requests continue with the new one.
        let new = format!("a new token, number {number}");
        service
            .until(|seen| {
                let mut newest_first = seen.iter().rev();
                let last = newest_first.find(|seen| seen.method == "querySessions");
                last.is_some_and(|last| last.params["cortexToken"] == new)
            })
            .await;
        assert_eq!(service.asked("generateNewToken").len(), number);
    }
    let events = tested.quit().await;
    assert_eq!(service.asked("authorize").len(), 1, "{events:#?}");
    assert_eq!(service.asked("createSession").len(), 1);
    assert_eq!(events.iter().filter_map(refused).count(), 0, "{events:#?}");
}

#[tokio::test]
async fn one_that_has_expired_costs_no_sample() {
    let mut rig = SimHarness::start(&["epocx:connected"]).await;
    rig.streaming().await;
    rig.order(Fault::ExpireTokens {});
    let listed = |event: &Event| matches!(event, Event::Records(_)).then_some(());
    rig.ask(Command::Record(RecordCommand::List), listed).await;
    let mut last = None;
    for _ in 0..300 {
        let Feed::Sample(sample) = rig.tested.fed().await else { continue };
        if sample.subscription.stream == Stream::Eeg {
            let sample: Value = serde_json::from_str(&sample.text).unwrap();
            let counter = sample["eeg"][0].as_u64().unwrap();
            assert!(last.is_none_or(|last: u64| (last + 1) % 256 == counter), "{last:?} {counter}");
            last = Some(counter);
        }
    }
    assert!(last.is_some());
    let events = rig.tested.quit().await;
    assert_eq!(events.iter().filter_map(refused).count(), 0, "{events:#?}");
    assert!(events.iter().filter_map(closed).all(|why| why == "cortop has ended"));
}

#[tokio::test]
async fn while_it_is_being_renewed_commands_a_logout_and_quitting_go_on() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "queryRecords" => Reply::Error(-32015, "expired"),
        "generateNewToken" => Reply::Nothing,
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    let soon = Duration::from_secs(2);
    for renewals in 1..=2 {
        tested.until(reached(ConnectionStep::Streaming)).await;
        tested.command(Command::Record(RecordCommand::List)).await;
        service.until_asked("generateNewToken", renewals).await;
        tested.command(Command::Scan { anyway: true }).await;
        let scanning = |event: &Event| matches!(event, Event::Scan(true)).then_some(());
        timeout(soon, tested.until(scanning)).await.expect("a command is carried out");
        if renewals == 1 {
            service.warn(3, json!("ana.lab has logged out"));
            let closed = timeout(soon, tested.until(closed)).await.expect("a logout is seen");
            assert!(closed.contains("logged out"), "{closed}");
        }
    }
    timeout(soon, tested.quit()).await.expect("quitting does not wait");
    let close = |seen: &&crate::service::ReceivedRequest| seen.params["status"] == "close";
    assert_eq!(service.asked("updateSession").iter().filter(close).count(), 1);
}
