//! The property that an entity cannot be without.

use serde::de::MapAccess;

use super::{A_WHOLE_NUMBER, Context, Found, Property};
use crate::{Field, Text};

/// What an entity is known by: without it, its row would have no key.
pub(crate) trait Key<'a>: Sized {
    fn read<A: MapAccess<'a>>(
        map: &mut A,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Self, A::Error>;

    /// Whether the answer did not contain it.
    fn is_missing(&self) -> bool;
}

impl<'a> Key<'a> for Text<'a> {
    fn read<A: MapAccess<'a>>(
        map: &mut A,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Self, A::Error> {
        match map.next_value_seed(Property::<Text<'a>>::new(name, context))? {
            Field::Value(text) => Ok(text),
            Field::Absent | Field::Null => Err(context.refuse(name, Found::Null, "a string")),
        }
    }

    fn is_missing(&self) -> bool {
        self.is_empty()
    }
}

impl<'a> Key<'a> for Field<i32> {
    fn read<A: MapAccess<'a>>(
        map: &mut A,
        name: &'static str,
        context: Context<'_>,
    ) -> Result<Self, A::Error> {
        match map.next_value_seed(Property::<i32>::new(name, context))? {
            Self::Value(number) => Ok(Self::Value(number)),
            Self::Absent | Self::Null => Err(context.refuse(name, Found::Null, A_WHOLE_NUMBER)),
        }
    }

    fn is_missing(&self) -> bool {
        self.is_absent()
    }
}
