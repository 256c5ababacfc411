//! Where links lead: to the pages of a frontend, or to our own as long as there is none. Built from configuration only,
//! never from a request.

use identity::LinkToken;

/// The addresses of the pages that mails, units and admins point people at.
///
/// The token of a link stands in its query, where a page without script can read it. It does not get further: the pages
/// send no `Referer`, and no access log of ours has queries. Opening such a link shows a form and spends nothing, since
/// mail scanners follow links; sending the form does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The page on which a person chooses a password to activate the account.
    pub activation: String,
    /// The page on which a person chooses a new password.
    pub password_reset: String,
    /// The page on which people sign in.
    pub sign_in: String,
    /// The page that a browser is led to that has signed in at an identity provider.
    pub signed_in: String,
    /// The page on which a person enters the code of a Portal unit.
    pub device: String,
}

impl Links {
    /// All pages in their usual places under `origin`, which has no slash at the end.
    pub fn at(origin: &str) -> Self {
        let page = |path: &str| format!("{origin}/{path}");
        Self {
            activation: page("activate"),
            password_reset: page("reset-password"),
            sign_in: page("sign-in"),
            signed_in: page("account"),
            device: page("device"),
        }
    }

    /// The link that activates an account.
    pub fn activate(&self, token: &LinkToken) -> String {
        with_token(&self.activation, token)
    }

    /// The link to choose a new password.
    pub fn reset_password(&self, token: &LinkToken) -> String {
        with_token(&self.password_reset, token)
    }
}

fn with_token(page: &str, token: &LinkToken) -> String {
    let mark = if page.contains('?') { '&' } else { '?' };
    format!("{page}{mark}token={}", token.to_text())
}

#[cfg(test)]
mod tests {
    use identity::{Purpose, ServerKeys};
    use schema::{AccountId, ChallengeId, Timestamp};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_token_fits_into_the_query_of_any_page() {
        let keys = ServerKeys::from_master(&[7; 32]);
        let (account, challenge) = (AccountId(Uuid::from_u128(1)), ChallengeId(Uuid::from_u128(2)));
        let token = LinkToken::derive(&keys, Purpose::PasswordReset, account, challenge, Timestamp::UNIX_EPOCH);
        let own = Links::at("https://accounts.example.com");
        let usual = format!("https://accounts.example.com/activate?token={}", token.to_text());
        assert_eq!(own.activate(&token), usual);
        let frontend = Links { password_reset: "https://front.example/page?view=reset".to_owned(), ..own };
        let with_more = format!("https://front.example/page?view=reset&token={}", token.to_text());
        assert_eq!(frontend.reset_password(&token), with_more);
        assert!(token.to_text().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    }
}
