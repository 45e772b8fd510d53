//! From a fresh socket to a usable token (§2.1–§2.4): which version the service has, who is logged
//! in, whether the application is approved, and whether the agreement has been accepted. Waits as
//! long as the user needs, and reports what it is waiting for.

use std::{sync::atomic::Ordering, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::{broadcast, watch},
    time::{Instant, sleep_until},
};

use super::{
    ConnectionStep, Event,
    context::{Context, TaskReport},
    link::LinkNotice,
    token::no_token,
};
use cortop_protocol::{
    Error, ErrorKind, Method, Warning,
    account::{CortexInfo, UserLogin},
    code::{self, warning},
    tolerant,
    tolerant::Members,
};

/// How often to ask Cortex again whether somebody has logged in or accepted the agreement.
const LOGIN: Duration = Duration::from_secs(5);

/// How often to ask Cortex again whether the application has been approved (§2.3).
const APPROVAL: Duration = Duration::from_secs(2);

/// How long to wait before retrying a refusal that has no retry time of its own.
const REFUSED: Duration = Duration::from_secs(30);

/// Signs in, however long it takes; ends early only with the connection. `first`: nothing depends
/// on the credentials yet, so that other ones may take their place at once, not only after a
/// refusal.
pub(super) async fn sign_in(context: Context, first: bool) {
    let mut reported = None;
    let mut may_change = first;
    loop {
        let mut listener = WarningListener::new(&context);
        if std::mem::replace(&mut may_change, true) {
            context.read_credentials_again().await;
        }
        let Err(error) = attempt(&context).await else { break };
        if error.kind == ErrorKind::ConnectionLost {
            return;
        }
        if reported.as_ref() != Some(&error) {
            context.events.send_error(error.clone()).await;
            reported = Some(error.clone());
        }
        let wake =
            if matches!(error.kind, ErrorKind::Busy | ErrorKind::NoAnswer | ErrorKind::NotLoggedIn)
            {
                listener.wait(LOGIN, |_| false).await
            } else {
                context.report(TaskReport::SignInRefused(error)).await;
                // Only the user can change this; these warnings show that something was done.
                listener
                    .wait(REFUSED, |code| {
                        matches!(
                            code,
                            warning::LOGGED_IN
                                | warning::ACCESS_GRANTED
                                | warning::EULA_ACCEPTED
                                | warning::CORTEX_READY
                        )
                    })
                    .await
            };
        // If the user retries, report the refusal again.
        if wake == Wake::Retry {
            reported = None;
        }
    }
    context.read_licence().await;
    context.report(TaskReport::SignedIn).await;
}

async fn attempt(context: &Context) -> Result<(), Error> {
    let info = context.ask(Method::GetCortexInfo, json!({})).await?;
    let info = CortexInfo::from(info);
    context.version.send_replace(info.version.clone());
    context.events.send(Event::Service(info)).await;

    log_in(context).await?;
    // Checked on every connection: the service may have been restarted, or the user may have
    // withdrawn the approval.
    get_approval(context).await?;
    if context.account.is_signed_in() {
        return Ok(());
    }
    context.report(TaskReport::SigningIn(ConnectionStep::Authorizing)).await;
    let agreement = context.authorize().await?;
    match agreement {
        Some(agreement) => get_agreement(context, agreement).await,
        None if context.account.has_token() => Ok(()),
        None => Err(no_token()),
    }
}

/// Waits until somebody is logged in under this account of the computer (§2.2).
async fn log_in(context: &Context) -> Result<(), Error> {
    let mut listener = WarningListener::new(context);
    let mut known = None;
    let mut reported = false;
    loop {
        let mut step = ConnectionStep::Login;
        let answer = match context.ask(Method::GetUserLogin, json!({})).await {
            Ok(answer) => answer,
            // An old service does not report the user; it refuses whatever needs one.
            Err(error) if error.code == Some(code::error::METHOD_NOT_FOUND) => return Ok(()),
            Err(error) => return Err(error),
        };
        let user =
            tolerant::objects::<UserLogin>(Method::GetUserLogin.name(), answer).into_iter().next();
        if known.as_ref() != Some(&user) {
            context.events.send(Event::User(user.clone())).await;
            known = Some(user.clone());
        }
        match user {
            Some(user) if !user.is_other_os_user() => {
                context.sign_in_as(&user.username);
                return Ok(());
            }
            Some(other) => {
                step = ConnectionStep::OtherUser;
                if !std::mem::replace(&mut reported, true) {
                    context.events.send_error(held_by(&other)).await;
                }
            }
            None => {}
        }
        context.report(TaskReport::SigningIn(step)).await;
        listener
            .wait(LOGIN, |code| matches!(code, warning::LOGGED_IN | warning::CORTEX_READY))
            .await;
    }
}

