//! What there is to pick from, made from the state at the moment it is asked for.

use super::{
    Action, App, Effect, TABLE,
    action::Scope,
    dialog::{Choice, Dialog, Entry, Form, Item, List, Pick},
    forms::Purpose,
    recording,
};
use crate::cortex::{Command, Record, record::ExportFormat};

impl App {
    /// The items of a list.
    #[must_use]
    pub fn items(&self, list: &List) -> Vec<Item> {
        match list {
            List::Commands => self.commands(),
            List::Records => self.stored_records(),
            List::Record(id) => {
                self.records.get(id).map_or_else(Vec::new, |record| self.about(record))
            }
            List::Streams(session) => self.streams_of(session),
            List::Sessions => self.live_sessions(),
            List::History(session) => self.history(session),
            List::Profiles(headset) => self.profiles_for(headset),
            List::Headset(headset) => self.about_headset(headset),
            List::Account => self.account(),
        }
    }

    fn commands(&self) -> Vec<Item> {
        let actions = TABLE.iter().filter(|row| row.action != Action::Commands).map(|row| {
            let scope = match row.scope {
                Scope::Global => String::new(),
                scope => format!("{}.", scope.name()),
            };
            let keys = self.settings.keymap.keys(row.action);
            let keys: String = keys.first().map(|key| format!("{key} · ")).unwrap_or_default();
            Item::new(scope + row.name, keys + row.help, Choice::Action(row.action))
        });
        let headsets = self.headsets.list.iter().map(|headset| {
            let open = Command::Open { headset: headset.id.clone(), mode: None };
            let open = Choice::Effects(vec![Effect::Command(open)]);
            Item::new(format!("open {}", headset.id), headset.custom_name.clone(), open)
        });
        actions.chain(headsets).collect()
    }

    fn stored_records(&self) -> Vec<Item> {
        let records = self.records.stored.iter().flat_map(|stored| &stored.records);
        records
            .map(|record| {
                let list = Pick::plain(List::Record(record.uuid.clone()));
                let state = if record.end_datetime.is_empty() {
                    "running"
                } else if self.records.is_busy(&record.uuid) {
                    "in post-processing"
                } else {
                    ""
                };
                let start = record.start_datetime.get(..16).unwrap_or_default().replace('T', " ");
                let note = [start.as_str(), state, &record.subject.subject_name];
                let note: Vec<_> = note.into_iter().filter(|part| !part.is_empty()).collect();
                let open = Choice::Open(Box::new(Dialog::Pick(list)));
                Item::new(record.title.clone(), note.join(" · "), open)
                    .known_as(record.uuid.to_string())
            })
            .collect()
    }

    /// What can be done with a record.
    fn about(&self, record: &Record) -> Vec<Item> {
        let id = &record.uuid;
        let open = |dialog| Choice::Open(Box::new(dialog));
        let change = Form::new(
            format!("change {}", record.title),
            Purpose::ChangeRecord(id.clone()),
            vec![
                Entry::text("title", "what it is called", &record.title),
                Entry::text("description", "may be empty", &record.description),
                Entry::text("tags", "with commas between", &record.tags.join(", ")),
            ],
        );
        let formats = ExportFormat::ALL.map(|format| format.title().to_owned()).to_vec();
        let mut export = Form::new(
            format!("export {}", record.title),
            Purpose::ExportRecord(id.clone()),
            vec![
                Entry::text("folder", "one that exists where Cortex runs", &self.settings.folder),
                Entry::choice("format", "EDF and BDF hold EEG and motion only", formats, 0),
            ],
        );
        if self.records.is_busy(id) {
            export.notes.push("Cortex still works on this record: it may refuse.".to_owned());
        }
        let delete = recording::ask_to_delete(id.clone(), &record.title);
        let item =
            |text: &str, note: &str, choice| Item::new(text.to_owned(), note.to_owned(), choice);
        vec![
            item("export", "write it to files", open(Dialog::Form(export))),
            item("rename", "title, description, tags", open(Dialog::Form(change))),
            item("delete", "for good", open(Dialog::Ask(delete))),
        ]
    }
}
