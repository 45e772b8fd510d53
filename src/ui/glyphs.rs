//! The glyphs, and what stands for them where a terminal shows ASCII only.
//!
//! Everything is drawn with the glyphs; [`to_ascii`] then replaces cell by cell what is left of
//! them, so that no pane has two ways of drawing and no glyph can slip through.

use ratatui::buffer::Buffer;

/// Points at the selected row.
pub(super) const SELECTED: &str = "▶";
/// Something flows or is connected.
pub(super) const ON: &str = "●";
/// Something is on its way.
pub(super) const PENDING: &str = "◐";
/// Something is there but not connected.
pub(super) const OFF: &str = "○";
/// Something is wrong.
pub(super) const PROBLEM: &str = "✖";
/// Changed in the last seconds.
pub(super) const CHANGED: &str = "◆";
/// Can be unfolded.
pub(super) const FOLDED: &str = "▸";
/// Can be folded.
pub(super) const UNFOLDED: &str = "▾";
/// There is more above.
pub(super) const MORE_ABOVE: &str = "▲";
/// There is more below.
pub(super) const MORE_BELOW: &str = "▼";
/// A trace goes beyond its row at the top.
pub(super) const CLIPPED_TOP: char = '▴';
/// A trace goes beyond its row at the bottom.
pub(super) const CLIPPED_BOTTOM: char = '▾';
/// A trace that has one row goes beyond it on both sides.
pub(super) const CLIPPED_BOTH: char = '⇕';
/// Points at the sample of the cursor.
pub(super) const CURSOR: char = '▲';
/// Points at the sample of the second cursor.
pub(super) const SECOND_CURSOR: char = '△';
/// The line of a cursor.
pub(super) const CURSOR_LINE: char = '│';
/// The line of a marker.
pub(super) const MARKER_LINE: char = '┊';
/// Begins what a marker says.
pub(super) const MARKER: char = '◆';
/// Samples were lost here.
pub(super) const LOST: char = '╳';
/// The filters of a channel started again here.
pub(super) const RESTARTED: char = '↺';
/// The times of the stream jumped ahead here.
pub(super) const CLOCK_AHEAD: char = '»';
/// They jumped back here.
pub(super) const CLOCK_BACK: char = '«';
/// The limit of a frequency band.
pub(super) const LIMIT: char = '┊';
/// Shades of a spectrogram, weakest first; where there are no data is a blank.
pub(super) const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// A stretch of time on the axis: its ends and the line between.
pub(super) const STRETCH: [&str; 3] = ["├", "─", "┤"];
/// The height of a row beside it.
pub(super) const HEIGHT: &str = "▏";
/// Before what is not known exactly.
pub(super) const ABOUT: &str = "≈";
/// Unknown.
pub(super) const UNKNOWN: &str = "–";
/// A bar goes beyond its scale at its end.
pub(super) const BEYOND: char = '▸';
/// A bar lies below its scale.
pub(super) const BELOW: char = '◂';
/// Between the items of a line.
pub(super) const SEPARATOR: &str = " · ";
/// Levels of a sparkline, lowest first.
pub(super) const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same in ASCII.
pub(super) const LEVELS_ASCII: [char; 8] = ['_', '.', '-', ':', '=', '+', '*', '#'];
/// Half blocks by the dots lit, bit 0 the upper one.
pub(super) const HALVES: [char; 4] = [' ', '▀', '▄', '█'];
/// Blocks by the one dot.
pub(super) const WHOLE: [char; 2] = [' ', '█'];
/// ASCII by the three dots lit, bit 0 the uppermost.
pub(super) const THIRDS: [char; 8] = [' ', '"', '-', '\'', '_', '|', '.', '|'];
/// Eighths of a cell of a bar, from one to all.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// The empty part of a bar.
const TROUGH: char = '·';

