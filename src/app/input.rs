//! Handles keys: an open dialog first, else the keymap.

use tracing::debug;

use super::{
    Action, App, Effect, Key, Severity,
    dialog::{Dialog, DialogAction, DialogEvent, FormKind},
    files::FOLDER,
    forms,
};
use cortop_client::{Command, CommandId, Error, RecordCommand};

/// Maximum number of submitted forms awaiting their answer; the oldest is dropped first.
const SENT: usize = 16;

impl App {
    /// Handles a key. An open dialog takes it, and so does the open help; otherwise it performs an action of
    /// the focused pane or a global one. Keys that concern the screen work everywhere.
    pub(super) fn on_key(&mut self, key: Key) -> Vec<Effect> {
        let action = self.settings.keymap.action(self.focus, key);
        if let Some(dialog) = self.dialog.take() {
            return match action.filter(|_| key.typed().is_none()) {
                Some(action @ (Action::Redraw | Action::Suspend)) => {
                    self.dialog = Some(dialog);
                    self.apply(action)
                }
                _ => self.on_dialog_key(dialog, key),
            };
        }
        if self.help.is_some() {
            return self.on_help_key(key, action);
        }
        match action {
            Some(Action::MarkNow) => self.mark_now(key),
            Some(action) => self.apply(action),
            None => {
                debug!("{key} does nothing in the {} pane", self.focus.name());
                Vec::new()
            }
        }
    }

    pub(super) fn on_dialog_key(&mut self, mut dialog: Dialog, key: Key) -> Vec<Effect> {
        let action = self.settings.keymap.action(self.focus, key);
        let mut event = match &mut dialog {
            Dialog::Form(form) => match forms::shortcut(form, key, action) {
                Some(action) => DialogEvent::Chosen(action),
                None => dialog.on_key(key, &[]),
            },
            Dialog::Select(select) => {
                let items = self.items(&select.menu);
                dialog.on_key(key, &items)
            }
            Dialog::Confirm(_) => dialog.on_key(key, &[]),
        };
        if let (DialogEvent::Submitted, Dialog::Form(form)) = (&event, &mut dialog) {
            event = match forms::submit(form) {
                Ok(action) => DialogEvent::Chosen(action),
                Err(complaint) => {
                    form.complain(complaint);
                    DialogEvent::Open
                }
            };
        }
        match event {
            DialogEvent::Closed => Vec::new(),
            DialogEvent::Open | DialogEvent::Submitted => {
                self.dialog = Some(dialog);
                Vec::new()
            }
            DialogEvent::Chosen(action) => {
                let action = self.sent_from(&dialog, action);
                self.follow(action)
            }
            DialogEvent::ChosenOpen(action) => {
                let action = self.sent_from(&dialog, action);
                self.dialog = Some(dialog);
                self.follow(action)
            }
        }
    }

    /// Updates an open dialog: the selection of a list stays on its item; a question is renewed, or withdrawn
    /// if nothing is left to ask.
    pub(super) fn refresh_dialog(&mut self) {
        match &self.dialog {
            Some(Dialog::Confirm(confirm)) => {
                self.dialog = self.confirmation(&confirm.question).map(Dialog::Confirm);
            }
            Some(Dialog::Select(select)) => {
                let items = self.items(&select.menu);
                if let Some(Dialog::Select(select)) = &mut self.dialog {
                    select.follow(&items);
                }
            }
            Some(Dialog::Form(_)) => self.refresh_mark(),
            None => {}
        }
    }

    /// Performs what was chosen in a dialog.
    pub(super) fn follow(&mut self, action: DialogAction) -> Vec<Effect> {
        match action {
            DialogAction::Action(action) => return self.apply(action),
            DialogAction::Effects(effects) => {
                for effect in &effects {
                    if let Effect::Command(command) = effect {
                        self.show_opened(command);
                    }
                }
                return effects;
            }
            DialogAction::Show(session) => self.show_session(session),
            DialogAction::FilterLog(text) => self.filter_log(text),
            DialogAction::Theme(at) => self.choose_theme(at),
            DialogAction::OpenHeadsets(ids) => return self.open_each(ids),
            DialogAction::Open(dialog) => self.dialog = Some(*dialog),
        }
        Vec::new()
    }

    /// Shows the session that a command opens or adopts, once it exists.
    fn show_opened(&mut self, command: &Command) {
        let headset = match command {
            Command::Open { headset, .. } => Some(headset),
            Command::Adopt(session) => {
                let found = self.found.iter().find(|found| found.id == *session);
                found.map(|found| &found.headset.id)
            }
            _ => None,
        };
        if let Some(headset) = headset {
            self.sessions.show_on(headset);
        }
    }

    /// Gives an id to the commands of a form and to those that close a session, so that their answers find
    /// the form or the session. Remembers an ordered record.
    fn sent_from(&mut self, dialog: &Dialog, mut action: DialogAction) -> DialogAction {
        let DialogAction::Effects(effects) = &mut action else { return action };
        for effect in effects {
            if let (Effect::Recorder(Some(_)) | Effect::Capture(Some(_)), Dialog::Form(form)) =
                (&*effect, dialog)
            {
                self.starting = Some(form.clone());
            }
            let Effect::Command(command) = effect else { continue };
            if let Command::Record(RecordCommand::Start(session, new)) = &*command {
                self.records.order(session.clone(), new.title.clone(), self.now.instant);
            }
            let id = CommandId(self.tracked + 1);
            match (dialog, &*command) {
                (Dialog::Form(form), _) => {
                    if self.sent.len() == SENT {
                        self.sent.pop_front();
                    }
                    self.sent.push_back((id, form.clone()));
                }
                (_, Command::Close(session) | Command::Release(session)) => {
                    self.sessions.close_by(session, id);
                }
                _ => continue,
            }
            self.tracked += 1;
            *command = Command::Tracked { id, command: Box::new(command.clone()) };
        }
        action
    }

    /// A command has been answered. Its form is done, or opens again if the command was refused, so that
    /// nothing typed is lost.
    pub(super) fn on_outcome(&mut self, id: CommandId, outcome: Result<(), Error>) {
        self.sessions.answered(id);
        let sent = self.sent.iter().position(|(sent, _)| *sent == id);
        let form = sent.and_then(|at| self.sent.remove(at)).map(|(_, form)| form);
        let Err(refusal) = outcome else { return };
        let text = self.in_monitor(&refusal.to_string());
        self.notify(Severity::Problem, text.clone());
        let Some(mut form) = form else { return };
        if let FormKind::StartRecord(session) = &form.kind {
            self.records.refused(session);
        }
        if self.dialog.is_none() {
            form.complain((form.at, text));
            self.dialog = Some(Dialog::Form(form));
        }
    }

    /// Files could not be started: the form that named them opens again.
    pub(super) fn on_not_started(&mut self, why: &str) {
        let why = self.in_monitor(why);
        self.notify(Severity::Problem, why.clone());
        let Some(mut form) = self.starting.take().filter(|_| self.dialog.is_none()) else { return };
        let at = if matches!(form.kind, FormKind::RecordFiles { .. }) { FOLDER } else { 0 };
        form.complain((at, why));
        self.dialog = Some(Dialog::Form(form));
    }
}
