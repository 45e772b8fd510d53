//! Flex mappings: where the electrodes of an EPOC Flex sit, and the mappings stored by Cortex
//! (`configMapping`, §3.2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tolerant::Members;

/// Where the electrodes of an EPOC Flex sit on the head: names of the 10-20 system by electrode
/// (`CMS`, `DRL`, `LA`…).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Value")]
pub struct Mapping {
    /// Position by electrode.
    pub mappings: BTreeMap<String, String>,
}

impl From<Value> for Mapping {
    /// Reads `{mappings: {…}}`, or just the inner map.
    fn from(mut value: Value) -> Self {
        let map = match value.get_mut("mappings").map(Value::take) {
            Some(mappings) => mappings,
            None => value,
        };
        Self { mappings: Members::of("mappings", map).all_texts() }
    }
}

/// A mapping stored by Cortex (`configMapping`, §3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredMapping {
    /// Its id.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// The mapping.
    pub mapping: Mapping,
}

impl From<Value> for StoredMapping {
    fn from(value: Value) -> Self {
        let mut members = Members::of(crate::Method::ConfigMapping.name(), value);
        Self {
            uuid: members.text("uuid"),
            name: members.text("name"),
            mapping: members.object("mappings"),
        }
    }
}
