//! The JSON schema of the config file, for editors and validators: its types come from [`FileSettings`], its
//! descriptions from the sample, its keys from the table of actions.

use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use super::{alerts::FileAlerts, file::FileSettings, mqtt::FileMqtt, sample};
use crate::{
    app::{Keymap, section_name, sections},
    ui,
};

/// The schema that `cortop print schema` prints: JSON Schema 2020-12, which matches the config file once TOML
/// is read as JSON.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schema_for!(FileSettings).to_value();
    schema["title"] = json!("Config file of cortop");
    schema["additionalProperties"] = json!(false);
    describe(&mut schema["properties"], &sample::rows());
    schema["properties"]["keys"] = keys();
    schema["properties"]["alerts"] =
        section::<FileAlerts>("What cortop alerts you to.", &sample::alerts());
    schema["properties"]["mqtt"] = section::<FileMqtt>(
        "Stations: publish over MQTT, by cortop station or beside the monitor.",
        &sample::mqtt(),
    );
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$defs");
    }
    schema
}

/// A section, inlined: a reference to a definition would be used only once.
fn section<T: JsonSchema>(description: &str, rows: &[sample::SettingLine]) -> Value {
    let mut section = schema_for!(T).to_value();
    describe(&mut section["properties"], rows);
    json!({
        "description": description,
        "type": "object", "additionalProperties": false, "properties": section["properties"]
    })
}

/// Adds descriptions to the settings of a section.
fn describe(settings: &mut Value, rows: &[sample::SettingLine]) {
    for setting in settings.as_object_mut().into_iter().flat_map(Map::values_mut) {
        strip_absence(setting);
    }
    for (name, _, help) in rows {
        settings[name]["description"] = json!(help);
    }
}

/// A setting may be omitted, but TOML has no null, neither as a type nor as a default.
fn strip_absence(setting: &mut Value) {
    if let Some(setting) = setting.as_object_mut() {
        setting.remove("default");
        if let Some(Value::Array(types)) = setting.get_mut("type") {
            let named = types[0].take();
            setting.insert("type".to_owned(), named);
        }
    }
}

/// Section → action → keys.
fn keys() -> Value {
    let keymap = Keymap::new(ui::views());
    let sections: Map<String, Value> = sections()
        .map(|pane| {
            let actions: Map<String, Value> = keymap
                .rows()
                .filter(|(row, _)| row.pane == pane)
                .map(|(row, _)| (row.name.to_owned(), action(row.help)))
                .collect();
            let section = json!({
                "type": "object", "additionalProperties": false, "properties": actions
            });
            (section_name(pane).to_owned(), section)
        })
        .collect();
    json!({
        "description": "Keys by section and action.",
        "type": "object", "additionalProperties": false, "properties": sections
    })
}

fn action(help: &str) -> Value {
    json!({ "description": help, "type": "array", "items": { "type": "string" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample with everything uncommented, as JSON.
    fn sample_as_json() -> Value {
        let file: toml::Table =
            toml::from_str(&sample::uncommented()).expect("valid TOML once it is uncommented");
        serde_json::to_value(file).expect("JSON")
    }

    /// Asserts that `value` matches: types, properties, items, enumerations and limits, which is all that the
    /// schema uses.
    fn assert_fits(place: &str, value: &Value, schema: &Value) {
        if let Some(choices) = schema.get("anyOf") {
            return assert_fits(place, value, &choices[usize::from(value.is_boolean())]);
        }
        let fits = match schema["type"].as_str().expect("one type") {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64(),
            "number" => value.is_number(),
            other => panic!("{place}: a type that this test does not know: {other}"),
        };
        assert!(fits, "{place}: {value} is no {}", schema["type"]);
        if let Some(allowed) = schema.get("enum") {
            assert!(allowed.as_array().expect("a list").contains(value), "{place}: {value}");
        }
        for (limit, holds) in [("minimum", f64::ge as fn(&f64, &f64) -> bool), ("maximum", f64::le)]
        {
            if let Some(limit) = schema.get(limit).and_then(Value::as_f64) {
                assert!(holds(&value.as_f64().expect("a number"), &limit), "{place}: {value}");
            }
        }
        for item in value.as_array().into_iter().flatten() {
            assert_fits(place, item, &schema["items"]);
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let known = schema["properties"].get(name);
            let known = known.unwrap_or_else(|| panic!("{place}: no {name} in the schema"));
            assert_fits(&format!("{place}.{name}"), member, known);
        }
    }

    #[test]
    fn the_sample_fits_and_leaves_nothing_out() {
        let (sample, schema) = (sample_as_json(), schema());
        assert_fits("config", &sample, &schema);
        for name in schema["properties"].as_object().expect("settings").keys() {
            assert!(sample.get(name).is_some(), "the sample lacks {name}");
        }
    }
}
