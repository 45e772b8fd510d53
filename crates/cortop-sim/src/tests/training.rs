//! Profiles, training and what comes of them (§2.10, §3.7, §3.8, §5.8, §5.10).

use super::*;
use crate::profile::StoredProfile;

fn setup(desk: &TestClient, status: &str, profile: &str) -> Value {
    json!({ "headset": desk.headset(), "profile": profile, "status": status })
}

/// A headset without a profile.
fn plain(model: Model) -> TestClient {
    let mut desk = TestClient::warm(model);
    desk.shared.update(|service, _| service.headsets.0[0].profile = None);
    desk.warnings();
    desk
}

fn current(desk: &TestClient) -> Value {
    desk.own("getCurrentProfile", &json!({ "headset": desk.headset() }))
}

#[tokio::test(start_paused = true)]
async fn a_profile_is_made_loaded_saved_renamed_unloaded_and_deleted() {
    let mut desk = plain(Model::EpocX);
    assert_eq!(current(&desk), json!({ "name": null }));
    assert_eq!(desk.own("setupProfile", &setup(&desk, "create", "ana"))["action"], "create");
    let all = desk.own("queryProfile", &json!({}));
    assert_eq!((&all[1]["name"], &all[1]["readOnly"]), (&json!("ana"), &json!(false)));
    assert_eq!(all[1]["eegChannels"].as_array().unwrap().len(), 14);
    for (status, name) in [
        ("create", "ana"),
        ("create", ""),
        ("load", "eve"),
        ("save", "ana"),
        ("unload", ""),
        ("delete", "eve"),
    ] {
        assert_eq!(
            desk.refused("setupProfile", &setup(&desk, status, name)),
            -32602,
            "{status} {name}"
        );
    }
    desk.own("setupProfile", &setup(&desk, "load", "ana"));
    let told =
        |text: &str| json!({ "behavior": text, "headset": desk.headset(), "profile": "ana" });
    let (loaded, unloaded) = (told("Profile is loaded"), told("Profile is unloaded"));
    assert_eq!(desk.warnings(), [(13, loaded)]);
    assert_eq!(current(&desk), json!({ "loadedByThisApp": true, "name": "ana" }));
    assert_eq!(desk.refused("setupProfile", &setup(&desk, "load", "ana")), -32127);
    assert_eq!(desk.refused("loadGuestProfile", &json!({ "headset": desk.headset() })), -32127);
    desk.own("setupProfile", &setup(&desk, "save", "ana"));

    // What one application has loaded is no business of another.
    let other = desk.neighbour(2);
    assert_eq!(current(&other), json!({ "loadedByThisApp": false, "name": "ana" }));
    for status in ["save", "unload", "delete"] {
        assert_eq!(other.refused("setupProfile", &setup(&desk, status, "ana")), -32046, "{status}");
    }
    let rename =
        |name: &str| json!({ "profile": "ana", "status": "rename", "newProfileName": name });
    assert_eq!(other.refused("setupProfile", &rename("eva")), -32046);

    // A wrong name unloads nothing, without a word.
    desk.own("setupProfile", &setup(&desk, "unload", "eve"));
    assert_eq!((desk.warnings(), &current(&desk)["name"]), (vec![], &json!("ana")));
    desk.own("setupProfile", &setup(&desk, "unload", ""));
    assert_eq!(desk.warnings(), [(14, unloaded)]);
    assert_eq!(desk.refused("setupProfile", &rename("demo")), -32602);
    desk.own("setupProfile", &rename("eva"));
    desk.own("setupProfile", &setup(&desk, "load", "eva"));
    desk.own("setupProfile", &setup(&desk, "delete", "eva"));
    assert_eq!((desk.codes(), current(&desk)), (vec![13, 14], json!({ "name": null })));

    desk.own("loadGuestProfile", &json!({ "headset": desk.headset() }));
    assert_eq!(desk.refused("setupProfile", &setup(&desk, "save", "Guest")), -32602);
    let nowhere = json!({ "headset": "EPOCX-00000000", "profile": "demo", "status": "load" });
    assert_eq!(desk.refused("setupProfile", &nowhere), -32004);
}

