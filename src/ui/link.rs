//! The connection and the steps towards streaming as text: what is happening, and what the user does next.

use std::time::Duration;

use ratatui::{layout::Rect, text::Line};

use super::{context::RenderContext, explanation::Explanation, text, theme::ThemeToken};
use crate::app::{Action, TerminalPlace};
use cortop_client::{ConnectionStep, Error, ErrorKind, Headset, Link, Method, Security};

/// An answer that takes longer than this is mentioned: longer than the client waits before it reports a
/// headset that is not ready yet.
const USUAL: Duration = Duration::from_secs(4);
/// After this long without an answer, the next step is mentioned.
const LONG: Duration = Duration::from_secs(10);

/// The connection in a word or two, for the header.
#[must_use]
pub(super) fn word(ctx: &RenderContext<'_>) -> String {
    match &ctx.app.link {
        Link::Connecting => "connecting".to_owned(),
        Link::Waiting { at, attempt, .. } => {
            format!("no connection, retry in {} (attempt {attempt})", countdown(ctx, *at))
        }
        Link::Up { step: ConnectionStep::Opening(id) | ConnectionStep::Connecting(id), .. }
            if ctx.app.called_off.as_ref() == Some(id) =>
        {
            "cancelled, waiting for Cortex".to_owned()
        }
        Link::Up { step: step @ ConnectionStep::Opening(id), .. }
            if ctx.app.activating.as_ref() == Some(id) =>
        {
            format!("{}, uses 1 activation", text::clean(&step.to_string()))
        }
        Link::Up { step: ConnectionStep::Stopped, .. }
            if ctx.app.stopped_by().is_some_and(|refusal| refusal.kind.is_transient()) =>
        {
            "refused, tries again".to_owned()
        }
        Link::Up { step, .. } => text::clean(&step.to_string()),
    }
}

/// A note on the connection's security, unless it is fully verified.
#[must_use]
pub(super) fn security(link: &Link) -> Option<&'static str> {
    let Link::Up { security, .. } = link else { return None };
    match security {
        Security::Verified | Security::Trusted => None,
        Security::WrongName => Some("certificate name not checked"),
        Security::Unchecked => Some("insecure: certificate not checked"),
        Security::Plain => Some("plain, not encrypted"),
    }
}

/// What is happening and the exact next step.
#[must_use]
pub(super) fn explanation(ctx: &RenderContext<'_>) -> Explanation {
    if let Some(refusal) = ctx.app.stopped_by() {
        let key = ctx.key(Action::Connect);
        return Explanation::of_refusal(ctx, refusal).then(if refusal.kind.is_transient() {
            format!("cortop tries again automatically, {key} at once.")
        } else {
            format!("{key} tries again at once.")
        });
    }
    if let Some((refusal, since)) = ctx.app.refused_again() {
        let age = text::age(ctx.since(since.instant));
        let when = format!("Since {} ({age})", ctx.clock(since.wall));
        let what = match &ctx.app.link {
            Link::Up {
                step: ConnectionStep::Opening(_) | ConnectionStep::Connecting(_), ..
            } => {
                format!("cortop asks again automatically.{}", call_off(ctx))
            }
            _ => format!("{}.", asks_again(ctx)),
        };
        return Explanation::of_refusal(ctx, refusal).then(format!("{when}; {what}"));
    }
    let url = text::clean(&ctx.app.settings.url);
    match &ctx.app.link {
        Link::Connecting => Explanation::new(
            ThemeToken::Text,
            format!("Connecting to the Cortex service at {url}."),
            waited(ctx, "The service").unwrap_or_default(),
        ),
        Link::Waiting { error, at, attempt } => {
            let reason = text::clean(&error.headline());
            let reason = format!("{}.", reason.trim_end_matches('.'));
            let next = text::clean(&ctx.app.in_monitor(&error.next));
            Explanation::new(ThemeToken::Text, reason, next)
                .after(ThemeToken::Text, format!("No connection to the Cortex service at {url}:"))
                .then(tunnel(ctx, error).to_owned())
                .then(format!(
                    "Trying again in {} (attempt {attempt}); {} tries at once.",
                    countdown(ctx, *at),
                    ctx.key(Action::Connect)
                ))
        }
        Link::Up { step, .. } => {
            let (now, next) = self::step(ctx, step);
            Explanation::new(ThemeToken::Text, now, next)
        }
    }
}

