//! Computes references other than the recorded one: the mean of the channels whose electrodes
//! touch, of one channel or of two, to be subtracted from each channel (docs/signal.md,
//! "Defaults"). Independent of what is drawn and how.

use std::sync::Arc;

use super::{
    bad_channels::{BadChannel, Defect},
    filter::FilterChain,
    latest_values::LatestValues,
    montage::Montage,
    view::View,
};

/// The lowest contact of a channel that counts: poor, but touching (docs/protocol.md §5.4).
const CONTACT: f64 = 2.0;

/// The least number of such channels. The average of a single channel is that channel itself: it
/// would be drawn as a flat line, and all others against it.
const FEWEST: usize = 2;

/// The average of the filtered channels.
///
/// It is computed after the filters, which remove the channels' own levels of some 4200 µV: so a
/// channel that misses a sample, or starts or stops counting, does not shift the others by its
/// level. All channels are filtered, so that a channel that starts counting has already settled.
#[derive(Clone, Debug)]
pub(crate) struct ReferenceFilter {
    montage: Montage,
    chains: Vec<FilterChain>,
    counts: Vec<bool>,
}

/// What determines which channels count.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ChannelStates<'a> {
    /// The newest contact by sensor.
    pub(crate) contact: Option<&'a LatestValues>,
    /// The channels whose raw signal cannot be EEG.
    pub(crate) bad: &'a [BadChannel],
}

/// The average for one sample, at the two stages of [`super::filter::Filtered`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ReferenceValue {
    pub(crate) value: f64,
    pub(crate) before_low_pass: f64,
}

impl ReferenceFilter {
    /// For channels that all pass through a filter like `chain`; `None` if nothing is subtracted
    /// from all channels alike.
    pub(crate) fn new(
        view: &View,
        chain: FilterChain,
        labels: &[Arc<str>],
        states: ChannelStates<'_>,
    ) -> Option<Self> {
        let chains = vec![chain; labels.len()];
        let mut filter = Self { montage: view.montage, chains, counts: Vec::new() };
        filter.set_states(view, labels, states);
        let has_own = [Montage::AsRecorded, Montage::LongitudinalBipolar];
        (!has_own.contains(&view.montage)).then_some(filter)
    }

    /// Sets which channels count from the next sample on; channels of unknown contact do not count
    /// for an average.
    pub(crate) fn set_states(
        &mut self,
        view: &View,
        labels: &[Arc<str>],
        states: ChannelStates<'_>,
    ) {
        let touches = |label: &Arc<str>| {
            states.contact.and_then(|contact| contact.get(label)) >= Some(CONTACT)
        };
        let is_dead = |label: &Arc<str>| {
            let dead = |bad: &&BadChannel| matches!(bad.defect, Defect::Railed | Defect::Flat);
            states.bad.iter().filter(dead).any(|bad| bad.label == *label)
        };
        let mastoids = Montage::mastoids(|name| labels.iter().any(|label| **label == *name));
        let counts = |(place, label): (usize, &Arc<str>)| match self.montage {
            Montage::AsRecorded | Montage::LongitudinalBipolar => false,
            Montage::CommonAverage => {
                touches(label) && !is_dead(label) && !view.bad.contains(label)
            }
            Montage::Channel(own) => own == place,
            Montage::LinkedMastoids => mastoids.is_some_and(|pair| pair.contains(&&**label)),
        };
        self.counts = labels.iter().enumerate().map(counts).collect();
    }

