//! Pages of the directory over HTTP, with search, in a large organization.

use std::time::Duration;

use serde_json::json;

use super::{
    Bound, Figure,
    floor::Floor,
    load::{self, Until, connect, contains, drive},
    seed::{PEOPLE, Town},
};

const TIME: Duration = Duration::from_secs(8);

/// Rare, frequent and very frequent, from one letter to two words, of several scripts.
const SEARCHES: &[&str] = &[
    "maria",
    "garcia",
    "an",
    "bench.77",
    "maria garcia",
    "ødegård",
    "иванова",
    "田中",
    "quist",
    "@northwind",
    "zoë x",
    "li",
    "işıl",
    "brien",
    "7",
    "nobody at all",
];

const PAGE: &str = "query Page($search: String, $descending: Boolean!, $field: PersonSortField!) { \
    people(search: $search, first: 50, sort: { field: $field, descending: $descending }) { \
    nodes { id displayName email status department } pageInfo { hasNextPage endCursor } } }";

/// Measures on the platform of the town. One request at a time: what is asked for is the time that a page takes, and on
/// few processors more at once would measure how they wait for each other.
pub async fn run(town: &Town) -> Vec<Figure> {
    let request = |number: u64| {
        let search = SEARCHES[number as usize % SEARCHES.len()];
        let field = ["NAME", "EMAIL", "CREATED"][number as usize / SEARCHES.len() % 3];
        load::graphql(PAGE, &json!({ "search": search, "field": field, "descending": number.is_multiple_of(5) }))
    };
    let check = |answer: &[u8]| contains(answer, "\"pageInfo\"") && !contains(answer, "\"errors\"");
    let token = Some(town.organization.admin.token());
    let mut connection = connect(town.installation.gateway(), "/graphql", token, 1).await;
    let mut bytes = 0;
    for number in 0..SEARCHES.len() as u64 {
        let page = connection[0].post(request(number)).await;
        assert!(check(&page), "{}", String::from_utf8_lossy(&page));
        bytes = bytes.max(page.len());
    }
    let measured = drive(connection, Until::Elapsed(TIME), request, check).await;

    let floor = Floor::start();
    let bare = connect(floor.address, &format!("/json/{bytes}"), token, 1).await;
    let floor = drive(bare, Until::Elapsed(Duration::from_secs(2)), request, move |answer| answer.len() == bytes).await;
    let figure = |name: &str, value, bound, floor| Figure {
        benchmark: "people",
        name: format!("{name}, page of 50, search, {PEOPLE} people"),
        value,
        unit: "ms",
        bound,
        floor: Some(floor),
        floor_is: "bare axum server, answers as long",
    };
    vec![
        figure("p50", measured.millis(0.5), Bound::None, floor.millis(0.5)),
        figure("p99", measured.millis(0.99), Bound::AtMost(10.0), floor.millis(0.99)),
    ]
}
