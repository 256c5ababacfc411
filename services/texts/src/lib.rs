//! What mails and pages say, in the languages of [`Language`].
//!
//! The texts stand in `locales/<language>/`, in the format of [Project Fluent](https://projectfluent.org); translators
//! need nothing else. They are plain text: whoever writes HTML escapes them. A text that a language lacks is given in
//! English, and the tests see to it that none lacks any.

mod bundles;
mod language;

pub use fluent_bundle::FluentValue as Value;

pub use crate::{
    bundles::{find, moment, text},
    language::Language,
};

/// What is filled into a text, by the name that the text has for it.
pub type Arguments<'a> = [(&'static str, Value<'a>)];
