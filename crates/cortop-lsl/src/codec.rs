//! Samples as sent over TCP in protocol 1.10: a tag, a stamp unless it is to be deduced, and the
//! values in the agreed byte order.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::ChannelFormat;

/// The receiver deduces the stamp from the previous one.
const DEDUCED: u8 = 1;
/// The stamp follows.
const STAMPED: u8 = 2;

/// The longest text accepted, in bytes.
const LONGEST_TEXT: usize = 65_536;

/// The stamp of the test samples with which receivers check the format.
const PATTERN_TIME: f64 = 123_456.789;
/// The first numbers of these test samples.
pub(crate) const PATTERNS: [i64; 2] = [4, 2];

/// The byte order of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    /// Its name in a request.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Little => "1234",
            Self::Big => "4321",
        }
    }

    fn write<const N: usize>(self, to: &mut Vec<u8>, mut little: [u8; N]) {
        if self == Self::Big {
            little.reverse();
        }
        to.extend_from_slice(&little);
    }

    async fn read<const N: usize>(
        self,
        from: &mut (impl AsyncRead + Unpin),
    ) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        from.read_exact(&mut bytes).await?;
        if self == Self::Big {
            bytes.reverse();
        }
        Ok(bytes)
    }
}

/// The values of a sample.
#[derive(Clone, Debug, PartialEq)]
pub enum ChannelValues {
    /// One number per channel. Integers beyond 2^53 lose their last digits.
    Numbers(Vec<f64>),
    /// One text per channel.
    Texts(Vec<String>),
}

/// Appends the tag and the stamp of a sample; with `None`, the receiver deduces the stamp.
pub(crate) fn write_head(to: &mut Vec<u8>, order: ByteOrder, time: Option<f64>) {
    match time {
        Some(time) => {
            to.push(STAMPED);
            order.write(to, time.to_le_bytes());
        }
        None => to.push(DEDUCED),
    }
}

/// Appends numbers in a format. Clamps what an integer cannot hold.
#[expect(clippy::cast_possible_truncation, reason = "the format says how exact it is")]
pub(crate) fn write_numbers(
    to: &mut Vec<u8>,
    order: ByteOrder,
    format: ChannelFormat,
    numbers: &[f64],
) {
    for &number in numbers {
        match format {
            ChannelFormat::Float32 => order.write(to, (number as f32).to_le_bytes()),
            ChannelFormat::Double64 => order.write(to, number.to_le_bytes()),
            ChannelFormat::Int32 => order.write(to, (number as i32).to_le_bytes()),
            ChannelFormat::Int16 => order.write(to, (number as i16).to_le_bytes()),
            ChannelFormat::Int8 => order.write(to, (number as i8).to_le_bytes()),
            ChannelFormat::Int64 => order.write(to, (number as i64).to_le_bytes()),
            ChannelFormat::String => write_text(to, order, &number.to_string()),
        }
    }
}

/// Appends a text: the size of its length field, its length, and the text.
pub(crate) fn write_text(to: &mut Vec<u8>, order: ByteOrder, text: &str) {
    if let Ok(short) = u8::try_from(text.len()) {
        to.extend_from_slice(&[1, short]);
    } else {
        to.push(4);
        order.write(to, u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
    }
    to.extend_from_slice(text.as_bytes());
}

/// Appends the test samples with which a receiver checks that both sides use the same format.
pub(crate) fn write_patterns(
    to: &mut Vec<u8>,
    order: ByteOrder,
    format: ChannelFormat,
    channels: usize,
) {
    for start in PATTERNS {
        write_head(to, order, Some(PATTERN_TIME));
        match pattern(format, channels, start) {
            ChannelValues::Numbers(numbers) => write_numbers(to, order, format, &numbers),
            ChannelValues::Texts(texts) => {
                for text in &texts {
                    write_text(to, order, text);
                }
            }
        }
    }
}

/// The values of a test sample: numbers that count up with alternating signs.
fn pattern(format: ChannelFormat, channels: usize, start: i64) -> ChannelValues {
    let signed = |at: i64, number: i64| if at % 2 == 0 { number } else { -number };
    let channels = 0..i64::try_from(channels).unwrap_or(i64::MAX);
    if format == ChannelFormat::String {
        return ChannelValues::Texts(channels.map(|at| signed(at, at + 10).to_string()).collect());
    }
    let number = |at: i64| match format {
        ChannelFormat::Float32 | ChannelFormat::String => at + start,
        ChannelFormat::Double64 => at + start + 16_777_217,
        ChannelFormat::Int32 => (at + start + 65_537) % i64::from(i32::MAX),
        ChannelFormat::Int16 => (at + start + 257) % i64::from(i16::MAX),
        ChannelFormat::Int8 => (at + start + 1) % i64::from(i8::MAX),
        ChannelFormat::Int64 => at + start + 2_147_483_649,
    };
    ChannelValues::Numbers(channels.map(|at| signed(at, number(at)) as f64).collect())
}

/// Reads the next sample: its stamp, `None` if that is to be deduced, and its values.
///
/// # Errors
/// The connection has ended, or the data is not a valid sample.
pub(crate) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    order: ByteOrder,
    format: ChannelFormat,
    channels: usize,
) -> io::Result<(Option<f64>, ChannelValues)> {
    let time = match from.read_u8().await? {
        DEDUCED => None,
        STAMPED => Some(f64::from_le_bytes(order.read(from).await?)),
        _ => return Err(malformed("a sample begins with neither tag")),
    };
    if format == ChannelFormat::String {
        let mut texts = Vec::with_capacity(channels);
        for _ in 0..channels {
            texts.push(read_text(from, order).await?);
        }
        return Ok((time, ChannelValues::Texts(texts)));
    }
    let mut numbers = Vec::with_capacity(channels);
    for _ in 0..channels {
        numbers.push(match format {
            ChannelFormat::Float32 => f64::from(f32::from_le_bytes(order.read(from).await?)),
            ChannelFormat::Double64 => f64::from_le_bytes(order.read(from).await?),
            ChannelFormat::Int32 => f64::from(i32::from_le_bytes(order.read(from).await?)),
            ChannelFormat::Int16 => f64::from(i16::from_le_bytes(order.read(from).await?)),
            ChannelFormat::Int8 => f64::from(i8::from_le_bytes(order.read(from).await?)),
            ChannelFormat::Int64 | ChannelFormat::String => {
                i64::from_le_bytes(order.read(from).await?) as f64
            }
        });
    }
    Ok((time, ChannelValues::Numbers(numbers)))
}

