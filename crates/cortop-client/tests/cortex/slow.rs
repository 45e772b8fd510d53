//! A service that is slow, and one that does not answer at all.

use std::time::Duration;

use cortop_client::{ConnectionStep, Event, Stream};
use cortop_sim::fault::Fault;
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::{
    service::{ClientUnderTest, Reply, ScriptedService, closed, config, opened, reached, step},
    simulated::{SimHarness, options},
};

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_12_s_for_every_answer_streams_within_200_s() {
    let started = Instant::now();
    let options = options(&["insight"]);
    let mut rig = SimHarness::with(options, |config| config.streams([Stream::Dev])).await;
    rig.order(Fault::Late { method: None, seconds: 12.0.into(), times: u32::MAX });
    let mut steps = Vec::new();
    let streaming = async {
        while steps.last() != Some(&ConnectionStep::Streaming) {
            let event = rig.tested.client.events.recv().await.expect("the client has ended");
            steps.extend(step(&event));
            assert!(
                !matches!(
                    event,
                    Event::Refused(_) | Event::Link(cortop_client::Link::Waiting { .. })
                ),
                "{event:?}"
            );
        }
    };
    timeout(Duration::from_secs(200), streaming).await.expect("in time");
    assert!(started.elapsed() >= Duration::from_secs(100), "every answer was late");
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_answer_was_lost_is_known_as_ones_own() {
    let mut rig =
        SimHarness::with(options(&["insight:INSIGHT-0A1B2C3D:connected"]), |config| config).await;
    rig.order(Fault::Never { method: Some("createSession".to_owned()), times: 1 });
    let mut why = None;
    let mut steps = Vec::new();
    let streaming = async {
        while steps.last() != Some(&ConnectionStep::Streaming) {
            let event = rig.tested.client.events.recv().await.expect("the client has ended");
            steps.extend(step(&event));
            why = opened(&event).or(why.take());
        }
    };
    timeout(Duration::from_secs(2 * 60), streaming).await.expect("in time");
    let (_, why) = why.expect("opened");
    assert!(why.contains("the answer was lost") && why.contains("cortop's own"), "{why}");
    let events = rig.tested.quit().await;
    let closed: Vec<_> = events.iter().filter_map(closed).collect();
    assert_eq!(closed, ["cortop has ended"]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_warnings_has_the_service_looked_at_twice_a_second_at_most() {
    let service = ScriptedService::start(|_| Reply::Usual).await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    let methods = ["queryHeadsets", "querySessions"];
    let before = methods.map(|method| service.asked(method).len());
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(10) {
        for code in 100..=113 {
            service.warn(code, json!({"behavior": "x", "headsetId": "EPOCX-1A2B3C4D"}));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        while tested.client.events.try_recv().is_ok() {}
    }
    let seconds = started.elapsed().as_secs() + 1;
    for (method, before) in methods.into_iter().zip(before) {
        let asked = service.asked(method).len() - before;
        let most = usize::try_from(seconds * 2).unwrap() + 1;
        assert!((10..=most).contains(&asked), "{method}: {asked} times in {seconds} s");
    }
    tested.quit().await;
}
