//! Fills an organization with people and measures pages of 50 out of it.
//!
//! `cargo run --release -p directory --example people_search [people]`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement, not a part of the product"
)]

#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::time::Instant;

use directory::{Directory, DirectoryProjection, PeopleFilter, PeopleQuery, PeopleSort, PersonStatus, SortField};
use engine::{View, paging::Paging};
use eventlog::EventLog;
use futures::{StreamExt, stream};
use hdrhistogram::Histogram;
use schema::{LoginMethod, OrganizationId, Profile};
use support::{World, soon};

const GIVEN: &[&str] = &[
    "Maria",
    "Anna",
    "José",
    "Mohammed",
    "Wei",
    "John",
    "Olga",
    "Elif",
    "Işıl",
    "Zoë",
    "Björn",
    "Łukasz",
    "Chloé",
    "Ivan",
    "Дмитрий",
    "Анна",
    "Ольга",
    "太郎",
    "花子",
    "결",
    "민수",
    "Αλέξανδρος",
    "محمد",
    "Noa",
    "Priya",
    "Arjun",
    "Xenia",
    "Quentin",
    "Yūki",
    "Þór",
    "Siobhán",
    "Zsófia",
    "Emma",
    "Liam",
    "Olivia",
    "Noah",
    "Ava",
    "Lucas",
    "Mia",
    "Ethan",
];
const FAMILY: &[&str] = &[
    "García",
    "Smith",
    "Müller",
    "Иванова",
    "Кузнецов",
    "田中",
    "佐藤",
    "김",
    "Yılmaz",
    "Öztürk",
    "Nguyen",
    "Kowalski",
    "Silva",
    "Johansson",
    "O'Brien",
    "van den Berg",
    "Papadopoulos",
    "Singh",
    "Cohen",
    "Haddad",
    "Rossi",
    "Dubois",
    "Novák",
    "Szabó",
    "Andersen",
    "Martin",
    "Lee",
    "Chen",
    "Wang",
    "Ali",
    "Khan",
    "Ivanov",
    "Popescu",
    "Horvat",
    "Nagy",
    "Kaya",
    "Costa",
    "Fernández",
    "López",
    "Schmidt",
    "Zimmermann",
    "Quist",
    "Xu",
    "Ødegård",
];
const DEPARTMENTS: &[&str] = &["Sales", "Engineering", "Support", "Finance", "Legal", "人事", "Объекты"];

/// Picks low numbers much more often than high ones, as names are given.
fn pick<'a>(list: &[&'a str], random: u64) -> &'a str {
    let share = (random % 10_000) as f64 / 10_000.0;
    list[(share.powf(1.3) * list.len() as f64) as usize]
}

