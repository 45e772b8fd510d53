//! A service that is slow, and one that does not answer at all.

use std::time::Duration;

use cortop_client::{Event, Step, Stream};
use cortop_sim::fault::Fault;
use tokio::time::{Instant, timeout};

use crate::{
    service::step,
    simulated::{Rig, options},
};

#[tokio::test(start_paused = true)]
async fn a_service_that_takes_12_s_for_every_answer_streams_within_200_s() {
    let started = Instant::now();
    let options = options(&["insight"]);
    let mut rig = Rig::with(options, |config| config.streams = vec![Stream::Dev]).await;
    rig.order(Fault::Late { method: None, seconds: 12.0.into(), times: u32::MAX });
    let mut steps = Vec::new();
    let streaming = async {
        while steps.last() != Some(&Step::Streaming) {
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
