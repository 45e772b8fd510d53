//! Captures what crosses the client's socket to a file; can start and stop at any moment. Knows neither keys
//! nor screens.

use std::{io, path::Path};

use cortop_client::tap::Tap;
use cortop_files::capture::{CaptureFile, CaptureState};

/// Writes what a client's tap sees to a file, while capturing.
#[derive(Debug)]
pub struct CaptureService {
    tap: Tap,
    /// The service's URL, for the first line.
    service: String,
    file: Option<CaptureFile>,
}

impl CaptureService {
    /// For a client that was, or will be, started with this tap.
    #[must_use]
    pub fn new(tap: Tap, service: &str) -> Self {
        Self { tap, service: service.to_owned(), file: None }
    }

    /// Starts a file.
    ///
    /// # Errors
    /// It cannot be created, for example because it exists already.
    pub fn start(&mut self, path: &Path) -> io::Result<()> {
        self.stop();
        let file = CaptureFile::create(path, &self.service)?;
        let own = file.clone();
        self.tap.start(move |crossing| own.write(crossing));
        self.file = Some(file);
        Ok(())
    }

    /// Finishes the file, if one is being written, and returns its final state.
    pub fn stop(&mut self) -> Option<CaptureState> {
        let file = self.file.take()?;
        self.tap.stop();
        Some(file.finish())
    }

    /// The file being written.
    #[must_use]
    pub fn file(&self) -> Option<&CaptureFile> {
        self.file.as_ref()
    }

    /// The state of the file being written.
    #[must_use]
    pub fn state(&self) -> Option<CaptureState> {
        self.file.as_ref().map(CaptureFile::state)
    }
}

impl Drop for CaptureService {
    fn drop(&mut self) {
        self.stop();
    }
}
