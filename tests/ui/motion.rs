//! The position of the head: nothing is claimed about undocumented axes, and tilt is measured from the
//! position that the user declared level.

use std::time::Duration;

use cortop::app::{Action, Key};
use cortop_client::{Stream, session::SessionStatus};
use cortop_signal::Orientation;

use crate::fixture::{self, Fixture, options};

const SIZE: (u16, u16) = (80, 24);

fn motion() -> Fixture {
    let mut fixture = Fixture::new(&options()).streaming();
    fixture.show_stream(Stream::Mot);
    fixture.zoom();
    fixture.feed(SIZE.0, SIZE.1, 3000);
    fixture
}

fn hold(fixture: &mut Fixture, orientation: Option<Orientation>) -> String {
    fixture.edit_snapshot(|snapshot, _| snapshot.orientation = orientation);
    fixture.forward(Duration::from_millis(500));
    fixture.text(SIZE.0, SIZE.1)
}

fn press(fixture: &mut Fixture) -> String {
    fixture.update(cortop::app::Message::Key(Key::char('O')));
    fixture.text(SIZE.0, SIZE.1)
}

#[test]
fn tilt_is_counted_from_the_level_that_the_user_sets() {
    let mut fixture = motion();
    let text = hold(&mut fixture, fixture::orientation(81.0));
    assert!(text.contains("sensor axes not documented: hold level, press O"), "{text}");
    assert!(text.contains("measured from a position that you set"), "{text}");
    fixture.zoom();
    let small = fixture.text(SIZE.0, SIZE.1);
    assert!(small.contains("sensor axes not documented: hold level, press O"), "{small}");
    fixture.zoom();
    for claim in ["pitch", "roll", "yaw", "x front", "z up"] {
        assert!(!text.contains(claim), "{claim}\n{text}");
    }
    let text = press(&mut fixture);
    assert!(text.contains("this is level"), "it says so\n{text}");
    assert!(text.contains("tilt   0°   turn   0°"), "{text}");
    let text = hold(&mut fixture, fixture::orientation(93.0));
    assert!(text.contains("tilt  12°   turn  12°"), "{text}");
    assert!(text.contains("from the level set at 14:28:"), "{text}");
    press(&mut fixture);
    let text = hold(&mut fixture, fixture::orientation(93.0));
    assert!(text.contains("tilt   0°   turn   0°"), "set anew\n{text}");
}

#[test]
fn what_is_no_position_is_not_taken_as_level() {
    for (orientation, says) in [
        (Some(Orientation::Moving), "hold the head still"),
        (Some(Orientation::RawCounts), "raw counts"),
        (None, "no motion sample yet"),
    ] {
        let mut fixture = motion();
        hold(&mut fixture, orientation);
        let text = press(&mut fixture);
        assert!(text.contains("level not set") && text.contains(says), "{text}");
        let text = hold(&mut fixture, fixture::orientation(0.0));
        assert!(text.contains("sensor axes not documented"), "{text}");
    }
}

#[test]
fn another_session_has_no_level_yet() {
    let mut fixture = motion();
    press(&mut fixture);
    assert!(fixture.text(SIZE.0, SIZE.1).contains("from the level set at"));
    let session = fixture::session(SessionStatus::Activated);
    let other = cortop_client::Session { id: "other".into(), ..session };
    fixture.on_event(cortop_client::Event::Session(other));
    fixture.subscribed("other", vec![Stream::Mot], Vec::new());
    for set in [false, true] {
        fixture.apply(Action::NextSession);
        fixture.feed(SIZE.0, SIZE.1, 3000);
        let text = fixture.text(SIZE.0, SIZE.1);
        assert_eq!(text.contains("from the level set at"), set, "{text}");
        assert_eq!(text.contains("sensor axes not documented"), !set, "{text}");
    }
}
