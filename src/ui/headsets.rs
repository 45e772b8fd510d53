//! Pane 1: the headsets that the service sees.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    text::{Line, Span},
};
use tokio::time::Instant;

use super::{context::RenderContext, glyphs, headset, link, paint, text, theme::ThemeToken};
use crate::app::{Action, App, MouseTarget, Pane};
use cortop_client::{Headset, HeadsetId, SCAN, headset::HeadsetStatus, model::Model};
use cortop_signal::snapshot::DeviceReadings;

pub(super) fn draw(ctx: &RenderContext<'_>, area: Rect, buffer: &mut Buffer) {
    let headsets = &ctx.app.headsets;
    let mut title = Line::default();
    match scanning(ctx) {
        Some(scan) => title.push_span(scan),
        None if headsets.list.len() > 1 => {
            title.push_span(ctx.span(ThemeToken::Dim, format!(" ({})", headsets.list.len())));
        }
        None => {}
    }
    let inside = ctx.pane(Pane::Headsets, Pane::Headsets.name(), title, area, buffer);
    if headsets.list.is_empty() {
        return paint::lines(&empty(ctx, inside.width), inside, buffer);
    }
    let width = usize::from(inside.width);
    // If the pane fills the screen, there is room for all fields of the selected headset.
    let unfolds =
        |headset: &Headset| ctx.app.zoomed && headsets.selected.as_ref() == Some(&headset.id);
    let blocks = headsets.list.iter().map(|headset| {
        let mut lines = block(ctx, headset, width);
        if unfolds(headset) {
            lines.extend(headset::fields(ctx, headset, width));
        }
        lines
    });
    let blocks: Vec<_> = blocks.collect();
    // Keep the selected headset visible.
    let selected = headsets.position().unwrap_or(0);
    let end: usize = blocks.iter().take(selected + 1).map(Vec::len).sum();
    let start = end - blocks.get(selected).map_or(0, Vec::len);
    let skip = end.saturating_sub(usize::from(inside.height)).min(start);
    let ids = headsets.list.iter().map(|headset| MouseTarget::Headset(headset.id.clone()));
    ctx.hit_rows(inside, skip, blocks.iter().map(Vec::len).zip(ids));
    let lines: Vec<_> = blocks.concat();
    paint::lines(lines.get(skip..).unwrap_or_default(), inside, buffer);
    ctx.mark_more(skip, lines.len(), inside, buffer);
}

/// Why a headset that looks connected delivers nothing.
const ON_CABLE: &str = "USB cable: cannot stream; use dongle or Bluetooth";

