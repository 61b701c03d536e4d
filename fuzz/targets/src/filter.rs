//! The filter that users write.

use lcw_extractor::query::Filter;

/// A text as a filter: what is printed of it is read as the same, and means the same.
pub fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let filter: Filter = match text.parse() {
        Ok(filter) => filter,
        Err(error) => {
            let message = error.to_string();
            let is_plain = !message.chars().any(char::is_control);
            return assert!(message.starts_with("$filter: ") && is_plain, "{message:?}");
        }
    };
    let printed = filter.to_string();
    assert_eq!(printed.parse::<Filter>().as_ref(), Ok(&filter), "{text:?}");
    assert_eq!(printed.parse::<Filter>().unwrap().to_string(), printed);
    assert!(!printed.chars().any(char::is_control), "{printed:?}");
    // As many rows as there are ways in which a few comparisons can be true.
    for row in 0..32 {
        let (was, is) = (holds(text, row), holds(&printed, row));
        assert_eq!(was, is, "row {row}: {text:?} became {printed:?}");
    }
}

/// Whether a filter holds for a made-up row, in which each comparison is true or not by chance.
fn holds(filter: &str, row: u64) -> bool {
    let mut words = words(filter);
    words.reverse();
    let holds = any(&mut words, row);
    assert!(words.is_empty(), "{filter:?} goes on");
    holds
}

fn any(words: &mut Vec<String>, row: u64) -> bool {
    let mut holds = all(words, row);
    while takes(words, "or") {
        holds |= all(words, row);
    }
    holds
}

fn all(words: &mut Vec<String>, row: u64) -> bool {
    let mut holds = one(words, row);
    while takes(words, "and") {
        holds &= one(words, row);
    }
    holds
}

fn one(words: &mut Vec<String>, row: u64) -> bool {
    if takes(words, "(") {
        let holds = any(words, row);
        assert!(takes(words, ")"));
        return holds;
    }
    let comparison: Vec<String> = (0..3).map(|_| words.pop().unwrap()).collect();
    // Two spellings of a comparison are the same one.
    let comparison: Filter = comparison.join(" ").parse().unwrap();
    let chance = comparison.to_string().bytes().fold(row, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (chance >> 17) & 1 == 1
}

fn takes(words: &mut Vec<String>, expected: &str) -> bool {
    let is_it = words
        .last()
        .is_some_and(|word| word.eq_ignore_ascii_case(expected));
    if is_it {
        words.pop();
    }
    is_it
}

/// Cuts a filter at blanks, parentheses and quotes.
fn words(filter: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for character in filter.chars() {
        let last = words.last_mut().unwrap();
        match character {
            '\'' if is_quoted => {
                last.push(character);
                is_quoted = false;
            }
            // A second quote goes on with the text before it.
            '\'' => {
                if last.is_empty() || last.ends_with('\'') {
                    last.push(character);
                } else {
                    words.push(character.into());
                }
                is_quoted = true;
            }
            _ if is_quoted => last.push(character),
            '(' | ')' => words.extend([character.into(), String::new()]),
            _ if character.is_whitespace() => words.push(String::new()),
            _ if last.ends_with('\'') => words.push(character.into()),
            _ => last.push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
