//! Many units in one process.

use std::{collections::BTreeSet, time::Duration};

use portal::{FleetSummary, ScreenEvent, Storage, run_fleet};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    dispatcher::reboot,
    platform::{Deed, Seen, Stage},
};

const UNITS: usize = 30;

#[tokio::test]
async fn units_of_a_fleet_show_their_codes_and_live_on_their_own() {
    let mut stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = stage.config(Storage::Folder(folder.path().to_owned()));
    config.serial = Some("F-".to_owned());
    let shutdown = CancellationToken::new();
    let (sender, mut codes) = mpsc::unbounded_channel();
    let screens = move |index: usize| {
        let sender = sender.clone();
        move |event| {
            if let ScreenEvent::ShowCode { code, .. } = event {
                sender.send((index, code)).unwrap();
            }
        }
    };
    let fleet = tokio::spawn(run_fleet(config, UNITS, shutdown.clone(), screens));
    let mut shown = BTreeSet::new();
    for _ in 0..UNITS {
        shown.insert(codes.recv().await.unwrap());
    }
    assert_eq!(shown.len(), UNITS);
    // Until each has reported: the first heartbeat of some comes before the first report of others.
    let mut devices = BTreeSet::new();
    while devices.len() < UNITS {
        let device = |seen| match seen {
            Seen::Status { device, .. } => Some(device),
            _ => None,
        };
        devices.insert(stage.until(device).await);
    }

    stage.platform.act(Deed::Send(reboot(1, 1)));
    let again = |seen| match seen {
        Seen::Subscribed { device, after, .. } => Some((device, after)),
        _ => None,
    };
    // The first subscriptions of some units may still be on their way to be seen.
    loop {
        let (device, after) = stage.until(again).await;
        if after == Some(1) {
            assert_eq!(device, "dev_1");
            break;
        }
    }
    shutdown.cancel();
    let summary = tokio::time::timeout(Duration::from_secs(10), fleet).await.unwrap().unwrap().unwrap();
    assert_eq!(summary, FleetSummary { stopped: UNITS, ..FleetSummary::default() });
    let state = std::fs::read_to_string(folder.path().join("unit-000030/unit.json")).unwrap();
    assert!(state.contains("F-000030") && state.contains("enrolled"), "{state}");
}
