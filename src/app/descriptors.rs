//! File descriptors: as many as the system allows this process, and room for them before anybody calls. Refuses to fail for
//! it: the server takes no more connections than there is room for.

use std::io;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than a gateway with few workers has open; half a mebibyte of the kernel's memory.
const FORESEEN: u64 = 65_536;

/// Raises the soft limit to the hard one: the soft one is low (1,024) for programs that cannot count further. Then makes room.
pub(super) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        log::warn!(count = current; "the limit of open files could not be raised");
    }
    make_room();
}

/// Linux doubles a process's table of files whenever it is full, and each time everybody who opens one, a new connection with
/// them, waits some milliseconds until all threads have let go of the old table. A file with a high number has it grow once, now.
fn make_room() {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(FORESEEN);
    let highest = i32::try_from(limit.min(FORESEEN).saturating_sub(1)).unwrap_or(0);
    // Closed at once; the table stays large. Without it all is well, only slower while it grows.
    drop(fcntl_dupfd_cloexec(io::stderr(), highest));
}
