//! What differs from system to system, each behind one small name: directories that are ours
//! alone, the lock of the one daemon, signals, the service manager, sleep and wake, logs.
//!
//! It knows nothing of sessions or tunnels. Where a system lacks a thing, the function is there
//! and says what it does instead.

mod beat;
mod descriptors;
mod dirs;
mod heap;
mod identity;
mod limits;
mod lock;
mod log;
mod log_file;
mod network;
mod notices;
mod notify;
mod peer;
#[cfg(windows)]
mod pipe;
#[cfg(target_os = "linux")]
mod routes;
mod signals;
mod tcp_peer;
mod wake;

pub use beat::Beat;
pub use descriptors::{SpareDescriptor, is_out_of_descriptors, room_for_clients};
pub use dirs::{DirError, check_private_dir, is_memory, private_dir};
pub use heap::{give_memory_back, memory_was_freed, settle_the_heap};
pub use identity::{Identity, ProgramFile};
pub use limits::tighten;
pub use lock::{DaemonLock, LockError};
pub use log::{LogError, LogPlace, init as init_log};
pub use network::watch_for_network;
pub use notices::Notices;
pub use notify::{ready, status, stopping, watchdog, watchdog_period};
pub use peer::{PeerError, same_user};
#[cfg(windows)]
pub use pipe::for_us_alone;
pub use signals::cancel_on_signal;
pub use tcp_peer::{Guest, same_user_or_root, unacknowledged};
pub use wake::{Clocks, SystemClocks, WakeDetector, watch_for_wake};
