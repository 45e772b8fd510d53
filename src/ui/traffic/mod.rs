//! The screen of the simulator and of the proxy: clients with their sessions, requests with their
//! answers, advice.
//!
//! ```text
//! ┌ header ─ what runs, where, how many clients, requests, refusals, pieces of advice ┐
//! │ 1 clients and their sessions; on a wide screen with 3 on the left side            │
//! │ 2 requests, and what happens unasked                                              │
//! │ 3 advice                                                                          │
//! └ footer ─ the keys, or what there is to say ───────────────────────────────────────┘
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
    widgets::{Block, Clear, Widget as _},
};

use super::{
    context::{self, heading_of},
    glyphs, key_card, layout, paint, text,
    theme::{Theme, ThemeToken},
    title_bar,
};
use crate::{
    app::Scroll,
    traffic::{FaultPalette, RowKind, TABLE, Traffic, TrafficAction, TrafficPane, TrafficRow},
};
use cortop_sim::journal::{Advice, ClientSummary, OpenSession};

/// Minimum width for two columns.
const TWO_COLUMNS: u16 = 120;
/// Minimum and maximum width of the left column, which has to fit the widest session with all its streams.
const LEFT: [u16; 2] = [56, 68];
/// How long a notice stays.
const NOTICE: Duration = Duration::from_secs(6);
/// The maximum width at which a list of faults is still easy to read.
const WIDEST: u16 = 100;
/// Width of a time of day and a blank.
const TIME: usize = 9;
/// Minimum width of a request beside the text of a refusal.
const METHOD: usize = 14;

/// What all parts need to draw.
struct Painter<'a> {
    traffic: &'a Traffic,
    theme: &'a Theme,
    zone: &'a TimeZone,
}

/// Draws the whole screen.
pub(super) fn draw(
    traffic: &Traffic,
    theme: &Theme,
    zone: &TimeZone,
    area: Rect,
    buffer: &mut Buffer,
) {
    let painter = Painter { traffic, theme, zone };
    let Some(Parts { header, panes, footer }) = parts(traffic, area) else {
        let lines =
            paint::sentence(&layout::too_small(area), area.width, theme.style(ThemeToken::Text));
        return paint::lines(&lines, area, buffer);
    };
    paint::line(&painter.header(header.width), header, buffer);
    for (pane, area) in panes {
        painter.pane(pane, area, buffer);
    }
    paint::line(&painter.footer(footer.width), footer, buffer);
    if let Some(scroll) = &traffic.help {
        painter.help(scroll, area, buffer);
    }
    if let Some(palette) = &traffic.palette {
        painter.palette(palette, area, buffer);
    }
}

/// The parts of the screen.
struct Parts {
    header: Rect,
    /// The visible panes.
    panes: Vec<(TrafficPane, Rect)>,
    footer: Rect,
}

/// The parts, or `None` if the screen is too small for any.
fn parts(traffic: &Traffic, area: Rect) -> Option<Parts> {
    if area.width < layout::SMALLEST.0 || area.height < layout::SMALLEST.1 {
        return None;
    }
    let header = Rect { height: 1, ..area };
    let footer = Rect { y: area.bottom() - 1, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 2, ..area };
    let panes = if traffic.zoomed || body.height < 12 {
        vec![(traffic.focus, body)]
    } else if body.width >= TWO_COLUMNS {
        let upper = body.height / 2;
        let left = (body.width / 5 * 2).clamp(LEFT[0], LEFT[1]);
        let (left, right) = (
            Rect { width: left, ..body },
            Rect { x: body.x + left, width: body.width - left, ..body },
        );
        vec![
            (TrafficPane::Clients, Rect { height: upper + 1, ..left }),
            (TrafficPane::Advice, Rect { y: body.y + upper, height: body.height - upper, ..left }),
            (TrafficPane::Requests, right),
        ]
    } else {
        // Clients and advice get about a quarter each, the requests the rest.
        let part = body.height / 4;
        let clients = part.max(4);
        let advice = (part + 1).max(4);
        let middle = body.height - clients - advice;
        vec![
            (TrafficPane::Clients, Rect { height: clients + 1, ..body }),
            (TrafficPane::Requests, Rect { y: body.y + clients, height: middle + 1, ..body }),
            (TrafficPane::Advice, Rect { y: body.y + clients + middle, height: advice, ..body }),
        ]
    };
    Some(Parts { header, panes, footer })
}

