//! The scale bar of EEG, as on paper: beside the last channel the height of its row in µV, and on the axis a
//! time span. It covers no trace.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use super::scales;
use crate::ui::{context::RenderContext, glyphs, paint, text, theme::ThemeToken};
use cortop_signal::Scale;

/// Seconds that the bar on the axis may stand for.
const SECONDS: [u16; 5] = [1, 2, 5, 10, 20];

/// The bar on the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeBar {
    seconds: u16,
    /// Cells from its first stroke to its last.
    length: u16,
}

impl TimeBar {
    /// The shortest bar that fits its text, for a window of so many seconds over so many cells.
    pub(super) fn new(window: f64, cells: u16) -> Option<Self> {
        let bars = SECONDS.into_iter().map(|seconds| {
            let length = (f64::from(cells) * f64::from(seconds) / window).round();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let length = length.clamp(0.0, f64::from(cells)) as u16;
            Self { seconds, length }
        });
        let fits = |bar: &Self| usize::from(bar.width()) >= text::cells(&bar.words()) + 2;
        bars.into_iter().find(fits).filter(|bar| bar.length <= cells / 3)
    }

    /// Its width.
    pub(super) fn width(self) -> u16 {
        self.length + 1
    }

    fn words(self) -> String {
        format!(" {} s ", self.seconds)
    }

    pub(super) fn draw(self, ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
        let words = self.words();
        let line = usize::from(self.width()).saturating_sub(text::cells(&words) + 2);
        let [left, line_glyph, right] = glyphs::STRETCH;
        let lines = [line / 2, line - line / 2].map(|count| line_glyph.repeat(count));
        let bar = format!("{left}{}{words}{}{right}", lines[0], lines[1]);
        ctx.span(ThemeToken::Axis, bar).render(area.intersection(buffer.area), buffer);
    }
}

/// Draws the bar for a row's height in µV at the right edge of its labels, whose first row has the channel's
/// name.
pub(super) fn draw_height(
    ctx: &RenderContext<'_>,
    scale: Scale,
    is_selected: bool,
    labels: Rect,
    buffer: &mut Buffer,
) {
    let Some(x) = labels.right().checked_sub(1) else { return };
    // The first row has the mark of the selected channel.
    for y in labels.rows().skip(usize::from(is_selected)).map(|row| row.y) {
        ctx.span(ThemeToken::Axis, glyphs::HEIGHT)
            .render(Rect { x, y, width: 1, height: 1 }, buffer);
    }
    let height = format!("{}µV", scales::short(2.0 * scale.half));
    let words = text::fit(&height, usize::from(labels.width.saturating_sub(1)));
    let width = paint::cells(text::cells(&words));
    if let Some(last) = labels.rows().next_back().filter(|_| labels.height > 1) {
        let place = Rect { x: x.saturating_sub(width), width, ..last };
        ctx.span(ThemeToken::Axis, words).render(place.intersection(last), buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_seconds_and_has_room_for_its_words() {
        let bar = |window, cells| TimeBar::new(window, cells).map(|bar| (bar.seconds, bar.length));
        assert_eq!(bar(10.0, 97), Some((1, 10)));
        assert_eq!(bar(10.0, 44), Some((2, 9)));
        assert_eq!(bar(2.0, 97), None, "a second is half of it");
        assert_eq!(bar(60.0, 97), Some((5, 8)));
        assert_eq!(bar(10.0, 12), None);
        for cells in 0..300_u16 {
            for window in [2.0, 5.0, 10.0, 20.0, 30.0, 60.0] {
                let Some(bar) = TimeBar::new(window, cells) else { continue };
                let exact = f64::from(cells) * f64::from(bar.seconds) / window;
                assert!((f64::from(bar.length) - exact).abs() <= 0.5, "{cells} {window}");
            }
        }
    }
}
