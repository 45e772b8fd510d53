//! Connection, service and headset are lost and come back: the picture stays, the gap says how long it was,
//! and nothing in it counts as lost.

use std::time::Duration;

use cortop::app::Key;
use cortop_client::Stream;
use cortop_signal::{snapshot::Gap, view::ViewEnd};
use cortop_sim::{Fault, Sim};

use crate::person::{HEADER, Person, line, story, story_on};

/// EEG samples per second.
const RATE: u64 = 256;

/// The lines above the panes.
fn header(screen: &str) -> String {
    screen.lines().take(HEADER).collect::<Vec<_>>().join("\n")
}

impl Person {
    /// The newest gap of EEG, and how many samples the session lost.
    fn eeg(&self) -> (Option<Gap>, u64) {
        let snapshot = self.snapshots.borrow();
        let eeg = snapshot.health.iter().find(|health| health.stream == Stream::Eeg);
        eeg.map_or((None, 0), |eeg| (eeg.gap.clone(), eeg.lost))
    }

    /// The index one past the last sample of the picture.
    fn end(&self) -> u64 {
        self.snapshots.borrow().traces.as_ref().map_or(0, |traces| traces.end)
    }

    /// Waits until so many samples have been drawn.
    async fn samples(&mut self, count: u64) {
        let snapshots = self.snapshots.clone();
        let end = || snapshots.borrow().traces.as_ref().map_or(0, |traces| traces.end);
        self.eyes.wait("samples", |_| end() >= count).await;
    }

    /// Waits until the data return, and the header shows how long they were away.
    async fn back(&mut self) -> Gap {
        let screen =
            self.eyes.wait("the gap in the header", |it| header(it).contains("gap ")).await;
        let (gap, lost) = self.eeg();
        let gap = gap.expect("a gap");
        let seconds = gap.length().as_secs_f64();
        let said = if seconds < 9.95 { format!("{seconds:.1}") } else { format!("{seconds:.0}") };
        assert!(header(&screen).contains(&format!("gap {said} s")), "{seconds}: {screen}");
        assert!(header(&screen).contains("lost 0") && lost == 0, "{screen}");
        let length = gap.samples.end - gap.samples.start;
        let expected = seconds * RATE as f64;
        assert!((length as f64 - expected).abs() < 2.0, "{length} samples in {seconds} s");
        gap
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_dropped_connection_the_old_picture_stands_and_the_gap_is_told_at_80_by_24() {
    let (_, sim) = story_on(
        (80, 24),
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.samples(8 * RATE).await;
            // It takes a while until there is a session again.
            let method = Some("createSession".to_owned());
            let late = Fault::Late { method, seconds: 4.0.into(), times: 1 };
            person.sim.control().inject(late);
            person.sim.control().inject(Fault::Drop { close: false });
            let screen = person.eyes.wait_for("STALE since").await;
            assert!(screen.contains("AF3") && person.end() >= 8 * RATE, "it stands: {screen}");
            let gap = person.back().await;
            assert!(gap.samples.start >= 8 * RATE, "indices go on");
            // The samples before the gap are still in the picture.
            let traces = person.snapshots.borrow().traces.clone().expect("traces");
            let before = traces.bins.of(gap.samples.start - 1);
            assert!(traces.first_bin < before, "{} {before}", traces.first_bin);
            let place = usize::try_from(before - traces.first_bin).expect("few");
            assert!(traces.channels[0].columns[place].count > 0);

            let words = |screen: &str| {
                screen.lines().skip(HEADER).any(|line| line.contains("gap ") && line.contains('s'))
            };
            person.eyes.wait("the words at the hole", words).await;
            // So many that a page past the gap is not the live picture yet.
            person.samples(gap.samples.end + 4 * RATE).await;
            // A window shorter than the gap moves from one edge of it to the other.
            person.type_in("[[").await;
            person.press(Key::HOME).await;
            person.eyes.wait_for("FROZEN").await;
            let snapshots = person.snapshots.clone();
            let end = || match snapshots.borrow().view.end {
                ViewEnd::At(end) => end,
                ViewEnd::Live => 0,
            };
            person.eyes.wait("the first samples", |_| end() == 2 * RATE).await;
            let mut in_the_hole = 0;
            while end() <= gap.samples.end {
                in_the_hole += u32::from(end() > gap.samples.start);
                let before = end();
                person.press(Key::PAGE_DOWN).await;
                person.eyes.wait("a step", |_| end() > before).await;
            }
            assert!(in_the_hole <= 2, "{in_the_hole} pages show hardly anything but the hole");
            person.press(Key::PAGE_UP).await;
            person.eyes.wait("before it", |_| end() <= gap.samples.start + RATE).await;
            person.press(Key::END).await;
            person.eyes.wait("live", |screen| !screen.contains("FROZEN")).await;
            person
        },
    )
    .await;
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_frozen_picture_stays_on_its_samples_across_a_reconnect() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.samples(12 * RATE).await;
            person.press(Key::PAGE_UP).await;
            person.eyes.wait_for("FROZEN").await;
            let snapshots = person.snapshots.clone();
            let end = || match snapshots.borrow().view.end {
                ViewEnd::At(end) => Some(end),
                ViewEnd::Live => None,
            };
            person.eyes.wait("half a window back", |_| end().is_some()).await;
            let (frozen, columns) = (end(), person.snapshots.borrow().traces.clone());
            person.sim.control().inject(Fault::Drop { close: false });
            person.back().await;
            assert_eq!(end(), frozen);
            let after = person.snapshots.borrow().traces.clone();
            let bits = |traces: Option<cortop_signal::Traces>| -> Vec<u32> {
                let traces = traces.expect("traces");
                traces.channels[0].columns.iter().map(|column| column.max.to_bits()).collect()
            };
            assert_eq!(bits(after), bits(columns));
            person.eyes.wait_for("FROZEN").await;
            person
        },
    )
    .await;
    sim.task.abort();
}

