//! Writes metric families and their samples as `OpenMetrics` 1.0 text. Knows no metric.

use std::fmt::Write as _;

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Goes up and down.
    Gauge,
    /// Only grows, and may restart at 0.
    Counter,
    /// The information is in its labels; its value is 1.
    Info,
}

/// Units that end a family's name.
const UNITS: [&str; 3] = ["seconds", "hertz", "ratio"];

/// A text being written.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    /// The name of the current family's samples.
    name: String,
}

impl Exposition {
    /// Begins a family; its samples follow.
    pub(super) fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let (word, suffix) = match kind {
            Kind::Gauge => ("gauge", ""),
            Kind::Counter => ("counter", "_total"),
            Kind::Info => ("info", "_info"),
        };
        self.line(format_args!("# TYPE {name} {word}"));
        let unit = UNITS.iter().find(|unit| name.ends_with(&format!("_{unit}")));
        if let Some(unit) = unit {
            self.line(format_args!("# UNIT {name} {unit}"));
        }
        self.line(format_args!("# HELP {name} {help}"));
        self.name = format!("{name}{suffix}");
    }

    /// Adds a sample to the current family.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: f64) {
        let labels: Vec<_> =
            labels.iter().map(|(name, text)| format!("{name}=\"{}\"", escaped(text))).collect();
        let labels =
            if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let name = std::mem::take(&mut self.name);
        self.line(format_args!("{name}{labels} {value}"));
        self.name = name;
    }

    /// The same if there is a value.
    pub(super) fn optional(&mut self, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.sample(labels, value);
        }
    }

    /// The whole text.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

/// A label's value, escaped for quotes; it may come from the wire and be displayed in a terminal.
fn escaped(text: &str) -> String {
    cortop_client::sanitize::clean(text).replace('\\', "\\\\").replace('"', "\\\"")
}
