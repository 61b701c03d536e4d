//! Reading one property: its kinds, and errors that name it.

mod key;

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{Field, PageError, Text, shortened};

pub(crate) use key::Key;

/// Where in the answer the reader is, and the slot for what it refuses.
///
/// serde's errors carry text only; the slot carries property and value as data past them.
#[derive(Clone, Copy)]
pub struct Context<'c> {
    parent: Option<&'static str>,
    problem: &'c RefCell<Option<PageError>>,
}

impl<'c> Context<'c> {
    pub(crate) fn new(problem: &'c RefCell<Option<PageError>>) -> Self {
        Self {
            parent: None,
            problem,
        }
    }

    /// The context of the properties of the object that `property` holds.
    fn inside(self, property: &'static str) -> Self {
        Self {
            parent: Some(property),
            ..self
        }
    }

    /// Notes why reading stops.
    pub(crate) fn stop<E: de::Error>(self, error: PageError) -> E {
        *self.problem.borrow_mut() = Some(error);
        E::custom("refused")
    }

    /// Notes a value of the wrong type. Inside an object (a person, mostly) only the type is told.
    pub(crate) fn refuse<E: de::Error>(
        self,
        property: &str,
        found: Found<'_>,
        expected: &'static str,
    ) -> E {
        let (property, found) = match self.parent {
            Some(parent) => (format!("{parent}/{property}"), found.kind().to_owned()),
            None => (property.to_owned(), found.to_string()),
        };
        self.stop(PageError::Property {
            property,
            found,
            expected,
        })
    }
}

/// A value that does not fit its property.
#[derive(Clone, Copy)]
pub(crate) enum Found<'a> {
    Null,
    Boolean(bool),
    Number(&'a dyn fmt::Display),
    /// Never shown: text may name a person.
    String,
    Array,
    Object,
    /// Something whose JSON type is all that is told.
    Kind(&'static str),
    /// JSON text of a property that holds no personal data.
    Raw(&'a str),
}

impl Found<'_> {
    /// What it is, without what it says.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
            Self::Kind(kind) => kind,
            Self::Raw(text) => match text.as_bytes().first() {
                Some(b'n') => "null",
                Some(b't' | b'f') => "a boolean",
                Some(b'"') => "a string",
                Some(b'[') => "an array",
                Some(b'{') => "an object",
                _ => "a number",
            },
        }
    }
}

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Raw(text) => f.write_str(&shortened(text)),
            other => f.write_str(other.kind()),
        }
    }
}

/// A JSON value that a property can hold.
pub(crate) trait Kind<'a>: Sized {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Field<Self>, D::Error>;
}

/// Reads the value of the property `name`.
pub(crate) struct Property<'c, K> {
    name: &'static str,
    context: Context<'c>,
    kind: PhantomData<K>,
}

impl<'c, K> Property<'c, K> {
    pub(crate) fn new(name: &'static str, context: Context<'c>) -> Self {
        Self {
            name,
            context,
            kind: PhantomData,
        }
    }
}

impl<'a, K: Kind<'a>> DeserializeSeed<'a> for Property<'_, K> {
    type Value = Field<K>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Field<K>, D::Error> {
        K::read(deserializer, self.name, self.context)
    }
}

/// Visits of the JSON types that a property does not take.
macro_rules! refuse {
    (bool) => {
        fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
            Err(self.refuse(Found::Boolean(value)))
        }
    };
    (numbers) => {
        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
            Err(self.refuse(Found::Number(&value)))
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
            Err(self.refuse(Found::Number(&value)))
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
            Err(self.refuse(Found::Number(&value)))
        }
    };
    (str) => {
        fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Err(self.refuse(Found::String))
        }
    };
    (seq) => {
        fn visit_seq<A: SeqAccess<'a>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(self.refuse(Found::Array))
        }
    };
    (map) => {
        fn visit_map<A: MapAccess<'a>>(self, _: A) -> Result<Self::Value, A::Error> {
            Err(self.refuse(Found::Object))
        }
    };
}

impl<'a> Kind<'a> for Text<'a> {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Field<Self>, D::Error> {
        deserializer.deserialize_any(TextOrNull { name, context })
    }
}

struct TextOrNull<'c> {
    name: &'static str,
    context: Context<'c>,
}

