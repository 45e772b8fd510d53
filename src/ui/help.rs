//! The help overlay: all actions with the keys in force, from the one table, and the meaning of the marks in
//! the picture, on as many pages as needed; typing narrows it.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::Line,
    widgets::{Block, Clear, Widget},
};

use super::{
    context::RenderContext, glyphs, paint, streams::levels::level_word, text, theme::ThemeToken,
};
use crate::app::{Action, Binding, HelpPane, Key, Pane, section_name, sections};

/// Width of the keys, and minimum width of a column.
const KEYS: usize = 9;
const COLUMN: usize = 30;

pub(super) fn draw(ctx: &RenderContext<'_>, open: &HelpPane, area: Rect, buffer: &mut Buffer) {
    Clear.render(area, buffer);
    let block = Block::bordered().border_style(ctx.style(ThemeToken::Focus));
    let inside = block.inner(area);
    let most = (usize::from(inside.width) / COLUMN).max(1);
    let laid = |columns: usize| {
        let width = usize::from(inside.width) / columns;
        let lines = entries(ctx, open, width);
        (lines, width, columns * usize::from(inside.height).max(1))
    };
    let fits = (1..=most).map(laid).find(|(lines, _, room)| lines.len() <= *room);
    let (lines, width, room) = fits.unwrap_or_else(|| laid(most));
    let pages = lines.len().div_ceil(room).max(1);
    let page = open.page % pages;
    let place = page + 1;
    let turns = if place == pages { "first" } else { "next" };
    let abouts = match pages {
        1 => vec![" keys ".to_owned()],
        _ => vec![
            format!(" keys · page {place} of {pages} · pagedown: {turns} page "),
            format!(" keys {place}/{pages} · pagedown "),
            format!(" keys {place}/{pages} "),
        ],
    };
    let filter = match open.filter.text() {
        "" => " type to search ".to_owned(),
        typed => format!(" search: {} ", text::clean(typed)),
    };
    let closes = match ctx.app.settings.keymap.keys(Action::Help) {
        [key, ..] => format!(" {key} or Esc closes "),
        [] => " Esc closes ".to_owned(),
    };
    let beside = usize::from(inside.width).saturating_sub(text::cells(&filter));
    let about = abouts.iter().find(|about| text::cells(about) <= beside).or(abouts.last());
    let about = about.cloned().unwrap_or_default();
    let searches = Line::from(ctx.span(ThemeToken::Key, filter)).right_aligned();
    block.title(about).title(searches).title_bottom(closes).render(area, buffer);
    if lines.is_empty() {
        let nothing = "no key does that; backspace widens the search";
        let lines = paint::sentence(nothing, inside.width, ctx.style(ThemeToken::Dim));
        return paint::lines(&lines, inside, buffer);
    }
    let shown = lines.get(page * room..).unwrap_or_default();
    paint::columns(shown, paint::cells(width), inside, buffer);
}

/// The meanings of the glyphs; those with the same meaning are grouped.
#[must_use]
pub fn legend() -> Vec<(String, &'static str)> {
    let marks = |marks: &[char]| marks.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    vec![
        (
            [4.0, 3.0, 2.0, 1.0, 0.0].map(|level| level_word(Some(level)).1).join(" "),
            "contact: good, fair, poor, very bad, none",
        ),
        (
            [glyphs::ON, glyphs::PENDING, glyphs::OFF].join(" "),
            "connected or running; on its way; there, but not connected",
        ),
        (glyphs::PROBLEM.to_owned(), "something is wrong"),
        (glyphs::SELECTED.to_owned(), "selected"),
        ([glyphs::FOLDED, glyphs::UNFOLDED].join(" "), "a field that can be unfolded; folded"),
        ([glyphs::MORE_ABOVE, glyphs::MORE_BELOW].join(" "), "there is more above; below"),
        (glyphs::ABOUT.to_owned(), "not known exactly"),
        (glyphs::UNKNOWN.to_owned(), "unknown"),
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
        (marks(&[glyphs::MARKER]), "marker; before a field: it changed in the last seconds"),
        (glyphs::HEIGHT.to_owned(), "the height of a row in µV"),
        (glyphs::STRETCH.join(" "), "a stretch of time"),
        (marks(&[glyphs::CURSOR, glyphs::SECOND_CURSOR]), "cursor; second cursor"),
        (marks(&[glyphs::CURSOR_LINE]), "at the cursor"),
        (marks(&[glyphs::MARKER_LINE]), "at a marker; the limit of a band"),
        (marks(&[glyphs::CLOCK_AHEAD, glyphs::CLOCK_BACK]), "the times jumped ahead; back"),
    ]
}

