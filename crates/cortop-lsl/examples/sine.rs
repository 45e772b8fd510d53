//! Serves 32 channels at 256 Hz and echoes the markers that it finds, until it is terminated.
use std::{f64::consts::TAU, time::Duration};

use cortop_lsl::{
    ChannelFormat, ChannelValues, Element, Inlet, InletEvent, Network, Outlet, Server, StreamInfo,
    local_clock,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(Network::loopback())?;
    let outlet = |name: &str, content: &str, channels, nominal_rate, format| {
        let labels = (0..channels)
            .map(|at| Element::new("channel").with(Element::leaf("label", format!("C{at}"))));
        Outlet::new(
            &server,
            StreamInfo {
                name: name.to_owned(),
                content: content.to_owned(),
                channels,
                nominal_rate,
                format,
                source_id: format!("cortop-lsl example {name}"),
                description: Element::new("desc").with(Element::new("channels").with_all(labels)),
            },
        )
    };
    let sine = outlet("sine", "EEG", 32, 256.0, ChannelFormat::Float32)?;
    let echo = outlet("echo", "Echo", 1, 0.0, ChannelFormat::String)?;
    let mut markers = Inlet::spawn(Network::loopback(), "type='Markers'".to_owned(), 100);
    let mut ticks = tokio::time::interval(Duration::from_nanos(1_000_000_000 / 256));
    let mut count = 0_u32;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let phase = f64::from(count) / 25.6 * TAU;
                let row: Vec<f64> = (0..32_u32).map(|at| if at == 0 { f64::from(count) } else {
                    (phase + f64::from(at)).sin()
                }).collect();
                count += 1;
                sine.push(local_clock(), &row)?;
                sine.flush();
            }
            Some(event) = markers.events.recv() => match event {
                InletEvent::Sample { time, uncertainty, values } => {
                    println!("{values:?} {:.6} ago ± {uncertainty:.6}", local_clock() - time);
                    if let ChannelValues::Texts(texts) = values {
                        echo.push_texts(time, &[&texts[0]])?;
                        echo.flush();
                    }
                }
                event => println!("{event:?}"),
            }
        }
    }
}
