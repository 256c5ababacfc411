//! The directory on a real log: what each event changes, and what the queries answer.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test, its helpers included")]

#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::collections::{BTreeSet, HashMap, HashSet};

use directory::{
    Directory, DirectoryChange, DirectoryProjection, LogoRow, PeopleFilter, PeopleQuery, PeopleSort, PersonRow,
    PersonStatus, RoleRow, SortField,
};
use engine::{Update, View, ViewError, paging::Paging};
use eventlog::Vault;
use futures::{StreamExt, stream};
use schema::{
    AccountId, AccountOrigin, LoginMethod, OrganizationId, PersonKey, Position, Profile, Right, RoleId, StreamId,
    events::{
        AccountEvent, OrganizationEvent, RoleEvent,
        account::{AccountAbandoned, AccountActivated},
        organization::{OrganizationDomainAllowed, OrganizationLogoChanged, OrganizationRenamed},
        role::{RoleAssigned, RoleCreated, RoleDeleted, RoleEdited, RoleUnassigned},
    },
};
use support::{World, profile, soon, system};
use tempfile::TempDir;

struct Setup {
    world: World,
    view: View<DirectoryProjection>,
    directory: Directory,
    organization: OrganizationId,
    _folder: TempDir,
}

impl Setup {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::open(folder.path());
        let (organization, position) = world.organization("Example").await;
        let view: View<DirectoryProjection> =
            View::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
        view.ready(soon()).await.unwrap();
        view.wait_for(position, soon()).await.unwrap();
        let directory = Directory::new(view.reads());
        Self { world, view, directory, organization, _folder: folder }
    }

    async fn person(&self, email: &str, profile: Profile) -> AccountId {
        let (account, position) = self.world.person(self.organization, email, profile).await;
        self.seen(position).await;
        account
    }

    async fn account(&self, account: AccountId, event: impl Into<AccountEvent>) {
        self.seen(self.world.append(&StreamId::new("account", &account), system(), event.into()).await).await;
    }

    async fn role(&self, event: impl Into<RoleEvent>) {
        self.seen(self.world.append(&StreamId::new("roles", &self.organization), system(), event.into()).await).await;
    }

    async fn seen(&self, position: Position) {
        self.view.wait_for(position, soon()).await.unwrap();
    }

    async fn find(&self, search: &str) -> Vec<String> {
        let found = self.all(PeopleFilter::default(), search, PeopleSort::default(), 50).await;
        let count = self.directory.people_count(self.organization, PeopleFilter::default(), Some(search.into())).await;
        assert_eq!(count.unwrap(), found.len() as u64, "{search}");
        found
    }

    async fn filtered(&self, filter: PeopleFilter) -> Vec<String> {
        let found = self.all(filter.clone(), "", PeopleSort::default(), 50).await;
        assert_eq!(self.directory.people_count(self.organization, filter, None).await.unwrap(), found.len() as u64);
        found
    }

    /// The email addresses of everybody who is found, page by page, and the same from the other end.
    async fn all(&self, filter: PeopleFilter, search: &str, sort: PeopleSort, size: usize) -> Vec<String> {
        let query = |paging| PeopleQuery { filter: filter.clone(), search: Some(search.into()), sort, paging };
        let (mut forward, mut after) = (Vec::new(), None);
        loop {
            let is_first = after.is_none();
            let paging = Paging::Forward { first: size, after: after.take() };
            let page = self.directory.people(self.organization, query(paging)).await.unwrap();
            assert_eq!(page.has_previous, !is_first);
            after = page.edges.last().map(|edge| edge.cursor.clone());
            forward.extend(page.edges.into_iter().map(|edge| email(&edge.node)));
            if !page.has_next {
                break;
            }
        }
        let (mut backward, mut before) = (Vec::new(), None);
        loop {
            let paging = Paging::Backward { last: size, before: before.take() };
            let page = self.directory.people(self.organization, query(paging)).await.unwrap();
            before = page.edges.first().map(|edge| edge.cursor.clone());
            backward.splice(0..0, page.edges.into_iter().map(|edge| email(&edge.node)));
            if !page.has_previous {
                break;
            }
        }
        assert_eq!(forward, backward);
        forward
    }
}

