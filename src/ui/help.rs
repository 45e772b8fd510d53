//! The help overlay: all actions with the keys really in force, from the one table, and what the
//! marks in the picture mean, on as many pages as it takes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, Clear, Widget},
};

use super::{context::RenderContext, glyphs, paint, text, theme::Token};
use crate::app::{Action, Key, Pane, section_name, sections};

/// Width of the keys in a column, and the narrowest column.
const KEYS: usize = 9;
const COLUMN: usize = 30;

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    Clear.render(area, buffer);
    let block = Block::bordered().border_style(ctx.style(Token::Focus));
    let inside = block.inner(area);
    let most = (usize::from(inside.width) / COLUMN).max(1);
    let laid = |columns: usize| {
        let width = usize::from(inside.width) / columns;
        let lines = entries(ctx, width);
        (lines, width, columns * usize::from(inside.height).max(1))
    };
    let fits = (1..=most).map(laid).find(|(lines, _, room)| lines.len() <= *room);
    let (lines, width, room) = fits.unwrap_or_else(|| laid(most));
    let pages = lines.len().div_ceil(room).max(1);
    let page = ctx.app.help_page % pages;
    let about = match pages {
        1 => " keys ".to_owned(),
        _ if page + 1 == pages => format!(" keys · page {pages} of {pages} · down: first page "),
        _ => format!(" keys · page {} of {pages} · down: next page ", page + 1),
    };
    let closes = match ctx.app.settings.keymap.keys(Action::Help) {
        [key, ..] => format!(" {key} or Esc closes "),
        [] => " Esc closes ".to_owned(),
    };
    block.title(about).title_bottom(closes).render(area, buffer);
    let shown = lines.get(page * room..).unwrap_or_default();
    paint::columns(shown, paint::cells(width), inside, buffer);
}

/// What the marks in the picture mean, and what its filters do to it.
fn notes() -> [(String, &'static str); 7] {
    let marks = |marks: &[char]| marks.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    [
        (marks(&[glyphs::LOST]), "samples lost"),
        (
            marks(&[glyphs::RESTARTED]),
            "filter restarted: the channel jumped by more than 1000 µV and stayed there, so it is \
             drawn from its new level",
        ),
        (
            marks(&[glyphs::CLIPPED_TOP, glyphs::CLIPPED_BOTTOM, glyphs::CLIPPED_BOTH]),
            "beyond the scale of a trace",
        ),
        (marks(&[glyphs::BELOW, glyphs::BEYOND]), "below or beyond the scale of a bar"),
        (marks(&[glyphs::MARKER]), "marker"),
        ("up".to_owned(), "positive"),
        (
            "filters".to_owned(),
            "high-pass and low-pass are 2nd-order Butterworth, the notch is of 2nd order and 2 Hz \
             wide; all are causal, so slow waves come late: with 0.5–45 Hz by 134 ms at 1 Hz, by \
             4 ms at 10 Hz",
        ),
    ]
}

/// The keys that hold now come first: the focused pane's and the global ones.
fn entries(ctx: &RenderContext<'_>, width: usize) -> Vec<Line<'static>> {
    let focused = [Some(ctx.app.focus), None];
    let others = sections().filter(|pane| !focused.contains(pane));
    let mut lines = Vec::new();
    let row = |lines: &mut Vec<Line<'static>>, front: &str, text: &str| {
        let parts = text::wrap(text, width.saturating_sub(KEYS + 2));
        for (at, part) in parts.into_iter().enumerate() {
            let front = if at == 0 { front } else { "" };
            lines.push(Line::from(vec![
                ctx.span(Token::Key, text::pad(front, KEYS)),
                ctx.span(Token::Text, format!(" {part}")),
            ]));
        }
    };
    for pane in focused.into_iter().chain(others) {
        lines.push(Line::from(ctx.span(Token::Title, section_name(pane))));
        let own = ctx.app.settings.keymap.rows().filter(|(binding, _)| binding.pane == pane);
        // A view that never had a key is found by the key that goes through all of them.
        let own = own.filter(|(binding, keys)| !binding.keys.is_empty() || !keys.is_empty());
        for (binding, keys) in own {
            row(&mut lines, &spelled(keys), binding.help);
        }
        if pane == Some(Pane::Streams) {
            lines.push(Line::from(ctx.span(Token::Title, "in the picture")));
            for (mark, text) in &notes() {
                row(&mut lines, mark, text);
            }
        }
    }
    lines
}

/// Keys in few characters; many of them are a range.
fn spelled(keys: &[Key]) -> String {
    match keys {
        [] => glyphs::UNKNOWN.to_owned(),
        [first, _, _, .., last] => format!("{first}…{last}"),
        keys => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}
