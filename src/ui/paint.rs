//! Draws lines and borders into ratatui's buffer. Knows neither the state nor the theme.

use std::num::NonZeroU16;

use ratatui::{
    buffer::{Buffer, Cell, CellDiffOption},
    layout::Rect,
    style::{Color, Style},
    symbols::border,
    text::Line,
};

use super::{glyphs, text};

/// Declares a cell as one column wide, which saves measuring it in each frame.
pub(super) const ONE_CELL: CellDiffOption = CellDiffOption::ForcedWidth(NonZeroU16::MIN);

/// Puts one of our glyphs, all of which are one column wide, into a cell.
pub(super) fn glyph(glyph: char, style: Style, cell: &mut Cell) {
    cell.set_char(glyph).set_style(style).set_diff_option(ONE_CELL);
}

/// Gives each half of a cell a colour; without one, the background stays.
pub(super) fn halves(upper: Option<Color>, lower: Option<Color>, cell: &mut Cell) {
    let [blank, upper_half, lower_half, whole] = glyphs::HALVES;
    let (glyph, fg, bg) = match (upper, lower) {
        (None, None) => (blank, None, None),
        (None, Some(_)) => (lower_half, lower, None),
        // A single colour, encoded the same way in adjacent cells.
        (Some(_), Some(_)) if upper == lower => (whole, upper, None),
        _ => (upper_half, upper, lower),
    };
    let color = |color: Option<Color>| color.unwrap_or(Color::Reset);
    cell.set_char(glyph).set_style(Style::reset().fg(color(fg)).bg(color(bg)));
}

/// Draws only a border: a `Block` would visit all inner cells too, a tenth of a frame. A border whose top row
/// is the bottom row of a pane above joins it; the thick one wins.
pub(super) fn border(
    set: &border::Set<'_>,
    style: Style,
    thick: bool,
    area: Rect,
    buffer: &mut Buffer,
) {
    let area = area.intersection(buffer.area);
    if area.is_empty() {
        return;
    }
    let (left, right, top, bottom) = (area.x, area.right() - 1, area.y, area.bottom() - 1);
    let above = buffer.cell((left, top)).map(|cell| cell.symbol().to_owned());
    let mut put = |x, y, symbol| {
        if let Some(cell) = buffer.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style).set_diff_option(ONE_CELL);
        }
    };
    for x in left..=right {
        put(x, bottom, set.horizontal_bottom);
    }
    for y in top + 1..bottom {
        put(left, y, set.vertical_left);
        put(right, y, set.vertical_right);
    }
    put(left, bottom, set.bottom_left);
    put(right, bottom, set.bottom_right);
    let (top_left, top_right) = match (above.as_deref(), thick) {
        (Some("└"), false) => ("├", "┤"),
        (Some("└"), true) => ("┢", "┪"),
        // The border above is the thick one.
        (Some("┗"), _) => {
            for (x, symbol) in [(left, "┡"), (right, "┩")] {
                if let Some(cell) = buffer.cell_mut((x, top)) {
                    cell.set_symbol(symbol);
                }
            }
            return;
        }
        _ => (set.top_left, set.top_right),
    };
    for x in left + 1..right {
        put(x, top, set.horizontal_top);
    }
    put(left, top, top_left);
    put(right, top, top_right);
}

/// Draws lines from the top of an area, as many as fit.
pub(super) fn lines(lines: &[Line<'_>], area: Rect, buffer: &mut Buffer) {
    for (line, row) in lines.iter().zip(area.rows()) {
        self::line(line, row, buffer);
    }
}

/// Whether a character takes one cell and combines with no other: such text needs no grapheme segmentation,
/// which would cost more than all traces. True for Latin, Greek and our glyphs.
fn stands_alone(char: char) -> bool {
    matches!(char, ' '..='~')
        || matches!(char, '\u{a1}'..='\u{2ff}' | '\u{391}'..='\u{3ff}' | '\u{2010}'..='\u{2bff}')
            && text::width(char) == 1
}

/// Draws a line into a row.
pub(super) fn line(line: &Line<'_>, area: Rect, buffer: &mut Buffer) {
    let mut rest = area.intersection(buffer.area);
    for span in &line.spans {
        if rest.is_empty() {
            return;
        }
        let style = line.style.patch(span.style);
        let start = buffer.index_of(rest.x, rest.y);
        let row = start..start + usize::from(rest.width);
        let used = if span.content.chars().all(stands_alone) {
            let row = span.content.chars().zip(&mut buffer.content[row]);
            row.map(|(char, cell)| glyph(char, style, cell)).count()
        } else {
            // The cell may have been declared as one column wide.
            buffer.content[row].iter_mut().for_each(|cell| cell.diff_option = CellDiffOption::None);
            let width = usize::from(rest.width);
            let (end, _) = buffer.set_stringn(rest.x, rest.y, &span.content, width, style);
            usize::from(end - rest.x)
        };
        let used = cells(used);
        rest = Rect { x: rest.x + used, width: rest.width - used, ..rest };
    }
}

/// A sentence wrapped into as many lines as it needs.
#[must_use]
pub(super) fn sentence(text: &str, width: u16, style: Style) -> Vec<Line<'static>> {
    text::wrap(&text::clean(text), usize::from(width))
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect()
}

/// Draws lines from top to bottom in columns of a width, as many as fit.
pub(super) fn columns(lines: &[Line<'_>], width: u16, area: Rect, buffer: &mut Buffer) {
    let width = width.max(1);
    let starts = (area.left()..area.right()).step_by(usize::from(width));
    // The space left beside the last column is too narrow for another.
    let starts = starts.take(usize::from((area.width / width).max(1)));
    for (part, x) in lines.chunks(usize::from(area.height).max(1)).zip(starts) {
        self::lines(part, Rect { x, width, ..area }.intersection(area), buffer);
    }
}

/// A number of cells, which fits the type on any screen.
#[must_use]
pub(super) fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
