//! The email domains of an organization.

use chrono::Duration;
use schema::{
    ChallengeId, Timestamp, VerificationMethod,
    events::organization::{
        OrganizationCreated, OrganizationDomainAllowed, OrganizationDomainCodeRejected, OrganizationDomainProofFound,
        OrganizationDomainProofLost, OrganizationDomainRemoved, OrganizationDomainVerificationBegun,
        OrganizationDomainVerificationFailed, OrganizationDomainVerified, OrganizationEvent,
    },
};

use super::{account, organization, uuid};
use crate::{
    Code, Organization, OrganizationCommand,
    organization::{
        CODE_LIFETIME, CODE_TRIES, Domain, MAILBOXES, MOST_CODES_A_DAY, MOST_CODES_A_DAY_IN_ALL, MOST_DOMAINS,
        PROOF_LIFETIME,
    },
    spec::{Given, START, given},
    text::DomainName,
};

const METHODS: [VerificationMethod; 3] =
    [VerificationMethod::Email, VerificationMethod::HtmlFile, VerificationMethod::DnsTxt];
const DNS: VerificationMethod = VerificationMethod::DnsTxt;
const EMAIL: VerificationMethod = VerificationMethod::Email;
const NAME: &str = "example.com";

fn name(text: &str) -> DomainName {
    DomainName::parse(text).unwrap()
}

fn challenge(number: u128) -> ChallengeId {
    ChallengeId(uuid(number))
}

fn allowed(domain: &str) -> OrganizationEvent {
    OrganizationDomainAllowed { domain: domain.to_owned() }.into()
}

/// An organization with the domain `example.com`.
fn founded() -> Given<Organization> {
    let created =
        OrganizationCreated { organization: organization(1), name: "Example".to_owned(), founder: account(1) };
    given([created.into(), allowed(NAME)])
}

fn allow(domain: &str) -> OrganizationCommand {
    OrganizationCommand::AllowDomain { domain: name(domain) }
}

fn begin_at(domain: &str, method: VerificationMethod, number: u128, mailbox: Option<&str>) -> OrganizationCommand {
    let mailbox = mailbox.map(str::to_owned);
    OrganizationCommand::BeginVerification { domain: name(domain), method, challenge: challenge(number), mailbox }
}

fn begin(method: VerificationMethod, number: u128) -> OrganizationCommand {
    begin_at(NAME, method, number, (method == EMAIL).then_some("postmaster"))
}

fn begun(method: VerificationMethod, number: u128, at: Timestamp) -> OrganizationEvent {
    let is_mailed = method == EMAIL;
    OrganizationDomainVerificationBegun {
        domain: NAME.to_owned(),
        method,
        challenge: challenge(number),
        mailbox: is_mailed.then(|| "postmaster".to_owned()),
        expires_at: at + if is_mailed { CODE_LIFETIME } else { PROOF_LIFETIME },
    }
    .into()
}

fn reject(number: u128) -> OrganizationCommand {
    OrganizationCommand::RejectCode { domain: name(NAME), challenge: challenge(number) }
}

fn rejected(tries_left: u32) -> OrganizationEvent {
    OrganizationDomainCodeRejected { domain: NAME.to_owned(), tries_left }.into()
}

fn confirm(number: u128) -> OrganizationCommand {
    OrganizationCommand::ConfirmDomain { domain: name(NAME), challenge: challenge(number) }
}

fn verified(method: VerificationMethod, number: u128) -> OrganizationEvent {
    OrganizationDomainVerified { domain: NAME.to_owned(), method, challenge: challenge(number) }.into()
}

fn fail(number: u128, code: Code) -> OrganizationCommand {
    OrganizationCommand::FailVerification { domain: name(NAME), challenge: challenge(number), code }
}

fn failed(number: u128, code: &str) -> OrganizationEvent {
    let (domain, code) = (NAME.to_owned(), code.to_owned());
    OrganizationDomainVerificationFailed { domain, challenge: challenge(number), code }.into()
}

fn note(number: u128, found: bool) -> OrganizationCommand {
    OrganizationCommand::NoteProof { domain: name(NAME), challenge: challenge(number), found }
}

fn remove(domain: &str) -> OrganizationCommand {
    OrganizationCommand::RemoveDomain { domain: name(domain) }
}

fn removed() -> OrganizationEvent {
    OrganizationDomainRemoved { domain: NAME.to_owned() }.into()
}

fn domain(story: &Given<Organization>) -> &Domain {
    story.state().domain(NAME).unwrap()
}

#[test]
fn nothing_comes_before_the_organization() {
    for command in
        [allow(NAME), begin(DNS, 1), reject(1), confirm(1), fail(1, Code::Expired), note(1, true), remove(NAME)]
    {
        given::<Organization>([]).when(command).then_rejected(Code::NotFound);
    }
}

