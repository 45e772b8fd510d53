//! Readers and writers of the files in which EEG is kept. Knows what the streams of the Cortex API
//! hold, and no socket, no clock and no headset.
//!
//! ```text
//! reader     opens a recording, to be read row by row
//!  ├─ csv_reader    EmotivPRO's exports and other tables: cell, cell_layout; marker_file beside them
//!  ├─ edf           EDF, EDF+, BDF+: header, annotations, signals, reader, writer
//!  ├─ xdf           what LabRecorder writes
//!  └─ header        what the names of columns, signals and channels mean
//! capture    what crossed a socket, as JSON lines: reader, writer
//! recording, row                 what readers yield
//! csv_writer, marker_writer      EmotivPRO's columns, and the files of markers beside them
//! input, members, zstd  files, standard input, compressed or not
//! ```

pub mod capture;
mod cell;
mod cell_layout;
mod csv_reader;
pub mod csv_writer;
pub mod edf;
pub mod header;
mod input;
pub mod json_lines;
mod lines;
mod marker_file;
pub mod marker_writer;
mod members;
pub mod output_file;
pub mod reader;
pub mod recorder;
pub mod recording;
pub mod row;
mod xdf;
mod zstd;
