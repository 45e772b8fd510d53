//! The health of a stream as text, each fact separate: callers take as many as fit.

use std::time::Duration;

use ratatui::text::Span;

use super::{context::RenderContext, glyphs, text, theme::ThemeToken};
use cortop_signal::{BadChannel, StreamHealth, snapshot::Gap};

/// Plausible delays in seconds; others show that the clocks of the samples and of this machine differ. Cortex
/// itself stamps streams up to 8 ms apart (docs/protocol.md §1.5).
const PLAUSIBLE: std::ops::RangeInclusive<f64> = -0.02..=1.0;

/// The header mentions interpolated samples from this share on, within the last 10 s or since the
/// subscription.
const MUCH_INTERPOLATED: f64 = 0.01;

/// How long an event counts as recent.
const NEWS: Duration = Duration::from_secs(60);

/// All facts, worst first; equally bad ones in a fixed order.
pub(super) fn facts(ctx: &RenderContext<'_>, health: &StreamHealth) -> Vec<Span<'static>> {
    let mut facts = vec![rate_words(health)];
    let mut add = |token, text| facts.push((token, text));
    if let Some(since) = health.stale_since {
        add(ThemeToken::Bad, format!("{} STALE since {}", glyphs::PROBLEM, ctx.clock_at(since)));
    }
    if let Some(words) = bad_words(&health.bad_channels, usize::MAX) {
        add(ThemeToken::Bad, format!("{} {words}", glyphs::PROBLEM));
    }
    let recent = &health.recent;
    let counted = |name: &str, all: u64, now: u64| {
        let share = text::percent(all, health.received.saturating_add(health.lost));
        match (all, now) {
            (0, _) => (ThemeToken::Text, format!("{name} 0")),
            (all, now) => {
                let token = if now > 0 { ThemeToken::Bad } else { ThemeToken::Poor };
                (token, format!("{name} {all} ({share}), {now} in 10 s"))
            }
        }
    };
    // Other streams have no counter, so their losses are unknown.
    if health.stream.is_trace() {
        let (token, text) = counted("lost", health.lost, recent.lost);
        add(token, text);
    }
    if let Some(step) = health.clock_step {
        // Recent steps stand out, older ones do not.
        let is_new = ctx.since(step.received) < NEWS;
        let token = if is_new { ThemeToken::Poor } else { ThemeToken::Text };
        add(token, step.sentence(health.stream, &ctx.clock_at(step.received)));
    }
    let age = health.last.map(|last| text::age(ctx.since(last)));
    add(ThemeToken::Text, format!("age {}", age.as_deref().unwrap_or(glyphs::UNKNOWN)));
    // Rate and jitter mean nothing for events.
    let paced = |_: &f64| health.nominal_rate.is_some();
    if let Some(jitter) = recent.jitter.filter(paced) {
        add(ThemeToken::Text, format!("jitter {}", seconds(jitter)));
    }
    if let Some(delay) = delay(ctx, health).filter(paced) {
        if is_plausible(delay) {
            add(ThemeToken::Text, format!("delay {}", signed(delay)));
        } else {
            add(ThemeToken::Poor, format!("delay {}: clocks differ", signed(delay)));
        }
    }
    if health.stream.is_trace() {
        let (token, text) = counted("interpolated", health.interpolated, recent.interpolated);
        add(token, text);
    }
    if let Some(gap) = &health.gap {
        add(ThemeToken::Poor, format!("{} at {}", self::gap(gap), ctx.clock_at(gap.from)));
    }
    if health.malformed > 0 {
        add(ThemeToken::Poor, format!("malformed {}", health.malformed));
    }
    // A line that is too narrow drops the least important facts.
    facts.sort_by_key(|(token, _)| match token {
        ThemeToken::Bad => 0,
        ThemeToken::Poor => 1,
        _ => 2,
    });
    facts.into_iter().map(|(token, text)| ctx.span(token, text)).collect()
}

/// The worst of the bad channels and how many more there are, within `room` cells if possible.
pub(super) fn bad_words(bad: &[BadChannel], room: usize) -> Option<String> {
    let worst = bad.iter().min_by_key(|channel| channel.defect)?;
    let worst = format!("{} {}", text::clean(&worst.label), worst.defect.name());
    Some(text::and_more(&worst, bad.len() - 1, "", "", room))
}

/// The share of samples that Cortex interpolated, if it is large: within the last 10 s or since the
/// subscription, whichever is larger.
pub(super) fn interpolated(
    ctx: &RenderContext<'_>,
    health: &StreamHealth,
) -> Option<Span<'static>> {
    let share = |(some, all): (u64, u64)| some as f64 / all.max(1) as f64;
    let ever = (health.interpolated, health.received);
    let now = (health.recent.interpolated, health.recent.received);
    let (part, whole) = if share(now) > share(ever) { now } else { ever };
    let token = if now.0 > 0 { ThemeToken::Bad } else { ThemeToken::Poor };
    let text = || format!("interpolated {}", text::percent(part, whole));
    (share((part, whole)) >= MUCH_INTERPOLATED).then(|| ctx.span(token, text()))
}

/// How long data was missing between two connections.
pub(super) fn gap(gap: &Gap) -> String {
    let seconds = gap.length().as_secs_f64();
    let digits = usize::from(seconds < 9.95);
    format!("gap {seconds:.digits$} s")
}

/// The measured rate beside the nominal one; for events, their number.
pub(super) fn rate(ctx: &RenderContext<'_>, health: &StreamHealth) -> Span<'static> {
    let (token, text) = rate_words(health);
    ctx.span(token, text)
}

fn rate_words(health: &StreamHealth) -> (ThemeToken, String) {
    let rate = health.rate.map_or_else(|| glyphs::UNKNOWN.to_owned(), text::rate);
    let (token, mark) =
        if health.rate_is_off() { (ThemeToken::Bad, " off") } else { (ThemeToken::Text, "") };
    match health.nominal_rate {
        Some(nominal) => (token, format!("{rate}/{} Hz{mark}", text::rate(nominal))),
        None => (ThemeToken::Text, format!("{} events", health.received)),
    }
}

/// The current value of [`StreamHealth::delay`].
pub(super) fn delay(ctx: &RenderContext<'_>, health: &StreamHealth) -> Option<f64> {
    let now = ctx.app.now;
    health.delay(now.instant, now.wall.as_nanosecond() as f64 / 1e9)
}

/// Whether a delay is plausible: within a second, and hardly negative.
pub(super) fn is_plausible(delay: f64) -> bool {
    PLAUSIBLE.contains(&delay)
}

/// A short duration with its unit, at least two digits.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        small if small < 0.009_95 => format!("{:.1} ms", seconds * 1e3),
        small if small < 0.9995 => format!("{:.0} ms", seconds * 1e3),
        small if small < 99.95 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// The same with its sign.
pub(super) fn signed(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "+" };
    format!("{sign}{}", self::seconds(seconds.abs()))
}
