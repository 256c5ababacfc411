//! Asking the support for help.

use async_graphql::{Context, ID, InputObject, Object};

use crate::{
    app::{ContextExt, signed_in},
    payload::{answer, payload},
    scalars::{Position, id},
};

/// Input of `submitSupportRequest`.
#[derive(InputObject)]
struct SubmitSupportRequestInput {
    /// What it is about, in a line of at most 200 characters.
    subject: String,
    /// The whole of it, at most 5,000 characters; may have several lines.
    message: String,
}

payload! {
    /// What came of `submitSupportRequest`.
    SubmitSupportRequestPayload {
        /// Names the request in the mails about it.
        request_id: ID,
    }
}

#[derive(Default)]
pub(crate) struct SupportMutations;

#[Object]
impl SupportMutations {
    /// Asks the support for help: the request is kept and mailed to the support, who answer to your email address. At most
    /// 10 in an hour. Needs the right `CONTACT_SUPPORT`.
    #[graphql(complexity = "100 + child_complexity")]
    async fn submit_support_request(
        &self,
        context: &Context<'_>,
        input: SubmitSupportRequestInput,
    ) -> async_graphql::Result<SubmitSupportRequestPayload> {
        let (app, caller) = (context.app()?, context.caller()?);
        answer(context, async {
            let account = signed_in(caller)?.account;
            let request = app.request(caller);
            app.throttles.support(account, request.at)?;
            let (request, position) =
                app.platform.submit_support_request(&request, &input.subject, &input.message).await?;
            Ok(SubmitSupportRequestPayload {
                request_id: Some(id(request)),
                position: position.map(Position),
                ..Default::default()
            })
        })
        .await
    }
}
