//! The items of lists, built from the state whenever they are needed.

use super::{
    Action, App, Effect,
    dialog::{Dialog, DialogAction, Form, FormField, FormKind, Menu, MenuItem, Select},
};
use cortop_client::{
    Command, Link, ProfileCommand, Record, datetime::local, headset::HeadsetStatus,
    record::ExportFormat,
};

impl App {
    /// The items of a list.
    #[must_use]
    pub fn items(&self, list: &Menu) -> Vec<MenuItem> {
        match list {
            Menu::Commands => self.commands(),
            Menu::Records => self.stored_records(),
            Menu::Record(id) => {
                self.records.get(id).map_or_else(Vec::new, |record| self.about(record))
            }
            Menu::Streams(session) => self.streams_of(session),
            Menu::Sessions => self.session_items(),
            Menu::History(session) => self.history(session),
            Menu::Profiles(headset) => self.profiles_for(headset),
            Menu::Headset(headset) => self.about_headset(headset),
            Menu::Account => self.account(),
        }
    }

    /// Opens the list of commands. Requests the names of profiles once, for completion.
    pub(super) fn open_palette(&mut self) -> Vec<Effect> {
        self.dialog = Some(Dialog::Select(Select::filtered(Menu::Commands)));
        let ask = self.profiles.stored.is_none() && matches!(self.link, Link::Up { .. });
        let ask = ask.then_some(Command::Profile(ProfileCommand::List));
        ask.into_iter().map(Effect::Command).collect()
    }

    fn commands(&self) -> Vec<MenuItem> {
        let rows = self.settings.keymap.rows();
        let actions = rows.filter(|(row, _)| row.action != Action::Commands).map(|(row, keys)| {
            let pane = row.pane.map_or_else(String::new, |pane| format!("{}.", pane.name()));
            let keys: String = keys.first().map(|key| format!("{key} · ")).unwrap_or_default();
            MenuItem::new(pane + row.name, keys + row.help, DialogAction::Action(row.action))
        });
        actions.chain(self.object_commands()).collect()
    }

    /// What can be done with each headset, session, profile, stream and theme by name: the same as in their
    /// own lists.
    fn object_commands(&self) -> Vec<MenuItem> {
        let mut items = Vec::new();
        for headset in &self.headsets.list {
            let (id, name) = (&headset.id, &headset.custom_name);
            let open = Command::Open { headset: id.clone(), mode: None };
            let open = DialogAction::Effects(vec![Effect::Command(open)]);
            items.push(MenuItem::new(format!("open {id}"), name.clone(), open));
            if headset.status != HeadsetStatus::Discovered {
                items.push(MenuItem::new(
                    format!("disconnect {id}"),
                    name.clone(),
                    self.disconnect(id),
                ));
            }
        }
        let mut add = |verb: &str, item: MenuItem| {
            items.push(MenuItem { text: format!("{verb} {}", item.text), on: None, ..item });
        };
        for entry in self.sessions.live() {
            let session = &entry.session;
            let note = format!("{} · session {}", session.status, session.id);
            let show = DialogAction::Show(session.id.clone());
            add("show", MenuItem::new(session.headset.id.to_string(), note, show));
        }
        self.adoptable().for_each(|item| add("adopt", item));
        let profiles = self.profile_headset().map(|headset| self.profiles_for(&headset));
        for item in profiles.into_iter().flatten() {
            add(if item.on == Some(true) { "unload" } else { "load" }, item);
        }
        let current = self.sessions.current().filter(|entry| self.is_live(entry));
        for item in current.map_or_else(Vec::new, |entry| self.streams_of(&entry.session.id)) {
            add(if item.on == Some(true) { "unsubscribe" } else { "subscribe" }, item);
        }
        for (at, name) in self.settings.themes.iter().enumerate() {
            add("theme", MenuItem::new(name.clone(), String::new(), DialogAction::Theme(at)));
        }
        items
    }

    fn stored_records(&self) -> Vec<MenuItem> {
        let zone = self.zone();
        let records = self.records.stored.iter().flat_map(|stored| &stored.records);
        records
            .map(|record| {
                let list = Select::plain(Menu::Record(record.uuid.clone()));
                let state = if record.end_datetime.is_empty() {
                    "running"
                } else if self.records.is_busy(&record.uuid) {
                    "in post-processing"
                } else if self.is_exporting(Some(&record.uuid)) {
                    "exporting…"
                } else {
                    ""
                };
                let start = local(&record.start_datetime, &zone);
                let note = [start.as_str(), state, &record.subject.subject_name];
                let note: Vec<_> = note.into_iter().filter(|part| !part.is_empty()).collect();
                let open = DialogAction::Open(Box::new(Dialog::Select(list)));
                MenuItem::new(record.title.clone(), note.join(" · "), open)
                    .known_as(record.uuid.to_string())
            })
            .collect()
    }

    /// What can be done with a record.
    fn about(&self, record: &Record) -> Vec<MenuItem> {
        let id = &record.uuid;
        let open = |dialog| DialogAction::Open(Box::new(dialog));
        let change = Form::new(
            format!("change {}", record.title),
            FormKind::ChangeRecord(id.clone()),
            vec![
                FormField::text("title", "what it is called", &record.title),
                FormField::text("description", "may be empty", &record.description),
                FormField::text("tags", "separated by commas", &record.tags.join(", ")),
            ],
        );
        let formats = ExportFormat::ALL.map(|format| format.title().to_owned()).to_vec();
        let mut export = Form::new(
            format!("export {}", record.title),
            FormKind::ExportRecord(id.clone()),
            vec![
                FormField::text(
                    "folder",
                    "an existing folder on the Cortex computer",
                    &self.settings.folder,
                ),
                FormField::choice("format", "EDF and BDF hold EEG and motion only", formats, 0),
            ],
        );
        if self.records.is_busy(id) {
            export.notes.push("Cortex is still processing this record: it may refuse.".to_owned());
        }
        let mut delete = Form::new(
            format!("delete {}", record.title),
            FormKind::DeleteRecord(id.clone()),
            vec![FormField::text("word", "type delete to delete it for good", "")],
        );
        delete.notes.push(format!(
            "The record \"{}\" is deleted for good, here and in the cloud's list. That cannot be \
             taken back.",
            record.title
        ));
        let item = |text: &str, note: &str, choice| {
            MenuItem::new(text.to_owned(), note.to_owned(), choice)
        };
        vec![
            item("export", "write it to files", open(Dialog::Form(export))),
            item("rename", "title, description, tags", open(Dialog::Form(change))),
            item("delete", "for good", open(Dialog::Form(delete))),
        ]
    }
}
