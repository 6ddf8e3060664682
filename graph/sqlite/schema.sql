-- Named blocks, one for each schema version, applied in order. A new version adds a block and never edits one.
-- Times are microseconds since 1970-01-01 UTC. `user` is users.pk, so that one delete erases a user.

-- name: version 1
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    pk INTEGER PRIMARY KEY, tenant TEXT NOT NULL, id TEXT NOT NULL,
    seq INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
    UNIQUE (tenant, id)
) STRICT;

-- One vector for one text of one tenant, however many users hold it.
CREATE TABLE vectors (
    pk INTEGER PRIMARY KEY, tenant TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    UNIQUE (tenant, key)
) STRICT;

CREATE TABLE beliefs (
    user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, id TEXT NOT NULL, seq INTEGER NOT NULL,
    statement TEXT NOT NULL, statement_key TEXT NOT NULL, source TEXT NOT NULL, kind TEXT NOT NULL,
    created_at INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
    parent TEXT, origin TEXT, vector INTEGER REFERENCES vectors,
    ordinal INTEGER NOT NULL, revised_at INTEGER NOT NULL,
    base REAL NOT NULL, half_life_days REAL NOT NULL, memory_nats REAL NOT NULL, reference_at INTEGER NOT NULL,
    direct_for REAL NOT NULL, direct_against REAL NOT NULL, inferred_for REAL NOT NULL, inferred_against REAL NOT NULL,
    spoken REAL NOT NULL, newest_at INTEGER NOT NULL, newest_id TEXT NOT NULL, conflict REAL NOT NULL,
    lifecycle TEXT NOT NULL, context TEXT NOT NULL,
    PRIMARY KEY (user, id),
    FOREIGN KEY (user, parent) REFERENCES beliefs (user, id) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (user, origin) REFERENCES signals (user, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX beliefs_by_seq ON beliefs (user, seq);
CREATE INDEX beliefs_by_statement ON beliefs (user, statement_key);
CREATE INDEX beliefs_by_parent ON beliefs (user, parent) WHERE parent IS NOT NULL;
CREATE INDEX beliefs_by_origin ON beliefs (user, origin) WHERE origin IS NOT NULL;
CREATE INDEX beliefs_by_vector ON beliefs (vector);

CREATE TABLE responses (
    user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, id TEXT NOT NULL, seq INTEGER NOT NULL,
    text TEXT NOT NULL, attributes TEXT NOT NULL, observed_at INTEGER NOT NULL, recorded_at INTEGER NOT NULL,
    PRIMARY KEY (user, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX responses_by_seq ON responses (user, seq);

CREATE TABLE generated_by (
    user INTEGER NOT NULL, response TEXT NOT NULL, position INTEGER NOT NULL, belief TEXT NOT NULL,
    weight REAL NOT NULL, adherence REAL NOT NULL, confidence_then REAL NOT NULL, response_seq INTEGER NOT NULL,
    PRIMARY KEY (user, response, position),
    FOREIGN KEY (user, response) REFERENCES responses (user, id) ON DELETE CASCADE,
    FOREIGN KEY (user, belief) REFERENCES beliefs (user, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX generated_by_belief ON generated_by (user, belief, response_seq);

CREATE TABLE signals (
    user INTEGER NOT NULL REFERENCES users ON DELETE CASCADE, id TEXT NOT NULL, seq INTEGER NOT NULL,
    kind TEXT NOT NULL, value REAL, text TEXT, tags TEXT NOT NULL, response TEXT, belief TEXT, context TEXT NOT NULL,
    observed_at INTEGER NOT NULL, recorded_at INTEGER NOT NULL, retracted_at INTEGER, note TEXT, retraction_note TEXT,
    interpretation TEXT NOT NULL,
    PRIMARY KEY (user, id),
    FOREIGN KEY (user, response) REFERENCES responses (user, id) ON DELETE CASCADE,
    FOREIGN KEY (user, belief) REFERENCES beliefs (user, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signals_by_seq ON signals (user, seq);
CREATE INDEX signals_by_response ON signals (user, response, kind, observed_at, seq) WHERE response IS NOT NULL;
CREATE INDEX signals_by_belief ON signals (user, belief) WHERE belief IS NOT NULL;

-- The current evidence items: a projection of the revisions.
CREATE TABLE evidence (
    user INTEGER NOT NULL, belief TEXT NOT NULL, slot TEXT NOT NULL, id TEXT NOT NULL,
    nats REAL NOT NULL, observed_at INTEGER NOT NULL,
    PRIMARY KEY (user, belief, slot, id),
    FOREIGN KEY (user, belief) REFERENCES beliefs (user, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX evidence_by_time ON evidence (user, belief, slot, observed_at, id, nats);

CREATE TABLE revisions (
    user INTEGER NOT NULL, seq INTEGER NOT NULL, belief TEXT NOT NULL, ordinal INTEGER NOT NULL,
    before REAL NOT NULL, after REAL NOT NULL, nats REAL NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL,
    cause_kind TEXT NOT NULL, cause TEXT NOT NULL, parameters_version TEXT NOT NULL, recorded_at INTEGER NOT NULL,
    item_slot TEXT, item_id TEXT, item_nats REAL, item_observed_at INTEGER, removed INTEGER NOT NULL,
    base REAL NOT NULL, half_life_days REAL NOT NULL, memory_nats REAL NOT NULL, reference_at INTEGER NOT NULL,
    direct_for REAL NOT NULL, direct_against REAL NOT NULL, inferred_for REAL NOT NULL, inferred_against REAL NOT NULL,
    spoken REAL NOT NULL, newest_at INTEGER NOT NULL, newest_id TEXT NOT NULL, conflict REAL NOT NULL,
    lifecycle TEXT NOT NULL, context TEXT NOT NULL,
    PRIMARY KEY (user, seq),
    FOREIGN KEY (user, belief) REFERENCES beliefs (user, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX revisions_by_belief ON revisions (user, belief, ordinal);
CREATE INDEX revisions_by_cause ON revisions (user, cause);

-- Every version of every edge between two beliefs; the highest seq is the edge as it stands.
CREATE TABLE links (
    user INTEGER NOT NULL, kind TEXT NOT NULL, low TEXT NOT NULL, high TEXT NOT NULL, seq INTEGER NOT NULL,
    strength REAL NOT NULL, detector TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (user, kind, low, high, seq),
    FOREIGN KEY (user, low) REFERENCES beliefs (user, id) ON DELETE CASCADE,
    FOREIGN KEY (user, high) REFERENCES beliefs (user, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_high ON links (user, kind, high, low, seq);
CREATE INDEX links_by_low ON links (user, low);

CREATE VIEW current_links AS
SELECT * FROM links AS l WHERE NOT EXISTS (
    SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
    AND later.low = l.low AND later.high = l.high AND later.seq > l.seq);

-- Items that weigh otherwise since a revision, because the parameters changed: [[slot, id, nats, observed_at], …].
-- name: version 2
ALTER TABLE revisions ADD COLUMN reread TEXT NOT NULL DEFAULT '[]';

-- How many nats a day has to say of a belief before another word like that weighs half (none: infinity), and how many
-- the day of its newest evidence has said for and against it.
-- name: version 3
ALTER TABLE beliefs ADD COLUMN session_nats REAL NOT NULL DEFAULT 9e999;
ALTER TABLE beliefs ADD COLUMN heard_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE beliefs ADD COLUMN heard_against REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN session_nats REAL NOT NULL DEFAULT 9e999;
ALTER TABLE revisions ADD COLUMN heard_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN heard_against REAL NOT NULL DEFAULT 0.0;

-- The detector of change: from how many nats on a run makes what came before it count less (none: infinity), and the
-- inferred sums since the turn up and since the turn down. What one more response that was answered adds to a belief
-- that practice strengthens, in nats. What was counted of a user's signals, {kind: [good, bad, nats]}, and her habits
-- when a response was recorded, {kind: [probability that she gives it whatever she thinks, how often it is good then]}.
-- What a belief was at a number of the sequence, or at a time, and which edges are new since, is found in an index.
-- name: version 4
ALTER TABLE beliefs ADD COLUMN change_nats REAL NOT NULL DEFAULT 9e999;
ALTER TABLE beliefs ADD COLUMN up_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE beliefs ADD COLUMN up_against REAL NOT NULL DEFAULT 0.0;
ALTER TABLE beliefs ADD COLUMN down_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE beliefs ADD COLUMN down_against REAL NOT NULL DEFAULT 0.0;
ALTER TABLE beliefs ADD COLUMN practice_nats REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN change_nats REAL NOT NULL DEFAULT 9e999;
ALTER TABLE revisions ADD COLUMN up_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN up_against REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN down_for REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN down_against REAL NOT NULL DEFAULT 0.0;
ALTER TABLE revisions ADD COLUMN practice_nats REAL NOT NULL DEFAULT 0.0;
ALTER TABLE users ADD COLUMN tallies TEXT NOT NULL DEFAULT '{}';
ALTER TABLE responses ADD COLUMN habits TEXT NOT NULL DEFAULT '{}';
DROP VIEW current_links;
DROP INDEX revisions_by_belief;
CREATE INDEX revisions_by_belief ON revisions (user, belief, seq, recorded_at);
CREATE INDEX links_by_seq ON links (user, seq);
