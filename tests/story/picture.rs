//! The properties of the picture (of one channel's dots: coverage, no invention, a spike, the partition,
//! closed columns, batches, aliasing, flat lines, clipping, gaps, late timestamps, values that are not
//! numbers, an offset) over the whole path: samples in at the simulator, dots out on the screen. Time is
//! virtual, so that every run draws the same.

#![expect(clippy::unnecessary_wraps, reason = "all signals may miss samples")]

use std::{
    cell::RefCell, collections::BTreeSet, f64::consts::TAU, fmt::Write as _, fs, time::Duration,
};

use cortop::app::Key;
use cortop_client::Stream;
use cortop_sim::{Fault, Injection};

use crate::{
    dots::{MeasuredChannel, Plot, PlotWindow},
    person::{Person, line, story},
};

pub(crate) const RATE: u16 = 256;
/// The length of a recording: longer than any story.
const SECONDS: u64 = 40;
const LABELS: [&str; 5] = ["AF3", "T7", "Pz", "T8", "AF4"];
/// Half the height of a channel in µV.
const HALF: f32 = 50.0;
/// Turns both filters off.
const UNFILTERED: &str = "fffF";

/// More than any sensor produces, so not a valid value.
const NO_NUMBER: f64 = 1e30;

/// The value measured at an index, or `None` if no sample arrives.
pub(crate) type Signals = fn(u64) -> Option<[f64; 5]>;

/// Arbitrary values within the scale, the same for the same index. Unfiltered traces are drawn around their
/// median: a third of all samples of all signals is 0, so that the median is 0.
fn noise(index: u64) -> f64 {
    let mixed = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (mixed >> 40) as f64 / f64::from(1 << 24) * 90.0 - 45.0;
    if index.is_multiple_of(3) { 0.0 } else { value }
}

/// A person who watches the traces of a recording with these signals, with filters chosen by keys.
pub(crate) async fn watch<F: Future<Output = Person>>(
    signals: Signals,
    keys: &str,
    tell: impl FnOnce(Person) -> F,
) {
    let folder = tempfile::tempdir().expect("a folder");
    // As lines of samples: in a table, impossible values would be replaced by the last one.
    let file = folder.path().join("recording.jsonl");
    let mut text = String::new();
    for index in 0..SECONDS * u64::from(RATE) {
        if let Some(values) = signals(index) {
            let time = 1.7e9 + index as f64 / f64::from(RATE);
            let counter = index % u64::from(RATE);
            let values =
                LABELS.iter().zip(values).map(|(label, value)| format!("\"{label}\":{value}"));
            let values = values.collect::<Vec<_>>().join(",");
            writeln!(
                text,
                r#"{{"stream":"eeg","time":{time:.6},"data":{{"COUNTER":{counter},{values}}}}}"#
            )
            .expect("a text grows");
        }
    }
    fs::write(&file, text).expect("written");
    let options = cortop_sim::Options { replay: Some(file), ..cortop_sim::Options::default() };
    let (_, sim) = story(
        options,
        |config| config,
        |mut person| async {
            person.eyes.wait("samples", |screen| line(screen, "eeg").contains("Hz")).await;
            person.type_in(&format!("zv{keys}")).await;
            tell(person).await
        },
    )
    .await;
    sim.task.abort();
}

/// A still picture.
struct FrozenPlot {
    plot: Plot,
    window: PlotWindow,
}

impl FrozenPlot {
    /// What is wrong with it, for all channels together.
    fn wrong(&self, signals: Signals) -> Vec<String> {
        let of_channel = |channel: usize| {
            let value = move |index| {
                signals(index).map(|values| values[channel]).filter(|value| value.abs() < 1e12)
            };
            let wrong = MeasuredChannel { half: HALF, value: &value }.wrong(
                &self.plot,
                channel,
                &self.window,
            );
            wrong.into_iter().map(move |wrong| format!("{}: {wrong}", LABELS[channel]))
        };
        (0..LABELS.len()).flat_map(of_channel).collect()
    }

