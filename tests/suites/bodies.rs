//! Bodies and headers that no service should send: asked for again, refused or read, but never taken
//! for an empty page, never waited for without end, and never followed elsewhere with the token.

use std::io::Write as _;
use std::time::Duration;

use arrow::array::AsArray as _;
use flate2::Compression;
use flate2::write::GzEncoder;
use lcw_dataset::Dataset;
use lcw_pipeline::{FileFormat, NdjsonCompression, Summary, layout, specs};
use lcw_simulator::{Category, RunPlan, Simulator, TenantConfig, WorkflowConfig};
use lcw_tests::{Good, Meddler, Office, Reply};
use lcw_transform::Table;
use tokio::time::Instant;

const DAY: Duration = Duration::from_hours(24);

/// What becomes of an export that meets a spoilt answer.
#[derive(Debug, Clone, Copy)]
enum Then {
    /// The page is asked for again, and the dataset is whole.
    AsksAgain,
    /// The answer is as good as any other.
    Reads,
    /// The run is left out and named; the next export completes.
    LeavesOut,
    /// The export ends with this code; the next one completes.
    Ends(u8),
}

/// Two runs of two pages each.
fn config() -> TenantConfig {
    let mut config = TenantConfig::empty(7);
    config.workflows = vec![WorkflowConfig::new(Category::Leaver, "Offboard")];
    config.runs = [3, 2]
        .map(|days| (0, RunPlan::new(config.now - DAY * days, 3)))
        .into();
    config.paging.page_size = 2..=2;
    // A gateway goes by another name than the one that a readable token is for.
    config.access.opaque_tokens = true;
    config
}

fn is_first_page_of_results(target: &str) -> bool {
    target.contains("userProcessingResults?") && !target.contains("skiptoken")
}

fn is_results(target: &str) -> bool {
    target.contains("userProcessingResults?")
}

/// One export through a gateway that spoils answers, on a dataset of its own.
async fn export_through(
    office: &mut Office,
    tenant: &Simulator,
    meddle: impl Fn(&str, u64, Good) -> Reply + Send + Sync + 'static,
) -> (Summary, Meddler) {
    let meddler = Meddler::before(tenant, meddle).await;
    let (id, client) = (tenant.tenant_id(), tenant.client_id());
    let client = office.sign_in_as(meddler.origin(), id, client, tenant.client_secret());
    office.request.kind = lcw_pipeline::Kind::Export;
    office.request.tenant = Some(tenant.tenant_id().to_owned());
    let summary = office.run_with(client).await;
    (summary, meddler)
}

/// The first answer to each first page of results is spoilt; or every one, if that is `lasting`.
async fn meets(
    what: &str,
    then: Then,
    is_lasting: bool,
    spoil: impl Fn(Good) -> Reply + Send + Sync + 'static,
) {
    let mut office = Office::new(FileFormat::Parquet);
    let tenant = Simulator::start(config()).await.unwrap();
    let truth = tenant.truth();
    let (summary, meddler) = export_through(&mut office, &tenant, move |target, nth, good| {
        if is_first_page_of_results(target) && (is_lasting || nth == 1) {
            spoil(good)
        } else {
            good.reply()
        }
    })
    .await;
    assert!(meddler.count("userProcessingResults?") > 0);
    match then {
        Then::AsksAgain | Then::Reads => {
            assert_eq!(summary.exit_code, 0, "{what}: {summary:#?}");
            let again = matches!(then, Then::AsksAgain);
            assert_eq!(summary.requests.retried > 0, again, "{what}");
            office.assert_holds(&tenant, &truth);
        }
        Then::LeavesOut | Then::Ends(_) => {
            let code = match then {
                Then::Ends(code) => code,
                _ => 4,
            };
            assert_eq!(summary.exit_code, code, "{what}: {summary:#?}");
            office.assert_nothing_false(&tenant, &truth);
            office.assert_completes(&tenant).await;
        }
    }
}

fn bytes(body: &[u8]) -> impl Fn(Good) -> Reply + Send + Sync + 'static {
    let body = body.to_vec();
    move |good| good.with_body(body.clone()).reply()
}

