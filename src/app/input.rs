//! What a key does: what the open dialog makes of it, else what the keymap says.

use super::{
    Action, App, Effect, Key, Severity,
    dialog::{Confirm, Dialog, DialogAction, DialogEvent, Form},
    forms::FormKind,
};
use cortop_client::{
    Command, CommandId, Error, RecordCommand, headset::HeadsetStatus, session::SessionStatus,
};

/// Forms whose answers are waited for; the oldest goes first.
const SENT: usize = 16;

impl App {
    /// What a key does: what the dialog makes of it if one is open, else the focused pane's or a
    /// global action. With the help open, its own key, the quit key and Esc close it. What concerns
    /// the screen works everywhere.
    pub(super) fn press(&mut self, key: Key) -> Vec<Effect> {
        let action = self.settings.keymap.action(self.focus, key);
        let Some(mut dialog) = self.dialog.take() else {
            if self.help && matches!(key, Key::DOWN | Key::PAGE_DOWN | Key::SPACE) {
                self.help_page += 1;
                return Vec::new();
            }
            return match self.action(key) {
                Some(Action::MarkNow) => self.mark_now(key),
                Some(action) => self.act(action),
                None => {
                    if key == Key::ENTER && !self.help {
                        let text = "enter does nothing here; in pane 1 it opens a headset";
                        self.say(Severity::Info, text.to_owned());
                    }
                    Vec::new()
                }
            };
        };
        if let Some(action @ (Action::Redraw | Action::Suspend)) = action
            && key.typed().is_none()
        {
            self.dialog = Some(dialog);
            return self.act(action);
        }
        let items = match &dialog {
            Dialog::Select(select) => self.items(&select.menu),
            _ => Vec::new(),
        };
        let mut answer = dialog.key(key, &items);
        if let DialogEvent::Chosen(DialogAction::Effects(effects)) = &answer {
            for effect in effects {
                if let Effect::Command(Command::Record(RecordCommand::Start(session, new))) = effect
                {
                    self.records.order(session.clone(), new.title.clone(), self.now.instant);
                }
            }
        }
        if let DialogEvent::Chosen(DialogAction::Effects(effects)) = &mut answer {
            self.track(effects, &dialog);
        }
        if matches!(answer, DialogEvent::Stays | DialogEvent::Kept(_)) {
            self.dialog = Some(dialog);
        }
        match answer {
            DialogEvent::Stays | DialogEvent::Closed => Vec::new(),
            DialogEvent::Chosen(choice) | DialogEvent::Kept(choice) => self.choose(choice),
        }
    }

    /// Keeps the selection of an open list on what was selected, whatever was told meanwhile, and
    /// renews an open question, or takes it back where nothing is left of it.
    pub(super) fn follow(&mut self) {
        if let Some(Dialog::Confirm(confirm)) = &self.dialog {
            let renewed = if self.is_moot(&confirm.then) { None } else { self.renewed(confirm) };
            self.dialog = renewed.map(Dialog::Confirm);
        }
        let Some(Dialog::Select(select)) = &self.dialog else { return };
        let items = self.items(&select.menu);
        if let Some(Dialog::Select(select)) = &mut self.dialog {
            select.follow(&items);
        }
    }

    /// A question as it would be asked now, after what was told meanwhile; nothing where it would
    /// not be asked any more.
    fn renewed(&self, confirm: &Confirm) -> Option<Confirm> {
        let last = match &confirm.then {
            DialogAction::Effects(effects) => effects.last(),
            _ => None,
        };
        match last {
            Some(Effect::Quit) => Some(self.ask_to_quit().unwrap_or_else(|| {
                let lines = vec!["The record has ended: nothing is lost.".to_owned()];
                Confirm::new("Quit?", lines, "quit", vec![Effect::Quit])
            })),
            Some(Effect::Command(Command::Record(RecordCommand::Stop(session)))) => {
                self.ask_to_stop(session)
            }
            Some(Effect::Command(Command::Close(session) | Command::Release(session))) => {
                Some(self.close(session))
            }
            Some(Effect::Command(Command::Disconnect(headset))) => match self.disconnect(headset) {
                DialogAction::Open(dialog) => match *dialog {
                    Dialog::Confirm(confirm) => Some(confirm),
                    _ => None,
                },
                // Its session has ended, and with it what there was to confirm.
                _ => None,
            },
            Some(Effect::Command(Command::Scan { .. })) => {
                let flows = self.sessions.live().any(|entry| !entry.subscribed.is_empty());
                flows.then(|| confirm.clone())
            }
            _ => Some(confirm.clone()),
        }
    }

