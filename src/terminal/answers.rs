//! Parses the terminal's input: answers to the queries of [`probe`](super::probe), and keys between them.
//! Knows bytes only.

#[cfg(unix)]
use std::str;

#[cfg(unix)]
use crate::app::Key;
use crate::ui::Background;

/// What the terminal answered; `None` for what it did not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Whether its background is dark or light.
    pub background: Option<Background>,
    /// Whether characters of ambiguous width, such as `●`, take two cells.
    pub wide: Option<bool>,
    /// Whether it supports synchronized output.
    pub synchronized: Option<bool>,
}

/// Maximum bytes of an unfinished sequence; no answer and no key is that long.
#[cfg(unix)]
const MOST: usize = 256;

/// Splits the input into answers, which it collects, and keys, which it returns. Discards pasted text and
/// unknown sequences.
#[cfg(unix)]
#[derive(Debug, Default)]
pub(super) struct AnswerParser {
    bytes: Vec<u8>,
    pasting: bool,
    pub(super) answers: Answers,
    /// Whether the terminal has answered the last query, DA1.
    pub(super) complete: bool,
}

#[cfg(unix)]
impl AnswerParser {
    /// Parses input from the terminal; returns the keys in it.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.bytes.extend_from_slice(bytes);
        let mut keys = Vec::new();
        let mut taken = 0;
        while let Some((part, length)) = AnswerSequence::first(&self.bytes[taken..]) {
            match part {
                AnswerSequence::Csi(b"200~") => self.pasting = true,
                AnswerSequence::Csi(b"201~") => self.pasting = false,
                AnswerSequence::Csi(body) => match key_of(body) {
                    None => self.complete |= self.answers.on_csi(body),
                    key => keys.extend(key),
                },
                AnswerSequence::Osc(body) => {
                    if let Some(color) = body.strip_prefix(b"11;") {
                        self.answers.background = background(color);
                    }
                }
                AnswerSequence::Key(key) => keys.extend((!self.pasting).then_some(key)),
                AnswerSequence::Unknown => {}
            }
            taken += length;
        }
        self.bytes.drain(..taken);
        if self.bytes.len() > MOST {
            self.bytes.clear();
        }
        keys
    }

    /// The key left in the buffer once no more input is expected: a lone Esc.
    pub(super) fn rest(&self) -> Option<Key> {
        (self.bytes == b"\x1b").then_some(Key::ESC)
    }
}

#[cfg(unix)]
impl Answers {
    /// Handles a CSI answer; returns whether it answers the last query.
    fn on_csi(&mut self, body: &[u8]) -> bool {
        match body {
            [b'?', b'2', b'0', b'2', b'6', b';', state, b'$', b'y'] => {
                // 1 set, 2 reset, 3 always set; 0 unknown, 4 always reset.
                self.synchronized = match state {
                    b'1'..=b'3' => Some(true),
                    b'0' | b'4' => Some(false),
                    _ => None,
                };
            }
            [b'?', .., b'c'] => return true,
            // The cursor's column after a character of ambiguous width was written in the first column.
            [place @ .., b'R'] => {
                let column = str::from_utf8(place).ok().and_then(|place| place.split_once(';'));
                let column = column.and_then(|(_, column)| column.parse::<u16>().ok());
                self.wide = column.map(|column| column > 2);
            }
            _ => {}
        }
        false
    }
}

