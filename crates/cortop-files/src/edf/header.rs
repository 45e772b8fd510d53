//! The header of an EDF or BDF file: fields of fixed width; those of the signals are grouped by
//! field.

use jiff::{SignedDuration, Timestamp};

/// The file formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdfFormat {
    /// 16 bits, no annotations.
    Edf,
    /// 16 bits with annotations, continuous.
    EdfPlus,
    /// 24 bits with annotations, continuous.
    BdfPlus,
}

impl EdfFormat {
    /// Bytes per sample.
    #[must_use]
    pub const fn sample_bytes(self) -> usize {
        if self.is_bdf() { 3 } else { 2 }
    }

    /// The largest digital value; the smallest is one below its negative.
    #[must_use]
    pub const fn digital_maximum(self) -> i32 {
        if self.is_bdf() { 8_388_607 } else { 32_767 }
    }

    /// Whether it has an annotation signal.
    #[must_use]
    pub const fn has_annotations(self) -> bool {
        !matches!(self, Self::Edf)
    }

    pub(super) const fn is_bdf(self) -> bool {
        matches!(self, Self::BdfPlus)
    }

    /// The label of the annotation signal.
    pub(super) const fn annotation_label(self) -> &'static str {
        if self.is_bdf() { "BDF Annotations" } else { "EDF Annotations" }
    }

    /// The first reserved field.
    const fn reserved(self) -> &'static str {
        match self {
            Self::Edf => "",
            Self::EdfPlus => "EDF+C",
            Self::BdfPlus => "BDF+C",
        }
    }
}

/// The scale of a signal: the value that each digital value represents.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdfScale {
    /// The physical values at both ends.
    pub physical: (f64, f64),
    /// The digital values at both ends.
    pub digital: (i32, i32),
}

impl EdfScale {
    /// Values from 0 to at least `most` in steps that divide `lsb`, the step of the converter, so
    /// that the converter's values are reproduced exactly.
    #[must_use]
    pub fn from_zero(format: EdfFormat, most: f64, lsb: f64) -> Self {
        let top = format.digital_maximum();
        let digital = (-top - 1, top);
        let steps = f64::from(top).mul_add(2.0, 1.0);
        let parts = (lsb * steps / most).floor().max(1.0);
        Self { physical: (0.0, lsb / parts * steps), digital }
    }

    /// Values from `-most` to `most`; digital 0 is 0.
    #[must_use]
    pub fn symmetrical(format: EdfFormat, most: f64) -> Self {
        let top = format.digital_maximum();
        // The sign takes one digit of the field, and both ends must be rounded in the same way.
        let most = number(-most).parse().map_or(most, |own: f64| -own);
        Self { physical: (-most, most), digital: (-top, top) }
    }

    /// Values from at least `-most` to `most` in steps that divide `lsb`; digital 0 is 0.
    #[must_use]
    pub fn around_zero(format: EdfFormat, most: f64, lsb: f64) -> Self {
        let top = f64::from(format.digital_maximum());
        let parts = (lsb * top / most).floor().max(1.0);
        Self::symmetrical(format, lsb / parts * top)
    }

    /// Whole numbers from `from` to `to`, each represented by itself.
    #[must_use]
    pub fn whole(from: i16, to: i16) -> Self {
        let digital = (i32::from(from), i32::from(to));
        Self { physical: (f64::from(from), f64::from(to)), digital }
    }

    /// The scale, rounded to what the header's fields can hold.
    fn rounded(self) -> Self {
        let read = |value: f64| number(value).trim().parse().unwrap_or(value);
        Self { physical: (read(self.physical.0), read(self.physical.1)), digital: self.digital }
    }

    fn step(self) -> f64 {
        let span = f64::from(self.digital.1) - f64::from(self.digital.0);
        (self.physical.1 - self.physical.0) / span
    }

    /// Whether a value is within the scale.
    #[must_use]
    pub fn holds(self, value: f64) -> bool {
        let half = self.step().abs() / 2.0;
        (self.physical.0 - half..=self.physical.1 + half).contains(&value)
    }

    /// The digital value nearest to a value; beyond the scale, the end of the scale.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "clamped to the digital values")]
    pub fn to_digital(self, value: f64) -> i32 {
        let (low, high) = self.digital;
        let digital = (value - self.physical.0) / self.step() + f64::from(low);
        digital.round().clamp(f64::from(low), f64::from(high)) as i32
    }

    /// The value that a digital value represents.
    #[must_use]
    pub fn to_physical(self, digital: i32) -> f64 {
        (f64::from(digital) - f64::from(self.digital.0)).mul_add(self.step(), self.physical.0)
    }
}

