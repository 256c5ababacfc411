//! Mutations, one file per noun.

mod account;
mod device;
mod domain;
mod import;
mod organization;
mod person;
mod role;
mod session;
mod signup;
mod single_sign_on;
mod support;

use async_graphql::MergedObject;

/// What can be changed. Every mutation takes one `input` and answers with what changed, its `position` in the history,
/// and `userErrors` that say why nothing was changed. What was changed may be null without a user error when it takes
/// unusually long to show up: query it with `afterPosition`.
#[derive(Default, MergedObject)]
pub(crate) struct Mutation(
    signup::SignupMutations,
    session::SessionMutations,
    account::AccountMutations,
    person::PersonMutations,
    support::SupportMutations,
    role::RoleMutations,
    device::DeviceMutations,
    organization::OrganizationMutations,
    domain::DomainMutations,
    import::ImportMutations,
    single_sign_on::SingleSignOnMutations,
);
