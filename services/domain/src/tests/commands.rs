//! Who may give which command: the whole table.

use std::collections::BTreeSet;

use schema::{
    ChallengeId, CommandKind, EmailKey, LoginMethod, PairingId, Right, SessionId, SignupId, SupportRequestId,
    VerificationMethod,
    events::{
        account::AccountCreated,
        device::{DeviceEnrolled, DeviceStatusReported},
        organization::OrganizationLogoChanged,
        pairing::PairingRequested,
        reservation::DomainReserved,
        session::SessionStarted,
        support::SupportRequested,
    },
};

use super::{account, anna, command, device, email, organization, role, sealed, uuid};
use crate::{
    Access, Account, AccountCommand, Aggregate, Code, Device, DeviceCommand, DomainReservation, EmailReservation,
    HardwareReservation, Organization, OrganizationCommand, Outcome, Pairing, PairingCommand, Recovery,
    RecoveryCommand, RequestRecovery, RequestSupport, Roles, RolesCommand, Session, SessionCommand, Signup,
    SignupCommand, SupportRequest, UserCodeReservation,
    reservation::{DomainCommand, EmailCommand, HardwareCommand, ReserveUserCode},
    spec::START,
    text::DomainName,
};

fn asks<A: Aggregate>(access: Access, commands: impl IntoIterator<Item = A::Command>) {
    for command in commands {
        assert_eq!(A::access(&command), access, "{command:?}");
    }
}

#[test]
fn what_carries_its_own_proof_is_open_to_anyone() {
    let begin = SignupCommand::Begin {
        signup: SignupId(uuid(1)),
        account: account(1),
        email: email(),
        email_key: EmailKey("k".to_owned()),
        domain: DomainName::parse("example.com").unwrap(),
        locale: "en".to_owned(),
        challenge: ChallengeId(uuid(2)),
        domain_taken: false,
        already_registered: false,
    };
    let complete = SignupCommand::Complete {
        organization: organization(1),
        organization_name: "Example".to_owned(),
        profile: sealed(&anna()),
        locale: "en".to_owned(),
        credential: uuid(1),
    };
    asks::<Signup>(Access::Anyone, [begin, SignupCommand::ConfirmEmail { code_matches: true }, complete]);
    let (challenge, credential) = (ChallengeId(uuid(2)), uuid(1));
    asks::<Account>(
        Access::Anyone,
        [AccountCommand::Activate { challenge, credential }, AccountCommand::ResetPassword { challenge, credential }],
    );
    let request = RequestRecovery { email_key: EmailKey("k".to_owned()), challenge };
    asks::<Recovery>(Access::Anyone, [RecoveryCommand::Request(request)]);
    asks::<Recovery>(Access::System, [RecoveryCommand::Answer(challenge)]);
    let start = SessionStarted {
        session: SessionId(uuid(1)),
        account: account(1),
        organization: organization(1),
        method: LoginMethod::Password,
        epoch: 0,
        secret_sha256: String::new(),
        expires_at: START,
    };
    asks::<Session>(Access::Anyone, [SessionCommand::Start { started: start, origin: None, federated: None }]);
    let golden = r#"{"pairing":"pair_00000000000000000000000000000001","hardware":"h","serial":"s","model":"m",
        "software_version":"1","public_key":"{}","user_code":"u","network":"n","expires_at":"2026-03-02T09:00:00Z"}"#;
    let request: PairingRequested = serde_json::from_str(golden).unwrap();
    asks::<Pairing>(Access::Anyone, [PairingCommand::Request(Box::new(request))]);
}

#[test]
fn people_do_what_their_roles_allow() {
    let created = AccountCreated {
        account: account(1),
        organization: organization(1),
        email: email(),
        email_key: EmailKey("k".to_owned()),
        domain: "example.com".to_owned(),
        profile: sealed(&anna()),
        locale: "en".to_owned(),
        login_method: LoginMethod::Password,
        origin: schema::AccountOrigin::Admin,
    };
    let create = AccountCommand::Create { account: Box::new(created), invite: None, credential: None };
    let (email_key, challenge) = (EmailKey("k".to_owned()), ChallengeId(uuid(2)));
    let domain = "example.com".to_owned();
    asks::<Account>(
        Access::Right(Right::ManageAccounts),
        [
            create,
            AccountCommand::ChangeProfile { base: sealed(&anna()), profile: sealed(&anna()) },
            AccountCommand::ChangeLocale { locale: "de".to_owned() },
            AccountCommand::BeginEmailChange { email_key: email_key.clone() },
            AccountCommand::ChangeEmail { email: email(), email_key, domain, invite: challenge },
            AccountCommand::Deactivate { epoch: None },
            AccountCommand::Reactivate,
            AccountCommand::LogOutEverywhere,
            AccountCommand::SetToCreated { epoch: None },
            AccountCommand::IssueActivationLink { challenge, mailed: false },
            AccountCommand::ForcePasswordReset { challenge },
        ],
    );
    let requested = SupportRequested {
        request: SupportRequestId(uuid(1)),
        account: account(1),
        organization: organization(1),
        subject: email(),
        message: email(),
    };
    let domain = || DomainName::parse("example.com").unwrap();
    let (method, mailbox) = (VerificationMethod::DnsTxt, None);
    asks::<Organization>(
        Access::Right(Right::ManageDomains),
        [
            OrganizationCommand::AllowDomain { domain: domain() },
            OrganizationCommand::BeginVerification { domain: domain(), method, challenge, mailbox },
            OrganizationCommand::RemoveDomain { domain: domain() },
        ],
    );
    let logo = OrganizationLogoChanged { sha256: "a".repeat(64), width: 600, height: 300 };
    asks::<Organization>(
        Access::Right(Right::ManageOrganization),
        [OrganizationCommand::Rename { name: "Other".to_owned() }, OrganizationCommand::ChangeLogo(logo)],
    );
    asks::<SupportRequest>(Access::Right(Right::ContactSupport), [RequestSupport(Box::new(requested))]);
    asks::<Device>(
        Access::Right(Right::ManageDevices),
        [
            DeviceCommand::Rename { name: "Desk".to_owned() },
            DeviceCommand::Request { command: command(1), kind: CommandKind::Reboot },
        ],
    );
    let (name, rights, role, account) =
        ("Desk".to_owned(), BTreeSet::from([Right::ManageDevices]), role(1), account(1));
    asks::<Roles>(
        Access::SystemAdmin,
        [
            RolesCommand::Create { role, name: name.clone(), rights: rights.clone() },
            RolesCommand::Edit { role, name: name.clone(), rights },
            RolesCommand::Delete { role },
            RolesCommand::Assign { role, account, activated: true },
            RolesCommand::Unassign { role, account },
        ],
    );
    asks::<Pairing>(
        Access::Member,
        [PairingCommand::Approve { account, account_epoch: 0, organization: organization(1), device: device(1), name }],
    );
}

