//! The synthetic headset: all streams of a model, generated from a seed. Independent of clocks,
//! sockets and sessions; see [`SampleSource`] for why every value is a pure function of its index.

mod activity;
mod contact;
mod eeg;
mod eyes;
mod metrics;
mod motion;
mod recent;
mod spectra;

use std::sync::Arc;

use self::{
    activity::ActivityModel,
    contact::ContactModel,
    eeg::EegModel,
    eyes::Eyes,
    metrics::{ALWAYS_ON, MetricsModel},
    motion::HeadMotion,
    recent::RecentSamples,
    spectra::{SensorSpectra, SensorSpectrum},
};
use super::{
    model::{MotionFormat, Spec},
    noise::{self, Noise},
    source::{SampleContext, SampleSource},
    values::ValueSink,
};
use cortop_protocol::{
    Stream,
    sample::{Column, Columns},
};
use cortop_signal::bands::BANDS;

/// Samples of `fac` per second.
const FAC_RATE: f64 = 32.0;
/// The largest delay in seconds between a tick and the stamp of its samples: at 32 Hz stamps are
/// then 31.0 to 31.5 ms apart, about as in a live capture (§5.1).
const JITTER: f64 = 0.000_24;
/// Ticks per second: a multiple of most rates, so that samples of one tick share a stamp.
const TICKS: f64 = 256.0;

/// A synthetic headset.
#[derive(Debug)]
pub struct Synth {
    seed: u64,
    spec: Spec,
    samples: RecentSamples,
    eyes: Eyes,
    activity: ActivityModel,
    contact: ContactModel,
    head: HeadMotion,
    metrics: MetricsModel,
    spectra: SensorSpectra,
    stamps: Noise,
}

impl Synth {
    /// A headset of this specification; the same seed gives the same values.
    #[must_use]
    pub fn new(spec: Spec, seed: u64) -> Self {
        let noise = Noise::new(seed);
        let activity = ActivityModel::new(noise.branch(1));
        let eyes = Eyes::new(noise.branch(7));
        let contact = ContactModel::new(noise.branch(2));
        let eeg = EegModel::new(&spec, noise.branch(3), eyes, activity, contact);
        Self {
            samples: RecentSamples::new(eeg, spec.eeg_rate, spec.sensors.len()),
            eyes,
            activity,
            contact,
            head: HeadMotion::new(noise.branch(4), spec.gravity),
            metrics: MetricsModel::new(noise.branch(5)),
            spectra: SensorSpectra::new(spec.eeg_rate),
            stamps: noise.branch(6),
            seed,
            spec,
        }
    }

    /// The µV of every sensor at a sample index, including the DC offset, in steps of the
    /// converter.
    pub fn eeg(&self, index: u64) -> impl Iterator<Item = f64> {
        self.samples.read(&(index..index + 1), |ring| ring.sample(index).to_vec()).into_iter()
    }

    /// Whether the wearer's eyes are closed at a time in seconds since the first sample: for ten
    /// seconds after every twenty with open eyes.
    #[must_use]
    pub fn eyes_closed(time: f64) -> bool {
        Eyes::closed(time)
    }

    /// When sample `index` of a stream is due, in seconds.
    fn tick(&self, stream: Stream, index: u64) -> f64 {
        index as f64 / self.rate(stream)
    }

    fn rate(&self, stream: Stream) -> f64 {
        match stream {
            Stream::Eeg => f64::from(self.spec.eeg_rate),
            Stream::Mot => self.spec.mems_rate,
            Stream::Fac => FAC_RATE,
            Stream::Com | Stream::Pow => 8.0,
            Stream::Dev | Stream::Eq | Stream::Met => 2.0,
            Stream::Sys => 0.0,
        }
    }

