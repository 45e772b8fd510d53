//! Headset commands other than streaming (§2.6, §2.9, §3.2): connection, settings, name, mapping,
//! clock.

use std::collections::BTreeMap;

use cortop_client::{
    Command, ConnectionStep, Event, HeadsetCommand,
    mapping::Mapping,
    settings::{Connecting, ConnectionType, CustomInfo, EegRate, Headband, MotionRate, Setting},
};
use serde_json::json;

use crate::{
    service::{
        ClientUnderTest, EPOCX, INSIGHT, Reply, ScriptedService, config, headset, reached, refused,
    },
    simulated::{OtherProgram, SimHarness},
};

const FAST: Setting = Setting::EpocPlus { eeg: EegRate::Hz256, motion: MotionRate::Hz128 };

fn set(setting: Setting) -> Command {
    Command::Headset(HeadsetCommand::Set(EPOCX.into(), setting))
}

fn updated(event: &Event) -> Option<()> {
    matches!(event, Event::Updated(headset) if headset.as_str() == EPOCX).then_some(())
}

fn connect(by: Option<ConnectionType>, mapping: Option<Mapping>, id: &str) -> Command {
    Command::Headset(HeadsetCommand::Connect(id.into(), Connecting { by, mapping }))
}

#[tokio::test]
async fn settings_are_changed_on_a_cable_and_the_new_ones_are_shown() {
    let mut rig = SimHarness::start(&["epocx:EPOCX-1A2B3C4D:usb"]).await;
    assert!(rig.tested.until(refused).await.contains("USB cable"));
    rig.ask(set(FAST), updated).await;
    let rates = |event: &Event| match event {
        Event::Headsets(list) => {
            let settings = &list[0].settings;
            assert!(Setting::check(&list[0]).is_ok());
            Some((settings.eeg_rate, settings.mems_rate)).filter(|rates| rates.1 == Some(128.0))
        }
        _ => None,
    };
    assert_eq!(rig.tested.until(rates).await.0, Some(256.0));
    let info = CustomInfo { name: Some("lab 2".to_owned()), headband: Some(Headband::Top) };
    rig.ask(Command::Headset(HeadsetCommand::SetInfo(EPOCX.into(), info)), updated).await;
    let named = |event: &Event| match event {
        Event::Headsets(list) => Some((list[0].custom_name == "lab 2").then_some(list[0].clone())?),
        _ => None,
    };
    assert_eq!(rig.tested.until(named).await.headband_position.as_deref(), Some("top"));
    rig.refuse("updateHeadset", -32004);
    assert!(rig.ask(set(Setting::Epoc), refused).await.starts_with("updateHeadset -32004"));
    rig.refuse("updateHeadsetCustomInfo", -32602);
    let info = HeadsetCommand::SetInfo(EPOCX.into(), CustomInfo::default());
    let refusal = rig.ask(Command::Headset(info), refused).await;
    assert!(refusal.starts_with("updateHeadsetCustomInfo -32602"), "{refusal}");
    rig.tested.quit().await;
}

#[tokio::test]
async fn what_started_well_and_ended_badly_is_told() {
    let mut rig = SimHarness::start(&["epocx:EPOCX-1A2B3C4D:connected"]).await;
    rig.streaming().await;
    let refusal = rig.ask(set(FAST), refused).await;
    assert!(refusal.starts_with("updateHeadset 111") && refusal.contains("cable"), "{refusal}");
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_headset_is_connected_the_way_the_user_wants() {
    let ids = ["EPOCX-1A2B3C4D:discovered", "EPOCX-2A2B3C4D:discovered"];
    let headsets = ids.map(|id| format!("epocx:{id}"));
    let mut rig = SimHarness::start(&[&headsets[0], &headsets[1]]).await;
    rig.tested.until(reached(ConnectionStep::Choosing)).await;
    let by = |wanted: &'static str| {
        move |event: &Event| match event {
            Event::Headsets(list) => {
                list.iter().find(|one| one.is_connected() && one.connected_by == wanted).map(|_| ())
            }
            _ => None,
        }
    };
    // At 256 Hz the data rate is too high for Bluetooth (warning 112).
    let bluetooth = connect(Some(ConnectionType::Bluetooth), None, EPOCX);
    let refusal = rig.ask(bluetooth, refused).await;
    assert!(refusal.starts_with("controlDevice 112") && refusal.contains("128 Hz"), "{refusal}");
    rig.ask(connect(Some(ConnectionType::UsbCable), None, EPOCX), by("usb cable")).await;
    let refusal = rig.ask(connect(None, None, EPOCX), refused).await;
    assert!(refusal.contains("connected already"), "{refusal}");
    let refusal = rig.ask(connect(None, None, "EPOCX-FFFFFFFF"), refused).await;
    assert!(refusal.contains("not found") && refusal.contains("scan"), "{refusal}");
    rig.tested.quit().await;
}

