//! A platform with a piece of internet, and admins who manage domains.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses a part of it")]

use std::{fmt::Debug, sync::Arc};

use commands::{
    Failure, Platform, Request,
    domain_proof::{Outbound, Sought},
    processes::{domains::DomainView, people::Added, sign_up::Founded},
};
use domain::{Code, DomainReservation, Principal};
use outbound::http::Reach;
use schema::{DomainId, OrganizationId, Position, SignupId, VerificationMethod};

use crate::support::{PASSWORD, World, eventually, founding, internet::Internet, password, person};

pub struct Stage {
    pub world: World,
    pub internet: Internet,
}

impl Stage {
    /// With every reactor but the prober.
    pub async fn new() -> Self {
        let internet = Internet::start().await;
        Self::with(internet.outbound(), internet)
    }

    /// Where nothing but the public internet is reached.
    pub async fn in_public() -> Self {
        let internet = Internet::start().await;
        Self::with(Outbound::new(&[internet.names()], Reach::Public).unwrap(), internet)
    }

    fn with(outbound: Outbound, internet: Internet) -> Self {
        let world = World::bare_with(outbound);
        world.start_reactors();
        Self { world, internet }
    }

    pub async fn found(&self, email: &str) -> Admin {
        let (founded, request) = self.world.found(email).await;
        let platform = self.world.platform.clone();
        Admin { platform, organization: founded.organization, principal: request.principal, email: email.to_owned() }
    }

    pub async fn sign_up(&self, email: &str) -> Result<SignupId, Failure> {
        Ok(self.world.platform.begin_signup(&self.world.anonymous(), email, "en").await?.0.signup)
    }

    /// A sign-up that lacks only the password.
    pub async fn confirmed_signup(&self, email: &str) -> SignupId {
        let signup = self.sign_up(email).await.unwrap();
        let code = self.world.code_for(email).await;
        self.world.platform.confirm_signup(&self.world.anonymous(), signup, &code).await.unwrap();
        signup
    }

    pub async fn complete(&self, signup: SignupId) -> Result<Founded, Failure> {
        self.world.platform.complete_signup(&self.world.anonymous(), signup, founding()).await
    }

    pub async fn holder(&self, name: &str) -> Option<OrganizationId> {
        self.world.platform.load::<DomainReservation>(&name.to_owned()).await.unwrap().state.holder()
    }

    /// The code in the next mail to an address, after there were so many mails in all.
    pub async fn next_code(&self, address: &str, seen: usize) -> String {
        eventually(|| async { (self.world.mailbox.latest().len() > seen).then_some(()) }).await;
        self.world.code_for(address).await
    }
}

/// A system admin, on one of the processes.
#[derive(Clone)]
pub struct Admin {
    pub platform: Arc<Platform>,
    pub organization: OrganizationId,
    principal: Principal,
    email: String,
}

impl Admin {
    pub fn on(&self, platform: Arc<Platform>) -> Self {
        Self { platform, ..self.clone() }
    }

    pub fn request(&self) -> Request {
        self.platform.request(self.principal.clone())
    }

    pub async fn signed_in_again(self, stage: &Stage) -> Self {
        let proven = self.platform.check_credentials(&self.email, password(PASSWORD)).await.unwrap();
        let session = self
            .platform
            .start_session(
                &stage.world.anonymous(),
                proven,
                commands::processes::sign_in::SessionStart::by_password(Default::default()),
            )
            .await;
        Self { principal: session.unwrap().principal, ..self }
    }

    pub async fn try_add(&self, typed: &str) -> Result<DomainId, Failure> {
        Ok(self.platform.add_domain(&self.request(), self.organization, typed).await?.0)
    }

    pub async fn add(&self, typed: &str) -> DomainId {
        self.try_add(typed).await.unwrap()
    }

    pub async fn begin_with(
        &self,
        id: DomainId,
        method: VerificationMethod,
        mailbox: Option<&str>,
    ) -> Result<Option<Position>, Failure> {
        self.platform.begin_domain_verification(&self.request(), self.organization, id, method, mailbox).await
    }

    pub async fn try_begin(&self, id: DomainId, method: VerificationMethod) -> Result<DomainView, Failure> {
        self.begin_with(id, method, Some(" Postmaster ")).await?;
        Ok(self.view(id).await)
    }

    pub async fn begin(&self, id: DomainId, method: VerificationMethod) -> DomainView {
        self.try_begin(id, method).await.unwrap()
    }

    pub async fn verify(&self, id: DomainId, code: Option<&str>) -> Result<Option<Position>, Failure> {
        self.platform.verify_domain(&self.request(), self.organization, id, code).await
    }

    /// The whole way by a TXT record.
    pub async fn prove(&self, stage: &Stage, id: DomainId) {
        stage.internet.publish(&self.begin(id, VerificationMethod::DnsTxt).await.proof.unwrap());
        self.verify(id, None).await.unwrap();
    }

    pub async fn remove(&self, id: DomainId) -> Result<Option<Position>, Failure> {
        self.platform.remove_domain(&self.request(), self.organization, id).await
    }

    pub async fn find(&self, id: DomainId) -> Option<DomainView> {
        self.platform.domain(self.organization, id).await.unwrap()
    }

    pub async fn view(&self, id: DomainId) -> DomainView {
        self.find(id).await.expect("the domain is on the list")
    }

    pub async fn domains(&self) -> Vec<DomainView> {
        self.platform.domains(self.organization).await.unwrap()
    }

    pub async fn is_verified(&self, id: DomainId) -> bool {
        self.find(id).await.is_some_and(|view| view.state.verified.is_some())
    }

    pub async fn create(&self, email: &str) -> Result<Added, Failure> {
        self.platform.create_account(&self.request(), self.organization, person(email)).await
    }

    pub async fn create_all(&self, emails: &[&str]) -> Result<Vec<Added>, Vec<Failure>> {
        let people = emails.iter().map(|email| person(email)).collect();
        self.platform.create_accounts(&self.request(), self.organization, people).await
    }
}

pub fn code<T: Debug>(result: Result<T, Failure>) -> Code {
    result.unwrap_err().code().expect("a refusal")
}

/// A code of six digits that is not this one.
pub fn wrong(right: &str) -> String {
    if right == "123456" { "654321" } else { "123456" }.to_owned()
}

/// Name and text of the record that is sought.
pub fn record_of(view: &DomainView) -> (String, String) {
    match view.proof.clone() {
        Some(Sought::Record { name, text, .. }) => (name, text),
        other => panic!("{other:?}"),
    }
}

/// Name and content of the file that is sought.
pub fn file_of(view: &DomainView) -> (String, String) {
    match view.proof.clone() {
        Some(Sought::File { name, content }) => (name, content),
        other => panic!("{other:?}"),
    }
}
