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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
        if self.wanted.len() < x + 2 {
            // The screen is blank before the first frame.
            self.shown.resize(x + 2, Some(Glyph::BLANK));
            self.wanted.resize(x + 2, Some(Glyph::BLANK));
        }
        self.wanted[x] = Glyph::of(cell);
        let sure = self.wanted[x].is_some();
        if !sure {
            self.wanted[x + 1] = None;
        }
        sure
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

    /// The move that leaves far fewer of the changed columns to be drawn, if there is one.
    /// `likely` is how far it probably goes.
    pub(super) fn shift(&self, changed: Range<u16>, likely: u16) -> Option<Shift> {
        let changes = changed.clone().filter(|&x| self.differs(x)).count();
        if changes < WORTH {
            return None;
        }
        once(likely).chain(1..=FARTHEST).find_map(|by| self.shift_by(changed.clone(), changes, by))
    }

    /// Within the changed columns, which surely exist.
    fn shift_by(&self, changed: Range<u16>, changes: usize, by: u16) -> Option<Shift> {
        let comes_right = |x: u16| {
            x + by < changed.end && self.shown[usize::from(x + by)] == self.wanted[usize::from(x)]
        };
        // Nearly all have to come right; where they do not, that is soon known.
        let wrong = |&x: &u16| self.differs(x) && !comes_right(x);
        if changed.clone().filter(wrong).nth(changes / 4).is_some() {
            return None;
        }
        let right = |&x: &u16| self.differs(x) && comes_right(x);
        let from = changed.clone().find(right)?;
        let hole = changed.clone().rfind(right)? + 1;
        let sure =
            |x: u16| [&self.shown, &self.wanted].iter().all(|row| row[usize::from(x)].is_some());
        if !(from..hole + by).all(sure) {
            return None;
        }
        // What did not change and is moved away has to be drawn again.
        let spoiled = |&x: &u16| !self.differs(x) && (x >= hole || !comes_right(x));
        let spoiled = (from..hole + by).filter(spoiled).count();
        let spared = changed.clone().filter(right).count();
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