async fn read_text(from: &mut (impl AsyncRead + Unpin), order: ByteOrder) -> io::Result<String> {
    let length = match from.read_u8().await? {
        1 => u64::from(from.read_u8().await?),
        2 => u64::from(u16::from_le_bytes(order.read(from).await?)),
        4 => u64::from(u32::from_le_bytes(order.read(from).await?)),
        8 => u64::from_le_bytes(order.read(from).await?),
        _ => return Err(malformed("the length of a text is malformed")),
    };
    let length = usize::try_from(length).ok().filter(|&length| length <= LONGEST_TEXT);
    let mut text = vec![0; length.ok_or_else(|| malformed("a text is too long"))?];
    from.read_exact(&mut text).await?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// Reads the test samples with which the format is checked.
///
/// # Errors
/// They are not as expected.
pub(crate) async fn read_patterns(
    from: &mut (impl AsyncRead + Unpin),
    order: ByteOrder,
    format: ChannelFormat,
    channels: usize,
) -> io::Result<()> {
    for start in PATTERNS {
        let (_, values) = read(from, order, format, channels).await?;
        if values != pattern(format, channels, start) {
            return Err(malformed("its test samples are not as the format says"));
        }
    }
    Ok(())
}

pub(crate) fn malformed(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_laid_out_as_the_protocol_says() {
        let mut bytes = Vec::new();
        write_head(&mut bytes, ByteOrder::Little, Some(1.0));
        write_numbers(&mut bytes, ByteOrder::Little, ChannelFormat::Float32, &[1.0, -2.0]);
        assert_eq!(bytes, [2, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]);
        bytes.clear();
        write_head(&mut bytes, ByteOrder::Big, None);
        write_numbers(&mut bytes, ByteOrder::Big, ChannelFormat::Int16, &[258.0, 1e9, f64::NAN]);
        assert_eq!(bytes, [1, 1, 2, 0x7f, 0xff, 0, 0]);
        bytes.clear();
        write_text(&mut bytes, ByteOrder::Big, "ab");
        write_text(&mut bytes, ByteOrder::Big, &"x".repeat(256));
        assert_eq!(bytes[..9], [1, 2, b'a', b'b', 4, 0, 0, 1, 0]);
        assert_eq!(bytes.len(), 9 + 256);
    }

    #[tokio::test]
    async fn what_is_written_is_read_in_each_format_and_order() {
        let formats = ChannelFormat::ALL;
        for (format, order) in formats
            .into_iter()
            .flat_map(|format| [(format, ByteOrder::Little), (format, ByteOrder::Big)])
        {
            let mut bytes = Vec::new();
            write_patterns(&mut bytes, order, format, 5);
            write_head(&mut bytes, order, None);
            let values = if format == ChannelFormat::String {
                let texts = ["", "µ", &"y".repeat(300), "a", "b"].map(str::to_owned);
                for text in &texts {
                    write_text(&mut bytes, order, text);
                }
                ChannelValues::Texts(texts.to_vec())
            } else {
                let numbers = [0.0, 1.0, -100.0, 7.0, 127.0];
                write_numbers(&mut bytes, order, format, &numbers);
                ChannelValues::Numbers(numbers.to_vec())
            };
            let mut from = &bytes[..];
            read_patterns(&mut from, order, format, 5).await.unwrap();
            assert_eq!(read(&mut from, order, format, 5).await.unwrap(), (None, values));
            assert!(from.is_empty());
        }
    }

    #[tokio::test]
    async fn a_hostile_text_is_refused_before_it_takes_memory() {
        for bytes in [
            &[2, 0, 0, 0, 0, 0, 0, 0, 0, 8, 255, 255, 255, 255, 255, 255, 255, 127][..],
            &[1, 4, 0, 0, 2, 0][..],
            &[1, 3][..],
            &[7][..],
        ] {
            let mut from = bytes;
            let error =
                read(&mut from, ByteOrder::Little, ChannelFormat::String, 1).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{bytes:?}");
        }
    }
}