/// The same for an area; the next step is never cut off.
#[must_use]
pub(super) fn lines_in(ctx: &RenderContext<'_>, area: Rect) -> Vec<Line<'static>> {
    explanation(ctx).lines_in(ctx, area.width, usize::from(area.height))
}

/// Says that cortop goes on asking, and how to ask now.
fn asks_again(ctx: &RenderContext<'_>) -> String {
    format!("cortop asks again automatically, {} asks at once", ctx.key(Action::Connect))
}

/// How to stop the opening of a session.
fn call_off(ctx: &RenderContext<'_>) -> String {
    format!(" {} in pane 1 calls it off.", ctx.key(Action::CallOff))
}

/// What a step towards streaming waits for.
fn step(ctx: &RenderContext<'_>, step: &ConnectionStep) -> (String, String) {
    let key = |action: Action| ctx.key(action);
    let waiting = |now: &str, method: Method| {
        (now.to_owned(), waited(ctx, &format!("Cortex ({method})")).unwrap_or_default())
    };
    let continues =
        || format!("cortop continues automatically, {} asks at once", key(Action::Connect));
    let say = |now: &str, next: &str| (now.to_owned(), next.to_owned());
    match step {
        ConnectionStep::Greeting => {
            let now = "Asking the service for its version and user.".to_owned();
            (now, waited(ctx, "Cortex").unwrap_or_default())
        }
        ConnectionStep::Login => {
            say("Nobody is logged in.", &format!("Log in with EMOTIV Launcher; {}.", continues()))
        }
        ConnectionStep::OtherUser => say(
            "Another account of this computer is logged in to Cortex.",
            &format!("Log out there and log in here with EMOTIV Launcher; {}.", continues()),
        ),
        ConnectionStep::Approval => say(
            "This application is not approved yet.",
            &format!(
                "Approve it in EMOTIV Launcher, which asks only once: look under its connected \
                 applications; {}.",
                continues()
            ),
        ),
        ConnectionStep::Agreement => say(
            "The licence agreement is not accepted yet.",
            &format!("Accept it in EMOTIV Launcher; {}.", continues()),
        ),
        ConnectionStep::Authorizing => {
            waiting("Getting a token from the service.", Method::Authorize)
        }
        ConnectionStep::Listing => {
            waiting("Asking the service for its headsets.", Method::QueryHeadsets)
        }
        ConnectionStep::Searching => say(
            "No headset has been found yet.",
            &format!(
                "Switch one on, and plug in its dongle if it uses one; {} scans again.",
                key(Action::Connect)
            ),
        ),
        ConnectionStep::Choosing => choosing(ctx),
        ConnectionStep::Missing(id) => (
            format!("{id} is not there. {}", there(ctx)),
            format!(
                "Switch it on, or open another one with {} in pane 1; {} scans again.",
                key(Action::Open),
                key(Action::Connect)
            ),
        ),
        ConnectionStep::Opening(id) | ConnectionStep::Connecting(id)
            if ctx.app.called_off.as_ref() == Some(id) =>
        {
            let now = format!(
                "Called off: waiting for Cortex; a session that it still opens on {id} is closed."
            );
            say(&now, "")
        }
        ConnectionStep::Connecting(id) => {
            let now = format!("{id} is being connected.{}", call_off(ctx));
            waiting(&now, Method::ControlDevice)
        }
        ConnectionStep::Opening(id) => {
            let now = format!("A session on {id} is being opened.{}", call_off(ctx));
            waiting(&now, Method::CreateSession)
        }
        ConnectionStep::Streaming => say("Streams are running.", ""),
        ConnectionStep::Watching => say(
            "Another program's session is shown: its samples go to that program.",
            &format!(
                "{} subscribes streams that it has not subscribed.",
                key(Action::ChooseStreams)
            ),
        ),
        ConnectionStep::Stopped => say("Cannot stream: Cortex refused a request.", ""),
    }
}

/// The headsets to choose from.
fn choosing(ctx: &RenderContext<'_>) -> (String, String) {
    let open = ctx.key(Action::Open);
    match ctx.app.headsets.list.as_slice() {
        [only] if only.is_on_usb_cable() => (
            format!("{} is {}.", only.id, Headset::ON_USB_CABLE),
            "Unplug the cable and use the dongle or Bluetooth; cortop continues automatically."
                .to_owned(),
        ),
        [only] => (
            format!("No session is open on {}.", only.id),
            format!("Open one with {open} in pane 1."),
        ),
        _ => (
            format!("{} None is chosen.", there(ctx)),
            format!("Choose one in pane 1 and open it with {open}."),
        ),
    }
}

/// How many headsets a sentence names before the rest is only counted.
const NAMED: usize = 4;

/// The available headsets.
fn there(ctx: &RenderContext<'_>) -> String {
    let ids: Vec<_> = ctx.app.headsets.list.iter().map(|own| own.id.as_str()).collect();
    match ids.as_slice() {
        [] => "There are other headsets.".to_owned(),
        [only] => format!("There is {only}."),
        ids if ids.len() > NAMED => format!("There are {} headsets.", ids.len()),
        ids => format!("There are {} headsets: {}.", ids.len(), ids.join(", ")),
    }
}

/// Says since when an answer has been awaited, once it takes longer than usual, and what to do once it takes
/// long.
fn waited(ctx: &RenderContext<'_>, who: &str) -> Option<String> {
    let since = ctx.app.link_since;
    let waited = ctx.since(since.instant);
    let next = if waited < LONG {
        ""
    } else {
        " If it stays silent, restart the Cortex service: quit EMOTIV Launcher and start it again."
    };
    (waited >= USUAL).then(|| {
        format!(
            "{who} has not answered for {}, since {}.{next}",
            text::age(waited),
            ctx.clock(since.wall)
        )
    })
}

/// Over SSH, the service may run on the user's own computer, at the other end of the connection.
fn tunnel(ctx: &RenderContext<'_>, error: &Error) -> &'static str {
    if ctx.app.settings.terminal != TerminalPlace::Here && error.kind == ErrorKind::Unreachable {
        "If it runs on your own computer, log in from there with ssh -R 6868:localhost:6868."
    } else {
        ""
    }
}

/// Whole seconds until a moment, rounded up, so that it never shows 0 while time is left.
fn countdown(ctx: &RenderContext<'_>, at: tokio::time::Instant) -> String {
    let left = at.saturating_duration_since(ctx.app.now.instant);
    text::age(left + Duration::from_millis(999))
}
