//! Limits on tries, counted in this process.

use std::net::IpAddr;

use commands::Failure;
use domain::{Code, Rejection};
use identity::{
    DEVICE_AUTHORIZATION_IN_ALL, DEVICE_AUTHORIZATION_PER_ADDRESS, DOMAIN_LOOKS_PER_ORGANIZATION,
    DOMAIN_PROOFS_PER_ORGANIZATION, IMPORTS_PER_ORGANIZATION, LOGOS_PER_ORGANIZATION, Limiter, MAILS_TO_PERSON,
    ONE_USE_OF_ASSERTION, PASSWORD_RESET_PER_ADDRESS, PASSWORD_RESET_PER_EMAIL, RetryAfter, SIGN_IN_PER_ACCOUNT,
    SIGN_IN_PER_ADDRESS, SIGN_UP_PER_ADDRESS, SIGN_UP_PER_EMAIL, SSO_PER_ADDRESS, SUPPORT_PER_ACCOUNT,
    USER_CODE_IN_ALL, USER_CODE_PER_ACCOUNT, USER_CODE_PER_ADDRESS,
};
use schema::{AccountId, DeviceId, EmailKey, OrganizationId, Timestamp};
use tokio::sync::Mutex;

/// Look-ups of user codes that may run side by side, of different persons.
const TURNS: usize = 64;

/// See the module. What is counted per email address is counted by its keyed hash, whether or not it has an account.
pub(crate) struct Throttles {
    sign_in_account: Limiter<EmailKey>,
    sign_in_address: Limiter<IpAddr>,
    single_sign_on: Limiter<IpAddr>,
    sign_up_email: Limiter<EmailKey>,
    sign_up_address: Limiter<IpAddr>,
    reset_email: Limiter<EmailKey>,
    reset_address: Limiter<IpAddr>,
    password_change: Limiter<AccountId>,
    support: Limiter<AccountId>,
    imports: Limiter<OrganizationId>,
    logos: Limiter<OrganizationId>,
    domain_proofs: Limiter<OrganizationId>,
    domain_looks: Limiter<OrganizationId>,
    mails: Limiter<(OrganizationId, AccountId)>,
    user_code_account: Limiter<AccountId>,
    user_code_address: Limiter<IpAddr>,
    user_code_all: Limiter<()>,
    turns: [Mutex<()>; TURNS],
    device_authorization_address: Limiter<IpAddr>,
    device_authorization_all: Limiter<()>,
    assertions: Limiter<(DeviceId, String)>,
}

impl Throttles {
    pub(crate) fn new() -> Self {
        Self {
            sign_in_account: Limiter::new(SIGN_IN_PER_ACCOUNT),
            sign_in_address: Limiter::new(SIGN_IN_PER_ADDRESS),
            single_sign_on: Limiter::new(SSO_PER_ADDRESS),
            sign_up_email: Limiter::new(SIGN_UP_PER_EMAIL),
            sign_up_address: Limiter::new(SIGN_UP_PER_ADDRESS),
            reset_email: Limiter::new(PASSWORD_RESET_PER_EMAIL),
            reset_address: Limiter::new(PASSWORD_RESET_PER_ADDRESS),
            // Not counted together with sign-ins: those are tried by strangers too, who must not keep the person from this.
            password_change: Limiter::new(SIGN_IN_PER_ACCOUNT),
            support: Limiter::new(SUPPORT_PER_ACCOUNT),
            imports: Limiter::new(IMPORTS_PER_ORGANIZATION),
            logos: Limiter::new(LOGOS_PER_ORGANIZATION),
            domain_proofs: Limiter::new(DOMAIN_PROOFS_PER_ORGANIZATION),
            domain_looks: Limiter::new(DOMAIN_LOOKS_PER_ORGANIZATION),
            mails: Limiter::new(MAILS_TO_PERSON),
            user_code_account: Limiter::new(USER_CODE_PER_ACCOUNT),
            user_code_address: Limiter::new(USER_CODE_PER_ADDRESS),
            user_code_all: Limiter::new(USER_CODE_IN_ALL),
            turns: [const { Mutex::const_new(()) }; TURNS],
            device_authorization_address: Limiter::new(DEVICE_AUTHORIZATION_PER_ADDRESS),
            device_authorization_all: Limiter::new(DEVICE_AUTHORIZATION_IN_ALL),
            assertions: Limiter::new(ONE_USE_OF_ASSERTION),
        }
    }

    /// Before a password is looked at. The try counts until [`Self::signed_in`].
    pub(crate) fn sign_in(&self, email: &EmailKey, address: IpAddr, now: Timestamp) -> Result<(), Rejection> {
        self.sign_in_address.check(&address, now).map_err(rejection)?;
        self.sign_in_account.admit(email.clone(), now).map_err(rejection)
    }
    /// The password was wrong.
    pub(crate) fn sign_in_failed(&self, address: IpAddr, now: Timestamp) {
        self.sign_in_address.failed(address, now);
    }
    /// Nobody could look at the password.
    pub(crate) fn sign_in_not_tried(&self, email: &EmailKey) {
        self.sign_in_account.take_back(email);
    }
    /// The password was right.
    pub(crate) fn signed_in(&self, email: &EmailKey) {
        self.sign_in_account.succeeded(email);
    }

