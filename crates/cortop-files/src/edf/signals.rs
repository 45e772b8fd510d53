//! The signals for the values of a stream: names as in EMOTIV's files, units and scales.

use cortop_protocol::{Stream, model::Model};

use super::header::{EdfFormat, EdfScale, EdfSignal};

/// The widest measuring range of a headset in µV (§8).
const RANGE: f64 = 8400.0;
/// The step of a headset's converter in µV (§8): that of 16 bits divides that of 14.
const STEP: f64 = 5.0 / 39.0;
const STEP_OF_EARBUDS: f64 = 1.0 / 2.1;
/// A value of contact or quality that the headset has not sent yet; 0 would mean no contact.
pub const UNKNOWN: f64 = -1.0;
/// Range of the gyroscope of old headsets, in counts.
const RAW_GYRO: i16 = 16_384;

/// The scales for the values of a headset.
#[derive(Clone, Copy, Debug)]
pub struct SignalScales {
    format: EdfFormat,
    eeg: EdfScale,
    raw_motion: bool,
}

impl SignalScales {
    /// For a headset whose EEG has an offset or not, and whose motion is in counts or in units.
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

    /// The signal of a label; `None` if these files do not contain it. `is_sensor`: whether the
    /// label is that of a sensor (for `eeg`, `dev` and `eq`). `samples`: its samples per data
    /// record.
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
            // A label may have 16 characters.
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
