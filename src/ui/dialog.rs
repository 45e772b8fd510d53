//! Draws the open dialog in a box over the panes.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget},
};

use super::{context::RenderContext, glyphs, paint, text, theme::ThemeToken};
use crate::app::{
    MouseTarget,
    dialog::{
        Confirm, Dialog, DialogAction, FieldValue, Form, FormField, FormKind, Menu, MenuItem,
        Select, TextInput,
    },
};

/// The maximum width at which lines are still easy to read.
const WIDEST: u16 = 76;
/// Maximum rows of a list.
const ROWS: usize = 16;
/// Width of a field's label, and maximum width of an item's text.
const LABEL: usize = 14;
const ITEM: usize = 34;

/// The content of a dialog.
struct DialogBody {
    title: String,
    /// The input line above a list.
    head: Option<Line<'static>>,
    lines: Vec<Line<'static>>,
    /// Below: the full text of the selected line, if that did not fit.
    foot: Vec<Line<'static>>,
    /// The line that stays visible if not all fit.
    here: usize,
    /// The number of lines above the entries that can be clicked, and the rows of each entry.
    above: usize,
    entries: Vec<usize>,
    /// The preferred number of rows for the lines.
    rows: usize,
    /// Its keys.
    keys: String,
}

pub(super) fn draw(ctx: &RenderContext<'_>, dialog: &Dialog, area: Rect, buffer: &mut Buffer) {
    let width = area.width.min(WIDEST);
    let inside = usize::from(width.saturating_sub(4));
    let body = match dialog {
        Dialog::Confirm(confirm) => question(ctx, confirm, inside),
        Dialog::Form(form) => fields(ctx, form, inside),
        Dialog::Select(select) => list(ctx, select, inside),
    };
    let head = paint::cells(usize::from(body.head.is_some()));
    let foot = paint::cells(body.foot.len());
    let height = (paint::cells(body.rows) + head + foot + 2).min(area.height);
    let place = Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 3,
        width,
        height,
    };
    Clear.render(place, buffer);
    let room = inside.saturating_sub(2);
    let block =
        Block::bordered()
            .style(ctx.style(ThemeToken::Text))
            .border_style(ctx.style(ThemeToken::Focus))
            .title(ctx.span(
                ThemeToken::Title,
                format!(" {} ", text::fit(&text::clean(&body.title), room)),
            ))
            .title_bottom(ctx.span(ThemeToken::Dim, format!(" {} ", body.keys)));
    let inner = block.inner(place);
    block.render(place, buffer);
    let edge = Rect { x: inner.x + 1, width: inner.width.saturating_sub(1), ..inner };
    paint::lines(body.head.as_slice(), edge, buffer);
    let height = edge.height.saturating_sub(head + foot).max(1).min(edge.height);
    let edge = Rect { y: edge.y + head, height, ..edge };
    // In a list the selected line is the last visible one; otherwise show as much of the end as fits.
    let rows = usize::from(edge.height);
    let skip = match dialog {
        Dialog::Select(_) => (body.here + 1).saturating_sub(rows),
        Dialog::Confirm(_) | Dialog::Form(_) => {
            body.lines.len().saturating_sub(rows).min(body.here)
        }
    };
    let inner = Rect { width: edge.width.saturating_sub(1), ..edge };
    paint::lines(body.lines.get(skip..).unwrap_or_default(), inner, buffer);
    let entries = body.entries.iter().copied().zip((0..).map(MouseTarget::DialogEntry));
    ctx.hit_rows(inner, skip, std::iter::once((body.above, MouseTarget::Dialog)).chain(entries));
    ctx.mark_more(skip, body.lines.len(), edge, buffer);
    let below = Rect { y: inner.bottom(), height: foot, ..inner };
    let inside = Rect { height: place.height.saturating_sub(1), ..place };
    paint::lines(&body.foot, below.intersection(inside), buffer);
}

fn question(ctx: &RenderContext<'_>, confirm: &Confirm, width: usize) -> DialogBody {
    let width = paint::cells(width);
    let sentences = confirm.lines().iter();
    let lines: Vec<_> = sentences
        .flat_map(|line| paint::sentence(line, width, ctx.style(ThemeToken::Text)))
        .collect();
    let (title, here, rows) = (confirm.title().to_owned(), lines.len(), lines.len());
    let keys = format!("y: {} · n or Esc: cancel", confirm.yes());
    let (above, entries) = (0, Vec::new());
    DialogBody { title, head: None, lines, foot: Vec::new(), here, above, entries, rows, keys }
}

