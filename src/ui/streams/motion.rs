//! How the head is held, in numbers above the traces of motion.

use ratatui::{buffer::Buffer, layout::Rect, text::Line};

use super::summary;
use crate::{
    app::Entry,
    cortex::Stream,
    signal::Orientation,
    ui::{
        scene::{self, Scene},
        theme::Token,
    },
};

/// From these heights of the pane on there is a line of angles, and one of what they mean.
const SAID: u16 = 6;
const EXPLAINED: u16 = 18;

const CONVENTION: &str = "Tait–Bryan ZYX by the quaternion, Q0 = w; axes inferred: x front, z up";
const GRAVITY: &str = "by gravity (ACC in g), which tells no yaw; axes inferred: x front, z up";

/// The rows of the numbers, where there is room for them, and those of the traces.
pub(super) fn split(area: Rect) -> (Option<Rect>, Rect) {
    if area.height < SAID {
        return (None, area);
    }
    let rows = if area.height < EXPLAINED { 1 } else { 2 };
    let plot = Rect { y: area.y + rows, height: area.height - rows, ..area };
    (Some(Rect { height: rows, ..area }), plot)
}

pub(super) fn draw(scene: &Scene<'_>, entry: &Entry, area: Rect, buffer: &mut Buffer) {
    let angle = |name: &str, degrees: f64| format!("{name} {:>+4}°", whole(degrees));
    let (text, meaning) = match scene.app.numbers().orientation {
        Some(Orientation::Angles { roll, pitch, yaw }) => {
            let angles = [angle("pitch", pitch), angle("roll", roll), angle("yaw", yaw)];
            (angles.join("   "), CONVENTION)
        }
        Some(Orientation::Tilt { roll, pitch }) => {
            let angles = [angle("pitch", pitch), angle("roll", roll), "yaw unknown".to_owned()];
            (angles.join("   "), GRAVITY)
        }
        Some(Orientation::Moving) => {
            ("no angles: it moves too much for gravity to be told".to_owned(), GRAVITY)
        }
        Some(Orientation::RawCounts) => (
            "raw counts: no angles".to_owned(),
            "an older headset sends counts around 8192, not g and degrees",
        ),
        None => ("no angles: no whole quaternion or acceleration".to_owned(), ""),
    };
    let fresh = summary::is_fresh(scene, entry, Stream::Mot);
    let token = if fresh { Token::Text } else { Token::Stale };
    let lines: [Line<'_>; 2] =
        [scene.say(token, text).into(), scene.say(Token::Dim, meaning).into()];
    scene::lines(&lines, area, buffer);
}

/// Whole degrees; what rounds to zero has no sign of its own.
fn whole(degrees: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "degrees of a circle")]
    let whole = degrees.round() as i64;
    whole
}