    fn write_mot(&self, index: u64, values: &mut dyn ValueSink) {
        let reading = self.head.reading(index, self.tick(Stream::Mot, index));
        let (wrap, _) = noise::slot(self.spec.mems_rate.ceil());
        values.int(index % wrap.max(1));
        values.int(0);
        // Raw counts (§5.3): zero is at 8192, and 4096 counts are 1 g.
        let counts = |axes: [f64; 3], scale: f64| {
            axes.map(|value| value.mul_add(scale, 8192.0).round()).into_iter()
        };
        let gyro = counts(reading.gyro, 16.0);
        match self.spec.motion {
            MotionFormat::None => {}
            MotionFormat::TwoGyros => values.all(gyro.take(2), 1),
            MotionFormat::RawGyro => {
                values.all(gyro, 1);
                values.all(counts(reading.acc, 4096.0), 1);
                values.all(counts(reading.mag, 6.0), 1);
            }
            MotionFormat::Quaternion => {
                values.all(reading.quaternion, 6);
                values.all(reading.acc.into_iter().chain(reading.mag), 6);
            }
        }
    }

    fn write_dev(&self, time: f64, values: &mut dyn ValueSink) {
        let percent = self.contact.battery(0, time);
        values.fixed((percent / 25.0).ceil(), 0);
        values.fixed(1.0, 1);
        values.open();
        let contact = |sensor| self.contact.sensor(sensor).at(time).level;
        let levels: Vec<u8> = self.channels().map(contact).collect();
        values.all(levels.iter().copied().map(f64::from), 0);
        values.fixed(overall(&levels), 0);
        values.close();
        values.fixed(percent, 0);
        if self.spec.earbuds {
            values.fixed(percent, 0);
            values.fixed(self.contact.battery(1, time), 0);
        }
    }

    fn write_eq(&self, time: f64, values: &mut dyn ValueSink) {
        let levels: Vec<u8> =
            self.spectra(time, |all| all.iter().map(|sensor| sensor.quality).collect());
        values.fixed(self.contact.battery(0, time), 0);
        values.fixed(overall(&levels), 0);
        values.fixed(1.0, 2);
        values.all(levels.iter().copied().map(f64::from), 0);
    }

    fn write_met(&self, time: f64, ready: bool, values: &mut dyn ValueSink) {
        for (name, metric) in MetricsModel::names(self.spec.earbuds).iter().zip(0..) {
            let value = self.metrics.value(metric, time).filter(|_| ready);
            if *name != ALWAYS_ON {
                values.flag(value.is_some());
            }
            values.optional(value, 6);
        }
    }

    fn write_fac(&self, time: f64, values: &mut dyn ValueSink) {
        values.word(self.eyes.action(time, 1.0 / FAC_RATE));
        // Powers change at 8 Hz although samples come at 32 Hz (§5.1).
        let held = (time * 8.0).floor() / 8.0;
        for (act, power) in [self.activity.upper(held), self.activity.lower(held)] {
            values.word(act);
            values.fixed(power, 6);
        }
    }

    /// Reads the spectrum of each sensor over the 2 s before a time.
    fn spectra<T>(&self, time: f64, read: impl FnOnce(&[SensorSpectrum]) -> T) -> T {
        let (end, _) = noise::slot(time * self.rate(Stream::Eeg));
        self.spectra.read(&self.samples, self.spec.sensors.len(), end, read)
    }

    fn channels(&self) -> impl Iterator<Item = u64> {
        (0..).zip(&self.spec.sensors).map(|(channel, _)| channel)
    }
}

