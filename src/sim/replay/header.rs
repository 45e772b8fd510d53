//! What the columns of a recording mean. One table serves all known forms: names are `EEG.AF3` in
//! an `EmotivPRO` export and `AF3` in the simpler ones, and only the export has a line of metadata.

use std::collections::BTreeMap;

use csv::StringRecord;

/// What a column holds; the order of the variants is the order in which a row's cells are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Epoch seconds.
    Time,
    /// The sample counter.
    Counter,
    /// Whether Cortex filled the sample in.
    Interpolated,
    /// µV of a sensor.
    Sensor(String),
    /// The raw contact value.
    RawCq,
    /// Whether a hardware trigger came.
    Trigger,
    /// Battery, 0..4.
    Battery,
    /// Contact quality of a sensor, 0..4.
    Contact(String),
    /// Contact quality of all, per cent.
    Overall,
    /// The motion counter.
    MotionCounter,
    /// Whether Cortex filled the motion sample in.
    MotionInterpolated,
    /// A motion value, by its label in `mot`.
    Motion(String),
    /// Nothing that is replayed.
    LeftOut,
}

/// A column of a recording.
pub(super) struct Field {
    /// Its place in a line.
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) role: Role,
}

/// The columns of a recording, those of a role together.
pub(super) struct Header {
    pub(super) fields: Vec<Field>,
    /// A column `P` beside `P8` was taken for `P7`.
    pub(super) renamed: bool,
}

impl Role {
    const fn rank(&self) -> u8 {
        match self {
            Self::Time => 0,
            Self::Counter => 1,
            Self::Interpolated => 2,
            Self::Sensor(_) => 3,
            Self::RawCq => 4,
            Self::Trigger => 5,
            Self::Battery => 6,
            Self::Contact(_) => 7,
            Self::Overall => 8,
            Self::MotionCounter => 9,
            Self::MotionInterpolated => 10,
            Self::Motion(_) => 11,
            Self::LeftOut => 12,
        }
    }
}

/// `key:value` pairs of an export's first line, or `None` if this is no such line.
pub(super) fn metadata(line: &StringRecord) -> Option<BTreeMap<String, String>> {
    let pairs: BTreeMap<String, String> = line
        .iter()
        .filter_map(|field| field.split_once(':'))
        .map(|(key, value)| (key.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    ["headset type", "sampling rate"].iter().any(|key| pairs.contains_key(*key)).then_some(pairs)
}

impl Header {
    /// The meaning of each name, or `None` if there is not one sensor among them.
    pub(super) fn parse(line: &StringRecord) -> Option<Self> {
        let names = names(line);
        let has = |wanted: &str| names.iter().any(|name| name == wanted);
        let renamed = has("P") && has("P8") && !has("P7");
        let role = |name: &str| {
            if renamed && name == "P" { Role::Sensor("P7".into()) } else { role(name) }
        };
        let field = |(place, name): (usize, String)| Field { place, role: role(&name), name };
        let mut fields: Vec<_> = names.into_iter().enumerate().map(field).collect();
        fields.sort_by_key(|field| field.role.rank());
        let sensor = |field: &Field| matches!(field.role, Role::Sensor(_));
        fields.iter().any(sensor).then_some(Self { fields, renamed })
    }

    /// The sensors in the order of their columns.
    pub(super) fn sensors(&self) -> Vec<String> {
        self.labels(|role| match role {
            Role::Sensor(name) => Some(name),
            _ => None,
        })
    }

    /// The labels that a choice of roles carries, in order.
    pub(super) fn labels<'a>(
        &'a self,
        label: impl Fn(&'a Role) -> Option<&'a String>,
    ) -> Vec<String> {
        self.fields.iter().filter_map(|field| label(&field.role)).cloned().collect()
    }

    /// Whether a column has this role.
    pub(super) fn has(&self, role: &Role) -> bool {
        self.fields.iter().any(|field| field.role == *role)
    }

    /// The columns that are not replayed, those of one family together.
    pub(super) fn left_out(&self) -> Vec<String> {
        let mut families: Vec<(&str, usize)> = Vec::new();
        for Field { name, .. } in self.fields.iter().filter(|field| field.role == Role::LeftOut) {
            let family = name.split_once('.').map_or(name.as_str(), |(family, _)| family);
            match families.iter_mut().find(|(known, _)| *known == family) {
                Some((_, count)) => *count += 1,
                None => families.push((family, 1)),
            }
        }
        let told = families.into_iter().map(|(family, count)| match count {
            1 => family.to_owned(),
            _ => format!("{family} ({count} columns)"),
        });
        told.collect()
    }
}

/// The names of a header line; a name in brackets may hold commas (`MARKERS['Blank','Image']`).
fn names(line: &StringRecord) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    for field in line {
        match names.last_mut().filter(|_| open) {
            Some(name) => {
                name.push(',');
                name.push_str(field);
            }
            None => names.push(field.to_owned()),
        }
        open = names.last().is_some_and(|name| name.contains('[') && !name.contains(']'));
    }
    names
}

fn role(name: &str) -> Role {
    const MOTION: [&str; 13] = [
        "Q0", "Q1", "Q2", "Q3", "GYROX", "GYROY", "GYROZ", "ACCX", "ACCY", "ACCZ", "MAGX", "MAGY",
        "MAGZ",
    ];
    if let Some(name) = name.strip_prefix("MOT.") {
        let upper = name.to_uppercase();
        return match upper.as_str() {
            "COUNTERMEMS" => Role::MotionCounter,
            "INTERPOLATEDMEMS" => Role::MotionInterpolated,
            label if MOTION.contains(&label) => Role::Motion(upper),
            _ => Role::LeftOut,
        };
    }
    if let Some(name) = name.strip_prefix("CQ.") {
        return match name {
            "Overall" => Role::Overall,
            name if is_sensor(name) => Role::Contact(name.to_owned()),
            _ => Role::LeftOut,
        };
    }
    let name = name.strip_prefix("EEG.").unwrap_or(name);
    match name.to_lowercase().as_str() {
        "timestamp" => Role::Time,
        "counter" => Role::Counter,
        "interpolated" => Role::Interpolated,
        "rawcq" => Role::RawCq,
        "battery" => Role::Battery,
        "markerhardware" => Role::Trigger,
        "contactquality" => Role::Overall,
        _ if is_sensor(name) => Role::Sensor(name.to_owned()),
        _ => Role::LeftOut,
    }
}

/// Whether a name is a place of the 10-10 system, such as `AF3`, `Pz` or `PO10`.
fn is_sensor(name: &str) -> bool {
    const PLACES: [&str; 15] =
        ["Fp", "FP", "AF", "F", "FT", "FC", "T", "TP", "C", "CP", "P", "PO", "O", "I", "N"];
    let place = name.trim_end_matches(|end: char| end.is_ascii_digit());
    let place = if place == name { place.trim_end_matches('z') } else { place };
    place != name && PLACES.contains(&place)
}
