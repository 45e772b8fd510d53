//! Reads WebSocket messages from a stream of bytes, however it is split, without changing it. What is invalid
//! or too long to keep is named and skipped.

use std::io::Cursor;

use cortop_protocol::wire::WireMessage;
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// Maximum length of a message; no message of the API comes near it.
const LONGEST: usize = 1 << 20;
/// Maximum length of a frame's header.
const HEADER: usize = 14;

/// The current frame.
struct Frame {
    header: FrameHeader,
    /// Bytes still to come.
    left: u64,
    /// Bytes read so far.
    at: usize,
}

/// Reads one direction of a connection.
#[derive(Default)]
pub(super) struct FrameReader {
    /// The header so far.
    header: Vec<u8>,
    frame: Option<Frame>,
    /// The message so far, from all its frames.
    message: Vec<u8>,
    /// Its length, even if only a part is kept.
    length: u64,
    is_text: bool,
    /// The payload of a control frame, which may come between the frames of a message.
    control: Vec<u8>,
    is_unreadable: bool,
}

impl FrameReader {
    /// Reads bytes, and passes on the messages that they complete.
    pub(super) fn read(&mut self, mut bytes: &[u8], message: &mut impl FnMut(&WireMessage<'_>)) {
        while !bytes.is_empty() && !self.is_unreadable {
            let Some(frame) = &mut self.frame else {
                let Some((first, rest)) = bytes.split_first() else { return };
                bytes = rest;
                self.header.push(*first);
                self.begin(message);
                continue;
            };
            let count = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (payload, rest) = bytes.split_at(count);
            bytes = rest;
            let into = if matches!(frame.header.opcode, OpCode::Control(_)) {
                &mut self.control
            } else {
                self.length += count as u64;
                &mut self.message
            };
            let mask = frame.header.mask.unwrap_or_default();
            let room = LONGEST.saturating_sub(into.len());
            let unmasked = payload.iter().zip(frame.at..).map(|(byte, at)| byte ^ mask[at % 4]);
            into.extend(unmasked.take(room));
            frame.at += count;
            frame.left -= count as u64;
            if frame.left == 0 {
                self.end(message);
            }
        }
    }

    /// Handles a byte of a header.
    fn begin(&mut self, message: &mut impl FnMut(&WireMessage<'_>)) {
        match FrameHeader::parse(&mut Cursor::new(&self.header)) {
            Ok(Some((header, left))) => {
                self.header.clear();
                if let OpCode::Data(kind @ (Data::Text | Data::Binary)) = header.opcode {
                    self.is_text = kind == Data::Text;
                    self.message.clear();
                    self.length = 0;
                }
                self.control.clear();
                self.frame = Some(Frame { header, left, at: 0 });
                if left == 0 {
                    self.end(message);
                }
            }
            Ok(None) if self.header.len() < HEADER => {}
            _ => {
                self.is_unreadable = true;
                message(&WireMessage::Unreadable);
            }
        }
    }

    /// Handles a complete frame.
    fn end(&mut self, message: &mut impl FnMut(&WireMessage<'_>)) {
        let Some(Frame { header, .. }) = self.frame.take() else { return };
        match header.opcode {
            OpCode::Control(Control::Ping) => message(&WireMessage::Ping(self.control.len())),
            OpCode::Control(Control::Pong) => message(&WireMessage::Pong(self.control.len())),
            OpCode::Control(Control::Close) => {
                let code = self.control.first_chunk().map(|code| u16::from_be_bytes(*code));
                let reason = str::from_utf8(self.control.get(2..).unwrap_or_default());
                message(&WireMessage::Close { code, reason: reason.unwrap_or_default() });
            }
            OpCode::Data(_) if header.is_final => {
                let is_whole = self.length == self.message.len() as u64;
                let text = str::from_utf8(&self.message);
                message(&match (is_whole, self.is_text, text) {
                    (false, ..) => WireMessage::TooLong(self.length),
                    (true, true, Ok(text)) => WireMessage::Text(text),
                    _ => WireMessage::Binary(self.message.len()),
                });
            }
            OpCode::Data(_) | OpCode::Control(Control::Reserved(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame};

    use super::*;

    /// Frames as bytes; masked, as a client's are.
    fn bytes(frames: Vec<Frame>, mask: Option<[u8; 4]>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for mut frame in frames {
            frame.header_mut().mask = mask;
            frame.format(&mut bytes).expect("in memory");
        }
        bytes
    }

    fn text(part: &str, opcode: Data, is_final: bool) -> Frame {
        Frame::message(part.as_bytes().to_vec(), OpCode::Data(opcode), is_final)
    }

    fn read(bytes: &[u8], cut: usize) -> Vec<String> {
        let mut reader = FrameReader::default();
        let mut found = Vec::new();
        for part in bytes.chunks(cut.max(1)) {
            reader.read(part, &mut |message| found.push(format!("{message:?}")));
        }
        found
    }

    proptest! {
        #[test]
        fn messages_are_read_however_they_are_cut(cut in 1_usize..40, mask: Option<[u8; 4]>) {
            let close = CloseFrame { code: 1001.into(), reason: "bye".into() };
            let frames = vec![
                text("{\"a\":", Data::Text, false),
                Frame::ping(vec![1, 2, 3]),
                text("\"µV\"}", Data::Continue, true),
                text("", Data::Text, true),
                text("x", Data::Binary, true),
                text(&"y".repeat(70_000), Data::Text, true),
                Frame::pong(vec![]),
                Frame::close(Some(close)),
            ];
            let found = read(&bytes(frames, mask), cut);
            prop_assert_eq!(found.len(), 7);
            prop_assert_eq!(&found[0], "Ping(3)");
            prop_assert_eq!(&found[1], "Text(\"{\\\"a\\\":\\\"µV\\\"}\")");
            prop_assert_eq!(&found[2..4], ["Text(\"\")", "Binary(1)"]);
            prop_assert!(found[4].len() > 70_000);
            prop_assert_eq!(&found[5..], ["Pong(0)", "Close { code: Some(1001), reason: \"bye\" }"]);
        }

        #[test]
        fn anything_is_read_without_a_panic(bytes: Vec<u8>, cut in 1_usize..9) {
            read(&bytes, cut);
        }
    }

    #[test]
    fn what_is_too_long_is_named_and_not_kept() {
        let mut reader = FrameReader::default();
        let frames = vec![text(&"x".repeat(LONGEST + 7), Data::Text, true), Frame::ping(vec![])];
        let mut found = Vec::new();
        reader.read(&bytes(frames, None), &mut |message| found.push(format!("{message:?}")));
        assert_eq!(found, [format!("TooLong({})", LONGEST + 7), "Ping(0)".to_owned()]);
        assert!(reader.message.len() <= LONGEST);
    }
}
