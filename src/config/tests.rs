//! Tests of loading: what wins, what is refused, and that everything wrong is said at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use farthing_actors::domain::{Binding, Role};
use log::LevelFilter;

use super::*;

mod every_setting;
mod passphrase;

const SESSION: &str = "kq3vX1n8TzYb5LwPfR7sDgHj2mCe9uAo";
const TOKEN: &str = "Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j";
const MASTER: &str = "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=";

const FORMER: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXowMTIzNDU=";

/// A folder of its own, removed afterwards, and an environment with sound secrets.
struct Scene {
    sources: Sources,
}

impl Scene {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("farthing-config-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let scene = Self { sources: Sources { config: None, directory, environment: BTreeMap::new() } };
        scene.with("SESSION_SECRET", SESSION).with("MASTER_ENCRYPTION_KEY", MASTER).with("MANAGEMENT_TOKEN", TOKEN)
    }

    fn with(mut self, name: &str, text: &str) -> Self {
        self.sources.environment.insert(name.to_owned(), text.to_owned());
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.sources.environment.remove(name).unwrap();
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        fs::write(self.path(name), text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.sources.directory.join(name)
    }

    fn load(&self) -> Config {
        Config::load(&self.sources).unwrap()
    }

    /// The faults as `(file name or "environment", key)`.
    fn faults(&self) -> Vec<(String, String)> {
        let faults = Config::load(&self.sources).unwrap_err();
        let short = |fault: &Fault| match &fault.file {
            Place::File(path) => path.file_name().unwrap().to_str().unwrap().to_owned(),
            Place::Environment => "environment".to_owned(),
        };
        faults.faults().iter().map(|fault| (short(fault), fault.key.clone())).collect()
    }

    fn text_of_faults(&self) -> String {
        Config::load(&self.sources).unwrap_err().to_string()
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.sources.directory).unwrap();
    }
}

fn pair(file: &str, key: &str) -> (String, String) {
    (file.to_owned(), key.to_owned())
}

#[test]
fn without_a_file_the_defaults_hold() {
    let scene = Scene::new();
    let Config { secrets, listed, .. } = scene.load();
    assert_eq!(scene.load(), Config { listed, ..Config::new(scene.path("data"), secrets) });
    assert_eq!(scene.load().database.path, scene.path("data/farthing.db"));
}

#[test]
fn the_environment_wins_over_dotenv_and_dotenv_over_the_file() {
    let scene = Scene::new()
        .file("farthing.toml", "[server]\nworkers = 2\nmax_in_flight = 20\nmax_body_bytes = 200\n")
        .file(".env", "FARTHING__SERVER__MAX_IN_FLIGHT=30\nFARTHING__SERVER__MAX_BODY_BYTES=300\n")
        .with("FARTHING__SERVER__MAX_BODY_BYTES", "400");
    let server = scene.load().server;
    assert_eq!((server.workers, server.max_in_flight, server.max_body_bytes), (2, 30, 400));
}

#[test]
fn a_price_list_has_an_address_or_none() {
    let url = |text: &str| Scene::new().file("farthing.toml", &format!("[catalogue]\nurl = {text}\n"));
    assert_eq!(Scene::new().load().catalogue.url.as_deref(), Some("https://models.dev/api.json"));
    assert_eq!(url("\"\"").load().catalogue.url, None);
    assert_eq!(
        url("\"https://prices.example/list.json\"").load().catalogue.url.as_deref(),
        Some("https://prices.example/list.json")
    );
    for wrong in ["\"models.dev\"", "\"ftp://models.dev\"", "\"https://\"", "\"https://a b\"", "false"] {
        let faults = Config::load(&url(wrong).sources).unwrap_err().to_string();
        assert!(faults.contains("catalogue.url"), "{wrong}: {faults}");
    }
}

