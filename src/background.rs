//! Work that may take its time: reads of the database, hashes, copies. Owns the threads it is done on, which give way to those that
//! serve calls: a page that computes for fifty milliseconds is no reason for a call to wait. Refuses work that never ends.

use std::io;
use std::sync::LazyLock;

use rustix::process::nice;
use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

/// How nice the threads are: a tenth of a processor beside a thread that serves calls, all of it where none does.
const NICENESS: i32 = 10;

/// Nothing else runs on its threads: names are looked up for calls on those of the workers.
static THREADS: LazyLock<io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_current_thread().thread_name("background").on_thread_start(become_nice).build());

/// The work broke off, or there is no thread for it.
#[derive(Debug, Error)]
#[error("the work in the background broke off")]
pub struct Abandoned;

/// Does `work` away from the threads that serve calls. What has begun is done, also if whoever asked goes away.
///
/// # Errors
/// If it broke off.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Abandoned> {
    let threads = THREADS.as_ref().map_err(|_| Abandoned)?;
    threads.spawn_blocking(work).await.map_err(|_| Abandoned)
}

/// Under a supervisor that forbids it, threads are as nice as they were; but for Linux it would be the whole process.
fn become_nice() {
    if cfg!(target_os = "linux")
        && let Err(error) = nice(NICENESS)
    {
        log::debug!(error:%; "threads that work in the background cannot give way");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
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
