//! A record as EDF, EDF+ or BDF+: a header of ASCII fields, then blocks of whole numbers, signal by
//! signal. EDF+ and BDF+ carry the markers as annotations. See edfplus.info for the fields.

use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
};

use jiff::Timestamp;

use super::RecordExport;
use crate::{model::MotionFormat, noise::slot};
use cortop_protocol::Stream;

/// Bytes of annotations in a block.
const NOTES: usize = 480;

/// The kinds of file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum EdfFormat {
    Edf,
    EdfPlus,
    BdfPlus,
}

impl EdfFormat {
    /// Bytes of a number.
    fn bytes(self) -> usize {
        if self == Self::BdfPlus { 3 } else { 2 }
    }

    /// The largest number; the smallest is one below its negative.
    fn most(self) -> f64 {
        if self == Self::BdfPlus { 8_388_607.0 } else { 32_767.0 }
    }
}

/// A signal of a file.
struct EdfSignal {
    stream: Stream,
    /// Its place among the values of its stream.
    place: usize,
    label: String,
    unit: &'static str,
    /// The values at both ends of the scale.
    range: (f64, f64),
    /// Samples in a block.
    samples: u64,
}

impl RecordExport {
    pub(super) fn write_edf(&self, file: File, depth: EdfFormat) -> io::Result<()> {
        let spec = &self.measurement().spec;
        // A block holds a whole number of samples of every signal: 6.4 Hz needs five seconds.
        let seconds = if spec.mems_rate.fract() == 0.0 { 1_u32 } else { 5 };
        let signals = self.signals(seconds);
        let blocks = ((self.end - self.start) / f64::from(seconds)).ceil().max(1.0);
        let (blocks, _) = slot(blocks);
        let mut file = BufWriter::new(file);
        file.write_all(&self.header(&signals, depth, seconds, blocks))?;
        for block in 0..blocks {
            for (stream, samples) in groups(&signals) {
                let first = self.first(stream) + block * samples;
                let rows: Vec<_> =
                    (first..first + samples).map(|it| self.values(stream, it)).collect();
                for signal in signals.iter().filter(|signal| signal.stream == stream) {
                    for row in &rows {
                        let value = row.get(signal.place).copied().flatten();
                        let number = signal.digital(value.unwrap_or_default(), depth);
                        file.write_all(
                            number.to_le_bytes().get(..depth.bytes()).unwrap_or_default(),
                        )?;
                    }
                }
            }
            if depth != EdfFormat::Edf {
                let from = block as f64 * f64::from(seconds);
                file.write_all(&self.annotations(from, f64::from(seconds), depth))?;
            }
        }
        file.flush()
    }

    fn signals(&self, seconds: u32) -> Vec<EdfSignal> {
        let spec = &self.measurement().spec;
        let mut signals = Vec::new();
        for &stream in &self.streams {
            for (place, label) in self.labels(stream).into_iter().enumerate() {
                let half = 4200.0;
                let (unit, range) = match (stream, label.as_str()) {
                    (Stream::Eeg, sensor) if spec.sensors.iter().any(|own| own == sensor) => {
                        let from = if spec.dc > 0.0 { 0.0 } else { -half };
                        ("uV", (from, from + 2.0 * half))
                    }
                    (Stream::Mot, axis) if axis.starts_with('Q') => ("", (-1.0, 1.0)),
                    (Stream::Mot, axis) if !axis.contains("MEMS") => match (self.raw(), &axis[..3])
                    {
                        (true, _) => ("", (0.0, 16_384.0)),
                        (false, "ACC") => ("g", (-8.0, 8.0)),
                        (false, "MAG") => ("uT", (-1200.0, 1200.0)),
                        (false, _) => ("deg/s", (-2000.0, 2000.0)),
                    },
                    _ => continue,
                };
                let rate =
                    if stream == Stream::Eeg { f64::from(spec.eeg_rate) } else { spec.mems_rate };
                // A little less: 6.4 Hz for five seconds are 32 samples, not 33.
                let (samples, _) = slot((rate * f64::from(seconds) - 1e-6).ceil());
                signals.push(EdfSignal { stream, place, label, unit, range, samples });
            }
        }
        signals
    }

    /// Whether motion is in raw counts.
    fn raw(&self) -> bool {
        self.measurement().spec.motion == MotionFormat::RawGyro
    }

