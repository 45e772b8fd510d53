//! The names of the performance metrics (§5.7): in the columns of `met`, in the session object, and in
//! exported files.

/// The names of one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricName {
    /// The label in the columns of `met`.
    pub label: &'static str,
    /// The name in words, as in a session object (§4.2).
    pub name: &'static str,
    /// A two-letter abbreviation.
    pub short: &'static str,
    /// The label in the columns of an exported file (§3.4).
    pub exported: &'static str,
}

const fn row(
    label: &'static str,
    name: &'static str,
    short: &'static str,
    exported: &'static str,
) -> MetricName {
    MetricName { label, name, short, exported }
}

/// All known metrics.
pub const METRICS: [MetricName; 11] = [
    row("attention", "Attention", "At", "Attention"),
    row("eng", "Engagement", "En", "Engagement"),
    row("exc", "Excitement", "Ex", "Excitement"),
    row("lex", "Long term excitement", "LE", "LongTermExcitement"),
    row("str", "Stress", "St", "Stress"),
    row("rel", "Relaxation", "Re", "Relaxation"),
    row("int", "Interest", "In", "Interest"),
    row("foc", "Focus", "Fo", "Focus"),
    row("cognitiveStress", "Cognitive Stress", "CS", "CognitiveStress"),
    row("visualAttention", "Visual Attention", "VA", "VisualAttention"),
    row("auditoryAttention", "Auditory Attention", "AA", "AuditoryAttention"),
];

/// The suffix of a column's label that tells whether the metric is being measured (§5.7).
pub const IS_ACTIVE: &str = ".isActive";

impl MetricName {
    /// The metric of a column of `met`.
    #[must_use]
    pub fn of_label(label: &str) -> Option<&'static Self> {
        METRICS.iter().find(|own| own.label == label)
    }

    /// The metric of a column of an exported file; upper or lower case.
    #[must_use]
    pub fn of_export(exported: &str) -> Option<&'static Self> {
        METRICS.iter().find(|own| own.exported.eq_ignore_ascii_case(exported))
    }
}
