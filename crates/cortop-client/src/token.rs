//! The token (§2.4): requests it, sends it with requests, and renews it before it expires or when
//! Cortex rejects it. Streams do not need one: an expired token costs no sample.

use std::{sync::atomic::Ordering, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use super::{
    Event,
    context::{Context, TaskReport},
    rpc::{AnswerEffect, Request},
    user_account::CortexToken,
};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Method, Warning, account::Licence, code::warning,
};

/// How many new tokens one request may use.
const RENEWALS: u32 = 2;

/// The age at which a token is renewed: an hour less than its documented lifetime.
const FRESH: Duration = Duration::from_secs(47 * 3600);

/// Before a failed planned renewal is retried.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Renews the token before it expires, until the connection ends.
pub(super) async fn keep_fresh(context: Context) {
    loop {
        let Some(CortexToken { secret, since }) = context.account.token() else {
            // There is none now; the next request that needs a token gets one.
            sleep(AGAIN).await;
            continue;
        };
        let end = since + FRESH;
        if Instant::now() < end {
            sleep_until(end).await;
        } else if let Err(error) = context.renew(Some(&secret), ErrorKind::TokenExpired).await {
            tracing::warn!("the token is not renewed yet: {}", error.on(Method::GenerateNewToken));
            sleep(AGAIN).await;
        }
    }
}

impl Context {
    /// Sends a request with the token; if the token is rejected, repeats it with a renewed one, and
    /// finally with a new one from `authorize` (§2.4). A refusal because of a missing login,
    /// approval or wrong credentials leads back to signing in.
    pub(super) async fn ask_as_user(&self, method: Method, params: Value) -> Result<Value, Error> {
        self.ask_with_effect(method, params, AnswerEffect::None).await
    }

    /// Like [`ask_as_user`](Self::ask_as_user), when the link has to act on the answer.
    pub(super) async fn ask_with_effect(
        &self,
        method: Method,
        params: Value,
        effect: AnswerEffect,
    ) -> Result<Value, Error> {
        let subject = ErrorSubject::of_params(&params);
        let answer = self.ask_with_token(method, params, effect).await;
        if matches!(&answer, Err(error) if error.kind.needs_sign_in()) {
            self.report(TaskReport::SignedOut).await;
        }
        // The reason why the token could not be renewed is why the request failed.
        answer.map_err(|error| self.credentials.explain(error).on(method).about(subject))
    }

    async fn ask_with_token(
        &self,
        method: Method,
        mut params: Value,
        effect: AnswerEffect,
    ) -> Result<Value, Error> {
        let mut token = match self.account.token() {
            Some(token) => token.secret,
            None => self.renew(None, ErrorKind::TokenInvalid).await?,
        };
        let mut renewals = 0;
        loop {
            params["cortexToken"] = token.expose_secret().into();
            let request = Request::new(method, params.clone()).with(effect.clone());
            let answer = self.rpc.call(request).await;
            match answer.as_ref().map_err(|error| error.kind) {
                Err(kind @ (ErrorKind::TokenExpired | ErrorKind::TokenInvalid))
                    if renewals < RENEWALS =>
                {
                    renewals += 1;
                    token = self.renew(Some(&token), kind).await?;
                }
                _ => return answer,
            }
        }
    }

    /// Gets a token that replaces `old`. If several tasks ask at once, only the first sends a
    /// request to Cortex.
    async fn renew(
        &self,
        old: Option<&SecretString>,
        kind: ErrorKind,
    ) -> Result<SecretString, Error> {
        let _renewing = self.account.renewal.lock().await;
        if let Some(CortexToken { secret: new, .. }) = self.account.token()
            && old.is_none_or(|old| old.expose_secret() != new.expose_secret())
        {
            return Ok(new);
        }
        if kind == ErrorKind::TokenExpired
            && let Some(old) = old
            && let Ok(answer) = self
                .ask_as_application(
                    Method::GenerateNewToken,
                    json!({"cortexToken": old.expose_secret()}),
                )
                .await
            && let Some(new) = token_of(answer).0
        {
            return Ok(self.keep(new));
        }
        match self.ask_for_token().await?.0 {
            Some(new) => Ok(self.keep(new)),
            None => Err(no_token()),
        }
    }