/// A signal of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct EdfSignal {
    /// Its label, at most 16 characters.
    pub label: String,
    /// The type of sensor, at most 80 characters.
    pub transducer: String,
    /// The unit of its values, at most 8 characters.
    pub unit: String,
    /// The filters applied, such as `HP:0.16Hz`, at most 80 characters.
    pub prefilter: String,
    /// The meaning of its digital values.
    pub scale: EdfScale,
    /// Samples per data record.
    pub samples: usize,
}

/// The header of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct EdfHeader {
    /// The kind of file.
    pub format: EdfFormat,
    /// The patient; in the plus formats code, sex, birthdate and name, with `X` for unknown parts.
    pub patient: String,
    /// The recording, after its date; in the plus formats administration code, technician and
    /// equipment, with `X` for unknown parts.
    pub recording: String,
    /// Epoch seconds of the first sample. The plus formats preserve the fraction.
    pub start: f64,
    /// Duration of a data record in seconds.
    pub record_seconds: f64,
    /// The signals, except for the annotation signal.
    pub signals: Vec<EdfSignal>,
    /// Bytes of annotations per data record, including the time of the record.
    pub annotation_bytes: usize,
}

/// Width of a label in characters.
const LABEL: usize = 16;

/// The offset of the number of data records.
pub(super) const RECORDS_AT: u64 = 236;
/// The offset of the duration of a data record.
pub(super) const SECONDS_AT: u64 = 244;

impl EdfHeader {
    /// Seconds from the start in the header, which is whole, to the first sample.
    pub(super) fn subsecond(&self) -> f64 {
        if self.format.has_annotations() { self.start - self.start.floor() } else { 0.0 }
    }

    /// Bytes before the first data record.
    pub(super) fn bytes(&self) -> usize {
        256 * (self.signals.len() + usize::from(self.format.has_annotations()) + 1)
    }

    /// Samples of the annotation signal per data record.
    pub(super) fn annotation_samples(&self) -> usize {
        if self.format.has_annotations() {
            self.annotation_bytes.div_ceil(self.format.sample_bytes())
        } else {
            0
        }
    }

    /// Rounds labels and scales to what their fields can hold, so that what is written is what will
    /// be read.
    pub(super) fn fitted(mut self) -> Self {
        for signal in &mut self.signals {
            signal.scale = signal.scale.rounded();
            signal.label = printable(&signal.label, LABEL);
        }
        self
    }

    /// The encoded header of a file with this number of data records.
    pub(super) fn encode(&self, records: u64) -> Vec<u8> {
        let format = self.format;
        let noted = format.has_annotations();
        let count = self.signals.len() + usize::from(noted);
        let start = SignedDuration::try_from_secs_f64(self.start.floor()).ok();
        let start = start.and_then(|it| Timestamp::from_duration(it).ok()).unwrap_or_default();
        let date = start.strftime("%d-%b-%Y").to_string().to_uppercase();
        let mut text = HeaderText::default();
        if format.is_bdf() {
            text.0.extend(b"\xFFBIOSEMI");
        } else {
            text.put("0", 8);
        }
        text.put(&self.patient, 80);
        text.put(&format!("Startdate {date} {}", self.recording), 80);
        text.put(&start.strftime("%d.%m.%y").to_string(), 8);
        text.put(&start.strftime("%H.%M.%S").to_string(), 8);
        text.put(&self.bytes().to_string(), 8);
        text.put(format.reserved(), 44);
        text.put(&records.to_string(), 8);
        text.put(&number(self.record_seconds), 8);
        text.put(&count.to_string(), 4);
        let top = format.digital_maximum();
        let (low, high) = ((-top - 1).to_string(), top.to_string());
        let samples = self.annotation_samples().to_string();
        // Each field for all signals, then the next field.
        let mut field = |of: &dyn Fn(&EdfSignal) -> String, of_annotations: &str, width: usize| {
            for signal in &self.signals {
                text.put(&of(signal), width);
            }
            if noted {
                text.put(of_annotations, width);
            }
        };
        field(&|it| it.label.clone(), format.annotation_label(), LABEL);
        field(&|it| it.transducer.clone(), "", 80);
        field(&|it| it.unit.clone(), "", 8);
        field(&|it| number(it.scale.physical.0), "-1", 8);
        field(&|it| number(it.scale.physical.1), "1", 8);
        field(&|it| it.scale.digital.0.to_string(), &low, 8);
        field(&|it| it.scale.digital.1.to_string(), &high, 8);
        field(&|it| it.prefilter.clone(), "", 80);
        field(&|it| it.samples.to_string(), &samples, 8);
        field(&|_| String::new(), "", 32);
        text.0
    }
}

/// A number in 8 characters, as precise as they allow.
pub(super) fn number(value: f64) -> String {
    const WIDTH: usize = 8;
    let exact = value.to_string();
    if exact.len() <= WIDTH {
        return exact;
    }
    let places = (0..WIDTH).rev();
    let fitting = places.map(|places| format!("{value:.places$}"));
    fitting.into_iter().find(|text| text.len() <= WIDTH).unwrap_or_default()
}