fn email(person: &PersonRow) -> String {
    person.email.clone().unwrap_or_default()
}

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
async fn an_organization_and_its_domains() {
    let setup = Setup::new().await;
    let stream = StreamId::new("organization", &setup.organization);
    for domain in ["example.org", "example.com", "example.org"] {
        let allowed = OrganizationDomainAllowed { domain: domain.into() };
        setup.seen(setup.world.append(&stream, system(), OrganizationEvent::DomainAllowed(allowed)).await).await;
    }
    let row = setup.directory.organization(setup.organization).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.domains), ("Example", vec!["example.com".to_owned(), "example.org".into()]));
}

#[tokio::test]
async fn an_organization_changes_its_name_and_its_logo() {
    let setup = Setup::new().await;
    let mut heard = setup.view.changes();
    let stream = StreamId::new("organization", &setup.organization);
    let row = setup.directory.organization(setup.organization).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.logo), ("Example", None));
    let logo = |sha256: &str, width| OrganizationLogoChanged { sha256: sha256.into(), width, height: 300 };
    for event in [
        OrganizationEvent::Renamed(OrganizationRenamed { name: "Beispiel".into() }),
        OrganizationEvent::LogoChanged(logo("aa", 500)),
        OrganizationEvent::LogoChanged(logo("bb", 600)),
    ] {
        setup.seen(setup.world.append(&stream, system(), event).await).await;
        let Some(Update::Changed(update)) = heard.next(setup.organization).await else { panic!("nothing was heard") };
        assert_eq!(update.what, DirectoryChange::OrganizationChanged);
    }
    let row = setup.directory.organization(setup.organization).await.unwrap().unwrap();
    let logo = LogoRow { sha256: "bb".into(), width: 600, height: 300 };
    assert_eq!((row.name.as_str(), row.logo), ("Beispiel", Some(logo)));
}

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

#[tokio::test]
async fn search_finds_any_part_in_any_script() {
    let setup = Setup::new().await;
    let people = [
        ("jose@example.com", "José", "Álvarez"),
        ("isik@example.com", "Işık", "Çelik"),
        ("ipek@example.com", "İpek", "Öz"),
        ("strasse@example.com", "Jörg", "Straße"),
        ("dmitri@example.com", "Дмитрий", "Ёлкин"),
        ("tanaka@example.com", "太郎", "田中"),
        ("kim@example.com", "민수", "김"),
        ("alex@example.com", "Αλέξανδρος", "Νικολαΐδης"),
        ("emoji@example.com", "👩‍💻 Ada", "🦊"),
        ("o'brien+x@mail.example.org", "Siobhán", "O'Brien"),
        ("rtl@example.com", "محمد", "حداد"),
    ];
    for (address, given, family) in people {
        setup.person(address, profile(given, family)).await;
    }
    for (search, expected) in [
        ("jose", vec!["jose@example.com"]),
        ("JOSÉ", vec!["jose@example.com"]),
        ("Jose\u{301}", vec!["jose@example.com"]),
        ("varez jo", vec!["jose@example.com"]),
        ("işık", vec!["isik@example.com"]),
        ("ISIK", vec!["isik@example.com"]),
        ("ışı", vec!["isik@example.com"]),
        ("IPEK", vec!["ipek@example.com"]),
        ("ipe", vec!["ipek@example.com"]),
        ("STRASSE", vec!["strasse@example.com"]),
        ("aß", vec!["strasse@example.com"]),
        ("дмит", vec!["dmitri@example.com"]),
        ("ЕЛК", vec!["dmitri@example.com"]),
        ("й", vec!["dmitri@example.com"]),
        ("田", vec!["tanaka@example.com"]),
        ("太郎 田中", vec!["tanaka@example.com"]),
        ("김", vec!["kim@example.com"]),
        ("αλεξ", vec!["alex@example.com"]),
        ("🦊", vec!["emoji@example.com"]),
        ("👩‍💻 ada", vec!["emoji@example.com"]),
        ("o'b", vec!["o'brien+x@mail.example.org"]),
        ("+x@mail", vec!["o'brien+x@mail.example.org"]),
        ("حد", vec!["rtl@example.com"]),
        ("q", vec![]),
        ("jose 田", vec![]),
        ("\"", vec![]),
        ("%", vec![]),
        ("example.com* OR", vec![]),
    ] {
        assert_eq!(setup.find(search).await, expected, "{search}");
    }
    assert_eq!(setup.find("   ").await.len(), people.len());
    assert_eq!(setup.find("@example.com").await.len(), people.len() - 1);
}

