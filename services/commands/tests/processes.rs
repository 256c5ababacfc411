//! The processes on a real log: sign-up, people, roles, sessions, pairing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::BTreeSet;

use commands::{
    Failure,
    processes::{pairing::Poll, sign_in::Proven},
};
use domain::{Code, Principal, Roles, RolesCommand, Session, SessionCommand, Signup};
use futures::future::join_all;
use schema::{LoginMethod, Right, RoleId, SessionId};
use uuid::Uuid;

use support::{PASSWORD, World, founding, password, person, unit};

fn code<T: std::fmt::Debug>(result: Result<T, Failure>) -> Code {
    result.unwrap_err().code().expect("a refusal")
}

#[tokio::test]
async fn an_organization_is_signed_up_and_its_founder_is_system_admin() {
    let world = World::new();
    let (founded, admin) = world.found("Anna@Northwind.example").await;
    let Principal::Person { account, system_admin, .. } = admin.principal.clone() else { panic!("not signed in") };
    assert_eq!((account, system_admin), (founded.account, true));
    let types = world.types().await;
    for expected in [
        "signup.begun",
        "signup.email_confirmed",
        "signup.completed",
        "email.reserved",
        "organization.created",
        "organization.domain_allowed",
        "account.created",
        "account.activated",
        "role.created",
        "role.assigned",
        "session.started",
    ] {
        assert!(types.iter().any(|t| t == expected), "{expected} is missing in {types:?}");
    }
    // All that follows from one request shares its correlation, and nothing personal stands in the clear.
    let log = world.log().await;
    let completed = log.iter().find(|e| &*e.event_type == "signup.completed").unwrap();
    let created = log.iter().find(|e| &*e.event_type == "account.created").unwrap();
    assert_eq!(completed.correlation, created.correlation);
    for event in &log {
        let text = String::from_utf8(event.payload.clone()).unwrap().to_lowercase();
        assert!(!text.contains("anna@") && !text.contains("berg"), "personal data in {}", event.event_type);
    }
    assert_eq!(
        world.platform.check_credentials("anna@northwind.EXAMPLE", password(PASSWORD)).await.unwrap().account,
        founded.account
    );
}

#[tokio::test]
async fn a_wrong_code_counts_and_ends_the_challenge() {
    let world = World::new();
    let (begun, _) = world.platform.begin_signup(&world.anonymous(), "anna@northwind.example", "en").await.unwrap();
    let right = world.code_for("anna@northwind.example").await;
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for _ in 0..10 {
        assert_eq!(code(world.platform.confirm_signup(&world.anonymous(), begun.signup, wrong).await), Code::WrongCode);
    }
    assert_eq!(code(world.platform.confirm_signup(&world.anonymous(), begun.signup, &right).await), Code::TooManyTries);
    let early = world.platform.complete_signup(&world.anonymous(), begun.signup, founding()).await;
    assert_eq!(code(early), Code::EmailNotConfirmed);
}

#[tokio::test]
async fn a_code_ends_after_ten_minutes_and_the_sign_up_after_an_hour() {
    let world = World::new();
    let (begun, _) = world.platform.begin_signup(&world.anonymous(), "anna@northwind.example", "en").await.unwrap();
    let right = world.code_for("anna@northwind.example").await;
    world.clock.advance(chrono::Duration::minutes(10));
    assert_eq!(code(world.platform.confirm_signup(&world.anonymous(), begun.signup, &right).await), Code::Expired);
    world.clock.advance(chrono::Duration::minutes(51));
    support::eventually(|| async { world.types().await.contains(&"signup.expired".to_owned()).then_some(()) }).await;
}

#[tokio::test]
async fn a_known_address_gets_another_mail_and_the_same_answer() {
    let world = World::new();
    world.found("anna@northwind.example").await;
    let before = world.mailbox.latest().len();
    let (begun, _) = world.platform.begin_signup(&world.anonymous(), "anna@northwind.example", "en").await.unwrap();
    support::eventually(|| async { (world.mailbox.latest().len() > before).then_some(()) }).await;
    assert_eq!(world.mailbox.latest()[0].mail.subject, "You have a work account already");
    // Not even the code that would belong to the challenge helps.
    let signup = world.platform.load::<Signup>(&begun.signup).await.unwrap();
    let (challenge, expires_at) = signup.state.challenge().unwrap();
    let derived =
        identity::VerificationCode::derive(world.platform.keys(), identity::Purpose::SignupCode, challenge, expires_at);
    assert_eq!(
        code(world.platform.confirm_signup(&world.anonymous(), begun.signup, derived.as_str()).await),
        Code::WrongCode
    );
}

