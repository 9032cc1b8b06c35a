//! The built binary as people run it: files, exit codes, output, and the calls it makes to a server.
//! Each test has a folder and an environment of its own; the server is a script on a free port.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends where it is surprised")]

#[path = "cli/offline.rs"]
mod offline;
#[path = "cli/script.rs"]
mod script;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use farthing_actors::domain::ProviderKind;
use script::{Script, Seen};
use serde_json::{Value, json};

const TOKEN: &str = "Zx9cVb7nMq5wEr3tYu1iOp2aSd4fGh6j";

const COMMANDS: &[&str] = &[
    "",
    "serve",
    "demo",
    "init",
    "check",
    "migrate",
    "completions",
    "ledger",
    "ledger verify",
    "ledger export",
    "ledger reconcile",
    "ledger adjust",
    "ledger adjustments",
    "audit",
    "audit list",
    "audit verify",
    "audit export",
    "backup",
    "backup create",
    "backup list",
    "backup verify",
    "restore",
    "secrets",
    "secrets status",
    "secrets rotate",
    "project",
    "project create",
    "project list",
    "project show",
    "project budget",
    "project cache",
    "project deactivate",
    "project activate",
    "key",
    "key create",
    "key list",
    "key show",
    "key revoke",
    "key rotate",
    "key token",
    "token",
    "token create",
    "token revoke",
    "provider",
    "provider add",
    "provider list",
    "provider enable",
    "provider disable",
    "model",
    "model add",
    "model list",
    "model price",
    "model prices",
    "model prices status",
    "model prices refresh",
    "model prices approve",
    "model prices dismiss",
    "shadow",
    "shadow show",
    "shadow forget",
    "cache",
    "cache show",
    "cache purge",
    "group",
    "group create",
    "group list",
    "group show",
    "group delete",
    "requests",
    "requests list",
    "requests show",
    "requests tail",
    "run",
    "run list",
    "run kill",
    "request show",
    "usage",
    "user",
    "user create",
    "user list",
    "user passwd",
    "user unlock",
    "session",
    "session list",
    "session revoke",
];

