//! Who is spoken to over TLS, and what a proxy in between gets to see.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lcw_tests::Impostor;
use lcw_tests::impostor::{TENANT, TOKEN, one_run_or_404};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{ServerConfig, SupportedProtocolVersion};

use crate::program::{Ended, Lcw};

const SECRET: &str = "canary-client-secret";
const BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/test-only")
        .join(name)
}

/// A service behind TLS, with everything that it was asked.
struct Secure {
    port: u16,
    behind: Impostor,
}

impl Secure {
    async fn start(certificate: &str, versions: &[&'static SupportedProtocolVersion]) -> Self {
        let behind = Impostor::start(|_, request| one_run_or_404(request)).await;
        let chain = CertificateDer::pem_file_iter(fixture(certificate)).unwrap();
        let chain: Vec<_> = chain.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(fixture("server.key")).unwrap();
        let config = ServerConfig::builder_with_protocol_versions(versions)
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let target = behind.origin().trim_start_matches("http://").to_owned();
        let port = serve(move |stream| {
            let (acceptor, target) = (acceptor.clone(), target.clone());
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inner = TcpStream::connect(target).await.unwrap();
                // Either side may leave.
                drop(copy_bidirectional(&mut stream, &mut inner).await);
            }
        })
        .await;
        Self { port, behind }
    }
}

/// Listens, and serves each connection on its own: the port.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    each: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(each(stream));
        }
    });
    port
}

/// A folder, and an export of what is at `origin`.
struct Client {
    folder: TempDir,
    origin: String,
}

impl Client {
    fn of(origin: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, origin }
    }

    /// With these lines in the pipeline file. Nothing here needs more time than the deadline.
    fn lcw(&self, source: &str) -> Lcw {
        let origin = &self.origin;
        let text = format!(
            "[source]\ngraph_url = \"{origin}\"\nauthority_url = \"{origin}\"\n\
             tenant_id = \"{TENANT}\"\nclient_id = \"client\"\n{source}\n\
             [extract]\ndeadline = \"3s\"\ntables = [\"user_processing_results\"]\n"
        );
        std::fs::write(self.folder.path().join("p.toml"), text).unwrap();
        Lcw::new(self.folder.path(), "export p.toml --out data")
            .env("AZURE_CLIENT_SECRET", SECRET)
            .env("RUST_LOG", "trace")
    }
}

fn trusting(authority: &str) -> String {
    format!("ca_file = \"{}\"", fixture(authority).display())
}

