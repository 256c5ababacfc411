//! Commands, settings and what a crash does to them.

use std::{fs, path::Path, time::Duration};

use portal::{Ended, PortalConfig, PortalError, ScreenEvent, Storage, run};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    dispatcher::{Cursor, DeviceCommandKind, DeviceFrame, Outcome, Revoked, StreamReset, command, reboot, settings},
    platform::{Deed, Memory, Seen, Stage},
};

pub(crate) type Running = JoinHandle<Result<Ended, PortalError>>;

pub(crate) fn start(config: &PortalConfig, screen: &Memory) -> Running {
    tokio::spawn(run(config.clone(), CancellationToken::new(), screen.clone()))
}

async fn crash(unit: Running) {
    unit.abort();
    assert!(unit.await.unwrap_err().is_cancelled());
}

fn stored(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("unit.json")).unwrap()).unwrap()
}

#[tokio::test]
async fn a_reboot_is_stored_acknowledged_done_and_proven_once() {
    let mut stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let screen = Memory::default();
    let _unit = start(&stage.config(Storage::Folder(folder.path().to_owned())), &screen);
    assert_eq!(stage.subscribed().await, None);
    let first = stage.status().await;

    stage.platform.script().swallow_acknowledgements = true;
    stage.platform.act(Deed::Send(reboot(1, 1)));
    assert_eq!(stage.acknowledged().await, ("cmd_1".to_owned(), 1));
    let enrolled = &stored(folder.path())["standing"]["enrolled"];
    assert_eq!((&enrolled["last_sequence"], &enrolled["pending_reboot"]), (&1.into(), &1.into()), "stored before");
    assert_eq!(screen.count(&ScreenEvent::Rebooting), 0, "no restart before the answer");

    // The connection breaks before the answer: what is stored is done all the same.
    stage.platform.script().swallow_acknowledgements = false;
    stage.platform.act(Deed::Cut);
    assert_eq!(stage.subscribed().await, Some(1));
    let second = stage.status().await;
    assert_ne!(second.boot_id, first.boot_id);
    assert_eq!(second.last_sequence, 1);

    stage.platform.act(Deed::Send(reboot(1, 2)));
    assert_eq!(stage.acknowledged().await, ("cmd_1".to_owned(), 2));
    stage.platform.act(Deed::Send(reboot(2, 1)));
    assert_eq!(stage.acknowledged().await, ("cmd_2".to_owned(), 1), "the redelivery was not acted upon");
    assert_eq!(stage.subscribed().await, Some(2));
    let third = stage.status().await;
    assert!(third.boot_id != second.boot_id && third.last_sequence == 2);
    assert_eq!(screen.count(&ScreenEvent::Rebooting), 2);
    assert!(stored(folder.path())["standing"]["enrolled"]["pending_reboot"].is_null());
}

#[tokio::test]
async fn a_crash_between_storing_and_acting_is_itself_the_reboot() {
    let mut stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = stage.config(Storage::Folder(folder.path().to_owned()));
    let screen = Memory::default();
    let unit = start(&config, &screen);
    let first = stage.status().await;
    stage.platform.script().swallow_acknowledgements = true;
    stage.platform.act(Deed::Send(reboot(1, 1)));
    stage.acknowledged().await;
    crash(unit).await;

    stage.platform.script().swallow_acknowledgements = false;
    let _unit = start(&config, &screen);
    assert_eq!(stage.subscribed().await, Some(1));
    let second = stage.status().await;
    assert_ne!(second.boot_id, first.boot_id);
    stage.platform.act(Deed::Send(reboot(1, 2)));
    assert_eq!(stage.acknowledged().await, ("cmd_1".to_owned(), 2));
    stage.platform.act(Deed::Send(settings(1, "Lobby")));
    let third = stage.status().await;
    assert_eq!((third.boot_id, third.settings_revision), (second.boot_id, 1), "it has not restarted again");
    assert_eq!(screen.count(&ScreenEvent::Rebooting), 0);
}

#[tokio::test]
async fn a_refused_acknowledgement_is_not_acted_upon_until_one_is_accepted() {
    let mut stage = Stage::new().await;
    let screen = Memory::default();
    let _unit = start(&stage.config(Storage::Memory), &screen);
    let first = stage.status().await;
    stage.platform.script().refuse_acknowledgements = true;
    stage.platform.act(Deed::Send(reboot(1, 1)));
    let second = stage.status().await;
    assert_eq!((second.boot_id, second.last_sequence), (first.boot_id, 1), "still the same boot");
    stage.platform.script().refuse_acknowledgements = false;
    stage.platform.act(Deed::Send(reboot(1, 2)));
    assert_eq!(stage.subscribed().await, Some(1));
    assert_ne!(stage.status().await.boot_id, first.boot_id);
    assert_eq!(screen.count(&ScreenEvent::Rebooting), 1);
}

