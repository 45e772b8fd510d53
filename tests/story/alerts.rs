//! Problems during a record are announced, and so is their end.

use std::{fmt::Write as _, time::Duration};

use cortop::app::{AlertSettings, AlertWhen, App, Key};
use cortop_client::Stream;
use cortop_sim::{Fault, Injection, Sim};
use serde_json::json;

use crate::person::{Person, line, story_with};

/// All alerts except contact, which comes and goes in the synthetic signal.
fn but_contact() -> AlertSettings {
    AlertSettings { contact: None, ..AlertSettings::default() }
}

/// A story on a wide screen, which fits the longest line of alerts.
async fn story<F: Future<Output = Person>>(
    alerts: AlertSettings,
    options: cortop_sim::Options,
    tell: impl FnOnce(Person) -> F,
) -> (App, Sim) {
    story_with((240, 60), alerts, options, |config| config, tell).await
}

impl Person {
    async fn record(&mut self) {
        self.eyes.wait("eeg", |screen| line(screen, "eeg").contains('/')).await;
        self.press(Key::char('R')).await;
        self.eyes.wait_for("start a record").await;
        self.press(Key::ENTER).await;
        self.eyes.wait_for("REC 0:").await;
    }

    async fn stop(&mut self) {
        self.type_in("Ry").await;
        self.eyes.wait_for("is ready for export").await;
    }
}

/// An Insight for which, during the first half of the time, AF3 has no contact, T7 is railed and the battery
/// is low.
fn troubled() -> tempfile::NamedTempFile {
    let half = 128 * 12;
    let mut text = "title:t, headset type:INSIGHT, sampling rate:128\n\
                    EEG.Counter,EEG.Interpolated,EEG.AF3,EEG.T7,EEG.Pz,EEG.T8,EEG.AF4,\
                    EEG.BatteryPercent,CQ.AF3,CQ.T7,CQ.Pz,CQ.T8,CQ.AF4,CQ.Overall\n"
        .to_owned();
    for at in 0..2 * half {
        let wave = 4200.0 + 10.0 * (f64::from(at) / 5.0).sin();
        let bad = at < half;
        let (rail, battery, contact) = if bad { (8401.9, 12, 0) } else { (wave, 60, 4) };
        let count = at % 128;
        writeln!(
            text,
            "{count},0,{wave:.3},{rail:.3},{wave:.3},{wave:.3},{wave:.3},{battery},{contact},4,4,4,4,80"
        )
        .expect("a text");
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().expect("a file");
    std::fs::write(file.path(), text).expect("written");
    file
}

#[tokio::test]
async fn contact_rail_and_battery_are_said_with_their_end() {
    let file = troubled();
    let options =
        cortop_sim::Options { replay: Some(file.path().into()), ..cortop_sim::Options::default() };
    let contact = Some(Duration::from_secs(2));
    let alerts = AlertSettings { contact, ..AlertSettings::default() };
    let (app, sim) = story(alerts, options, |mut person| async {
        person.record().await;
        person.eyes.wait_for("battery low, 12 % left").await;
        person.eyes.wait_for("T7 is railed").await;
        person.eyes.wait_for("AF3 has had no contact for").await;
        person.eyes.wait_for("battery no longer low").await;
        person.eyes.wait_for("T7 is no longer railed after").await;
        person.eyes.wait_for("AF3 has contact again after").await;
        person.stop().await;
        person
    })
    .await;
    let history: Vec<_> = app.history_notes().collect();
    let told = |text: &str| history.iter().filter(|note| note.contains(text)).count();
    assert_eq!((told("T7 is railed"), told("no longer railed")), (1, 1), "{history:?}");
    sim.task.abort();
}

#[tokio::test]
async fn a_silent_headset_a_loss_and_a_full_disk_are_said_while_a_record_runs_only() {
    let (app, sim) = story(but_contact(), cortop_sim::Options::default(), |mut person| async {
        let inject = |sim: &Sim, injection: Injection| sim.control().inject(injection);
        let disk = |code| Injection::from(Fault::Warning { code, message: json!({}) });
        person.eyes.wait("eeg", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
        // Without a record it is a notice, like any warning.
        inject(&person.sim, disk(19));
        person.eyes.wait_for("Cortex 19: less than 1 GB is free").await;
        person.record().await;
        inject(&person.sim, disk(20));
        person.eyes.wait_for("✖ less than 300 MB are free on the disk").await;
        inject(&person.sim, Injection::from(Fault::Lose { count: 400 }).on(Stream::Eeg));
        person.eyes.wait_for("eeg has lost ").await;
        inject(&person.sim, Fault::Stall { seconds: None }.into());
        let silent = |screen: &str| {
            screen.contains("eeg mot dev and ") && screen.contains(" more are stale, no sample for")
        };
        person.eyes.wait("all streams silent", silent).await;
        inject(&person.sim, Fault::Clear {}.into());
        person.eyes.wait_for(" came back after ").await;
        person.stop().await;
        person
    })
    .await;
    let history: Vec<_> = app.history_notes().collect();
    let told = |text: &str| history.iter().filter(|note| note.contains(text)).count();
    assert_eq!((told("are stale"), told("came back")), (1, 1), "{history:?}");
    sim.task.abort();
}

#[tokio::test]
async fn a_record_that_ends_with_its_connection_is_said_and_one_that_is_stopped_is_not() {
    let (app, sim) = story(but_contact(), cortop_sim::Options::default(), |mut person| async {
        person.record().await;
        person.stop().await;
        person.record().await;
        person.sim.control().inject(Fault::Drop { close: false });
        person
            .eyes
            .wait("the end of the record", |screen| {
                screen.contains("✖ record") && screen.contains(" has ended after ")
            })
            .await;
        person
    })
    .await;
    let ended =
        app.history_notes().filter(|note| note.starts_with("EPOCX") && note.contains("has ended"));
    assert!(ended.count() <= 1);
    sim.task.abort();
}

#[tokio::test]
async fn nothing_is_said_where_alerts_are_off_and_without_a_record_where_they_are_always_on() {
    for (when, expected) in [(AlertWhen::Off, 0), (AlertWhen::Always, 1)] {
        let alerts = AlertSettings { when, ..but_contact() };
        let (app, sim) = story(alerts, cortop_sim::Options::default(), |mut person| async {
            if when == AlertWhen::Off {
                person.record().await;
            }
            person.eyes.wait("eeg", |screen| line(screen, "eeg").contains("256/256 Hz")).await;
            person.sim.control().inject(Fault::Stall { seconds: None });
            person.eyes.wait_for("STALE").await;
            // Longer than an alert takes.
            tokio::time::sleep(Duration::from_secs(3)).await;
            person.sim.control().inject(Fault::Clear {});
            if when == AlertWhen::Off {
                person.stop().await;
            }
            person
        })
        .await;
        let told = app.history_notes().filter(|note| note.contains("stale")).count();
        assert_eq!(told, expected, "{when:?}");
        sim.task.abort();
    }
}
