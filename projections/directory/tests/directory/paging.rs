//! Pages while people come and go.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use directory::{PeopleFilter, PeopleQuery, PeopleSort, PersonStatus, SortField};
use engine::{ViewError, paging::Paging};
use futures::{StreamExt, stream};
use schema::events::account::{AccountAbandoned, AccountProfileChanged};

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

/// Somebody turns pages in every order while people are added, renamed and moved at full speed, among so many that a chunk
/// of the index is sealed in between. Whoever does not change is seen once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_still_for_who_does_not_change_while_others_write() {
    let setup = Setup::new().await;
    let setup = &setup;
    let add = async |n: u32| {
        let person = profile(["Ann", "Mia", "Zoe"][n as usize % 3], &format!("F{:02}", n % 50));
        setup.world.person(setup.organization, &format!("p{n}@example.com"), person).await
    };
    let added: Vec<_> = stream::iter(0..3_900).map(add).buffer_unordered(500).collect().await;
    setup.seen(added.iter().map(|(_, position)| *position).max().unwrap()).await;
    let (changing, steady) = added.split_at(400);
    let steady: HashSet<_> = steady.iter().map(|(account, _)| *account).collect();
    let reading = AtomicBool::new(true);
    let write = async {
        for (n, (account, _)) in (10_000..).zip(changing.iter().cycle()) {
            if !reading.load(Ordering::Relaxed) {
                break;
            }
            let name = profile(["Aaa", "Mmm", "Zzz"][n as usize % 3], &n.to_string());
            setup.account(*account, AccountProfileChanged { profile: setup.world.sealed(*account, &name) }).await;
            add(n).await;
        }
    };
    let read = async {
        let filters =
            [PeopleFilter::default(), PeopleFilter { status: Some(PersonStatus::Added), ..PeopleFilter::default() }];
        for filter in filters {
            for field in [SortField::Name, SortField::Email, SortField::Created, SortField::Status] {
                let sort = PeopleSort { field, descending: field == SortField::Email };
                let query = |after| PeopleQuery {
                    filter: filter.clone(),
                    search: None,
                    sort,
                    paging: Paging::Forward { first: 100, after },
                };
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let page = setup.directory.people(setup.organization, query(after.take())).await.unwrap();
                    seen.extend(page.edges.iter().map(|edge| edge.node.id).filter(|id| steady.contains(id)));
                    after = page.edges.last().map(|edge| edge.cursor.clone());
                    // Those who are added last could make a list without an end.
                    if !page.has_next || seen.len() >= steady.len() {
                        break;
                    }
                }
                let once: HashSet<_> = seen.iter().copied().collect();
                assert_eq!((seen.len(), once.len()), (steady.len(), steady.len()), "{field:?} {filter:?}");
            }
        }
        reading.store(false, Ordering::Relaxed);
    };
    tokio::join!(write, read);
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
