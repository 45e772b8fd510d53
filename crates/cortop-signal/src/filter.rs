//! The filters of the picture (signal.md, "Defaults"): causal, run once a sample, one chain a
//! channel. They see raw values only and never touch what is kept or recorded.

use std::f64::consts::PI;

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Hertz, Q_BUTTERWORTH_F64, Type};

use super::Filters;

/// A jump of more than this (µV) between two samples is kept from the filter …
const JUMP: f64 = 1000.0;
/// … for so many samples; then it is the new level.
const HOLD: u8 = 2;

/// Width of the notch in Hz.
const NOTCH_WIDTH: f64 = 2.0;

/// Corners above this share of the Nyquist frequency are left out: there is next to nothing beyond.
const HIGHEST: f64 = 0.98;

/// The filters of one channel with their state.
///
/// The chain runs on the difference to the sample it was primed with, whose own level is added
/// again where no high-pass takes it away: exactly the state of filters that have seen that sample
/// forever, so nothing rings at the start. It is primed at the first sample, after each gap, and
/// after a jump that lasts.
#[derive(Clone, Debug)]
pub struct Chain {
    stages: Vec<DirectForm2Transposed<f64>>,
    keeps_level: bool,
    /// The sample it was primed with.
    origin: Option<f64>,
    /// The last sample that went through and what came out.
    accepted: f64,
    output: f64,
    /// Samples just kept from the filter.
    held: u8,
}

impl Chain {
    /// The filters for a stream of `rate` samples a second.
    #[must_use]
    pub fn new(filters: Filters, rate: f64) -> Self {
        let notch_q = |corner: f64| {
            (2.0 * PI * corner / rate).sin() / (2.0 * (PI * NOTCH_WIDTH / rate).tan())
        };
        let stage = |kind, corner: f64, q| {
            let below = corner > 0.0 && corner < HIGHEST * rate / 2.0;
            let rate = Hertz::<f64>::from_hz(rate).ok().filter(|_| below)?;
            let corner = Hertz::<f64>::from_hz(corner).ok()?;
            let coefficients = Coefficients::from_params(kind, rate, corner, q).ok()?;
            Some(DirectForm2Transposed::new(coefficients))
        };
        let high_pass =
            filters.high_pass.and_then(|hz| stage(Type::HighPass, hz, Q_BUTTERWORTH_F64));
        let low_pass = filters.low_pass.and_then(|hz| stage(Type::LowPass, hz, Q_BUTTERWORTH_F64));
        let notch = filters.notch.and_then(|hz| stage(Type::Notch, hz, notch_q(hz)));
        Self {
            keeps_level: high_pass.is_none(),
            stages: [high_pass, low_pass, notch].into_iter().flatten().collect(),
            origin: None,
            accepted: 0.0,
            output: 0.0,
            held: 0,
        }
    }

    /// The next sample, NaN for one that is missing; NaN comes out for that.
    pub fn run(&mut self, raw: f64) -> f64 {
        if !raw.is_finite() {
            self.origin = None;
            return f64::NAN;
        }
        let jumps = (raw - self.accepted).abs() > JUMP;
        let origin = match self.origin {
            // Kept from the filter and shown as what it is: that far off the last level.
            Some(_) if jumps && self.held < HOLD => {
                self.held += 1;
                return self.output + raw - self.accepted;
            }
            Some(origin) if !jumps => origin,
            _ => {
                self.stages.iter_mut().for_each(Biquad::reset_state);
                raw
            }
        };
        self.origin = Some(origin);
        self.held = 0;
        self.accepted = raw;
        let level = if self.keeps_level { origin } else { 0.0 };
        self.output = level + self.stages.iter_mut().fold(raw - origin, |x, stage| stage.run(x));
        self.output
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(filters: Filters, samples: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut chain = Chain::new(filters, 128.0);
        samples.into_iter().map(|sample| chain.run(sample)).collect()
    }

    fn sine(hz: f64, seconds: usize) -> impl Iterator<Item = f64> {
        (0..seconds * 128).map(move |i| 4200.0 + 50.0 * (2.0 * PI * hz * i as f64 / 128.0).sin())
    }

    /// The largest value in the last second.
    fn peak(output: &[f64]) -> f64 {
        output[output.len() - 128..].iter().fold(0.0, |peak, value| peak.max(value.abs()))
    }

    #[test]
    fn a_constant_gives_zero_from_the_first_sample_also_after_a_gap() {
        let with_gap = [4200.0, 4200.0, f64::NAN, 4300.5, 4300.5];
        let all = Filters { notch: Some(50.0), ..Filters::default() };
        let output = run(all, with_gap);
        assert!(output[2].is_nan());
        assert!(output.iter().filter(|value| !value.is_nan()).all(|&value| value == 0.0));
        // Without a high-pass the level stays.
        let output = run(Filters { high_pass: None, ..all }, [4200.0; 9]);
        assert_eq!(output, [4200.0; 9]);
        assert_eq!(run(Filters::NONE, [4200.25, -3.5]), [4200.25, -3.5]);
    }

    #[test]
    fn each_filter_takes_its_part_away_and_leaves_the_rest() {
        let only = |filters: Filters, hz| peak(&run(filters, sine(hz, 20)));
        let high = Filters { high_pass: Some(5.0), ..Filters::NONE };
        let low = Filters { high_pass: Some(0.5), low_pass: Some(30.0), notch: None };
        let notch = Filters { high_pass: Some(0.5), low_pass: None, notch: Some(50.0) };
        assert!(only(high, 0.5) < 1.0 && only(high, 20.0) > 49.0);
        assert!(only(low, 60.0) < 1.0 && only(low, 10.0) > 48.0);
        assert!(only(notch, 50.0) < 0.5 && only(notch, 45.0) > 46.0);
        // At the edges of its width, which warp near Nyquist (64 Hz), a notch lets 1/√2 through.
        let near = Filters { notch: Some(60.0), ..notch };
        for edge in [58.88, 60.88] {
            assert!((only(near, edge) / 50.0 - 0.5_f64.sqrt()).abs() < 0.02, "{edge}");
        }
    }

    #[test]
    fn corners_at_or_beyond_nyquist_are_left_out() {
        let beyond = Filters { high_pass: Some(64.0), low_pass: Some(63.9), notch: Some(1e9) };
        for rate in [128.0, 0.0, -1.0, f64::NAN] {
            assert!(Chain::new(beyond, rate).stages.is_empty());
        }
        let odd = Filters { high_pass: Some(-1.0), low_pass: Some(f64::NAN), notch: Some(0.0) };
        assert!(Chain::new(odd, 128.0).stages.is_empty());
    }

    #[test]
    fn a_jump_is_shown_but_not_filtered_until_it_lasts() {
        let glitch = [4200.0, 4200.0, 90_000.0, 4200.0, 4200.0];
        assert_eq!(run(Filters::default(), glitch), [0.0, 0.0, 85_800.0, 0.0, 0.0]);
        let two = [4200.0, 87.0, 90_000.0, 4200.0];
        assert_eq!(run(Filters::default(), two), [0.0, -4113.0, 85_800.0, 0.0]);
        let step = [4200.0, 6000.0, 6000.0, 6000.0, 6000.0];
        assert_eq!(run(Filters::default(), step), [0.0, 1800.0, 1800.0, 0.0, 0.0]);
    }
}
