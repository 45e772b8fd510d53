//! The items of lists about sessions, streams, profiles, headsets and the account.

use super::{
    App, Effect, SessionEntry, Severity,
    dialog::{Dialog, DialogAction, Form, FormField, FormKind, Menu, MenuItem, Select},
};
use cortop_client::{
    Command, Headset, HeadsetCommand, HeadsetId, ProfileCommand, SessionId, SessionMode, Stream,
    datetime::local,
    headset::HeadsetStatus,
    model::Model,
    session::SessionStatus,
    settings::{Connecting, ConnectionType, CustomInfo, EegRate, Headband, MotionRate, Setting},
};

impl App {
    /// Opens a list, and sends a command that requests its content.
    pub(super) fn open_menu(&mut self, menu: Menu, ask: Option<Command>) -> Vec<Effect> {
        self.dialog = Some(Dialog::Select(Select::plain(menu)));
        ask.into_iter().map(Effect::Command).collect()
    }

    /// Opens the list of what can be done with the selected headset.
    pub(super) fn open_headset_menu(&mut self) -> Vec<Effect> {
        let Some(headset) = self.selected_headset() else { return Vec::new() };
        let is_flex = Model::from_id(&headset) == Model::EpocFlex;
        let ask = is_flex.then_some(Command::Headset(HeadsetCommand::ListMappings));
        self.open_menu(Menu::Headset(headset), ask)
    }

    /// Opens the list of profiles for the headset of the current session, or for the selected one.
    pub(super) fn open_profiles(&mut self) -> Vec<Effect> {
        let Some(headset) = self.profile_headset() else {
            self.notify(
                Severity::Problem,
                "profiles are loaded for a headset: open one".to_owned(),
            );
            return Vec::new();
        };
        let ask = Command::Profile(ProfileCommand::List);
        self.open_menu(Menu::Profiles(headset), Some(ask))
    }

    /// The headset that profiles are loaded on: that of the current session, or the selected one.
    pub(super) fn profile_headset(&self) -> Option<HeadsetId> {
        let current = self.sessions.current().map(|entry| entry.session.headset.id.clone());
        current.or_else(|| self.headsets.selected().map(|headset| headset.id.clone()))
    }

    /// Opens the history of the current session.
    pub(super) fn open_history(&mut self) {
        match self.sessions.current.clone() {
            Some(session) => {
                self.open_menu(Menu::History(session), None);
            }
            None => self.notify(Severity::Info, "there is no session whose history to show"),
        }
    }

    /// Opens the list of streams of the current session.
    pub(super) fn open_streams(&mut self) -> Vec<Effect> {
        let session = self.live_session().map(Menu::Streams);
        session.map_or_else(Vec::new, |list| self.open_menu(list, None))
    }

    /// The streams of a session: what each is, what it needs and costs, and why it was refused.
    pub(super) fn streams_of(&self, id: &SessionId) -> Vec<MenuItem> {
        let Some(entry) = self.sessions.get(id) else { return Vec::new() };
        Stream::ALL.into_iter().map(|stream| item_of_stream(entry, stream)).collect()
    }

    /// All live sessions of this application.
    pub(super) fn session_items(&self) -> Vec<MenuItem> {
        let ours = self.sessions.live().map(|entry| {
            let session = &entry.session;
            let whose = if entry.foreign { " · of another program" } else { "" };
            let what = format!("{} · {}{whose}", session.headset.id, session.status);
            MenuItem {
                on: Some(self.sessions.current.as_ref() == Some(&session.id)),
                ..MenuItem::new(
                    what,
                    session.id.to_string(),
                    DialogAction::Show(session.id.clone()),
                )
            }
        });
        ours.chain(self.adoptable()).collect()
    }

    /// The sessions that another program opened.
    pub(super) fn adoptable(&self) -> impl Iterator<Item = MenuItem> {
        let others = self.found.iter().filter(|found| {
            self.sessions.get(&found.id).is_none_or(|entry| entry.closed.is_some())
        });
        others.map(|found| {
            let what = format!("{} · {}", found.headset.id, found.status);
            let note = format!("opened elsewhere: adopt it · {}", found.id);
            MenuItem::new(what, note, command(Command::Adopt(found.id.clone())))
        })
    }

    /// What happened to the current session, newest first.
    pub(super) fn history(&self, id: &SessionId) -> Vec<MenuItem> {
        let zone = self.zone();
        let past = self.sessions.get(id).into_iter().flat_map(|entry| entry.history.iter().rev());
        past.map(|(at, what)| {
            let time = at.wall.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string();
            MenuItem::new(time, what.clone(), DialogAction::Effects(Vec::new()))
        })
        .collect()
    }

