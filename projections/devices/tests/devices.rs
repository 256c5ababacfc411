//! The devices on a real log: what each event changes, and what the queries answer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test, its helpers included")]

#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use devices::{
    CommandState, DeviceChange, DeviceRow, Devices, DevicesFilter, DevicesProjection, DevicesQuery, DevicesSort,
    SortField,
};
use engine::{Update, View, paging::Paging};
use schema::{
    AccountId, Actor, CommandId, CommandKind, ConnectedAccount, DeviceId, HardwareKey, OrganizationId, PairingId,
    StreamId,
    events::{DeviceEvent, device::*},
};
use support::{World, soon, time};
use tempfile::TempDir;

struct Setup {
    world: World,
    view: View<DevicesProjection>,
    devices: Devices,
    organization: OrganizationId,
    owner: AccountId,
    _folder: TempDir,
}

impl Setup {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::open(folder.path());
        let view: View<DevicesProjection> =
            View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
        view.ready(soon()).await.unwrap();
        let devices = Devices::new(view.reads());
        let (organization, owner) = (OrganizationId(world.id()), AccountId(world.id()));
        Self { world, view, devices, organization, owner, _folder: folder }
    }

    async fn enroll(&self, name: &str, model: &str, serial: &str) -> DeviceId {
        let device = DeviceId(self.world.id());
        let enrolled = DeviceEnrolled {
            account_epoch: 0,
            device,
            organization: self.organization,
            account: self.owner,
            pairing: PairingId(self.world.id()),
            hardware: HardwareKey(serial.into()),
            epoch: 2,
            serial: serial.into(),
            model: model.into(),
            software_version: "1.0".into(),
            name: name.into(),
            public_key: "{}".into(),
        };
        self.happened(device, enrolled).await;
        device
    }

    async fn happened(&self, device: DeviceId, event: impl Into<DeviceEvent>) {
        let by = Actor::Account(self.owner);
        let position = self.world.append(&StreamId::new("device", &device), by, event.into()).await;
        self.view.wait_for(position, soon()).await.unwrap();
    }

    async fn row(&self, device: DeviceId) -> DeviceRow {
        self.devices.device(self.organization, device).await.unwrap().unwrap()
    }

    /// The names of the devices that are found.
    async fn names(&self, filter: DevicesFilter, search: &str, sort: DevicesSort) -> Vec<String> {
        let paging = Paging::Forward { first: 50, after: None };
        let query = DevicesQuery { filter: filter.clone(), search: Some(search.into()), sort, paging };
        let page = self.devices.devices(self.organization, query).await.unwrap();
        let count = self.devices.count(self.organization, filter, Some(search.into())).await.unwrap();
        assert_eq!((count.rows, count.or_more), (page.edges.len() as u64, false));
        page.edges.into_iter().map(|edge| edge.node.name).collect()
    }
}

fn status(boot: u128, last_sequence: u64, version: &str) -> DeviceStatusReported {
    DeviceStatusReported {
        boot_id: uuid::Uuid::from_u128(boot),
        last_sequence,
        software_version: version.into(),
        settings_revision: 1,
        connected_accounts: BTreeSet::from([ConnectedAccount { service: "whatsapp".into() }]),
    }
}

#[tokio::test]
async fn a_device_from_its_enrollment_on() {
    let setup = Setup::new().await;
    let mut heard = setup.view.changes();
    let device = setup.enroll("Reception", "Portal Mini", "SN1").await;
    let enrolled = setup.row(device).await;
    assert_eq!(
        (enrolled.name.as_str(), enrolled.model.as_str(), enrolled.serial.as_str()),
        ("Reception", "Portal Mini", "SN1")
    );
    assert_eq!((enrolled.owner, enrolled.epoch, enrolled.online, enrolled.boot_id), (setup.owner, 2, false, None));
    assert_eq!((enrolled.settings_desired, enrolled.settings_applied), (1, 0));
    assert_eq!(enrolled.last_seen, enrolled.enrolled_at);

    let (first, second) = (setup.world.id(), setup.world.id());
    setup.happened(device, DeviceConnected { connection: first }).await;
    setup.happened(device, DeviceConnected { connection: second }).await;
    // The end of the replaced connection says nothing.
    setup.happened(device, DeviceDisconnected { connection: first }).await;
    let online = setup.row(device).await;
    assert!(online.online && online.last_seen > enrolled.last_seen);
    setup.happened(device, status(7, 0, "1.1")).await;
    let reported = setup.row(device).await;
    assert_eq!((reported.boot_id.map(|id| id.as_u128()), reported.software_version.as_str()), (Some(7), "1.1"));
    assert_eq!((reported.settings_applied, reported.connected_accounts.len()), (1, 1));
    setup.happened(device, DeviceRenamed { name: "Lobby".into(), settings_revision: 2 }).await;
    setup.happened(device, DeviceDisconnected { connection: second }).await;
    let offline = setup.row(device).await;
    assert_eq!((offline.name.as_str(), offline.settings_desired, offline.online), ("Lobby", 2, false));
    assert!(offline.last_seen > reported.last_seen);
    assert_eq!(setup.names(DevicesFilter::default(), "lobb", DevicesSort::default()).await, ["Lobby"]);
    assert!(setup.names(DevicesFilter::default(), "recep", DevicesSort::default()).await.is_empty());

    let mut expected = vec![DeviceChange::DeviceAdded(device)];
    expected.extend([DeviceChange::DeviceChanged(device); 5]);
    for change in expected {
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("{change:?}") };
        assert_eq!(update.what, change);
    }
}

