use chrono::Duration;
use schema::{
    FederatedSubjectKey, LoginMethod, SamlBinding, SessionId, SsoCheck, SsoConfiguration, SsoProviderId, SsoRequestId,
    SsoTestId,
    events::{
        account::{AccountActivatedBySso, AccountLoginMethodChanged, AccountSubjectLinked},
        federation::FederationSessionNoted,
        single_sign_on::{
            SingleSignOnEvent, SsoCertificateExpiring, SsoDefaultMethodChanged, SsoProviderActivated, SsoProviderAdded,
            SsoProviderDeactivated, SsoProviderRemoved, SsoProviderUpdated, SsoReleased, SsoRequired, SsoTestBegun,
            SsoTestEnded,
        },
        sso_answer::{SsoAnswerAccepted, SsoAnswerRefused},
    },
};

use super::{account, account::created, organization, sealed, uuid};
use crate::{
    Access, Account, AccountCommand, AccountStatus, Aggregate, Code, Details, FederatedIdentity, Federation,
    NoteSession, SamlAssertionReservation, SingleSignOn, SingleSignOnCommand as Command, SsoAnswer, SsoAnswerCommand,
    reservation::UseAssertion,
    single_sign_on::{MOST_PROVIDERS, Person, TEST_LIFETIME},
    spec::{START, given},
};

fn provider(number: u128) -> SsoProviderId {
    SsoProviderId(uuid(number))
}

fn test(number: u128) -> SsoTestId {
    SsoTestId(uuid(number))
}

fn saml(url: &str) -> SsoConfiguration {
    SsoConfiguration::Saml {
        issuer: "https://idp.example".to_owned(),
        sso_url: url.to_owned(),
        binding: SamlBinding::Redirect,
        logout_url: None,
        certificates: vec!["AAAA".to_owned()],
    }
}

fn added(number: u128, name: &str, domains: &[&str]) -> SsoProviderAdded {
    SsoProviderAdded {
        provider: provider(number),
        organization: organization(1),
        name: name.to_owned(),
        domains: domains.iter().map(|&domain| domain.to_owned()).collect(),
        configuration: saml("https://idp.example/sso"),
    }
}

fn update(number: u128, name: &str, url: &str) -> Command {
    let details = Details { name: name.to_owned(), domains: vec![], configuration: saml(url) };
    Command::Update { provider: provider(number), details, revision: 0 }
}

fn ended(number: u128, of: u128, failed: Option<SsoCheck>) -> SsoTestEnded {
    SsoTestEnded { provider: provider(of), test: test(number), failed, transcript: sealed(&vec![]) }
}

fn begun(number: u128, of: u128) -> SsoTestBegun {
    SsoTestBegun { provider: provider(of), test: test(number), account: account(1), expires_at: START + TEST_LIFETIME }
}

/// A provider that was tested and activated.
fn active(number: u128, name: &str, domains: &[&str]) -> Vec<SingleSignOnEvent> {
    vec![
        added(number, name, domains).into(),
        begun(number, number).into(),
        ended(number, number, None).into(),
        SsoProviderActivated { provider: provider(number), test: test(number) }.into(),
    ]
}

#[test]
fn only_the_configuration_that_passed_its_test_is_activated() {
    let begin = |number| Command::BeginTest { provider: provider(1), test: test(number), account: account(1) };
    let story = given::<SingleSignOn>([added(1, "Login", &[]).into()])
        .when(Command::Activate(provider(1)))
        .then_rejected(Code::NotTested)
        .when(begin(1))
        .then([begun(1, 1).into()])
        .when(Command::EndTest(ended(1, 1, Some(SsoCheck::Account))))
        .then([ended(1, 1, Some(SsoCheck::Account)).into()])
        .when(Command::Activate(provider(1)))
        .then_rejected(Code::NotTested)
        .when(begin(2))
        .then([begun(2, 1).into()])
        .when(Command::EndTest(ended(2, 1, None)))
        .then([ended(2, 1, None).into()])
        // An answer counts once.
        .when(Command::EndTest(ended(2, 1, None)))
        .then_rejected(Code::NotFound);
    assert!(story.state().serving("example.com").is_none(), "a test signs nobody in");
    // An edit voids the test.
    let edited = SsoProviderUpdated {
        provider: provider(1),
        name: "Login".to_owned(),
        domains: vec![],
        configuration: saml("https://idp.example/other"),
    };
    let story = story
        .when(update(1, "Login", "https://idp.example/other"))
        .then([edited.into()])
        // Made from what was there before.
        .when(update(1, "Login", "https://idp.example/another"))
        .then_rejected(Code::Busy)
        .when(Command::Activate(provider(1)))
        .then_rejected(Code::NotTested)
        .when(begin(3))
        .then([begun(3, 1).into()])
        .when(Command::EndTest(ended(3, 1, None)))
        .then([ended(3, 1, None).into()])
        .when(Command::Activate(provider(1)))
        .then([SsoProviderActivated { provider: provider(1), test: test(3) }.into()])
        .when(Command::Activate(provider(1)))
        .then_nothing();
    assert_eq!(story.state().serving("example.com").map(|(id, _)| id), Some(provider(1)));
}

