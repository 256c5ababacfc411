//! Every event that was ever recorded folds.

use std::{collections::BTreeMap, fs, path::Path};

use schema::{events::EventFamily, generate::Golden};

use crate::{
    Account, Aggregate, Device, DomainReservation, EmailReservation, HardwareReservation, Import,
    ImportFileReservation, ImportStatus, Organization, Pairing, PairingState, Recovery, Roles, Session, Signup,
    SupportRequest, UserCodeReservation, account::AccountStatus, fold, spec::START,
};

/// The goldens of one family by name of the type, newest version first.
fn goldens<E: EventFamily>() -> BTreeMap<&'static str, Vec<E>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/golden");
    let of = |name: &str, version: u16| {
        let text = fs::read_to_string(folder.join(schema::generate::file_name(name, version))).unwrap();
        let golden = Golden::read(&text).unwrap();
        E::decode(&golden.event_type, golden.version, &serde_json::to_vec(&golden.payload).unwrap()).unwrap()
    };
    let versions = |t: &schema::EventType| (1..=t.version).rev().map(|version| of(t.name, version)).collect();
    E::TYPES.iter().map(|t| (t.name, versions(t))).collect()
}

/// The state after the goldens of these types, each in its newest version. All examples name the same things, so they
/// tell a story.
fn story<A: Aggregate>(names: &[&str]) -> A {
    let goldens = goldens::<A::Event>();
    // Each one and each version by itself, then all of them in any order.
    for events in goldens.values() {
        events.iter().for_each(|event| drop(A::default().evolve(event)));
    }
    drop(fold(A::default(), goldens.values().flatten()));
    fold(A::default(), names.iter().map(|name| &goldens[name][0]))
}

#[test]
fn a_sign_up() {
    let signup: Signup = story(&["signup.begun", "signup.code_rejected", "signup.email_confirmed", "signup.completed"]);
    assert!(signup.begun().is_some() && signup.completed().is_some());
}

#[test]
fn an_organization() {
    let organization: Organization = story(&["organization.created", "organization.domain_allowed"]);
    assert!(organization.organization().is_some());
    assert!(organization.allows(&crate::text::DomainName::parse("example.com").unwrap()));
}

#[test]
fn an_organization_with_a_domain_of_its_own() {
    const BEGUN: [&str; 3] =
        ["organization.created", "organization.domain_allowed", "organization.domain_verification_begun"];
    let after = |names: &[&str]| {
        let organization: Organization = story(&[&BEGUN, names].concat());
        organization.domain("example.com").cloned()
    };
    let begun = after(&["organization.domain_code_rejected"]).unwrap();
    assert!(begun.verified.is_none() && begun.attempt.unwrap().wrong_codes == 1);
    let failed = after(&["organization.domain_verification_failed"]).unwrap().attempt.unwrap();
    assert_eq!(failed.failed.as_deref(), Some("EXPIRED"));
    let verified = after(&["organization.domain_verified"]).unwrap();
    assert!(verified.attempt.is_none() && verified.verified.is_some() && !verified.proof_lost);
    assert!(after(&["organization.domain_verified", "organization.domain_proof_lost"]).unwrap().proof_lost);
    let found = ["organization.domain_verified", "organization.domain_proof_lost", "organization.domain_proof_found"];
    assert!(!after(&found).unwrap().proof_lost);
    assert_eq!(after(&["organization.domain_verified", "organization.domain_removed"]), None);
    let dressed: Organization = story(&["organization.created", "organization.renamed", "organization.logo_changed"]);
    assert!(!dressed.name().is_empty() && dressed.logo().is_some());
}

#[test]
fn an_account() {
    let account: Account = story(&["account.created", "account.activation_link_issued", "account.activated"]);
    assert_eq!(account.status(), AccountStatus::Activated);
    assert!(account.owner().is_some() && account.credential().is_some());
}

#[test]
fn an_account_through_its_days() {
    const ACTIVE: [&str; 2] = ["account.created", "account.activated"];
    let after = |names: &[&str]| story::<Account>(&[&ACTIVE, names].concat());
    let edited = after(&[
        "account.profile_changed",
        "account.locale_changed",
        "account.email_change_begun",
        "account.email_change_abandoned",
        "account.email_change_begun",
        "account.email_changed",
    ]);
    let before: Account = story(&ACTIVE);
    assert_eq!((edited.status(), edited.session_epoch()), (AccountStatus::Activated, 0));
    assert_eq!(edited.details().unwrap().account, before.details().unwrap().account);
    let reset = after(&["account.password_reset_forced", "account.password_reset_link_issued"]);
    assert!(reset.must_reset() && reset.reset_link().is_some());
    let reset = after(&["account.password_reset_forced", "account.password_changed"]);
    assert!(!reset.must_reset() && reset.credential().is_some());
    assert_eq!(reset.session_epoch(), 2);
    assert_eq!(after(&["account.deactivated"]).status(), AccountStatus::Deactivated);
    let back = after(&["account.deactivated", "account.reactivated", "account.logged_out_everywhere"]);
    assert_eq!((back.status(), back.session_epoch(), back.unit_epoch()), (AccountStatus::Activated, 2, 2));
    let set_back = after(&["account.status_set_to_created"]);
    assert_eq!((set_back.status(), set_back.credential()), (AccountStatus::Added, None));
    assert_eq!(story::<Account>(&["account.abandoned"]).status(), AccountStatus::Abandoned);
}

