//! Commands without a server: what they need to find, what they make, and what they say beforehand of a start that would fail.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::{Folder, Outcome};

/// A folder with settings and new secrets, and no database yet.
fn installed(name: &str) -> Folder {
    let folder = Folder::new(name);
    let made = folder.run("init");
    assert_eq!(made.code, 0, "{made:?}");
    folder
}

fn with(mut command: Command, settings: &[(&str, &str)]) -> Outcome {
    Outcome::of(command.envs(settings.iter().copied()).output().unwrap())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

#[test]
fn what_only_reads_makes_nothing_and_says_which_setting_leads_nowhere() {
    let folder = installed("absent");
    fs::write(folder.0.join("password"), "a long and quiet evening 7").unwrap();
    fs::create_dir(folder.0.join("empty")).unwrap();
    let before = names(&folder.0);
    let backup = "bkp_018f3c5a7d2e7b1c9a4e5f60718293a4";
    let of_database = [
        "ledger verify",
        "ledger export",
        "audit verify",
        "audit export",
        "secrets status",
        "secrets rotate",
        "user list",
        "user unlock mia",
        "user passwd mia --password-file password",
        "backup create",
    ];
    let of_folder = ["backup list".to_owned(), format!("backup verify {backup}"), format!("restore {backup} --yes")];
    let dotenv = fs::read_to_string(folder.0.join(".env")).unwrap();
    for command in of_database.iter().map(|command| (*command).to_owned()).chain(of_folder) {
        let said = with(folder.command(&command), &[("FARTHING__DATA_DIR", "typo")]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{command}: {said:?}");
        assert!(said.err.contains("typo") && said.err.contains("FARTHING__DATA_DIR"), "{command}: {said:?}");
        assert!(said.err.contains("farthing migrate") && !said.err.contains("r2d2"), "{command}: {said:?}");
    }
    for command in of_database {
        let said = with(folder.command(command), &[("FARTHING__DATA_DIR", "empty")]);
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{command}: {said:?}");
        assert!(said.err.contains("empty/farthing.db") && said.err.contains("database.url"), "{command}: {said:?}");
    }
    assert_eq!(names(&folder.0), before);
    assert_eq!(names(&folder.0.join("empty")), Vec::<String>::new());
    assert_eq!(fs::read_to_string(folder.0.join(".env")).unwrap(), dotenv);
    // What is there to make them still does.
    let made = folder.run("user create mia --role owner --password-file password");
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(folder.run("ledger verify").code, 0);
}

#[test]
fn the_master_key_is_changed_without_a_server_and_once() {
    let folder = installed("rotate");
    let dotenv = || fs::read_to_string(folder.0.join(".env")).unwrap();
    assert_eq!(folder.run("migrate").code, 0);
    let before = dotenv();
    let rotated = folder.run("secrets rotate");
    assert_eq!((rotated.code, rotated.err.as_str()), (0, ""), "{rotated:?}");
    assert!(rotated.out.contains("the next start of the server seals everything under it"), "{rotated:?}");
    let key = |text: &str| {
        text.lines().find_map(|line| line.strip_prefix("MASTER_ENCRYPTION_KEY=").map(str::to_owned)).unwrap()
    };
    let former = format!("MASTER_ENCRYPTION_KEY_PREVIOUS={}", key(&before));
    assert!(dotenv().contains(&former) && key(&dotenv()) != key(&before));
}

#[test]
fn check_says_what_serve_would_say_of_a_certificate() {
    let folder = installed("edge");
    let pair = || {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let ((chain, key), (_, other)) = (pair(), pair());
    for (name, text) in
        [("cert.pem", chain.as_str()), ("key.pem", &key), ("other.pem", &other), ("text.pem", "not PEM\n")]
    {
        fs::write(folder.0.join(name), text).unwrap();
    }
    let cases = [
        ("absent.pem", "key.pem", "server.tls_cert"),
        ("text.pem", "key.pem", "server.tls_cert"),
        ("cert.pem", "absent.pem", "server.tls_key"),
        ("cert.pem", "text.pem", "server.tls_key"),
        ("cert.pem", "other.pem", "server.tls_key"),
    ];
    for (certificate, key, setting) in cases {
        let settings = [("FARTHING__SERVER__TLS_CERT", certificate), ("FARTHING__SERVER__TLS_KEY", key)];
        let checked = with(folder.command("check --json"), &settings);
        let fault = &checked.json()["faults"][0];
        let variable = format!("FARTHING__{}", setting.to_uppercase().replace('.', "__"));
        assert_eq!((checked.code, fault["key"].as_str()), (3, Some(variable.as_str())), "{checked:?}");
        let problem = format!("{}; {}", fault["problem"].as_str().unwrap(), fault["hint"].as_str().unwrap());
        let served = with(folder.command("serve"), &settings);
        assert_eq!(served.code, 1, "{served:?}");
        assert!(served.err.contains(&format!("{setting}: {problem}")), "{problem}\n{served:?}");
    }
    // In the file it is called as it is there.
    fs::write(folder.0.join("farthing.toml"), "[server]\ntls_cert = \"cert.pem\"\ntls_key = \"other.pem\"\n").unwrap();
    let checked = folder.run("check");
    assert!(checked.code == 3 && checked.out.starts_with("farthing.toml: server.tls_key: "), "{checked:?}");
    fs::write(folder.0.join("farthing.toml"), "[server]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n").unwrap();
    assert_eq!(folder.run("check").code, 0);
}

#[test]
fn an_address_that_is_taken_is_named_with_its_setting() {
    let folder = installed("taken");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["server.listen", "server.admin_listen"] {
        let variable = format!("FARTHING__{}", setting.to_uppercase().replace('.', "__"));
        let settings = [("FARTHING__SERVER__LISTEN", "127.0.0.1:0"), (variable.as_str(), address.as_str())];
        let served = with(folder.command("serve"), &settings);
        assert_eq!(served.code, 1, "{served:?}");
        let said = format!("{setting}: {address} cannot be had");
        assert!(served.err.contains(&said) && served.err.contains("another process listens there"), "{served:?}");
    }
}