    /// Whether what a yes would do has come about by itself, or is about something gone. What was
    /// told meanwhile said so.
    fn is_moot(&self, choice: &DialogAction) -> bool {
        let effects = match choice {
            DialogAction::Effects(effects) => effects,
            DialogAction::Open(dialog) => {
                let Dialog::Form(Form { kind: FormKind::StartRecord(session), .. }) = &**dialog
                else {
                    return false;
                };
                return self.sessions.get(session).is_none_or(|entry| entry.closed.is_some());
            }
            _ => return false,
        };
        let moot = |effect: &Effect| match effect {
            Effect::Command(Command::Record(RecordCommand::Stop(session))) => {
                !self.records.running.contains_key(session)
            }
            Effect::Command(Command::Close(session) | Command::Release(session)) => {
                self.sessions.get(session).is_none_or(|entry| entry.closed.is_some())
            }
            Effect::Command(Command::Activate(session)) => {
                self.sessions.get(session).is_none_or(|entry| {
                    entry.closed.is_some() || entry.session.status == SessionStatus::Activated
                })
            }
            Effect::Command(Command::Disconnect(headset)) => {
                let mut known = self.headsets.list.iter().filter(|known| known.id == *headset);
                known.all(|known| known.status == HeadsetStatus::Discovered)
            }
            _ => false,
        };
        effects.iter().all(moot)
    }

    pub(super) fn choose(&mut self, choice: DialogAction) -> Vec<Effect> {
        match choice {
            DialogAction::Action(action) => self.act(action),
            DialogAction::Effects(effects) => {
                for effect in &effects {
                    let headset = match effect {
                        Effect::Command(Command::Open { headset, .. }) => Some(headset),
                        Effect::Command(Command::Adopt(session)) => {
                            let found = self.found.iter().find(|found| found.id == *session);
                            found.map(|found| &found.headset.id)
                        }
                        _ => None,
                    };
                    if let Some(headset) = headset {
                        self.sessions.show_on(headset);
                    }
                }
                effects
            }
            DialogAction::Show(session) => {
                self.sessions.current = Some(session);
                Vec::new()
            }
            DialogAction::FilterLog(text) => {
                self.filter_log(text);
                Vec::new()
            }
            DialogAction::Theme(at) => {
                self.theme = at;
                Vec::new()
            }
            DialogAction::Open(dialog) => {
                self.dialog = Some(*dialog);
                Vec::new()
            }
        }
    }

    /// Gives an id to the commands that a form ends in, and to those that close a session: by it
    /// their answers find the form or the session.
    fn track(&mut self, effects: &mut [Effect], dialog: &Dialog) {
        for effect in effects {
            let Effect::Command(command) = effect else { continue };
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
    }

    /// A command has been answered. Its form is done with, or shown again if it was refused: what was
    /// typed is not lost.
    pub(super) fn answered(&mut self, id: CommandId, outcome: Result<(), Error>) {
        self.sessions.answered(id);
        let sent = self.sent.iter().position(|(sent, _)| *sent == id);
        let form = sent.and_then(|at| self.sent.remove(at)).map(|(_, form)| form);
        let Err(refusal) = outcome else { return };
        self.say(Severity::Problem, refusal.to_string());
        let Some(mut form) = form else { return };
        if let FormKind::StartRecord(session) = &form.kind {
            self.records.refused(session);
        }
        if self.dialog.is_none() {
            form.complaint = Some((form.at, refusal.to_string()));
            self.dialog = Some(Dialog::Form(form));
        }
    }

    /// Asks before something is done.
    pub(super) fn ask(
        &mut self,
        title: &str,
        lines: Vec<String>,
        yes: &'static str,
        then: Vec<Effect>,
    ) {
        self.dialog = Some(Dialog::Confirm(Confirm::new(title, lines, yes, then)));
    }

    pub(super) fn action(&self, key: Key) -> Option<Action> {
        let action = self.settings.keymap.action(self.focus, key);
        if !self.help {
            return action;
        }
        match action {
            Some(Action::Quit) => Some(Action::Help),
            Some(Action::Help | Action::Redraw | Action::Suspend | Action::Theme) => action,
            _ => (key == Key::ESC).then_some(Action::Help),
        }
    }
}
