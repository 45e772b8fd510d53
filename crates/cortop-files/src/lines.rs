//! The lines of a file as text: UTF-8 with or without a byte order mark, UTF-16, or Latin-1.

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Cursor, Read},
};

use crate::{input::InputFile, zstd::is_gap};

/// The longest plausible line.
const MAX_LINE: usize = 4 << 20;
/// How many bytes UTF-16 without a byte order mark is detected from.
const SNIFFED: usize = 8;

/// The lines of a file, which end with LF, CR LF or CR.
pub(crate) struct LineReader {
    input: InputFile,
    buffer: Vec<u8>,
    /// The line, if it is not in the buffer as UTF-8.
    text: Option<String>,
    /// Whether the last line ended with CR, so that a following LF belongs to its end.
    after_return: bool,
    /// Whether the last line read has no line end.
    unended: bool,
    /// Lines that were read ahead, each with its number, and why no more could be read.
    ahead: VecDeque<(u64, String)>,
    failed: Option<io::Error>,
    /// The number of the last line, counted from 1, and the number of lines read so far.
    number: u64,
    read: u64,
    /// Implausibly long lines, which are left out.
    too_long: u64,
}

impl LineReader {
    pub(crate) fn new(mut input: InputFile) -> io::Result<Self> {
        let mut failed = None;
        let little_endian = match input.bytes.fill_buf() {
            Ok(bytes) => utf16(bytes),
            // The first line reports it.
            Err(error) if is_gap(&error) => {
                failed = Some(error);
                None
            }
            Err(error) => return Err(error),
        };
        if let Some(little_endian) = little_endian {
            let bytes = std::mem::replace(&mut input.bytes, Box::new(io::empty()));
            input.bytes = Box::new(BufReader::new(Utf16Reader::new(bytes, little_endian)));
        }
        Ok(Self {
            input,
            buffer: Vec::new(),
            text: None,
            after_return: false,
            unended: false,
            ahead: VecDeque::new(),
            failed,
            number: 0,
            read: 0,
            too_long: 0,
        })
    }

    /// How many implausibly long lines were left out.
    pub(crate) fn too_long(&self) -> u64 {
        self.too_long
    }

    /// The number of the last line read, counted from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Whether the last line read ends with the file, without a line end.
    pub(crate) fn is_unended(&self) -> bool {
        self.ahead.is_empty() && self.unended
    }

    /// Whether a line was being read when the rest of the file became unreadable.
    pub(crate) fn is_cut(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Up to `most` of the next lines, which [`Self::next_line`] will return again.
    pub(crate) fn look_ahead(&mut self, most: usize) -> impl Iterator<Item = &str> {
        /// The most bytes of lines that are read ahead.
        const HELD: usize = 1 << 20;
        let mut held: usize = self.ahead.iter().map(|(_, line)| line.len()).sum();
        while self.ahead.len() < most && held < HELD && self.failed.is_none() {
            match self.read_whole_line() {
                Ok(true) => {
                    let line = self.text.take().unwrap_or_else(|| {
                        str::from_utf8(&self.buffer).unwrap_or_default().to_owned()
                    });
                    held += line.len();
                    self.ahead.push_back((self.read, line));
                }
                Ok(false) => break,
                Err(error) => self.failed = Some(error),
            }
        }
        self.ahead.iter().take(most).map(|(_, line)| line.as_str())
    }

    /// Makes the last line read the next one again.
    pub(crate) fn read_again(&mut self) {
        let own = str::from_utf8(&self.buffer).unwrap_or_default();
        let line = self.text.take().unwrap_or_else(|| own.to_owned());
        self.ahead.push_front((self.number, line));
    }

    /// The next line without its end, and without a preceding byte order mark; `None` after the
    /// last.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<&str>> {
        if let Some((number, line)) = self.ahead.pop_front() {
            (self.number, self.text) = (number, Some(line));
        } else {
            if let Some(error) = self.failed.take() {
                return Err(error);
            }
            if !self.read_whole_line()? {
                return Ok(None);
            }
            self.number = self.read;
        }
        let text = match &self.text {
            Some(text) => text,
            None => str::from_utf8(&self.buffer).unwrap_or_default(),
        };
        Ok(Some(text.trim_start_matches('\u{feff}')))
    }

    /// The next line, together with those that belong to it because it ends within quotes.
    pub(crate) fn next_record(&mut self) -> io::Result<Option<&str>> {
        /// The most lines within which quotes are closed.
        const QUOTED: usize = 8;
        let Some(line) = self.next_line()? else { return Ok(None) };
        if is_open(line) {
            let mut record = line.to_owned();
            let closing = self.look_ahead(QUOTED).position(is_open);
            for (_, line) in self.ahead.drain(..closing.map_or(0, |at| at + 1)) {
                record.push(' ');
                record.push_str(&line);
            }
            self.text = Some(record);
        }
        let text = match &self.text {
            Some(text) => text,
            None => str::from_utf8(&self.buffer).unwrap_or_default(),
        };
        Ok(Some(text.trim_start_matches('\u{feff}')))
    }

