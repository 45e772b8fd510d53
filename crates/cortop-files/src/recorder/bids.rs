//! The names of a recording in a BIDS dataset, and the files of the dataset as a whole (Brain
//! Imaging Data Structure, 1.10). EEG is stored under its subject; what has no place beside it
//! (CSV, JSON lines, and motion at a rate of its own) under `sourcedata`, whose content BIDS does
//! not regulate.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use super::{RecordingFormat, names::with_ending};

/// The BIDS version that is followed.
const VERSION: &str = "1.10.0";
/// The longest label, in characters.
const LONGEST: usize = 64;
/// The most recordings of one task by one subject.
const MOST_RUNS: u32 = 9999;
/// The task of a recording that has neither task nor title.
const UNNAMED: &str = "unnamed";
/// The description of a dataset, and the list of its participants.
const DESCRIPTION_FILE: &str = "dataset_description.json";
const PARTICIPANTS_FILE: &str = "participants.tsv";
/// Files that describe a dataset to people; one of them suffices.
const README: [&str; 4] = ["README", "README.md", "README.rst", "README.txt"];
/// The columns about a participant, of which only the first is known here.
const PARTICIPANTS: &str = "participant_id\tspecies\tage\tsex\thandedness";

/// A label in file names: ASCII letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Label {
    text: String,
    /// The text from which it was made.
    given: String,
}

impl Label {
    /// Rejects the label if it already stands for something else among the names of a dataset.
    fn check(&self, what: &str, prefix: &str, names: &[String]) -> Result<(), String> {
        let Self { text, given } = self;
        for taken in names.iter().filter_map(|own| own.strip_prefix(prefix)) {
            if taken == text && given != text {
                return Err(format!(
                    "the {what} \"{given}\" would be {prefix}{text}, which the dataset has already: \
                     give {text} if they are the same, else another name of letters and digits"
                ));
            }
            if taken != text && taken.eq_ignore_ascii_case(text) {
                return Err(format!(
                    "the {what} {text} differs from {prefix}{taken} of the dataset by its case only: \
                     give {taken} if they are the same, else another name"
                ));
            }
        }
        Ok(())
    }
}

/// The subject, session and task of a recording in a BIDS dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BidsOptions {
    subject: Label,
    session: Option<Label>,
    task: Label,
    /// Mains frequency in Hz, if known.
    pub(super) mains: Option<u16>,
    /// What was renamed, one sentence each.
    pub(super) notes: Vec<String>,
}

impl BidsOptions {
    /// From texts as the user gave them (without a task, the title is used), for a recording in
    /// these formats. `mains`: in Hz.
    ///
    /// # Errors
    /// A sentence that says what is not possible.
    pub fn new(
        subject: &str,
        session: Option<&str>,
        (task, title): (Option<&str>, &str),
        mains: Option<u16>,
        formats: &[RecordingFormat],
    ) -> Result<Self, String> {
        let eeg = [RecordingFormat::Edf, RecordingFormat::Bdf];
        match eeg.iter().filter(|own| formats.contains(own)).count() {
            0 => {
                return Err(
                    "BIDS keeps EEG as edf or bdf: record one of them, others beside it".into()
                );
            }
            1 => {}
            _ => return Err("BIDS keeps each recording once: record either edf or bdf".into()),
        }
        let mut notes = Vec::new();
        let subject = label("subject", "sub-", subject, &mut notes)?;
        let session = session.map(|own| label("session", "ses-", own, &mut notes)).transpose()?;
        let is_titled = title.contains(|own: char| own.is_ascii_alphanumeric());
        let task_name = task.unwrap_or(if is_titled { title } else { UNNAMED }).trim();
        if task.is_none() && !is_titled {
            notes.push(format!("the task is called {UNNAMED}: none was given"));
        }
        let task = label("task", "task-", task_name, &mut notes)?;
        Ok(Self { subject, session, task, mains, notes })
    }

    /// The task as the user gave it.
    pub(super) fn task_name(&self) -> &str {
        &self.task.given
    }

