//! Connections that end, in every way they can.

use std::{sync::Arc, time::Duration};

use portal::{
    Network, OfflineReason, ScreenEvent, Secret, Storage,
    protocol::{CloseCode, ConnectionError, Limits, UnitConnection},
};

use crate::{
    platform::{Deed, Memory, Seen, Stage},
    stream::start,
};

fn asserted(seen: Seen) -> Option<()> {
    matches!(seen, Seen::Asserted).then_some(())
}

#[tokio::test]
async fn a_connection_on_which_nothing_arrives_is_given_up() {
    let mut stage = Stage::new().await;
    let mut config = stage.config(Storage::Memory);
    config.pacing.silence_limit = Duration::from_secs(1);
    let screen = Memory::default();
    let _unit = start(&config, &screen);
    stage.status().await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stage.platform.act(Deed::Ping);
        stage.until(|seen| matches!(seen, Seen::Pong).then_some(())).await;
    }
    assert_eq!(screen.count(&ScreenEvent::Connected), 1, "pings keep it alive");
    stage.platform.act(Deed::Freeze);
    stage.status().await;
    let offline = ScreenEvent::Offline { reason: OfflineReason::DispatcherUnreachable };
    assert_eq!((screen.count(&ScreenEvent::Connected), screen.count(&offline)), (2, 1));
}

#[tokio::test]
async fn what_the_dispatcher_says_at_the_end_decides_what_comes_next() {
    let mut stage = Stage::new().await;
    let screen = Memory::default();
    let _unit = start(&stage.config(Storage::Memory), &screen);
    for (code, reason) in [(4401, OfflineReason::SignedOut), (4403, OfflineReason::NotAllowed)] {
        stage.status().await;
        stage.platform.act(Deed::Close(code));
        stage.until(asserted).await;
        assert_eq!(screen.count(&ScreenEvent::Offline { reason }), 1, "{code}: with a new token");
    }
    stage.status().await;
    stage.platform.act(Deed::Close(4410));
    let first = stage.until(|seen| matches!(seen, Seen::Asserted | Seen::Subscribed { .. }).then_some(seen)).await;
    assert!(matches!(first, Seen::Subscribed { .. }), "a good token is used again");
    assert_eq!(screen.count(&ScreenEvent::Offline { reason: OfflineReason::Replaced }), 1);
}

#[tokio::test]
async fn a_connection_can_be_driven_by_hand() {
    let stage = Stage::new().await;
    let origin: String = stage.platform.origin.clone();
    let network = Arc::new(Network::new(&origin.parse().unwrap(), Duration::from_secs(5)).unwrap());
    let url = format!("{}/graphql", origin.replace("http", "ws")).parse().unwrap();
    let limits = Limits { answer: Duration::from_secs(5), silence: Duration::from_secs(5) };
    let mut connection = UnitConnection::open(&network, &url, limits).await.unwrap();
    let refused = connection.initialise(&Secret::new("made-up")).await.unwrap_err();
    assert!(matches!(refused, ConnectionError::Closed(CloseCode::UNAUTHORIZED)), "{refused:?}");
    let gone = connection.next_frame().await.unwrap_err();
    assert!(matches!(gone, ConnectionError::Ended), "{gone:?}");
}