#[tokio::test]
async fn a_command_step_by_step() {
    let setup = Setup::new().await;
    let device = setup.enroll("Reception", "Portal Mini", "SN1").await;
    let command = CommandId(setup.world.id());
    let requested =
        DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence: 1, expires_at: Some(time(600)) };
    let events: Vec<(DeviceEvent, CommandState)> = vec![
        (requested.into(), CommandState::Requested),
        (DeviceCommandQueued { command }.into(), CommandState::Queued),
        (DeviceCommandDispatched { command, attempt: 1, boot_id: None }.into(), CommandState::Dispatched),
        (DeviceCommandDispatched { command, attempt: 2, boot_id: None }.into(), CommandState::Dispatched),
        (DeviceCommandReceived { command, attempt: 2 }.into(), CommandState::Received),
        (DeviceCommandFailed { command, code: "low_battery".into() }.into(), CommandState::Failed),
    ];
    let mut heard = setup.view.changes();
    for (event, state) in &events {
        setup.happened(device, event.clone()).await;
        let row = setup.devices.command(setup.organization, command).await.unwrap().unwrap();
        assert_eq!(row.state, *state);
        let pending = setup.devices.pending_counts(setup.organization, vec![device]).await.unwrap();
        assert_eq!(pending[&device], u64::from(!state.has_ended()));
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("{state:?}") };
        assert_eq!(update.what, DeviceChange::CommandChanged { device, command });
    }
    let row = setup.devices.command(setup.organization, command).await.unwrap().unwrap();
    assert_eq!((row.device, row.kind, row.sequence, row.attempt), (device, CommandKind::Reboot, 1, 2));
    assert_eq!((row.requested_by, row.code.as_deref()), (Actor::Account(setup.owner), Some("low_battery")));
    assert_eq!(row.expires_at, Some(time(600)));
    let times = [Some(row.requested_at), row.dispatched_at, row.received_at, row.finished_at];
    assert!(times.is_sorted() && times.iter().all(Option::is_some), "{times:?}");

    let steps = setup.devices.command_steps(setup.organization, command).await.unwrap();
    let states: Vec<_> = steps.iter().map(|step| step.state).collect();
    assert_eq!(states, events.iter().map(|(_, state)| *state).collect::<Vec<_>>());
    assert_eq!(steps[3].attempt, Some(2));
    assert_eq!(steps[5].code.as_deref(), Some("low_battery"));

    // A late result is shown as what really happened.
    setup.happened(device, DeviceCommandSucceeded { command, boot_id: None }).await;
    let row = setup.devices.command(setup.organization, command).await.unwrap().unwrap();
    assert_eq!((row.state, row.code), (CommandState::Succeeded, None));
}

#[tokio::test]
async fn commands_of_several_devices() {
    let setup = Setup::new().await;
    let (one, two) = (setup.enroll("One", "M", "S1").await, setup.enroll("Two", "M", "S2").await);
    let mut commands = Vec::new();
    for sequence in 1..=3 {
        let command = CommandId(setup.world.id());
        let requested = DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence, expires_at: None };
        setup.happened(one, requested).await;
        commands.push(command);
    }
    setup.happened(one, DeviceCommandExpired { command: commands[0] }).await;
    setup.happened(one, DeviceCommandRejected { command: commands[1], code: "busy".into() }).await;
    let found = setup.devices.commands_of(setup.organization, vec![one, two], 2).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[&one].iter().map(|row| row.id).collect::<Vec<_>>(), [commands[2], commands[1]]);
    let pending = setup.devices.pending_counts(setup.organization, vec![one, two]).await.unwrap();
    assert_eq!((pending[&one], pending[&two]), (1, 0));
}