    /// The rows lit in a column of a channel.
    fn lit(&self, channel: usize, column: usize) -> Vec<usize> {
        let lit = self.plot.lit(channel, column).into_iter().enumerate();
        lit.filter(|(_, lit)| *lit == Some(true)).map(|(row, _)| row).collect()
    }

    /// The columns that have been written.
    fn columns(&self) -> impl Iterator<Item = usize> {
        let window = &self.window;
        let written =
            |column| window.bin(column).is_some_and(|bin| !window.indices(bin).is_empty());
        (0..).zip(0..window.columns).filter(move |(_, column)| written(*column)).map(|(at, _)| at)
    }
}

impl Person {
    /// The traces on a screen.
    fn plot(&self, screen: &str) -> Option<Plot> {
        Plot::read(screen, &LABELS, self.snapshots.borrow().traces.as_ref()?.bins.columns)
    }

    /// Waits until so many seconds have been measured.
    pub(crate) async fn measure(&mut self, seconds: u64) {
        let snapshots = self.snapshots.clone();
        let end = || snapshots.borrow().traces.as_ref().map_or(0, |traces| traces.end);
        self.eyes.wait("samples", |_| end() >= seconds * u64::from(RATE)).await;
    }

    /// Waits until the window of a sweep is full; returns the cell being written, and the traces.
    async fn fill(&mut self) -> (usize, Plot) {
        let snapshots = self.snapshots.clone();
        let columns = snapshots.borrow().traces.as_ref().map_or(0, |traces| traces.bins.columns);
        let read = |screen: &str| {
            let plot = Plot::read(screen, &LABELS, columns)?;
            Some((plot.cursor()?, plot))
        };
        let screen = self.eyes.wait("a full window", |screen| read(screen).is_some()).await;
        read(&screen).expect("as waited for")
    }

    /// Waits until the still picture shows so many seconds of the signals.
    async fn see(&mut self, signals: Signals, seconds: f64, scrolls: bool) -> FrozenPlot {
        self.see_but(signals, seconds, scrolls, 0).await
    }

    /// The same, except for at most so many columns.
    async fn see_but(
        &mut self,
        signals: Signals,
        seconds: f64,
        scrolls: bool,
        most: usize,
    ) -> FrozenPlot {
        let snapshots = self.snapshots.clone();
        let wrong = RefCell::new(Vec::new());
        let still = |screen: &str| {
            let window = PlotWindow::of(&snapshots.borrow(), seconds, scrolls)?;
            Some(FrozenPlot { plot: Plot::read(screen, &LABELS, window.columns)?, window })
        };
        let settled = |screen: &str| {
            still(screen).is_some_and(|still| {
                wrong.replace(still.wrong(signals));
                wrong.borrow().len() <= most
            })
        };
        match self.eyes.until(settled).await {
            Ok(screen) => still(&screen).expect("as waited for"),
            Err(why) => panic!("{}\n{why}", wrong.borrow().join("\n")),
        }
    }
}

/// Flat, spikes, mains hum, a full-scale square wave, and arbitrary values within the scale.
fn shapes(index: u64) -> Option<[f64; 5]> {
    let half = f64::from(HALF);
    let spike = if index.is_multiple_of(97) { half } else { 0.0 };
    let mains = 40.0 * (TAU * 60.0 * index as f64 / f64::from(RATE)).sin();
    let mains = if index.is_multiple_of(3) { 0.0 } else { mains };
    let square = [0.0, half, -half][(index % 3) as usize];
    Some([0.0, spike, mains, square, noise(index)])
}

