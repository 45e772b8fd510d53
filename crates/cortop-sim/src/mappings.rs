//! Which sensor of a Flex sits where on the head: what a mapping may say, and the stored ones
//! (`configMapping`, §3.2).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    dispatch::Call,
    model::Spec,
    refusal::{ApiError, CallResult},
    replay::is_sensor,
    service::Service,
};

/// The electrodes that measure, in the order of the columns.
const ELECTRODES: [&str; 32] = [
    "LA", "LB", "LC", "LD", "LE", "LF", "LG", "LH", "LJ", "LK", "LL", "LM", "LN", "LO", "LP", "LQ",
    "RA", "RB", "RC", "RD", "RE", "RF", "RG", "RH", "RJ", "RK", "RL", "RM", "RN", "RO", "RP", "RQ",
];
/// Those that every mapping needs.
const REFERENCES: [&str; 2] = ["CMS", "DRL"];
/// Mappings that can be stored.
const MOST: usize = 64;

/// The place on the head by electrode.
pub(super) type Mapping = BTreeMap<String, String>;

/// The mapping a Flex comes with; empty for other headsets.
pub(super) fn usual(spec: &Spec) -> Mapping {
    if !spec.flex() {
        return Mapping::new();
    }
    let places = spec.sensors.iter().map(String::as_str).chain(["TP9", "TP10"]);
    let electrodes = ELECTRODES.into_iter().chain(REFERENCES);
    electrodes.zip(places).map(|(electrode, place)| (electrode.into(), place.into())).collect()
}

/// The mapping a parameter says, or `None` if it makes no sense.
pub(super) fn read(value: &Value) -> Option<Mapping> {
    let mut mapping = Mapping::new();
    for (electrode, place) in value.as_object()? {
        let place = place.as_str()?;
        let measures = ELECTRODES.contains(&electrode.as_str());
        let known = measures || REFERENCES.contains(&electrode.as_str());
        let sound = is_sensor(place) || matches!(place, "CTM1" | "CTM2");
        if !known || !sound || mapping.values().any(|taken| taken == place) {
            return None;
        }
        mapping.insert(electrode.clone(), place.to_owned());
    }
    let complete = REFERENCES.iter().all(|&needed| mapping.contains_key(needed));
    (complete && mapping.len() > REFERENCES.len()).then_some(mapping)
}

/// The sensors of a mapping in the order of the columns.
pub(super) fn sensors(mapping: &Mapping) -> Vec<String> {
    ELECTRODES.iter().filter_map(|&electrode| mapping.get(electrode)).cloned().collect()
}

/// A stored mapping.
pub(super) struct Stored {
    uuid: String,
    name: String,
    mapping: Mapping,
}

impl Stored {
    fn to_json(&self) -> Value {
        json!({ "label": {}, "mappings": self.mapping, "name": self.name, "uuid": self.uuid })
    }
}

impl Service {
    pub(super) fn config_mapping(&mut self, call: &Call<'_>) -> CallResult {
        let status = call.text("status");
        let named = call.maybe_text("name").filter(|name| !name.is_empty());
        let mapping = call.get("mappings").and_then(read);
        match status {
            "get" => {
                let config: Vec<Value> = self.mappings.iter().map(Stored::to_json).collect();
                let updated = self.clock.iso(self.mappings_updated);
                let value =
                    json!({ "config": config, "updated": updated, "version": "2018-05-08" });
                return Ok(json!({ "message": done("get"), "value": value }));
            }
            "create" => {
                let (Some(name), Some(mapping)) = (named, mapping) else {
                    return Err(ApiError::bad("A name and complete mappings are needed."));
                };
                if self.mappings.len() == MOST {
                    return Err(ApiError::bad("No more mappings can be stored."));
                }
                let stored = Stored { uuid: self.ids.uuid(), name: name.to_owned(), mapping };
                let value = stored.to_json();
                self.mappings.push(stored);
                self.mappings_updated = call.now;
                return Ok(json!({ "message": done("create"), "value": value }));
            }
            _ => {}
        }
        let uuid = call.text("uuid");
        let place = self.mappings.iter().position(|own| own.uuid == uuid);
        let place = place.ok_or_else(|| ApiError::bad("The mapping does not exist."))?;
        if status == "delete" {
            self.mappings.remove(place);
            self.mappings_updated = call.now;
            return Ok(json!({ "message": done("delete"), "uuid": uuid }));
        }
        if status == "update" {
            if named.is_none() && mapping.is_none()
                || call.get("mappings").is_some() && mapping.is_none()
            {
                return Err(ApiError::bad("A name or complete mappings are needed."));
            }
            if let Some(stored) = self.mappings.get_mut(place) {
                if let Some(name) = named {
                    name.clone_into(&mut stored.name);
                }
                stored.mapping = mapping.unwrap_or_else(|| std::mem::take(&mut stored.mapping));
            }
            self.mappings_updated = call.now;
        }
        let value = self.mappings.get(place).map(Stored::to_json);
        Ok(json!({ "message": done(status), "value": value }))
    }
}

/// Of these only that of `create` is published.
fn done(status: &str) -> String {
    let mut message = format!("{status} flex mapping config successful");
    if let Some(first) = message.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    message
}
