//! A config file.

#![no_main]

use cortop::{
    cli::{DisplayArgs, ServiceArgs},
    config::{self, Changes, Sources},
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let file = cortop_fuzz::folder_with("config.toml", bytes).join("config.toml");
    let sources = Sources { env: &|_| None, file: Some(file), keyring: &|| None };
    if let Ok(config) = config::load(&ServiceArgs::default(), &DisplayArgs::default(), &sources) {
        let _ = config.client();
        assert_eq!(Changes::between(&config, &config), Changes::default());
    }
});