#[test]
fn a_domain_is_allowed_once_and_never_one_of_a_mail_service() {
    let story = founded()
        .when(allow("EXAMPLE.com."))
        .then_nothing()
        .when(allow("Bücher.example"))
        .then([allowed("xn--bcher-kva.example")])
        .when(allow("gmail.com"))
        .then_rejected(Code::ConsumerEmailDomain)
        .when(allow("mail.gmail.com"))
        .then_rejected(Code::ConsumerEmailDomain);
    assert!(story.state().allows(&name("bücher.example")) && !story.state().allows(&name("gmail.com")));
    let names: Vec<_> = story.state().domains().map(|(name, _)| name).collect();
    assert_eq!(names, [NAME, "xn--bcher-kva.example"]);
}

#[test]
fn there_are_only_so_many_and_room_again_when_one_is_removed() {
    let mut story = founded();
    for number in 1..MOST_DOMAINS {
        story = story.when(allow(&format!("d{number}.example.org"))).then_accepted();
    }
    story
        .when(allow("one.too.many.example.org"))
        .then_rejected(Code::TooMany)
        // One that is there already is no more.
        .when(allow("d1.example.org"))
        .then_nothing()
        .when(remove("d1.example.org"))
        .then_accepted()
        .when(allow("one.too.many.example.org"))
        .then_accepted();
}

#[test]
fn of_a_domain_that_is_not_on_the_list_nothing_can_be_wanted() {
    let other = "example.org";
    for command in [
        begin_at(other, DNS, 1, None),
        OrganizationCommand::RejectCode { domain: name(other), challenge: challenge(1) },
        OrganizationCommand::ConfirmDomain { domain: name(other), challenge: challenge(1) },
        remove(other),
    ] {
        founded().when(command).then_rejected(Code::NotFound);
    }
    let fail =
        OrganizationCommand::FailVerification { domain: name(other), challenge: challenge(1), code: Code::Expired };
    let note = OrganizationCommand::NoteProof { domain: name(other), challenge: challenge(1), found: false };
    founded().when(fail).then_nothing().when(note).then_nothing();
}

#[test]
fn a_domain_is_proven_each_way() {
    for method in METHODS {
        let story = founded()
            .when(begin(method, 1))
            .then([begun(method, 1, START)])
            // Repeated by whoever did not hear the answer.
            .when(begin(method, 1))
            .then_nothing();
        assert!(domain(&story).open(challenge(1)).is_some() && domain(&story).open(challenge(2)).is_none());
        let story = story
            .when(confirm(2))
            .then_rejected(Code::Expired)
            .when(confirm(1))
            .then([verified(method, 1)])
            .when(confirm(1))
            .then_nothing()
            .when(fail(1, Code::Expired))
            .then_nothing()
            .when(begin(method, 2))
            .then_rejected(Code::DomainVerified)
            .when(allow(NAME))
            .then_nothing();
        let proof = domain(&story).verified.as_ref().unwrap();
        assert_eq!((proof.method, proof.challenge), (method, challenge(1)));
        assert_eq!(domain(&story).attempt, None);
    }
}

#[test]
fn a_newer_attempt_voids_the_one_before() {
    let story = founded()
        .when(begin(EMAIL, 1))
        .then_accepted()
        .when(begin(DNS, 2))
        .then([begun(DNS, 2, START)])
        .when(reject(1))
        .then_rejected(Code::Expired)
        .when(confirm(1))
        .then_rejected(Code::Expired)
        .when(fail(1, Code::Expired))
        .then_nothing();
    assert_eq!(domain(&story).attempt.as_ref().unwrap().challenge, challenge(2));
    story.when(confirm(2)).then([verified(DNS, 2)]);
}

#[test]
fn a_code_goes_to_a_mailbox_that_only_an_administrator_has() {
    for mailbox in MAILBOXES {
        founded().when(begin_at(NAME, EMAIL, 1, Some(mailbox))).then_accepted();
    }
    founded().when(begin_at(NAME, EMAIL, 1, None)).then_rejected(Code::Required);
    for mailbox in ["", "anna", "Postmaster", "postmaster@example.com", "postmaster@evil.example,webmaster", "root"] {
        founded().when(begin_at(NAME, EMAIL, 1, Some(mailbox))).then_rejected(Code::InvalidValue);
    }
    // Where nothing is mailed, none is noted.
    founded().when(begin_at(NAME, DNS, 1, Some("anna"))).then([begun(DNS, 1, START)]);
}

#[test]
fn ten_wrong_codes_end_an_attempt_and_the_right_one_comes_too_late() {
    let mut story = founded().when(begin(EMAIL, 1)).then_accepted();
    for tries_left in (0..CODE_TRIES).rev() {
        story = story.when(reject(1)).then([rejected(tries_left)]);
    }
    let story = story
        .when(reject(1))
        .then_rejected(Code::TooManyTries)
        // Found right by whoever looked before the tries were used up.
        .when(confirm(1))
        .then_rejected(Code::TooManyTries);
    assert_eq!(domain(&story).attempt.as_ref().unwrap().check(START).unwrap_err().code, Code::TooManyTries);
    // A new attempt begins with all its tries.
    story.when(begin(EMAIL, 2)).then_accepted().when(reject(2)).then([rejected(CODE_TRIES - 1)]);
    let almost = (1..CODE_TRIES)
        .fold(founded().when(begin(EMAIL, 1)).then_accepted(), |story, _| story.when(reject(1)).then_accepted());
    almost.when(confirm(1)).then([verified(EMAIL, 1)]);
}

