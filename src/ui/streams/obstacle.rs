//! What keeps samples of the session shown from flowing, and the next step. It stands in front of everything
//! else in the pane: the picture and the lines of the streams get what is left.

use std::time::Duration;

use cortop_client::{
    ConnectionStep, FOREIGN_SESSION, FOREIGN_SESSION_NEXT, Link, Stream, code::error,
};
use cortop_signal::StreamHealth;

use crate::{
    app::{Action, SessionEntry},
    ui::{context::RenderContext, explanation::Explanation, glyphs, link, text, theme::ThemeToken},
};

/// A silence shorter than this is not explained: it may be over before the sentence is read.
const SHORT: Duration = Duration::from_secs(3);

/// The obstacle, if there is one.
pub(super) fn of(ctx: &RenderContext<'_>, entry: &SessionEntry) -> Option<Explanation> {
    let flows = matches!(
        ctx.app.link,
        Link::Up { step: ConnectionStep::Streaming | ConnectionStep::Watching, .. }
    );
    if let Some((why, _)) = &entry.closed {
        let text = format!("The session is {}: {}", entry.end_word(), text::clean(why));
        let token = if entry.ordered { ThemeToken::Text } else { ThemeToken::Bad };
        // After a reconnect, streams flow in another session.
        return Some(if flows {
            Explanation::new(token, text, String::new())
        } else {
            link::explanation(ctx).after(token, text)
        });
    }
    let all_refused = entry.subscribed.is_empty().then(|| entry.refused.first()).flatten();
    match all_refused {
        Some((_, refusal)) if !entry.foreign && ctx.app.stopped_by().is_none() => {
            let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
            let what = format!(
                "{} Cortex refused every stream,{code}: {}",
                glyphs::PROBLEM,
                refusal.message()
            );
            let next = match refusal.code {
                // The reasons differ by stream, and each line has its own.
                Some(error::STREAM_UNAVAILABLE) => String::new(),
                _ => ctx.app.in_monitor(&refusal.next),
            };
            let again = format!("{} subscribes again.", ctx.key(Action::ChooseStreams));
            return Some(Explanation::new(ThemeToken::Bad, what, next).then(again));
        }
        _ if !flows => return Some(link::explanation(ctx)),
        _ => {}
    }
    if entry.foreign && entry.subscribed.is_empty() {
        return Some(foreign(ctx, entry));
    }
    stale(ctx, entry)
}

/// The session is another program's, and all samples go there.
fn foreign(ctx: &RenderContext<'_>, entry: &SessionEntry) -> Explanation {
    let what = format!("{} {FOREIGN_SESSION}: the samples go there", glyphs::PROBLEM);
    let open = ctx.key(Action::Open);
    let next = if ctx.app.headsets.list.len() == 1 {
        format!("{FOREIGN_SESSION_NEXT}; once it has ended, cortop opens a session of its own")
    } else {
        format!("{FOREIGN_SESSION_NEXT}; once it has ended, {open} in pane 1 opens one")
    };
    let is_free = |stream: &Stream| !entry.is_owners_only(*stream);
    let free = Stream::ALL
        .iter()
        .any(is_free)
        .then(|| format!("{} subscribes streams that it has not.", ctx.key(Action::ChooseStreams)));
    Explanation::new(ThemeToken::Bad, what, next).then(free.unwrap_or_default())
}

/// Streams have stopped without a word from Cortex. Those that still flow narrow the cause down.
fn stale(ctx: &RenderContext<'_>, entry: &SessionEntry) -> Option<Explanation> {
    let paced = |health: &&StreamHealth| {
        entry.subscribed.contains(&health.stream) && health.nominal_rate.is_some()
    };
    let all = || ctx.app.latest().health_in(&entry.session.id).iter().filter(paced);
    let since = all().filter_map(|own| own.stale_since).min()?;
    if ctx.since(since) < SHORT {
        return None;
    }
    let when = format!("at {} ({})", ctx.clock_at(since), text::age(ctx.since(since)));
    let stopped = all().filter(|own| own.stale_since.is_some());
    let names: Vec<_> = stopped.map(|own| own.stream.name()).collect();
    let have_all_stopped = names.len() == all().count();
    let names = names.join(" ");
    let signal = ctx.app.numbers().readings.dev.as_deref().and_then(|dev| dev.get("Signal"));
    let (what, next) = if have_all_stopped {
        (
            format!("all streams stopped {when}"),
            "Check that the headset is on, charged and near.".to_owned(),
        )
    } else if signal.is_some_and(|signal| signal <= 0.0) {
        (
            format!("{names} stopped {when}: no link to the headset"),
            "Check that the headset is on, charged and near.".to_owned(),
        )
    } else {
        (
            format!("{names} stopped {when}"),
            format!(
                "Other streams flow, so the headset is on: subscribe {names} again ({}), or switch \
                 it off and on.",
                ctx.key(Action::ChooseStreams)
            ),
        )
    };
    let what = format!("{} STALE: {what}", glyphs::PROBLEM);
    Some(Explanation::new(ThemeToken::Bad, what, next))
}
