//! What a request asked for by its query.

use lcw_simulator::RequestRecord;

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
