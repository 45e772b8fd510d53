//! What must be visible at every size: the axis with a time, markers, all channels if rows allow it, and the
//! complete next step.

use cortop::app::{Action, Key};
use cortop_client::{Event, account::Licence, model::EPOC_SENSORS, session::SessionStatus};
use ratatui::style::Modifier;

use crate::{
    FIVE_SIZES,
    fixture::{Fixture, options, session},
    picture,
};

const SIZES: [(u16, u16); 7] =
    [(40, 12), (60, 20), (80, 24), (100, 30), (120, 40), (160, 48), (240, 60)];

/// The views with a time axis.
const TIMED: [&str; 5] = ["all", "eeg", "mot", "spectrogram", "pow"];

fn streaming(view: &str, (width, height): (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(&options()).streaming();
    fixture.show(view);
    fixture.feed(width, height, 3000);
    fixture.feed(width, height, 3000);
    fixture
}

fn mark(fixture: &mut Fixture) {
    fixture.edit_snapshot(|snapshot, _| {
        let traces = snapshot.traces.as_mut().expect("a picture");
        let label = "a stimulus with a long name";
        traces.markers = [640, 300].map(|ago| (traces.end - ago, label.into())).to_vec();
    });
}

/// Whether a text has a time of day after a stroke, as on the axis, and none that is cut.
fn has_time(text: &str) -> bool {
    let is_time = |part: &str| {
        let time: Vec<char> = part.chars().take(8).collect();
        time.len() == 8
            && time.iter().enumerate().all(|(at, char)| match at {
                2 | 5 => *char == ':',
                _ => char.is_ascii_digit(),
            })
    };
    let begun: Vec<_> = text.split('│').skip(1).filter(|part| part.starts_with("14:")).collect();
    !begun.is_empty() && begun.into_iter().all(is_time)
}

#[test]
fn each_view() {
    for view in cortop::ui::views().into_iter().skip(1) {
        for size @ (width, height) in FIVE_SIZES {
            let fixture = streaming(view.name, size);
            picture(&format!("view_{}", view.name), &fixture, width, height);
        }
    }
}

#[test]
fn rows_left_over_go_to_the_traces_and_the_lines_stand_beside_them() {
    for ((width, height), rows) in [((80, 24), 1), ((160, 48), 3), ((200, 50), 3), ((240, 60), 3)] {
        let text = streaming("all", (width, height)).text(width, height);
        let row = |sensor: &str| {
            text.lines().position(|line| line.contains(&format!("┃{sensor} "))).expect(sensor)
        };
        for pair in EPOC_SENSORS.windows(2) {
            assert_eq!(row(pair[1]) - row(pair[0]), rows, "{pair:?}\n{text}");
        }
        assert!(has_time(&text), "{text}");
        for words in ["mot ", "dev ", "T7 none", "met ", "com ", "fac ", "sys "] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert_eq!(text.contains("●AF3"), height >= 36, "{text}");
    }
    let text = streaming("all", (160, 48)).text(160, 48);
    assert!(text.contains("→ T7 none:"), "what to do stands below the head\n{text}");
}

#[test]
fn the_default_screen_and_contact_on_small_ones() {
    for size @ (width, height) in [(40, 12), (60, 20)] {
        picture("streaming", &streaming("all", size), width, height);
        picture("view_contact", &streaming("contact", size), width, height);
    }
}

#[test]
fn a_bipolar_montage() {
    for size @ (width, height) in [(40, 12), (80, 24), (160, 48)] {
        let mut fixture = streaming("all", size);
        for _ in 0..3 {
            fixture.apply(Action::Reference);
            fixture.feed(width, height, 3000);
        }
        fixture.until_the_notice_is_gone();
        fixture.feed(width, height, 3000);
        assert!(fixture.text(width, height).contains("longitudinal bipolar"));
        picture("bipolar", &fixture, width, height);
    }
}

#[test]
fn the_axis_has_a_time_and_the_markers_their_labels_at_every_size() {
    for view in TIMED {
        for (width, height) in SIZES {
            // On the smallest screens the list of band powers has all rows.
            if view == "pow" && height < 40 {
                continue;
            }
            let mut fixture = streaming(view, (width, height));
            let body = |fixture: &Fixture| {
                let text = fixture.text(width, height);
                text.lines().skip(2).collect::<Vec<_>>().join("\n")
            };
            assert!(has_time(&body(&fixture)), "{view}\n{}", body(&fixture));
            mark(&mut fixture);
            let text = body(&fixture);
            assert!(has_time(&text), "{view}\n{text}");
            assert_eq!(text.matches('◆').count(), 2, "{view}\n{text}");
        }
    }
}

#[test]
fn a_marker_is_a_line_through_all_channels_also_where_each_has_one_row() {
    for (width, height) in SIZES {
        let mut fixture = streaming("all", (width, height));
        mark(&mut fixture);
        let buffer = fixture.buffer(width, height);
        let (x, bottom) = (0..width)
            .flat_map(|x| (0..height).map(move |y| (x, y)))
            .find(|&place| buffer[place].symbol() == "◆")
            .expect("a label");
        let is_line = |y: u16| {
            let cell = &buffer[(x, y)];
            cell.symbol() == "┊" || cell.modifier.contains(Modifier::REVERSED)
        };
        let rows = (0..bottom).rev().take_while(|&y| is_line(y)).count();
        let channels = EPOC_SENSORS.len().min(usize::from(bottom) - 2);
        assert!(rows >= channels.min(7), "{rows} rows at {width}×{height}");
        let frame = buffer[(x, bottom - u16::try_from(rows).expect("few") - 1)].symbol();
        assert!(
            "━┪┳┓".contains(frame)
                || frame.starts_with(char::is_alphanumeric)
                || frame == " "
                || frame == "·",
            "{frame}"
        );
    }
}

#[test]
fn a_stale_stream_cuts_no_time_on_the_axis() {
    for (width, height) in SIZES.into_iter().skip(2) {
        let mut fixture = streaming("eeg", (width, height));
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                health.stale_since = Some(now);
            }
        });
        let text = fixture.text(width, height);
        let mut lines = text.lines().rev();
        let axis = lines.find(|line| line.contains("STALE since") && line.contains('┃'));
        let axis = axis.expect("an alarm");
        let axis = axis.split('┃').nth(1).expect("an area");
        for part in axis.split('│').skip(1).filter(|part| part.contains(':')) {
            let time: String = part.chars().take(8).collect();
            let is_cut = part.chars().count() < 8;
            assert!(is_cut || has_time(&format!("│{time}")), "{part} in\n{text}");
        }
    }
}

