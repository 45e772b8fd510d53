//! Help, footer, dialogs and forms.

use cortop::app::{Action, Key, Keymap, Pane, TerminalPlace};

use crate::{SIZES, names, new, picture, pictures};

#[test]
fn help_shows_every_key_in_force() {
    pictures("help", || {
        let mut fixture = new();
        fixture.apply(Action::Help);
        fixture
    });
    for (focus, size) in Pane::ALL.into_iter().flat_map(|pane| SIZES.map(|size| (pane, size))) {
        let mut fixture = new();
        fixture.focus(focus);
        fixture.apply(Action::Help);
        // Page numbers beyond the last show the first pages again.
        let pages: Vec<_> = (0..6)
            .map(|_| {
                let page = fixture.text(size.0, size.1);
                fixture.press(Key::PAGE_DOWN);
                page
            })
            .collect();
        let text = pages.join("\n");
        let keymap = Keymap::new(cortop::ui::views());
        let rows = keymap.rows().map(|(row, _)| row);
        for row in rows.filter(|row| !row.keys.is_empty()) {
            let first = row.help.split(' ').next().expect("a word");
            let key = row.keys[0].to_string();
            assert!(
                text.lines().any(|line| line.contains(&key) && line.contains(first)),
                "{row:?}
{text}"
            );
        }
    }
}

#[test]
fn the_help_opens_with_what_works_in_this_view_and_typing_narrows_it() {
    let mut fixture = new().streaming();
    fixture.show("contact");
    fixture.apply(Action::Help);
    let text = fixture.text(120, 40);
    let first = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}\n{text}"));
    assert!(text.contains("streams: contact"), "{text}");
    assert!(!text.contains("next high-pass") || first("quit") < first("next high-pass"), "{text}");
    for char in "next pane".chars() {
        fixture.press(Key::char(char));
    }
    let text = fixture.text(80, 24);
    assert!(text.contains("search: next pane") && text.contains("tab       next pane"), "{text}");
    assert!(!text.contains("contact quality"), "{text}");
    for char in "xyz".chars() {
        fixture.press(Key::char(char));
    }
    assert!(fixture.text(80, 24).contains("no key does that"), "{}", fixture.text(80, 24));
}

#[test]
fn the_footer_names_the_keys_of_the_view_and_never_leaves_out_the_last_ones() {
    for view in names() {
        let mut fixture = new().streaming();
        fixture.show(view);
        let text = fixture.text(80, 24);
        let footer = text.lines().last().expect("a footer");
        for hint in [" commands", " freeze", " record", " help", " quit"] {
            assert!(footer.contains(hint), "{view}: {footer}");
        }
        let works = ["spectrum", "eeg", "all"].contains(&view);
        assert_eq!(footer.contains("larger"), works, "{view}: {footer}");
    }
    let mut fixture = new().streaming();
    fixture.feed(80, 24, 3000);
    fixture.feed(80, 24, 3000);
    fixture.press(Key::SPACE);
    let text = fixture.text(80, 24);
    let footer = text.lines().last().expect("a footer");
    assert!(footer.contains("space resume"), "{footer}");
}

#[test]
fn the_help_says_what_the_marks_mean_and_what_the_filters_do() {
    for size in SIZES {
        let mut fixture = new();
        fixture.apply(Action::Help);
        let pages = (0..6).map(|_| {
            let page = fixture.text(size.0, size.1);
            fixture.press(Key::PAGE_DOWN);
            page
        });
        let pages = pages.collect::<String>();
        let text = pages.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in ["╳ samples lost", "↺ filter restarted", "up positive", "134 ms", "causal"]
        {
            assert!(text.contains(words), "{words}\n{pages}");
        }
    }
}

#[test]
fn the_help_has_as_many_columns_as_fit_whole() {
    // Three columns of 39 cells, and one or two left over.
    for width in [120, 121] {
        let mut fixture = new();
        fixture.apply(Action::Help);
        let text = fixture.text(width, 40);
        for line in text.lines().skip(1).take(38) {
            assert!(line.chars().skip(1 + 3 * 39).all(|char| " │".contains(char)), "{text}");
        }
    }
}

/// The dialogs that keys open over the panes.
#[test]
fn dialogs() {
    let open = |keys: &[Key]| {
        let mut fixture = new().streaming();
        for key in keys {
            fixture.press(*key);
        }
        fixture
    };
    let short = Key::char;
    pictures("palette", || open(&[short(':'), short('s'), short('t'), Key::DOWN]));
    pictures("record_form", || open(&[short('R'), Key::TAB, short('a')]));
    pictures("streams_chosen", || open(&[short('3'), short('e'), Key::DOWN]));
    pictures("activate", || {
        let mut fixture = new().without_licence();
        fixture.press(short('2'));
        fixture.press(short('a'));
        fixture
    });
}

/// A form taller than the screen shows the selected field.
#[test]
fn a_form_on_a_small_screen() {
    let mut fixture = new().with(|settings| settings.terminal = TerminalPlace::OverSsh).streaming();
    fixture.press(Key::char('R'));
    for label in ["title", "subject", "description", "tags"] {
        for (width, height) in [(40, 12), (30, 8)] {
            let text = fixture.text(width, height);
            assert!(text.contains(&format!("▶{label}")), "{text}");
        }
        fixture.press(Key::TAB);
    }
    picture("small_form", &fixture, 40, 12);
}