#[tokio::test]
async fn a_flex_is_connected_with_a_stored_mapping_which_is_shown() {
    let flex = "EPOCFLEX-1A2B3C4D";
    let mut rig =
        SimHarness::start(&[&format!("flex:{flex}:discovered"), "insight:INSIGHT-0A1B2C3D:off"])
            .await;
    rig.tested.until(reached(ConnectionStep::Streaming)).await;
    let mut other = OtherProgram::start(&rig.sim).await;
    let mappings = json!({"CMS": "TP9", "DRL": "TP10", "LA": "Cz", "RA": "Pz"});
    let create = json!({"status": "create", "name": "two", "mappings": mappings});
    other.ask("configMapping", create).await;
    let stored = |event: &Event| match event {
        Event::Mappings(mappings) => mappings.first().cloned(),
        _ => None,
    };
    let list = Command::Headset(HeadsetCommand::ListMappings);
    let stored = rig.ask(list, stored).await;
    assert_eq!(stored.name, "two");
    assert_eq!(stored.mapping.mappings.len(), 4);

    rig.tested.command(Command::Disconnect(flex.into())).await;
    let discovered = |event: &Event| match event {
        Event::Headsets(list) => list.iter().find(|one| !one.is_connected()).map(|_| ()),
        _ => None,
    };
    rig.tested.until(discovered).await;
    let wanted = stored.mapping.clone();
    let shown = |event: &Event| match event {
        Event::Headsets(list) => {
            let flex = list.iter().find(|one| one.is_connected())?;
            Some((flex.sensors.clone(), flex.flex_mappings.clone()))
        }
        _ => None,
    };
    let (sensors, mapping) = rig.ask(connect(None, Some(stored.mapping), flex), shown).await;
    assert_eq!(sensors, ["Cz", "Pz"]);
    assert_eq!(mapping, Some(wanted));
    rig.refuse("configMapping", -32602);
    let list = Command::Headset(HeadsetCommand::ListMappings);
    assert!(rig.ask(list, refused).await.starts_with("configMapping -32602"));
    rig.tested.quit().await;
}

/// Before 2.3 there were no mappings to query.
#[tokio::test]
async fn an_old_service_lists_its_headsets_without_mappings() {
    let service = ScriptedService::start(|seen| match seen.method.as_str() {
        "queryHeadsets" if seen.params.get("includeFlexMappings").is_some() => {
            Reply::Error(-32602, "Invalid Parameters.")
        }
        "queryHeadsets" => Reply::Result(json!([headset(INSIGHT, "connected")])),
        _ => Reply::Usual,
    })
    .await;
    let mut tested = ClientUnderTest::start(config(&service.url));
    tested.until(reached(ConnectionStep::Streaming)).await;
    assert!(tested.quit().await.iter().all(|event| refused(event).is_none()));
}

#[test]
fn only_an_epoc_on_a_cable_has_settings() {
    let told = |id: &str, by: &str| {
        let mut told = headset(id, "connected");
        told["connectedBy"] = by.into();
        serde_json::from_value(told).unwrap()
    };
    assert!(Setting::check(&told(INSIGHT, "usb cable")).is_err());
    assert!(Setting::check(&told(EPOCX, "dongle")).unwrap_err().contains("USB cable"));
    assert!(Setting::check(&told(EPOCX, "usb cable")).is_ok());
    let bare = json!({"LA": "Cz"});
    let map = BTreeMap::from([("LA".to_owned(), "Cz".to_owned())]);
    assert_eq!(Mapping::from(bare.clone()).mappings, map);
    assert_eq!(Mapping::from(json!({"mappings": bare})).mappings, map);
}
