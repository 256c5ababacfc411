//! Why a command did not happen.

use domain::{Code, Rejection};
use eventlog::{AppendError, ReadError, VaultError};
use identity::{PasswordError, PasswordProblem};

/// A refusal, or a part of the platform that is out of order.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// Something that the command needs is out of order. Nothing was done, or repeating it is safe.
    #[error("{0}")]
    OutOfOrder(String),
}

impl Failure {
    /// What to tell whoever asked. Internals stay here.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Rejected(rejection) => rejection,
            Self::OutOfOrder(_) => Code::Unavailable.into(),
        }
    }
    /// The code of the refusal; none if something is out of order.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Rejected(rejection) => Some(rejection.code),
            Self::OutOfOrder(_) => None,
        }
    }
    /// Points a refusal at an input field.
    #[must_use]
    pub fn at(self, field: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        match self {
            Self::Rejected(rejection) => Self::Rejected(rejection.at(field)),
            other @ Self::OutOfOrder(_) => other,
        }
    }
}

impl From<Code> for Failure {
    fn from(code: Code) -> Self {
        Self::Rejected(code.into())
    }
}

macro_rules! out_of_order {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::OutOfOrder(error.to_string())
            }
        }
    )*};
}

out_of_order!(
    AppendError,
    ReadError,
    VaultError,
    schema::DecodeError,
    schema::events::EncodeError,
    schema::personal::SealError,
    schema::OpenError,
    files::FilesError
);

impl From<PasswordError> for Failure {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => Code::Busy.into(),
            other => Self::OutOfOrder(other.to_string()),
        }
    }
}

/// Why a password cannot be chosen, in the terms of the API.
pub fn password_problem(problem: PasswordProblem) -> Rejection {
    let code = match problem {
        PasswordProblem::TooShort => Code::PasswordTooShort,
        PasswordProblem::TooLong => Code::PasswordTooLong,
        PasswordProblem::Predictable | PasswordProblem::Personal | PasswordProblem::Common => Code::PasswordTooCommon,
    };
    Rejection::new(code, format!("Choose another password: {problem}.")).at("password")
}