#[tokio::test]
async fn filters_and_sorts_combine() {
    let setup = Setup::new().await;
    let in_department =
        |given: &str, department: &str| Profile { department: Some(department.into()), ..profile(given, "X") };
    let carl = setup.person("carl@b.example", in_department("Carl", "Sales")).await;
    setup.person("anna@a.example", in_department("anna", "SALES")).await;
    setup.person("bert@a.example", in_department("Bert", "Legal")).await;
    setup.account(carl, AccountActivated { challenge: None, credential: setup.world.id() }).await;

    let filter = PeopleFilter::default();
    let sales = PeopleFilter { department: Some("sales".into()), ..filter.clone() };
    assert_eq!(setup.filtered(sales.clone()).await, ["anna@a.example", "carl@b.example"]);
    let activated = PeopleFilter { status: Some(PersonStatus::Activated), ..filter.clone() };
    assert_eq!(setup.filtered(activated).await, ["carl@b.example"]);
    let domain = PeopleFilter { domain: Some("a.example".into()), ..filter.clone() };
    assert_eq!(setup.filtered(domain).await, ["anna@a.example", "bert@a.example"]);
    let by_sso = PeopleFilter { login_method: Some(LoginMethod::SingleSignOn), ..filter.clone() };
    assert_eq!(setup.filtered(by_sso).await, Vec::<String>::new());
    let nobody = PeopleFilter { role: Some(RoleId(setup.world.id())), ..filter.clone() };
    assert_eq!(setup.filtered(nobody).await, Vec::<String>::new());
    assert_eq!(setup.all(sales, "a.example", PeopleSort::default(), 1).await, ["anna@a.example"]);

    for (field, expected) in [
        (SortField::Name, ["anna@a.example", "bert@a.example", "carl@b.example"]),
        (SortField::Email, ["anna@a.example", "bert@a.example", "carl@b.example"]),
        (SortField::Created, ["carl@b.example", "anna@a.example", "bert@a.example"]),
        (SortField::Status, ["anna@a.example", "bert@a.example", "carl@b.example"]),
    ] {
        for size in [1, 2, 3] {
            let mut expected = expected.map(str::to_owned).to_vec();
            assert_eq!(setup.all(filter.clone(), "", PeopleSort { field, descending: false }, size).await, expected);
            expected.reverse();
            assert_eq!(setup.all(filter.clone(), "", PeopleSort { field, descending: true }, size).await, expected);
        }
    }
}