    /// The stored profiles, and which one the headset uses.
    pub(super) fn profiles_for(&self, headset: &HeadsetId) -> Vec<MenuItem> {
        let loaded = self.profiles.loaded_on(headset).and_then(Option::as_ref);
        let stored = self.profiles.stored.iter().flatten();
        let stored = stored.map(|profile| {
            let here = loaded.filter(|loaded| loaded.name == profile.name);
            let (choice, held) = if let Some(here) = here {
                let by = match here.by_us {
                    Some(true) => "loaded; Enter unloads it",
                    Some(false) => "loaded by another application: unload it there",
                    None => "loaded",
                };
                (ProfileCommand::Unload(headset.clone()), by.to_owned())
            } else {
                let load = ProfileCommand::Load(headset.clone(), profile.name.clone());
                let note = match profile.channels.len() {
                    _ if profile.read_only => "older, for 14 channels".to_owned(),
                    0 => String::new(),
                    1 => "1 channel".to_owned(),
                    count => format!("{count} channels"),
                };
                (load, note)
            };
            MenuItem {
                on: Some(here.is_some()),
                ..MenuItem::new(profile.name.clone(), held, command(Command::Profile(choice)))
            }
        });
        stored.collect()
    }

    /// What can be done with a headset; omits what is impossible now.
    pub(super) fn about_headset(&self, id: &HeadsetId) -> Vec<MenuItem> {
        let Some(headset) = self.headsets.list.iter().find(|headset| headset.id == *id) else {
            return Vec::new();
        };
        let mut items = Vec::new();
        let mut add = |text: String, note: &str, choice| {
            items.push(MenuItem::new(text, note.to_owned(), choice));
        };
        let form = |form| DialogAction::Open(Box::new(Dialog::Form(form)));
        let connected = headset.status == HeadsetStatus::Connected;
        if connected && self.sessions.on(id).is_none() {
            for (mode, text, note) in [
                (SessionMode::Active, "open activated", "uses one activation of the licence"),
                (SessionMode::Open, "open without licence", "every stream but eeg"),
            ] {
                let open = Command::Open { headset: id.clone(), mode: Some(mode) };
                add(text.to_owned(), note, command(open));
            }
        }
        if headset.status == HeadsetStatus::Discovered {
            for by in ConnectionType::ALL {
                let connecting = Connecting { by: Some(by), mapping: None };
                let note = match by {
                    ConnectionType::UsbCable => "for charging and settings; cannot stream",
                    _ => "",
                };
                add(format!("connect by {}", by.name()), note, connect(id, connecting));
            }
            for stored in self.mappings.iter().filter(|_| headset.model() == Model::EpocFlex) {
                let mapping = Some(stored.mapping.clone());
                let connecting = Connecting { by: None, mapping };
                let note = format!("{} electrodes", stored.mapping.mappings.len());
                add(format!("connect as {}", stored.name), &note, connect(id, connecting));
            }
        }
        if Setting::check(headset).is_ok() {
            for (text, setting) in settings() {
                let set = HeadsetCommand::Set(id.clone(), setting);
                add(format!("set {text}"), "restarts the headset", command(Command::Headset(set)));
            }
        } else if let Err(why) = Setting::check(headset)
            && matches!(headset.model(), Model::EpocPlus | Model::EpocX)
        {
            add("set mode and rates".to_owned(), why, DialogAction::Effects(Vec::new()));
        }
        let name = Form::new(
            format!("name {id}"),
            FormKind::NameHeadset(id.clone()),
            vec![FormField::text(
                "name",
                "what its owner calls it; may be empty",
                &headset.custom_name,
            )],
        );
        add("name it".to_owned(), "", form(name));
        if headset.model() == Model::EpocX {
            for headband in Headband::ALL {
                let info = CustomInfo { name: None, headband: Some(headband) };
                let set = Command::Headset(HeadsetCommand::SetInfo(id.clone(), info));
                add(
                    format!("headband at the {}", headband.name()),
                    position(headset, headband),
                    command(set),
                );
            }
        }
        items
    }