    fn keep(&self, token: CortexToken) -> SecretString {
        let secret = token.secret.clone();
        self.account.set_token(Some(token));
        secret
    }

    /// `authorize` (§2.4): gets a token, and the agreement that must be accepted before it can be
    /// used.
    pub(super) async fn authorize(&self) -> Result<Option<Warning>, Error> {
        let _renewing = self.account.renewal.lock().await;
        let (new, agreement) = self.ask_for_token().await?;
        self.account.set_token(new);
        Ok(agreement)
    }

    /// Only the first request that is not refused carries the debit: one that got no answer may
    /// have been carried out.
    async fn ask_for_token(&self) -> Result<(Option<CortexToken>, Option<Warning>), Error> {
        let debit = self.config.debit.filter(|_| !self.account.debited.load(Ordering::Relaxed));
        if debit.is_some() {
            self.account.debited.store(true, Ordering::Relaxed);
        }
        let answer = self.ask_for_token_and(debit).await;
        if debit.is_some() && matches!(&answer, Err(error) if error.code.is_some()) {
            self.account.debited.store(false, Ordering::Relaxed);
        }
        answer
    }

    async fn ask_for_token_and(
        &self,
        debit: Option<u32>,
    ) -> Result<(Option<CortexToken>, Option<Warning>), Error> {
        let params = debit.map_or_else(|| json!({}), |debit| json!({"debit": debit}));
        let answer = self.ask_as_application(Method::Authorize, params).await?;
        let (token, agreement) = token_of(answer);
        self.account.agreement_open.store(agreement.is_some(), Ordering::Relaxed);
        Ok((token, agreement))
    }

    /// Reads the licence (§4.6) and reports it, or why it cannot be read. Without a licence,
    /// sessions are opened without it.
    pub(super) async fn read_licence(&self) {
        if let Err(failure) = self.ask_licence().await {
            self.events.send_error(failure).await;
        }
    }

    /// The licence (§4.6) as it is now.
    pub(super) async fn ask_licence(&self) -> Result<Licence, Error> {
        let answer = self.ask_as_user(Method::GetLicenseInfo, json!({})).await?;
        let licence = Licence::from_answer(answer);
        self.account.set_licence(licence.clone());
        self.events.send(Event::Licence(licence.clone())).await;
        Ok(licence)
    }

    /// Moves activations from the licence to this computer at the user's request (§2.4), then reads
    /// the licence, which tells how many there are.
    pub(super) async fn debit(&self, activations: u32) -> Result<(), Error> {
        const METHOD: Method = Method::Authorize;
        let answer = {
            let _renewing = self.account.renewal.lock().await;
            let answer = self.ask_for_token_and(Some(activations)).await;
            if let Ok((Some(token), _)) = &answer {
                self.account.set_token(Some(token.clone()));
            }
            answer
        };
        // Without an answer, they may have been moved anyway.
        self.read_licence().await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::NoAnswer => Err(Error::new(
                ErrorKind::User,
                "Cortex did not answer; it may have moved them",
                "look at the activations of the licence before you move more",
            )
            .on(METHOD)),
            Err(error) => {
                if error.kind.needs_sign_in() {
                    self.report(TaskReport::SignedOut).await;
                }
                Err(error)
            }
        }
    }
}

/// The error of an answer to `authorize` that lacks a token.
pub(super) fn no_token() -> Error {
    let next = "try again; if this persists, restart the Cortex service";
    Error::new(ErrorKind::User, "Cortex returned no token", next).on(Method::Authorize)
}

/// The token in an answer, and the warning beside or in place of it (§2.4).
fn token_of(mut answer: Value) -> (Option<CortexToken>, Option<Warning>) {
    let agreement =
        answer.get_mut("warning").map(|warning| Warning::from(warning.take())).filter(|warning| {
            matches!(warning.code, warning::EULA_NOT_ACCEPTED | warning::PRIVATE_EULA_NOT_ACCEPTED)
        });
    // Not through `Members`: a token may be longer than any text that is displayed.
    let token = match answer.get_mut("cortexToken").map(Value::take) {
        Some(Value::String(token)) if !token.is_empty() => {
            Some(CortexToken { secret: token.into(), since: Instant::now() })
        }
        _ => None,
    };
    (token, agreement)
}
