//! Ten thousand usages of chance, through the ledger, its journal and the writer: what is booked is what somebody comes to who
//! reckons in decimal digits on paper from the price as an operator wrote it, and every sum is the sum of that.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use diesel::sql_types::Text;
use farthing_actors::domain::{Clock, DeploymentId, KeyId, Money, PriceId, ProjectId, ServiceTier, Units};
use farthing_actors::ledger::entry::Target;
use farthing_actors::ledger::hold::HoldRequest;
use farthing_actors::ledger::{self, Ledger};
use farthing_actors::supervisor::Supervisor;
use serde_json::{Map, Value, json};

use super::*;
use crate::store::journal::{DiskJournal, Durability, Terms};
use crate::store::testing::Dice;
use crate::store::usage::figures::COLUMNS;

const USAGES: usize = 10_000;
const PROJECTS: u64 = 5;
const KEYS: u64 = 12;
const PRICES: u64 = 24;
/// From a usage to the next: all of them are four days.
const PAUSE: Duration = Duration::from_millis(34_560);

/// A number as one writes it down: its digits, the last one first, and how many of them are behind the point.
#[derive(Debug, Clone, PartialEq)]
struct Decimal {
    digits: Vec<u8>,
    behind: usize,
}

impl Decimal {
    fn read(text: &str) -> Self {
        let behind = text.split_once('.').map_or(0, |(_, after)| after.len());
        let digits = text.bytes().rev().filter(u8::is_ascii_digit).map(|digit| digit - b'0').collect();
        Self { digits, behind }
    }

    /// The same with the point so many places further left.
    fn shifted(mut self, places: usize) -> Self {
        self.behind += places;
        self
    }

    fn times(&self, other: &Self) -> Self {
        let mut columns = vec![0_u32; self.digits.len() + other.digits.len() + 1];
        for (at, one) in self.digits.iter().enumerate() {
            for (by, two) in other.digits.iter().enumerate() {
                columns[at + by] += u32::from(*one) * u32::from(*two);
            }
        }
        Self { digits: carried(columns), behind: self.behind + other.behind }
    }

    fn plus(&self, other: &Self) -> Self {
        let behind = self.behind.max(other.behind);
        let length = self.digits.len().max(other.digits.len()) + behind + 1;
        let digit = |of: &Self, at: usize| {
            let place = (at + of.behind).checked_sub(behind);
            place.and_then(|place| of.digits.get(place)).map_or(0, |digit| u32::from(*digit))
        };
        Self { digits: carried((0..length).map(|at| digit(self, at) + digit(other, at)).collect()), behind }
    }

    /// Divided by 60,000, by long division, to so many places behind the point.
    fn over_60_000(&self, places: usize) -> Self {
        let mut digits = vec![0; places + 2 - self.behind.min(places + 2)];
        digits.extend(&self.digits);
        let (mut rest, mut quotient) = (0_u64, Vec::new());
        for digit in digits.iter().rev() {
            rest = rest * 10 + u64::from(*digit);
            quotient.push(u8::try_from(rest / 60_000).unwrap());
            rest %= 60_000;
        }
        quotient.reverse();
        Self { digits: quotient, behind: (places + 2).max(self.behind) }.rounded(places)
    }

    /// Half up.
    fn rounded(&self, places: usize) -> Self {
        let Some(cut) = self.behind.checked_sub(places) else {
            let digits = [vec![0; places - self.behind], self.digits.clone()].concat();
            return Self { digits, behind: places };
        };
        let up = cut > 0 && self.digits.get(cut - 1).is_some_and(|digit| *digit >= 5);
        let kept = Self { digits: self.digits.get(cut..).unwrap_or_default().to_vec(), behind: places };
        if up { kept.plus(&Self { digits: vec![1], behind: places }) } else { kept }
    }

    /// As a whole number of its last place.
    fn whole(&self) -> i128 {
        let text: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        if text.is_empty() { 0 } else { text.parse().unwrap() }
    }
}

