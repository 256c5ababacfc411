//! Filters and orders, one by one and together.

use directory::{PeopleFilter, PeopleSort, PersonStatus, SortField};
use engine::search::fold;
use futures::{StreamExt, stream};
use schema::{
    AccountId, AccountOrigin, EmailKey, LoginMethod, Position, Profile, RoleId, StreamId,
    events::{
        AccountEvent,
        account::*,
        role::{RoleAssigned, RoleDeleted, RoleUnassigned},
    },
};

use crate::{
    setup::Setup,
    support::{profile, system, time},
};

#[tokio::test]
async fn filters_and_sorts_combine() {
    let setup = Setup::new().await;
    let in_department = |given: &str, department: &str| Profile {
        department: Some(department.into()),
        division: Some("East".into()),
        location: Some("Zürich".into()),
        manager_email: Some("boss@a.example".into()),
        ..profile(given, "X")
    };
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
    for (filter, expected) in [
        (PeopleFilter { origin: Some(AccountOrigin::Admin), ..filter.clone() }, 3),
        (PeopleFilter { origin: Some(AccountOrigin::Import), ..filter.clone() }, 0),
        (PeopleFilter { locale: Some("en-GB".into()), ..filter.clone() }, 3),
        (PeopleFilter { locale: Some("de".into()), ..filter.clone() }, 0),
        (PeopleFilter { location: Some("ZÜRICH".into()), ..filter.clone() }, 3),
        (PeopleFilter { division: Some("east".into()), ..filter.clone() }, 3),
        (PeopleFilter { division: Some(String::new()), ..filter.clone() }, 0),
        (PeopleFilter { manager_email: Some("Boss@a.example".into()), ..filter.clone() }, 3),
        (PeopleFilter { manager_email: Some("boss".into()), ..filter.clone() }, 0),
        (PeopleFilter { created_from: Some(time(0)), created_until: Some(time(1_000)), ..filter.clone() }, 3),
        (PeopleFilter { created_until: Some(time(0)), ..filter.clone() }, 0),
        (PeopleFilter { created_from: Some(time(1_000)), ..filter.clone() }, 0),
    ] {
        assert_eq!(setup.filtered(filter.clone()).await.len(), expected, "{filter:?}");
    }

    for (field, expected) in [
        (SortField::Name, ["anna@a.example", "bert@a.example", "carl@b.example"]),
        (SortField::Email, ["anna@a.example", "bert@a.example", "carl@b.example"]),
        (SortField::Created, ["carl@b.example", "anna@a.example", "bert@a.example"]),
        (SortField::Status, ["anna@a.example", "bert@a.example", "carl@b.example"]),
        (SortField::Department, ["bert@a.example", "carl@b.example", "anna@a.example"]),
    ] {
        for size in [1, 2, 3] {
            let mut expected = expected.map(str::to_owned).to_vec();
            assert_eq!(setup.all(filter.clone(), "", PeopleSort { field, descending: false }, size).await, expected);
            expected.reverse();
            assert_eq!(setup.all(filter.clone(), "", PeopleSort { field, descending: true }, size).await, expected);
        }
    }
}

/// What the test knows of somebody.
#[derive(Clone)]
struct Known {
    account: AccountId,
    /// Where in the log the person was added.
    added: Position,
    email: String,
    profile: Profile,
    status: PersonStatus,
    roles: Vec<RoleId>,
    gone: bool,
}

impl Known {
    fn name_key(&self) -> String {
        fold(&format!("{} {}", self.profile.given_name, self.profile.family_name))
    }

    fn department_key(&self) -> String {
        fold(self.profile.department.as_deref().unwrap_or_default())
    }

    /// What the person is sorted by; who has the same is in the order of the log.
    fn key(&self, field: SortField) -> (String, i64) {
        match field {
            SortField::Name => (self.name_key(), 0),
            SortField::Email => (fold(&self.email), 0),
            SortField::Created => (String::new(), 0),
            SortField::Status => (String::new(), self.status as i64),
            SortField::Department => (self.department_key(), 0),
        }
    }

    fn fits(&self, filter: &PeopleFilter, search: &str) -> bool {
        let text = format!("{} {}", self.name_key(), fold(&self.email));
        let domain = self.email.rsplit('@').next().unwrap();
        !self.gone
            && search.split(' ').all(|word| text.contains(word))
            && filter.status.is_none_or(|status| status == self.status)
            && filter.role.is_none_or(|role| self.roles.contains(&role))
            && filter.domain.as_deref().is_none_or(|of| of == domain)
            && filter.department.as_deref().is_none_or(|of| fold(of) == self.department_key())
    }

