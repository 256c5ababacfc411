//! Asking the support for help.

use domain::{
    Code, Principal, RequestSupport, SupportRequest,
    support::message,
    text::{self, TITLE_CHARACTERS},
};
use schema::{Position, SupportRequestId, events::support::SupportRequested};

use crate::{Failure, Platform, Request};

impl Platform {
    /// Keeps what a person asks the support; the mailer hands it on.
    pub async fn submit_support_request(
        &self,
        request: &Request,
        subject: &str,
        text: &str,
    ) -> Result<(SupportRequestId, Option<Position>), Failure> {
        let Principal::Person { account, organization, .. } = request.principal else {
            return Err(Code::NotSignedIn.into());
        };
        let id = SupportRequestId(request.derive("support"));
        let subject = text::line(subject, TITLE_CHARACTERS).map_err(|refused| refused.at("subject"))?;
        let message = message(text).map_err(|refused| refused.at("message"))?;
        let erased = || Failure::from(Code::NotSignedIn);
        let requested = SupportRequested {
            request: id,
            account,
            organization,
            subject: self.people.seal_for(account, &subject).await?.ok_or_else(erased)?,
            message: self.people.seal_for(account, &message).await?.ok_or_else(erased)?,
        };
        let done = self.execute::<SupportRequest>(request, &id, RequestSupport(Box::new(requested))).await?;
        Ok((id, done.position))
    }
}
