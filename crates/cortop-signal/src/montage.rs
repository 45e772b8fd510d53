//! Montages: what each EEG channel is drawn against, which is the headset's reference, another
//! reference, or the channel before it in a chain (docs/signal.md, "Montages"). Works on names of
//! electrodes, independent of samples and filters.

use std::sync::Arc;

/// What EEG is drawn against. Like the filters, this never changes what is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Montage {
    /// The reference that the headset measures against.
    #[default]
    AsRecorded,
    /// The average of all channels of the stream whose electrodes touch: contact of 2 or more,
    /// neither railed nor flat nor marked as bad. What is known about the channels applies to the
    /// samples that come from then on, and to all of the history when the view is rebuilt, because
    /// it is not stored.
    CommonAverage,
    /// One channel, by its index among the channels of the stream.
    Channel(usize),
    /// The mean of the two channels over the mastoids, or on the ear lobes.
    LinkedMastoids,
    /// The differences of neighbours in chains from the front to the back of the head: derived
    /// channels, in the order of [`longitudinal_pairs`].
    LongitudinalBipolar,
}

/// Pairs of channels used for linked mastoids; the first pair that is present counts.
const MASTOIDS: [[&str; 2]; 3] = [["M1", "M2"], ["A1", "A2"], ["TP9", "TP10"]];

impl Montage {
    /// The pair of channels whose mean is [`Montage::LinkedMastoids`], if a headset has one.
    pub fn mastoids(has: impl Fn(&str) -> bool) -> Option<[&'static str; 2]> {
        MASTOIDS.into_iter().find(|pair| pair.iter().all(|label| has(label)))
    }
}

/// The electrodes of a chain from front to back, each with its substitutes if it is missing: its
/// name before 1991, or a neighbour one step of the 10–10 system away.
type ElectrodeChain = &'static [&'static [&'static str]];

/// The chains of the longitudinal bipolar montage, left above right.
const LONGITUDINAL: [ElectrodeChain; 5] = [
    &[&["Fp1", "AF7", "AF3"], &["F7"], &["T7", "T3"], &["P7", "T5"], &["O1"]],
    &[&["Fp1", "AF3"], &["F3"], &["C3", "FC5"], &["P3"], &["O1"]],
    &[&["Fz"], &["Cz"], &["Pz"]],
    &[&["Fp2", "AF4"], &["F4"], &["C4", "FC6"], &["P4"], &["O2"]],
    &[&["Fp2", "AF8", "AF4"], &["F8"], &["T8", "T4"], &["P8", "T6"], &["O2"]],
];

/// The pairs of the longitudinal bipolar montage, as indices into these labels. No pair skips a
/// missing electrode: its distance would differ from that of the others.
pub fn longitudinal_pairs<'a>(labels: impl Iterator<Item = &'a str>) -> Vec<[usize; 2]> {
    let labels: Vec<&str> = labels.collect();
    let place = |names: &&[&str]| {
        names.iter().find_map(|name| labels.iter().position(|own| own.eq_ignore_ascii_case(name)))
    };
    let pairs = LONGITUDINAL.iter().flat_map(|chain| {
        let places: Vec<_> = chain.iter().map(place).collect();
        let pairs: Vec<_> =
            places.windows(2).filter_map(|pair| Some([pair[0]?, pair[1]?])).collect();
        pairs
    });
    pairs.collect()
}

/// A displayed channel: a channel of the stream, or the difference of two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Derivation {
    pub(crate) label: Arc<str>,
    /// The index of its channel in the stream, and that of the channel to be subtracted.
    pub(crate) plus: usize,
    pub(crate) minus: Option<usize>,
}

impl Derivation {
    /// Its value, from one value per channel of the stream.
    pub(crate) fn value(&self, values: &[f32]) -> f32 {
        let value = |place: usize| values.get(place).copied().unwrap_or(f32::NAN);
        self.minus.map_or_else(|| value(self.plus), |minus| value(self.plus) - value(minus))
    }

