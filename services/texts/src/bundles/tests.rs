use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeZone;
use fluent_syntax::{
    ast::{Entry, Expression, InlineExpression, PatternElement},
    parser,
};

use super::*;

type Message = (String, BTreeSet<String>);

fn names(expression: &InlineExpression<&str>, found: &mut BTreeSet<String>) {
    match expression {
        InlineExpression::VariableReference { id } => {
            found.insert(id.name.to_owned());
        }
        InlineExpression::StringLiteral { .. } | InlineExpression::NumberLiteral { .. } => {}
        other => panic!("say how to look for arguments in {other:?}"),
    }
}

fn elements(elements: &[PatternElement<&str>], found: &mut BTreeSet<String>) {
    for element in elements {
        match element {
            PatternElement::TextElement { .. } => {}
            PatternElement::Placeable { expression: Expression::Inline(inline) } => names(inline, found),
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                names(selector, found);
                variants.iter().for_each(|variant| self::elements(&variant.value.elements, found));
            }
        }
    }
}

/// The messages of a file with the names of what is filled in.
fn messages(file: &str) -> Vec<Message> {
    let resource = parser::parse(file).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
    let message = |entry: &Entry<&str>| match entry {
        Entry::Message(message) => {
            let mut found = BTreeSet::new();
            elements(&message.value.as_ref().expect(message.id.name).elements, &mut found);
            Some((message.id.name.to_owned(), found))
        }
        Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => None,
        other => panic!("say how to compare {other:?}"),
    };
    resource.body.iter().filter_map(message).collect()
}

fn all_messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    let listed: Vec<_> = files(language).into_iter().flat_map(messages).collect();
    let by_name: BTreeMap<_, _> = listed.iter().cloned().collect();
    assert_eq!(by_name.len(), listed.len(), "a name stands twice in {language:?}");
    by_name
}

#[test]
fn every_language_has_every_text_with_the_same_arguments() {
    let english = all_messages(Language::English);
    assert!(english.len() > 60 && english["moment"].len() == 4, "the texts were not found");
    for language in Language::ALL {
        for (id, arguments) in all_messages(language) {
            assert_eq!(Some(&arguments), english.get(&id), "{id} in {language:?}");
        }
        for (id, names) in &english {
            let value = |name: &String| -> (&'static str, _) { (name.clone().leak(), "Zoë & <Co>".into()) };
            let arguments: Vec<_> = names.iter().map(value).collect();
            let text = format(language, id, &arguments).unwrap_or_else(|| panic!("{id} in {language:?}"));
            assert!(!text.trim().is_empty() && !text.contains(['{', '}', '\u{2068}', '\u{2069}']), "{text}");
            let filled_in = names.iter().any(|name| name != "month");
            assert_eq!(text.contains("Zoë & <Co>"), filled_in, "{text}");
            // Nothing to fill in may be forgotten.
            if let Some((_, fewer)) = arguments.split_first() {
                assert_eq!(format(language, id, fewer), None, "{id} in {language:?} without an argument");
            }
        }
    }
}

#[test]
fn languages_differ() {
    for id in all_messages(Language::English).keys() {
        let arguments =
            ["code", "until", "organization", "at", "domain", "subject", "name", "email", "id", "day", "provider"]
                .map(|name| (name, "x".into()));
        let texts: BTreeSet<_> = Language::ALL.map(|language| format(language, id, &arguments)).into();
        // Two may happen to be the same, such as `Code` in English and German.
        assert!(texts.len() >= 3 || id == "moment", "{id} is not translated: {texts:?}");
    }
}

#[test]
fn what_is_missing_is_told_by_its_name() {
    assert_eq!(find(Language::German, "nothing", &[]), None);
    assert_eq!(text(Language::German, "nothing", &[]), "nothing");
}

#[test]
fn moments_are_written_as_people_do() {
    let at = |month| Utc.with_ymd_and_hms(2026, month, 5, 9, 7, 59).unwrap();
    for (language, march) in [
        (Language::English, "5 March 2026, 09:07 UTC"),
        (Language::German, "5. März 2026, 09:07 Uhr UTC"),
        (Language::French, "5 mars 2026 à 09:07 UTC"),
        (Language::Spanish, "5 de marzo de 2026, 09:07 UTC"),
        (Language::Japanese, "2026年3月5日 09:07（UTC）"),
    ] {
        assert_eq!(moment(language, at(3)), march);
        let months: BTreeSet<_> = (1..=12).map(|month| moment(language, at(month))).collect();
        assert_eq!(months.len(), 12);
    }
}
