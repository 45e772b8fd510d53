//! Draws cells with few bytes. It remembers between frames where the cursor is, which style is set and what
//! each line shows. So it moves the cursor by the shortest sequence, changes only attributes that differ, and
//! has the terminal shift a line that scrolls. ratatui's own backend positions the cursor for each run of
//! cells, resets the style after each frame and redraws a line that scrolls; both produce the same screen,
//! cell by cell. Knows no terminal: it writes bytes into a frame.

use std::{io::Write as _, iter, mem};

use ratatui::{
    buffer::Cell,
    layout::Position,
    style::{Color, Modifier},
};

use super::line_diff::{CellStyle, LineDiff, Shift};

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

/// The known state of the terminal: cursor, style and lines.
#[derive(Debug, Default)]
pub(super) struct DiffWriter {
    cursor: Option<Position>,
    style: Option<CellStyle>,
    /// The rightmost column drawn so far, which therefore exists. After a write there the terminal may be
    /// about to wrap, so that a relative move would start from an unknown column.
    last_column: u16,
    lines: Vec<LineDiff>,
    /// The last shift: the lines of a plot shift alike.
    last_shift: Shift,
    /// The relative and the absolute sequence to the next cell; the shorter one is used.
    moves: [Vec<u8>; 2],
}

/// A cell to draw, with its column and row.
type Change<'a> = (u16, u16, &'a Cell);