impl Painter<'_> {
    fn span(&self, token: ThemeToken, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(token))
    }

    fn clock(&self, time: Timestamp) -> Span<'static> {
        self.span(ThemeToken::Dim, format!("{} ", text::time_of_day(time, self.zone)))
    }

    fn header(&self, width: u16) -> Line<'static> {
        let traffic = self.traffic;
        let there = traffic.clients.iter().filter(|own| own.until.is_none()).count();
        let requests: u64 = traffic.clients.iter().map(|own| own.requests).sum();
        let refused: u64 = traffic.clients.iter().map(|own| own.refused).sum();
        let advice = traffic.advice.len();
        let bad = |count: u64| if count > 0 { ThemeToken::Bad } else { ThemeToken::Text };
        let poor = if advice > 0 { ThemeToken::Poor } else { ThemeToken::Text };
        let settings = &traffic.settings;
        let to = if settings.about.service.is_empty() { "" } else { " to " };
        // In decreasing importance for clients; items that do not fit are omitted.
        let items = [
            (ThemeToken::Text, format!("{}{to}{}", settings.about.url, settings.about.service)),
            (poor, format!("{advice} advice")),
            (bad(refused), format!("{refused} refused")),
            (ThemeToken::Text, counted(there, "client")),
            (ThemeToken::Text, counted(requests, "request")),
        ];
        let title = format!("cortop {}", settings.about.title);
        let clock = text::time_of_day(traffic.now, self.zone);
        title_bar::line(self.theme, &title, items, &clock, width)
    }

    fn footer(&self, width: u16) -> Line<'static> {
        let traffic = self.traffic;
        if let Some((said, is_problem, at)) = &traffic.notice {
            let age = traffic.now.duration_since(*at);
            if age < SignedDuration::try_from(NOTICE).unwrap_or_default() {
                let (token, mark) = if *is_problem {
                    (ThemeToken::Bad, glyphs::PROBLEM)
                } else {
                    (ThemeToken::Text, glyphs::SELECTED)
                };
                // The keys for help and quit always stay.
                let mut hints = self
                    .hints(|action| matches!(action, TrafficAction::Help | TrafficAction::Quit));
                let room = usize::from(width).saturating_sub(hints.width() + 4);
                let said = text::pad(&text::clean(said), room);
                hints.spans.insert(0, self.span(token, format!("{mark} {said}  ")));
                return hints;
            }
        }
        self.hints(|_| true)
    }

    /// The key hints of the footer.
    fn hints(&self, has_place: impl Fn(TrafficAction) -> bool) -> Line<'static> {
        let rows = TABLE.iter().filter(|row| self.traffic.is_available(row));
        let hints = rows.filter(|row| has_place(row.action));
        let hints = hints.filter_map(|row| Some((row.keys.first()?.to_string(), row.hint?)));
        hints
            .flat_map(|(key, hint)| {
                let hint = self.span(ThemeToken::Dim, format!(" {hint}  "));
                [self.span(ThemeToken::Key, key), hint]
            })
            .collect()
    }

    fn pane(&self, pane: TrafficPane, area: Rect, buffer: &mut Buffer) {
        let traffic = self.traffic;
        let is_focused = traffic.focus == pane;
        let number = TrafficPane::ALL.iter().position(|own| *own == pane).unwrap_or_default() + 1;
        let title = match (pane, traffic.selected) {
            (TrafficPane::Clients, _) if !traffic.settings.has_faults => String::new(),
            (TrafficPane::Clients, Some(client)) if traffic.is_there(client) => {
                format!(" · faults hit client {client}")
            }
            (TrafficPane::Clients, Some(client)) => {
                format!(" · client {client} is gone: faults hit nobody")
            }
            (TrafficPane::Clients, None) => " · faults hit all".to_owned(),
            (TrafficPane::Requests, _) => behind(traffic.back[0]),
            (TrafficPane::Advice, _) => behind(traffic.back[1]),
        };
        let title = Line::from(self.span(ThemeToken::Dim, title));
        let heading = heading_of(number, pane.name());
        let inside = context::frame(self.theme, is_focused, &heading, title, area, buffer);
        let width = usize::from(inside.width);
        let lines = match pane {
            TrafficPane::Clients => self.clients(width),
            TrafficPane::Requests => self.requests(width, usize::from(inside.height)),
            TrafficPane::Advice => self.advice(width, usize::from(inside.height)),
        };
        if lines.is_empty() {
            let lines =
                paint::sentence(nothing(pane), inside.width, self.theme.style(ThemeToken::Dim));
            return paint::lines(&lines, inside, buffer);
        }
        // The end of the list is current; of the clients, the newest come first.
        let rows = usize::from(inside.height);
        let skip = if pane == TrafficPane::Clients { 0 } else { lines.len().saturating_sub(rows) };
        paint::lines(lines.get(skip..).unwrap_or_default(), inside, buffer);
        if pane == TrafficPane::Clients {
            context::mark_more(self.theme, 0, lines.len(), inside, buffer);
        }
    }

    /// The clients, connected ones first, each with its sessions.
    fn clients(&self, width: usize) -> Vec<Line<'static>> {
        let traffic = self.traffic;
        let (there, gone): (Vec<_>, Vec<_>) =
            traffic.clients.iter().rev().partition(|own| own.until.is_none());
        let mut lines = Vec::new();
        for client in there.into_iter().chain(gone) {
            lines.push(self.client(client));
            let own = traffic.sessions.iter().filter(|session| session.client == client.number);
            lines.extend(own.map(|session| self.session(session, width)));
        }
        lines
    }

    fn client(&self, client: &ClientSummary) -> Line<'static> {
        let is_there = client.until.is_none();
        let is_selected = self.traffic.selected == Some(client.number);
        let mark = if is_selected { glyphs::SELECTED } else { " " };
        let (token, state) =
            if is_there { (ThemeToken::Good, glyphs::ON) } else { (ThemeToken::Dim, glyphs::OFF) };
        let since = self
            .traffic
            .settings
            .began
            .checked_add(SignedDuration::try_from_secs_f64(client.since).unwrap_or_default());
        let age =
            since.map_or(SignedDuration::ZERO, |since| self.traffic.now.duration_since(since));
        let age = text::brief_age(age.try_into().unwrap_or_default());
        let state_text = if is_there { age } else { "gone".to_owned() };
        let mut line = Line::from(vec![
            self.span(ThemeToken::Focus, mark),
            self.span(token, format!("{state} {:<3}", client.number)),
            self.span(ThemeToken::Dim, format!("{state_text:>5}  ")),
            self.span(ThemeToken::Text, counted(client.requests, "request")),
        ]);
        if client.refused > 0 {
            line.push_span(self.span(ThemeToken::Bad, format!("  {} refused", client.refused)));
        }
        let samples: u64 = client.sent.values().sum();
        if samples > 0 {
            line.push_span(
                self.span(ThemeToken::Text, format!("  {}", counted(samples, "sample"))),
            );
        }
        if client.dropped > 0 {
            line.push_span(self.span(ThemeToken::Bad, format!("  {} dropped", client.dropped)));
        }
        line
    }

    fn session(&self, session: &OpenSession, width: usize) -> Line<'static> {
        let streams = session.streams.join(" ");
        let text = format!("       {} {}  {streams}", session.headset, session.status);
        Line::from(self.span(ThemeToken::Text, text::fit(&text::clean(&text), width)))
    }

    fn requests(&self, width: usize, rows: usize) -> Vec<Line<'static>> {
        let all = &self.traffic.rows;
        let end = all.len() - self.traffic.back[0].min(all.len());
        let mut lines = Vec::new();
        for row in all.range(..end).rev() {
            let own = self.row(row, width);
            if !lines.is_empty() && lines.len() + own.len() > rows {
                break;
            }
            lines.extend(own.into_iter().rev());
        }
        lines.reverse();
        // At the oldest row, a whole page is shown.
        for row in all.range(end..) {
            let own = self.row(row, width);
            if lines.len() + own.len() > rows {
                break;
            }
            lines.extend(own);
        }
        lines
    }

    /// A row, with further lines for what does not fit: a refusal's text, and a note.
    fn row(&self, row: &TrafficRow, width: usize) -> Vec<Line<'static>> {
        let client = match (&row.what, row.client) {
            (RowKind::Note(_), _) => String::new(),
            (_, 0) => "all".to_owned(),
            (_, client) => client.to_string(),
        };
        let client = self.span(ThemeToken::Dim, format!("{client:>3} "));
        let room = width.saturating_sub(TIME + 4 + 2);
        let mut more = Vec::new();
        let (mark, token, what, outcome, outcome_token) = match &row.what {
            RowKind::Request { method, subject, answer, times, .. } => {
                let times = if *times > 1 { format!("({times} times) ") } else { String::new() };
                let what = brief_ids(&format!("{method} {times}{subject}"));
                let (mark, token, outcome) = match answer {
                    None => (glyphs::PENDING, ThemeToken::Poor, "no answer yet".to_owned()),
                    Some((took, None)) => (glyphs::ON, ThemeToken::Good, took_text(*took)),
                    Some((took, Some(refusal))) => {
                        let took = took_text(*took);
                        let whole = format!("{} {} {took}", refusal.code, refusal.message);
                        let fits = text::cells(&whole) + 1 + text::cells(&what) <= room;
                        if !fits {
                            more = text::wrap(&text::clean(&refusal.message), room);
                        }
                        let brief = format!("{} {took}", refusal.code);
                        (glyphs::PROBLEM, ThemeToken::Bad, if fits { whole } else { brief })
                    }
                };
                let outcome_token =
                    if matches!(answer, Some((_, None))) { ThemeToken::Dim } else { token };
                (mark, token, what, outcome, outcome_token)
            }
            RowKind::Note(text) => {
                let mut parts = text::wrap(&text::clean(text), room).into_iter();
                let text = parts.next().unwrap_or_default();
                more = parts.collect();
                (glyphs::CHANGED, ThemeToken::Dim, text, String::new(), ThemeToken::Dim)
            }
            RowKind::Event(text, is_problem) => {
                let (mark, token) = if *is_problem {
                    (glyphs::PROBLEM, ThemeToken::Bad)
                } else {
                    (glyphs::CHANGED, ThemeToken::Dim)
                };
                (mark, token, brief_ids(text), String::new(), token)
            }
        };
        let outcome = text::fit(&text::clean(&outcome), room.saturating_sub(METHOD));
        let gap = usize::from(!outcome.is_empty());
        let what_room = room.saturating_sub(text::cells(&outcome) + gap);
        let what = text::pad(&text::clean(&what), what_room);
        let first = Line::from(vec![
            self.clock(row.at),
            client,
            self.span(token, format!("{mark} ")),
            self.span(ThemeToken::Text, what),
            self.span(outcome_token, format!("{}{outcome}", " ".repeat(gap))),
        ]);
        let indent = " ".repeat(width - room);
        let token = if outcome.is_empty() { ThemeToken::Text } else { outcome_token };
        let more = more.into_iter().map(|part| {
            Line::from(vec![self.span(ThemeToken::Text, indent.clone()), self.span(token, part)])
        });
        [first].into_iter().chain(more).collect()
    }

    /// The latest advice, each piece whole, as many as fit.
    fn advice(&self, width: usize, rows: usize) -> Vec<Line<'static>> {
        let all = &self.traffic.advice;
        let end = all.len() - self.traffic.back[1].min(all.len());
        let mut lines: Vec<_> = all
            .range(end.saturating_sub(rows)..end)
            .flat_map(|advice| self.piece(advice, width))
            .collect();
        for advice in all.range(end..) {
            let piece = self.piece(advice, width);
            if lines.len() + piece.len() > rows {
                break;
            }
            lines.extend(piece);
        }
        lines
    }

    fn piece(
        &self,
        (at, client, advice): &(Timestamp, u64, Advice),
        width: usize,
    ) -> Vec<Line<'static>> {
        let indent = TIME + 4;
        let place = advice.mistake.reference();
        let text = text::clean(&format!("{} (protocol.md {place})", advice.text));
        let parts = text::wrap(&text, width.saturating_sub(indent));
        let lines = parts.into_iter().enumerate().map(|(number, part)| {
            let mut line = if number == 0 {
                Line::from(vec![
                    self.clock(*at),
                    self.span(ThemeToken::Poor, format!("{client:>3} ")),
                ])
            } else {
                Line::from(" ".repeat(indent))
            };
            line.push_span(self.span(ThemeToken::Text, part));
            line
        });
        lines.collect()
    }

    fn help(&self, scroll: &Scroll, area: Rect, buffer: &mut Buffer) {
        let rows = TABLE.iter().filter(|row| self.traffic.is_available(row));
        let rows = rows.map(|row| (row.keys, row.help));
        key_card::draw(self.theme, rows, scroll, area, buffer);
    }

    fn palette(&self, palette: &FaultPalette, area: Rect, buffer: &mut Buffer) {
        let width = area.width.min(WIDEST);
        let height = area.height.saturating_sub(2).clamp(3, 24).min(area.height);
        let place = Rect {
            x: area.x + (area.width - width) / 2,
            y: area.y + (area.height - height) / 3,
            width,
            height,
        };
        Clear.render(place, buffer);
        let keys = " Enter: inject · Tab: change it first · Esc: cancel ";
        let block = Block::bordered()
            .border_style(self.theme.style(ThemeToken::Focus))
            .title(self.span(ThemeToken::Title, " faults "))
            .title_bottom(self.span(ThemeToken::Dim, keys));
        let inside = block.inner(place);
        block.render(place, buffer);
        let typed = text::clean(palette.input.text());
        let mut lines = vec![Line::from(vec![
            self.span(ThemeToken::Key, ": "),
            self.span(ThemeToken::Text, format!("{typed}_")),
        ])];
        if let Some(complaint) = &palette.complaint {
            lines.push(Line::from(self.span(ThemeToken::Bad, text::clean(complaint))));
        }
        let rows = usize::from(inside.height).saturating_sub(lines.len());
        let (all, selected) = (palette.matches(), palette.selected());
        let skip = (selected + 1).saturating_sub(rows);
        let name = usize::from(inside.width) / 2;
        for (at, (example, what)) in all.iter().enumerate().skip(skip).take(rows) {
            let (mark, token) = if at == selected {
                (glyphs::SELECTED, ThemeToken::Key)
            } else {
                (" ", ThemeToken::Text)
            };
            let front = text::pad(&format!("{mark}{example}"), name);
            let room = usize::from(inside.width).saturating_sub(name + 1);
            lines.push(Line::from(vec![
                self.span(token, front),
                self.span(ThemeToken::Dim, format!(" {}", text::fit(what, room))),
            ]));
        }
        paint::lines(&lines, inside, buffer);
    }
}

/// Shortens the ids of sessions and records to their distinguishing part: whole ones would take half a row.
fn brief_ids(text: &str) -> String {
    let is_id =
        |word: &str| word.len() == 36 && word.bytes().filter(|own| *own == b'-').count() == 4;
    let word = |word| if is_id(word) { text::fit_id(word, 9) } else { word.to_owned() };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// How many rows the view is scrolled back.
fn behind(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!(" · {rows} newer below, end follows") }
}

/// The text for an empty pane.
fn nothing(pane: TrafficPane) -> &'static str {
    match pane {
        TrafficPane::Clients => "no client yet: connect one to the address above",
        TrafficPane::Requests => "no request yet",
        TrafficPane::Advice => "no advice: no mistake was seen",
    }
}

fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// How long an answer took.
fn took_text(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.1} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

#[cfg(test)]
mod tests;