#[tokio::test]
async fn devices_are_filtered_searched_and_sorted() {
    let setup = Setup::new().await;
    let kitchen = setup.enroll("Küche", "Portal Mini", "AB-100").await;
    setup.enroll("atrium", "Portal Plus", "AB-200").await;
    setup.enroll("会議室", "Portal Mini", "CD-300").await;
    setup.happened(kitchen, DeviceConnected { connection: setup.world.id() }).await;
    let (all, by_name) = (DevicesFilter::default(), DevicesSort::default());
    for (search, expected) in [
        ("kuche", vec!["Küche"]),
        ("会議", vec!["会議室"]),
        ("室", vec!["会議室"]),
        ("ab-", vec!["atrium", "Küche"]),
        ("portal mini", vec!["Küche", "会議室"]),
        ("300 portal", vec!["会議室"]),
        ("nothing", vec![]),
    ] {
        assert_eq!(setup.names(all.clone(), search, by_name).await, expected, "{search}");
    }
    let online = DevicesFilter { online: Some(true), ..all.clone() };
    assert_eq!(setup.names(online, "", by_name).await, ["Küche"]);
    let mini = DevicesFilter { model: Some("Portal Mini".into()), online: Some(false), ..all.clone() };
    assert_eq!(setup.names(mini, "", by_name).await, ["会議室"]);
    let nobodys = DevicesFilter { owner: Some(AccountId(setup.world.id())), ..all.clone() };
    assert!(setup.names(nobodys, "", by_name).await.is_empty());
    for (field, expected) in [
        (SortField::Name, ["会議室", "Küche", "atrium"]),
        (SortField::Model, ["atrium", "会議室", "Küche"]),
        (SortField::LastSeen, ["Küche", "会議室", "atrium"]),
        (SortField::Enrolled, ["会議室", "atrium", "Küche"]),
    ] {
        assert_eq!(setup.names(all.clone(), "", DevicesSort { field, descending: true }).await, expected, "{field:?}");
    }
}

#[tokio::test]
async fn another_organization_sees_nothing_of_this_one() {
    let setup = Setup::new().await;
    let device = setup.enroll("Reception", "Portal Mini", "SN1").await;
    let command = CommandId(setup.world.id());
    let requested = DeviceCommandRequested { command, kind: CommandKind::Reboot, sequence: 1, expires_at: None };
    setup.happened(device, requested).await;
    let other = OrganizationId(setup.world.id());
    let theirs = DeviceEnrolled {
        account_epoch: 0,
        device: DeviceId(setup.world.id()),
        organization: other,
        account: setup.owner,
        pairing: PairingId(setup.world.id()),
        hardware: HardwareKey("theirs".into()),
        epoch: 1,
        serial: "SN2".into(),
        model: "Portal Mini".into(),
        software_version: "1.0".into(),
        name: "Theirs".into(),
        public_key: "{}".into(),
    };
    setup.happened(theirs.device, theirs.clone()).await;
    for stranger in [other, OrganizationId(setup.world.id())] {
        let devices = &setup.devices;
        assert_eq!(devices.device(stranger, device).await.unwrap(), None);
        assert_eq!(devices.command(stranger, command).await.unwrap(), None);
        assert!(devices.command_steps(stranger, command).await.unwrap().is_empty());
        assert!(devices.commands_of(stranger, vec![device], 5).await.unwrap().is_empty());
        let pending = devices.pending_counts(stranger, vec![device]).await.unwrap();
        assert_eq!(pending.get(&device).copied().unwrap_or(0), 0);
        let paging = Paging::Forward { first: 10, after: None };
        let query = DevicesQuery {
            filter: DevicesFilter::default(),
            search: Some("reception".into()),
            sort: DevicesSort::default(),
            paging,
        };
        assert!(devices.devices(stranger, query).await.unwrap().edges.is_empty());
    }
}

#[tokio::test]
async fn a_device_that_was_logged_out_is_shown_so() {
    let setup = Setup::new().await;
    let (device, other) = (setup.enroll("Desk", "Portal", "SN1").await, setup.enroll("Hall", "Portal", "SN2").await);
    let mut heard = setup.view.changes();
    setup.happened(device, DeviceLoggedOut {}).await;
    assert!(setup.row(device).await.logged_out && !setup.row(other).await.logged_out);
    let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("nothing was heard") };
    assert_eq!(update.what, DeviceChange::DeviceChanged(device));
}
