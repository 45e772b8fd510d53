//! Receives the values of a sample from a source, one by one; and a receiver that collects its
//! numbers.

/// Receives the values of a sample in column order.
pub trait ValueSink {
    /// A whole number.
    fn int(&mut self, value: u64);

    /// A number rounded to `decimals`, without a point if there are none; a non-finite one is
    /// `null`.
    fn fixed(&mut self, value: f64, decimals: i32);

    /// `true` or `false`.
    fn flag(&mut self, value: bool);

    /// A word that needs no escaping.
    fn word(&mut self, value: &str);

    /// A nested array whose content is already formatted.
    fn nested(&mut self, json: &str);

    /// Opens a nested array.
    fn open(&mut self);

    /// Closes a nested array.
    fn close(&mut self);

    /// A number rounded to `decimals`, or `null`.
    fn optional(&mut self, value: Option<f64>, decimals: i32) {
        self.fixed(value.unwrap_or(f64::NAN), decimals);
    }
}

impl dyn ValueSink + '_ {
    /// Several numbers, each rounded to `decimals`.
    pub fn all(&mut self, values: impl IntoIterator<Item = f64>, decimals: i32) {
        for value in values {
            self.fixed(value, decimals);
        }
    }
}

/// The numbers of a sample as they are sent, one per label, including those of nested arrays.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers(pub(super) Vec<Option<f64>>);

impl ValueSink for Numbers {
    fn int(&mut self, value: u64) {
        self.0.push(Some(value as f64));
    }

    fn fixed(&mut self, value: f64, decimals: i32) {
        let scale = 10_f64.powi(decimals);
        self.0.push(value.is_finite().then(|| (value * scale).round() / scale));
    }

    fn flag(&mut self, value: bool) {
        self.0.push(Some(f64::from(u8::from(value))));
    }

    fn word(&mut self, _: &str) {
        self.0.push(None);
    }

    fn nested(&mut self, _: &str) {
        self.0.push(None);
    }

    fn open(&mut self) {}

    fn close(&mut self) {}
}
