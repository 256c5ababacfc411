//! A person's details on a real log, and what happens to addresses that change hands.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::{Arc, atomic::Ordering};

use commands::{Failure, Platform, Request, processes::profile::PersonChanges};
use domain::{
    Account, AccountCommand, Code, DomainReservation, EmailReservation, Organization, OrganizationCommand, Principal,
    reservation::{DomainCommand, EmailCommand},
    text::DomainName,
};
use futures::future::join_all;
use schema::{AccountId, OrganizationId, Profile, events::reservation::DomainReserved};
use support::{PASSWORD, World, eventually, faulty::Faulty, password, person, token_in};

const BEN: &str = "ben@northwind.example";
const BENNO: &str = "benno@northwind.example";

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> Code {
    result.unwrap_err().code().expect("a refusal")
}

fn email(text: &str) -> PersonChanges {
    PersonChanges { email: Some(text.to_owned()), ..PersonChanges::default() }
}

struct Stage {
    world: World,
    organization: OrganizationId,
    ben: AccountId,
    admin: Principal,
}

impl Stage {
    async fn new() -> Self {
        Self::of(World::new()).await
    }

    async fn of(world: World) -> Self {
        let (founded, admin) = world.found("anna@northwind.example").await;
        let added = world.platform.create_account(&admin, founded.organization, person(BEN)).await.unwrap();
        Self { world, organization: founded.organization, ben: added.account, admin: admin.principal }
    }

    fn request(&self) -> Request {
        self.world.platform.request(self.admin.clone())
    }

    async fn edit(&self, changes: PersonChanges) -> Result<Option<schema::Position>, Failure> {
        self.edit_by(&self.world.platform, changes).await
    }

    async fn edit_by(&self, platform: &Platform, changes: PersonChanges) -> Result<Option<schema::Position>, Failure> {
        platform.edit_person(&self.request(), self.organization, self.ben, changes).await
    }

    async fn profile(&self) -> Profile {
        let account = self.world.platform.load::<Account>(&self.ben).await.unwrap();
        self.world.platform.people().open(&account.state.details().unwrap().profile).await.unwrap().unwrap()
    }

    async fn email(&self) -> String {
        let account = self.world.platform.load::<Account>(&self.ben).await.unwrap();
        self.world.platform.people().open(account.state.email().unwrap()).await.unwrap().unwrap()
    }

    async fn holder(&self, address: &str) -> Option<AccountId> {
        let key = self.world.platform.keys().email_key(address);
        self.world.platform.load::<EmailReservation>(&key).await.unwrap().state.holder()
    }

    async fn events(&self) -> usize {
        self.world.log().await.len()
    }

    async fn allow(&self, domain: &str) {
        let command = OrganizationCommand::AllowDomain { domain: DomainName::parse(domain).unwrap() };
        self.world.platform.execute::<Organization>(&self.request(), &self.organization, command).await.unwrap();
    }
}

#[tokio::test]
async fn only_what_is_given_changes() {
    let stage = Stage::new().await;
    let changes = PersonChanges {
        job_title: Some(Some(" Pilot ".to_owned())),
        phone: Some(Some("+49 30 1234".to_owned())),
        locale: Some("de-at".to_owned()),
        ..PersonChanges::default()
    };
    assert!(stage.edit(changes.clone()).await.unwrap().is_some());
    let before = stage.events().await;
    assert_eq!(stage.edit(changes).await.unwrap(), None, "it is so already");
    assert_eq!(stage.edit(email(" Ben@Northwind.example")).await.unwrap(), None);
    assert_eq!(stage.events().await, before);
    stage
        .edit(PersonChanges { phone: Some(None), given_name: Some("Bene".to_owned()), ..Default::default() })
        .await
        .unwrap();
    let profile = stage.profile().await;
    assert_eq!((profile.given_name.as_str(), profile.family_name.as_str()), ("Bene", "Okafor"));
    assert_eq!((profile.job_title.as_deref(), profile.phone), (Some("Pilot"), None));
    let account = stage.world.platform.load::<Account>(&stage.ben).await.unwrap();
    assert_eq!(account.state.details().unwrap().locale, "de-AT");
    let before = stage.events().await;
    for (changes, field, expected) in [
        (PersonChanges { given_name: Some(" ".to_owned()), ..Default::default() }, "givenName", Code::Required),
        (PersonChanges { department: Some(Some("x".repeat(201))), ..Default::default() }, "department", Code::TooLong),
        (PersonChanges { locale: Some("klingon".to_owned()), ..Default::default() }, "locale", Code::InvalidValue),
        (email("nonsense"), "email", Code::InvalidEmail),
        (email("ben@elsewhere.example"), "email", Code::DomainNotAllowed),
        (email("anna@northwind.example"), "email", Code::EmailTaken),
    ] {
        // Together with what would be fine alone.
        let changes = PersonChanges { division: Some(Some("South".to_owned())), ..changes };
        let rejection = stage.edit(changes).await.unwrap_err().into_rejection();
        assert_eq!((rejection.code, rejection.field.as_deref()), (expected, Some(field)));
    }
    assert_eq!(stage.profile().await.division, None);
    // The begun and abandoned change of the address is all that is left of it.
    assert_eq!(stage.events().await, before + 2);
}

