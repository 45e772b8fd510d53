//! Exchange with other programs: streams out over LSL, markers in.

use std::{path::PathBuf, time::Duration};

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

#[tokio::test]
async fn the_headset_shown_is_recorded_to_files_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().display().to_string();
    let ending = |ending: &str| {
        let files = std::fs::read_dir(&path).expect("a folder").flatten();
        files.map(|file| file.path()).find(|file| file.to_string_lossy().ends_with(ending))
    };
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| screen.contains("· lost 0 ·")).await;
            person.type_in("W").await;
            person.eyes.wait_for("what it is called").await;
            person.press(Key::ctrl('u')).await;
            person.type_in("night").await;
            person.press_all([Key::TAB, Key::TAB]).await;
            person.enter("csv,edff").await;
            person.eyes.wait_for("there is no format \"edff\"").await;
            person.press(Key::ctrl('u')).await;
            person.type_in("csv edf").await;
            person.press(Key::TAB).await;
            person.enter(&path).await;
            person.eyes.wait_for("● file 0:").await;
            // No record is running: the marker goes into the files.
            person.press(Key::f(1)).await;
            person.eyes.wait_for("marker rest set in the files").await;
            while ending(".json").is_none() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            person.type_in("W").await;
            person.eyes.wait_for("Stop the recording to files?").await;
            person.type_in("y").await;
            person.eyes.wait_for("to 2 files").await;
            person
        },
    )
    .await;
    sim.task.abort();
    let read =
        |path: Option<PathBuf>| std::fs::read_to_string(path.expect("a file")).expect("text");
    assert!(read(ending(".json")).contains("\"label\": \"rest\""));
    let csv = read(std::fs::read_dir(&path).expect("a folder").flatten().map(|it| it.path()).find(
        |path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("night_EPOCX") && name.ends_with(".csv") && !name.contains("interval")
        },
    ));
    assert!(csv.starts_with("title:night,") && csv.lines().count() > 10);
    assert!(ending(".edf").is_some_and(|own| own.metadata().expect("it").len() > 10_000));
}