#[test]
fn a_narrow_screen_gives_its_rows_to_the_channels() {
    let fixture = streaming("all", (60, 20));
    let text = fixture.text(60, 20);
    for sensor in EPOC_SENSORS {
        assert!(text.contains(&format!("┃{sensor} ")), "{sensor}\n{text}");
    }
    assert!(has_time(&text), "{text}");
    // A focused pane other than the streams gets its own rows.
    let mut fixture = fixture;
    fixture.press(Key::char('2'));
    let text = fixture.text(60, 20);
    assert!(text.contains("[2] session") && text.contains("status"), "{text}");
    let text = streaming("all", (40, 12)).text(40, 12);
    let shown = EPOC_SENSORS.iter().filter(|own| text.contains(&format!("┃{own} "))).count();
    assert!(shown >= 6, "{shown} channels\n{text}");
}

/// The glyphs of one-row traces.
fn traces_in(text: &str) -> usize {
    text.chars().filter(|char| "▁▂▃▄▅▆▇".contains(*char) || ('⠁'..='⣿').contains(char)).count()
}

#[test]
fn the_old_picture_stays_until_that_for_another_size_has_come() {
    let mut fixture = streaming("all", (80, 24));
    let before = traces_in(&fixture.text(80, 24));
    for (width, height) in [(60, 20), (100, 30), (160, 48)] {
        let there = traces_in(&fixture.text(width, height));
        assert!(2 * there > before, "{there} of {before} at {width}×{height}");
    }
    fixture.apply(Action::Zoom);
    assert!(traces_in(&fixture.text(80, 24)) > before, "{}", fixture.text(80, 24));
}

