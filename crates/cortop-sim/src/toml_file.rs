//! Reads TOML files.

use std::{fs, path::Path};

use color_eyre::{
    Result,
    eyre::{WrapErr as _, eyre},
};
use serde::de::DeserializeOwned;

/// Reads a TOML file of kind `what`, given with `flag`; `hint` describes its content.
///
/// # Errors
/// It cannot be read or is not valid: toml's own text, which shows the position.
pub(super) fn read<T: DeserializeOwned>(
    path: &Path,
    what: &str,
    flag: &str,
    hint: &str,
) -> Result<T> {
    let name = path.display();
    let text = fs::read_to_string(path).wrap_err_with(|| {
        format!("cannot read the {what} file {name}; check the path given to {flag}")
    })?;
    toml::from_str(&text)
        .map_err(|error| eyre!("the {what} file {name} is not valid:\n{error}\nfix it; {hint}"))
}