/// SplitMix64: numbers in a row come out unrelated.
fn scramble(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

async fn fill(world: &World, organization: OrganizationId, people: u64) {
    stream::iter(0..people)
        .for_each_concurrent(1_000, |n| async move {
            let (given, family) = (pick(GIVEN, scramble(n)), pick(FAMILY, scramble(n + people)));
            let ascii = |text: &str| engine::search::fold(text).replace(|c: char| !c.is_ascii_alphanumeric(), "");
            let email = format!(
                "{}.{}{n}@{}",
                ascii(given),
                ascii(family),
                ["example.com", "mail.example.org"][n as usize % 2]
            );
            let department = Some(pick(DEPARTMENTS, scramble(n + 2 * people)).to_owned());
            let profile = Profile { department, ..support::profile(given, family) };
            world.person(organization, &email, profile).await;
        })
        .await;
}

#[tokio::main]
async fn main() {
    let people = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = world.organization("Large").await;
    let started = Instant::now();
    fill(&world, organization, people).await;
    println!("{people} people appended in {:.1?}", started.elapsed());

    let started = Instant::now();
    let view = View::<DirectoryProjection>::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
    let head = world.log.head().await.unwrap().unwrap();
    let deadline = soon() + std::time::Duration::from_secs(600);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    let took = started.elapsed();
    println!("view built in {took:.1?}: {:.0} people/s", people as f64 / took.as_secs_f64());
    let directory = Directory::new(view.reads());

    let searches: &[(&str, &[&str])] = &[
        ("none", &[""]),
        ("rare", &["quist", "ødegård", "xenia q", "77777", "12345@", "zimmermann zoë", "Þór xu", "nobody at all"]),
        ("common", &["maria", "garcia", "example", "an", "mar", "maria garcia", "smi", "@example.com"]),
        ("middle", &["işıl", "ivanov", "кузнец", "太郎", "田中", "결 김", "liam", "zoe", "brien", "van den"]),
        ("1 character", &["a", "z", "Ж", "김", "田", "9", "@", "þ", "q", "ö", "x", "結"]),
    ];
    let filters = [
        ("", PeopleFilter::default()),
        (" +department", PeopleFilter { department: Some("LEGAL".into()), ..PeopleFilter::default() }),
        (" +status nobody has", PeopleFilter { status: Some(PersonStatus::Activated), ..PeopleFilter::default() }),
        (" +login all have", PeopleFilter { login_method: Some(LoginMethod::Password), ..PeopleFilter::default() }),
    ];
    let mut all = Histogram::<u64>::new(3).unwrap();
    for (filter_name, filter) in &filters {
        for (kind, terms) in searches {
            let mut times = Histogram::<u64>::new(3).unwrap();
            let mut worst = (0, String::new());
            for _ in 0..3 {
                for term in *terms {
                    for field in [SortField::Name, SortField::Email, SortField::Created, SortField::Status] {
                        for descending in [false, true] {
                            let sort = PeopleSort { field, descending };
                            let mut after = None;
                            // The first pages, each from the cursor of the one before.
                            for depth in 0..8 {
                                let paging = Paging::Forward { first: 50, after: after.take() };
                                let query = PeopleQuery {
                                    filter: filter.clone(),
                                    search: Some((*term).to_owned()),
                                    sort,
                                    paging,
                                };
                                let started = Instant::now();
                                let page = directory.people(organization, query).await.unwrap();
                                let micros = started.elapsed().as_micros() as u64;
                                times.record(micros).unwrap();
                                all.record(micros).unwrap();
                                if micros > worst.0 {
                                    worst = (micros, format!("{term:?} {field:?} {descending} page {depth}"));
                                }
                                after = page.edges.last().map(|edge| edge.cursor.clone());
                                if !page.has_next {
                                    break;
                                }
                            }
                        }
                    }
                }
            }
            let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
            println!(
                "{:<32} {:>6} pages  p50 {:>6.2} ms  p99 {:>6.2} ms  max {:>6.2} ms  {}",
                format!("{kind}{filter_name}"),
                times.len(),
                ms(0.5),
                ms(0.99),
                ms(1.0),
                worst.1
            );
        }
    }
    println!(
        "all: p50 {:.2} ms, p99 {:.2} ms, {} pages",
        all.value_at_quantile(0.5) as f64 / 1e3,
        all.value_at_quantile(0.99) as f64 / 1e3,
        all.len()
    );

    deep_pages(&directory, organization).await;
    for term in ["", "a", "maria", "quist", "@example.com"] {
        let started = Instant::now();
        let count = directory.people_count(organization, PeopleFilter::default(), Some(term.to_owned())).await.unwrap();
        println!("count {term:?}: {count} in {:.2?}", started.elapsed());
    }
}

/// Walks through the whole list and through the results of a search.
async fn deep_pages(directory: &Directory, organization: OrganizationId) {
    for term in ["", "maria", "a"] {
        let mut times = Histogram::<u64>::new(3).unwrap();
        let (mut after, mut seen) = (None, 0);
        loop {
            let query = PeopleQuery {
                filter: PeopleFilter::default(),
                search: Some(term.to_owned()),
                sort: PeopleSort::default(),
                paging: Paging::Forward { first: 50, after: after.take() },
            };
            let started = Instant::now();
            let page = directory.people(organization, query).await.unwrap();
            times.record(started.elapsed().as_micros() as u64).unwrap();
            seen += page.edges.len();
            after = page.edges.last().map(|edge| edge.cursor.clone());
            if !page.has_next {
                break;
            }
        }
        let ms = |quantile| times.value_at_quantile(quantile) as f64 / 1_000.0;
        println!(
            "deep pages of {term:?}: {seen} people, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
            ms(0.5),
            ms(0.99),
            ms(1.0)
        );
    }
}
