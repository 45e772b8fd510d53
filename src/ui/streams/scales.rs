//! The vertical scale of each trace: one for all EEG rows, and one per group of axes for motion.

use crate::{
    app::{AMPLITUDES, App},
    ui::glyphs,
};
use cortop_client::Stream;
use cortop_signal::{Scale, Traces, orientation, snapshot::Trace};

/// The scale of a channel's row: the common scale times its own factor.
pub(super) fn of(app: &App, stream: Stream, trace: &Trace, traces: &Traces) -> Scale {
    let common = common(app, stream, trace, traces);
    let own = app.streams.channels(stream).own_scale(trace.place).unwrap_or(1.0);
    Scale { half: common.half * own, ..common }
}

fn common(app: &App, stream: Stream, trace: &Trace, traces: &Traces) -> Scale {
    if stream == Stream::Eeg {
        let centre =
            if app.streams.filters().high_pass.is_some() { 0.0 } else { finite(trace.median, 0.0) };
        return Scale { centre, half: eeg_half(app, Some(traces)) };
    }
    let (centre, half) = match group(&trace.label) {
        _ if is_raw(trace.median) => (trace.median, widest(&traces.channels, trace)),
        "Q" => (0.0, 1.0),
        "ACC" => (0.0, 2.0),
        _ => (trace.median, widest(&traces.channels, trace)),
    };
    Scale { centre: finite(centre, 0.0), half }
}

/// Half the height of an EEG row in µV, equal for all rows; the automatic one fits most of them.
pub(super) fn eeg_half(app: &App, traces: Option<&Traces>) -> f32 {
    let spread = traces.filter(|_| app.streams.auto).map_or(f32::NAN, |traces| traces.spread);
    if spread.is_nan() {
        return app.streams.amplitude();
    }
    AMPLITUDES.into_iter().find(|&half| half >= spread).unwrap_or_else(|| step(spread))
}

/// The scale that the channels of a group share, taken from the widest of them.
fn widest(all: &[Trace], trace: &Trace) -> f32 {
    let spread = all
        .iter()
        .filter(|other| group(&other.label) == group(&trace.label))
        .map(|other| other.spread)
        .fold(f32::NAN, f32::max);
    step(finite(spread, 1.0))
}

/// The letters of a motion label before its axis: `ACCX` → `ACC`, `Q0` → `Q`.
fn group(label: &str) -> &str {
    label.trim_end_matches(|char: char| char.is_ascii_digit() || matches!(char, 'X' | 'Y' | 'Z'))
}

/// The unit of a motion channel (§5.3). Raw counts, recognized by their offset, have none.
pub(super) fn unit(label: &str, scale: Scale) -> &'static str {
    match group(label) {
        _ if is_raw(scale.centre) => "",
        "ACC" => " g",
        "GYRO" => " °/s",
        _ => "",
    }
}

fn is_raw(level: f32) -> bool {
    orientation::is_raw(level.into())
}

/// Rounds up to 1, 2 or 5 times a power of ten.
fn step(value: f32) -> f32 {
    if value.is_nan() || value <= 0.0 {
        return 1.0;
    }
    let power = 10_f32.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|&half| half >= value)
        .unwrap_or(value)
}

/// A signed value, rounded to about a thousandth of its scale.
#[must_use]
pub(super) fn value(value: f32, half: f32) -> String {
    if value.is_nan() {
        return glyphs::UNKNOWN.to_owned();
    }
    let decimals = match half {
        100.0.. => 0,
        10.0..100.0 => 1,
        1.0..10.0 => 2,
        _ => 3,
    };
    format!("{value:+.decimals$}")
}

/// A number in few characters.
#[must_use]
pub(super) fn short(value: f32) -> String {
    if value >= 10_000.0 { format!("{}k", value / 1000.0) } else { value.to_string() }
}

fn finite(value: f32, otherwise: f32) -> f32 {
    if value.is_finite() { value } else { otherwise }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_go_in_steps_of_one_two_and_five() {
        let steps =
            [0.9, 1.0, 1.1, 31.0, 51.0, 8000.0, 0.0, f32::NAN].map(|value| short(step(value)));
        assert_eq!(steps, ["1", "1", "2", "50", "100", "10k", "1", "1"]);
    }

    #[test]
    fn raw_counts_have_no_unit_however_calm_they_are() {
        // An older EPOC+ held still: counts around 8192, varying by some dozens.
        let worn = Scale { centre: 4438.0, half: 50.0 };
        assert_eq!(["ACCX", "GYROX"].map(|label| unit(label, worn)), ["", ""]);
        let modern = Scale { centre: 0.0, half: 2.0 };
        assert_eq!(["ACCX", "GYROX", "Q0"].map(|label| unit(label, modern)), [" g", " °/s", ""]);
    }

    #[test]
    fn labels_group_by_what_stands_before_the_axis() {
        assert_eq!(["Q0", "ACCX", "MAGZ", "GYROY"].map(group), ["Q", "ACC", "MAG", "GYRO"]);
    }
}
