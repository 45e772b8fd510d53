//! The rotation of the head relative to the level set by the user, as numbers above the motion traces.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::stream_state;
use crate::{
    app::{Action, SessionEntry},
    ui::{context::RenderContext, paint, theme::ThemeToken},
};
use cortop_client::Stream;
use cortop_signal::{Orientation, orientation::Rotation};

/// Minimum heights of the pane for a line with the angles, and for one that explains them.
const SAID: u16 = 6;
const EXPLAINED: u16 = 18;

const NO_AXES: &str = "tilt is measured from a position that you set";

/// The rows of the numbers, if there is room, and of the traces.
pub(super) fn split(area: Rect) -> (Option<Rect>, Rect) {
    if area.height < SAID {
        return (None, area);
    }
    let rows = if area.height < EXPLAINED { 1 } else { 2 };
    let plot = Rect { y: area.y + rows, height: area.height - rows, ..area };
    (Some(Rect { height: rows, ..area }), plot)
}

pub(super) fn draw(ctx: &RenderContext<'_>, entry: &SessionEntry, area: Rect, buffer: &mut Buffer) {
    let (text, meaning) = match (ctx.app.numbers().orientation, &entry.level) {
        (Some(Orientation::Position(now)), Some((level, set))) => {
            let Rotation { tilt, turn } = now.turned_from(*level);
            let angle = |degrees: Option<f64>| match degrees {
                Some(degrees) => format!("{degrees:3.0}°"),
                None => "unknown".to_owned(),
            };
            let since = ctx.clock(set.wall);
            (
                format!("tilt {}   turn {}", angle(tilt), angle(turn)),
                format!("from the level set at {since}: tilt by gravity, turn by quaternion"),
            )
        }
        (Some(Orientation::Position(_)), None) => {
            let keys = ctx.app.settings.keymap.keys(Action::Level);
            let key = keys.first().map_or_else(|| ":level".to_owned(), ToString::to_string);
            (format!("sensor axes not documented: hold level, press {key}"), NO_AXES.to_owned())
        }
        (Some(Orientation::Moving), _) => (
            "tilt unknown: the headset moves too much to sense gravity".to_owned(),
            "ACC is not about 1 g, and there is no quaternion".to_owned(),
        ),
        (Some(Orientation::RawCounts), _) => (
            "raw counts: no angles".to_owned(),
            "an older headset sends counts around 8192, not g and degrees".to_owned(),
        ),
        (None, _) => ("no angles: no whole quaternion or acceleration".to_owned(), String::new()),
    };
    let fresh = stream_state::is_fresh(ctx, entry, Stream::Mot);
    let token = if fresh { ThemeToken::Text } else { ThemeToken::Stale };
    let lines: [Line<'_>; 2] =
        [ctx.span(token, text).into(), ctx.span(ThemeToken::Dim, meaning).into()];
    paint::lines(&lines, area, buffer);
}
