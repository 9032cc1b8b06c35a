//! What the store's tests stand on: a directory of their own, a store in it, and lines to write.
//! Owns nothing that outlives a test.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::query_builder::QueryFragment;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl};
use farthing_actors::domain::{
    Author, Budget, CallStatus, DeploymentId, Dialect, Event, KeyId, LineKind, Money, Price, PriceId, ProjectId,
    Provenance, ProviderId, RequestId, Scope, Timestamp, Usage,
};
use farthing_actors::ledger::entry::{Call, Entry, Outcome, Target};
use farthing_actors::ledger::hold::HoldRequest;
use farthing_actors::ledger::journal::{Closing, Journal, JournalError, JournalSource, Recovered};
use sha2::{Digest, Sha256};

use super::audit::{Keeping, Links, Trail};
use super::journal::{DiskJournal, Durability, Terms};
use super::verify::{Verdict, verify};
use super::writer::Writer;
use super::{Store, entries};

/// 2026-11-21T12:00:00Z.
pub(crate) const NOON: Timestamp = Timestamp(1_795_262_400_000);
pub(crate) const KEY: KeyId = KeyId::from_u128(1);
pub(crate) const PROJECT: ProjectId = ProjectId::from_u128(2);
pub(crate) const PROVIDER: ProviderId = ProviderId::from_u128(3);

/// Chance that can be repeated: SplitMix64.
pub(crate) struct Dice(u64);

impl Dice {
    /// Of `FARTHING_SEED`, or always the same. The seed is printed.
    #[expect(clippy::disallowed_methods, reason = "the seed is given from outside")]
    pub(crate) fn from_outside() -> Self {
        let seed = std::env::var("FARTHING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_126);
        println!("FARTHING_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    pub(crate) fn among<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[usize::try_from(self.below(u64::try_from(all.len()).unwrap())).unwrap()]
    }
}

/// A directory that is removed with all it holds.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("farthing-store-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// A migrated database file, opened as often as a test likes.
pub(crate) struct Scratch(TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self(TempDir::new());
        scratch.open().migrate().unwrap();
        scratch
    }

    /// The directory it is in.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A store over the file, as a process that was just started has it.
    pub(crate) fn open(&self) -> Arc<Store> {
        Store::open(&self.0.path().join("farthing.db")).unwrap()
    }

    /// Runs statements as somebody with a database shell would.
    pub(crate) fn run(&self, sql: &str) -> QueryResult<()> {
        self.open().read(|connection| Ok(connection.batch_execute(sql))).unwrap()
    }
}

/// Links a trail by a key that everybody knows.
pub(crate) struct OpenLinks;

impl Links for OpenLinks {
    fn mac(&self, text: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(b"a test's key").chain_update(text).finalize().into()
    }
}

/// A trail that stays in the database of `store`.
pub(crate) fn trail(store: &Arc<Store>) -> Arc<Trail> {
    let retention = Duration::from_secs(90 * 24 * 3_600);
    let keeping = Keeping { enabled: true, in_database: true, retention, ..Keeping::default() };
    Arc::new(Trail::new(Arc::clone(store), Arc::new(OpenLinks), keeping))
}

/// What a test does, at noon.
pub(crate) fn deed() -> Event {
    Author::new("system", NOON).does("test.change")
}

/// A migrated store, its writer and its journal.
pub(crate) struct Books {
    pub(crate) store: Arc<Store>,
    pub(crate) writer: Writer,
    pub(crate) journal: DiskJournal,
    pub(crate) dir: TempDir,
    durability: Durability,
    budgets: Vec<(Scope, Budget)>,
}

impl Books {
    pub(crate) fn new() -> Self {
        Self::with(Durability::Process, vec![])
    }

    pub(crate) fn with(durability: Durability, budgets: Vec<(Scope, Budget)>) -> Self {
        Self::in_directory(TempDir::new(), durability, budgets)
    }

    /// Books over the journal that `dir` holds, and a database that has none of it unless it is there too.
    pub(crate) fn in_directory(dir: TempDir, durability: Durability, budgets: Vec<(Scope, Budget)>) -> Self {
        let store = Store::open(&dir.path().join("farthing.db")).unwrap();
        store.migrate().unwrap();
        let (writer, journal) = start(&store, dir.path(), durability, &budgets);
        Self { store, writer, journal, dir, durability, budgets }
    }

    /// Replaces the writer, as a new process would.
    pub(crate) fn restart(&mut self) {
        self.writer.stop().unwrap();
        (self.writer, self.journal) = start(&self.store, self.dir.path(), self.durability, &self.budgets);
    }

    pub(crate) fn open(&self) -> (Box<dyn Journal>, Recovered) {
        self.journal.open(NOON).unwrap()
    }

    pub(crate) fn refusal(&self) -> JournalError {
        self.journal.open(NOON).err().unwrap()
    }

