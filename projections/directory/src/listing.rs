//! What people can be filtered and sorted by.

use engine::listing::{Facet, Listing, SortColumn, Source};

use crate::rows::PERSON_COLUMNS;

pub(crate) static STATUS: Facet = Facet { tag: 1, source: Source::Column("status") };
pub(crate) static DOMAIN: Facet = Facet { tag: 2, source: Source::Column("domain") };
pub(crate) static LOGIN_METHOD: Facet = Facet { tag: 3, source: Source::Column("login_method") };
pub(crate) static ORIGIN: Facet = Facet { tag: 4, source: Source::Column("origin") };
pub(crate) static LOCALE: Facet = Facet { tag: 5, source: Source::Column("locale") };
pub(crate) static DEPARTMENT: Facet = Facet { tag: 6, source: Source::Column("department_key") };
pub(crate) static DIVISION: Facet = Facet { tag: 7, source: Source::Column("division_key") };
pub(crate) static LOCATION: Facet = Facet { tag: 8, source: Source::Column("location_key") };
pub(crate) static MANAGER: Facet = Facet { tag: 9, source: Source::Column("manager_key") };
pub(crate) static ROLE: Facet = Facet {
    tag: 10,
    source: Source::Other {
        select: "SELECT p.id, h.role_id FROM people p JOIN role_holders h ON h.account_id = p.account_id \
                 WHERE p.id BETWEEN ?1 AND ?2",
        exists: "EXISTS (SELECT 1 FROM role_holders h WHERE h.account_id = t.account_id AND h.role_id = ?)",
    },
};

pub(crate) static BY_NAME: SortColumn = SortColumn { tag: 1, column: "name_key", kept_sorted: true };
pub(crate) static BY_EMAIL: SortColumn = SortColumn { tag: 2, column: "email_key", kept_sorted: true };
pub(crate) static BY_DEPARTMENT: SortColumn = SortColumn { tag: 3, column: "department_key", kept_sorted: true };

/// The column that tells when people were added.
pub(crate) const CREATED_AT: &str = "created_at";

pub(crate) static PEOPLE: Listing = Listing {
    table: "people",
    columns: PERSON_COLUMNS,
    facets: &[&STATUS, &DOMAIN, &LOGIN_METHOD, &ORIGIN, &LOCALE, &DEPARTMENT, &DIVISION, &LOCATION, &MANAGER, &ROLE],
    ranges: &[CREATED_AT],
    sorts: &[&BY_NAME, &BY_EMAIL, &BY_DEPARTMENT],
};
