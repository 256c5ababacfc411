//! Accounts: how the events of one change its row.

use std::collections::BTreeSet;

use directory::{DirectoryChange, PeopleFilter, PeopleQuery, PeopleSort, PersonStatus};
use engine::{Update, paging::Paging};
use eventlog::Vault;
use schema::{
    AccountId, AccountOrigin, EmailKey, LoginMethod, OrganizationId, PersonKey, Profile, RoleId,
    events::{
        account::*,
        role::{RoleAssigned, RoleCreated},
    },
};

use crate::{setup::Setup, support::profile};

#[tokio::test]
async fn an_account_belongs_to_the_people_from_its_creation_on() {
    let setup = Setup::new().await;
    let mut heard = setup.view.changes();
    let full = Profile {
        job_title: Some("Engineer".into()),
        department: Some("R&D".into()),
        phone: Some("+44 20".into()),
        start_date: chrono::NaiveDate::from_ymd_opt(2024, 2, 29),
        ..profile("Anna", "Müller")
    };
    let account = setup.person("anna@example.com", full).await;
    let person = setup.directory.person(setup.organization, account).await.unwrap().unwrap();
    assert_eq!(person.display_name.as_deref(), Some("Anna Müller"));
    assert_eq!((person.email.as_deref(), person.domain.as_str()), (Some("anna@example.com"), "example.com"));
    assert_eq!((person.job_title.as_deref(), person.division), (Some("Engineer"), None));
    assert_eq!(person.start_date.map(|date| date.to_string()).as_deref(), Some("2024-02-29"));
    assert_eq!((person.login_method, person.origin), (LoginMethod::Password, AccountOrigin::Admin));
    assert_eq!((person.status, person.activated_at), (PersonStatus::Added, None));

    setup.account(account, AccountActivated { challenge: None, credential: setup.world.id() }).await;
    let person = setup.directory.person(setup.organization, account).await.unwrap().unwrap();
    assert_eq!(person.status, PersonStatus::Activated);
    assert!(person.activated_at.is_some_and(|at| at > person.created_at));

    // One that was given up before it was created never was among the people; one that was is so no longer.
    setup.account(AccountId(setup.world.id()), AccountAbandoned {}).await;
    let (gone, _) = (setup.person("gone@example.com", profile("Gone", "Person")).await, ());
    setup.account(gone, AccountAbandoned {}).await;
    assert_eq!(setup.find("").await, ["anna@example.com"]);
    assert_eq!(setup.find("gone").await, Vec::<String>::new());

    let expected = [
        DirectoryChange::PersonAdded(account),
        DirectoryChange::PersonChanged(account),
        DirectoryChange::PersonAdded(gone),
        DirectoryChange::PersonRemoved(gone),
    ];
    for change in expected {
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("{change:?}") };
        assert_eq!(update.what, change);
    }
}

#[tokio::test]
async fn what_changes_about_an_account_changes_its_row() {
    let setup = Setup::new().await;
    let anna = setup.person("anna@example.com", Profile { phone: Some("1".into()), ..profile("Anna", "Adams") }).await;
    setup.account(anna, AccountActivated { challenge: None, credential: setup.world.id() }).await;
    let mut heard = setup.view.changes();
    let mut changed = async || {
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("nothing was heard") };
        assert_eq!(update.what, DirectoryChange::PersonChanged(anna));
        setup.directory.person(setup.organization, anna).await.unwrap().unwrap()
    };

    let profile = Profile { department: Some("Legal".into()), ..profile("Anna", "Zhang") };
    setup.account(anna, AccountProfileChanged { profile: setup.world.sealed(anna, &profile) }).await;
    let row = changed().await;
    assert_eq!((row.display_name.as_deref(), row.family_name.as_deref()), (Some("Anna Zhang"), Some("Zhang")));
    assert_eq!((row.department.as_deref(), row.phone), (Some("Legal"), None));
    assert_eq!(setup.find("zhang anna@").await, ["anna@example.com"]);
    assert_eq!(setup.find("adams").await, Vec::<String>::new());

    let moved = AccountEmailChanged {
        email: setup.world.sealed(anna, &"zhang@example.org".to_owned()),
        email_key: EmailKey("new".into()),
        domain: "example.org".into(),
        previous: setup.world.sealed(anna, &"anna@example.com".to_owned()),
        previous_key: EmailKey("old".into()),
    };
    setup.account(anna, moved).await;
    let row = changed().await;
    assert_eq!((row.email.as_deref(), row.domain.as_str()), (Some("zhang@example.org"), "example.org"));
    assert_eq!(setup.find("anna zhang@example.org").await, ["zhang@example.org"]);
    assert_eq!(setup.find("anna@").await, Vec::<String>::new());
    let of_domain = |domain: &str| PeopleFilter { domain: Some(domain.into()), ..PeopleFilter::default() };
    assert_eq!(setup.filtered(of_domain("example.org")).await, ["zhang@example.org"]);
    assert_eq!(setup.filtered(of_domain("example.com")).await, Vec::<String>::new());

    setup.account(anna, AccountLocaleChanged { locale: "ja".into() }).await;
    assert_eq!(changed().await.locale, "ja");
    setup.account(anna, AccountPasswordResetForced {}).await;
    assert!(changed().await.must_reset_password);
    let (credential, replaced) = (setup.world.id(), None);
    setup.account(anna, AccountPasswordChanged { challenge: None, credential, replaced }).await;
    assert!(!changed().await.must_reset_password);

    // Nothing of this is on display, and nobody hears of it.
    setup.account(anna, AccountLoggedOutEverywhere {}).await;
    setup.account(anna, AccountEmailChangeBegun { email_key: EmailKey("next".into()) }).await;
    setup.account(anna, AccountDeactivated {}).await;
    let row = changed().await;
    assert_eq!(row.status, PersonStatus::Deactivated);
    assert!(row.deactivated_at > row.activated_at);
}

