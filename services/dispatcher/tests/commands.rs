//! The life of commands on the wire: order, window, redelivery, acknowledgements, the proof of a reboot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::time::Duration;

use portal::protocol::{Cursor, DeviceCommandKind, DeviceFrame, Outcome};
use schema::events::device::DeviceEvent;
use uuid::Uuid;

use support::{World, command, is_quiet, status};

const BOOT: Uuid = Uuid::from_u128(1);
const NEXT_BOOT: Uuid = Uuid::from_u128(2);

#[tokio::test]
async fn welcome_settings_then_commands_in_order_after_the_status() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let ids = [world.reboot(&unit).await, world.reboot(&unit).await];
    let mut connection = world.unit(&unit).await;
    connection.subscribe(None, 4).await.unwrap();
    let DeviceFrame::Welcome(welcome) = connection.next_frame().await.unwrap() else { panic!("no welcome") };
    assert_eq!((welcome.device_id, welcome.epoch), (unit.device.to_string(), 1));
    let DeviceFrame::DesiredSettings(settings) = connection.next_frame().await.unwrap() else { panic!("no settings") };
    assert_eq!((settings.revision, settings.name.as_str()), (1, "Lobby"));
    assert!(is_quiet(&mut connection).await, "commands wait for the status");

    assert!(connection.report_status(&status(BOOT, 0)).await.unwrap().accepted());
    for (sequence, id) in (1..).zip(ids) {
        let command = command(&mut connection).await;
        assert_eq!(command.command_id, id.to_string());
        assert_eq!((command.kind, command.sequence, command.attempt), (DeviceCommandKind::Reboot, sequence, 1));
        assert_eq!(command.cursor, Cursor(sequence));
        assert!(command.expires_at.is_some());
    }
    // What the unit was sent, the history knows.
    let dispatched = world
        .events(&unit)
        .await
        .iter()
        .filter_map(|e| match e {
            DeviceEvent::CommandDispatched(e) => Some((e.command, e.attempt, e.boot_id)),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert_eq!(dispatched, ids.map(|id| (id, 1, Some(BOOT))));
}

#[tokio::test]
async fn the_window_is_kept_and_live_commands_and_names_arrive() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut connection = world.following(&unit, None, 1, BOOT).await;
    world.reboot(&unit).await;
    world.reboot(&unit).await;
    let first = command(&mut connection).await;
    assert!(is_quiet(&mut connection).await, "the window is one command");
    // Settings are no commands: the window does not hold them back.
    world.rename(&unit, "Hall").await;
    let DeviceFrame::DesiredSettings(settings) = connection.next_frame().await.unwrap() else { panic!("no settings") };
    assert_eq!((settings.revision, settings.name.as_str()), (2, "Hall"));

    assert!(connection.acknowledge(&first).await.unwrap().accepted());
    assert_eq!(command(&mut connection).await.sequence, 2);
    // Once more: it changes nothing and is no error.
    assert!(connection.acknowledge(&first).await.unwrap().accepted());
    let received = world.events(&unit).await.iter().filter(|e| matches!(e, DeviceEvent::CommandReceived(_))).count();
    assert_eq!(received, 1);
}

#[tokio::test]
async fn what_got_lost_comes_again_and_a_lost_acknowledgement_is_made_up_for() {
    let world = World::start().await;
    let unit = world.enroll().await;
    world.reboot(&unit).await;
    world.reboot(&unit).await;
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    assert_eq!(command(&mut connection).await.attempt, 1);
    drop(connection);

    // Lost on the way: again, as another attempt.
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    let again = command(&mut connection).await;
    assert_eq!((again.sequence, again.attempt), (1, 2));
    let second = command(&mut connection).await;
    assert_eq!(second.sequence, 2);
    drop(connection);

    // Both were stored, but the acknowledgements got lost.
    let mut connection = world.following(&unit, Some(2), 4, BOOT).await;
    world
        .until(&unit, "both are received", |events| {
            events.iter().filter(|e| matches!(e, DeviceEvent::CommandReceived(_))).count() == 2
        })
        .await;
    assert!(is_quiet(&mut connection).await);
    // A reboot is not done because the unit says so.
    let answer = connection.report_result(&second, Outcome::Succeeded, None).await.unwrap();
    assert_eq!(answer.user_errors[0].code, "NOT_PROVEN");
    // That the unit would not do it is taken.
    assert!(connection.report_result(&second, Outcome::Rejected, Some("battery_low")).await.unwrap().accepted());
    let events = world.events(&unit).await;
    assert!(events.iter().any(|e| matches!(e, DeviceEvent::CommandRejected(e) if e.code == "battery_low")));
}

#[tokio::test]
async fn a_unit_that_is_ahead_is_reset() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut connection = world.unit(&unit).await;
    connection.subscribe(Some(99), 4).await.unwrap();
    assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::Welcome(_)));
    let DeviceFrame::StreamReset(reset) = connection.next_frame().await.unwrap() else { panic!("no reset") };
    assert_eq!(reset.resume_from, None);
    assert!(matches!(connection.next_frame().await.unwrap(), DeviceFrame::DesiredSettings(_)));
    connection.report_status(&status(BOOT, 99)).await.unwrap();
    world.reboot(&unit).await;
    assert_eq!(command(&mut connection).await.sequence, 1);
}

#[tokio::test]
async fn a_reboot_is_proven_by_the_next_boot() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let mut connection = world.following(&unit, None, 4, BOOT).await;
    let id = world.reboot(&unit).await;
    let reboot = command(&mut connection).await;
    connection.acknowledge(&reboot).await.unwrap();
    // The same boot proves nothing, even with the sequence.
    connection.report_status(&status(BOOT, 1)).await.unwrap();
    drop(connection);
    world.until(&unit, "the stream ends", |events| matches!(events.last(), Some(DeviceEvent::Disconnected(_)))).await;

    let mut connection = world.following(&unit, Some(1), 4, NEXT_BOOT).await;
    let events = world.events(&unit).await;
    let proofs: Vec<_> = events
        .iter()
        .filter_map(|e| match e {
            DeviceEvent::CommandSucceeded(e) => Some((e.command, e.boot_id)),
            _ => None,
        })
        .collect();
    assert_eq!(proofs, [(id, Some(NEXT_BOOT))]);
    assert!(is_quiet(&mut connection).await, "it is done and does not come again");

    // A heartbeat without news is remembered in memory and leaves no event.
    let before = world.dispatcher.presence().last_seen(unit.device).unwrap();
    tokio::time::sleep(Duration::from_millis(2)).await;
    connection.report_status(&status(NEXT_BOOT, 1)).await.unwrap();
    assert!(world.dispatcher.presence().last_seen(unit.device).unwrap() > before);
    assert_eq!(world.events(&unit).await.len(), events.len());
}

#[tokio::test]
async fn a_command_whose_time_has_passed_is_not_sent_and_holds_up_none() {
    let world = World::start().await;
    let unit = world.enroll().await;
    let requested = world.platform.request(domain::Principal::System("test"));
    let long_ago = commands::Request { at: requested.at - domain::device::REBOOT_LIFETIME, ..requested };
    let command_id = schema::CommandId(Uuid::from_u128(9));
    let request = domain::DeviceCommand::Request { command: command_id, kind: schema::CommandKind::Reboot };
    world.platform.execute::<domain::Device>(&long_ago, &unit.device, request).await.unwrap();
    world.reboot(&unit).await;
    let mut connection = world.following(&unit, None, 1, BOOT).await;
    assert_eq!(command(&mut connection).await.sequence, 2);
}
