//! The profile of an organization: its name and its logo.

use bytes::Bytes;
use domain::{
    Access, Code, Organization, OrganizationCommand, Rejection, authorize,
    text::{self, TITLE_CHARACTERS},
};
use files::{
    FileName,
    logo::{self, Logo, LogoProblem},
};
use schema::{OrganizationId, Right, events::organization::OrganizationLogoChanged};

use crate::{Done, Failure, Platform, Request};

/// Uploads that are made into logos at once; others wait their turn. Each may keep a processor busy for seconds and take
/// some hundred MB of memory.
pub(crate) const LOGOS_AT_ONCE: usize = 2;

impl Platform {
    /// Gives an organization another name.
    pub async fn rename_organization(
        &self,
        request: &Request,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Done<Organization>, Failure> {
        let name = text::line(name, TITLE_CHARACTERS).map_err(|refused| refused.at("name"))?;
        self.execute::<Organization>(request, &organization, OrganizationCommand::Rename { name }).await
    }

    /// Gives an organization another logo, made of an uploaded image. Its file is stored before the event is: a crash
    /// between the two leaves a file that nobody knows of.
    pub async fn change_logo(
        &self,
        request: &Request,
        organization: OrganizationId,
        upload: Bytes,
    ) -> Result<Done<Organization>, Failure> {
        // Before any work is done for somebody who may not ask for it.
        authorize(&request.principal, Access::Right(Right::ManageOrganization), Some(organization), None)?;
        let Logo { png, width, height, sha256 } = self.make_logo(upload).await?;
        let unnamed = || Failure::OutOfOrder("a logo has no digest".to_owned());
        let name = FileName::logo(organization, &sha256).ok_or_else(unnamed)?;
        self.files.put(&name, png).await?;
        let changed = OrganizationLogoChanged { sha256, width, height };
        self.execute::<Organization>(request, &organization, OrganizationCommand::ChangeLogo(changed)).await
    }

    async fn make_logo(&self, upload: Bytes) -> Result<Logo, Failure> {
        let broken_off = || Failure::OutOfOrder("the work on a logo was broken off".to_owned());
        let turn = self.logo_turns.clone().acquire_owned().await.map_err(|_| broken_off())?;
        let made = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            logo::normalize(&upload)
        });
        match made.await {
            Ok(made) => made.map_err(|problem| refusal(problem).into()),
            // A decoder that panics has met an image that nobody shall be shown.
            Err(ended) if ended.is_panic() => Err(refusal(LogoProblem::Damaged).into()),
            Err(_) => Err(broken_off()),
        }
    }
}

/// Why an upload is not taken, in the terms of the API.
fn refusal(problem: LogoProblem) -> Rejection {
    let code = match problem {
        LogoProblem::Empty | LogoProblem::NotAnImage | LogoProblem::UnsupportedFormat | LogoProblem::Damaged => {
            Code::NotAnImage
        }
        LogoProblem::TooSmall { .. } => Code::ImageTooSmall,
        LogoProblem::TooLarge | LogoProblem::TooManyPixels => Code::ImageTooLarge,
    };
    Rejection::new(code, format!("{}: {problem}.", code.message().trim_end_matches('.'))).at("logo")
}
