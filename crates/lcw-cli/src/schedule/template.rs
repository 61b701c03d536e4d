//! Texts with `@@names@@` in them.

/// A name and what stands for it.
pub(super) type Values = [(&'static str, String)];

/// The text with every name replaced, once: what is put in is not looked at again.
///
/// # Panics
/// When a name is unknown: the templates are part of the program, and a test fills all of them.
pub(super) fn fill(template: &str, values: &Values) -> String {
    let mut parts = template.split("@@");
    let mut text = parts.next().unwrap_or_default().to_owned();
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        let known = values.iter().find(|(known, _)| *known == name);
        let (_, value) = known.unwrap_or_else(|| unreachable!("a template names {name}"));
        text.push_str(value);
        text.push_str(rest);
    }
    text
}