impl TextOrNull<'_> {
    fn refuse<E: de::Error>(self, found: Found<'_>) -> E {
        self.context.refuse(self.name, found, "a string")
    }
}

impl<'a> Visitor<'a> for TextOrNull<'_> {
    type Value = Field<Text<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Field::Value(Text::from(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Field::Value(Text::from(text.to_owned())))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    refuse!(bool);
    refuse!(numbers);
    refuse!(seq);
    refuse!(map);
}

impl<'a> Kind<'a> for &'a RawValue {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        _: &'static str,
        _: Context<'_>,
    ) -> Result<Field<Self>, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?;
        Ok(if raw.get() == "null" {
            Field::Null
        } else {
            Field::Value(raw)
        })
    }
}

const A_WHOLE_NUMBER: &str = "a whole number of 32 bits";

/// Reads a number or boolean from its JSON text.
fn from_raw<'a, T: std::str::FromStr, D: Deserializer<'a>>(
    deserializer: D,
    name: &'static str,
    context: Context<'_>,
    expected: &'static str,
) -> Result<Field<T>, D::Error> {
    let raw = <&'a RawValue>::deserialize(deserializer)?.get();
    match raw.parse() {
        Ok(value) => Ok(Field::Value(value)),
        Err(_) if raw == "null" => Ok(Field::Null),
        Err(_) => Err(context.refuse(name, Found::Raw(raw), expected)),
    }
}

impl<'a> Kind<'a> for i32 {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Field<Self>, D::Error> {
        from_raw(deserializer, name, context, A_WHOLE_NUMBER)
    }
}

impl<'a> Kind<'a> for bool {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Field<Self>, D::Error> {
        from_raw(deserializer, name, context, "true or false")
    }
}

/// An object whose properties are read one by one, as they come.
pub(crate) trait Properties<'a>: Default {
    /// Takes the value of the property `name` out of `map`.
    fn set<A: MapAccess<'a>>(
        &mut self,
        name: Text<'a>,
        map: &mut A,
        context: Context<'_>,
    ) -> Result<(), A::Error>;
}

/// Reads an object, or null where the property allows it.
pub(crate) struct Object<'c, T> {
    name: &'static str,
    context: Context<'c>,
    of: PhantomData<T>,
}

impl<'c, T> Object<'c, T> {
    /// The object that the property `name` holds.
    pub(crate) fn nested(name: &'static str, context: Context<'c>) -> Self {
        Self {
            name,
            context,
            of: PhantomData,
        }
    }

    fn refuse<E: de::Error>(self, found: Found<'_>) -> E {
        let found = Found::Kind(found.kind());
        self.context.refuse(self.name, found, "an object")
    }
}

impl<'a, T: Properties<'a>> Visitor<'a> for Object<'_, T> {
    type Value = Field<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or null")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        read_properties(&mut map, self.context.inside(self.name)).map(Field::Value)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Field::Null)
    }

    refuse!(bool);
    refuse!(numbers);
    refuse!(str);
    refuse!(seq);
}

/// Reads an element of a collection, or a single entity: an object.
pub(crate) struct Element<'c, T> {
    context: Context<'c>,
    of: PhantomData<T>,
}

impl<'c, T> Element<'c, T> {
    pub(crate) fn new(context: Context<'c>) -> Self {
        Self {
            context,
            of: PhantomData,
        }
    }

    fn refuse<E: de::Error>(self, found: Found<'_>) -> E {
        self.context
            .refuse("value", Found::Kind(found.kind()), "an object")
    }
}

impl<'a, T: Properties<'a>> Visitor<'a> for Element<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<T, A::Error> {
        read_properties(&mut map, self.context)
    }

    fn visit_unit<E: de::Error>(self) -> Result<T, E> {
        Err(self.refuse(Found::Null))
    }

    refuse!(bool);
    refuse!(numbers);
    refuse!(str);
    refuse!(seq);
}

fn read_properties<'a, T: Properties<'a>, A: MapAccess<'a>>(
    map: &mut A,
    context: Context<'_>,
) -> Result<T, A::Error> {
    let mut object = T::default();
    while let Some(name) = map.next_key::<Text<'a>>()? {
        object.set(name, map, context)?;
    }
    Ok(object)
}
