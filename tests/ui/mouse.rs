//! What the mouse does where things are drawn: a click on a word of the screen, as a person would.

use cortop::app::{Action, Effect, Key, Message, MouseInput, MouseTarget, Pane, SessionField};
use cortop_client::Stream;
use ratatui::style::Modifier;

use crate::{SIZES, fixture::Fixture};

/// All streams are flowing, and the mouse is on.
fn streaming(width: u16, height: u16) -> Fixture {
    let mut fixture = crate::new().with(|settings| settings.mouse = true).streaming();
    fixture.feed(width, height, 3000);
    fixture.feed(width, height, 3000);
    fixture
}

/// The first cell of the last occurrence of a word on the screen.
fn place(text: &str, word: &str) -> (u16, u16) {
    let found = text.lines().enumerate().find_map(|(y, line)| {
        let byte = line.find(word)?;
        Some((line[..byte].chars().count(), y))
    });
    let missing = || format!("{word}\n{text}");
    let (x, y) = found.ok_or_else(missing).expect("it is drawn");
    (u16::try_from(x).expect("small"), u16::try_from(y).expect("small"))
}

fn use_mouse(
    fixture: &mut Fixture,
    (width, height): (u16, u16),
    word: &str,
    input: MouseInput,
) -> Vec<Effect> {
    let place = place(&fixture.text(width, height), word);
    let target = fixture.target(width, height, place).expect(word);
    fixture.update(Message::Mouse(target, input))
}

fn click(fixture: &mut Fixture, size: (u16, u16), word: &str) -> Vec<Effect> {
    use_mouse(fixture, size, word, MouseInput::Click)
}

#[test]
fn a_click_on_a_field_selects_it_and_a_second_one_unfolds_it() {
    for size in SIZES {
        let mut fixture = streaming(size.0, size.1);
        click(&mut fixture, size, "owner ");
        let text = fixture.text(size.0, size.1);
        assert!(text.contains("▶[2] session") && text.contains("▸owner"), "{text}");
        click(&mut fixture, size, "owner ");
        let text = fixture.text(size.0, size.1);
        assert!(text.contains("▾owner"), "{text}");
        click(&mut fixture, size, "license ");
        let text = fixture.text(size.0, size.1);
        assert!(text.contains("▸license") && !text.contains("▾owner"), "{text}");
        // A row without a field only focuses.
        let edge = place(&text, "[2] session");
        assert_eq!(fixture.target(size.0, size.1, edge), Some(MouseTarget::Pane(Pane::Session)));
    }
}

#[test]
fn a_click_on_a_row_selects_the_channel_and_in_a_frozen_picture_sets_the_cursor() {
    for size @ (width, height) in SIZES {
        let mut fixture = streaming(width, height);
        click(&mut fixture, size, "O1 ");
        fixture.feed(width, height, 3000);
        let text = fixture.text(width, height);
        let row = text.lines().find(|line| line.contains("┃O1 ")).expect("the row");
        assert!(row.contains("┃O1   ▶"), "{text}");
        assert_eq!(fixture.view(width, height).cursors, [None, None]);
        fixture.press(Key::SPACE);
        fixture.feed(width, height, 3000);
        let (x, y) = place(&fixture.text(width, height), "F7 ");
        let mut samples = Vec::new();
        // To the left of the growing cell.
        for cells in [8, 14] {
            let target = fixture.target(width, height, (x + cells, y)).expect("a trace");
            assert!(matches!(target, MouseTarget::Channel(1, Some(_))), "{target:?}");
            fixture.update(Message::Mouse(target, MouseInput::Click));
            samples.extend(fixture.view(width, height).cursors[0]);
        }
        let [first, second] = samples[..] else { panic!("{samples:?}") };
        assert!(first != second, "{samples:?}");
        // The window has 1280 samples.
        assert!(samples.iter().all(|sample| (1700..3000).contains(sample)), "{samples:?}");
    }
}

#[test]
fn a_click_finds_headsets_streams_of_the_inspector_and_targets_of_the_log() {
    let size @ (width, height) = (120, 40);
    let mut fixture = streaming(width, height);
    click(&mut fixture, size, "USB cable");
    let text = fixture.text(width, height);
    assert!(text.contains("▶✖ INSIGHT2-0A1B2C3D"), "{text}");
    fixture.press(Key::char('3'));
    fixture.press(Key::char('i'));
    fixture.feed(width, height, 3000);
    let place_of = |fixture: &Fixture, word: &str| place(&fixture.text(width, height), word);
    let at = place_of(&fixture, "┃ dev");
    let target = fixture.target(width, height, (at.0 + 1, at.1));
    assert_eq!(target, Some(MouseTarget::Inspected(Stream::Dev)));
    fixture.update(Message::Mouse(target.expect("it"), MouseInput::Click));
    assert!(fixture.text(width, height).contains("┃▶dev"));
    fixture.press(Key::char('4'));
    fixture.press(Key::char('o'));
    fixture.until_the_notice_is_gone();
    click(&mut fixture, size, "client ");
    assert!(fixture.text(width, height).contains("▶ client"), "{}", fixture.text(width, height));
}

