//! Readers and writers of the files in which EEG is kept. Knows what the streams of the Cortex API
//! hold, and no socket, no clock and no headset.
//!
//! ```text
//! edf        EDF, EDF+, BDF+: header, annotations, writer
//! ```

pub mod edf;
