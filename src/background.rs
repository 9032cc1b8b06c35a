//! Work that may take its time: reads of the database, hashes, copies. Owns the threads it is done on, which give way to those that
//! serve calls: a page that computes for fifty milliseconds is no reason for a call to wait. Refuses work that never ends.

use rustix::process::nice;
use thiserror::Error;

/// How nice the threads are: a tenth of a processor beside a thread that serves calls, all of it where none does.
const NICENESS: i32 = 10;

thread_local! {
    /// Touched by a thread before it works: once is enough, since nobody becomes less nice.
    static NICE: () = become_nice();
}

/// The work broke off.
#[derive(Debug, Error)]
#[error("the work in the background broke off")]
pub struct Abandoned;

/// Does `work` away from the threads that serve calls. What has begun is done, also if whoever asked goes away.
///
/// # Errors
/// If it broke off.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Abandoned> {
    let nicely = move || {
        NICE.with(|()| ());
        work()
    };
    #[expect(clippy::disallowed_methods, reason = "the one place for it")]
    let done = tokio::task::spawn_blocking(nicely);
    done.await.map_err(|_| Abandoned)
}

/// Under a supervisor that forbids it, threads are as nice as they were.
fn become_nice() {
    if let Err(error) = nice(NICENESS) {
        log::debug!(error:%; "threads that work in the background cannot give way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn only_those_that_work_in_the_background_give_way() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let before = niceness();
        let given = run(niceness).await.unwrap();
        assert_eq!((given, niceness()), ((before + NICENESS).min(19), before));
        assert_eq!(run(niceness).await.unwrap(), given, "once, however often it works");
        assert!(run(|| -> () { panic!("it breaks off") }).await.is_err());
    }
}
