//! A theme file.

#![no_main]

use cortop::ui::{Colors, Ui, UiOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = cortop_fuzz::folder_with("fuzzed.toml", bytes);
    let options =
        UiOptions { themes: Some(folder.to_owned()), colors: Colors::Rgb, ..UiOptions::default() };
    let (mut ui, _) = Ui::new(&options);
    // A rejected theme has no styles to compare.
    if ui.theme_names().iter().any(|name| name == "fuzzed") {
        assert_eq!(ui.replace_themes(Ui::new(&options).0), [""; 0]);
    }
});
