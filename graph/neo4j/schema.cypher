// Named blocks, one for each schema version, applied in order; every statement may be run again. A new version adds a
// block and never edits one. Times (*_us) are microseconds since 1970-01-01 UTC.
//
// `key` is the tenant, the user and the id, joined by a character that ids cannot hold; `user` is the key of the user.
// A record of a user's sequence is found by (user, seq). What grows with use (a belief's revisions and evidence, a
// response's signals) is found by these indexes, never by expanding the node that grows.

// name: version 1
CREATE CONSTRAINT store_name IF NOT EXISTS FOR (n:Store) REQUIRE n.name IS UNIQUE;

CREATE CONSTRAINT user_key IF NOT EXISTS FOR (n:User) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT user_of_tenant IF NOT EXISTS FOR (n:User) REQUIRE (n.tenant, n.id) IS UNIQUE;

CREATE CONSTRAINT belief_key IF NOT EXISTS FOR (n:Belief) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT belief_seq IF NOT EXISTS FOR (n:Belief) REQUIRE (n.user, n.seq) IS UNIQUE;
CREATE INDEX belief_statement IF NOT EXISTS FOR (n:Belief) ON (n.statement_digest);

CREATE CONSTRAINT response_key IF NOT EXISTS FOR (n:Response) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT response_seq IF NOT EXISTS FOR (n:Response) REQUIRE (n.user, n.seq) IS UNIQUE;
CREATE INDEX generated_by_belief IF NOT EXISTS FOR ()-[r:GENERATED_BY]-() ON (r.belief, r.response_seq);

CREATE CONSTRAINT signal_key IF NOT EXISTS FOR (n:Signal) REQUIRE n.key IS UNIQUE;
CREATE CONSTRAINT signal_seq IF NOT EXISTS FOR (n:Signal) REQUIRE (n.user, n.seq) IS UNIQUE;
CREATE INDEX signal_response IF NOT EXISTS FOR (n:Signal) ON (n.response, n.kind, n.observed_us, n.seq);

CREATE CONSTRAINT revision_seq IF NOT EXISTS FOR (n:Revision) REQUIRE (n.user, n.seq) IS UNIQUE;
CREATE CONSTRAINT revision_belief IF NOT EXISTS FOR (n:Revision) REQUIRE (n.belief, n.seq) IS UNIQUE;
CREATE INDEX revision_cause IF NOT EXISTS FOR (n:Revision) ON (n.cause, n.seq);

// The current evidence items: a projection of the revisions.
CREATE CONSTRAINT evidence_key IF NOT EXISTS FOR (n:Evidence) REQUIRE n.key IS UNIQUE;
CREATE INDEX evidence_time IF NOT EXISTS FOR (n:Evidence) ON (n.belief, n.slot, n.observed_us, n.id);

// Every version of every edge between two beliefs. CONTRADICTS and DUPLICATES are the edges as they stand.
CREATE CONSTRAINT link_version_seq IF NOT EXISTS FOR (n:LinkVersion) REQUIRE (n.user, n.seq) IS UNIQUE;

// name: version 2
// Fewer properties, which is most of what writing costs: the numbers of a state are one list (`sums`, see rows.py), and
// what is empty is left out. The item of a response and a belief behind it lies on their edge. Evidence nodes hold what
// was said, and what a belief inherited from one that it took in. CAUSED_BY leads from a signal to its revisions; `cause`
// is for what has no node.
CREATE INDEX generated_by_evidence IF NOT EXISTS FOR ()-[r:GENERATED_BY]-() ON (r.belief, r.observed_us, r.response_id);

MATCH (n:Belief) WHERE n.sums IS NULL
CALL (n) {
    WITH n, 2.0 ^ (-(n.revised_us - n.reference_us) / 86400000000.0 / n.half_life_days) AS faded
    SET n.support = faded * (n.direct_for + n.inferred_for),
        n.opposition = faded * (n.direct_against + n.inferred_against)
} IN TRANSACTIONS OF 1000 ROWS;

MATCH (n:Belief|Revision) WHERE n.sums IS NULL
CALL (n) {
    SET n.sums = [
            n.base, n.half_life_days, n.memory_nats, toFloat(n.reference_us), n.direct_for, n.direct_against,
            n.inferred_for, n.inferred_against, n.spoken, toFloat(n.newest_us), n.conflict,
            coalesce(n.session_nats, Infinity), coalesce(n.heard_for, 0.0), coalesce(n.heard_against, 0.0),
            Infinity, 0.0, 0.0, 0.0, 0.0, 0.0
        ],
        n.newest_id = nullIf(n.newest_id, ''), n.lifecycle = nullIf(n.lifecycle, 'open'),
        n.context = nullIf(n.context, '{}'), n.removed = nullIf(n.removed, false)
    REMOVE n.base, n.half_life_days, n.memory_nats, n.reference_us, n.direct_for, n.direct_against, n.inferred_for,
        n.inferred_against, n.spoken, n.newest_us, n.conflict, n.session_nats, n.heard_for, n.heard_against,
        n.belief_id
} IN TRANSACTIONS OF 1000 ROWS;

MATCH (v:Revision)-[:CAUSED_BY]->(:Signal) WHERE v.cause IS NOT NULL
CALL (v) { REMOVE v.cause } IN TRANSACTIONS OF 1000 ROWS;

MATCH (s:Signal)
CALL (s) {
    SET s.tags = CASE s.tags WHEN [] THEN null ELSE s.tags END, s.context = nullIf(s.context, '{}')
    REMOVE s.response_id
} IN TRANSACTIONS OF 1000 ROWS;

MATCH (r:Response)
CALL (r) {
    SET r.attributes = nullIf(r.attributes, '{}')
} IN TRANSACTIONS OF 1000 ROWS;

MATCH (e:Evidence {slot: 'response'})
CALL (e) {
    WITH e, left(e.belief, size(e.belief) - size(e.belief_id)) + e.id AS response
    MATCH (:Response {key: response})-[g:GENERATED_BY]->()
    WHERE g.belief = e.belief
    SET g.nats = e.nats, g.observed_us = e.observed_us, g.response_id = e.id
    DELETE e
} IN TRANSACTIONS OF 1000 ROWS;
MATCH (e:Evidence)
CALL (e) { REMOVE e.belief_id } IN TRANSACTIONS OF 1000 ROWS;

// name: version 3
// The versions of the edges of one belief, without those of the user's other beliefs.
CREATE INDEX link_version_ends IF NOT EXISTS FOR (n:LinkVersion) ON (n.user, n.low, n.high, n.seq);