/// Where patterns lead, in the order they are tried.
fn lines(config: &Config) -> Vec<String> {
    config.routing.patterns.all().iter().map(|pattern| format!("{} {}", pattern.text, pattern.to.name())).collect()
}

#[test]
fn patterns_are_a_table_in_the_file_and_a_line_that_stands_for_it_in_the_environment() {
    let table = "[routing.model_routing]\n\"*\" = \"cheap\"\n\"gpt-4.1*\" = \"openai\"\n";
    let scene = Scene::new().file("farthing.toml", table);
    assert_eq!(lines(&scene.load()), ["gpt-4.1* openai", "* cheap"]);
    assert_eq!(lines(&scene.with("FARTHING__ROUTING__MODEL_ROUTING", "a=b").load()), ["a b"]);
    let wrong =
        Scene::new().file("farthing.toml", "[routing]\nmodel_routing = { \"a*\" = 7, \"b*\" = \"b\" }\nmodel = 1\n");
    let expected = [pair("farthing.toml", "routing.model_routing.a*"), pair("farthing.toml", "routing.model")];
    assert_eq!(wrong.faults(), expected);
    let lineless = Scene::new().with("FARTHING__ROUTING__MODEL_ROUTING", "llama-*");
    assert_eq!(lineless.faults(), [pair("environment", "FARTHING__ROUTING__MODEL_ROUTING")]);
}

#[test]
fn all_faults_are_reported_together_and_each_once() {
    let scene = Scene::new()
        .file(
            "farthing.toml",
            "dta_dir = 'x'\n[server]\nlisten = '0.0.0.0:80'\nworkers = 'many'\nmax_in_flight = 0\n\
             trusted_proxies = ['localhost']\n[database]\nurl = 'postgres://u:hunter2@db/x'\ndurability = 'maybe'\n[nothing]\n",
        )
        .file(".env", "FINE=1\nnot a line\n")
        .with("FARTHING__LOGGING__LEVL", "info")
        .with("FARTHING__LOGGING__LEVEL", "loud")
        .with("MANAGEMENT_TOKEN", "short")
        .without("SESSION_SECRET");
    let mut expected = vec![
        pair("farthing.toml", "dta_dir"),
        pair("farthing.toml", "server.listen"),
        pair("farthing.toml", "server.workers"),
        pair("farthing.toml", "server.max_in_flight"),
        pair("farthing.toml", "server.trusted_proxies"),
        pair("farthing.toml", "database.url"),
        pair("farthing.toml", "database.durability"),
        pair("farthing.toml", "nothing"),
        pair(".env", ""),
        pair("environment", "FARTHING__LOGGING__LEVL"),
        pair("environment", "FARTHING__LOGGING__LEVEL"),
        pair("environment", "MANAGEMENT_TOKEN"),
        pair(".env", "SESSION_SECRET"),
    ];
    let mut faults = scene.faults();
    expected.sort();
    faults.sort();
    assert_eq!(faults, expected);
    let text = scene.text_of_faults();
    assert!(
        text.contains("did you mean data_dir?") && text.contains("did you mean FARTHING__LOGGING__LEVEL?"),
        "{text}"
    );
    assert!(text.contains("line 2 is not NAME=value"), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("not a line"), "a value that may be secret was quoted: {text}");
}

#[test]
fn a_file_that_is_not_toml_names_the_line_without_quoting_it() {
    let scene = Scene::new().file("farthing.toml", "[server]\nworkers = 2\nlisten = hunter2\n");
    assert_eq!(scene.faults(), [pair("farthing.toml", "")]);
    let text = scene.text_of_faults();
    assert!(text.contains("line 3") && !text.contains("hunter2"), "{text}");
}

