//! One row on its way into the builders.

use std::fmt;

use arrow::array::StringBuilder;
use lcw_model::{Extra, Field, InlinedTask};
use serde_json::value::RawValue;

use super::{Batch, Cell, Moment, text};
use crate::json::{has_extra, write_compact, write_extra};
use crate::{Role, Timestamps};

/// One row being written.
pub(crate) struct Row<'b> {
    batch: &'b mut Batch,
    at: usize,
    absent: u64,
}

/// An object inside an entity, some of whose properties may have columns.
#[derive(Clone, Copy)]
pub(crate) struct Nested<'e> {
    /// Graph's name of the property that holds it.
    pub(crate) name: &'static str,
    /// Its properties without a field, if it is there.
    pub(crate) extra: Option<&'e Extra<'e>>,
    /// Whether Graph's metadata defines a property of this name for it.
    pub(crate) knows: fn(&str) -> bool,
}

/// Appends a field to a builder and marks the column when the answer did not contain it.
macro_rules! append {
    ($row:ident, $name:ident, $Cell:ident, $field:expr, $value:expr) => {{
        let at = $row.next($name);
        match $field {
            Field::Value(value) => {
                let Cell::$Cell(builder) = $row.batch.cell_with_builder(at) else {
                    mismatch($name)
                };
                builder.append_value($value(value));
            }
            Field::Null => $row.batch.cells[at].append_nulls(1),
            Field::Absent => $row.append_absent(at),
        }
        $row
    }};
}

impl<'b> Row<'b> {
    pub(super) fn new(batch: &'b mut Batch) -> Self {
        Self {
            batch,
            at: 0,
            absent: 0,
        }
    }

    /// The next column. The name is the declared one: the order of the calls is the order of the
    /// declaration.
    fn next(&mut self, name: &str) -> usize {
        self.pass_over();
        let at = self.at;
        self.at += 1;
        debug_assert_eq!(
            self.batch.columns[at].name, name,
            "columns are given in their order"
        );
        at
    }

    fn append_absent(&mut self, at: usize) {
        self.batch.cells[at].append_nulls(1);
        self.absent |= 1 << at;
    }

    /// Goes to the next column that is not the same in every row.
    fn pass_over(&mut self) {
        while self.batch.cells[self.at].is_each() {
            self.at += 1;
        }
    }

    /// Text that is always there.
    pub(crate) fn key(&mut self, name: &str, value: &str) -> &mut Self {
        append!(self, name, Text, Field::Value(value), |value| value)
    }

    /// A member of an enumeration of the service, or several.
    pub(crate) fn member(&mut self, name: &str, field: Field<&str>) -> &mut Self {
        if let Field::Value(value) = field {
            self.pass_over();
            let column = &self.batch.columns[self.at];
            self.batch.drift.note_members(column, value);
        }
        self.text(name, field)
    }

    /// An id or text.
    pub(crate) fn text(&mut self, name: &str, field: Field<&str>) -> &mut Self {
        append!(self, name, Text, field, |value| value)
    }

    /// A count or number.
    pub(crate) fn int(&mut self, name: &str, field: Field<i32>) -> &mut Self {
        append!(self, name, Int32, field, |value| value)
    }

    /// True or false.
    pub(crate) fn boolean(&mut self, name: &str, field: Field<bool>) -> &mut Self {
        append!(self, name, Boolean, field, |value| value)
    }

