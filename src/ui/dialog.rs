//! What is asked of the user, in a box over the panes.

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
use crate::app::dialog::{Ask, Dialog, Entry, Form, Item, Pick, TextLine, Value};

/// The widest that is still read well.
const WIDEST: u16 = 76;
/// Rows of a list.
const ROWS: usize = 16;
/// Cells for the label of an entry, and for the text of an item at most.
const LABEL: usize = 14;
const ITEM: usize = 34;

pub(super) fn draw(scene: &Scene<'_>, dialog: &Dialog, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(WIDEST);
    let inside = usize::from(width.saturating_sub(4));
    let (title, lines, keys) = match dialog {
        Dialog::Ask(ask) => (ask.title.clone(), question(scene, ask, inside), answers(ask)),
        Dialog::Form(form) => (
            form.title.clone(),
            entries(scene, form, inside),
            "Enter done · Tab next · Esc cancels".to_owned(),
        ),
        Dialog::Pick(pick) => {
            let rows = ROWS.min(usize::from(area.height).saturating_sub(4)).max(1);
            let lines = list(scene, pick, inside, rows);
            (pick.list.title().to_owned(), lines, "Enter does it · Esc closes".to_owned())
        }
    };
    let height = scene::cells(lines.len() + 2).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    };
    Clear.render(place, buffer);
    let block = Block::bordered()
        .style(scene.style(Token::Text))
        .border_style(scene.style(Token::Focus))
        .title(scene.say(Token::Title, format!(" {title} ")))
        .title_bottom(scene.say(Token::Dim, format!(" {keys} ")));
    let inner = block.inner(place);
    block.render(place, buffer);
    let inner = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    scene::lines(&lines, inner, buffer);
}

fn question(scene: &Scene<'_>, ask: &Ask, width: usize) -> Vec<Line<'static>> {
    let width = scene::cells(width);
    let sentences = ask.lines.iter();
    let mut lines: Vec<_> =
        sentences.flat_map(|line| scene::sentence(line, width, scene.style(Token::Text))).collect();
    if let Some((word, typed)) = &ask.word {
        lines.push(Line::default());
        let label = format!("type {word}: ");
        let room = usize::from(width).saturating_sub(label.chars().count());
        let mut line = Line::from(scene.say(Token::Key, label));
        line.extend(field(scene, typed, room, true));
        lines.push(line);
    }
    lines
}

fn answers(ask: &Ask) -> String {
    match ask.word {
        Some(_) => format!("Enter {} · Esc cancels", ask.yes),
        None => format!("y {} · n or Esc cancels", ask.yes),
    }
}

fn entries(scene: &Scene<'_>, form: &Form, width: usize) -> Vec<Line<'static>> {
    let room = width.saturating_sub(LABEL + 2);
    let notes = form.notes.iter();
    let mut lines: Vec<_> = notes
        .flat_map(|note| scene::sentence(note, scene::cells(width), scene.style(Token::Text)))
        .collect();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    let entries = form.entries.iter().enumerate();
    lines.extend(entries.map(|(at, entry)| self::entry(scene, entry, at == form.at, room)));
    lines.push(Line::default());
    let (token, says) = match &form.complaint {
        Some((_, complaint)) => (Token::Bad, format!("{} {complaint}", glyphs::PROBLEM)),
        None => (Token::Dim, form.entries.get(form.at).map_or("", |entry| entry.help).to_owned()),
    };
    lines.extend(scene::sentence(&says, scene::cells(width), scene.style(token)));
    lines
}

fn entry(scene: &Scene<'_>, entry: &Entry, here: bool, room: usize) -> Line<'static> {
    let mark = if here { glyphs::SELECTED } else { " " };
    let token = if here { Token::Key } else { Token::Text };
    let mut line =
        Line::from(scene.say(token, text::pad(&format!("{mark}{}", entry.label), LABEL)));
    line.push_span(Span::raw(" "));
    match &entry.value {
        Value::Text(typed) => line.extend(field(scene, typed, room, here)),
        Value::Choice { options, at } => {
            for (place, option) in options.iter().enumerate() {
                let chosen = place == *at;
                let shown = if chosen { format!("[{option}]") } else { format!(" {option} ") };
                let token = if chosen { Token::Text } else { Token::Dim };
                line.push_span(scene.wire(token, &shown));
            }
        }
    }
    line
}

fn list(scene: &Scene<'_>, pick: &Pick, width: usize, rows: usize) -> Vec<Line<'static>> {
    let items = scene.app.items(&pick.list);
    let matching = pick.matching(&items);
    let mut lines = Vec::with_capacity(rows + 1);
    if let Some(typed) = &pick.filter {
        let mut line = Line::from(scene.say(Token::Key, ":"));
        line.extend(field(scene, typed, width.saturating_sub(1), true));
        lines.push(line);
    }
    if matching.is_empty() {
        lines.push(Line::from(scene.say(Token::Dim, pick.list.empty())));
    }
    let selected = pick.selected.min(matching.len().saturating_sub(1));
    // The selected one stays in sight, and the list as still as it can.
    let first = (selected + 1).saturating_sub(rows);
    let longest = matching.iter().map(|item| item.text.chars().count()).max().unwrap_or_default();
    let text = longest.min(ITEM) + 1;
    for (at, item) in matching.iter().enumerate().skip(first).take(rows) {
        lines.push(self::item(scene, item, at == selected, text, width));
    }
    if pick.filter.is_some() {
        // The box keeps its size while the list gets shorter.
        lines.resize_with(lines.len().max(rows.min(items.len()) + 1), Line::default);
    }
    lines
}

fn item(scene: &Scene<'_>, item: &Item, here: bool, text: usize, width: usize) -> Line<'static> {
    let mark = match (here, item.on) {
        (true, None) => format!("{} ", glyphs::SELECTED),
        (false, None) => "  ".to_owned(),
        (here, Some(on)) => {
            let mark = if here { glyphs::SELECTED } else { " " };
            format!("{mark} [{}] ", if on { 'x' } else { ' ' })
        }
    };
    let used = mark.chars().count() + text;
    let token = if here { Token::Selection } else { Token::Text };
    let note = text::fit(&text::clean(&item.note), width.saturating_sub(used));
    Line::from(vec![
        scene.say(Token::Key, mark),
        scene.say(token, text::pad(&text::fit(&text::clean(&item.text), text - 1), text)),
        scene.say(Token::Dim, note),
    ])
}

/// A line being typed, with its cursor where keys mean it.
fn field(scene: &Scene<'_>, typed: &TextLine, width: usize, here: bool) -> Vec<Span<'static>> {
    let (cursor, hidden) = typed.cursor(width.saturating_sub(1));
    let text = text::clean(typed.text());
    let mut before = String::new();
    let (mut under, mut after) = (' ', String::new());
    let mut used = 0;
    for char in text.chars() {
        match () {
            () if used < hidden => {}
            () if used < cursor => before.push(char),
            () if used == cursor => under = char,
            () => after.push(char),
        }
        used += text::width(char);
    }
    if !here {
        return vec![scene.say(Token::Text, text::fit(&text, width))];
    }
    let room = width.saturating_sub(cursor - hidden + 1);
    vec![
        scene.say(Token::Text, before),
        scene.say(Token::Selection, under),
        scene.say(Token::Text, text::fit(&after, room)),
    ]
}
