//! A recording with railed channels and a stuck one, as a person sees it.

use cortop::app::Key;

use crate::person::story;

#[tokio::test]
async fn a_recording_with_bad_channels_does_not_look_calm() {
    let file =
        concat!(env!("CARGO_MANIFEST_DIR"), "/crates/cortop-signal/tests/fixtures/railed.csv");
    let options =
        cortop_sim::Options { replay: Some(file.into()), ..cortop_sim::Options::default() };
    let (_, sim) = story(
        options,
        |config| config,
        |mut person| async {
            let named = ["AF3 railed", "T7 railed", "T8 flat"];
            let all = |screen: &str| named.iter().all(|name| screen.contains(&format!("┃{name}")));
            let screen = person.eyes.wait("three bad channels", all).await;
            assert!(screen.contains("┃Pz ") && screen.contains("┃AF4 "), "{screen}");
            person.type_in("1o").await;
            let row =
                |screen: &str| screen.contains("streaming") && screen.contains(" AF3 railed ");
            person.eyes.wait("the worst sensor of the headset", row).await;
            person.press(Key::char('o')).await;
            person
        },
    )
    .await;
    sim.task.abort();
}
