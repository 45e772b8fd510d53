//! Traces: frozen, with cursors and markers, rearranged, and with losses.

use std::time::Duration;

use cortop::{
    app::Action,
    ui::{Colors, UiOptions},
};
use cortop_client::Stream;
use cortop_signal::{snapshot::Bin, view::ViewEnd};

use crate::{
    SIZES,
    fixture::{self, Fixture, options},
    new, picture,
};

#[test]
fn data_that_cannot_be_trusted() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                match health.stream {
                    Stream::Eeg => {
                        (health.lost, health.recent.lost, health.rate) = (57, 12, Some(118.0));
                    }
                    Stream::Mot => {
                        health.stale_since = Some(now - Duration::from_secs(75));
                        health.rate = None;
                    }
                    _ => {}
                }
            }
            for trace in snapshot.traces.iter_mut().flat_map(|traces| &mut traces.channels) {
                let columns = trace.columns.len();
                trace.columns[columns / 4..columns / 3].fill(Bin { gap: true, ..Bin::EMPTY });
                trace.columns[columns / 2].gap = true;
            }
        });
        picture("lossy", &fixture, width, height);

        let mut fixture = new().streaming();
        fixture.zoom();
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            for health in &mut snapshot.health {
                health.stale_since = Some(now - Duration::from_secs(75));
                health.rate = None;
            }
        });
        picture("stale", &fixture, width, height);
    }
}

#[test]
fn frozen_scrolling_and_clipped() {
    for (width, height) in SIZES {
        let mut fixture = new().streaming();
        for action in [Action::Zoom, Action::Sweep, Action::Larger] {
            fixture.apply(action);
        }
        fixture.feed(width, height, 3000);
        fixture.apply(Action::Freeze);
        fixture.forward(Duration::from_secs(9));
        fixture.feed(width, height, 3000);
        picture("frozen", &fixture, width, height);
    }
}

/// A zoomed picture after these keys, fed before and after.
fn after(keys: &[Action], options: &UiOptions, (width, height): (u16, u16)) -> Fixture {
    let mut fixture = Fixture::new(options).streaming();
    fixture.zoom();
    fixture.show_stream(Stream::Eeg);
    fixture.feed(width, height, 3000);
    for &key in keys {
        fixture.apply(key);
        fixture.feed(width, height, 3000);
    }
    fixture
}

/// A picture with two markers, one of them hostile.
fn mark(fixture: &mut Fixture) {
    fixture.edit_snapshot(|snapshot, _| {
        if let Some(traces) = &mut snapshot.traces {
            traces.markers = vec![(2100, "eyes closed 1".into()), (2600, "\u{1b}[2Jopen".into())];
        }
    });
}

#[test]
fn cursors_read_every_channel_and_how_far_apart_they_are() {
    let keys = [
        Action::Freeze,
        Action::CursorLeft,
        Action::SecondCursor,
        Action::CursorRight,
        Action::CursorRight,
        Action::CursorRight,
        Action::CursorOn,
    ];
    for size in SIZES {
        let mut fixture = after(&keys, &options(), size);
        mark(&mut fixture);
        picture("cursors", &fixture, size.0, size.1);
    }
    let columns = |fixture: &Fixture| fixture.view(120, 40).columns;
    let without = after(&keys[..1], &options(), (120, 40));
    let mut fixture = after(&keys[..2], &options(), (120, 40));
    assert_eq!(columns(&without), columns(&fixture), "placing a cursor moves nothing");
    let text = fixture.text(120, 40);
    let [Some(at), None] = fixture.view(120, 40).cursors else { panic!("one cursor") };
    for (channel, label) in cortop_client::model::EPOC_SENSORS.iter().enumerate() {
        let value = format!("{:+.1} µV", fixture::value(channel, at));
        let row = text.lines().find(|line| line.contains(&format!("┃{label} "))).expect("a row");
        assert!(row.contains(&value), "{label} {value}\n{text}");
    }
    fixture.apply(Action::Freeze);
    fixture.feed(120, 40, 3000);
    assert!(!fixture.text(120, 40).contains('▲'), "no cursor in a moving picture");
}

#[test]
fn markers_stand_in_the_picture_in_every_way_it_is_drawn() {
    let ascii = UiOptions { ascii: true, ..options() };
    for (name, keys, options) in [
        ("marked", &[][..], options()),
        ("marked_scroll", &[Action::Sweep], options()),
        ("marked_ascii", &[], ascii),
    ] {
        for size in SIZES {
            let mut fixture = after(keys, &options, size);
            mark(&mut fixture);
            picture(name, &fixture, size.0, size.1);
        }
    }
}

