//! The table of views: the keys that show them, and that every key either has an effect in a view or says
//! that it has none.

use std::collections::BTreeSet;

use cortop::app::{Key, Keymap, StreamView};

use crate::fixture::{Fixture, options};

fn fixture() -> Fixture {
    Fixture::new(&options()).streaming()
}

/// Presses a key; returns the notice.
fn said(fixture: &mut Fixture, key: char) -> String {
    fixture.until_the_notice_is_gone();
    fixture.feed(80, 24, 3000);
    fixture.press(Key::char(key));
    fixture.notice().unwrap_or_default().to_owned()
}

#[test]
fn settings_say_their_new_value_and_change_nothing_where_nobody_sees_it() {
    let mut fixture = fixture();
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
        let text = said(&mut fixture, key);
        assert!(text.contains(value), "{key}: {text}");
    }
    // Amplitude, scale, window, filters and reference are on the frame.
    let settings = |fixture: &mut Fixture| {
        fixture.show("eeg");
        fixture.feed(240, 40, 3000);
        fixture.text(240, 40).lines().nth(2).map(str::to_owned)
    };
    let before = settings(&mut fixture);
    for (views, keys) in [
        (&["contact", "eq"][..], "+-=[]fFnrsaHo<>JK0hld"),
        (&["met", "com", "fac", "sys"], "+-=[]fFnrsaHo<>JK0hldkj"),
        (&["mot"], "+-=fFnr"),
        (&["spectrum", "spectrogram", "pow"], "<>"),
    ] {
        for view in views {
            fixture.show(view);
            for key in keys.chars() {
                let text = said(&mut fixture, key);
                assert!(text.contains("this view does not show it"), "{key} in {view}: {text}");
            }
        }
    }
    assert_eq!(settings(&mut fixture), before);
    fixture.show("mot");
    assert!(said(&mut fixture, ']').contains("30 s"), "motion has a window");
}

#[test]
fn a_channel_is_marked_as_bad_and_the_montages_are_those_that_are_there() {
    let mut fixture = fixture();
    fixture.feed(80, 24, 3000);
    assert_eq!(said(&mut fixture, 'B'), "AF3 is marked as bad");
    fixture.feed(80, 24, 3000);
    fixture.feed(80, 24, 3000);
    assert!(fixture.text(80, 24).contains("│AF3 bad") || fixture.text(80, 24).contains("┃AF3 bad"));
    assert_eq!(said(&mut fixture, 'B'), "AF3 is no longer marked as bad");
    for montage in ["common average", "against AF3", "longitudinal bipolar", "as recorded"] {
        assert_eq!(said(&mut fixture, 'r'), format!("montage: {montage}"));
    }
}

#[test]
fn every_view_is_reached_by_one_key_and_by_its_own() {
    let mut fixture = fixture();
    let views = cortop::ui::views();
    assert_eq!(views[0], &StreamView::ALL);
    for view in views.iter().cycle().skip(1).take(views.len()) {
        said(&mut fixture, 'v');
        assert_eq!(fixture.shown(), view.name);
    }
    for view in &views {
        for &key in view.keys {
            for shown in [*view, &StreamView::ALL] {
                fixture.press(key);
                assert_eq!(fixture.shown(), shown.name, "{key}");
            }
        }
        // Each is a command by name.
        fixture.type_in(&format!(":streams.{}", view.name));
        fixture.press(Key::ENTER);
        assert!(!fixture.text(80, 24).contains("Esc: close"), "{}", view.name);
        fixture.show("all");
    }
}

#[test]
fn no_two_commands_of_a_pane_have_one_name() {
    let mut names = BTreeSet::new();
    for (row, _) in Keymap::new(cortop::ui::views()).rows() {
        assert!(names.insert((row.pane, row.name)), "{}", row.name);
    }
}

#[test]
fn a_bipolar_montage_has_channels_of_its_own_and_the_map_none() {
    let mut fixture = fixture();
    fixture.feed(160, 48, 3000);
    for _ in 0..3 {
        said(&mut fixture, 'r');
    }
    fixture.feed(160, 48, 3000);
    fixture.feed(160, 48, 3000);
    let text = fixture.text(160, 48);
    assert!(text.contains("longitudinal bipolar") && text.contains("┃AF3–F7 "), "{text}");
    assert!(text.contains("┃P8–O2") && !text.contains("┃FC5"), "{text}");
    // A pair is hidden, but no channel.
    said(&mut fixture, 'H');
    fixture.feed(160, 48, 3000);
    assert!(!fixture.text(160, 48).contains("AF3–F7"));
    assert!(said(&mut fixture, 'B').contains("F7–T7 is marked as bad"));
    fixture.show("topography");
    fixture.feed(160, 48, 3000);
    let text = fixture.text(160, 48);
    assert!(!text.contains("longitudinal") && text.contains("FC5"), "{text}");
    fixture.show("eeg");
    for montage in ["as recorded", "common average"] {
        fixture.feed(160, 48, 3000);
        assert_eq!(said(&mut fixture, 'r'), format!("montage: {montage}"));
    }
    fixture.feed(160, 48, 3000);
    fixture.feed(160, 48, 3000);
    let text = fixture.text(160, 48);
    assert!(text.contains("┃AF3 ") && text.contains("┃FC5 "), "{text}");
}

#[test]
fn a_pair_is_bad_where_one_of_its_channels_is() {
    let mut fixture = fixture();
    fixture.feed(160, 48, 3000);
    said(&mut fixture, 'B');
    for _ in 0..3 {
        said(&mut fixture, 'r');
    }
    for _ in 0..2 {
        fixture.feed(160, 48, 3000);
    }
    let text = fixture.text(160, 48);
    let marked = |label: &str| text.contains(&format!("┃{label} bad"));
    assert!(marked("AF3–F7") && marked("AF3–F3") && !marked("F7–T7"), "{text}");
    assert_eq!(said(&mut fixture, 'B'), "AF3 is marked as bad, and so are its pairs");
}
