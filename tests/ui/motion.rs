//! How the head is held: nothing is claimed of axes that nobody documents, and tilt is counted from
//! the position that the user calls level.

use std::time::Duration;

use cortop::app::Key;
use cortop_client::Stream;
use cortop_signal::Orientation;

use crate::fixture::{self, Stage, options};

const SIZE: (u16, u16) = (80, 24);

fn motion() -> Stage {
    let mut stage = Stage::new(&options()).streaming();
    stage.show_stream(Stream::Mot);
    stage.app.zoomed = true;
    stage.feed(SIZE.0, SIZE.1, 3000);
    stage
}

fn hold(stage: &mut Stage, orientation: Option<Orientation>) -> String {
    stage.spoil(|snapshot, _| snapshot.orientation = orientation);
    stage.forward(Duration::from_millis(500));
    stage.text(SIZE.0, SIZE.1)
}

fn press(stage: &mut Stage) -> String {
    stage.app.update(cortop::app::Message::Key(Key::char('L')));
    stage.text(SIZE.0, SIZE.1)
}

#[test]
fn tilt_is_counted_from_the_level_that_the_user_sets() {
    let mut stage = motion();
    let text = hold(&mut stage, fixture::orientation(81.0));
    assert!(text.contains("sensor axes not documented: hold level, press L"), "{text}");
    assert!(text.contains("measured from a position that you set"), "{text}");
    stage.app.zoomed = false;
    let small = stage.text(SIZE.0, SIZE.1);
    assert!(small.contains("sensor axes not documented: hold level, press L"), "{small}");
    stage.app.zoomed = true;
    for claim in ["pitch", "roll", "yaw", "x front", "z up"] {
        assert!(!text.contains(claim), "{claim}\n{text}");
    }
    let text = press(&mut stage);
    assert!(text.contains("this is level"), "it says so\n{text}");
    assert!(text.contains("tilt   0°   turn   0°"), "{text}");
    let text = hold(&mut stage, fixture::orientation(93.0));
    assert!(text.contains("tilt  12°   turn  12°"), "{text}");
    assert!(text.contains("from the level set at 14:28:"), "{text}");
    press(&mut stage);
    let text = hold(&mut stage, fixture::orientation(93.0));
    assert!(text.contains("tilt   0°   turn   0°"), "set anew\n{text}");
}

#[test]
fn what_is_no_position_is_not_taken_as_level() {
    for (orientation, says) in [
        (Some(Orientation::Moving), "hold the head still"),
        (Some(Orientation::RawCounts), "raw counts"),
        (None, "no motion sample yet"),
    ] {
        let mut stage = motion();
        hold(&mut stage, orientation);
        let text = press(&mut stage);
        assert!(text.contains("level not set") && text.contains(says), "{text}");
        let text = hold(&mut stage, fixture::orientation(0.0));
        assert!(text.contains("sensor axes not documented"), "{text}");
    }
}

#[test]
fn another_session_has_no_level_yet() {
    let mut stage = motion();
    press(&mut stage);
    let session = stage.app.sessions.list[0].session.clone();
    let other = cortop_client::Session { id: "other".into(), ..session };
    stage.hear(cortop_client::Event::Session(other));
    stage.app.sessions.current = Some("other".into());
    let entry = stage.app.sessions.current().expect("it is known");
    assert!(entry.level.is_none() && stage.app.sessions.list[0].level.is_some());
}
