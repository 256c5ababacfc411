//! What system admins do with identity providers.

use domain::{
    Access, Account, AccountStatus, Aggregate, Code, Details, Organization, Principal, Rejection, Roles, SingleSignOn,
    SingleSignOnCommand, SsoProviderAssignment, authorize,
    reservation::AssignProvider,
    text::{self, DomainName},
};
use identity::saml::{Certificate, read_metadata};
use schema::{
    AccountId, LoginMethod, OrganizationId, Position, SamlBinding, SsoConfiguration, SsoProviderId, SsoTestId,
    events::{AccountEvent, single_sign_on::SsoProviderAdded},
};
use url::Url;
use uuid::Uuid;

use super::{SingleSignOnService, secret_key};
use crate::{Done, Failure, Request};

/// Longest name of a provider.
const NAME_CHARACTERS: usize = 100;
/// Longest URL, entity id, client id or client secret in bytes.
const MAX_TEXT: usize = 2_048;

/// How a provider is to be reached, as entered. Without `Debug`: it may hold a secret.
#[derive(Clone)]
pub enum NewConfiguration {
    /// SAML, by hand.
    Saml {
        /// Entity id.
        issuer: String,
        /// Where requests to sign in go.
        sso_url: String,
        /// How they go there.
        binding: SamlBinding,
        /// Where logout messages go.
        logout_url: Option<String>,
        /// One certificate, or two while the provider changes its key.
        certificates: Vec<String>,
    },
    /// SAML, by the provider's metadata.
    SamlMetadata(String),
    /// OpenID Connect.
    OpenIdConnect {
        /// The issuer.
        issuer: String,
        /// What the provider calls us.
        client_id: String,
        /// What proves it; none keeps the one that there is.
        client_secret: Option<String>,
    },
}

/// A provider as entered.
#[derive(Clone)]
pub struct NewProvider {
    /// What people know it by.
    pub name: String,
    /// Verified domains that it serves; all if it names none.
    pub domains: Vec<String>,
    /// How it is to be reached.
    pub configuration: NewConfiguration,
}

/// A checked configuration, and a client secret that is to be kept.
struct Checked {
    details: Details,
    secret: Option<(Uuid, zeroize::Zeroizing<String>)>,
}

impl SingleSignOnService {
    /// Adds a provider. It signs nobody in before it was tested and activated.
    pub async fn add_provider(
        &self,
        request: &Request,
        organization: OrganizationId,
        new: NewProvider,
    ) -> Result<(SsoProviderId, Done<SingleSignOn>), Failure> {
        authorize(&request.principal, Access::SystemAdmin, Some(organization), None)?;
        let Checked { details, secret } = self.check(request, organization, new, None).await?;
        let provider = SsoProviderId(request.derive("provider"));
        let Details { name, domains, configuration } = details;
        let added = SsoProviderAdded { provider, organization, name, domains, configuration };
        let command = SingleSignOnCommand::Add(added);
        // Would it be refused, nothing is kept.
        self.platform.rehearse::<SingleSignOn>(request, &organization, command.clone()).await?;
        let system = request.as_system("single-sign-on");
        let assign = AssignProvider(organization);
        self.platform.execute::<SsoProviderAssignment>(&system, &provider, assign).await?;
        self.keep(provider, &secret).await?;
        let done = self.platform.execute(request, &organization, command).await;
        Ok((provider, self.without_secret(provider, secret, done).await?))
    }

    /// Configures a provider otherwise. What was activated before goes on until this has passed its test and is activated.
    pub async fn update_provider(
        &self,
        request: &Request,
        organization: OrganizationId,
        provider: SsoProviderId,
        new: NewProvider,
    ) -> Result<Done<SingleSignOn>, Failure> {
        authorize(&request.principal, Access::SystemAdmin, Some(organization), None)?;
        let loaded = self.platform.load::<SingleSignOn>(&organization).await?;
        let before = loaded.state.provider(provider).ok_or(Code::NotFound.at("providerId"))?;
        let Checked { details, secret } =
            self.check(request, organization, new, Some(&before.details.configuration)).await?;
        self.keep(provider, &secret).await?;
        let command = SingleSignOnCommand::Update { provider, details, revision: before.revision };
        let done = self.platform.execute(request, &organization, command).await;
        let done = self.without_secret(provider, secret, done).await?;
        self.forget_unused(provider, &loaded.state, &done.after.state).await;
        Ok(done)
    }

