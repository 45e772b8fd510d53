//! The bytes of a file, from standard input or disk, compressed or not, and the detected format.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read, stdin},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use crate::{
    members::{BzipMembers, GzipMembers},
    recording::{ReadProgress, STDIN, display_name},
    zstd::{ZstdReader, is_gap},
};

/// How many bytes the format is detected from.
const SNIFFED: usize = 512;

/// How many layers of compression a file may have.
const COMPRESSED: usize = 3;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    /// A table starts with a name.
    Text,
    /// It starts like a JSON object.
    JsonLines,
    Edf,
    Xdf,
    /// A format that is not supported: what it is, and the next step.
    Foreign(&'static str),
}

/// Formats that people mistake for recordings: the offset and the bytes that identify them, and the
/// message.
const FOREIGN: [(usize, &[u8], &str); 11] = [
    (
        0,
        b"PK\x03\x04",
        "it is a zip archive or an Excel workbook; unpack it, or save the sheet as CSV",
    ),
    (0, b"PK\x05\x06", "it is an empty zip archive; give the recording itself"),
    (0, b"7z\xbc\xaf\x27\x1c", "it is a 7-Zip archive; unpack it and give the recording inside"),
    (0, b"Rar!", "it is a RAR archive; unpack it and give the recording inside"),
    (0, b"\xfd7zXZ\0", "it is compressed with xz; unpack it with unxz"),
    (257, b"ustar", "it is a tar archive; unpack it and give the recording inside"),
    (0, b"\xd0\xcf\x11\xe0", "it is an old Excel workbook; save the sheet as CSV"),
    (0, b"\x89HDF", "it is an HDF5 file (MATLAB 7.3, say); export the recording as CSV or EDF"),
    (0, b"MATLAB 5.0 MAT-file", "it is a MATLAB file; export the recording as CSV or EDF"),
    (
        0,
        b"Brain Vision Data Exchange",
        "it is the header of a BrainVision recording; convert that to EDF, with MNE or EEGLAB say",
    ),
    (
        0,
        b"BrainVision Data Exchange",
        "it is the header of a BrainVision recording; convert that to EDF, with MNE or EEGLAB say",
    ),
];

/// The bytes of a file, as far as they can be read.
type InputBytes = Box<dyn BufRead + Send>;

/// A file that is being read.
pub(crate) struct InputFile {
    pub(crate) path: PathBuf,
    pub(crate) bytes: InputBytes,
    /// Whether it can be read only once.
    pub(crate) once: bool,
    format: FileFormat,
}

impl InputFile {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Self::open_with(path, Arc::default())
    }

    /// Like [`open`](Self::open), with shared progress.
    pub(crate) fn open_with(path: &Path, progress: Arc<ReadProgress>) -> io::Result<Self> {
        let is_stdin = path.as_os_str() == STDIN;
        let metadata = if is_stdin { None } else { Some(std::fs::metadata(path)?) };
        let once = !metadata.as_ref().is_some_and(std::fs::Metadata::is_file);
        let raw: Box<dyn Read + Send> =
            if is_stdin { Box::new(stdin()) } else { Box::new(File::open(path)?) };
        let size = metadata.filter(|_| !once).map_or(0, |own| own.len());
        progress.size.store(size, Ordering::Relaxed);
        let counted = CountedRead { inner: raw, progress };
        let mut raw = sniff(Box::new(BufReader::with_capacity(1 << 16, counted)))?;
        for _ in 0..COMPRESSED {
            let bytes: InputBytes = match raw.0.as_slice() {
                [0x1f, 0x8b, ..] => Box::new(BufReader::new(GzipMembers::new(raw.1))),
                [b'B', b'Z', b'h', ..] => Box::new(BufReader::new(BzipMembers::new(raw.1))),
                [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(BufReader::new(ZstdReader::new(raw.1))),
                _ => break,
            };
            raw = sniff(bytes)?;
        }
        let format = match raw.0.as_slice() {
            [b'X', b'D', b'F', b':', ..] => FileFormat::Xdf,
            [0xff, b'B', b'I', b'O', b'S', b'E', b'M', b'I', ..]
            | [b'0', b' ', b' ', b' ', b' ', b' ', b' ', b' ', ..] => FileFormat::Edf,
            first => {
                let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first);
                let is_own = |(at, magic, _): &&(usize, &[u8], &str)| {
                    first.get(*at..).is_some_and(|own| own.starts_with(magic))
                };
                match FOREIGN.iter().find(is_own) {
                    Some((.., what)) => FileFormat::Foreign(what),
                    None if first.trim_ascii_start().starts_with(b"{") => FileFormat::JsonLines,
                    None => FileFormat::Text,
                }
            }
        };
        Ok(Self { path: path.to_owned(), bytes: raw.1, once, format })
    }

    pub(crate) fn format(&self) -> FileFormat {
        self.format
    }

    /// Its name in messages.
    pub(crate) fn name(&self) -> String {
        display_name(&self.path)
    }
}

/// The first bytes, and a reader of all bytes including those. Damage is reported after everything
/// before it has been read.
fn sniff(mut bytes: InputBytes) -> io::Result<(Vec<u8>, InputBytes)> {
    let mut first = Vec::new();
    let failed = (&mut bytes).take(SNIFFED as u64).read_to_end(&mut first).err();
    let all = Cursor::new(first.clone());
    match failed {
        None => Ok((first, Box::new(all.chain(bytes)))),
        Some(error) if is_gap(&error) && first.is_empty() => {
            let (first, rest) = sniff(bytes)?;
            Ok((first, Box::new(FailedRead(Some(error)).chain(rest))))
        }
        Some(error) if is_gap(&error) => {
            Ok((first, Box::new(all.chain(FailedRead(Some(error))).chain(bytes))))
        }
        Some(error) if first.is_empty() => Err(error),
        Some(error) => Ok((first, Box::new(all.chain(FailedRead(Some(error)))))),
    }
}

/// A reader that fails.
struct FailedRead(Option<io::Error>);

impl Read for FailedRead {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

impl BufRead for FailedRead {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.take().map_or(Ok(&[]), Err)
    }

    fn consume(&mut self, _: usize) {}
}

/// Counts the bytes that are read.
struct CountedRead<R> {
    inner: R,
    progress: Arc<ReadProgress>,
}

impl<R: Read> Read for CountedRead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.progress.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
