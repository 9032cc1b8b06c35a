//! Settings: the list of what may be set, one entry each, kept beside the section it belongs to.
//! Owns the names. From it come the template of `farthing.toml`, the hint for a misspelt key, and the check of the
//! documentation, so that none of them can forget a setting.

/// One setting as people meet it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its full name, such as `server.listen`.
    pub key: &'static str,
    /// Its default in words or as TOML.
    pub default: &'static str,
    /// A value in TOML that leaves things as they are by default.
    pub example: &'static str,
    /// What one unit of it is, or what may be chosen; empty where the default shows it.
    pub unit: &'static str,
    /// What it does, in one or two sentences.
    pub note: &'static str,
}

impl Setting {
    /// The section and the key within it; settings outside sections have an empty section.
    pub fn split(&self) -> (&'static str, &'static str) {
        self.key.split_once('.').unwrap_or(("", self.key))
    }

    /// Its environment variable, such as `FARTHING__SERVER__LISTEN`.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.key.replace('.', "__").to_uppercase())
    }
}

/// What the variables of settings begin with.
pub(super) const PREFIX: &str = "FARTHING__";

/// Variables by which other gateways set what is a setting here. They come before [`PREFIX`], so whoever gives both means
/// that one.
const ALSO: [(&str, &str); 4] = [
    ("AUDIT_ENABLED", "audit.enabled"),
    ("AUDIT_LOG_FILE", "audit.log_file"),
    ("AUDIT_CREATE_DIR", "audit.create_dir"),
    ("AUDIT_STORE_IN_DB", "audit.store_in_db"),
];

/// The key a variable sets, such as `server.listen`; `None` for variables that are not settings.
pub(super) fn key_of(variable: &str) -> Option<String> {
    if let Some((_, key)) = ALSO.iter().find(|(name, _)| *name == variable) {
        return Some((*key).to_owned());
    }
    variable.strip_prefix(PREFIX).map(|rest| rest.to_lowercase().replace("__", "."))
}

/// The name most like `wrong`, unless none is near enough to be meant.
pub(super) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let (steps, name) = names.map(|name| (distance(wrong, name), name)).min()?;
    (steps <= wrong.len() / 2).then_some(name)
}

/// How many letters must be put in, taken out or changed to get from one text to the other.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (done, letter) in from.chars().enumerate() {
        let mut left = done + 1;
        let mut next = vec![left];
        for ((above_left, above), other) in row.iter().zip(row.iter().skip(1)).zip(to.chars()) {
            left = (above_left + usize::from(letter != other)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn nearest_finds_what_was_meant_and_nothing_else() {
        let names = ["server.listen", "server.workers", "data_dir"];
        assert_eq!(nearest("server.lisen", names.into_iter()), Some("server.listen"));
        assert_eq!(nearest("datadir", names.into_iter()), Some("data_dir"));
        assert_eq!(nearest("zebra", names.into_iter()), None);
    }

    #[test]
    fn variables_and_keys_are_each_others_inverse() {
        let setting = Setting { key: "server.max_in_flight", default: "", example: "", unit: "", note: "" };
        assert_eq!(setting.variable(), "FARTHING__SERVER__MAX_IN_FLIGHT");
        assert_eq!(key_of(&setting.variable()).as_deref(), Some(setting.key));
        assert_eq!(key_of("FARTHING_CONFIG"), None);
        assert_eq!(key_of("AUDIT_LOG_FILE").as_deref(), Some("audit.log_file"));
    }
}
