//! Which folders are opened, by whom, and as what.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lcw_dataset::{Dataset, DatasetError, ErrorKind, Format, Identity, TableSpec, Writer};
use lcw_loader_ndjson::{Compression, NdjsonFormat};

use crate::rows::{Row, table};
use crate::support::{
    RUNS, TENANT, contents, dataset, export, folder, parquet, stored, tables, try_writer, writer,
};

fn ndjson(compression: Compression) -> Arc<dyn Format> {
    Arc::new(NdjsonFormat::new(compression))
}

/// Everything in a folder, folders included.
fn names(root: &Path) -> Vec<String> {
    let entries = fs::read_dir(root).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn empty_and_missing_folders_are_no_dataset_yet() {
    let folder = folder();
    assert_eq!(Dataset::inspect(folder.path()).unwrap(), None);
    assert_eq!(
        Dataset::inspect(&folder.path().join("none/at/all")).unwrap(),
        None
    );
    fs::create_dir(folder.path().join("lost+found")).unwrap();
    fs::write(folder.path().join("_lock"), "").unwrap();
    assert_eq!(Dataset::inspect(folder.path()).unwrap(), None);
    let format = parquet();
    let missing = dataset(&folder.path().join("none"), &format);
    assert!(missing.days(RUNS, TENANT).unwrap().is_empty());
    assert!(missing.manifest_ids().unwrap().is_empty());
    assert!(stored(&missing, RUNS).is_empty());
    assert!(!folder.path().join("none").exists());
}

#[test]
fn a_folder_of_something_else_is_left_as_it_is() {
    let folder = folder();
    fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
    let error = try_writer(folder.path(), &parquet()).unwrap_err();
    assert!(matches!(&error, DatasetError::NotADataset { found, .. } if found == "thesis.tex"));
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(names(folder.path()), ["thesis.tex"]);
}

#[test]
fn a_folder_that_lost_its_identity_is_not_taken_over() {
    let folder = folder();
    let format = parquet();
    export(
        folder.path(),
        &format,
        1,
        &[Row::new("w", "1", "a", "e", 1)],
        &[],
    );
    fs::remove_file(folder.path().join("_dataset.json")).unwrap();
    let before = contents(folder.path());
    assert!(matches!(
        try_writer(folder.path(), &format),
        Err(DatasetError::NotADataset { .. })
    ));
    assert_eq!(contents(folder.path()), before);
}

#[test]
fn a_probe_says_who_holds_the_dataset_and_leaves_nothing_behind() {
    let folder = folder();
    let root = folder.path().join("a/b");
    Writer::probe(&root).unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    let writer = writer(&root, &parquet());
    let before = contents(&root);
    let error = Writer::probe(&root).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    drop(writer);
    Writer::probe(&root).unwrap();
    assert_eq!(contents(&root), before);
}

#[test]
fn a_probe_finds_that_no_file_can_be_made() {
    let folder = folder();
    fs::write(folder.path().join("file"), "").unwrap();
    for root in ["file", "file/a/b"] {
        let error = Writer::probe(&folder.path().join(root)).unwrap_err();
        assert!(error.to_string().contains("is a file"), "{error}");
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_file_in_the_place_of_the_folder_is_an_error_in_words() {
    let folder = folder();
    let path = folder.path().join("file");
    fs::write(&path, "").unwrap();
    let error = try_writer(&path, &parquet()).unwrap_err();
    assert!(
        error.to_string().contains("a part of the path is a file"),
        "{error}"
    );
}

#[test]
fn identity_is_written_first_and_reads_like_this() {
    let folder = folder();
    drop(writer(folder.path(), &parquet()));
    let expected = format!(
        r#"{{
  "layout_version": 1,
  "format": "parquet",
  "compression": "zstd",
  "tenants": [
    "{TENANT}"
  ],
  "select": null,
  "filter": null,
  "expand": null,
  "pseudonymisation": null,
  "schema_versions": {{
    "runs": 1,
    "user_processing_results": 1,
    "workflows": 1
  }}"#
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("_dataset.json")).unwrap(),
        crate::manifests::sealed(&expected)
    );
}

/// Expects that a dataset is not opened as another, and what is said then.
fn refuses(root: &Path, format: &Arc<dyn Format>, identity: &Identity, difference: &str) {
    let tables = tables(format.as_ref());
    let error = Writer::acquire(root, identity, TENANT, Arc::clone(format), tables).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(
        error.to_string(),
        format!("{difference}, or export to another folder")
    );
}

#[test]
fn another_identity_is_refused_with_the_difference_named() {
    let folder = folder();
    drop(writer(folder.path(), &ndjson(Compression::Zstd)));
    let before = contents(folder.path());
    let parquet = parquet();
    let gzip = ndjson(Compression::Gzip);
    for (format, difference) in [
        (
            &parquet,
            "the dataset's format is ndjson, not parquet: keep ndjson for this folder",
        ),
        (
            &gzip,
            "the dataset's compression is zstd, not gzip: keep zstd for this folder",
        ),
    ] {
        let identity = Identity::new(format.as_ref());
        refuses(folder.path(), format, &identity, difference);
    }
    let error = Dataset::open(folder.path(), parquet, Vec::new()).unwrap_err();
    assert!(matches!(error, DatasetError::Mismatch { .. }));
    assert_eq!(contents(folder.path()), before);
}

/// One of the texts of an identity.
type Text = fn(&mut Identity) -> &mut Option<String>;

/// An identity with one of its texts set.
fn set(of: Text, text: Option<&str>) -> Identity {
    let mut identity = Identity::new(parquet().as_ref());
    *of(&mut identity) = text.map(str::to_owned);
    identity
}

#[test]
fn pseudonyms_are_of_one_key_for_good() {
    let format = parquet();
    let of: Text = |identity| &mut identity.pseudonymisation;
    let (with, without) = (folder(), folder());
    let open = |root: &Path, identity: &Identity| {
        let tables = tables(format.as_ref());
        Writer::acquire(root, identity, TENANT, Arc::clone(&format), tables).unwrap()
    };
    drop(open(with.path(), &set(of, Some("00c0ffee"))));
    drop(open(without.path(), &set(of, None)));
    for (root, wanted, words) in [
        (
            with.path(),
            Some("0badcafe"),
            "the dataset's pseudonyms are made with the key 00c0ffee, and this is the key 0badcafe: \
             give the key that the dataset was made with",
        ),
        (
            with.path(),
            None,
            "the dataset is pseudonymised with the key 00c0ffee, and this export is not to be: ask \
             for pseudonymize with that key",
        ),
        (
            without.path(),
            Some("0badcafe"),
            "the dataset was made without pseudonyms, and holds people's ids: leave pseudonymize \
             out",
        ),
    ] {
        refuses(root, &format, &set(of, wanted), words);
    }
    drop(open(with.path(), &set(of, Some("00c0ffee"))));
    dataset(with.path(), &format);
}

#[test]
fn what_was_asked_for_once_is_asked_for_always() {
    let format = parquet();
    let texts: [(&str, Text); 3] = [
        ("select", |identity| &mut identity.select),
        ("filter", |identity| &mut identity.filter),
        ("expand", |identity| &mut identity.expand),
    ];
    for (what, of) in texts {
        let (with, without) = (folder(), folder());
        let open = |root: &Path, identity: &Identity| {
            let tables = tables(format.as_ref());
            Writer::acquire(root, identity, TENANT, Arc::clone(&format), tables).unwrap()
        };
        drop(open(with.path(), &set(of, Some("a eq 'b'"))));
        drop(open(without.path(), &set(of, None)));
        let before = contents(with.path());
        let asks = |root: &Path, text, difference: &str| {
            refuses(root, &format, &set(of, text), difference);
        };
        asks(
            with.path(),
            None,
            &format!(
                "this dataset was made with {what} = a eq 'b', this export asks for none: \
                 ask for {what} = a eq 'b'"
            ),
        );
        asks(
            with.path(),
            Some("c"),
            &format!("the dataset's {what} is a eq 'b', not c: keep a eq 'b' for this folder"),
        );
        asks(
            without.path(),
            Some("c"),
            &format!(
                "this dataset was made without {what}, this export asks for {what} = c: \
                 leave {what} out"
            ),
        );
        assert_eq!(contents(with.path()), before);
        drop(open(with.path(), &set(of, Some("a eq 'b'"))));
        // Who only reads need not know.
        dataset(with.path(), &format);
    }
}

#[test]
fn tenants_tables_and_versions_may_grow_but_not_shrink() {
    let folder = folder();
    let format = parquet();
    let open = |tenant: &str, tables: Vec<TableSpec>| {
        let identity = Identity::new(format.as_ref());
        Writer::acquire(
            folder.path(),
            &identity,
            tenant,
            Arc::clone(&format),
            tables,
        )
    };
    let version = |version: u32| {
        let old = table(RUNS, true, format.timestamps(), false);
        TableSpec::new(RUNS, version, true, old.columns().to_vec()).unwrap()
    };
    let other = "11111111-2222-3333-4444-555555555555";
    drop(open(TENANT, vec![version(1)]).unwrap());
    drop(open(other, tables(format.as_ref())).unwrap());
    drop(open(other, vec![version(2)]).unwrap());
    let identity = Dataset::inspect(folder.path()).unwrap().unwrap();
    assert_eq!(identity.tenants.iter().collect::<Vec<_>>(), [TENANT, other]);
    assert_eq!(identity.schema_versions.len(), 3);
    assert_eq!(identity.schema_versions[RUNS], 2);
    match open(TENANT, vec![version(1)]) {
        Err(DatasetError::NewerSchema {
            has: 2,
            knows: 1,
            what,
        }) => assert_eq!(what, "table runs"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_newer_file_is_never_merged() {
    let folder = folder();
    let format = parquet();
    export(
        folder.path(),
        &format,
        1,
        &[Row::new("w", "1", "a", "e", 1)],
        &[],
    );
    let rows = table(RUNS, true, format.timestamps(), false);
    let newer = TableSpec::new(RUNS, 2, true, rows.columns().to_vec()).unwrap();
    let path = format!("runs/tenant_id={TENANT}/run_date=2026-11-22/part-0.parquet");
    let target = fs::File::create(folder.path().join(path)).unwrap();
    let meta = lcw_dataset::FileMeta {
        schema_version: 2,
        export_id: "e".into(),
    };
    let sink = lcw_dataset::FileSink::new(target);
    format
        .create(sink, &newer, &meta)
        .unwrap()
        .finish()
        .unwrap();
    fs::remove_dir_all(folder.path().join("_manifests")).unwrap();
    crate::support::without_head(folder.path());
    let mut writer = writer(folder.path(), &format);
    let head = crate::support::head(&writer, 2);
    let mut export = writer.begin(head).unwrap();
    let rows = [Row::new("w", "2", "a", "e", 1)];
    let error =
        crate::support::export_day(&mut export, crate::support::DAY, &rows, &[]).unwrap_err();
    assert!(
        matches!(
            error,
            DatasetError::NewerSchema {
                has: 2,
                knows: 1,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn there_is_one_writer_at_a_time() {
    let folder = folder();
    let format = parquet();
    let first = writer(folder.path(), &format);
    let before = contents(folder.path());
    let error = try_writer(folder.path(), &format).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    let holder = format!("process {}", std::process::id());
    assert!(error.to_string().contains(&holder), "{error}");
    assert_eq!(contents(folder.path()), before);
    // Reading needs no lock.
    assert!(
        dataset(folder.path(), &format)
            .days(RUNS, TENANT)
            .unwrap()
            .is_empty()
    );
    drop(first);
    writer(folder.path(), &format);
    assert!(
        folder.path().join("_lock").exists(),
        "the lock file is never deleted"
    );
}

#[test]
fn the_holder_names_its_export() {
    let folder = folder();
    let format = parquet();
    let mut first = writer(folder.path(), &format);
    let head = crate::support::head(&first, 1);
    let _export = first.begin(head).unwrap();
    let error = try_writer(folder.path(), &format).unwrap_err().to_string();
    assert!(
        error.contains("export 20261122T101001.000000Z, since "),
        "{error}"
    );
}

#[test]
fn only_tenant_ids_become_folders() {
    let folder = folder();
    let format = parquet();
    for tenant in ["contoso.onmicrosoft.com", "../..", ""] {
        let identity = Identity::new(format.as_ref());
        let tables = tables(format.as_ref());
        let error = Writer::acquire(
            folder.path(),
            &identity,
            tenant,
            Arc::clone(&format),
            tables,
        )
        .unwrap_err();
        assert!(matches!(error, DatasetError::InvalidTenant { .. }));
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn links_in_the_place_of_the_dataset_s_own_files_are_refused() {
    let outside = folder();
    for name in ["_lock", "_staging", "_dataset.json"] {
        let folder = folder();
        std::os::unix::fs::symlink(outside.path().join(name), folder.path().join(name)).unwrap();
        let error = try_writer(folder.path(), &parquet()).unwrap_err();
        assert!(
            matches!(error, DatasetError::SymbolicLink { .. }),
            "{name}: {error}"
        );
    }
    assert!(names(outside.path()).is_empty());
}
