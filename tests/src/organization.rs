//! Signing an organization up, as a person does it.

use serde_json::json;

use crate::client::{Client, text};

/// A password that nobody else has.
pub const PASSWORD: &str = "seven lanterns over a quiet harbour";

/// Names of the first person: unlike anything that stands in a file by chance.
pub const FOUNDER: (&str, &str) = ("Annegret", "Bergander");

/// A new organization.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its first person, signed in.
    pub admin: Client,
    /// Id of the first person.
    pub founder: String,
    /// Its id.
    pub id: String,
}

/// Signs up the organization "Northwind". `code` gets the code out of the mail.
pub async fn sign_up(nobody: &Client, email: &str, code: impl AsyncFnOnce() -> String) -> Organization {
    let begun = nobody.mutate("beginSignup", json!({ "email": email }), "signupId").await;
    let signup = text(&begun["signupId"]);
    nobody.mutate("confirmSignup", json!({ "signupId": signup, "code": code().await }), "signupId").await;
    let founding = json!({
        "signupId": signup, "organizationName": "Northwind", "givenName": FOUNDER.0, "familyName": FOUNDER.1,
        "password": PASSWORD,
    });
    let selection = "viewer { person { id } organization { id } isSystemAdmin } session { token }";
    let completed = nobody.mutate("completeSignup", founding, selection).await;
    let viewer = &completed["viewer"];
    assert_eq!(viewer["isSystemAdmin"], true, "{viewer}");
    Organization {
        admin: nobody.with_token(&text(&completed["session"]["token"])),
        founder: text(&viewer["person"]["id"]),
        id: text(&viewer["organization"]["id"]),
    }
}

/// The same on a platform in development mode, which keeps its mails to be looked at.
pub async fn sign_up_in_development(nobody: &Client, email: &str) -> Organization {
    let code = async || {
        let mail = nobody.mail_in_development(email).await;
        let digits = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        mail.split(|c: char| !c.is_ascii_alphanumeric()).find(digits).expect("the mail has a code").to_owned()
    };
    sign_up(nobody, email, code).await
}