    /// Removes a provider: it signs nobody in any more.
    pub async fn remove_provider(
        &self,
        request: &Request,
        organization: OrganizationId,
        provider: SsoProviderId,
    ) -> Result<Done<SingleSignOn>, Failure> {
        let before = self.platform.load::<SingleSignOn>(&organization).await?;
        let command = SingleSignOnCommand::Remove(provider);
        let done = self.platform.execute(request, &organization, command).await?;
        self.forget_unused(provider, &before.state, &done.after.state).await;
        Ok(done)
    }

    /// Begins a test: the link leads the admin's browser to the provider, whose answer has to vouch for the admin.
    pub async fn test_provider(
        &self,
        request: &Request,
        organization: OrganizationId,
        provider: SsoProviderId,
    ) -> Result<(SsoTestId, Url, Done<SingleSignOn>), Failure> {
        let Principal::Person { account, .. } = request.principal else { return Err(Code::NotSignedIn.into()) };
        let test = SsoTestId(request.derive("test"));
        let command = SingleSignOnCommand::BeginTest { provider, test, account };
        let done = self.platform.execute(request, &organization, command).await?;
        let mut url = self.url(&self.start_url(provider))?;
        url.query_pairs_mut().append_pair("test", &test.to_string());
        Ok((test, url, done))
    }

    /// Lets a provider sign people in, in the configuration that has passed its test, or lets it sign in nobody.
    pub async fn set_provider_active(
        &self,
        request: &Request,
        organization: OrganizationId,
        provider: SsoProviderId,
        active: bool,
    ) -> Result<Done<SingleSignOn>, Failure> {
        let before = self.platform.load::<SingleSignOn>(&organization).await?;
        let command =
            if active { SingleSignOnCommand::Activate(provider) } else { SingleSignOnCommand::Deactivate(provider) };
        let done = self.platform.execute(request, &organization, command).await?;
        self.forget_unused(provider, &before.state, &done.after.state).await;
        Ok(done)
    }

    /// Has everybody sign in at a provider, but for one system admin who keeps a password; or everybody by their own method.
    pub async fn require(
        &self,
        request: &Request,
        organization: OrganizationId,
        way_back_in: Option<AccountId>,
    ) -> Result<Done<SingleSignOn>, Failure> {
        authorize(&request.principal, Access::SystemAdmin, Some(organization), None)?;
        let command = match way_back_in {
            Some(way_back_in) => {
                if !self.platform.is_way_back_in(organization, way_back_in).await? {
                    return Err(Code::NoWayBackIn.at("wayBackIn").into());
                }
                SingleSignOnCommand::Require { way_back_in }
            }
            None => SingleSignOnCommand::Release,
        };
        self.platform.execute(request, &organization, command).await
    }

    /// Lets new people sign in so.
    pub async fn set_default_method(
        &self,
        request: &Request,
        organization: OrganizationId,
        method: LoginMethod,
    ) -> Result<Done<SingleSignOn>, Failure> {
        let command = SingleSignOnCommand::SetDefaultMethod(method);
        self.platform.execute(request, &organization, command).await
    }

    async fn check(
        &self,
        request: &Request,
        organization: OrganizationId,
        new: NewProvider,
        before: Option<&SsoConfiguration>,
    ) -> Result<Checked, Failure> {
        let name = text::line(&new.name, NAME_CHARACTERS).map_err(|e| e.at("name"))?;
        let owner = self.platform.load::<Organization>(&organization).await?;
        let verified = |domain: &str| owner.state.domain(domain).is_some_and(|domain| domain.verified.is_some());
        if !owner.state.domains().any(|(_, domain)| domain.verified.is_some()) {
            return Err(Code::DomainNotVerified.into());
        }
        let mut domains = Vec::new();
        for (index, domain) in new.domains.iter().enumerate() {
            let at = || format!("domains.{index}");
            let domain = DomainName::parse(domain).map_err(|_| Code::InvalidDomain.at(at()))?;
            if !verified(domain.as_str()) {
                return Err(Code::DomainNotVerified.at(at()).into());
            }
            domains.push(domain.as_str().to_owned());
        }
        domains.sort();
        domains.dedup();
        let (configuration, secret) = self.check_configuration(request, new.configuration, before)?;
        Ok(Checked { details: Details { name, domains, configuration }, secret })
    }

