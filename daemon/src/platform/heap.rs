//! Memory that we have freed and the allocator keeps. glibc's gives back only what lies at the end of
//! its heap; a client that did not read for a while leaves megabytes before that, for weeks.
//!
//! The heap is the process's, and so is what is known of it here.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// After memory was freed, before it is given back: who comes meanwhile uses it again, and a daemon
/// that is busy is not to do this all the time.
const REST: Duration = Duration::from_secs(2);

static FREED: Notify = Notify::const_new();

/// Something has ended that may have held a good deal of memory.
pub fn memory_was_freed() {
    FREED.notify_one();
}

/// Gives back what was freed, until the daemon ends. Without work for it, it does nothing.
pub async fn give_memory_back(shutdown: CancellationToken) {
    let giving = async {
        loop {
            FREED.notified().await;
            tokio::time::sleep(REST).await;
            trim();
        }
    };
    shutdown.run_until_cancelled(giving).await;
}

/// Has large pieces of memory live outside of the heap, so that they go when they are freed; and
/// does not give the end of the heap back each time, to fetch it again at once. Both are settled by
/// glibc itself while it runs, unless they are said.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn settle_the_heap() {
    /// In bytes; what glibc begins with.
    const LARGE: i32 = 128 << 10;
    /// In bytes; of a busy link's packets.
    const END: i32 = 32 << 20;
    #[expect(unsafe_code, reason = "there is no other way to say it; two numbers are set")]
    // SAFETY: it may be called at any time, and takes no pointer. A refusal leaves all as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, END);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn trim() {
    #[expect(unsafe_code, reason = "there is no other way to say it; only free memory is touched")]
    // SAFETY: it may be called at any time, from any thread, and takes no pointer.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators look after this themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn settle_the_heap() {}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn trim() {}
