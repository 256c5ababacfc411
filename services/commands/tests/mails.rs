//! What is mailed when something happens: to whom, in which language, and for how long.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::sync::Arc;

use commands::{
    Request,
    mail::Mail,
    processes::people::NewPerson,
    reactors::{self, certificates::Certificates, mailer::Mailer},
};
use domain::{
    Account, AccountCommand, Organization, OrganizationCommand, Principal, RequestSupport, SingleSignOn,
    SingleSignOnCommand, SupportRequest, text::DomainName,
};
use eventlog::Vault;
use identity::{LinkToken, Purpose, VerificationCode, saml::SigningKey};
use schema::{
    AccountId, ChallengeId, OrganizationId, PersonKey, SamlBinding, SsoConfiguration, SsoProviderId, SsoTestId,
    SupportRequestId, VerificationMethod,
    events::{
        single_sign_on::{SsoProviderAdded, SsoTestEnded},
        support::SupportRequested,
    },
};
use support::{PASSWORD, World, eventually, password, person, token_in};
use texts::Language;
use uuid::Uuid;

const BEN: &str = "ben@northwind.example";

fn challenge(number: u128) -> ChallengeId {
    ChallengeId(Uuid::from_u128(number))
}

/// All mails to an address, newest first, once there are so many.
async fn mails(world: &World, to: &str, count: usize) -> Vec<Mail> {
    eventually(|| async {
        let all = world.mailbox.latest().into_iter().map(|received| received.mail).filter(|mail| mail.to == to);
        Some(all.collect::<Vec<_>>()).filter(|mails| mails.len() >= count)
    })
    .await
}

/// An organization, its admin, and Ben, who reads Japanese and has activated his account.
async fn with_ben(world: &World) -> (OrganizationId, Request, AccountId) {
    let (founded, admin) = world.found("anna@northwind.example").await;
    let ben = NewPerson { locale: "ja".to_owned(), ..person(BEN) };
    let added = world.platform.create_account(&admin, founded.organization, ben).await.unwrap();
    let invitation = mails(world, BEN, 1).await.remove(0);
    assert_eq!(invitation.language, Language::Japanese);
    assert!(invitation.text.contains("「Northwind」があなたのワークアカウントを追加しました。"), "{}", invitation.text);
    assert!(invitation.text.contains("\nhttps://accounts.example.com/activate?token="), "{}", invitation.text);
    let token = token_in(&invitation.text);
    world.platform.activate_account(&world.anonymous(), &token, password(PASSWORD)).await.unwrap();
    (founded.organization, admin, added.account)
}

async fn execute(world: &World, request: &Request, account: AccountId, command: AccountCommand) {
    world.platform.execute::<Account>(request, &account, command).await.unwrap();
}

#[tokio::test]
async fn a_person_learns_what_happens_to_the_account_in_the_language_of_the_account() {
    let world = World::new();
    let (_, admin, ben) = with_ben(&world).await;
    execute(&world, &admin, ben, AccountCommand::ForcePasswordReset { challenge: challenge(1) }).await;
    let reset = mails(&world, BEN, 2).await.remove(0);
    assert!(reset.text.contains("組織の管理者が、") && reset.text.contains("/reset-password?token="), "{}", reset.text);
    let token: LinkToken = token_in(&reset.text).parse().unwrap();
    let (valid, until) = world.platform.load::<Account>(&ben).await.unwrap().state.reset_link().unwrap();
    assert_eq!((token.account(), token.challenge()), (ben, valid));
    assert!(token.verify(world.platform.keys(), Purpose::PasswordReset, until));

    execute(&world, &admin, ben, AccountCommand::ChangeLocale { locale: "fr-CA".to_owned() }).await;
    let system = admin.as_system("test");
    let chosen = AccountCommand::ResetPassword { challenge: valid, credential: Uuid::from_u128(9) };
    execute(&world, &world.anonymous(), ben, chosen).await;
    let notice = mails(&world, BEN, 3).await.remove(0);
    assert_eq!((notice.language, notice.subject.as_str()), (Language::French, "Votre mot de passe a été modifié"));
    assert!(notice.text.contains("a été modifié le 1 mars 2026 à 09:00 UTC."), "{}", notice.text);

    execute(&world, &system, ben, AccountCommand::IssueResetLink { challenge: challenge(2) }).await;
    let asked = mails(&world, BEN, 4).await.remove(0);
    assert!(
        asked.text.starts_with("Quelqu’un, probablement vous,") && asked.text.contains("ignorer"),
        "{}",
        asked.text
    );

    let new = "benjamin@northwind.example";
    let email_key = world.platform.keys().email_key(new);
    let email = world.platform.people().seal_for(ben, &new.to_owned()).await.unwrap().unwrap();
    execute(&world, &admin, ben, AccountCommand::BeginEmailChange { email_key: email_key.clone() }).await;
    let domain = "northwind.example".to_owned();
    let change = AccountCommand::ChangeEmail { email, email_key, domain, invite: challenge(3) };
    execute(&world, &admin, ben, change).await;
    let farewell = mails(&world, BEN, 5).await.remove(0);
    assert_eq!(farewell.subject, "Votre compte professionnel a une autre adresse électronique");
    assert!(!farewell.text.contains(new) && !farewell.html.contains(new), "{}", farewell.text);
    execute(&world, &system, ben, AccountCommand::IssueResetLink { challenge: challenge(4) }).await;
    mails(&world, new, 1).await;
    assert_eq!(mails(&world, BEN, 5).await.len(), 5, "nothing more goes to the address before");
}