fn fields(ctx: &RenderContext<'_>, form: &Form, width: usize) -> DialogBody {
    let room = width.saturating_sub(LABEL + 2);
    let notes = form.notes().iter();
    let mut lines: Vec<_> = notes
        .flat_map(|note| paint::sentence(note, paint::cells(width), ctx.style(ThemeToken::Text)))
        .collect();
    if !lines.is_empty() {
        lines.push(Line::default());
    }
    let (above, entries) = (lines.len(), vec![1; form.fields().len()]);
    let here = above + form.selected();
    let fields = form.fields().iter().enumerate();
    lines.extend(fields.map(|(at, entry)| self::entry(ctx, entry, at == form.selected(), room)));
    lines.push(Line::default());
    let (token, says) = match form.complaint() {
        Some(complaint) => (ThemeToken::Bad, format!("{} {complaint}", glyphs::PROBLEM)),
        None => (
            ThemeToken::Dim,
            form.fields().get(form.selected()).map_or("", |entry| entry.help).to_owned(),
        ),
    };
    lines.extend(paint::sentence(&says, paint::cells(width), ctx.style(token)));
    let verb = verb(form.kind());
    let short = format!("Enter: {verb} · Esc: cancel");
    let whole = format!("Enter: {verb} · Tab: next · Esc: cancel");
    let keys = if form.fields().len() > 1 && text::cells(&whole) <= width { whole } else { short };
    let (title, rows) = (form.title().to_owned(), lines.len());
    DialogBody { title, head: None, lines, foot: Vec::new(), here, above, entries, rows, keys }
}

/// The verb for submitting a form.
const fn verb(kind: &FormKind) -> &'static str {
    match kind {
        FormKind::StartRecord(_) => "start",
        FormKind::RecordFiles { .. } => "record",
        FormKind::ChangeRecord(_) => "save",
        FormKind::DeleteRecord(_) => "delete",
        FormKind::ExportRecord(_) => "export",
        FormKind::NameHeadset(_) => "rename",
        FormKind::Debit(_) => "activate",
        FormKind::FilterLog => "filter",
        FormKind::Capture => "capture",
        FormKind::GoTo { .. } => "go",
        FormKind::NoRecord => "start a record",
        FormKind::Mark { .. } => "set",
    }
}

