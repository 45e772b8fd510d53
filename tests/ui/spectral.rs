//! Spectra, spectrograms, maps and band power.

use std::sync::Arc;

use cortop::{
    app::Action,
    ui::{Colors, UiOptions},
};
use cortop_client::{Error, Method, Stream, code};

use crate::{
    SIZES,
    fixture::{Fixture, SID, options},
    new, one, pictures,
};

pub(crate) fn spectral(shown: &str) -> Fixture {
    let mut fixture = new().streaming();
    fixture.show(shown);
    fixture.zoom();
    fixture
}

/// Selects the seventh channel, which needs a picture.
fn select_seventh(fixture: &mut Fixture) {
    fixture.feed(120, 40, 3000);
    for _ in 0..6 {
        fixture.apply(Action::ChannelDown);
    }
}

#[test]
fn spectra() {
    pictures("spectrum", || spectral("spectrum"));
    pictures("spectrum_of_all", || {
        let mut fixture = spectral("spectrum");
        fixture.apply(Action::SpectrumChannels);
        select_seventh(&mut fixture);
        fixture
    });
    pictures("spectrum_overlaid", || {
        let mut fixture = spectral("spectrum");
        for action in [
            Action::SpectrumChannels,
            Action::SpectrumChannels,
            Action::SpectrumEnd,
            Action::SpectrumScale,
        ] {
            fixture.apply(action);
        }
        fixture
    });
    pictures("spectrogram", || {
        let mut fixture = spectral("spectrogram");
        fixture.apply(Action::Reference);
        fixture
    });
    pictures("topography", || spectral("topography"));
    pictures("numbers", || {
        let mut fixture = spectral("numbers");
        select_seventh(&mut fixture);
        fixture
    });
    // Only a second of data.
    let mut fixture = spectral("spectrum");
    fixture.feed(80, 24, 128);
    assert!(fixture.text(80, 24).contains("Two seconds without a gap are needed."));
}

#[test]
fn a_frozen_picture_that_has_been_forgotten_says_so_whole_in_every_view() {
    for shown in ["eeg", "spectrum", "spectrogram"] {
        let mut fixture = one(Stream::Eeg);
        fixture.show(shown);
        fixture.feed(80, 24, if shown == "eeg" { 2560 } else { 128 });
        fixture.edit_snapshot(|snapshot, _| {
            let traces = snapshot.traces.as_mut().expect("EEG");
            (traces.oldest, traces.newest) = (traces.end, traces.end + 1000);
        });
        fixture.apply(Action::Freeze);
        let text = fixture.text(80, 24);
        assert!(text.contains("is no longer kept;"), "{shown:?}:\n{text}");
        assert!(text.contains("what is left."), "{shown:?}:\n{text}");
        assert!(!text.contains("without a gap"), "{shown:?}:\n{text}");
        // No axis and no legend without data.
        assert!(shown != "spectrogram" || !text.contains("│0 s"), "{text}");
        assert!(shown != "spectrogram" || !text.contains("dB"), "{text}");
    }
}

#[test]
fn the_legend_of_a_spectrogram_is_never_cut() {
    for (size, whole) in [((80, 24), false), ((120, 40), true)] {
        let mut fixture = one(Stream::Eeg);
        fixture.show("spectrogram");
        fixture.feed(size.0, size.1, 3000);
        fixture.feed(size.0, size.1, 3000);
        let text = fixture.text(size.0, size.1);
        let legend = text.lines().find(|line| line.contains("dB µV²/Hz")).expect("a legend");
        assert!(legend.ends_with('┃'), "{legend}");
        assert_eq!(legend.contains("of the 2 s before"), whole, "{legend}");
    }
}