fn carried(columns: Vec<u32>) -> Vec<u8> {
    let mut carry = 0;
    let mut digits: Vec<u8> = Vec::new();
    for column in columns {
        let sum = column + carry;
        digits.push(u8::try_from(sum % 10).unwrap());
        carry = sum / 10;
    }
    assert_eq!(carry, 0, "there is room for every digit");
    digits
}

/// What `usage` costs at the price an operator wrote, in picodollars.
fn on_paper(price: &Value, usage: &Usage) -> i128 {
    let units = &usage.units;
    let prompt: u64 =
        usage.classes()[..4].iter().map(|(_, count)| count).sum::<u64>() + units.audio_input + units.image_input;
    let mut tiers: Vec<&Value> =
        price["context_tiers"].as_array().map(|tiers| tiers.iter().collect()).unwrap_or_default();
    tiers.retain(|tier| tier["above_input_tokens"].as_u64().unwrap() < prompt);
    tiers.sort_by_key(|tier| tier["above_input_tokens"].as_u64());
    let rate = |names: &[&str]| {
        let named = names.iter().find_map(|name| {
            let field = format!("{name}_cost_per_m");
            let of_tier = tiers.last().and_then(|tier| tier.get(&field));
            of_tier.or_else(|| price.get(&field)).and_then(Value::as_str)
        });
        Decimal::read(named.unwrap_or("0")).shifted(6)
    };
    let count = |count: u64| Decimal::read(&count.to_string());
    let fee = |name: &str| Decimal::read(price.get(name).and_then(Value::as_str).unwrap_or("0"));
    let bill = [
        (usage.input, rate(&["input"])),
        (usage.cache_read, rate(&["cache_read", "input"])),
        (usage.cache_write_5m, rate(&["cache_write", "input"])),
        (usage.cache_write_1h, rate(&["cache_write_1h", "cache_write", "input"])),
        (usage.output, rate(&["output"])),
        (usage.reasoning, rate(&["reasoning", "output"])),
        (units.audio_input, rate(&["audio_input", "input"])),
        (units.image_input, rate(&["image_input", "input"])),
        (units.audio_output, rate(&["audio_output", "output"])),
        (units.image_output, rate(&["image_output", "output"])),
        (units.characters, rate(&["character"])),
        (units.images, fee("image_fee_usd")),
        (units.searches, fee("search_fee_usd")),
    ];
    let minutes = fee("audio_minute_fee_usd").times(&count(units.audio_ms)).over_60_000(18);
    let sum = bill.iter().fold(minutes, |sum, (number, each)| sum.plus(&count(*number).times(each)));
    let factor = price["service_tiers"].get(usage.tier.name()).and_then(Value::as_str).unwrap_or("1");
    sum.times(&Decimal::read(factor)).rounded(12).plus(&fee("request_fee_usd")).rounded(12).whole()
}

/// A price as an operator writes it: any rate may be missing, but two.
fn price(dice: &mut Dice) -> Value {
    let mut rates = |optional: bool, names: &[&str]| {
        let mut some = Map::new();
        for name in names {
            if optional && dice.below(2) == 0 {
                continue;
            }
            let places = usize::try_from(dice.below(13)).unwrap();
            let behind = format!("{:012}", dice.below(1_000_000_000_000));
            let point = if places == 0 { "" } else { "." };
            let text = format!("{}{point}{}", dice.below(90), behind.get(..places).unwrap());
            some.insert(format!("{name}_cost_per_m"), text.into());
        }
        some
    };
    let own = [
        "cache_read",
        "cache_write",
        "cache_write_1h",
        "reasoning",
        "audio_input",
        "audio_output",
        "image_input",
        "image_output",
    ];
    let mut price = rates(false, &["input", "output", "character"]);
    price.extend(rates(true, &own));
    let in_tiers = ["input", "output", "cache_read", "cache_write", "cache_write_1h", "reasoning"];
    let tiers: Vec<Value> = [128_000, 200_000]
        .into_iter()
        .map(|above| {
            let mut tier = rates(true, &in_tiers);
            tier.insert("above_input_tokens".to_owned(), above.into());
            tier.into()
        })
        .collect();
    let tiers = &tiers[usize::try_from(dice.below(3)).unwrap()..];
    price.insert("context_tiers".to_owned(), json!(tiers));
    for fee in ["request_fee_usd", "image_fee_usd", "audio_minute_fee_usd", "search_fee_usd"] {
        price.insert(fee.to_owned(), format!("0.{:012}", dice.below(50_000_000_000)).into());
    }
    price.insert(
        "service_tiers".to_owned(),
        json!({"flex": "0.5", "priority": format!("1.{:06}", dice.below(999_999))}),
    );
    price.into()
}

