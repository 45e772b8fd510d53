//! `cortop report`: a recording at a glance: is it complete, was contact good, is it EEG.
//!
//! ```text
//! mod        the command; as text and as JSON
//!  ├─ measure   rows → numbers
//!  └─ html      numbers → a page
//! ```

mod html;
mod measure;
#[cfg(test)]
mod tests;

use std::{fmt::Write as _, fs, io::Write as _, path::Path};

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use self::measure::{EyeState, Measured, MeasuredChannel, measure};
use super::pretty;
use crate::{cli, console::print};
use cortop_protocol::sanitize::clean;
use cortop_signal::{Defect, bands::BANDS};

/// Gaps and markers listed in the text; the other formats have more.
const NAMED: usize = 10;

/// The levels of contact, from 0.
const LEVELS: [&str; 5] = ["none", "very bad", "poor", "fair", "good"];

/// Prints a report of a recording.
///
/// # Errors
/// The file cannot be used, or the page cannot be written; the text says what to do.
pub fn run(args: &cli::ReportArgs) -> Result<u8> {
    let reader = cortop_files::reader::open(&args.file).map_err(|error| eyre!("{error}"))?;
    let measured = measure(reader);
    if measured.samples == 0 {
        return Err(eyre!("{} has no readable EEG; give a recording", args.file.display()));
    }
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let name = clean(&name);
    if let Some(path) = &args.html {
        write_new(path, &html::page(&name, &measured))?;
    }
    if args.json {
        print(&pretty(&json_of(&name, &measured))?)?;
    } else if args.html.is_none() {
        print(&text_of(&name, &measured))?;
    }
    Ok(0)
}

/// Writes a new file; fails if it exists.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let file = fs::File::create_new(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).wrap_err_with(|| {
        format!("cannot write {}: give --html the name of a new file", path.display())
    })
}

/// A duration in hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let sign = if seconds < 0.0 { "-" } else { "" };
    let tenths = (seconds.abs() * 10.0).round();
    let (whole, tenths) = ((tenths / 10.0).floor(), tenths % 10.0);
    format!(
        "{sign}{:.0}:{:02.0}:{:02.0}.{tenths:.0}",
        (whole / 3600.0).floor(),
        (whole / 60.0 % 60.0).floor(),
        whole % 60.0
    )
}

/// When the recording began, by this computer's time.
fn began(measured: &Measured, zone: &TimeZone) -> Option<String> {
    let start = SignedDuration::try_from_secs_f64(measured.start?).ok()?;
    // Seconds from the start of the file are not calendar times.
    let start = Timestamp::from_duration(start).ok().filter(|at| at.as_second() > 86_400)?;
    Some(start.to_zoned(zone.clone()).strftime("%F %T %Z").to_string())
}

/// The share of the samples that were lost.
fn loss(measured: &Measured) -> f64 {
    measured.lost as f64 / (measured.samples + measured.lost).max(1) as f64
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent > 0.0 && percent < 0.1 { "< 0.1 %".to_owned() } else { format!("{percent:.1} %") }
}

/// The seconds at each level as shares of the total.
fn shares(seconds: &[f64; 5]) -> [f64; 5] {
    let all: f64 = seconds.iter().sum();
    seconds.map(|own| if all > 0.0 { own / all } else { 0.0 })
}

/// How long contact was unknown, which the shares omit.
fn unknown_contact(measured: &Measured) -> Option<String> {
    let seconds = measured.contact_unknown;
    (seconds >= 0.05).then(|| {
        format!("Unknown for {}, until the headset reported it; not in the shares.", clock(seconds))
    })
}

