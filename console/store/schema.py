"""The store's tables, as the ordered scripts that make them.

To change a table, append a script: each runs once, in a transaction of its own, and `PRAGMA user_version` counts them.
A script that has been released is never edited.
"""

from __future__ import annotations

APPLICATION_ID = 0x616E646F  # "ando" in the file's header: says whose database this is

V1 = """
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL              -- JSON
) WITHOUT ROWID;

-- Samples. A time is the end of the interval it speaks of; counters and histograms are increases, never totals.
CREATE TABLE series (
    id     INTEGER PRIMARY KEY,
    signal TEXT NOT NULL,
    labels TEXT NOT NULL,            -- JSON object, names sorted
    kind   TEXT NOT NULL CHECK (kind IN ('gauge', 'counter', 'histogram')),
    edges  BLOB NOT NULL,            -- histograms: upper bounds as little-endian float64
    UNIQUE (signal, labels, kind, edges)
);
CREATE TABLE raw (
    series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    time   REAL NOT NULL,
    value  REAL NOT NULL,            -- gauge: value; counter: increase; histogram: sum of the observations
    sketch BLOB,                     -- histogram: observations by bucket, see sketch.py
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE TABLE minutes (
    series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    minute INTEGER NOT NULL,         -- covers (60 * (minute - 1), 60 * minute] in epoch seconds
    count  REAL NOT NULL,            -- gauge and counter: readings; histogram: observations
    sum    REAL NOT NULL,
    low    REAL,                     -- smallest and largest value or increase; histograms have none
    high   REAL,
    sketch BLOB,                     -- gauge: some of the values; histogram: observations by bucket
    PRIMARY KEY (series, minute)
) WITHOUT ROWID;
CREATE TABLE totals (                -- the last total of each counter and histogram, to go on from after a restart
    series INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    late   INTEGER NOT NULL,         -- 0: the live stream; 1: back-fill
    time   REAL NOT NULL,
    value  REAL NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (series, late)
) WITHOUT ROWID;

-- What happened, and what andon made of it.
CREATE TABLE events (
    time   REAL NOT NULL,
    kind   TEXT NOT NULL,
    target TEXT NOT NULL,
    source TEXT NOT NULL,
    id     TEXT NOT NULL,
    title  TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (time, kind, target, source, id)
) WITHOUT ROWID;
CREATE TABLE incidents (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    state   TEXT NOT NULL CHECK (state IN ('open', 'acknowledged', 'closed')),
    subject TEXT NOT NULL,
    body    TEXT NOT NULL            -- model.Incident as JSON
);
CREATE INDEX incidents_by_subject ON incidents (subject, state);
CREATE TABLE runs (
    id       TEXT PRIMARY KEY,
    playbook TEXT NOT NULL,
    started  REAL NOT NULL,
    body     TEXT NOT NULL           -- model.Run as JSON
) WITHOUT ROWID;
CREATE INDEX runs_by_time ON runs (started);
CREATE TABLE findings (              -- of the saved runs, to be looked up one by one
    run     TEXT NOT NULL REFERENCES runs ON DELETE CASCADE,
    id      TEXT NOT NULL,
    signal  TEXT,
    time    REAL NOT NULL,           -- when its run started
    body    TEXT NOT NULL,           -- model.Finding as JSON
    PRIMARY KEY (run, id)
) WITHOUT ROWID;
CREATE INDEX findings_by_signal ON findings (signal, time);
CREATE TABLE pins (
    name    TEXT PRIMARY KEY,
    created REAL NOT NULL,
    by      TEXT NOT NULL,
    note    TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE pin_spans (
    pin   TEXT NOT NULL REFERENCES pins ON DELETE CASCADE,
    start REAL NOT NULL,
    end   REAL NOT NULL,
    PRIMARY KEY (pin, start, end)
) WITHOUT ROWID;
"""

