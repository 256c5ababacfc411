//! Who may read what: the one place that decides it for queries, by the same rules as for commands.

use domain::{Access, Code, Principal, Rejection, authorize};
use schema::{AccountId, OrganizationId, Right};

/// What a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// One's own account and the name of one's organization.
    Own,
    /// People, roles and who holds them.
    Directory,
    /// Email domains and how they stand.
    Domains,
    /// Files of people, and what became of them.
    Imports,
    /// Identity providers, and who signs in how.
    SingleSignOn,
    /// What has to be published to prove a domain.
    DomainProofs,
    /// Portal units and their commands; without the right to manage them, one's own.
    Devices,
    /// The event history of the organization.
    History,
}

impl Reading {
    /// Whether `principal` may read it.
    pub(crate) fn check(self, principal: &Principal) -> Result<(), Rejection> {
        let may = |access| authorize(principal, access, None, None);
        may(Access::Member)?;
        match self {
            Self::Own | Self::Devices => Ok(()),
            Self::SingleSignOn => may(Access::SystemAdmin),
            Self::Imports => may(Access::Right(Right::ManageAccounts)),
            // Whoever adds people has to know which addresses they may have.
            Self::Domains if may(Access::Right(Right::ManageAccounts)).is_ok() => Ok(()),
            Self::Domains | Self::DomainProofs => may(Access::Right(Right::ManageDomains)),
            Self::History => may(Access::Right(Right::ReadHistory)),
            // Whoever has any task in the organization has to know its people.
            Self::Directory if Right::ALL.iter().any(|right| may(Access::Right(*right)).is_ok()) => Ok(()),
            Self::Directory => Err(Code::Forbidden.into()),
        }
    }
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// The account.
    pub(crate) account: AccountId,
    /// Its organization, the only one that is read.
    pub(crate) organization: OrganizationId,
    principal: Principal,
}

impl Reader {
    /// The person behind `principal`, if there is one who may read `reading`.
    pub(crate) fn new(principal: Principal, reading: Reading) -> Result<Self, Rejection> {
        reading.check(&principal)?;
        match principal {
            Principal::Person { account, organization, .. } => Ok(Self { account, organization, principal }),
            _ => Err(Code::NotSignedIn.into()),
        }
    }

    /// Whether the person may read this as well.
    pub(crate) fn may(&self, reading: Reading) -> bool {
        reading.check(&self.principal).is_ok()
    }

    /// Whether the person may know who `account` is.
    pub(crate) fn sees_person(&self, account: AccountId) -> bool {
        account == self.account || self.may(Reading::Directory)
    }

    /// Whose devices the person sees; none means everybody's.
    pub(crate) fn devices_of(&self) -> Option<AccountId> {
        let all = authorize(&self.principal, Access::Right(Right::ManageDevices), None, None).is_ok();
        (!all).then_some(self.account)
    }

    /// Whether the person sees a device that `owner` set up.
    pub(crate) fn sees_device_of(&self, owner: AccountId) -> bool {
        self.devices_of().is_none_or(|account| account == owner)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Arc};

    use schema::SessionId;
    use uuid::Uuid;

    use super::*;

    fn person(system_admin: bool, rights: &[Right]) -> Principal {
        Principal::Person {
            account: AccountId(Uuid::from_u128(1)),
            organization: OrganizationId(Uuid::from_u128(2)),
            session: SessionId(Uuid::from_u128(3)),
            system_admin,
            rights: Arc::new(BTreeSet::from_iter(rights.iter().copied())),
        }
    }

    #[test]
    fn what_each_kind_of_person_reads() {
        let all = [Reading::Own, Reading::Directory, Reading::Devices];
        for reading in all {
            assert_eq!(reading.check(&Principal::Anonymous).unwrap_err().code, Code::NotSignedIn);
            assert!(Reader::new(Principal::System("mailer"), reading).is_err());
            assert!(reading.check(&person(true, &[])).is_ok());
            assert!(reading.check(&person(false, &[Right::ContactSupport])).is_ok());
        }
        let member = Reader::new(person(false, &[]), Reading::Own).unwrap();
        assert!(member.may(Reading::Devices) && !member.may(Reading::Directory));
        let (own, other) = (member.account, AccountId(Uuid::from_u128(9)));
        assert!(member.sees_person(own) && !member.sees_person(other));
        assert!(member.sees_device_of(own) && !member.sees_device_of(other));
        let accounts = Reader::new(person(false, &[Right::ManageAccounts]), Reading::Own).unwrap();
        assert!(accounts.sees_person(other) && !accounts.sees_device_of(other));
        let devices = Reader::new(person(false, &[Right::ManageDevices]), Reading::Own).unwrap();
        assert!(devices.sees_device_of(other));
    }
}
