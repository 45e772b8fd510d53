//! How channels whose raw signal cannot be EEG are reported, wherever a channel is mentioned; and
//! interpolated samples.

use std::{sync::Arc, time::Duration};

use cortop::app::{Action, Pane};
use cortop_client::{Stream, model::EPOC_SENSORS};
use cortop_signal::{BadChannel, Defect, view::ViewEnd};

use crate::{
    SIZES,
    fixture::{self, Fixture, options},
    picture,
};

const BAD: [(&str, Defect); 3] =
    [("AF3", Defect::Railed), ("FC5", Defect::OffLevel), ("T8", Defect::Flat)];

fn bad(channels: &[(&str, Defect)]) -> Arc<[BadChannel]> {
    let bad = |&(label, defect): &(&str, Defect)| BadChannel { label: label.into(), defect };
    channels.iter().map(bad).collect()
}

/// A view of a headset with good contact everywhere and these bad channels.
fn with(shown: &str, channels: &[(&str, Defect)], (width, height): (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(&options()).streaming();
    fixture.show(shown);
    if shown != "all" {
        fixture.zoom();
    }
    fixture.feed(width, height, 3000);
    edit_snapshot(&mut fixture, channels);
    // The labels have a different width now.
    fixture.feed(width, height, 3000);
    edit_snapshot(&mut fixture, channels);
    fixture
}

fn edit_snapshot(fixture: &mut Fixture, channels: &[(&str, Defect)]) {
    fixture.edit_snapshot(|snapshot, _| {
        fixture::set_levels(&mut snapshot.readings, |_, _| Some(4.0));
        for health in snapshot.health.iter_mut().filter(|health| health.stream == Stream::Eeg) {
            health.bad_channels = bad(channels);
        }
    });
    // Until the screen shows its numbers.
    fixture.forward(Duration::from_millis(500));
}

fn row<'a>(text: &'a str, front: &str) -> &'a str {
    text.lines().find(|line| line.contains(front)).unwrap_or_default()
}

#[test]
fn traces_name_them_at_their_labels() {
    for size in SIZES {
        for shown in ["all", "eeg"] {
            let fixture = with(shown, &BAD, size);
            let text = fixture.text(size.0, size.1);
            // If all channels have a row.
            let all = shown != "all" || size.0 > 80;
            for name in
                ["AF3 railed ", "FC5 off level ", "T8 flat "].iter().take(2 + usize::from(all))
            {
                assert!(text.contains(&format!("┃{name}")), "{name}\n{text}");
            }
            assert!(
                text.lines().nth(1).is_some_and(|head| head.contains("✖ AF3 railed")),
                "{text}"
            );
        }
        picture("bad_channels", &with("all", &BAD, size), size.0, size.1);
        let text = with("eeg", &BAD, size).text(size.0, size.1);
        assert!(
            text.lines().nth(3).is_some_and(|line| line.contains("AF3 railed, 2 more")),
            "{text}"
        );
        // Beside a scale of its own, and no wider than needed.
        let mut fixture = with("eeg", &BAD[2..], size);
        fixture.apply(Action::ChannelLarger);
        fixture.feed(size.0, size.1, 3000);
        edit_snapshot(&mut fixture, &BAD[2..]);
        let text = fixture.text(size.0, size.1);
        assert!(text.contains("┃T8 flat   ") && text.contains("┃AF3 ±25 "), "{text}");
    }
}

#[test]
fn a_frozen_picture_names_those_of_its_moment_and_an_older_one_none() {
    let size = (120, 40);
    let mut fixture = with("eeg", &BAD, size);
    fixture.apply(Action::Freeze);
    fixture.feed(size.0, size.1, 3000);
    edit_snapshot(&mut fixture, &[]);
    let text = fixture.text(size.0, size.1);
    assert!(text.contains("AF3 railed ") && !text.contains("railed +2"), "{text}");
    fixture.apply(Action::Earlier);
    let ViewEnd::At(end) = fixture.view(size.0, size.1).end else { panic!("frozen") };
    fixture.feed(size.0, size.1, end);
    edit_snapshot(&mut fixture, &[]);
    let text = fixture.text(size.0, size.1);
    assert!(!text.contains("railed") && text.contains("AF3"), "{text}");
}

#[test]
fn contact_is_not_good_where_a_channel_is_bad() {
    for size in SIZES {
        let fixture = with("contact", &BAD, size);
        picture("contact_bad_channels", &fixture, size.0, size.1);
        let text = fixture.text(size.0, size.1);
        assert!(!text.contains("good everywhere"), "{text}");
        for name in ["AF3  ✖ railed", "T8   ✖ flat", "FC5  ✖ off level "] {
            assert!(text.contains(name), "{name}\n{text}");
        }
        assert!(text.contains("→ AF3 railed, although its contact reads good"), "{text}");
        let text = with("eq", &BAD, size).text(size.0, size.1);
        assert!(!text.contains("looks like EEG everywhere"), "{text}");
        assert!(text.contains("→ AF3 railed: "), "{text}");
        let text = with("all", &BAD, size).text(size.0, size.1);
        assert!(row(&text, "┃dev").contains("AF3 railed +2") || size.0 > 80, "{text}");
        assert!(!text.contains("all good"), "{text}");
    }
}

