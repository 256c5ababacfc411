//! The ways into an account. Mutations and pages share them, so that the same rules and limits hold for both.

use commands::{
    Failure,
    processes::sign_in::{SessionStart, SignedIn},
};
use domain::{Code, Rejection, session::SESSION_LIFETIME, text::EmailAddress};
use identity::Password;
use schema::{EmailKey, Position};

use crate::{
    app::{App, signed_in},
    errors::Stop,
    session::Caller,
};

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
    match checked.as_ref().map_err(Failure::code) {
        Ok(_) | Err(Some(Code::PasswordResetRequired)) => app.throttles.signed_in(&key),
        Err(Some(Code::WrongCredentials)) => app.throttles.sign_in_failed(caller.address, request.at),
        Err(_) => app.throttles.sign_in_not_tried(&key),
    }
    let proven = checked?;
    Ok(app.platform.start_session(&request, proven, SessionStart::by_password(caller.origin())).await?)
}

/// Activates an account with the mailed link and a password of the person's choice, and signs the person in.
pub(crate) async fn activate(app: &App, caller: &Caller, token: &str, typed: String) -> Result<SignedIn, Stop> {
    let request = app.request(caller);
    let (proven, _) = app.platform.activate_account(&request, token, password(typed)?).await?;
    Ok(app.platform.start_session(&request, proven, SessionStart::by_password(caller.origin())).await?)
}

/// Has a link to choose a new password mailed, if there is an account with this address. The answer is the same if there
/// is none.
pub(crate) async fn request_password_reset(app: &App, caller: &Caller, email: &str) -> Result<Option<Position>, Stop> {
    let request = app.request(caller);
    // Refused before it counts: what is no address has no mailbox to be flooded.
    let address = EmailAddress::parse(email).map_err(|rejection| rejection.at("email"))?;
    let key = app.platform.keys().email_key(address.as_str());
    app.throttles.password_reset(key, caller.address, request.at)?;
    Ok(app.platform.request_password_reset(&request, email).await?)
}

/// Gives an account another password with the mailed link, ends its sessions and signs the person in.
pub(crate) async fn reset_password(app: &App, caller: &Caller, token: &str, typed: String) -> Result<SignedIn, Stop> {
    let request = app.request(caller);
    let (proven, _) = app.platform.reset_password(&request, token, password(typed)?).await?;
    Ok(app.platform.start_session(&request, proven, SessionStart::by_password(caller.origin())).await?)
}

/// Gives the account of whoever asks another password, if they know the current one, and begins a new session. All others
/// end. Wrong tries make the next ones wait.
pub(crate) async fn change_password(
    app: &App,
    caller: &Caller,
    current: String,
    new: String,
) -> Result<SignedIn, Stop> {
    let account = signed_in(caller)?.account;
    let request = app.request(caller);
    let new = password(new).map_err(|rejection| rejection.at("newPassword"))?;
    app.throttles.password_change(account, request.at)?;
    // A password that nobody can have is a wrong one.
    let current = Password::new(current).map_err(|_| Code::WrongCredentials.at("currentPassword"))?;
    let changed = app.platform.change_password(&request, current, new).await;
    match changed.as_ref().map_err(Failure::code) {
        Ok(_) | Err(Some(Code::PasswordTooShort | Code::PasswordTooCommon)) => app.throttles.knew_password(account),
        Err(Some(Code::WrongCredentials)) => {}
        Err(_) => app.throttles.password_change_not_tried(account),
    }
    Ok(app.platform.start_session(&request, changed?.0, SessionStart::by_password(caller.origin())).await?)
}
