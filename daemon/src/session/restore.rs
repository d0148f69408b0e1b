//! Brings back what was wanted when the daemon last ran.

use tracing::warn;

use super::endpoint;
use super::live::Key;
use super::manager::Manager;
use super::open::{Plan, owner};
use crate::heroku::Attached;
use crate::store::WantedSession;

impl Manager {
    /// Opens each of them on its old port. A port that is taken is retried; the others go ahead.
    pub async fn restore(&self, wanted: Vec<WantedSession>) {
        for session in wanted {
            let listener = match endpoint::bind(session.port).await {
                Ok(listener) => Some(listener),
                Err(error) => {
                    warn!(session = %session.id, port = session.port, %error, "port not free");
                    None
                }
            };
            let attached = Attached {
                app: session.app,
                attachment: session.attachment,
                addon: session.addon,
                addon_id: session.addon_id,
            };
            let key = Key {
                owner: owner(&attached, borealis_proto::Identity::Personal),
                access: session.access,
            };
            let (id, port) = (session.id, session.port);
            self.start(Plan { id, attached, key, ephemeral: false, port, listener });
        }
    }
}
