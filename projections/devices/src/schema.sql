CREATE TABLE devices (
    id INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL,
    search_text TEXT NOT NULL,
    name_sort TEXT NOT NULL,
    device_id BLOB NOT NULL UNIQUE,
    online INTEGER NOT NULL,
    logged_out INTEGER NOT NULL,
    model TEXT NOT NULL,
    owner BLOB NOT NULL,
    name TEXT NOT NULL,
    serial TEXT NOT NULL,
    software_version TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    connection BLOB,
    last_seen INTEGER NOT NULL,
    boot_id BLOB,
    settings_desired INTEGER NOT NULL,
    settings_applied INTEGER NOT NULL,
    connected_accounts TEXT NOT NULL,
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE device_commands (
    command_id BLOB PRIMARY KEY,
    organization INTEGER NOT NULL,
    device_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    dispatched_at INTEGER,
    received_at INTEGER,
    finished_at INTEGER,
    expires_at INTEGER,
    code TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX commands_of_device ON device_commands (device_id, sequence);
CREATE INDEX commands_pending ON device_commands (device_id) WHERE finished_at IS NULL;

-- Every step of a command, in the order of its device's stream.
CREATE TABLE command_steps (
    command_id BLOB NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    attempt INTEGER,
    code TEXT,
    PRIMARY KEY (command_id, revision)
) STRICT, WITHOUT ROWID;
