//! The help overlay: all actions with the keys really in force, from the one table, on as many pages
//! as it takes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, Clear, Widget},
};

use super::{
    glyphs,
    scene::{self, Scene},
    text,
    theme::Token,
};
use crate::app::{Action, Key, Scope, TABLE};

/// Width of the keys in a column, and the narrowest column.
const KEYS: usize = 9;
const COLUMN: usize = 30;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    Clear.render(area, buffer);
    let block = Block::bordered().border_style(scene.style(Token::Focus));
    let inside = block.inner(area);
    let most = (usize::from(inside.width) / COLUMN).max(1);
    let laid = |columns: usize| {
        let width = usize::from(inside.width) / columns;
        let lines = entries(scene, width);
        (lines, width, columns * usize::from(inside.height).max(1))
    };
    let fits = (1..=most).map(laid).find(|(lines, _, room)| lines.len() <= *room);
    let (lines, width, room) = fits.unwrap_or_else(|| laid(most));
    let pages = lines.len().div_ceil(room).max(1);
    let page = scene.app.help_page % pages;
    let about = match pages {
        1 => " keys ".to_owned(),
        _ => format!(" keys · page {} of {pages} · down for the next ", page + 1),
    };
    let closes = match scene.app.settings.keymap.keys(Action::Help) {
        [key, ..] => format!(" {key} or Esc closes "),
        [] => " Esc closes ".to_owned(),
    };
    block.title(about).title_bottom(closes).render(area, buffer);
    let shown = lines.get(page * room..).unwrap_or_default();
    scene::columns(shown, scene::cells(width), inside, buffer);
}

/// The keys that hold now come first: the focused pane's and the global ones.
fn entries(scene: &Scene<'_>, width: usize) -> Vec<Line<'static>> {
    let focused = [scene.app.focus.scope(), Scope::Global];
    let others = Scope::ALL.into_iter().filter(|scope| !focused.contains(scope));
    let mut lines = Vec::new();
    for scope in focused.into_iter().chain(others) {
        lines.push(Line::from(scene.say(Token::Title, scope.name())));
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            let keys = spelled(scene.app.settings.keymap.keys(row.action));
            let parts = text::wrap(row.help, width.saturating_sub(KEYS + 2));
            for (at, part) in parts.into_iter().enumerate() {
                let keys = if at == 0 { keys.as_str() } else { "" };
                lines.push(Line::from(vec![
                    scene.say(Token::Key, text::pad(keys, KEYS)),
                    scene.say(Token::Text, format!(" {part}")),
                ]));
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