/// A horizontal bar, filled to a share of 0 to 1.
#[must_use]
pub(super) fn bar(share: f64, width: usize) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped; NaN is 0"
    )]
    let filled = (share.clamp(0.0, 1.0) * width as f64 * 8.0).round() as usize;
    (0..width)
        .map(|cell| match filled.saturating_sub(cell * 8) {
            0 => TROUGH,
            eighths => EIGHTHS[eighths.min(8) - 1],
        })
        .collect()
}

/// The braille glyph of a cell; `left` and `right` have bit 0 for the top dot to bit 3 for the
/// bottom one.
#[must_use]
pub(super) fn braille(left: u8, right: u8) -> char {
    // Unicode numbers the lower dots after the upper six.
    const LEFT: [u8; 16] = dots([0x01, 0x02, 0x04, 0x40]);
    const RIGHT: [u8; 16] = dots([0x08, 0x10, 0x20, 0x80]);
    let dots = LEFT[usize::from(left & 0xf)] | RIGHT[usize::from(right & 0xf)];
    if dots == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ') }
}

/// Unicode's dots for each combination of the four of a column.
const fn dots(bits: [u8; 4]) -> [u8; 16] {
    let mut table = [0; 16];
    let mut lit = 0;
    while lit < 16 {
        let mut row = 0;
        while row < 4 {
            if lit >> row & 1 == 1 {
                table[lit] |= bits[row];
            }
            row += 1;
        }
        lit += 1;
    }
    table
}

/// Replaces every cell that is not ASCII, one for one.
pub(super) fn to_ascii(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let ascii = cell.symbol().chars().next().map_or(' ', ascii);
            cell.set_char(ascii);
        }
    }
}

fn ascii(char: char) -> char {
    match char {
        '▶' | '→' | '▸' | '»' => '>',
        '●' | '█' | '▉' | '▊' | '▋' | '◆' | '▇' => '#',
        '◕' | '▌' | '▍' | '▎' | '▆' | '▅' => '=',
        '◑' | '◐' | '▄' | '▃' | '–' | '─' | '━' => '-',
        '◔' | '▂' | '·' => '.',
        '▁' => '_',
        '○' => 'o',
        '✖' | '╳' => 'x',
        '▲' | '△' | '▴' | '↑' => '^',
        '⇕' => 'X',
        '↺' => '@',
        '◂' | '«' => '<',
        '▼' | '▾' | '↓' => 'v',
        '│' | '┃' | '▏' => '|',
        'Δ' => 'd',
        '┊' | '░' => ':',
        '▒' => '%',
        '▓' => '&',
        'θ' => 't',
        'α' => 'a',
        'β' => 'b',
        'γ' => 'g',
        // Our own texts spell `±`; others' may have it.
        '…' | '±' | '≈' => '~',
        'µ' => 'u',
        '²' => '2',
        '\u{2800}'..='\u{28ff}' => ascii_trace(char as u32 - 0x2800),
        '\u{2500}'..='\u{257f}' => '+',
        _ => '?',
    }
}

/// Where in the cell the dots of a braille glyph lie.
fn ascii_trace(dots: u32) -> char {
    match (dots & 0x09 != 0, dots & 0x36 != 0, dots & 0xc0 != 0) {
        (true, _, true) => '|',
        (true, true, false) => '\'',
        (true, false, false) => '"',
        (false, true, false) => '-',
        (false, true, true) => '.',
        (false, false, true) => '_',
        (false, false, false) => ' ',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_grows_by_eighths() {
        assert_eq!(bar(0.0, 3), "···");
        assert_eq!(bar(0.5, 3), "█▌·");
        assert_eq!(bar(7.0, 3), "███");
        assert_eq!(bar(f64::NAN, 3), "···");
    }

    #[test]
    fn braille_has_its_dots_where_they_belong() {
        assert_eq!(braille(0, 0), ' ');
        assert_eq!(braille(0b0001, 0b1000), '⢁');
        assert_eq!(braille(0b1111, 0b1111), '⣿');
    }
}
