//! Readers and writers of EEG files. A reader returns a recording row by row; start with
//! [`reader::open`]. Knows what the streams of the Cortex API contain; independent of sockets,
//! clocks and headsets.
//!
//! ```text
//! reader     opens a recording, to be read row by row
//!  ├─ csv_reader    EmotivPRO's exports and other tables: cell, cell_layout; and their marker_file
//!  ├─ edf           EDF, EDF+, BDF+: header, annotations, signals, reader, writer
//!  ├─ xdf           what LabRecorder writes
//!  └─ header        the meaning of column, signal and channel names
//! capture    what crossed a socket, as JSON lines: reader, writer, and as a recording
//! recorder   a sink that records headsets: CSV, EDF, BDF, JSON lines, BIDS
//! recording, row                 what readers return
//! csv_writer, marker_writer      EmotivPRO's columns, and the marker files beside them
//! json_lines  output_file        samples as JSON lines; files that are complete at every moment
//! input, lines, members, zstd    files or standard input, compressed or not
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