impl SampleSource for Synth {
    fn columns(&self, stream: Stream) -> Option<Columns> {
        let sensors = || self.spec.sensors.iter().map(String::as_str);
        let flex = self.spec.flex();
        let labels: Vec<String> = match stream {
            Stream::Eeg => ["COUNTER", "INTERPOLATED"]
                .into_iter()
                .chain(sensors())
                .chain(flex.then_some("HighBitFlex"))
                .chain(["RAW_CQ", "MARKER_HARDWARE", "MARKERS"])
                .map(str::to_owned)
                .collect(),
            Stream::Mot if self.spec.motion != MotionFormat::None => {
                ["COUNTER_MEMS", "INTERPOLATED_MEMS"]
                    .into_iter()
                    .chain(self.spec.motion_sensors())
                    .map(str::to_owned)
                    .collect()
            }
            Stream::Dev => return Some(self.dev_columns()),
            Stream::Eq => ["batteryPercent", "overall", "sampleRateQuality"]
                .into_iter()
                .chain(sensors())
                .map(str::to_owned)
                .collect(),
            Stream::Pow => sensors()
                .flat_map(|sensor| BANDS.map(|band| format!("{sensor}/{}", band.name)))
                .collect(),
            Stream::Met if self.spec.bci => MetricsModel::names(self.spec.earbuds)
                .iter()
                .flat_map(|&name| {
                    let active = (name != ALWAYS_ON).then(|| format!("{name}.isActive"));
                    active.into_iter().chain([name.to_owned()])
                })
                .collect(),
            Stream::Com if self.spec.bci => ["act", "pow"].map(str::to_owned).into(),
            Stream::Fac if self.spec.faces => {
                ["eyeAct", "uAct", "uPow", "lAct", "lPow"].map(str::to_owned).into()
            }
            _ => return None,
        };
        Some(Columns(labels.into_iter().map(Column::One).collect()))
    }

    fn time(&self, stream: Stream, index: u64) -> f64 {
        let tick = self.tick(stream, index);
        let (slot, _) = noise::slot((tick * TICKS).round());
        JITTER.mul_add(self.stamps.unit(slot), tick)
    }

    fn index_at(&self, stream: Stream, time: f64) -> u64 {
        // The previous sample may be stamped later than its tick.
        let (next, _) = noise::slot((time * self.rate(stream)).ceil());
        let before = next.saturating_sub(1);
        // Slightly less, so that the time of an index maps back to this index, not to the next.
        if self.time(stream, before) >= time - 1e-9 { before } else { next }
    }

    fn write(
        &self,
        stream: Stream,
        index: u64,
        context: SampleContext<'_>,
        values: &mut dyn ValueSink,
    ) {
        let time = self.tick(stream, index);
        match stream {
            Stream::Eeg => {
                values.int(index % u64::from(self.spec.eeg_rate));
                values.int(context.interpolated.into());
                self.samples.read(&(index..index + 1), |ring| {
                    values.all(ring.sample(index).iter().copied(), 3);
                });
                if self.spec.flex() {
                    values.fixed(8064.0, 1);
                }
                values.fixed(0.0, 1);
                values.int(0);
                values.nested(context.markers);
            }
            Stream::Mot => self.write_mot(index, values),
            Stream::Dev => self.write_dev(time, values),
            Stream::Eq => self.write_eq(time, values),
            Stream::Pow => self.spectra(time, |all| {
                values.all(all.iter().flat_map(|sensor| sensor.bands), 3);
            }),
            Stream::Met => self.write_met(time, context.metrics, values),
            Stream::Com => {
                let (act, power) = self.activity.command(time, context.commands);
                values.word(act);
                values.fixed(power, 6);
            }
            Stream::Fac => self.write_fac(time, values),
            Stream::Sys => {}
        }
    }

    fn refit(&self, spec: &Spec) -> Option<Arc<dyn SampleSource>> {
        Some(Arc::new(Self::new(spec.clone(), self.seed)))
    }
}

impl Synth {
    fn dev_columns(&self) -> Columns {
        let one = |label: &str| Column::One(label.to_owned());
        let sensors = self.spec.sensors.iter().cloned().chain(["OVERALL".to_owned()]);
        let mut columns = vec![
            one("Battery"),
            one("Signal"),
            Column::Group(sensors.collect()),
            one("BatteryPercent"),
        ];
        if self.spec.earbuds {
            columns.extend([one("batteryLeftPercent"), one("batteryRightPercent")]);
        }
        Columns(columns)
    }
}

/// Per cent of the best possible levels.
fn overall(levels: &[u8]) -> f64 {
    let sum: f64 = levels.iter().copied().map(f64::from).sum();
    (25.0 * sum / levels.len().max(1) as f64).round()
}

#[cfg(test)]
mod tests;
