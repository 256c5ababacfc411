//! Email domains.

use async_graphql::{Context, ID, InputObject, Object};
use schema::DomainId;

use crate::{
    access::{Reader, Reading},
    app::{App, ContextExt, signed_in},
    errors::Stop,
    objects::domain::{Domain, VerificationMethod},
    payload::{about, answer, payload},
    scalars::{Position, parse_id},
    session::Caller,
};

/// Input of `addDomain`.
#[derive(InputObject)]
struct AddDomainInput {
    /// Such as `example.com`, in any script. Consumer mail services and public suffixes are refused.
    domain: String,
}

payload! {
    /// What came of `addDomain`.
    AddDomainPayload {
        /// The domain.
        domain: Domain,
    }
}

/// Input of `beginDomainVerification`.
#[derive(InputObject)]
struct BeginDomainVerificationInput {
    /// The domain.
    domain_id: ID,
    /// How it is to be proven.
    method: VerificationMethod,
    /// For `EMAIL`: which of the domain's `mailboxes` the code goes to, such as `postmaster`.
    mailbox: Option<String>,
}

payload! {
    /// What came of `beginDomainVerification`.
    BeginDomainVerificationPayload {
        /// The domain, with what has to be published.
        domain: Domain,
    }
}

/// Input of `verifyDomain`.
#[derive(InputObject)]
struct VerifyDomainInput {
    /// The domain.
    domain_id: ID,
    /// For `EMAIL`: the six digits that were mailed.
    code: Option<String>,
}

payload! {
    /// What came of `verifyDomain`.
    VerifyDomainPayload {
        /// The domain.
        domain: Domain,
    }
}

/// Input of `removeDomain`.
#[derive(InputObject)]
struct RemoveDomainInput {
    /// The domain.
    domain_id: ID,
}

payload! {
    /// What came of `removeDomain`.
    RemoveDomainPayload {
        /// Id of the domain that was removed.
        removed_id: ID,
    }
}

#[derive(Default)]
pub(crate) struct DomainMutations;

#[Object]
impl DomainMutations {
    /// Allows accounts with email addresses of a domain. Needs the right `MANAGE_DOMAINS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn add_domain(
        &self,
        context: &Context<'_>,
        input: AddDomainInput,
    ) -> async_graphql::Result<AddDomainPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let (id, position) = app.platform.add_domain(&app.request(caller), organization, &input.domain).await?;
            let domain = read(app, caller, id).await?;
            Ok(AddDomainPayload { domain, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Begins to prove that a domain is your organization's own; an attempt before it is void. The answer says what has to
    /// be published, or the code is mailed: at most five a day to a domain. Needs the right `MANAGE_DOMAINS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn begin_domain_verification(
        &self,
        context: &Context<'_>,
        input: BeginDomainVerificationInput,
    ) -> async_graphql::Result<BeginDomainVerificationPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let id = parse_id(&input.domain_id, "domainId")?;
            let (request, method) = (app.request(caller), input.method.into());
            Reader::new(caller.principal(), Reading::DomainProofs)?;
            app.throttles.domain_proof(organization, request.at)?;
            let begun =
                app.platform.begin_domain_verification(&request, organization, id, method, input.mailbox.as_deref());
            let position = begun.await.map_err(about("domainId"))?;
            let domain = read(app, caller, id).await?;
            Ok(BeginDomainVerificationPayload { domain, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Checks the mailed code, or looks for the file or record now. Once verified, the domain is your organization's and no
    /// other's. Needs the right `MANAGE_DOMAINS`.
    #[graphql(complexity = "1000 + child_complexity")]
    async fn verify_domain(
        &self,
        context: &Context<'_>,
        input: VerifyDomainInput,
    ) -> async_graphql::Result<VerifyDomainPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let id = parse_id(&input.domain_id, "domainId")?;
            let request = app.request(caller);
            Reader::new(caller.principal(), Reading::DomainProofs)?;
            app.throttles.domain_look(organization, request.at)?;
            let verified = app.platform.verify_domain(&request, organization, id, input.code.as_deref());
            let position = verified.await.map_err(about("domainId"))?;
            let domain = read(app, caller, id).await?;
            Ok(VerifyDomainPayload { domain, position: position.map(Position), ..Default::default() })
        })
        .await
    }

    /// Allows no more accounts with email addresses of the domain. Accounts that exist stay, but their details cannot be
    /// edited. If the domain was verified, other organizations may have it. Needs the right `MANAGE_DOMAINS`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn remove_domain(
        &self,
        context: &Context<'_>,
        input: RemoveDomainInput,
    ) -> async_graphql::Result<RemoveDomainPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let organization = signed_in(caller)?.organization;
            let id = parse_id(&input.domain_id, "domainId")?;
            let removed = app.platform.remove_domain(&app.request(caller), organization, id).await;
            let position = removed.map_err(about("domainId"))?;
            Ok(RemoveDomainPayload {
                removed_id: Some(input.domain_id),
                position: position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}

async fn read(app: &App, caller: &Caller, id: DomainId) -> Result<Option<Domain>, Stop> {
    let reader = Reader::new(caller.principal(), Reading::Domains)?;
    let view = app.platform.domain(reader.organization, id).await?;
    Ok(view.map(|view| Domain::new(view, &reader)))
}
