//! The words of a filter.

use super::super::error::QueryError;

/// A word and where it begins, in characters from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) what: What,
    pub(super) at: usize,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Open,
    Close,
    /// Only what is not understood has one; its refusal says more than that of a comma would.
    Comma,
    /// A name, an operator, a date-time, a number.
    Word(String),
    /// A text, without its quotes.
    Quoted(String),
}

impl What {
    /// As it would be written, for a message.
    pub(super) fn as_written(&self) -> String {
        match self {
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
            Self::Comma => ",".to_owned(),
            Self::Word(word) => word.clone(),
            Self::Quoted(text) => format!("'{text}'"),
        }
    }
}

/// Cuts a filter into its words.
///
/// # Errors
/// [`QueryError::Syntax`] for a text in quotes without an end, and for characters that no filter
/// of ours has.
pub(super) fn tokens(filter: &str) -> Result<Vec<Token>, QueryError> {
    let characters: Vec<char> = filter.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&character) = characters.get(at) {
        let begin = at;
        let what = match character {
            _ if character.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => {
                at += 1;
                What::Open
            }
            ')' => {
                at += 1;
                What::Close
            }
            ',' => {
                at += 1;
                What::Comma
            }
            '\'' => What::Quoted(quoted(&characters, &mut at)?),
            _ if is_of_word(character) => What::Word(word(&characters, &mut at)),
            _ => {
                let shown = character.escape_debug();
                return Err(syntax(format!("`{shown}` has no meaning here"), begin));
            }
        };
        tokens.push(Token {
            what,
            at: begin + 1,
        });
    }
    Ok(tokens)
}

/// An error at this character, counted from 0.
fn syntax(problem: String, at: usize) -> QueryError {
    QueryError::Syntax {
        problem,
        at: at + 1,
    }
}

/// Names, numbers, date-times with offsets, and paths.
fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || "_-.:+/@$*".contains(character)
}

fn word(characters: &[char], at: &mut usize) -> String {
    let rest = characters.get(*at..).unwrap_or_default();
    let word: String = rest.iter().take_while(|c| is_of_word(**c)).collect();
    *at += word.chars().count();
    word
}

/// A text in quotes, in which a quote is written twice.
fn quoted(characters: &[char], at: &mut usize) -> Result<String, QueryError> {
    let begin = *at;
    let mut text = String::new();
    loop {
        *at += 1;
        match (characters.get(*at), characters.get(*at + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                *at += 1;
            }
            (Some('\''), _) => {
                *at += 1;
                return Ok(text);
            }
            (Some(character), _) if character.is_control() => {
                let problem = "a text in quotes holds a control character".to_owned();
                return Err(syntax(problem, *at));
            }
            (Some(character), _) => text.push(*character),
            (None, _) => {
                let problem = "the text has no closing quote, which begins".to_owned();
                return Err(syntax(problem, begin));
            }
        }
    }
}
