//! The display filters (docs/signal.md, "Defaults"): causal, run once per sample, one chain per
//! channel. They read raw values and never change what is kept or recorded.

use std::f64::consts::PI;

use biquad::{Biquad, Coefficients, DirectForm2Transposed, Hertz, Q_BUTTERWORTH_F64, Type};

use super::Filters;

/// A jump of more than this (µV) between two samples is withheld from the filter …
const JUMP: f64 = 1000.0;
/// … for this many samples; after that it is the new level.
const HOLD: u8 = 2;

/// Width of the notch in Hz.
const NOTCH_WIDTH: f64 = 2.0;

/// Corner frequencies above this share of the Nyquist frequency are left out: there is almost
/// nothing beyond.
const HIGHEST: f64 = 0.98;

/// The output of the filters for one sample, in the channel's unit; NaN if the sample is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Filtered {
    /// After all filters: the value that is drawn.
    pub value: f64,
    /// After all filters but the low-pass: the input of the spectra.
    pub before_low_pass: f64,
    /// Whether a lasting jump made the filters restart with this sample.
    pub restarted: bool,
}

impl Filtered {
    const MISSING: Self = Self { value: f64::NAN, before_low_pass: f64::NAN, restarted: false };
}

/// The filters of one channel with their state.
///
/// The chain runs on the difference from the sample that primed it, whose own level is added back
/// unless a high-pass removes it: exactly the state of filters that have seen that sample forever,
/// so nothing rings at the start. It is primed by the first sample, after each gap, and after a
/// lasting jump. The latter is a restart, which is marked on the trace, because so large a step
/// would otherwise look like calm EEG.
#[derive(Clone, Debug)]
pub struct FilterChain {
    /// High-pass and notch.
    stages: Vec<DirectForm2Transposed<f64>>,
    /// The last filter, kept apart so that its input is available to the spectra at no cost.
    low_pass: Option<DirectForm2Transposed<f64>>,
    keeps_level: bool,
    /// The sample that primed the chain.
    origin: Option<f64>,
    /// The last sample that went through, and its output.
    accepted: f64,
    output: Filtered,
    /// How many samples have just been withheld from the filter.
    held: u8,
}

