-- An organization that exists.
CREATE TABLE organizations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    founder BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- All three are there, or none.
    logo_sha256 TEXT,
    logo_width INTEGER,
    logo_height INTEGER
) STRICT;

CREATE TABLE organization_domains (
    organization INTEGER NOT NULL,
    domain TEXT NOT NULL,
    allowed_at INTEGER NOT NULL,
    PRIMARY KEY (organization, domain)
) STRICT, WITHOUT ROWID;

-- What is personal is NULL, and its folded form empty, once the person was erased. The folded forms are for filters, search
-- and sorting; they are empty, too, for what a person does not have.
CREATE TABLE people (
    id INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL,
    search_text TEXT NOT NULL,
    name_key TEXT NOT NULL,
    email_key TEXT NOT NULL,
    department_key TEXT NOT NULL,
    division_key TEXT NOT NULL,
    location_key TEXT NOT NULL,
    manager_key TEXT NOT NULL,
    account_id BLOB NOT NULL UNIQUE,
    status INTEGER NOT NULL,
    domain TEXT NOT NULL,
    login_method TEXT NOT NULL,
    locale TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    activated_at INTEGER,
    deactivated_at INTEGER,
    must_reset_password INTEGER NOT NULL,
    email TEXT,
    given_name TEXT,
    family_name TEXT,
    display_name TEXT,
    job_title TEXT,
    department TEXT,
    division TEXT,
    location TEXT,
    phone TEXT,
    manager_email TEXT,
    start_date TEXT
) STRICT;

CREATE TABLE roles (
    role_id BLOB PRIMARY KEY,
    organization INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_sort TEXT NOT NULL,
    rights TEXT NOT NULL,
    system_admin INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX roles_of_organization ON roles (organization, system_admin DESC, name_sort);

CREATE TABLE role_holders (
    role_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    assigned_at INTEGER NOT NULL,
    PRIMARY KEY (role_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_holders_by_account ON role_holders (account_id);
