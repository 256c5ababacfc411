use proptest::prelude::*;
use schema::Profile;

use super::anna;
use crate::{
    Code,
    text::{self, NAME_CHARACTERS, connected_accounts, line, locale, look, optional_line, profile},
};

fn name(text: &str) -> Result<String, Code> {
    line(text, NAME_CHARACTERS).map_err(|rejection| rejection.code)
}

#[test]
fn names_from_everywhere() {
    for text in [
        "Anna",
        "Zoë",
        "Ø",
        "O’Connor-Smith, Jr.",
        "María José",
        "Nguyễn Thị Minh Khai",
        "Владимир",
        "Ἀλέξανδρος",
        "محمد",
        "می\u{200C}خواهم", // Persian with a non-joiner
        "מֹשֶׁה",             // Hebrew with points
        "क्\u{200D}ष",      // Devanagari with a joiner
        "ന്\u{200D}",       // Malayalam chillu in its old spelling ends with a joiner
        "မြွှေး",            // Burmese
        "ශ්\u{200D}රී",      // Sinhala
        "สมชาย",
        "བསྒྲུབས", // Tibetan
        "山田 太郎",
        "渡邉󠄂", // Japanese with a variation selector
        "김민준",
        "👩\u{200D}🚀 Space desk",
        "❤️\u{200D}🔥",
        "=cmd()",
    ] {
        assert_eq!(name(text).as_deref(), Ok(text), "{text:?}");
    }
}

#[test]
fn what_a_name_becomes() {
    assert_eq!(name("  Zoe\u{308}\u{3000}").as_deref(), Ok("Zo\u{eb}"));
    assert_eq!(name("\u{212B}ngstr\u{f6}m").as_deref(), Ok("\u{c5}ngstr\u{f6}m"));
    assert_eq!(name(&"x".repeat(100)).as_deref(), Ok("x".repeat(100).as_str()));
}

#[test]
fn what_cannot_be_seen_is_refused() {
    for text in ["", " ", "\u{3000}\u{a0}", "\t\n"] {
        assert_eq!(name(text), Err(Code::Required), "{text:?}");
    }
    for text in [
        "An\tna",
        "An\nna",
        "An\0na",
        "An\u{7f}na",
        "An\u{85}na",
        "An\u{2028}na",
        "An\u{202E}na",
        "An\u{2066}na",
        "\u{200F}Anna",
        "\u{61C}Anna", // direction
        "An\u{200B}na",
        "\u{FEFF}Anna",
        "An\u{2060}na",
        "An\u{AD}na",
        "An\u{34F}na", // zero width
        "An\u{200D}na",
        "Anna\u{200C}",
        "\u{200D}",
        "\u{200D}Anna",
        "क\u{200D}\u{200D}ष", // joiners that join nothing
        "\u{3164}",
        "\u{115F}",
        "\u{FFA0}",
        "\u{2800}",
        "\u{17B4}", // blank letters
        "\u{FE0F}",
        "\u{301}",
        "\u{301} \u{301}", // marks on nothing
        "An\u{E0041}na",
        "\u{E000}",
        "\u{10FFFF}",
        "An\u{FFFE}na",
        "An\u{1FFFF}na",
        "An\u{FDD0}na", // tags, private, none
        "An\u{FFFC}na",
        "\u{1D173}x",
    ] {
        assert_eq!(name(text), Err(Code::InvalidCharacters), "{text:?}");
    }
}

#[test]
fn piled_up_marks_are_refused() {
    let pile = |marks: usize| format!("Z{}", "\u{0329}\u{0317}".repeat(marks / 2));
    assert!(name(&pile(8)).is_ok());
    assert_eq!(name(&pile(10)), Err(Code::InvalidCharacters));
    // Nor with joiners in between.
    assert_eq!(name(&format!("क{}", "\u{0329}\u{200D}".repeat(10))), Err(Code::InvalidCharacters));
}

#[test]
fn too_long() {
    for text in
        ["x".repeat(101), "é".repeat(101), "\u{10348}".repeat(101), "x".repeat(10_000_000), "e\u{301}".repeat(101)]
    {
        assert_eq!(name(&text), Err(Code::TooLong));
    }
    assert!(name(&"e\u{301}".repeat(100)).is_ok());
    // Each of these becomes three characters when it is normalised.
    assert_eq!(name(&"\u{FB2C}".repeat(40)), Err(Code::TooLong));
}

#[test]
fn empty_optional_fields_are_not_given() {
    assert_eq!(optional_line(None, 10), Ok(None));
    assert_eq!(optional_line(Some(" \u{3000}"), 10), Ok(None));
    assert_eq!(optional_line(Some(" a "), 10), Ok(Some("a".to_owned())));
    assert!(optional_line(Some("\u{200B}"), 10).is_err());
}