#[test]
fn in_a_list_a_click_selects_and_a_second_one_chooses() {
    let size @ (width, height) = (120, 40);
    let mut fixture = streaming(width, height);
    fixture.press(Key::char(':'));
    fixture.type_in("pane");
    click(&mut fixture, size, "session-pane");
    let text = fixture.text(width, height);
    assert!(text.contains("▶ session-pane") && text.contains("▶[3]"), "{text}");
    use_mouse(&mut fixture, size, "session-pane", MouseInput::WheelUp);
    assert!(fixture.text(width, height).contains("▶ headsets-pane"));
    use_mouse(&mut fixture, size, "session-pane", MouseInput::WheelDown);
    // What the dialog covers does not react.
    let covered = fixture.target(width, height, (5, 20)).expect("the dialog");
    assert_eq!(covered, MouseTarget::Dialog);
    assert_eq!(fixture.update(Message::Mouse(covered, MouseInput::Click)), []);
    click(&mut fixture, size, "session-pane");
    let text = fixture.text(width, height);
    assert!(text.contains("▶[2] session") && !text.contains("session-pane"), "{text}");
}

#[test]
fn in_a_form_a_click_selects_the_field_that_is_typed_into() {
    let size @ (width, height) = (120, 40);
    let mut fixture = streaming(width, height);
    fixture.press(Key::char('R'));
    click(&mut fixture, size, "subject");
    fixture.type_in("P-07");
    let text = fixture.text(width, height);
    assert!(text.lines().any(|line| line.contains("▶subject") && line.contains("P-07")), "{text}");
}

#[test]
fn the_wheel_scrolls_history_help_and_fields() {
    let size @ (width, height) = (120, 40);
    let mut fixture = streaming(width, height);
    use_mouse(&mut fixture, size, "F7 ", MouseInput::WheelUp);
    assert!(fixture.text(width, height).contains("FROZEN"), "half a window back");
    use_mouse(&mut fixture, size, "F7 ", MouseInput::WheelDown);
    assert!(!fixture.text(width, height).contains("FROZEN"), "and on to now");
    click(&mut fixture, size, "owner ");
    use_mouse(&mut fixture, size, "owner ", MouseInput::WheelDown);
    assert!(fixture.text(width, height).contains("▸license"));
    fixture.press(Key::char('?'));
    let text = fixture.text(80, 24);
    assert!(text.contains("page 1 of"), "{text}");
    use_mouse(&mut fixture, (80, 24), "keys", MouseInput::WheelDown);
    assert!(fixture.text(80, 24).contains("page 2 of"));
    use_mouse(&mut fixture, (80, 24), "keys", MouseInput::WheelUp);
    assert!(fixture.text(80, 24).contains("page 1 of"));
}

#[test]
fn nothing_is_kept_for_a_mouse_that_is_off_and_a_click_on_what_is_gone_does_nothing() {
    let mut fixture = crate::new().streaming();
    fixture.feed(80, 24, 3000);
    assert_eq!(fixture.target(80, 24, (40, 10)), None);
    let mut fixture = streaming(80, 24);
    fixture.press(Key::char(':'));
    let before = fixture.text(80, 24);
    let field = MouseTarget::Field(SessionField::Owner);
    assert_eq!(fixture.update(Message::Mouse(field, MouseInput::Click)), []);
    assert_eq!(fixture.text(80, 24), before);
    fixture.press(Key::ESC);
    let entry = MouseTarget::DialogEntry(3);
    assert_eq!(fixture.update(Message::Mouse(entry, MouseInput::Click)), []);
    assert_eq!(fixture.apply(Action::Mouse), [Effect::Mouse(false)]);
}

#[test]
fn a_click_on_a_sensor_selects_its_channel_on_the_head_and_in_the_table() {
    for (width, height) in SIZES {
        let mut fixture = streaming(width, height);
        fixture.press(Key::char('c'));
        fixture.feed(width, height, 3000);
        // Once in the table, and once on the head.
        for (word, at, channel) in [("O1   ", 0, "O1"), ("●FC6", 1, "FC6")] {
            let (x, y) = place(&fixture.text(width, height), word);
            let target = fixture.target(width, height, (x + at, y)).expect(word);
            assert_eq!(target, MouseTarget::Sensor(channel.to_owned()));
            let before = fixture.text(width, height);
            assert_eq!(fixture.update(Message::Mouse(target, MouseInput::Click)), []);
            assert_eq!(fixture.text(width, height), before, "nothing moves");
            let buffer = fixture.buffer(width, height);
            assert!(buffer[(x + at, y)].modifier.contains(Modifier::REVERSED), "{channel}");
        }
        fixture.show("eeg");
        fixture.feed(width, height, 3000);
        let text = fixture.text(width, height);
        assert!(text.contains("FC6  ▶"), "{text}");
    }
}

#[test]
fn a_click_moves_nothing_but_the_selection() {
    let size @ (width, height) = (160, 48);
    let mut fixture = streaming(width, height);
    // The streams pane, whichever pane has the focus.
    let picture = |fixture: &Fixture| -> Vec<String> {
        let text = fixture.text(width, height);
        let inside = |line: &str| line.chars().skip(55).take(104).collect::<String>();
        text.lines().skip(3).take(43).map(|line| inside(line).replace('▶', " ")).collect()
    };
    let before = picture(&fixture);
    for word in ["owner ", "●FC6", "O1 ", "USB cable"] {
        click(&mut fixture, size, word);
        fixture.feed(width, height, 3000);
        assert_eq!(picture(&fixture), before, "{word}");
    }
}
