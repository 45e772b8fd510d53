//! `cortop record`: records a headset's samples to files, without a screen.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use color_eyre::eyre::{Result, eyre};
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    markers_from_outside,
    outside_markers::OutsideMarkers,
    watch::{Companion, follow},
};
use crate::{cli, console::print};
use cortop_client::{ClientConfig, Command, Event, Feed, sanitize::json_line};
use cortop_files::recorder::{
    BidsOptions, RecordedFile, Recorder, RecorderOptions, RecorderStatus, SharedStatus, free_space,
    human_size,
};

/// Records until a signal ends it; returns the exit status.
pub(super) async fn record(config: ClientConfig, args: &cli::RecordArgs) -> Result<u8> {
    let mut formats = args.format.clone();
    formats.sort_unstable();
    formats.dedup();
    if formats.iter().all(|own| !own.holds_any_stream())
        && !config.streams.iter().any(|stream| stream.is_trace())
    {
        return Err(eyre!(
            "EDF and BDF hold EEG and motion, and --streams has neither: add one, or --format jsonl"
        ));
    }
    let bids = args.bids.as_ref().map(|subject| {
        let (session, task) = (args.bids_session.as_deref(), args.task.as_deref());
        BidsOptions::new(subject, session, (task, &args.title), args.mains, &formats)
    });
    let bids = bids.transpose().map_err(|why| eyre!(why))?;
    let mut options = RecorderOptions {
        folder: args.out.clone(),
        formats,
        title: args.title.clone(),
        subject: args.bids.as_ref().unwrap_or(&args.subject).clone(),
        resume_within: args.resume_within,
        headset: None,
        bids,
    };
    let markers = OutsideMarkers::new(markers_from_outside(&args.exchange).await?);
    let is_new = !args.out.exists();
    options.prepare().map_err(|why| eyre!(why))?;
    let (recorder, status) = Recorder::new(options);
    let mut recording = RecordCompanion {
        status,
        markers,
        json: args.json,
        reported: Vec::new(),
        notes: Vec::new(),
        resume_within: args.resume_within,
    };
    let code = follow(config, recorder, args.duration, &mut recording).await;
    if is_new {
        // Removes the folder only if it is empty.
        let _ = fs::remove_dir(&args.out);
    }
    recording.finish()?;
    code
}

struct RecordCompanion {
    status: Arc<SharedStatus>,
    markers: OutsideMarkers,
    json: bool,
    /// The files already reported.
    reported: Vec<PathBuf>,
    /// The notes already shown; with JSON they are printed at the end.
    notes: Vec<String>,
    resume_within: Duration,
}

impl Companion for RecordCompanion {
    fn on_event(&mut self, event: &Event, commands: &mpsc::Sender<Command>) {
        if let Event::Session(session) = event {
            let headset = &session.headset;
            self.status.set_firmware(&headset.id, &headset.firmware);
        }
        self.markers.on_event(event, commands);
    }

    fn on_tick(&mut self) -> Result<String> {
        let status = self.status.get();
        self.report(&status)?;
        self.markers.report_losses();
        let written: u64 = status.files.iter().map(|file| file.size).sum();
        let free = status.files.last().and_then(|file| free_space(&file.path));
        let free = free.map(|free| format!(" · {} free", human_size(free))).unwrap_or_default();
        let lost = match status.lost {
            0 => String::new(),
            lost => format!(" · lost {lost}"),
        };
        Ok(format!(" · {}{free}{lost}", human_size(written)))
    }

    async fn outside(&mut self, commands: &mpsc::Sender<Command>) -> Vec<Feed> {
        self.markers.next(commands).await
    }

    fn on_return(&self, away: Duration) -> String {
        if away > self.resume_within {
            format!(": away longer than {:?}, new files follow", self.resume_within)
        } else {
            ": the recording goes on".to_owned()
        }
    }

    fn waits_for_sink(&self) -> bool {
        true
    }
}

impl RecordCompanion {
    /// Reports new files, and what could not be done as asked.
    fn report(&mut self, status: &RecorderStatus) -> Result<()> {
        for RecordedFile { headset, path, .. } in &status.files {
            if self.reported.contains(path) {
                continue;
            }
            self.reported.push(path.clone());
            if self.json {
                let path = path.to_string_lossy();
                print_line(&json!({ "event": "file", "headset": headset, "path": path }))?;
            } else {
                print(&format!("{headset}: {}\n", path.display()))?;
            }
        }
        for note in status.notes.iter().filter(|_| !self.json) {
            if !self.notes.contains(note) {
                print(&format!("{note}\n"))?;
                self.notes.push(note.clone());
            }
        }
        Ok(())
    }

    /// Reports the result.
    fn finish(mut self) -> Result<()> {
        self.markers.report_total();
        let mut status = self.status.get();
        // Empty files are removed when they are closed.
        status.files.retain(|file| file.path.exists());
        self.report(&status)?;
        let RecorderStatus { files, samples, lost, markers, notes, .. } = &status;
        if self.json {
            let files: Vec<_> = files
                .iter()
                .map(|file| json!({ "path": file.path.to_string_lossy(), "bytes": file.size }))
                .collect();
            return print_line(&json!({
                "event": "end",
                "files": files,
                "samples": samples,
                "lost": lost,
                "markers": markers,
                "notes": notes,
            }));
        }
        if files.is_empty() {
            return Ok(());
        }
        let written: u64 = files.iter().map(|file| file.size).sum();
        print(&format!(
            "recorded {samples} samples, lost {lost}, {markers} markers, {}\n",
            human_size(written)
        ))
    }
}

fn print_line(value: &serde_json::Value) -> Result<()> {
    print(&format!("{}\n", json_line(&value.to_string())))
}
