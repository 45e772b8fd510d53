//! A sensor's level and defects as glyphs and words, and the order of sensors: table, next step, header and
//! stream line all use these and so agree.

use std::cmp::Ordering;

use crate::ui::{glyphs, theme::ThemeToken};
use cortop_signal::Defect;

/// A sensor.
pub(in crate::ui) struct SensorRow<'a> {
    pub(in crate::ui) name: &'a str,
    /// The defect of its raw signal, if any.
    pub(in crate::ui) defect: Option<Defect>,
    /// The level that the view shows.
    pub(in crate::ui) level: Option<f64>,
    /// The EEG quality beside the contact.
    pub(in crate::ui) beside: Option<f64>,
}

impl SensorRow<'_> {
    /// Its defect, otherwise its level.
    pub(in crate::ui) fn word(&self) -> (ThemeToken, &'static str, &'static str) {
        self.defect.map_or_else(|| level_word(self.level), defect_word)
    }
}

/// The lowest level that is called good.
pub(super) const GOOD: f64 = 3.5;

/// Which of two sensors needs attention first: a defect is worse than any level, and a sensor of unknown
/// level comes just before the good ones.
pub(in crate::ui) fn by_need(
    a: (Option<Defect>, Option<f64>),
    b: (Option<Defect>, Option<f64>),
) -> Ordering {
    let defect = |defect: Option<Defect>| (defect.is_none(), defect);
    let level = |level: Option<f64>| level.unwrap_or(GOOD.next_down());
    defect(a.0).cmp(&defect(b.0)).then(level(a.1).total_cmp(&level(b.1)))
}

/// The style, glyph and word of a level, worst to best; an unknown level has its own.
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

/// The style, glyph and word of a defect.
pub(in crate::ui) const fn defect_word(defect: Defect) -> (ThemeToken, &'static str, &'static str) {
    (ThemeToken::Bad, glyphs::PROBLEM, defect.name())
}
