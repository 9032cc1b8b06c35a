//! Canaries: a unique secret in every place that may hold one, then everything driven that might tell: calls that succeed and calls
//! that fail, providers that repeat what they were told, the log at its most talkative, the feed, exports, a backup, a crash, another
//! master key. Each secret is then looked for in everything the program wrote or said. And seed 1's way of a provider's key, end to end.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use diesel::prelude::*;
use diesel::sql_types::Binary;
use farthing_support::poll::PATIENCE;
use farthing_support::scene::{MODEL, PROJECT, PROVIDER_KEY, ask, cost, prices};
use farthing_support::{Client, Dialect, Gate, Picos, Reply, Scene, Seen, TestGateway, Tokens, Upstream};
use serde_json::{Value, json};

use crate::BINARY;
use crate::rotation::done;
use crate::speech::question;

const PROVIDER: &str = "sk-canary-provider-5f0c1e7a9b3d";
const PROMPT: &str = "canary-prompt-71c2f0d94e";
const SESSION_SECRET: &str = "cAnArY0sEsSiOn1sEcReT2kq3vX4n8TzYb5L";
const PASSWORD: &str = "canary password of mia 4f1b";
/// What another program made of noa's password: PBKDF2-SHA256 over 10,000 rounds, by Python's hashlib.
const IMPORTED: &str = "$pbkdf2-sha256$i=10000,l=32$Y2FuYXJ5LXNhbHQtbm9hMQ$hOKZJqmBqlaLB/8s+PIo1i4m8Gkj7bXskjh/KKON8nU";
const IMPORTED_PASSWORD: &str = "canary password of noa 8d27";
/// A master key in its other form, and what Argon2id makes of the two, as `src/security/master_key.rs` has it from elsewhere.
const WORDS: &str = "six plain words of a passphrase here";
const SALT: &str = "000102030405060708090a0b0c0d0e0f";
const KEY_OF_WORDS: &str = "b39f8bf650d917554f4fa4e3bf74160ef5d384aeb9a97f9fcd07adc9854e9acd";
const TOKENS: Tokens = Tokens { prompt: 20, cached: 5, completion: 7, reasoning: 0 };

