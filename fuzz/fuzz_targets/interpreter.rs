//! Messages on a socket, one per line: `>` marks those sent by the client, the others are the service's. The
//! events are those that the monitor would get.

#![no_main]

use std::{hint::black_box, time::Instant};

use cortop_client::{Interpreter, Moment, wire::Side};
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let at = Moment { wall: Timestamp::UNIX_EPOCH, instant: Instant::now().into() };
    let mut interpreter = Interpreter::new("ws://127.0.0.1:1");
    interpreter.connected(1);
    for line in text.lines() {
        match line.strip_prefix('>') {
            Some(sent) => interpreter.sent(1, sent, at),
            None => {
                interpreter.received(1, line, at);
            }
        }
        black_box(interpreter.take());
    }
    interpreter.disconnected(1, Side::Service, at);
    black_box(interpreter.take());
});
