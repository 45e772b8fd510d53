//! The help overlay: the actions with the keys really in force, from the one table; those of all
//! panes where they fit, else those that hold in the focused one.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget},
};

use super::{
    glyphs,
    scene::{self, Scene},
    text,
    theme::Token,
};
use crate::app::{Action, Scope, TABLE};

/// Width of the keys in a column, and the narrowest column.
const KEYS: usize = 9;
const COLUMN: usize = 30;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    Clear.render(area, buffer);
    let focused = [Scope::Global, scene.app.focus.scope()];
    let block = Block::bordered().border_style(scene.style(Token::Focus));
    let inside = block.inner(area);
    let (lines, width, about) = if let Some((lines, width)) = fitting(scene, &Scope::ALL, inside) {
        (lines, width, " all keys ")
    } else if let Some((lines, width)) = fitting(scene, &focused, inside) {
        (lines, width, " keys of this pane; for another, focus it first ")
    } else if let Some(lines) = flowing(scene, &focused, inside) {
        (lines, inside.width, " keys of this pane; for another, focus it first ")
    } else {
        let text = "The keys do not fit: make the window larger, to 80×24 at least.";
        (scene::sentence(text, inside.width, scene.style(Token::Text)), inside.width, " keys ")
    };
    let closes = match scene.app.settings.keymap.keys(Action::Help) {
        [key, ..] => format!(" {key} or Esc closes "),
        [] => " Esc closes ".to_owned(),
    };
    block.title(about).title_bottom(closes).render(area, buffer);
    scene::columns(&lines, width, inside, buffer);
}

/// The lines of some scopes and the width of their columns, if they fit.
fn fitting(scene: &Scene<'_>, scopes: &[Scope], area: Rect) -> Option<(Vec<Line<'static>>, u16)> {
    let width = usize::from(area.width);
    (1..=width / COLUMN).find_map(|columns| {
        let lines = entries(scene, scopes, width / columns);
        let fits = lines.len() <= columns * usize::from(area.height);
        fits.then_some((lines, scene::cells(width / columns)))
    })
}

/// The same one after another, where columns would not fit; a line ends between two keys.
fn flowing(scene: &Scene<'_>, scopes: &[Scope], area: Rect) -> Option<Vec<Line<'static>>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for scope in scopes {
        lines.push(Line::from(scene.say(Token::Title, scope.name())));
        for row in TABLE.iter().filter(|row| row.scope == *scope) {
            let entry = [
                scene.say(Token::Key, format!(" {}", keys(scene, row.action))),
                scene.say(Token::Text, format!(" {} ", row.help)),
            ];
            let width: usize = entry.iter().map(Span::width).sum();
            match lines.last_mut().filter(|line| line.width() + width <= usize::from(area.width)) {
                Some(line) => line.extend(entry),
                None => lines.push(Line::from(entry.to_vec())),
            }
        }
    }
    (lines.len() <= usize::from(area.height)).then_some(lines)
}

/// The keys in force for an action.
fn keys(scene: &Scene<'_>, action: Action) -> String {
    let keys = scene.app.settings.keymap.keys(action);
    let keys = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    if keys.is_empty() { glyphs::UNKNOWN.to_owned() } else { keys }
}

fn entries(scene: &Scene<'_>, scopes: &[Scope], width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for scope in scopes {
        lines.push(Line::from(scene.say(Token::Title, scope.name())));
        for row in TABLE.iter().filter(|row| row.scope == *scope) {
            let keys = keys(scene, row.action);
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