fn replace(from: &'static str, to: String) -> impl Fn(Good) -> Reply + Send + Sync + 'static {
    move |good| {
        let body = String::from_utf8(good.body.clone()).unwrap();
        assert!(body.contains(from), "{body}");
        let body = body.replacen(from, &to, 1);
        good.with_body(body).reply()
    }
}

#[tokio::test(start_paused = true)]
async fn json_that_is_no_page_is_asked_for_again_and_never_taken_for_an_empty_one() {
    let nested = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    for body in [
        "null",
        "[]",
        "{}",
        "0",
        "\"\"",
        "",
        " ",
        "true",
        "{\"value\":null}",
        "{\"value\":{}}",
        "{\"value\":0}",
        "{\"value\":[",
        "{\"value\":[]",
        "{\"value\":[]}}",
        "{\"value\":[]} x",
        "{\"Value\":[]}",
        "[{\"value\":[]}]",
        "\u{0}",
        "{\"value\":[]}\u{0}",
        "\u{feff}",
        "{\"error\":{\"code\":\"x\"},\"value\":[]}",
        "<html>",
        &nested,
        &objects,
        &"[".repeat(100_000),
        &"{\"value\":[".repeat(20_000),
    ] {
        let what: String = body.chars().take(40).collect();
        meets(&what, Then::AsksAgain, false, bytes(body.as_bytes())).await;
    }
    meets("always null", Then::LeavesOut, true, bytes(b"null")).await;
}

#[tokio::test(start_paused = true)]
async fn text_that_is_no_utf_8_is_asked_for_again_and_a_byte_order_mark_is_none() {
    let prepend = |mark: &'static [u8]| {
        move |good: Good| {
            let body = [mark, &good.body].concat();
            good.with_body(body).reply()
        }
    };
    meets("BOM", Then::Reads, false, prepend(b"\xef\xbb\xbf")).await;
    meets(
        "two BOMs",
        Then::AsksAgain,
        false,
        prepend(b"\xef\xbb\xbf\xef\xbb\xbf"),
    )
    .await;
    meets("UTF-16", Then::AsksAgain, false, prepend(b"\xff\xfe")).await;
    meets("NUL", Then::AsksAgain, false, prepend(b"\0")).await;
    let in_text = |byte: u8| {
        move |good: Good| {
            let mut body = good.body.clone();
            let at = body
                .windows(5)
                .position(|window| window == b"\"id\":")
                .unwrap();
            body[at + 7] = byte;
            good.with_body(body).reply()
        }
    };
    meets("a lone continuation", Then::AsksAgain, false, in_text(0xbf)).await;
    meets("a raw NUL", Then::AsksAgain, false, in_text(0)).await;
    meets("a raw line feed", Then::AsksAgain, false, in_text(b'\n')).await;
}