fn held_by(user: &UserLogin) -> Error {
    let (there, here) = (&user.logged_in_os_username, &user.current_os_username);
    Error::new(
        ErrorKind::User,
        format!("another account of this computer, {there}, is logged in to Cortex"),
        format!("log out there with EMOTIV Launcher, then log in here as {here}"),
    )
    .on(Method::GetUserLogin)
}

/// Requests access once, because Launcher asks its user only once, then waits (§2.3).
async fn get_approval(context: &Context) -> Result<(), Error> {
    let mut listener = WarningListener::new(context);
    let mut granted = has_access(context).await?;
    if !granted {
        let answer = context.ask_as_application(Method::RequestAccess, json!({})).await?;
        granted = is_granted(answer);
    }
    while !granted {
        context.report(TaskReport::SigningIn(ConnectionStep::Approval)).await;
        let answered = |code| matches!(code, warning::ACCESS_GRANTED | warning::ACCESS_REJECTED);
        if listener.wait(APPROVAL, answered).await == Wake::Warning(warning::ACCESS_REJECTED) {
            context
                .events
                .send_error(
                    Error::new(
                        ErrorKind::User,
                        "access has been rejected",
                        "approve the application in EMOTIV Launcher, which asks only once: look \
                     under its connected applications",
                    )
                    .on(Method::RequestAccess),
                )
                .await;
        }
        granted = has_access(context).await?;
    }
    Ok(())
}

async fn has_access(context: &Context) -> Result<bool, Error> {
    match context.ask_as_application(Method::HasAccessRight, json!({})).await {
        Ok(answer) => Ok(is_granted(answer)),
        Err(error) if error.kind == ErrorKind::NotApproved => Ok(false),
        Err(error) => Err(error),
    }
}

/// `accessGranted` (§2.3).
fn is_granted(answer: Value) -> bool {
    Members::of("access right", answer).flag("accessGranted")
}

/// Waits until the agreement has been accepted; the token cannot be used before (§2.4).
async fn get_agreement(context: &Context, agreement: Warning) -> Result<(), Error> {
    let mut listener = WarningListener::new(context);
    tracing::info!("Cortex says {}: {}", agreement.code, agreement.text());
    context.events.send(Event::Warning(agreement)).await;
    context.report(TaskReport::SigningIn(ConnectionStep::Agreement)).await;
    loop {
        let accepted = Wake::Warning(warning::EULA_ACCEPTED);
        let reported =
            listener.wait(LOGIN, |code| code == warning::EULA_ACCEPTED).await == accepted;
        let has_token = context.account.has_token();
        if reported && has_token {
            break;
        }
        let user = if has_token {
            context.ask_as_user(Method::GetUserInformation, json!({})).await
        } else {
            Err(no_token())
        };
        match user {
            Ok(user) if user.pointer("/licenseAgreement/accepted") == Some(&Value::Bool(true)) => {
                break;
            }
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::ConnectionLost => return Err(error),
            // Refused until it is accepted; a new token shows whether it is.
            Err(_) => {
                let agreement = context.authorize().await?;
                if agreement.is_none() && context.account.has_token() {
                    break;
                }
            }
        }
    }
    context.account.agreement_open.store(false, Ordering::Relaxed);
    Ok(())
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wake {
    /// A warning with this code.
    Warning(i64),
    /// The user wants to retry.
    Retry,
    /// The time limit was reached.
    Timeout,
}

/// Waits for the warnings that end a wait early.
struct WarningListener {
    notices: broadcast::Receiver<LinkNotice>,
    retry: watch::Receiver<()>,
}

impl WarningListener {
    fn new(context: &Context) -> Self {
        Self { notices: context.notices.subscribe(), retry: context.retry.subscribe() }
    }

    /// Waits for one of the wanted warnings, until the limit or until the user retries.
    async fn wait(&mut self, limit: Duration, wanted: impl Fn(i64) -> bool) -> Wake {
        let deadline = Instant::now() + limit;
        loop {
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Ok(LinkNotice::Warning(warning)) if wanted(warning.code) => {
                        return Wake::Warning(warning.code);
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    // The sender lives in the context: it cannot have closed.
                    Err(broadcast::error::RecvError::Closed) => return Wake::Timeout,
                },
                // The sender of this one lives there too.
                _ = self.retry.changed() => return Wake::Retry,
                () = sleep_until(deadline) => return Wake::Timeout,
            }
        }
    }
}
