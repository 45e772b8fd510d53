//! The bytes of a file: standard input or not, compressed or not, and which format they seem to be.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, stdin},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bzip2::read::MultiBzDecoder;
use flate2::read::MultiGzDecoder;

use crate::{
    recording::{STDIN, display_name},
    zstd::ZstdReader,
};

/// Bytes from which the format is recognized.
const SNIFFED: usize = 8;

/// How often a file may be compressed.
const COMPRESSED: usize = 3;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    Text,
    Edf,
    Xdf,
}

/// A file that is being read.
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Box<dyn BufRead + Send>,
    /// It can be read only once.
    pub(crate) once: bool,
    format: FileFormat,
    /// Bytes of the file, and those read of it, before they are decompressed.
    size: Option<u64>,
    read: Arc<AtomicU64>,
}

impl InputFile {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let is_stdin = path.as_os_str() == STDIN;
        let metadata = if is_stdin { None } else { Some(std::fs::metadata(path)?) };
        let once = !metadata.as_ref().is_some_and(std::fs::Metadata::is_file);
        let raw: Box<dyn Read + Send> =
            if is_stdin { Box::new(stdin()) } else { Box::new(File::open(path)?) };
        let read = Arc::new(AtomicU64::new(0));
        let counted = CountedRead { inner: raw, read: Arc::clone(&read) };
        let mut raw = sniff(BufReader::with_capacity(1 << 16, counted))?;
        for _ in 0..COMPRESSED {
            let bytes: Box<dyn BufRead + Send> = match raw.0.as_slice() {
                [0x1f, 0x8b, ..] => Box::new(BufReader::new(MultiGzDecoder::new(raw.1))),
                [b'B', b'Z', b'h', ..] => Box::new(BufReader::new(MultiBzDecoder::new(raw.1))),
                [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(BufReader::new(ZstdReader::new(raw.1))),
                _ => break,
            };
            raw = sniff(bytes)?;
        }
        let format = match raw.0.as_slice() {
            [b'X', b'D', b'F', b':', ..] => FileFormat::Xdf,
            [0xff, b'B', b'I', b'O', b'S', b'E', b'M', b'I'] | b"0       " => FileFormat::Edf,
            _ => FileFormat::Text,
        };
        let size = metadata.filter(|_| !once).map(|own| own.len());
        Ok(Self { path: path.to_owned(), bytes: raw.1, once, format, size, read })
    }

    pub(crate) fn format(&self) -> FileFormat {
        self.format
    }

    /// The name for messages.
    pub(crate) fn name(&self) -> String {
        display_name(&self.path)
    }

    /// The share that has been read.
    pub(crate) fn progress(&self) -> Option<f64> {
        let size = self.size.filter(|size| *size > 0)?;
        Some(self.read.load(Ordering::Relaxed) as f64 / size as f64)
    }
}

/// The first bytes, and all bytes with them.
fn sniff(
    mut bytes: impl BufRead + Send + 'static,
) -> io::Result<(Vec<u8>, Box<dyn BufRead + Send>)> {
    let mut first = Vec::new();
    (&mut bytes).take(SNIFFED as u64).read_to_end(&mut first)?;
    let all = Cursor::new(first.clone()).chain(bytes);
    Ok((first, Box::new(all)))
}

/// Counts what is read.
struct CountedRead<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountedRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