#[tokio::test]
async fn a_reactivated_account_stands_where_it_stood() {
    let setup = Setup::new().await;
    let added = setup.person("added@example.com", profile("Added", "Person")).await;
    let active = setup.person("active@example.com", profile("Active", "Person")).await;
    let activate = || AccountActivated { challenge: None, credential: setup.world.id() };
    setup.account(active, activate()).await;
    let status = async |account| {
        let row = setup.directory.person(setup.organization, account).await.unwrap().unwrap();
        (row.status, row.deactivated_at.is_some(), row.activated_at.is_some())
    };
    let with = |status| PeopleFilter { status: Some(status), ..PeopleFilter::default() };
    for account in [added, active] {
        setup.account(account, AccountDeactivated {}).await;
        assert_eq!(status(account).await, (PersonStatus::Deactivated, true, account == active));
    }
    assert_eq!(setup.filtered(with(PersonStatus::Deactivated)).await, ["active@example.com", "added@example.com"]);
    for account in [added, active] {
        setup.account(account, AccountReactivated {}).await;
    }
    assert_eq!(status(added).await, (PersonStatus::Added, false, false));
    assert_eq!(status(active).await, (PersonStatus::Activated, false, true));
    // Set back it has to be activated again, so it is only added after another deactivation, too.
    setup.account(active, AccountPasswordResetForced {}).await;
    setup.account(active, AccountStatusSetToCreated { replaced: None }).await;
    assert_eq!(status(active).await, (PersonStatus::Added, false, false));
    let row = setup.directory.person(setup.organization, active).await.unwrap().unwrap();
    assert!(!row.must_reset_password, "there is no password to reset");
    setup.account(active, AccountDeactivated {}).await;
    setup.account(active, AccountReactivated {}).await;
    assert_eq!(status(active).await, (PersonStatus::Added, false, false));
    setup.account(active, activate()).await;
    assert_eq!(status(active).await, (PersonStatus::Activated, false, true));
    assert_eq!(setup.filtered(with(PersonStatus::Added)).await, ["added@example.com"]);
}

#[tokio::test]
async fn an_erased_person_has_no_name_after_a_rebuild() {
    let setup = Setup::new().await;
    let department = Some("Legal".to_owned());
    let erased = setup.person("erased@example.com", Profile { department, ..profile("Erased", "Person") }).await;
    setup.person("kept@example.com", profile("Kept", "Person")).await;
    setup.world.log.delete(&PersonKey::vault_key(erased)).await.unwrap();
    setup.view.rebuild().await.unwrap();
    while setup.view.status().await.building {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let person = setup.directory.person(setup.organization, erased).await.unwrap().unwrap();
    assert_eq!((person.email, person.display_name, person.given_name, person.department), (None, None, None, None));
    assert_eq!(person.status, PersonStatus::Added);
    assert_eq!(setup.find("erased").await, Vec::<String>::new());
    assert_eq!(setup.find("person").await, ["kept@example.com"]);
    assert_eq!(setup.find("").await, ["", "kept@example.com"]);
}
#[tokio::test]
async fn another_organization_sees_nothing_of_this_one() {
    let setup = Setup::new().await;
    let account = setup.person("anna@example.com", profile("Anna", "A")).await;
    let role = RoleId(setup.world.id());
    let rights = BTreeSet::new();
    setup
        .role(RoleCreated { organization: setup.organization, role, name: "R".into(), rights, system_admin: false })
        .await;
    setup.role(RoleAssigned { role, account }).await;
    let (other, position) = setup.world.organization("Other").await;
    setup.seen(position).await;
    for stranger in [other, OrganizationId(setup.world.id())] {
        let (directory, role_filter) = (&setup.directory, PeopleFilter { role: Some(role), ..PeopleFilter::default() });
        assert_eq!(directory.person(stranger, account).await.unwrap(), None);
        assert_eq!(directory.role(stranger, role).await.unwrap(), None);
        assert_eq!(directory.roles(stranger).await.unwrap(), vec![]);
        assert!(directory.roles_of(stranger, vec![account]).await.unwrap().is_empty());
        assert!(directory.holders_of(stranger, vec![role], 10).await.unwrap().is_empty());
        assert_eq!(directory.holder_counts(stranger, vec![role]).await.unwrap().get(&role).copied().unwrap_or(0), 0);
        for (filter, search) in [(PeopleFilter::default(), "anna"), (role_filter, ""), (PeopleFilter::default(), "")] {
            let paging = Paging::Forward { first: 10, after: None };
            let query = PeopleQuery {
                filter: filter.clone(),
                search: Some(search.into()),
                sort: PeopleSort::default(),
                paging,
            };
            assert!(directory.people(stranger, query).await.unwrap().edges.is_empty());
            assert_eq!(directory.people_count(stranger, filter, Some(search.into())).await.unwrap().rows, 0);
        }
    }
}
