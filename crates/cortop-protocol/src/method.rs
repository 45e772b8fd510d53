//! The methods of the Cortex API (§3): the only place that spells their names.

/// A method of the Cortex API. Its [`name`](Self::name) is its name on the wire.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "camelCase")]
#[expect(missing_docs, reason = "the variants are the names of §3, which describes them")]
pub enum Method {
    // Authentication (§3.1)
    GetCortexInfo,
    GetUserLogin,
    HasAccessRight,
    RequestAccess,
    Authorize,
    GenerateNewToken,
    GetUserInformation,
    GetLicenseInfo,
    // Headsets (§3.2)
    ControlDevice,
    QueryHeadsets,
    ConfigMapping,
    UpdateHeadset,
    UpdateHeadsetCustomInfo,
    SyncWithHeadsetClock,
    // Sessions and data (§3.3)
    CreateSession,
    UpdateSession,
    QuerySessions,
    Subscribe,
    Unsubscribe,
    // Records (§3.4)
    CreateRecord,
    StopRecord,
    UpdateRecord,
    DeleteRecord,
    ExportRecord,
    QueryRecords,
    GetRecordInfos,
    ConfigOptOut,
    RequestToDownloadRecordData,
    // Markers (§3.5)
    InjectMarker,
    UpdateMarker,
    // Subjects (§3.6)
    CreateSubject,
    UpdateSubject,
    DeleteSubjects,
    QuerySubjects,
    GetDemographicAttributes,
    // Profiles and training (§3.7)
    QueryProfile,
    GetCurrentProfile,
    SetupProfile,
    LoadGuestProfile,
    GetDetectionInfo,
    Training,
    // Advanced BCI (§3.8)
    GetTrainedSignatureActions,
    GetTrainingTime,
    FacialExpressionSignatureType,
    FacialExpressionThreshold,
    MentalCommandActiveAction,
    MentalCommandBrainMap,
    MentalCommandGetSkillRating,
    MentalCommandTrainingThreshold,
    MentalCommandActionSensitivity,
}

impl Method {
    /// The name on the wire, such as `createSession`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        <Self as strum::VariantArray>::VARIANTS.iter().copied().find(|own| own.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn names_are_spelt_as_in_the_reference() {
        assert_eq!(Method::GetCortexInfo.name(), "getCortexInfo");
        assert_eq!("syncWithHeadsetClock".parse(), Ok(Method::SyncWithHeadsetClock));
        let reference = include_str!("../../../docs/protocol.md");
        for method in Method::VARIANTS {
            assert!(reference.contains(method.name()), "{method} is not in the reference");
        }
    }
}