fn bad_words(channel: &MeasuredChannel) -> String {
    let bad = Defect::ALL.iter().zip(channel.bad).filter(|(_, seconds)| *seconds > 0.0);
    bad.map(|(defect, seconds)| format!("{} {seconds:.1} s", defect.name()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn text_of(name: &str, measured: &Measured) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let mut line = |name: &str, words: String| {
        let _ = writeln!(text, "{name:<14}{words}");
    };
    line("file", name.to_owned());
    if let Some(headset) = &measured.headset {
        line("headset", clean(headset));
    }
    if let Some(began) = began(measured, &TimeZone::system()) {
        line("began", began);
    }
    line("duration", clock(measured.duration));
    let rate = measured.rate.map_or_else(|| "unknown".to_owned(), |rate| format!("{rate:.2} Hz"));
    line("rate", format!("{rate}, nominal {:.0} Hz", measured.nominal_rate));
    line("samples", format!("{}, {} interpolated", measured.samples, measured.interpolated));
    line("lost", format!("{} ({})", measured.lost, percent(loss(measured))));
    line("gaps", measured.gap_count.to_string());
    for gap in measured.gaps.iter().take(NAMED) {
        line("", format!("{}  {:.3} s, {} samples", clock(gap.at), gap.seconds, gap.samples));
    }
    if measured.gap_count > NAMED as u64 {
        line("", format!("and {} more", measured.gap_count - NAMED as u64));
    }
    if !measured.contact.is_empty() {
        let _ = writeln!(
            text,
            "\n{:<10}{}",
            "contact",
            LEVELS.map(|own| format!("{own:>10}")).concat()
        );
        for own in &measured.contact {
            let shares =
                shares(&own.seconds).map(|share| format!("{:>10}", percent(share))).concat();
            let _ = writeln!(text, "{:<10}{shares}", clean(&own.label));
        }
        if let Some(unknown) = unknown_contact(measured) {
            let _ = writeln!(text, "{unknown}");
        }
    }
    let bands = BANDS.map(|band| format!("{:>9}", band.name)).concat();
    let _ =
        writeln!(text, "\nband powers in µV²/Hz\n{:<10}{bands}{:>10}  no EEG", "channel", "mains");
    for channel in &measured.channels {
        let bands = bands_of(&channel.spectra[0].bands(measured.lines));
        let mains = channel.spectra[0].mains(measured.lines);
        let mains = mains.map_or_else(|| "–".to_owned(), |(_, share)| percent(share));
        let bad = bad_words(channel);
        let _ = writeln!(text, "{:<10}{bands}{mains:>10}  {bad}", clean(&channel.label));
    }
    for eyes in EyeState::ALL.into_iter().filter(|eyes| measured.eyes[*eyes as usize] > 0.0) {
        let _ = writeln!(text, "\n{}, {}", eyes.name(), clock(measured.eyes[eyes as usize]));
        for channel in &measured.channels {
            let bands = bands_of(&channel.spectra[1 + eyes as usize].bands(measured.lines));
            let _ = writeln!(text, "{:<10}{bands}", clean(&channel.label));
        }
    }
    let _ = writeln!(text, "\nmarkers {}", measured.marker_count);
    for marker in measured.markers.iter().take(NAMED) {
        let length = marker.seconds.map(|own| format!(" for {own:.1} s")).unwrap_or_default();
        let _ = writeln!(text, "  {}  {}{length}", clock(marker.at), clean(&marker.text));
    }
    if measured.marker_count > NAMED as u64 {
        let _ = writeln!(text, "  and {} more", measured.marker_count - NAMED as u64);
    }
    for note in &measured.notes {
        let _ = writeln!(text, "\n{}", clean(note));
    }
    text.lines().map(str::trim_end).flat_map(|line| [line, "\n"]).collect()
}

fn bands_of(bands: &[Option<f64>; BANDS.len()]) -> String {
    let word = |own: &Option<f64>| match own {
        None => "–".to_owned(),
        // A glitch may have ten thousand times the power of the signal.
        Some(own) if *own >= 10_000.0 => format!("{own:.0}"),
        Some(own) => format!("{own:.3}"),
    };
    bands.iter().map(|own| format!(" {:>8}", word(own))).collect::<Vec<_>>().concat()
}

fn json_of(name: &str, measured: &Measured) -> Value {
    let bands = |bands: [Option<f64>; BANDS.len()]| -> Value {
        BANDS
            .iter()
            .zip(bands)
            .map(|(band, own)| (band.name.to_owned(), json!(own)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let channels = measured.channels.iter().map(|own| {
        let [all, open, closed] = &own.spectra;
        let [railed, flat, off_level] = own.bad;
        json!({
            "label": own.label,
            "seconds_railed": railed,
            "seconds_flat": flat,
            "seconds_off_level": off_level,
            "segments": all.segments,
            "bands": bands(all.bands(measured.lines)),
            "bands_eyes_open": (open.segments > 0).then(|| bands(open.bands(measured.lines))),
            "bands_eyes_closed": (closed.segments > 0).then(|| bands(closed.bands(measured.lines))),
            "mains": all.mains(measured.lines).map(|(hz, share)| json!({ "hz": hz, "share": share })),
        })
    });
    let contact = measured.contact.iter().map(
        |own| json!({ "sensor": own.label, "seconds_by_level": own.seconds, "lowest": own.lowest }),
    );
    let gaps = measured.gaps.iter();
    let markers = measured.markers.iter();
    json!({
        "file": name,
        "headset": measured.headset,
        "start": measured.start,
        "duration": measured.duration,
        "nominal_rate": measured.nominal_rate,
        "rate": measured.rate,
        "samples": measured.samples,
        "interpolated": measured.interpolated,
        "lost": measured.lost,
        "loss": loss(measured),
        "gap_count": measured.gap_count,
        "gaps": gaps.map(|own| json!({ "at": own.at, "seconds": own.seconds, "samples": own.samples })).collect::<Vec<_>>(),
        "seconds_contact_unknown": measured.contact_unknown,
        "contact_step": measured.contact_step,
        "contact": contact.collect::<Vec<_>>(),
        "channels": channels.collect::<Vec<_>>(),
        "seconds_eyes_open": measured.eyes[0],
        "seconds_eyes_closed": measured.eyes[1],
        "marker_count": measured.marker_count,
        "markers": markers.map(|own| json!({ "at": own.at, "seconds": own.seconds, "text": own.text })).collect::<Vec<_>>(),
        "notes": measured.notes,
    })
}