impl DiffWriter {
    /// Draws the changed cells, given row by row, each from left to right.
    pub(super) fn draw<'a>(&mut self, out: &mut Vec<u8>, cells: impl Iterator<Item = Change<'a>>) {
        let cells: Vec<Change<'_>> = cells.collect();
        self.last_column = cells.iter().fold(self.last_column, |last, (x, ..)| last.max(*x));
        let rows = || cells.chunk_by(|(_, y, _), (_, next, _)| y == next);
        // First all shifts at the left edge of a plot, then the rest at its right edge, so that the cursor
        // only steps down from line to line.
        let shifts: Vec<_> = rows().map(|changes| self.shift_line(out, changes)).collect();
        for (changes, shift) in rows().zip(shifts) {
            match shift {
                Some(shift) => self.finish_shift(out, changes[0].1, shift),
                None => self.write_changes(out, changes),
            }
        }
    }

    /// Shifts a line to the left if that saves most of the drawing.
    fn shift_line(&mut self, out: &mut Vec<u8>, changes: &[Change<'_>]) -> Option<Shift> {
        let (&[(first, y, _), ..], &[.., (last, ..)]) = (changes, changes) else { return None };
        let place = usize::from(y);
        if self.lines.len() <= place {
            self.lines.resize(place + 1, LineDiff::default());
        }
        let line = &mut self.lines[place];
        let is_blank = line.shown.is_empty();
        let strange = changes.iter().filter(|(x, _, cell)| !line.set_wanted(*x, cell)).count();
        if is_blank || strange > 0 {
            return None;
        }
        let shift = line.find_shift(first..last + 1, self.last_column + 1, self.last_shift)?;
        line.apply_shift(shift);
        self.last_shift = shift;
        self.move_cursor(out, Position { x: shift.from, y });
        repeat(out, shift.by, 'P');
        Some(shift)
    }

    /// Moves what is right of a shift back into place, and draws what the shift did not provide.
    fn finish_shift(&mut self, out: &mut Vec<u8>, y: u16, shift: Shift) {
        let mut line = mem::take(&mut self.lines[usize::from(y)]);
        for (x, (shown, wanted)) in (0..).zip(line.shown.iter_mut().zip(&line.wanted)) {
            if x == shift.hole {
                // Inserted cells are blanks in the current style.
                self.set_style(out, " ", CellStyle::default());
                self.move_cursor(out, Position { x, y });
                repeat(out, shift.by, '@');
            }
            if let Some(glyph) = wanted.filter(|_| shown != wanted) {
                self.write_cell(out, (x, y), glyph.char.encode_utf8(&mut [0; 4]), glyph.style);
            }
            *shown = *wanted;
        }
        self.lines[usize::from(y)] = line;
    }

    fn write_changes(&mut self, out: &mut Vec<u8>, changes: &[Change<'_>]) {
        for &(x, y, cell) in changes {
            let line = &mut self.lines[usize::from(y)];
            if line.mark_shown(x) {
                let sure = line.shown[usize::from(x)].is_some();
                self.write_cell(out, (x, y), cell.symbol(), cell.into());
                // After a symbol of uncertain width the cursor may be anywhere, so the next move is absolute.
                self.cursor = self.cursor.filter(|_| sure);
            }
        }
    }

    fn write_cell(
        &mut self,
        out: &mut Vec<u8>,
        (x, y): (u16, u16),
        symbol: &str,
        style: CellStyle,
    ) {
        self.move_cursor(out, Position { x, y });
        self.set_style(out, symbol, style);
        out.extend_from_slice(symbol.as_bytes());
        self.cursor = (x < self.last_column).then_some(Position { x: x + 1, y });
    }

    /// Moves the cursor.
    pub(super) fn move_cursor(&mut self, out: &mut Vec<u8>, to: Position) {
        if self.cursor == Some(to) {
            return;
        }
        let [step, jump] = &mut self.moves;
        step.clear();
        jump.clear();
        move_absolute(jump, to);
        if let Some(at) = self.cursor.replace(to) {
            move_relative(step, at, to);
        }
        let step_is_shorter = !step.is_empty() && step.len() < jump.len();
        out.extend_from_slice(if step_is_shorter { step } else { jump });
    }

    /// Resets the style and forgets the terminal's state, before it is cleared or used by others: an erased
    /// cell takes the current background.
    pub(super) fn reset(&mut self, out: &mut Vec<u8>) {
        *self = Self::default();
        out.extend_from_slice(b"\x1b[m");
    }

    fn set_style(&mut self, out: &mut Vec<u8>, symbol: &str, to: CellStyle) {
        let fits = |from: CellStyle| from == to || (symbol == " " && from.is_same_on_blank(to));
        if self.style.is_some_and(fits) {
            return;
        }
        let from = self.style.replace(to);
        // Not every terminal can turn off a single attribute: turn all off, then set those still wanted.
        let base = from.filter(|from| to.modifier.contains(from.modifier));
        out.extend_from_slice(b"\x1b[");
        let start = out.len();
        if base.is_none() && to != CellStyle::default() {
            out.extend_from_slice(b"0;");
        }
        let base = base.unwrap_or_default();
        for (number, &attribute) in (1..).zip(&ATTRIBUTES) {
            if (to.modifier - base.modifier).contains(attribute) {
                append(out, format_args!("{number};"));
            }
        }
        if to.fg != base.fg {
            write_color(out, to.fg, 30);
        }
        if to.bg != base.bg {
            write_color(out, to.bg, 40);
        }
        if out.len() > start {
            out.pop();
        }
        out.push(b'm');
    }
}

/// A move from an unknown position (`CUP`).
fn move_absolute(out: &mut Vec<u8>, to: Position) {
    match (to.y, to.x) {
        (0, 0) => out.extend_from_slice(b"\x1b[H"),
        (y, 0) => append(out, format_args!("\x1b[{}H", y + 1)),
        (y, x) => append(out, format_args!("\x1b[{};{}H", y + 1, x + 1)),
    }
}

/// A move from a known position: up or down, then left or right.
fn move_relative(out: &mut Vec<u8>, at: Position, to: Position) {
    match to.y.saturating_sub(at.y) {
        // A line below exists, so nothing scrolls; in raw mode a line feed keeps the column.
        down @ 1..=3 if cfg!(unix) => out.extend(iter::repeat_n(b'\n', down.into())),
        down => repeat(out, down, 'B'),
    }
    repeat(out, at.y.saturating_sub(to.y), 'A');
    repeat(out, to.x.saturating_sub(at.x), 'C');
    match at.x.saturating_sub(to.x) {
        0 => {}
        _ if to.x == 0 => out.push(b'\r'),
        back @ 1..=3 => out.extend(iter::repeat_n(8, back.into())),
        back => append(out, format_args!("\x1b[{back}D")),
    }
}

/// A control sequence with a repeat count.
fn repeat(out: &mut Vec<u8>, count: u16, letter: char) {
    match count {
        0 => {}
        1 => append(out, format_args!("\x1b[{letter}")),
        _ => append(out, format_args!("\x1b[{count}{letter}")),
    }
}

/// The parameters of a colour; `base` is 30 for the foreground, 40 for the background.
fn write_color(out: &mut Vec<u8>, colour: Color, base: u8) {
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
        Color::Indexed(number) => return append(out, format_args!("{};5;{number};", base + 8)),
        Color::Rgb(r, g, b) => return append(out, format_args!("{};2;{r};{g};{b};", base + 8)),
    };
    append(out, format_args!("{code};"));
}

