//! Keys for recording to files on this computer.

use std::{path::PathBuf, time::Duration};

use super::{
    App, Effect, Severity,
    dialog::{Dialog, Form, FormField, FormKind, Question},
};
use cortop_client::HeadsetId;
use cortop_files::recorder::{
    BidsOptions, RecorderOptions, RecorderState, RecordingFormat, human_size,
};

/// The index of the form's field for the folder.
pub(super) const FOLDER: usize = 3;
/// The format that makes the folder a BIDS dataset.
const BIDS: &str = "bids";
/// A headset that reconnects within this time continues in the same files.
const RESUME_WITHIN: Duration = Duration::from_secs(600);

impl App {
    /// Asks where to record the headset shown, or whether to stop the running recording.
    pub(super) fn record_files(&mut self) {
        if self.recorder.is_some() {
            return self.ask(&Question::StopFiles);
        }
        let Some(headset) = self.headset().cloned() else {
            let text = "no headset is shown that could be recorded";
            return self.notify(Severity::Problem, text);
        };
        let fields = vec![
            FormField::text("title", "what it is called; may be empty", ""),
            FormField::text("subject", "who is recorded; may be empty", ""),
            FormField::text("formats", "of csv, edf, bdf, jsonl and bids", "csv,edf"),
            FormField::text("folder", "on this computer", &self.settings.folder),
        ];
        let title = format!("record {headset} to files");
        let notch = self.streams.filters().notch;
        let is_notched = |hz: &u16| notch.is_some_and(|own| own.total_cmp(&(*hz).into()).is_eq());
        let kind = FormKind::RecordFiles { headset, mains: [50, 60].into_iter().find(is_notched) };
        self.dialog = Some(Dialog::Form(Form::new(title, kind, fields)));
    }

    /// The state of the recording to files has changed.
    pub(super) fn on_recorder(&mut self, state: Result<Option<RecorderState>, String>) {
        match state {
            Err(why) => {
                self.recorder = None;
                self.notify_until_seen(why);
            }
            Ok(Some(state)) if state.status.finished => {
                self.recorder = None;
                let written: u64 = state.status.files.iter().map(|file| file.size).sum();
                let text = format!(
                    "recorded {} samples to {} files, {}",
                    state.status.samples,
                    state.status.files.len(),
                    human_size(written)
                );
                self.notify(Severity::Info, text);
            }
            Ok(state) => {
                let files = |state: &Option<RecorderState>| {
                    state.as_ref().map_or(0, |state| state.status.files.len())
                };
                if files(&state) > files(&self.recorder)
                    && let Some(file) = state.as_ref().and_then(|own| own.status.files.last())
                {
                    self.notify(Severity::Info, format!("recording to {}", file.path.display()));
                }
                self.recorder = state;
            }
        }
    }

    /// Whether a headset is being recorded to files.
    pub(super) fn is_recorded(&self, headset: &HeadsetId) -> bool {
        let own = self.recorder.as_ref();
        own.is_some_and(|own| own.headset.as_ref().is_none_or(|only| only == headset))
    }
}

/// The effect of the form. `bids` among the formats makes the folder a BIDS dataset.
///
/// # Errors
/// The index of the invalid field, and a sentence that says what it accepts.
pub(super) fn record_files(
    headset: &HeadsetId,
    mains: Option<u16>,
    [title, subject, formats, folder]: [&str; 4],
) -> Result<Effect, (usize, String)> {
    let words = formats.split([',', ' ']).filter(|own| !own.is_empty());
    let (bids, formats): (Vec<_>, Vec<_>) = words.partition(|own| own.eq_ignore_ascii_case(BIDS));
    let mut formats = RecordingFormat::list(&formats.join(",")).map_err(|why| (2, why))?;
    if formats.is_empty() {
        if bids.is_empty() {
            return Err((2, "required: csv, edf, bdf or jsonl".to_owned()));
        }
        formats.push(RecordingFormat::Edf);
    }
    let bids = if bids.is_empty() {
        None
    } else if subject.is_empty() {
        return Err((1, "required: a BIDS dataset is kept by subject".to_owned()));
    } else {
        let own = BidsOptions::new(subject, None, (None, title), mains, &formats);
        Some(own.map_err(|why| (2, why))?)
    };
    let folder = PathBuf::from(if folder.is_empty() { "." } else { folder });
    Ok(Effect::Recorder(Some(Box::new(RecorderOptions {
        folder,
        formats,
        title: title.to_owned(),
        subject: subject.to_owned(),
        resume_within: RESUME_WITHIN,
        headset: Some(headset.clone()),
        bids,
    }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(fields: [&str; 4]) -> Result<RecorderOptions, (usize, String)> {
        match record_files(&"EPOCX-1A2B3C4D".into(), Some(50), fields)? {
            Effect::Recorder(Some(options)) => Ok(*options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bids_among_the_formats_makes_a_dataset_by_subject() {
        let own = options(["rest", "07", "bids", "study"]).expect("valid");
        assert_eq!(own.formats, [RecordingFormat::Edf]);
        let bids = BidsOptions::new("07", None, (None, "rest"), Some(50), &own.formats);
        assert_eq!(own.bids, bids.ok());
        let own = options(["", "07", "BIDS, csv bdf", ""]).expect("valid");
        assert_eq!(own.formats, [RecordingFormat::Csv, RecordingFormat::Bdf]);
        assert_eq!(options(["", "", "csv,edf", ""]).expect("valid").bids, None);
        for (fields, place) in
            [(["", "", "bids", ""], 1), (["", "07", "bids,csv", ""], 2), (["", "", "", ""], 2)]
        {
            assert_eq!(options(fields).expect_err("refused").0, place, "{fields:?}");
        }
    }
}
