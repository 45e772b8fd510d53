//! What the tasks of one connection share: the way to ask, the account, what the service last
//! showed, and the way to tell. The account outlives the connection.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};

use super::{
    Config, Event, Headset, HeadsetId, Refusal, Session, SessionId, SessionMode, Step, Warning,
    account::Licence,
    code::Class,
    lenient::Members,
    link::Notice,
    memory::Account,
    rpc::{Effect, Failure, Request, Rpc},
};

/// How long an event may wait for the application before it is dropped.
const EVENT: Duration = Duration::from_secs(1);

/// New tokens for one request.
const RENEWALS: u32 = 2;

/// The way to the application.
#[derive(Clone)]
pub(super) struct Outbox(pub(super) mpsc::Sender<Event>);

impl Outbox {
    /// Waits for room, but not for ever: an application that waits for the client's end without
    /// reading on must not hold it up.
    pub(super) async fn tell(&self, event: Event) {
        event.log();
        if timeout(EVENT, self.0.send(event)).await.is_err() {
            tracing::warn!("the application takes no events: one was dropped");
        }
    }

    pub(super) async fn refused(&self, refusal: Refusal) {
        self.tell(Event::Refused(refusal)).await;
    }
}

/// What the tasks tell the flow.
pub(super) enum Report {
    /// How far signing in has come.
    SigningIn(Step),
    /// There is a token.
    SignedIn,
    /// The list of headsets is fresh.
    Looked,
    /// A scan could not be started.
    NotScanning,
    /// How far a headset has come.
    Headset(HeadsetId, Stage),
}

/// How far a headset has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Stage {
    /// It is not there.
    Away,
    /// It is being connected.
    Connecting,
    /// Its session is being opened.
    Opening,
    /// It has a session.
    Live {
        session: SessionId,
        mode: SessionMode,
        /// Another program opened it: it is not ours to close unasked.
        adopted: bool,
        /// Whether at least one stream flows; not known while subscribing.
        flowing: Option<bool>,
    },
    /// Refused; waiting for the user, or for better times.
    Stopped,
    /// Closed on the user's word.
    Over,
}

/// What the tasks of one connection share.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) rpc: Rpc,
    pub(super) account: Arc<Account>,
    pub(super) outbox: Outbox,
    pub(super) reports: mpsc::Sender<Report>,
    pub(super) notices: broadcast::Sender<Notice>,
    pub(super) headsets: watch::Sender<Vec<Headset>>,
    pub(super) sessions: watch::Sender<Vec<Session>>,
    /// Have the service looked at now rather than at the next turn.
    pub(super) look: watch::Sender<()>,
}

impl Context {
    /// Has headsets and sessions looked at now.
    pub(super) fn look_now(&self) {
        self.look.send_replace(());
    }

    pub(super) async fn report(&self, report: Report) {
        // Without a receiver the connection is over, and so is this task.
        let _ = self.reports.send(report).await;
    }

    /// Reports how far a headset has come.
    pub(super) async fn stage(&self, headset: &HeadsetId, stage: Stage) {
        self.report(Report::Headset(headset.clone(), stage)).await;
    }

    /// What the service last showed of a headset.
    pub(super) fn headset(&self, id: &HeadsetId) -> Option<Headset> {
        self.headsets.borrow().iter().find(|headset| headset.id == *id).cloned()
    }

    /// Asks without a token.
    pub(super) async fn ask(&self, method: &'static str, params: Value) -> Result<Value, Failure> {
        self.rpc.call(Request::new(method, params)).await
    }

    /// Asks with client id and secret.
    pub(super) async fn ask_as_application(
        &self,
        method: &'static str,
        mut params: Value,
    ) -> Result<Value, Failure> {
        params["clientId"] = self.config.client_id.expose_secret().into();
        params["clientSecret"] = self.config.client_secret.expose_secret().into();
        self.ask(method, params).await
    }