/// The longest data record of up to a second with which the file ends where the recording does: it
/// holds whole samples of each signal, its duration fits its field, and after the `length` in
/// seconds less than the shortest such record is left over. `rates` are in samples per second.
#[must_use]
pub fn fitting_record(rates: &[f64], length: f64) -> f64 {
    const LONGEST: f64 = 1.0;
    let whole = |seconds: f64| {
        rates.iter().all(|rate| ((rate * seconds).round() - rate * seconds).abs() < 1e-6)
    };
    let exact = |seconds: &f64| number(*seconds).parse() == Ok(*seconds);
    // From 1/64 s upwards; for 6.4 Hz from 5/32 s, for 250 Hz from 8 ms.
    let shortest = [1.0, 5.0, 0.512]
        .into_iter()
        .flat_map(|parts| (0..=6).rev().map(move |halvings| parts / f64::from(1_u32 << halvings)));
    let mut sound: Vec<_> = shortest.filter(|it| whole(*it) && exact(it)).collect();
    sound.sort_by(f64::total_cmp);
    let Some(&shortest) = sound.first() else { return whole_seconds(rates) };
    let records = (length / shortest + 1e-6).floor();
    let divides = |seconds: &&f64| {
        let times = (**seconds / shortest).round();
        **seconds <= LONGEST && (times * shortest - **seconds).abs() < 1e-9 && records % times < 0.5
    };
    sound.iter().rev().find(divides).copied().unwrap_or(shortest)
}

/// The data record for a recording of unknown length: half a second, so that killing the program
/// loses less than a second; otherwise whole seconds, ten at most.
#[must_use]
pub fn steady_record(rates: &[f64]) -> f64 {
    const SHORT: f64 = 0.5;
    let whole = |rate: &f64| ((rate * SHORT).round() - rate * SHORT).abs() < 1e-6;
    if rates.iter().all(whole) { SHORT } else { whole_seconds(rates) }
}

/// The smallest number of whole seconds, ten at most, that holds whole samples of each signal.
fn whole_seconds(rates: &[f64]) -> f64 {
    let whole = |seconds: &u32| {
        let samples = rates.iter().map(|rate| rate * f64::from(*seconds));
        samples.into_iter().all(|own| (own.round() - own).abs() < 1e-6)
    };
    (1..=10).find(whole).unwrap_or(1).into()
}

/// Fields of fixed width, padded with spaces, ASCII only.
#[derive(Default)]
struct HeaderText(Vec<u8>);

impl HeaderText {
    fn put(&mut self, field: &str, width: usize) {
        let field = printable(field, width);
        self.0.extend(format!("{field:width$}").bytes());
    }
}

/// A text, reduced to what a field of this width can hold.
fn printable(text: &str, width: usize) -> String {
    let ascii = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '_' });
    ascii.take(width).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_field_and_lose_as_little_as_they_can() {
        for (value, text) in [
            (1.0, "1"),
            (0.015_625, "0.015625"),
            (8_401.923_076_92, "8401.923"),
            (-8_388_608.0, "-8388608"),
            (1.008_273_63, "1.008274"),
            (-4_200.961_538, "-4200.96"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn what_a_converter_measured_comes_back_exactly() {
        for (lsb, most) in [(5.0 / 39.0, 8400.0), (20.0 / 39.0, 8400.0), (1.0 / 2.1, 8400.0)] {
            for format in [EdfFormat::EdfPlus, EdfFormat::BdfPlus] {
                let scale = EdfScale::from_zero(format, most, lsb).rounded();
                for count in 0..=16_380 {
                    let value = f64::from(count) * lsb;
                    let read = scale.to_physical(scale.to_digital(value));
                    assert!((read - value).abs() < 1e-3, "{format:?} {lsb} {value} {read}");
                }
            }
        }
        let scale = EdfScale::symmetrical(EdfFormat::EdfPlus, 8.0);
        assert!(scale.to_physical(scale.to_digital(0.0)).abs() < 1e-12);
        assert_eq!((scale.to_digital(9.0), scale.to_digital(-9.0)), (32_767, -32_767));
    }

    #[test]
    fn a_record_holds_whole_samples_and_ends_with_the_recording() {
        for (rates, length, seconds) in [
            (&[256.0, 64.0][..], 10.0, 1.0),
            (&[256.0, 64.0], 10.5, 0.5),
            (&[256.0, 64.0], 10.2, 0.0625),
            (&[256.0, 64.0], 10.36, 0.015_625),
            (&[128.0], 3.25, 0.25),
            (&[128.0, 6.4], 10.0, 0.625),
            (&[250.0], 2.0, 1.0),
            (&[127.0], 2.5, 1.0),
        ] {
            assert!((fitting_record(rates, length) - seconds).abs() < 1e-9, "{rates:?} {length}");
        }
    }
}
