//! Pane 4: the log, and on demand the list of its targets with what is captured and shown of each.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use tracing::Level;

use super::{
    glyphs,
    scene::{self, Scene},
    text,
    theme::Token,
};
use crate::app::{LogLine, Pane, TARGETS};

/// Width from which on each line names its target.
const WITH_TARGET: u16 = 80;
/// Width of the list of targets.
const LIST: u16 = 34;
/// Width of a time of day, and of a level.
const CLOCK: usize = 9;
const LEVEL: usize = 6;

pub(super) fn draw(scene: &Scene<'_>, area: Rect, buffer: &mut Buffer) {
    let log = &scene.app.log;
    let mut title = Line::default();
    let mut add = |text: String| title.push_span(scene.say(Token::Dim, text));
    if !log.filter.is_empty() {
        add(format!(" only \"{}\"", text::clean(&log.filter)));
    }
    if log.only {
        add(format!(" only {}", TARGETS[log.selected].0));
    }
    if log.last.is_some() {
        add(" older lines".to_owned());
    }
    let mut inside = scene.pane(Pane::Log, title, area, buffer);
    if log.lists_targets {
        let list = Rect { width: LIST.min(inside.width / 2), ..inside };
        scene::lines(&targets(scene), list, buffer);
        inside = Rect { x: list.right(), width: inside.width - list.width, ..inside };
    }
    let rows = usize::from(inside.height);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut count = 0;
    // From the newest up, until the pane is full.
    for line in log.lines(rows) {
        let wrapped = self::line(scene, &line, inside.width, area.width >= WITH_TARGET);
        if count > 0 && lines.len() + wrapped.len() > rows {
            break;
        }
        count += 1;
        lines.extend(wrapped.into_iter().rev());
    }
    log.drew(count);
    lines.truncate(rows);
    lines.reverse();
    scene::lines(&lines, inside, buffer);
}

/// A line of the log over as many rows as it needs.
fn line(scene: &Scene<'_>, line: &LogLine, width: u16, with_target: bool) -> Vec<Line<'static>> {
    let token = match line.level {
        Level::ERROR => Token::Bad,
        Level::WARN => Token::Poor,
        Level::INFO => Token::Text,
        _ => Token::Dim,
    };
    let target =
        if with_target { format!("{:<10}", TARGETS[line.target].0) } else { String::new() };
    let front = format!("{:<CLOCK$}{:<LEVEL$}{target}", scene.clock(line.at), line.level.as_str());
    let indent = front.chars().count();
    let fronts = std::iter::once(front).chain(std::iter::repeat(" ".repeat(indent)));
    let parts = text::wrap(&text::clean(&line.text), usize::from(width).saturating_sub(indent));
    fronts
        .zip(parts)
        .map(|(front, part)| Line::from(vec![scene.say(Token::Dim, front), scene.say(token, part)]))
        .collect()
}

/// The targets with the levels up to which each is captured and shown.
fn targets(scene: &Scene<'_>) -> Vec<Line<'static>> {
    let log = &scene.app.log;
    let head = Line::from(scene.say(Token::Dim, "  target    captured shown".to_owned()));
    let rows = TARGETS.iter().enumerate().map(|(at, (name, _))| {
        let selected = at == log.selected;
        let mark = if selected { glyphs::SELECTED } else { " " };
        let token = if selected { Token::Selection } else { Token::Text };
        let levels = format!("{:<8} {}", log.captured(at).to_string(), log.shown[at]);
        Line::from(vec![
            Span::raw(format!("{mark} ")),
            scene.say(token, format!("{name:<10}")),
            scene.say(Token::Dim, levels),
        ])
    });
    std::iter::once(head).chain(rows).collect()
}