#[tokio::test(start_paused = true)]
async fn every_sample_is_drawn_in_its_own_column_and_nothing_else() {
    watch(shapes, UNFILTERED, |mut person| async {
        person.fill().await;
        person.press(Key::SPACE).await;
        for (keys, seconds, scrolls) in
            [("", 10.0, false), ("[[", 2.0, false), ("s", 2.0, true), ("]]", 10.0, true)]
        {
            person.type_in(keys).await;
            let still = person.see(shapes, seconds, scrolls).await;
            let middle = (still.plot.height() - 1) / 2;
            for column in still.columns() {
                assert_eq!(still.lit(0, column), [middle], "a flat line is one row");
                let all: Vec<usize> = (0..=2 * middle).collect();
                // At 2 s the newest column may have only one sample of the square wave.
                if seconds > 2.0 {
                    assert_eq!(still.lit(3, column), all, "a square wave lights both rails");
                    let band = still.lit(2, column);
                    assert!(
                        band[0] <= middle - 6 && band[band.len() - 1] >= middle + 6,
                        "{band:?}"
                    );
                }
            }
            let spikes = (0..still.window.end).filter(|index| index.is_multiple_of(97));
            let spikes: Vec<Vec<u64>> =
                spikes.map(|index| still.window.columns_of(index)).collect();
            assert!(spikes.iter().all(|columns| columns.len() <= 1), "{spikes:?}");
            let seen = still.columns().filter(|&column| still.lit(1, column).contains(&0));
            let seen: BTreeSet<u64> = (seen.map(|column| column as u64)).collect();
            assert_eq!(seen, spikes.into_iter().flatten().collect(), "a spike is in one column");
            assert!(seen.len() > 4);
        }
        person
    })
    .await;
}

/// Beyond the scale above, below and on both sides; invalid values now and then; and all of it beside a good
/// channel.
fn bounds(index: u64) -> Option<[f64; 5]> {
    let at = |period, value| if index % period == 50 { value } else { 0.0 };
    let missing = index % 100 == 7 || (400..460).contains(&(index % 500));
    let holes = if missing { NO_NUMBER } else { noise(index) };
    Some([at(200, 50.1), at(300, -900.0), at(400, 300.0) - at(250, 300.0), holes, noise(index)])
}

#[tokio::test(start_paused = true)]
async fn beyond_the_scale_is_marked_and_what_is_no_number_lights_nothing() {
    watch(bounds, &format!("{UNFILTERED}["), |mut person| async {
        person.fill().await;
        person.press(Key::SPACE).await;
        let still = person.see(bounds, 5.0, false).await;
        for channel in [0, 1, 2] {
            let marks = (0..still.plot.width()).map(|cell| still.plot.clipped(channel, cell));
            let (above, below): (Vec<bool>, Vec<bool>) = marks.unzip();
            let wanted = [(true, false), (false, true), (true, true)][channel];
            assert_eq!((above.contains(&true), below.contains(&true)), wanted, "{channel}");
        }
        let empty: Vec<usize> = still.columns().filter(|&at| still.lit(3, at).is_empty()).collect();
        assert!(empty.len() >= 2 * 8, "{empty:?}");
        assert!(empty.iter().all(|&column| !still.lit(4, column).is_empty()));
        person
    })
    .await;
}

/// Losses of one sample, of a few, and of many; the first channel has only losses.
fn losses(index: u64) -> Option<[f64; 5]> {
    let lost = index % 400 == 100 || matches!(index % 400, 200..206 | 300..360);
    let signals = shapes(index).filter(|_| !lost);
    signals.map(|[_, spikes, mains, square, noise]| [NO_NUMBER, spikes, mains, square, noise])
}

#[tokio::test(start_paused = true)]
async fn a_loss_is_a_hole_or_has_a_tick_and_no_line_crosses_it() {
    watch(losses, &format!("{UNFILTERED}["), |mut person| async {
        person.measure(7).await;
        person.press(Key::SPACE).await;
        let still = person.see(losses, 5.0, false).await;
        let noise =
            MeasuredChannel { half: HALF, value: &|index| losses(index).map(|values| values[4]) };
        let ticked = |column: usize| {
            let bin = still.window.bin(column as u64)?;
            let shown = |bin: u64| still.window.indices(bin).any(|index| losses(index).is_some());
            let loss =
                noise.is_broken(&still.window, bin) && shown(bin) && shown(bin.checked_sub(1)?);
            loss.then_some(column / 2)
        };
        let ticks: BTreeSet<usize> = still.columns().filter_map(ticked).collect();
        assert_eq!(still.plot.ticks(), ticks.into_iter().collect::<Vec<_>>());
        let holes = still.columns().filter(|&column| still.lit(4, column).is_empty()).count();
        assert!(holes >= 3 * 8, "{holes}");
        person
    })
    .await;
}

