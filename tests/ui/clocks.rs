//! The time axis when time is irregular, and what is reported about Cortex's clock.

use std::time::Duration;

use cortop::ui::UiOptions;
use cortop_client::Stream;
use cortop_signal::snapshot::ClockStep;
use jiff::{Timestamp, tz::TimeZone};

use crate::{fixture::Fixture, one};

#[test]
fn each_time_on_the_axis_has_the_offset_of_its_own_moment() {
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone");
    let options = UiOptions { zone: Some(zone), ..UiOptions::default() };
    for (change, before, after) in [
        ("2026-03-29T01:00:00Z", "│01:59:", "│03:00:"),
        ("2026-10-25T01:00:00Z", "│02:59:", "│02:00:"),
    ] {
        let change: Timestamp = change.parse().expect("a time");
        let mut fixture = Fixture::new(&options).streaming();
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        fixture.edit_snapshot(|snapshot, _| {
            let seconds = &mut snapshot.traces.as_mut().expect("traces").seconds;
            for (ahead, second) in (-5..).zip(seconds.iter_mut()) {
                second.1 = change.as_second() + ahead;
            }
        });
        let text = fixture.text(120, 40);
        assert!(text.contains(before) && text.contains(after), "{text}");
    }
}

#[test]
fn a_clock_that_was_set_is_said_and_marked() {
    for (seconds, confirmed, said, mark) in [
        (3.37, true, "Cortex's clock was set 3.4 s ahead at 14:28:40", '»'),
        (-3600.0, true, "Cortex's clock was set 3600 s back at 14:28:40", '«'),
        (-3.37, false, "the times of eeg jumped 3.4 s back at 14:28:40", '«'),
    ] {
        let mut fixture = one(Stream::Eeg);
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        fixture.edit_snapshot(|snapshot, now| {
            let received = now - Duration::from_millis(5500);
            snapshot.health[0].clock_step = Some(ClockStep { seconds, received, confirmed });
            snapshot.traces.as_mut().expect("traces").clock_steps = vec![(2400, seconds)];
        });
        fixture.forward(Duration::from_millis(500));
        let text = fixture.text(120, 40);
        let marks: Vec<_> = text.lines().filter(|line| line.contains(mark)).collect();
        assert!(marks.len() == 1 && marks[0].contains("│14:"), "{text}");
        assert!(text.contains(said), "{text}");
    }
}
