-- An event of an organization. `id` is the organization's first row plus the event's place, counted from 1 in the
-- order of the log; so the events of one organization lie side by side, newest last.
CREATE TABLE history_events (
    id INTEGER PRIMARY KEY,
    commit_position INTEGER NOT NULL,
    -- How far the prepare position is from the commit position: 0 in most logs.
    prepare_offset INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    -- Place of the event that this one follows up, see `follows.rs`.
    previous INTEGER
) STRICT;

-- What events can be found by: a type, an actor, a subject.
CREATE TABLE history_marks (
    number INTEGER PRIMARY KEY,
    organization INTEGER NOT NULL,
    mark BLOB NOT NULL,
    UNIQUE (organization, mark)
) STRICT;

-- The places of the events that bear a mark, some in a row together: the first, and how far each is from the one before,
-- see `places.rs`.
CREATE TABLE history_postings (
    mark INTEGER NOT NULL,
    first INTEGER NOT NULL,
    steps BLOB NOT NULL,
    PRIMARY KEY (mark, first)
) STRICT, WITHOUT ROWID;

-- The earliest and latest time among each 1,024 events in a row: times are in no strict order.
CREATE TABLE history_blocks (
    last INTEGER PRIMARY KEY,
    earliest INTEGER NOT NULL,
    latest INTEGER NOT NULL
) STRICT;

-- The last event about each thing that later ones are compared with.
CREATE TABLE history_latest (
    thing INTEGER NOT NULL,
    aspect INTEGER NOT NULL,
    place INTEGER NOT NULL,
    -- Mark of the person whom the event is about as well, for events that do not say so themselves.
    person INTEGER,
    PRIMARY KEY (thing, aspect)
) STRICT, WITHOUT ROWID;