#[test]
fn an_attempt_ends_with_its_time() {
    let moment = Duration::microseconds(1);
    for (method, lifetime) in [(EMAIL, CODE_LIFETIME), (DNS, PROOF_LIFETIME)] {
        let story = founded().when(begin(method, 1)).then_accepted();
        let attempt = domain(&story).attempt.clone().unwrap();
        assert!(attempt.check(START + lifetime - moment).is_ok());
        assert_eq!(attempt.check(START + lifetime).unwrap_err().code, Code::Expired);
        let story = story.at(START + lifetime).when(reject(1)).then_rejected(Code::Expired);
        // What was found in time counts, however long it took to write it down.
        story.clone().when(confirm(1)).then([verified(method, 1)]);
        story
            .when(fail(2, Code::Expired))
            .then_nothing()
            .when(fail(1, Code::Expired))
            .then([failed(1, "EXPIRED")])
            .when(fail(1, Code::DomainTaken))
            .then_nothing()
            .when(confirm(1))
            .then_rejected(Code::Expired)
            .when(begin(method, 2))
            .then_accepted();
    }
}

#[test]
fn only_so_many_codes_a_day_are_mailed_to_a_domain() {
    let mut story = founded();
    for number in 0..MOST_CODES_A_DAY as u128 {
        story = story.when(begin(EMAIL, number)).then_accepted().later(Duration::hours(1));
    }
    let full = story.when(begin(EMAIL, 90)).then_rejected(Code::RateLimited);
    // Other ways and other domains are open, and who removes the domain and adds it again has won nothing.
    let full = full.clone().when(begin(DNS, 90)).then_accepted();
    full.clone()
        .when(allow("example.org"))
        .then_accepted()
        .when(begin_at("example.org", EMAIL, 91, Some("admin")))
        .then_accepted();
    full.clone()
        .when(remove(NAME))
        .then([removed()])
        .when(allow(NAME))
        .then_accepted()
        .when(begin(EMAIL, 91))
        .then_rejected(Code::RateLimited);
    // A day after the first there is room for one.
    full.clone()
        .at(START + Duration::days(1) - Duration::microseconds(1))
        .when(begin(EMAIL, 91))
        .then_rejected(Code::RateLimited);
    full.at(START + Duration::days(1))
        .when(begin(EMAIL, 91))
        .then_accepted()
        .when(begin(EMAIL, 92))
        .then_rejected(Code::RateLimited);
}

#[test]
fn only_so_many_codes_a_day_are_mailed_in_all() {
    let mut story = founded();
    for number in 0..MOST_CODES_A_DAY_IN_ALL {
        let other = format!("d{number}.example.org");
        let mailed = begin_at(&other, EMAIL, number as u128, Some("admin"));
        let added = story.when(allow(&other)).then_accepted();
        story = added.when(mailed).then_accepted().when(remove(&other)).then_accepted();
    }
    let full = story.when(begin(EMAIL, 1_000)).then_rejected(Code::RateLimited);
    full.later(Duration::days(1)).when(begin(EMAIL, 1_000)).then_accepted();
}

#[test]
fn a_proof_is_lost_and_found_and_the_domain_stays_verified() {
    let lost = OrganizationDomainProofLost { domain: NAME.to_owned() };
    let found = OrganizationDomainProofFound { domain: NAME.to_owned() };
    let story = founded().when(note(1, false)).then_nothing().when(begin(DNS, 1)).then_accepted();
    let story = story
        .when(note(1, false))
        .then_nothing()
        .when(confirm(1))
        .then_accepted()
        .when(note(1, true))
        .then_nothing()
        // Of a proof that no longer counts nothing is noted.
        .when(note(2, false))
        .then_nothing()
        .when(note(1, false))
        .then([lost.into()])
        .when(note(1, false))
        .then_nothing();
    assert!(domain(&story).proof_lost && domain(&story).verified.is_some());
    let story = story.when(note(1, true)).then([found.into()]).when(note(1, true)).then_nothing();
    assert!(!domain(&story).proof_lost);
}

#[test]
fn a_removed_domain_is_gone_with_its_proof() {
    let story = founded()
        .when(begin(DNS, 1))
        .then_accepted()
        .when(confirm(1))
        .then_accepted()
        .when(remove(NAME))
        .then([removed()])
        .when(remove(NAME))
        .then_rejected(Code::NotFound)
        .when(note(1, false))
        .then_nothing();
    assert!(!story.state().allows(&name(NAME)));
    let story = story.when(allow(NAME)).then_accepted();
    assert_eq!(domain(&story), &Domain::default());
    // Proofs from before do not count.
    story.when(confirm(1)).then_rejected(Code::Expired);
}
