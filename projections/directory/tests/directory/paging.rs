//! Pages while people come and go.

use std::collections::HashSet;

use directory::{PeopleFilter, PeopleQuery, PeopleSort, SortField};
use engine::{ViewError, paging::Paging};
use schema::events::account::AccountAbandoned;

use crate::{setup::Setup, support::profile};

#[tokio::test]
async fn pages_neither_skip_nor_repeat_while_people_come_and_go() {
    let setup = Setup::new().await;
    let mut there = Vec::new();
    for n in 0..60 {
        there.push((setup.person(&format!("m{n:02}@example.com"), profile("Same", "Name")).await, n));
    }
    let (mut seen, mut after, mut round) = (Vec::new(), None, 0);
    loop {
        let paging = Paging::Forward { first: 7, after: after.take() };
        let query = PeopleQuery { filter: PeopleFilter::default(), search: None, sort: PeopleSort::default(), paging };
        let page = setup.directory.people(setup.organization, query).await.unwrap();
        seen.extend(page.edges.iter().map(|edge| edge.node.id));
        after = page.edges.last().map(|edge| edge.cursor.clone());
        if !page.has_next {
            break;
        }
        // Before and behind the cursor; and the very row of the cursor goes.
        setup.person(&format!("a{round}@example.com"), profile("Aaa", "First")).await;
        setup.person(&format!("z{round}@example.com"), profile("Zzz", "Last")).await;
        setup.account(*seen.last().unwrap(), AccountAbandoned {}).await;
        round += 1;
    }
    let once: HashSet<_> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "nobody twice");
    assert!(there.iter().all(|(account, _)| once.contains(account)), "nobody left out who was there all the time");
}

#[tokio::test]
async fn nonsense_for_a_cursor_or_a_size_is_refused() {
    let setup = Setup::new().await;
    setup.person("anna@example.com", profile("Anna", "A")).await;
    setup.person("ben@example.com", profile("Ben", "B")).await;
    let query = |paging, field| PeopleQuery {
        filter: PeopleFilter::default(),
        search: None,
        sort: PeopleSort { field, descending: false },
        paging,
    };
    let people = async |paging, field| setup.directory.people(setup.organization, query(paging, field)).await;
    let page = people(Paging::Forward { first: 1, after: None }, SortField::Name).await.unwrap();
    let cursor = page.edges[0].cursor.clone();
    for (after, field) in [("nonsense".to_owned(), SortField::Name), (cursor, SortField::Email)] {
        let refused = people(Paging::Forward { first: 1, after: Some(after) }, field).await;
        assert!(matches!(refused, Err(ViewError::Cursor(_))));
    }
    for size in [0, 201] {
        let refused = people(Paging::Backward { last: size, before: None }, SortField::Name).await;
        assert!(matches!(refused, Err(ViewError::PageSize)));
    }
}