#[test]
fn a_named_file_must_exist_and_paths_start_beside_it() {
    let mut scene = Scene::new().file("other.toml", "data_dir = 'books'\n");
    scene.sources.config = Some(scene.path("absent.toml"));
    assert_eq!(scene.faults(), [pair("absent.toml", "")]);
    scene.sources.config = Some(scene.path("other.toml"));
    scene.sources.directory = PathBuf::from("/nowhere");
    let loaded = scene.load();
    scene.sources.directory = scene.sources.base().to_owned();
    assert_eq!(loaded.database.path, scene.path("books/farthing.db"));
}

#[test]
fn an_address_open_to_others_needs_a_proxy() {
    let open = Scene::new().with("FARTHING__SERVER__LISTEN", "[::]:8080");
    assert_eq!(open.faults(), [pair("environment", "FARTHING__SERVER__LISTEN")]);
    assert!(open.with("FARTHING__SERVER__BEHIND_PROXY", "true").load().server.behind_proxy);
    let idle = Scene::new().with("FARTHING__SERVER__TRUSTED_PROXIES", "10.0.0.1");
    assert_eq!(idle.faults(), [pair("environment", "FARTHING__SERVER__TRUSTED_PROXIES")]);
}

#[test]
fn databases_that_forget_or_come_later_are_refused() {
    for url in ["sqlite://", "sqlite://:memory:", "sqlite://x.db?mode=ro", "sqlite://data/", "mysql://x", "", "x.db"] {
        let scene = Scene::new().with("FARTHING__DATABASE__URL", url);
        assert_eq!(scene.faults(), [pair("environment", "FARTHING__DATABASE__URL")], "{url}");
    }
}

#[test]
fn a_setting_outside_its_section_is_shown_where_it_belongs() {
    let text = Scene::new().file("farthing.toml", "listen = '127.0.0.1:1'\n").text_of_faults();
    assert!(text.contains("did you mean server.listen?"), "{text}");
}

#[test]
fn secrets_in_the_settings_file_are_sent_elsewhere() {
    let scene = Scene::new().file("farthing.toml", "MANAGEMENT_TOKEN = 'hunter2'\n");
    let text = scene.text_of_faults();
    assert!(text.contains("give MANAGEMENT_TOKEN in .env") && !text.contains("hunter2"), "{text}");
}

#[test]
fn secrets_may_be_in_other_variables_and_files() {
    let scene = Scene::new()
        .file("token", &format!("{TOKEN}\n"))
        .file(".env", &format!("SOMEWHERE='{SESSION}'\n"))
        .with("MANAGEMENT_TOKEN", "file:token")
        .with("SESSION_SECRET", "env:SOMEWHERE");
    let secrets = scene.load().secrets;
    assert_eq!(secrets.management_token.expose(), TOKEN);
    assert_eq!(secrets.session_secret.expose(), SESSION);
    assert_eq!(secrets.master_encryption_key.expose(), MASTER);
}

#[test]
fn former_master_keys_are_a_list_in_which_each_may_be_elsewhere() {
    let scene = Scene::new().file("former", &format!("{FORMER}\n"));
    let scene = scene.with("MASTER_ENCRYPTION_KEY_PREVIOUS", &format!("file:former, {MASTER} ,"));
    let former = scene.load().secrets.former_master_keys;
    assert_eq!(former.iter().map(|key| key.expose()).collect::<Vec<_>>(), [FORMER, MASTER]);
    assert_eq!(Scene::new().load().secrets.former_master_keys, []);
    for wrong in ["file:nothing", "short", &format!("{MASTER},env:NOWHERE")] {
        let scene = Scene::new().with("MASTER_ENCRYPTION_KEY_PREVIOUS", wrong);
        assert_eq!(scene.faults(), [pair("environment", "MASTER_ENCRYPTION_KEY_PREVIOUS")], "{wrong}");
        assert!(!scene.text_of_faults().contains(MASTER));
    }
}

