//! Makes the README's picture and recording from the demo in a terminal of its own:
//!
//! ```sh
//! cargo run --example picture -- svg docs/screen.svg README.md
//! cargo run --example picture -- cast docs/session.cast
//! ```
//!
//! The picture is an SVG of the screen, and takes the place of the first block of text in the file named
//! after it, so that both show the same; the recording is an asciicast of version 2, which `asciinema
//! play` shows.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use color_eyre::eyre::{Result, bail, eyre};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use serde_json::json;
use vt100::{Cell, Color};

const USAGE: &str = "usage: picture svg FILE [MARKDOWN] | picture cast FILE";
/// Columns and rows.
const SIZE: (u16, u16) = (100, 30);
/// How long the demo runs before its picture is taken: by then contact, metrics and a first blink have
/// appeared.
const SETTLED: Duration = Duration::from_secs(20);
/// The keys of the recording, each after a number of seconds.
const KEYS: [(u64, &str); 12] = [
    (8, "c"),
    (6, "p"),
    (6, "v"),
    (4, " "),
    (2, "h"),
    (1, "h"),
    (2, "\u{1b}"),
    (2, "o"),
    (4, "o"),
    (2, "?"),
    (4, "?"),
    (2, "q"),
];

/// The size of a cell in SVG units.
const CELL: (f64, f64) = (8.4, 18.0);
/// The 16 colours of a dark terminal.
const PALETTE: [u32; 16] = [
    0x0016_1821,
    0x00e2_7878,
    0x00b4_be82,
    0x00e2_a478,
    0x0084_a0c6,
    0x00a0_93c7,
    0x0089_b8c2,
    0x00c6_c8d1,
    0x006b_7089,
    0x00e9_8989,
    0x00c0_ca8e,
    0x00e9_b189,
    0x0091_acd1,
    0x00ad_a0d3,
    0x0095_c4ce,
    0x00d2_d4de,
];
const BACKGROUND: u32 = PALETTE[0];
const FOREGROUND: u32 = PALETTE[7];