/// A folder to run in, removed afterwards.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// The binary with these arguments (separated by blanks), in this folder, with an empty environment.
    fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farthing"));
        command.args(arguments.split_whitespace()).current_dir(&self.0).env_clear();
        command
    }

    fn run(&self, arguments: &str) -> Outcome {
        Outcome::of(self.command(arguments).output().unwrap())
    }

    fn ask(&self, url: &str, arguments: &str) -> Outcome {
        let mut command = self.command(arguments);
        Outcome::of(command.env("FARTHING_URL", url).env("MANAGEMENT_TOKEN", TOKEN).output().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[derive(Debug)]
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

impl Outcome {
    fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }
}

fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[test]
fn every_command_has_help() {
    let folder = Folder::new("help");
    for command in COMMANDS {
        let outcome = folder.run(&format!("{command} --help"));
        assert_eq!(outcome.code, 0, "{command}: {outcome:?}");
        assert!(outcome.out.contains("Usage: farthing") && outcome.err.is_empty(), "{command}: {outcome:?}");
    }
    assert!(folder.run("--help").out.contains("Exit codes: 0"));
    assert!(folder.run("--version").out.starts_with("farthing "));
}

#[test]
fn the_help_names_every_kind_of_provider() {
    let help = Folder::new("kinds").run("provider add --help").out;
    let words: Vec<_> = help.split(|letter: char| letter != '_' && !letter.is_alphanumeric()).collect();
    for kind in ProviderKind::ALL {
        assert!(words.contains(&kind.name()), "{kind} is missing: {help}");
    }
}

#[test]
fn wrong_usage_is_two() {
    let folder = Folder::new("usage");
    let wrong = [
        "",
        "frobnicate",
        "key",
        "key create ci",
        "project create x --budget -1",
        "project create x --budget 1 --warn-percent 101",
        "project create x --warn-percent 50",
        "project create x --window month",
        "project create x --budget 1 --time-zone Mars/Olympus",
        "model price x --input cheap",
        "model price x --input 1 --from tomorrow",
        "model prices approve",
        "provider add x --kind unheard_of",
        "requests list --limit 0",
        "requests list --status fine",
        "demo --listen 0.0.0.0:8080",
    ];
    for arguments in wrong {
        let outcome = folder.run(arguments);
        assert_eq!(outcome.code, 2, "{arguments}: {outcome:?}");
        assert!(outcome.err.contains("Usage:") || outcome.err.contains("--help"), "{arguments}: {outcome:?}");
    }
}

#[test]
fn init_writes_what_check_finds_sound() {
    let folder = Folder::new("init");
    let made = folder.run("init --dir new --json");
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let told = made.json();
    assert_eq!(told, json!({"config": "new/farthing.toml", "env": "new/.env", "kept": [], "set_up": told["set_up"]}));
    assert!(told["set_up"].as_str().unwrap().starts_with("http://127.0.0.1:8080/set-up#"), "{told}");
    let mode = |name: &str| fs::metadata(folder.0.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("new/.env"), 0o600);
    let check = folder.run("--config new/farthing.toml check");
    assert_eq!((check.code, check.out.as_str()), (0, "configuration is sound\n"), "{check:?}");

    let secrets = fs::read_to_string(folder.0.join("new/.env")).unwrap();
    let again = folder.run("init --dir new");
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there already") && again.err.contains("--force"), "{again:?}");
    assert_eq!(fs::read_to_string(folder.0.join("new/.env")).unwrap(), secrets);

    let forced = folder.run("init --dir new --force");
    assert_eq!(forced.code, 0, "{forced:?}");
    assert_eq!(fs::read_to_string(folder.0.join("new/.env.old-1")).unwrap(), secrets);
    assert_ne!(fs::read_to_string(folder.0.join("new/.env")).unwrap(), secrets);
    assert_eq!((mode("new/.env"), mode("new/.env.old-1")), (0o600, 0o600));
    for output in [made.out, forced.out] {
        let shown = secrets.lines().filter_map(|line| line.split_once('=')).any(|(_, secret)| output.contains(secret));
        assert!(!shown, "init printed a secret");
    }
}

#[test]
fn the_link_of_init_is_where_the_settings_say() {
    let folder = Folder::new("link");
    let told = |name: &str, settings: &[(&str, &str)]| {
        let mut command = folder.command(&format!("init --json --dir {name}"));
        let link = Outcome::of(command.envs(settings.iter().copied()).output().unwrap()).json()["set_up"].to_string();
        link.split_once('#').unwrap().0.trim_start_matches('"').to_owned()
    };
    let (listen, origin) = ("FARTHING__SERVER__LISTEN", "FARTHING__SERVER__PUBLIC_ORIGIN");
    let behind = ("FARTHING__SERVER__BEHIND_PROXY", "true");
    let door = ("FARTHING__SERVER__ADMIN_LISTEN", "127.0.0.1:9001");
    for (name, settings, expected) in [
        ("a", &[(listen, "127.0.0.1:9000")][..], "http://127.0.0.1:9000/set-up"),
        ("b", &[(listen, "0.0.0.0:9000"), behind], "http://127.0.0.1:9000/set-up"),
        ("c", &[(listen, "[::]:9000"), behind, (origin, "https://ft.example")], "https://ft.example/set-up"),
        ("d", &[door], "http://127.0.0.1:9001/set-up"),
        ("e", &[(listen, "127.0.0.1:0")], "http://ADDRESS/set-up"),
        ("f", &[(listen, "nonsense")], "http://127.0.0.1:8080/set-up"),
    ] {
        assert_eq!(told(name, settings), expected, "{settings:?}");
    }
    let text = Outcome::of(folder.command("init --dir g").env(listen, "127.0.0.1:0").output().unwrap());
    assert!(text.out.contains("data/address"), "{text:?}");
}

#[test]
fn check_says_every_fault_and_leaves_with_three() {
    let folder = Folder::new("check");
    fs::write(folder.0.join("farthing.toml"), "[server]\nlisten = '0.0.0.0:1'\nworker = 1\n").unwrap();
    let check = folder.run("check");
    assert_eq!(check.code, 3, "{check:?}");
    for part in [
        "5 faults",
        "farthing.toml: server.listen",
        "did you mean server.workers?",
        "SESSION_SECRET",
        "MANAGEMENT_TOKEN",
    ] {
        assert!(check.out.contains(part), "{part} is missing: {check:?}");
    }
    let json = folder.run("check --json").json();
    assert_eq!(json["ok"], false);
    assert_eq!(json["faults"].as_array().unwrap().len(), 5);
    assert_eq!(
        (&json["faults"][0]["file"], &json["faults"][0]["key"]),
        (&json!("farthing.toml"), &json!("server.listen"))
    );
}

#[test]
fn serve_refuses_a_faulty_configuration_with_one() {
    let folder = Folder::new("serve");
    let serve = folder.run("serve");
    assert_eq!((serve.code, serve.out.as_str()), (1, ""), "{serve:?}");
    assert!(serve.err.starts_with("error: the configuration has 3 faults:"), "{serve:?}");
    let named = Outcome::of(folder.command("serve").env("FARTHING_CONFIG", "absent.toml").output().unwrap());
    assert!(named.code == 1 && named.err.contains("absent.toml: cannot be read"), "{named:?}");
}

#[test]
fn without_a_server_the_remedy_is_named() {
    let folder = Folder::new("nowhere");
    let url = nowhere();
    let outcome = folder.ask(&url, "project list");
    assert_eq!(outcome.code, 1, "{outcome:?}");
    assert!(outcome.err.contains(&url) && outcome.err.contains("farthing serve"), "{outcome:?}");
    let tokenless = folder.run("project list");
    assert_eq!(tokenless.code, 1, "{tokenless:?}");
    assert!(tokenless.err.contains("MANAGEMENT_TOKEN") && tokenless.err.contains("--token-file"), "{tokenless:?}");
}

#[test]
fn lists_are_tables_for_people_and_json_for_machines() {
    let folder = Folder::new("lists");
    let budget =
        json!({"limit_usd": "25.00", "window": "month", "spent_usd": "1.5", "held_usd": "0", "remaining_usd": "23.5"});
    let first = json!({"id": "prj_1", "name": "team-a", "budget": budget});
    let second = json!({"id": "prj_2", "name": "b", "budget": null});
    let pages = || {
        let next = json!({"data": [first], "next_cursor": "a/b"});
        vec![(200, next), (200, json!({"data": [second], "next_cursor": null}))]
    };
    let script = Script::new(pages());
    let table = folder.ask(&script.url, "project list");
    let expected = "NAME    ID     BUDGET  WINDOW  SPENT  HELD  REMAINING\n\
                    team-a  prj_1  25.00   month   1.5    0     23.5\n\
                    b       prj_2  -       -       -      -     -\n";
    assert_eq!((table.code, table.out.as_str()), (0, expected), "{table:?}");
    let seen = script.seen();
    assert_eq!(seen[0].line, "GET /api/projects");
    assert_eq!(seen[1].line, "GET /api/projects?cursor=a%2Fb");
    assert!(seen.iter().all(|seen| seen.authorization == format!("Bearer {TOKEN}")));

    let script = Script::new(pages());
    let json = folder.ask(&script.url, "project list --json").json();
    assert_eq!(json, json!({"data": [first, second], "next_cursor": null}));
}

#[test]
fn requests_are_narrowed_by_every_condition_of_the_api() {
    let folder = Folder::new("narrowed");
    let script =
        Script::new(vec![(200, json!({"data": [], "next_cursor": "c1", "searched_to": "2026-11-01T00:00:00.000Z"}))]);
    let flags = "--project team-a --key key_1 --run nightly --model o3 --provider openai --status upstream_error \
                 --from 2026-11-01 --to 2026-11-26T12:00:00Z --time-zone Europe/Berlin --search req_01 --limit 7 --cursor c0";
    let found = folder.ask(&script.url, &format!("requests list {flags}"));
    let expected = "GET /api/requests?project=team-a&key=key_1&run=nightly&model=o3&provider=openai&status=upstream_error\
                    &from=2026-11-01&to=2026-11-26T12%3A00%3A00Z&time_zone=Europe%2FBerlin&search=req_01&limit=7&cursor=c0";
    assert_eq!(script.seen()[0].line, expected);
    let told = "there are no requests\nsearched back to 2026-11-01T00:00:00.000Z; go on with --cursor c1\n";
    assert_eq!((found.code, found.out.as_str()), (0, told), "{found:?}");
}

#[test]
fn what_is_made_is_sent_as_the_api_takes_it() {
    let folder = Folder::new("made");
    fs::write(folder.0.join("up.key"), "sk-up\n").unwrap();
    let budget =
        json!({"limit_usd": "25.00", "window": "month", "time_zone": "Europe/Berlin", "warn_percent": [50, 90]});
    let prices = json!({"input_cost_per_m": "0.15", "output_cost_per_m": "0.60"});
    let cases = [
        (
            "project create team-a --parent all --budget 25.00 --window month --time-zone Europe/Berlin --rpm 600 \
             --warn-percent 90,50",
            "POST /api/projects",
            json!({"name": "team-a", "parent": "all", "budget": budget,
                   "limits": {"rpm": 600, "tpm": null, "concurrency": null}}),
        ),
        (
            "key create ci --project team-a --expires-in-days 30 --allow gpt-* --allow o3",
            "POST /api/keys",
            json!({"name": "ci", "project": "team-a", "expires_in_days": 30,
                   "allowed_models": ["gpt-*", "o3"]}),
        ),
        (
            "provider add up --kind openai --base-url http://127.0.0.1:9/v1 --api-key file:up.key --allow-private-network",
            "POST /api/providers",
            json!({"name": "up", "kind": "openai", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-up",
                   "allow_private_network": true}),
        ),
        (
            "model add gpt --provider up --max-output-tokens 16 --dialect openai_chat --input 0.15 --output 0.60",
            "POST /api/models",
            json!({"name": "gpt", "provider": "up", "upstream_model": "gpt", "max_output_tokens": 16,
                   "dialects": ["openai_chat"], "prices": prices}),
        ),
        (
            "group create smart --strategy weighted --target gpt=3 --target group:cheap",
            "POST /api/groups",
            json!({"name": "smart", "strategy": "weighted",
                   "targets": [{"model": "gpt", "weight": 3}, {"group": "cheap", "weight": 1}]}),
        ),
        ("project budget prj_1 --unlimited", "PATCH /api/projects/prj_1", json!({"budget": null})),
        ("key revoke key_1", "POST /api/keys/key_1/revoke", json!({})),
        (
            "key create ci --project a --max-requests 9 --run-limit 0.5",
            "POST /api/keys",
            json!({"project": "a", "name": "ci", "max_requests": 9, "run_limit_usd": "0.50"}),
        ),
        ("key rotate key_1", "POST /api/keys/key_1/rotate", json!({})),
        ("key rotate key_1 --overlap-hours 48", "POST /api/keys/key_1/rotate", json!({"overlap_hours": 48})),
        (
            "key create ci --project a --expires-in-days never --endpoint /v1/chat/* --parameter n=1 --parameter n=2",
            "POST /api/keys",
            json!({"project": "a", "name": "ci", "expires_in_days": null, "allowed_endpoints": ["/v1/chat/*"],
                   "allowed_parameters": {"n": ["1", "2"]}}),
        ),
        ("key token key_1", "POST /api/keys/key_1/tokens", json!({})),
        (
            "key token key_1 --expires-in-seconds 60 --allow o3 --max-requests 5",
            "POST /api/keys/key_1/tokens",
            json!({"expires_in_seconds": 60, "allowed_models": ["o3"], "max_requests": 5}),
        ),
        (
            "token create ci --scope can_view_usage --expires-in-hours 1",
            "POST /api/tokens",
            json!({"name": "ci", "scopes": ["can_view_usage"], "expires_in_hours": 1}),
        ),
        ("project deactivate prj_1", "PATCH /api/projects/prj_1", json!({"active": false})),
        ("project activate prj_1", "PATCH /api/projects/prj_1", json!({"active": true})),
        ("model prices approve chg_1 chg_2", "POST /api/catalogue/approve", json!({"changes": ["chg_1", "chg_2"]})),
        ("model prices dismiss chg_1", "POST /api/catalogue/dismiss", json!({"changes": ["chg_1"]})),
        ("provider disable prv_1", "PATCH /api/providers/prv_1", json!({"enabled": false})),
    ];
    for (arguments, line, body) in cases {
        let script = Script::new(vec![(201, json!({"id": "new_1", "key": "sk-ft-secret"}))]);
        let outcome = folder.ask(&script.url, arguments);
        assert_eq!(outcome.code, 0, "{arguments}: {outcome:?}");
        assert_eq!(outcome.out.contains("sk-ft-secret"), !arguments.contains("revoke"), "{arguments}: {outcome:?}");
        let authorization = format!("Bearer {TOKEN}");
        assert_eq!(script.seen(), [Seen { line: line.to_owned(), authorization, body }], "{arguments}");
    }
}

#[test]
fn names_are_looked_up_and_prices_changed_one_by_one() {
    let folder = Folder::new("names");
    let model = |id: &str, provider: &str| {
        json!({"id": id, "name": "gpt", "provider": provider, "upstream_model": "gpt", "weight": 1, "created_at": 5,
               "prices": {"input_cost_per_m": "1", "output_cost_per_m": "2"}})
    };
    let list = json!({"data": [model("mdl_1", "a"), model("mdl_2", "b")], "next_cursor": null});
    let script = Script::new(vec![(200, list.clone()), (200, model("mdl_2", "b"))]);
    let outcome = folder.ask(&script.url, "model price gpt --provider b --output 3");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let seen = script.seen();
    assert_eq!(seen[1].line, "PUT /api/models/mdl_2");
    let prices = json!({"input_cost_per_m": "1", "output_cost_per_m": "3.00"});
    let expected = json!({"name": "gpt", "provider": "b", "upstream_model": "gpt", "weight": 1, "prices": prices});
    assert_eq!(seen[1].body, expected);

    let script = Script::new(vec![(200, list.clone()), (200, model("mdl_2", "b"))]);
    let outcome = folder.ask(&script.url, "model price gpt --provider b --output 3 --from 2030-01-31T01:00:00+01:00");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let from = "2030-01-31T00:00:00.000Z";
    let prices = json!({"input_cost_per_m": "1", "output_cost_per_m": "3.00", "effective_from": from});
    assert_eq!(script.seen()[1].body["prices"], prices);

    let script = Script::new(vec![(200, list.clone()), (200, model("mdl_2", "b"))]);
    let outcome = folder.ask(&script.url, "model price gpt --provider b --withdraw");
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_eq!(script.seen()[1].line, "DELETE /api/models/mdl_2/prices/upcoming");

    let script = Script::new(vec![(200, list.clone())]);
    let several = folder.ask(&script.url, "model price gpt");
    assert!(several.code == 1 && several.err.contains("mdl_1, mdl_2"), "{several:?}");
    let script = Script::new(vec![(200, list)]);
    let none = folder.ask(&script.url, "model price o3");
    assert!(none.code == 1 && none.err.contains("there is no model named \"o3\""), "{none:?}");
}

#[test]
fn the_price_list_is_told_with_what_is_held_back_and_a_failed_fetch_is_a_failure() {
    let folder = Folder::new("lists");
    let held =
        json!({"id": "chg_7", "model": "gpt", "provider": "up", "class": "output", "from": "0.60", "to": "6.10"});
    let status = json!({"url": "https://models.dev/api.json", "models": 3, "last_error": null, "held_back": [held]});
    let script = Script::new(vec![(200, status.clone())]);
    let outcome = folder.ask(&script.url, "model prices status");
    let told = |word: &str| outcome.out.contains(word);
    assert!(outcome.code == 0 && told("https://models.dev/api.json") && told("chg_7") && told("6.10"), "{outcome:?}");

    let mut failed = status;
    failed["last_error"] = json!("the price list could not be fetched: 500");
    let script = Script::new(vec![(200, failed)]);
    let outcome = folder.ask(&script.url, "model prices refresh");
    assert!(outcome.code == 1 && outcome.err.contains("could not be fetched: 500"), "{outcome:?}");
    assert_eq!(script.seen()[0].line, "POST /api/catalogue/refresh");
}

#[test]
fn a_servers_refusal_is_said_in_its_words() {
    let folder = Folder::new("refused");
    let error = json!({"error": {"code": "not_found", "message": "no such request", "request_id": "req_9"}});
    let script = Script::new(vec![(404, error)]);
    let outcome = folder.ask(&script.url, "request show req_1/../x");
    assert_eq!((outcome.code, outcome.err.as_str()), (1, "error: no such request (not_found, req_9)\n"));
    assert_eq!(script.seen()[0].line, "GET /api/requests/req_1%2F..%2Fx");
    let script = Script::new(vec![(302, json!({}))]);
    let redirected = folder.ask(&script.url, "key list --project team-a");
    assert!(redirected.code == 1 && redirected.err.contains("answered 302"), "{redirected:?}");
    assert_eq!(script.seen()[0].line, "GET /api/keys?project=team-a");
}

#[test]
fn a_ledger_with_a_fault_is_three() {
    let folder = Folder::new("ledger");
    let verdict = |ok: bool, faults: Value| json!({"ok": ok, "entries": 8, "requests": 4, "open_holds": 0, "imbalance_usd": "0", "faults": faults});
    let script = Script::new(vec![(200, verdict(true, json!([])))]);
    let good = folder.ask(&script.url, "ledger verify --online");
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.starts_with("the books balance: 8 entries, 4 requests"), "{good:?}");
    let script = Script::new(vec![(200, verdict(false, json!(["entry 7 is missing"])))]);
    let bad = folder.run(&format!("ledger verify --url {} --token-file /dev/null", script.url));
    assert!(bad.code == 1 && bad.err.contains("there is no management token"), "an empty token file: {bad:?}");
    let bad = folder.ask("http://ignored.invalid", &format!("ledger verify --url {}", script.url));
    assert!(bad.code == 3 && bad.out.contains("entry 7 is missing") && bad.err.is_empty(), "{bad:?}");
}