#[tokio::test]
async fn a_restarted_service_takes_nothing_off_the_screen() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.samples(3 * RATE).await;
            let port = person.sim.address.port();
            person.sim.task.abort();
            person.eyes.wait_for("STALE since").await;
            let options = || cortop_sim::Options { port, ..cortop_sim::Options::default() };
            person.sim = loop {
                // Retry until the port is free again.
                match Sim::start(options()).await {
                    Ok(sim) => break sim,
                    Err(_) => tokio::task::yield_now().await,
                }
            };
            let gap = person.back().await;
            assert!(gap.samples.start >= 3 * RATE);
            person.press(Key::HOME).await;
            let oldest = person.snapshots.borrow().traces.as_ref().map(|traces| traces.oldest);
            assert_eq!(oldest, Some(0), "the history reaches back beyond it");
            person
        },
    )
    .await;
    sim.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_headset_that_is_lost_and_comes_back_takes_nothing_off_the_screen() {
    let (_, sim) = story(
        cortop_sim::Options::default(),
        |config| config,
        |mut person| async {
            person.samples(5 * RATE).await;
            person.sim.control().inject(Fault::HeadsetGone {});
            person.eyes.wait_for("STALE since").await;
            // Cortex waits this long for the headset.
            tokio::time::sleep(Duration::from_secs(31)).await;
            person.eyes.wait_for("The session is closed").await;
            assert!(person.end() >= 5 * RATE, "the old picture stands");
            person.sim.control().inject(Fault::HeadsetBack {});
            person
                .eyes
                .wait("streams again", |screen| line(screen, "eeg").contains("256/256 Hz"))
                .await;
            let gap = person.back().await;
            assert!(gap.length().as_secs() >= 30, "{gap:?}");
            // The window contains only the gap and what came after it: one step crosses it.
            for _ in 0..3 {
                person.press(Key::PAGE_UP).await;
            }
            let snapshots = person.snapshots.clone();
            let crossed = || match snapshots.borrow().view.end {
                ViewEnd::At(end) => end <= gap.samples.start + 5 * RATE,
                ViewEnd::Live => false,
            };
            person.eyes.wait("what was before", |_| crossed()).await;
            person
        },
    )
    .await;
    sim.task.abort();
}
