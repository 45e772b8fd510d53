//! The table of views: which keys show them, and that a key has an effect in a view or says that it
//! has none.

use std::collections::BTreeSet;

use cortop::app::{App, Key, Message, StreamView};

use crate::fixture::{Stage, options};

fn stage() -> Stage {
    Stage::new(&options()).streaming()
}

/// Presses a key; what is said then.
fn said(stage: &mut Stage, key: char) -> String {
    stage.app.notice = None;
    stage.feed(80, 24, 3000);
    stage.app.update(Message::Key(Key::char(key)));
    stage.app.notice.take().map(|notice| notice.text).unwrap_or_default()
}

#[test]
fn settings_say_their_new_value_and_change_nothing_where_nobody_sees_it() {
    let mut stage = stage();
    for (key, value) in [
        ('+', "±20 µV"),
        ('=', "automatic"),
        (']', "20 s"),
        ('f', "high-pass 1 Hz"),
        ('F', "low-pass off"),
        ('n', "notch 50 Hz"),
        ('r', "common average"),
        ('s', "scrolls"),
        ('w', "half blocks"),
    ] {
        let text = said(&mut stage, key);
        assert!(text.contains(value), "{key}: {text}");
    }
    let settings = |app: &App| {
        let streams = &app.streams;
        (streams.amplitude(), streams.auto, streams.window(), streams.filters(), streams.reference)
    };
    let before = settings(&stage.app);
    for (views, keys) in [
        (&["contact", "eq", "met", "com", "fac", "sys"][..], "+-=[]fFnrsaHo<>JK0hldkj"),
        (&["mot"], "+-=fFnr"),
        (&["spectrum", "spectrogram", "pow"], "<>"),
    ] {
        for view in views {
            stage.show(view);
            for key in keys.chars() {
                let text = said(&mut stage, key);
                assert!(text.contains("this view does not show it"), "{key} in {view}: {text}");
            }
        }
    }
    assert_eq!(settings(&stage.app), before);
    stage.show("mot");
    assert!(said(&mut stage, ']').contains("30 s"), "motion has a window");
}

#[test]
fn a_channel_is_marked_as_bad_and_the_references_are_those_that_are_there() {
    let mut stage = stage();
    stage.feed(80, 24, 3000);
    assert_eq!(said(&mut stage, 'B'), "AF3 is marked as bad");
    stage.feed(80, 24, 3000);
    stage.feed(80, 24, 3000);
    assert!(stage.text(80, 24).contains("│AF3 bad") || stage.text(80, 24).contains("┃AF3 bad"));
    assert_eq!(said(&mut stage, 'B'), "AF3 counts again");
    for reference in ["common average", "AF3", "as recorded"] {
        assert_eq!(said(&mut stage, 'r'), format!("reference: {reference}"));
    }
}

#[test]
fn every_view_is_reached_by_one_key_and_by_its_own() {
    let mut stage = stage();
    let views = cortop::ui::views();
    assert_eq!(views[0], &StreamView::ALL);
    for view in views.iter().cycle().skip(1).take(views.len()) {
        said(&mut stage, 'v');
        assert_eq!(stage.app.streams.shown, *view);
    }
    for view in &views {
        for &key in view.keys {
            for shown in [*view, &StreamView::ALL] {
                stage.app.update(Message::Key(key));
                assert_eq!(stage.app.streams.shown, shown, "{key}");
            }
        }
        // Each is a command by its name.
        stage.app.update(Message::Key(Key::char(':')));
        for char in format!("streams.{}", view.name).chars() {
            stage.app.update(Message::Key(Key::char(char)));
        }
        stage.app.update(Message::Key(Key::ENTER));
        assert!(stage.app.dialog.is_none(), "{}", view.name);
        stage.show("all");
    }
}

#[test]
fn no_two_commands_of_a_pane_have_one_name() {
    let stage = stage();
    let mut names = BTreeSet::new();
    for (row, _) in stage.app.settings.keymap.rows() {
        assert!(names.insert((row.pane, row.name)), "{}", row.name);
    }
}