#[test]
fn ways_of_drawing() {
    for (name, keys) in
        [("half_block", &[Action::GlyphSet][..]), ("block", &[Action::GlyphSet, Action::GlyphSet])]
    {
        for size in SIZES {
            picture(name, &after(keys, &options(), size), size.0, size.1);
        }
    }
}

#[test]
fn channels_arranged() {
    let keys = [
        Action::HideChannel,
        Action::ChannelDown,
        Action::MoveChannelDown,
        Action::ChannelSmaller,
        Action::ChannelUp,
        Action::ChannelLarger,
        Action::ChannelLarger,
    ];
    for size in SIZES {
        picture("arranged", &after(&keys, &options(), size), size.0, size.1);
        let solo = after(&[Action::ChannelDown, Action::SoloChannel], &options(), size);
        picture("solo", &solo, size.0, size.1);
    }
}

#[test]
fn each_channel_keeps_its_colour() {
    let rgb = UiOptions { colors: Colors::Rgb, ..options() };
    let mut fixture = after(&[Action::HideChannel], &rgb, (120, 40));
    // Below the header, the frame and the line of the stream's health.
    let row = |fixture: &Fixture, row: u16| fixture.buffer(120, 40)[(60, 4 + 2 * row)].fg;
    for name in Fixture::new(&rgb).themes() {
        fixture.choose_theme(name);
        let colours: std::collections::BTreeSet<_> =
            (0..13).map(|at| row(&fixture, at).to_string()).collect();
        let many = ["hues-dark", "hues-light", "pastel", "colour-blind"].contains(&name.as_str());
        assert_eq!(colours.len() == 13, many, "{name}: {colours:?}");
        let second = row(&fixture, 0);
        fixture.apply(Action::ResetChannels);
        fixture.feed(120, 40, 3000);
        assert_eq!(row(&fixture, 1), second, "{name}");
        fixture.apply(Action::ChannelUp);
        fixture.apply(Action::HideChannel);
        fixture.feed(120, 40, 3000);
    }
}

#[test]
fn the_header_says_how_far_back_a_frozen_picture_is() {
    let mut fixture = after(&[Action::Freeze], &options(), (120, 40));
    fixture.forward(Duration::from_secs(70));
    fixture.apply(Action::Earlier);
    let ViewEnd::At(end) = fixture.view(120, 40).end else { panic!("frozen") };
    fixture.feed(120, 40, end);
    let text = fixture.text(120, 40);
    let head = text.lines().next().expect("a header");
    assert!(head.contains("FROZEN 14:28:40 · 1 min 15 s ago · since 14:28:45"), "{head}");
}

#[test]
fn a_restarted_filter_is_marked_unlike_a_loss() {
    let ascii = UiOptions { ascii: true, ..options() };
    let ways = [("┃F3 ", "↺", "╳", options()), ("|F3 ", "@", "x", ascii)];
    for (label, glyph, lost, options) in ways {
        for (size, shown) in [((120, 40), "eeg"), ((80, 24), "all")] {
            let mut fixture = Fixture::new(&options).streaming();
            if shown != "all" {
                fixture.zoom();
            }
            fixture.show(shown);
            fixture.feed(size.0, size.1, 3000);
            fixture.feed(size.0, size.1, 3000);
            let before = fixture.text(size.0, size.1);
            assert!(!before.contains("restart"), "{before}");
            fixture.edit_snapshot(|snapshot, _| {
                let traces = snapshot.traces.as_mut().expect("traces");
                let (first, count) = (traces.first_bin, traces.channels[2].columns.len());
                traces.channels[2].restarts = vec![first + 2 * count as u64 / 3];
                for trace in &mut traces.channels {
                    trace.columns[count / 3].gap = true;
                }
            });
            let (text, buffer) = (fixture.text(size.0, size.1), fixture.buffer(size.0, size.1));
            assert!(text.contains(&format!("{glyph} restart")), "{text}");
            // One in the row of its channel, the other on the time axis.
            let colour = |label: &str, glyph: &str| {
                let rows = text.lines().skip(3);
                let row = rows.clone().position(|line| line.contains(label)).expect(label) + 3;
                let row = u16::try_from(row).expect("small");
                let left = if size.0 == 80 { 30 } else { 1 };
                let mut cells = (left..size.0).map(|x| &buffer[(x, row)]);
                let marked = cells.find(|cell| cell.symbol() == glyph);
                marked.unwrap_or_else(|| panic!("{glyph} at {label}\n{text}")).fg
            };
            assert_ne!(colour(label, glyph), colour("14:28:4", lost));
        }
    }
}
