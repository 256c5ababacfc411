//! The ways into an account. Mutations and pages share them, so that the same rules and limits hold for both.

use commands::{Failure, processes::sign_in::SignedIn};
use domain::{Code, Rejection, session::SESSION_LIFETIME, text::EmailAddress};
use identity::Password;
use schema::{EmailKey, LoginMethod};

use crate::{app::App, errors::Stop, session::Caller};

/// Reads a password that a person chose.
pub(crate) fn password(typed: String) -> Result<Password, Rejection> {
    // Nothing else can be wrong with it before it is looked at in full.
    Password::new(typed).map_err(|_| Code::PasswordTooLong.at("password"))
}

/// The key that tries are counted by: equal for equal addresses, and also there for what is no address.
pub(crate) fn throttle_key(app: &App, typed: &str) -> EmailKey {
    match EmailAddress::parse(typed) {
        Ok(email) => app.platform.keys().email_key(email.as_str()),
        Err(_) => app.platform.keys().email_key(&typed.trim().to_lowercase()),
    }
}

/// The cookie of a new session.
pub(crate) fn cookie(app: &App, signed_in: &SignedIn) -> String {
    let seconds = u32::try_from(SESSION_LIFETIME.num_seconds()).unwrap_or(u32::MAX);
    app.config.cookie().set(&signed_in.token, seconds)
}

/// Signs in with email address and password. Failed tries make the next ones wait.
pub(crate) async fn sign_in(app: &App, caller: &Caller, email: &str, typed: String) -> Result<SignedIn, Stop> {
    let request = app.request(caller);
    let key = throttle_key(app, email);
    app.throttles.sign_in(&key, caller.address, request.at)?;
    let checked = match Password::new(typed) {
        Ok(password) => app.platform.check_credentials(email, password).await,
        // A password that nobody can have is a wrong one.
        Err(_) => Err(Failure::from(Code::WrongCredentials)),
    };
    let proven = checked.inspect_err(|failure| {
        if failure.code() == Some(Code::WrongCredentials) {
            app.throttles.sign_in_failed(caller.address, request.at);
        }
    })?;
    app.throttles.signed_in(&key);
    Ok(app.platform.start_session(&request, proven, LoginMethod::Password).await?)
}

/// Activates an account with the mailed link and a password of the person's choice, and signs the person in.
pub(crate) async fn activate(app: &App, caller: &Caller, token: &str, typed: String) -> Result<SignedIn, Stop> {
    let request = app.request(caller);
    let (proven, _) = app.platform.activate_account(&request, token, password(typed)?).await?;
    Ok(app.platform.start_session(&request, proven, LoginMethod::Password).await?)
}
