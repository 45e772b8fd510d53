//! The simulated service: its areas, and what involves several of them: the passing of time,
//! faults, and clients that leave. A state machine without I/O: time is passed in, and messages are
//! collected for the sender.

use super::{
    account::{Account, Login},
    environment::{Environment, ScheduledEvent},
    export::Exporter,
    fault::Fault,
    fault_injector::FaultInjector,
    headsets::Headsets,
    mappings::FlexMappings,
    outgoing::{self, ClientEvent, Notification, Outgoing, Payload},
    profiles::Profiles,
    records::Records,
    scenario::Injection,
    sessions::Sessions,
    subjects::Subjects,
    tls::CertificateFlaw,
};
use cortop_protocol::code::warning::PROFILE_UNLOADED_BY_CORTEX;

/// Everything that the service knows, by area.
pub(super) struct Service {
    pub(super) env: Environment,
    pub(super) account: Account,
    pub(super) headsets: Headsets,
    pub(super) mappings: FlexMappings,
    pub(super) sessions: Sessions,
    pub(super) records: Records,
    pub(super) exporter: Exporter,
    pub(super) subjects: Subjects,
    pub(super) profiles: Profiles,
    pub(super) faults: FaultInjector,
    /// Samples dropped because a client did not read.
    pub(super) dropped: u64,
    /// The number of open connections.
    pub(super) connections: usize,
}

impl Service {
    pub(super) fn new(env: Environment, account: Account, headsets: Headsets) -> Self {
        Self {
            env,
            account,
            headsets,
            mappings: FlexMappings::default(),
            sessions: Sessions::default(),
            records: Records::default(),
            exporter: Exporter::default(),
            subjects: Subjects::default(),
            profiles: Profiles::default(),
            faults: FaultInjector::default(),
            dropped: 0,
            connections: 0,
        }
    }

    /// When the next scheduled event or planned fault happens.
    pub(super) fn next_event(&self) -> Option<f64> {
        self.env.next_event().into_iter().chain(self.faults.next()).min_by(f64::total_cmp)
    }

    /// Processes everything that is due. Returns whether there was anything.
    pub(super) fn advance(&mut self, now: f64) -> bool {
        // Slightly more than now; otherwise, on a paused clock, a rounded wake-up would always come
        // too early.
        let due = now + 1e-6;
        if self.next_event().is_none_or(|time| time > due) {
            return false;
        }
        for injection in self.faults.begin_due(due) {
            self.apply(injection, due);
        }
        for (at, event) in self.env.take_due(due) {
            self.handle(event, at);
        }
        true
    }

    fn handle(&mut self, event: ScheduledEvent, at: f64) {
        let env = &mut self.env;
        match event {
            ScheduledEvent::Approval(app) => self.account.answer_access(&app, true, env),
            ScheduledEvent::ScanEnd => Headsets::scan_done(env),
            ScheduledEvent::Connected(place) => self.headsets.connection_done(place, at, env),
            ScheduledEvent::Disconnected(place) => self.disconnect_headset(place, at),
            ScheduledEvent::Silence(place) => {
                self.headsets.warn_of_silence(place, env);
                self.disconnect_headset(place, at);
            }
            ScheduledEvent::ConnectionFailed(place, code) => {
                self.headsets.connection_failed(place, code, env);
            }
            ScheduledEvent::SettingsUpdated(place, outcome) => {
                self.headsets.update_done(place, outcome, env);
            }
            ScheduledEvent::RecordProcessed(record) => self.records.processed(&record, env),
            ScheduledEvent::TrainingEnd(session) => {
                self.sessions.training_end(&session, at, env, &self.headsets);
            }
            ScheduledEvent::ProfilesAbandoned(connection) => {
                let abandoned = Some(connection);
                self.headsets.unload_profiles(PROFILE_UNLOADED_BY_CORTEX, env, |loaded| {
                    loaded.connection == abandoned
                });
            }
        }
    }

    /// Disconnecting a headset ends its sessions.
    fn disconnect_headset(&mut self, place: usize, now: f64) {
        self.sessions.close(now, &mut self.env, &mut self.records, |own| own.place == place);
        self.headsets.disconnected(place, &mut self.env);
    }

