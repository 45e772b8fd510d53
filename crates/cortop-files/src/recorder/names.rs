//! The names of a recording's files.

use std::path::{Path, PathBuf};

use cortop_protocol::{HeadsetId, sanitize::floor_char_boundary};
use jiff::Zoned;

/// The most bytes of a title or a subject in a name: with both of them, a name has at most 255, the
/// limit of file systems.
const LONGEST: usize = 80;

/// A text as part of a file name.
#[must_use]
pub fn name_part(text: &str) -> String {
    let sound = |c: char| if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.') { c } else { '_' };
    let text = text.trim();
    let text = &text[..floor_char_boundary(text, LONGEST)];
    let name: String = text.chars().map(sound).collect();
    name.trim_start_matches('.').to_owned()
}

/// A path in a folder without extension, from title, subject, headset and time, such that no file
/// has this name with any of the extensions.
pub(super) fn stem(
    folder: &Path,
    (title, subject): (&str, &str),
    headset: &HeadsetId,
    begun: &Zoned,
    endings: &[&str],
) -> PathBuf {
    let headset = name_part(&headset.as_str().replace('-', "_"));
    let begun = begun.strftime("%Y.%m.%dT%H.%M.%S%:z").to_string().replace(':', ".");
    let parts = [name_part(title), name_part(subject), headset, begun];
    let name = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_");
    free(folder, &name, endings)
}

/// A path in a folder that no file has with any of the extensions: the name itself, or with a
/// number appended.
pub(super) fn free(folder: &Path, name: &str, endings: &[&str]) -> PathBuf {
    let is_free = |stem: &PathBuf| {
        endings.iter().all(|ending| with_ending(stem, ending).symlink_metadata().is_err())
    };
    let numbered = (2..10_000).map(|number| folder.join(format!("{name}_{number}")));
    let mut stems = std::iter::once(folder.join(name)).chain(numbered);
    stems.find(is_free).unwrap_or_else(|| folder.join(name))
}

/// A path with an extension.
pub(super) fn with_ending(stem: &Path, ending: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_harmless_and_never_taken() {
        let folder = tempfile::tempdir().unwrap();
        let begun: Zoned = "2026-01-09T08:10:11+01:00[+01:00]".parse().unwrap();
        let stem = || {
            let title = ("../eyes: open", "");
            stem(folder.path(), title, &"EPOCX-1A".into(), &begun, &[".csv", ".edf"])
        };
        let name = "_eyes_ open_EPOCX_1A_2026.01.09T08.10.11+01.00";
        assert_eq!(stem(), folder.path().join(name));
        std::fs::write(folder.path().join(format!("{name}.edf")), "").unwrap();
        assert_eq!(stem(), folder.path().join(format!("{name}_2")));
        // Three bytes each.
        let long = "睡".repeat(200);
        let own = super::stem(folder.path(), (&long, &long), &"EPOCX-1A".into(), &begun, &[]);
        let own = own.file_name().unwrap().to_str().unwrap().to_owned() + "_intervalMarker.csv";
        assert!(own.len() <= 255 && own.starts_with("睡睡睡"), "{own}");
    }
}
