//! Profiles of mental commands and facial expressions: listed, loaded, unloaded, and followed
//! (§2.10, §3.7).

use serde_json::{Value, json};

use super::{Event, ProfileCommand, context::Context};
use cortop_protocol::{
    Error, ErrorKind, Headset, HeadsetId, Method, Profile, Subject, code,
    profile::Loaded,
    tolerant::{self, Members},
};

const SETUP: Method = Method::SetupProfile;

/// Carries out a command.
pub(super) async fn carry_out(context: Context, command: ProfileCommand) -> Result<(), Error> {
    match command {
        ProfileCommand::List => list(&context).await,
        ProfileCommand::Load(headset, name) => load(&context, &headset, &name).await,
        ProfileCommand::Unload(headset) => unload(&context, &headset).await,
    }
}

/// Tells which profile a headset uses. Some headsets and services have none to tell of.
pub(super) async fn follow(context: Context, headset: HeadsetId) {
    match current(&context, &headset).await {
        Ok(loaded) => context.outbox.tell(Event::Profile { headset, loaded }).await,
        Err(failure) => tracing::debug!("{}", failure),
    }
}

async fn list(context: &Context) -> Result<(), Error> {
    let answer = context.ask_as_user(Method::QueryProfile, json!({})).await?;
    let profiles = tolerant::objects::<Profile>(Method::QueryProfile.name(), answer);
    context.outbox.tell(Event::Profiles(profiles)).await;
    let headsets = context.headsets.borrow().clone();
    for headset in headsets.into_iter().filter(Headset::is_connected) {
        follow(context.clone(), headset.id).await;
    }
    Ok(())
}

/// Loads a profile; one of ours that is in its place is unloaded first (§2.10).
async fn load(context: &Context, headset: &HeadsetId, name: &str) -> Result<(), Error> {
    let failure = match set_up(context, headset, "load", name).await {
        Ok(()) => return arrived(context, headset, Some(name), "load it again").await,
        Err(failure) => failure,
    };
    if failure.code != Some(code::error::PROFILE_LOADED) {
        return Err(failure);
    }
    let reported = current(context, headset).await.map_err(|error| error.on(SETUP))?;
    let in_place = match reported {
        Some(Loaded { name, by_us: Some(false) }) => return Err(held_elsewhere(headset, &name)),
        Some(Loaded { name, .. }) => name,
        // It may be the wanted one, left behind by a program that has ended.
        None => name.to_owned(),
    };
    for (action, name) in [("unload", in_place.as_str()), ("load", name)] {
        set_up(context, headset, action, name).await?;
    }
    arrived(context, headset, Some(name), "load it again").await
}

/// Unloads what is loaded, by the name that Cortex reports: another does nothing, and is no error.
async fn unload(context: &Context, headset: &HeadsetId) -> Result<(), Error> {
    let reported = current(context, headset).await.map_err(|error| error.on(SETUP))?;
    let name = match reported {
        None => {
            return Err(
                Error::new(ErrorKind::User, "no profile is loaded", "load one first").on(SETUP)
            );
        }
        Some(Loaded { name, by_us: Some(false) }) => return Err(held_elsewhere(headset, &name)),
        Some(Loaded { name, .. }) => name,
    };
    set_up(context, headset, "unload", &name).await?;
    arrived(context, headset, None, "unload it again").await
}

/// Tells what Cortex says is loaded now, which may not be what it was asked for.
async fn arrived(
    context: &Context,
    headset: &HeadsetId,
    wanted: Option<&str>,
    next: &'static str,
) -> Result<(), Error> {
    let loaded = current(context, headset).await.map_err(|error| error.on(SETUP))?;
    let now = loaded.as_ref().map(|loaded| loaded.name.clone());
    context.outbox.tell(Event::Profile { headset: headset.clone(), loaded }).await;
    if now.as_deref() == wanted {
        return Ok(());
    }
    let now =
        now.map_or_else(|| "no profile is loaded".to_owned(), |now| format!("{now} is loaded"));
    Err(Error::new(ErrorKind::User, format!("Cortex agreed, and yet {now}"), next).on(SETUP))
}

fn held_elsewhere(headset: &HeadsetId, name: &str) -> Error {
    let why = format!("the profile {name} was loaded by another application");
    let error = Error::refused(SETUP, code::error::PROFILE_OF_OTHER_APP, &why);
    error.about(Subject::Headset(headset.clone()))
}

async fn set_up(
    context: &Context,
    headset: &HeadsetId,
    action: &str,
    name: &str,
) -> Result<(), Error> {
    let params = json!({"headset": headset.as_str(), "profile": name, "status": action});
    context.ask_as_user(SETUP, params).await.map(|_| ())
}

async fn current(context: &Context, headset: &HeadsetId) -> Result<Option<Loaded>, Error> {
    let params = json!({"headset": headset.as_str()});
    let answer = context.ask_as_user(Method::GetCurrentProfile, params).await?;
    let by_us = answer.get("loadedByThisApp").and_then(Value::as_bool);
    let name = Members::of(Method::GetCurrentProfile.name(), answer).text("name");
    Ok((!name.is_empty()).then_some(Loaded { name, by_us }))
}
