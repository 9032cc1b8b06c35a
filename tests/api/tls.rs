//! TLS that ends here: versions, what browsers are told, a certificate that is replaced while the gateway runs, and a stream.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use farthing_support::poll::{PATIENCE, until};
use rustix::process::{Pid, Signal, kill_process};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use serde_json::{Value, json};

use crate::BINARY;

const TOKEN: &str = "mgmt-0f3c9a7e5b1d48c6a2e4f680-tls";

/// A gateway that speaks TLS on its own.
struct Encrypted {
    home: PathBuf,
    process: Child,
    address: SocketAddr,
}

/// What a server certificate for `localhost` is made of, in PEM, and in DER for whoever trusts it.
fn certificate() -> (String, String, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem(), made.cert.der().clone())
}

impl Encrypted {
    fn start(name: &str) -> (Self, CertificateDer<'static>) {
        let home = std::env::temp_dir().join(format!("farthing-tls-{}-{name}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let trusted = write(&home);
        let mut command = Command::new(BINARY);
        command.current_dir(&home).env_clear().arg("serve").stdin(Stdio::null());
        let log = fs::File::create(home.join("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        for (name, value) in [
            ("FARTHING__SERVER__LISTEN", "127.0.0.1:0"),
            ("FARTHING__SERVER__TLS_CERT", "cert.pem"),
            ("FARTHING__SERVER__TLS_KEY", "key.pem"),
            ("FARTHING__CATALOGUE__URL", ""),
            ("SESSION_SECRET", "6b1f0e9d8c7a5b4e3f2d1c0b9a8f7e6d-tls"),
            ("MASTER_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
            ("MANAGEMENT_TOKEN", TOKEN),
        ] {
            command.env(name, value);
        }
        let process = command.spawn().unwrap();
        let file = home.join("data/address");
        let address = until("it listens", PATIENCE, || fs::read_to_string(&file).ok()?.parse().ok()).0;
        (Self { home, process, address }, trusted)
    }

    /// One request on a connection of its own; the whole answer, and the version that was spoken.
    fn ask(
        &self,
        trusted: &CertificateDer<'static>,
        versions: &[&'static SupportedProtocolVersion],
        request: &str,
    ) -> Result<(String, Option<rustls::ProtocolVersion>), std::io::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        let name = "localhost".try_into().unwrap();
        let client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = StreamOwned::new(client, TcpStream::connect(self.address)?);
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok((answer, stream.conn.protocol_version()))
    }

    fn get(&self, trusted: &CertificateDer<'static>, path: &str) -> Result<String, std::io::Error> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        self.ask(trusted, rustls::DEFAULT_VERSIONS, &request).map(|(answer, _)| answer)
    }

    fn post(&self, trusted: &CertificateDer<'static>, path: &str, token: &str, body: &Value) -> String {
        let body = body.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.ask(trusted, rustls::DEFAULT_VERSIONS, &request).unwrap().0
    }

    fn reload(&self) {
        kill_process(Pid::from_child(&self.process), Signal::HUP).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap()
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).ok();
        let ended = self.process.wait();
        let whole = ended.is_ok_and(|status| status.success());
        drop(fs::remove_dir_all(&self.home));
        assert!(whole || std::thread::panicking(), "it did not end well");
    }
}

/// Puts a new certificate in place; what trusts it.
fn write(home: &Path) -> CertificateDer<'static> {
    let (chain, key, trusted) = certificate();
    fs::write(home.join("cert.pem"), chain).unwrap();
    fs::write(home.join("key.pem"), key).unwrap();
    trusted
}

/// A greeting of TLS 1.1, which knows nothing newer, with one suite that everybody had then.
fn old_greeting() -> Vec<u8> {
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 2, 0xc0, 0x13, 1, 0, 0, 0]);
    let mut handshake = vec![1, 0, 0, u8::try_from(hello.len()).unwrap()];
    handshake.extend(hello);
    let mut record = vec![22, 3, 1, 0, u8::try_from(handshake.len()).unwrap()];
    record.extend(handshake);
    record
}