#[tokio::test]
async fn an_address_changes_hands() {
    let stage = Stage::new().await;
    let link = token_in(&stage.world.mail_to(BEN).await.text);
    stage.edit(email("Benno@Northwind.example")).await.unwrap();
    assert_eq!(stage.email().await, BENNO);
    assert_eq!((stage.holder(BENNO).await, stage.holder(BEN).await), (Some(stage.ben), None));
    // The link went to somebody who may not be Ben any more; a new one is mailed.
    let activate = async |token: &str| {
        stage.world.platform.activate_account(&stage.world.anonymous(), token, password(PASSWORD)).await
    };
    assert_eq!(code(activate(&link).await), Code::LinkInvalid);
    activate(&token_in(&stage.world.mail_to(BENNO).await.text)).await.unwrap();
    let signed_in = stage.world.platform.check_credentials(BENNO, password(PASSWORD)).await.unwrap();
    assert_eq!(signed_in.account, stage.ben);
    assert_eq!(code(stage.world.platform.check_credentials(BEN, password(PASSWORD)).await), Code::WrongCredentials);
    // The one before is free, and may come back.
    let other = stage.world.platform.create_account(&stage.request(), stage.organization, person(BEN)).await.unwrap();
    assert_eq!(stage.holder(BEN).await, Some(other.account));
    assert_eq!(code(stage.edit(email(BEN)).await), Code::EmailTaken);
    assert_eq!(stage.email().await, BENNO);
    let told = stage.world.mailbox.latest().into_iter().any(|m| m.mail.to == BEN && m.mail.text.contains(BENNO));
    assert!(!told, "the new address is not told to the old one");
}

