//! A sensor's level and what is wrong with its signal, in glyphs and words, and which sensor comes first
//! wherever one is named: the table, the next step, the header and the line of the stream agree.

use std::cmp::Ordering;

use crate::ui::{glyphs, theme::ThemeToken};
use cortop_signal::Defect;

/// One sensor.
pub(in crate::ui) struct SensorRow<'a> {
    pub(in crate::ui) name: &'a str,
    /// What is wrong with its raw signal.
    pub(in crate::ui) defect: Option<Defect>,
    /// What the view is about.
    pub(in crate::ui) level: Option<f64>,
    /// The EEG quality beside the contact.
    pub(in crate::ui) beside: Option<f64>,
}

impl SensorRow<'_> {
    /// What is wrong with its signal, else its level.
    pub(in crate::ui) fn word(&self) -> (ThemeToken, &'static str, &'static str) {
        self.defect.map_or_else(|| level_word(self.level), defect_word)
    }
}

/// The least level that is called good.
pub(super) const GOOD: f64 = 3.5;

/// Which of two sensors needs attention first: a defect is worse than any level, and a sensor of which
/// no level is known comes right before those that are good.
pub(in crate::ui) fn by_need(
    a: (Option<Defect>, Option<f64>),
    b: (Option<Defect>, Option<f64>),
) -> Ordering {
    let defect = |defect: Option<Defect>| (defect.is_none(), defect);
    let level = |level: Option<f64>| level.unwrap_or(GOOD.next_down());
    defect(a.0).cmp(&defect(b.0)).then(level(a.1).total_cmp(&level(b.1)))
}

/// How a level looks, worst to best; no number is a level of its own.
pub(in crate::ui) fn level_word(level: Option<f64>) -> (ThemeToken, &'static str, &'static str) {
    match level {
        None => (ThemeToken::Dim, glyphs::UNKNOWN, "unknown"),
        Some(level) if level < 0.5 => (ThemeToken::None, "○", "none"),
        Some(level) if level < 1.5 => (ThemeToken::Bad, "◔", "very bad"),
        Some(level) if level < 2.5 => (ThemeToken::Poor, "◑", "poor"),
        Some(level) if level < GOOD => (ThemeToken::Fair, "◕", "fair"),
        Some(_) => (ThemeToken::Good, glyphs::ON, "good"),
    }
}

/// How a defect looks.
pub(in crate::ui) const fn defect_word(defect: Defect) -> (ThemeToken, &'static str, &'static str) {
    (ThemeToken::Bad, glyphs::PROBLEM, defect.name())
}
