//! What a backup says of itself. Owns its form, and the mac that nobody without the master key can make.
//! Refuses a manifest with a field it does not know.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use farthing_actors::domain::{BackupId, Timestamp};
use serde::{Deserialize, Serialize};

use super::Sealing;
use super::copy::Contents;

/// Why a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Somebody asked for it.
    Manual,
    /// It was time.
    Scheduled,
}

impl Reason {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
        }
    }
}

/// What a backup is. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Its id.
    pub id: BackupId,
    /// When it was made.
    pub created_at: i64,
    /// Why.
    pub reason: Reason,
    /// The last step that made its tables.
    pub schema: String,
    /// How many rows each table has.
    pub tables: BTreeMap<String, i64>,
    /// Lines of the ledger.
    pub entries: u64,
    /// The hash of the ledger's last line, in hex.
    pub chain_head: String,
    /// The mac of the trail's last event, in hex.
    pub audit_head: String,
    /// All debits less all credits: nothing.
    pub imbalance_usd: String,
    /// How often the installation was restored before, and one.
    pub generation: i64,
    /// The length of the database.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
    /// The id of the master key that is needed to use it, in hex.
    pub key_id: String,
    /// The mac of everything above, in hex.
    pub mac: String,
}

impl Manifest {
    /// The manifest of these contents; of the file itself it says nothing yet.
    pub(super) fn of(id: BackupId, contents: Contents, now: Timestamp) -> Self {
        let Contents { schema, tables, entries, chain_head, audit_head, imbalance_usd, generation, .. } = contents;
        let (bytes, sha256, key_id, mac) = (0, String::new(), String::new(), String::new());
        let (created_at, reason) = (now.0, Reason::Manual);
        Self {
            id,
            created_at,
            reason,
            schema,
            tables,
            entries,
            chain_head,
            audit_head,
            imbalance_usd,
            generation,
            bytes,
            sha256,
            key_id,
            mac,
        }
    }

    /// The same under the present master key.
    pub(super) fn sealed(self, sealing: &dyn Sealing) -> Option<Self> {
        let master = sealing.master();
        let named = Self { key_id: hex(&master), ..self };
        let mac = sealing.mac(&master, &named.text()?)?;
        Some(Self { mac: hex(&mac), ..named })
    }

    /// Why it cannot be believed; `None` if it can.
    pub(super) fn fault(&self, sealing: &dyn Sealing) -> Option<String> {
        let master = bytes(&self.key_id);
        let Some(mac) = self.text().and_then(|text| sealing.mac(&master, &text)) else {
            let id = self.key_id.get(..8).unwrap_or_default();
            return Some(format!(
                "it was made under the master key {id}, which is not given; add that one to MASTER_ENCRYPTION_KEY_PREVIOUS"
            ));
        };
        (hex(&mac) != self.mac).then(|| "its manifest was altered".to_owned())
    }

    /// What it says otherwise than the contents are.
    pub(super) fn differs(&self, contents: &Contents) -> Option<String> {
        let now = Self::of(self.id, contents.clone(), Timestamp(self.created_at));
        let same = now.schema == self.schema
            && now.tables == self.tables
            && now.entries == self.entries
            && now.chain_head == self.chain_head
            && now.audit_head == self.audit_head;
        (!same).then(|| "its database holds something else than its manifest says".to_owned())
    }

    /// Writes it to the disk.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()
    }

    /// What the mac covers: everything but itself, in one order.
    fn text(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(&Self { mac: String::new(), ..self.clone() }).ok()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a text in hex; none of a text that is something else.
fn bytes(text: &str) -> Vec<u8> {
    let pair = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(pair).collect::<Option<_>>().unwrap_or_default()
}
