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