fn entry(ctx: &RenderContext<'_>, entry: &FormField, here: bool, room: usize) -> Line<'static> {
    let mark = if here { glyphs::SELECTED } else { " " };
    let token = if here { ThemeToken::Key } else { ThemeToken::Text };
    let mut line = Line::from(ctx.span(token, text::pad(&format!("{mark}{}", entry.label), LABEL)));
    line.push_span(Span::raw(" "));
    match &entry.value {
        FieldValue::Text(typed) => line.extend(field(ctx, typed, room, here)),
        FieldValue::OneOf { options, at }
            if options.iter().map(|o| text::cells(o) + 2).sum::<usize>() > room =>
        {
            let place = format!(" {} of {}", at + 1, options.len());
            line.push_span(ctx.sanitized(ThemeToken::Text, &format!("[{}]", entry.filled())));
            line.push_span(ctx.span(ThemeToken::Dim, place));
        }
        FieldValue::OneOf { options, at } => {
            for (place, option) in options.iter().enumerate() {
                let chosen = place == *at;
                let shown = if chosen { format!("[{option}]") } else { format!(" {option} ") };
                let token = if chosen { ThemeToken::Text } else { ThemeToken::Dim };
                line.push_span(ctx.sanitized(token, &shown));
            }
        }
    }
    line
}

fn list(ctx: &RenderContext<'_>, select: &Select, width: usize) -> DialogBody {
    let items = ctx.app.items(select.menu());
    let all = items.len();
    let matching = select.matching(&items);
    let head = select.filter().map(|typed| {
        let mut line = Line::from(ctx.span(ThemeToken::Key, ":"));
        line.extend(field(ctx, typed, width.saturating_sub(1), true));
        line
    });
    let selected = select.selected(&matching);
    let longest = matching.iter().map(|item| text::cells(&item.text)).max().unwrap_or_default();
    let text = longest.min(ITEM) + 2;
    let items = matching.iter().enumerate();
    let items: Vec<_> =
        items.map(|(at, item)| self::item(ctx, item, selected == Some(at), text, width)).collect();
    let end: usize = items.iter().take(selected.unwrap_or_default() + 1).map(Vec::len).sum();
    let here = end.saturating_sub(1);
    let entries = items.iter().map(Vec::len).collect();
    let mut lines = items.concat();
    if lines.is_empty() {
        // Whether there is none, or the list is still to come.
        let is_listed = match select.menu() {
            Menu::Profiles(_) => ctx.app.profiles.stored.is_some(),
            Menu::Records => ctx.app.records.stored.is_some(),
            _ => true,
        };
        let empty = if is_listed { select.menu().empty() } else { "Cortex has not answered yet" };
        lines = paint::sentence(empty, paint::cells(width), ctx.style(ThemeToken::Dim));
    }
    let chosen = selected.and_then(|at| matching.get(at));
    let cut = chosen.filter(|item| {
        let fits = informs(item) || text::cells(&item.note) <= note_room(item, text, width);
        select.filter().is_none() && !fits
    });
    let foot = cut.map_or_else(Vec::new, |item| {
        let note = paint::sentence(&item.note, paint::cells(width), ctx.style(ThemeToken::Text));
        std::iter::once(Line::default()).chain(note).collect()
    });
    let rows = match select.filter() {
        // The box keeps its size while the list is narrowed.
        Some(_) => all.max(lines.len()),
        None => lines.len(),
    };
    let leads = chosen.is_some_and(|item| !informs(item));
    let keys = if leads { "Enter: choose · Esc: close" } else { "Esc: close" }.to_owned();
    let (title, rows) = (select.menu().title(), rows.min(ROWS));
    DialogBody { title, head, lines, foot, here, above: 0, entries, rows, keys }
}

/// Whether an item is informational only: choosing it does nothing.
fn informs(item: &MenuItem) -> bool {
    item.action == DialogAction::Effects(Vec::new())
}

/// An item as one line, or wrapped to all of its lines if it is there to be read.
fn item(
    ctx: &RenderContext<'_>,
    item: &MenuItem,
    here: bool,
    text: usize,
    width: usize,
) -> Vec<Line<'static>> {
    let mark = match (here, item.on) {
        (true, None) => format!("{} ", glyphs::SELECTED),
        (false, None) => "  ".to_owned(),
        (here, Some(on)) => {
            let mark = if here { glyphs::SELECTED } else { " " };
            format!("{mark} [{}] ", if on { 'x' } else { ' ' })
        }
    };
    let token = if here { ThemeToken::Selection } else { ThemeToken::Text };
    let (note, room) = (text::clean(&item.note), note_room(item, text, width));
    let notes = if informs(item) { text::wrap(&note, room) } else { vec![text::fit(&note, room)] };
    let label = text::fit(&text::clean(&item.text), text.saturating_sub(2));
    let blank = " ".repeat(text::cells(&mark) + text);
    let first = vec![ctx.span(ThemeToken::Key, mark), ctx.span(token, text::pad(&label, text))];
    let rest = std::iter::repeat(vec![Span::raw(blank)]);
    let fronts = std::iter::once(first).chain(rest);
    let line = |(mut front, note): (Vec<Span<'static>>, String)| {
        front.push(ctx.span(ThemeToken::Dim, note));
        Line::from(front)
    };
    fronts.zip(notes).map(line).collect()
}

/// Width left for an item's note beside its mark and text.
fn note_room(item: &MenuItem, text: usize, width: usize) -> usize {
    let mark = if item.on.is_some() { 6 } else { 2 };
    width.saturating_sub(mark + text)
}

/// An input line, with its cursor if it has the keys.
fn field(
    ctx: &RenderContext<'_>,
    typed: &TextInput,
    width: usize,
    here: bool,
) -> Vec<Span<'static>> {
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
        return vec![ctx.span(ThemeToken::Text, text::fit(&text, width))];
    }
    let room = width.saturating_sub(cursor - hidden + 1);
    if typed.is_proposed() {
        return vec![ctx.span(ThemeToken::Selection, text::fit(&text, width))];
    }
    vec![
        ctx.span(ThemeToken::Text, before),
        ctx.span(ThemeToken::Selection, under),
        ctx.span(ThemeToken::Text, text::fit(&after, room)),
    ]
}
