//! Warnings: whatever is posted in whatever order, each threshold is told once in a window, lowest first, and at the
//! first spend that is enough.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::AdjustmentId;
use crate::ledger::entry::Adjustment;

const DAY: i64 = 86_400_000;

/// Something that happens to the one budget of a day.
#[derive(Debug, Clone)]
enum Step {
    /// A call that was placed so many days ago costs this; of a window that is over, nobody is told any more.
    Spend(u64, i64),
    /// An operator charges or gives back.
    Adjust(i128),
    /// Time passes, in hours.
    Wait(i64),
    /// The ledger starts again from what the disk knows.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..60, 0_i64..2).prop_map(|(cost, ago)| Step::Spend(cost, ago)),
        2 => (-80_i128..40).prop_map(Step::Adjust),
        2 => (0_i64..20).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

fn limited(limit: i128, percents: &[u8], window: WindowKind) -> Budget {
    Budget { warn_percent: Thresholds::new(percents.to_vec()).unwrap(), ..budget(limit, window) }
}

fn adjust(book: &mut Book, id: u128, amount: i128, now: Timestamp) {
    let adjustment = Adjustment {
        id: AdjustmentId::from_u128(id),
        scopes: [key(1)].into(),
        provider: None,
        amount: Money::from_picos(amount),
        reason: "a test".into(),
        actor: "ops".into(),
        request: None,
        booked_at: now,
    };
    let decided = book.decide_adjustment(adjustment, now).unwrap();
    book.apply_adjustment(&decided);
}

/// One budget and, beside it, what plain arithmetic says of its window.
struct World {
    book: Book,
    budget: Budget,
    percents: Vec<u8>,
    now: i64,
    /// By the day: what was spent, the most that ever was since the last restart, and what was told.
    days: BTreeMap<i64, (i128, i128, Vec<u8>)>,
    next: u128,
}

impl World {
    fn new(limit: i128, percents: Vec<u8>) -> Self {
        let budget = limited(limit, &percents, WindowKind::Day);
        let book = Book::recover(Recovered::default());
        let mut world = Self { book, budget, percents, now: 0, days: BTreeMap::new(), next: 1 };
        world.book.set_budget(key(1), world.budget.clone(), Money::ZERO, Timestamp(0));
        world
    }

    fn today(&mut self) -> &mut (i128, i128, Vec<u8>) {
        self.days.entry(self.now.div_euclid(DAY)).or_default()
    }

    fn take(&mut self, step: &Step) {
        self.next += 1;
        match step {
            Step::Spend(cost, ago) => {
                self.charge(*cost, self.now - ago * DAY);
                if *ago == 0 {
                    self.spent(i128::from(*cost));
                }
            }
            Step::Adjust(amount) => {
                adjust(&mut self.book, self.next, *amount, Timestamp(self.now));
                self.spent(*amount);
            }
            Step::Wait(hours) => self.now += hours * 3_600_000,
            Step::Restart => self.restart(),
        }
        self.hear();
    }

    /// A call of the key costs what it costs, however little is left.
    fn charge(&mut self, cost: u64, placed_at: i64) {
        let mut request = hold(self.next, 1, 0);
        request.call.scopes = [key(1)].into();
        request.call.placed_at = Timestamp(placed_at);
        let closing = Closing {
            kind: LineKind::Call,
            request: request.call.request,
            target: None,
            outcome: outcome(cost),
            amount: Money::from_picos(i128::from(cost)),
            exhausting: false,
            freed: Money::ZERO,
            route: None,
            closed_at: Timestamp(self.now),
        };
        self.book.apply_correction(&request.entry(&closing));
    }

    fn spent(&mut self, amount: i128) {
        let day = self.today();
        day.0 += amount;
        day.1 = day.1.max(day.0);
    }

    fn restart(&mut self) {
        let spent = self.today().0;
        self.today().1 = spent;
        let budgets = vec![(key(1), self.budget.clone(), Money::from_picos(spent))];
        self.book = Book::recover(Recovered { budgets, now: Timestamp(self.now), ..Recovered::default() });
        // What is below the spend again may be told again, for the disk does not know the most that ever was.
        let limit = self.budget.limit_usd.picos();
        self.today().2.retain(|percent| spent >= 1 && spent * 100 >= limit * i128::from(*percent));
    }

    fn hear(&mut self) {
        let limit = self.budget.limit_usd.picos();
        let percents = self.percents.clone();
        for warning in self.book.take_warnings() {
            assert_eq!((warning.scope, warning.limit.picos()), (key(1), limit));
            assert_eq!(warning.window_end.unwrap().0.div_euclid(DAY), self.now.div_euclid(DAY) + 1);
            let day = self.today();
            assert_eq!(warning.spent.picos(), day.0, "told at once");
            assert!(day.2.last().is_none_or(|last| *last < warning.percent), "{:?} then {}", day.2, warning.percent);
            day.2.push(warning.percent);
        }
        let day = self.today().clone();
        let crossed = |percent: &&u8| day.1 >= 1 && day.1 * 100 >= limit * i128::from(**percent);
        let expected: Vec<u8> = percents.iter().filter(crossed).copied().collect();
        assert_eq!(day.2, expected, "at most {} of {limit} was spent", day.1);
        let shown = self.book.balance(key(1), Timestamp(self.now)).unwrap().warned;
        assert_eq!(shown, expected.last().copied());
    }
}

proptest! {
    #[test]
    fn each_threshold_is_told_once_in_a_window_and_in_order(
        limit in 1_i128..300,
        percents in proptest::collection::btree_set(1_u8..=100, 0..6),
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new(limit, percents.into_iter().collect());
        steps.iter().for_each(|step| world.take(step));
    }
}

#[test]
fn a_new_limit_tells_only_what_it_makes_newly_true() {
    let now = Timestamp(0);
    let mut book = Book::recover(Recovered::default());
    let mut set = |limit, percents: &[u8], expected: &[u8]| {
        book.set_budget(key(1), limited(limit, percents, WindowKind::Total), Money::from_picos(85), now);
        let told: Vec<u8> = book.take_warnings().iter().map(|warning| warning.percent).collect();
        assert_eq!(told, expected, "85 of {limit}");
    };
    // A budget whose greater part is spent already, and the same again.
    set(100, &[50, 80, 95], &[50, 80]);
    set(100, &[50, 80, 95], &[]);
    set(90, &[50, 80, 95], &[]);
    // Thresholds that were past when they were set.
    set(100, &[10, 84, 86], &[]);
    set(85, &[10, 84, 86], &[86]);
    // At 42 percent both are to be crossed once more.
    set(200, &[50, 80], &[]);
    set(100, &[50, 80], &[50, 80]);
    assert_eq!(book.balance(key(1), now).unwrap().warned, Some(80));
}