    /// What happens to somebody, as the draw decides: nothing to most.
    fn suffer(&mut self, setup: &Setup, draw: u32) -> Vec<AccountEvent> {
        let mut events: Vec<AccountEvent> = Vec::new();
        if draw.is_multiple_of(5) {
            self.status = PersonStatus::Activated;
            events.push(AccountActivated { challenge: None, credential: setup.world.id() }.into());
        }
        if draw.is_multiple_of(7) {
            self.profile.family_name = format!("Néw{:02}", draw % 50);
            self.profile.department = (!draw.is_multiple_of(2)).then(|| "Legal".to_owned());
            events.push(AccountProfileChanged { profile: setup.world.sealed(self.account, &self.profile) }.into());
        }
        if draw.is_multiple_of(11) {
            let previous = setup.world.sealed(self.account, &self.email);
            self.email = format!("{}{draw}@moved.example", &self.email[..1]);
            let changed = AccountEmailChanged {
                email: setup.world.sealed(self.account, &self.email),
                email_key: EmailKey(String::new()),
                domain: "moved.example".into(),
                previous,
                previous_key: EmailKey(String::new()),
            };
            events.push(changed.into());
        }
        if draw.is_multiple_of(13) {
            self.status = PersonStatus::Deactivated;
            events.push(AccountDeactivated {}.into());
        }
        if draw.is_multiple_of(17) {
            self.gone = true;
            events.push(AccountAbandoned {}.into());
        }
        events
    }
}

/// With so many people that a chunk of the index is sealed, and with all that happens to people later, in that chunk and
/// after it.
#[tokio::test]
async fn lists_are_as_the_events_say_whatever_happens() {
    let setup = Setup::new().await;
    let people = stream::iter(0..4_400_u32).map(async |n| {
        // Of 30, 7 are called Zoe, which comes last, 7 are in Legal, and one is both.
        let given = if n % 30 < 7 { "Zoe" } else { "Ann" };
        let department = Some(if (6..13).contains(&(n % 30)) { "Legal" } else { "Sales" }.to_owned());
        let email = format!("p{}@example.com", n * 7_919 % 10_007);
        let profile = Profile { department, ..profile(given, &format!("F{:03}", n % 1_000)) };
        let (account, added) = setup.world.person(setup.organization, &email, profile.clone()).await;
        Known { account, added, email, profile, status: PersonStatus::Added, roles: vec![], gone: false }
    });
    let mut people: Vec<_> = people.buffer_unordered(500).collect().await;
    people.sort_by_key(|person| person.added);
    setup.seen(people.last().unwrap().added).await;

    let (setup_ref, draws) = (&setup, |n: usize| (n as u32).wrapping_mul(2_654_435_761) >> 8);
    let happening = stream::iter(people.iter_mut().enumerate()).map(async |(n, person)| {
        let events = person.suffer(setup_ref, draws(n));
        if !events.is_empty() {
            setup_ref.world.append_all(&StreamId::new("account", &person.account), system(), events).await;
        }
    });
    happening.buffer_unordered(500).collect::<Vec<_>>().await;
    let roles: Vec<RoleId> = (0..3).map(|_| RoleId(setup.world.id())).collect();
    for (n, person) in people.iter_mut().enumerate().step_by(60) {
        let (account, role) = (person.account, roles[n % 3]);
        setup.role(RoleAssigned { role, account }).await;
        person.roles.push(role);
        if n.is_multiple_of(7) {
            setup.role(RoleUnassigned { role, account }).await;
            person.roles.clear();
        }
    }
    setup.role(RoleDeleted { role: roles[1] }).await;
    people.iter_mut().for_each(|person| person.roles.retain(|role| *role != roles[1]));
    compare(&setup, &people, &roles).await;

    // A view that is built from the start comes to the same.
    setup.view.rebuild().await.unwrap();
    while setup.view.status().await.building {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    compare(&setup, &people, &roles).await;
}

/// Compares lists of all kinds with what is known.
async fn compare(setup: &Setup, people: &[Known], roles: &[RoleId]) {
    let any = PeopleFilter::default;
    let department = |name: &str| PeopleFilter { department: Some(name.into()), ..any() };
    let status = |status| PeopleFilter { status: Some(status), ..any() };
    let mut wanted = vec![
        (any(), "zoe"),
        (department("legal"), "zo"),
        (any(), "f00"),
        (department("Legal"), ""),
        (any(), "ann"),
        (any(), "new1 @moved"),
        (status(PersonStatus::Deactivated), "p"),
        (PeopleFilter { domain: Some("moved.example".into()), ..status(PersonStatus::Activated) }, ""),
        (PeopleFilter { department: Some(String::new()), ..any() }, ""),
    ];
    wanted.extend(roles.iter().map(|role| (PeopleFilter { role: Some(*role), ..any() }, "")));
    let fields = [SortField::Name, SortField::Email, SortField::Created, SortField::Status, SortField::Department];
    for (number, (filter, search)) in wanted.into_iter().enumerate() {
        let fitting: Vec<&Known> = people.iter().filter(|person| person.fits(&filter, search)).collect();
        let count =
            setup.directory.people_count(setup.organization, filter.clone(), Some(search.into())).await.unwrap();
        assert_eq!((count.rows, count.or_more), (fitting.len() as u64, false), "{filter:?} {search:?}");
        for field in fields {
            // Each order for every second.
            let descending = (number + field as usize).is_multiple_of(2);
            let mut expected = fitting.clone();
            expected.sort_by_cached_key(|person| (person.key(field), person.added));
            if descending {
                expected.reverse();
            }
            let found = setup.all(filter.clone(), search, PeopleSort { field, descending }, 200).await;
            let expected = expected.into_iter().map(|person| &person.email);
            assert!(found.iter().eq(expected), "{field:?} {descending} {search:?} {filter:?}");
        }
    }
}
