//! The texts of each language, parsed once.

use std::sync::LazyLock;

use chrono::{DateTime, Datelike, Utc};
use fluent_bundle::{FluentArgs, FluentResource, bundle::FluentBundle};
use intl_memoizer::concurrent::IntlLangMemoizer;

use crate::{Arguments, Language};

type Bundle = FluentBundle<FluentResource, IntlLangMemoizer>;

/// By language, in the order of [`Language::ALL`].
static BUNDLES: LazyLock<[Bundle; 5]> = LazyLock::new(|| Language::ALL.map(bundle));

macro_rules! files {
    ($tag:literal) => {
        [
            include_str!(concat!("../locales/", $tag, "/mails.ftl")),
            include_str!(concat!("../locales/", $tag, "/pages.ftl")),
        ]
    };
}

pub(crate) const fn files(language: Language) -> [&'static str; 2] {
    match language {
        Language::English => files!("en"),
        Language::German => files!("de"),
        Language::French => files!("fr"),
        Language::Spanish => files!("es"),
        Language::Japanese => files!("ja"),
    }
}

fn bundle(language: Language) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.identifier()]);
    // All languages run from left to right, so what is filled in needs no marks that keep its direction apart.
    bundle.set_use_isolating(false);
    for file in files(language) {
        // What cannot be read is left out and given in English; the tests see that there is nothing such.
        let resource = FluentResource::try_new(file.to_owned()).unwrap_or_else(|(readable, _)| readable);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn format(language: Language, id: &str, arguments: &Arguments<'_>) -> Option<String> {
    let place = Language::ALL.into_iter().position(|known| known == language)?;
    let bundle = BUNDLES.get(place)?;
    let pattern = bundle.get_message(id)?.value()?;
    let arguments: FluentArgs<'_> = arguments.iter().cloned().collect();
    let mut errors = Vec::new();
    let text = bundle.format_pattern(pattern, Some(&arguments), &mut errors).into_owned();
    errors.is_empty().then_some(text)
}

/// The text named `id` with what is filled in; none if there is none of this name, or something to fill in is missing.
pub fn find(language: Language, id: &str, arguments: &Arguments<'_>) -> Option<String> {
    format(language, id, arguments).or_else(|| format(Language::English, id, arguments))
}

/// Like [`find`], for a name that is known to be there; if it is not, the name itself.
pub fn text(language: Language, id: &str, arguments: &Arguments<'_>) -> String {
    find(language, id, arguments).unwrap_or_else(|| id.to_owned())
}

/// A moment to the minute, such as `5 March 2026, 09:07 UTC`.
pub fn moment(language: Language, at: DateTime<Utc>) -> String {
    let arguments = [
        ("day", at.day().into()),
        ("month", at.month().into()),
        // As text: a year is written without a mark for thousands.
        ("year", at.year().to_string().into()),
        ("time", at.format("%H:%M").to_string().into()),
    ];
    text(language, "moment", &arguments)
}

#[cfg(test)]
mod tests;
