//! Admin roles and who holds them.

use async_graphql::{Context, ID, InputObject, Object};
use domain::{
    Rejection, Roles, RolesCommand,
    text::{self, TITLE_CHARACTERS},
};
use schema::{AccountId, RoleId};

use crate::{
    app::{ContextExt, Source, signed_in},
    objects::{
        person::Person,
        role::{Right, Role},
    },
    payload::{about, answer, payload},
    scalars::{Position, id, parse_id},
};

/// Input of `createRole`.
#[derive(InputObject)]
struct CreateRoleInput {
    /// Its name, unlike that of any other role.
    name: String,
    /// What it allows; at least one.
    rights: Vec<Right>,
}

payload! {
    /// What came of `createRole`.
    CreateRolePayload {
        /// The new role.
        role: Role,
    }
}

/// Input of `editRole`.
#[derive(InputObject)]
struct EditRoleInput {
    /// The role.
    role_id: ID,
    /// Its name from now on.
    name: String,
    /// What it allows from now on; at least one.
    rights: Vec<Right>,
}

payload! {
    /// What came of `editRole`.
    EditRolePayload {
        /// The role as it is now.
        role: Role,
    }
}

/// Input of `deleteRole`.
#[derive(InputObject)]
struct DeleteRoleInput {
    /// The role.
    role_id: ID,
}

payload! {
    /// What came of `deleteRole`.
    DeleteRolePayload {
        /// The role that is gone.
        role_id: ID,
    }
}

/// Input of `assignRole`.
#[derive(InputObject)]
struct AssignRoleInput {
    /// The role.
    role_id: ID,
    /// Who gets it.
    person_id: ID,
}

payload! {
    /// What came of `assignRole`.
    AssignRolePayload {
        /// The person with the role.
        person: Person,
        /// The role.
        role: Role,
    }
}

/// Input of `unassignRole`.
#[derive(InputObject)]
struct UnassignRoleInput {
    /// The role.
    role_id: ID,
    /// Who loses it.
    person_id: ID,
}

payload! {
    /// What came of `unassignRole`.
    UnassignRolePayload {
        /// The person without the role.
        person: Person,
        /// The role.
        role: Role,
    }
}

fn checked_name(name: &str) -> Result<String, Rejection> {
    text::line(name, TITLE_CHARACTERS).map_err(|rejection| rejection.at("name"))
}

#[derive(Default)]
pub(crate) struct RoleMutations;

#[Object]
impl RoleMutations {
    /// Creates a role. Only for system admins.
    #[graphql(complexity = "100 + child_complexity")]
    async fn create_role(
        &self,
        context: &Context<'_>,
        input: CreateRoleInput,
    ) -> async_graphql::Result<CreateRolePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let request = app.request(caller);
            let role = RoleId(request.derive("role"));
            let rights = input.rights.into_iter().map(schema::Right::from).collect();
            let command = RolesCommand::Create { role, name: checked_name(&input.name)?, rights };
            let done = app.platform.execute::<Roles>(&request, &organization, command).await?;
            let read = app.directory.role(organization, role);
            let role = app.read_back(Source::Directory, done.position, read).await;
            Ok(CreateRolePayload {
                role: role.map(Role::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Changes the name and the rights of a role, from its holders' next requests on. Only for system admins.
    #[graphql(complexity = "100 + child_complexity")]
    async fn edit_role(&self, context: &Context<'_>, input: EditRoleInput) -> async_graphql::Result<EditRolePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let role: RoleId = parse_id(&input.role_id, "roleId")?;
            let rights = input.rights.into_iter().map(schema::Right::from).collect();
            let command = RolesCommand::Edit { role, name: checked_name(&input.name)?, rights };
            let done = app.platform.execute::<Roles>(&app.request(caller), &organization, command).await?;
            let read = app.directory.role(organization, role);
            let role = app.read_back(Source::Directory, done.position, read).await;
            Ok(EditRolePayload {
                role: role.map(Role::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Deletes a role; its holders lose it, from their next requests on. Only for system admins.
    #[graphql(complexity = "100 + child_complexity")]
    async fn delete_role(
        &self,
        context: &Context<'_>,
        input: DeleteRoleInput,
    ) -> async_graphql::Result<DeleteRolePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let role: RoleId = parse_id(&input.role_id, "roleId")?;
            let command = RolesCommand::Delete { role };
            let done = app.platform.execute::<Roles>(&app.request(caller), &organization, command).await?;
            app.read_back(Source::Directory, done.position, async { Ok(Some(())) }).await;
            Ok(DeleteRolePayload {
                role_id: Some(id(role)),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Gives a role to a person, from that person's next request on. The system admin role needs an activated account.
    /// Only for system admins.
    #[graphql(complexity = "100 + child_complexity")]
    async fn assign_role(
        &self,
        context: &Context<'_>,
        input: AssignRoleInput,
    ) -> async_graphql::Result<AssignRolePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let role: RoleId = parse_id(&input.role_id, "roleId")?;
            let account: AccountId = parse_id(&input.person_id, "personId")?;
            let done = app.platform.assign_role(&app.request(caller), organization, role, account).await?;
            let person = app.directory.person(organization, account);
            let person = app.read_back(Source::Directory, done.position, person).await;
            let role = app.read_back(Source::Directory, None, app.directory.role(organization, role)).await;
            Ok(AssignRolePayload {
                person: person.map(Person::from),
                role: role.map(Role::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Takes a role from a person, from that person's next request on. One system admin always remains. Only for system
    /// admins.
    #[graphql(complexity = "100 + child_complexity")]
    async fn unassign_role(
        &self,
        context: &Context<'_>,
        input: UnassignRoleInput,
    ) -> async_graphql::Result<UnassignRolePayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let role: RoleId = parse_id(&input.role_id, "roleId")?;
            let account: AccountId = parse_id(&input.person_id, "personId")?;
            let command = RolesCommand::Unassign { role, account };
            let executed = app.platform.execute::<Roles>(&app.request(caller), &organization, command).await;
            let done = executed.map_err(about("roleId"))?;
            let person = app.directory.person(organization, account);
            let person = app.read_back(Source::Directory, done.position, person).await;
            let role = app.read_back(Source::Directory, None, app.directory.role(organization, role)).await;
            Ok(UnassignRolePayload {
                person: person.map(Person::from),
                role: role.map(Role::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