    /// The user, and what the licence allows. Choosing a line copies it.
    pub(super) fn account(&self) -> Vec<MenuItem> {
        let zone = self.zone();
        let mut items = Vec::new();
        let mut add = |text: &str, note: String| {
            if !note.is_empty() {
                let copy = DialogAction::Effects(vec![Effect::Copy(note.clone())]);
                items.push(MenuItem::new(text.to_owned(), note, copy));
            }
        };
        match &self.user {
            Some(Some(user)) => {
                add("user", user.username.clone());
                add("logged in", local(&user.last_login_time, &zone));
            }
            Some(None) => add("user", "nobody: log in with EMOTIV Launcher".to_owned()),
            None => {}
        }
        let Some(licence) = &self.licence else {
            add("licence", "unknown".to_owned());
            return items;
        };
        add("licence", licence.license_name.clone());
        let problem = licence.problem(self.now.wall);
        let warning = problem.map(|own| format!("{}: {}", own.what, own.next));
        add("warning", warning.unwrap_or_default());
        add("licence id", licence.license_id.clone());
        let scopes: Vec<_> = licence.scopes.iter().filter(|scope| !scope.is_empty()).collect();
        let eeg = if licence.has_scope("eeg") { "" } else { ": no eeg stream" };
        let scopes = scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ");
        add("scopes", if scopes.is_empty() { format!("none{eeg}") } else { scopes + eeg });
        let left = licence.local_quota.map(|left| format!("{left} left on this computer, "));
        let used = format!("{} used since cortop started", self.activations);
        add("activations", left.unwrap_or_default() + &used);
        add("valid to", local(&licence.valid_to, &zone));
        add("offline warning from", local(&licence.soft_limit_time, &zone));
        add("offline use ends", local(&licence.hard_limit_time, &zone));
        let source = if licence.is_online { "the cloud" } else { "this computer's memory" };
        add("source", source.to_owned());
        items
    }
}

fn item_of_stream(entry: &SessionEntry, stream: Stream) -> MenuItem {
    let id = entry.session.id.clone();
    let on = entry.subscribed.contains(&stream);
    let act = if on { Command::Unsubscribe } else { Command::Subscribe };
    let refused = entry.refused.iter().find(|(refused, _)| *refused == stream);
    let note = match refused {
        Some((_, refusal)) => {
            let code = refusal.code.map(|code| format!("{code}: ")).unwrap_or_default();
            format!("refused, {code}{}", refusal.next)
        }
        None if entry.is_owners_only(stream) => {
            format!("{} · its samples go to its owner", stream.title())
        }
        None => format!("{}{}", stream.title(), needs(stream, &entry.session.status)),
    };
    MenuItem {
        on: Some(on),
        ..MenuItem::new(stream.name().to_owned(), note, command(act(id, vec![stream])))
    }
}

/// What a stream needs and costs (docs/protocol.md §5.1).
fn needs(stream: Stream, status: &SessionStatus) -> &'static str {
    match stream {
        Stream::Eeg if *status == SessionStatus::Activated => " · the most data of all",
        Stream::Eeg => " · needs scope eeg and an activated session",
        Stream::Mot => " · needs motion switched on in the headset",
        Stream::Dev | Stream::Pow => "",
        Stream::Eq => " · needs Cortex 2.7",
        Stream::Met => " · 2 Hz with scope pm, else every 10 s",
        Stream::Com => " · needs a profile for anything but neutral",
        Stream::Fac => " · 32 Hz; not with MN8",
        Stream::Sys => " · comes while a profile is trained",
    }
}

/// The available combinations of mode and rates, with their names.
fn settings() -> impl Iterator<Item = (String, Setting)> {
    let plus = EegRate::ALL.into_iter().flat_map(|eeg| {
        MotionRate::ALL.into_iter().map(move |motion| {
            let moves = match motion {
                MotionRate::Off => "no motion".to_owned(),
                rate => format!("motion {} Hz", rate.hz()),
            };
            (format!("EPOCPLUS {} Hz, {moves}", eeg.hz()), Setting::EpocPlus { eeg, motion })
        })
    });
    std::iter::once(("EPOC 128 Hz, no motion".to_owned(), Setting::Epoc)).chain(plus)
}

fn position(headset: &Headset, headband: Headband) -> &'static str {
    let is_current = headset.headband_position.as_deref() == Some(headband.name());
    if is_current { "current" } else { "" }
}

fn connect(id: &HeadsetId, connecting: Connecting) -> DialogAction {
    command(Command::Headset(HeadsetCommand::Connect(id.clone(), connecting)))
}

fn command(command: Command) -> DialogAction {
    DialogAction::Effects(vec![Effect::Command(command)])
}
