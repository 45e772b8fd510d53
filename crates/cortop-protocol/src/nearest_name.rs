//! Finds the name that was probably meant by a misspelt one.

/// How many letters may be wrong, missing, extra or swapped.
const MAX_EDITS: usize = 2;

/// The name that was probably meant: one with nearly the same letters, or one that contains the
/// other, or one that is a prefix of the other.
#[must_use]
pub fn nearest_name<'a>(
    names: impl IntoIterator<Item = &'a str>,
    written: &str,
) -> Option<&'a str> {
    let letters = |text: &str| -> String {
        let letters = text.chars().filter(|char| char.is_alphanumeric());
        letters.flat_map(char::to_lowercase).take(64).collect()
    };
    let written = letters(written);
    let within = |a: &str, b: &str| a.len() >= 4 && b.contains(a);
    let distances = names.into_iter().filter_map(|name| {
        let own = letters(name);
        let distance = strsim::damerau_levenshtein(&own, &written);
        let is_near = distance <= MAX_EDITS.min(own.len() / 2)
            || within(&own, &written)
            || within(&written, &own)
            || own.len() >= 3 && written.starts_with(&own);
        is_near.then_some((distance, name))
    });
    distances.min().map(|(_, name)| name)
}

/// A hint for a name that does not exist: the one that was probably meant, or `otherwise`.
#[must_use]
pub fn suggest_or<'a>(
    names: impl IntoIterator<Item = &'a str>,
    written: &str,
    otherwise: impl FnOnce() -> String,
) -> String {
    nearest_name(names, written).map_or_else(otherwise, |name| format!("did you mean {name}?"))
}

/// Like [`suggest_or`], but lists all names if none is near.
#[must_use]
pub fn suggest<'a>(names: impl IntoIterator<Item = &'a str>, written: &str) -> String {
    /// Nobody reads a longer list.
    const LISTED: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    suggest_or(names.iter().copied(), written, || match names.as_slice() {
        [] => "there are none".to_owned(),
        [name] => format!("there is only {name}"),
        names if names.len() <= LISTED => format!("there are {}", names.join(", ")),
        names => format!("none of the {} has a similar name", names.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_was_meant_is_found_and_no_other() {
        let streams = ["eeg", "mot", "dev", "eq", "pow", "met", "com", "fac", "sys"];
        for (written, name) in [
            ("motion", Some("mot")),
            ("EEG", Some("eeg")),
            ("egg", Some("eeg")),
            ("power", Some("pow")),
            ("facialExpression", Some("fac")),
            ("quaternions", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest_name(streams, written), name, "{written}");
        }
        assert_eq!(nearest_name(["push", "pull"], "pushh"), Some("push"));
        assert_eq!(nearest_name(["queryHeadsets"], "qureyHeadset"), Some("queryHeadsets"));
        assert_eq!(suggest(["EPOCX-1", "MN8-2"], "INSIGHT2-9"), "there are EPOCX-1, MN8-2");
        assert_eq!(suggest(["EPOCX-11111111"], "EPOCX-11111112"), "did you mean EPOCX-11111111?");
    }
}
