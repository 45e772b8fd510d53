//! EDF, EDF+, BDF and BDF+: a header of ASCII fields, then data records of whole numbers, signal by
//! signal. The plus formats contain annotations, one of which gives the time of each record. See
//! edfplus.info for the fields.

pub mod annotation;
pub mod header;
pub(crate) mod reader;
pub mod signals;
pub mod writer;