    /// The indices of the channels that count; empty if they are too few, in which case everything
    /// stays as recorded.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let places = (0..).zip(&self.counts).filter(|(_, counts)| **counts).map(|(place, _)| place);
        places.take(if self.is_applied() { usize::MAX } else { 0 })
    }

    fn is_applied(&self) -> bool {
        let fewest = if matches!(self.montage, Montage::Channel(_)) { 1 } else { FEWEST };
        self.counts.iter().filter(|&&counts| counts).count() >= fewest
    }

    /// The average of the next sample, from one raw value per channel of the stream, over the
    /// channels that have one; NaN if none has, as there is nothing to subtract. 0 if everything
    /// stays as recorded.
    pub(crate) fn run(&mut self, values: &[f32]) -> ReferenceValue {
        let filtered =
            self.chains.iter_mut().zip(values).map(|(chain, &raw)| chain.run(raw.into()));
        let own = filtered
            .zip(&self.counts)
            .filter(|&(filtered, &counts)| counts && filtered.value.is_finite());
        let (mut sum, mut count) = (ReferenceValue::default(), 0_u32);
        for (filtered, _) in own {
            sum.value += filtered.value;
            sum.before_low_pass += filtered.before_low_pass;
            count += 1;
        }
        if !self.is_applied() {
            return ReferenceValue::default();
        }
        let count = f64::from(count);
        ReferenceValue { value: sum.value / count, before_low_pass: sum.before_low_pass / count }
    }

    /// Samples were lost: the filters restart.
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

    fn dev(levels: [Option<f64>; 3]) -> LatestValues {
        let levels = labels().iter().map(ToString::to_string).zip(levels).collect();
        LatestValues { values: levels, received: Instant::now() }
    }

    fn filter(montage: Montage, filters: Filters, levels: [Option<f64>; 3]) -> ReferenceFilter {
        let view = View { montage, ..View::default() };
        let contact = dev(levels);
        let states = ChannelStates { contact: Some(&contact), bad: &[] };
        let chain = FilterChain::new(filters, 128.0);
        ReferenceFilter::new(&view, chain, &labels(), states).expect("not as recorded")
    }

    fn average(levels: [Option<f64>; 3]) -> ReferenceFilter {
        filter(Montage::CommonAverage, Filters::NONE, levels)
    }

    #[test]
    fn it_is_of_the_channels_that_touch_and_have_a_value() {
        let mut three = average([Some(4.0), Some(2.0), Some(3.0)]);
        assert_eq!(three.places().count(), 3);
        let mut two = average([Some(4.0), Some(1.0), Some(3.0)]);
        let averages = vec![
            three.run(&[1.0, 2.0, 6.0]),
            three.run(&[1.0, f32::NAN, 6.0]),
            two.run(&[1.0, 99.0, 6.0]),
        ];
        let both = |value| ReferenceValue { value, before_low_pass: value };
        assert_eq!(averages, [3.0, 3.5, 3.5].map(both));
        assert!(three.run(&[f32::NAN; 3]).value.is_nan());
    }

    #[test]
    fn too_few_that_are_known_to_touch_leave_everything_as_recorded() {
        for levels in [[Some(4.0), None, None], [Some(1.0); 3], [None; 3], [Some(f64::NAN); 3]] {
            let mut average = average(levels);
            assert_eq!(average.places().count(), 0);
            assert_eq!(average.run(&[1.0, 2.0, 6.0]), ReferenceValue::default());
        }
    }

    #[test]
    fn what_is_railed_flat_or_marked_as_bad_is_left_out_of_the_average() {
        let contact = dev([Some(4.0); 3]);
        let defect = |defect| [BadChannel { label: "Pz".into(), defect }];
        let marked = View {
            montage: Montage::CommonAverage,
            bad: Arc::new(["Pz".into()].into()),
            ..View::default()
        };
        let unmarked = View { bad: Arc::default(), ..marked.clone() };
        for (view, bad, value) in [
            (&unmarked, defect(Defect::Railed), 3.5),
            (&unmarked, defect(Defect::Flat), 3.5),
            (&unmarked, defect(Defect::OffLevel), 3.0),
            (&marked, defect(Defect::OffLevel), 3.5),
        ] {
            let states = ChannelStates { contact: Some(&contact), bad: &bad };
            let chain = FilterChain::new(Filters::NONE, 128.0);
            let mut filter = ReferenceFilter::new(view, chain, &labels(), states).unwrap();
            assert_eq!(
                filter.run(&[1.0, 2.0, 6.0]),
                ReferenceValue { value, before_low_pass: value }
            );
        }
    }

    #[test]
    fn one_channel_or_the_mastoids_are_a_reference_without_any_contact() {
        let mut one = filter(Montage::Channel(2), Filters::NONE, [None; 3]);
        assert!((one.run(&[1.0, 2.0, 6.0]).value - 6.0).abs() < 1e-12);
        let none = filter(Montage::LinkedMastoids, Filters::NONE, [None; 3]);
        assert_eq!(none.places().count(), 0, "there are no mastoids");
        let view = View { montage: Montage::LinkedMastoids, ..View::default() };
        let labels = ["M1", "Pz", "M2"].map(Arc::from);
        let chain = FilterChain::new(Filters::NONE, 128.0);
        let linked = ReferenceFilter::new(&view, chain, &labels, ChannelStates::default());
        let mut linked = linked.expect("not as recorded");
        assert_eq!(linked.places().collect::<Vec<_>>(), [0, 2]);
        assert!((linked.run(&[1.0, 9.0, 6.0]).value - 3.5).abs() < 1e-12);
    }

    #[test]
    fn a_channel_that_begins_to_count_has_run_in() {
        let filters = Filters::default();
        let [mut always, mut later] = [[Some(4.0); 3], [Some(0.0); 3]]
            .map(|levels| filter(Montage::CommonAverage, filters, levels));
        for at in 0..500_u16 {
            let level = f32::from(at % 13);
            always.run(&[4200.0 + level, 4100.0, 4300.0 - level]);
            later.run(&[4200.0 + level, 4100.0, 4300.0 - level]);
        }
        let contact = dev([Some(4.0); 3]);
        let states = ChannelStates { contact: Some(&contact), bad: &[] };
        later.set_states(&View::default(), &labels(), states);
        let next = [4207.0, 4105.0, 4300.0];
        assert_eq!(Some(always.run(&next)), Some(later.run(&next)));
    }
}
