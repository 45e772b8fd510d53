//! Draws cells with few bytes: knows from frame to frame where the cursor stands, which style is set
//! and what is shown; takes the shortest way to the next cell, changes only what differs, and lets
//! the terminal move a row that scrolls. ratatui's own backend positions the cursor anew for each
//! run of cells, resets the style after each frame and draws a row that scrolls anew; the screens of
//! both look the same, cell by cell. Knows no terminal: bytes go into a frame.

use std::{io::Write as _, iter, mem};

use ratatui::{
    buffer::Cell,
    layout::Position,
    style::{Color, Modifier},
};

use super::row::{Row, Shift, Style};

/// The attributes of SGR, in the order of their numbers from 1 on (ECMA-48, 8.3.117).
const ATTRIBUTES: [Modifier; 9] = [
    Modifier::BOLD,
    Modifier::DIM,
    Modifier::ITALIC,
    Modifier::UNDERLINED,
    Modifier::SLOW_BLINK,
    Modifier::RAPID_BLINK,
    Modifier::REVERSED,
    Modifier::HIDDEN,
    Modifier::CROSSED_OUT,
];

/// Where the terminal's cursor stands, how it writes and what it shows, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Pen {
    at: Option<Position>,
    style: Option<Style>,
    /// The rightmost column so far: one that surely exists. Beyond it the terminal may wait
    /// to wrap, and a step from there would start from an unknown column.
    widest: u16,
    rows: Vec<Row>,
    /// How a row was moved last: those of a plot are moved alike.
    moved: Shift,
    /// Two ways to the next cell, of which the shorter is taken.
    ways: [Vec<u8>; 2],
}

/// A cell to be drawn, with its column and row.
type Change<'a> = (u16, u16, &'a Cell);

