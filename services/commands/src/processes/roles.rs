//! Giving roles to people: the person has to be one of the organization.

use domain::{Access, Account, AccountStatus, Aggregate, Code, Rejection, Roles, RolesCommand, authorize};
use schema::{AccountId, OrganizationId, RoleId};

use crate::{Done, Failure, Platform, Request};

impl Platform {
    /// Gives a role to a person.
    pub async fn assign_role(
        &self,
        request: &Request,
        organization: OrganizationId,
        role: RoleId,
        account: AccountId,
    ) -> Result<Done<Roles>, Failure> {
        // Before the person is looked up: who may not assign learns nothing about who exists.
        authorize(&request.principal, Access::SystemAdmin, Some(organization), None)?;
        let person = self.load::<Account>(&account).await?;
        if person.state.organization() != Some(organization) {
            return Err(Code::NotFound.at("personId").into());
        }
        if person.state.has_shown_link(request.at) {
            let message = "An admin was shown the link that activates the account and could use it: wait until the person \
                           has activated it, or mail a new link.";
            return Err(Rejection::new(Code::AccountNotActivated, message).at("personId").into());
        }
        let activated = person.state.status() == AccountStatus::Activated;
        self.execute::<Roles>(request, &organization, RolesCommand::Assign { role, account, activated }).await
    }
}
