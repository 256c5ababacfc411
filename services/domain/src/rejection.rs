//! Why a command is refused: a stable code to match on and a sentence that says what to do.

use std::borrow::Cow;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal: $message:literal,)*) => {
        /// Stable codes. Frontends match on them; they are never renamed, only added to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// The name that frontends see.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
            /// When it is given.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)* }
            }
            /// What to tell a person if nothing more precise is known.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

codes! {
    /// A field that is needed is empty.
    Required = "REQUIRED": "Fill in this field.",
    /// The text has more characters than the field takes.
    TooLong = "TOO_LONG": "Shorten the text.",
    /// The text has control or invisible formatting characters.
    InvalidCharacters = "INVALID_CHARACTERS": "Remove control and invisible characters.",
    /// The list has more entries than one request takes.
    TooMany = "TOO_MANY": "Send fewer entries at once.",
    /// The value is not one that the field takes.
    InvalidValue = "INVALID_VALUE": "Choose one of the values that the description of the field names.",
    /// The id is not of the kind that the field takes.
    InvalidId = "INVALID_ID": "Pass the id exactly as the API gave it.",
    /// The text is not an email address.
    InvalidEmail = "INVALID_EMAIL": "Enter an email address such as anna@example.com.",
    /// The email domain mixes scripts or imitates Latin letters, as look-alike domains do.
    LookAlikeDomain = "LOOK_ALIKE_DOMAIN": "The domain imitates letters of another script; enter the domain as its owner writes it.",
    /// The address is at a consumer mail service.
    ConsumerEmailDomain = "CONSUMER_EMAIL_DOMAIN": "Use your work email address.",
    /// Another organization has verified the email domain.
    DomainTaken = "DOMAIN_TAKEN": "Your company has an organization already; ask its admin to add you.",
    /// Accounts with this email domain may not be created in the organization.
    DomainNotAllowed = "DOMAIN_NOT_ALLOWED": "Add the domain to the organization first.",
    /// The text is not the name of a domain, or of one that nobody can own, such as `co.uk`.
    InvalidDomain = "INVALID_DOMAIN": "Enter a domain such as example.com, without https:// and without a path.",
    /// The domain is verified already.
    DomainVerified = "DOMAIN_VERIFIED": "The domain is verified already.",
    /// The file or record that proves the domain is not there, or says something else.
    ProofNotFound = "PROOF_NOT_FOUND": "The proof was not found; publish it exactly as shown and try again.",
    /// The domain's website or name servers did not answer.
    ProofUnreachable = "PROOF_UNREACHABLE": "The domain did not answer; see that it is reachable from the internet and try again.",
    /// An account has this email address already.
    EmailTaken = "EMAIL_TAKEN": "An account with this email address exists already.",
    /// The code is not the one that was mailed.
    WrongCode = "WRONG_CODE": "Enter the code from the latest mail.",
    /// The code or the whole attempt has run out of time.
    Expired = "EXPIRED": "It took too long; start again.",
    /// The code was tried too often.
    TooManyTries = "TOO_MANY_TRIES": "The code was tried too often; start again.",
    /// The email address has to be confirmed with the mailed code first.
    EmailNotConfirmed = "EMAIL_NOT_CONFIRMED": "Enter the mailed code first.",
    /// It was used before and can be used once.
    AlreadyUsed = "ALREADY_USED": "This was used already.",
    /// The link is not valid: mistyped, expired, used or replaced by a newer one.
    LinkInvalid = "LINK_INVALID": "The link is no longer valid; ask for a new one.",
    /// The password has fewer than 15 characters.
    PasswordTooShort = "PASSWORD_TOO_SHORT": "Use at least 15 characters; a sentence is fine.",
    /// The password has more than 128 characters.
    PasswordTooLong = "PASSWORD_TOO_LONG": "Use at most 128 characters.",
    /// The password is widely used, repetitive or made of the email address.
    PasswordTooCommon = "PASSWORD_TOO_COMMON": "This password is easy to guess; choose another.",
    /// Email address and password do not belong together, or there is no such account.
    WrongCredentials = "WRONG_CREDENTIALS": "Email address or password is wrong.",
    /// Too many attempts; try again later.
    RateLimited = "RATE_LIMITED": "Too many attempts; wait a little and try again.",
    /// The request came without a valid session.
    NotSignedIn = "NOT_SIGNED_IN": "Sign in first.",
    /// The roles of the person do not allow it.
    Forbidden = "FORBIDDEN": "Your roles do not allow this; ask a system admin.",
    /// There is no such thing in the organization.
    NotFound = "NOT_FOUND": "It does not exist or was removed.",
    /// Another role has this name or one that looks the same.
    RoleNameTaken = "ROLE_NAME_TAKEN": "Another role has this name; choose another.",
    /// The system admin role can be neither edited nor deleted.
    RoleBuiltIn = "ROLE_BUILT_IN": "The system admin role cannot be changed.",
    /// At least one active system admin always remains.
    LastSystemAdmin = "LAST_SYSTEM_ADMIN": "Make somebody else system admin first.",
    /// The account has to be activated first.
    AccountNotActivated = "ACCOUNT_NOT_ACTIVATED": "The person has to activate the account first.",
    /// The account is activated already.
    AlreadyActivated = "ALREADY_ACTIVATED": "The account is activated already; sign in.",
    /// The account is deactivated.
    AccountDeactivated = "ACCOUNT_DEACTIVATED": "Reactivate the account first.",
    /// The person signs in without a password.
    NoPassword = "NO_PASSWORD": "The person signs in at the identity provider and has no password here.",
    /// The organization has everybody sign in at its identity provider.
    SingleSignOnRequired = "SINGLE_SIGN_ON_REQUIRED": "Your organization signs in at its identity provider; use single sign-on.",
    /// Single sign-on needs a provider that was tested and activated.
    NoActiveProvider = "NO_ACTIVE_PROVIDER": "Test and activate a provider first.",
    /// The configuration has not passed its test, or was changed since.
    NotTested = "NOT_TESTED": "Test the provider as it is configured now, then activate it.",
    /// Another active provider serves the same domain.
    ProviderConflict = "PROVIDER_CONFLICT": "Another active provider serves one of these domains; deactivate it or name other domains.",
    /// Another provider has this name or one that looks the same.
    ProviderNameTaken = "PROVIDER_NAME_TAKEN": "Another provider has this name; choose another.",
    /// Single sign-on is for domains that the organization has verified.
    DomainNotVerified = "DOMAIN_NOT_VERIFIED": "Verify the domain first.",
    /// The text is not a URL that can be used here.
    InvalidUrl = "INVALID_URL": "Enter the whole address, beginning with https://.",
    /// The text is not a certificate, or one whose key is too short.
    InvalidCertificate = "INVALID_CERTIFICATE": "Paste the provider's X.509 certificate in PEM, with an RSA key of at least 2048 bits or an ECDSA key.",
    /// The file is not the metadata of one SAML identity provider.
    InvalidMetadata = "INVALID_METADATA": "Upload the metadata file of the identity provider, an XML file.",
    /// The named way back in is not an active system admin with a password.
    NoWayBackIn = "NO_WAY_BACK_IN": "Name an active system admin who has a password here.",
    /// The identity provider could not be reached, or does not answer as it should.
    ProviderUnreachable = "PROVIDER_UNREACHABLE": "The identity provider does not answer as it should; see that its address is right and try again.",
    /// The password has to be replaced before it can be used.
    PasswordResetRequired = "PASSWORD_RESET_REQUIRED": "Choose a new password with the link that was mailed to you.",
    /// People cannot do this to their own account.
    NotYourself = "NOT_YOURSELF": "Ask another admin to do this to your account.",
    /// The person has rights that whoever acts does not have.
    MorePowerful = "MORE_POWERFUL": "The person has more rights than you; ask a system admin.",
    /// What it is about has moved on, so that this can no longer be done.
    WrongState = "WRONG_STATE": "It has moved on; load it again.",
    /// The file is no table of people, or damaged.
    NotASpreadsheet = "NOT_A_SPREADSHEET": "Upload a CSV or XLSX file; download the template to see how it looks.",
    /// The file has more bytes than are taken.
    FileTooLarge = "FILE_TOO_LARGE": "The file is too large; split it.",
    /// The file has no rows.
    FileEmpty = "FILE_EMPTY": "The file has no rows; fill in the template and upload it again.",
    /// The file has more rows than are taken.
    TooManyRows = "TOO_MANY_ROWS": "A file may have 100,000 rows; split it.",
    /// The file lacks a column that is needed, or has it twice.
    WrongColumns = "WRONG_COLUMNS": "Give the columns the names that the template has.",
    /// The same email address stands in an earlier row of the file.
    DuplicateRow = "DUPLICATE_ROW": "The email address stands in an earlier row; remove one of them.",
    /// A cell has a formula, which is not calculated here.
    FormulaIgnored = "FORMULA_IGNORED": "Replace the formula by its value.",
    /// The file is no image that can be shown: not a PNG, JPEG or WebP, or damaged.
    NotAnImage = "NOT_AN_IMAGE": "Upload a PNG, JPEG or WebP image.",
    /// The image has too few pixels.
    ImageTooSmall = "IMAGE_TOO_SMALL": "Upload an image of at least 495 × 234 pixels.",
    /// The image has too many bytes or pixels.
    ImageTooLarge = "IMAGE_TOO_LARGE": "Upload an image of at most 10 MiB and 40 million pixels.",
    /// The unit was logged out with its account.
    UnitLoggedOut = "UNIT_LOGGED_OUT": "The Portal was logged out; set it up again.",
    /// The code on the unit's screen was not recognised.
    UserCodeUnknown = "USER_CODE_UNKNOWN": "Enter the code that the Portal shows now.",
    /// Nobody has connected the unit yet.
    PairingPending = "PAIRING_PENDING": "Enter the code on the device page first.",
    /// The unit is set up already.
    UnitInUse = "UNIT_IN_USE": "Reset the Portal to factory settings first.",
    /// The unit has more commands waiting than it may have.
    TooManyCommands = "TOO_MANY_COMMANDS": "Wait until the Portal has dealt with earlier commands, or cancel some.",
    /// The unit has no such command, or not this attempt of it.
    CommandUnknown = "COMMAND_UNKNOWN": "Report only commands that were received on the stream.",
    /// A reboot is proven by a new boot id in the status, not by a report.
    NotProven = "NOT_PROVEN": "Report the status with the new boot id after the restart.",
    /// The cursor is not one that the API gave.
    InvalidCursor = "INVALID_CURSOR": "Pass a cursor exactly as the API gave it, with the same sort order.",
    /// The page size is outside of 1 to 200.
    InvalidPageSize = "INVALID_PAGE_SIZE": "Ask for 1 to 200 entries.",
    /// Others changed the same thing at the same moment, again and again.
    Busy = "BUSY": "Others are changing the same thing right now; try again.",
    /// A part of the platform is not available; nothing was done, or it is safe to repeat.
    Unavailable = "UNAVAILABLE": "Try again in a moment; repeating is safe.",
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct Rejection {
    /// What frontends match on.
    pub code: Code,
    /// Path of the input field that is to be mended, such as `email` or `people.3.email`.
    pub field: Option<Cow<'static, str>>,
    /// What to do, in English.
    pub message: Cow<'static, str>,
}

impl From<Code> for Rejection {
    fn from(code: Code) -> Self {
        Self { code, field: None, message: code.message().into() }
    }
}

impl Rejection {
    /// With a more precise message. It must not hold what a person typed.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, field: None, message: message.into() }
    }
    /// Points at an input field.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl Code {
    /// A refusal that points at an input field.
    pub fn at(self, field: impl Into<Cow<'static, str>>) -> Rejection {
        Rejection::from(self).at(field)
    }
}