#[test]
fn what_is_active_goes_on_while_a_draft_is_tested() {
    let story = given::<SingleSignOn>(active(1, "Login", &[]));
    let url =
        |story: &crate::spec::Given<SingleSignOn>| match &story.state().serving("example.com").unwrap().1.configuration
        {
            SsoConfiguration::Saml { sso_url, .. } => sso_url.clone(),
            SsoConfiguration::OpenIdConnect { .. } => panic!(),
        };
    let edited = SsoProviderUpdated {
        provider: provider(1),
        name: "Login".to_owned(),
        domains: vec![],
        configuration: saml("https://idp.example/new"),
    };
    let story = story
        .when(Command::BeginTest { provider: provider(1), test: test(7), account: account(1) })
        .then([begun(7, 1).into()])
        .when(update(1, "Login", "https://idp.example/new"))
        .then([edited.into()])
        // The test was of what is no longer there.
        .when(Command::EndTest(ended(7, 1, None)))
        .then_rejected(Code::NotFound);
    assert_eq!(url(&story), "https://idp.example/sso");
    assert!(story.state().provider(provider(1)).unwrap().has_draft());
    let late = given::<SingleSignOn>([added(1, "Login", &[]).into(), begun(1, 1).into()]);
    late.later(TEST_LIFETIME).when(Command::EndTest(ended(1, 1, None))).then_rejected(Code::Expired);
}

#[test]
fn providers_have_names_of_their_own_and_share_no_domain() {
    let two = || active(1, "Login", &["a.example"]).into_iter().chain([added(2, "Other", &["b.example"]).into()]);
    given::<SingleSignOn>(two())
        .when(Command::Add(added(3, "LOGIN", &[])))
        .then_rejected(Code::ProviderNameTaken)
        .when(update(2, "login", "https://idp.example"))
        .then_rejected(Code::ProviderNameTaken)
        .when(Command::Add(added(2, "Other", &["b.example"])))
        .then_nothing();
    let tested = |domains: &[&str]| {
        let second = [added(2, "Other", domains).into(), begun(2, 2).into(), ended(2, 2, None).into()];
        given::<SingleSignOn>(active(1, "Login", &["a.example"]).into_iter().chain(second))
    };
    tested(&[]).when(Command::Activate(provider(2))).then_rejected(Code::ProviderConflict);
    tested(&["b.example", "a.example"]).when(Command::Activate(provider(2))).then_rejected(Code::ProviderConflict);
    let activated = SsoProviderActivated { provider: provider(2), test: test(2) };
    let story = tested(&["b.example"]).when(Command::Activate(provider(2))).then([activated.into()]);
    let serving = |domain: &str| story.state().serving(domain).map(|(id, _)| id);
    assert_eq!(
        [serving("a.example"), serving("b.example"), serving("c.example")],
        [Some(provider(1)), Some(provider(2)), None]
    );
    let many = (0..MOST_PROVIDERS as u128).map(|n| added(n, &format!("Login {n}"), &[]).into());
    given::<SingleSignOn>(many).when(Command::Add(added(99, "One more", &[]))).then_rejected(Code::TooMany);
}