    #[allow(clippy::type_complexity, reason = "the two halves of a checked configuration")]
    fn check_configuration(
        &self,
        request: &Request,
        new: NewConfiguration,
        before: Option<&SsoConfiguration>,
    ) -> Result<(SsoConfiguration, Option<(Uuid, zeroize::Zeroizing<String>)>), Rejection> {
        match new {
            NewConfiguration::Saml { issuer, sso_url, binding, logout_url, certificates } => {
                let certificates = check_certificates(&certificates)?;
                Ok((self.saml(issuer, (&sso_url, binding), logout_url.as_deref(), certificates)?, None))
            }
            NewConfiguration::SamlMetadata(metadata) => {
                let read = read_metadata(&metadata).map_err(|problem| {
                    Rejection::new(Code::InvalidMetadata, format!("The metadata cannot be used: {problem}."))
                        .at("metadata")
                })?;
                let certificates = read.certificates.iter().map(Certificate::base64).collect();
                let saml =
                    self.saml(read.issuer, (&read.sso_url, read.binding), read.logout_url.as_deref(), certificates);
                Ok((saml.map_err(|rejection| rejection.at("metadata"))?, None))
            }
            NewConfiguration::OpenIdConnect { issuer, client_id, client_secret } => {
                let client_id = bounded(&client_id, "clientId")?;
                let issuer = self.check_url(&issuer, "issuer")?;
                let (secret, kept) = match (client_secret, before) {
                    (Some(secret), _) if !secret.is_empty() => {
                        let secret = zeroize::Zeroizing::new(bounded(&secret, "clientSecret")?);
                        let name = request.derive("secret");
                        (name, Some((name, secret)))
                    }
                    // A secret goes to the issuer that it was entered for, and to no other.
                    (_, Some(SsoConfiguration::OpenIdConnect { issuer: same, secret, .. })) if *same == issuer => {
                        (*secret, None)
                    }
                    _ => return Err(Code::Required.at("clientSecret")),
                };
                Ok((SsoConfiguration::OpenIdConnect { issuer, client_id, secret }, kept))
            }
        }
    }

    fn saml(
        &self,
        issuer: String,
        (sso_url, binding): (&str, SamlBinding),
        logout_url: Option<&str>,
        certificates: Vec<String>,
    ) -> Result<SsoConfiguration, Rejection> {
        let logout_url = logout_url.filter(|url| !url.trim().is_empty());
        Ok(SsoConfiguration::Saml {
            issuer: bounded(&issuer, "issuer")?,
            sso_url: self.check_url(sso_url, "ssoUrl")?,
            binding,
            logout_url: logout_url.map(|url| self.check_url(url, "logoutUrl")).transpose()?,
            certificates,
        })
    }

    fn check_url(&self, text: &str, field: &'static str) -> Result<String, Rejection> {
        let text = bounded(text, field)?;
        let url = Url::parse(&text).map_err(|_| Code::InvalidUrl.at(field))?;
        let scheme = url.scheme() == "https" || (self.plain_http && url.scheme() == "http");
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        // As it was entered: an issuer is compared letter by letter.
        if scheme && plain && url.host().is_some() { Ok(text) } else { Err(Code::InvalidUrl.at(field)) }
    }

    async fn keep(
        &self,
        provider: SsoProviderId,
        secret: &Option<(Uuid, zeroize::Zeroizing<String>)>,
    ) -> Result<(), Failure> {
        let Some((name, secret)) = secret else { return Ok(()) };
        let key = secret_key(provider, *name);
        match self.platform.vault.put(&key, secret.as_bytes(), eventlog::ExpectedVersion::Absent).await {
            // The request is repeated.
            Ok(_) | Err(eventlog::VaultError::Conflict { .. }) => Ok(()),
            Err(other) => Err(other.into()),
        }
    }

    /// Removes the secret of a command that was refused. If it only failed, its event may stand in the log all the same.
    async fn without_secret<T>(
        &self,
        provider: SsoProviderId,
        secret: Option<(Uuid, zeroize::Zeroizing<String>)>,
        done: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let (Err(failure), Some((name, _))) = (&done, secret)
            && failure.code().is_some()
        {
            self.forget(provider, name).await;
        }
        done
    }

