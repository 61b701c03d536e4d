//! Markup: escaping, tables, and the frame around a page.

use std::fmt::Write;

use crate::plain;

/// Other people's words as the text or attribute of an element: one line, no markup, no controls.
pub(super) fn escape(words: &str) -> String {
    let mut escaped = String::with_capacity(words.len());
    for letter in plain::on_one_line(words).chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // No characters at all, and not allowed in XML.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// The same, kept apart from the direction of the words around it.
pub(super) fn name(words: &str) -> String {
    format!("<bdi>{}</bdi>", escape(words))
}

/// An id, which may be broken anywhere.
pub(super) fn id(words: &str) -> String {
    format!("<code>{}</code>", escape(words))
}

/// A column of a table.
pub(super) struct Column {
    title: &'static str,
    is_number: bool,
}

/// A column of words.
pub(super) const fn words(title: &'static str) -> Column {
    Column {
        title,
        is_number: false,
    }
}

/// A column of figures, which stand to the right.
pub(super) const fn figures(title: &'static str) -> Column {
    Column {
        title,
        is_number: true,
    }
}

/// A table of cells that are markup already. On a narrow screen it is scrolled by itself.
pub(super) fn table<const N: usize>(
    caption: &str,
    columns: &[Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let caption = escape(caption);
    let mut table = format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{caption}\">\n\
         <table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    let class = |column: &Column| if column.is_number { " class=\"n\"" } else { "" };
    let mut put = |text: std::fmt::Arguments<'_>| {
        // Writing to a String cannot fail.
        let _infallible = table.write_fmt(text);
    };
    for column in columns {
        put(format_args!(
            "<th scope=\"col\"{}>{}</th>",
            class(column),
            column.title
        ));
    }
    put(format_args!("</tr></thead>\n<tbody>\n"));
    for row in rows {
        put(format_args!("<tr>"));
        for (column, cell) in columns.iter().zip(row) {
            put(format_args!("<td{}>{cell}</td>", class(column)));
        }
        put(format_args!("</tr>\n"));
    }
    put(format_args!("</tbody>\n</table>\n</div>\n"));
    table
}

/// The whole document around its body. Nothing is loaded from anywhere, and nothing runs.
pub(super) fn document(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <meta name=\"color-scheme\" content=\"light dark\"/>\n\
         <meta name=\"referrer\" content=\"no-referrer\"/>\n\
         <meta name=\"robots\" content=\"noindex\"/>\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src &#39;none&#39;; \
         style-src &#39;unsafe-inline&#39;; base-uri &#39;none&#39;; form-action &#39;none&#39;\"/>\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

const STYLE: &str = include_str!("page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_no_markup() {
        assert_eq!(
            escape("<script>\"&'\u{1b}[31m\u{202e}é\u{ffff}"),
            "&lt;script&gt;&quot;&amp;&#39; [31m é\u{fffd}"
        );
    }
}
