//! A row of the screen: what the terminal shows of it and what it is to show, and whether the one is
//! the other moved to the left. Knows no bytes, and not what is drawn.

use std::{iter::once, ops::Range};

use ratatui::{
    buffer::Cell,
    style::{Color, Modifier},
};

/// Fewest cells that a move must spare; it costs about as much as drawing half of them.
const WORTH: usize = 8;
/// The farthest move that is looked for, in cells.
const FARTHEST: u16 = 16;

/// Attributes that show on a blank.
const SHOWN_ON_BLANK: Modifier = Modifier::REVERSED
    .union(Modifier::UNDERLINED)
    .union(Modifier::SLOW_BLINK)
    .union(Modifier::RAPID_BLINK)
    .union(Modifier::CROSSED_OUT);

/// How a cell is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Style {
    pub(super) fg: Color,
    pub(super) bg: Color,
    pub(super) modifier: Modifier,
}

impl Style {
    /// Whether a blank looks the same in both.
    pub(super) fn is_same_on_blank(self, other: Self) -> bool {
        let shows = |style: Self| style.modifier.intersects(SHOWN_ON_BLANK);
        self == other || (self.bg == other.bg && !shows(self) && !shows(other))
    }
}

impl From<&Cell> for Style {
    fn from(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// What every terminal makes one column wide. They are equal if they look the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    pub(super) char: char,
    pub(super) style: Style,
}

impl Glyph {
    /// What an erased cell shows.
    const BLANK: Self = Self {
        char: ' ',
        style: Style { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() },
    };

    /// What is drawn of traces, frames and ASCII; `None` for all else.
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

/// A move of cells to the left: those of the columns `from + by..hole + by`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shift {
    /// The first column that is written over.
    pub(super) from: u16,
    /// The first of the columns that are blank afterwards, as many as it goes far.
    pub(super) hole: u16,
    /// How far, in cells.
    pub(super) by: u16,
}

/// A row of the screen. `None` is a cell of which a terminal's idea is not sure: a wide character,
/// and what it hangs over.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub(super) shown: Vec<Option<Glyph>>,
    pub(super) wanted: Vec<Option<Glyph>>,
}

impl Row {
    /// Takes in a change; whether its place is sure.
    pub(super) fn want(&mut self, x: u16, cell: &Cell) -> bool {
        let x = usize::from(x);
        self.reach(x + 2);
        self.wanted[x] = Glyph::of(cell);
        let sure = self.wanted[x].is_some();
        if !sure {
            self.wanted[x + 1] = None;
        }
        sure
    }

    /// The screen is blank before the first frame.
    fn reach(&mut self, width: usize) {
        if self.wanted.len() < width {
            self.shown.resize(width, Some(Glyph::BLANK));
            self.wanted.resize(width, Some(Glyph::BLANK));
        }
    }

    /// What is wanted of a column is going to be shown; whether anything has to be drawn for it.
    pub(super) fn show(&mut self, x: u16) -> bool {
        let differs = self.differs(x);
        let x = usize::from(x);
        let stands = self.wanted[x].is_some() && !differs;
        self.shown[x] = self.wanted[x];
        if self.wanted[x].is_none() {
            self.shown[x + 1] = None;
        }
        !stands
    }

    /// The move that leaves far fewer of the changed columns to be drawn, if there is one. `width`:
    /// how many columns surely exist. `last`: the move of another row, which this one's is probably
    /// like.
    pub(super) fn shift(&mut self, changed: Range<u16>, width: u16, last: Shift) -> Option<Shift> {
        self.reach(usize::from(width));
        let count = changed.clone().filter(|&x| self.differs(x)).count();
        if count < WORTH {
            return None;
        }
        let mut far = once(last.by).chain(1..=FARTHEST);
        far.find_map(|by| self.shift_by(&changed, count, width, Shift { by, ..last }))
    }

    fn shift_by(
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
        // Three of four have to come right; where they do not, that is soon known.
        if differing().filter(|&x| !fits(x)).nth(count / 4).is_some() {
            return None;
        }
        let (first, last) = (differing().find(|&x| fits(x))?, differing().rfind(|&x| fits(x))?);
        // Moves below each other cost least.
        let from = if from < first && (from..first).all(fits) { from } else { first };
        let hole = if (last + 1..hole).all(fits) { hole.max(last + 1) } else { last + 1 };
        let moved = || from..hole + by;
        let sure =
            |x: u16| self.shown[usize::from(x)].is_some() && self.wanted[usize::from(x)].is_some();
        if !moved().all(sure) {
            return None;
        }
        // What did not change and is moved away has to be drawn again.
        let spoiled = moved().filter(|&x| !self.differs(x) && (x >= hole || !fits(x))).count();
        let spared = differing().filter(|&x| fits(x)).count();
        (spared >= spoiled + WORTH).then_some(Shift { from, hole, by })
    }

    /// Whether the column is to be drawn.
    fn differs(&self, x: u16) -> bool {
        self.shown[usize::from(x)] != self.wanted[usize::from(x)]
    }

    /// The terminal has made the move.
    pub(super) fn moved(&mut self, shift: Shift) {
        let [from, hole, by] = [shift.from, shift.hole, shift.by].map(usize::from);
        self.shown.copy_within(from + by..hole + by, from);
        self.shown[hole..hole + by].fill(Some(Glyph::BLANK));
    }
}
