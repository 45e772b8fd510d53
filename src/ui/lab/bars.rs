//! The first and the last line of the screen.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::text::Line;

use super::LabPainter;
use crate::{
    lab::{BrokerLink, LabInput, TABLE, counted, stations},
    ui::{glyphs, text, theme::ThemeToken, title_bar},
};
use cortop_mqtt::{
    book::StationPresence,
    payload::{BadLabel, LONGEST_LABEL},
};

const TITLE: &str = "cortop lab";
/// Width of the time of day and a blank, in cells.
const CLOCK: usize = 9;
/// How long a notice is shown.
const NOTICE: Duration = Duration::from_secs(6);

impl LabPainter<'_> {
    pub(super) fn header(&self, width: u16) -> Line<'static> {
        let lab = self.lab;
        let book_stations = lab.book.stations();
        let count = |is: fn(StationPresence) -> bool| {
            book_stations.values().filter(|own| is(own.presence(lab.now.instant))).count()
        };
        let heard = count(|presence| presence == StationPresence::Live);
        let gone = count(|presence| matches!(presence, StationPresence::Gone(_)));
        let silent = count(|presence| matches!(presence, StationPresence::Silent(_)));
        let awaited = count(|presence| presence == StationPresence::Unconfirmed);
        let headsets: usize = book_stations.values().map(|own| own.headsets().count()).sum();
        let (beyond, beyond_headsets) = lab.book.beyond();
        let (malformed, _) = lab.book.malformed();
        let is_connected = lab.link == BrokerLink::Connected;
        let heard = format!("{heard}/{} stations", book_stations.len());
        let broker = match &lab.link {
            BrokerLink::Connecting => (ThemeToken::Poor, "◐ connecting".to_owned()),
            BrokerLink::Connected => (ThemeToken::Good, "● connected".to_owned()),
            BrokerLink::Lost(why, until) => {
                let left = until.saturating_duration_since(lab.now.instant).as_secs();
                let broker = format!("✖ again in {left} s: {why}");
                // Leave room for at least the number of stations and the time.
                let others = [TITLE, glyphs::SEPARATOR, glyphs::SEPARATOR, &heard];
                let others: usize = others.into_iter().map(text::cells).sum();
                let room = usize::from(width).saturating_sub(others + CLOCK);
                (ThemeToken::Bad, text::fit(&text::clean(&broker), room))
            }
        };
        let bad = |count: u64, what: &str| {
            let text = if count > 0 { format!("{count} {what}") } else { String::new() };
            (ThemeToken::Bad, text)
        };
        // Items that do not fit are left out.
        let items = [
            broker,
            (ThemeToken::Text, heard),
            bad(gone as u64, "gone"),
            bad(silent as u64, "silent"),
            (
                ThemeToken::Stale,
                if is_connected && awaited > 0 {
                    format!("{awaited} {}", self.unconfirmed())
                } else {
                    String::new()
                },
            ),
            (ThemeToken::Text, counted(headsets, "headset")),
            bad(beyond as u64, "stations more"),
            bad(beyond_headsets, "headsets more"),
            bad(lab.book.newer() as u64, "for a newer cortop"),
            bad(malformed, "malformed"),
            (ThemeToken::Dim, lab.settings.broker.clone()),
        ];
        let clock = text::time_of_day(lab.now.wall, self.zone);
        title_bar::line(self.theme, TITLE, items, &clock, width)
    }

    pub(super) fn footer(&self, width: u16) -> Line<'static> {
        let lab = self.lab;
        if let Some(input) = &lab.input {
            let (asks, input) = match input {
                LabInput::Filter(input) => ("filter: ".to_owned(), input),
                LabInput::Marker(input) => {
                    let stations = stations(lab.accepting().len());
                    (format!("marker to {stations}, its label: "), input)
                }
            };
            let problem = lab.input.as_ref().and_then(LabInput::label_problem);
            let (token, asks) = match problem {
                Some(BadLabel::Long(length)) => {
                    (ThemeToken::Bad, format!("{length} of {LONGEST_LABEL} bytes, too long: "))
                }
                _ => (ThemeToken::Key, asks),
            };
            let room = usize::from(width).saturating_sub(text::cells(&asks) + 1);
            let typed = text::fit(&text::clean(input.text()), room);
            return Line::from(vec![
                self.span(token, asks),
                self.span(ThemeToken::Text, format!("{typed}_")),
            ]);
        }
        let notice_age = |at: Timestamp| lab.now.wall.duration_since(at);
        if let Some((said, is_problem, at)) = &lab.notice
            && notice_age(*at) < SignedDuration::try_from(NOTICE).unwrap_or_default()
        {
            let (token, mark) = if *is_problem {
                (ThemeToken::Bad, glyphs::PROBLEM)
            } else {
                (ThemeToken::Text, glyphs::SELECTED)
            };
            let said = text::fit(&text::clean(said), usize::from(width).saturating_sub(2));
            return Line::from(self.span(token, format!("{mark} {said}")));
        }
        let hints = TABLE.iter().filter_map(|row| Some((row.keys.first()?.to_string(), row.hint?)));
        let back = lab.opened.is_some().then(|| ("Esc".to_owned(), "all stations"));
        back.into_iter()
            .chain(hints.filter(|(_, hint)| lab.opened.is_none() || *hint != "open"))
            .flat_map(|(key, hint)| {
                let hint = self.span(ThemeToken::Dim, format!(" {hint}  "));
                [self.span(ThemeToken::Key, key), hint]
            })
            .collect()
    }
}