    /// Compares the labels with those in a dataset, and notes what is broken there.
    ///
    /// # Errors
    /// A sentence: a label is already used for something with another name.
    pub(super) fn check(&mut self, root: &Path) -> Result<(), String> {
        let participants = fs::read_to_string(root.join(PARTICIPANTS_FILE)).unwrap_or_default();
        let listed = participants.lines().filter_map(|line| line.split('\t').next());
        let subjects: Vec<_> = names_in(root).chain(listed.map(str::to_owned)).collect();
        self.subject.check("subject", "sub-", &subjects)?;
        if let Some(session) = &self.session {
            let folder = root.join(format!("sub-{}", self.subject.text));
            session.check("session", "ses-", &names_in(&folder).collect::<Vec<_>>())?;
        }
        for folder in [self.eeg(root), self.source(root)] {
            for name in names_in(&folder) {
                let tasks = name.split('_').filter(|own| own.starts_with("task-"));
                let tasks: Vec<_> = tasks.map(str::to_owned).collect();
                // The same name gives the same label.
                let about = fs::read_to_string(folder.join(&name)).unwrap_or_default();
                let about = serde_json::from_str::<Value>(&about).unwrap_or_default();
                if name.ends_with("_eeg.json") && about["TaskName"] != *self.task_name() {
                    self.task.check("task", "task-", &tasks)?;
                }
            }
        }
        self.note_what_is_broken(root);
        Ok(())
    }

    /// Notes files of a dataset that exist but are not valid BIDS; they are left as they are.
    fn note_what_is_broken(&mut self, root: &Path) {
        let path = root.join(PARTICIPANTS_FILE);
        let has_ids = |text: String| participant_column(&text).is_some();
        if path.symlink_metadata().is_ok() && !fs::read_to_string(&path).is_ok_and(has_ids) {
            self.notes.push(format!(
                "{} has no readable column participant_id: it is left unchanged, add sub-{} yourself",
                path.display(),
                self.subject.text
            ));
        }
        let path = root.join(DESCRIPTION_FILE);
        let is_whole = |text: String| {
            let own = serde_json::from_str::<Value>(&text).unwrap_or_default();
            own["Name"].is_string() && own["BIDSVersion"].is_string()
        };
        if path.symlink_metadata().is_ok() && !fs::read_to_string(&path).is_ok_and(is_whole) {
            self.notes.push(format!(
                "{} is no JSON object with Name and BIDSVersion, which readers of BIDS want: it \
                 is left unchanged, fix it",
                path.display()
            ));
        }
    }

    /// The common beginning of all file names of its subject and session.
    fn whose(&self, between: &str) -> PathBuf {
        let session = self.session.as_ref().map(|own| format!("{between}ses-{}", own.text));
        format!("sub-{}{}", self.subject.text, session.unwrap_or_default()).into()
    }

    /// The folder of its EEG in a dataset.
    fn eeg(&self, root: &Path) -> PathBuf {
        root.join(self.whose("/")).join("eeg")
    }

    /// The folder of what BIDS has no place for.
    fn source(&self, root: &Path) -> PathBuf {
        root.join("sourcedata").join(self.whose("/")).join("eeg")
    }

    /// The paths of the EEG and of everything else, without extension, for a run that has no files
    /// yet.
    pub(super) fn stems(&self, root: &Path) -> (PathBuf, PathBuf) {
        let folders = [self.eeg(root), self.source(root)];
        let mut taken = Vec::new();
        for own in folders.iter().filter_map(|own| fs::read_dir(own).ok()) {
            taken.extend(own.flatten().map(|own| own.file_name().to_string_lossy().into_owned()));
        }
        let whose = self.whose("_").display().to_string();
        let name = |run: u32| format!("{whose}_task-{}_run-{run:02}", self.task.text);
        let is_free = |own: &String| {
            let begins = |name: &String| {
                name.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with(['_', '.']))
            };
            !taken.iter().any(begins)
        };
        let free = (1..=MOST_RUNS).map(name).find(is_free).unwrap_or_else(|| name(MOST_RUNS));
        (folders[0].join(&free), folders[1].join(free))
    }

    /// The paths of the electrode positions and of their coordinate system, which apply to all runs
    /// of a session.
    pub(super) fn electrodes(&self, root: &Path) -> (PathBuf, PathBuf) {
        let stem = self.eeg(root).join(self.whose("_"));
        (with_ending(&stem, "_electrodes.tsv"), with_ending(&stem, "_coordsystem.json"))
    }

    /// Creates the missing files of the dataset as a whole; existing ones are left as they are.
    pub(super) fn complete(&self, root: &Path) -> io::Result<()> {
        let name = root.canonicalize().ok();
        let name = name.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let version = env!("CARGO_PKG_VERSION");
        let description = json!({
            "Name": if name.is_empty() { "EEG" } else { &name },
            "BIDSVersion": VERSION,
            "DatasetType": "raw",
            "GeneratedBy": [{ "Name": "cortop", "Version": version }],
        });
        let text = format!("{description:#}\n");
        create(&root.join(DESCRIPTION_FILE), text.as_bytes())?;
        if !README.iter().any(|own| root.join(own).symlink_metadata().is_ok()) {
            let text = "EEG of EMOTIV headsets, recorded by cortop as the Cortex service sent it, \
                        neither filtered nor referenced.\n\nEvents have the markers, and \
                        BAD_ACQ_SKIP where samples were lost and the last value stands in their \
                        place, BAD_PADDING where it completes the last record. What else was recorded is in sourcedata.\n\nSay here who was \
                        recorded, how and what for.\n";
            create(&root.join("README"), text.as_bytes())?;
        }
        self.add_participant(&root.join(PARTICIPANTS_FILE))
    }

    /// Adds a line for the subject if there is none.
    fn add_participant(&self, path: &Path) -> io::Result<()> {
        create(path, format!("{PARTICIPANTS}\n").as_bytes())?;
        let text = fs::read_to_string(path).unwrap_or_default();
        let id = format!("sub-{}", self.subject.text);
        let Some(at) = participant_column(&text) else { return Ok(()) };
        let mut lines = text.lines();
        let head = lines.next().unwrap_or_default();
        if lines.any(|line| line.split('\t').nth(at) == Some(&*id)) {
            return Ok(());
        }
        let cell = |column: usize| if column == at { &*id } else { "n/a" };
        let cells: Vec<_> = (0..head.split('\t').count()).map(cell).collect();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let line = format!("{end}{}\n", cells.join("\t"));
        File::options().append(true).open(path)?.write_all(line.as_bytes())
    }
}