#[tokio::test(start_paused = true)]
async fn values_that_no_column_holds_end_the_export_and_are_never_dropped() {
    let row = "\"value\":[{";
    for (what, text) in [
        ("a number beyond every type", "\"totalTasksCount\":1e999,"),
        (
            "a count beyond its type",
            "\"totalTasksCount\":99999999999,",
        ),
        ("a fraction of a task", "\"totalTasksCount\":1.5,"),
    ] {
        let spoilt = replace(row, format!("{row}{text}"));
        meets(what, Then::Ends(1), false, spoilt).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_property_that_comes_twice_the_last_counts() {
    let row = "\"value\":[{";
    let spoilt = replace(row, format!("{row}\"startedDateTime\":\"yesterday\","));
    meets("two dates", Then::Reads, false, spoilt).await;
}

/// Deeper than any parser of trees goes; it is text in a column, and harms nothing beside it.
#[tokio::test(start_paused = true)]
async fn a_property_ten_thousand_levels_deep_is_kept_as_it_came() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let row = "\"value\":[{";
    for format in [
        FileFormat::Parquet,
        FileFormat::Ndjson(NdjsonCompression::Zstd),
    ] {
        let mut office = Office::new(format);
        let tenant = Simulator::start(config()).await.unwrap();
        let spoil = replace(row, format!("{row}\"deep\":{deep},"));
        let (summary, _meddler) = export_through(&mut office, &tenant, move |target, _, good| {
            if is_first_page_of_results(target) {
                spoil(good)
            } else {
                good.reply()
            }
        })
        .await;
        assert_eq!(summary.exit_code, 0, "{summary:#?}");
        let expected = format!("{{\"deep\":{deep}}}");
        let extras = texts(&office, &tenant, "_lcw_extra");
        assert_eq!(extras.len(), 6, "every row is there");
        let kept = extras
            .iter()
            .filter(|extra| **extra == Some(expected.clone()));
        assert_eq!(kept.count(), 2, "one of each run's first page");
    }
}

/// A column of text of all results, as it is stored.
fn texts(office: &Office, tenant: &Simulator, column: &str) -> Vec<Option<String>> {
    let loader = office.request.format.loader();
    let tables = specs(&layout(loader.as_ref(), false)).unwrap();
    let dataset = Dataset::open(office.out(), loader, tables).unwrap();
    let (table, id) = (Table::UserProcessingResults.name(), tenant.tenant_id());
    let mut texts = Vec::new();
    for file in dataset.files(table, id).unwrap() {
        let batches = dataset.read(table, id, file.day, Some(&[column]));
        for batch in batches.unwrap().unwrap() {
            let batch = batch.unwrap();
            let column = batch.column(0).as_string::<i32>();
            texts.extend(column.iter().map(|text| text.map(str::to_owned)));
        }
    }
    texts
}

/// One GiB of zeros as gzip, a MiB at a time.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..1_024 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap()
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn encoded(name: &'static str, body: impl Fn(Vec<u8>) -> Vec<u8>) -> impl Fn(Good) -> Reply {
    move |good| {
        let body = body(good.body.clone());
        let good = good.with_body(body);
        good.with_header("content-encoding", name).reply()
    }
}

/// The most memory that this process has held, in bytes.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib * 1_024
}