V2 = """
-- Alerts that were taken and have not ended, and what came of their groups.
CREATE TABLE alerts (
    id       TEXT PRIMARY KEY,
    grp      TEXT NOT NULL,
    taken    REAL NOT NULL,          -- when it was first heard of, by the daemon's clock
    heard    REAL NOT NULL,          -- and last
    incident TEXT NOT NULL,          -- empty: it waits
    body     TEXT NOT NULL           -- model.Alert as JSON
) WITHOUT ROWID;
CREATE TABLE alert_groups (
    grp      TEXT PRIMARY KEY,
    incident TEXT NOT NULL,          -- the last one that it opened or joined
    time     REAL NOT NULL           -- when
) WITHOUT ROWID;

-- What people are told, once each.
CREATE TABLE notices (
    incident TEXT NOT NULL,
    what     TEXT NOT NULL CHECK (what IN ('opened', 'cause', 'closed')),
    notifier TEXT NOT NULL,
    time     REAL NOT NULL,          -- when it happened
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'told', 'given up')),
    PRIMARY KEY (incident, what, notifier)
) WITHOUT ROWID;
"""

V3 = """
-- Runs that wait for a person, or that a daemon did not live to end, go on by the text they began with.
CREATE TABLE playbook_texts (
    hash TEXT PRIMARY KEY,           -- SHA-256 of the text
    text TEXT NOT NULL
) WITHOUT ROWID;
ALTER TABLE runs ADD COLUMN state TEXT NOT NULL DEFAULT 'finished';  -- as in the body
ALTER TABLE runs ADD COLUMN hash TEXT NOT NULL DEFAULT '';           -- of its playbook's text
ALTER TABLE runs ADD COLUMN path TEXT NOT NULL DEFAULT '';           -- the playbook's file, where it had one
ALTER TABLE runs ADD COLUMN operator TEXT NOT NULL DEFAULT '';       -- who began it
ALTER TABLE runs ADD COLUMN incident TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_paused ON runs (started) WHERE state = 'paused';
"""

V4 = """
CREATE TABLE recordings (            -- of the last examination of an incident: what was asked and answered
    incident TEXT PRIMARY KEY,
    time     REAL NOT NULL,
    body     BLOB NOT NULL           -- a bundle, as it would be exported but not redacted
);
"""

V5 = """
-- What remedies would change, and what became of it. A change of a plan and its line in the audit log are one.
CREATE TABLE plans (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    state    TEXT NOT NULL,
    target   TEXT NOT NULL,          -- what it changes, and through what: JSON
    incident TEXT NOT NULL,
    is_busy  INTEGER NOT NULL,       -- it is being changed, watched or taken back
    body     TEXT NOT NULL           -- model.PlanRecord as JSON
);
CREATE INDEX plans_by_state ON plans (state);
CREATE UNIQUE INDEX plans_busy ON plans (target) WHERE is_busy;  -- one change of one object at a time
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,      -- 1, 2 … without a gap
    line   TEXT NOT NULL,            -- what was done, by whom: JSON, exactly as it was hashed
    hash   TEXT NOT NULL             -- SHA-256 of the line before and this one
);
"""

V6 = """
-- People are told of plans too.
ALTER TABLE notices RENAME TO notices_of_incidents;
CREATE TABLE notices (
    about    TEXT NOT NULL,          -- id of an incident or of a plan
    what     TEXT NOT NULL,
    notifier TEXT NOT NULL,
    time     REAL NOT NULL,          -- when it happened
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'told', 'given up')),
    PRIMARY KEY (about, what, notifier)
) WITHOUT ROWID;
INSERT INTO notices SELECT incident, what, notifier, time, state FROM notices_of_incidents;
DROP TABLE notices_of_incidents;
"""

V7 = """
CREATE TABLE transcripts (           -- of what was said to a language model about an incident
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    incident TEXT NOT NULL,          -- empty: of a symptom alone
    time     REAL NOT NULL,
    calls    INTEGER NOT NULL,       -- what it cost
    tokens   INTEGER NOT NULL,
    money    REAL NOT NULL,          -- US dollars
    body     TEXT NOT NULL           -- model.Transcript as JSON; empty: it had to make room
);
CREATE INDEX transcripts_by_incident ON transcripts (incident, number);
CREATE INDEX transcripts_by_time ON transcripts (time);
"""

MIGRATIONS: tuple[str, ...] = (V1, V2, V3, V4, V5, V6, V7)