    fn header(
        &self,
        signals: &[EdfSignal],
        depth: EdfFormat,
        seconds: u32,
        blocks: u64,
    ) -> Vec<u8> {
        let noted = depth != EdfFormat::Edf;
        let count = signals.len() + usize::from(noted);
        let begun = jiff::SignedDuration::try_from_secs_f64(self.origin + self.start).ok();
        let begun = begun.and_then(|it| Timestamp::from_duration(it).ok()).unwrap_or_default();
        let subject = self.record.subject.as_deref().unwrap_or("X").replace(' ', "_");
        let startdate = begun.strftime("%d-%b-%Y").to_string().to_uppercase();
        let mut text = HeaderText::default();
        if depth == EdfFormat::BdfPlus {
            text.0.extend(b"\xFFBIOSEMI");
        } else {
            text.put("0", 8);
        }
        text.put(&format!("X X X {subject}"), 80);
        text.put(&format!("Startdate {startdate} X X {}", self.measurement().headset.as_str()), 80);
        text.put(&begun.strftime("%d.%m.%y").to_string(), 8);
        text.put(&begun.strftime("%H.%M.%S").to_string(), 8);
        text.put(&(256 * (count + 1)).to_string(), 8);
        text.put(
            match depth {
                EdfFormat::Edf => "",
                EdfFormat::EdfPlus => "EDF+C",
                EdfFormat::BdfPlus => "BDF+C",
            },
            44,
        );
        text.put(&blocks.to_string(), 8);
        text.put(&seconds.to_string(), 8);
        text.put(&count.to_string(), 4);
        // Each field for all signals, then the next field.
        let most = depth.most();
        let room = (NOTES / depth.bytes()).to_string();
        let name = if depth == EdfFormat::BdfPlus { "BDF Annotations" } else { "EDF Annotations" };
        let mut field = |of: &dyn Fn(&EdfSignal) -> String, note: &str, width: usize| {
            for signal in signals {
                text.put(&of(signal), width);
            }
            if noted {
                text.put(note, width);
            }
        };
        field(&|it| it.label.clone(), name, 16);
        field(&|_| String::new(), "", 80);
        field(&|it| it.unit.to_owned(), "", 8);
        field(&|it| it.range.0.to_string(), "-1", 8);
        field(&|it| it.range.1.to_string(), "1", 8);
        field(&|_| (-most - 1.0).to_string(), &(-most - 1.0).to_string(), 8);
        field(&|_| most.to_string(), &most.to_string(), 8);
        field(&|_| String::new(), "", 80);
        field(&|it| it.samples.to_string(), &room, 8);
        field(&|_| String::new(), "", 32);
        text.0
    }

    /// The annotations of a block: its own time, then the markers that start in it.
    fn annotations(&self, from: f64, seconds: f64, depth: EdfFormat) -> Vec<u8> {
        let mut text = format!("+{from}\x14\x14\0");
        let here = |at: f64| (from..from + seconds).contains(&at);
        for (at, marker) in self.markers().map(|(time, marker)| (time - self.start, marker)) {
            let long = marker.end - marker.start;
            let lasts = if long > 0.0 { format!("\x15{long:.6}") } else { String::new() };
            // The separators of the format must not come from a label.
            let label: String = marker.label.chars().filter(|c| !c.is_control()).collect();
            let note = format!("+{at:.6}{lasts}\x14{label}\x14\0");
            if here(at) && text.len() + note.len() <= NOTES {
                text.push_str(&note);
            }
        }
        let mut bytes = text.into_bytes();
        bytes.resize(NOTES / depth.bytes() * depth.bytes(), 0);
        bytes
    }
}

/// The streams of the signals, each once, with its samples in a block.
fn groups(signals: &[EdfSignal]) -> Vec<(Stream, u64)> {
    let mut groups: Vec<_> = signals.iter().map(|signal| (signal.stream, signal.samples)).collect();
    groups.dedup();
    groups
}

impl EdfSignal {
    /// A value on the scale of the file.
    #[expect(clippy::cast_possible_truncation, reason = "clamped to what three bytes hold")]
    fn digital(&self, value: f64, depth: EdfFormat) -> i32 {
        let (from, to) = self.range;
        let steps = 2.0_f64.mul_add(depth.most(), 1.0);
        let number = (value - from) / (to - from) * steps - depth.most() - 1.0;
        number.round().clamp(-depth.most() - 1.0, depth.most()) as i32
    }
}

/// A header of fields of fixed width, filled with spaces, ASCII only.
#[derive(Default)]
struct HeaderText(Vec<u8>);

impl HeaderText {
    fn put(&mut self, field: &str, width: usize) {
        let ascii = field.chars().map(|c| if (' '..='~').contains(&c) { c } else { '_' });
        let field: String = ascii.take(width).collect();
        self.0.extend(format!("{field:width$}").bytes());
    }
}