#[tokio::test]
async fn consumer_and_taken_domains_are_refused() {
    let world = World::new();
    assert_eq!(
        code(world.platform.begin_signup(&world.anonymous(), "anna@gmail.com", "en").await),
        Code::ConsumerEmailDomain
    );
    let (founded, _) = world.found("anna@northwind.example").await;
    let reserved = schema::events::reservation::DomainReserved {
        organization: founded.organization,
        challenge: schema::ChallengeId(Uuid::from_u128(1)),
    };
    let reserve = domain::reservation::DomainCommand::Reserve(reserved);
    let system = world.platform.request(Principal::System("test"));
    world
        .platform
        .execute::<domain::DomainReservation>(&system, &"northwind.example".to_owned(), reserve)
        .await
        .unwrap();
    assert_eq!(
        code(world.platform.begin_signup(&world.anonymous(), "eve@northwind.example", "en").await),
        Code::DomainTaken
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_who_race_for_an_address_exactly_one_wins() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let results = join_all((0..100).map(|_| {
        let request = world.platform.request(admin.principal.clone());
        let platform = world.platform.clone();
        async move { platform.create_account(&request, founded.organization, person("ben@northwind.example")).await }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.into_iter().all(|r| code(r) == Code::EmailTaken));
    assert_eq!(world.types().await.iter().filter(|t| *t == "account.created").count(), 2);
}

#[tokio::test]
async fn several_people_are_added_together_or_not_at_all() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let add = |emails: &[&str]| {
        let people = emails.iter().map(|e| person(e)).collect();
        world.platform.create_accounts(&admin, founded.organization, people)
    };
    let refused =
        add(&["ben@northwind.example", "nonsense", "BEN@northwind.example", "eve@other.example"]).await.unwrap_err();
    let fields: Vec<_> =
        refused.into_iter().map(|f| (f.code().unwrap(), f.into_rejection().field.unwrap().into_owned())).collect();
    assert_eq!(
        fields,
        [
            (Code::InvalidEmail, "people.1.email".to_owned()),
            (Code::EmailTaken, "people.2.email".to_owned()),
            (Code::DomainNotAllowed, "people.3.email".to_owned()),
        ]
    );
    let refused = add(&["cleo@northwind.example", "anna@northwind.example"]).await.unwrap_err();
    assert_eq!(refused[0].code(), Some(Code::EmailTaken));
    // What was reserved for a refused list is free again at once.
    let request = world.platform.request(admin.principal.clone());
    let people = ["ben@northwind.example", "cleo@northwind.example"].map(person).to_vec();
    assert_eq!(world.platform.create_accounts(&request, founded.organization, people).await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_added_person_activates_by_link_once() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let added =
        world.platform.create_account(&admin, founded.organization, person("ben@northwind.example")).await.unwrap();
    let text = world.mail_to("ben@northwind.example").await.text;
    let token = support::token_in(&text);
    let activate = |token: String, secret: &'static str| {
        let request = world.anonymous();
        let platform = world.platform.clone();
        async move { platform.activate_account(&request, &token, password(secret)).await }
    };
    assert_eq!(code(activate(token.replace("acc_", "acc_0"), PASSWORD).await), Code::LinkInvalid);
    assert_eq!(code(activate(token.clone(), "too short").await), Code::PasswordTooShort);
    assert_eq!(code(activate(token.clone(), "ben@northwind.example").await), Code::PasswordTooCommon);
    // Two at the same moment: one password stands, and it is the winner's.
    let (one, two) = tokio::join!(
        activate(token.clone(), "copper moons over the seventh lake"),
        activate(token.clone(), "a tin roof in the summer rain")
    );
    let winner = if one.is_ok() { "copper moons over the seventh lake" } else { "a tin roof in the summer rain" };
    assert!(one.is_ok() != two.is_ok());
    assert_eq!(
        world.platform.check_credentials("ben@northwind.example", password(winner)).await.unwrap().account,
        added.account
    );
    assert_eq!(code(activate(token, PASSWORD).await), Code::LinkInvalid);
}

#[tokio::test]
async fn wrong_password_unknown_address_and_inactive_account_look_alike() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    world.platform.create_account(&admin, founded.organization, person("ben@northwind.example")).await.unwrap();
    for email in ["anna@northwind.example", "ben@northwind.example", "nobody@northwind.example", "no address"] {
        let result = world.platform.check_credentials(email, password("this is not the password")).await;
        assert_eq!(code(result), Code::WrongCredentials, "{email}");
    }
}

#[tokio::test]
async fn sign_out_and_role_changes_count_from_the_next_request_on() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let ben = world
        .platform
        .create_account(&admin, founded.organization, person("ben@northwind.example"))
        .await
        .unwrap()
        .account;
    let text = world.mail_to("ben@northwind.example").await.text;
    let token = support::token_in(&text);
    world.platform.activate_account(&world.anonymous(), &token, password(PASSWORD)).await.unwrap();
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            Proven { account: ben, epoch: 0 },
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await
        .unwrap();
    let rights = || async {
        match world.platform.authenticate(&session.token).await.unwrap() {
            Principal::Person { rights, .. } => Some((*rights).clone()),
            _ => None,
        }
    };
    assert_eq!(rights().await, Some(BTreeSet::new()));
    let role = RoleId(Uuid::from_u128(5));
    let devices = BTreeSet::from([Right::ManageDevices]);
    let create = RolesCommand::Create { role, name: "Caretaker".to_owned(), rights: devices.clone() };
    world.platform.execute::<Roles>(&admin, &founded.organization, create).await.unwrap();
    world.platform.assign_role(&admin, founded.organization, role, ben).await.unwrap();
    assert_eq!(rights().await, Some(devices));
    world.platform.execute::<Roles>(&admin, &founded.organization, RolesCommand::Delete { role }).await.unwrap();
    assert_eq!(rights().await, Some(BTreeSet::new()));
    let id = session.token.session();
    let ben_request = world.platform.request(world.platform.authenticate(&session.token).await.unwrap());
    // Nobody else can end it, not even an admin by this command.
    assert_eq!(code(world.platform.execute::<Session>(&admin, &id, SessionCommand::End).await), Code::NotFound);
    world.platform.execute::<Session>(&ben_request, &id, SessionCommand::End).await.unwrap();
    assert_eq!(rights().await, None);
    let forged: identity::SessionToken = format!("{}.{}", SessionId(id.0), "A".repeat(43)).parse().unwrap();
    assert!(matches!(world.platform.authenticate(&forged).await.unwrap(), Principal::Anonymous));
}

