//! The traces of the view: filters, envelope and scale of its channels, built from the raw history
//! when the view changes and then updated sample by sample. The same samples give the same columns
//! either way.

use std::{collections::VecDeque, sync::Arc};

use super::{
    Traces, View,
    auto_scale::AutoScale,
    columns::Envelope,
    filter::FilterChain,
    history::{History, Segment},
    montage::{self, Derivation, Montage},
    received_stream::{DEFAULT_RATE, ReceivedStream, Series},
    reference::{ChannelStates, ReferenceFilter, ReferenceValue},
    snapshot::{self, Binning, Cursor, LatestValues},
    spectra::SpectrumBuilder,
    spectrum::Periodogram,
    view::{Filters, ViewEnd},
};
use cortop_protocol::Stream;

/// Seconds of history before the window that a filter runs over when the view changes: this forgets
/// whatever primed it, to the last bit of an `f32`, even at 0.16 Hz.
const WARM_UP: f64 = 60.0;

/// Limits of a window, in case a view asks for something absurd.
const MOST_SAMPLES: f64 = 1e7;
const MOST_COLUMNS: u64 = 1 << 14;

/// The traces of one view of one source.
#[derive(Debug)]
pub(crate) struct TracePipeline {
    /// Each with its index among the channels of the montage, in the order of the view.
    channels: Vec<(usize, Derivation)>,
    bins: Binning,
    rate: Option<f64>,
    chains: Vec<FilterChain>,
    /// The reference against which all channels are drawn, unless it is the recorded one.
    reference: Option<ReferenceFilter>,
    envelope: Envelope,
    scale: AutoScale,
    spectra: Option<SpectrumBuilder>,
    /// Index of the next sample.
    next: u64,
    /// Whether it continues with new samples.
    live: bool,
    filtered: Vec<f32>,
    /// The same before the low-pass; only if spectra are wanted.
    before_low_pass: Vec<f32>,
    restarts: FilterRestarts,
    /// The sample under each cursor, and its values if the window contains it.
    cursors: [Option<(u64, Vec<f32>)>; 2],
    /// For a frozen view, which keeps its times even when the history forgets them.
    times: Option<SampleTimes>,
}

/// The times of a view's samples in epoch seconds, as far as known.
#[derive(Clone, Debug)]
struct SampleTimes {
    end: Option<f64>,
    seconds: Vec<(u64, i64)>,
    clock_steps: Vec<(u64, f64)>,
    cursors: [Option<Cursor>; 2],
}

