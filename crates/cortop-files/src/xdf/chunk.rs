//! The chunks of an XDF file, format 1.0: a length, a tag, and a content that depends on the tag.

use std::io::{self, BufRead, Read};

/// The longest plausible chunk.
const MAX_CHUNK: u64 = 256 << 20;

/// A chunk.
#[derive(Debug, PartialEq)]
pub(super) enum Chunk {
    /// A stream and its description in XML.
    Header(u32, String),
    /// A stream and its samples.
    Samples(u32, Vec<u8>),
    /// A stream, the time of a measurement of its clock, and the offset to add.
    Offset(u32, f64, f64),
    /// The footer of a stream.
    Footer,
    /// Any other chunk; not needed.
    Other,
    /// The beginning of a chunk at which the file is cut off.
    Cut,
}

/// Reads the next chunk; `None` after the last. Discards the samples of streams that are not
/// wanted.
pub(super) fn next(
    file: &mut dyn BufRead,
    wanted: impl Fn(u32) -> bool,
) -> io::Result<Option<Chunk>> {
    let length = match length(file) {
        Ok(Some(length)) => length,
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(Chunk::Cut)),
        other => return other.map(|_| None),
    };
    if !(2..=MAX_CHUNK).contains(&length) {
        return Err(io::Error::other("a chunk's length makes no sense"));
    }
    let mut tag = [0; 2];
    let mut stream = [0; 4];
    if file.read_exact(&mut tag).is_err() {
        return Ok(Some(Chunk::Cut));
    }
    let tag = u16::from_le_bytes(tag);
    let left = length - 2;
    if !matches!(tag, 2..=4) || left < 4 {
        let skipped = skip(file, left)?;
        let is_footer = tag == 6 && skipped == Some(Chunk::Other);
        return Ok(if is_footer { Some(Chunk::Footer) } else { skipped });
    }
    if file.read_exact(&mut stream).is_err() {
        return Ok(Some(Chunk::Cut));
    }
    let (stream, left) = (u32::from_le_bytes(stream), left - 4);
    if tag == 3 && !wanted(stream) {
        return skip(file, left);
    }
    let mut content = Vec::new();
    file.take(left).read_to_end(&mut content)?;
    if (content.len() as u64) < left {
        return Ok(Some(Chunk::Cut));
    }
    Ok(Some(match tag {
        2 => Chunk::Header(stream, String::from_utf8_lossy(&content).into_owned()),
        3 => Chunk::Samples(stream, content),
        _ => match (float(&content, 0), float(&content, 8)) {
            (Some(time), Some(offset)) => Chunk::Offset(stream, time, offset),
            _ => Chunk::Other,
        },
    }))
}

fn skip(file: &mut dyn BufRead, length: u64) -> io::Result<Option<Chunk>> {
    let skipped = io::copy(&mut file.take(length), &mut io::sink())?;
    Ok(Some(if skipped == length { Chunk::Other } else { Chunk::Cut }))
}

/// The length of a chunk or of a text: how many bytes it takes, then those bytes.
fn length(file: &mut dyn BufRead) -> io::Result<Option<u64>> {
    let mut size = [0];
    if file.read(&mut size)? == 0 {
        return Ok(None);
    }
    let mut bytes = [0; 8];
    let Some(own) = bytes.get_mut(..usize::from(size[0])).filter(|_| matches!(size[0], 1 | 4 | 8))
    else {
        return Err(io::Error::other("a chunk's length makes no sense"));
    };
    file.read_exact(own)?;
    Ok(Some(u64::from_le_bytes(bytes)))
}

fn float(bytes: &[u8], at: usize) -> Option<f64> {
    let own = bytes.get(at..at + 8)?.try_into().ok()?;
    Some(f64::from_le_bytes(own)).filter(|own| own.is_finite())
}

/// The encoding of a stream's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueFormat {
    Int8,
    Int16,
    Int32,
    Int64,
    Float32,
    Double64,
    Text,
}

impl ValueFormat {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "int8" => Self::Int8,
            "int16" => Self::Int16,
            "int32" => Self::Int32,
            "int64" => Self::Int64,
            "float32" => Self::Float32,
            "double64" => Self::Double64,
            "string" => Self::Text,
            _ => return None,
        })
    }
}

/// A sample of a stream: its stamp, if it has one of its own, and its values.
#[derive(Debug, PartialEq)]
pub(super) struct StreamValues {
    pub(super) stamp: Option<f64>,
    pub(super) numbers: Vec<f64>,
    pub(super) texts: Vec<String>,
}

/// The samples in the content of a chunk; an incomplete one is left out.
pub(super) fn samples(content: &[u8], format: ValueFormat, channels: usize) -> Vec<StreamValues> {
    let mut rest: &[u8] = content;
    let mut found = Vec::new();
    let Ok(Some(count)) = length(&mut rest) else { return found };
    for _ in 0..count {
        let Some(sample) = sample(&mut rest, format, channels) else { break };
        found.push(sample);
    }
    found
}

fn sample(rest: &mut &[u8], format: ValueFormat, channels: usize) -> Option<StreamValues> {
    let stamp = match take(rest, 1)? {
        [0] => None,
        [8] => float(take(rest, 8)?, 0),
        _ => return None,
    };
    let (mut numbers, mut texts) = (Vec::new(), Vec::new());
    for _ in 0..channels {
        let number = match format {
            ValueFormat::Int8 => f64::from(i8::from_le_bytes(take(rest, 1)?.try_into().ok()?)),
            ValueFormat::Int16 => f64::from(i16::from_le_bytes(take(rest, 2)?.try_into().ok()?)),
            ValueFormat::Int32 => f64::from(i32::from_le_bytes(take(rest, 4)?.try_into().ok()?)),
            ValueFormat::Int64 => i64::from_le_bytes(take(rest, 8)?.try_into().ok()?) as f64,
            ValueFormat::Float32 => f64::from(f32::from_le_bytes(take(rest, 4)?.try_into().ok()?)),
            ValueFormat::Double64 => f64::from_le_bytes(take(rest, 8)?.try_into().ok()?),
            ValueFormat::Text => {
                let length = length(rest).ok().flatten()?;
                let text = take(rest, usize::try_from(length).ok()?)?;
                texts.push(String::from_utf8_lossy(text).into_owned());
                continue;
            }
        };
        numbers.push(number);
    }
    Some(StreamValues { stamp, numbers, texts })
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (own, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(own)
}