#[test]
fn a_profile_names_the_field_that_has_to_be_mended() {
    let bad = || Some("\0".to_owned());
    let field = |raw: Profile| profile(&raw).unwrap_err().field.unwrap();
    assert_eq!(field(Profile { given_name: String::new(), ..anna() }), "givenName");
    assert_eq!(field(Profile { family_name: " ".to_owned(), ..anna() }), "familyName");
    assert_eq!(field(Profile { job_title: bad(), ..anna() }), "jobTitle");
    assert_eq!(field(Profile { department: bad(), ..anna() }), "department");
    assert_eq!(field(Profile { division: bad(), ..anna() }), "division");
    assert_eq!(field(Profile { location: bad(), ..anna() }), "location");
    assert_eq!(field(Profile { phone: bad(), ..anna() }), "phone");
    assert_eq!(field(Profile { manager_email: bad(), ..anna() }), "managerEmail");
    let raw = Profile { manager_email: Some(" BOSS@Example.com ".to_owned()), phone: Some(" ".to_owned()), ..anna() };
    assert_eq!(profile(&raw), Ok(Profile { manager_email: Some("boss@example.com".to_owned()), ..anna() }));
}

#[test]
fn language_tags_in_their_canonical_case() {
    for (text, tag) in [
        ("en", "en"),
        ("EN", "en"),
        ("de-de", "de-DE"),
        ("zh-hant", "zh-Hant"),
        ("ZH-HANT-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("sr-latn-rs", "sr-Latn-RS"),
        (" fil ", "fil"),
    ] {
        assert_eq!(locale(text).as_deref(), Ok(tag), "{text}");
    }
    for text in
        ["", "e", "engl", "en_US", "en-", "-en", "en-USA", "en-US-x-private", "en-US-Latn", "ен", "en-ß2", "en-12"]
    {
        assert_eq!(locale(text).map_err(|e| e.code), Err(Code::InvalidValue), "{text}");
    }
}

#[test]
fn accounts_that_a_unit_reports() {
    let codes = |services: &[&str]| connected_accounts(services.iter().copied()).map_err(|e| e.code);
    assert_eq!(codes(&["whatsapp", "whatsapp"]).unwrap().len(), 1);
    for bad in ["", "WhatsApp", "a b", "é", &"x".repeat(41)] {
        assert_eq!(codes(&[bad]), Err(Code::InvalidValue));
    }
    assert!(codes(&["a"; 20]).is_ok());
    assert_eq!(codes(&["a"; 21]), Err(Code::TooMany));
}

proptest! {
    #[test]
    fn any_text_is_normalised_once_or_refused(text in any::<String>(), max in 1usize..60) {
        if let Ok(once) = line(&text, max) {
            prop_assert_eq!(line(&once, max), Ok(once.clone()));
            prop_assert!(once.chars().count() <= max);
            prop_assert!(!once.chars().any(char::is_control));
        }
        let _ = (optional_line(Some(&text), max).is_ok(), locale(&text).is_ok(), look(&text));
    }

    #[test]
    fn odd_characters_in_any_order(text in "[a é\u{301}\u{338}\u{200C}\u{200D}\u{FE0F}\u{2000}\u{1161}\u{1100}\u{11A8}\u{1E9B}\u{323}क्\u{3099}か]{0,40}") {
        if let Ok(once) = line(&text, 100) {
            prop_assert_eq!(line(&once, 100), Ok(once));
        }
    }

    #[test]
    fn tags_stay_as_they_are(text in "[a-zA-Z0-9-]{2,12}") {
        if let Ok(tag) = locale(&text) {
            prop_assert!(tag.eq_ignore_ascii_case(&text));
            prop_assert_eq!(locale(&tag), Ok(tag));
        }
    }

    #[test]
    fn case_does_not_change_the_look(text in "[a-zA-Z0-9 äöüßé]{0,30}") {
        prop_assume!(!text.contains('ß'));
        prop_assert_eq!(look(&text), look(&text.to_uppercase()));
        prop_assert_eq!(look(&text), look(&text.to_lowercase()));
        prop_assert_eq!(look(&text), look(&format!(" {text}  ")));
    }

    #[test]
    fn any_profile_is_normalised_once_or_refused(given_name: String, phone: Option<String>, manager_email: Option<String>) {
        let raw = Profile { given_name, phone, manager_email, ..anna() };
        if let Ok(once) = text::profile(&raw) {
            prop_assert_eq!(text::profile(&once), Ok(once));
        }
    }
}