#[test]
fn units_and_sessions_speak_for_themselves_only() {
    asks::<Session>(Access::Owner, [SessionCommand::End]);
    asks::<Account>(Access::Owner, [AccountCommand::ChangePassword { checked: uuid(1), credential: uuid(2) }]);
    let status = DeviceStatusReported {
        boot_id: uuid(1),
        last_sequence: 0,
        software_version: "1".to_owned(),
        settings_revision: 1,
        connected_accounts: BTreeSet::new(),
    };
    let result =
        DeviceCommand::ReportResult { command: command(1), attempt: 1, outcome: Outcome::Failed, code: String::new() };
    asks::<Device>(
        Access::Owner,
        [
            DeviceCommand::Connect { connection: uuid(1) },
            DeviceCommand::Disconnect { connection: uuid(1) },
            DeviceCommand::ReportStatus(status),
            DeviceCommand::Acknowledge { command: command(1), attempt: 1 },
            result,
        ],
    );
}

#[test]
fn the_rest_is_for_the_platform() {
    let (account, organization, pairing) = (account(1), organization(1), PairingId(uuid(1)));
    asks::<Signup>(Access::System, [SignupCommand::Expire]);
    asks::<Account>(
        Access::System,
        [
            AccountCommand::Abandon,
            AccountCommand::AbandonEmailChange { email_key: EmailKey("k".to_owned()) },
            AccountCommand::IssueResetLink { challenge: ChallengeId(uuid(2)) },
        ],
    );
    let (name, domain, challenge) = ("Example".to_owned(), "example.com".to_owned(), ChallengeId(uuid(2)));
    let example = || DomainName::parse("example.com").unwrap();
    asks::<Organization>(
        Access::System,
        [
            OrganizationCommand::Create { organization, name, founder: account, domain },
            OrganizationCommand::FailVerification { domain: example(), challenge, code: Code::Expired },
            OrganizationCommand::NoteProof { domain: example(), challenge, found: true },
        ],
    );
    // What was looked at for an admin is done by the admin.
    asks::<Organization>(
        Access::Right(Right::ManageDomains),
        [
            OrganizationCommand::RejectCode { domain: example(), challenge },
            OrganizationCommand::ConfirmDomain { domain: example(), challenge },
        ],
    );
    asks::<Roles>(
        Access::System,
        [
            RolesCommand::Found { organization, role: role(1), founder: account },
            RolesCommand::Suspend { account, session_epoch: 0, set_back: false },
            RolesCommand::Resume { account, session_epoch: 0 },
        ],
    );
    asks::<Pairing>(Access::System, [PairingCommand::Complete, PairingCommand::Expire]);
    asks::<EmailReservation>(
        Access::System,
        [
            EmailCommand::Reserve { account, signup: None },
            EmailCommand::ReserveAnew(account),
            EmailCommand::Release(account),
            EmailCommand::ReleaseUnlessRenewed { account, reservations: 1 },
        ],
    );
    asks::<UserCodeReservation>(Access::System, [ReserveUserCode { pairing }]);
    let reserved = DomainReserved { organization, challenge: ChallengeId(uuid(1)) };
    asks::<DomainReservation>(
        Access::System,
        [DomainCommand::Reserve(reserved.clone()), DomainCommand::Release(reserved)],
    );
    asks::<HardwareReservation>(
        Access::System,
        [
            HardwareCommand::Enroll { device: device(1), organization, pairing, logged_out: None },
            HardwareCommand::Release(device(1)),
        ],
    );
    asks::<Device>(
        Access::System,
        [
            DeviceCommand::Enroll(Box::new(enrolled())),
            DeviceCommand::LogOut,
            DeviceCommand::Dispatch { command: command(1), boot_id: uuid(1) },
            DeviceCommand::Expire { command: command(1) },
        ],
    );
}

fn enrolled() -> DeviceEnrolled {
    super::device::enrolled_unit()
}