#[test]
fn what_was_before_may_be_given_and_is_judged_alike() {
    let scene = Scene::new().with("SESSION_SECRET_PREVIOUS", FORMER).with("MANAGEMENT_TOKEN_PREVIOUS", "env:FORMER");
    let secrets = scene.with("FORMER", FORMER).load().secrets;
    assert_eq!(secrets.former_session_secret.as_ref().map(|it| it.expose()), Some(FORMER));
    assert_eq!(secrets.former_management_token.as_ref().map(|it| it.expose()), Some(FORMER));
    for name in ["SESSION_SECRET_PREVIOUS", "MANAGEMENT_TOKEN_PREVIOUS"] {
        assert_eq!(Scene::new().with(name, "short").faults(), [pair("environment", name)]);
        assert!(Scene::new().with(name, "").load().secrets.former_session_secret.is_none());
    }
}

#[test]
fn pointers_to_nothing_and_to_pointers_are_refused() {
    for pointer in ["env:NOWHERE", "file:nothing", "env:ONWARDS", "env:"] {
        let scene = Scene::new().with("ONWARDS", "env:SESSION_SECRET").with("MANAGEMENT_TOKEN", pointer);
        assert_eq!(scene.faults(), [pair("environment", "MANAGEMENT_TOKEN")], "{pointer}");
    }
}

#[test]
fn weak_secrets_are_refused_by_name() {
    let weak_texts = [
        "",
        "   ",
        "short",
        "changeme-changeme-changeme-changeme",
        "your-secret-key-here-change-in-production",
        &"a".repeat(40),
        &"ab".repeat(40),
    ];
    for name in ["SESSION_SECRET", "MANAGEMENT_TOKEN"] {
        for text in weak_texts {
            assert_eq!(Scene::new().with(name, text).faults(), [pair("environment", name)], "{text:?}");
        }
    }
    let zeros = format!("{}=", "A".repeat(43));
    for key in ["", "changeme", "c2hvcnQ=", "not base64 at all, but long enough..", TOKEN, &zeros] {
        let scene = Scene::new().with("MASTER_ENCRYPTION_KEY", key);
        assert_eq!(scene.faults(), [pair("environment", "MASTER_ENCRYPTION_KEY")], "{key:?}");
    }
    let spaced = format!("{TOKEN} x");
    assert_eq!(Scene::new().with("MANAGEMENT_TOKEN", &spaced).faults(), [pair("environment", "MANAGEMENT_TOKEN")]);
}

#[test]
fn equal_secrets_are_refused_however_they_are_given() {
    let scene = Scene::new().with("MANAGEMENT_TOKEN", "env:SESSION_SECRET");
    assert_eq!(scene.faults(), [pair("environment", "MANAGEMENT_TOKEN")]);
    assert!(scene.text_of_faults().contains("equals SESSION_SECRET"));
    let all = Scene::new().with("MANAGEMENT_TOKEN", MASTER).with("SESSION_SECRET", MASTER);
    assert_eq!(all.faults(), [pair("environment", "MASTER_ENCRYPTION_KEY"), pair("environment", "MANAGEMENT_TOKEN")]);
}

#[test]
fn faults_and_the_configuration_never_show_a_secret() {
    let config = Scene::new().load();
    for secret in [SESSION, MASTER, TOKEN] {
        assert!(!format!("{config:?}").contains(secret));
    }
    let text = Scene::new().with("MANAGEMENT_TOKEN", "hunter2").text_of_faults();
    assert!(text.contains("MANAGEMENT_TOKEN") && !text.contains("hunter2"), "{text}");
}

#[test]
fn commands_without_secrets_load_without_them() {
    let scene = Scene::new().without("SESSION_SECRET").with("MANAGEMENT_TOKEN", "");
    let config = Config::load_without_secrets(&scene.sources).unwrap();
    assert_eq!(config.data_dir, scene.path("data"));
    assert_ne!(config.secrets.session_secret, config.secrets.management_token);
}