#[tokio::test]
async fn a_session_ends_that_nobody_uses() {
    let world = World::new();
    let (founded, _) = world.found("anna@northwind.example").await;
    let start = || async {
        let request = world.anonymous();
        world
            .platform
            .start_session(
                &request,
                founded.proven(),
                commands::processes::sign_in::SessionStart::by_password(Default::default()),
            )
            .await
            .unwrap()
            .token
    };
    let signed_in = |principal: Principal| matches!(principal, Principal::Person { .. });
    let (hour, almost) = (chrono::Duration::hours(1), chrono::Duration::hours(12) - chrono::Duration::seconds(1));
    let (used, unused) = (start().await, start().await);
    // Each use gives 12 hours more.
    for _ in 0..3 {
        world.clock.advance(almost);
        assert!(signed_in(world.platform.authenticate(&used).await.unwrap()));
    }
    assert!(!signed_in(world.platform.authenticate(&unused).await.unwrap()));
    // A connection that stays open and checks by itself is no use.
    world.clock.advance(hour * 6);
    assert!(signed_in(world.platform.recognize(&used).await.unwrap()));
    world.clock.advance(hour * 6);
    assert!(!signed_in(world.platform.recognize(&used).await.unwrap()));
    // After a restart the time counts from the restart, and what has ended stays so.
    let kept = start().await;
    world.clock.advance(almost);
    let restarted = world.another(world.embedded.clone(), 12);
    world.clock.advance(almost);
    assert!(!signed_in(restarted.authenticate(&used).await.unwrap()));
    assert!(!signed_in(restarted.authenticate(&unused).await.unwrap()));
    assert!(signed_in(restarted.recognize(&kept).await.unwrap()));
    world.clock.advance(hour);
    assert!(!signed_in(restarted.authenticate(&kept).await.unwrap()));
    let ended = world.log().await.into_iter().filter(|event| &*event.event_type == "session.ended");
    assert!(ended.map(|event| event.actor.to_string()).eq(["system:idle-sessions"; 3]));
}

#[tokio::test]
async fn nobody_signs_in_before_the_account_is_activated() {
    let world = World::new();
    let (founded, admin) = world.found("anna@northwind.example").await;
    let ben = world.platform.create_account(&admin, founded.organization, person("ben@northwind.example")).await;
    let proven = Proven { account: ben.unwrap().account, epoch: 0 };
    let session = world
        .platform
        .start_session(
            &world.anonymous(),
            proven,
            commands::processes::sign_in::SessionStart::by_password(Default::default()),
        )
        .await;
    assert_eq!(code(session), Code::AccountNotActivated);
}

