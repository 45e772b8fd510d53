//! A new file whose content on disk is complete at every moment: data waits until it is flushed, is
//! written in one piece, and is removed again if the disk has no room for all of it.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A file that is being written.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: File,
    /// Data still to be appended.
    waiting: Vec<u8>,
    /// Bytes on disk.
    length: u64,
    /// Where bytes are overwritten or read, if not at the end.
    at: Option<u64>,
}

impl OutputFile {
    /// Creates a file. Neither overwrites another file nor follows a link.
    ///
    /// # Errors
    /// A file with this name exists, or it cannot be written.
    pub fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok(Self { path, file, waiting: Vec::new(), length: 0, at: None })
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its size in bytes, including waiting data.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.length + self.waiting.len() as u64
    }

    /// Asks the operating system to write its buffers to disk.
    ///
    /// # Errors
    /// The disk failed.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// A file to which nothing was written, as on a full disk, is removed.
impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.length == 0 {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(at) = &mut self.at else {
            self.waiting.extend_from_slice(bytes);
            return Ok(bytes.len());
        };
        self.file.seek(SeekFrom::Start(*at))?;
        let written = self.file.write(bytes)?;
        *at += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        let written = self.file.write_all(&self.waiting);
        if written.is_ok() {
            self.length += self.waiting.len() as u64;
        } else {
            // The part that was written would be half a line or half a record.
            let _ = self.file.set_len(self.length);
        }
        self.waiting.clear();
        written
    }
}

impl Read for OutputFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(at) = &mut self.at else { return Ok(0) };
        self.file.seek(SeekFrom::Start(*at))?;
        let read = self.file.read(bytes)?;
        *at += read as u64;
        Ok(read)
    }
}

impl Seek for OutputFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.flush()?;
        let at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::End(by) => self.length.saturating_add_signed(by),
            SeekFrom::Current(by) => self.at.unwrap_or(self.length).saturating_add_signed(by),
        };
        self.at = Some(at).filter(|at| *at < self.length);
        Ok(at.min(self.length))
    }
}

/// Rewrites a small file by writing a new one that then replaces the old one, so that it is
/// complete at every moment.
///
/// # Errors
/// It cannot be written; the old file is unchanged.
pub fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let new = path.with_file_name(name);
    let written = File::create(&new).and_then(|file| {
        let mut file = BufWriter::new(file);
        write(&mut file)?;
        file.flush()?;
        fs::rename(&new, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_flushed_is_not_there_and_patches_leave_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut file = OutputFile::create(path.clone()).unwrap();
        file.write_all(b"0123456789").unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), file.size()), (Vec::new(), 10));
        file.seek(SeekFrom::Start(2)).unwrap();
        file.write_all(b"xy").unwrap();
        file.seek(SeekFrom::Start(1)).unwrap();
        let mut read = [0; 3];
        file.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"1xy");
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(b"end").unwrap();
        file.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"01xy456789end");
        assert_eq!(OutputFile::create(path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let path = folder.path().join("b");
        let mut file = OutputFile::create(path.clone()).unwrap();
        file.write_all(b"never on disk").unwrap();
        drop(file);
        assert!(!path.exists());
    }
}