#[test]
fn tls_1_2_and_1_3_are_spoken_and_nothing_older_or_plain() {
    let (gateway, trusted) = Encrypted::start("versions");
    let request = "GET /live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let (answer, spoken) = gateway.ask(&trusted, &[version], request).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("strict-transport-security: max-age=31536000; includeSubDomains"), "{answer}");
        assert_eq!(spoken, Some(version.version));
    }
    for greeting in [old_greeting(), request.as_bytes().to_vec()] {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        stream.write_all(&greeting).unwrap();
        let mut answer = Vec::new();
        // An alert, or the end.
        stream.read_to_end(&mut answer).ok();
        assert!(answer.is_empty() || answer[0] == 21, "{answer:?}");
    }
    let form = gateway.get(&trusted, "/sign-in").unwrap();
    assert!(form.starts_with("HTTP/1.1 200"), "{form}");
}

#[test]
fn health_says_when_the_certificate_ends_also_after_another_one() {
    let (gateway, trusted) = Encrypted::start("health");
    let health = |trusted: &CertificateDer<'static>| -> Value {
        let request = format!(
            "GET /api/system/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        );
        let (answer, _) = gateway.ask(trusted, rustls::DEFAULT_VERSIONS, &request).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    };
    // What the library that made it says without being asked.
    assert_eq!(health(&trusted)["tls"]["ends_at"], json!("4096-01-01T00:00:00.000Z"));
    let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2999, 2, 3);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    fs::write(gateway.home.join("cert.pem"), made.pem()).unwrap();
    fs::write(gateway.home.join("key.pem"), key.serialize_pem()).unwrap();
    gateway.reload();
    until("the new one is in use", PATIENCE, || gateway.get(made.der(), "/live").ok());
    let told = health(made.der())["tls"].clone();
    assert_eq!(told["ends_at"], json!("2999-02-03T00:00:00.000Z"), "{told}");
    assert!(told["days_left"].as_i64().unwrap() > 300_000, "{told}");
}

#[test]
fn a_certificate_is_replaced_while_it_runs_and_a_broken_one_is_not_taken() {
    let (gateway, former) = Encrypted::start("renewal");
    let present = write(&gateway.home);
    assert!(gateway.get(&present, "/live").is_err(), "it is not in use before the signal");
    gateway.reload();
    until("the new one is in use", PATIENCE, || gateway.get(&present, "/live").ok());
    assert!(gateway.get(&former, "/live").is_err());
    fs::write(gateway.home.join("key.pem"), "no key").unwrap();
    gateway.reload();
    let told = || gateway.log().contains("the former one stays in use").then_some(());
    until("it says so", PATIENCE, told);
    assert!(gateway.get(&present, "/live").unwrap().starts_with("HTTP/1.1 200"));
}

#[test]
fn streams_and_charges_are_the_same_over_tls() {
    let (gateway, trusted) = Encrypted::start("stream");
    for (path, body) in [
        ("/api/providers", json!({"name": "box", "kind": "sandbox"})),
        (
            "/api/models",
            json!({"name": "m", "provider": "box", "upstream_model": "m",
            "prices": {"input_cost_per_m": "1", "output_cost_per_m": "2"}}),
        ),
        ("/api/projects", json!({"name": "team-a"})),
    ] {
        let made = gateway.post(&trusted, path, TOKEN, &body);
        assert!(made.starts_with("HTTP/1.1 201"), "{path}: {made}");
    }
    let made = gateway.post(&trusted, "/api/keys", TOKEN, &json!({"project": "team-a", "name": "k"}));
    let (_, body) = made.split_once("\r\n\r\n").unwrap();
    let key: Value = serde_json::from_str(body).unwrap();
    let call = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "hello"}]});
    let answer = gateway.post(&trusted, "/v1/chat/completions", key["key"].as_str().unwrap(), &call);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("data: [DONE]"), "{answer}");
}