    /// Somebody logs in or out with EMOTIV Launcher; a change of user ends the sessions.
    pub(super) fn log_in(&mut self, login: Login, now: f64) {
        if login != Login::Same {
            self.sessions.close(now, &mut self.env, &mut self.records, |_| true);
        }
        self.account.log_in(login, now, &mut self.env);
    }

    /// Ends what is bound to a connection (§1.5): sessions at once, its profile later.
    pub(super) fn disconnect_client(&mut self, connection: u64, now: f64) {
        self.sessions.drop_connection(connection, now, &mut self.env, &mut self.records);
        self.headsets.abandon_profiles(connection, now, &mut self.env);
        self.connections = self.connections.saturating_sub(1);
        self.faults.forget(connection);
    }

    /// Passes all due samples of a connection to `send`, in order of time.
    pub(super) fn send_samples(&mut self, connection: u64, send: impl FnMut(Outgoing)) {
        let Self { env, headsets, sessions, faults, .. } = self;
        sessions.send_samples(connection, &env.clock, headsets, faults, send);
    }

    /// Injects a fault, now or when its time or its call comes.
    pub(super) fn inject(&mut self, injection: Injection, now: f64) {
        if let Some(injection) = self.faults.inject(injection, now) {
            self.apply(injection, now);
        }
    }

    /// A method is called, for which a fault may have waited.
    pub(super) fn called(&mut self, client: u64, method: &str, now: f64) {
        for injection in self.faults.called(client, method, now) {
            self.apply(injection, now);
        }
    }

    /// Applies the immediate effect of a fault.
    pub(super) fn apply(&mut self, injection: Injection, now: f64) {
        let Injection { client, headset, fault, .. } = injection;
        let Self { env, account, headsets, faults, .. } = self;
        let fits = |id| headset.as_ref().is_none_or(|wanted| wanted == id);
        let all = headsets.0.iter().enumerate();
        let hit: Vec<usize> = all.filter(|(_, own)| fits(&own.id)).map(|(at, _)| at).collect();
        let message = |payload| Notification { client, event: ClientEvent::Message(payload) };
        match fault {
            Fault::Drop { close } => {
                env.notify(Notification { client, event: ClientEvent::Disconnect { close } });
            }
            Fault::InvalidUtf8 {} => {
                env.notify(message(Payload::Bytes(b"{\"sid\":\"\xff\xfe\"}".to_vec())));
            }
            Fault::Oversized { bytes } => env.notify(message(Payload::Text(" ".repeat(bytes)))),
            Fault::Warning { code, message: text } => {
                env.notify(message(Payload::Text(outgoing::warning(code, &text))));
            }
            Fault::SetClock { seconds } => env.clock.set(seconds.get()),
            Fault::ExpireTokens {} => account.expire_tokens(now),
            Fault::RevokeAccess {} => account.answer_all(false, env),
            Fault::GrantAccess {} => account.answer_all(true, env),
            Fault::Logout {} => self.log_in(Login::None, now),
            Fault::Login {} => self.log_in(Login::Same, now),
            Fault::ExhaustLicence {} => account.licence.quota = 0,
            Fault::HeadsetGone {} => {
                for at in hit {
                    headsets.lose(at, now, env);
                }
            }
            Fault::HeadsetBack {} => {
                for at in hit {
                    headsets.find_again(at, now, env);
                }
            }
            Fault::NotReady { seconds } => {
                for at in hit {
                    if let Some(headset) = headsets.get_mut(at) {
                        headset.warm_up = seconds.get();
                        headset.ready_at = now + headset.warm_up;
                    }
                }
            }
            Fault::TlsUnknownRoot {} => faults.flaw = Some(CertificateFlaw::UnknownRoot),
            Fault::TlsExpiredLeaf {} => faults.flaw = Some(CertificateFlaw::ExpiredLeaf),
            Fault::TlsWrongName {} => faults.flaw = Some(CertificateFlaw::WrongName),
            Fault::Clear {} => {
                faults.clear();
                for headset in &mut headsets.0 {
                    headset.warm_up = 0.0;
                    headset.ready_at = now;
                }
            }
            // All others last or are counted.
            _ => {}
        }
    }
}
