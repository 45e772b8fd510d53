//! The card with all keys, for screens with a single table of keys: the traffic's and a lab's.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget as _},
};

use super::{
    context, paint, text,
    theme::{Theme, ThemeToken},
};
use crate::app::{Key, Scroll};

/// Minimum width of a column, in cells.
const COLUMN: usize = 38;

/// Draws the keys with their descriptions, in as many columns as necessary. If that is not enough, the
/// card scrolls.
pub(super) fn draw<'a>(
    theme: &Theme,
    rows: impl IntoIterator<Item = (&'a [Key], &'a str)>,
    scroll: &Scroll,
    area: Rect,
    buffer: &mut Buffer,
) {
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(theme.style(ThemeToken::Focus))
        .title(" keys ")
        .title_bottom(" ? or Esc closes ");
    let inside = block.inner(area);
    block.render(area, buffer);
    let spelled = |keys: &[Key]| keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let rows: Vec<_> = rows.into_iter().map(|(keys, help)| (spelled(keys), help)).collect();
    let widest = rows.iter().map(|(keys, _)| text::cells(keys)).max().unwrap_or_default();
    let span = |token, text: String| Span::styled(text, theme.style(token));
    let lines = |width: usize| -> Vec<Line<'static>> {
        // The last cell stays free for the mark that there are more lines.
        let room = width.saturating_sub(widest + 3);
        let row = |(keys, help): &(String, &str)| {
            let mut keys = keys.clone();
            let said = text::wrap(help, room).into_iter().map(|said| {
                let keys = text::pad(&std::mem::take(&mut keys), widest + 1);
                vec![span(ThemeToken::Key, keys), span(ThemeToken::Text, format!(" {said}"))]
            });
            said.map(Line::from).collect::<Vec<_>>()
        };
        rows.iter().flat_map(row).collect()
    };
    let (width, height) = (usize::from(inside.width), usize::from(inside.height));
    let mut laid = (1..=(width / COLUMN).max(1)).map(|count| (count, lines(width / count)));
    let (columns, lines) = laid
        .find(|(count, lines)| lines.len() <= count * height)
        .unwrap_or_else(|| (1, lines(width)));
    let first = scroll.first(lines.len(), columns * height);
    paint::columns(&lines[first..], paint::cells(width / columns), inside, buffer);
    if columns == 1 {
        context::mark_more(theme, first, lines.len(), inside, buffer);
    }
}
