//! Search by any part of a name or an address.

use crate::{setup::Setup, support::profile};

#[tokio::test]
async fn search_finds_any_part_in_any_script() {
    let setup = Setup::new().await;
    let people = [
        ("jose@example.com", "José", "Álvarez"),
        ("isik@example.com", "Işık", "Çelik"),
        ("ipek@example.com", "İpek", "Öz"),
        ("strasse@example.com", "Jörg", "Straße"),
        ("dmitri@example.com", "Дмитрий", "Ёлкин"),
        ("tanaka@example.com", "太郎", "田中"),
        ("kim@example.com", "민수", "김"),
        ("alex@example.com", "Αλέξανδρος", "Νικολαΐδης"),
        ("emoji@example.com", "👩‍💻 Ada", "🦊"),
        ("o'brien+x@mail.example.org", "Siobhán", "O'Brien"),
        ("rtl@example.com", "مُحمّد", "حداد"),
        ("somchai@example.com", "สมชาย", "ใจดี"),
        ("sunita@example.com", "सुनीता", "शर्मा"),
        ("hiroshi@example.com", "ひろし", "ヤマモト"),
        ("wang@example.com", "小明", "王"),
        ("noa@example.com", "נֹעָה", "כהן"),
        ("soren@example.com", "Ｓøren", "Łuczak"),
    ];
    for (address, given, family) in people {
        setup.person(address, profile(given, family)).await;
    }
    for (search, expected) in [
        ("jose", vec!["jose@example.com"]),
        ("JOSÉ", vec!["jose@example.com"]),
        ("Jose\u{301}", vec!["jose@example.com"]),
        ("varez jo", vec!["jose@example.com"]),
        ("işık", vec!["isik@example.com"]),
        ("ISIK", vec!["isik@example.com"]),
        ("ışı", vec!["isik@example.com"]),
        ("IPEK", vec!["ipek@example.com"]),
        ("ipe", vec!["ipek@example.com"]),
        ("STRASSE", vec!["strasse@example.com"]),
        ("aß", vec!["strasse@example.com"]),
        ("дмит", vec!["dmitri@example.com"]),
        ("ЕЛК", vec!["dmitri@example.com"]),
        ("й", vec!["dmitri@example.com"]),
        ("田", vec!["tanaka@example.com"]),
        ("太郎 田中", vec!["tanaka@example.com"]),
        ("김", vec!["kim@example.com"]),
        ("αλεξ", vec!["alex@example.com"]),
        ("🦊", vec!["emoji@example.com"]),
        ("👩‍💻 ada", vec!["emoji@example.com"]),
        ("o'b", vec!["o'brien+x@mail.example.org"]),
        ("+x@mail", vec!["o'brien+x@mail.example.org"]),
        ("حد", vec!["rtl@example.com"]),
        ("محمد", vec!["rtl@example.com"]),
        ("محـمد", vec!["rtl@example.com"]),
        ("สมช", vec!["somchai@example.com"]),
        ("จ", vec!["somchai@example.com"]),
        ("सुनी शर्", vec!["sunita@example.com"]),
        ("ひろ", vec!["hiroshi@example.com"]),
        ("ﾔﾏﾓ", vec!["hiroshi@example.com"]),
        ("王", vec!["wang@example.com"]),
        ("明", vec!["wang@example.com"]),
        ("נעה", vec!["noa@example.com"]),
        ("SØREN", vec!["soren@example.com"]),
        ("ｗａｎｇ＠", vec!["wang@example.com"]),
        ("łucz", vec!["soren@example.com"]),
        ("q", vec![]),
        ("jose 田", vec![]),
        ("\"", vec![]),
        ("%", vec![]),
        ("example.com* OR", vec![]),
    ] {
        assert_eq!(setup.find(search).await, expected, "{search}");
    }
    assert_eq!(setup.find("   ").await.len(), people.len());
    assert_eq!(setup.find("@example.com").await.len(), people.len() - 1);
}
