//! The lines of a file as texts: UTF-8 with or without a mark, UTF-16, or Latin-1.

use std::io::{self, BufRead, Read};

use crate::input::InputFile;

/// The longest line that makes sense.
const MAX_LINE: u64 = 4 << 20;

/// How the characters of a file are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    /// A line that is not UTF-8 is Latin-1.
    Bytes,
    Utf16Le,
    Utf16Be,
}

/// The lines of a file.
pub(crate) struct LineReader {
    input: InputFile,
    encoding: Encoding,
    buffer: Vec<u8>,
    /// The line, where its bytes are no UTF-8.
    text: String,
}

impl LineReader {
    pub(crate) fn new(mut input: InputFile) -> io::Result<Self> {
        let (encoding, mark) = match input.bytes.fill_buf()? {
            [0xff, 0xfe, ..] => (Encoding::Utf16Le, 2),
            [0xfe, 0xff, ..] => (Encoding::Utf16Be, 2),
            [0xef, 0xbb, 0xbf, ..] => (Encoding::Bytes, 3),
            _ => (Encoding::Bytes, 0),
        };
        input.bytes.consume(mark);
        Ok(Self { input, encoding, buffer: Vec::new(), text: String::new() })
    }

    /// The share of the file that has been read.
    pub(crate) fn progress(&self) -> Option<f64> {
        self.input.progress()
    }

    /// The next line without its end; `None` after the last.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&str>> {
        self.buffer.clear();
        let mut limited = (&mut self.input.bytes).take(MAX_LINE);
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
        if limited.limit() == 0 {
            return Err(io::Error::other("a line is longer than 4 MiB"));
        }
        if self.buffer.is_empty() {
            return Ok(None);
        }
        self.decode();
        let text = if self.text.is_empty() {
            str::from_utf8(&self.buffer).unwrap_or_default()
        } else {
            &self.text
        };
        Ok(Some(text.trim_end_matches(['\n', '\r'])))
    }

    /// Fills the text where the bytes are no UTF-8.
    fn decode(&mut self) {
        self.text.clear();
        let units = self.buffer.chunks_exact(2).filter_map(|pair| pair.try_into().ok());
        let units: Vec<u16> = match self.encoding {
            Encoding::Bytes => {
                if str::from_utf8(&self.buffer).is_err() {
                    self.text.extend(self.buffer.iter().copied().map(char::from));
                }
                return;
            }
            Encoding::Utf16Le => units.map(u16::from_le_bytes).collect(),
            Encoding::Utf16Be => units.map(u16::from_be_bytes).collect(),
        };
        self.text = String::from_utf16_lossy(&units);
    }
}

/// The cells of a line; those in quotes may hold separators.
pub(crate) fn cells(line: &str, separator: char) -> Vec<String> {
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
pub(crate) fn separator(line: &str) -> char {
    let count = |separator: &char| line.matches(*separator).count();
    [',', '\t', ';'].into_iter().rev().max_by_key(count).unwrap_or(',')
}
