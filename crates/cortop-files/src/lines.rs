//! The lines of a file as texts: UTF-8 with or without a mark, UTF-16, or Latin-1.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crate::input::InputFile;

/// The longest line that makes sense.
const MAX_LINE: usize = 4 << 20;
/// Bytes by which UTF-16 without a mark is recognized.
const SNIFFED: usize = 8;

/// The lines of a file. They end with LF, CR LF or CR.
pub(crate) struct LineReader {
    input: InputFile,
    buffer: Vec<u8>,
    /// The line, where its bytes are no UTF-8.
    text: String,
    /// The last line ended with CR: an LF that follows belongs to its end.
    after_return: bool,
    /// The line that was read is read again.
    again: bool,
    /// Lines too long to make sense, which are left out.
    too_long: u64,
}

impl LineReader {
    pub(crate) fn new(mut input: InputFile) -> io::Result<Self> {
        if let Some(little_endian) = utf16(input.bytes.fill_buf()?) {
            let bytes = std::mem::replace(&mut input.bytes, Box::new(io::empty()));
            input.bytes = Box::new(BufReader::new(Utf16Reader::new(bytes, little_endian)));
        }
        let (buffer, text) = (Vec::new(), String::new());
        Ok(Self { input, buffer, text, after_return: false, again: false, too_long: 0 })
    }

    /// The share of the file that has been read.
    pub(crate) fn progress(&self) -> Option<f64> {
        self.input.progress()
    }

    /// Lines too long to make sense, which were left out.
    pub(crate) fn too_long(&self) -> u64 {
        self.too_long
    }

    /// Has the next line be the one that was read last.
    pub(crate) fn read_again(&mut self) {
        self.again = true;
    }

    /// The next line without its end, and without marks before it; `None` after the last.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&str>> {
        if !std::mem::take(&mut self.again) {
            while !self.read_line()? {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                self.too_long += 1;
            }
            self.text.clear();
            if str::from_utf8(&self.buffer).is_err() {
                self.text.extend(self.buffer.iter().copied().map(char::from));
            }
        }
        let text = if self.text.is_empty() {
            str::from_utf8(&self.buffer).unwrap_or_default()
        } else {
            &self.text
        };
        Ok(Some(text.trim_start_matches('\u{feff}')))
    }

    /// Reads a line into the buffer; `false` for one that is too long, of which the beginning is kept,
    /// and at the end, where nothing is.
    fn read_line(&mut self) -> io::Result<bool> {
        self.buffer.clear();
        let mut is_whole = true;
        loop {
            let bytes = match self.input.bytes.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let Some(first) = bytes.first() else {
                return Ok(is_whole && !self.buffer.is_empty());
            };
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                self.input.bytes.consume(1);
                continue;
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let own = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            let room = MAX_LINE.saturating_sub(self.buffer.len());
            is_whole &= own.len() <= room;
            self.buffer.extend(own.iter().take(room));
            self.after_return = end.and_then(|end| bytes.get(end)) == Some(&b'\r');
            let read = own.len() + usize::from(end.is_some());
            self.input.bytes.consume(read);
            if end.is_some() {
                return Ok(is_whole);
            }
        }
    }
}

/// Whether the first bytes are of UTF-16, and of the little-endian one: by its mark, or because every
/// second byte of what is nearly ASCII is 0.
fn utf16(bytes: &[u8]) -> Option<bool> {
    let first = bytes.get(..SNIFFED.min(bytes.len() & !1))?;
    let half = |place: usize| first.iter().skip(place).step_by(2);
    let is_zero = |place: usize| half(place).all(|byte| *byte == 0);
    let is_text = |place: usize| half(place).all(|byte| byte.is_ascii() && *byte != 0);
    match first {
        [0xff, 0xfe, ..] => Some(true),
        [0xfe, 0xff, ..] => Some(false),
        [_, ..] if is_zero(1) && is_text(0) => Some(true),
        [_, ..] if is_zero(0) && is_text(1) => Some(false),
        _ => None,
    }
}

/// Reads UTF-16 as UTF-8.
struct Utf16Reader<R> {
    bytes: R,
    little_endian: bool,
    /// The first half of a character whose second one comes next.
    high: Option<u16>,
    decoded: Cursor<Vec<u8>>,
}

impl<R: Read> Utf16Reader<R> {
    /// Bytes that are decoded at a time.
    const PIECE: u64 = 8192;

    fn new(bytes: R, little_endian: bool) -> Self {
        Self { bytes, little_endian, high: None, decoded: Cursor::default() }
    }
}

impl<R: Read> Read for Utf16Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoded.read(buffer)?;
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        let mut own = Vec::new();
        (&mut self.bytes).take(Self::PIECE).read_to_end(&mut own)?;
        let of = if self.little_endian { u16::from_le_bytes } else { u16::from_be_bytes };
        let pairs = own.chunks_exact(2).filter_map(|pair| pair.try_into().ok()).map(of);
        let mut units: Vec<u16> = self.high.take().into_iter().chain(pairs).collect();
        let is_end = (own.len() as u64) < Self::PIECE;
        self.high = units.pop_if(|last| !is_end && (0xd800..0xdc00).contains(last));
        self.decoded = Cursor::new(String::from_utf16_lossy(&units).into_bytes());
        self.decoded.read(buffer)
    }
}

/// All bytes of a file as a text: UTF-8 or UTF-16; what is neither is replaced.
pub(crate) fn decode(bytes: Vec<u8>) -> io::Result<String> {
    let bytes = match utf16(&bytes) {
        Some(little_endian) => {
            let mut decoded = Vec::new();
            Utf16Reader::new(bytes.as_slice(), little_endian).read_to_end(&mut decoded)?;
            decoded
        }
        None => bytes,
    };
    Ok(String::from_utf8_lossy(&bytes).trim_start_matches('\u{feff}').to_owned())
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

/// The number in a cell, if a sample can hold one so large. A comma in it is a decimal one, or separates
/// thousands.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let parsed = match (cell.rfind(','), cell.rfind('.')) {
        (None, _) => cell.parse(),
        (Some(comma), Some(point)) if point > comma => cell.replace(',', "").parse(),
        _ => cell.replace('.', "").replacen(',', ".", 1).parse(),
    };
    parsed.ok().filter(|number: &f64| number.abs() <= f32::MAX.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_sample_can_hold_is_no_number() {
        for (cell, value) in [
            ("4200.5", Some(4200.5)),
            ("-4.200,5", Some(-4200.5)),
            ("1767943300125000000", Some(1.767_943_300_125e18)),
            ("1e308", None),
            ("-1e39", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(number(cell), value, "{cell}");
        }
    }
}