/// The progress of a scan, for a title.
pub(super) fn scanning(ctx: &RenderContext<'_>) -> Option<Span<'static>> {
    let since = ctx.app.headsets.scanning?;
    let text = format!(" {} scan {}", glyphs::PENDING, progress(ctx, since));
    Some(ctx.span(ThemeToken::Changed, text))
}

/// Rows for the text about a missing headset, including the frame.
const NONE: u16 = 5;

/// Rows needed to show all headsets, including the frame; without the focus, at most a third of the body.
pub(super) fn preferred_rows(app: &App, body: Rect) -> u16 {
    let rows = |headset: &Headset| {
        let more = headset.is_on_usb_cable() || app.stopped_on(&headset.id).is_some();
        if more { 3 } else { 2 }
    };
    let all = match &app.headsets.list[..] {
        [] => NONE,
        list => paint::cells(list.iter().map(rows).sum::<usize>() + 2),
    };
    if app.focus == Pane::Headsets { all } else { all.min(body.height / 3) }
}

/// How many headsets are named before the rest is only counted.
const NAMED: usize = 3;

/// What to do while there is no headset.
pub(super) fn empty(ctx: &RenderContext<'_>, width: u16) -> Vec<Line<'static>> {
    let headsets = &ctx.app.headsets;
    let scan = ctx.app.settings.keymap.keys(Action::Scan).first();
    let scan = scan.map(|key| format!(", or press {key} here to scan")).unwrap_or_default();
    let text = match (headsets.known, headsets.scanning) {
        (false, _) if headsets.last_listed.is_empty() => {
            format!("The service has not listed its headsets yet: {}.", link::word(ctx))
        }
        (false, _) => match headsets.last_listed.as_slice() {
            ids if ids.len() > NAMED => format!("Last listed: {} headsets.", ids.len()),
            ids => {
                let ids: Vec<_> = ids.iter().map(HeadsetId::as_str).collect();
                format!("Last listed: {}.", text::clean(&ids.join(", ")))
            }
        },
        (true, Some(since)) => {
            format!("Scanning for headsets, {}. Switch yours on.", progress(ctx, since))
        }
        (true, None) => format!("No headset. Switch one on{scan}."),
    };
    paint::sentence(&text, width, ctx.style(ThemeToken::Dim))
}

/// How long a scan has run, and about how long it takes.
fn progress(ctx: &RenderContext<'_>, since: Instant) -> String {
    let all = SCAN.as_secs();
    format!("{}/{all} s", ctx.since(since).as_secs().min(all))
}

/// The lines of a headset.
fn block(ctx: &RenderContext<'_>, headset: &Headset, width: usize) -> Vec<Line<'static>> {
    let app = ctx.app;
    let selected = app.headsets.selected.as_ref() == Some(&headset.id);
    let (mark, token) = match headset.status {
        HeadsetStatus::Connected if headset.is_on_usb_cable() => (glyphs::PROBLEM, ThemeToken::Bad),
        HeadsetStatus::Connected => (glyphs::ON, ThemeToken::Good),
        HeadsetStatus::Connecting => (glyphs::PENDING, ThemeToken::Poor),
        HeadsetStatus::Discovered | HeadsetStatus::Other(_) => (glyphs::OFF, ThemeToken::Dim),
    };
    let name = if headset.custom_name.is_empty() {
        String::new()
    } else {
        format!(" \"{}\"", text::clean(&headset.custom_name))
    };
    let model = match headset.model() {
        Model::Unknown => String::new(),
        model => format!(" {}", model.name()),
    };
    let id = text::clean(headset.id.as_str());
    let row = text::pad(&format!("{id}{model}{name}"), width.saturating_sub(4));
    let style = if selected { ThemeToken::Selection } else { ThemeToken::Title };
    let pointer = if selected { glyphs::SELECTED } else { " " };
    let mut lines = vec![Line::from(vec![
        ctx.span(ThemeToken::Focus, pointer.to_owned()),
        ctx.span(token, format!("{mark} ")),
        ctx.span(style, row),
    ])];

    if headset.is_on_usb_cable() {
        let indented = text::wrap(ON_CABLE, width.saturating_sub(3));
        lines.extend(
            indented.iter().map(|line| ctx.span(ThemeToken::Bad, format!("   {line}")).into()),
        );
        return lines;
    }
    // Only facts that fit whole: a cut-off one is useless.
    let mut line = String::new();
    for fact in facts(ctx, headset) {
        let before = if line.is_empty() { "   " } else { glyphs::SEPARATOR };
        let more = format!("{line}{before}{}", text::clean(&fact));
        if !line.is_empty() && text::fit(&more, width) != more {
            break;
        }
        line = more;
    }
    lines.push(ctx.span(ThemeToken::Dim, text::fit(&line, width)).into());
    if let Some(refusal) = app.stopped_on(&headset.id) {
        let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
        let state = if refusal.kind.is_transient() { "refused" } else { "stopped" };
        let why = text::clean(&format!("{} {state}{code}: {}", glyphs::PROBLEM, refusal.message()));
        lines.push(ctx.span(ThemeToken::Bad, text::fit(&format!("   {why}"), width)).into());
    }
    lines
}

/// Further facts about a headset, most important first.
fn facts(ctx: &RenderContext<'_>, headset: &Headset) -> Vec<String> {
    let app = ctx.app;
    let since = app.headsets.since.get(&headset.id);
    let since = since.map(|&since| format!(" {}", text::age(ctx.since(since))));
    let mut facts = vec![format!("{}{}", headset.status, since.unwrap_or_default())];
    if headset.is_virtual {
        facts.push("virtual".to_owned());
    }
    if headset.is_dfu_mode {
        facts.push("firmware update mode".to_owned());
    }
    let session = app.sessions.on(&headset.id).filter(|entry| app.is_live(entry));
    let device = session.and_then(|entry| app.latest().devices.get(&entry.session.headset.id));
    if let Some(percent) = device.and_then(DeviceReadings::battery) {
        facts.push(format!("{percent:.0} %"));
    }
    if !headset.connected_by.is_empty() {
        facts.push(headset.connected_by.clone());
    }
    if let Some(rate) = headset.settings.eeg_rate.filter(|&rate| rate > 0.0) {
        facts.push(format!("{} {} Hz", headset.settings.mode, text::rate(rate)).trim().to_owned());
    }
    if let Some(position) = &headset.headband_position {
        facts.push(format!("headband {position}"));
    }
    if !headset.firmware.is_empty() {
        facts.push(format!("fw {}", headset.firmware));
    }
    facts
}