#[tokio::test(start_paused = true)]
async fn what_unpacks_to_a_gibibyte_is_stopped_at_the_cap() {
    let bomb = bomb();
    assert!(bomb.len() < 2 << 20);
    let before = peak_memory();
    let spoilt = encoded("gzip", move |_| bomb.clone());
    meets("1 GiB of spaces", Then::LeavesOut, true, spoilt).await;
    let grown = peak_memory() - before;
    assert!(grown < 300 << 20, "{} MiB more", grown >> 20);
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_encoding_is_not_what_it_says_is_asked_for_again() {
    let cut = |body: Vec<u8>| gzip(&body)[..60].to_vec();
    meets("gzip, cut", Then::AsksAgain, false, encoded("gzip", cut)).await;
    let spoilt = |body: Vec<u8>| {
        let mut packed = gzip(&body);
        let at = packed.len() - 6;
        packed[at] ^= 0xff;
        packed
    };
    meets(
        "gzip, wrong sum",
        Then::AsksAgain,
        false,
        encoded("gzip", spoilt),
    )
    .await;
    let plain = |body: Vec<u8>| body;
    meets(
        "gzip, but plain",
        Then::AsksAgain,
        false,
        encoded("gzip", plain),
    )
    .await;
    let packed = |body: Vec<u8>| gzip(&body);
    meets(
        "unknown encoding",
        Then::AsksAgain,
        false,
        encoded("zzz", packed),
    )
    .await;
    let twice = |body: Vec<u8>| gzip(&gzip(&body));
    meets(
        "gzip twice",
        Then::AsksAgain,
        false,
        encoded("gzip, gzip", twice),
    )
    .await;
    meets(
        "gzip",
        Then::Reads,
        false,
        encoded("gzip", |body| gzip(&body)),
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_length_that_lies_makes_no_page_shorter() {
    for (what, lie) in [
        ("too long", 1_i64),
        ("far too long", 1 << 40),
        ("too short", -7),
    ] {
        meets(what, Then::AsksAgain, false, move |good: Good| {
            let length = i64::try_from(good.body.len()).unwrap() + lie;
            good.reply_with(&[("content-length".to_owned(), length.to_string())])
        })
        .await;
    }
    for length in ["-1", "x", "99999999999999999999999"] {
        meets(length, Then::AsksAgain, false, move |good: Good| {
            good.reply_with(&[("content-length".to_owned(), length.to_owned())])
        })
        .await;
    }
    meets(
        "silence after the head",
        Then::AsksAgain,
        false,
        |good: Good| match good
            .with_body("")
            .reply_with(&[("content-length".to_owned(), "9".to_owned())])
        {
            Reply::Bytes(bytes) | Reply::Silence(bytes) => Reply::Silence(bytes),
        },
    )
    .await;
    meets("silence", Then::AsksAgain, false, |_| {
        Reply::Silence(Vec::new())
    })
    .await;
    meets("nothing", Then::AsksAgain, false, |_| {
        Reply::Bytes(Vec::new())
    })
    .await;
    meets("no HTTP", Then::AsksAgain, false, |_| {
        Reply::Bytes(b"SSH-2.0-OpenSSH_9.9\r\n".to_vec())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn absurd_headers_are_read_or_the_page_is_asked_for_again() {
    let with = |name: &'static str, value: String| {
        move |good: Good| good.with_header(name, &value).reply()
    };
    meets(
        "64 kB",
        Then::Reads,
        false,
        with("x-long", "x".repeat(64_000)),
    )
    .await;
    meets(
        "2 MB",
        Then::AsksAgain,
        false,
        with("x-long", "x".repeat(2_000_000)),
    )
    .await;
    meets("1,000 headers", Then::AsksAgain, false, |mut good: Good| {
        let more = (0..1_000).map(|nth| (format!("x-{nth}"), "y".to_owned()));
        good.headers.extend(more);
        good.reply()
    })
    .await;
    meets(
        "no ASCII",
        Then::Reads,
        false,
        with("x-name", "Zoë 漢字".to_owned()),
    )
    .await;
    for (what, date) in [
        ("no date", None),
        ("garbage", Some("the day after tomorrow")),
        ("an empty date", Some("")),
        (
            "a date of another calendar",
            Some("Mon, 31 Feb 2026 25:61:61 GMT"),
        ),
    ] {
        meets(what, Then::Reads, false, move |good: Good| {
            let good = good.without_header("date");
            match date {
                None => good.reply(),
                Some(date) => good.with_header("date", date).reply(),
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_whole_answer_is_a_page() {
    let status = |line: &'static str| move |good: Good| good.with_status(line).reply();
    for line in [
        "201 Created",
        "202 Accepted",
        "203 Non-Authoritative Information",
    ] {
        meets(line, Then::AsksAgain, false, status(line)).await;
    }
    meets(
        "206, all of it",
        Then::AsksAgain,
        false,
        status("206 Partial Content"),
    )
    .await;
    meets("206, fewer rows", Then::LeavesOut, true, |good: Good| {
        good.with_body("{\"value\":[]}")
            .with_status("206 Partial Content")
            .reply()
    })
    .await;
    meets("204", Then::AsksAgain, false, |good: Good| {
        good.with_body("").with_status("204 No Content").reply()
    })
    .await;
    for line in ["304 Not Modified", "300 Multiple Choices", "226 IM Used"] {
        let then = if line.starts_with('2') {
            Then::AsksAgain
        } else {
            Then::Ends(1)
        };
        meets(line, then, false, status(line)).await;
    }
    for hint in ["100 Continue", "103 Early Hints"] {
        meets(hint, Then::Reads, false, move |good: Good| {
            match good.reply() {
                Reply::Bytes(bytes) | Reply::Silence(bytes) => {
                    let mut all = format!("HTTP/1.1 {hint}\r\n\r\n").into_bytes();
                    all.extend(bytes);
                    Reply::Bytes(all)
                }
            }
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_redirect_is_followed_not_even_to_the_same_host() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        for is_same in [true, false] {
            let elsewhere = lcw_tests::Eavesdropper::start().await;
            let mut office = Office::new(FileFormat::Parquet);
            let tenant = Simulator::start(config()).await.unwrap();
            let port = elsewhere.port();
            let (summary, meddler) =
                export_through(&mut office, &tenant, move |target, _, good| {
                    if !is_first_page_of_results(target) {
                        return good.reply();
                    }
                    let to = if is_same {
                        "/followed".to_owned()
                    } else {
                        format!("http://127.0.0.1:{port}/followed")
                    };
                    good.with_status(status)
                        .with_header("location", &to)
                        .reply()
                })
                .await;
            assert_eq!(summary.exit_code, 1, "{status}: {summary:#?}");
            assert_eq!(meddler.count("followed"), 0);
            assert_eq!(elsewhere.heard(), Vec::<String>::new());
            office.assert_completes(&tenant).await;
        }
    }
}

/// The pause that passes between the first refusal and the next request, and the exit code.
async fn pause_after(status: &'static str, values: &[&str], in_body: bool) -> (Duration, u8) {
    let mut office = Office::new(FileFormat::Parquet);
    office.request.max_concurrency = 1;
    office.client.retry_initial = Duration::from_millis(100);
    office.client.deadline = Some(Duration::from_hours(1));
    let tenant = Simulator::start(config()).await.unwrap();
    let values: Vec<String> = values.iter().map(|&value| value.to_owned()).collect();
    let times = std::sync::Arc::<std::sync::Mutex<Vec<Instant>>>::default();
    let noted = std::sync::Arc::clone(&times);
    let (summary, _) = export_through(&mut office, &tenant, move |target, nth, mut good| {
        if !is_results(target) {
            return good.reply();
        }
        noted.lock().unwrap().push(Instant::now());
        if !is_first_page_of_results(target) || nth > 1 || noted.lock().unwrap().len() > 1 {
            return good.reply();
        }
        for value in &values {
            good = good.with_header("retry-after", value);
        }
        if in_body {
            let error = "{\"error\":{\"code\":\"TooManyRequests\",\"retryAfterSeconds\":3,\
                         \"innerError\":{\"Retry-After\":\"3\"},\"message\":\"Retry after 3\"}}";
            good = good.with_body(error);
        }
        good.with_status(status).reply()
    })
    .await;
    let times = times.lock().unwrap().clone();
    let pause = times.get(1).map_or(Duration::ZERO, |next| *next - times[0]);
    if summary.exit_code == 0 {
        office.assert_holds(&tenant, &tenant.truth());
    } else {
        let error = summary.error.as_ref().unwrap();
        assert!(error.message.contains("pause for another"), "{error:?}");
        assert!(error.remedy.is_some());
    }
    (pause, summary.exit_code)
}

#[tokio::test(start_paused = true)]
async fn a_pause_is_as_long_as_the_longest_that_is_asked_for_and_nonsense_is_a_short_one() {
    const THROTTLED: &str = "429 Too Many Requests";
    let seconds = Duration::from_secs;
    let short = Duration::from_millis(50)..seconds(2);
    for (values, at_least) in [
        (&["3"][..], seconds(3)),
        (&["3", "11"], seconds(11)),
        (&["11", "rubbish"], seconds(11)),
        (&["3, 11"], seconds(11)),
        (&["0003"], seconds(3)),
    ] {
        let (pause, code) = pause_after(THROTTLED, values, true).await;
        assert_eq!(code, 0, "{values:?}");
        assert!(
            (at_least..at_least + seconds(2)).contains(&pause),
            "{values:?}: {pause:?}"
        );
    }
    for value in [
        "-5",
        "soon",
        "",
        "\u{e9}\u{fc}",
        "٣",
        "1e9",
        "0x10",
        "NaN",
        "+3",
        "3 s",
    ] {
        let (pause, code) = pause_after(THROTTLED, &[value], false).await;
        assert_eq!(code, 0, "{value:?}");
        assert!(short.contains(&pause), "{value:?}: {pause:?}");
    }
    for value in [
        "99999999",
        "18446744073709551616",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        let started = Instant::now();
        let (_, code) = pause_after(THROTTLED, &[value], true).await;
        assert_eq!(code, 7, "{value:?}");
        assert!(started.elapsed() < seconds(60), "{value:?} was waited for");
    }
    let (_, code) = pause_after("503 Service Unavailable", &["99999999"], false).await;
    assert_eq!(code, 7);
}
