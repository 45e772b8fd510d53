//! The information about a stream that is sent in answers, in all required forms.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Element, OutletInfo, StreamInfo};

/// A stream's information, which can be replaced.
#[derive(Debug)]
pub(crate) struct Published(Mutex<Arc<Information>>);

/// A stream's information.
#[derive(Debug)]
pub(crate) struct Information {
    /// For queries.
    pub(crate) element: Element,
    /// Without the description, as XML.
    pub(crate) short: String,
    /// Complete, as XML.
    pub(crate) full: String,
}

impl Published {
    pub(crate) fn new(info: &StreamInfo, outlet: &OutletInfo) -> Self {
        Self(Mutex::new(Arc::new(Information::new(info, outlet))))
    }

    /// The current information.
    pub(crate) fn get(&self) -> Arc<Information> {
        Arc::clone(&self.lock())
    }

    /// Replaces the information.
    pub(crate) fn set(&self, info: &StreamInfo, outlet: &OutletInfo) {
        let new = Arc::new(Information::new(info, outlet));
        *self.lock() = new;
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Information>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Information {
    fn new(info: &StreamInfo, outlet: &OutletInfo) -> Self {
        let element = info.element(outlet, true);
        let short = info.element(outlet, false).to_xml();
        let full = element.to_xml();
        Self { element, short, full }
    }
}
