//! Every setting, set in the environment and found again.

use super::*;

/// Every setting, with a value that is not the default.
const GIVEN: &[(&str, &str)] = &[
    ("FARTHING__SERVER__LISTEN", "0.0.0.0:0"),
    ("FARTHING__SERVER__BEHIND_PROXY", "true"),
    ("FARTHING__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
    ("FARTHING__SERVER__WORKERS", "3"),
    ("FARTHING__SERVER__MAX_IN_FLIGHT", "7"),
    ("FARTHING__SERVER__MAX_BODY_BYTES", "1024"),
    ("FARTHING__SERVER__MAX_BODIES_BYTES", "4096"),
    ("FARTHING__SERVER__MEMORY_LIMIT_BYTES", "1073741824"),
    ("FARTHING__SERVER__CLIENT_PATIENCE_SECONDS", "9"),
    ("FARTHING__SERVER__HEAD_SECONDS", "4"),
    ("FARTHING__SERVER__FAILURES_PER_MINUTE", "11"),
    ("FARTHING__SERVER__ADDRESS_REQUESTS_PER_SECOND", "0"),
    ("FARTHING__SERVER__SHUTDOWN_GRACE_SECONDS", "5"),
    ("FARTHING__SERVER__SHUTDOWN_NOTICE_SECONDS", "3"),
    ("FARTHING__SERVER__TLS_CERT", "/etc/farthing/cert.pem"),
    ("FARTHING__SERVER__TLS_KEY", "/etc/farthing/key.pem"),
    ("FARTHING__SERVER__PUBLIC_ORIGIN", "https://farthing.example"),
    ("FARTHING__SERVER__CORS_ORIGINS", "https://app.example, http://localhost:3000"),
    ("FARTHING__SERVER__ADMIN_LISTEN", "127.0.0.1:9090"),
    ("FARTHING__WEBSOCKET__ALLOWED_ORIGINS", "https://farthing.example"),
    ("FARTHING__DATA_DIR", "/var/lib/farthing"),
    ("FARTHING__DATABASE__URL", "sqlite:///srv/books.db"),
    ("FARTHING__DATABASE__DURABILITY", "power"),
    ("FARTHING__CACHE__MAX_BYTES", "0"),
    ("FARTHING__CACHE__MAX_ENTRY_BYTES", "4096"),
    ("FARTHING__CACHE__MAX_AGE_SECONDS", "60"),
    ("FARTHING__CATALOGUE__URL", ""),
    ("FARTHING__CATALOGUE__REFRESH_HOURS", "6"),
    ("FARTHING__AUDIT__ENABLED", "true"),
    ("FARTHING__AUDIT__LOG_FILE", "/var/log/farthing/audit.log"),
    ("FARTHING__AUDIT__CREATE_DIR", "false"),
    ("FARTHING__AUDIT__STORE_IN_DB", "false"),
    ("FARTHING__AUDIT__MASK_IP", "true"),
    ("FARTHING__AUDIT__HIDE_TOKENS", "true"),
    ("FARTHING__AUDIT__RETENTION_DAYS", "90"),
    ("FARTHING__KEYS__DEFAULT_DAYS", "7"),
    ("FARTHING__KEYS__MAX_DAYS", "30"),
    ("FARTHING__MANAGEMENT__ALLOWED_ADDRESSES", "10.0.0.0/8"),
    ("FARTHING__BACKUP__EVERY_HOURS", "12"),
    ("FARTHING__BACKUP__KEEP", "3"),
    ("FARTHING__ALERTS__WEBHOOK_URL", "https://alerts.example/farthing"),
    ("FARTHING__ALERTS__ESTIMATED_PERCENT", "5"),
    ("FARTHING__BREAKER__FAILURES", "7"),
    ("FARTHING__BREAKER__WINDOW_SECONDS", "120"),
    ("FARTHING__BREAKER__OPEN_SECONDS", "3"),
    ("FARTHING__BREAKER__TRIALS", "2"),
    ("FARTHING__SESSION__IDLE_MINUTES", "15"),
    ("FARTHING__SESSION__ABSOLUTE_HOURS", "24"),
    ("FARTHING__SESSION__BINDING", "exact"),
    ("FARTHING__SESSION__PER_USER", "3"),
    ("FARTHING__OIDC__ISSUER", "https://id.example"),
    ("FARTHING__OIDC__CLIENT_ID", "farthing"),
    ("FARTHING__OIDC__SCOPES", "openid groups"),
    ("FARTHING__OIDC__ROLE_CLAIM", "realm_access.roles"),
    ("FARTHING__OIDC__ROLES", "cn=admins=admin, ops=operator"),
    ("FARTHING__OIDC__DEFAULT_ROLE", "viewer"),
    ("FARTHING__OIDC__LABEL", "Sign in with Example"),
    ("FARTHING__LOGGING__LEVEL", "debug"),
    ("FARTHING__ROUTING__MODEL_ROUTING", "llama-*=ollama, gpt-*=openai"),
];

#[test]
fn every_setting_can_be_set_in_the_environment() {
    let scene = GIVEN.iter().fold(Scene::new(), |scene, (name, value)| scene.with(name, value));
    let set = scene.sources.environment.keys().filter(|name| name.starts_with("FARTHING__")).count();
    assert_eq!(set, settings().len(), "this test sets every setting");
    let config = scene.load();
    let cache = CacheConfig { max_bytes: 0, max_entry_bytes: 4_096, max_age: Duration::from_secs(60) };
    assert_eq!(config.cache, cache);
    assert_eq!(config.keys, KeysConfig { default_days: 7, max_days: 30 });
    assert_eq!(config.management.allowed_addresses.len(), 1);
    check_server(&config.server);
    assert_eq!((config.backup.every, config.backup.keep), (Some(Duration::from_secs(12 * 3_600)), 3));
    assert_eq!(config.data_dir, PathBuf::from("/var/lib/farthing"));
    let alerts = AlertsConfig { webhook_url: Some("https://alerts.example/farthing".to_owned()), estimated_percent: 5 };
    assert_eq!(config.alerts, alerts);
    let BreakerConfig(breaker) = config.breaker;
    assert_eq!((breaker.in_a_row, breaker.trials), (7, 2));
    assert_eq!((breaker.window, breaker.open_for), (Duration::from_secs(120), Duration::from_secs(3)));
    let database = DatabaseConfig { path: "/srv/books.db".into(), durability: Durability::Power };
    assert_eq!(config.database, database);
    let audit = &config.audit;
    assert_eq!(audit.log_file.as_deref(), Some(Path::new("/var/log/farthing/audit.log")));
    assert_eq!((audit.enabled, audit.create_dir, audit.store_in_db, audit.mask_ip), (true, false, false, true));
    assert!(audit.hide_tokens);
    assert_eq!(audit.retention, Duration::from_secs(90 * 24 * 3_600));
    let SessionConfig(session) = config.session;
    assert_eq!((session.idle, session.absolute), (Duration::from_secs(900), Duration::from_secs(86_400)));
    assert_eq!((session.binding, session.per_user), (Binding::Exact, 3));
    check_oidc(&config.oidc);
    assert_eq!(config.logging.level, LevelFilter::Debug);
    assert_eq!(lines(&config), ["llama-* ollama", "gpt-* openai"]);
}

fn check_oidc(oidc: &OidcConfig) {
    let expected = OidcConfig {
        issuer: Some("https://id.example".to_owned()),
        client_id: "farthing".to_owned(),
        scopes: "openid groups".to_owned(),
        role_claim: "realm_access.roles".to_owned(),
        roles: vec![("cn=admins".to_owned(), Role::Admin), ("ops".to_owned(), Role::Operator)],
        default_role: Some(Role::Viewer),
        label: "Sign in with Example".to_owned(),
    };
    assert_eq!(*oidc, expected);
}

fn check_server(server: &ServerConfig) {
    assert!(server.trusted_proxies.iter().any(|network| network.contains([10, 1, 2, 3].into())));
    assert_eq!(server.trusted_proxies.len(), 2);
    assert_eq!(server.listen.to_string(), "0.0.0.0:0");
    assert_eq!((server.workers, server.max_in_flight, server.max_body_bytes), (3, 7, 1024));
    assert_eq!((server.max_bodies_bytes, server.memory_limit_bytes), (4_096, 1 << 30));
    assert_eq!(server.head_patience, Duration::from_secs(4));
    let edge = EdgeConfig {
        tls: Some(TlsFiles { certificate: "/etc/farthing/cert.pem".into(), key: "/etc/farthing/key.pem".into() }),
        public_origin: Some("https://farthing.example".to_owned()),
        cors_origins: vec!["https://app.example".to_owned(), "http://localhost:3000".to_owned()],
        socket_origins: vec!["https://farthing.example".to_owned()],
        admin_listen: Some(([127, 0, 0, 1], 9090).into()),
    };
    assert_eq!(server.edge, edge);
    assert_eq!((server.failures_per_minute, server.address_requests_per_second), (11, 0));
    assert_eq!((server.client_patience, server.shutdown_grace), (Duration::from_secs(9), Duration::from_secs(5)));
    assert_eq!(server.shutdown_notice, Duration::from_secs(3));
}