#[test]
fn a_spectrogram_has_two_rows_a_cell_in_the_colours_of_its_legend() {
    for (colors, ascii) in [(Colors::Indexed, false), (Colors::Rgb, false), (Colors::Rgb, true)] {
        let mut fixture = Fixture::new(&UiOptions { colors, ascii, ..options() }).streaming();
        fixture.show("spectrogram");
        fixture.feed(120, 40, 3000);
        fixture.feed(120, 40, 3000);
        let buffer = fixture.buffer(120, 40);
        let text = fixture.text(120, 40);
        assert!(!ascii || text.is_ascii(), "{text}");
        let rows = || text.lines().zip(0..);
        let row = |word| rows().find(|(line, _)| line.contains(word)).expect(word).1;
        let legend = row(if ascii { "dB uV2/Hz" } else { "dB µV²/Hz" });
        let scale: Vec<_> =
            (0..120).map(|x| &buffer[(x, legend)]).filter(|cell| cell.symbol() == "█").collect();
        assert_eq!(scale.len(), if ascii { 0 } else { 12 }, "{text}");
        let (first, last) = (row("60 mains"), legend - 1);
        let mut plot = (first..last).flat_map(|y| (55..118).map(move |x| (x, y)));
        assert!(plot.clone().all(|at| buffer[at].symbol() != "?"), "{text}");
        assert_eq!(plot.any(|at| buffer[at].symbol() == "▀"), !ascii, "{text}");
        let weakest = (first..last).map(|y| buffer[(60, y)].fg);
        let ends = scale.first().is_none_or(|end| weakest.clone().any(|color| color == end.fg));
        assert!(ends, "the weakest is drawn in the first colour of the legend: {text}");
    }
}

#[test]
fn without_band_power_it_is_computed_from_eeg() {
    pictures("view_pow_computed", || {
        let mut fixture = one(Stream::Pow);
        let text = "The stream is unavailable or unsupported.";
        let refusal = Error::refused(Method::Subscribe, code::error::STREAM_UNAVAILABLE, text);
        let refusal = Error { next: "".into(), ..refusal };
        let refused = vec![(Stream::Pow, refusal)];
        let streams = Stream::ALL.into_iter().filter(|&stream| stream != Stream::Pow).collect();
        fixture.subscribed(SID, streams, refused);
        fixture.until_the_notice_is_gone();
        fixture
    });
}

#[test]
fn the_selected_sensor_is_among_those_shown() {
    for (width, height) in SIZES {
        let mut fixture = one(Stream::Pow);
        fixture.feed(width, height, 3000);
        for sensor in cortop_client::model::EPOC_SENSORS {
            fixture.feed(width, height, 3000);
            let text = fixture.text(width, height);
            assert!(text.contains(&format!("▶{sensor} ")), "{sensor}\n{text}");
            assert!(text.contains(&format!("{sensor}, 10 s: ")), "{sensor}\n{text}");
            fixture.apply(Action::ChannelDown);
        }
    }
}

#[test]
fn band_power_has_its_numbers_its_medians_and_marks_what_is_beyond() {
    for (width, height) in SIZES {
        let mut fixture = one(Stream::Pow);
        fixture.feed(width, height, 3000);
        fixture.feed(width, height, 3000);
        fixture.edit_snapshot(|snapshot, _| {
            let table = Arc::make_mut(snapshot.readings.pow.as_mut().expect("power"));
            let newest = [340.0, 4.2, 0.0041, 0.5, 12.0];
            for (value, newest) in table.values.iter_mut().zip(newest) {
                value.1 = Some(newest);
            }
            let traces = snapshot.traces.as_mut().expect("a history");
            let medians = [151.0, 4.0, 0.0016, 0.7, 9.04];
            for (trace, median) in traces.channels.iter_mut().zip(medians) {
                trace.exact_median = median;
            }
        });
        let text = fixture.text(width, height);
        let row = text.lines().position(|line| line.contains("▶AF3 ")).expect("selected");
        let rows: Vec<&str> = text.lines().skip(row).take(2).collect();
        let own: Vec<&str> =
            rows[1].split('┃').nth(1).expect("inside").split_whitespace().collect();
        assert_eq!(own, ["340", "4.20", "4e-3", "0.500", "12.0"], "{text}");
        assert!(rows[0].contains('▸') && rows[0].contains('◂'), "beyond the bars: {text}");
        for median in ["theta   151", "alpha  4.00", "betaL  2e-3", "betaH 0.700", "gamma  9.04"] {
            assert!(text.contains(median), "{median}\n{text}");
        }
        // A third of a decade around a hundredth of the median is far below a tenth of it.
        let theta = text.lines().find(|line| line.contains("theta   151")).expect("a row");
        assert!(theta.contains('▾') || height > 24, "{text}");
    }
}