/// Further notes on the picture: its polarity, and the effect of its filters.
fn notes() -> [(String, &'static str); 2] {
    [
        ("up".to_owned(), "positive"),
        (
            "filters".to_owned(),
            "high-pass and low-pass are 2nd-order Butterworth, the notch is of 2nd order and 2 Hz \
             wide; all are causal, so slow waves come late: with 0.5–45 Hz by 134 ms at 1 Hz, by \
             4 ms at 10 Hz",
        ),
    ]
}

/// A section of the help.
struct Section {
    title: String,
    rows: Vec<(String, String)>,
}

/// In the order in which users look: keys with an effect in the focused pane and its view, global keys, keys
/// of other views and panes, and the marks last.
fn sections_for(ctx: &RenderContext<'_>, open: &HelpPane) -> Vec<Section> {
    let app = ctx.app;
    let rows_of = |pane: Option<Pane>, fits: &dyn Fn(&Binding) -> bool| {
        let rows = app.settings.keymap.rows();
        let own = rows.filter(|(row, keys)| {
            // A view without any key is reached with the key that steps through all views.
            let has_key = !row.keys.is_empty() || !keys.is_empty();
            row.pane == pane && has_key && fits(row) && open.finds(row, keys)
        });
        own.map(|(row, keys)| (spelled(keys), row.help.to_owned())).collect()
    };
    let focus = Some(app.focus);
    let view = match app.focus {
        Pane::Streams => format!("streams: {}", app.streams.shown.name),
        Pane::Headsets if app.shows_overview() => "headsets: overview".to_owned(),
        pane => pane.name().to_owned(),
    };
    let mut found = vec![
        Section { title: view, rows: rows_of(focus, &|row| app.is_available(row)) },
        Section {
            title: section_name(None).to_owned(),
            rows: rows_of(None, &|row| !row.action.is_of_playback()),
        },
        Section {
            title: format!("{}: not at the moment", section_name(focus)),
            rows: rows_of(focus, &|row| !app.is_available(row)),
        },
    ];
    let others = sections().filter(|pane| ![focus, None].contains(pane));
    found.extend(others.map(|pane| Section {
        title: section_name(pane).to_owned(),
        rows: rows_of(pane, &|_| true),
    }));
    let playing = rows_of(None, &|row| row.action.is_of_playback());
    let playing = Section { title: "in a capture".to_owned(), rows: playing };
    let place = if app.playback.is_some() { 1 } else { found.len() };
    found.insert(place, playing);
    let notes = legend().into_iter().chain(notes()).map(|(mark, text)| (mark, text.to_owned()));
    let notes = notes
        .filter(|(marks, text)| open.matches(text, |word| marks.split(' ').any(|own| own == word)));
    found.push(Section { title: "in the picture".to_owned(), rows: notes.collect() });
    found.retain(|section| !section.rows.is_empty());
    found
}

fn entries(ctx: &RenderContext<'_>, open: &HelpPane, width: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for section in sections_for(ctx, open) {
        lines.push(Line::from(ctx.span(ThemeToken::Title, section.title)));
        for (front, text) in section.rows {
            let parts = text::wrap(&text, width.saturating_sub(KEYS + 2));
            for (at, part) in parts.into_iter().enumerate() {
                let front = if at == 0 { &front[..] } else { "" };
                lines.push(Line::from(vec![
                    ctx.span(ThemeToken::Key, text::pad(front, KEYS)),
                    ctx.span(ThemeToken::Text, format!(" {part}")),
                ]));
            }
        }
    }
    lines
}

/// Keys in few characters; several become a range.
fn spelled(keys: &[Key]) -> String {
    match keys {
        [] => glyphs::UNKNOWN.to_owned(),
        [first, _, _, .., last] => format!("{first}…{last}"),
        keys => keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_has_a_meaning() {
        let source = include_str!("glyphs.rs");
        let named = source.lines().filter_map(|line| {
            let (_, value) = line.strip_prefix("pub(super) const ")?.split_once(" = ")?;
            let glyph = value.trim_end_matches(';').trim_matches(['"', '\'']);
            // Arrays hold levels and shades, and blanks are separators.
            (!value.starts_with('[') && !glyph.contains(' ')).then_some(glyph)
        });
        let named: Vec<_> = named.collect();
        assert!(named.len() > 20, "{named:?}");
        let legend: String = legend().into_iter().map(|(marks, _)| marks + " ").collect();
        for glyph in named {
            assert!(legend.split(' ').any(|own| own == glyph), "{glyph} is not in the legend");
        }
    }
}