/// The demo in a terminal; its output arrives in pieces with their times.
struct DemoProcess {
    keyboard: Box<dyn std::io::Write + Send>,
    output: Receiver<(Duration, Vec<u8>)>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl DemoProcess {
    fn start() -> Result<Self> {
        // Beside this example, which Cargo builds into its own folder.
        let own = std::env::current_exe()?;
        let folder = own.parent().and_then(|examples| examples.parent());
        let cortop = folder
            .ok_or_else(|| eyre!("no folder of built programs"))?
            .join(format!("cortop{}", std::env::consts::EXE_SUFFIX));
        if !cortop.exists() {
            bail!("{} is missing: run `cargo build` first", cortop.display());
        }
        let (cols, rows) = SIZE;
        let pair = native_pty_system()
            .openpty(PtySize { rows, cols, ..PtySize::default() })
            .map_err(|error| eyre!("no terminal: {error}"))?;
        let mut command = CommandBuilder::new(cortop);
        command.arg("demo");
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        pair.slave.spawn_command(command).map_err(|error| eyre!("cannot start: {error}"))?;
        let mut reader =
            pair.master.try_clone_reader().map_err(|error| eyre!("cannot read: {error}"))?;
        let keyboard = pair.master.take_writer().map_err(|error| eyre!("no keyboard: {error}"))?;
        let (sender, output) = channel();
        let start = Instant::now();
        thread::spawn(move || {
            let mut piece = vec![0; 65_536];
            while let Ok(count @ 1..) = reader.read(&mut piece) {
                if sender.send((start.elapsed(), piece[..count].to_vec())).is_err() {
                    return;
                }
            }
        });
        Ok(Self { keyboard, output, _master: pair.master })
    }

    fn press(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (what, file, beside) = (args.next(), args.next(), args.next());
    let file = PathBuf::from(file.ok_or_else(|| eyre!(USAGE))?);
    match what.as_deref() {
        Some("svg") => {
            let (svg, text) = picture()?;
            fs::write(file, svg)?;
            beside.map_or(Ok(()), |beside| replace_text(&PathBuf::from(beside), &text))
        }
        Some("cast") => Ok(fs::write(file, recording()?)?),
        _ => bail!(USAGE),
    }
}

/// Replaces the first text block of a Markdown file by a picture.
fn replace_text(file: &Path, picture: &str) -> Result<()> {
    const START: &str = "```text\n";
    let text = fs::read_to_string(file)?;
    let none = || eyre!("{} has no block of text", file.display());
    let (before, rest) = text.split_once(START).ok_or_else(none)?;
    let (_, after) = rest.split_once("```").ok_or_else(none)?;
    Ok(fs::write(file, format!("{before}{START}{picture}```{after}"))?)
}

/// The screen once the demo has settled, as SVG and as text.
fn picture() -> Result<(String, String)> {
    let mut demo = DemoProcess::start()?;
    let (columns, rows) = SIZE;
    let mut terminal = vt100::Parser::new(rows.try_into()?, columns.try_into()?, 0);
    while let Ok((time, piece)) = demo.output.recv() {
        terminal.process(&piece);
        if time > SETTLED {
            break;
        }
    }
    let screen = terminal.screen();
    let rows = screen.rows(0, columns).map(|row| format!("{}\n", row.trim_end()));
    let pictures = (svg(screen), rows.collect());
    demo.press("q")?;
    Ok(pictures)
}

/// Everything that the terminal received while the keys were pressed.
fn recording() -> Result<String> {
    let mut demo = DemoProcess::start()?;
    let header = json!({ "version": 2, "width": SIZE.0, "height": SIZE.1, "title": "cortop demo" });
    let mut cast = format!("{header}\n");
    let mut rest = Vec::new();
    let mut add = |(time, piece): (Duration, Vec<u8>)| {
        rest.extend_from_slice(&piece);
        // A character may be split between two pieces.
        let whole = rest.utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
        let text: Vec<u8> = rest.drain(..whole).collect();
        let event = json!([time.as_secs_f64(), "o", String::from_utf8_lossy(&text)]);
        let _ = writeln!(cast, "{event}");
    };
    for (seconds, keys) in KEYS {
        let until = Instant::now() + Duration::from_secs(seconds);
        while let Ok(piece) =
            demo.output.recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            add(piece);
        }
        demo.press(keys)?;
    }
    demo.output.iter().for_each(&mut add);
    Ok(cast)
}

/// The style of a cell.
#[derive(Clone, Copy, PartialEq)]
struct CellLook {
    fore: u32,
    back: u32,
    bold: bool,
    faint: bool,
}

impl CellLook {
    fn of(cell: &Cell) -> Self {
        let (mut fore, mut back) =
            (rgb(cell.fgcolor(), FOREGROUND), rgb(cell.bgcolor(), BACKGROUND));
        if cell.inverse() {
            (fore, back) = (back, fore);
        }
        Self { fore, back, bold: cell.bold(), faint: cell.dim() }
    }
}

fn rgb(color: Color, default: u32) -> u32 {
    match color {
        Color::Default => default,
        Color::Rgb(red, green, blue) => u32::from_be_bytes([0, red, green, blue]),
        Color::Idx(index @ 0..16) => PALETTE[usize::from(index)],
        // The cube of 6 × 6 × 6 colours, then 24 greys.
        Color::Idx(index @ 16..232) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
            let index = index - 16;
            u32::from_be_bytes([0, level(index / 36), level(index / 6 % 6), level(index % 6)])
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            u32::from_be_bytes([0, grey, grey, grey])
        }
    }
}

fn svg(screen: &vt100::Screen) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (wide, high) = CELL;
    let (width, height) = (f64::from(columns) * wide, f64::from(rows) * high);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.1} {height:.1}\" \
         font-family=\"'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"#{BACKGROUND:06x}\"/>\n"
    );
    for row in 0..rows {
        let cells: Vec<&Cell> =
            (0..columns).filter_map(|column| screen.cell(row, column)).collect();
        let mut column = 0;
        for run in cells.chunk_by(|one, other| CellLook::of(one) == CellLook::of(other)) {
            let (look, start, count) = (CellLook::of(run[0]), column, run.len());
            column += count;
            let (x, y) = (start as f64 * wide, f64::from(row) * high);
            let length = count as f64 * wide;
            if look.back != BACKGROUND {
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{high}\" \
                     fill=\"#{:06x}\"/>",
                    look.back
                );
            }
            let text: String = run
                .iter()
                .map(|cell| if cell.has_contents() { cell.contents() } else { " " })
                .collect();
            if text.trim().is_empty() {
                continue;
            }
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let bold = if look.bold { " font-weight=\"bold\"" } else { "" };
            let faint = if look.faint { " opacity=\"0.6\"" } else { "" };
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" xml:space=\"preserve\" \
                 fill=\"#{:06x}\"{bold}{faint}>{text}</text>",
                y + high * 0.75,
                look.fore
            );
        }
    }
    svg.push_str("</svg>\n");
    svg
}