    /// Every line in the database, oldest first.
    pub(crate) fn lines(&self) -> Vec<Entry> {
        self.writer.flush_blocking().unwrap();
        let all = entries::RequestFilter { limit: 1_000, ..entries::RequestFilter::default() };
        let found = self.store.read(|connection| entries::requests(connection, &all)).unwrap();
        found.lines.into_iter().rev().map(|line| line.entry).collect()
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.writer.flush_blocking().unwrap();
        self.store.read(|connection| verify(connection, &mut |_| {})).unwrap()
    }

    /// The journal's segments, oldest first.
    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        segments_in(self.dir.path())
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        // A test that has stopped it already gets no answer.
        self.writer.stop().ok();
    }
}

fn start(store: &Arc<Store>, dir: &Path, durability: Durability, budgets: &[(Scope, Budget)]) -> (Writer, DiskJournal) {
    let writer = Writer::start(store).unwrap();
    let budgets = budgets.to_vec();
    let read =
        Box::new(move |_: &mut diesel::SqliteConnection| Ok(Terms { budgets: budgets.clone(), ..Terms::default() }));
    let journal = DiskJournal::new(Arc::clone(store), writer.clone(), dir, durability, read);
    (writer, journal)
}

pub(crate) fn segments_in(data_dir: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(data_dir.join("journal")).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

/// A hold of a dollar for the `n`th request, placed `n` seconds after noon.
pub(crate) fn hold(n: u32) -> Arc<HoldRequest> {
    let call = Call {
        request: RequestId::from_u128(u128::from(n) + 1_000),
        placed_at: Timestamp(NOON.0 + i64::from(n) * 1_000),
        key: KEY,
        project: PROJECT,
        scopes: [Scope::Key(KEY), Scope::Project(PROJECT)].into(),
        model: "gpt-4o-mini".into(),
        dialect: Dialect::OpenaiChat,
        stream: n.is_multiple_of(2),
        run: None,
        route: n.is_multiple_of(3).then(|| "prefix gpt-* → mini\nweighted: one of 2 → mini at a".into()),
    };
    let amount = Money::from_picos(1_000_000_000_000);
    let expected = Usage { input: 10, output: 100, ..Usage::default() };
    Arc::new(HoldRequest {
        call,
        target: target(),
        amount,
        expected,
        least: Money::ZERO,
        run_limit: None,
        patience_ms: 60_000,
    })
}

pub(crate) fn target() -> Target {
    let price = Price {
        input_cost_per_m: "0.15".parse().unwrap(),
        output_cost_per_m: "0.60".parse().unwrap(),
        request_fee_usd: "0.001".parse().unwrap(),
        ..Price::default()
    };
    Target {
        provider: PROVIDER,
        deployment: DeploymentId::from_u128(4),
        upstream_model: "gpt-4o-mini-2024".into(),
        price: Some(Arc::new((PriceId::from_u128(5), price))),
    }
}

/// The closing of that hold, after `10 + n` tokens in and 20 out.
pub(crate) fn closing(n: u32) -> Closing {
    let (hold, target) = (hold(n), target());
    let usage = Usage { input: u64::from(n) + 10, output: 20, ..Usage::default() };
    let outcome = Outcome {
        status: CallStatus::Ok,
        http_status: 200,
        usage,
        provenance: Provenance::Provider,
        attempts: 1,
        latency_ms: 321,
        first_token_ms: Some(45),
    };
    let amount = target.cost(&usage);
    Closing {
        kind: LineKind::Call,
        request: hold.call.request,
        target: None,
        outcome,
        amount,
        exhausting: false,
        freed: Money::ZERO,
        route: None,
        closed_at: hold.call.placed_at,
    }
}

/// The line of both.
pub(crate) fn line(n: u32) -> Entry {
    hold(n).entry(&closing(n))
}

/// The line of a request that was refused.
pub(crate) fn refusal(n: u32) -> Entry {
    let outcome = Outcome {
        status: CallStatus::Refused,
        http_status: 402,
        usage: Usage::default(),
        attempts: 0,
        first_token_ms: None,
        ..closing(n).outcome
    };
    Entry { target: None, outcome, held: Money::ZERO, amount: Money::ZERO, ..line(n) }
}

/// How the database would find what `query` asks for, step by step.
pub(crate) fn plan<Q: QueryFragment<Sqlite>>(store: &Store, query: &Q) -> String {
    #[derive(diesel::QueryableByName)]
    struct Step {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }
    let sql = diesel::debug_query::<Sqlite, _>(query).to_string();
    let explained = format!("EXPLAIN QUERY PLAN {}", sql.split(" -- binds").next().unwrap());
    let steps = store.read(|connection| Ok(diesel::sql_query(explained).load::<Step>(connection)?)).unwrap();
    steps.into_iter().map(|step| step.detail + "\n").collect()
}
