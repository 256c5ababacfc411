use std::collections::BTreeSet;

use schema::{
    Right,
    events::role::{RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleEvent, RoleUnassigned},
};

use super::{account, organization, role};
use crate::{Code, Roles, RolesCommand, roles::MOST_ROLES, spec::given};

/// The system admin role.
const ADMIN: u128 = 100;

fn rights(rights: &[Right]) -> BTreeSet<Right> {
    rights.iter().copied().collect()
}

fn founded() -> [RoleEvent; 2] {
    let created = RoleCreated {
        role: role(ADMIN),
        organization: organization(1),
        name: "System admin".to_owned(),
        rights: rights(&Right::ALL),
        system_admin: true,
    };
    [created.into(), assigned(ADMIN, 1)]
}

fn after(events: impl IntoIterator<Item = RoleEvent>) -> crate::spec::Given<Roles> {
    given::<Roles>(founded().into_iter().chain(events))
}

fn created(number: u128, name: &str, allows: &[Right]) -> RoleEvent {
    let (name, rights) = (name.to_owned(), rights(allows));
    RoleCreated { role: role(number), organization: organization(1), name, rights, system_admin: false }.into()
}

fn assigned(number: u128, to: u128) -> RoleEvent {
    RoleAssigned { role: role(number), account: account(to) }.into()
}

fn unassigned(number: u128, from: u128) -> RoleEvent {
    RoleUnassigned { role: role(number), account: account(from) }.into()
}

fn create(number: u128, name: &str, allows: &[Right]) -> RolesCommand {
    RolesCommand::Create { role: role(number), name: name.to_owned(), rights: rights(allows) }
}

fn edit(number: u128, name: &str, allows: &[Right]) -> RolesCommand {
    RolesCommand::Edit { role: role(number), name: name.to_owned(), rights: rights(allows) }
}

fn delete(number: u128) -> RolesCommand {
    RolesCommand::Delete { role: role(number) }
}

fn assign(number: u128, to: u128) -> RolesCommand {
    RolesCommand::Assign { role: role(number), account: account(to), activated: true }
}

fn unassign(number: u128, from: u128) -> RolesCommand {
    RolesCommand::Unassign { role: role(number), account: account(from) }
}

const DEVICES: &[Right] = &[Right::ManageDevices];
const PEOPLE: &[Right] = &[Right::ManageAccounts, Right::ReadHistory];

#[test]
fn the_founder_is_the_first_system_admin() {
    let found = || RolesCommand::Found { organization: organization(1), role: role(ADMIN), founder: account(1) };
    let story = given::<Roles>([]).when(found()).then(founded()).when(found()).then_nothing();
    assert_eq!(story.state().of(account(1)), (true, rights(&Right::ALL)));
    assert_eq!(story.state().of(account(2)), (false, BTreeSet::new()));
    let other = RolesCommand::Found { organization: organization(1), role: role(7), founder: account(2) };
    story.when(other).then_nothing();
}

#[test]
fn before_the_organization_is_founded_there_are_no_roles() {
    given::<Roles>([]).when(create(1, "Desk", DEVICES)).then_rejected(Code::NotFound);
    given::<Roles>([]).when(assign(1, 1)).then_rejected(Code::NotFound);
}

#[test]
fn a_role_has_a_name_and_rights() {
    after([])
        .when(create(1, "Desk", DEVICES))
        .then([created(1, "Desk", DEVICES)])
        .when(create(1, "Desk", DEVICES))
        .then_nothing()
        .when(create(2, "Empty", &[]))
        .then_rejected(Code::Required);
}

#[test]
fn two_roles_never_look_alike() {
    let story = after([created(1, "Help desk", DEVICES), created(2, "Sales AI", PEOPLE)]);
    for name in [
        "Help desk",
        "help DESK",
        "Help  desk",
        "Help\u{a0}desk",
        "Неlр dеsk", // Cyrillic Н, р, е
        "HeIp desk", // capital I for l
        "Ηelp desk", // Greek Η
        "Help\u{2011}desk".replace('\u{2011}', " ").as_str(),
        "Ｈｅｌｐ desk",
        "Sales Al",
        "sales ai",
        "System admin",
        "SYSTEM ADMIN",
        "System adrnin",
        "Systеm admin",                            // Cyrillic е
        "5ystem admin".replace('5', "Ѕ").as_str(), // Cyrillic Ѕ
    ] {
        story.clone().when(create(3, name, DEVICES)).then_rejected(Code::RoleNameTaken);
        let with_third =
            after([created(1, "Help desk", DEVICES), created(2, "Sales AI", PEOPLE), created(3, "C", PEOPLE)]);
        with_third.when(edit(3, name, DEVICES)).then_rejected(Code::RoleNameTaken);
    }
    for name in ["Help desk 2", "Helpdesk", "Sales", "Administrator", "ヘルプデスク"] {
        story.clone().when(create(3, name, DEVICES)).then([created(3, name, DEVICES)]);
    }
}