#[tokio::test]
async fn all_system_admins_learn_in_time_that_a_certificate_ends() {
    let world = World::new();
    let (organization, admin, ben) = with_ben(&world).await;
    world.platform.create_account(&admin, organization, person("carla@northwind.example")).await.unwrap();
    let role = commands::processes::sign_up::system_admin_role(organization);
    world.platform.assign_role(&admin, organization, role, ben).await.unwrap();
    let start = admin.at;
    let certificate = SigningKey::generate(start, [1; 16]).unwrap().certificate().clone();
    let (provider, test) = (SsoProviderId(Uuid::from_u128(1)), SsoTestId(Uuid::from_u128(2)));
    let configuration = SsoConfiguration::Saml {
        issuer: "https://idp.example".to_owned(),
        sso_url: "https://idp.example/sso".to_owned(),
        binding: SamlBinding::Redirect,
        logout_url: None,
        certificates: vec![certificate.base64()],
    };
    let (name, domains) = ("Login".to_owned(), vec![]);
    let Principal::Person { account, .. } = admin.principal else { panic!("nobody has signed in") };
    let transcript = world.platform.people().seal_for(account, &vec![]).await.unwrap().unwrap();
    let system = admin.as_system("single-sign-on");
    for (request, command) in [
        (&admin, SingleSignOnCommand::Add(SsoProviderAdded { provider, organization, name, domains, configuration })),
        (&admin, SingleSignOnCommand::BeginTest { provider, test, account }),
        (&system, SingleSignOnCommand::EndTest(SsoTestEnded { provider, test, failed: None, transcript })),
        (&admin, SingleSignOnCommand::Activate(provider)),
    ] {
        world.platform.execute::<SingleSignOn>(request, &organization, command).await.unwrap();
    }
    tokio::spawn(reactors::run(world.platform.clone(), Certificates, world.stop.clone()));
    let until_warned = certificate.not_after() - chrono::Duration::days(30) - start;
    world.clock.advance(until_warned - chrono::Duration::minutes(1));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert!(!world.types().await.contains(&"sso.certificate_expiring".to_owned()));
    world.clock.advance(chrono::Duration::minutes(1));
    let warned = mails(&world, "anna@northwind.example", 2).await.remove(0);
    assert_eq!(warned.subject, "A certificate of Login ends soon");
    assert!(warned.text.contains("“Login”"), "{}", warned.text);
    let other = mails(&world, BEN, 2).await.remove(0);
    assert_eq!(other.language, Language::Japanese);
    assert_ne!(other.id, warned.id);
    assert!(!world.mailbox.latest().iter().any(|m| m.mail.to.starts_with("carla") && m.mail.subject == warned.subject));
}

#[tokio::test]
async fn links_that_are_void_or_too_old_are_not_mailed() {
    let world = World::bare();
    let mailer = || support::mailer(Arc::new(world.mailbox.clone()));
    let first = world.stop.child_token();
    let running = tokio::spawn(reactors::run(world.platform.clone(), mailer(), first.clone()));
    let (_, admin, ben) = with_ben(&world).await;
    first.cancel();
    running.await.unwrap();
    // While no mail leaves: two links, of which the second voids the first, then nothing for 20 minutes, then a third.
    let system = admin.as_system("test");
    for number in [1, 2] {
        execute(&world, &system, ben, AccountCommand::IssueResetLink { challenge: challenge(number) }).await;
    }
    world.clock.advance(chrono::Duration::minutes(21));
    let later = world.platform.request(system.principal.clone());
    execute(&world, &later, ben, AccountCommand::IssueResetLink { challenge: challenge(3) }).await;
    tokio::spawn(reactors::run(world.platform.clone(), mailer(), world.stop.clone()));
    world.platform.begin_signup(&world.anonymous(), "zoe@other.example", "en").await.unwrap();
    mails(&world, "zoe@other.example", 1).await;
    let resets: Vec<_> = mails(&world, BEN, 2).await;
    assert_eq!(resets.len(), 2, "the invitation and one reset");
    let token: LinkToken = token_in(&resets[0].text).parse().unwrap();
    assert_eq!(token.challenge(), challenge(3));
}

