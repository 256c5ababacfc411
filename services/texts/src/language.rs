//! The languages that there are texts in.

use unic_langid::LanguageIdentifier;

/// A language of mails and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English, also for whoever reads none of the others.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
    /// Japanese.
    Japanese,
}

impl Language {
    /// Every language there is.
    pub const ALL: [Self; 5] = [Self::English, Self::German, Self::French, Self::Spanish, Self::Japanese];

    /// Its tag (BCP 47), as the `lang` attribute of HTML takes it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
            Self::Japanese => "ja",
        }
    }

    /// Whose rules for plurals and numbers hold.
    pub(crate) fn identifier(self) -> LanguageIdentifier {
        self.tag().parse().unwrap_or_default()
    }

    /// The one that a tag such as `de-AT` asks for (RFC 4647 3.4: what stands further right is left out until it fits).
    pub fn find(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// The one of a person whose language has this tag; English if there are no texts in it.
    pub fn of(tag: &str) -> Self {
        Self::find(tag).unwrap_or_default()
    }

    /// The one that an `Accept-Language` header prefers (RFC 9110 12.5.4) among those that there are.
    pub fn accepted(header: &str) -> Self {
        let mut best = (Self::default(), 0.0);
        for range in header.split(',') {
            let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
            let quality = match parameters.split_once('=') {
                Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => value.trim().parse().unwrap_or(0.0),
                _ => 1.0_f32,
            };
            let language = if tag.trim() == "*" { Some(Self::default()) } else { Self::find(tag) };
            // Of equals the first.
            if let Some(language) = language.filter(|_| quality > best.1) {
                best = (language, quality);
            }
        }
        best.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tag_finds_its_language() {
        for (tag, language) in [
            ("de", Language::German),
            ("de-AT", Language::German),
            ("DE-Latn-ch", Language::German),
            ("fr_CA", Language::French),
            ("es-419", Language::Spanish),
            (" ja ", Language::Japanese),
            ("en-GB", Language::English),
            ("pt-BR", Language::English),
            // Other languages, whose tags only begin alike or resemble it.
            ("den", Language::English),
            ("gsw", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
        Language::ALL.into_iter().for_each(|language| assert_eq!(Language::find(language.tag()), Some(language)));
    }

    #[test]
    fn a_browser_says_what_it_prefers() {
        for (header, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("pt-BR,pt;q=0.9,es;q=0.8,en;q=0.7", Language::Spanish),
            ("en;q=0.3, fr;q=0.4", Language::French),
            ("fr;Q=0.4, ja ; q = 0.5", Language::Japanese),
            ("ja, de", Language::Japanese),
            ("de;q=0", Language::English),
            ("de;q=0, *", Language::English),
            ("*;q=0.5, fr;q=0.4", Language::English),
            ("zh-Hant", Language::English),
            ("de;q=nonsense", Language::English),
            ("", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_taken(header in ".{0,60}|[a-z;=,.0-9 *-]{0,60}") {
            Language::accepted(&header);
            Language::of(&header);
        }
    }
}