#[tokio::test]
async fn people_and_roles_of_another_organization_are_out_of_reach() {
    let world = World::new();
    let (north, anna) = world.found("anna@northwind.example").await;
    let (south, _) = world.found("sid@southwind.example").await;
    let ben = world.platform.create_account(&anna, south.organization, person("ben@southwind.example")).await;
    assert_eq!(code(ben), Code::NotFound);
    // Nor by the bare command, without the process around it.
    let key = schema::PersonKey::new([1; 32]);
    let id = schema::AccountId(Uuid::from_u128(99));
    let created = schema::events::account::AccountCreated {
        account: id,
        organization: south.organization,
        email: schema::Personal::seal(&key, id, [0; 24], &"ben@southwind.example".to_owned()).unwrap(),
        email_key: world.platform.keys().email_key("ben@southwind.example"),
        domain: "southwind.example".to_owned(),
        profile: schema::Personal::seal(&key, id, [1; 24], &schema::Profile::default()).unwrap(),
        locale: "en".to_owned(),
        login_method: LoginMethod::Password,
        origin: schema::AccountOrigin::Admin,
    };
    let create = domain::AccountCommand::Create { account: Box::new(created), invite: None, credential: None };
    assert_eq!(code(world.platform.execute::<domain::Account>(&anna, &id, create).await), Code::NotFound);
    let admin_role = commands::processes::sign_up::system_admin_role(north.organization);
    let foreign = world.platform.assign_role(&anna, north.organization, admin_role, south.account).await;
    assert_eq!(code(foreign), Code::NotFound);
    let foreign = world.platform.assign_role(&anna, south.organization, admin_role, north.account).await;
    assert_eq!(code(foreign), Code::NotFound);
}

#[tokio::test]
async fn a_unit_is_connected_by_its_code_and_belongs_to_one_organization() {
    let world = World::new();
    let (founded, anna) = world.found("anna@northwind.example").await;
    let platform = &world.platform;
    let awaiting = platform.request_pairing(&world.anonymous(), unit("S-1")).await.unwrap();
    let device_code = awaiting.device_code.to_text();
    assert!(matches!(platform.poll_pairing(&world.anonymous(), &device_code).await.unwrap(), Poll::Pending));
    assert_eq!(
        code(platform.connect_device(&world.anonymous(), &awaiting.user_code.to_string(), None).await),
        Code::NotSignedIn
    );
    assert_eq!(code(platform.connect_device(&anna, "BCDF-GHJK", None).await), Code::UserCodeUnknown);
    let typed = awaiting.user_code.to_string().to_lowercase();
    let (device, _, _) = platform.connect_device(&anna, &typed, Some("Reception")).await.unwrap();
    let Poll::Enrolled(identity) = platform.poll_pairing(&world.anonymous(), &device_code).await.unwrap() else {
        panic!()
    };
    assert_eq!((identity.device, identity.organization, identity.epoch), (device, founded.organization, 1));
    // The answer may get lost: asked again, it is the same.
    let Poll::Enrolled(again) = platform.poll_pairing(&world.anonymous(), &device_code).await.unwrap() else {
        panic!()
    };
    assert_eq!(again, identity);
    assert_eq!(platform.unit(device).await.unwrap().unwrap().0, identity);
    // While it is set up, it cannot be connected anywhere else.
    assert_eq!(code(platform.request_pairing(&world.anonymous(), unit("S-1")).await), Code::UnitInUse);
    world.clock.advance(chrono::Duration::minutes(10));
    assert!(matches!(platform.poll_pairing(&world.anonymous(), &device_code).await.unwrap(), Poll::Expired));
    let guess = device_code.replace('.', ".A");
    assert!(matches!(platform.poll_pairing(&world.anonymous(), &guess).await.unwrap(), Poll::Unknown));
}

#[tokio::test]
async fn of_two_codes_for_one_unit_only_one_enrolls_it() {
    let world = World::new();
    let (_, anna) = world.found("anna@northwind.example").await;
    let (_, sid) = world.found("sid@southwind.example").await;
    let platform = &world.platform;
    let one = platform.request_pairing(&world.anonymous(), unit("S-1")).await.unwrap();
    let two = platform.request_pairing(&world.anonymous(), unit("S-1")).await.unwrap();
    platform.connect_device(&anna, &one.user_code.to_string(), None).await.unwrap();
    platform.connect_device(&sid, &two.user_code.to_string(), None).await.unwrap();
    assert!(matches!(
        platform.poll_pairing(&world.anonymous(), &one.device_code.to_text()).await.unwrap(),
        Poll::Enrolled(_)
    ));
    assert!(matches!(
        platform.poll_pairing(&world.anonymous(), &two.device_code.to_text()).await.unwrap(),
        Poll::Denied
    ));
}

#[tokio::test]
async fn an_unconnected_pairing_expires() {
    let world = World::new();
    let (_, anna) = world.found("anna@northwind.example").await;
    let awaiting = world.platform.request_pairing(&world.anonymous(), unit("S-1")).await.unwrap();
    world.clock.advance(chrono::Duration::minutes(10));
    support::eventually(|| async { world.types().await.contains(&"pairing.expired".to_owned()).then_some(()) }).await;
    assert_eq!(
        code(world.platform.connect_device(&anna, &awaiting.user_code.to_string(), None).await),
        Code::UserCodeUnknown
    );
}
