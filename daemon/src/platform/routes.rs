//! Which ways lead out of this machine, on Linux. A VPN may change nothing else.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use rtnetlink::packet_route::route::{RouteAttribute, RouteMessage};
use rtnetlink::{Handle, MulticastGroup, RouteMessageBuilder, new_multicast_connection};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, warn};

/// Routes come in bunches, and the whole table is read after each.
const SETTLE: Duration = Duration::from_millis(200);
/// After the kernel's messages broke off: too many at once for its queue.
const AGAIN: Duration = Duration::from_secs(60);

/// The kernel's table of our own addresses.
const LOCAL: u8 = 255;

/// What the table says, without what changes by itself.
type Table = BTreeSet<String>;

/// Sends news when the routes have changed, for ever.
pub(super) async fn follow(news: &watch::Sender<()>) {
    loop {
        let broke_off = match listen(news).await {
            Ok(()) => "its messages broke off".to_owned(),
            Err(error) => error.to_string(),
        };
        warn!(broke_off, "the system does not tell of changes of routes for a while");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn listen(news: &watch::Sender<()>) -> Result<(), rtnetlink::Error> {
    let groups = [MulticastGroup::Ipv4Route, MulticastGroup::Ipv6Route];
    let opened = new_multicast_connection(&groups);
    let (connection, handle, mut messages) =
        opened.map_err(|error| rtnetlink::Error::NamespaceError(error.to_string()))?;
    let comparing = async {
        let mut known = table(&handle).await?;
        debug!("the routes are watched");
        while messages.next().await.is_some() {
            while let Ok(Some(_)) = timeout(SETTLE, messages.next()).await {}
            // A router that announces itself again, or a route that lives longer, is no change.
            let now = table(&handle).await?;
            if now != known {
                news.send_replace(());
                known = now;
            }
        }
        Ok(())
    };
    tokio::select! {
        () = connection => Ok(()),
        done = comparing => done,
    }
}

async fn table(handle: &Handle) -> Result<Table, rtnetlink::Error> {
    let v4 = RouteMessageBuilder::<Ipv4Addr>::new().build();
    let v6 = RouteMessageBuilder::<Ipv6Addr>::new().build();
    let mut table = Table::new();
    for asked in [v4, v6] {
        let mut routes = handle.route().get(asked).execute();
        while let Some(route) = routes.try_next().await? {
            table.extend(essence(route));
        }
    }
    Ok(table)
}

/// `None` for what follows from our own addresses alone.
fn essence(mut route: RouteMessage) -> Option<String> {
    let local = |attribute: &RouteAttribute| matches!(attribute, RouteAttribute::Table(table) if *table == u32::from(LOCAL));
    if route.header.table == LOCAL || route.attributes.iter().any(local) {
        return None;
    }
    let ages = |one: &RouteAttribute| {
        matches!(one, RouteAttribute::CacheInfo(_) | RouteAttribute::Expires(_))
    };
    route.attributes.retain(|attribute| !ages(attribute));
    Some(format!("{route:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(table: u8, attributes: Vec<RouteAttribute>) -> RouteMessage {
        let mut route = RouteMessageBuilder::<Ipv4Addr>::new().build();
        route.header.table = table;
        route.attributes = attributes;
        route
    }

    #[test]
    fn age_is_no_change_and_another_way_is_one() {
        let main = 254;
        let of = |attributes| essence(route(main, attributes)).unwrap();
        let (one, other) = (RouteAttribute::Oif(1), RouteAttribute::Oif(2));
        assert_eq!(of(vec![one.clone(), RouteAttribute::Expires(7)]), of(vec![one.clone()]));
        assert_ne!(of(vec![one]), of(vec![other]));
    }

    #[test]
    fn what_follows_from_our_addresses_is_left_out() {
        let local = LOCAL;
        assert_eq!(essence(route(local, vec![])), None);
        let named = vec![RouteAttribute::Table(local.into())];
        assert_eq!(essence(route(0, named)), None);
    }
}