    /// Reads the next line that is not too long; `false` after the last.
    fn read_whole_line(&mut self) -> io::Result<bool> {
        while !self.read_line()? {
            if self.buffer.is_empty() {
                return Ok(false);
            }
            self.read += 1;
            self.too_long += 1;
        }
        self.read += 1;
        let is_utf8 = str::from_utf8(&self.buffer).is_ok();
        self.text = (!is_utf8).then(|| self.buffer.iter().copied().map(char::from).collect());
        Ok(true)
    }

    /// Reads a line into the buffer. Returns `false` for one that is too long, of which the
    /// beginning is kept, and at the end of the file, where nothing is.
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
                self.unended |= !self.buffer.is_empty();
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
                self.unended = false;
                return Ok(is_whole);
            }
        }
    }
}

/// Whether the first bytes are UTF-16, and if so, whether it is little-endian: by its byte order
/// mark, or because in nearly-ASCII text every second byte is 0.
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

/// Decodes UTF-16 to UTF-8.
struct Utf16Reader<R> {
    bytes: R,
    little_endian: bool,
    /// The first half of a surrogate pair whose second half comes next.
    high: Option<u16>,
    decoded: Cursor<Vec<u8>>,
}

impl<R: Read> Utf16Reader<R> {
    /// How many bytes are decoded at a time.
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

/// All bytes of a file as text: UTF-8 or UTF-16; anything else is replaced.
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

/// The cells of a line; quoted ones may contain separators. Consecutive spaces count as one
/// separator.
pub(crate) fn cells(line: &str, separator: char) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let line = if separator == ' ' { line.trim() } else { line };
    let mut before = '\0';
    for char in line.chars() {
        let is_run = separator == ' ' && before == ' ';
        before = if quoted { '\0' } else { char };
        if char == '"' {
            quoted = !quoted;
        } else if char == separator && !quoted {
            if is_run {
                continue;
            }
            cells.push(cell.trim().to_owned());
            cell.clear();
        } else {
            cell.push(char);
        }
    }
    cells.push(cell.trim().to_owned());
    cells
}

/// Whether a line ends within quotes.
pub(crate) fn is_open(line: &str) -> bool {
    !line.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2)
}

/// The separator in a line of names: the one that gives the most cells; spaces if there is no
/// other.
pub(crate) fn separator(line: &str) -> char {
    let count = |separator: &char| line.matches(*separator).count();
    let most =
        [',', '\t', ';', '|'].into_iter().rev().max_by_key(count).filter(|own| count(own) > 0);
    most.unwrap_or(if line.trim().contains(' ') { ' ' } else { ',' })
}

/// The number in a cell, if it is not too large for a sample. A comma in it is a decimal comma or
/// separates thousands.
pub(crate) fn number(cell: &str) -> Option<f64> {
    let plain = (!cell.is_ascii() || cell.contains(['\'', ' '])).then(|| plain_number(cell));
    let cell = plain.as_deref().unwrap_or(cell);
    let parsed = match (cell.rfind(','), cell.rfind('.')) {
        (None, _) => cell.parse(),
        (Some(comma), Some(point)) if point > comma => cell.replace(',', "").parse(),
        _ => cell.replace('.', "").replacen(',', ".", 1).parse(),
    };
    parsed.ok().filter(|number: &f64| number.abs() <= f32::MAX.into())
}

/// A number without the spaces and apostrophes that separate its thousands, and with an ASCII
/// minus.
fn plain_number(cell: &str) -> String {
    let is_group = |own: &str| {
        let digits = own.bytes().take_while(u8::is_ascii_digit).count();
        digits == 3 || digits == 0 && own.is_empty()
    };
    let cell = cell.replace('\u{2212}', "-");
    let mut groups = cell.split(['\u{a0}', '\u{202f}', '\u{2019}', '\'', ' ']);
    let first = groups.next().unwrap_or_default();
    let rest: Vec<_> = groups.collect();
    if rest.iter().all(|own| is_group(own)) {
        [&[first][..], rest.as_slice()].concat().concat()
    } else {
        cell
    }
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
            ("4 200,5", Some(4200.5)),
            ("4\u{202f}200.5", Some(4200.5)),
            ("-4\u{a0}200\u{a0}300,5", Some(-4_200_300.5)),
            ("4'200.5", Some(4200.5)),
            ("\u{2212}3.5", Some(-3.5)),
            ("+3.5", Some(3.5)),
            ("4 2", None),
            ("1 2 3", None),
            ("1e308", None),
            ("-1e39", None),
            ("NaN", None),
            ("inf", None),
        ] {
            assert_eq!(number(cell), value, "{cell}");
        }
    }
}
