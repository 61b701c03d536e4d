//! Puts rows, counts and next links together into the body of a collection.

use serde_json::Value;

use crate::config::Answers;
use crate::faults::Fault;
use crate::json;
use crate::paging::{self, Position, SkipToken};
use crate::query::Options;
use crate::random;
use crate::record::Endpoint;
use crate::tenant::Tenant;

/// A page before its next link is written.
#[derive(Debug, Default)]
pub(crate) struct PageParts {
    rows: Vec<u8>,
    count: Option<usize>,
    next: Option<Position>,
    last: Option<Position>,
    row_count: usize,
    number: u32,
}

/// A collection as it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Collection<'a> {
    pub(crate) tenant: &'a Tenant,
    pub(crate) endpoint: Endpoint,
    pub(crate) options: &'a Options,
    /// Names the collection with its options.
    pub(crate) hash: u64,
    pub(crate) token: Option<SkipToken>,
    /// Scheme, host and port of the service.
    pub(crate) origin: &'a str,
    /// The path as it came.
    pub(crate) path: &'a str,
    /// What comes behind `$metadata#` in the context.
    pub(crate) context: String,
}

impl Collection<'_> {
    /// Takes and renders the rows of this page.
    pub(crate) fn fill<T>(
        &self,
        rows: impl Iterator<Item = (Position, T)>,
        render: impl Fn(&mut Vec<u8>, &T),
    ) -> PageParts {
        let config = &self.tenant.config.paging;
        let number = self.token.map_or(0, |token| token.page);
        let size = paging::size_of(config, self.hash, number);
        let counted = number == 0 && (self.options.count || paging::is_counted(config, self.hash));
        let (page, count) = if counted {
            let all: Vec<(Position, T)> = rows.collect();
            let count = all.len();
            (paging::cut(all.into_iter(), size), Some(count))
        } else {
            (paging::cut(rows, size), None)
        };
        let mut parts = PageParts {
            count,
            number,
            ..PageParts::default()
        };
        if page.next.is_some() && paging::is_empty(config, self.hash, number) {
            parts.next = page.rows.first().map(|(position, _)| *position);
            return parts;
        }
        for (_, row) in &page.rows {
            self.push(&mut parts, row, &render);
        }
        parts.last = page.rows.last().map(|(position, _)| *position);
        parts.next = page.next;
        if paging::repeats_row(config, self.hash, number) {
            parts.repeat_last_row();
        }
        parts
    }

    fn push<T>(&self, parts: &mut PageParts, row: &T, render: impl Fn(&mut Vec<u8>, &T)) {
        if parts.row_count > 0 {
            parts.rows.push(b',');
        }
        parts.row_count += 1;
        let begin = parts.rows.len();
        render(&mut parts.rows, row);
        if (parts.row_count - 1).is_multiple_of(3) {
            let answers = &self.tenant.config.answers;
            answers.change_type(self.endpoint, &mut parts.rows, begin);
        }
        if let Some(select) = &self.options.select {
            let row = parts.rows.split_off(begin);
            parts.rows.extend_from_slice(&project(&row, select));
        }
    }

    /// The next link of the page, as it is when nothing goes wrong.
    pub(crate) fn next_link(&self, parts: &PageParts) -> Option<String> {
        Some(self.link_to(parts, Some(parts.next?)))
    }

    /// A link to the page that begins there; without a position, where the collection does.
    fn link_to(&self, parts: &PageParts, position: Option<Position>) -> String {
        let token = SkipToken {
            collection: self.hash,
            page: parts.number + 1,
            position,
        };
        self.link(self.path, &token.encode())
    }

    fn link(&self, path: &str, token: &str) -> String {
        let carried = &self.options.carried;
        let separator = if carried.is_empty() { "" } else { "&" };
        format!(
            "{}{path}?{carried}{separator}$skiptoken={token}",
            self.origin
        )
    }

    /// Lets a fault change the page and its next link. `before` is the query that led to the page before.
    pub(crate) fn break_link(
        &self,
        parts: &mut PageParts,
        fault: &Fault,
        query: &str,
        before: Option<String>,
    ) -> Option<String> {
        let back = |query: &str| {
            let mark = if query.is_empty() { "" } else { "?" };
            format!("{}{}{mark}{query}", self.origin, self.path)
        };
        match fault {
            Fault::NextLinkLoop { period: 2 } => Some(back(&before.unwrap_or_default())),
            Fault::NextLinkLoop { .. } => Some(back(query)),
            Fault::ForeignNextLink { origin } => {
                let link = self.next_link(parts)?;
                Some(format!(
                    "{origin}{}",
                    link.strip_prefix(self.origin).unwrap_or(&link)
                ))
            }
            Fault::RespelledNextLink => {
                let link = self.next_link(parts)?;
                Some(link.replacen(self.path, &respelled(self.path), 1))
            }
            Fault::EndlessPages => {
                parts.rows.clear();
                Some(self.link_to(parts, self.token.and_then(|token| token.position)))
            }
            Fault::DroppedPage => {
                parts.rows.clear();
                self.next_link(parts)
            }
            Fault::CutCollection => None,
            Fault::RepeatedRow => {
                parts.repeat_last_row();
                self.next_link(parts)
            }
            _ => self.next_link(parts),
        }
    }

    /// The body of the page.
    pub(crate) fn body(&self, parts: &PageParts, next_link: Option<&str>) -> Vec<u8> {
        let mut out = Vec::with_capacity(parts.rows.len() + 512);
        out.push(b'{');
        push_context(&mut out, self.origin, self.path, &self.context);
        if let Some(count) = parts.count {
            out.extend_from_slice(format!("\"@odata.count\":{count},").as_bytes());
        }
        // The next link stands before or behind the rows.
        let first = self.hash & 1 == 0;
        if first && let Some(link) = next_link {
            out.extend_from_slice(b"\"@odata.nextLink\":");
            json::push_text(&mut out, link);
            out.push(b',');
        }
        out.extend_from_slice(b"\"value\":[");
        out.extend_from_slice(&parts.rows);
        out.push(b']');
        if !first && let Some(link) = next_link {
            out.extend_from_slice(b",\"@odata.nextLink\":");
            json::push_text(&mut out, link);
        }
        out.push(b'}');
        out
    }
}