#[test]
fn the_overview_names_the_worst_of_each_headset() {
    for (name, expected) in [
        (&BAD[..], "AF3 railed"),
        (&BAD[1..2], "FC5 off level"),
        (&BAD[1..], "T8 flat"),
        (&[], "all good"),
    ] {
        for (width, height) in [(80, 24), (160, 48)] {
            let mut fixture = with("all", name, (width, height));
            fixture.edit_snapshot(|snapshot, _| {
                let dev = &snapshot.readings.dev;
                snapshot.devices.values_mut().for_each(|device| device.dev.clone_from(dev));
            });
            fixture.focus(Pane::Headsets);
            fixture.apply(Action::Overview);
            fixture.forward(Duration::from_millis(500));
            let text = fixture.text(width, height);
            let row = text.lines().skip(2).find(|line| line.contains(fixture::HEADSET));
            assert!(row.is_some_and(|row| row.contains(&format!(" {expected} "))), "{text}");
        }
    }
}

#[test]
fn many_interpolated_samples_stand_in_the_header_and_first_in_the_line() {
    // In total and within the last 10 s, of 4096 and 1280 samples.
    for (all, now, header) in [
        (0, 0, None),
        (40, 12, None),
        (40, 13, Some("interpolated 1.0 %")),
        (41, 0, Some("interpolated 1.0 %")),
        (40, 0, None),
    ] {
        for width in [80, 100, 120] {
            let mut fixture = Fixture::new(&options()).streaming();
            fixture.show_stream(Stream::Eeg);
            fixture.feed(width, 40, 3000);
            fixture.edit_snapshot(|snapshot, _| {
                for health in snapshot.health.iter_mut().filter(|it| it.stream == Stream::Eeg) {
                    (health.interpolated, health.recent.interpolated) = (all, now);
                }
            });
            let text = fixture.text(width, 40);
            let head = text.lines().nth(1).expect("a header");
            assert_eq!(head.contains("interpolated"), header.is_some(), "{all} {now}\n{text}");
            assert!(header.is_none_or(|words| head.contains(words)), "{head}");
            let line = text.lines().nth(3).expect("the line of the stream");
            assert!(all == 0 || line.contains(&format!("interpolated {all} (")), "{text}");
            fixture.show("all");
            let text = fixture.text(width, 40);
            let line = row(&text, "┃eeg ");
            assert!(all == 0 || line.contains(&format!("{all} interpolated")), "{text}");
            // Also beside a loss, which comes first.
            fixture.edit_snapshot(|snapshot, _| {
                for health in snapshot.health.iter_mut().filter(|it| it.stream == Stream::Eeg) {
                    (health.lost, health.recent.lost) = (5, 5);
                }
            });
            let text = fixture.text(width, 40);
            let head = text.lines().nth(1).expect("a header");
            assert!(head.contains("lost 5 (5 in 10 s)"), "{head}");
            assert!(header.is_none_or(|words| head.contains(words)), "{head}");
        }
    }
}

#[test]
fn what_is_worse_comes_first_in_the_line_of_a_stream() {
    let mut fixture = Fixture::new(&options()).streaming();
    fixture.show_stream(Stream::Eeg);
    fixture.zoom();
    fixture.feed(160, 40, 3000);
    fixture.edit_snapshot(|snapshot, _| {
        let eeg = snapshot.health.iter_mut().find(|it| it.stream == Stream::Eeg).expect("eeg");
        (eeg.interpolated, eeg.recent.interpolated) = (99, 9);
        (eeg.lost, eeg.malformed) = (7, 3);
        eeg.bad_channels = bad(&BAD[..1]);
    });
    let text = fixture.text(160, 40);
    let line = text.lines().nth(3).expect("the line of the stream");
    let places = ["AF3 railed", "interpolated 99", "lost 7", "malformed 3", "/128 Hz", "age"];
    let places = places.map(|word| line.find(word).unwrap_or_else(|| panic!("{word}\n{text}")));
    assert!(places.is_sorted(), "{line}");
}

#[test]
fn the_numbers_name_them_too_and_show_the_selected_channel() {
    for size in SIZES {
        let mut fixture = with("numbers", &BAD, size);
        let own = |fixture: &Fixture, label: &str| {
            row(&fixture.text(size.0, size.1), &format!("{label}  ")).to_owned()
        };
        assert!(own(&fixture, "AF3").contains("✖ railed"), "{}", own(&fixture, "AF3"));
        assert!(own(&fixture, "T8").contains("✖ flat"), "{}", own(&fixture, "T8"));
        assert!(own(&fixture, "F7").contains("no defect"), "{}", own(&fixture, "F7"));
        for label in EPOC_SENSORS {
            fixture.feed(size.0, size.1, 3000);
            fixture.feed(size.0, size.1, 3000);
            let text = fixture.text(size.0, size.1);
            assert!(text.contains(&format!("┃▶{label} ")), "{label}\n{text}");
            fixture.apply(Action::ChannelDown);
        }
    }
}