#[tokio::test]
async fn a_code_goes_to_the_domain_and_a_request_to_the_support() {
    let world = World::new();
    let (organization, admin, _) = with_ben(&world).await;
    let domain = DomainName::parse("contoso.example").unwrap();
    let begin = |method, mailbox: Option<&str>, number| OrganizationCommand::BeginVerification {
        domain: domain.clone(),
        method,
        challenge: challenge(number),
        mailbox: mailbox.map(str::to_owned),
    };
    for command in [
        OrganizationCommand::AllowDomain { domain: domain.clone() },
        begin(VerificationMethod::DnsTxt, None, 1),
        begin(VerificationMethod::Email, Some("postmaster"), 2),
    ] {
        world.platform.execute::<Organization>(&admin, &organization, command).await.unwrap();
    }
    let mail = mails(&world, "postmaster@contoso.example", 1).await.remove(0);
    assert_eq!(mail.subject, "Code to verify contoso.example");
    let state = &world.platform.load::<Organization>(&organization).await.unwrap().state;
    let until = state.domain("contoso.example").unwrap().open(challenge(2)).unwrap().expires_at;
    let code = VerificationCode::derive(world.platform.keys(), Purpose::DomainCode, challenge(2), until);
    assert!(
        mail.text.contains(&format!("\n{}\n", code.as_str())) && mail.text.contains("“Northwind”"),
        "{}",
        mail.text
    );

    let domain::Principal::Person { account: anna, .. } = admin.principal else { panic!("not signed in") };
    let people = world.platform.people();
    let requested = SupportRequested {
        request: SupportRequestId(Uuid::from_u128(5)),
        account: anna,
        organization,
        subject: people.seal_for(anna, &"A <dark> screen".to_owned()).await.unwrap().unwrap(),
        message: people.seal_for(anna, &"It is dark.\nWhat now?".to_owned()).await.unwrap().unwrap(),
    };
    let (id, command) = (requested.request, RequestSupport(Box::new(requested)));
    world.platform.execute::<SupportRequest>(&admin, &id, command).await.unwrap();
    let mail = mails(&world, "support@example.com", 1).await.remove(0);
    assert_eq!(mail.subject, "Support request: A <dark> screen");
    assert!(mail.text.starts_with("From: Anna Berg <anna@northwind.example>\nOrganization: Northwind (org_"));
    assert!(mail.text.ends_with("\n\nIt is dark.\nWhat now?\n") && mail.html.contains("It is dark.<br/>"));
    let from = mail.reply_to.unwrap();
    assert_eq!((from.name.as_str(), from.address.as_str()), ("Anna Berg", "anna@northwind.example"));
}

#[tokio::test]
async fn without_an_address_of_the_support_the_other_mails_still_leave() {
    let world = World::bare();
    let mailer = Mailer { support: None, ..support::mailer(Arc::new(world.mailbox.clone())) };
    tokio::spawn(reactors::run(world.platform.clone(), mailer, world.stop.clone()));
    let (founded, admin) = world.found("anna@northwind.example").await;
    let people = world.platform.people();
    let requested = SupportRequested {
        request: SupportRequestId(Uuid::from_u128(5)),
        account: founded.account,
        organization: founded.organization,
        subject: people.seal_for(founded.account, &"x".to_owned()).await.unwrap().unwrap(),
        message: people.seal_for(founded.account, &"y".to_owned()).await.unwrap().unwrap(),
    };
    let (id, command) = (requested.request, RequestSupport(Box::new(requested)));
    world.platform.execute::<SupportRequest>(&admin, &id, command).await.unwrap();
    world.platform.begin_signup(&world.anonymous(), "zoe@other.example", "es").await.unwrap();
    let mail = mails(&world, "zoe@other.example", 1).await.remove(0);
    assert!(mail.subject.ends_with("es su código de activación"), "{}", mail.subject);
    assert_eq!(world.mailbox.latest().len(), 2);
}

#[tokio::test]
async fn nobody_is_written_to_whose_data_was_erased() {
    let world = World::bare();
    let mailer = || support::mailer(Arc::new(world.mailbox.clone()));
    let first = world.stop.child_token();
    let running = tokio::spawn(reactors::run(world.platform.clone(), mailer(), first.clone()));
    let (_, admin, ben) = with_ben(&world).await;
    first.cancel();
    running.await.unwrap();
    Vault::delete(&*world.embedded, &PersonKey::vault_key(ben)).await.unwrap();
    // Another process, as this one may remember the key for a minute.
    let other = world.another(world.embedded.clone(), 77);
    let command = AccountCommand::IssueResetLink { challenge: challenge(1) };
    other.execute::<Account>(&admin.as_system("test"), &ben, command).await.unwrap();
    other.begin_signup(&world.anonymous(), "zoe@other.example", "en").await.unwrap();
    tokio::spawn(reactors::run(other, mailer(), world.stop.clone()));
    mails(&world, "zoe@other.example", 1).await;
    assert_eq!(mails(&world, BEN, 1).await.len(), 1, "the invitation");
}
