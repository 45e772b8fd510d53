//! Training events (`sys`), newest first.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use crate::ui::{
    scene::{self, Scene},
    theme::Token,
};

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let events = &scene.app.picture().readings.sys;
    if events.is_empty() {
        let text =
            "No event yet: they come while a mental command or facial expression is trained.";
        return scene::lines(
            &scene::sentence(text, area.width, scene.style(Token::Dim)),
            area,
            buffer,
        );
    }
    let lines: Vec<_> = events
        .iter()
        .rev()
        .map(|event| {
            Line::from(vec![
                scene.say(Token::Dim, format!("{}  ", scene.clock_at(event.received))),
                scene.wire(Token::Text, &event.texts.join("  ")),
            ])
        })
        .collect();
    scene::lines(&lines, area, buffer);
    scene::more(scene, 0, lines.len(), area, buffer);
}