#[test]
fn what_is_required_keeps_an_active_provider() {
    let require = Command::Require { way_back_in: account(1) };
    given::<SingleSignOn>([added(1, "Login", &[]).into()])
        .when(require.clone())
        .then_rejected(Code::NoActiveProvider)
        .when(Command::SetDefaultMethod(LoginMethod::SingleSignOn))
        .then_rejected(Code::NoActiveProvider)
        .when(Command::SetDefaultMethod(LoginMethod::Password))
        .then_nothing()
        .when(Command::Release)
        .then_nothing();
    given::<SingleSignOn>(active(1, "Login", &[]))
        .when(Command::SetDefaultMethod(LoginMethod::SingleSignOn))
        .then([SsoDefaultMethodChanged { method: LoginMethod::SingleSignOn }.into()])
        .when(require.clone())
        .then([SsoRequired { way_back_in: account(1) }.into()])
        .when(require)
        .then_nothing()
        .when(Command::Deactivate(provider(1)))
        .then_rejected(Code::SingleSignOnRequired)
        .when(Command::Remove(provider(1)))
        .then_rejected(Code::SingleSignOnRequired)
        // One that is not active may go.
        .when(Command::Add(added(2, "Other", &[])))
        .then_accepted()
        .when(Command::Remove(provider(2)))
        .then_accepted()
        .when(Command::Release)
        .then([SsoReleased {}.into()])
        .when(Command::Deactivate(provider(1)))
        .then([SsoProviderDeactivated { provider: provider(1) }.into()])
        .when(Command::Deactivate(provider(1)))
        .then_nothing()
        .when(Command::Remove(provider(1)))
        .then([SsoProviderRemoved { provider: provider(1) }.into()])
        .when(Command::Remove(provider(1)))
        .then_rejected(Code::NotFound);
}

#[test]
fn a_certificate_is_warned_of_once_and_only_while_it_is_of_use() {
    let warning = |of| SsoCertificateExpiring { provider: provider(of), fingerprint: "f".to_owned(), ends_at: START };
    let events = active(1, "Login", &["a.example"]).into_iter().chain([added(2, "Other", &[]).into()]);
    given::<SingleSignOn>(events)
        .when(Command::WarnOfCertificate(warning(1)))
        .then([warning(1).into()])
        .when(Command::WarnOfCertificate(warning(1)))
        .then_nothing()
        .when(Command::WarnOfCertificate(warning(2)))
        .then_nothing();
}

/// Who may sign in with a password, and who at the provider: the whole table.
#[test]
fn who_signs_in_how() {
    let anna = Person {
        account: account(1),
        method: LoginMethod::Password,
        domain: "a.example",
        domain_verified: true,
        system_admin: true,
    };
    let ben = Person { account: account(2), system_admin: false, ..anna };
    let sso = |person: Person<'static>| Person { method: LoginMethod::SingleSignOn, ..person };
    let off = given::<SingleSignOn>([]).state().clone();
    let on = given::<SingleSignOn>(active(1, "Login", &["a.example"])).state().clone();
    let required = given::<SingleSignOn>(
        active(1, "Login", &["a.example"]).into_iter().chain([SsoRequired { way_back_in: account(1) }.into()]),
    );
    let required = required.state().clone();
    let elsewhere = Person { domain: "b.example", ..ben };
    let lost = Person { domain_verified: false, ..sso(ben) };
    for (state, person, open, password, at_provider) in [
        (&off, ben, false, true, false),
        (&off, sso(ben), false, false, false),
        // The password of an admin who signs in at a provider is the way back in.
        (&off, sso(anna), false, true, false),
        (&off, sso(elsewhere), false, false, false),
        (&on, ben, false, true, false),
        (&on, sso(ben), false, false, true),
        (&on, sso(anna), false, true, true),
        (&on, sso(elsewhere), false, false, false),
        (&on, lost, false, false, false),
        (&on, Person { system_admin: true, ..lost }, false, true, false),
        (&required, anna, true, true, true),
        (&required, sso(anna), true, true, true),
        (&required, ben, true, false, true),
        (&required, Person { system_admin: true, ..ben }, true, false, true),
        // Whoever was named is no longer there.
        (&required, Person { system_admin: true, ..ben }, false, true, true),
        (&required, ben, false, false, true),
        (&required, Person { system_admin: true, ..elsewhere }, true, true, false),
        // Nobody serves them, so they are not meant.
        (&required, elsewhere, true, true, false),
        (&required, sso(elsewhere), true, false, false),
        // Named, but no longer a system admin.
        (&required, Person { system_admin: false, ..anna }, false, false, true),
    ] {
        assert_eq!(state.allows_password(person, open), password, "{person:?}, {open}");
        assert_eq!(state.allows_provider(person, provider(1)), at_provider, "{person:?}");
        assert!(!state.allows_provider(person, provider(2)));
    }
    for (state, domain, verified, method) in [
        (&off, "a.example", true, LoginMethod::Password),
        (&on, "a.example", true, LoginMethod::Password),
        (&required, "a.example", true, LoginMethod::SingleSignOn),
        (&required, "a.example", false, LoginMethod::Password),
        (&required, "b.example", true, LoginMethod::Password),
    ] {
        assert_eq!(state.method_for_new(domain, verified), method, "{domain}");
    }
}