    /// Asks with the token; if it does not serve, again with a renewed one, and at last with one
    /// from `authorize` (§2.4).
    pub(super) async fn ask_as_user(
        &self,
        method: &'static str,
        mut params: Value,
        effect: Effect,
    ) -> Result<Value, Failure> {
        // Bound first: in the scrutinee the lock would be held while `renew` waits for it.
        let known = self.account.token.lock().await.clone();
        let mut token = match known {
            Some(token) => token,
            None => self.renew(None, Class::Token).await?,
        };
        let mut renewals = 0;
        loop {
            params["cortexToken"] = token.expose_secret().into();
            let request = Request::new(method, params.clone()).with(effect.clone());
            let answer = self.rpc.call(request).await;
            match answer.as_ref().map_err(Failure::class) {
                Err(class @ (Class::Expired | Class::Token)) if renewals < RENEWALS => {
                    renewals += 1;
                    token = self.renew(Some(&token), class).await?;
                }
                _ => return answer,
            }
        }
    }

    /// A token in place of `old`. Of several tasks that ask at once only the first goes to Cortex.
    async fn renew(
        &self,
        old: Option<&SecretString>,
        class: Class,
    ) -> Result<SecretString, Failure> {
        let mut token = self.account.token.lock().await;
        if let Some(new) = token.as_ref()
            && old.is_none_or(|old| old.expose_secret() != new.expose_secret())
        {
            return Ok(new.clone());
        }
        if class == Class::Expired
            && let Some(old) = old
            && let Ok(answer) = self
                .ask_as_application("generateNewToken", json!({"cortexToken": old.expose_secret()}))
                .await
            && let Some(new) = token_of(answer).0
        {
            return Ok(token.insert(new).clone());
        }
        match self.ask_for_token().await?.0 {
            Some(new) => Ok(token.insert(new).clone()),
            None => Err(Failure::no_token()),
        }
    }

    /// `authorize` (§2.4): a token, and the agreement that stands in the way of using it.
    pub(super) async fn authorize(&self) -> Result<Option<Warning>, Failure> {
        let mut token = self.account.token.lock().await;
        let (new, agreement) = self.ask_for_token().await?;
        *token = new;
        Ok(agreement)
    }

    /// The debit goes with the first request of the program that is not refused: one that was never
    /// answered may have been carried out.
    async fn ask_for_token(&self) -> Result<(Option<SecretString>, Option<Warning>), Failure> {
        let mut params = json!({});
        let debit = self.config.debit.filter(|_| !self.account.debited.load(Ordering::Relaxed));
        if let Some(debit) = debit {
            params["debit"] = debit.into();
            self.account.debited.store(true, Ordering::Relaxed);
        }
        let answer = self.ask_as_application("authorize", params).await;
        if debit.is_some() && matches!(answer, Err(Failure::Refused(_))) {
            self.account.debited.store(false, Ordering::Relaxed);
        }
        let (token, agreement) = token_of(answer?);
        self.account.agreement_open.store(agreement.is_some(), Ordering::Relaxed);
        Ok((token, agreement))
    }

    /// Reads the licence (§4.6) and tells it. Without one sessions are opened without it.
    pub(super) async fn read_licence(&self) {
        match self.ask_as_user("getLicenseInfo", json!({}), Effect::None).await {
            Ok(answer) => {
                let licence = Licence::from_answer(answer);
                self.account.set_licence(licence.clone());
                self.outbox.tell(Event::Licence(licence)).await;
            }
            Err(failure) => {
                let refusal = failure.refusal("getLicenseInfo");
                tracing::warn!("the licence cannot be read: {refusal}");
            }
        }
    }
}

/// The token in an answer, and the warning beside or instead of it (§2.4).
fn token_of(mut answer: Value) -> (Option<SecretString>, Option<Warning>) {
    let agreement = answer
        .get_mut("warning")
        .map(|warning| Warning::from(warning.take()))
        .filter(|warning| matches!(warning.code, 6 | 28));
    // Not through `Members`: a token may be longer than any text that is shown.
    let token = match answer.get_mut("cortexToken").map(Value::take) {
        Some(Value::String(token)) if !token.is_empty() => Some(token.into()),
        _ => None,
    };
    (token, agreement)
}

/// `accessGranted` of §2.3.
pub(super) fn is_granted(answer: Value) -> bool {
    Members::of("access right", answer).flag("accessGranted")
}