#[test]
fn secrets_are_not_taken_from_arguments() {
    let folder = Folder::new("arguments");
    let outcome = folder.ask(&nowhere(), "provider add up --kind openai --api-key sk-live-1234");
    assert_eq!(outcome.code, 2, "{outcome:?}");
    assert!(outcome.err.contains("env:NAME or file:PATH") && !outcome.err.contains("sk-live"), "{outcome:?}");
}

#[test]
fn a_closed_pipe_is_no_error() {
    let folder = Folder::new("pipe");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = folder.command("completions bash").stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    let outcome = Outcome::of(child.wait_with_output().unwrap());
    assert_eq!((outcome.code, outcome.err.as_str()), (0, ""));
    let script = folder.run("completions bash");
    assert!(script.code == 0 && script.out.contains("farthing__subcmd__key"), "{}", script.err);
}

#[test]
fn usage_is_a_table_json_or_csv() {
    let folder = Folder::new("used");
    let figures = |id: &str, cost: &str| {
        let usage = json!({"input": 7, "cache_read": 0, "cache_write": 0, "output": 2, "reasoning": 0});
        json!({"id": id, "name": null, "requests": 3, "errors": 1, "refused": 0, "estimated": 0, "usage": usage,
               "cost_usd": cost, "adjustments_usd": "-1.00"})
    };
    let page = |rows: Value, next: Value| (200, json!({"data": rows, "next_cursor": next, "from": "x"}));
    let pages = || {
        vec![page(json!([figures("gpt-4o", "2.50")]), json!("c")), page(json!([figures("o3", "0.10")]), Value::Null)]
    };
    let script = Script::new(pages());
    let shown = folder.ask(&script.url, "usage --by model --from 2026-11-01 --time-zone Europe/Berlin");
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.out.starts_with("MODEL") && shown.out.contains("-1.00") && shown.out.contains("o3"), "{shown:?}");
    let common = "GET /api/usage/breakdown?by=model&from=2026-11-01&time_zone=Europe%2FBerlin";
    let seen = script.seen();
    assert_eq!([&*seen[0].line, &*seen[1].line], [common, &format!("{common}&cursor=c")]);

    let script = Script::new(pages());
    let json = folder.ask(&script.url, "usage --by model --json").json();
    assert_eq!((json["data"][1]["id"].as_str(), &json["from"]), (Some("o3"), &json!("x")));
    let script = Script::new(vec![(400, json!({"error": {"code": "c", "message": "m", "request_id": "r"}}))]);
    let refused = folder.ask(&script.url, "usage --csv");
    assert_eq!((refused.code, refused.err.as_str()), (1, "error: m (c, r)\n"));
    assert_eq!(script.seen()[0].line, "GET /api/usage/export?by=project&time_zone=UTC&format=csv");
}
