use chrono::Duration;
use schema::{
    ChallengeId, PairingId, SignupId,
    events::reservation::{
        DomainReleased, DomainReserved, EmailReleased, EmailReserved, HardwareEnrolled, HardwareReleased,
        ReservationEvent, UserCodeReserved,
    },
};

use super::{account, device, organization, uuid};
use crate::{
    Code, DomainReservation, EmailReservation, HardwareReservation, UserCodeReservation,
    pairing::PAIRING_LIFETIME,
    reservation::{DomainCommand, EmailCommand, HardwareCommand, ReserveUserCode},
    spec::{START, given},
};

fn reserve_email(number: u128, signup: Option<u128>) -> EmailCommand {
    EmailCommand::Reserve { account: account(number), signup: signup.map(|s| SignupId(uuid(s))) }
}

fn email_reserved(number: u128, signup: Option<u128>) -> ReservationEvent {
    EmailReserved { account: account(number), signup: signup.map(|s| SignupId(uuid(s))) }.into()
}

#[test]
fn an_address_has_one_account_until_that_gives_it_back() {
    let story = given::<EmailReservation>([])
        .when(reserve_email(1, Some(4)))
        .then([email_reserved(1, Some(4))])
        .when(reserve_email(1, Some(4)))
        .then_nothing()
        .when(reserve_email(2, None))
        .then_rejected(Code::EmailTaken)
        .when(EmailCommand::Release(account(2)))
        .then_nothing();
    assert_eq!(story.state().holder(), Some(account(1)));
    let story = story
        .when(EmailCommand::Release(account(1)))
        .then([EmailReleased { account: account(1) }.into()])
        .when(EmailCommand::Release(account(1)))
        .then_nothing()
        .when(reserve_email(2, None))
        .then([email_reserved(2, None)]);
    assert_eq!(story.state().holder(), Some(account(2)));
}

#[test]
fn an_address_is_cleared_away_only_as_it_was_reserved() {
    let release = |account_number, reservations| EmailCommand::ReleaseUnlessRenewed {
        account: account(account_number),
        reservations,
    };
    let story = given::<EmailReservation>([])
        .when(EmailCommand::ReserveAnew(account(1)))
        .then([email_reserved(1, None)])
        .when(EmailCommand::ReserveAnew(account(2)))
        .then_rejected(Code::EmailTaken)
        .when(release(2, 1))
        .then_nothing();
    assert_eq!(story.state().reservations(), 1);
    let released = story.clone().when(release(1, 1)).then([EmailReleased { account: account(1) }.into()]);
    released.when(release(1, 1)).then_nothing().when(reserve_email(2, None)).then([email_reserved(2, None)]);
    // The account is about to have it again: who clears the first reservation away comes too late.
    let renewed = story.when(EmailCommand::ReserveAnew(account(1))).then([email_reserved(1, None)]);
    let renewed = renewed.when(release(1, 1)).then_nothing();
    assert_eq!((renewed.state().holder(), renewed.state().reservations()), (Some(account(1)), 2));
    renewed.when(release(1, 2)).then([EmailReleased { account: account(1) }.into()]);
}

#[test]
fn a_user_code_names_one_pairing_until_it_ends() {
    let pairing = |number| PairingId(uuid(number));
    let reserve = |number| ReserveUserCode { pairing: pairing(number) };
    let reserved = |number, at| UserCodeReserved { pairing: pairing(number), expires_at: at + PAIRING_LIFETIME };
    let end = START + PAIRING_LIFETIME;
    let story = given::<UserCodeReservation>([])
        .when(reserve(1))
        .then([reserved(1, START).into()])
        .when(reserve(1))
        .then_nothing()
        .at(end - Duration::microseconds(1))
        .when(reserve(2))
        .then_rejected(Code::AlreadyUsed)
        .at(end)
        .when(reserve(2))
        .then([reserved(2, end).into()]);
    assert_eq!(story.state().pairing(end), Some(pairing(2)));
    assert_eq!(story.state().pairing(end + PAIRING_LIFETIME), None);
}

