//! The lines of markers and cursors over the full height of the plot. They hide no trace: an existing glyph
//! stays, reversed in the colour of the line.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::bin_groups::BinGroups;
use crate::ui::{context::RenderContext, glyphs, theme::ThemeToken};
use cortop_signal::Traces;

/// A cell filled with its foreground colour.
const WHOLE: &str = "█";

/// Draws the lines over traces, or over cells filled with colours.
pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    is_colored: bool,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let marker = ctx.style(ThemeToken::Marker).add_modifier(Modifier::REVERSED);
    let markers = traces.markers.iter().map(|(index, _)| (*index, glyphs::MARKER_LINE, marker));
    let cursor = ctx.style(ThemeToken::Cursor).add_modifier(Modifier::REVERSED);
    let cursors = traces.cursors.iter().flatten();
    let cursors = cursors.map(|cursor_at| (cursor_at.index, glyphs::CURSOR_LINE, cursor));
    for (index, glyph, style) in markers.chain(cursors) {
        let Some(x) = cells.cell(traces.bins.of(index)) else { continue };
        for y in plot.top()..plot.bottom() {
            let Some(cell) = buffer.cell_mut((plot.x + x, y)) else { continue };
            if is_colored {
                // Half of a coloured cell stays visible beside the line.
                let color = if cell.symbol() == WHOLE { cell.fg } else { cell.bg };
                let style = style.remove_modifier(Modifier::REVERSED).bg(color);
                cell.set_char(glyph).set_style(style);
            } else if cell.symbol() == " " {
                cell.set_char(glyph).set_style(style.remove_modifier(Modifier::REVERSED));
            } else {
                cell.set_style(style);
            }
        }
    }
}
