//! What the entities have in common, and the declaration of one.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::value::RawValue;

use crate::property::{Context, Kind};
use crate::{Field, Text};

/// Properties without a field: name and original JSON text, in the order sent.
///
/// Names that contain `@odata.` are left out. A name that came twice is here twice; the last one
/// counts, as it does for the properties with a field.
pub type Extra<'a> = Vec<(Text<'a>, &'a RawValue)>;

/// Reading is this crate's business; which entities there are is not open.
pub trait Read<'a>: Sized {
    /// Reads one JSON value.
    fn read<D: Deserializer<'a>>(deserializer: D, context: Context<'_>) -> Result<Self, D::Error>;
}

/// Any JSON value, as its text.
impl<'a> Read<'a> for &'a str {
    fn read<D: Deserializer<'a>>(deserializer: D, _: Context<'_>) -> Result<Self, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(RawValue::get)
    }
}

/// An entity of Lifecycle Workflows that [`parse_page`](crate::parse_page) and
/// [`parse_entity`](crate::parse_entity) can read.
pub trait Entity<'a>: Read<'a> {
    /// Graph's names of the properties that have a field.
    const PROPERTIES: &'static [&'static str];
    /// Graph's names of the properties that its metadata defines (v1.0 and beta, August 2026) and
    /// that have no field: they are kept in `extra`, and are no news.
    const WITHOUT_FIELD: &'static [&'static str];

    /// The properties without a field.
    fn extra(&self) -> &Extra<'a>;

    /// Whether Graph's metadata defines a property of this name.
    fn knows(property: &str) -> bool {
        Self::PROPERTIES.contains(&property) || Self::WITHOUT_FIELD.contains(&property)
    }

    /// Names in this answer that Graph's metadata does not define: what the service has added.
    fn unknown_properties<'s>(&'s self) -> impl Iterator<Item = &'s str>
    where
        'a: 's,
    {
        self.extra()
            .iter()
            .map(|(name, _)| name.as_str())
            .filter(|name| !Self::knows(name))
    }
}

/// An entity, or an object that a property holds, with its JSON text exactly as it was sent.
#[derive(Debug, Clone)]
pub struct WithRaw<'a, T> {
    /// The entity or object.
    pub entity: T,
    /// From `{` to `}`, whitespace and escapes included.
    pub raw: &'a str,
}

impl<'a, T: Entity<'a>> Read<'a> for WithRaw<'a, T> {
    fn read<D: Deserializer<'a>>(deserializer: D, context: Context<'_>) -> Result<Self, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        let entity = T::read(&mut serde_json::Deserializer::from_str(raw), context)
            .map_err(D::Error::custom)?;
        Ok(Self { entity, raw })
    }
}

impl<'a, T: Entity<'a>> Entity<'a> for WithRaw<'a, T> {
    const PROPERTIES: &'static [&'static str] = T::PROPERTIES;
    const WITHOUT_FIELD: &'static [&'static str] = T::WITHOUT_FIELD;

    fn extra(&self) -> &Extra<'a> {
        self.entity.extra()
    }
}

impl<'a, T: Kind<'a>> Kind<'a> for WithRaw<'a, T> {
    fn read<D: Deserializer<'a>>(
        deserializer: D,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Field<Self>, D::Error> {
        let raw = <&'a RawValue>::deserialize(deserializer)?.get();
        let object = T::read(&mut serde_json::Deserializer::from_str(raw), name, context)
            .map_err(D::Error::custom)?;
        Ok(object.map(|entity| Self { entity, raw }))
    }
}

/// Declares an object of the answer: each property once, with its field, its kind and Graph's
/// name.
///
/// `with key`, it is an entity that must have that key (its id, or a number where it has none);
/// without, an object that a property of an entity holds.
macro_rules! object {
    (
        $(#[$doc:meta])*
        pub struct $Name:ident
            $(with key $key:ident: $Key:ty = $key_name:literal: $key_doc:literal)? {
            $($field:ident: $Kind:ty = $name:literal: $field_doc:literal,)*
        }
        without field: $others:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub struct $Name<'a> {
            $(#[doc = $key_doc] pub $key: $Key,)?
            $(#[doc = $field_doc] pub $field: $crate::Field<$Kind>,)*
            /// Properties without a field.
            pub extra: $crate::Extra<'a>,
        }

        impl<'a> $crate::property::Properties<'a> for $Name<'a> {
            #[allow(unused_variables, reason = "an object without fields needs no context")]
            fn set<A: serde::de::MapAccess<'a>>(
                &mut self,
                name: $crate::Text<'a>,
                map: &mut A,
                context: $crate::property::Context<'_>,
            ) -> Result<(), A::Error> {
                match name.as_str() {
                    $($key_name => {
                        self.$key = $crate::property::Key::read(map, $key_name, context)?;
                    })?
                    $($name => {
                        self.$field = map.next_value_seed(
                            $crate::property::Property::<$Kind>::new($name, context),
                        )?;
                    })*
                    control if control.contains("@odata.") => {
                        map.next_value::<serde::de::IgnoredAny>()?;
                    }
                    _ => self.extra.push((name, map.next_value()?)),
                }
                Ok(())
            }
        }

        object!(@rest $Name [$($key $key_name)?] [$($name)*] $others);
    };
    (@rest $Name:ident [$key:ident $key_name:literal] [$($name:literal)*] $others:expr) => {
        impl<'a> $crate::entity::Read<'a> for $Name<'a> {
            fn read<D: serde::Deserializer<'a>>(
                deserializer: D,
                context: $crate::property::Context<'_>,
            ) -> Result<Self, D::Error> {
                let entity: Self =
                    deserializer.deserialize_any($crate::property::Element::new(context))?;
                if $crate::property::Key::is_missing(&entity.$key) {
                    return Err(context.stop($crate::PageError::MissingId));
                }
                Ok(entity)
            }
        }

        impl<'a> $crate::Entity<'a> for $Name<'a> {
            const PROPERTIES: &'static [&'static str] = &[$key_name, $($name),*];
            const WITHOUT_FIELD: &'static [&'static str] = &$others;

            fn extra(&self) -> &$crate::Extra<'a> {
                &self.extra
            }
        }
    };
    (@rest $Name:ident [] [$($name:literal)*] $others:expr) => {
        impl<'a> $crate::property::Kind<'a> for $Name<'a> {
            fn read<D: serde::Deserializer<'a>>(
                deserializer: D,
                name: &'static str,
                context: $crate::property::Context<'_>,
            ) -> Result<$crate::Field<Self>, D::Error> {
                deserializer.deserialize_any($crate::property::Object::nested(name, context))
            }
        }

        impl $Name<'_> {
            /// Graph's names of the properties that have a field.
            pub const PROPERTIES: &'static [&'static str] = &[$($name),*];
            /// Graph's names of the properties that its metadata defines (v1.0 and beta, August
            /// 2026) and that have no field.
            pub const WITHOUT_FIELD: &'static [&'static str] = &$others;

            /// Whether Graph's metadata defines a property of this name for such an object.
            pub fn knows(property: &str) -> bool {
                Self::PROPERTIES.contains(&property) || Self::WITHOUT_FIELD.contains(&property)
            }

            /// Names in this answer that Graph's metadata does not define for such an object.
            pub fn unknown_properties(&self) -> impl Iterator<Item = &str> {
                self.extra.iter().map(|(name, _)| name.as_str()).filter(|name| !Self::knows(name))
            }
        }
    };
}

pub(crate) use object;