/// A level that changes after a loss of nearly a second: over whole cycles of the counter, a file cannot
/// distinguish a loss from a clock that was set.
fn levels(index: u64) -> Option<[f64; 5]> {
    let before = index < 1000;
    let level = if before { 4200.0 } else { 4600.0 };
    (before || index >= 1250).then_some([level; 5])
}

#[tokio::test(start_paused = true)]
async fn after_a_loss_the_filters_do_not_ring() {
    watch(levels, "[", |mut person| async {
        person.measure(7).await;
        person.press(Key::SPACE).await;
        let zero = |index| levels(index).map(|_| [0.0; 5]);
        person.see(zero, 5.0, false).await;
        person
    })
    .await;
}

/// The same signal at several levels.
fn offsets(index: u64) -> Option<[f64; 5]> {
    let wave = noise(index) / 2.0 + 20.0 * (TAU * 10.0 * index as f64 / f64::from(RATE)).sin();
    Some([0.0, 4200.0, -4200.0, 4955.0, 17.0].map(|level| wave + level))
}

#[tokio::test(start_paused = true)]
async fn an_offset_changes_no_dot() {
    watch(offsets, "[", |mut person| async {
        person.fill().await;
        person.press(Key::SPACE).await;
        let screen = person.eyes.wait_for("FROZEN").await;
        let plot = person.plot(&screen).expect("traces");
        for column in 0..plot.width() * 2 {
            for channel in 1..LABELS.len() {
                assert_eq!(plot.lit(channel, column), plot.lit(0, column), "{column}: {screen}");
            }
        }
        person
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_batches_the_picture_is_the_same() {
    watch(shapes, &format!("{UNFILTERED}["), |mut person| async {
        // Less than the service's limit for hopelessly late samples.
        for batch in [3, 900, 40, 555, 700, 150].repeat(3) {
            tokio::time::advance(Duration::from_millis(batch)).await;
            // Lets all tasks handle what has arrived.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        person.press(Key::SPACE).await;
        person.see(shapes, 5.0, false).await;
        person
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn closed_columns_never_change_whatever_arrives_after() {
    watch(shapes, &format!("{UNFILTERED}["), |mut person| async {
        for faults in [
            vec![],
            vec![Fault::Repeat { count: 30 }],
            vec![
                Fault::Delay { seconds: 0.5.into(), count: 9 },
                Fault::Nan { count: 1 },
                Fault::WrongTypes { count: 1 },
                Fault::Malformed { count: 1 },
                Fault::TooShort { count: 1 },
            ],
        ] {
            let (first, before) = person.fill().await;
            for fault in faults {
                person.sim.control().inject(Injection::from(fault).on(Stream::Eeg));
            }
            let columns = before.width() as u64 * 2;
            let read = |screen: &str| {
                let plot = Plot::read(screen, &LABELS, columns)?;
                let written = (plot.cursor()? + plot.width() - first) % plot.width();
                (written > 40).then_some((written, plot))
            };
            let screen = person.eyes.wait("some cells more", |screen| read(screen).is_some()).await;
            let (written, after) = read(&screen).expect("as waited for");
            for ahead in written + 1..before.width() {
                let cell = (first + ahead) % before.width();
                assert_eq!(before.cell(cell), after.cell(cell), "cell {cell}: {screen}");
            }
        }
        person.press(Key::SPACE).await;
        // Thirteen samples were late or invalid: they are missing in their own columns, of six or seven
        // samples each.
        let still = person.see_but(shapes, 5.0, false, 13 * 3 * 3).await;
        let flat = [(still.plot.height() - 1) / 2];
        let odd: Vec<usize> = still.columns().filter(|&at| still.lit(0, at) != flat).collect();
        assert!(
            matches!(odd.len(), 1 | 2) && odd.iter().all(|&at| still.lit(0, at).is_empty()),
            "{odd:?}"
        );
        person
    })
    .await;
}
