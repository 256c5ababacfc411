//! An email domain of an organization.

use async_graphql::{Enum, ID, SimpleObject};
use commands::{domain_proof::Sought, processes::domains::DomainView};
use domain::organization::{Attempt, MAILBOXES};
use schema::Timestamp;

use crate::{
    access::{Reader, Reading},
    scalars::id,
};

/// How a domain is proven.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
#[graphql(remote = "schema::VerificationMethod")]
pub(crate) enum VerificationMethod {
    /// A code is mailed to an administrative address of the domain, good for 10 minutes. Verified at once.
    Email,
    /// A file in the root folder of the domain's website. Verified as soon as `verifyDomain` finds it.
    HtmlFile,
    /// A TXT record. Looked for by `verifyDomain` at once, and again and again for 72 hours by itself.
    DnsTxt,
}

/// Where a domain stands.
#[derive(Debug, Enum, Copy, Clone, Eq, PartialEq)]
pub(crate) enum DomainStatus {
    /// Accounts with this domain may be created. Other organizations may allow it as well.
    Allowed,
    /// The same, and a verification is under way.
    Pending,
    /// The domain is this organization's and no other's.
    Verified,
}

/// An attempt to verify a domain.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct DomainVerification {
    /// How.
    method: VerificationMethod,
    /// When it ends.
    expires_at: Timestamp,
    /// The address that the code was mailed to; null for other methods.
    mailed_to: Option<String>,
    /// Name of the TXT record to publish; null for other methods.
    record_name: Option<String>,
    /// Text of the TXT record to publish; null for other methods.
    record_text: Option<String>,
    /// Where the file is to stand; null for other methods. Plain http serves if https does not answer.
    file_url: Option<String>,
    /// What is to stand in the file, and nothing else; null for other methods.
    file_content: Option<String>,
    /// Why it failed, one of `UserErrorCode`; null while it lasts. Begin anew to try again.
    failure: Option<String>,
}

/// An email domain of an organization.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct Domain {
    /// Id of the domain within the organization.
    pub(crate) id: ID,
    /// Its name in ASCII form, such as `xn--bcher-kva.example`.
    name: String,
    /// Its name as people write it, such as `bücher.example`.
    display_name: String,
    /// Where it stands.
    status: DomainStatus,
    /// How it was verified; null if it was not.
    verified_by: Option<VerificationMethod>,
    /// The record or file that has proven the domain was not there the last time we looked. The domain stays verified;
    /// publish it again, or others may doubt whose it is.
    proof_lost: bool,
    /// The newest attempt to verify it; once it is verified by a record or file, the one that has to stay published. Null
    /// if there is none, and for those who may not manage domains.
    verification: Option<DomainVerification>,
    /// The addresses of the domain that a code can be mailed to: what stands before the `@`.
    mailboxes: Vec<&'static str>,
}

impl Domain {
    /// The domain as `reader` may see it.
    pub(crate) fn new(view: DomainView, reader: &Reader) -> Self {
        let DomainView { id: domain, name, state, proof } = view;
        let attempt = state.attempt.as_ref();
        let status = match (&state.verified, attempt) {
            (Some(_), _) => DomainStatus::Verified,
            (None, Some(attempt)) if attempt.failed.is_none() => DomainStatus::Pending,
            (None, _) => DomainStatus::Allowed,
        };
        // What has to stay published.
        let kept = state.verified.as_ref().filter(|_| proof.is_some());
        let shown = attempt.or(kept).filter(|_| reader.may(Reading::DomainProofs));
        Self {
            id: id(domain),
            display_name: name.to_unicode(),
            verification: shown.map(|attempt| verification(attempt, name.as_str(), proof)),
            name: name.as_str().to_owned(),
            status,
            verified_by: state.verified.map(|proven| proven.method.into()),
            proof_lost: state.proof_lost,
            mailboxes: MAILBOXES.to_vec(),
        }
    }
}

fn verification(attempt: &Attempt, domain: &str, proof: Option<Sought>) -> DomainVerification {
    let mut shown = DomainVerification {
        method: attempt.method.into(),
        expires_at: attempt.expires_at,
        mailed_to: attempt.mailbox.as_ref().map(|mailbox| format!("{mailbox}@{domain}")),
        record_name: None,
        record_text: None,
        file_url: None,
        file_content: None,
        failure: attempt.failed.clone(),
    };
    match proof {
        Some(Sought::Record { name, text, .. }) => {
            shown.record_name = Some(name);
            shown.record_text = Some(text);
        }
        Some(Sought::File { name, content }) => {
            shown.file_url = Some(format!("https://{domain}/{name}"));
            shown.file_content = Some(content);
        }
        None => {}
    }
    shown
}