#[tokio::test]
async fn only_people_of_our_own_domains_are_edited() {
    let stage = Stage::new().await;
    let platform = &stage.world.platform;
    stage.allow("northwind-air.example").await;
    stage.edit(email("ben@northwind-air.example")).await.unwrap();
    // Somebody else proves that the domain is theirs.
    let (south, _) = stage.world.found("sid@southwind.example").await;
    let system = platform.request(Principal::System("test"));
    let challenge = schema::ChallengeId(uuid::Uuid::from_u128(5));
    let theirs = DomainReserved { organization: south.organization, challenge };
    let reserve = DomainCommand::Reserve(theirs.clone());
    let domain = "northwind-air.example".to_owned();
    platform.execute::<DomainReservation>(&system, &domain, reserve).await.unwrap();
    for changes in [email(BEN), PersonChanges { locale: Some("de".to_owned()), ..Default::default() }] {
        let rejection = stage.edit(changes).await.unwrap_err().into_rejection();
        assert_eq!((rejection.code, rejection.field.as_deref()), (Code::DomainTaken, Some("personId")));
    }
    let release = DomainCommand::Release(theirs.clone());
    platform.execute::<DomainReservation>(&system, &domain, release).await.unwrap();
    stage.edit(email(BEN)).await.unwrap();
    let reserve = DomainCommand::Reserve(theirs);
    platform.execute::<DomainReservation>(&system, &domain, reserve).await.unwrap();
    let rejection = stage.edit(email("ben@northwind-air.example")).await.unwrap_err().into_rejection();
    assert_eq!((rejection.code, rejection.field.as_deref()), (Code::DomainTaken, Some("email")));
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_several_admins_at_once_all_count() {
    let stage = Arc::new(Stage::new().await);
    let text = |text: &str| Some(Some(text.to_owned()));
    let all = [
        PersonChanges { job_title: text("Pilot"), ..Default::default() },
        PersonChanges { department: text("Flight"), ..Default::default() },
        PersonChanges { division: text("South"), ..Default::default() },
        PersonChanges { location: text("Berlin"), ..Default::default() },
        PersonChanges { phone: text("+49 30 1234"), ..Default::default() },
        PersonChanges { given_name: Some("Benno".to_owned()), ..Default::default() },
    ];
    let edits = all.into_iter().map(|changes| {
        let stage = stage.clone();
        tokio::spawn(async move { stage.edit(changes).await })
    });
    for edit in join_all(edits).await {
        edit.unwrap().unwrap();
    }
    let p = stage.profile().await;
    let got = [p.job_title, p.department, p.division, p.location, p.phone].map(Option::unwrap);
    assert_eq!((got.join(","), p.given_name.as_str()), ("Pilot,Flight,South,Berlin,+49 30 1234".to_owned(), "Benno"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_goes_back_and_forth_always_has_one_account() {
    let stage = Arc::new(Stage::new().await);
    // Admins who disagree, others who want the addresses too, and somebody who clears away.
    let work = (0..60).map(|number| {
        let stage = stage.clone();
        tokio::spawn(async move {
            let platform = &stage.world.platform;
            match number % 4 {
                0 => drop(stage.edit(email(BEN)).await),
                1 => drop(stage.edit(email(BENNO)).await),
                2 => {
                    let address = if number % 8 == 2 { BEN } else { BENNO };
                    drop(platform.create_account(&stage.request(), stage.organization, person(address)).await);
                }
                _ => drop(stage.edit(email("ben.okafor@northwind.example")).await),
            }
        })
    });
    join_all(work).await.into_iter().for_each(Result::unwrap);
    stage.world.clock.advance(chrono::Duration::minutes(2));
    // Whatever came of it: every account has the address that it says, and no address is held for nothing.
    eventually(|| async {
        let mut held = Vec::new();
        for address in [BEN, BENNO, "ben.okafor@northwind.example"] {
            if let Some(holder) = stage.holder(address).await {
                held.push((holder, address));
            }
        }
        for (holder, address) in &held {
            let account = stage.world.platform.load::<Account>(holder).await.unwrap();
            let key = stage.world.platform.keys().email_key(address);
            if account.state.details().is_none_or(|details| details.email_key != key) {
                return None;
            }
        }
        held.iter().any(|(holder, _)| *holder == stage.ben).then_some(())
    })
    .await;
    let current = stage.email().await;
    assert_eq!(stage.holder(&current).await, Some(stage.ben));
}

#[tokio::test]
async fn a_change_of_address_is_put_right_wherever_it_broke_off() {
    // Appends: begun, reserved, changed, the previous one released.
    for appends in 0..4 {
        let stage = Stage::of(World::new()).await;
        let faulty = Faulty::new(stage.world.embedded.clone());
        let dying = stage.world.another(faulty.clone(), 1);
        faulty.left.store(appends, Ordering::SeqCst);
        let outcome = stage.edit_by(&dying, email(BENNO)).await;
        assert_eq!(outcome.is_ok(), appends == 3, "the last step may be left to others");
        stage.world.clock.advance(chrono::Duration::minutes(2));
        let (kept, freed) = if appends == 3 { (BENNO, BEN) } else { (BEN, BENNO) };
        eventually(|| async { stage.holder(freed).await.is_none().then_some(()) }).await;
        assert_eq!((stage.email().await.as_str(), stage.holder(kept).await), (kept, Some(stage.ben)));
        // And it can be tried again.
        stage.edit(email("b.okafor@northwind.example")).await.unwrap();
        stage.edit(email(freed)).await.unwrap();
        assert_eq!(stage.holder(freed).await, Some(stage.ben));
    }
}

#[tokio::test]
async fn a_slow_change_whose_address_was_taken_for_stuck_does_not_get_it_unreserved() {
    let stage = Stage::of(World::new()).await;
    let platform = &stage.world.platform;
    let (system, key) = (platform.request(Principal::System("test")), platform.keys().email_key(BENNO));
    let begin = AccountCommand::BeginEmailChange { email_key: key.clone() };
    platform.execute::<Account>(&system, &stage.ben, begin).await.unwrap();
    platform.execute::<EmailReservation>(&system, &key, EmailCommand::ReserveAnew(stage.ben)).await.unwrap();
    stage.world.clock.advance(chrono::Duration::minutes(2));
    eventually(|| async { stage.holder(BENNO).await.is_none().then_some(()) }).await;
    let sealed = platform.people().seal_for(stage.ben, &BENNO.to_owned()).await.unwrap().unwrap();
    let invite = schema::ChallengeId(uuid::Uuid::from_u128(1));
    let change =
        AccountCommand::ChangeEmail { email: sealed, email_key: key, domain: "northwind.example".to_owned(), invite };
    assert_eq!(code(platform.execute::<Account>(&system, &stage.ben, change).await), Code::Busy);
    assert_eq!(stage.email().await, BEN);
}
