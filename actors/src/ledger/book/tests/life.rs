//! The book against a long random life: whatever happens in whatever order, limits hold, sums agree, and each hold is
//! closed once. A million events; the seed is printed, and `FARTHING_SEED` repeats a run.

#![expect(clippy::disallowed_methods, reason = "the seed is given from outside")]

use std::collections::BTreeMap;

use super::*;

const EVENTS: u64 = 1_000_000;
const LIMIT: i128 = 20_000;
const HOUR: i64 = 3_600_000;
/// The zones of the four budgets, so that days end, and clocks change, at different moments.
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"];

/// Splitmix64: small, and the same everywhere.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What one account was charged and holds in one window, found by plain addition.
type Plain = BTreeMap<(Scope, Timestamp), (i128, i128)>;

/// The world around the book: a clock that jumps, a journal that forgets nothing.
struct World {
    dice: Dice,
    clock: i64,
    /// The latest moment the clock has shown: what the ledger goes by.
    latest: i64,
    book: Book,
    open: BTreeMap<RequestId, OpenHold>,
    closed: Vec<Closing>,
    plain: Plain,
    debits: i128,
    credits: i128,
    next: u128,
}

fn scopes() -> [Scope; 4] {
    [key(1), key(2), key(3), project()]
}

fn terms(scope: Scope) -> Budget {
    let index = scopes().iter().position(|known| *known == scope).unwrap();
    let window = [WindowKind::Day, WindowKind::Week, WindowKind::Month, WindowKind::Day][index];
    let limit_usd = Money::from_picos(if scope == project() { 2 * LIMIT } else { LIMIT });
    Budget {
        limit_usd,
        window,
        time_zone: ZONES[index].parse().unwrap(),
        warn_percent: Thresholds::default(),
        mode: Default::default(),
    }
}

impl World {
    fn new(seed: u64) -> Self {
        // The night in which summer time ends in Berlin.
        let clock = 1_793_487_600_000;
        let (open, closed, plain) = (BTreeMap::new(), Vec::new(), Plain::new());
        let book = Book::recover(Recovered::default());
        let dice = Dice(seed);
        let mut world = Self { dice, clock, latest: clock, book, open, closed, plain, debits: 0, credits: 0, next: 1 };
        world.crash();
        world
    }

