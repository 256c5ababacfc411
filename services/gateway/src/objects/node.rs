//! Anything with an id, by its id.

use async_graphql::{Context, ID, Interface};
use schema::{AccountId, CommandId, DeviceId, DomainId, OrganizationId, RoleId, SsoProviderId};

use super::{
    command::{DeviceCommand, visible_command},
    device::{Device, visible_device},
    domain::Domain,
    organization::Organization,
    person::{Person, visible_person},
    role::Role,
    single_sign_on::SsoProvider,
    viewer::own_organization,
};
use crate::{
    access::Reading,
    app::ContextExt,
    errors::Stop,
    queries::{domains::visible_domain, single_sign_on::visible_provider},
    scalars::parse_id,
};

/// Anything with an id.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "&ID", desc = "Its id: unique among all things."))]
pub(crate) enum Node {
    Person(Person),
    Role(Role),
    Device(Device),
    DeviceCommand(DeviceCommand),
    Organization(Organization),
    Domain(Domain),
    SsoProvider(SsoProvider),
}

/// Finds a node by the kind of its id.
pub(crate) async fn find(context: &Context<'_>, id: &ID) -> async_graphql::Result<Option<Node>> {
    let invalid = |rejection| context.report(Stop::from(rejection));
    match id.split_once('_').map(|(prefix, _)| prefix) {
        Some(AccountId::PREFIX) => {
            let account = parse_id(id, "id").map_err(invalid)?;
            Ok(visible_person(context, account).await?.map(Node::Person))
        }
        Some(RoleId::PREFIX) => {
            let reader = context.reader(Reading::Directory)?;
            let found = context.app()?.directory.role(reader.organization, parse_id(id, "id").map_err(invalid)?).await;
            Ok(found.map_err(|error| context.report(error.into()))?.map(|row| Node::Role(row.into())))
        }
        Some(DeviceId::PREFIX) => {
            let device = parse_id(id, "id").map_err(invalid)?;
            Ok(visible_device(context, device).await?.map(Node::Device))
        }
        Some(CommandId::PREFIX) => {
            let command = parse_id(id, "id").map_err(invalid)?;
            Ok(visible_command(context, command).await?.map(Node::DeviceCommand))
        }
        Some(DomainId::PREFIX) => Ok(visible_domain(context, id).await?.map(Node::Domain)),
        Some(SsoProviderId::PREFIX) => Ok(visible_provider(context, id).await?.map(Node::SsoProvider)),
        Some(OrganizationId::PREFIX) => {
            let reader = context.reader(Reading::Own)?;
            let organization: OrganizationId = parse_id(id, "id").map_err(invalid)?;
            if organization != reader.organization {
                return Ok(None);
            }
            Ok(own_organization(context).await?.map(Node::Organization))
        }
        _ => Err(invalid(domain::Code::InvalidId.at("id"))),
    }
}