#[test]
fn a_recovery_and_a_request_to_the_support() {
    let recovery = story::<Recovery>(&["recovery.requested", "recovery.answered"]);
    assert!(format!("{recovery:?}").contains("answered: Some"));
    let request: SupportRequest = story(&["support.requested"]);
    assert!(request.requested().is_some() && request.organization().is_some() && request.owner().is_some());
}

#[test]
fn a_session() {
    let session: Session = story(&["session.started"]);
    assert!(session.valid(START).is_some());
    assert!(story::<Session>(&["session.started", "session.ended"]).valid(START).is_none());
}

#[test]
fn roles() {
    let created: Roles = story(&["role.created", "role.assigned"]);
    let goldens = goldens();
    let schema::events::RoleEvent::Assigned(assigned) = &goldens["role.assigned"][0] else { panic!() };
    let (system_admin, rights) = created.of(assigned.account);
    assert!(system_admin && !rights.is_empty());
    assert!(!story::<Roles>(&["role.created", "role.assigned", "role.unassigned"]).of(assigned.account).0);
    let resting: Roles = story(&["role.created", "role.assigned", "role.holder_suspended"]);
    assert!(!resting.of(assigned.account).0 && resting.held(assigned.account).0);
    let names = ["role.created", "role.assigned", "role.holder_suspended", "role.holder_resumed"];
    assert!(story::<Roles>(&names).of(assigned.account).0);
}

#[test]
fn a_pairing() {
    let pairing: Pairing = story(&["pairing.requested", "pairing.approved", "pairing.completed"]);
    assert_eq!(pairing.state(), PairingState::Completed);
    assert!(pairing.requested().is_some() && pairing.approved().is_some());
}

#[test]
fn a_device() {
    let device: Device = story(&["device.enrolled", "device.connected", "device.command_requested"]);
    assert!(device.enrolled().is_some() && device.connection().is_some());
    assert_eq!(device.open_commands().len(), 1);
    let done: Device = story(&[
        "device.enrolled",
        "device.command_requested",
        "device.command_dispatched",
        "device.command_received",
        "device.command_succeeded",
    ]);
    assert!(done.open_commands().is_empty());
    assert!(story::<Device>(&["device.enrolled", "device.logged_out"]).is_logged_out());
}

#[test]
fn an_import() {
    const REVIEWED: [&str; 4] = ["import.uploaded", "import.row_edited", "import.row_removed", "import.confirmed"];
    let after = |names: &[&str]| story::<Import>(&[&REVIEWED, names].concat());
    let finished = after(&["import.progressed", "import.invitations_progressed", "import.finished"]);
    assert_eq!(finished.status(), ImportStatus::Finished);
    assert!(finished.created() > 0 && !finished.refused().is_empty() && finished.invited_through() > 0);
    assert!(!finished.edits().is_empty() && !finished.removed().is_empty() && finished.deletion_due().is_some());
    let cancelled = after(&["import.progressed", "import.cancelled", "import.discarded"]);
    assert!(cancelled.status() == ImportStatus::Cancelled && cancelled.is_discarded());
    assert_eq!(story::<Import>(&["import.uploaded", "import.discarded"]).status(), ImportStatus::Expired);
    assert!(story::<ImportFileReservation>(&["import_file.uploaded"]).latest().is_some());
}

#[test]
fn reservations() {
    assert!(story::<EmailReservation>(&["email.reserved"]).holder().is_some());
    assert!(story::<EmailReservation>(&["email.reserved", "email.released"]).holder().is_none());
    assert!(story::<EmailReservation>(&["email.reserved_for_import"]).holder().is_some());
    assert!(story::<UserCodeReservation>(&["user_code.reserved"]).pairing(START).is_some());
    assert!(story::<DomainReservation>(&["domain.reserved"]).holder().is_some());
    assert!(story::<DomainReservation>(&["domain.reserved", "domain.released"]).holder().is_none());
    assert!(story::<HardwareReservation>(&["hardware.enrolled"]).enrolled().is_some());
    assert!(story::<HardwareReservation>(&["hardware.enrolled", "hardware.released"]).enrolled().is_none());
}
