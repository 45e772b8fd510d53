//! What a person exchanges with other programs: streams out by LSL, markers in.

use std::time::Duration;

use cortop::app::Key;
use cortop_lsl::{Inlet, InletEvent, Network};
use tokio::time::timeout;

use crate::person::story;

#[tokio::test]
async fn lsl_serves_the_headset_shown_until_it_is_told_to_stop() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            let id = person.sim.control().headsets().remove(0);
            person.eyes.wait("samples", |screen| screen.contains("· lost 0 ·")).await;
            person.press(Key::char('L')).await;
            person.eyes.wait("nobody", |screen| screen.contains("LSL 0 receivers")).await;
            let query = format!("name='cortop-{id}-EEG' and count(desc/channels/channel)=14");
            let mut inlet = Inlet::spawn(Network::loopback(), query, 100);
            let mut samples = 0;
            while samples < 10 {
                let event = timeout(Duration::from_secs(20), inlet.events.recv()).await;
                let event = event.expect("soon").expect("an event");
                samples += usize::from(matches!(event, InletEvent::Sample { .. }));
            }
            person.eyes.wait("a reader", |screen| screen.contains("LSL 1 receiver ·")).await;
            person.press(Key::char('L')).await;
            let said = format!("LSL no longer serves the streams of {id}");
            person.eyes.wait("the end", |screen| screen.contains(&said)).await;
            while !matches!(inlet.events.recv().await.expect("an event"), InletEvent::Lost(_)) {}
            person
        },
    )
    .await;
    sim.task.abort();
}
