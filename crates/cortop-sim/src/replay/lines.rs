//! The lines of a file as texts: compressed or not (gzip, bzip2), UTF-8 with or without a mark,
//! UTF-16, or Latin-1.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, stdin},
    path::Path,
};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

/// The most bytes that are read of what is in the file; hours of 32 channels.
const MAX_BYTES: u64 = 512 << 20;

/// How the characters of a file are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// A line that is not UTF-8 is Latin-1.
    Bytes,
    Utf16Le,
    Utf16Be,
}

/// The lines of a file.
pub(super) struct LineReader {
    bytes: Box<dyn BufRead>,
    encoding: Encoding,
    left: u64,
    buffer: Vec<u8>,
}

impl LineReader {
    /// Opens a file, or standard input for `-`; whether it can be read only once.
    pub(super) fn open(path: &Path) -> io::Result<(Self, bool)> {
        let is_stdin = path.as_os_str() == "-";
        let once = is_stdin || !std::fs::metadata(path)?.is_file();
        let raw: Box<dyn Read> =
            if is_stdin { Box::new(stdin()) } else { Box::new(File::open(path)?) };
        let mut raw = BufReader::new(raw);
        let mut bytes: Box<dyn BufRead> = match raw.fill_buf()? {
            [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(raw))),
            [b'B', b'Z', b'h', ..] => Box::new(BufReader::new(MultiBzDecoder::new(raw))),
            _ => Box::new(raw),
        };
        let (encoding, mark) = match bytes.fill_buf()? {
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            _ => (Encoding::Bytes, 0),
        };
        bytes.consume(mark);
        Ok((Self { bytes, encoding, left: MAX_BYTES, buffer: Vec::new() }, once))
    }

    /// Whether the file goes on after what was read of it.
    pub(super) fn is_cut(&self) -> bool {
        self.left == 0
    }

    /// The next line without its end, and whether it has one; `None` after the last.
    pub(super) fn next_line(&mut self) -> io::Result<Option<(String, bool)>> {
        self.buffer.clear();
        let mut limited = (&mut self.bytes).take(self.left);
        if self.encoding == Encoding::Bytes {
            limited.read_until(b'\n', &mut self.buffer)?;
        } else {
            let end = if self.encoding == Encoding::Utf16Le { [b'\n', 0] } else { [0, b'\n'] };
            let mut unit = [0; 2];
            while limited.read_exact(&mut unit).is_ok() {
                self.buffer.extend(unit);
                if unit == end {
                    break;
                }
            }
        }
        self.left = limited.limit();
        if self.buffer.is_empty() {
            return Ok(None);
        }
        let text = self.text();
        let whole = text.ends_with('\n');
        Ok(Some((text.trim_end_matches(['\n', '\r']).to_owned(), whole)))
    }

    fn text(&self) -> String {
        let units = self.buffer.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
        let units: Vec<u16> = match self.encoding {
            Encoding::Bytes => {
                return str::from_utf8(&self.buffer).map_or_else(
                    |_| self.buffer.iter().copied().map(char::from).collect(),
                    str::to_owned,
                );
            }
            Encoding::Utf16Le => units.map(u16::from_le_bytes).collect(),
            Encoding::Utf16Be => units.map(u16::from_be_bytes).collect(),
        };
        String::from_utf16_lossy(&units)
    }
}

/// The cells of a line; those in quotes may hold separators.
pub(super) fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    for char in line.chars() {
        if char == '"' {
            quoted = !quoted;
        } else if char == separator && !quoted {
            cells.push(cell.trim().to_owned());
            cell.clear();
        } else {
            cell.push(char);
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

/// The separator of a line of names: the one that makes the most cells of it.
pub(super) fn separator(line: &str) -> char {
    let count = |separator: &char| line.matches(*separator).count();
    [',', '\t', ';'].into_iter().rev().max_by_key(count).unwrap_or(',')
}