    async fn forget(&self, provider: SsoProviderId, name: Uuid) {
        if let Err(error) = self.platform.vault.delete(&secret_key(provider, name)).await {
            tracing::warn!(%provider, %error, "a client secret that is not used any more stays in the vault");
        }
    }

    async fn forget_unused(&self, provider: SsoProviderId, before: &SingleSignOn, after: &SingleSignOn) {
        let used: Vec<_> = after.secrets().collect();
        let of_provider = before.provider(provider).into_iter().flat_map(domain::Provider::secrets);
        for name in of_provider.filter(|name| !used.contains(name)).collect::<Vec<_>>() {
            self.forget(provider, name).await;
        }
    }
}

impl crate::Platform {
    /// Whether the account is an active system admin with a password.
    pub(crate) async fn is_way_back_in(
        &self,
        organization: OrganizationId,
        account: AccountId,
    ) -> Result<bool, Failure> {
        let state = &self.load::<Account>(&account).await?.state;
        let active = state.organization() == Some(organization) && state.status() == AccountStatus::Activated;
        let (system_admin, _) = self.load::<Roles>(&organization).await?.state.of(account);
        Ok(active && system_admin && state.credential().is_some())
    }

    /// How somebody signs in who is added with an address of this domain.
    pub(crate) async fn method_for_new(
        &self,
        organization: OrganizationId,
        domain: &str,
    ) -> Result<LoginMethod, Failure> {
        let sso = self.load::<SingleSignOn>(&organization).await?;
        Ok(sso.state.method_for_new(domain, self.has_verified(organization, domain).await?))
    }

    /// Lets a person sign in otherwise.
    pub async fn set_login_method(
        &self,
        request: &Request,
        organization: OrganizationId,
        account: AccountId,
        method: LoginMethod,
    ) -> Result<Option<Position>, Failure> {
        let person = self.manageable(request, organization, account).await?;
        if method == LoginMethod::SingleSignOn {
            let domain = person.state.details().map(|details| details.domain.clone()).unwrap_or_default();
            self.check_served(organization, &domain).await.map_err(|failure| failure.at("personId"))?;
        }
        let (system_admin, _) = self.load::<Roles>(&organization).await?.state.held(account);
        let command = domain::AccountCommand::ChangeLoginMethod { method, keeps_password: system_admin };
        let done = self.execute::<Account>(request, &account, command).await?;
        for event in &done.events {
            if let AccountEvent::LoginMethodChanged(event) = event {
                self.discard_replaced(account, event.replaced).await;
            }
        }
        Ok(done.position)
    }

    /// Refuses a domain whose people cannot sign in at a provider.
    pub(crate) async fn check_served(&self, organization: OrganizationId, domain: &str) -> Result<(), Failure> {
        if !self.has_verified(organization, domain).await? {
            return Err(Code::DomainNotVerified.into());
        }
        let sso = self.load::<SingleSignOn>(&organization).await?;
        if sso.state.serving(domain).is_none() {
            let message = "The person signs in at a provider, and no active provider serves this domain.";
            return Err(Rejection::new(Code::NoActiveProvider, message).into());
        }
        Ok(())
    }
}

fn check_certificates(texts: &[String]) -> Result<Vec<String>, Rejection> {
    let field = |index: usize| format!("certificates.{index}");
    if texts.is_empty() {
        return Err(Code::Required.at("certificates"));
    }
    if texts.len() > 2 {
        let message = "Enter one certificate, or two while the provider changes its key.";
        return Err(Rejection::new(Code::TooMany, message).at("certificates"));
    }
    let mut certificates: Vec<String> = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        let read: Certificate = text.parse().map_err(|problem| {
            Rejection::new(Code::InvalidCertificate, format!("The certificate cannot be used: {problem}."))
                .at(field(index))
        })?;
        if !certificates.contains(&read.base64()) {
            certificates.push(read.base64());
        }
    }
    Ok(certificates)
}

fn bounded(text: &str, field: &'static str) -> Result<String, Rejection> {
    let text = text.trim();
    match text.len() {
        0 => Err(Code::Required.at(field)),
        length if length > MAX_TEXT => Err(Code::TooLong.at(field)),
        _ if text.chars().any(char::is_control) => Err(Code::InvalidCharacters.at(field)),
        _ => Ok(text.to_owned()),
    }
}
