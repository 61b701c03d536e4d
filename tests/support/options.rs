//! What is asked of the user processing results, and what a request asked for by its query.

use lcw_extractor::query::ResultQuery;
use lcw_simulator::{Endpoint, RequestRecord, Simulator};

/// The options as users write them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Properties.
    pub select: Option<&'a str>,
    /// A condition.
    pub filter: Option<&'a str>,
    /// An order.
    pub orderby: Option<&'a str>,
    /// Relationships.
    pub expand: Option<&'a str>,
}

impl Asked<'_> {
    /// The query that they make.
    pub fn query(&self) -> ResultQuery {
        ResultQuery::parse(self.select, self.filter, self.orderby, self.expand).unwrap()
    }
}

/// The first pages of results that were asked for since the last reset; there are some.
pub fn first_pages_of_results(tenant: &Simulator) -> Vec<RequestRecord> {
    let mut records = tenant.requests();
    records.retain(|record| record.endpoint == Endpoint::RunResults && !record.is_next_page());
    assert!(!records.is_empty());
    records
}

/// The value of one option of a request's query, decoded: `$filter`, `$select`.
pub fn option(record: &RequestRecord, name: &str) -> Option<String> {
    let options = record.query.split('&');
    let mut pairs = options.filter_map(|option| option.split_once('='));
    let (_, value) = pairs.find(|(key, _)| decoded(key) == name)?;
    Some(decoded(value))
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut out = Vec::new();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
        let digits = std::str::from_utf8(&digits).unwrap();
        out.push(u8::from_str_radix(digits, 16).unwrap());
    }
    String::from_utf8(out).unwrap()
}
