//! The price list's round: fetched after the start and then now and then, tried again where it did not come.
//! Owns when. Refuses to hold anything up: the gateway is ready before the first try, and works without any.

use std::time::Duration;

use actix_web::web;

use crate::admin::price_lists::RefreshError;
use crate::web::Gateway;

/// How long to wait before each further try.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Fetches for as long as the gateway runs; not at all where there is nothing to fetch.
pub(super) async fn keep_fresh(gateway: web::Data<Gateway>, every: Duration) {
    while gateway.admin.price_lists().url().is_some() {
        round(every, async || gateway.admin.refresh_prices().await, tokio::time::sleep).await;
    }
}

/// The tries, and the pause until the next round.
async fn round(every: Duration, attempt: impl AsyncFn() -> Result<(), RefreshError>, pause: impl AsyncFn(Duration)) {
    // What failed is said by whoever failed, and shown by the API.
    drop(patiently(attempt, &pause).await);
    pause(every).await;
}

/// Tries until it comes, with a pause before each further try. A list that came and is none is not asked for again: it
/// would be the same.
async fn patiently(
    attempt: impl AsyncFn() -> Result<(), RefreshError>,
    pause: impl AsyncFn(Duration),
) -> Result<(), RefreshError> {
    let mut outcome = attempt().await;
    for wait in PAUSES {
        if !matches!(outcome, Err(RefreshError::Fetch(_))) {
            break;
        }
        pause(wait).await;
        outcome = attempt().await;
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// How it ends, and which pauses were made, where the first `failures` tries fail with `error`.
    async fn tried(failures: usize, error: RefreshError) -> (Result<(), RefreshError>, Vec<u64>) {
        let (tries, pauses) = (Cell::new(0), RefCell::default());
        let attempt = async || {
            tries.set(tries.get() + 1);
            if tries.get() > failures { Ok(()) } else { Err(error.clone()) }
        };
        let outcome = patiently(attempt, async |wait: Duration| {
            let mut pauses: std::cell::RefMut<'_, Vec<u64>> = pauses.borrow_mut();
            pauses.push(wait.as_secs());
        });
        (outcome.await, pauses.take())
    }

    #[actix::test]
    async fn what_did_not_come_is_tried_three_times_more() {
        let lost = RefreshError::Fetch("the answer was 500".to_owned());
        assert_eq!(tried(0, lost.clone()).await, (Ok(()), vec![]));
        assert_eq!(tried(2, lost.clone()).await, (Ok(()), vec![1, 2]));
        assert_eq!(tried(3, lost.clone()).await, (Ok(()), vec![1, 2, 4]));
        assert_eq!(tried(4, lost.clone()).await, (Err(lost), vec![1, 2, 4]));
    }

    /// The setting `catalogue.refresh_hours`.
    #[actix::test]
    async fn the_next_round_comes_when_the_setting_says() {
        let (tries, pauses) = (Cell::new(0), RefCell::<Vec<Duration>>::default());
        let attempt = async || {
            tries.set(tries.get() + 1);
            Ok(())
        };
        for hours in [24, 6] {
            round(Duration::from_secs(hours * 3_600), &attempt, async |wait| pauses.borrow_mut().push(wait)).await;
        }
        let hours: Vec<_> = pauses.take().iter().map(|pause| pause.as_secs() / 3_600).collect();
        assert_eq!((tries.get(), hours), (2, vec![24, 6]));
    }

    #[actix::test]
    async fn what_came_and_is_no_list_is_not_asked_for_again() {
        let list = crate::catalogue::models_dev::read(b"[]").unwrap_err();
        assert_eq!(tried(1, list.clone().into()).await, (Err(list.into()), vec![]));
        assert_eq!(tried(1, RefreshError::Off).await, (Err(RefreshError::Off), vec![]));
    }
}