impl Pen {
    /// Draws the cells that changed, which come row by row and in each from left to right.
    pub(super) fn draw<'a>(&mut self, out: &mut Vec<u8>, cells: impl Iterator<Item = Change<'a>>) {
        let cells: Vec<Change<'_>> = cells.collect();
        self.widest = cells.iter().fold(self.widest, |widest, (x, ..)| widest.max(*x));
        let rows = || cells.chunk_by(|(_, y, _), (_, next, _)| y == next);
        // First the rows are moved at the left edge of a plot, then completed at its right one: so
        // it is one step down from each to the next.
        let shifts: Vec<_> = rows().map(|changes| self.shift(out, changes)).collect();
        for (changes, shift) in rows().zip(shifts) {
            match shift {
                Some(shift) => self.complete(out, changes[0].1, shift),
                None => self.replace(out, changes),
            }
        }
    }

    /// Moves a row to the left where that spares most of the drawing.
    fn shift(&mut self, out: &mut Vec<u8>, changes: &[Change<'_>]) -> Option<Shift> {
        let (&[(first, y, _), ..], &[.., (last, ..)]) = (changes, changes) else { return None };
        let place = usize::from(y);
        if self.rows.len() <= place {
            self.rows.resize(place + 1, Row::default());
        }
        let row = &mut self.rows[place];
        let strange = changes.iter().filter(|(x, _, cell)| !row.want(*x, cell)).count();
        let shift =
            row.shift(first..last + 1, self.widest + 1, self.moved).filter(|_| strange == 0)?;
        row.moved(shift);
        self.moved = shift;
        self.go(out, Position { x: shift.from, y });
        control(out, shift.by, 'P');
        Some(shift)
    }

    /// Puts what is right of a move back to its place, and draws what the move has not brought.
    fn complete(&mut self, out: &mut Vec<u8>, y: u16, shift: Shift) {
        let mut row = mem::take(&mut self.rows[usize::from(y)]);
        for (x, (shown, wanted)) in (0..).zip(row.shown.iter_mut().zip(&row.wanted)) {
            if x == shift.hole {
                // The new cells are blanks in the style that is set.
                self.wear(out, " ", Style::default());
                self.go(out, Position { x, y });
                control(out, shift.by, '@');
            }
            if let Some(glyph) = wanted.filter(|_| shown != wanted) {
                self.put(out, (x, y), glyph.char.encode_utf8(&mut [0; 4]), glyph.style);
            }
            *shown = *wanted;
        }
        self.rows[usize::from(y)] = row;
    }

    fn replace(&mut self, out: &mut Vec<u8>, changes: &[Change<'_>]) {
        for &(x, y, cell) in changes {
            let row = &mut self.rows[usize::from(y)];
            if row.show(x) {
                let sure = row.shown[usize::from(x)].is_some();
                self.put(out, (x, y), cell.symbol(), cell.into());
                // After anything else the next cell is jumped to, wherever the terminal believes
                // to be.
                self.at = self.at.filter(|_| sure);
            }
        }
    }

    fn put(&mut self, out: &mut Vec<u8>, (x, y): (u16, u16), symbol: &str, style: Style) {
        self.go(out, Position { x, y });
        self.wear(out, symbol, style);
        out.extend_from_slice(symbol.as_bytes());
        self.at = (x < self.widest).then_some(Position { x: x + 1, y });
    }

    /// Puts the cursor somewhere.
    pub(super) fn go(&mut self, out: &mut Vec<u8>, to: Position) {
        if self.at == Some(to) {
            return;
        }
        let [step, jump] = &mut self.ways;
        step.clear();
        jump.clear();
        jump_to(jump, to);
        if let Some(at) = self.at.replace(to) {
            step_to(step, at, to);
        }
        let step_is_shorter = !step.is_empty() && step.len() < jump.len();
        out.extend_from_slice(if step_is_shorter { step } else { jump });
    }

    /// Ends all styles and forgets what the terminal was told, before it is cleared or left to
    /// others: an erased cell would take the colour that is set.
    pub(super) fn lift(&mut self, out: &mut Vec<u8>) {
        *self = Self::default();
        out.extend_from_slice(b"\x1b[m");
    }

    fn wear(&mut self, out: &mut Vec<u8>, symbol: &str, to: Style) {
        let fits = |from: Style| from == to || (symbol == " " && from.is_same_on_blank(to));
        if self.style.is_some_and(fits) {
            return;
        }
        let from = self.style.replace(to);
        // An attribute can't be taken off by itself everywhere: all are, and the rest put on again.
        let base = from.filter(|from| to.modifier.contains(from.modifier));
        out.extend_from_slice(b"\x1b[");
        let start = out.len();
        if base.is_none() && to != Style::default() {
            out.extend_from_slice(b"0;");
        }
        let base = base.unwrap_or_default();
        for (number, &attribute) in (1..).zip(&ATTRIBUTES) {
            if (to.modifier - base.modifier).contains(attribute) {
                write(out, format_args!("{number};"));
            }
        }
        if to.fg != base.fg {
            colour(out, to.fg, 30);
        }
        if to.bg != base.bg {
            colour(out, to.bg, 40);
        }
        if out.len() > start {
            out.pop();
        }
        out.push(b'm');
    }
}

/// To anywhere from anywhere (`CUP`).
fn jump_to(way: &mut Vec<u8>, to: Position) {
    match (to.y, to.x) {
        (0, 0) => way.extend_from_slice(b"\x1b[H"),
        (y, 0) => write(way, format_args!("\x1b[{}H", y + 1)),
        (y, x) => write(way, format_args!("\x1b[{};{}H", y + 1, x + 1)),
    }
}

/// From where the cursor stands: up or down, then left or right.
fn step_to(way: &mut Vec<u8>, at: Position, to: Position) {
    match to.y.saturating_sub(at.y) {
        // There is a row below, so that nothing scrolls; in raw mode the column stays.
        down @ 1..=3 if cfg!(unix) => way.extend(iter::repeat_n(b'\n', down.into())),
        down => control(way, down, 'B'),
    }
    control(way, at.y.saturating_sub(to.y), 'A');
    control(way, to.x.saturating_sub(at.x), 'C');
    match at.x.saturating_sub(to.x) {
        0 => {}
        _ if to.x == 0 => way.push(b'\r'),
        back @ 1..=3 => way.extend(iter::repeat_n(8, back.into())),
        back => write(way, format_args!("\x1b[{back}D")),
    }
}

/// A control sequence that does something so many times.
fn control(out: &mut Vec<u8>, count: u16, letter: char) {
    match count {
        0 => {}
        1 => write(out, format_args!("\x1b[{letter}")),
        _ => write(out, format_args!("\x1b[{count}{letter}")),
    }
}

/// The parameters of a colour, `base` 30 for the text's, 40 for what is behind it.
fn colour(out: &mut Vec<u8>, colour: Color, base: u8) {
    let of_sixteen = |number: u8| if number < 8 { base + number } else { base + 52 + number };
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => of_sixteen(0),
        Color::Red => of_sixteen(1),
        Color::Green => of_sixteen(2),
        Color::Yellow => of_sixteen(3),
        Color::Blue => of_sixteen(4),
        Color::Magenta => of_sixteen(5),
        Color::Cyan => of_sixteen(6),
        Color::Gray => of_sixteen(7),
        Color::DarkGray => of_sixteen(8),
        Color::LightRed => of_sixteen(9),
        Color::LightGreen => of_sixteen(10),
        Color::LightYellow => of_sixteen(11),
        Color::LightBlue => of_sixteen(12),
        Color::LightMagenta => of_sixteen(13),
        Color::LightCyan => of_sixteen(14),
        Color::White => of_sixteen(15),
        Color::Indexed(number) => return write(out, format_args!("{};5;{number};", base + 8)),
        Color::Rgb(r, g, b) => return write(out, format_args!("{};2;{r};{g};{b};", base + 8)),
    };
    write(out, format_args!("{code};"));
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a Vec cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::{
        backend::{Backend as _, CrosstermBackend},
        buffer::Buffer,
        layout::Rect,
    };

    use super::*;

    const WIDTH: u16 = 24;
    const HEIGHT: u16 = 6;

    const SYMBOLS: [&str; 12] =
        [" ", "a", "~", "│", "█", "⠀", "⣿", "µ", "◐", "é", "漢", "\u{1f9e0}"];

    fn colours() -> impl Strategy<Value = Color> {
        prop_oneof![
            Just(Color::Reset),
            (0_u8..16)
                .prop_map(|n| [Color::Red, Color::White, Color::DarkGray, Color::Blue]
                    [usize::from(n) % 4]),
            any::<u8>().prop_map(Color::Indexed),
            any::<(u8, u8, u8)>().prop_map(|(r, g, b)| Color::Rgb(r, g, b)),
        ]
    }

    /// A cell to put somewhere: place, symbol, colours and attributes.
    type Stroke = (u16, u16, usize, Color, Color, u16);

    fn strokes() -> impl Strategy<Value = Vec<Stroke>> {
        // Those attributes that the emulator knows.
        let known = Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        let modifiers =
            any::<u16>().prop_map(move |bits| (Modifier::from_bits_truncate(bits) & known).bits());
        let stroke = (0..WIDTH, 0..HEIGHT, 0..SYMBOLS.len(), colours(), colours(), modifiers);
        prop::collection::vec(stroke, 0..40)
    }

    /// Cells of a row that go to the left: the row, the columns from one up to another, how far.
    type Move = (u16, u16, u16, u16);

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let by = prop_oneof![3 => 1..4_u16, 1 => 4..20_u16];
        let ends = (0..4_u16, WIDTH - 4..=WIDTH);
        let one = (0..HEIGHT, ends, by).prop_map(|(y, (from, to), by)| (y, from, to, by));
        prop::collection::vec(one, 0..6)
    }

    fn emulator() -> vt100::Parser {
        vt100::Parser::new(HEIGHT, WIDTH, 0)
    }

    /// What is seen of a cell: of a blank without line neither the text's colour nor its weight.
    fn seen(cell: &vt100::Cell) -> impl PartialEq + std::fmt::Debug {
        let symbol = if cell.has_contents() { cell.contents() } else { " " };
        let weight = (cell.fgcolor(), cell.bold(), cell.dim(), cell.italic());
        let shows =
            symbol != " " || cell.inverse() || cell.underline() || cell.is_wide_continuation();
        let lines = (cell.inverse(), cell.underline(), cell.is_wide());
        (symbol.to_owned(), cell.bgcolor(), lines, shows.then_some(weight))
    }

    fn same_screens(one: &vt100::Screen, other: &vt100::Screen) {
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                assert_eq!(
                    one.cell(row, column).map(seen),
                    other.cell(row, column).map(seen),
                    "row {row} column {column}"
                );
            }
        }
    }

    /// A screen full of dots, each row in a colour.
    fn dots() -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
        for (at, cell) in (0_u32..).zip(&mut buffer.content) {
            let dots = char::from_u32(0x2800 + at.pow(3) % 251).expect("braille");
            cell.set_char(dots).set_fg(Color::Indexed(u8::try_from(at / 24).expect("a few rows")));
        }
        buffer
    }

    fn scroll(buffer: &mut Buffer, (y, from, to, by): Move) {
        for x in from..to {
            let next = if x + by < to { buffer[(x + by, y)].clone() } else { Cell::default() };
            buffer[(x, y)] = next;
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn the_screen_is_that_of_the_plain_backend(
            frames in prop::collection::vec((moves(), strokes()), 1..8),
        ) {
            let (mut plain, mut thrifty) = (emulator(), emulator());
            let mut pen = Pen::default();
            let mut before = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            let mut after = dots();
            for (moves, strokes) in frames {
                for step in moves {
                    scroll(&mut after, step);
                }
                for (x, y, symbol, fg, bg, modifier) in strokes {
                    let cell = &mut after[(x, y)];
                    cell.reset();
                    // A wide symbol in the last column would hang over the edge.
                    let symbol = if x + 1 == WIDTH { SYMBOLS[symbol % 10] } else { SYMBOLS[symbol] };
                    cell.set_symbol(symbol).set_fg(fg).set_bg(bg);
                    cell.modifier = Modifier::from_bits_truncate(modifier);
                }
                let changes = before.diff(&after);
                let mut bytes = Vec::new();
                CrosstermBackend::new(&mut bytes).draw(changes.iter().copied()).expect("a Vec");
                plain.process(&bytes);
                let mut bytes = Vec::new();
                pen.draw(&mut bytes, changes.iter().copied());
                thrifty.process(&bytes);
                same_screens(plain.screen(), thrifty.screen());
                before = after.clone();
            }
        }
    }

    #[test]
    fn a_row_that_scrolls_is_moved_by_the_terminal() {
        let mut pen = Pen::default();
        let before = dots();
        let _ = drawn(&mut pen, &all(&Buffer::empty(before.area), &before));
        let mut after = before.clone();
        for y in [1, 2] {
            scroll(&mut after, (y, 2, WIDTH - 1, 2));
            after[(WIDTH - 2, y)]
                .set_symbol("x")
                .set_fg(Color::Indexed(u8::try_from(y).expect("small")));
        }
        // Away at the left, down, away; back at the right, where one of the new cells is blank.
        assert_eq!(
            drawn(&mut pen, &all(&before, &after)),
            "\x1b[2;3H\x1b[2P\n\x1b[2P\x1b[2;22H\x1b[2@\x1b[C\x1b[38;5;1mx\n\x08\x08\x1b[2@\x1b[C\x1b[38;5;2mx"
        );
    }

    #[test]
    fn a_row_is_not_moved_where_that_spares_little_or_a_wide_character_would_be_moved() {
        for strange in [None, Some("漢")] {
            let mut before = dots();
            if let Some(strange) = strange {
                before[(12, 1)].set_symbol(strange);
                before[(13, 1)].reset();
            }
            let mut pen = Pen::default();
            let _ = drawn(&mut pen, &all(&Buffer::empty(before.area), &before));
            let mut after = before.clone();
            let from = if strange.is_some() { 0 } else { WIDTH - 8 };
            scroll(&mut after, (1, from, WIDTH, 1));
            assert!(!drawn(&mut pen, &all(&before, &after)).contains('P'));
        }
    }

    fn all(before: &Buffer, after: &Buffer) -> Vec<(u16, u16, Cell)> {
        before.diff(after).into_iter().map(|(x, y, cell)| (x, y, cell.clone())).collect()
    }

    fn drawn(pen: &mut Pen, cells: &[(u16, u16, Cell)]) -> String {
        let mut out = Vec::new();
        pen.draw(&mut out, cells.iter().map(|(x, y, cell)| (*x, *y, cell)));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn nothing_is_said_twice() {
        let mut green = Cell::new("⣿");
        green.set_fg(Color::Green);
        let mut pen = Pen::default();
        let first =
            drawn(&mut pen, &[(4, 1, green.clone()), (5, 1, green.clone()), (9, 9, green.clone())]);
        assert_eq!(first, "\x1b[2;5H\x1b[0;32m⣿⣿\x1b[10;10H⣿");
        // The next frame goes on in the same style; a cell below is a step down and one back.
        let next = drawn(&mut pen, &[(4, 2, green.clone()), (4, 3, green)]);
        assert_eq!(next, "\x1b[3;5H⣿\n\x08⣿");
    }

    #[test]
    fn an_attribute_is_put_on_alone_and_taken_off_with_all() {
        let mut pen = Pen::default();
        let plain = Cell::new("a");
        let mut bold = plain.clone();
        bold.set_bg(Color::Indexed(200));
        bold.modifier = Modifier::BOLD;
        let text = drawn(
            &mut pen,
            &[(9, 0, plain.clone()), (0, 0, plain.clone()), (1, 0, bold), (2, 0, plain)],
        );
        assert_eq!(text, "\x1b[1;10H\x1b[ma\x1b[Ha\x1b[1;48;5;200ma\x1b[ma");
    }
}