fn usage(dice: &mut Dice) -> Usage {
    let scale = 10_u64.pow(u32::try_from(1 + dice.below(6)).unwrap());
    let tier = *dice.among(&[ServiceTier::Standard, ServiceTier::Standard, ServiceTier::Flex, ServiceTier::Priority]);
    let mut some = |all: u64| if dice.below(3) == 0 { 0 } else { dice.below(all) };
    let (input, cache_read, cache_write_5m, cache_write_1h) = (1 + some(scale), some(scale), some(scale), some(scale));
    let (output, reasoning) = (some(scale), some(scale));
    let heard = Units { audio_input: some(scale), audio_output: some(scale), audio_ms: some(scale), ..Units::NONE };
    let seen = Units {
        image_input: some(scale),
        image_output: some(scale),
        images: some(9),
        characters: some(scale),
        searches: some(9),
        ..heard
    };
    let units = match some(10) {
        0..6 => Units::NONE,
        6 => heard,
        _ => seen,
    };
    Usage { input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, units, tier }
}

/// What was booked on one account or in one project, by the reckoning: money, and each class of usage.
#[derive(Default, Clone, Debug, PartialEq)]
struct Total {
    picos: i128,
    classes: [i128; 14],
}

impl Total {
    fn add(&mut self, picos: i128, usage: &Usage) {
        self.picos += picos;
        for (sum, (_, count)) in self.classes.iter_mut().zip(usage.classes()) {
            *sum += i128::from(count);
        }
    }
}

async fn opened(books: &Books, clock: &Clock) -> Ledger {
    let supervisor = Supervisor::new(clock.clone(), Arc::new(|error| panic!("no end was expected: {error}")));
    let terms = Box::new(|_: &mut SqliteConnection| Ok(Terms::default()));
    let (store, writer) = (Arc::clone(&books.store), books.writer.clone());
    let journal = DiskJournal::new(store, writer, books.dir.path(), Durability::Process, terms);
    ledger::start(&supervisor, Arbiter::current(), clock.clone(), Arc::new(journal)).await.unwrap()
}

fn asked(n: u32, dice: &mut Dice, prices: &[Target], usage: &Usage) -> HoldRequest {
    let key = dice.below(KEYS);
    let (key, project) =
        (KeyId::from_u128(u128::from(100 + key)), ProjectId::from_u128(u128::from(200 + key % PROJECTS)));
    let mut asked = HoldRequest::clone(&hold(n));
    (asked.call.key, asked.call.project, asked.call.scopes) =
        (key, project, [Scope::Key(key), Scope::Project(project)].into());
    asked.target = dice.among(prices).clone();
    // The clock runs far ahead of those who look for what was forgotten.
    asked.patience_ms = u64::MAX;
    let price = asked.target.price.as_ref().unwrap();
    (asked.amount, asked.expected) = (price.1.ceiling(usage, Some(usage.tier)), *usage);
    asked
}

#[derive(QueryableByName)]
struct Rolled {
    #[diesel(sql_type = Text)]
    whose: String,
    #[diesel(sql_type = Text)]
    sums: String,
}

/// Sums of `columns`, by `whose`.
fn rolled(books: &Books, (whose, from): (&str, &str), columns: &[&str]) -> HashMap<String, Vec<i128>> {
    let sums: Vec<_> = columns.iter().map(|column| format!("sum({column})")).collect();
    let query = format!("SELECT {whose} AS whose, {} AS sums FROM {from} GROUP BY 1", sums.join(" || ' ' || "));
    let rows: Vec<Rolled> = books.store.read(|connection| Ok(diesel::sql_query(query).load(connection)?)).unwrap();
    rows.into_iter().map(|row| (row.whose, row.sums.split(' ').map(|sum| sum.parse().unwrap()).collect())).collect()
}

