//! Headset commands other than streaming: connecting as the user chooses, settings, name, Flex
//! mappings (§2.6, §3.2).

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{
    Event, HeadsetCommand, clock_sync,
    connect_headset::{self, NoticeReceiver},
    context::Context,
};
use cortop_protocol::{
    Error, ErrorKind, ErrorSubject, HeadsetId, Method, Warning,
    code::warning as codes,
    mapping::StoredMapping,
    settings::{Connecting, ConnectionType, CustomInfo, Setting},
    tolerant,
};

/// How long to wait for the outcome of a change of settings.
const CHANGING: Duration = Duration::from_secs(30);

/// Carries out a command.
pub(super) async fn execute(context: Context, command: HeadsetCommand) -> Result<(), Error> {
    let done = match command {
        HeadsetCommand::Connect(headset, how) => connect(&context, &headset, how).await,
        HeadsetCommand::Set(headset, setting) => set(&context, headset, setting).await,
        HeadsetCommand::SetInfo(headset, info) => set_info(&context, headset, info).await,
        HeadsetCommand::ListMappings => list_mappings(&context).await,
        HeadsetCommand::MeasureClock(headset, always) => {
            context.clocks.keep_measured(&headset, always);
            clock_sync::measure(context, headset).await;
            return Ok(());
        }
    };
    context.refresh_now();
    done
}

async fn connect(context: &Context, id: &HeadsetId, how: Connecting) -> Result<(), Error> {
    const METHOD: Method = Method::ControlDevice;
    match context.headset(id) {
        None => {
            let why = format!("{id} is not found");
            return Err(
                Error::new(ErrorKind::User, why, "switch it on, and scan for headsets").on(METHOD)
            );
        }
        Some(headset) if headset.is_connected() => {
            let why = format!("{id} is connected already");
            return Err(Error::new(
                ErrorKind::User,
                why,
                "disconnect it to connect it another way",
            )
            .on(METHOD));
        }
        Some(_) => {}
    }
    // A cable is only temporary: nothing streams over it.
    let lasting = how.by.filter(|by| *by != ConnectionType::UsbCable);
    context.desired.change(id, |desired| {
        desired.how = Connecting { by: lasting, mapping: how.mapping.clone() }
    });
    let mut notices = NoticeReceiver::new(context);
    connect_headset::connect_headset(context, id, how, &mut notices).await?;
    Ok(())
}

/// Changes the settings. The answer only says that the change has started; a warning reports how it
/// ended.
async fn set(context: &Context, headset: HeadsetId, setting: Setting) -> Result<(), Error> {
    const METHOD: Method = Method::UpdateHeadset;
    let mut notices = NoticeReceiver::new(context);
    let params = json!({"headset": headset.as_str(), "setting": setting.to_json()});
    context.ask_as_user(METHOD, params).await?;
    let deadline = Instant::now() + CHANGING;
    loop {
        match timeout_at(deadline, notices.warning()).await {
            Ok(warning) if is_about(&warning, &headset) => match warning.code {
                codes::HEADSET_UPDATED => break,
                codes::HEADSET_UPDATE_FAILED | codes::SETTING_NOT_FOR_BLUETOOTH => {
                    let subject = ErrorSubject::Headset(headset);
                    return Err(warning.error(METHOD).about(subject));
                }
                _ => {}
            },
            Ok(_) => {}
            Err(_) => {
                let why = "Cortex did not report the outcome";
                return Err(
                    Error::new(ErrorKind::User, why, "look at the headset's settings").on(METHOD)
                );
            }
        }
    }
    context.events.send(Event::Updated(headset)).await;
    Ok(())
}

/// Whether a warning is about this headset. One that names no headset may be: its format is not
/// documented (§6.2).
fn is_about(warning: &Warning, headset: &HeadsetId) -> bool {
    warning.headset().is_none_or(|id| id == *headset)
}

async fn set_info(context: &Context, headset: HeadsetId, info: CustomInfo) -> Result<(), Error> {
    let mut params = json!({"headsetId": headset.as_str()});
    if let Some(name) = info.name {
        params["customName"] = name.into();
    }
    if let Some(headband) = info.headband {
        params["headbandPosition"] = headband.name().into();
    }
    context.ask_as_user(Method::UpdateHeadsetCustomInfo, params).await?;
    context.events.send(Event::Updated(headset)).await;
    Ok(())
}

async fn list_mappings(context: &Context) -> Result<(), Error> {
    let mut answer = context.ask_as_user(Method::ConfigMapping, json!({"status": "get"})).await?;
    let config = answer.pointer_mut("/value/config").map(Value::take).unwrap_or_default();
    let mappings = tolerant::objects::<StoredMapping>(Method::ConfigMapping.name(), config);
    context.events.send(Event::Mappings(mappings)).await;
    Ok(())
}
