//! The dashboard as a browser sees it, and the live feed: who gets in, what is shown, and that nothing shown can run.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use farthing_support::http::Client;
use farthing_support::scene::{MODEL, ask, prices};
use farthing_support::{Answer, Reply, Scene, TestGateway, Tokens};
use serde_json::{Value, json};

use crate::{BINARY, scene};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const HOSTILE: &str = "<script>alert(1)</script>";

fn address(gateway: &TestGateway) -> String {
    fs::read_to_string(gateway.data_dir().join("address")).unwrap()
}

fn sign_in(browser: &Client, token: &str) -> Answer {
    let escaped = token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    browser.post_bytes("/sign-in", format!("token={escaped}").as_bytes())
}

/// A browser with a session.
pub(crate) fn signed_in(scene: &Scene) -> Client {
    let answer = sign_in(&scene.gateway.anonymous(), scene.gateway.management_token());
    let (cookie, _) = answer.header("set-cookie").expect("a cookie").split_once(';').unwrap();
    scene.gateway.anonymous().with("cookie", cookie)
}

fn assert_sealed(answer: &Answer) {
    assert_eq!(answer.header("content-security-policy"), Some(POLICY), "{}", answer.status);
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

fn assert_sent_to(answer: &Answer, place: &str) {
    assert_eq!((answer.status, answer.header("location")), (303, Some(place)), "{}", answer.text());
    assert_sealed(answer);
}

#[test]
fn strangers_are_sent_to_the_sign_in_page() {
    let scene = scene();
    for stranger in [
        scene.gateway.anonymous(),
        scene.gateway.anonymous().with("cookie", "farthing_session=e30.AAAA"),
        // Neither a credential of the API nor the management token itself is a session.
        scene.gateway.operator(),
        scene.gateway.anonymous().with("cookie", &format!("farthing_session={}", scene.gateway.management_token())),
    ] {
        assert_sent_to(&stranger.get("/"), "/sign-in");
    }
    let page = scene.gateway.anonymous().get("/sign-in");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_sealed(&page);
}

#[test]
fn the_right_token_signs_in_and_every_other_is_answered_alike() {
    let scene = scene();
    let browser = scene.gateway.anonymous();
    let refusals: Vec<Answer> = ["", "wrong", &scene.key.secret].map(|token| sign_in(&browser, token)).into();
    for refusal in &refusals {
        assert_eq!((refusal.status, refusal.header("set-cookie")), (401, None));
        assert_eq!(refusal.text(), refusals[0].text());
        assert_sealed(refusal);
    }
    assert_eq!(browser.post_bytes("/sign-in", b"\xff%%%&&&").status, 401);
    let answer = sign_in(&browser, scene.gateway.management_token());
    assert_sent_to(&answer, "/");
    let cookie = answer.header("set-cookie").unwrap();
    let (token, flags) = cookie.strip_prefix("farthing_session=").unwrap().split_once("; ").unwrap();
    assert_eq!(flags, "HttpOnly; SameSite=Strict; Path=/");
    assert!(!token.contains(scene.gateway.management_token()));
    assert!(!scene.gateway.logs().contains(token), "a session must not be logged");
    let builder = TestGateway::builder(BINARY).set("FARTHING__SERVER__BEHIND_PROXY", "true");
    let proxied = builder.set("FARTHING__SERVER__TRUSTED_PROXIES", "127.0.0.1").start();
    let over_tls = sign_in(&proxied.anonymous().with("x-forwarded-proto", "https"), proxied.management_token());
    let cookie = over_tls.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-farthing_session=") && cookie.contains("; Secure"), "{cookie}");
}

#[test]
fn whoever_is_refused_types_the_password_anew_and_not_the_name() {
    let scene = scene();
    let form = b"username=mia+%22%3E%3Cscript%3E&password=not-the-password";
    let refused = scene.gateway.anonymous().post_bytes("/sign-in", form);
    let html = refused.text();
    assert_eq!(refused.status, 401, "{html}");
    assert!(html.contains("value=\"mia &#34;&#62;&#60;script&#62;\""), "{html}");
    assert!(!html.contains("not-the-password"), "{html}");
}

#[test]
fn forms_of_other_sites_do_nothing() {
    let scene = scene();
    let own = format!("http://{}", address(&scene.gateway));
    let token = scene.gateway.management_token();
    let browser = scene.gateway.anonymous();
    assert_eq!(sign_in(&browser.with("origin", &own).with("sec-fetch-site", "same-origin"), token).status, 303);
    assert_eq!(sign_in(&browser.with("origin", "null").with("sec-fetch-site", "same-origin"), token).status, 303);
    for foreign in [
        browser.with("origin", "http://evil.test"),
        browser.with("origin", "null"),
        browser.with("sec-fetch-site", "cross-site"),
    ] {
        let refused = sign_in(&foreign, token);
        assert_eq!((refused.status, refused.header("set-cookie")), (403, None), "{}", refused.text());
        assert_sealed(&refused);
        assert_eq!(foreign.post_bytes("/sign-out", b"").status, 403);
    }
}

#[test]
fn the_overview_shows_a_finished_call_and_escapes_every_name() {
    let scene = scene();
    let key = scene.gateway.add_key("team-a", &json!({"name": HOSTILE}));
    let model = format!("{MODEL}\"'{HOSTILE}");
    scene.gateway.add_model(&model, "openai", &prices());
    scene.upstream.expect(Reply::chat(Tokens::plain(1_234, 57)));
    let answer = scene.gateway.application(&key.secret).post("/v1/chat/completions", &ask(&json!({"model": model})));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let row = scene.recorded(&answer);

    let page = signed_in(&scene).get("/");
    assert_eq!(page.status, 200, "{}", page.text());
    assert_sealed(&page);
    let html = page.text();
    assert!(!html.contains("<script>") && !html.contains("alert(1)</script>"), "a name is not markup:\n{html}");
    assert!(html.matches("alert(1)").count() >= 3, "key and model are shown:\n{html}");
    assert!(!html.contains(" style=") && !html.contains(" onclick=") && !html.contains("//fonts"), "{html}");
    let exact = format!("${}", row["cost_usd"].as_str().unwrap());
    for shown in [row["id"].as_str().unwrap(), "1,234", ">57<", &exact, "openai", "team-a", "$25.00", ">ok<"] {
        assert!(html.contains(shown), "{shown} is missing:\n{html}");
    }
    assert!(!html.contains(&key.secret) && !html.contains(scene.gateway.management_token()));
}

#[test]
fn a_page_names_files_that_may_be_kept_for_good() {
    let scene = scene();
    let html = signed_in(&scene).get("/").text();
    let names: Vec<&str> = html.split('"').filter(|part| part.starts_with("/static/")).collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let file = scene.gateway.anonymous().get(name);
        assert_eq!(file.status, 200, "{name}");
        assert!(file.header("cache-control").unwrap().contains("immutable"), "{name}");
        assert_eq!(file.header("content-security-policy"), Some(POLICY));
        let kind = file.header("content-type").unwrap();
        let expected = match name.rsplit('.').next() {
            Some("css") => "text/css",
            Some("js") => "text/javascript",
            _ => "image/svg+xml",
        };
        assert!(kind.starts_with(expected), "{name}: {kind}");
    }
    assert_eq!(scene.gateway.anonymous().get("/static/old/css/farthing.css").header("cache-control"), Some("no-store"));
    for wrong in ["/static/x/../../Cargo.toml", "/static/x/%2e%2e/Cargo.toml", "/static/x/css", "/static/x/js/none.js"]
    {
        assert_eq!(scene.gateway.anonymous().get(wrong).status, 404, "{wrong}");
    }
}

