//! What can be asked of results against Graph's own metadata: a name that is spelt wrong would be
//! sent to the service, or a right one refused.

use std::collections::BTreeSet;
use std::path::Path;

use lcw_extractor::query::{Filter, Property};

/// Both slices of the metadata that the transform is checked with, v1.0 and beta.
fn slices() -> [String; 2] {
    ["v1.0", "beta"].map(|version| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(
            "../lcw-transform/tests/fixtures/csdl-{version}.xml"
        ));
        std::fs::read_to_string(path).expect("the slice is there")
    })
}

/// The value of an attribute of the element that begins in this line.
fn attribute<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// What stands in the element of that name: children of one line each, by name and type.
fn children<'t>(
    text: &'t str,
    element: &str,
    name: &str,
) -> impl Iterator<Item = (&'t str, Option<&'t str>)> {
    let begin = format!("<{element} Name=\"{name}\"");
    let end = format!("</{element}>");
    let lines = text.lines().skip_while(move |line| !line.contains(&begin));
    let lines = lines.skip(1).take_while(move |line| !line.contains(&end));
    lines.filter_map(|line| Some((attribute(line, "Name")?, attribute(line, "Type"))))
}

/// The members of an enumeration.
fn members<'t>(slices: &'t [String], name: &str) -> BTreeSet<&'t str> {
    let members = slices
        .iter()
        .flat_map(|text| children(text, "EnumType", name));
    members.map(|(member, _)| member).collect()
}

/// The enumeration that a property is compared with.
fn enumeration(property: Property) -> Option<&'static str> {
    match property {
        Property::ProcessingStatus => Some("lifecycleWorkflowProcessingStatus"),
        Property::WorkflowExecutionType => Some("workflowExecutionType"),
        _ => None,
    }
}

#[test]
fn every_property_is_one_of_the_results() {
    const RELATIONSHIPS: [&str; 2] = ["reprocessedRuns", "taskProcessingResults"];
    let slices = slices();
    let defined: BTreeSet<&str> = slices
        .iter()
        .flat_map(|text| children(text, "EntityType", "userProcessingResult"))
        .map(|(name, _)| name)
        // That of the type it is based on.
        .chain(["id"])
        .collect();
    let known = Property::ALL.into_iter().map(Property::name);
    assert_eq!(known.chain(RELATIONSHIPS).collect::<BTreeSet<_>>(), defined);
}

#[test]
fn every_property_is_compared_with_what_it_is() {
    let slices = slices();
    let of = |name: &str| {
        let all = children(&slices[0], "EntityType", "userProcessingResult");
        let found = all.into_iter().find(|(known, _)| *known == name);
        found.and_then(|(_, of)| of).unwrap_or("Edm.String")
    };
    for property in Property::ALL {
        let filter = |value: &str| format!("{} eq {value}", property.filter_name()).parse();
        let accepts = |value: &str| Result::<Filter, _>::is_ok(&filter(value));
        let of = of(property.name());
        let (text, date) = (accepts("'x'"), accepts("2026-11-22T00:00:00Z"));
        match of {
            "Edm.DateTimeOffset" => assert!(date && !text, "{property}"),
            // What is no text, date or enumeration cannot be filtered.
            "Edm.Int32" => assert!(!date && !text && !accepts("1"), "{property}"),
            "Edm.String" | "graph.user" => assert!(text && !date, "{property}"),
            _ => {
                let name = enumeration(property).expect("it is an enumeration");
                assert!(of.ends_with(name), "{property} is {of}");
            }
        }
    }
}

#[test]
fn every_enumeration_has_the_members_of_its_type() {
    let slices = slices();
    let mut count = 0;
    for property in Property::ALL {
        let Some(name) = enumeration(property) else {
            continue;
        };
        let refused = format!("{property} eq 'x'").parse::<Filter>().unwrap_err();
        let message = refused.to_string();
        let (_, listed) = message.split_once("one of ").expect("it lists the members");
        let (listed, _) = listed
            .split_once(", got")
            .expect("it ends with what it got");
        let known: Vec<&str> = listed.split(", ").map(|it| it.trim_matches('\'')).collect();
        let members = members(&slices, name);
        assert_eq!(known.iter().copied().collect::<BTreeSet<_>>(), members);
        assert_eq!(known.len(), members.len(), "no member is there twice");
        count += 1;
    }
    assert_eq!(count, 2, "all enumerations are looked at");
}
