//! Roles and who holds them.

use std::collections::BTreeSet;

use directory::{DirectoryChange, PeopleFilter, RoleRow};
use engine::Update;
use schema::{
    Right, RoleId,
    events::role::{RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleUnassigned},
};

use crate::{setup::Setup, support::profile};

#[tokio::test]
async fn roles_and_who_holds_them() {
    let setup = Setup::new().await;
    let (admin, desk, other) = (RoleId(setup.world.id()), RoleId(setup.world.id()), RoleId(setup.world.id()));
    let created = |role, name: &str, system_admin| RoleCreated {
        organization: setup.organization,
        role,
        name: name.into(),
        rights: if system_admin { Right::ALL.into() } else { BTreeSet::from([Right::ManageDevices]) },
        system_admin,
    };
    let role_names = |roles: &[RoleRow]| roles.iter().map(|role| role.name.clone()).collect::<Vec<_>>();
    setup.role(created(desk, "ändern", false)).await;
    setup.role(created(other, "Zebra", false)).await;
    setup.role(created(admin, "System admin", true)).await;
    let roles = setup.directory.roles(setup.organization).await.unwrap();
    assert_eq!(role_names(&roles), ["System admin", "ändern", "Zebra"]);
    assert_eq!((roles[0].system_admin, roles[0].rights.len(), roles[1].system_admin), (true, 6, false));

    let anna = setup.person("anna@example.com", profile("Anna", "A")).await;
    let ben = setup.person("ben@example.com", profile("Ben", "B")).await;
    for (role, account) in [(admin, anna), (desk, anna), (desk, ben), (desk, ben)] {
        setup.role(RoleAssigned { role, account }).await;
    }
    let held = setup.directory.roles_of(setup.organization, vec![anna, ben]).await.unwrap();
    assert_eq!(role_names(&held[&anna]), ["System admin", "ändern"]);
    assert_eq!(role_names(&held[&ben]), ["ändern"]);
    let holders = setup.directory.holders_of(setup.organization, vec![desk, admin, other], 1).await.unwrap();
    assert_eq!((holders[&desk].len(), holders[&desk][0].id, holders.len()), (1, anna, 2));
    let counts = setup.directory.holder_counts(setup.organization, vec![desk, admin, other]).await.unwrap();
    assert_eq!((counts[&desk], counts[&admin], counts[&other]), (2, 1, 0));
    let with_role = PeopleFilter { role: Some(desk), ..PeopleFilter::default() };
    assert_eq!(setup.filtered(with_role.clone()).await, ["anna@example.com", "ben@example.com"]);

    setup.role(RoleUnassigned { role: desk, account: anna }).await;
    assert_eq!(setup.filtered(with_role.clone()).await, ["ben@example.com"]);
    let rights = BTreeSet::from([Right::ReadHistory]);
    setup.role(RoleEdited { role: desk, name: "Auditors".into(), rights: rights.clone() }).await;
    let row = setup.directory.role(setup.organization, desk).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.rights), ("Auditors", rights));

    let mut heard = setup.view.changes();
    setup.role(RoleDeleted { role: desk }).await;
    assert_eq!(setup.directory.role(setup.organization, desk).await.unwrap(), None);
    assert_eq!(setup.directory.roles_of(setup.organization, vec![ben]).await.unwrap().len(), 0);
    for change in [DirectoryChange::PersonChanged(ben), DirectoryChange::RoleRemoved(desk)] {
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("{change:?}") };
        assert_eq!(update.what, change);
    }
}
