//! One exchange for all who wait, and a clock held in the hand.

use std::cell::Cell;
use std::pin::pin;

use tokio::sync::oneshot;

use super::*;

const HOUR: i64 = 3_600_000;

fn purse() -> Arc<Purse> {
    AccessTokens::default().of(ProviderId::generate(), Timestamp(0))
}

fn token(text: &str, expires: i64) -> Result<AccessToken, UpstreamError> {
    Ok(AccessToken { text: Secret::new(text), expires: Timestamp(expires) })
}

fn refused() -> UpstreamError {
    UpstreamError::Misconfigured("refused".to_owned())
}

fn told(outcome: &Outcome) -> Result<&str, &UpstreamError> {
    outcome.as_ref().map(|token| token.text.expose())
}

#[tokio::test]
async fn all_who_wait_get_the_outcome_of_one_exchange_good_or_bad() {
    for (outcome, expected) in
        [(token("one", HOUR), Ok("one")), (token("short", 1), Ok("short")), (Err(refused()), Err(&refused()))]
    {
        let (purse, exchanges, (answer, answered)) = (purse(), Cell::new(0), oneshot::channel());
        let first = purse.token(Timestamp(0), async {
            exchanges.set(exchanges.get() + 1);
            answered.await.unwrap()
        });
        let again = || async {
            exchanges.set(exchanges.get() + 1);
            token("another", HOUR)
        };
        let (second, third) = (purse.token(Timestamp(0), again()), purse.token(Timestamp(0), again()));
        let answering = async { answer.send(outcome).unwrap() };
        let (first, second, third, ()) = tokio::join!(biased; first, second, third, answering);
        for outcome in [&first, &second, &third] {
            assert_eq!(told(outcome), expected);
        }
        assert_eq!(exchanges.get(), 1);
    }
}

#[tokio::test]
async fn a_token_is_kept_until_a_minute_before_its_end_and_a_failure_not_at_all() {
    let purse = purse();
    assert!(purse.token(Timestamp(0), async { Err(refused()) }).await.is_err());
    for (now, expected) in [(0, "a"), (HOUR - MARGIN - 1, "a"), (HOUR - MARGIN, "b")] {
        let fresh = if now == 0 { "a" } else { "b" };
        let outcome = purse.token(Timestamp(now), async { token(fresh, now + HOUR) }).await;
        assert_eq!(told(&outcome), Ok(expected), "at {now}");
    }
}

#[tokio::test]
async fn an_exchange_that_is_dropped_is_made_by_the_next() {
    let purse = purse();
    {
        let mut dropped = pin!(purse.token(Timestamp(0), std::future::pending()));
        tokio::select! { biased; _ = &mut dropped => panic!("it never ends"), () = async {} => {} }
    }
    assert_eq!(told(&purse.token(Timestamp(0), async { token("next", HOUR) }).await), Ok("next"));
}

#[tokio::test]
async fn a_refused_token_is_forgotten_but_not_the_one_that_came_since() {
    let purse = purse();
    let first = purse.token(Timestamp(0), async { token("first", HOUR) }).await.unwrap();
    purse.forget(&first).await;
    let second = purse.token(Timestamp(0), async { token("second", HOUR) }).await.unwrap();
    purse.forget(&first).await;
    assert_eq!(told(&purse.token(Timestamp(0), async { token("third", HOUR) }).await), Ok("second"));
    assert_eq!(second.text.expose(), "second");
}

#[test]
fn a_changed_provider_begins_with_an_empty_purse_and_others_keep_theirs() {
    let (tokens, one, other) = (AccessTokens::default(), ProviderId::generate(), ProviderId::generate());
    let (first, elsewhere) = (tokens.of(one, Timestamp(1)), tokens.of(other, Timestamp(1)));
    assert!(Arc::ptr_eq(&first, &tokens.of(one, Timestamp(1))));
    assert!(!Arc::ptr_eq(&first, &tokens.of(one, Timestamp(2))));
    assert!(Arc::ptr_eq(&elsewhere, &tokens.of(other, Timestamp(1))));
}