impl TracePipeline {
    /// Builds the traces of a view from what the source has so far and the newest contact by
    /// sensor.
    pub(crate) fn new(
        view: &View,
        source: &ReceivedStream,
        series: &Series,
        contact: Option<&LatestValues>,
    ) -> Self {
        let rate = source.rate();
        let hz = rate.unwrap_or(DEFAULT_RATE);
        let history = &series.history;
        let bins = Binning {
            samples: samples(view.window * hz),
            columns: (view.columns as u64).clamp(1, MOST_COLUMNS),
        };
        let (end, live) = match view.end {
            ViewEnd::Live => (history.next(), true),
            ViewEnd::At(end) => (end.min(history.next()), false),
        };
        let filters = match view.stream {
            Stream::Eeg => view.filters,
            _ => Filters::NONE,
        };
        let warm_up = samples(WARM_UP * hz);
        let window = bins.start(bins.first_of_window(end));
        let start = window.saturating_sub(warm_up).max(history.oldest()).min(end);
        let is_eeg = view.stream == Stream::Eeg;
        let montage = if is_eeg { view.montage } else { Montage::AsRecorded };
        let all = montage::derivations(montage, &series.labels);
        let own = |&place: &usize| Some((place, all.get(place)?.clone()));
        let channels: Vec<_> = view.channels.iter().filter_map(own).take(all.len()).collect();
        let states = ChannelStates { contact, bad: series.bad_channels() };
        let chain = FilterChain::new(filters, hz);
        let reference =
            ReferenceFilter::new(view, chain, &series.labels, states).filter(|_| is_eeg);
        let is_bad = |(_, own): &(usize, Derivation)| {
            let marked = |label: &Arc<str>| view.bad.contains(label);
            marked(&own.label) || own.pair(&series.labels).is_some_and(|it| it.iter().any(marked))
        };
        let mut scale = AutoScale::new(channels.len(), bins.samples, samples(hz), start);
        scale.leave_out(channels.iter().map(is_bad));
        // One more than the window shows; its last column is still open.
        let from = bins.start(bins.first_of_window(end).saturating_sub(1));
        let spectra = view.spectra.map(|most| {
            let periodogram = Periodogram::new(samples(hz), most);
            SpectrumBuilder::new(bins, channels.len(), periodogram, start, from)
        });
        let mut pipeline = Self {
            bins,
            rate,
            chains: vec![FilterChain::new(filters, hz); channels.len()],
            reference,
            spectra,
            envelope: Envelope::new(bins, channels.len(), start),
            scale,
            next: start,
            live: true,
            filtered: Vec::with_capacity(channels.len()),
            before_low_pass: Vec::new(),
            restarts: FilterRestarts::default(),
            cursors: view.cursors.map(|cursor| Some((cursor?, Vec::new()))),
            times: None,
            channels,
        };
        for segment in history.segments(start..end) {
            match segment {
                Segment::Lost(count) => pipeline.lose(count),
                Segment::Sample(values) => {
                    let index = pipeline.next;
                    pipeline.push(values);
                    // Before the window, the filters have not settled.
                    if index >= window {
                        pipeline.read(index);
                    }
                }
            }
        }
        pipeline.live = live;
        pipeline.times = (!live).then(|| pipeline.times(history));
        pipeline
    }

    fn times(&self, history: &History) -> SampleTimes {
        let window = self.bins.start(self.bins.first_of_window(self.next))..self.next;
        SampleTimes {
            end: self.next.checked_sub(1).and_then(|last| history.time(last)),
            seconds: history.seconds(window.clone()).collect(),
            clock_steps: history.clock_steps(window).collect(),
            cursors: self.cursors.each_ref().map(|cursor| {
                let index = cursor.as_ref()?.0;
                Some(Cursor { index, time: history.time(index) })
            }),
        }
    }

    /// Whether its bins still fit the rate, which may only become known after some samples.
    pub(crate) fn fits(&self, source: &ReceivedStream) -> bool {
        self.rate.is_some() == source.rate().is_some()
    }

    /// Adds the next sample: one raw value per channel of the stream.
    pub(crate) fn push(&mut self, values: &[f32]) {
        if !self.live {
            return;
        }
        let reference =
            self.reference.as_mut().map_or(ReferenceValue::default(), |it| it.run(values));
        self.filtered.clear();
        self.before_low_pass.clear();
        for (channel, (chain, (_, own))) in self.chains.iter_mut().zip(&self.channels).enumerate() {
            let raw = own.value(values);
            let filtered = chain.run(raw.into());
            #[expect(clippy::cast_possible_truncation, reason = "far finer than a dot")]
            self.filtered.push((filtered.value - reference.value) as f32);
            if self.spectra.is_some() {
                #[expect(clippy::cast_possible_truncation, reason = "far finer than a dot")]
                let value = (filtered.before_low_pass - reference.before_low_pass) as f32;
                self.before_low_pass.push(value);
            }
            if filtered.restarted {
                self.restarts.push(channel, self.next, self.bins);
            }
        }
        self.envelope.push(&self.filtered);
        if let Some(spectra) = &mut self.spectra {
            spectra.push(&self.before_low_pass);
        }
        self.scale.push(self.next, &self.filtered);
        self.next += 1;
    }

    /// Stores the values of the sample just added for the cursors that are on it.
    fn read(&mut self, index: u64) {
        for (_, values) in self.cursors.iter_mut().flatten().filter(|(at, _)| *at == index) {
            values.clone_from(&self.filtered);
        }
    }

