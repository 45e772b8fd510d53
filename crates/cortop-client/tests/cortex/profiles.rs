//! Profiles (§2.10, §3.7): loaded, unloaded, followed, and who holds them.

use cortop_client::{Command, Event, ProfileCommand, profile::LoadedProfile};
use serde_json::json;

use crate::{
    service::{ClientUnderTest, INSIGHT, Reply, ScriptedService, config, refused},
    simulated::{OtherProgram, SimHarness, options},
};

const HEADSET: &str = "insight:INSIGHT-0A1B2C3D:connected";

fn load(name: &str) -> Command {
    Command::Profile(ProfileCommand::Load(INSIGHT.into(), name.to_owned()))
}

fn unload() -> Command {
    Command::Profile(ProfileCommand::Unload(INSIGHT.into()))
}

/// The headset uses this profile, or none.
fn uses(wanted: Option<LoadedProfile>) -> impl Fn(&Event) -> Option<()> {
    move |event| {
        let told = matches!(event, Event::Profile { headset, loaded }
            if headset.as_str() == INSIGHT && *loaded == wanted);
        told.then_some(())
    }
}

fn ours(name: &str) -> impl Fn(&Event) -> Option<()> {
    uses(Some(LoadedProfile { name: name.to_owned(), by_us: Some(true) }))
}

#[tokio::test]
async fn one_takes_the_place_of_another_and_all_that_happens_is_told() {
    let mut rig = SimHarness::start(&[HEADSET]).await;
    rig.streaming().await;
    let mut other = OtherProgram::start(&rig.sim).await;
    for name in ["ana", "ben"] {
        let create = json!({"status": "create", "profile": name, "headset": INSIGHT});
        other.ask("setupProfile", create).await;
    }
    let names = |event: &Event| match event {
        Event::Profiles(profiles) => {
            Some(profiles.iter().map(|one| one.name.clone()).collect::<Vec<_>>())
        }
        _ => None,
    };
    assert_eq!(rig.ask(Command::Profile(ProfileCommand::List), names).await, ["ana", "ben"]);
    rig.ask(load("ana"), ours("ana")).await;
    rig.ask(load("ben"), ours("ben")).await;
    rig.ask(unload(), uses(None)).await;
    let refusal = rig.ask(unload(), refused).await;
    assert!(refusal.contains("no profile is loaded"), "{refusal}");
    // Warning 13 reports what another program does.
    let params = json!({"status": "load", "profile": "ana", "headset": INSIGHT});
    other.ask("setupProfile", params).await;
    rig.tested.until(ours("ana")).await;
    // When that program ends, so does its profile, after a while (warning 15).
    drop(other);
    rig.tested.until(uses(None)).await;
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_another_application_has_loaded_is_not_taken_away() {
    let mut warm = options(&[HEADSET]);
    warm.warm = true;
    let mut rig = SimHarness::with(warm, |config| config).await;
    let demo = LoadedProfile { name: "demo".to_owned(), by_us: Some(false) };
    rig.tested.until(uses(Some(demo))).await;
    for command in [load("demo"), unload()] {
        // The simulator does not remember what Launcher has loaded: the profile would be unknown.
        rig.refuse("setupProfile", -32127);
        let refusal = rig.ask(command, refused).await;
        assert!(refusal.starts_with("setupProfile -32046"), "{refusal}");
        assert!(refusal.contains("demo") && refusal.contains("unload it there first"), "{refusal}");
    }
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_cortex_refuses_says_the_next_step() {
    let mut rig = SimHarness::start(&[HEADSET]).await;
    rig.streaming().await;
    for (code, next) in [
        (-32226, "choose another profile"),
        (-32046, "unload it there first"),
        (-32602, "list the profiles again"),
    ] {
        rig.refuse("setupProfile", code);
        let refusal = rig.ask(load("ana"), refused).await;
        assert!(refusal.starts_with(&format!("setupProfile {code}")), "{refusal}");
        assert!(refusal.contains(next), "{refusal}");
    }
    rig.tested.quit().await;
}

/// After a crash, a profile outlives its program for a while without being reported to anyone
/// (§7.5).
#[tokio::test]
async fn one_that_a_dead_program_left_behind_is_unloaded_by_name_once() {
    let mut loaded = false;
    let mut unloaded = false;
    let service = ScriptedService::start(move |seen| match seen.method.as_str() {
        "getCurrentProfile" if loaded => Reply::Result(json!({"name": "ana"})),
        "getCurrentProfile" => Reply::Result(json!({"name": null})),
        "setupProfile" if seen.params["status"] == "unload" => {
            unloaded = true;
            Reply::Usual
        }
        "setupProfile" if unloaded => {
            loaded = true;
            Reply::Usual
        }
        "setupProfile" => Reply::Error(-32127, "A profile is already loaded."),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(uses(None)).await;
    tested.command(load("ana")).await;
    let wanted = LoadedProfile { name: "ana".to_owned(), by_us: None };
    tested.until(uses(Some(wanted))).await;
    let asked: Vec<_> =
        service.asked("setupProfile").iter().map(|seen| seen.params["status"].clone()).collect();
    assert_eq!(asked, ["load", "unload", "load"]);
    assert!(service.asked("setupProfile").iter().all(|seen| seen.params["profile"] == "ana"));
    tested.quit().await;
}
