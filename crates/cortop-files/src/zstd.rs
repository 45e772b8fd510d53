//! Zstandard, frame by frame: a growing file is written as consecutive frames. Damage only costs
//! the frame that contains it; the following ones are read.

use std::io::{self, BufRead, Read};

use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::members::skip_zeros;

/// The magic number at the start of each frame.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How many bytes of a frame are kept to search for the next frame in: a damaged frame may claim to
/// be longer than it is.
const KEPT: usize = 1 << 20;

/// Decompresses all frames of a source.
pub(crate) struct ZstdReader<R> {
    source: KeptFrame<R>,
    decoder: FrameDecoder,
    /// Whether a frame is being read.
    in_frame: bool,
}

/// A source, and what was read of it since the frame began.
struct KeptFrame<R> {
    source: R,
    kept: Vec<u8>,
    /// How much of that has been read again.
    at: usize,
}

impl<R: BufRead> KeptFrame<R> {
    /// Marks the beginning of a frame.
    fn begin(&mut self) {
        self.kept.drain(..self.at);
        self.at = 0;
    }

    /// Goes to the frame after the current one; `false` if there is none.
    fn skip_frame(&mut self) -> io::Result<bool> {
        // The magic number may be split between two reads.
        let mut seen = [0; MAGIC.len()];
        self.at = 1.min(self.kept.len());
        loop {
            let bytes = self.fill_buf()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let end = bytes.iter().position(|byte| {
                seen.rotate_left(1);
                seen[MAGIC.len() - 1] = *byte;
                seen == MAGIC
            });
            let count = end.map_or(bytes.len(), |end| end + 1);
            self.consume(count);
            if end.is_some() {
                // They are read again together with what follows.
                self.begin();
                self.kept.splice(0..0, MAGIC);
                return Ok(true);
            }
            if self.at == self.kept.len() {
                self.begin();
            }
        }
    }
}

impl<R: BufRead> BufRead for KeptFrame<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self.kept.get(self.at..) {
            Some(kept) if !kept.is_empty() => Ok(kept),
            _ => self.source.fill_buf(),
        }
    }

    fn consume(&mut self, count: usize) {
        if self.at < self.kept.len() {
            self.at += count;
            return;
        }
        if let Ok(bytes) = self.source.fill_buf() {
            let room = KEPT.saturating_sub(self.kept.len());
            self.kept.extend(bytes.iter().take(count.min(room)));
            self.at = self.kept.len();
        }
        self.source.consume(count);
    }
}

impl<R: BufRead> Read for KeptFrame<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut bytes = self.fill_buf()?;
        let count = bytes.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// A damaged frame, followed by others that can be read.
#[derive(Debug, thiserror::Error)]
#[error("a zstd frame in it is damaged")]
struct DamagedFrame;

/// Whether an error is about a damaged part after which reading can continue.
pub(crate) fn is_gap(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(own) if own.is::<DamagedFrame>())
}

impl<R: BufRead> ZstdReader<R> {
    pub(crate) fn new(source: R) -> Self {
        let source = KeptFrame { source, kept: Vec::new(), at: 0 };
        Self { source, decoder: FrameDecoder::new(), in_frame: false }
    }

    /// Skips the damaged frame.
    fn damaged(&mut self) -> io::Error {
        self.in_frame = false;
        match self.source.skip_frame() {
            Ok(true) => io::Error::other(DamagedFrame),
            Ok(false) => io::Error::other("its zstd frame is cut off or damaged"),
            Err(error) => error,
        }
    }

    /// Starts the next frame; `false` after the last.
    fn next_frame(&mut self) -> io::Result<bool> {
        while skip_zeros(&mut self.source)?.is_some() {
            self.source.begin();
            match self.decoder.reset(&mut self.source) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(_) => return Err(self.damaged()),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for ZstdReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                if !self.next_frame()? {
                    return Ok(0);
                }
                self.in_frame = true;
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let decoded = self
                    .decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1));
                if decoded.is_err() {
                    return Err(self.damaged());
                }
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.in_frame = false;
        }
    }
}