#[actix::test]
async fn ten_thousand_usages_are_booked_as_on_paper_and_every_sum_is_theirs() {
    let (mut dice, books, clock) = (Dice::from_outside(), Books::new(), Clock::manual(NOON));
    let ledger = opened(&books, &clock).await;
    let written: Vec<Value> = (0..PRICES).map(|_| price(&mut dice)).collect();
    let prices: Vec<Target> = written
        .iter()
        .zip(0..)
        .map(|(price, n)| {
            let price = Arc::new((PriceId::from_u128(300 + n), serde_json::from_value(price.clone()).unwrap()));
            Target { deployment: DeploymentId::from_u128(400 + n), price: Some(price), ..target() }
        })
        .collect();
    let (mut booked, mut totals) = (HashMap::new(), HashMap::<String, Total>::new());
    for n in 0..u32::try_from(USAGES).unwrap() {
        let usage = usage(&mut dice);
        let asked = asked(n, &mut dice, &prices, &usage);
        let at = prices.iter().position(|target| target.deployment == asked.target.deployment).unwrap();
        let picos = on_paper(&written[at], &usage);
        for account in [asked.call.key.to_string(), asked.call.project.to_string(), PROVIDER.to_string()] {
            totals.entry(account).or_default().add(picos, &usage);
        }
        booked.insert(asked.call.request.to_string(), i64::try_from(picos).unwrap());
        let held = ledger.hold(asked).await.unwrap();
        let outcome = Outcome { usage, ..closing(n).outcome };
        assert_eq!(held.settle(None, outcome).await, Ok(Money::from_picos(picos)), "{usage:?} at {}", written[at]);
        clock.advance(PAUSE);
    }
    let verdict = books.verdict();
    assert!(verdict.is_ok() && verdict.entries == u64::try_from(USAGES).unwrap(), "{verdict:?}");
    let lines = ledger_entries::table.select((ledger_entries::request_id, ledger_entries::amount));
    let lines = books.store.read(|connection| Ok(lines.load::<(String, i64)>(connection)?)).unwrap();
    assert!(lines.into_iter().collect::<HashMap<_, _>>() == booked, "each line has its amount");
    every_sum_is_theirs(&books, &totals);
}

fn every_sum_is_theirs(books: &Books, totals: &HashMap<String, Total>) {
    for (account, sums) in rolled(books, ("account", "spend"), &["amount"]) {
        assert_eq!(sums, [totals[&account].picos], "{account}");
    }
    let classes = &COLUMNS[4..18];
    let columns: Vec<_> = classes.iter().copied().chain(["amount"]).collect();
    for span in [900_000, 86_400_000] {
        for whose in ["project_id", "key_id", "provider_id"] {
            let from = format!("usage_rollups JOIN usage_subjects ON subject = id AND span = {span}");
            let found = rolled(books, (whose, &from), &columns);
            assert!(!found.is_empty());
            for (account, sums) in found {
                let Total { picos, classes } = totals[&account].clone();
                assert_eq!(sums, [&classes[..], &[picos]].concat(), "{account}");
            }
        }
    }
    let all =
        totals.iter().filter(|(account, _)| account.starts_with("prj_")).map(|(_, total)| total.picos).sum::<i128>();
    assert_eq!(all, totals[&PROVIDER.to_string()].picos);
    println!("{USAGES} usages, ${} in all", Money::from_picos(all));
}

#[test]
fn paper_is_right() {
    let decimal = Decimal::read;
    assert_eq!(decimal("12.5").times(&decimal("0.08")).rounded(3).whole(), 1_000);
    assert_eq!(decimal("99.95").plus(&decimal("0.05")).whole(), 10_000);
    assert_eq!((decimal("0.0005").rounded(3).whole(), decimal("0.00049").rounded(3).whole()), (1, 0));
    assert_eq!(decimal("0.006").times(&decimal("90500")).over_60_000(5).whole(), 905);
    assert_eq!(decimal("1").over_60_000(6).whole(), 17);
}