#[tokio::test]
async fn what_cannot_be_done_is_rejected_and_the_stream_goes_on_after_it() {
    let mut stage = Stage::new().await;
    let screen = Memory::default();
    let _unit = start(&stage.config(Storage::Memory), &screen);
    stage.status().await;
    stage.platform.act(Deed::Send(command(3, 1, DeviceCommandKind::Reboot, -1)));
    stage.platform.act(Deed::Send(command(4, 1, DeviceCommandKind::Sing, 600)));
    for (name, code) in [("cmd_3", "expired"), ("cmd_4", "unsupported")] {
        let result = |seen| match seen {
            Seen::Result { command, outcome, detail } => Some((command, outcome, detail.unwrap())),
            _ => None,
        };
        assert_eq!(stage.until(result).await, (name.to_owned(), Outcome::Rejected, code.to_owned()));
    }
    assert_eq!(stage.status().await.last_sequence, 4);
    stage.platform.act(Deed::Cut);
    assert_eq!(stage.subscribed().await, Some(4));
    assert_eq!(screen.count(&ScreenEvent::Rebooting), 0);

    let reset = StreamReset { reason: "restored".into(), cursor: Some(Cursor("2".into())) };
    stage.platform.act(Deed::Send(DeviceFrame::StreamReset(reset)));
    let after_reset = |seen| match seen {
        Seen::Status { status, .. } if status.last_sequence == 2 => Some(()),
        _ => None,
    };
    stage.until(after_reset).await;
    stage.platform.act(Deed::Send(reboot(3, 1)));
    assert_eq!(stage.subscribed().await, Some(3), "a command after the reset is a new one");
}

#[tokio::test]
async fn only_newer_settings_are_applied_and_reported() {
    let mut stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = stage.config(Storage::Folder(folder.path().to_owned()));
    config.pacing.heartbeat = Duration::from_millis(100);
    let screen = Memory::default();
    let unit = start(&config, &screen);
    stage.status().await;
    stage.platform.act(Deed::Send(settings(5, "Lobby")));
    stage.platform.act(Deed::Send(settings(4, "Attic")));
    let revision = |revision| {
        move |seen| match seen {
            Seen::Status { status, .. } if status.settings_revision == revision => Some(()),
            _ => None,
        }
    };
    stage.until(revision(5)).await;
    stage.until(revision(5)).await; // The heartbeat tells it again although nothing has changed.
    crash(unit).await;
    let _unit = start(&config, &screen);
    stage.subscribed().await;
    assert_eq!(stage.status().await.settings_revision, 5, "applied settings survive a restart");
    let names = |event| match event {
        ScreenEvent::Settings { name } => Some(name),
        _ => None,
    };
    assert_eq!(screen.events().into_iter().filter_map(names).collect::<Vec<_>>(), ["Lobby"]);
}

#[tokio::test]
async fn a_revoked_unit_forgets_its_credentials_and_shows_a_code_again() {
    let mut stage = Stage::new().await;
    let folder = tempfile::tempdir().unwrap();
    let config = stage.config(Storage::Folder(folder.path().to_owned()));
    let screen = Memory::default();
    let _unit = start(&config, &screen);
    stage.status().await;
    let key = || fs::read(folder.path().join("key.pem")).unwrap();
    let serial = || stored(folder.path())["serial"].clone();
    let (first_key, first_serial) = (key(), serial());
    stage.platform.act(Deed::Send(DeviceFrame::Revoked(Revoked { reason: "logged out".into() })));
    let device = |seen| match seen {
        Seen::Subscribed { device, after, .. } => Some((device, after)),
        _ => None,
    };
    // Somebody connects it again: the same unit with another key.
    assert_eq!(stage.until(device).await, ("dev_2".to_owned(), None));
    assert_eq!(serial(), first_serial);
    let second_key = key();
    assert_ne!(second_key, first_key);
    let codes = |events: &[ScreenEvent]| events.iter().filter(|e| matches!(e, ScreenEvent::ShowCode { .. })).count();
    let events = screen.events();
    let revoked = events.iter().position(|e| *e == ScreenEvent::Revoked { reason: "logged out".into() }).unwrap();
    assert_eq!((codes(&events[..revoked]), codes(&events[revoked..])), (1, 1));

    // What happened during an outage it learns from the gateway.
    stage.platform.script().revoked = true;
    stage.platform.act_on(1, Deed::Close(4403));
    assert_eq!(stage.until(device).await, ("dev_3".to_owned(), None));
    assert_ne!(key(), second_key);
}