/// The provider vouches for the person of the account, as an issuer, by a lasting name if it has one.
fn at_provider(number: u128, issuer: u8, name: Option<&str>) -> AccountCommand {
    let key = |text: String| FederatedSubjectKey(text);
    let identity = FederatedIdentity {
        issuer: key(format!("issuer {issuer}")),
        subject: name.map(|name| key(name.to_owned())),
        by_address: key(format!("account at {issuer}")),
    };
    AccountCommand::SignInAtProvider { provider: provider(number), identity }
}

#[test]
fn the_first_sign_in_activates_and_links_the_person() {
    let key = |text: &str| FederatedSubjectKey(text.to_owned());
    let issuer = |number: u8| key(&format!("issuer {number}"));
    let sign_in = |text| at_provider(1, 1, Some(text));
    let method = |method| AccountCommand::ChangeLoginMethod { method, keeps_password: false };
    let changed = |method| AccountLoginMethodChanged { method, replaced: None };
    let linked = AccountSubjectLinked { provider: provider(1), subject: key("a"), issuer: Some(issuer(1)) };
    let story = given::<Account>([created()])
        .when(method(LoginMethod::SingleSignOn))
        .then([changed(LoginMethod::SingleSignOn).into()])
        .when(AccountCommand::IssueActivationLink { challenge: schema::ChallengeId(uuid(9)), mailed: false })
        .then_rejected(Code::NoPassword)
        .when(AccountCommand::Activate { challenge: schema::ChallengeId(uuid(9)), credential: uuid(1) })
        .then_rejected(Code::NoPassword)
        .when(sign_in("a"))
        .then([AccountActivatedBySso { provider: provider(1) }.into(), linked.into()])
        .when(sign_in("a"))
        .then_nothing()
        .when(sign_in("b"))
        .then_rejected(Code::WrongCredentials)
        // A name of the moment, or only the address.
        .when(at_provider(1, 1, None))
        .then_nothing();
    assert_eq!((story.state().status(), story.state().credential()), (AccountStatus::Activated, None));
    // Deactivated and back it is as before, though it never had a password.
    let epoch = story.state().session_epoch();
    let story = story.when(AccountCommand::Deactivate { epoch: None }).then_accepted().when(sign_in("a"));
    let story = story.then_rejected(Code::AccountDeactivated).when(AccountCommand::Reactivate).then_accepted();
    assert_eq!(story.state().status(), AccountStatus::Activated);
    assert!(story.state().session_epoch() > epoch);
    // Set back, it may be linked to somebody whom the provider calls otherwise.
    let story =
        story.when(AccountCommand::SetToCreated { epoch: None }).then_accepted().when(sign_in("b")).then_accepted();
    assert_eq!(story.state().subject(provider(1), &issuer(1)), Some(&key("b")));
    // The provider is configured to another issuer, which calls everybody otherwise.
    assert_eq!(story.state().subject(provider(1), &issuer(2)), None);
    let elsewhere = |text| at_provider(1, 2, Some(text));
    let story = story.when(elsewhere("c")).then_accepted().when(elsewhere("d")).then_rejected(Code::WrongCredentials);
    let epoch = story.state().session_epoch();
    let story = story.when(AccountCommand::EndSessions).then_accepted();
    assert_eq!(story.state().session_epoch(), epoch + 1);
}

/// Whoever set the account up may have chosen its password, and have a session.
#[test]
fn who_was_there_before_the_provider_vouched_is_out() {
    let activated = || {
        let challenge = schema::ChallengeId(uuid(9));
        given::<Account>([created()])
            .when(AccountCommand::IssueActivationLink { challenge, mailed: false })
            .then_accepted()
            .when(AccountCommand::Activate { challenge, credential: uuid(1) })
            .then_accepted()
    };
    let begun_in = activated().state().session_epoch();
    let change = |method, keeps_password| AccountCommand::ChangeLoginMethod { method, keeps_password };
    let changed = |method, replaced| AccountLoginMethodChanged { method, replaced };
    let story = activated()
        .when(change(LoginMethod::SingleSignOn, false))
        .then([changed(LoginMethod::SingleSignOn, Some(uuid(1))).into()])
        .when(change(LoginMethod::Password, false))
        .then([changed(LoginMethod::Password, None).into()]);
    assert_eq!(story.state().credential(), None);
    assert!(story.state().session_epoch() > begun_in);
    // System admins keep it, as a way back in.
    let story =
        activated()
            .when(change(LoginMethod::SingleSignOn, true))
            .then([changed(LoginMethod::SingleSignOn, None).into()]);
    assert_eq!((story.state().credential(), story.state().session_epoch()), (Some(uuid(1)), begun_in));
    // Everybody has to sign in at a provider, whatever their method. One that has no lasting name for them is remembered
    // all the same, so that the sessions end once.
    for name in [None, Some("a")] {
        let story = activated().when(at_provider(1, 1, name)).then_accepted();
        assert_eq!(story.state().session_epoch(), begun_in + 1, "{name:?}");
        story.when(at_provider(1, 1, name)).then_nothing();
    }
}

