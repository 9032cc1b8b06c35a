//! Commands without a server: what they need to find, what they make, and what they say beforehand of a start that would fail.

use std::fs;
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
