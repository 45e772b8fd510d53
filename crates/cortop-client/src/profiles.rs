//! Profiles of mental commands and facial expressions: lists, loads, unloads and follows them
//! (§2.10, §3.7).

use serde_json::{Value, json};

use super::{Event, ProfileCommand, context::Context};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, Headset, HeadsetId, Method, Profile, code,
    profile::LoadedProfile,
    tolerant::{self, Members},
};

const SETUP: Method = Method::SetupProfile;

/// Carries out a command.
pub(super) async fn execute(context: Context, command: ProfileCommand) -> Result<(), Error> {
    match command {
        ProfileCommand::List => list(&context).await,
        ProfileCommand::Load(headset, name) => load(&context, &headset, &name).await,
        ProfileCommand::Unload(headset) => unload(&context, &headset).await,
    }
}

/// Reports which profile a headset uses. Some headsets and services have no profiles.
pub(super) async fn follow(context: Context, headset: HeadsetId) {
    match current_profile(&context, &headset).await {
        Ok(loaded) => context.events.send(Event::Profile { headset, loaded }).await,
        Err(failure) => tracing::debug!("{}", failure),
    }
}

async fn list(context: &Context) -> Result<(), Error> {
    let answer = context.ask_as_user(Method::QueryProfile, json!({})).await?;
    let profiles = tolerant::objects::<Profile>(Method::QueryProfile.name(), answer);
    context.events.send(Event::Profiles(profiles)).await;
    let headsets = context.headsets.borrow().clone();
    for headset in headsets.into_iter().filter(Headset::is_connected) {
        follow(context.clone(), headset.id).await;
    }
    Ok(())
}

/// Loads a profile. If another one of ours is loaded, unloads that first (§2.10).
async fn load(context: &Context, headset: &HeadsetId, name: &str) -> Result<(), Error> {
    let failure = match setup_profile(context, headset, "load", name).await {
        Ok(()) => return report_loaded(context, headset, Some(name), "load it again").await,
        Err(failure) => failure,
    };
    if failure.code != Some(code::error::PROFILE_LOADED) {
        return Err(failure);
    }
    let reported = current_profile(context, headset).await.map_err(|error| error.on(SETUP))?;
    let in_place = match reported {
        Some(LoadedProfile { name, by_us: Some(false) }) => {
            return Err(held_elsewhere(headset, &name));
        }
        Some(LoadedProfile { name, .. }) => name,
        // It may be the wanted one, left behind by a program that has ended.
        None => name.to_owned(),
    };
    for (action, name) in [("unload", in_place.as_str()), ("load", name)] {
        setup_profile(context, headset, action, name).await?;
    }
    report_loaded(context, headset, Some(name), "load it again").await
}

/// Unloads the loaded profile by the name that Cortex reports: with any other name Cortex does
/// nothing, yet returns no error.
async fn unload(context: &Context, headset: &HeadsetId) -> Result<(), Error> {
    let reported = current_profile(context, headset).await.map_err(|error| error.on(SETUP))?;
    let name = match reported {
        None => {
            return Err(
                Error::new(ErrorKind::User, "no profile is loaded", "load one first").on(SETUP)
            );
        }
        Some(LoadedProfile { name, by_us: Some(false) }) => {
            return Err(held_elsewhere(headset, &name));
        }
        Some(LoadedProfile { name, .. }) => name,
    };
    setup_profile(context, headset, "unload", &name).await?;
    report_loaded(context, headset, None, "unload it again").await
}

/// Reports which profile is loaded according to Cortex, which may differ from the requested one.
async fn report_loaded(
    context: &Context,
    headset: &HeadsetId,
    wanted: Option<&str>,
    next: &'static str,
) -> Result<(), Error> {
    let loaded = current_profile(context, headset).await.map_err(|error| error.on(SETUP))?;
    let now = loaded.as_ref().map(|loaded| loaded.name.clone());
    context.events.send(Event::Profile { headset: headset.clone(), loaded }).await;
    if now.as_deref() == wanted {
        return Ok(());
    }
    let now =
        now.map_or_else(|| "no profile is loaded".to_owned(), |now| format!("{now} is loaded"));
    Err(Error::new(ErrorKind::User, format!("Cortex accepted the request, but {now}"), next)
        .on(SETUP))
}

fn held_elsewhere(headset: &HeadsetId, name: &str) -> Error {
    let why = format!("the profile {name} was loaded by another application");
    let error = Error::refused(SETUP, code::error::PROFILE_OF_OTHER_APP, &why);
    error.about(ErrorSubject::Headset(headset.clone()))
}

async fn setup_profile(
    context: &Context,
    headset: &HeadsetId,
    action: &str,
    name: &str,
) -> Result<(), Error> {
    let params = json!({"headset": headset.as_str(), "profile": name, "status": action});
    context.ask_as_user(SETUP, params).await.map(|_| ())
}

async fn current_profile(
    context: &Context,
    headset: &HeadsetId,
) -> Result<Option<LoadedProfile>, Error> {
    let params = json!({"headset": headset.as_str()});
    let answer = context.ask_as_user(Method::GetCurrentProfile, params).await?;
    let by_us = answer.get("loadedByThisApp").and_then(Value::as_bool);
    let name = Members::of(Method::GetCurrentProfile.name(), answer).text("name");
    Ok((!name.is_empty()).then_some(LoadedProfile { name, by_us }))
}
