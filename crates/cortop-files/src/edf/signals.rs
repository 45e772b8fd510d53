//! The signals that a file has for the values of a stream: names as EMOTIV's files have them, units
//! and scales.

use cortop_protocol::{Stream, model::Model};

use super::header::{EdfFormat, EdfScale, EdfSignal};

/// The most µV that a headset measures from end to end (§8).
const RANGE: f64 = 8400.0;
/// µV of the steps of a headset's converter (§8): those of 16 bits divide those of 14.
const STEP: f64 = 5.0 / 39.0;
const STEP_OF_EARBUDS: f64 = 1.0 / 2.1;
/// A value of contact or quality that the headset has not sent yet: 0 would say that there is none.
pub const UNKNOWN: f64 = -1.0;
/// Counts of the gyroscope of old headsets.
const RAW_GYRO: i16 = 16_384;

/// How the values of a headset are written.
#[derive(Clone, Copy, Debug)]
pub struct SignalScales {
    format: EdfFormat,
    eeg: EdfScale,
    raw_motion: bool,
}

impl SignalScales {
    /// For a headset whose EEG rides on an offset or not, and whose motion is counted or measured.
    #[must_use]
    pub fn new(format: EdfFormat, model: Model, has_offset: bool, raw_motion: bool) -> Self {
        let step = match model {
            Model::Mn8 | Model::Mw20 => STEP_OF_EARBUDS,
            _ => STEP,
        };
        let eeg = if has_offset {
            EdfScale::from_zero(format, RANGE, step)
        } else {
            EdfScale::around_zero(format, RANGE / 2.0, step)
        };
        Self { format, eeg, raw_motion }
    }

    /// The signal of a label; none for what these files do not hold. `is_sensor` is for `eeg`, `dev`
    /// and `eq`: whether the label is that of a sensor. `samples`: its samples in a record.
    #[must_use]
    pub fn signal(
        &self,
        stream: Stream,
        label: &str,
        is_sensor: bool,
        samples: usize,
    ) -> Option<EdfSignal> {
        let symmetrical = |most| EdfScale::symmetrical(self.format, most);
        let (label, unit, scale) = match (stream, label) {
            (Stream::Eeg, _) if is_sensor => (label.to_owned(), "uV", self.eeg),
            (Stream::Eeg, "COUNTER") | (Stream::Mot, "COUNTER_MEMS") => {
                (label.to_owned(), "", EdfScale::whole(0, 255))
            }
            (Stream::Eeg, "INTERPOLATED" | "MARKER_HARDWARE")
            | (Stream::Mot, "INTERPOLATED_MEMS") => (label.to_owned(), "", EdfScale::whole(0, 1)),
            (Stream::Dev, "Battery") => ("BATTERY".to_owned(), "", EdfScale::whole(-1, 4)),
            (Stream::Dev, "BatteryPercent") => {
                ("BATTERY_PERCENT".to_owned(), "%", EdfScale::whole(-1, 100))
            }
            (Stream::Dev, "OVERALL") => ("CQ_OVERALL".to_owned(), "%", EdfScale::whole(-1, 100)),
            (Stream::Dev, _) if is_sensor => (format!("CQ_{label}"), "", EdfScale::whole(-1, 4)),
            // 16 characters are what a label may have.
            (Stream::Eq, "sampleRateQuality") => {
                ("EQ_SampleRateQua".to_owned(), "", symmetrical(1.0))
            }
            (Stream::Eq, "overall") => ("EQ_OVERALL".to_owned(), "%", EdfScale::whole(-1, 100)),
            (Stream::Eq, _) if is_sensor => (format!("EQ_{label}"), "", EdfScale::whole(-1, 4)),
            (Stream::Mot, _) if self.raw_motion => {
                (label.to_owned(), "", EdfScale::whole(0, RAW_GYRO))
            }
            (Stream::Mot, axis) => {
                let (unit, most) = match axis.get(..3) {
                    _ if axis.starts_with('Q') => ("", 1.0),
                    Some("ACC") => ("g", 8.0),
                    Some("MAG") => ("uT", 1200.0),
                    _ => ("deg/s", 2000.0),
                };
                (label.to_owned(), unit, symmetrical(most))
            }
            _ => return None,
        };
        Some(EdfSignal {
            label,
            transducer: String::new(),
            unit: unit.to_owned(),
            prefilter: String::new(),
            scale,
            samples: samples.max(1),
        })
    }
}
