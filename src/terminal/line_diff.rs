//! A line of the screen: what the terminal shows, what it should show, and whether the second is the first
//! shifted to the left. Knows neither bytes nor the content.

use std::{iter::once, ops::Range};

use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};

/// Minimum number of cells that a shift must save; it costs about as much as drawing half of them.
const MIN_SAVED: usize = 8;
/// Maximum shift in cells.
const MAX_SHIFT: u16 = 16;

/// Attributes visible on a blank.
const SHOWN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

/// The style of a cell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CellStyle {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

impl CellStyle {
    /// Whether a blank looks the same in both styles.
    pub(super) fn is_same_on_blank(self, other: Self) -> bool {
        let shows = |style: Self| style.modifier.intersects(SHOWN_ON_BLANK);
        self == other || (self.bg == other.bg && !shows(self) && !shows(other))
    }
}

impl From<&Cell> for CellStyle {
    fn from(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// A character that is one column wide in every terminal. Glyphs are equal if they look the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) char: char,
    pub(super) style: CellStyle,
}

impl Glyph {
    /// An erased cell.
    const BLANK: Self = Self {
        char: ' ',
        style: CellStyle { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() },
    };

    /// A glyph of traces, frames or ASCII; `None` for any other character.
    pub(super) fn of(cell: &Cell) -> Option<Self> {
        let mut chars = cell.symbol().chars();
        match (chars.next(), chars.next()) {
            (
                Some(
                    char @ (' '..='~'
                    | '\u{2500}'..='\u{259f}'
                    | '▴'
                    | '▾'
                    | '\u{2800}'..='\u{28ff}'),
                ),
                None,
            ) => Some(Self { char, style: cell.into() }),
            _ => None,
        }
    }
}

impl PartialEq for Glyph {
    fn eq(&self, other: &Self) -> bool {
        self.char == other.char
            && (self.style == other.style
                || (self.char == ' ' && self.style.is_same_on_blank(other.style)))
    }
}

/// A shift to the left of the cells in the columns `from + by..hole + by`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// The first column overwritten.
    pub(super) from: u16,
    /// The first of the `by` columns that are blank afterwards.
    pub(super) hole: u16,
    /// The distance in cells.
    pub(super) by: u16,
}

/// A line of the screen. `None` is a cell whose look depends on the terminal: a character that may be wide,
/// and the cell it may cover.
#[derive(Clone, Debug, Default)]
pub(super) struct LineDiff {
    pub(super) shown: Vec<Option<Glyph>>,
    pub(super) wanted: Vec<Option<Glyph>>,
}

impl LineDiff {
    /// Records a changed cell; returns whether it is certainly one column wide.
    pub(super) fn set_wanted(&mut self, x: u16, cell: &Cell) -> bool {
        let x = usize::from(x);
        self.grow(x + 2);
        self.wanted[x] = Glyph::of(cell);
        let sure = self.wanted[x].is_some();
        if !sure {
            self.wanted[x + 1] = None;
        }
        sure
    }

    /// Before the first frame the screen is blank.
    fn grow(&mut self, width: usize) {
        if self.wanted.len() < width {
            self.shown.resize(width, Some(Glyph::BLANK));
            self.wanted.resize(width, Some(Glyph::BLANK));
        }
    }

    /// Marks a column as shown; returns whether it has to be drawn.
    pub(super) fn mark_shown(&mut self, x: u16) -> bool {
        let differs = self.differs(x);
        let x = usize::from(x);
        let stands = self.wanted[x].is_some() && !differs;
        self.shown[x] = self.wanted[x];
        if self.wanted[x].is_none() {
            self.shown[x + 1] = None;
        }
        !stands
    }

    /// The shift that leaves far fewer of the changed columns to draw, if there is one. `width`: the number
    /// of columns that certainly exist. `last`: the shift of another line, which this line probably shares.
    pub(super) fn find_shift(
        &mut self,
        changed: Range<u16>,
        width: u16,
        last: Shift,
    ) -> Option<Shift> {
        self.grow(usize::from(width));
        let count = changed.clone().filter(|&x| self.differs(x)).count();
        if count < MIN_SAVED {
            return None;
        }
        let mut far = once(last.by).chain(1..=MAX_SHIFT);
        far.find_map(|by| self.try_shift(&changed, count, width, Shift { by, ..last }))
    }

    fn try_shift(
        &self,
        changed: &Range<u16>,
        count: usize,
        width: u16,
        Shift { from, hole, by }: Shift,
    ) -> Option<Shift> {
        let fits = |x: u16| {
            x + by < width && self.shown[usize::from(x + by)] == self.wanted[usize::from(x)]
        };
        let differing = || changed.clone().filter(|&x| self.differs(x));
        // Three of four must fit; stop early if they do not.
        if differing().filter(|&x| !fits(x)).nth(count / 4).is_some() {
            return None;
        }
        let (first, last) = (differing().find(|&x| fits(x))?, differing().rfind(|&x| fits(x))?);
        // Shifts that are aligned with each other cost least.
        let from = if from < first && (from..first).all(fits) { from } else { first };
        let hole = if (last + 1..hole).all(fits) { hole.max(last + 1) } else { last + 1 };
        let moved = || from..hole + by;
        let sure =
            |x: u16| self.shown[usize::from(x)].is_some() && self.wanted[usize::from(x)].is_some();
        if !moved().all(sure) {
            return None;
        }
        // Correct cells that are shifted away have to be redrawn.
        let broken = moved().filter(|&x| !self.differs(x) && (x >= hole || !fits(x))).count();
        let spared = differing().filter(|&x| fits(x)).count();
        (spared >= broken + MIN_SAVED).then_some(Shift { from, hole, by })
    }

    /// Whether the column has to be drawn.
    fn differs(&self, x: u16) -> bool {
        self.shown[usize::from(x)] != self.wanted[usize::from(x)]
    }

    /// Records that the terminal has performed the shift.
    pub(super) fn apply_shift(&mut self, shift: Shift) {
        let [from, hole, by] = [shift.from, shift.hole, shift.by].map(usize::from);
        self.shown.copy_within(from + by..hole + by, from);
        self.shown[hole..hole + by].fill(Some(Glyph::BLANK));
    }
}