    /// The labels of the pair, if it is one.
    pub(crate) fn pair(&self, labels: &[Arc<str>]) -> Option<[Arc<str>; 2]> {
        Some([labels.get(self.plus)?.clone(), labels.get(self.minus?)?.clone()])
    }
}

/// The channels of a montage, derived from those of a stream.
pub(crate) fn derivations(montage: Montage, labels: &[Arc<str>]) -> Vec<Derivation> {
    if montage != Montage::LongitudinalBipolar {
        let own = |(plus, label): (usize, &Arc<str>)| Derivation {
            label: Arc::clone(label),
            plus,
            minus: None,
        };
        return labels.iter().enumerate().map(own).collect();
    }
    let pair = |[plus, minus]: [usize; 2]| Derivation {
        label: format!("{}–{}", labels[plus], labels[minus]).into(),
        plus,
        minus: Some(minus),
    };
    longitudinal_pairs(labels.iter().map(AsRef::as_ref)).into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cortop_protocol::model::{EPOC_SENSORS, INSIGHT_SENSORS, MN8_SENSORS};

    fn pairs(names: &[&str]) -> Vec<String> {
        let labels: Vec<Arc<str>> = names.iter().map(|&name| name.into()).collect();
        let all = derivations(Montage::LongitudinalBipolar, &labels);
        all.iter().map(|own| own.label.to_string()).collect()
    }

    #[test]
    fn an_epoc_x_has_the_pairs_that_its_sensors_allow() {
        assert_eq!(
            pairs(&EPOC_SENSORS),
            [
                "AF3–F7", "F7–T7", "T7–P7", "P7–O1", "AF3–F3", "F3–FC5", "AF4–F4", "F4–FC6",
                "AF4–F8", "F8–T8", "T8–P8", "P8–O2",
            ]
        );
    }

    #[test]
    fn the_nineteen_electrodes_of_10_20_make_the_double_banana() {
        let names = [
            "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3",
            "Pz", "P4", "P8", "O1", "O2",
        ];
        let double_banana = [
            "Fp1–F7", "F7–T7", "T7–P7", "P7–O1", "Fp1–F3", "F3–C3", "C3–P3", "P3–O1", "Fz–Cz",
            "Cz–Pz", "Fp2–F4", "F4–C4", "C4–P4", "P4–O2", "Fp2–F8", "F8–T8", "T8–P8", "P8–O2",
        ];
        assert_eq!(pairs(&names), double_banana);
        let old = names.map(|name| match name {
            "T7" => "T3",
            "T8" => "T4",
            "P7" => "T5",
            "P8" => "T6",
            name => name,
        });
        assert_eq!(pairs(&old)[1..3], ["F7–T3", "T3–T5"]);
    }

    #[test]
    fn no_pair_reaches_over_an_electrode_that_is_missing() {
        assert_eq!(pairs(&INSIGHT_SENSORS), Vec::<String>::new());
        assert_eq!(pairs(&MN8_SENSORS), Vec::<String>::new());
        assert_eq!(pairs(&["F3", "P3", "O1"]), ["P3–O1"]);
    }

    #[test]
    fn a_pair_is_the_difference_of_its_electrodes_and_unknown_without_one_of_them() {
        let labels = ["F7", "T7"].map(Arc::from);
        let [pair] = &derivations(Montage::LongitudinalBipolar, &labels)[..] else {
            panic!("one pair")
        };
        assert_eq!(pair.value(&[4210.0, 4200.0]).to_bits(), 10_f32.to_bits());
        assert!(pair.value(&[4210.0, f32::NAN]).is_nan() && pair.value(&[4210.0]).is_nan());
        assert_eq!(pair.pair(&labels), Some(labels.clone()));
        let own = &derivations(Montage::AsRecorded, &labels)[1];
        assert_eq!((own.value(&[1.0, 2.0]).to_bits(), own.pair(&labels)), (2_f32.to_bits(), None));
    }
}
