//! Puts the samples of one subscription in sequence: how many were lost before each, when it was
//! measured by the current clock, and which have to wait until that is known. The decoder and the
//! file writers share these decisions. Independent of history and files.

use std::borrow::Borrow;

use tokio::time::Instant;

use super::{
    loss::{Continuity, LossCounter},
    stamps::{ClockStep, Stamps},
};
use cortop_protocol::{MAX_RATE_HZ, Sample, Subscription};

pub use super::stamps::{Stamp, Witness};

/// A rate by `time` is credible if it differs from the nominal one, or from the one by arrival, by
/// no more than this share.
const RATE_IS_RIGHT: f64 = 0.05;

/// Tracks the samples of one subscription. `T` is the representation of samples that wait.
#[derive(Debug)]
pub struct Sequence<T> {
    counter: Option<usize>,
    nominal_rate: Option<f64>,
    /// For streams that are regular or have a counter.
    loss: Option<LossCounter>,
    stamps: Stamps,
    /// Samples that wait until later ones show what was lost before the first.
    held: Vec<T>,
}

/// The result of a sample.
#[derive(Debug)]
pub enum Step<T> {
    /// It is the next sample.
    Next(Placement),
    /// A repeated sample, or one older than the newest.
    Repeat,
    /// It has to wait.
    Held,
    /// The wait is over: push these again, one after another.
    Released(Vec<T>),
}

/// The position of a sample.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement {
    /// Samples lost right before it.
    pub lost: u64,
    /// Its time.
    pub stamp: Stamp,
    /// How many samples that had waited before it were strays and are dropped.
    pub strays: u64,
}

/// The index of the column that counts the samples of a stream, if there is one.
#[must_use]
pub fn counter_column(subscription: &Subscription) -> Option<usize> {
    subscription.columns.labels().position(|label| matches!(label, "COUNTER" | "COUNTER_MEMS"))
}

impl<T: Borrow<Sample> + Clone> Sequence<T> {
    /// Before the first sample. `counts`: whether to detect lost samples; if not, each sample is
    /// the next.
    #[must_use]
    pub fn new(subscription: &Subscription, counts: bool) -> Self {
        let counter = counter_column(subscription).filter(|_| counts);
        let loss = || LossCounter::new(subscription.nominal_rate.filter(|&hz| hz <= MAX_RATE_HZ));
        Self {
            counter,
            // Ignore a rate that no headset can have.
            nominal_rate: subscription
                .nominal_rate
                .filter(|rate| (f64::MIN_POSITIVE..=MAX_RATE_HZ).contains(rate)),
            loss: counts.then(loss),
            stamps: Stamps::new(subscription.stream, counter.is_some()),
            held: Vec::new(),
        }
    }

    /// Samples per second: as reported by Cortex, otherwise as measured.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.nominal_rate.or_else(|| self.rate_by_time())
    }

    /// Samples per second by their stamps, if these are plausible.
    #[must_use]
    pub fn rate_by_time(&self) -> Option<f64> {
        let by_arrival = self.loss.as_ref().and_then(LossCounter::pace);
        let by_arrival = by_arrival.filter(|&rate| rate <= MAX_RATE_HZ);
        let nominal = self.nominal_rate;
        let near = |rate: f64, other: f64| (rate / other - 1.0).abs() <= RATE_IS_RIGHT;
        let is_right =
            |&rate: &f64| [nominal, by_arrival].iter().flatten().any(|&own| near(rate, own));
        self.stamps.pace().filter(is_right).or(nominal).or(by_arrival)
    }

    /// The step of Cortex's clock that the newest stamps suggest.
    #[must_use]
    pub fn suspected_step(&self) -> Option<ClockStep> {
        self.stamps.suspected()
    }

    /// What the stamps indicate about a step that another stream shows.
    #[must_use]
    pub fn witness(&self, step: ClockStep) -> Witness {
        self.stamps.witness(step)
    }

    /// Processes the next sample as received. `witness`: what other streams indicate about
    /// [`Self::suspected_step`].
    pub fn push(&mut self, item: &T, witness: Witness) -> Step<T> {
        let sample: &Sample = item.borrow();
        let (time, received) = (sample.values.time, Instant::from_std(sample.received));
        let rate = self.rate_by_time();
        let (mut lost, mut strays) = (0, 0);
        if let Some(loss) = &mut self.loss {
            let counter = self.counter.and_then(|place| sample.values.numbers.get(place)).copied();
            let counter = counter.filter(|counter| !counter.is_nan());
            let elapsed = self.stamps.elapsed(time, received);
            if !self.held.is_empty() {
                if !loss.agrees(counter, elapsed, received, rate) {
                    return self.hold(item, rate);
                }
                strays = std::mem::take(&mut self.held).len() as u64;
            }
            match loss.step(counter, elapsed, received, rate) {
                Continuity::Next { lost: own } => lost = own,
                Continuity::Repeat => return Step::Repeat,
                Continuity::Undecided => return self.hold(item, rate),
            }
        }
        let stamp = self.stamps.push(time, received, lost + 1, rate, witness);
        Step::Next(Placement { lost, stamp, strays })
    }

    /// Holds a sample until there is a verdict.
    #[cold]
    fn hold(&mut self, item: &T, rate: Option<f64>) -> Step<T> {
        self.held.push(item.clone());
        let received = |item: &T| item.borrow().received;
        let since = self.held.first().map(|first| received(item) - received(first));
        let count = self.held.len();
        let decided = self
            .loss
            .as_mut()
            .is_none_or(|loss| loss.verdict(count, since.unwrap_or_default(), rate));
        if decided { Step::Released(std::mem::take(&mut self.held)) } else { Step::Held }
    }
}