impl Answers {
    /// Lets a property of the row that begins at `begin` have another type.
    pub(crate) fn change_type(&self, endpoint: Endpoint, out: &mut Vec<u8>, begin: usize) {
        let Some(changed) = &self.changed_type else {
            return;
        };
        if changed.endpoint != endpoint {
            return;
        }
        let Ok(mut row) = serde_json::from_slice::<Value>(&out[begin..]) else {
            return;
        };
        let new = serde_json::from_str(&changed.json)
            .unwrap_or_else(|_| Value::String(changed.json.clone()));
        if let Some(value) = row.pointer_mut(&format!("/{}", changed.property)) {
            *value = new;
            out.truncate(begin);
            out.extend_from_slice(row.to_string().as_bytes());
        }
    }
}

impl PageParts {
    /// Lets the next page begin with the last row of this one. A page of one row would never get on.
    fn repeat_last_row(&mut self) {
        if self.row_count > 1 && self.next.is_some() {
            self.next = self.last;
        }
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.is_some()
    }
}

/// Appends `"@odata.context":"…",`.
pub(crate) fn push_context(out: &mut Vec<u8>, origin: &str, path: &str, context: &str) {
    let version = path.split('/').nth(1).unwrap_or_default();
    out.extend_from_slice(b"\"@odata.context\":");
    json::push_text(out, &format!("{origin}/{version}/$metadata#{context}"));
    out.push(b',');
}

/// What comes with a row although nobody selected it.
const UNASKED: [&str; 3] = ["id", "subject", "task"];

/// Keeps the selected properties, annotations, and what comes unasked.
pub(crate) fn project(row: &[u8], select: &[String]) -> Vec<u8> {
    let Ok(Value::Object(mut object)) = serde_json::from_slice(row) else {
        return row.to_vec();
    };
    object.retain(|name, _| {
        UNASKED.contains(&name.as_str())
            || name.contains("@odata.")
            || select.iter().any(|wanted| wanted == name)
    });
    Value::Object(object).to_string().into_bytes()
}

/// The same path as `OData`'s own convention writes it: capitals, and keys in parentheses.
fn respelled(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    let mut out = String::new();
    let mut at = 1;
    while let Some(part) = parts.get(at) {
        out.push('/');
        match *part {
            "identityGovernance" => out.push_str("IdentityGovernance"),
            "lifecycleWorkflows" => out.push_str("LifecycleWorkflows"),
            "workflows" | "runs" if parts.get(at + 1).is_some_and(|key| !key.is_empty()) => {
                at += 1;
                out.push_str(&format_key(part, parts[at]));
            }
            other => out.push_str(other),
        }
        at += 1;
    }
    out
}

fn format_key(name: &str, key: &str) -> String {
    format!("{name}('{key}')")
}

/// Hashes what a collection is and how it was asked for.
pub(crate) fn collection_hash(seed: u64, resource: &str, options: &Options) -> u64 {
    random::mix(&[
        random::mix_text(seed, resource),
        random::mix_text(seed, &options.carried),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_spelled_with_keys_in_parentheses() {
        let path = "/v1.0/identityGovernance/lifecycleWorkflows/workflows/w1/runs/r1/userProcessingResults";
        assert_eq!(
            respelled(path),
            "/v1.0/IdentityGovernance/LifecycleWorkflows/workflows('w1')/runs('r1')/userProcessingResults"
        );
        let deleted = "/beta/identityGovernance/lifecycleWorkflows/deletedItems/workflows";
        assert_eq!(
            respelled(deleted),
            "/beta/IdentityGovernance/LifecycleWorkflows/deletedItems/workflows"
        );
    }

    #[test]
    fn projection_keeps_what_was_selected_and_the_id() {
        let row = br#"{"id":"1","a":2,"b":3,"x@odata.type":"y"}"#;
        let kept = project(row, &["b".to_owned()]);
        let value: Value = serde_json::from_slice(&kept).unwrap();
        assert_eq!(
            value,
            serde_json::json!({ "id": "1", "b": 3, "x@odata.type": "y" })
        );
    }
}
