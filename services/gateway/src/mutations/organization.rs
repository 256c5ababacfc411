//! The profile of the organization.

use async_graphql::{Context, InputObject, Object};
use domain::Access;
use schema::Right;

use crate::{
    app::{ContextExt, Source, signed_in},
    objects::organization::Organization,
    payload::{answer, payload},
    scalars::Position,
    uploads::Upload,
};

/// Input of `renameOrganization`.
#[derive(InputObject)]
struct RenameOrganizationInput {
    /// Its name from now on, at most 200 characters.
    name: String,
}

payload! {
    /// What came of `renameOrganization`.
    RenameOrganizationPayload {
        /// The organization as it is now.
        organization: Organization,
    }
}

/// Input of `changeOrganizationLogo`.
#[derive(InputObject)]
struct ChangeOrganizationLogoInput {
    /// A PNG, JPEG or WebP image of at least 495 × 234 pixels, at most 10 MiB and 40 million pixels. Of one that moves the
    /// first picture is taken.
    logo: Upload,
}

payload! {
    /// What came of `changeOrganizationLogo`.
    ChangeOrganizationLogoPayload {
        /// The organization as it is now.
        organization: Organization,
    }
}

#[derive(Default)]
pub(crate) struct OrganizationMutations;

#[Object]
impl OrganizationMutations {
    /// Gives the organization another name. Needs the right to manage the organization.
    #[graphql(complexity = "100 + child_complexity")]
    async fn rename_organization(
        &self,
        context: &Context<'_>,
        input: RenameOrganizationInput,
    ) -> async_graphql::Result<RenameOrganizationPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let done = app.platform.rename_organization(&app.request(caller), organization, &input.name).await?;
            let read = app.directory.organization(organization);
            let organization = app.read_back(Source::Directory, done.position, read).await;
            Ok(RenameOrganizationPayload {
                organization: organization.map(Organization::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }

    /// Gives the organization another logo. What is shown is made of the image anew: upright, at most 2048 pixels on its
    /// longer side, without anything that was hidden in the file. Needs the right to manage the organization. One in a
    /// request.
    #[graphql(complexity = "11_000 + child_complexity")]
    async fn change_organization_logo(
        &self,
        context: &Context<'_>,
        input: ChangeOrganizationLogoInput,
    ) -> async_graphql::Result<ChangeOrganizationLogoPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        let upload = input.logo.bytes(context)?;
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let request = app.request(caller);
            domain::authorize(&request.principal, Access::Right(Right::ManageOrganization), Some(organization), None)?;
            app.throttles.logo(organization, request.at)?;
            let done = app.platform.change_logo(&request, organization, upload).await?;
            let read = app.directory.organization(organization);
            let organization = app.read_back(Source::Directory, done.position, read).await;
            Ok(ChangeOrganizationLogoPayload {
                organization: organization.map(Organization::from),
                position: done.position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