#[test]
fn signing_out_takes_the_cookie_away() {
    let scene = scene();
    let browser = signed_in(&scene);
    assert_sent_to(&browser.get("/sign-in"), "/");
    let answer = browser.post_bytes("/sign-out", b"");
    assert_sent_to(&answer, "/sign-in");
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("farthing_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(browser.get("/sign-out").status, 405);
}

/// A WebSocket by hand.
pub(crate) struct Socket(BufReader<TcpStream>);

impl Socket {
    /// The status of the handshake, and the socket.
    pub(crate) fn open(gateway: &TestGateway, headers: &[(&str, &str)]) -> (u16, Self) {
        Self::open_at(gateway, "/ws/feed", headers)
    }

    /// The same with a query.
    pub(crate) fn open_at(gateway: &TestGateway, path: &str, headers: &[(&str, &str)]) -> (u16, Self) {
        let address = address(gateway);
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let status = line.split(' ').nth(1).unwrap().parse().unwrap();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).unwrap();
        }
        (status, Self(reader))
    }

    /// The next frame: its kind (1 text, 8 close, 9 ping) and its bytes. Pings are answered, as every client does.
    pub(crate) fn next(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        let length = match head[1] {
            126 => {
                let mut long = [0; 2];
                self.0.read_exact(&mut long).unwrap();
                usize::from(u16::from_be_bytes(long))
            }
            short => usize::from(short),
        };
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).unwrap();
        let kind = head[0] & 0x0f;
        if kind == 9 {
            let mut pong = vec![0x8a, 0x80 | head[1], 0, 0, 0, 0];
            pong.extend(&bytes);
            // A socket that is being closed takes none.
            self.0.get_mut().write_all(&pong).ok();
        }
        (kind, bytes)
    }

    /// How long it waits for a frame.
    pub(crate) fn wait_at_most(&self, time: Duration) {
        self.0.get_ref().set_read_timeout(Some(time)).unwrap();
    }

    /// The next event of this type.
    pub(crate) fn event(&mut self, wanted: &str) -> Value {
        loop {
            let (kind, bytes) = self.next();
            assert!(matches!(kind, 1 | 9), "frame of kind {kind}: {}", String::from_utf8_lossy(&bytes));
            if kind == 1 {
                let event: Value = serde_json::from_slice(&bytes).unwrap();
                if event["type"] == wanted {
                    return event;
                }
            }
        }
    }

    /// Sends a frame, masked with zeros.
    pub(crate) fn send(&mut self, kind: u8, length: u16) {
        let mut frame = vec![0x80 | kind, 0x80 | 126];
        frame.extend(length.to_be_bytes());
        frame.extend(vec![0; 4 + usize::from(length)]);
        self.0.get_mut().write_all(&frame).unwrap();
    }

    /// Sends an empty frame.
    pub(crate) fn send_short(&mut self, kind: u8) {
        self.0.get_mut().write_all(&[0x80 | kind, 0x80, 0, 0, 0, 0]).unwrap();
    }

    /// The code the socket is closed with.
    pub(crate) fn close_code(&mut self) -> u16 {
        loop {
            let (kind, bytes) = self.next();
            if kind == 8 {
                return u16::from_be_bytes([bytes[0], bytes[1]]);
            }
        }
    }
}