    fn step(&mut self) {
        match self.dice.below(1_000) {
            0..400 => self.place(),
            400..760 => self.end(LineKind::Call),
            760..860 => self.end(LineKind::Attempt),
            860..880 => self.void(),
            880..900 => self.repeat(),
            900..940 => self.progress(),
            940..950 => self.withdraw(),
            950..970 => self.expire(),
            970..996 => self.clock += i64::try_from(self.dice.below(200_000)).unwrap(),
            996..998 => self.jump(),
            _ => self.crash(),
        }
        self.latest = self.latest.max(self.clock);
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.clock)
    }

    fn any_open(&mut self) -> Option<RequestId> {
        let index = usize::try_from(self.dice.below(self.open.len().max(1) as u64)).unwrap();
        self.open.keys().nth(index).copied()
    }

    fn add(&mut self, call: &Call, spent: i128, held: i128) {
        for scope in call.scopes.iter() {
            let window = terms(*scope).window_at(call.placed_at).start;
            let sums = self.plain.entry((*scope, window)).or_default();
            sums.0 += spent;
            sums.1 += held;
        }
        self.debits += spent;
        self.credits += spent;
    }

    fn place(&mut self) {
        let (caller, amount) = (1 + u128::from(self.dice.below(3)), 1 + self.dice.below(900));
        let least = Money::from_picos(i128::from(1 + self.dice.below(amount)));
        let mut wanted = HoldRequest {
            least,
            expected: Usage { output: amount, ..Usage::default() },
            ..hold(self.next, caller, amount)
        };
        wanted.call.stream = amount.is_multiple_of(2);
        self.next += 1;
        if let Ok(hold) = self.book.place(wanted, self.now()) {
            assert!(hold.amount >= least.min(Money::from_picos(i128::from(amount))));
            self.add(&hold.call, 0, hold.amount.picos());
            self.open.insert(hold.call.request, hold.into());
        }
    }

    fn end(&mut self, kind: LineKind) {
        let Some(request) = self.any_open() else { return };
        let open = self.open[&request].clone();
        if kind == LineKind::Attempt && open.exhausted {
            return;
        }
        let held = open.held();
        // True costs stay within what is held: an overrun may exceed a limit, by design.
        let tokens = self.dice.below(u64::try_from(held.picos()).unwrap() + 1);
        let outcome = Outcome { attempts: open.attempts + 1, ..outcome(tokens) };
        let now = self.now();
        // A part of what is held may have been for this attempt alone; a last one frees all.
        let part = self.dice.below(4) * u64::from(kind == LineKind::Attempt);
        let freed = Money::from_picos(held.picos() * i128::from(part) / 8);
        let ended = Ended { kind, request, target: None, outcome, freed, route: None };
        let Ok(Close::First(closing)) = self.book.decide_close(ended, now) else {
            panic!("an open hold can be closed")
        };
        self.book.apply_close(&closing);
        assert_eq!(closing.amount, Money::from_picos(i128::from(tokens)));
        if kind == LineKind::Attempt {
            let known = self.open.get_mut(&request).unwrap();
            known.attempt_ended(&closing);
            let change = known.held() - held;
            self.add(&open.hold.call, closing.amount.picos(), change.picos());
        } else {
            self.open.remove(&request);
            self.add(&open.hold.call, closing.amount.picos(), -held.picos());
            self.closed.push(*closing);
        }
    }

    fn void(&mut self) {
        let Some(request) = self.any_open() else { return };
        let held = self.open[&request].held();
        let void = Outcome { status: CallStatus::UpstreamError, attempts: 9, ..outcome(0) };
        let ended =
            Ended { kind: LineKind::Call, request, target: None, outcome: void, freed: Money::ZERO, route: None };
        let Ok(Close::First(closing)) = self.book.decide_close(ended, self.now()) else { panic!("it is open") };
        assert_eq!(closing.amount, Money::ZERO);
        self.book.apply_close(&closing);
        let open = self.open.remove(&request).unwrap();
        self.add(&open.hold.call, 0, -held.picos());
        self.closed.push(*closing);
    }

    fn repeat(&mut self) {
        let Some(first) = self.closed.last().cloned() else { return };
        // What comes late costs no more than was presumed: an overrun may exceed a limit, by design.
        let tokens = self.dice.below(u64::try_from(first.amount.picos()).unwrap() + 1);
        let outcome = Outcome { attempts: first.outcome.attempts, ..outcome(tokens) };
        let ended = Ended {
            kind: LineKind::Call,
            request: first.request,
            target: None,
            outcome,
            freed: Money::ZERO,
            route: None,
        };
        match self.book.decide_close(ended, self.now()).unwrap() {
            Close::Repeated(amount) => assert_eq!(amount, first.amount),
            Close::Late(correction) => {
                assert_eq!(first.outcome.status, CallStatus::Interrupted);
                self.book.apply_correction(&correction);
                self.add(&correction.call, correction.amount.picos(), 0);
                let last = self.closed.last_mut().unwrap();
                (last.amount, last.outcome.status) = (correction.booked(), CallStatus::Ok);
            }
            Close::First(_) => panic!("it is closed"),
        }
    }

    fn progress(&mut self) {
        let Some(request) = self.any_open() else { return };
        let checkpoint = Checkpoint { request, target: None, usage: Usage { output: 1, ..Usage::default() } };
        self.book.take_progress(vec![checkpoint.clone()]);
        self.open.get_mut(&request).unwrap().checkpoint = Some(checkpoint);
    }

    fn withdraw(&mut self) {
        let Some(request) = self.any_open() else { return };
        // Only what could not be written down is taken back, so nothing was booked for it.
        if self.open[&request].attempts == 0 {
            let held = self.open[&request].held();
            self.book.withdraw(request);
            let open = self.open.remove(&request).unwrap();
            self.add(&open.hold.call, 0, -held.picos());
        }
    }

    fn expire(&mut self) {
        for request in self.book.wait(self.dice.below(100)) {
            self.presume(request, EstimateReason::Missing);
        }
    }

    fn presume(&mut self, request: RequestId, why: EstimateReason) {
        let held = self.open[&request].held();
        let ended = self.book.presume(request, why).unwrap();
        let Ok(Close::First(closing)) = self.book.decide_close(ended, self.now()) else { panic!("it is open") };
        self.book.apply_close(&closing);
        let open = self.open.remove(&request).unwrap();
        self.add(&open.hold.call, closing.amount.picos(), -held.picos());
        self.closed.push(*closing);
    }

    fn jump(&mut self) {
        let far = [HOUR, 24 * HOUR][usize::try_from(self.dice.below(2)).unwrap()];
        let back = self.dice.below(2) == 0 && self.latest - self.clock < 24 * HOUR;
        self.clock += if back { -far } else { far };
    }

    /// The process dies; another reads what was written down, and closes what was open.
    fn crash(&mut self) {
        let now = Timestamp(self.latest);
        let budgets = scopes().map(|scope| {
            let start = terms(scope).window_at(now).start;
            let spent = self.plain.range((scope, start)..=(scope, Timestamp(i64::MAX))).map(|(_, sums)| sums.0).sum();
            (scope, terms(scope), Money::from_picos(spent))
        });
        let recent = self.closed.len().saturating_sub(100);
        let (open, closed) = (self.open.values().cloned().collect(), self.closed.split_off(recent));
        self.book = Book::recover(Recovered {
            open,
            closed: closed.clone(),
            budgets: budgets.into(),
            now,
            ..Recovered::default()
        });
        self.closed = closed;
        let left: Vec<_> = self.open.keys().copied().collect();
        for request in left {
            self.presume(request, EstimateReason::Crash);
        }
    }

    fn check(&mut self) {
        let now = self.now();
        for scope in scopes() {
            let balance = self.book.balance(scope, now).unwrap();
            let start = terms(scope).window_at(Timestamp(self.latest)).start;
            let (spent, held) = self.plain.get(&(scope, start)).copied().unwrap_or_default();
            assert_eq!((balance.spent.picos(), balance.held.picos()), (spent, held), "{scope}");
            assert!(balance.spent + balance.held <= balance.limit, "{scope} is overspent");
        }
        assert_eq!(self.book.open_count(), self.open.len());
        assert_eq!(self.debits, self.credits);
    }
}

#[test]
fn a_million_events_break_no_limit_and_lose_no_money() {
    let seed = std::env::var("FARTHING_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_125);
    println!("FARTHING_SEED={seed}");
    let mut world = World::new(seed);
    for event in 0..EVENTS {
        world.step();
        if event.is_multiple_of(16) {
            world.check();
        }
    }
    world.check();
    println!("{} holds, {} picodollars", world.next - 1, world.debits);
}
