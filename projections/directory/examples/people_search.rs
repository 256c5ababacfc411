//! Fills an organization with a million people and measures pages of 50 out of it, with every kind of search, filter and
//! order, among them those that are bad for one plan or the other.
//!
//! `cargo run --release -p directory --example people_search [people]`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a measurement, not a part of the product"
)]

mod crowd;
#[path = "../../engine/tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use directory::{Directory, DirectoryProjection, PeopleFilter, PeopleQuery, PeopleSort, PersonStatus, SortField};
use engine::{View, paging::Paging};
use eventlog::EventLog;
use hdrhistogram::Histogram;
use schema::{AccountOrigin, LoginMethod, OrganizationId};

use crate::support::World;

const FIELDS: [SortField; 5] =
    [SortField::Name, SortField::Email, SortField::Created, SortField::Status, SortField::Department];
/// Pages that are turned, each from the cursor of the one before.
const PAGES: usize = 4;

const SEARCHES: &[(&str, &[&str])] = &[
    ("no search", &[""]),
    ("rare", &["quist", "ødegård", "xenia q", "77777", "12345@", "zimmermann zoë", "Þór xu", "nobody at all"]),
    ("common", &["maria", "garcia", "example", "an", "mar", "maria garcia", "smi", "@example.com"]),
    ("middle", &["işıl", "ivanov", "кузнец", "太郎", "田中", "결 김", "liam", "zoe", "brien", "van den"]),
    ("1 character", &["a", "z", "Ж", "김", "田", "9", "@", "þ", "q", "ö", "x", "結"]),
];

fn filters() -> Vec<(&'static str, PeopleFilter)> {
    let none = PeopleFilter::default;
    let status = |status| PeopleFilter { status: Some(status), ..none() };
    let domain = |domain: &str| PeopleFilter { domain: Some(domain.into()), ..none() };
    let legal = || Some("LEGAL".to_owned());
    vec![
        ("no filter", none()),
        ("department", PeopleFilter { department: legal(), ..none() }),
        ("many × all", PeopleFilter { login_method: Some(LoginMethod::Password), ..status(PersonStatus::Activated) }),
        ("rare × rare", PeopleFilter { department: legal(), ..status(PersonStatus::Deactivated) }),
        ("rare × many", PeopleFilter { domain: domain("example.com").domain, ..status(PersonStatus::Deactivated) }),
        ("middle × middle", PeopleFilter { department: legal(), ..domain("mail.example.org") }),
        ("nobody × all", PeopleFilter { origin: Some(AccountOrigin::Signup), ..status(PersonStatus::Activated) }),
        (
            "location × time",
            PeopleFilter {
                location: Some("東京".into()),
                created_from: Some(support::time(10_000)),
                created_until: Some(support::time(20_000)),
                ..none()
            },
        ),
    ]
}

/// How long pages take.
struct Times {
    times: Histogram<u64>,
    worst: (u64, String),
}

impl Times {
    fn new() -> Self {
        Self { times: Histogram::new(3).unwrap(), worst: (0, String::new()) }
    }
    fn record(&mut self, took: Duration, what: impl FnOnce() -> String) {
        let micros = took.as_micros() as u64;
        self.times.record(micros).unwrap();
        if micros > self.worst.0 {
            self.worst = (micros, what());
        }
    }
    fn print(&self, name: &str) {
        let ms = |quantile| self.times.value_at_quantile(quantile) as f64 / 1_000.0;
        let (count, worst) = (self.times.len(), &self.worst.1);
        println!(
            "{name:<32} {count:>6} pages  p50 {:>6.2} ms  p99 {:>6.2} ms  max {:>6.2} ms  {worst}",
            ms(0.5),
            ms(0.99),
            ms(1.0)
        );
    }
}

#[tokio::main]
async fn main() {
    let people = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let world = World::open(folder.path());
    let (organization, _) = world.organization("Large").await;
    let started = Instant::now();
    crowd::fill(&world, organization, people).await;
    let head = world.log.head().await.unwrap().unwrap();
    println!("{} events of {people} people appended in {:.1?}", head.commit, started.elapsed());

    let started = Instant::now();
    let view = View::<DirectoryProjection>::start(&world.views, world.log.clone(), world.log.clone()).await.unwrap();
    let deadline = support::soon() + Duration::from_secs(600);
    view.ready(deadline).await.unwrap();
    view.wait_for(head, deadline).await.unwrap();
    let took = started.elapsed();
    println!("view of {people} people built in {took:.1?}: {:.0} people/s", people as f64 / took.as_secs_f64());

    let directory = Directory::new(view.reads());
    let mut all = Times::new();
    for (filter_name, filter) in filters() {
        for (kind, searches) in SEARCHES {
            let mut times = Times::new();
            for search in *searches {
                for field in FIELDS {
                    for (descending, backward) in [(false, false), (true, false), (false, true)] {
                        let query = PeopleQuery {
                            filter: filter.clone(),
                            search: Some((*search).to_owned()),
                            sort: PeopleSort { field, descending },
                            paging: if backward {
                                Paging::Backward { last: 50, before: None }
                            } else {
                                Paging::Forward { first: 50, after: None }
                            },
                        };
                        turn_pages(&directory, organization, query, PAGES, |page, took| {
                            let what = || format!("{search:?} {field:?} {descending} {backward} page {page}");
                            times.record(took, what);
                            all.record(took, || format!("{filter_name} {}", what()));
                        })
                        .await;
                    }
                }
            }
            times.print(&format!("{filter_name}, {kind}"));
        }
    }
    all.print("all");
    deep_pages(&directory, organization).await;
    counts(&directory, organization).await;
}

/// Turns so many pages and tells how long each took; returns how many people they had.
async fn turn_pages(
    directory: &Directory,
    organization: OrganizationId,
    mut query: PeopleQuery,
    pages: usize,
    mut took: impl FnMut(usize, Duration),
) -> usize {
    let mut seen = 0;
    for number in 0..pages {
        let started = Instant::now();
        let page = directory.people(organization, query.clone()).await.unwrap();
        took(number, started.elapsed());
        seen += page.edges.len();
        let (cursor, more) = match &mut query.paging {
            Paging::Forward { after, .. } => (after, page.has_next.then(|| page.edges.last()).flatten()),
            Paging::Backward { before, .. } => (before, page.has_previous.then(|| page.edges.first()).flatten()),
        };
        let Some(edge) = more else { break };
        *cursor = Some(edge.cursor.clone());
    }
    seen
}

/// Walks far into the list and into the results of a search.
async fn deep_pages(directory: &Directory, organization: OrganizationId) {
    for search in ["", "maria", "a"] {
        let query = PeopleQuery {
            filter: PeopleFilter::default(),
            search: Some(search.to_owned()),
            sort: PeopleSort::default(),
            paging: Paging::Forward { first: 50, after: None },
        };
        let mut times = Times::new();
        let record = |page, took| times.record(took, || format!("page {page}"));
        let seen = turn_pages(directory, organization, query, 1_000, record).await;
        times.print(&format!("deep pages of {search:?}, {seen} people"));
    }
}

async fn counts(directory: &Directory, organization: OrganizationId) {
    for (filter_name, filter) in filters() {
        for search in ["", "a", "mar", "maria", "quist", "@example.com"] {
            let started = Instant::now();
            let count = directory.people_count(organization, filter.clone(), Some(search.to_owned())).await.unwrap();
            let or_more = if count.or_more { " or more" } else { "" };
            println!("count {filter_name}, {search:?}: {}{or_more} in {:.2?}", count.rows, started.elapsed());
        }
    }
}