    /// An instant, in the layout's way.
    pub(crate) fn moment(&mut self, name: &str, field: Field<Moment<'_>>) -> &mut Self {
        match self.batch.timestamps {
            Timestamps::Micros => append!(self, name, Micros, field, |it: Moment<'_>| it.micros),
            Timestamps::AsSent => self.text(name, field.map(|it| it.text)),
        }
    }

    /// Whole milliseconds between two instants, truncated towards zero; NULL unless both are there,
    /// absent when either is absent.
    pub(crate) fn duration(
        &mut self,
        name: &str,
        from: Field<Moment<'_>>,
        to: Field<Moment<'_>>,
    ) -> &mut Self {
        let span = match (from, to) {
            (Field::Value(from), Field::Value(to)) => {
                Field::Value((to.micros - from.micros) / 1000)
            }
            (Field::Absent, _) | (_, Field::Absent) => Field::Absent,
            _ => Field::Null,
        };
        append!(self, name, Int64, span, |value| value)
    }

    /// A JSON value.
    pub(crate) fn json(&mut self, name: &str, field: Field<&RawValue>) -> &mut Self {
        self.json_text(name, field.map(RawValue::get))
    }

    /// A JSON value by its text.
    pub(crate) fn json_text(&mut self, name: &str, field: Field<&str>) -> &mut Self {
        let compact = field.map(|json| |out: &mut StringBuilder| write_compact(out, json));
        self.composed(name, compact)
    }

    /// The columns of a task inside another entity.
    pub(crate) fn task(&mut self, task: Field<&InlinedTask<'_>>) -> &mut Self {
        self.text("task_id", task.and_then(|task| text(&task.id)))
            .text(
                "task_definition_id",
                task.and_then(|task| text(&task.task_definition_id)),
            )
            .text(
                "task_display_name",
                task.and_then(|task| text(&task.display_name)),
            )
            .member("task_category", task.and_then(|task| text(&task.category)))
            .int(
                "execution_sequence",
                task.and_then(|task| task.execution_sequence),
            )
            .boolean(
                "continue_on_error",
                task.and_then(|task| task.continue_on_error),
            )
    }

    /// Notes what is new in an object all of which is stored.
    pub(crate) fn note(&mut self, nested: Nested<'_>) -> &mut Self {
        for (name, _) in nested.extra.into_iter().flatten() {
            if !(nested.knows)(name) {
                self.batch.drift.note_property(Some(nested.name), name);
            }
        }
        self
    }

    /// The properties without a column. An answer without any says nothing about stored ones.
    pub(crate) fn extra(
        &mut self,
        name: &str,
        extra: &Extra<'_>,
        nested: &[Nested<'_>],
    ) -> &mut Self {
        for (name, _) in extra {
            if !self.batch.table.knows_property(name) {
                self.batch.drift.note_property(None, name);
            }
        }
        for nested in nested {
            self.note(*nested);
        }
        let composed = if has_extra(extra, nested) {
            Field::Value(|out: &mut StringBuilder| write_extra(out, extra, nested))
        } else {
            Field::Absent
        };
        self.composed(name, composed)
    }

    /// Text that is put together in the builder itself.
    fn composed(
        &mut self,
        name: &str,
        field: Field<impl FnOnce(&mut StringBuilder) -> fmt::Result>,
    ) -> &mut Self {
        let at = self.next(name);
        match field {
            Field::Value(write) => {
                let Cell::Text(builder) = self.batch.cell_with_builder(at) else {
                    mismatch(name)
                };
                write(builder).expect("a builder takes any text");
                builder.append_value("");
            }
            Field::Null => self.batch.cells[at].append_nulls(1),
            Field::Absent => self.append_absent(at),
        }
        self
    }

    /// The original object, where the layout keeps it.
    pub(crate) fn raw(&mut self, name: &str, raw: Option<&str>) -> &mut Self {
        let is_kept = self
            .batch
            .columns
            .last()
            .is_some_and(|column| column.role == Role::Raw);
        if is_kept {
            self.text(name, raw.map_or(Field::Absent, Field::Value))
        } else {
            self
        }
    }

    /// Completes the row.
    pub(crate) fn end(&mut self) {
        debug_assert_eq!(self.at, self.batch.cells.len(), "every column is given");
        self.batch.absent.push(self.absent);
    }
}

/// The declaration of a column and the code that fills it disagree: an error of this crate.
fn mismatch(column: &str) -> ! {
    unreachable!("column {column} is filled with values of another type than it declares")
}
