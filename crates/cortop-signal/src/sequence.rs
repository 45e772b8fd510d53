//! The samples of one subscription one after another: how many were lost before each, at which time
//! it was measured by the clock in force, and which have to wait until that is known. The decoder
//! and whoever writes files decide it here alike. Knows neither history nor files.

use std::borrow::Borrow;

use tokio::time::Instant;

use super::{
    loss::{Continuity, LossCounter},
    stamps::{ClockStep, Stamps},
};
use cortop_protocol::{MAX_RATE_HZ, Sample, Subscription};

pub use super::stamps::{Stamp, Witness};

/// A rate by `time` is measured rightly if it is off the nominal one, or the one by arrival, by no
/// more than this share.
const RATE_IS_RIGHT: f64 = 0.05;

/// Follows the samples of one subscription. `T` is what samples are kept as while they wait.
#[derive(Debug)]
pub struct Sequence<T> {
    counter: Option<usize>,
    nominal_rate: Option<f64>,
    /// Where the stream is even, or counted.
    loss: Option<LossCounter>,
    stamps: Stamps,
    /// Samples that wait until those after them show what was lost before the first.
    held: Vec<T>,
}

/// What came of a sample.
#[derive(Debug)]
pub enum Step<T> {
    /// It is the next one.
    Next(Placement),
    /// It was there before, or is older than the newest.
    Repeat,
    /// It waits.
    Held,
    /// The wait is over: these are to be pushed again, one after another.
    Released(Vec<T>),
}

/// Where a sample stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placement {
    /// Samples that were lost right before it.
    pub lost: u64,
    /// Its time.
    pub stamp: Stamp,
    /// So many samples that had waited before it were strays and are dropped.
    pub strays: u64,
}

/// The place of the column that counts the samples of a stream, if it has one.
#[must_use]
pub fn counter_column(subscription: &Subscription) -> Option<usize> {
    subscription.columns.labels().position(|label| matches!(label, "COUNTER" | "COUNTER_MEMS"))
}

impl<T: Borrow<Sample> + Clone> Sequence<T> {
    /// Before the first sample. `counts`: whether lost samples are to be noticed; where they are
    /// not, each sample is the next.
    #[must_use]
    pub fn new(subscription: &Subscription, counts: bool) -> Self {
        let counter = counter_column(subscription).filter(|_| counts);
        let loss = || LossCounter::new(subscription.nominal_rate.filter(|&hz| hz <= MAX_RATE_HZ));
        Self {
            counter,
            // Unless no headset can have it.
            nominal_rate: subscription
                .nominal_rate
                .filter(|rate| (f64::MIN_POSITIVE..=MAX_RATE_HZ).contains(rate)),
            loss: counts.then(loss),
            stamps: Stamps::new(subscription.stream, counter.is_some()),
            held: Vec::new(),
        }
    }

    /// Samples a second: what Cortex reported, else what was measured.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.nominal_rate.or_else(|| self.rate_by_time())
    }

    /// Samples a second by their stamps, if these run as they should.
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

    /// The step of Cortex's clock that the newest stamps would be.
    #[must_use]
    pub fn suspected_step(&self) -> Option<ClockStep> {
        self.stamps.suspected()
    }

    /// What the stamps say of a step that another stream shows.
    #[must_use]
    pub fn witness(&self, step: ClockStep) -> Witness {
        self.stamps.witness(step)
    }

    /// The next sample as it came. `witness`: what other streams say of [`Self::suspected_step`].
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

    /// Has a sample wait, until there is a verdict.
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