/// Neither secret nor token nor proxy password in what the program said.
#[track_caller]
fn assert_quiet(ended: &Ended) {
    for canary in ["canary", TOKEN, "Y2FuYXJ5"] {
        let told = ended.stderr.lines().chain(ended.stdout.lines());
        let told: Vec<&str> = told.filter(|line| line.contains(canary)).collect();
        assert!(told.is_empty(), "{told:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_of_an_authority_in_ca_file_is_accepted() {
    for (host, versions) in [
        ("localhost", &BOTH[..]),
        ("127.0.0.1", &BOTH[..1]),
        ("localhost", &BOTH[1..]),
    ] {
        let server = Secure::start("good.pem", versions).await;
        let client = Client::of(format!("https://{host}:{}", server.port));
        let ended = client.lcw(&trusting("root.pem")).run().with(0);
        assert_quiet(&ended);
        let heard = server.behind.heard();
        let bearer = format!("Bearer {TOKEN}");
        assert!(
            heard
                .iter()
                .any(|asked| asked.header("authorization") == Some(&bearer))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_that_proves_nothing_is_refused_and_nothing_is_sent() {
    let root = trusting("root.pem");
    for (certificate, host, source, says) in [
        ("expired.pem", "localhost", &*root, "expired"),
        ("not-yet.pem", "localhost", &root, "not valid yet"),
        ("other-host.pem", "localhost", &root, "not valid for name"),
        ("other-host.pem", "127.0.0.1", &root, "not valid for name"),
        ("self-signed.pem", "localhost", &root, "UnknownIssuer"),
        ("self-signed.pem", "localhost", "", "UnknownIssuer"),
        ("good.pem", "localhost", "", "UnknownIssuer"),
        (
            "good.pem",
            "localhost",
            &trusting("stranger.pem"),
            "UnknownIssuer",
        ),
    ] {
        let server = Secure::start(certificate, &BOTH).await;
        let client = Client::of(format!("https://{host}:{}", server.port));
        let ended = client.lcw(source).run().with(1);
        ended.says(&["invalid peer certificate", says, "ca_file"]);
        assert_quiet(&ended);
        assert_eq!(server.behind.heard().len(), 0, "{certificate}: {ended}");
    }
}

/// A machine may have no certificates, and none are read where nobody shows one.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn certificates_of_the_system_are_needed_for_tls_alone() {
    let server = Secure::start("good.pem", &BOTH).await;
    let without = |lcw: Lcw| {
        let names = ["SSL_CERT_FILE", "SSL_CERT_DIR"];
        names
            .iter()
            .fold(lcw, |lcw, name| lcw.env(name, "/nowhere"))
    };
    let plain = Client::of(server.behind.origin().to_owned());
    without(plain.lcw("")).run().with(0);
    let asked = server.behind.heard().len();
    let secure = Client::of(format!("https://localhost:{}", server.port));
    let ended = without(secure.lcw("")).run();
    assert!(matches!(ended.code, Some(1 | 2)), "{ended}");
    assert_eq!(server.behind.heard().len(), asked, "{ended}");
    without(secure.lcw(&trusting("root.pem"))).run().with(0);
}

/// Whoever speaks no TLS, or one that is too old, is given up on: what it gets to see is a greeting.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_without_tls_or_with_an_old_one_gets_nothing() {
    // A ServerHello of TLS 1.1: version, 32 random bytes, no session, a cipher, no compression.
    let mut hello = vec![
        0x16, 0x03, 0x02, 0x00, 0x2a, 0x02, 0x00, 0x00, 0x26, 0x03, 0x02,
    ];
    hello.extend([7; 32]);
    hello.extend([0x00, 0x00, 0x2f, 0x00]);
    let plain = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
    let alert = vec![0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46];
    for said in [hello, plain, alert, Vec::new()] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&heard);
        let port = serve(move |mut stream| {
            let (said, notes) = (said.clone(), Arc::clone(&notes));
            async move {
                let mut greeting = vec![0; 4_096];
                let length = stream.read(&mut greeting).await.unwrap_or(0);
                notes.lock().unwrap().extend_from_slice(&greeting[..length]);
                // Whoever is refused may be gone already.
                drop(stream.write_all(&said).await);
                let mut more = Vec::new();
                drop(stream.read_to_end(&mut more).await);
                notes.lock().unwrap().extend(more);
            }
        })
        .await;
        let client = Client::of(format!("https://localhost:{port}"));
        let ended = client.lcw(&trusting("root.pem")).run();
        assert!(matches!(ended.code, Some(1 | 7)), "{ended}");
        assert_quiet(&ended);
        let heard = String::from_utf8_lossy(&heard.lock().unwrap()).into_owned();
        assert!(heard.starts_with('\u{16}'), "{heard:?}");
        for part in ["canary", "POST", "GET", "HTTP/1"] {
            assert!(!heard.contains(part), "{heard:?}");
        }
    }
}

/// A proxy that tunnels everything to one port, and remembers all that passes towards it.
async fn proxy(to: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let passed = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&passed);
    let port = serve(move |stream| tunnel(stream, to, Arc::clone(&notes))).await;
    (port, passed)
}

