//! Payloads of mutations: what changed, where it stands in the history, and why nothing changed.

use async_graphql::Context;
use domain::{Code, Rejection};

use crate::{
    app::ContextExt,
    errors::{Stop, UserError},
};

/// What a mutation answers.
pub(crate) trait Payload {
    /// Nothing was changed, because of these.
    fn refused(errors: Vec<UserError>) -> Self;
}

/// Declares a payload: the given fields, `position` and `userErrors`.
macro_rules! payload {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Default, async_graphql::SimpleObject)]
        pub(crate) struct $name {
            $($(#[$field_doc])* pub(crate) $field: Option<$type>,)*
            /// Where the change stands in the history; null if nothing was changed.
            pub(crate) position: Option<$crate::scalars::Position>,
            /// Why nothing was changed; empty if all went well.
            pub(crate) user_errors: Vec<$crate::errors::UserError>,
        }

        impl $crate::payload::Payload for $name {
            fn refused(user_errors: Vec<$crate::errors::UserError>) -> Self {
                Self { user_errors, ..Self::default() }
            }
        }
    };
}
pub(crate) use payload;

/// Turns what came of a mutation into its payload: refusals become user errors, faults a GraphQL error.
pub(crate) async fn answer<P: Payload>(
    context: &Context<'_>,
    work: impl Future<Output = Result<P, Stop>>,
) -> async_graphql::Result<P> {
    match work.await {
        Ok(payload) => Ok(payload),
        Err(Stop::Rejected(rejections)) => {
            let metrics = &context.app()?.metrics;
            rejections.iter().for_each(|rejection| metrics.refused(rejection.code));
            Ok(P::refused(rejections.into_iter().map(UserError::from).collect()))
        }
        Err(stop) => Err(context.report(stop)),
    }
}

/// Points a refusal for want of the thing at the field that names it, whether it does not exist or is another
/// organization's: the two must not be told apart.
pub(crate) fn about(field: &'static str) -> impl Fn(commands::Failure) -> Stop {
    move |failure| match failure {
        commands::Failure::Rejected(rejection) if rejection.code == Code::NotFound => {
            Rejection::from(Code::NotFound).at(field).into()
        }
        other => other.into(),
    }
}
