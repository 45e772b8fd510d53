//! The lines of markers and cursors, from the top to the bottom of the plot. They hide no trace: a
//! glyph that is there stays, and only its style shows the line.

use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use super::trace_plot::BinGroups;
use crate::ui::{context::RenderContext, glyphs, theme::ThemeToken};
use cortop_signal::Traces;

pub(super) fn draw(
    ctx: &RenderContext<'_>,
    traces: &Traces,
    cells: &BinGroups,
    plot: Rect,
    buffer: &mut Buffer,
) {
    let marker = ctx.style(ThemeToken::Marker);
    let markers = traces.markers.iter().map(|(index, _)| (*index, glyphs::MARKER_LINE, marker));
    let cursor = ctx.style(ThemeToken::Cursor).add_modifier(Modifier::REVERSED);
    let cursors = traces.cursors.iter().flatten();
    let cursors = cursors.map(|cursor_at| (cursor_at.index, glyphs::CURSOR_LINE, cursor));
    for (index, glyph, style) in markers.chain(cursors) {
        let Some(x) = cells.cell(traces.bins.of(index)) else { continue };
        for y in plot.top()..plot.bottom() {
            let Some(cell) = buffer.cell_mut((plot.x + x, y)) else { continue };
            if cell.symbol() == " " {
                cell.set_char(glyph).set_style(style.remove_modifier(Modifier::REVERSED));
            } else {
                cell.set_style(style);
            }
        }
    }
}
