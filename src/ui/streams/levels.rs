//! A sensor's level and what is wrong with its signal, in glyphs and words.

use crate::ui::{glyphs, theme::ThemeToken};
use cortop_signal::Defect;

/// One sensor.
pub(super) struct SensorRow<'a> {
    pub(super) name: &'a str,
    /// What is wrong with its raw signal.
    pub(super) defect: Option<Defect>,
    /// What the view is about.
    pub(super) level: Option<f64>,
    /// The EEG quality beside the contact.
    pub(super) beside: Option<f64>,
    /// What it is ordered by: a whole number.
    pub(super) steady: Option<f64>,
}

impl SensorRow<'_> {
    /// What is wrong with its signal, else its level.
    pub(super) fn word(&self) -> (ThemeToken, &'static str, &'static str) {
        self.defect.map_or_else(|| level_word(self.level), defect_word)
    }
}

/// How a level looks, worst to best; no number is a level of its own.
pub(in crate::ui) fn level_word(level: Option<f64>) -> (ThemeToken, &'static str, &'static str) {
    match level {
        None => (ThemeToken::Dim, glyphs::UNKNOWN, "unknown"),
        Some(level) if level < 0.5 => (ThemeToken::None, "○", "none"),
        Some(level) if level < 1.5 => (ThemeToken::Bad, "◔", "very bad"),
        Some(level) if level < 2.5 => (ThemeToken::Poor, "◑", "poor"),
        Some(level) if level < 3.5 => (ThemeToken::Fair, "◕", "fair"),
        Some(_) => (ThemeToken::Good, glyphs::ON, "good"),
    }
}

/// How a defect looks.
pub(in crate::ui) const fn defect_word(defect: Defect) -> (ThemeToken, &'static str, &'static str) {
    (ThemeToken::Bad, glyphs::PROBLEM, defect.name())
}