/// What must not be told, by what it is called.
type Canary = (&'static str, Vec<u8>);

fn count(text: &[u8], needle: &[u8]) -> usize {
    text.windows(needle.len()).filter(|part| *part == needle).count()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Looks for every canary in everything; what was found, and how much was looked through.
fn scan(canaries: &[Canary], said: &[(String, Vec<u8>)]) -> (Vec<String>, usize) {
    let mut found = Vec::new();
    for (place, text) in said {
        for (name, needle) in canaries {
            let times = count(text, needle);
            if times > 0 {
                found.push(format!("{name}: {times} times in {place}"));
            }
        }
    }
    (found, said.iter().map(|(_, text)| text.len()).sum())
}

fn written(gateway: &TestGateway) -> Vec<(String, Vec<u8>)> {
    let read = |path: PathBuf| (path.display().to_string(), fs::read(&path).expect("a file of ours"));
    let mut all: Vec<_> = files(&gateway.data_dir()).into_iter().map(read).collect();
    all.push(("the log".to_owned(), gateway.logs().into_bytes()));
    all
}

/// The live feed, until the gateway is gone.
fn listen(gateway: &TestGateway) -> JoinHandle<Vec<u8>> {
    let mut stream = TcpStream::connect(gateway.address()).expect("the gateway listens");
    let head = format!(
        "GET /ws/feed HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
        gateway.management_token()
    );
    stream.write_all(head.as_bytes()).expect("it is sent");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout can be set");
    thread::spawn(move || {
        let mut heard = Vec::new();
        // Ends when the gateway does.
        drop(stream.read_to_end(&mut heard));
        heard
    })
}

/// A provider that repeats its key and the question in an error, now and then.
fn parrot(seen: &Seen) -> Reply {
    let repeated = format!("{} {}", seen.header("authorization").unwrap_or_default(), seen.text());
    match seen.json()["user"].as_str().unwrap_or_default() {
        "400" => Reply::error(400, &repeated),
        "401" => Reply::error(401, &repeated),
        "500" => Reply::error(500, &repeated),
        _ => Reply::chat(TOKENS),
    }
}

fn set_up() -> (TestGateway, Upstream, String) {
    let builder = TestGateway::builder(BINARY).set("FARTHING__LOGGING__LEVEL", "debug");
    let gateway = builder.set("SESSION_SECRET", SESSION_SECRET).start();
    let upstream = Upstream::start();
    upstream.answer_with(parrot);
    let provider = json!({"name": "openai", "kind": "openai", "base_url": upstream.base_url(), "api_key": PROVIDER,
        "allow_private_network": true});
    gateway.create("/api/providers", &provider);
    gateway.add_model(MODEL, "openai", &prices());
    gateway.add_project(PROJECT, Some("25.00"));
    let key = gateway.add_key(PROJECT, &json!({})).secret;
    (gateway, upstream, key)
}

/// Everything an application may do wrong or right; what it was told.
fn drive(application: &Client, said: &mut Vec<(String, Vec<u8>)>) {
    let asked = |extra: Value| {
        let mut body = ask(&json!({"messages": [{"role": "user", "content": PROMPT}]}));
        body.as_object_mut().expect("an object").extend(extra.as_object().cloned().unwrap_or_default());
        body
    };
    let mut tell = |what: &str, client: &Client, body: &Value| {
        let answer = client.post("/v1/chat/completions", body);
        said.push((format!("the answer to {what}"), answer.body.clone()));
        answer.status
    };
    assert_eq!(tell("a call", application, &asked(json!({}))), 200);
    assert_eq!(tell("a stream", application, &asked(json!({"stream": true}))), 200);
    let kept = application.with("idempotency-key", "canary");
    assert_eq!(tell("a kept call", &kept, &asked(json!({}))), 200);
    assert_eq!(tell("the same again", &kept, &asked(json!({}))), 200);
    for user in ["401", "500"] {
        assert!(tell("what the provider refuses", application, &asked(json!({"user": user}))) >= 400);
    }
    assert_eq!(tell("a model nobody has", application, &asked(json!({"model": "none"}))), 404);
    assert_eq!(tell("a text where a list belongs", application, &asked(json!({"messages": PROMPT}))), 400);
}

/// What only whoever asks is told: a provider's words on a bad request are the client's own affair.
fn drive_privately(application: &Client) {
    let body = ask(&json!({"messages": [{"role": "user", "content": PROMPT}], "user": "400"}));
    assert_eq!(application.post("/v1/chat/completions", &body).status, 400);
    let mut cut = body.to_string();
    cut.truncate(cut.len() - 2);
    assert_eq!(application.post_bytes("/v1/chat/completions", cut.as_bytes()).status, 400);
}

/// Strangers with nearly the right secrets.
fn try_doors(gateway: &TestGateway, key: &str, cookie: &str, said: &mut Vec<(String, Vec<u8>)>) {
    let near = |secret: &str| {
        let mut near = secret.to_owned();
        let last = near.pop();
        near.push(if last == Some('x') { 'y' } else { 'x' });
        near
    };
    let strangers = [
        gateway.application(&near(key)),
        gateway.anonymous().bearer(&near(gateway.management_token())),
        gateway.application(gateway.management_token()),
        gateway.anonymous().bearer(key),
        gateway.anonymous().with("cookie", &near(cookie)),
    ];
    for stranger in &strangers {
        for path in ["/v1/models", "/api/keys", "/"] {
            said.push((format!("the refusal at {path}"), stranger.get(path).body));
        }
    }
}

/// Everything an operator can read.
fn read_all(operator: &Client, said: &mut Vec<(String, Vec<u8>)>) {
    for path in [
        "/api/providers",
        "/api/models",
        "/api/projects",
        "/api/keys",
        "/api/requests",
        "/api/usage/export?format=csv&by=key",
        "/api/ledger/entries?format=csv",
        "/api/ledger/entries?format=jsonl",
        "/api/audit",
        "/api/users",
        "/api/sessions",
        "/api/system/health",
        "/api/system/settings",
        "/api/system/logs?limit=1000",
        "/api/system/secrets",
        "/api/system/backups",
        "/api/openapi.json",
        "/health",
        "/metrics",
    ] {
        said.push((format!("GET {path}"), operator.get(path).body));
    }
}

/// A browser's session: what its cookie is worth.
fn sign_in(gateway: &TestGateway) -> String {
    let escaped = gateway.management_token().replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let answer = gateway.anonymous().post_bytes("/sign-in", format!("token={escaped}").as_bytes());
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {}", answer.text()));
    let (cookie, _) = cookie.split_once(';').expect("attributes");
    cookie.to_owned()
}

/// A person who signs in with a password, after a wrong one; the cookie's value.
fn person(gateway: &TestGateway) -> String {
    gateway.create("/api/users", &json!({"name": "mia", "password": PASSWORD, "role": "viewer"}));
    let sign_in =
        |password: &str| gateway.anonymous().post("/api/session", &json!({"username": "mia", "password": password}));
    assert_eq!(sign_in(&format!("{PASSWORD}x")).status, 401);
    let answer = sign_in(PASSWORD);
    let cookie = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie: {}", answer.text()));
    let value = cookie.split_once('=').and_then(|(_, rest)| rest.split_once(';')).expect("a value and attributes");
    value.0.to_owned()
}

/// Somebody whose hash comes from elsewhere: refused, taken in, tried, and replaced at the first sign-in. Until then the database has
/// it, and nothing else may.
fn import(gateway: &TestGateway, said: &mut Vec<(String, Vec<u8>)>) {
    let body = |hash: &str| json!({"name": "noa", "password_hash": hash, "role": "viewer"});
    for (hash, status) in [(format!("{IMPORTED}A"), 400), (IMPORTED.to_owned(), 201)] {
        let answer = gateway.operator().post("/api/users", &body(&hash));
        assert_eq!(answer.status, status, "{}", answer.text());
        said.push(("the answer to an import".to_owned(), answer.body));
    }
    for (password, status) in [(format!("{IMPORTED_PASSWORD}x"), 401), (IMPORTED_PASSWORD.to_owned(), 200)] {
        let answer = gateway.anonymous().post("/api/session", &json!({"username": "noa", "password": password}));
        assert_eq!(answer.status, status, "{}", answer.text());
        said.push(("the answer to noa".to_owned(), answer.body));
    }
}

fn master(gateway: &TestGateway) -> String {
    gateway.setting("MASTER_ENCRYPTION_KEY").expect("the builder sets one").to_owned()
}

/// The next start has a passphrase for a master key, and what the present one sealed goes over to it; then all is told again.
fn go_over_to_words(gateway: &mut TestGateway, master: &str, said: &mut Vec<(String, Vec<u8>)>) {
    gateway.set("MASTER_ENCRYPTION_KEY", WORDS);
    gateway.set("MASTER_ENCRYPTION_KEY_PREVIOUS", master);
    gateway.set("PERSISTENT_ENCRYPTION_SALT", SALT);
    gateway.restart();
    done(gateway);
    gateway.create("/api/system/backups", &json!({}));
    read_all(&gateway.operator(), said);
    for arguments in [&["check"][..], &["secrets", "status"]] {
        let output = gateway.command(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        said.push((arguments.join(" "), [output.stdout, output.stderr].concat()));
    }
}

/// The bytes of a text in hexadecimal.
fn bytes(hex: &str) -> Vec<u8> {
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16).expect("hexadecimal");
    hex.as_bytes().chunks(2).map(pair).collect()
}

/// Every secret there is.
fn canaries(gateway: &TestGateway, (key, session, token): (&str, &str, &Value)) -> Vec<Canary> {
    let master = master(gateway);
    vec![
        ("the provider's key", PROVIDER.into()),
        ("the virtual key", key.into()),
        ("the management token", gateway.management_token().into()),
        ("the scoped token", token["token"].as_str().expect("a token").into()),
        ("the session's cookie", session.into()),
        ("the session secret", SESSION_SECRET.into()),
        ("the master key", master.clone().into()),
        ("the master key's bytes", STANDARD.decode(&master).expect("base64")),
        ("the prompt", PROMPT.into()),
        ("a person's password", PASSWORD.into()),
        ("a person's cookie", person(gateway).into()),
        ("the password of a hash from elsewhere", IMPORTED_PASSWORD.into()),
        ("the master key as a passphrase", WORDS.into()),
        ("the salt of the passphrase", SALT.into()),
        ("the passphrase's key", bytes(KEY_OF_WORDS)),
        ("the passphrase's key in hexadecimal", KEY_OF_WORDS.into()),
        ("the passphrase's key in base64", STANDARD.encode(bytes(KEY_OF_WORDS)).into()),
    ]
}

#[test]
fn no_secret_is_told_anywhere() {
    let (mut gateway, upstream, key) = set_up();
    let (cookie, master) = (sign_in(&gateway), master(&gateway));
    let token = gateway.create("/api/tokens", &json!({"name": "ci", "scopes": ["can_view_usage"]}));
    let (_, session) = cookie.split_once('=').expect("a cookie has a value");
    let canaries = canaries(&gateway, (&key, session, &token));
    let (mut said, feed) = (Vec::new(), listen(&gateway));
    drive(&gateway.application(&key), &mut said);
    drive_privately(&gateway.application(&key));
    try_doors(&gateway, &key, &cookie, &mut said);
    import(&gateway, &mut said);
    gateway.settled();
    let backup = gateway.create("/api/system/backups", &json!({}));
    read_all(&gateway.operator(), &mut said);
    said.push(("a page".to_owned(), gateway.anonymous().with("cookie", &cookie).get("/").body));

    // A crash in the middle of a call.
    let gate = Gate::default();
    let held = gate.clone();
    upstream.answer_with(move |_| Reply::chat(TOKENS).behind(&held));
    let calls = upstream.calls();
    let body = ask(&json!({"messages": [{"role": "user", "content": PROMPT}]})).to_string();
    let sent = gateway.application(&key).start("POST", "/v1/chat/completions", body.as_bytes()).expect("it is sent");
    upstream.wait_for("the call", PATIENCE, |journal| (journal.len() > calls).then_some(()));
    gateway.kill_9();
    gate.open();
    sent.hang_up();
    said.push(("the feed".to_owned(), feed.join().expect("it ends with the gateway")));
    said.extend(written(&gateway));
    go_over_to_words(&mut gateway, &master, &mut said);
    gateway.settled();
    assert!(gateway.stop().success());
    said.extend(written(&gateway));

    let heard = upstream.journal();
    let control = heard.iter().map(|seen| (seen.path.clone(), seen.body.clone())).collect::<Vec<_>>();
    assert!(!scan(&canaries, &control).0.is_empty(), "what was sent to the provider is found");

    let backed_up = format!("{}.db", backup["id"].as_str().expect("an id"));
    for place in [backed_up.as_str(), "farthing.db", "journal", "the log", "the feed", "GET /api/audit"] {
        assert!(said.iter().any(|(name, text)| name.contains(place) && !text.is_empty()), "{place} was looked at");
    }
    let (found, bytes) = scan(&canaries, &said);
    println!("{} secrets looked for in {} places, {bytes} bytes", canaries.len(), said.len());
    assert_eq!(found, Vec::<String>::new());
    // The hash itself is kept in the database until its owner has signed in, and told nowhere.
    said.retain(|(name, _)| !name.contains(".db"));
    let (_, output) = IMPORTED.rsplit_once('$').expect("its last part");
    assert_eq!(scan(&[("a hash from elsewhere", output.into())], &said).0, Vec::<String>::new());
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Binary)]
    sealed: Vec<u8>,
}

