//! Metrics as data: what is measured, under which labels, and the number.

/// What a metric is. Its name carries its unit, as is the custom with Prometheus.
#[derive(Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name, ending with its unit.
    pub name: &'static str,
    /// What it means, for whoever meets it in a browser of metrics.
    pub help: &'static str,
    /// Whether it outlives an export that knows no new value, like the moment of the last success.
    pub outlives: bool,
}

/// One number.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Labels in their order: never anything about people.
    pub labels: Vec<(String, String)>,
    /// The number; moments are in seconds since 1970 UTC.
    pub value: f64,
}

impl Sample {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// All numbers of one metric. Every one is a gauge: an export counts anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// What they mean.
    pub definition: &'static Definition,
    /// The numbers.
    pub samples: Vec<Sample>,
}
