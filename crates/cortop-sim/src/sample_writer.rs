//! Writes the text of one sample, value by value, in Cortex's number format (§5): rounded to the
//! decimals of its stream, without trailing zeros, a fraction always with a point.

use std::fmt::Write as _;

use cortop_protocol::Stream;

use super::values::ValueSink;

/// Below this, whole numbers are exact and have at most 16 digits.
const EXACT: f64 = 9.0e15;

/// A `{"eeg":[…],"sid":"…","time":…}` under construction.
#[derive(Debug)]
pub struct SampleWriter {
    text: String,
}

impl SampleWriter {
    /// Opens the message and its array of values.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        let mut text = String::with_capacity(256);
        // Writing to a `String` cannot fail, here and everywhere else in this file.
        let _ = write!(text, "{{\"{}\":[", stream.name());
        Self { text }
    }

    /// Closes the message. `time`: epoch seconds, printed with four decimals.
    #[must_use]
    pub fn finish(mut self, sid: &str, time: f64) -> String {
        let _ = write!(self.text, "],\"sid\":\"{sid}\",\"time\":");
        self.number(time, 4);
        self.text.push('}');
        self.text
    }

    /// Parses the values written so far.
    #[cfg(test)]
    pub(super) fn values(self) -> Vec<serde_json::Value> {
        let values = self.text.split_once(':').map_or("", |(_, values)| values);
        serde_json::from_str(&format!("{values}]")).unwrap()
    }

    fn separate(&mut self) {
        if !self.text.ends_with('[') {
            self.text.push(',');
        }
    }

    fn number(&mut self, value: f64, decimals: i32) {
        let scaled = (value * 10_f64.powi(decimals)).round();
        if scaled.abs() < EXACT {
            if scaled < 0.0 {
                self.text.push('-');
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "in range"
            )]
            self.digits(scaled.abs() as u64, decimals);
        } else if value.is_finite() {
            let _ = write!(self.text, "{value:?}");
        } else {
            self.text.push_str("null");
        }
    }

    /// Writes a number given in units of its last decimal. Hand-written, because this is most of
    /// the cost of a sample: the standard library's formatter takes five times as long.
    fn digits(&mut self, mut rest: u64, mut decimals: i32) {
        let mut digits = [b'0'; 24];
        let mut at = digits.len();
        let mut put = |digit: u8| {
            at -= 1;
            digits[at] = digit;
        };
        while decimals > 1 && rest.is_multiple_of(10) {
            rest /= 10;
            decimals -= 1;
        }
        let mut digit = || {
            let digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            (digit, rest)
        };
        for _ in 0..decimals {
            put(digit().0);
        }
        if decimals > 0 {
            put(b'.');
        }
        loop {
            let (digit, rest) = digit();
            put(digit);
            if rest == 0 {
                break;
            }
        }
        self.text.push_str(str::from_utf8(&digits[at..]).unwrap_or_default());
    }
}

impl ValueSink for SampleWriter {
    fn int(&mut self, value: u64) {
        self.separate();
        self.digits(value, 0);
    }

    fn fixed(&mut self, value: f64, decimals: i32) {
        self.separate();
        self.number(value, decimals);
    }

    fn flag(&mut self, value: bool) {
        self.separate();
        let _ = write!(self.text, "{value}");
    }

    fn word(&mut self, value: &str) {
        self.separate();
        let _ = write!(self.text, "\"{value}\"");
    }

    fn nested(&mut self, json: &str) {
        self.separate();
        let _ = write!(self.text, "[{json}]");
    }

    fn open(&mut self) {
        self.separate();
        self.text.push('[');
    }

    fn close(&mut self) {
        self.text.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_as_cortex_prints_them() {
        let mut row = SampleWriter::new(Stream::Eeg);
        row.int(17);
        row.fixed(8200.0 * 20.0 / 39.0, 3);
        row.fixed(4205.0, 3);
        row.fixed(-0.000_1, 3);
        row.optional(None, 6);
        row.flag(true);
        row.open();
        row.fixed(3.7, 0);
        row.close();
        row.open();
        row.close();
        row.word("push");
        assert_eq!(
            row.finish("s", 1_767_942_612.170_01),
            r#"{"eeg":[17,4205.128,4205.0,0.0,null,true,[4],[],"push"],"sid":"s","time":1767942612.17}"#
        );
    }
    #[test]
    fn every_number_reads_back_as_what_was_rounded() {
        for step in 0..20_000_u32 {
            let value = (f64::from(step) - 9999.0) * 0.128_205_128;
            for decimals in 0..=6 {
                let mut row = SampleWriter::new(Stream::Eeg);
                row.fixed(value, decimals);
                let text = row.finish("s", 0.0);
                let read =
                    serde_json::from_str::<serde_json::Value>(&text).unwrap()["eeg"][0].clone();
                let scale = 10_f64.powi(decimals);
                let rounded = (value * scale).round() / scale;
                assert!((read.as_f64().unwrap() - rounded).abs() < 1e-12, "{value} {text}");
                assert_eq!(
                    text.contains('.'),
                    decimals > 0 || text.contains("time\":0.0"),
                    "{text}"
                );
            }
        }
        for (value, text) in [(f64::NAN, "null"), (1e300, "1e300"), (-0.4, "0")] {
            let mut row = SampleWriter::new(Stream::Eeg);
            row.fixed(value, 0);
            assert!(row.finish("s", 0.0).contains(&format!("[{text}]")), "{text}");
        }
    }
}