    /// Records that the next `count` samples were lost.
    pub(crate) fn lose(&mut self, count: u64) {
        if count > 0 && self.live {
            for chain in &mut self.chains {
                chain.run(f64::NAN);
            }
            self.reference.iter_mut().for_each(ReferenceFilter::lose);
            self.envelope.lose(count);
            if let Some(spectra) = &mut self.spectra {
                spectra.lose(count);
            }
            self.next += count;
        }
    }

    /// The traces, without their markers.
    pub(crate) fn traces(&self, source: &ReceivedStream, series: &Series) -> Traces {
        let history = &series.history;
        let newest = history.newest().unwrap_or_default();
        let channels = self.channels.iter().zip(self.scale.levels());
        let channels = channels.zip(self.envelope.columns()).enumerate();
        let at = |channel: usize| {
            let values =
                |cursor: &Option<(u64, Vec<f32>)>| cursor.as_ref()?.1.get(channel).copied();
            self.cursors.each_ref().map(|cursor| values(cursor).unwrap_or(f32::NAN))
        };
        let times = self.times.clone().unwrap_or_else(|| self.times(history));
        Traces {
            subscription: source.subscription.clone(),
            channels_in_all: series.labels.len(),
            channels: channels
                .map(|(channel, (((place, own), level), columns))| snapshot::Trace {
                    place: *place,
                    label: Arc::clone(&own.label),
                    pair: own.pair(&series.labels),
                    columns,
                    at: at(channel),
                    raw: Some(own.value(newest)).filter(|raw| raw.is_finite()).map(f64::from),
                    restarts: self.restarts.of(channel, self.envelope.first_bin()).collect(),
                    median: level.median,
                    exact_median: level.exact_median,
                    spread: level.spread,
                })
                .collect(),
            bins: self.bins,
            first_bin: self.envelope.first_bin(),
            end: self.next,
            end_time: times.end,
            oldest: history.oldest(),
            newest: history.next(),
            last: history.last(),
            gaps: history.gaps().cloned().collect(),
            seconds: times.seconds,
            clock_steps: times.clock_steps,
            markers: Vec::new(),
            cursors: times.cursors,
            spread: self.scale.common(),
            reference: self
                .reference
                .iter()
                .flat_map(ReferenceFilter::places)
                .filter_map(|place| series.labels.get(place).cloned())
                .collect(),
            spectra: self.spectra.as_ref().map(SpectrumBuilder::spectra),
        }
    }

    /// Sets the newest contact by sensor, which applies from the next sample on.
    pub(crate) fn set_contact(
        &mut self,
        view: &View,
        series: &Series,
        contact: Option<&LatestValues>,
    ) {
        if let Some(reference) = self.reference.as_mut().filter(|_| self.live) {
            let states = ChannelStates { contact, bad: series.bad_channels() };
            reference.set_states(view, &series.labels, states);
        }
    }
}

/// Where filters restarted, within about a window: bin and channel, oldest first.
#[derive(Debug, Default)]
struct FilterRestarts(VecDeque<(u64, usize)>);

impl FilterRestarts {
    /// Records that the filters of a channel restarted with the sample of this index.
    #[cold]
    fn push(&mut self, channel: usize, index: u64, bins: Binning) {
        let (bin, oldest) = (bins.of(index), bins.first_of_window(index + 1));
        while self.0.front().is_some_and(|&(bin, _)| bin < oldest) {
            self.0.pop_front();
        }
        // One mark per column is enough, and limits the memory.
        let mut same_bin = self.0.iter().rev().take_while(|&&(other, _)| other == bin);
        if !same_bin.any(|&(_, other)| other == channel) {
            self.0.push_back((bin, channel));
        }
    }

    /// The bins of a channel, starting at one.
    fn of(&self, channel: usize, from: u64) -> impl Iterator<Item = u64> {
        let own = move |&&(bin, other): &&(u64, usize)| other == channel && bin >= from;
        self.0.iter().filter(own).map(|&(bin, _)| bin)
    }
}

/// A number of samples: at least 1, and not absurd.
fn samples(value: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before")]
    let samples = value.round().clamp(1.0, MOST_SAMPLES) as u64;
    samples.max(1)
}
