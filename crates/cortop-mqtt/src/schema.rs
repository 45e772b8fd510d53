//! The JSON schema of the payloads, generated from the types that are published and read.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::payload::{
    Acknowledgement, HeadsetState, LabMarker, StationEvent, StationMessage, StationState,
};

/// The topics as the contract writes them, and their payloads.
const TOPICS: [(&str, &str); 5] = [
    ("cortop/v1/STATION/state", "StationState"),
    ("cortop/v1/STATION/headset/HEADSET/state", "HeadsetState"),
    ("cortop/v1/STATION/event", "StationEvent"),
    ("cortop/v1/STATION/acknowledgement", "Acknowledgement"),
    ("cortop/v1/command/marker", "LabMarker"),
];

/// The schema of all payloads, JSON Schema 2020-12: `$defs` has a definition for each, and `topics` says
/// which is published where.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    add::<StationState>(&mut definitions, "StationState");
    add::<HeadsetState>(&mut definitions, "HeadsetState");
    add::<StationEvent>(&mut definitions, "StationEvent");
    add::<Acknowledgement>(&mut definitions, "Acknowledgement");
    add::<LabMarker>(&mut definitions, "LabMarker");
    let topics: Map<String, Value> = TOPICS
        .iter()
        .map(|(topic, name)| ((*topic).to_owned(), json!({ "$ref": format!("#/$defs/{name}") })))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What cortop publishes over MQTT, version 1",
        "topics": topics,
        "$defs": definitions,
    })
}

/// Adds the complete schema of a payload.
fn add<T: JsonSchema>(definitions: &mut Map<String, Value>, name: &str) {
    let settings = SchemaSettings::draft2020_12().with(|own| {
        own.inline_subschemas = true;
        own.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let body = generator.root_schema_for::<T>().to_value();
    let mut schema = generator.into_root_schema_for::<StationMessage<T>>().to_value();
    schema["title"] = json!(name);
    schema["description"] = body["description"].clone();
    definitions.insert(name.to_owned(), schema);
}
