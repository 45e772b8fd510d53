//! What is done to a headset besides streaming: connecting it the user's way, settings, name, Flex
//! mappings (§2.6, §3.2).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    Event, HeadsetCommand,
    context::Context,
    reach::{self, Notices},
};
use cortop_protocol::{
    HeadsetId, Refusal, Warning,
    mapping::StoredMapping,
    settings::{Connecting, ConnectionType, CustomInfo, Setting},
    tolerant,
};

/// How long the outcome of a change of settings is waited for.
const CHANGING: Duration = Duration::from_secs(30);

/// Carries out a command.
pub(super) async fn carry_out(context: Context, command: HeadsetCommand) -> Result<(), Refusal> {
    let done = match command {
        HeadsetCommand::Connect(headset, how) => connect(&context, &headset, how).await,
        HeadsetCommand::Set(headset, setting) => set(&context, headset, setting).await,
        HeadsetCommand::SetInfo(headset, info) => set_info(&context, headset, info).await,
        HeadsetCommand::ListMappings => list_mappings(&context).await,
    };
    context.look_now();
    done
}

async fn connect(context: &Context, id: &HeadsetId, how: Connecting) -> Result<(), Refusal> {
    const METHOD: &str = "controlDevice";
    match context.headset(id) {
        None => {
            let why = format!("{id} is not in sight");
            return Err(Refusal::own(METHOD, &why, "switch it on, and scan for headsets"));
        }
        Some(headset) if headset.is_connected() => {
            let why = format!("{id} is connected already");
            return Err(Refusal::own(METHOD, &why, "disconnect it to connect it another way"));
        }
        Some(_) => {}
    }
    // A cable is for now: nothing streams over it.
    let lasting = how.by.filter(|by| *by != ConnectionType::UsbCable);
    context
        .wishes
        .change(id, |wish| wish.how = Connecting { by: lasting, mapping: how.mapping.clone() });
    let mut notices = Notices::new(context);
    reach::connect(context, id, how, &mut notices).await.map_err(|refused| refused.refusal)?;
    Ok(())
}

/// The answer says "started"; how it ends is told by a warning.
async fn set(context: &Context, headset: HeadsetId, setting: Setting) -> Result<(), Refusal> {
    const METHOD: &str = "updateHeadset";
    let mut notices = Notices::new(context);
    let params = json!({"headset": headset.as_str(), "setting": setting.to_json()});
    context.ask_or_refusal(METHOD, params).await?;
    let deadline = Instant::now() + CHANGING;
    loop {
        match timeout_at(deadline, notices.warning()).await {
            Ok(warning) if is_about(&warning, &headset) => match warning.code {
                110 => break,
                111 | 112 => return Err(warning.refusal(METHOD)),
                _ => {}
            },
            Ok(_) => {}
            Err(_) => {
                let why = "Cortex did not say how it ended";
                return Err(Refusal::own(METHOD, why, "look at the headset's settings"));
            }
        }
    }
    context.outbox.tell(Event::Updated(headset)).await;
    Ok(())
}

/// A warning that names no headset may be about this one: its shape is not documented (§6.2).
fn is_about(warning: &Warning, headset: &HeadsetId) -> bool {
    warning.headset().is_none_or(|id| id == *headset)
}

async fn set_info(context: &Context, headset: HeadsetId, info: CustomInfo) -> Result<(), Refusal> {
    let mut params = json!({"headsetId": headset.as_str()});
    if let Some(name) = info.name {
        params["customName"] = name.into();
    }
    if let Some(headband) = info.headband {
        params["headbandPosition"] = headband.name().into();
    }
    context.ask_or_refusal("updateHeadsetCustomInfo", params).await?;
    context.outbox.tell(Event::Updated(headset)).await;
    Ok(())
}

async fn list_mappings(context: &Context) -> Result<(), Refusal> {
    let mut answer = context.ask_or_refusal("configMapping", json!({"status": "get"})).await?;
    let config = answer.pointer_mut("/value/config").map(Value::take).unwrap_or_default();
    let mappings = tolerant::objects::<StoredMapping>("configMapping", config);
    context.outbox.tell(Event::Mappings(mappings)).await;
    Ok(())
}