/// The column of `participants.tsv` that names the participants.
fn participant_column(text: &str) -> Option<usize> {
    let head = text.trim_start_matches('\u{feff}').lines().next()?;
    head.split('\t').position(|own| own == "participant_id")
}

/// The names in a folder; empty if it does not exist.
fn names_in(folder: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|own| own.file_name().to_string_lossy().into_owned())
}

/// Creates a file unless it exists.
fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    match File::create_new(path) {
        Ok(mut file) => file.write_all(content),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Turns a text, with or without `prefix` before it, into a label of ASCII letters and digits.
fn label(what: &str, prefix: &str, text: &str, notes: &mut Vec<String>) -> Result<Label, String> {
    let given = text.trim();
    let given = given.strip_prefix(prefix).unwrap_or(given);
    let sound = given.chars().filter(char::is_ascii_alphanumeric).take(LONGEST);
    let text: String = sound.collect();
    if text.is_empty() {
        return Err(format!("the {what} needs a letter or a digit: BIDS names files by them"));
    }
    if text != given {
        notes.push(format!("the {what} \"{given}\" is {text} in names, as BIDS has them"));
    }
    Ok(Label { text, given: given.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use RecordingFormat::{Bdf, Csv, Edf, Jsonl};

    fn new(subject: &str, task: Option<&str>, title: &str) -> Result<BidsOptions, String> {
        BidsOptions::new(subject, Some("ses-pre 1"), (task, title), None, &[Edf, Csv])
    }

    #[test]
    fn labels_are_letters_and_digits_and_what_is_changed_is_said() {
        let own = new("sub-07", Some("oddball"), "").unwrap();
        assert_eq!((&*own.subject.text, &*own.task.text), ("07", "oddball"));
        assert_eq!(own.notes, [r#"the session "pre 1" is pre1 in names, as BIDS has them"#]);
        let own = new("O'Neil_ü", None, "eyes: open").unwrap();
        assert_eq!(
            (&*own.subject.text, &*own.task.text, own.task_name()),
            ("ONeil", "eyesopen", "eyes: open")
        );
        assert_eq!(own.notes.len(), 3, "{:?}", own.notes);
        let own = new("1", None, " ").unwrap();
        assert_eq!(own.task.text, UNNAMED);
        assert!(own.notes.last().unwrap().contains("none was given"), "{:?}", own.notes);
        assert_eq!(new(&"a".repeat(99), None, "b").unwrap().subject.text.len(), LONGEST);
        new("  ", None, "").unwrap_err();
        new("1", Some("?"), "title").unwrap_err();
    }

    #[test]
    fn a_dataset_keeps_each_recording_once_as_edf_or_bdf() {
        let new = |formats: &[_]| BidsOptions::new("1", None, (None, ""), None, formats);
        new(&[Csv, Edf]).unwrap();
        new(&[Bdf, Jsonl]).unwrap();
        assert!(new(&[Csv, Jsonl]).unwrap_err().contains("edf or bdf"));
        assert!(new(&[Edf, Bdf]).unwrap_err().contains("either"));
    }

    #[test]
    fn runs_are_counted_over_both_folders_and_nothing_of_a_dataset_is_changed() {
        let root = tempfile::tempdir().unwrap();
        let own = new("7", Some("rest"), "").unwrap();
        let eeg = root.path().join("sub-7/ses-pre1/eeg");
        let source = root.path().join("sourcedata/sub-7/ses-pre1/eeg");
        fs::create_dir_all(&eeg).unwrap();
        fs::create_dir_all(&source).unwrap();
        let name = |run: &str| format!("sub-7_ses-pre1_task-rest_{run}");
        assert_eq!(own.stems(root.path()), (eeg.join(name("run-01")), source.join(name("run-01"))));
        fs::write(eeg.join(name("run-01_eeg.json")), "").unwrap();
        fs::write(source.join(name("run-02.csv")), "").unwrap();
        assert_eq!(own.stems(root.path()).0, eeg.join(name("run-03")));

        let participants = root.path().join("participants.tsv");
        fs::write(root.path().join("README.md"), "ours").unwrap();
        fs::write(&participants, "participant_id\tgroup\nsub-3\tcontrol").unwrap();
        own.complete(root.path()).unwrap();
        let first = fs::read(root.path().join("dataset_description.json")).unwrap();
        own.complete(root.path()).unwrap();
        let expected = "participant_id\tgroup\nsub-3\tcontrol\nsub-7\tn/a\n";
        assert_eq!(fs::read_to_string(&participants).unwrap(), expected);
        assert!(!root.path().join("README").exists(), "there is one");
        assert_eq!(fs::read(root.path().join("dataset_description.json")).unwrap(), first);
    }

    #[test]
    fn a_label_that_stands_for_something_else_is_refused_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        let eeg = root.path().join("sub-07/ses-pre1/eeg");
        fs::create_dir_all(&eeg).unwrap();
        let about = r#"{"TaskName":"eyes open"}"#;
        fs::write(eeg.join("sub-07_ses-pre1_task-eyesopen_run-01_eeg.json"), about).unwrap();
        fs::write(root.path().join("participants.tsv"), "participant_id\nsub-AB\n").unwrap();
        let check = |subject: &str, session: &str, task: &str| {
            let own = BidsOptions::new(subject, Some(session), (Some(task), ""), None, &[Edf]);
            own.unwrap().check(root.path())
        };
        check("07", "pre1", "eyes open").unwrap();
        check("07", "pre1", "eyesopen").unwrap();
        check("08", "pre 1", "eyes: open").unwrap();
        for (own, both) in [
            (check("0/7", "pre1", "rest"), ["\"0/7\"", "sub-07"]),
            (check("07", "pre 1", "rest"), ["\"pre 1\"", "ses-pre1"]),
            (check("07", "pre1", "eyes: open"), ["\"eyes: open\"", "task-eyesopen"]),
            (check("ab", "pre1", "rest"), ["subject ab", "sub-AB"]),
        ] {
            let why = own.unwrap_err();
            assert!(both.iter().all(|own| why.contains(own)), "{why}");
        }
    }

    #[test]
    fn broken_files_of_a_dataset_are_named_and_stay_as_they_are() {
        let root = tempfile::tempdir().unwrap();
        let mut own = new("7", Some("rest"), "").unwrap();
        own.notes.clear();
        own.check(root.path()).unwrap();
        own.complete(root.path()).unwrap();
        own.check(root.path()).unwrap();
        assert_eq!(own.notes, Vec::<String>::new(), "what cortop makes is whole");
        let files: [(&str, &[u8]); 2] =
            [("participants.tsv", b"id\tage\n\xff\n"), ("dataset_description.json", b"{\"Name\":")];
        for (name, content) in files {
            fs::write(root.path().join(name), content).unwrap();
        }
        own.check(root.path()).unwrap();
        own.complete(root.path()).unwrap();
        assert_eq!(own.notes.len(), 2, "{:?}", own.notes);
        for ((name, content), note) in files.into_iter().zip(&own.notes) {
            assert!(note.contains(name) && note.contains("is left unchanged"), "{note}");
            assert_eq!(fs::read(root.path().join(name)).unwrap(), content);
        }
    }
}