#[test]
fn the_feed_opens_to_those_who_may_see_usage_and_to_our_own_pages() {
    let scene = scene();
    let status = |headers: &[(&str, &str)]| Socket::open(&scene.gateway, headers).0;
    let own = format!("http://{}", address(&scene.gateway));
    let token = format!("Bearer {}", scene.gateway.management_token());
    let scoped = |scope: &str| {
        let made = scene.gateway.create("/api/tokens", &json!({"name": "ci", "scopes": [scope]}));
        format!("Bearer {}", made["token"].as_str().unwrap())
    };
    let sign_in = sign_in(&scene.gateway.anonymous(), scene.gateway.management_token());
    let cookie = sign_in.header("set-cookie").unwrap().split(';').next().unwrap();
    let application = format!("Bearer {}", scene.key.secret);
    for (headers, expected) in [
        (&[][..], 401),
        (&[("origin", &*own)], 401),
        (&[("authorization", &application)], 401),
        (&[("cookie", "farthing_session=e30.AAAA"), ("origin", &own)], 401),
        (&[("cookie", cookie)], 403),
        (&[("cookie", cookie), ("origin", "http://evil.test")], 403),
        (&[("authorization", &token), ("origin", "http://evil.test")], 403),
        (&[("authorization", &scoped("keys:manage"))], 403),
        (&[("authorization", &scoped("usage:read"))], 101),
        (&[("authorization", &token)], 101),
        (&[("authorization", &token), ("origin", &own)], 101),
        (&[("cookie", cookie), ("origin", &own)], 101),
    ] {
        assert_eq!(status(headers), expected, "{headers:?}");
    }
    assert_eq!(scene.gateway.operator().get("/ws/feed").status, 400);
}

#[test]
fn the_feed_tells_of_a_call_and_of_the_next() {
    let scene = scene();
    let token = format!("Bearer {}", scene.gateway.management_token());
    let (status, mut socket) = Socket::open(&scene.gateway, &[("authorization", &token)]);
    assert_eq!(status, 101);
    for _ in 0..2 {
        scene.upstream.expect(Reply::chat(Tokens::plain(10, 20)));
        let row = scene.recorded(&scene.chat(&ask(&json!({}))));
        let event = socket.event("usage");
        assert_eq!((&event["request_id"], &event["cost_usd"]), (&row["id"], &row["cost_usd"]), "{event}");
        assert_eq!((&event["model"], &event["status"]), (&json!(MODEL), &json!("ok")));
        assert_eq!((&event["input_tokens"], &event["output_tokens"]), (&json!(10), &json!(20)));
    }
}

#[test]
fn a_listener_holds_up_no_stop() {
    let mut scene = scene();
    let token = format!("Bearer {}", scene.gateway.management_token());
    let (status, mut socket) = Socket::open(&scene.gateway, &[("authorization", &token)]);
    assert_eq!(status, 101);
    assert!(scene.gateway.stop().success());
    assert_eq!(socket.close_code(), 1001);
}

#[test]
fn the_feed_takes_no_messages() {
    let scene = scene();
    let token = format!("Bearer {}", scene.gateway.management_token());
    for (kind, length, code) in [(1, 200, 1008), (2, 200, 1008), (1, 5_000, 1009)] {
        let (_, mut socket) = Socket::open(&scene.gateway, &[("authorization", &token)]);
        socket.send(kind, length);
        assert_eq!(socket.close_code(), code, "kind {kind}, {length} bytes");
    }
}