/// What stands in the database for the keys of providers.
fn ciphertexts(gateway: &TestGateway) -> Vec<Vec<u8>> {
    let path = gateway.data_dir().join("farthing.db");
    let mut connection = SqliteConnection::establish(&path.to_string_lossy()).expect("the database is there");
    let query = "SELECT api_key_sealed AS sealed FROM providers WHERE api_key_sealed IS NOT NULL";
    let rows: Vec<Column> = diesel::sql_query(query).load(&mut connection).expect("the column is there");
    rows.into_iter().map(|row| row.sealed).collect()
}

/// S1.4a-d: stored encrypted through the API, authenticated, called in every dialect, decrypted exactly, recorded; S4.26.
#[test]
fn a_providers_key_is_stored_sealed_used_exactly_and_recorded() {
    let mut scene = Scene::start(BINARY);
    let all = || Dialect::ALL.into_iter().flat_map(|dialect| [false, true].map(|stream| (dialect, stream)));
    for dialect in Dialect::ALL {
        scene.gateway.add_model_of(dialect, &format!("m-{}", dialect.name()), "up", &scene.upstream);
    }
    let sealed = ciphertexts(&scene.gateway);
    assert!(sealed.len() >= Dialect::ALL.len());
    for bytes in &sealed {
        assert!(bytes.first() == Some(&1) && bytes.len() == 1 + 8 + 24 + PROVIDER_KEY.len() + 16, "{bytes:?}");
        assert_eq!(count(bytes, &PROVIDER_KEY.as_bytes()[..6]), 0);
    }
    assert_eq!(scene.gateway.application("sk-ft-wrong").get("/v1/models").status, 401);
    scene.upstream.always(Reply::chat(TOKENS));
    for (dialect, stream) in all() {
        let model = format!("m-{}", dialect.name());
        let answer = scene.application().post(&dialect.path(&model, stream), &question(dialect, &model, stream));
        assert_eq!(answer.status, 200, "{dialect:?} {stream}: {}", answer.text());
        let line = scene.recorded(&answer);
        let usage = [&line["usage"]["input"], &line["usage"]["cache_read"], &line["usage"]["output"]];
        assert_eq!(usage, [&json!(15), &json!(5), &json!(7)], "{dialect:?} {stream}: {line}");
        assert_eq!(Picos::of(&line["cost_usd"]), cost(TOKENS), "{dialect:?} {stream}");
    }
    let journal = scene.upstream.journal();
    assert_eq!(journal.len(), all().count());
    for seen in journal {
        let bearer = seen.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let shown = bearer.or_else(|| seen.header("x-api-key")).or_else(|| seen.header("x-goog-api-key"));
        assert_eq!(shown, Some(PROVIDER_KEY), "{}", seen.path);
    }
    scene.gateway.create("/api/system/backups", &json!({}));
    scene.gateway.settled();
    for moment in ["running", "stopped"] {
        let (found, _) = scan(&[("the provider's key", PROVIDER_KEY.into())], &written(&scene.gateway));
        assert_eq!(found, Vec::<String>::new(), "{moment}");
        if moment == "running" {
            assert!(scene.gateway.stop().success());
        }
    }
}
