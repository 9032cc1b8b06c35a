//! File descriptors: as many as the system allows this process. Owns the one call. Refuses to fail for it: the server takes
//! no more connections than there is room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one: the soft one is low (1,024) for programs that cannot count further.
pub(super) fn raise() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum && setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).is_err() {
        log::warn!(count = current; "the limit of open files could not be raised");
    }
}
