//! A scenario file; a valid one is run by a simulator.

#![no_main]

use std::{cell::LazyCell, time::Duration};

use cortop_protocol::model::Model;
use cortop_sim::{Injection, Options, Sim, scenario::Scenario};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: LazyCell<Runtime> = LazyCell::new(|| {
        Builder::new_current_thread().enable_all().build().expect("a runtime")
    });
}

fuzz_target!(|text: &str| {
    // `sim.fault` takes the same as JSON.
    let _ = serde_json::from_str::<Injection>(text);
    let Ok(Scenario { injections }) = toml::from_str(text) else { return };
    if injections.is_empty() {
        return;
    }
    let options =
        Options { stepped: true, scenario: injections, ..Options::demo(Model::Insight, 1, 7) };
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            // A scenario with an unknown headset is rejected.
            let Ok(sim) = Sim::start(options).await else { return };
            sim.control().advance(Duration::from_secs(3));
            sim.stop().await;
        });
    });
});