/// With so many people that every plan of a page is taken: few found, many found, many found far on, and few found where
/// each condition alone finds many.
#[tokio::test]
async fn every_plan_finds_the_same_people() {
    let setup = Setup::new().await;
    let people = stream::iter(0..9_000_u32).map(async |n| {
        // 2,100 are called Zoe, which comes last; 2,100 are in Legal; 300 are both.
        let given = if n % 30 < 7 { "Zoe" } else { "Ann" };
        let department = Some(if (6..13).contains(&(n % 30)) { "Legal" } else { "Sales" }.to_owned());
        let address = format!("p{}@example.com", n * 7_919 % 10_007);
        let person = Profile { department, ..profile(given, &format!("F{:03}", n % 1_000)) };
        let (account, position) = setup.world.person(setup.organization, &address, person.clone()).await;
        (position, account, address, person)
    });
    let mut everybody: Vec<_> = people.buffer_unordered(500).collect().await;
    everybody.sort_by_key(|(position, ..)| *position);
    setup.seen(everybody.last().unwrap().0).await;
    let in_log: HashMap<_, _> =
        everybody.iter().map(|(position, _, address, _)| (address.clone(), *position)).collect();
    let accounts = everybody.iter().map(|(_, account, ..)| *account).collect();
    let rows = setup.directory.people_by_ids(setup.organization, accounts).await.unwrap();
    everybody.sort_by_key(|(_, account, ..)| rows[account].created_at);
    let everybody: Vec<_> = everybody.into_iter().map(|(_, _, address, person)| (address, person)).collect();
    for field in [SortField::Name, SortField::Email, SortField::Created, SortField::Status] {
        for descending in [false, true] {
            for (search, department) in
                [("zoe", None), ("zo", Some("legal")), ("f00", None), ("", Some("Legal")), ("ann", None)]
            {
                let filter = PeopleFilter { department: department.map(str::to_owned), ..PeopleFilter::default() };
                let found = setup.all(filter, search, PeopleSort { field, descending }, 200).await;
                let fits = |address: &str, person: &Profile| {
                    let text = format!("{} {} {address}", person.given_name, person.family_name).to_lowercase();
                    let department_fits = department.is_none_or(|d| {
                        person.department.as_deref().is_some_and(|of_person| of_person.eq_ignore_ascii_case(d))
                    });
                    text.contains(search) && department_fits
                };
                let mut expected: Vec<_> = everybody.iter().filter(|(address, person)| fits(address, person)).collect();
                let name = |person: &Profile| format!("{} {}", person.given_name, person.family_name);
                match field {
                    SortField::Name => expected.sort_by_key(|(address, person)| (name(person), in_log[address])),
                    SortField::Email => expected.sort_by_key(|(address, _)| address.clone()),
                    SortField::Created => {}
                    // Where all have the same, the order of the log decides.
                    SortField::Status => expected.sort_by_key(|(address, _)| in_log[address]),
                }
                if descending {
                    expected.reverse();
                }
                let expected: Vec<&String> = expected.into_iter().map(|(address, _)| address).collect();
                assert!(found.iter().eq(expected), "{field:?} {descending} {search:?} {department:?}");
            }
        }
    }
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_people_come_and_go() {
    let setup = Setup::new().await;
    let mut there = Vec::new();
    for n in 0..60 {
        there.push((setup.person(&format!("m{n:02}@example.com"), profile("Same", "Name")).await, n));
    }
    let (mut seen, mut after, mut round) = (Vec::new(), None, 0);
    loop {
        let paging = Paging::Forward { first: 7, after: after.take() };
        let query = PeopleQuery { filter: PeopleFilter::default(), search: None, sort: PeopleSort::default(), paging };
        let page = setup.directory.people(setup.organization, query).await.unwrap();
        seen.extend(page.edges.iter().map(|edge| edge.node.id));
        after = page.edges.last().map(|edge| edge.cursor.clone());
        if !page.has_next {
            break;
        }
        // Before and behind the cursor; and the very row of the cursor goes.
        setup.person(&format!("a{round}@example.com"), profile("Aaa", "First")).await;
        setup.person(&format!("z{round}@example.com"), profile("Zzz", "Last")).await;
        setup.account(*seen.last().unwrap(), AccountAbandoned {}).await;
        round += 1;
    }
    let once: HashSet<_> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "nobody twice");
    assert!(there.iter().all(|(account, _)| once.contains(account)), "nobody left out who was there all the time");
}

#[tokio::test]
async fn nonsense_for_a_cursor_or_a_size_is_refused() {
    let setup = Setup::new().await;
    setup.person("anna@example.com", profile("Anna", "A")).await;
    setup.person("ben@example.com", profile("Ben", "B")).await;
    let query = |paging, field| PeopleQuery {
        filter: PeopleFilter::default(),
        search: None,
        sort: PeopleSort { field, descending: false },
        paging,
    };
    let people = async |paging, field| setup.directory.people(setup.organization, query(paging, field)).await;
    let page = people(Paging::Forward { first: 1, after: None }, SortField::Name).await.unwrap();
    let cursor = page.edges[0].cursor.clone();
    for (after, field) in [("nonsense".to_owned(), SortField::Name), (cursor, SortField::Email)] {
        let refused = people(Paging::Forward { first: 1, after: Some(after) }, field).await;
        assert!(matches!(refused, Err(ViewError::Cursor(_))));
    }
    for size in [0, 201] {
        let refused = people(Paging::Backward { last: size, before: None }, SortField::Name).await;
        assert!(matches!(refused, Err(ViewError::PageSize)));
    }
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
            assert_eq!(directory.people_count(stranger, filter, Some(search.into())).await.unwrap(), 0);
        }
    }
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