async fn tunnel(mut stream: TcpStream, to: u16, notes: Arc<Mutex<Vec<u8>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
            return;
        }
    }
    notes.lock().unwrap().extend_from_slice(&head);
    let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
    stream.write_all(answer).await.unwrap();
    let inner = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
    let (mut from_inner, mut to_inner) = inner.into_split();
    let (mut from_client, mut to_client) = stream.into_split();
    tokio::spawn(async move { tokio::io::copy(&mut from_inner, &mut to_client).await });
    let mut part = vec![0; 16_384];
    while let Ok(length @ 1..) = from_client.read(&mut part).await {
        notes.lock().unwrap().extend_from_slice(&part[..length]);
        drop(to_inner.write_all(&part[..length]).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_sees_the_name_of_the_host_and_nothing_that_goes_there() {
    let server = Secure::start("good.pem", &BOTH).await;
    let (port, passed) = proxy(server.port).await;
    let client = Client::of("https://graph.test:8443".to_owned());
    let url = format!("http://user:canary-password@127.0.0.1:{port}");
    let root = trusting("root.pem");
    let by_file = format!("{root}\nproxy = \"{url}\"");
    for (source, url, excepted) in [
        (&root, &*url, ""),
        (&by_file, "", ""),
        (&root, &url, "other.test"),
    ] {
        let lcw = client.lcw(source).env("HTTPS_PROXY", url);
        assert_quiet(&lcw.env("NO_PROXY", excepted).run().with(0));
        let seen =
            String::from_utf8_lossy(&std::mem::take(&mut *passed.lock().unwrap())).into_owned();
        assert!(
            seen.starts_with("CONNECT graph.test:8443 HTTP/1.1\r\n"),
            "{seen:?}"
        );
        // base64 of user:canary-password.
        assert!(
            seen.contains("Basic dXNlcjpjYW5hcnktcGFzc3dvcmQ="),
            "{seen:?}"
        );
        for part in [SECRET, TOKEN, "Bearer", "lifecycleWorkflows", "oauth2"] {
            assert!(!seen.contains(part), "{part} in {seen:?}");
        }
    }
    assert!(server.behind.heard().len() > 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_proxy_that_answers_in_the_place_of_the_host_is_refused() {
    let server = Secure::start("self-signed.pem", &BOTH).await;
    let (port, _) = proxy(server.port).await;
    let client = Client::of("https://graph.test:8443".to_owned());
    let lcw = client.lcw(&trusting("root.pem"));
    let ended = lcw.env("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    let ended = ended.run().with(1);
    ended.says(&["invalid peer certificate"]);
    assert_eq!(server.behind.heard().len(), 0, "{ended}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_proxy_stands_before_loopback_or_the_hosts_of_no_proxy() {
    let server = Secure::start("good.pem", &BOTH).await;
    let (port, passed) = proxy(server.port).await;
    let url = format!("http://127.0.0.1:{port}");
    let through = |lcw: Lcw| {
        let names = [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
        ];
        names.iter().fold(lcw, |lcw, name| lcw.env(name, &url))
    };
    let client = Client::of(format!("https://localhost:{}", server.port));
    let root = trusting("root.pem");
    through(client.lcw(&root)).run().with(0);
    let by_file = format!("{root}\nproxy = \"{url}\"");
    client.lcw(&by_file).run().with(0);
    let plain = Client::of(server.behind.origin().to_owned());
    through(plain.lcw("")).run().with(0);
    // Without its proxy a host that is nowhere cannot be reached.
    let client = Client::of("https://graph.test:8443".to_owned());
    for name in ["graph.test", ".test", "*"] {
        for source in [&root, &by_file] {
            let ended = through(client.lcw(source)).env("NO_PROXY", name).run();
            assert!(matches!(ended.code, Some(1 | 7)), "{name}: {ended}");
        }
    }
    assert_eq!(passed.lock().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn plain_http_goes_no_further_than_loopback() {
    let (port, passed) = proxy(9).await;
    let client = Client::of("http://127.0.0.1:9".to_owned());
    for flag in ["--graph-url", "--authority-url"] {
        for url in [
            "http://graph.microsoft.com",
            "http://10.0.0.1",
            "http://127.0.0.1.evil.test",
            "http://localhost.evil.test",
            "http://[::ffff:127.0.0.1]",
            "http://0.0.0.0",
        ] {
            let lcw = client.lcw("").arg(flag).arg(url);
            let ended = lcw.env("HTTP_PROXY", format!("http://127.0.0.1:{port}"));
            ended
                .run()
                .with(2)
                .says(&["is not https", "read the token"]);
        }
    }
    let lcw = client
        .lcw("")
        .env("AZURE_AUTHORITY_HOST", "http://login.evil.test");
    lcw.run().with(2).says(&["is not https"]);
    assert_eq!(passed.lock().unwrap().len(), 0);
}