#[test]
fn generated_secrets_are_sound_and_survive_dotenv() {
    let secrets = Secrets::generate().unwrap();
    let mut scene = Scene::new().file(".env", &template::dotenv(&secrets));
    scene.sources.environment.clear();
    assert_eq!(scene.load().secrets, secrets);
    assert_ne!(Secrets::generate().unwrap(), secrets);
}

#[test]
fn the_template_says_the_defaults() {
    let text = template::farthing_toml();
    let plain = Scene::new().file("farthing.toml", &text).load();
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
    assert_eq!(text.lines().filter(is_setting).count(), settings().len());
    let uncommented: Vec<_> =
        text.lines().map(|line| if is_setting(&line) { line.trim_start_matches('#') } else { line }).collect();
    let scene = Scene::new().file("farthing.toml", &uncommented.join("\n"));
    let config = scene.load();
    let mut expected = Config::new(scene.path("data"), plain.secrets);
    expected.server.workers = config.server.workers;
    expected.listed.clone_from(&config.listed);
    assert_eq!(config, expected);
}

/// S3.11b-i: the names by which other gateways set it, and a trail that is kept nowhere.
#[test]
fn the_audit_trail_is_set_by_its_usual_variables() {
    let audit = |pairs: &[(&str, &str)]| {
        pairs.iter().fold(Scene::new(), |scene, (name, value)| scene.with(name, value)).load().audit
    };
    let usual = audit(&[]);
    assert!(usual.enabled && usual.create_dir && usual.store_in_db);
    assert!(usual.log_file.is_some_and(|path| path.ends_with("data/audit.log")));
    assert!(!audit(&[("AUDIT_ENABLED", "false")]).enabled);
    assert_eq!(audit(&[("AUDIT_LOG_FILE", "")]).log_file, None, "database only");
    assert!(!audit(&[("AUDIT_STORE_IN_DB", "false"), ("AUDIT_CREATE_DIR", "false")]).store_in_db);
    assert!(audit(&[("AUDIT_ENABLED", "false"), ("FARTHING__AUDIT__ENABLED", "true")]).enabled, "the latter wins");
    let nowhere = Scene::new().with("AUDIT_LOG_FILE", "").with("AUDIT_STORE_IN_DB", "false");
    let nowhere = Config::load(&nowhere.sources).unwrap_err();
    assert!(nowhere.to_string().contains("audit.log_file or audit.store_in_db"), "{nowhere}");
}

#[test]
fn the_documentation_names_every_setting() {
    let text = include_str!("../../docs/configuration.md");
    for setting in settings() {
        let Setting { key, default, unit, note, .. } = setting;
        let row = format!("| `{key}` | `{default}` | {unit} | {note} |");
        assert!(text.contains(&row), "docs/configuration.md lacks this row:\n{row}");
    }
    for name in secrets::NAMES.into_iter().chain(secrets::PREVIOUS) {
        assert!(text.contains(&format!("`{name}`")), "docs/configuration.md lacks {name}");
    }
}

#[test]
fn half_a_pair_for_tls_and_origins_that_no_browser_writes_are_faults() {
    for wrong in [
        "tls_cert = 'cert.pem'",
        "tls_key = 'key.pem'",
        "cors_origins = ['*']",
        "cors_origins = ['https://app.example/']",
        "cors_origins = ['app.example']",
        "public_origin = 'https://Farthing.example'",
        "admin_listen = 'localhost'",
    ] {
        let scene = Scene::new().file("farthing.toml", &format!("[server]\n{wrong}\n"));
        let faults = Config::load(&scene.sources).unwrap_err().to_string();
        assert!(faults.contains(wrong.split(' ').next().unwrap()), "{wrong}: {faults}");
    }
    let open = "[server]\nlisten = '0.0.0.0:443'\ntls_cert = 'cert.pem'\ntls_key = 'key.pem'\n";
    assert!(Scene::new().file("farthing.toml", open).load().server.edge.tls.is_some(), "open to others, encrypted");
}