#[test]
fn a_verified_domain_belongs_to_one_organization_for_one_proof() {
    let proof = |number, challenge| DomainReserved {
        organization: organization(number),
        challenge: ChallengeId(uuid(challenge)),
    };
    let (reserve, release) = (DomainCommand::Reserve, DomainCommand::Release);
    let story = given::<DomainReservation>([])
        .when(release(proof(1, 1)))
        .then_nothing()
        .when(reserve(proof(1, 1)))
        .then([proof(1, 1).into()])
        .when(reserve(proof(1, 1)))
        .then_nothing()
        .when(reserve(proof(2, 2)))
        .then_rejected(Code::DomainTaken)
        // Nor does another proof of the same organization take the place of the one that counts.
        .when(reserve(proof(1, 3)))
        .then_rejected(Code::DomainTaken)
        .when(release(proof(1, 3)))
        .then_nothing()
        .when(release(proof(2, 1)))
        .then_nothing();
    assert_eq!((story.state().holder(), story.state().reserved()), (Some(organization(1)), Some(&proof(1, 1))));
    let free = story
        .when(release(proof(1, 1)))
        .then([DomainReleased { organization: organization(1) }.into()])
        .when(release(proof(1, 1)))
        .then_nothing();
    assert_eq!(free.state().holder(), None);
    let other = free.when(reserve(proof(2, 2))).then([proof(2, 2).into()]);
    assert_eq!(other.when(release(proof(1, 1))).then_nothing().state().holder(), Some(organization(2)));
}

#[test]
fn hardware_is_set_up_once_at_a_time_and_every_time_is_a_new_epoch() {
    let pairing = PairingId(uuid(7));
    let enroll = |number| HardwareCommand::Enroll {
        device: device(number),
        organization: organization(1),
        pairing,
        logged_out: None,
    };
    let enrolled =
        |number, epoch| HardwareEnrolled { device: device(number), organization: organization(1), pairing, epoch };
    given::<HardwareReservation>([])
        .when(HardwareCommand::Release(device(1)))
        .then_nothing()
        .when(enroll(1))
        .then([enrolled(1, 1).into()])
        .when(enroll(1))
        .then_nothing()
        .when(enroll(2))
        .then_rejected(Code::UnitInUse)
        .when(HardwareCommand::Release(device(2)))
        .then_nothing()
        .when(HardwareCommand::Release(device(1)))
        .then([HardwareReleased { device: device(1) }.into()])
        .when(HardwareCommand::Release(device(1)))
        .then_nothing()
        // A device is one enrollment: it does not come back.
        .when(enroll(1))
        .then_rejected(Code::Expired)
        .when(enroll(2))
        .then([enrolled(2, 2).into()])
        .when(enroll(1))
        .then_rejected(Code::Expired)
        // A release that comes late does not set the next enrollment free.
        .when(HardwareCommand::Release(device(1)))
        .then_nothing();
}

#[test]
fn hardware_that_was_logged_out_may_be_set_up_again_in_its_organization() {
    let pairing = PairingId(uuid(7));
    let enroll = |number, organization_number, logged_out: Option<u128>| HardwareCommand::Enroll {
        device: device(number),
        organization: organization(organization_number),
        pairing,
        logged_out: logged_out.map(device),
    };
    let enrolled =
        |number, epoch| HardwareEnrolled { device: device(number), organization: organization(1), pairing, epoch };
    given::<HardwareReservation>([enrolled(1, 1).into()])
        .when(enroll(2, 1, None))
        .then_rejected(Code::UnitInUse)
        .when(enroll(2, 1, Some(9)))
        .then_rejected(Code::UnitInUse)
        // It still is its organization's.
        .when(enroll(2, 2, Some(1)))
        .then_rejected(Code::UnitInUse)
        .when(enroll(2, 1, Some(1)))
        .then([HardwareReleased { device: device(1) }.into(), enrolled(2, 2).into()])
        .when(enroll(2, 1, Some(1)))
        .then_nothing()
        .when(enroll(1, 1, Some(2)))
        .then_rejected(Code::Expired);
}
