//! From the first start to the first connection.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use portal::{Clock, Ended, ScreenEvent, Storage, run};
use tokio_util::sync::CancellationToken;

use crate::{
    dispatcher::now,
    platform::{Memory, Seen, Stage},
};

fn codes(screen: &Memory) -> Vec<String> {
    let code = |event| match event {
        ScreenEvent::ShowCode { code, .. } => Some(code),
        _ => None,
    };
    screen.events().into_iter().filter_map(code).collect()
}

#[tokio::test]
async fn polls_slower_when_told_and_asks_anew_when_the_code_has_ended() {
    let mut stage = Stage::new().await;
    stage.platform.script().poll_errors =
        ["authorization_pending", "slow_down", "authorization_pending", "expired_token", "authorization_pending"]
            .into();
    let (screen, shutdown) = (Memory::default(), CancellationToken::new());
    let unit = tokio::spawn(run(stage.config(Storage::Memory), shutdown.clone(), screen.clone()));

    let polled = |seen| match seen {
        Seen::Polled { at } => Some(at),
        _ => None,
    };
    let mut polls = Vec::new();
    for _ in 0..6 {
        polls.push(stage.until(polled).await);
    }
    let gap = |index: usize| polls[index] - polls[index - 1];
    assert!(gap(1) >= Duration::from_millis(10), "the interval of 1 s");
    assert!(gap(2) >= Duration::from_millis(60), "slow_down adds 5 s: {:?}", gap(2));
    assert!(gap(3) >= Duration::from_millis(60), "for all later polls of this code");
    assert_eq!(stage.subscribed().await, None);
    assert_eq!(codes(&screen), ["CODE-0000", "CODE-0001"]);
    let status = stage.status().await;
    assert_eq!((status.last_sequence, status.settings_revision), (0, 0));
    assert_eq!(status.connected_accounts, ["portal_for_business"]);

    shutdown.cancel();
    assert_eq!(unit.await.unwrap().unwrap(), Ended::Stopped);
    let goodbye = |seen| match seen {
        Seen::Said { goodbye } => Some(goodbye),
        _ => None,
    };
    assert_eq!(stage.until(goodbye).await, 1000, "a unit that is shut down says so");
}

#[tokio::test]
async fn a_restart_keeps_the_code_on_the_screen_good() {
    let mut stage = Stage::new().await;
    stage.platform.script().poll_errors = vec!["authorization_pending"; 1000].into();
    let folder = tempfile::tempdir().unwrap();
    let config = stage.config(Storage::Folder(folder.path().join("unit")));
    let screen = Memory::default();
    let unit = tokio::spawn(run(config.clone(), CancellationToken::new(), screen.clone()));
    stage.until(|seen| matches!(seen, Seen::Polled { .. }).then_some(())).await;
    unit.abort();
    assert!(unit.await.unwrap_err().is_cancelled());

    stage.platform.script().poll_errors.clear();
    tokio::spawn(run(config, CancellationToken::new(), screen.clone()));
    assert_eq!(stage.subscribed().await, None);
    assert_eq!(codes(&screen), ["CODE-0000", "CODE-0000"]);
}

#[tokio::test]
async fn hardware_that_is_still_enrolled_is_refused() {
    let mut stage = Stage::new().await;
    stage.platform.script().deny_registration = true;
    let screen = Memory::default();
    let mut config = stage.config(Storage::Memory);
    config.serial = Some("S-77".to_owned());
    assert_eq!(run(config, CancellationToken::new(), screen.clone()).await.unwrap(), Ended::Denied);
    let serial = |seen| match seen {
        Seen::Registered { serial } => Some(serial),
        _ => None,
    };
    assert_eq!(stage.until(serial).await, "S-77");
    assert_eq!(screen.events().last(), Some(&ScreenEvent::Denied { reason: "because access_denied".into() }));
}

struct SlowClock;

impl Clock for SlowClock {
    fn now(&self) -> DateTime<Utc> {
        now() - TimeDelta::hours(1)
    }
}

#[tokio::test]
async fn a_wrong_clock_is_not_taken_for_a_revocation() {
    let mut stage = Stage::new().await;
    let mut config = stage.config(Storage::Memory);
    config.surroundings.clock = Arc::new(SlowClock);
    stage.platform.script().token_life = 1;
    tokio::spawn(run(config, CancellationToken::new(), Memory::default()));
    stage.subscribed().await;
    let renewed = |seen| match seen {
        Seen::Renewed { connection, token } => Some((connection, token)),
        _ => None,
    };
    let (connection, token) = stage.until(renewed).await;
    assert_eq!((connection, token.as_str()), (1, "token-1"), "renewed in band, with another token");
    assert_eq!(stage.until(renewed).await, (1, "token-2".to_owned()), "again and again");
}