#[tokio::test(start_paused = true)]
async fn a_profile_fits_headsets_with_its_channels_and_an_older_one_those_with_fourteen() {
    for (model, channels, read_only, code) in [
        (Model::Insight, vec!["T7".to_owned()], false, -32226),
        (Model::EpocX, vec![], true, 0),
        (Model::Insight, vec![], true, -32226),
    ] {
        let desk = plain(model);
        desk.shared.update(|service, _| {
            let mut profile = StoredProfile::new("old", String::new(), channels);
            profile.read_only = read_only;
            service.profiles.0.push(profile);
        });
        assert_eq!(desk.refused("setupProfile", &setup(&desk, "load", "old")), code, "{model:?}");
        if code == 0 {
            assert_eq!(desk.refused("setupProfile", &setup(&desk, "save", "old")), -32602);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_profile_outlives_its_application_by_a_moment() {
    let mut desk = plain(Model::EpocX);
    let other = desk.neighbour(2);
    desk.own("setupProfile", &setup(&desk, "load", "demo"));
    desk.leave();
    desk.pass(4.0).await;
    assert_eq!(other.refused("setupProfile", &setup(&desk, "load", "demo")), -32127);
    desk.pass(1.1).await;
    assert_eq!(desk.codes(), [13, 15]);
    other.own("setupProfile", &setup(&desk, "load", "demo"));
    // With the headset goes its profile.
    desk.call("controlDevice", &json!({ "command": "disconnect", "headset": desk.headset() }));
    desk.pass(0.1).await;
    assert_eq!(desk.codes(), [13, 15]);
}

#[tokio::test(start_paused = true)]
async fn training_tells_its_progress_on_sys_and_teaches_the_profile() {
    let desk = plain(Model::EpocX);
    desk.own("setupProfile", &setup(&desk, "create", "ana"));
    let session = desk.session("open");
    desk.subscribe(&session, &["sys"]);
    let train = |status: &str, action: &str| json!({ "session": session, "detection": "mentalCommand", "status": status, "action": action });
    assert_eq!(desk.refused("training", &train("start", "neutral")), -32602, "no profile");
    desk.own("setupProfile", &setup(&desk, "load", "ana"));
    let events = |desk: &TestClient| -> Vec<String> {
        desk.values("sys").iter().map(|sys| sys[1].as_str().unwrap().to_owned()).collect()
    };
    for (status, action) in
        [("start", "smile"), ("accept", "push"), ("reject", "push"), ("reset", "push")]
    {
        assert_eq!(desk.refused("training", &train(status, action)), -32602, "{status} {action}");
    }
    let answer = desk.own("training", &train("start", "push"));
    assert_eq!((&answer["action"], &answer["status"]), (&json!("push"), &json!("start")));
    assert_eq!(events(&desk), ["MC_Started"]);
    assert_eq!(desk.refused("training", &train("accept", "push")), -32602, "too early");
    desk.pass(7.9).await;
    assert_eq!(events(&desk), [""; 0]);
    desk.pass(0.2).await;
    assert_eq!(events(&desk), ["MC_Succeeded"]);
    desk.own("training", &train("accept", "push"));
    desk.own("training", &train("start", "lift"));
    desk.own("training", &train("reset", "lift"));
    desk.own("training", &train("start", "lift"));
    desk.pass(8.1).await;
    desk.own("training", &train("reject", "lift"));
    assert_eq!(
        events(&desk),
        ["MC_Completed", "MC_Started", "MC_Reset", "MC_Started", "MC_Succeeded", "MC_Rejected"]
    );
    let trained = json!({ "detection": "mentalCommand", "session": session });
    assert_eq!(
        desk.own("getTrainedSignatureActions", &trained),
        json!({ "totalTimesTraining": 1, "trainedActions": [{ "action": "push", "times": 1 }] })
    );
    // On disk it is only after saving.
    let stored = json!({ "detection": "mentalCommand", "profile": "ana" });
    assert_eq!(desk.own("getTrainedSignatureActions", &stored)["totalTimesTraining"], 0);
    desk.own("setupProfile", &setup(&desk, "save", "ana"));
    assert_eq!(desk.own("getTrainedSignatureActions", &stored)["totalTimesTraining"], 1);
    desk.own("training", &train("erase", "push"));
    assert_eq!(events(&desk), ["MC_DataErased"]);
    assert_eq!(desk.own("getTrainedSignatureActions", &trained)["totalTimesTraining"], 0);

    // Without contact there is nothing to learn from.
    let face = |status: &str| json!({ "session": session, "detection": "facialExpression", "status": status, "action": "smile" });
    desk.own("training", &face("start"));
    desk.inject(crate::Fault::HeadsetGone {});
    desk.pass(8.1).await;
    assert_eq!(events(&desk), ["FE_Started", "FE_Failed"]);
    let blink = json!({ "session": session, "detection": "facialExpression", "status": "start", "action": "blink" });
    assert_eq!(desk.refused("training", &blink), -32602);
}

#[tokio::test(start_paused = true)]
async fn commands_come_from_the_active_actions_of_the_profile() {
    let desk = plain(Model::EpocX);
    let session = desk.session("open");
    desk.subscribe(&session, &["com"]);
    let acts = async |desk: &TestClient| {
        let mut acts = std::collections::BTreeSet::new();
        for _ in 0..600 {
            desk.pass(0.5).await;
            acts.extend(desk.values("com").iter().map(|com| com[0].as_str().unwrap().to_owned()));
        }
        acts.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(acts(&desk).await, ["neutral"]);
    desk.own("setupProfile", &setup(&desk, "load", "demo"));
    assert_eq!(acts(&desk).await, ["left", "lift", "neutral", "push", "rotateRight"]);
    let active =
        |actions: Value| json!({ "session": session, "status": "set", "actions": actions });
    desk.own("mentalCommandActiveAction", &active(json!(["neutral", "lift", "drop"])));
    // One that was never trained cannot come.
    assert_eq!(acts(&desk).await, ["lift", "neutral"]);
    for bad in [json!(["smile"]), json!(["push", "pull", "lift", "drop", "left"])] {
        assert_eq!(desk.refused("mentalCommandActiveAction", &active(bad)), -32602);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_profile_knows_can_be_read_from_disk_and_changed_in_a_session() {
    let desk = plain(Model::EpocX);
    let session = desk.session("open");
    desk.own("setupProfile", &setup(&desk, "load", "demo"));
    let stored = |more: Value| {
        let mut params = json!({ "profile": "demo" });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let loaded = |more: Value| {
        let mut params = json!({ "session": session });
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        params
    };
    let get = json!({ "status": "get" });
    let smile = json!({ "status": "get", "action": "smile" });
    for (method, params, expected) in [
        (
            "mentalCommandActiveAction",
            get.clone(),
            json!(["neutral", "push", "lift", "left", "rotateRight"]),
        ),
        ("mentalCommandActionSensitivity", get.clone(), json!([5, 5, 5, 5])),
        ("mentalCommandGetSkillRating", json!({ "action": "push" }), json!(0.5)),
        ("mentalCommandGetSkillRating", json!({}), json!(0.5)),
        (
            "mentalCommandTrainingThreshold",
            json!({}),
            json!({ "currentThreshold": 0.5, "lastTrainingScore": 0.0 }),
        ),
        ("facialExpressionThreshold", smile, json!(500)),
        (
            "facialExpressionSignatureType",
            get,
            json!({ "availableSig": ["universal"], "currentSig": "universal" }),
        ),
    ] {
        assert_eq!(desk.own(method, &stored(params.clone())), expected, "{method}");
        assert_eq!(desk.own(method, &loaded(params.clone())), expected, "{method}");
        assert_eq!(desk.refused(method, &params), -32602, "{method} of nothing");
        let nobody = json!({ "profile": "nobody" });
        let mut nobody = stored(nobody);
        nobody.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        assert_eq!(desk.refused(method, &nobody), -32602, "{method}");
    }
    let map = desk.own("mentalCommandBrainMap", &stored(json!({})));
    assert_eq!(
        (map.as_array().unwrap().len(), &map[0]),
        (5, &json!({ "action": "neutral", "coordinates": [0.0, 0.0] }))
    );
    let time = json!({ "session": session, "detection": "mentalCommand" });
    assert_eq!(
        desk.own("getTrainingTime", &time),
        json!({ "detection": "mentalCommand", "time": 8 })
    );

    for (method, params) in [
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [1, 10, 3, 4] })),
        ("facialExpressionThreshold", json!({ "status": "set", "action": "smile", "value": 1000 })),
        ("facialExpressionSignatureType", json!({ "status": "set", "signature": "trained" })),
    ] {
        // From disk it is read only.
        assert_eq!(desk.refused(method, &stored(params.clone())), -32007, "{method}");
        desk.own(method, &loaded(params));
    }
    let get = json!({ "status": "get" });
    assert_eq!(
        desk.own("mentalCommandActionSensitivity", &loaded(get.clone())),
        json!([1, 10, 3, 4])
    );
    assert_eq!(desk.own("facialExpressionSignatureType", &loaded(get))["currentSig"], "trained");
    for (method, bad) in [
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [1, 2, 3] })),
        ("mentalCommandActionSensitivity", json!({ "status": "set", "values": [0, 2, 3, 4] })),
        ("facialExpressionThreshold", json!({ "status": "set", "action": "smile", "value": 1001 })),
        ("facialExpressionThreshold", json!({ "status": "get", "action": "push" })),
        ("facialExpressionSignatureType", json!({ "status": "set" })),
    ] {
        assert_eq!(desk.refused(method, &loaded(bad.clone())), -32602, "{method} {bad}");
    }
    let other = desk.neighbour(2);
    let theirs = other.session("open");
    let set = json!({ "session": theirs, "status": "set", "values": [1, 1, 1, 1] });
    assert_eq!(other.refused("mentalCommandActionSensitivity", &set), -32046);
    let info = desk.call("getDetectionInfo", &json!({ "detection": "facialExpression" }));
    assert_eq!(
        (info["actions"].as_array().unwrap().len(), &info["events"][6]),
        (12, &json!("FE_Reset"))
    );
    assert_eq!(desk.raw("getDetectionInfo", &json!({ "detection": "smell" })), -32602);
}
