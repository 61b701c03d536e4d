//! The metadata: types with their properties, and enumerations with their members.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use roxmltree::{Document, Node};

/// What v1.0 and beta define together.
#[derive(Default)]
pub(crate) struct Csdl {
    types: BTreeMap<String, Type>,
    enums: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct Type {
    base: Option<String>,
    /// Properties and navigation properties with their types.
    properties: BTreeMap<String, String>,
}

impl Csdl {
    pub(crate) fn read() -> Self {
        let mut csdl = Self::default();
        for version in ["v1.0", "beta"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/fixtures/csdl-{version}.xml"));
            let text = std::fs::read_to_string(path).expect("the slice is there");
            let document = Document::parse(&text).expect("it is XML");
            for node in document.descendants() {
                match node.tag_name().name() {
                    "EntityType" | "ComplexType" => csdl.add_type(node),
                    "EnumType" => csdl.add_enum(node),
                    _ => {}
                }
            }
        }
        csdl
    }

    fn add_type(&mut self, node: Node<'_, '_>) {
        let known = self.types.entry(name(node)).or_default();
        known.base = node
            .attribute("BaseType")
            .map(|base| short(base).to_owned());
        for property in node.children() {
            if ["Property", "NavigationProperty"].contains(&property.tag_name().name()) {
                let of = property.attribute("Type").expect("it has a type");
                let types = known.properties.entry(name(property));
                // Where v1.0 and beta disagree, no column can be made of it.
                types
                    .and_modify(|before| {
                        if before != of {
                            *before = format!("{before} or {of}");
                        }
                    })
                    .or_insert_with(|| of.to_owned());
            }
        }
    }

    fn add_enum(&mut self, node: Node<'_, '_>) {
        let members = node.children().filter(|child| child.has_tag_name("Member"));
        let members = members.map(name);
        self.enums.entry(name(node)).or_default().extend(members);
    }

    /// The properties of a type, of the types it is based on, and of those based on it: an object
    /// of the type can have them all.
    pub(crate) fn properties(&self, of: &str) -> BTreeMap<&str, &str> {
        let mut properties = BTreeMap::new();
        let mut at = Some(of);
        while let Some(name) = at {
            properties.extend(self.own(name));
            at = self.types[name].base.as_deref();
        }
        let derived = self.types.iter();
        for (name, _) in derived.filter(|(_, it)| it.base.as_deref() == Some(of)) {
            properties.extend(self.own(name));
        }
        properties
    }

    fn own(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        let properties = self.types[name].properties.iter();
        properties.map(|(name, of)| (name.as_str(), of.as_str()))
    }

    /// The type of the property at the end of a path like `task/category`.
    pub(crate) fn type_at(&self, of: &str, path: &str) -> Option<&str> {
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let found = *self.properties(of).get(first)?;
        match rest {
            Some(rest) => self.type_at(short(found), rest),
            None => Some(found),
        }
    }

    /// The members of the enumeration that a type is.
    pub(crate) fn members(&self, of: &str) -> Option<&BTreeSet<String>> {
        self.enums.get(short(of))
    }
}

fn name(node: Node<'_, '_>) -> String {
    node.attribute("Name").expect("it has a name").to_owned()
}

/// A type's name without its namespace: no two of the types here share one.
fn short(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(_, name)| name)
}