fn append(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
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

    /// A cell to draw: column, row, symbol, colours and attributes.
    type Stroke = (u16, u16, usize, Color, Color, u16);

    fn strokes() -> impl Strategy<Value = Vec<Stroke>> {
        // The attributes that the emulator supports.
        let known = Modifier::BOLD | Modifier::ITALIC | Modifier::UNDERLINED | Modifier::REVERSED;
        let modifiers =
            any::<u16>().prop_map(move |bits| (Modifier::from_bits_truncate(bits) & known).bits());
        let stroke = (0..WIDTH, 0..HEIGHT, 0..SYMBOLS.len(), colours(), colours(), modifiers);
        prop::collection::vec(stroke, 0..40)
    }

    /// Cells of a row that move left: the row, the range of columns, and the distance.
    type Move = (u16, u16, u16, u16);

    fn moves() -> impl Strategy<Value = Vec<Move>> {
        let by = prop_oneof![3 => 1..4_u16, 1 => 4..20_u16];
        let ends = (0..4_u16, WIDTH - 4..=WIDTH);
        let one = (0..HEIGHT, ends, by).prop_map(|(y, (from, to), by)| (y, from, to, by));
        prop::collection::vec(one, 0..6)
    }

    fn emulator() -> vt100::Parser {
        let [rows, columns] = [HEIGHT, WIDTH].map(|it| it.try_into().expect("more than none"));
        vt100::Parser::new(rows, columns, 0)
    }

    /// The visible properties of a cell; on a blank without underline, neither the text's colour nor its
    /// weight.
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

    /// A screen full of dots, each row in its own colour.
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
            let (mut plain, mut compact) = (emulator(), emulator());
            let mut writer = DiffWriter::default();
            let mut before = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            let mut after = dots();
            for (moves, strokes) in frames {
                for step in moves {
                    scroll(&mut after, step);
                }
                for (x, y, symbol, fg, bg, modifier) in strokes {
                    let cell = &mut after[(x, y)];
                    cell.reset();
                    // A wide symbol in the last column would exceed the edge.
                    let symbol = if x + 1 == WIDTH { SYMBOLS[symbol % 10] } else { SYMBOLS[symbol] };
                    cell.set_symbol(symbol).set_fg(fg).set_bg(bg);
                    cell.modifier = Modifier::from_bits_truncate(modifier);
                }
                let changes = before.diff(&after);
                let mut bytes = Vec::new();
                CrosstermBackend::new(&mut bytes).draw(changes.iter().copied()).expect("a Vec");
                plain.process(&bytes);
                let mut bytes = Vec::new();
                writer.draw(&mut bytes, changes.iter().copied());
                compact.process(&bytes);
                same_screens(plain.screen(), compact.screen());
                before = after.clone();
            }
        }
    }

    #[test]
    fn a_row_that_scrolls_is_moved_by_the_terminal() {
        let mut writer = DiffWriter::default();
        let before = dots();
        let _ = drawn(&mut writer, &all(&Buffer::empty(before.area), &before));
        let mut after = before.clone();
        for y in [1, 2] {
            scroll(&mut after, (y, 2, WIDTH - 1, 2));
            after[(WIDTH - 2, y)]
                .set_symbol("x")
                .set_fg(Color::Indexed(u8::try_from(y).expect("small")));
        }
        // Delete at the left, step down, delete; insert at the right, where one of the new cells is blank.
        assert_eq!(
            drawn(&mut writer, &all(&before, &after)),
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
            let mut writer = DiffWriter::default();
            let _ = drawn(&mut writer, &all(&Buffer::empty(before.area), &before));
            let mut after = before.clone();
            let from = if strange.is_some() { 0 } else { WIDTH - 8 };
            scroll(&mut after, (1, from, WIDTH, 1));
            assert!(!drawn(&mut writer, &all(&before, &after)).contains('P'));
        }
    }

    fn all(before: &Buffer, after: &Buffer) -> Vec<(u16, u16, Cell)> {
        before.diff(after).into_iter().map(|(x, y, cell)| (x, y, cell.clone())).collect()
    }

    fn drawn(writer: &mut DiffWriter, cells: &[(u16, u16, Cell)]) -> String {
        let mut out = Vec::new();
        writer.draw(&mut out, cells.iter().map(|(x, y, cell)| (*x, *y, cell)));
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn no_move_or_style_is_repeated() {
        let mut green = Cell::new("⣿");
        green.set_fg(Color::Green);
        let mut writer = DiffWriter::default();
        let first = drawn(
            &mut writer,
            &[(4, 1, green.clone()), (5, 1, green.clone()), (9, 9, green.clone())],
        );
        assert_eq!(first, "\x1b[2;5H\x1b[0;32m⣿⣿\x1b[10;10H⣿");
        // The next frame continues in the same style; the cell below is one step down and one back.
        let next = drawn(&mut writer, &[(4, 2, green.clone()), (4, 3, green)]);
        assert_eq!(next, "\x1b[3;5H⣿\n\x08⣿");
    }

    #[test]
    fn an_attribute_is_set_alone_and_reset_with_all() {
        let mut writer = DiffWriter::default();
        let plain = Cell::new("a");
        let mut bold = plain.clone();
        bold.set_bg(Color::Indexed(200));
        bold.modifier = Modifier::BOLD;
        let text = drawn(
            &mut writer,
            &[(9, 0, plain.clone()), (0, 0, plain.clone()), (1, 0, bold), (2, 0, plain)],
        );
        assert_eq!(text, "\x1b[1;10H\x1b[ma\x1b[Ha\x1b[1;48;5;200ma\x1b[ma");
    }
}
