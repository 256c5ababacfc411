//! Warns of certificates of identity providers that end soon. The event that activates a configuration is put off until
//! the first of its certificates is due, which the log remembers over restarts.

use async_trait::async_trait;
use domain::{
    SingleSignOn, SingleSignOnCommand,
    single_sign_on::{CERTIFICATE_WARNING, Provider},
};
use eventlog::Delivery;
use identity::saml::Certificate;
use schema::{
    Event, OrganizationId, SsoConfiguration, SsoProviderId,
    events::{
        SingleSignOnEvent,
        single_sign_on::{SsoCertificateExpiring, SsoProviderActivated},
    },
};

use super::{Reactor, Verdict};
use crate::{Failure, Platform, Request};

/// See the module.
pub struct Certificates;

#[async_trait]
impl Reactor for Certificates {
    const NAME: &'static str = "certificates";
    const TYPES: &'static [&'static str] = &["sso.provider_activated"];

    async fn react(&self, platform: &Platform, request: &Request, delivery: &Delivery, event: Event) -> Verdict {
        let Event::SingleSignOn(SingleSignOnEvent::ProviderActivated(SsoProviderActivated { provider, test })) = event
        else {
            return Verdict::Finished;
        };
        let organization = match delivery.event.stream.id().parse::<OrganizationId>() {
            Ok(organization) => organization,
            Err(error) => return Verdict::Park(error.to_string()),
        };
        let loaded = match platform.load::<SingleSignOn>(&organization).await {
            Ok(loaded) => loaded,
            Err(failure) => return failure.into(),
        };
        // What was activated later has an event of its own.
        let Some(known) = loaded.state.provider(provider).filter(|known| known.active_test == Some(test)) else {
            return Verdict::Finished;
        };
        match warn(platform, request, (organization, provider), known).await {
            Ok(Some(next)) => Verdict::At(next),
            Ok(None) => Verdict::Finished,
            Err(failure) => failure.into(),
        }
    }
}

/// Warns of what is due, and tells when the next will be.
async fn warn(
    platform: &Platform,
    request: &Request,
    (organization, provider): (OrganizationId, SsoProviderId),
    known: &Provider,
) -> Result<Option<schema::Timestamp>, Failure> {
    let Some(SsoConfiguration::Saml { certificates, .. }) = known.active.as_ref().map(|a| &a.configuration) else {
        return Ok(None);
    };
    let mut next = None;
    for certificate in certificates.iter().filter_map(|text| text.parse::<Certificate>().ok()) {
        let due = certificate.not_after() - CERTIFICATE_WARNING;
        if request.at < due {
            next = [next, Some(due)].into_iter().flatten().min();
            continue;
        }
        let warning = SsoCertificateExpiring {
            provider,
            fingerprint: certificate.fingerprint(),
            ends_at: certificate.not_after(),
        };
        let command = SingleSignOnCommand::WarnOfCertificate(warning);
        platform.execute::<SingleSignOn>(request, &organization, command).await?;
    }
    Ok(next)
}