    /// Before somebody is sent to an identity provider, or what one sends is looked at.
    pub(crate) fn single_sign_on(&self, address: IpAddr, now: Timestamp) -> Result<(), Rejection> {
        self.single_sign_on.admit(address, now).map_err(rejection)
    }

    /// Before a sign-up begins and a mail leaves.
    pub(crate) fn sign_up(&self, email: EmailKey, address: IpAddr, now: Timestamp) -> Result<(), Rejection> {
        self.sign_up_address.admit(address, now).map_err(rejection)?;
        self.sign_up_email.admit(email, now).map_err(rejection)
    }

    /// Before somebody is mailed a link to choose a new password, should there be an account.
    pub(crate) fn password_reset(&self, email: EmailKey, address: IpAddr, now: Timestamp) -> Result<(), Rejection> {
        self.reset_address.admit(address, now).map_err(rejection)?;
        self.reset_email.admit(email, now).map_err(rejection)
    }

    /// Before the current password of a person who wants another one is looked at. The try counts until
    /// [`Self::knew_password`].
    pub(crate) fn password_change(&self, account: AccountId, now: Timestamp) -> Result<(), Rejection> {
        self.password_change.admit(account, now).map_err(rejection)
    }
    /// Nobody could look at the current password.
    pub(crate) fn password_change_not_tried(&self, account: AccountId) {
        self.password_change.take_back(&account);
    }
    /// The current password was right.
    pub(crate) fn knew_password(&self, account: AccountId) {
        self.password_change.succeeded(&account);
    }

    /// Before a request goes to the support.
    pub(crate) fn support(&self, account: AccountId, now: Timestamp) -> Result<(), Rejection> {
        self.support.admit(account, now).map_err(rejection)
    }

    /// Before somebody of the organization has a mail sent to a person.
    pub(crate) fn mail_to(&self, whose: OrganizationId, person: AccountId, now: Timestamp) -> Result<(), Rejection> {
        self.mails.admit((whose, person), now).map_err(rejection)
    }

    /// Before an image is made a logo.
    pub(crate) fn logo(&self, organization: OrganizationId, now: Timestamp) -> Result<(), Rejection> {
        self.logos.admit(organization, now).map_err(rejection)
    }

    /// Before an attempt to prove a domain begins.
    pub(crate) fn domain_proof(&self, organization: OrganizationId, now: Timestamp) -> Result<(), Rejection> {
        self.domain_proofs.admit(organization, now).map_err(rejection)
    }

    /// Before somebody has us look at a name server or a website.
    pub(crate) fn domain_look(&self, organization: OrganizationId, now: Timestamp) -> Result<(), Rejection> {
        self.domain_looks.admit(organization, now).map_err(rejection)
    }

    /// Before a file of people is read.
    pub(crate) fn import(&self, organization: OrganizationId, now: Timestamp) -> Result<(), Rejection> {
        self.imports.admit(organization, now).map_err(rejection)
    }

    /// Looks a user code up and counts it if nothing shows it. One look-up of a person at a time: the fields of one query
    /// run side by side, and none of them may be checked before another's wrong code is counted.
    pub(crate) async fn user_code<T>(
        &self,
        account: AccountId,
        address: IpAddr,
        now: Timestamp,
        look_up: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let turn = usize::try_from(account.0.as_u128() % TURNS as u128).ok().and_then(|index| self.turns.get(index));
        let _turn = match turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        self.user_code_account.check(&account, now).map_err(rejection)?;
        self.user_code_address.check(&address, now).map_err(rejection)?;
        self.user_code_all.check(&(), now).map_err(rejection)?;
        look_up.await.inspect_err(|failure| {
            if failure.code() == Some(Code::UserCodeUnknown) {
                self.user_code_account.failed(account, now);
                self.user_code_address.failed(address, now);
                self.user_code_all.failed((), now);
            }
        })
    }

    /// Before a unit gets a code to show.
    pub(crate) fn device_authorization(&self, address: IpAddr, now: Timestamp) -> Result<(), RetryAfter> {
        self.device_authorization_address.admit(address, now)?;
        self.device_authorization_all.admit((), now)
    }

    /// Takes an assertion once.
    pub(crate) fn assertion(&self, device: DeviceId, id: String, now: Timestamp) -> Result<(), RetryAfter> {
        self.assertions.admit((device, id), now)
    }
}

fn rejection(wait: RetryAfter) -> Rejection {
    let seconds = wait.seconds();
    let unit = if seconds == 1 { "second" } else { "seconds" };
    Rejection::new(Code::RateLimited, format!("Too many attempts; try again in {seconds} {unit}."))
}
