//! Columns that say the same of every row.

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};

/// Whether a column has the same value in every row, so that any of its rows stand for any others.
/// Where that would take long to find out it says no.
pub(crate) fn is_uniform(column: &ArrayRef) -> bool {
    let nulls = column.null_count();
    if nulls > 0 {
        return nulls == column.len();
    }
    match column.data_type() {
        DataType::Utf8 => is_one_text(column.as_string()),
        DataType::Int32 => is_one(column.as_primitive::<Int32Type>().values()),
        DataType::Int64 => is_one(column.as_primitive::<Int64Type>().values()),
        DataType::Timestamp(..) => {
            let micros = column.as_primitive_opt::<TimestampMicrosecondType>();
            micros.is_some_and(|micros| is_one(micros.values()))
        }
        _ => false,
    }
}

fn is_one<T: PartialEq>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] == pair[1])
}

/// Texts that are as long as each other, and of which each is the one before it.
fn is_one_text(texts: &StringArray) -> bool {
    let offsets = texts.value_offsets();
    let (Some(&[start, first_end]), Some(&end)) = (offsets.first_chunk(), offsets.last()) else {
        return true;
    };
    let width = first_end - start;
    if offsets.windows(2).any(|pair| pair[1] - pair[0] != width) {
        return false;
    }
    let place = |offset: i32| usize::try_from(offset).unwrap_or_default();
    let bytes = texts.value_data();
    bytes[place(first_end)..place(end)] == bytes[place(start)..place(end - width)]
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{BooleanArray, Int64Array};

    use super::*;

    fn texts(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(texts.iter().copied().collect::<StringArray>())
    }

    #[test]
    fn texts_are_uniform_when_each_is_the_one_before_it() {
        for uniform in [
            &[Some("ab"), Some("ab"), Some("ab")][..],
            &[Some(""), Some("")],
            &[Some("ab")],
            &[None, None],
            &[],
        ] {
            assert!(is_uniform(&texts(uniform)), "{uniform:?}");
        }
        for mixed in [
            &[Some("ab"), Some("ab"), Some("ba")][..],
            &[Some("ba"), Some("ab"), Some("ab")],
            &[Some("aa"), Some("a"), Some("aaa")],
            &[Some(""), None],
        ] {
            assert!(!is_uniform(&texts(mixed)), "{mixed:?}");
        }
    }

    #[test]
    fn what_lies_beside_a_slice_says_nothing_about_it() {
        let all = texts(&[Some("x"), Some("ab"), Some("ab"), Some("yz")]);
        assert!(is_uniform(&all.slice(1, 2)));
        assert!(!is_uniform(&all.slice(1, 3)));
        assert!(!is_uniform(&all.slice(0, 2)));
    }

    #[test]
    fn numbers_are_compared_and_truths_are_not() {
        let numbers =
            |numbers: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(numbers.to_vec())) };
        assert!(is_uniform(&numbers(&[7, 7, 7])));
        assert!(!is_uniform(&numbers(&[7, 7, 8])));
        let truths: ArrayRef = Arc::new(BooleanArray::from(vec![true, true]));
        assert!(!is_uniform(&truths));
    }
}