#[test]
fn a_provider_may_begin_to_call_people_by_a_lasting_name() {
    given::<Account>([created()])
        .when(at_provider(1, 1, None))
        .then_accepted()
        .when(at_provider(1, 1, Some("a")))
        .then_accepted()
        .when(at_provider(1, 1, None))
        .then_nothing()
        .when(at_provider(1, 1, Some("b")))
        .then_rejected(Code::WrongCredentials);
}

#[test]
fn an_answer_and_an_assertion_count_once() {
    let request = SsoRequestId(uuid(1));
    let (organization, provider, account) = (organization(1), provider(1), account(1));
    let accepted = SsoAnswerAccepted { request, organization, provider, account };
    let refused = SsoAnswerRefused {
        request,
        organization,
        provider,
        check: SsoCheck::Issuer,
        expected: "a".to_owned(),
        actual: "b".to_owned(),
    };
    given::<SsoAnswer>([])
        .when(SsoAnswerCommand::Accept(accepted.clone()))
        .then([accepted.clone().into()])
        .when(SsoAnswerCommand::Accept(accepted.clone()))
        .then_rejected(Code::AlreadyUsed)
        .when(SsoAnswerCommand::Refuse(refused.clone()))
        .then_nothing();
    given::<SsoAnswer>([refused.into()]).when(SsoAnswerCommand::Accept(accepted)).then_rejected(Code::AlreadyUsed);
    given::<SamlAssertionReservation>([])
        .when(UseAssertion(request))
        .then_accepted()
        .when(UseAssertion(request))
        .then_rejected(Code::AlreadyUsed);
}

#[test]
fn a_logout_at_the_provider_finds_the_sessions_it_means() {
    let noted = |number, index: Option<&str>, days| FederationSessionNoted {
        provider: provider(1),
        session: SessionId(uuid(number)),
        index: index.map(|index| FederatedSubjectKey(index.to_owned())),
        expires_at: START + Duration::days(days),
    };
    let all = [noted(1, Some("a"), 30), noted(2, Some("b"), 30), noted(3, None, 30)];
    let mut story = given::<Federation>([]);
    for note in &all {
        story = story
            .when(NoteSession(note.clone()))
            .then([note.clone().into()])
            .when(NoteSession(note.clone()))
            .then_nothing();
    }
    let found = |indexes: &[&str], at| {
        let indexes: Vec<_> = indexes.iter().map(|&index| FederatedSubjectKey(index.to_owned())).collect();
        story.state().sessions(&indexes, at).map(|session| session.0.as_u128()).collect::<Vec<_>>()
    };
    let first = uuid(1).as_u128();
    assert_eq!(found(&[], START), [first, first + 1, first + 2]);
    assert_eq!(found(&["a"], START), [first, first + 2]);
    assert_eq!(found(&["x"], START), [first + 2]);
    assert!(found(&[], START + Duration::days(30)).is_empty());
}

#[test]
fn who_could_be_anybody_has_to_be_a_system_admin() {
    for command in [
        Command::Add(added(1, "Login", &[])),
        update(1, "Login", "https://idp.example"),
        Command::Remove(provider(1)),
        Command::BeginTest { provider: provider(1), test: test(1), account: account(1) },
        Command::Activate(provider(1)),
        Command::Deactivate(provider(1)),
        Command::SetDefaultMethod(LoginMethod::Password),
        Command::Require { way_back_in: account(1) },
        Command::Release,
    ] {
        assert_eq!(SingleSignOn::access(&command), Access::SystemAdmin, "{command:?}");
    }
    assert_eq!(SingleSignOn::access(&Command::EndTest(ended(1, 1, None))), Access::System);
    let sign_in = at_provider(1, 1, None);
    assert_eq!(Account::access(&sign_in), Access::System);
    let change = AccountCommand::ChangeLoginMethod { method: LoginMethod::SingleSignOn, keeps_password: false };
    assert_eq!(Account::access(&change), Access::Right(schema::Right::ManageAccounts));
    assert_eq!(Account::access(&AccountCommand::EndSessions), Access::Owner);
}