impl FilterChain {
    /// The filters for a stream of `rate` samples per second.
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
        let notch = filters.notch.and_then(|hz| stage(Type::Notch, hz, notch_q(hz)));
        Self {
            keeps_level: high_pass.is_none(),
            stages: [high_pass, notch].into_iter().flatten().collect(),
            low_pass: filters.low_pass.and_then(|hz| stage(Type::LowPass, hz, Q_BUTTERWORTH_F64)),
            origin: None,
            accepted: 0.0,
            output: Filtered::MISSING,
            held: 0,
        }
    }

    /// Filters the next sample; NaN if it is missing.
    pub fn run(&mut self, raw: f64) -> Filtered {
        if !raw.is_finite() {
            self.origin = None;
            return Filtered::MISSING;
        }
        let jumps = (raw - self.accepted).abs() > JUMP;
        let restarted = match self.origin {
            // Withheld from the filter, and shown at its true distance from the last level.
            Some(_) if jumps && self.held < HOLD => {
                self.held += 1;
                let off = raw - self.accepted;
                return Filtered {
                    value: self.output.value + off,
                    before_low_pass: self.output.before_low_pass + off,
                    restarted: false,
                };
            }
            // Without a filter, nothing restarts.
            Some(_) => jumps && self.is_filter(),
            None => false,
        };
        let origin = self.origin.filter(|_| !jumps).unwrap_or_else(|| {
            self.stages.iter_mut().chain(&mut self.low_pass).for_each(Biquad::reset_state);
            raw
        });
        self.origin = Some(origin);
        self.held = 0;
        self.accepted = raw;
        let level = if self.keeps_level { origin } else { 0.0 };
        let before = self.stages.iter_mut().fold(raw - origin, |x, stage| stage.run(x));
        let after = self.low_pass.as_mut().map_or(before, |low_pass| low_pass.run(before));
        self.output = Filtered { value: level + after, before_low_pass: level + before, restarted };
        self.output
    }

    fn is_filter(&self) -> bool {
        self.low_pass.is_some() || !self.stages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(filters: Filters, samples: impl IntoIterator<Item = f64>) -> Vec<f64> {
        let mut chain = FilterChain::new(filters, 128.0);
        samples.into_iter().map(|sample| chain.run(sample).value).collect()
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
        // Without a high-pass the level is preserved.
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
        // At the edges of its width, which warp near Nyquist (64 Hz), a notch passes 1/√2.
        let near = Filters { notch: Some(60.0), ..notch };
        for edge in [58.88, 60.88] {
            assert!((only(near, edge) / 50.0 - 0.5_f64.sqrt()).abs() < 0.02, "{edge}");
        }
    }

    #[test]
    fn corners_at_or_beyond_nyquist_are_left_out() {
        let beyond = Filters { high_pass: Some(64.0), low_pass: Some(63.9), notch: Some(1e9) };
        for rate in [128.0, 0.0, -1.0, f64::NAN] {
            assert!(!FilterChain::new(beyond, rate).is_filter());
        }
        let invalid = Filters { high_pass: Some(-1.0), low_pass: Some(f64::NAN), notch: Some(0.0) };
        assert!(!FilterChain::new(invalid, 128.0).is_filter());
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

    #[test]
    fn only_a_jump_that_lasts_restarts_the_filters() {
        let restarts = |filters, samples: &[f64]| -> Vec<usize> {
            let mut chain = FilterChain::new(filters, 128.0);
            let restarted = samples.iter().map(|&sample| chain.run(sample).restarted);
            restarted.enumerate().filter(|(_, restarted)| *restarted).map(|(at, _)| at).collect()
        };
        let all = Filters { notch: Some(50.0), ..Filters::default() };
        let low_pass = Filters { low_pass: Some(30.0), ..Filters::NONE };
        let step = [4200.0, 6000.0, 6000.0, 6000.0, 6000.0, 4200.0, 4200.0, 4200.0];
        assert_eq!(restarts(all, &step), [3, 7]);
        assert_eq!(restarts(low_pass, &step), [3, 7]);
        assert_eq!(restarts(Filters::NONE, &step), [0; 0]);
        // Neither does a glitch, a jump that the filters absorb, or a gap, which is marked as one.
        assert_eq!(restarts(all, &[4200.0, 87.0, 90_000.0, 4200.0]), [0; 0]);
        assert_eq!(restarts(all, &[4200.0, 5199.0, 5199.0, 5199.0, 5199.0]), [0; 0]);
        assert_eq!(restarts(all, &[4200.0, f64::NAN, 6000.0, 6000.0, 6000.0]), [0; 0]);
    }

    #[test]
    fn spectra_see_what_the_low_pass_takes_away() {
        let mut chain =
            FilterChain::new(Filters { low_pass: Some(30.0), ..Filters::default() }, 128.0);
        let filtered: Vec<Filtered> = sine(60.0, 20).map(|sample| chain.run(sample)).collect();
        let peak_of = |of: fn(&Filtered) -> f64| peak(&filtered.iter().map(of).collect::<Vec<_>>());
        assert!(peak_of(|filtered| filtered.value) < 1.0);
        assert!(peak_of(|filtered| filtered.before_low_pass) > 49.0);
        // A sample that is withheld from the filters is equally far off in both.
        let held = chain.run(90_000.0);
        assert!(held.value > 80_000.0 && held.before_low_pass > 80_000.0);
        assert!(chain.run(f64::NAN).before_low_pass.is_nan());
    }

    /// The group delay of a sine in seconds, from the output phase slightly below and above its
    /// frequency.
    fn group_delay(hz: f64, rate: f64) -> f64 {
        let phase = |hz: f64| {
            let mut chain = FilterChain::new(Filters::default(), rate);
            chain.run(0.0);
            let (mut re, mut im) = (0.0, 0.0);
            let impulse = std::iter::once(1.0).chain(std::iter::repeat(0.0));
            for (at, sample) in (0..60_000_u16).zip(impulse) {
                let turn = 2.0 * PI * hz * f64::from(at) / rate;
                let value = chain.run(sample).value;
                (re, im) = (re + value * turn.cos(), im - value * turn.sin());
            }
            im.atan2(re)
        };
        let step = 0.01;
        (phase(hz - step) - phase(hz + step)) / (4.0 * PI * step)
    }

    #[test]
    fn slow_waves_come_out_as_late_as_the_help_and_the_readme_say() {
        for rate in [128.0, 256.0] {
            for (hz, ms) in [(1.0, 134.0), (2.0, 32.0), (10.0, 4.0)] {
                let delay = 1000.0 * group_delay(hz, rate);
                assert!((delay - ms).abs() < 3.0, "{delay} ms at {hz} Hz of {rate}");
            }
        }
    }
}
