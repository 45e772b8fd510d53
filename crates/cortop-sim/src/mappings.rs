//! Where the sensors of a Flex sit on the head: parsing mappings, and the stored ones
//! (`configMapping`, §3.2).

use serde_json::{Value, json};

use super::{
    api_error::{ApiError, CallResult},
    call::Call,
    environment::Environment,
    model::Spec,
};
use cortop_protocol::{
    mapping::{Mapping, StoredMapping},
    model::is_sensor,
};

/// The measuring electrodes, in column order.
const ELECTRODES: [&str; 32] = [
    "LA", "LB", "LC", "LD", "LE", "LF", "LG", "LH", "LJ", "LK", "LL", "LM", "LN", "LO", "LP", "LQ",
    "RA", "RB", "RC", "RD", "RE", "RF", "RG", "RH", "RJ", "RK", "RL", "RM", "RN", "RO", "RP", "RQ",
];
/// The electrodes that every mapping needs.
const REFERENCES: [&str; 2] = ["CMS", "DRL"];
/// The most mappings that can be stored.
const MAX_MAPPINGS: usize = 64;

/// The initial mapping of a Flex; empty for other headsets.
pub(super) fn default_of(spec: &Spec) -> Mapping {
    if !spec.flex() {
        return Mapping::default();
    }
    let places = spec.sensors.iter().map(String::as_str).chain(["TP9", "TP10"]);
    let electrodes = ELECTRODES.into_iter().chain(REFERENCES);
    let pairs = electrodes.zip(places);
    let mappings =
        pairs.map(|(electrode, place)| (electrode.to_owned(), place.to_owned())).collect();
    Mapping { mappings }
}

/// Parses a mapping parameter; `None` if it is invalid.
pub(super) fn read(value: &Value) -> Option<Mapping> {
    let Mapping { mut mappings } = Mapping::default();
    for (electrode, place) in value.as_object()? {
        let place = place.as_str()?;
        let measures = ELECTRODES.contains(&electrode.as_str());
        let known = measures || REFERENCES.contains(&electrode.as_str());
        let sound = is_sensor(place) || matches!(place, "CTM1" | "CTM2");
        if !known || !sound || mappings.values().any(|taken| taken == place) {
            return None;
        }
        mappings.insert(electrode.clone(), place.to_owned());
    }
    let complete = REFERENCES.iter().all(|&needed| mappings.contains_key(needed));
    (complete && mappings.len() > REFERENCES.len()).then_some(Mapping { mappings })
}

/// The sensors of a mapping, in column order.
pub(super) fn sensors(mapping: &Mapping) -> Vec<String> {
    ELECTRODES.iter().filter_map(|&electrode| mapping.mappings.get(electrode)).cloned().collect()
}

/// The mappings stored by Cortex.
#[derive(Default)]
pub(super) struct FlexMappings {
    stored: Vec<StoredMapping>,
    /// Service time of the last change.
    updated: f64,
}

impl FlexMappings {
    /// `configMapping`.
    pub(super) fn config(&mut self, call: &Call<'_>, env: &mut Environment) -> CallResult {
        let status = call.text("status");
        let name = call.optional_text("name").filter(|name| !name.is_empty());
        let mapping = call.get("mappings").and_then(read);
        let incomplete = || ApiError::invalid("A name and complete mappings are needed.");
        if status == "get" {
            let config: Vec<Value> = self.stored.iter().map(to_json).collect();
            let updated = env.clock.iso(self.updated);
            let value = json!({ "config": config, "updated": updated, "version": "2018-05-08" });
            return Ok(json!({ "message": message("get"), "value": value }));
        }
        if status == "create" {
            let (name, mapping) = name.zip(mapping).ok_or_else(incomplete)?;
            if self.stored.len() == MAX_MAPPINGS {
                return Err(ApiError::invalid("No more mappings can be stored."));
            }
            let stored = StoredMapping { uuid: env.ids.uuid(), name: name.to_owned(), mapping };
            let value = to_json(&stored);
            self.stored.push(stored);
            self.updated = call.now;
            return Ok(json!({ "message": message("create"), "value": value }));
        }
        let uuid = call.text("uuid");
        let place = self.stored.iter().position(|own| own.uuid == uuid);
        let place = place.ok_or_else(|| ApiError::invalid("The mapping does not exist."))?;
        if status == "delete" {
            self.stored.remove(place);
            self.updated = call.now;
            return Ok(json!({ "message": message("delete"), "uuid": uuid }));
        }
        if status == "update" {
            let misses_mapping =
                mapping.is_none() && (name.is_none() || call.get("mappings").is_some());
            if misses_mapping {
                return Err(ApiError::invalid("A name or complete mappings are needed."));
            }
            if let Some(stored) = self.stored.get_mut(place) {
                if let Some(name) = name {
                    name.clone_into(&mut stored.name);
                }
                stored.mapping = mapping.unwrap_or_else(|| std::mem::take(&mut stored.mapping));
            }
            self.updated = call.now;
        }
        let value = self.stored.get(place).map(to_json);
        Ok(json!({ "message": message(status), "value": value }))
    }
}

fn to_json(StoredMapping { uuid, name, mapping }: &StoredMapping) -> Value {
    json!({ "label": {}, "mappings": mapping.mappings, "name": name, "uuid": uuid })
}

/// Only the text of `create` is published.
fn message(status: &str) -> String {
    let mut message = format!("{status} flex mapping config successful");
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message
}
