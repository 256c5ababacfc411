use std::{collections::BTreeSet, sync::Arc};

use schema::{Actor, OrganizationId, Right, SessionId};

use super::{account, device, organization, person, uuid};
use crate::{Access, Code, Principal, authorize};

fn who(number: u128, system_admin: bool, rights: &[Right]) -> Principal {
    Principal::Person {
        account: account(number),
        organization: organization(1),
        session: SessionId(uuid(1)),
        system_admin,
        rights: Arc::new(rights.iter().copied().collect::<BTreeSet<_>>()),
    }
}

fn unit() -> Principal {
    Principal::Unit { device: device(1), organization: organization(1) }
}

fn answer(
    principal: &Principal,
    access: Access,
    organization: Option<OrganizationId>,
    owner: Option<&Actor>,
) -> Result<(), Code> {
    authorize(principal, access, organization, owner).map_err(|rejection| rejection.code)
}

const OK: Result<(), Code> = Ok(());
const NOT_SIGNED_IN: Result<(), Code> = Err(Code::NotSignedIn);
const FORBIDDEN: Result<(), Code> = Err(Code::Forbidden);
const NOT_FOUND: Result<(), Code> = Err(Code::NotFound);

/// What each access is answered, in this order.
const ACCESSES: [Access; 6] = [
    Access::Anyone,
    Access::Member,
    Access::Right(Right::ManageDevices),
    Access::SystemAdmin,
    Access::Owner,
    Access::System,
];

#[test]
fn every_principal_and_every_access() {
    let devices = [Right::ManageDevices];
    let others: Vec<_> = Right::ALL.into_iter().filter(|right| *right != Right::ManageDevices).collect();
    // The thing belongs to organization 1 and to account 1.
    let own = [
        (Principal::Anonymous, [OK, NOT_SIGNED_IN, NOT_SIGNED_IN, NOT_SIGNED_IN, NOT_SIGNED_IN, FORBIDDEN]),
        (who(1, false, &[]), [OK, OK, FORBIDDEN, FORBIDDEN, OK, FORBIDDEN]),
        (who(2, false, &[]), [OK, OK, FORBIDDEN, FORBIDDEN, NOT_FOUND, FORBIDDEN]),
        (who(2, false, &devices), [OK, OK, OK, FORBIDDEN, NOT_FOUND, FORBIDDEN]),
        (who(2, false, &others), [OK, OK, FORBIDDEN, FORBIDDEN, NOT_FOUND, FORBIDDEN]),
        (who(2, false, &Right::ALL), [OK, OK, OK, FORBIDDEN, NOT_FOUND, FORBIDDEN]),
        (who(2, true, &[]), [OK, OK, OK, OK, NOT_FOUND, FORBIDDEN]),
        (unit(), [OK, FORBIDDEN, FORBIDDEN, FORBIDDEN, NOT_FOUND, FORBIDDEN]),
        (Principal::System("test"), [OK; 6]),
    ];
    for (principal, answers) in own {
        for (access, expected) in ACCESSES.into_iter().zip(answers) {
            let given = answer(&principal, access, Some(organization(1)), Some(&person(1)));
            assert_eq!(given, expected, "{principal:?} {access:?}");
        }
    }
}

#[test]
fn what_belongs_to_another_organization_does_not_exist() {
    for principal in [who(1, true, &Right::ALL), who(1, false, &[]), unit()] {
        for access in ACCESSES {
            let expected = match access {
                Access::Anyone => OK,
                Access::System => FORBIDDEN,
                _ => NOT_FOUND,
            };
            // Even if it says that the principal owns it.
            let owner = principal.actor();
            assert_eq!(answer(&principal, access, Some(organization(2)), Some(&owner)), expected, "{access:?}");
        }
    }
}

#[test]
fn a_unit_owns_itself_only() {
    let org = Some(organization(1));
    assert_eq!(answer(&unit(), Access::Owner, org, Some(&Actor::Device(device(1)))), OK);
    assert_eq!(answer(&unit(), Access::Owner, org, Some(&Actor::Device(device(2)))), NOT_FOUND);
    // An account with the same number is somebody else.
    assert_eq!(answer(&unit(), Access::Owner, org, Some(&person(1))), NOT_FOUND);
}

#[test]
fn what_nobody_owns_is_nobodys() {
    assert_eq!(answer(&who(1, true, &Right::ALL), Access::Owner, None, None), NOT_FOUND);
    assert_eq!(answer(&unit(), Access::Owner, Some(organization(1)), None), NOT_FOUND);
}

#[test]
fn principals_act_under_their_own_name() {
    assert_eq!(who(3, false, &[]).actor(), person(3));
    assert_eq!(unit().actor(), Actor::Device(device(1)));
    assert_eq!(Principal::System("mailer").actor().to_string(), "system:mailer");
    assert_eq!(Principal::Anonymous.actor(), Actor::Anonymous);
    assert_eq!(Principal::System("mailer").organization(), None);
}

#[test]
fn codes_are_stable_and_unlike() {
    let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        assert!(code.name().bytes().all(|b| b.is_ascii_uppercase() || b == b'_'), "{code:?}");
        assert!(code.message().ends_with('.') && code.description().ends_with('.'), "{code:?}");
        let camel = code.name().split('_').map(|word| word[..1].to_owned() + &word[1..].to_ascii_lowercase());
        assert_eq!(camel.collect::<String>(), format!("{code:?}"));
    }
}