/// A sequence sent by the terminal.
#[cfg(unix)]
enum AnswerSequence<'a> {
    /// The bytes after `CSI`, including the final byte.
    Csi(&'a [u8]),
    /// The bytes between `OSC` and its terminator.
    Osc(&'a [u8]),
    Key(Key),
    Unknown,
}

#[cfg(unix)]
impl<'a> AnswerSequence<'a> {
    /// The first sequence and its length; `None` if it is incomplete.
    fn first(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let (&first, rest) = bytes.split_first()?;
        let key = |key| Some((Self::Key(key), 1));
        match first {
            0x1b => match rest.first()? {
                b'[' => {
                    let last = rest.iter().skip(1).position(|byte| matches!(byte, 0x40..=0x7e))?;
                    Some((Self::Csi(&rest[1..last + 2]), last + 3))
                }
                b']' => {
                    let end = rest.iter().position(|byte| matches!(byte, 0x07 | 0x1b))?;
                    let length = if rest[end] == 0x07 { end + 2 } else { end + 3 };
                    (bytes.len() >= length).then_some((Self::Osc(&rest[1..end]), length))
                }
                b'O' => {
                    let key = match *rest.get(1)? {
                        number @ b'P'..=b'S' => Some(Key::f(number - b'P' + 1)),
                        other => key_of(&[other]),
                    };
                    Some((key.map_or(Self::Unknown, Self::Key), 3))
                }
                // Esc was pressed, and another sequence begins.
                0x1b => key(Key::ESC),
                _ => Some((Self::Unknown, 2)),
            },
            b'\r' => key(Key::ENTER),
            b'\t' => key(Key::TAB),
            0x7f => key(Key::BACKSPACE),
            letter @ 1..=26 => key(Key::ctrl(char::from(letter - 1 + b'a'))),
            0..=0x1f => Some((Self::Unknown, 1)),
            _ => {
                let text = &bytes[..bytes.len().min(4)];
                let valid = match str::from_utf8(text) {
                    Ok(text) => text,
                    Err(error) if error.valid_up_to() > 0 => {
                        str::from_utf8(&text[..error.valid_up_to()]).unwrap_or_default()
                    }
                    // The rest of a character has not arrived yet.
                    Err(error) if error.error_len().is_none() => return None,
                    Err(_) => return Some((Self::Unknown, 1)),
                };
                let char = valid.chars().next()?;
                Some((Self::Key(Key::char(char)), char.len_utf8()))
            }
        }
    }
}

/// The key that a CSI sequence encodes.
#[cfg(unix)]
fn key_of(body: &[u8]) -> Option<Key> {
    Some(match body {
        b"A" => Key::UP,
        b"B" => Key::DOWN,
        b"C" => Key::RIGHT,
        b"D" => Key::LEFT,
        b"H" | b"1~" | b"7~" => Key::HOME,
        b"F" | b"4~" | b"8~" => Key::END,
        b"Z" => Key::BACK_TAB,
        b"3~" => Key::DELETE,
        b"5~" => Key::PAGE_UP,
        b"6~" => Key::PAGE_DOWN,
        _ => return None,
    })
}

/// Parses `rgb:R/G/B` or `rgba:R/G/B/A`, each with one to four hexadecimal digits.
#[cfg(unix)]
fn background(color: &[u8]) -> Option<Background> {
    let (_, parts) = str::from_utf8(color).ok()?.split_once(':')?;
    let mut shares = parts.split('/').map(|part| {
        let most = 16_u32.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1)?;
        Some(f64::from(u32::from_str_radix(part, 16).ok()?) / f64::from(most))
    });
    let mut share = || shares.next().flatten().filter(|share| share.is_finite());
    Some(Background::of(share()?, share()?, share()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn parsed(bytes: &[u8]) -> AnswerParser {
        let mut parser = AnswerParser::default();
        assert_eq!(parser.push(bytes), [], "{bytes:?}");
        parser
    }

    fn answers(bytes: &[u8]) -> Answers {
        parsed(bytes).answers
    }

    #[test]
    fn only_a_report_on_the_mode_counts() {
        for (reply, expected) in [
            (&b"\x1b[?2026;2$y\x1b[?62;c"[..], Some(true)),
            (b"\x1b[?2026;1$y", Some(true)),
            (b"\x1b[?2026;0$y\x1b[?1;2c", Some(false)),
            (b"\x1b[?2026;4$y", Some(false)),
            (b"\x1b[?1;2c", None),
            (b"\x1b[?2026;", None),
            (b"", None),
        ] {
            assert_eq!(answers(reply).synchronized, expected, "{reply:?}");
        }
        assert!(parsed(b"\x1b[?2026;2$y\x1b[?62;22c").complete);
        assert!(!parsed(b"\x1b[?2026;2$y\x1b[?62;2").complete);
    }

    #[test]
    fn a_background_is_dark_or_light_in_every_spelling() {
        for (reply, expected) in [
            (&b"\x1b]11;rgb:0000/0000/0000\x1b\\"[..], Some(Background::Dark)),
            (b"\x1b]11;rgb:1e1e/1e1e/2e2e\x07", Some(Background::Dark)),
            (b"\x1b]11;rgb:00/2b/36\x07", Some(Background::Dark)),
            (b"\x1b]11;rgb:f/f/f\x07", Some(Background::Light)),
            (b"\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\", Some(Background::Light)),
            (b"\x1b]11;rgba:ffff/ffff/ffff/8000\x07", Some(Background::Light)),
            (b"\x1b]10;rgb:ffff/ffff/ffff\x07", None),
            (b"\x1b]11;white\x07", None),
            (b"\x1b]11;rgb:fffffffffffffffff/0/0\x07", None),
            (b"\x1b]11;rgb:/0/0\x07", None),
            (b"\x1b]11;rgb:ffff/ffff\x07", None),
        ] {
            assert_eq!(answers(reply).background, expected, "{reply:?}");
        }
    }

    #[test]
    fn the_column_tells_how_wide_a_character_was() {
        assert_eq!(answers(b"\x1b[1;2R").wide, Some(false));
        assert_eq!(answers(b"\x1b[1;3R").wide, Some(true));
        assert_eq!(answers(b"\x1b[R").wide, None);
    }

    #[test]
    fn keys_between_answers_are_kept_wherever_the_bytes_are_divided() {
        let sent = "q\x1b\x1b]11;rgb:ffff/ffff/ffff\x1b\\µ\x1b[A\x1b[200~dq\r\x1b[201~\x03\x1b[1;3R\x1bOQ\
                    \x1b[17;5~\x1b[6~\x1bx\x1b[?62;22c\r";
        let keys = [
            Key::char('q'),
            Key::ESC,
            Key::char('µ'),
            Key::UP,
            Key::ctrl('c'),
            Key::f(2),
            Key::PAGE_DOWN,
            Key::ENTER,
        ];
        for size in 1..sent.len() {
            let mut parser = AnswerParser::default();
            let got: Vec<_> =
                sent.as_bytes().chunks(size).flat_map(|bytes| parser.push(bytes)).collect();
            assert_eq!(got, keys, "{size}");
            let (background, wide) = (Some(Background::Light), Some(true));
            let expected = Answers { background, wide, ..Answers::default() };
            assert!(parser.complete);
            assert_eq!(parser.answers, expected, "{size}");
        }
    }

    #[test]
    fn nothing_is_kept_without_end_and_a_mere_esc_is_a_key() {
        let mut parser = AnswerParser::default();
        parser.push(b"\x1b]11;");
        for _ in 0..1000 {
            parser.push(b"0000");
            assert!(parser.bytes.len() <= MOST + 4);
        }
        let mut parser = AnswerParser::default();
        assert_eq!((parser.push(b"\xff\x1b"), parser.rest()), (vec![], Some(Key::ESC)));
    }
}