#[test]
fn a_frozen_title_says_that_its_cursor_is_not_in_the_picture() {
    let mut fixture = streaming("eeg", (120, 40));
    for action in [Action::Freeze, Action::CursorLeft] {
        fixture.apply(action);
        fixture.feed(120, 40, 3000);
    }
    assert!(!fixture.text(120, 40).contains(" this ·"), "{}", fixture.text(120, 40));
    fixture.apply(Action::Oldest);
    fixture.feed(120, 40, 1280);
    assert!(fixture.text(120, 40).contains(" after this"), "{}", fixture.text(120, 40));
}

#[test]
fn the_scale_bar_is_as_high_and_as_long_as_it_says() {
    let mut fixture = streaming("eeg", (160, 48));
    let text = fixture.text(160, 48);
    assert!(text.contains("100µV▏"), "{text}");
    let start = text.find("┃├").expect("a bar of time");
    let bar: String = text[start..].chars().skip(1).take_while(|char| *char != '┤').collect();
    // Ten seconds over the plot: the area without frame and labels.
    let axis = text.lines().find(|line| line.contains("┃├")).expect("a row");
    let cells = axis.rsplit('┃').nth(1).expect("an area").chars().count() - 6;
    assert!(bar.contains(" 1 s "), "{bar}");
    assert_eq!(bar.chars().count(), (cells + 5) / 10, "{axis}");
    fixture.press(Key::char('+'));
    assert!(fixture.text(160, 48).contains("40µV▏"));
    let small = streaming("all", (80, 24)).text(80, 24);
    assert!(!small.contains("µV▏") && !small.contains("├ 2 s"), "{small}");
}

#[test]
fn a_channels_own_scale_is_that_of_its_bar_and_the_title_says_so() {
    let mut fixture = streaming("eeg", (160, 48));
    for _ in 1..EPOC_SENSORS.len() {
        fixture.press(Key::DOWN);
    }
    fixture.press(Key::char('<'));
    fixture.feed(160, 48, 3000);
    let text = fixture.text(160, 48);
    assert!(text.contains("200µV▏") && text.contains("± own scale"), "{text}");
}

#[test]
fn the_help_says_how_to_turn_its_pages_at_every_width() {
    for (width, height) in SIZES {
        let mut fixture = streaming("all", (width, height));
        fixture.press(Key::char('?'));
        let text = fixture.text(width, height);
        let title = text.lines().next().unwrap_or_default();
        let is_whole = title.contains("type to search") && title.contains(" keys");
        assert!(is_whole, "{title}");
    }
}

#[test]
fn the_overview_names_the_keys_that_sort_and_leave_it() {
    let mut fixture = streaming("all", (80, 24));
    for key in ['1', 'o'] {
        fixture.press(Key::char(key));
    }
    fixture.until_the_notice_is_gone();
    let text = fixture.text(80, 24);
    let footer = text.lines().last().unwrap_or_default();
    assert!(footer.contains("o list") && footer.contains("s sort"), "{footer}");
}

#[test]
fn rows_left_over_say_why_a_stream_was_refused_and_what_to_do() {
    let mut fixture = Fixture::new(&options()).without_licence();
    fixture.feed(80, 24, 3000);
    fixture.feed(80, 24, 3000);
    let text = fixture.text(80, 24);
    assert!(text.contains("EEG needs a licence with scope eeg"), "{text}");
}

#[test]
fn what_activating_costs_is_not_cut() {
    let mut fixture = streaming("all", (80, 24));
    fixture.on_event(Event::Session(session(SessionStatus::Opened)));
    fixture.on_event(Event::Licence(Licence { local_quota: Some(0.0), ..Licence::default() }));
    let text = fixture.text(80, 24);
    let words = ["no records; a", "moves", "activations", "here"];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
    assert!(!text.contains("activations …"), "{text}");
}
