//! The first line of the screens with a single line of items: the traffic's and a lab's.

use ratatui::text::{Line, Span};

use super::{
    glyphs, text,
    theme::{Theme, ThemeToken},
};

/// The title, the items in decreasing importance, and the time of day at the right. Empty items and those
/// that do not fit are omitted.
pub(super) fn line(
    theme: &Theme,
    title: &str,
    items: impl IntoIterator<Item = (ThemeToken, String)>,
    clock: &str,
    width: u16,
) -> Line<'static> {
    let span = |token, text: String| Span::styled(text, theme.style(token));
    let mut line = Line::from(span(ThemeToken::Title, title.to_owned()));
    for (token, text) in items.into_iter().filter(|(_, text)| !text.is_empty()) {
        let text = text::clean(&text);
        let cells = text::cells(glyphs::SEPARATOR) + text::cells(&text);
        if line.width() + cells <= usize::from(width) {
            line.push_span(span(ThemeToken::Dim, glyphs::SEPARATOR.to_owned()));
            line.push_span(span(token, text));
        }
    }
    let room = usize::from(width).saturating_sub(line.width());
    if room > clock.len() {
        line.push_span(span(ThemeToken::Dim, format!("{clock:>room$}")));
    }
    line
}