#[test]
fn a_name_is_free_again_when_its_role_has_gone_or_has_another() {
    after([created(1, "Desk", DEVICES), RoleDeleted { role: role(1) }.into()])
        .when(create(2, "Desk", DEVICES))
        .then([created(2, "Desk", DEVICES)]);
    after([created(1, "Desk", DEVICES), edited(1, "Rooms", DEVICES)])
        .when(create(2, "Desk", DEVICES))
        .then([created(2, "Desk", DEVICES)]);
}

fn edited(number: u128, name: &str, allows: &[Right]) -> RoleEvent {
    RoleEdited { role: role(number), name: name.to_owned(), rights: rights(allows) }.into()
}

#[test]
fn an_edit_counts_for_every_holder_at_once() {
    let story = after([created(1, "Desk", DEVICES), assigned(1, 2)]);
    assert_eq!(story.state().of(account(2)), (false, rights(DEVICES)));
    let story = story
        .when(edit(1, "DESK", PEOPLE))
        .then([edited(1, "DESK", PEOPLE)])
        .when(edit(1, "DESK", PEOPLE))
        .then_nothing()
        .when(edit(1, "DESK", &[]))
        .then_rejected(Code::Required)
        .when(edit(5, "Other", PEOPLE))
        .then_rejected(Code::NotFound);
    assert_eq!(story.state().of(account(2)), (false, rights(PEOPLE)));
}

#[test]
fn the_system_admin_role_cannot_be_changed() {
    after([])
        .when(edit(ADMIN, "Root", DEVICES))
        .then_rejected(Code::RoleBuiltIn)
        .when(delete(ADMIN))
        .then_rejected(Code::RoleBuiltIn);
}

#[test]
fn holders_of_a_deleted_role_lose_it() {
    let story = after([created(1, "Desk", DEVICES), assigned(1, 2)])
        .when(delete(1))
        .then([RoleDeleted { role: role(1) }.into()])
        .when(delete(1))
        .then_rejected(Code::NotFound);
    assert_eq!(story.state().of(account(2)), (false, BTreeSet::new()));
    // A role of the same id would begin without holders.
    let story = story.when(create(1, "Desk", DEVICES)).then([created(1, "Desk", DEVICES)]);
    assert_eq!(story.state().of(account(2)), (false, BTreeSet::new()));
}

#[test]
fn rights_add_up_over_roles() {
    let story = after([created(1, "Desk", DEVICES), created(2, "People", PEOPLE)])
        .when(assign(1, 2))
        .then([assigned(1, 2)])
        .when(assign(1, 2))
        .then_nothing()
        .when(assign(2, 2))
        .then([assigned(2, 2)]);
    assert_eq!(story.state().of(account(2)), (false, rights(&[DEVICES, PEOPLE].concat())));
    let story = story
        .when(unassign(1, 2))
        .then([unassigned(1, 2)])
        .when(unassign(1, 2))
        .then_nothing()
        .when(assign(9, 2))
        .then_rejected(Code::NotFound)
        .when(unassign(9, 2))
        .then_rejected(Code::NotFound);
    assert_eq!(story.state().of(account(2)), (false, rights(PEOPLE)));
}

#[test]
fn a_custom_role_may_wait_for_its_holder_but_a_system_admin_is_active() {
    let not_activated = |number| RolesCommand::Assign { role: role(number), account: account(2), activated: false };
    after([created(1, "Desk", DEVICES)])
        .when(not_activated(1))
        .then([assigned(1, 2)])
        .when(not_activated(ADMIN))
        .then_rejected(Code::AccountNotActivated);
}

#[test]
fn the_last_system_admin_remains() {
    let story = after([])
        .when(unassign(ADMIN, 1))
        .then_rejected(Code::LastSystemAdmin)
        .when(unassign(ADMIN, 2))
        .then_nothing()
        .when(assign(ADMIN, 2))
        .then([assigned(ADMIN, 2)])
        .when(unassign(ADMIN, 1))
        .then([unassigned(ADMIN, 1)])
        .when(unassign(ADMIN, 2))
        .then_rejected(Code::LastSystemAdmin);
    assert_eq!(story.state().of(account(1)), (false, BTreeSet::new()));
    assert!(story.state().of(account(2)).0);
}

#[test]
fn a_custom_role_with_every_right_does_not_make_a_system_admin() {
    let story = after([created(1, "Everything", &Right::ALL), assigned(1, 2)]);
    assert_eq!(story.state().of(account(2)), (false, rights(&Right::ALL)));
    story.when(unassign(ADMIN, 1)).then_rejected(Code::LastSystemAdmin);
}

#[test]
fn an_organization_has_a_hundred_roles_at_most() {
    let full = (1..MOST_ROLES as u128).map(|number| created(number, &format!("Team {number:03}"), DEVICES));
    after(full)
        .when(create(200, "One more", DEVICES))
        .then_rejected(Code::TooMany)
        .when(delete(5))
        .then_accepted()
        .when(create(200, "One more", DEVICES))
        .then_accepted();
}
