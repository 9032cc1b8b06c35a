//! The tally: what is counted while requests are answered, and what is looked up seldom for `/metrics`.
//! Owns the counts. Refuses to ask the database more than once in a while, however often a stranger asks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use farthing_actors::domain::clock::DAY;
use farthing_actors::domain::{Clock, Timestamp};

use crate::admin::books::{Range, UsageFilter};
use crate::web::Gateway;

/// Statuses from 100 to 599 are counted.
const LOWEST_STATUS: u16 = 100;
const STATUS_COUNT: usize = 500;
/// How old an answer of the database may be.
const FRESH: Duration = Duration::from_secs(15);

/// A share is told in millionths.
pub(super) const PARTS: u64 = 1_000_000;

/// A provider's name, and a share in millionths.
pub(super) type Shares = Vec<(String, u64)>;

/// Counts since the start.
pub struct Tally {
    started: Timestamp,
    began: Duration,
    statuses: Box<[AtomicU64; STATUS_COUNT]>,
    failed_sign_ins: AtomicU64,
    estimated: ArcSwapOption<(Duration, Shares)>,
}

impl Tally {
    /// Nothing counted yet.
    pub fn new(clock: &Clock) -> Self {
        Self {
            started: clock.now(),
            began: clock.monotonic(),
            statuses: Box::new([const { AtomicU64::new(0) }; STATUS_COUNT]),
            failed_sign_ins: AtomicU64::new(0),
            estimated: ArcSwapOption::empty(),
        }
    }

    /// When counting began.
    pub fn started(&self) -> Timestamp {
        self.started
    }

    /// How long ago that was.
    pub fn up(&self, clock: &Clock) -> Duration {
        clock.monotonic().saturating_sub(self.began)
    }

    /// One more answer with this status.
    pub fn answered(&self, status: u16) {
        if let Some(count) = self.statuses.get(usize::from(status.saturating_sub(LOWEST_STATUS))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Answers by status, where there was one.
    pub fn by_status(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = self.statuses.iter().map(|count| count.load(Ordering::Relaxed));
        (LOWEST_STATUS..).zip(counts).filter(|(_, count)| *count > 0)
    }

    /// One more sign-in that was refused.
    pub fn sign_in_failed(&self) {
        self.failed_sign_ins.fetch_add(1, Ordering::Relaxed);
    }

    /// Sign-ins that were refused.
    pub fn failed_sign_ins(&self) -> u64 {
        self.failed_sign_ins.load(Ordering::Relaxed)
    }

    /// Which part of the last day's calls was estimated, of each provider. Where the database does not
    /// answer, as last known.
    pub async fn estimated(&self, gateway: &Gateway) -> Shares {
        let now = gateway.clock.monotonic();
        let known = self.estimated.load_full();
        if let Some((at, shares)) = known.as_deref()
            && now.saturating_sub(*at) < FRESH
        {
            return shares.clone();
        }
        let known = known.map(|known| known.1.clone()).unwrap_or_default();
        // Before it is asked: whoever comes meanwhile, or after it failed, does not ask again.
        self.estimated.store(Some(Arc::new((now, known.clone()))));
        let Some(fresh) = shares(gateway).await else { return known };
        self.estimated.store(Some(Arc::new((now, fresh.clone()))));
        fresh
    }
}

async fn shares(gateway: &Gateway) -> Option<Shares> {
    let now = gateway.clock.now();
    let range = Range::around(now.before(DAY), now);
    let subjects = gateway.admin.books().usage_by_subject(vec![range], UsageFilter::default()).await.ok()?.pop()?;
    let mut sums: BTreeMap<String, (i128, i128)> = BTreeMap::new();
    for (subject, figures) in subjects.into_iter().filter(|(subject, _)| !subject.provider.is_empty()) {
        let (estimated, requests) = sums.entry(subject.provider).or_default();
        *estimated += figures.estimated.max(0);
        *requests += figures.requests.max(0);
    }
    let catalogue = gateway.catalogue.get();
    let name = |id: String| id.parse().map_or(id, |id| catalogue.provider_name(id));
    let share = |(id, (estimated, requests)): (String, (i128, i128))| {
        let share = estimated.saturating_mul(i128::from(PARTS)).checked_div(requests)?;
        Some((name(id), u64::try_from(share).unwrap_or(PARTS).min(PARTS)))
    };
    Some(sums.into_iter().filter_map(share).collect())
}
