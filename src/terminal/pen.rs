//! Draws cells with few bytes: knows from frame to frame where the cursor stands and which style is
//! set, takes the shortest way to the next cell and changes only what differs. ratatui's own backend
//! positions the cursor anew for each run of cells and resets the style after each frame; the
//! screens of both are the same, cell by cell. Knows no terminal: bytes go into a frame.

use std::io::Write as _;

use ratatui::{
    buffer::Cell,
    layout::Position,
    style::{Color, Modifier},
};

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

/// Where the terminal's cursor stands and how it writes, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Pen {
    at: Option<Position>,
    style: Option<Style>,
    /// The rightmost column written so far: one that surely exists. Beyond it the terminal may wait
    /// to wrap, and a step from there would start from an unknown column.
    widest: u16,
    /// Two ways to the next cell, of which the shorter is taken.
    ways: [Vec<u8>; 2],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Pen {
    /// Draws cells, each with its column and row.
    pub(super) fn draw<'a>(
        &mut self,
        out: &mut Vec<u8>,
        cells: impl Iterator<Item = (u16, u16, &'a Cell)>,
    ) {
        for (x, y, cell) in cells {
            self.go(out, Position { x, y });
            self.wear(out, Style { fg: cell.fg, bg: cell.bg, modifier: cell.modifier });
            out.extend_from_slice(cell.symbol().as_bytes());
            self.widest = self.widest.max(x);
            self.at =
                (is_narrow(cell.symbol()) && x < self.widest).then_some(Position { x: x + 1, y });
        }
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

    fn wear(&mut self, out: &mut Vec<u8>, to: Style) {
        let from = self.style.replace(to);
        if from == Some(to) {
            return;
        }
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
    let mut step = |count: u16, letter: char| match count {
        0 => {}
        1 => write(way, format_args!("\x1b[{letter}")),
        _ => write(way, format_args!("\x1b[{count}{letter}")),
    };
    step(to.y.saturating_sub(at.y), 'B');
    step(at.y.saturating_sub(to.y), 'A');
    step(to.x.saturating_sub(at.x), 'C');
    match at.x.saturating_sub(to.x) {
        0 => {}
        _ if to.x == 0 => way.push(b'\r'),
        back @ 1..=3 => way.extend(std::iter::repeat_n(8, back.into())),
        back => write(way, format_args!("\x1b[{back}D")),
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

/// Whether every terminal moves by one column for it: what is drawn of traces, frames and ASCII.
/// After anything else the next cell is jumped to, wherever the terminal believes to be.
fn is_narrow(symbol: &str) -> bool {
    let mut chars = symbol.chars();
    matches!(
        (chars.next(), chars.next()),
        (Some(' '..='~' | '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}'), None)
    )
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

    fn emulator() -> vt100::Parser {
        vt100::Parser::new(HEIGHT, WIDTH, 0)
    }

    fn same_screens(one: &vt100::Screen, other: &vt100::Screen) {
        for row in 0..HEIGHT {
            for column in 0..WIDTH {
                assert_eq!(
                    one.cell(row, column),
                    other.cell(row, column),
                    "row {row} column {column}"
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn the_screen_is_that_of_the_plain_backend(frames in prop::collection::vec(strokes(), 1..8)) {
            let area = Rect::new(0, 0, WIDTH, HEIGHT);
            let (mut plain, mut thrifty) = (emulator(), emulator());
            let mut pen = Pen::default();
            let mut before = Buffer::empty(area);
            for strokes in frames {
                let mut after = before.clone();
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
                before = after;
            }
        }
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
        assert_eq!(first, "\x1b[2;5H\x1b[0;32m⣿\x1b[2;6H⣿\x1b[10;10H⣿");
        // The next frame goes on in the same style; a cell below is a step down and one back.
        let next = drawn(&mut pen, &[(4, 2, green.clone()), (4, 3, green)]);
        assert_eq!(next, "\x1b[3;5H⣿\x1b[B\x08⣿");
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
