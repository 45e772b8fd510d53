//! The help overlay: every action with the keys really in force, from the one table.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, Clear, Widget},
};

use super::{scene::Scene, text, theme::Token};
use crate::app::{Scope, TABLE};

/// Width of the keys in a column.
const KEYS: usize = 12;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_style(scene.style(Token::Focus))
        .title(" all keys ")
        .title_bottom(" any key closes ");
    let inside = block.inner(area);
    block.render(area, buffer);

    let height = usize::from(inside.height).max(1);
    let entries = entries(scene);
    let columns = entries.len().div_ceil(height).max(1);
    let width = usize::from(inside.width) / columns;
    if width < KEYS + 8 {
        let text = "The keys do not fit here: make the window larger (80×24 shows all), or read `cortop print config`.";
        super::scene::lines(
            &super::scene::sentence(text, inside.width, scene.style(Token::Text)),
            inside,
            buffer,
        );
        return;
    }
    for (at, entry) in entries.iter().enumerate() {
        let (column, row) = (at / height, at % height);
        let line = match entry {
            Entry::Scope(name) => Line::from(scene.say(Token::Title, *name)),
            Entry::Action(keys, help) => Line::from(vec![
                scene.say(Token::Key, text::pad(keys, KEYS.min(width / 3))),
                scene.say(
                    Token::Text,
                    text::fit(&format!(" {help}"), width - KEYS.min(width / 3) - 1),
                ),
            ]),
        };
        let x = inside.x + (column * width) as u16;
        line.render(Rect { x, y: inside.y + row as u16, width: width as u16, height: 1 }, buffer);
    }
}

enum Entry {
    Scope(&'static str),
    Action(String, &'static str),
}

fn entries(scene: &Scene<'_>) -> Vec<Entry> {
    let mut entries = Vec::new();
    for scope in Scope::ALL {
        entries.push(Entry::Scope(scope.name()));
        for row in TABLE.iter().filter(|row| row.scope == scope) {
            let keys = scene.app.settings.keymap.keys(row.action);
            let keys = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            let keys = if keys.is_empty() { super::glyphs::UNKNOWN.to_owned() } else { keys };
            entries.push(Entry::Action(keys, row.help));
        }
    }
    entries
}
