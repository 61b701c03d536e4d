//! The `OData` envelope: a page of a collection, or a single entity.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use crate::entity::Read;
use crate::property::{Context, Property};
use crate::{Entity, Text};

/// One `OData` response: the entities and, unless it is the last page, the link to the next.
#[derive(Debug, Clone)]
pub struct Page<'a, T> {
    /// The entities, in the order sent; a page in the middle of a collection may be empty.
    pub value: Vec<T>,
    /// `@odata.nextLink`, to be used as it is. It carries a token: never log it.
    pub next_link: Option<Text<'a>>,
}

/// Why a body is no page of the entities asked for.
///
/// Texts name properties and show (shortened) values of numbers and enumerations, never names or
/// ids of people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PageError {
    /// The body is cut or malformed: asking again can help.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but without exactly one `value` array, or with an `error`: asking again can help.
    #[error("the body is not a collection: it has no `value` array, or it reports an error")]
    NotACollection,
    /// JSON, but not an object, or one that reports an `error`: asking again can help.
    #[error("the body is not an entity: it is no object, or it reports an error")]
    NotAnEntity,
    /// A property holds what its type does not allow.
    #[error("property {property} is {found}, expected {expected}")]
    Property {
        /// Graph's name; inside an object `subject/id`.
        property: String,
        /// The value, shortened; only its JSON type where it could name a person.
        found: String,
        /// What the property's type allows.
        expected: &'static str,
    },
    /// An entity without an id: its row would have no key.
    #[error("an entity has no id")]
    MissingId,
}

impl PageError {
    /// Whether the answer was damaged on its way, so that the same request may well succeed.
    pub fn is_damaged(&self) -> bool {
        matches!(
            self,
            Self::NotJson(_) | Self::NotACollection | Self::NotAnEntity
        )
    }

    /// The same without the value that it shows.
    #[must_use]
    pub fn without_value(self) -> Self {
        match self {
            Self::Property {
                property, expected, ..
            } => Self::Property {
                property,
                found: "something else".to_owned(),
                expected,
            },
            other => other,
        }
    }
}

/// Reads one page of a collection from its body.
///
/// Properties of the envelope other than `value` and `@odata.nextLink` are skipped. Property order
/// does not matter. A body that holds `value` or the link twice, or an `error` beside them (`OData`
/// allows a service to report one in a stream it has begun), is damaged.
///
/// # Errors
/// [`PageError`]: see there which of them asking again can help.
pub fn parse_page<'a, T: Entity<'a>>(body: &'a str) -> Result<Page<'a, T>, PageError> {
    read_page(body)
}

/// Reads one page of a collection from its body, each element as its JSON text, whatever it is: so
/// that one element that is refused can be set aside, and the others read one by one with
/// [`parse_entity`].
///
/// The envelope is read as by [`parse_page`].
///
/// # Errors
/// [`PageError`], and none that an element is the reason of.
pub fn parse_raw_page(body: &str) -> Result<Page<'_, &str>, PageError> {
    read_page(body)
}

fn read_page<'a, T: Read<'a>>(body: &'a str) -> Result<Page<'a, T>, PageError> {
    parse(body, PageError::NotACollection, |deserializer, context| {
        deserializer.deserialize_map(Envelope {
            context,
            entity: PhantomData,
        })
    })
}

/// Reads the body of a request for a single entity.
///
/// # Errors
/// [`PageError`], as for [`parse_page`].
pub fn parse_entity<'a, T: Entity<'a>>(body: &'a str) -> Result<T, PageError> {
    let refused = parse(body, PageError::NotAnEntity, |deserializer, context| {
        T::read(deserializer, context)
    });
    match refused {
        Err(PageError::MissingId | PageError::Property { .. }) if !is_answer(body) => {
            Err(PageError::NotAnEntity)
        }
        other => other,
    }
}

/// Whether the body is an object that does not report an error.
fn is_answer(body: &str) -> bool {
    serde_json::from_str::<std::collections::HashMap<Text<'_>, &RawValue>>(body).is_ok_and(
        |object| {
            object
                .get(&Text::from("error"))
                .is_none_or(|it| it.get() == "null")
        },
    )
}

type BodyReader<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

fn parse<'a, T>(
    body: &'a str,
    otherwise: PageError,
    read: impl FnOnce(&mut BodyReader<'a>, Context<'_>) -> serde_json::Result<T>,
) -> Result<T, PageError> {
    let problem = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let error = match read(&mut deserializer, Context::new(&problem)) {
        Ok(value) => match deserializer.end() {
            Ok(()) => return Ok(value),
            Err(error) => error,
        },
        Err(error) => error,
    };
    // A value of a wrong type in a body that is cut later on is damage, too.
    if !error.is_data() {
        return Err(PageError::NotJson(error));
    }
    match serde_json::from_str::<IgnoredAny>(body) {
        Err(error) => Err(PageError::NotJson(error)),
        Ok(_) => Err(problem.take().unwrap_or(otherwise)),
    }
}

struct Envelope<'c, T> {
    context: Context<'c>,
    entity: PhantomData<T>,
}

impl<'a, T: Read<'a>> Visitor<'a> for Envelope<'_, T> {
    type Value = Page<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a `value` array")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut value = None;
        let mut next_link = None;
        while let Some(name) = map.next_key::<Text<'a>>()? {
            match name.as_str() {
                "value" if value.is_none() => {
                    let entities = Entities {
                        context: self.context,
                        entity: PhantomData::<T>,
                    };
                    value = Some(map.next_value_seed(entities)?);
                }
                // `@nextLink` is its spelling in OData 4.01.
                "@odata.nextLink" | "@nextLink" if next_link.is_none() => {
                    let link = Property::<Text<'a>>::new("@odata.nextLink", self.context);
                    next_link = map.next_value_seed(link)?.into_option();
                }
                "error" if map.next_value::<&RawValue>()?.get() == "null" => {}
                "error" | "value" | "@odata.nextLink" | "@nextLink" => {
                    return Err(self.context.stop(PageError::NotACollection));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let value = value.ok_or_else(|| A::Error::custom("no value"))?;
        Ok(Page { value, next_link })
    }
}

/// Entities of a page that the service fills: room for them is made once.
const ENTITIES_PER_PAGE: usize = 100;

struct Entities<'c, T> {
    context: Context<'c>,
    entity: PhantomData<T>,
}

impl<'a, T: Read<'a>> DeserializeSeed<'a> for Entities<'_, T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'a, T: Read<'a>> Visitor<'a> for Entities<'_, T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
        let mut entities = Vec::with_capacity(ENTITIES_PER_PAGE);
        while let Some(entity) = seq.next_element_seed(One {
            context: self.context,
            entity: PhantomData::<T>,
        })? {
            entities.push(entity);
        }
        Ok(entities)
    }
}

struct One<'c, T> {
    context: Context<'c>,
    entity: PhantomData<T>,
}

impl<'a, T: Read<'a>> DeserializeSeed<'a> for One<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer, self.context)
    }
}

#[cfg(test)]
mod tests;
