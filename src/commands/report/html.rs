//! A report as a self-contained page: its pictures are inline SVG, and it loads nothing.

use std::fmt::Write as _;

use jiff::tz::TimeZone;

use super::{
    LEVELS, bad_words, began, clock, loss,
    measure::{EyeState, Measured},
    percent, shares, unknown_contact,
};
use cortop_protocol::sanitize::clean;
use cortop_signal::{bands::BANDS, spectrum::decibel};

/// Size of the pictures in user units.
const WIDTH: f64 = 900.0;
const ROW: f64 = 18.0;
const LEFT: f64 = 70.0;
const SPECTRUM: f64 = 260.0;

/// The colours of the contact levels, from none to good, and of lines.
const COLORS: [&str; 5] = ["#222222", "#b2182b", "#ef8a62", "#fddb7a", "#4d9221"];
const UNKNOWN: &str = "#dddddd";

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:#222;background:#fff}\
h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}table{border-collapse:collapse}\
th,td{padding:.15em .7em;text-align:right;font-variant-numeric:tabular-nums}\
th:first-child,td:first-child{text-align:left}tr:nth-child(even) td{background:#f5f5f5}\
svg{width:100%;height:auto}text{font:12px system-ui,sans-serif;fill:#222}.key{display:inline-block;width:1em;height:1em;vertical-align:-.15em;margin:0 .3em 0 1em}";

/// A text escaped for the page.
fn escaped(text: &str) -> String {
    clean(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page.
pub(super) fn page(name: &str, measured: &Measured) -> String {
    let mut page = String::new();
    let title = escaped(name);
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    summary(&mut page, measured);
    timeline(&mut page, measured);
    contact(&mut page, measured);
    spectra(&mut page, measured);
    bands(&mut page, measured);
    lists(&mut page, measured);
    page.push_str("</body></html>\n");
    page
}

fn summary(page: &mut String, measured: &Measured) {
    let rate = measured.rate.map_or_else(|| "unknown".to_owned(), |rate| format!("{rate:.2} Hz"));
    let rows = [
        ("headset", measured.headset.clone().unwrap_or_default()),
        ("began", began(measured, &TimeZone::system()).unwrap_or_default()),
        ("duration", clock(measured.duration)),
        ("rate", format!("{rate}, nominal {:.0} Hz", measured.nominal_rate)),
        ("samples", format!("{}, {} interpolated", measured.samples, measured.interpolated)),
        (
            "lost",
            format!(
                "{} ({}) in {} gaps",
                measured.lost,
                percent(loss(measured)),
                measured.gap_count
            ),
        ),
        ("markers", measured.marker_count.to_string()),
    ];
    page.push_str("<table>");
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = write!(page, "<tr><td>{name}</td><td>{}</td></tr>", escaped(value));
    }
    page.push_str("</table>\n");
}

/// The x position of a time.
fn x_of(at: f64, measured: &Measured) -> f64 {
    LEFT + (WIDTH - LEFT) * (at / measured.duration.max(1e-9)).clamp(0.0, 1.0)
}

/// Gaps and markers over time.
fn timeline(page: &mut String, measured: &Measured) {
    let _ = write!(
        page,
        "<h2>Time</h2>\n<svg viewBox=\"0 0 {WIDTH} 70\" role=\"img\" aria-label=\"gaps and markers over time\">\
         <rect x=\"{LEFT}\" y=\"20\" width=\"{}\" height=\"18\" fill=\"#92c5de\"/>",
        WIDTH - LEFT
    );
    for gap in &measured.gaps {
        let (from, to) = (x_of(gap.at, measured), x_of(gap.at + gap.seconds, measured));
        let _ = write!(
            page,
            "<rect x=\"{from:.2}\" y=\"20\" width=\"{:.2}\" height=\"18\" fill=\"#b2182b\"><title>gap of {:.3} s at {}</title></rect>",
            (to - from).max(1.0),
            gap.seconds,
            clock(gap.at)
        );
    }
    for marker in &measured.markers {
        let x = x_of(marker.at, measured);
        let _ = write!(
            page,
            "<path d=\"M{x:.2} 14V44\" stroke=\"#222\" stroke-width=\"1.5\"><title>{} at {}</title></path>",
            escaped(&marker.text),
            clock(marker.at)
        );
    }
    let _ = write!(page, "<text x=\"0\" y=\"34\">data</text>");
    axis(page, measured, 60.0);
    page.push_str("</svg>\n<p>Red: samples are missing. Strokes: markers.</p>\n");
}

/// The times below a picture.
fn axis(page: &mut String, measured: &Measured, y: f64) {
    for part in 0..=4_u8 {
        let at = measured.duration * f64::from(part) / 4.0;
        let anchor = ["start", "middle", "middle", "middle", "end"][usize::from(part)];
        let _ = write!(
            page,
            "<text x=\"{:.1}\" y=\"{y}\" text-anchor=\"{anchor}\">{}</text>",
            x_of(at, measured),
            clock(at)
        );
    }
}

/// The lowest contact of each sensor over time.
fn contact(page: &mut String, measured: &Measured) {
    if measured.contact.is_empty() {
        return;
    }
    let height = ROW * measured.contact.len() as f64 + 20.0;
    let _ = write!(
        page,
        "<h2>Contact</h2>\n<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"contact of each sensor over time\">"
    );
    for (row, own) in measured.contact.iter().enumerate() {
        let y = ROW * row as f64;
        let _ = write!(page, "<text x=\"0\" y=\"{:.1}\">{}</text>", y + 13.0, escaped(&own.label));
        // Equal values in a row become one rectangle.
        let mut from = 0;
        while from < own.lowest.len() {
            let level = own.lowest[from];
            let to = (from..own.lowest.len())
                .find(|at| own.lowest[*at] != level)
                .unwrap_or(own.lowest.len());
            let (start, end) = (
                x_of(from as f64 * measured.contact_step, measured),
                x_of(to as f64 * measured.contact_step, measured),
            );
            let color = level.map_or(UNKNOWN, |level| COLORS[usize::from(level.min(4))]);
            let word = level.map_or("unknown", |level| LEVELS[usize::from(level.min(4))]);
            // The height shows the same as the colour.
            let height = (ROW - 2.0) * (f64::from(level.unwrap_or(4).min(4)) + 1.0) / 5.0;
            let _ = write!(
                page,
                "<rect x=\"{start:.2}\" y=\"{:.1}\" width=\"{:.2}\" height=\"{height:.1}\" fill=\"{color}\">\
                 <title>{word}</title></rect>",
                y + ROW - 1.0 - height,
                (end - start).max(0.5),
            );
            from = to;
        }
    }
    axis(page, measured, height - 4.0);
    page.push_str("</svg>\n<p>The lowest level in each time; the higher, the better:");
    for (color, level) in COLORS.iter().zip(LEVELS) {
        let _ = write!(page, "<span class=\"key\" style=\"background:{color}\"></span>{level}");
    }
    page.push_str("</p>\n");
    if let Some(unknown) = unknown_contact(measured) {
        let _ = writeln!(page, "<p>{unknown}</p>");
    }
    page.push_str("<table><tr><th>sensor</th>");
    for level in LEVELS {
        let _ = write!(page, "<th>{level}</th>");
    }
    page.push_str("</tr>");
    for own in &measured.contact {
        let _ = write!(page, "<tr><td>{}</td>", escaped(&own.label));
        for share in shares(&own.seconds) {
            let _ = write!(page, "<td>{}</td>", percent(share));
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>\n");
}

/// The spectrum of each channel in dB.
fn spectra(page: &mut String, measured: &Measured) {
    const LOW: f64 = -40.0;
    const HIGH: f64 = 40.0;
    let end = measured.lines.hz(measured.lines.count.saturating_sub(1)).max(1.0);
    let x = |hz: f64| LEFT + (WIDTH - LEFT) * hz / end;
    let y = |db: f64| (SPECTRUM - 20.0) * (HIGH - db.clamp(LOW, HIGH)) / (HIGH - LOW);
    let _ = write!(
        page,
        "<h2>Spectra</h2>\n<svg viewBox=\"0 0 {WIDTH} {SPECTRUM}\" role=\"img\" aria-label=\"power spectrum of each channel\">"
    );
    for band in BANDS {
        let middle = f64::midpoint(band.low, band.high.min(end));
        let _ = write!(
            page,
            "<path d=\"M{0:.1} 0V{1}\" stroke=\"#ccc\"/><text x=\"{2:.1}\" y=\"12\" text-anchor=\"middle\">{3}</text>",
            x(band.low),
            SPECTRUM - 20.0,
            x(middle),
            band.letters
        );
    }
    for db in [-40, -20, 0, 20, 40] {
        let at = y(f64::from(db));
        let _ = write!(page, "<text x=\"0\" y=\"{:.1}\">{db} dB</text>", at.max(11.0));
    }
    let count = measured.channels.len().max(1);
    for (place, channel) in measured.channels.iter().enumerate() {
        let powers = channel.spectra[0].powers();
        if powers.is_empty() || channel.spectra[0].segments == 0 {
            continue;
        }
        let points = powers.iter().enumerate().map(|(line, power)| {
            format!("{:.1} {:.1}", x(measured.lines.hz(line)), y(decibel(power.max(1e-9))))
        });
        let _ = write!(
            page,
            "<path fill=\"none\" stroke=\"hsl({} 70% 40%)\" d=\"M{}\"><title>{}</title></path>",
            360 * place / count,
            points.collect::<Vec<_>>().join("L"),
            escaped(&channel.label)
        );
    }
    for hz in [10, 20, 30, 40, 50, 60, 70] {
        if f64::from(hz) <= end {
            let _ = write!(
                page,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{hz} Hz</text>",
                x(f64::from(hz)).min(WIDTH - 16.0),
                SPECTRUM - 4.0
            );
        }
    }
    page.push_str("</svg>\n<p>Power in dB µV²/Hz, Welch's estimate of two seconds under a Hann window; a line a channel.</p>\n");
}

/// Band powers, mains hum, and times without EEG.
fn bands(page: &mut String, measured: &Measured) {
    let mut table = |title: &str, place: usize| {
        let _ = write!(page, "<h2>{title}</h2>\n<table><tr><th>channel</th>");
        for band in BANDS {
            let _ = write!(page, "<th>{}</th>", band.name);
        }
        let is_all = place == 0;
        page.push_str(if is_all { "<th>mains</th><th>no EEG</th></tr>" } else { "</tr>" });
        for channel in &measured.channels {
            let _ = write!(page, "<tr><td>{}</td>", escaped(&channel.label));
            for own in channel.spectra[place].bands(measured.lines) {
                let own = own.map_or_else(|| "–".to_owned(), |own| format!("{own:.3}"));
                let _ = write!(page, "<td>{own}</td>");
            }
            if is_all {
                let mains = channel.spectra[0].mains(measured.lines);
                let mains = mains.map_or_else(
                    || "–".to_owned(),
                    |(hz, share)| format!("{} at {hz:.0} Hz", percent(share)),
                );
                let _ = write!(page, "<td>{mains}</td><td>{}</td>", bad_words(channel));
            }
            page.push_str("</tr>");
        }
        page.push_str("</table>\n");
    };
    table("Band powers in µV²/Hz", 0);
    for eyes in EyeState::ALL.into_iter().filter(|eyes| measured.eyes[*eyes as usize] > 0.0) {
        let title =
            format!("Band powers with {}, {}", eyes.name(), clock(measured.eyes[eyes as usize]));
        table(&title, 1 + eyes as usize);
    }
}

fn lists(page: &mut String, measured: &Measured) {
    if !measured.markers.is_empty() {
        page.push_str("<h2>Markers</h2>\n<table><tr><th>at</th><th>what</th></tr>");
        for marker in &measured.markers {
            let length = marker.seconds.map(|own| format!(" for {own:.1} s")).unwrap_or_default();
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{}{length}</td></tr>",
                clock(marker.at),
                escaped(&marker.text)
            );
        }
        page.push_str("</table>\n");
    }
    if !measured.gaps.is_empty() {
        page.push_str("<h2>Gaps</h2>\n<table><tr><th>at</th><th>seconds</th><th>samples</th></tr>");
        for gap in &measured.gaps {
            let _ = write!(
                page,
                "<tr><td>{}</td><td>{:.3}</td><td>{}</td></tr>",
                clock(gap.at),
                gap.seconds,
                gap.samples
            );
        }
        page.push_str("</table>\n");
    }
    for note in &measured.notes {
        let _ = writeln!(page, "<p>{}</p>", escaped(note));
    }
}
