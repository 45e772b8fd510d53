//! XDF 1.0, as written by `LabRecorder`: chunks of samples of many streams, each described in XML
//! and with a clock of its own. See github.com/sccn/xdf/wiki/Specifications.

mod chunk;
mod description;
pub(crate) mod reader;
