//! A person with a browser: what they hold after they have signed in, and how they ask.

use farthing_support::{Answer, Client, Scene};
use serde_json::{Value, json};

/// Everybody's password here.
pub(crate) const PASSWORD: &str = "seven plain words, kept in a row";
/// Everybody's browser.
pub(crate) const BROWSER: &str = "Mozilla/5.0 (a browser)";

/// Makes an account of this name with [`PASSWORD`]; its id.
pub(crate) fn account(scene: &Scene, name: &str, fields: &Value) -> String {
    let mut body = json!({"name": name, "password": PASSWORD});
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    scene.gateway.create("/api/users", &body)["id"].as_str().unwrap().to_owned()
}

/// What an answer sets, without its attributes.
pub(crate) fn cookie(answer: &Answer) -> Option<String> {
    answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned)
}

/// The caller's own origin.
pub(crate) fn origin(scene: &Scene) -> String {
    format!("http://{}", scene.gateway.address())
}

/// Somebody who has signed in.
pub(crate) struct Person {
    /// Without a cookie, but otherwise theirs.
    pub(crate) browser: Client,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
    pub(crate) origin: String,
}

impl Person {
    /// Signs in by [`PASSWORD`].
    pub(crate) fn sign_in(scene: &Scene, name: &str) -> Self {
        Self::with(scene, scene.gateway.anonymous().with("user-agent", BROWSER), name)
    }

    /// The same from a browser of one's own.
    pub(crate) fn with(scene: &Scene, browser: Client, name: &str) -> Self {
        let answer = browser.post("/api/session", &json!({"username": name, "password": PASSWORD}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let csrf = answer.json()["csrf"].as_str().unwrap().to_owned();
        Self { browser, cookie: cookie(&answer).unwrap(), csrf, origin: origin(scene) }
    }

    /// Their browser with its cookie.
    pub(crate) fn client(&self) -> Client {
        self.browser.with("cookie", &self.cookie)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client().get(path)
    }

    pub(crate) fn page(&self, path: &str) -> Answer {
        self.client().get(path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body)
    }

    /// A form of a page, as a browser without scripts sends it.
    pub(crate) fn form(&self, action: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let fields = fields.iter().copied().chain([("_csrf", self.csrf.as_str())]);
        let body: Vec<String> = fields.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        let browser = self.client().with("origin", &self.origin).with("accept", "text/html,*/*;q=0.8");
        browser.post_bytes(action, body.join("&").as_bytes())
    }

    /// As a page of ours sends it.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let client = self.client().with("origin", &self.origin).with("sec-fetch-site", "same-origin");
        let client = client.with("x-farthing-csrf", &self.csrf);
        let body = if method == "GET" { String::new() } else { body.to_string() };
        client.send(method, path, body.as_bytes()).unwrap()
    }

    /// Who they are.
    pub(crate) fn session(&self) -> Value {
        let answer = self.get("/api/session");
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}
