//! A tree of fields, written as protobuf or as the JSON that stands for it.

use std::fmt::Write;

use serde_json::{Map, Value as Json};

/// How a message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// `http/protobuf`, which every collector takes.
    #[default]
    Protobuf,
    /// `http/json`.
    Json,
}

/// Fields by their number and their name in JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Message(Vec<(u32, &'static str, Value)>);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Text(String),
    /// Hexadecimal in JSON: only identifiers are bytes in OTLP.
    Bytes(Vec<u8>),
    /// `fixed64`; a string in JSON.
    Fixed(u64),
    /// `int64`; a string in JSON.
    Int(i64),
    /// An enumeration, or another small number.
    Small(u32),
    Double(f64),
    One(Message),
    Many(Vec<Message>),
}

impl Message {
    /// The same with a further field.
    pub(super) fn with(mut self, number: u32, name: &'static str, value: Value) -> Self {
        self.0.push((number, name, value));
        self
    }

    fn json(&self) -> Json {
        let fields = self.0.iter();
        let fields = fields.map(|(_, name, value)| ((*name).to_owned(), value.json()));
        Json::Object(fields.collect::<Map<_, _>>())
    }

    fn protobuf(&self) -> Vec<u8> {
        let mut to = Vec::new();
        for (number, _, value) in &self.0 {
            value.protobuf(*number, &mut to);
        }
        to
    }
}

impl Value {
    fn json(&self) -> Json {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => hex(bytes).into(),
            Self::Fixed(number) => number.to_string().into(),
            Self::Int(number) => number.to_string().into(),
            Self::Small(number) => (*number).into(),
            Self::Double(number) => (*number).into(),
            Self::One(message) => message.json(),
            Self::Many(messages) => messages.iter().map(Message::json).collect(),
        }
    }

    fn protobuf(&self, number: u32, to: &mut Vec<u8>) {
        const VARINT: u32 = 0;
        const EIGHT_BYTES: u32 = 1;
        let key = |kind: u32| u64::from(number << 3 | kind);
        match self {
            Self::Text(text) => length_delimited(number, text.as_bytes(), to),
            Self::Bytes(bytes) => length_delimited(number, bytes, to),
            Self::Fixed(value) => {
                varint(key(EIGHT_BYTES), to);
                to.extend(value.to_le_bytes());
            }
            Self::Double(value) => {
                varint(key(EIGHT_BYTES), to);
                to.extend(value.to_le_bytes());
            }
            Self::Int(value) => {
                varint(key(VARINT), to);
                varint(value.cast_unsigned(), to);
            }
            Self::Small(value) => {
                varint(key(VARINT), to);
                varint((*value).into(), to);
            }
            Self::One(message) => length_delimited(number, &message.protobuf(), to),
            Self::Many(messages) => {
                for message in messages {
                    length_delimited(number, &message.protobuf(), to);
                }
            }
        }
    }
}

fn length_delimited(number: u32, bytes: &[u8], to: &mut Vec<u8>) {
    const LENGTH_DELIMITED: u32 = 2;
    varint(u64::from(number << 3 | LENGTH_DELIMITED), to);
    varint(bytes.len() as u64, to);
    to.extend_from_slice(bytes);
}

/// Seven bits a byte, the lowest first.
#[expect(
    clippy::cast_possible_truncation,
    reason = "seven bits are kept, on purpose"
)]
fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

impl Encoding {
    /// As `OTEL_EXPORTER_OTLP_PROTOCOL` names it; `grpc` is not spoken here.
    pub fn parse(name: &str) -> Option<Self> {
        match name.trim() {
            "http/protobuf" => Some(Self::Protobuf),
            "http/json" => Some(Self::Json),
            _ => None,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => "application/x-protobuf",
            Self::Json => "application/json",
        }
    }

    pub(super) fn encode(self, message: &Message) -> Vec<u8> {
        match self {
            Self::Protobuf => message.protobuf(),
            Self::Json => message.json().to_string().into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protobuf_is_as_its_specification_shows() {
        let message = Message::default()
            .with(1, "a", Value::Int(150))
            .with(2, "b", Value::Text("testing".to_owned()))
            .with(
                3,
                "c",
                Value::One(Message::default().with(1, "a", Value::Small(150))),
            )
            .with(16, "d", Value::Fixed(1))
            .with(4, "e", Value::Int(-1));
        let shown = "089601120774657374696e671a03089601\
                     8101010000000000000020ffffffffffffffffff01";
        assert_eq!(hex(&message.protobuf()), shown);
    }

    #[test]
    fn json_writes_long_numbers_as_text_and_identifiers_in_hexadecimal() {
        let inner = Message::default().with(1, "kind", Value::Small(3));
        let message = Message::default()
            .with(1, "traceId", Value::Bytes(vec![0x0a, 0xff]))
            .with(2, "time", Value::Fixed(u64::MAX))
            .with(3, "spans", Value::Many(vec![inner]));
        let text = r#"{"traceId":"0aff","time":"18446744073709551615","spans":[{"kind":3}]}"#;
        let wanted: Json = serde_json::from_str(text).unwrap();
        assert_eq!(message.json(), wanted);
    }
}
