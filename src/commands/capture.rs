//! `cortop capture`: writes what crosses the socket to a file, without a screen. Runs the client as `cortop
//! watch` does, but ignores its samples.

use color_eyre::eyre::{Result, WrapErr as _};
use serde_json::json;

use super::{
    watch::{Companion, follow},
    writers::WriteError,
};
use crate::{
    capture::CaptureService,
    cli,
    console::{print, print_error},
};
use cortop_client::{ClientConfig, Sample};
use cortop_files::capture::CaptureFile;
use cortop_signal::sink::Sink;

/// Captures until a signal ends it; returns the exit status.
pub(super) async fn capture(config: ClientConfig, args: &cli::CaptureArgs) -> Result<u8> {
    let mut service = CaptureService::new(config.tap.clone(), &config.url);
    service.start(&args.file).wrap_err_with(|| {
        format!("cannot make {}: give the name of a new file", args.file.display())
    })?;
    let file = service.file().cloned();
    let mut capturing = Capturing { service };
    let code = follow(config, UntilFailure { file }, args.duration, &mut capturing).await?;
    let Some(state) = capturing.service.stop() else { return Ok(code) };
    let file = state.path.display().to_string();
    if state.lost > 0 {
        print_error(&format!("{} lines were lost: the disk is too slow", state.lost));
    }
    match &state.error {
        Some(error) if state.bytes == 0 => {
            print_error(&format!("nothing could be written to {file} ({error}): check the disk"));
        }
        Some(error) => print_error(&format!(
            "{file} ended early ({error}); what it holds is intact: check the disk"
        )),
        None => {}
    }
    if args.json {
        let line = json!({
            "event": "captured", "file": file, "bytes": state.bytes, "lost": state.lost,
            "error": state.error,
        });
        print(&format!("{line}\n"))?;
    } else if state.bytes > 0 {
        print(&format!("{file}: {} bytes\n", state.bytes))?;
    }
    Ok(if state.error.is_some() { 1 } else { code })
}

struct Capturing {
    service: CaptureService,
}

impl Companion for Capturing {
    fn on_tick(&mut self) -> Result<String> {
        let Some(state) = self.service.state() else { return Ok(String::new()) };
        let lost = match state.lost {
            0 => String::new(),
            lost => format!(" · {lost} lines lost"),
        };
        let failed = state.error.map(|error| format!(" · {error}")).unwrap_or_default();
        Ok(format!(" · {} kB{lost}{failed}", state.bytes / 1000))
    }
}

/// Discards samples, which the captured messages contain, until the file fails.
struct UntilFailure {
    file: Option<CaptureFile>,
}

impl Sink for UntilFailure {
    type Error = WriteError;

    fn sample(&mut self, _: &Sample) -> Result<(), WriteError> {
        let has_failed = self.file.as_ref().is_some_and(CaptureFile::has_failed);
        if has_failed { Err(WriteError::Closed) } else { Ok(()) }
    }
}
