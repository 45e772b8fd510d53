//! Input from the network over Lab Streaming Layer. The first byte chooses its kind: information over UDP, a
//! request, or an answer with samples in one of the formats.

#![no_main]

use std::cell::LazyCell;

use cortop_lsl::fuzzing;
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: LazyCell<Runtime> =
        LazyCell::new(|| Builder::new_current_thread().build().expect("a runtime"));
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, rest)) = bytes.split_first() else { return };
    RUNTIME.with(|runtime| match kind {
        b'i' => {
            if let Ok(text) = str::from_utf8(rest) {
                fuzzing::datagram(text);
            }
        }
        b'r' => runtime.block_on(fuzzing::request(rest)),
        format => {
            let channels = if format % 2 == 0 { 1 } else { 1024 };
            runtime.block_on(fuzzing::answer(rest, usize::from(format / 2), channels));
        }
    });
});
