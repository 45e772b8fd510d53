//! The dots of a plot's cell: their number, and the glyph for each combination.

use crate::{app::GlyphSet, ui::glyphs};

/// The dots of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dots {
    /// Braille: 2×4 dots.
    Braille,
    /// Half blocks: two dots, one above the other.
    Halves,
    /// The whole cell.
    Whole,
    /// ASCII: three dots, one above the other.
    Ascii,
}

impl Dots {
    /// The user's choice, if the terminal can show more than ASCII.
    pub(super) fn new(way: GlyphSet, ascii: bool) -> Self {
        match way {
            _ if ascii => Self::Ascii,
            GlyphSet::Braille => Self::Braille,
            GlyphSet::HalfBlock => Self::Halves,
            GlyphSet::Block => Self::Whole,
        }
    }

    /// Dots side by side.
    pub(super) const fn across(self) -> u16 {
        match self {
            Self::Braille => 2,
            Self::Halves | Self::Whole | Self::Ascii => 1,
        }
    }

    /// Dots one above the other.
    pub(super) const fn down(self) -> u16 {
        match self {
            Self::Braille => 4,
            Self::Ascii => 3,
            Self::Halves => 2,
            Self::Whole => 1,
        }
    }

    /// The part of a vertical run of dots, counted from the top, that lies in a row of cells; bit 0 is the
    /// top dot.
    pub(super) fn lit(self, (top, bottom): (u16, u16), row: u16) -> u8 {
        let (down, first) = (self.down(), row * self.down());
        let all = (1_u8 << down) - 1;
        let above = top.saturating_sub(first).min(down);
        let below = (first + down - 1).saturating_sub(bottom).min(down);
        (all << above) & all & (all >> below)
    }

    /// The glyph of a cell with these dots, bit 0 at the top; `right` counts only with two dots across.
    pub(super) fn glyph(self, left: u8, right: u8) -> char {
        match self {
            Self::Braille => glyphs::braille(left, right),
            Self::Halves => glyphs::HALVES[usize::from(left & 0b11)],
            Self::Whole => glyphs::WHOLE[usize::from(left & 0b1)],
            Self::Ascii => glyphs::THIRDS[usize::from(left & 0b111)],
        }
    }

    /// The levels of a channel with one row, lowest first.
    pub(super) const fn levels(self) -> &'static [char; 8] {
        match self {
            Self::Ascii => &glyphs::LEVELS_ASCII,
            _ => &glyphs::LEVELS,
        }
    }
}
