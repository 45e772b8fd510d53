//! The common average reference: the mean of the channels whose electrodes touch, to be taken off
//! each (docs/signal.md, "Defaults"). Knows neither what is drawn nor how.

use std::sync::Arc;

use super::{filter::Chain, table::Table};

/// The least contact of a channel that counts: poor, but it touches (docs/protocol.md §5.4).
const CONTACT: f64 = 2.0;

/// The least number of such channels. The average of one is that channel itself: it would be drawn
/// as a flat line, and all others against it.
const FEWEST: usize = 2;

/// The average of the filtered channels.
///
/// It is taken after the filters, where the channels' own levels of some 4200 µV are gone, so that
/// one that misses a sample, or begins or ceases to count, does not move the others by its level.
/// All channels are filtered, so that one that begins to count has run in.
#[derive(Clone, Debug)]
pub(crate) struct CommonAverage {
    chains: Vec<Chain>,
    counts: Vec<bool>,
}

/// The average of one sample, after the filters that [`super::filter::Filtered`] names.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Averaged {
    pub(crate) value: f64,
    pub(crate) before_low_pass: f64,
}

impl CommonAverage {
    /// Of channels that all go through a filter like `chain`.
    pub(crate) fn new(chain: Chain, labels: &[Arc<str>], contact: Option<&Table>) -> Self {
        let mut average = Self { chains: vec![chain; labels.len()], counts: Vec::new() };
        average.set_contact(labels, contact);
        average
    }

    /// Which channels count from the next sample on, by the newest `dev`; those of which no contact
    /// is known do not.
    pub(crate) fn set_contact(&mut self, labels: &[Arc<str>], contact: Option<&Table>) {
        let level = |label: &Arc<str>| contact.and_then(|contact| contact.get(label));
        self.counts = labels.iter().map(|label| level(label) >= Some(CONTACT)).collect();
    }

    /// How many channels count; `None` if they are too few, and everything stays as recorded.
    pub(crate) fn channels(&self) -> Option<usize> {
        Some(self.counts.iter().filter(|&&counts| counts).count()).filter(|&count| count >= FEWEST)
    }

    /// The average of the next sample, one raw value for each channel of the stream, over those
    /// that have one; NaN if none has: then there is nothing to take off. 0 if everything stays as
    /// recorded.
    pub(crate) fn run(&mut self, values: &[f32]) -> Averaged {
        let filtered =
            self.chains.iter_mut().zip(values).map(|(chain, &raw)| chain.run(raw.into()));
        let own = filtered
            .zip(&self.counts)
            .filter(|&(filtered, &counts)| counts && filtered.value.is_finite());
        let (mut sum, mut count) = (Averaged::default(), 0_u32);
        for (filtered, _) in own {
            sum.value += filtered.value;
            sum.before_low_pass += filtered.before_low_pass;
            count += 1;
        }
        if self.channels().is_none() {
            return Averaged::default();
        }
        let count = f64::from(count);
        Averaged { value: sum.value / count, before_low_pass: sum.before_low_pass / count }
    }

    /// Samples were lost: the filters begin anew.
    pub(crate) fn lose(&mut self) {
        self.chains.iter_mut().for_each(|chain| {
            chain.run(f64::NAN);
        });
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;
    use crate::Filters;

    fn labels() -> Vec<Arc<str>> {
        ["AF3", "Pz", "AF4"].map(Arc::from).to_vec()
    }

    fn dev(levels: [Option<f64>; 3]) -> Table {
        let levels = labels().iter().map(ToString::to_string).zip(levels).collect();
        Table { values: levels, received: Instant::now() }
    }

    fn average(levels: [Option<f64>; 3]) -> CommonAverage {
        CommonAverage::new(Chain::new(Filters::NONE, 128.0), &labels(), Some(&dev(levels)))
    }

    #[test]
    fn it_is_of_the_channels_that_touch_and_have_a_value() {
        let mut three = average([Some(4.0), Some(2.0), Some(3.0)]);
        assert_eq!(three.channels(), Some(3));
        let mut two = average([Some(4.0), Some(1.0), Some(3.0)]);
        let averages = vec![
            three.run(&[1.0, 2.0, 6.0]),
            three.run(&[1.0, f32::NAN, 6.0]),
            two.run(&[1.0, 99.0, 6.0]),
        ];
        let both = |value| Averaged { value, before_low_pass: value };
        assert_eq!(averages, [3.0, 3.5, 3.5].map(both));
        assert!(three.run(&[f32::NAN; 3]).value.is_nan());
    }

    #[test]
    fn too_few_that_are_known_to_touch_leave_everything_as_recorded() {
        for levels in [[Some(4.0), None, None], [Some(1.0); 3], [None; 3], [Some(f64::NAN); 3]] {
            let mut average = average(levels);
            assert_eq!(average.channels(), None);
            assert_eq!(average.run(&[1.0, 2.0, 6.0]), Averaged::default());
        }
        let unknown = CommonAverage::new(Chain::new(Filters::NONE, 128.0), &labels(), None);
        assert_eq!(unknown.channels(), None);
    }

    #[test]
    fn a_channel_that_begins_to_count_has_run_in() {
        let filters = Filters::default();
        let (mut always, mut later) = (
            CommonAverage::new(Chain::new(filters, 128.0), &labels(), Some(&dev([Some(4.0); 3]))),
            CommonAverage::new(Chain::new(filters, 128.0), &labels(), Some(&dev([Some(0.0); 3]))),
        );
        for at in 0..500_u16 {
            let level = f32::from(at % 13);
            always.run(&[4200.0 + level, 4100.0, 4300.0 - level]);
            later.run(&[4200.0 + level, 4100.0, 4300.0 - level]);
        }
        later.set_contact(&labels(), Some(&dev([Some(4.0); 3])));
        let next = [4207.0, 4105.0, 4300.0];
        assert_eq!(Some(always.run(&next)), Some(later.run(&next)));
    }
}
