//! The glyphs, and their replacements for terminals that show only ASCII.
//!
//! Everything is drawn with the glyphs; [`to_ascii`] then replaces them cell by cell, so that no pane needs a
//! second way of drawing and no glyph can slip through.

use ratatui::buffer::Buffer;

/// Points at the selected row.
pub(super) const SELECTED: &str = "▶";
/// Flowing, or connected.
pub(super) const ON: &str = "●";
/// In progress.
pub(super) const PENDING: &str = "◐";
/// Present but not connected.
pub(super) const OFF: &str = "○";
/// Something is wrong.
pub(super) const PROBLEM: &str = "✖";
/// Changed within the last seconds.
pub(super) const CHANGED: &str = "◆";
/// Can be unfolded.
pub(super) const FOLDED: &str = "▸";
/// Can be folded.
pub(super) const UNFOLDED: &str = "▾";
/// There is more above.
pub(super) const MORE_ABOVE: &str = "▲";
/// There is more below.
pub(super) const MORE_BELOW: &str = "▼";
/// A trace exceeds the top of its row.
pub(super) const CLIPPED_TOP: char = '▴';
/// A trace exceeds the bottom of its row.
pub(super) const CLIPPED_BOTTOM: char = '▾';
/// A trace in a single row exceeds it at both ends.
pub(super) const CLIPPED_BOTH: char = '⇕';
/// Points at the sample of the cursor.
pub(super) const CURSOR: char = '▲';
/// Points at the sample of the second cursor.
pub(super) const SECOND_CURSOR: char = '△';
/// The line of a cursor.
pub(super) const CURSOR_LINE: char = '│';
/// The line of a marker.
pub(super) const MARKER_LINE: char = '┊';
/// Precedes a marker's text.
pub(super) const MARKER: char = '◆';
/// Samples were lost here.
pub(super) const LOST: char = '╳';
/// The filters of a channel restarted here.
pub(super) const RESTARTED: char = '↺';
/// The timestamps of the stream jumped forward here.
pub(super) const CLOCK_AHEAD: char = '»';
/// The timestamps jumped back here.
pub(super) const CLOCK_BACK: char = '«';
/// The limit of a frequency band.
pub(super) const LIMIT: char = '┊';
/// Shades of a spectrogram, weakest first; blank means no data.
pub(super) const SHADES: [char; 5] = ['·', '░', '▒', '▓', '█'];
/// A time span on the axis: its ends and the line between them.
pub(super) const STRETCH: [&str; 3] = ["├", "─", "┤"];
/// The height of a row, drawn beside it.
pub(super) const HEIGHT: &str = "▏";
/// Precedes an approximate value.
pub(super) const ABOUT: &str = "≈";
/// Unknown.
pub(super) const UNKNOWN: &str = "–";
/// A bar exceeds its scale.
pub(super) const BEYOND: char = '▸';
/// A bar lies below its scale.
pub(super) const BELOW: char = '◂';
/// Separates the items of a line.
pub(super) const SEPARATOR: &str = " · ";
/// Levels of a sparkline, lowest first.
pub(super) const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same in ASCII.
pub(super) const LEVELS_ASCII: [char; 8] = ['_', '.', '-', ':', '=', '+', '*', '#'];
/// Half blocks by their lit dots; bit 0 is the upper one.
pub(super) const HALVES: [char; 4] = [' ', '▀', '▄', '█'];
/// Full blocks by their single dot.
pub(super) const WHOLE: [char; 2] = [' ', '█'];
/// ASCII characters by their three lit dots; bit 0 is the top one.
pub(super) const THIRDS: [char; 8] = [' ', '"', '-', '\'', '_', '|', '.', '|'];
/// Eighths of a bar's cell, from one to eight.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
/// The empty part of a bar.
const TROUGH: char = '·';

/// A horizontal bar, filled by a share from 0 to 1.
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

/// The braille glyph of a cell; in `left` and `right`, bit 0 is the top dot and bit 3 the bottom one.
#[must_use]
pub(super) fn braille(left: u8, right: u8) -> char {
    // Unicode numbers the lower dots after the upper six.
    const LEFT: [u8; 16] = dots([0x01, 0x02, 0x04, 0x40]);
    const RIGHT: [u8; 16] = dots([0x08, 0x10, 0x20, 0x80]);
    let dots = LEFT[usize::from(left & 0xf)] | RIGHT[usize::from(right & 0xf)];
    if dots == 0 { ' ' } else { char::from_u32(0x2800 + u32::from(dots)).unwrap_or(' ') }
}

/// Unicode's dot bits for each combination of the four dots of a column.
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

/// Replaces each non-ASCII cell by one ASCII cell.
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
        // Our own texts spell out `±`; text from elsewhere may contain it.
        '…' | '±' | '≈' => '~',
        'µ' => 'u',
        '²' => '2',
        '\u{2800}'..='\u{28ff}' => ascii_trace(char as u32 - 0x2800),
        '\u{2500}'..='\u{257f}' => '+',
        _ => '?',
    }
}

/// The ASCII character for the position of a braille glyph's dots within the cell.
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
