// Named blocks, parameters only. There is one parameter, the map `$given`: for a list or a text of its own the server
// makes a plan for each class of sizes (0, 1, up to 10, …), and for several a plan for each combination of them.
// `$given.user` is the key of the user, lists of keys are keys of her nodes. Newest first is by descending seq. An
// ORDER BY repeats the property that is fixed, so that the order comes from the index. The hints keep the plans what
// they are: without them, statistics may one day make a scan of all users' nodes look cheaper.

// name: server
CALL dbms.components() YIELD name, versions
WHERE name = 'Neo4j Kernel'
RETURN versions[0] AS version

// name: identity
CALL dbms.info() YIELD id
CALL db.info() YIELD name
RETURN id + '/' + name AS row

// Other nodes are looked for first: where there are ours, the store's node was committed before them. The index shows a
// commit later than the nodes do.
// name: store
WITH EXISTS { MATCH (n) WHERE NOT n:Store OR n.name <> 'beliefgraph' } AS used
OPTIONAL MATCH (s:Store {name: 'beliefgraph'})
RETURN s.version AS version, used

// name: lock store
MERGE (s:Store {name: 'beliefgraph'})
SET s.locked = true
RETURN s.version AS version

// name: set version
MATCH (s:Store {name: 'beliefgraph'})
SET s.version = $given.version

// name: await indexes
CALL db.awaitIndexes($given.timeout_s)

// name: embedding model
MATCH (s:Store {name: 'beliefgraph'})
SET s.locked = true
SET s.embedding_model = coalesce(s.embedding_model, $given.name)
RETURN s.embedding_model AS name

// name: tenants
MATCH (u:User)
USING INDEX SEEK u:User(tenant, id)
WHERE u.tenant > '' AND u.id > ''
RETURN DISTINCT u.tenant AS row ORDER BY row

// name: users
MATCH (u:User)
USING INDEX SEEK u:User(tenant, id)
WHERE u.tenant = $given.tenant AND u.id > $given.after
RETURN u.id AS row ORDER BY u.tenant, u.id LIMIT $given.limit

// The lock is taken by setting a property, and only then is the user's head read: what another writer left is seen.
// A user made here who is not written in the end goes with the transaction. The value changes each time, because the
// server plans the queries that follow once for transactions that have changed something and once for those that have not.
// name: lock
MERGE (u:User {key: $given.user})
ON CREATE SET u.tenant = $given.tenant, u.id = $given.id, u.seq = 0, u.recorded_us = 0
SET u.locked = NOT coalesce(u.locked, false)
RETURN u.seq AS seq, u.recorded_us AS recorded_us, u.tallies AS tallies

// Nearness is exact over all of the user's beliefs. Neo4j's similarity, in single precision, ranks them; of the first
// few the cosine is then summed in double precision, so that every store gives the same to the last decimals.
//
// The whole traversal that an update starts from, under the same lock, in one round trip. Confirmed contradictions are
// followed from all the start at once, each step from what the one before has added: walked from each belief alone, a
// dense web costs as many times as it has beliefs. Such a web is narrow; what lies further than these steps is sparse.
// name: neighbourhood
MERGE (u:User {key: $given.user})
ON CREATE SET u.tenant = $given.tenant, u.id = $given.id, u.seq = 0, u.recorded_us = 0
SET u.locked = NOT coalesce(u.locked, false)
WITH u.seq AS seq, u.recorded_us AS recorded_us, u.tallies AS tallies
CALL (seq) {
    UNWIND $given.vectors AS asked
    CALL (asked) {
        MATCH (b:Belief)
        USING INDEX SEEK b:Belief(user, seq)
        WHERE b.user = $given.user AND b.seq > 0 AND b.vector IS NOT NULL
            AND (NOT $given.live OR coalesce(b.lifecycle, 'open') IN ['open', 'tentative'])
        WITH b, b.vector AS vector, vector.similarity.cosine(b.vector, asked.vector) AS similarity
        ORDER BY similarity DESC, b.id LIMIT $given.candidates
        WITH b, reduce(sum = 0.0, i IN range(0, size(vector) - 1) | sum + vector[i] * asked.vector[i]) AS cosine
        ORDER BY cosine DESC, b.id LIMIT $given.nearest
        RETURN collect({id: b.id, key: b.key, cosine: cosine}) AS found
    }
    RETURN collect({name: asked.name, found: found}) AS nearest
}
CALL (seq) {
    UNWIND $given.responses AS key
    MATCH (r:Response {key: key})
    USING INDEX SEEK r:Response(key)
    RETURN collect(r) AS asked
}
CALL (asked) {
    UNWIND asked AS r
    MATCH (r)-[g:GENERATED_BY]->(b:Belief)
    RETURN collect(DISTINCT b) AS behind,
        collect([r.id, g.position, b.id, g.weight, g.adherence, g.confidence_then, g.nats, g.observed_us]) AS premises
}
CALL (asked) {
    CALL (asked) {
        UNWIND $given.signals AS key
        MATCH (s:Signal {key: key})
        USING INDEX SEEK s:Signal(key)
        RETURN s
      UNION
        UNWIND asked AS r
        UNWIND r.signal_kinds AS kind
        CALL (r, kind) {
            MATCH (s:Signal)
            USING INDEX SEEK s:Signal(response, kind, observed_us, seq)
            WHERE s.response = r.key AND s.kind = kind AND s.observed_us IS NOT NULL AND s.seq > 0
                AND s.retracted_us IS NULL
            RETURN s ORDER BY s.response DESC, s.kind DESC, s.observed_us DESC, s.seq DESC LIMIT 1
        }
        RETURN s
    }
    RETURN collect(s {.*}) AS signals
}
CALL (nearest, behind) {
    CALL (nearest, behind) {
        UNWIND $given.beliefs AS key
        MATCH (b:Belief {key: key})
        USING INDEX SEEK b:Belief(key)
        RETURN b
      UNION
        UNWIND $given.statements AS digest
        MATCH (b:Belief {statement_digest: digest})
        USING INDEX SEEK b:Belief(statement_digest)
        RETURN b
      UNION
        UNWIND behind AS b
        RETURN b
      UNION
        UNWIND nearest AS of
        UNWIND of.found AS near
        MATCH (b:Belief {key: near.key})
        USING INDEX SEEK b:Belief(key)
        RETURN b
    }
    RETURN collect(b) AS start
}
WITH *, reduce(walk = {all: start, from: 0}, step IN range(1, 8) | {
    all: walk.all + COLLECT {
        UNWIND walk.all[walk.from..] AS x
        MATCH (x)-[:CONTRADICTS {status: 'confirmed'}]-(y:Belief) WHERE NOT y IN walk.all
        RETURN DISTINCT y
    },
    from: size(walk.all)
}) AS walk
CALL (start, walk) {
    CALL (start, walk) {
        UNWIND walk.all AS reached
        RETURN reached
      UNION
        UNWIND walk.all[walk.from..] AS b
        MATCH (b)-[:CONTRADICTS* {status: 'confirmed'}]-(reached:Belief)
        RETURN DISTINCT reached
      UNION
        UNWIND reduce(walked = start, step IN range(1, $given.steps) | reduce(wider = walked, x IN walked |
            wider + [(x)-[:CONTRADICTS]-(y:Belief) WHERE NOT y IN wider | y])) AS reached
        RETURN reached
      UNION
        UNWIND start AS b
        WITH b WHERE $given.steps > 0
        CALL (b) {
            MATCH (r:Response)-[g:GENERATED_BY]->()
            USING INDEX SEEK g:GENERATED_BY(belief, response_seq)
            WHERE g.belief = b.key AND g.response_seq > 0
            RETURN r ORDER BY g.belief DESC, g.response_seq DESC LIMIT 50
        }
        MATCH (r)-[:GENERATED_BY]->(reached:Belief)
        RETURN reached
    }
    RETURN collect(reached) AS reached
}
CALL (reached) {
    UNWIND reached AS low
    MATCH (low)-[l:CONTRADICTS|DUPLICATES]->(high:Belief)
    WHERE high IN reached
    RETURN collect(l {.*}) AS links
}
RETURN seq, recorded_us, tallies, nearest, premises, signals, links, [r IN asked | r {.*}] AS responses, [b IN reached | b {
    .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
    .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
}] AS beliefs

// name: nearest
MATCH (b:Belief)
USING INDEX SEEK b:Belief(user, seq)
WHERE b.user = $given.user AND b.seq > 0 AND b.vector IS NOT NULL AND b.recorded_us <= $given.as_of
WITH b, b.vector AS vector, vector.similarity.cosine(b.vector, $given.vector) AS similarity
ORDER BY similarity DESC, b.id LIMIT $given.candidates
WITH b, reduce(sum = 0.0, i IN range(0, size(vector) - 1) | sum + vector[i] * $given.vector[i]) AS cosine
ORDER BY cosine DESC, b.id LIMIT $given.limit
RETURN {id: b.id, cosine: cosine} AS row

// name: beliefs
MATCH (b:Belief)
USING INDEX SEEK b:Belief(user, seq)
WHERE b.user = $given.user AND b.seq < $given.before AND b.recorded_us <= $given.as_of
RETURN b {
    .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
    .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
} AS row
ORDER BY b.user DESC, b.seq DESC LIMIT $given.limit

// name: beliefs by key
UNWIND $given.keys AS key
MATCH (b:Belief {key: key})
USING INDEX SEEK b:Belief(key)
WHERE b.seq < $given.before AND b.recorded_us <= $given.as_of
RETURN b {
    .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
    .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
} AS row
ORDER BY b.seq DESC LIMIT $given.limit

// name: vectors
MATCH (b:Belief)
USING INDEX SEEK b:Belief(user, seq)
WHERE b.user = $given.user AND b.seq > 0 AND b.vector IS NOT NULL
RETURN {id: b.id, vector_key: b.vector_key, vector: b.vector} AS row

// name: first belief
MATCH (b:Belief)
USING INDEX SEEK b:Belief(user, seq)
WHERE b.user = $given.user AND b.seq > 0
RETURN b.recorded_us AS row ORDER BY b.user, b.seq LIMIT 1

// What changed since, under the lock, in one round trip; the vectors of new beliefs alone, since a vector never changes.
// name: news
MERGE (u:User {key: $given.user})
ON CREATE SET u.tenant = $given.tenant, u.id = $given.id, u.seq = 0, u.recorded_us = 0
SET u.locked = NOT coalesce(u.locked, false)
WITH u.seq AS seq, u.recorded_us AS recorded_us, u.tallies AS tallies
CALL (seq) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(user, seq)
    WHERE v.user = $given.user AND v.seq > $given.after
    WITH DISTINCT v.belief AS key
    MATCH (b:Belief {key: key})
    USING INDEX SEEK b:Belief(key)
    RETURN collect(b {
        .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
        .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context, vector: CASE WHEN b.seq > $given.after THEN b.vector END
    }) AS beliefs
}
CALL (seq) {
    MATCH (l:LinkVersion)
    USING INDEX SEEK l:LinkVersion(user, seq)
    WHERE l.user = $given.user AND l.seq > $given.after
    WITH l ORDER BY l.user, l.seq
    RETURN collect(l {.*}) AS links
}
CALL (seq) {
    MATCH (b:Belief)
    USING INDEX SEEK b:Belief(user, seq)
    WHERE b.user = $given.user AND b.seq > 0
    WITH b ORDER BY b.user, b.seq LIMIT 1
    RETURN collect(b.recorded_us) AS first
}
RETURN seq, recorded_us, tallies, beliefs, links, first

// name: states as of
UNWIND $given.keys AS key
CALL (key) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(belief, seq)
    WHERE v.belief = key AND v.seq > 0 AND v.recorded_us <= $given.as_of
    RETURN v ORDER BY v.belief DESC, v.seq DESC LIMIT 1
}
RETURN v {.*} AS row

// name: responses
MATCH (r:Response)
USING INDEX SEEK r:Response(user, seq)
WHERE r.user = $given.user AND r.seq < $given.before AND r.recorded_us <= $given.as_of
WITH r ORDER BY r.user DESC, r.seq DESC LIMIT $given.limit
RETURN r {.*, premises: COLLECT {
    MATCH (r)-[g:GENERATED_BY]->(b:Belief)
    RETURN [b.id, g.weight, g.adherence, g.confidence_then] ORDER BY g.position
}} AS row

// name: responses by key
UNWIND $given.keys AS key
MATCH (r:Response {key: key})
USING INDEX SEEK r:Response(key)
WHERE r.seq < $given.before AND r.recorded_us <= $given.as_of
WITH r ORDER BY r.seq DESC LIMIT $given.limit
RETURN r {.*, premises: COLLECT {
    MATCH (r)-[g:GENERATED_BY]->(b:Belief)
    RETURN [b.id, g.weight, g.adherence, g.confidence_then] ORDER BY g.position
}} AS row

// name: signals
MATCH (s:Signal)
USING INDEX SEEK s:Signal(user, seq)
WHERE s.user = $given.user AND s.seq < $given.before AND s.recorded_us <= $given.as_of
    AND ($given.kinds IS NULL OR s.kind IN $given.kinds)
RETURN s {.*} AS row
ORDER BY s.user DESC, s.seq DESC LIMIT $given.limit

// name: signals by key
UNWIND $given.keys AS key
MATCH (s:Signal {key: key})
USING INDEX SEEK s:Signal(key)
WHERE s.seq < $given.before AND s.recorded_us <= $given.as_of
    AND ($given.kinds IS NULL OR s.kind IN $given.kinds)
RETURN s {.*} AS row
ORDER BY s.seq DESC LIMIT $given.limit

// All in one row, which takes half as long as rows of their own.
// name: signals about
MATCH (s:Signal)
USING INDEX SEEK s:Signal(response, kind, observed_us, seq)
WHERE s.response IN $given.responses AND s.kind IS NOT NULL AND s.observed_us IS NOT NULL AND s.seq < $given.before
    AND s.recorded_us <= $given.as_of
    AND ($given.kinds IS NULL OR s.kind IN $given.kinds)
WITH s ORDER BY s.seq DESC LIMIT $given.limit
RETURN collect(properties(s)) AS row

// name: words
MATCH (b:Belief {key: $given.belief})
USING INDEX SEEK b:Belief(key)
UNWIND b.word_slots AS slot
CALL (b, slot) {
    MATCH (e:Evidence)
    USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
    WHERE e.belief = b.key AND e.slot = slot AND e.observed_us IS NOT NULL AND e.id > ''
        AND NOT e.id IN $given.excluding
    RETURN e ORDER BY e.belief DESC, e.slot DESC, e.observed_us DESC, e.id DESC LIMIT 1
}
RETURN e {.*} AS row
ORDER BY e.observed_us DESC, e.id DESC

// What a belief inherited lies on nodes and comes first, in full; then what its own responses say, newest first, read no
// further than it is wanted.
// name: inferred
CALL () {
    MATCH (e:Evidence)
    USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
    WHERE e.belief = $given.belief AND e.slot = 'response' AND e.observed_us IS NOT NULL AND e.id > ''
    WITH e ORDER BY e.belief DESC, e.slot DESC, e.observed_us DESC, e.id DESC
    RETURN collect([e.id, e.nats, e.observed_us]) AS row
  UNION ALL
    MATCH ()-[g:GENERATED_BY]->()
    USING INDEX SEEK g:GENERATED_BY(belief, observed_us, response_id)
    WHERE g.belief = $given.belief AND g.observed_us IS NOT NULL AND g.response_id > ''
    RETURN [g.response_id, g.nats, g.observed_us] AS row
    ORDER BY g.belief DESC, g.observed_us DESC, g.response_id DESC
}
RETURN row

// A belief, its items and edges and who lies beside it, under the lock, in one round trip. Inferred items come as columns,
// newest first: a thousand rows of their own take ten times as long.
// name: account
MERGE (u:User {key: $given.user})
ON CREATE SET u.tenant = $given.tenant, u.id = $given.id, u.seq = 0, u.recorded_us = 0
SET u.locked = NOT coalesce(u.locked, false)
WITH u.seq AS seq, u.recorded_us AS recorded_us, u.tallies AS tallies
OPTIONAL MATCH (b:Belief {key: $given.belief})
USING INDEX SEEK b:Belief(key)
CALL (b) {
    UNWIND b.word_slots AS slot
    CALL (b, slot) {
        MATCH (e:Evidence)
        USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
        WHERE e.belief = b.key AND e.slot = slot AND e.observed_us IS NOT NULL AND e.id > ''
        RETURN e ORDER BY e.belief DESC, e.slot DESC, e.observed_us DESC, e.id DESC LIMIT 1
    }
    WITH e ORDER BY e.observed_us DESC, e.id DESC
    RETURN collect(e {.*}) AS words
}
CALL (b) {
    MATCH (e:Evidence)
    USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
    WHERE e.belief = b.key AND e.slot = 'response' AND e.observed_us IS NOT NULL AND e.id > ''
    RETURN collect([e.observed_us, e.id, e.nats]) AS inherited
}
CALL (b) {
    MATCH ()-[g:GENERATED_BY]->()
    USING INDEX SEEK g:GENERATED_BY(belief, observed_us, response_id)
    WHERE g.belief = b.key AND g.observed_us IS NOT NULL AND g.response_id > ''
    WITH g ORDER BY g.belief DESC, g.observed_us DESC, g.response_id DESC
    RETURN collect(g.response_id) AS ids, collect(g.nats) AS nats, collect(g.observed_us) AS observed
}
CALL (b) {
    MATCH (b)-[l:CONTRADICTS]-(:Belief)
    RETURN collect(l {.*}) AS links
}
CALL (b) {
    CALL (b) {
        MATCH (b)-[:CONTRADICTS]-(o:Belief)
        RETURN o
      UNION
        MATCH (b)-[:SPAWNED_FROM]->(o:Belief)
        RETURN o
    }
    RETURN collect(o {
        .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
        .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
    }) AS others
}
CALL (b) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(belief, seq)
    WHERE v.belief = b.key AND v.seq > 0
    WITH v ORDER BY v.belief, v.seq LIMIT 1
    RETURN collect(v.reason) AS opened
}
RETURN seq, recorded_us, tallies, words, inherited, ids, nats, observed, links, others, opened, b {
        .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
        .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
} AS belief

// The same as it stood: the states that the last revisions up to then left, and everything that the belief's revisions
// did to its items, as columns, for the caller to replay.
// name: account as of
MERGE (u:User {key: $given.user})
ON CREATE SET u.tenant = $given.tenant, u.id = $given.id, u.seq = 0, u.recorded_us = 0
SET u.locked = NOT coalesce(u.locked, false)
WITH u.seq AS seq, u.recorded_us AS recorded_us, u.tallies AS tallies
OPTIONAL MATCH (b:Belief {key: $given.belief})
USING INDEX SEEK b:Belief(key)
CALL (b) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(belief, seq)
    WHERE v.belief = b.key AND v.seq > 0 AND v.recorded_us <= $given.as_of
    WITH v ORDER BY v.belief, v.seq
    RETURN collect(coalesce(v.item_slot, '')) AS slots, collect(coalesce(v.item_id, '')) AS ids,
        collect(coalesce(v.item_nats, 0.0)) AS nats, collect(coalesce(v.item_observed_us, 0)) AS observed,
        collect(coalesce(v.removed, false)) AS removed, collect(coalesce(v.reread, '[]')) AS reread
}
CALL (b) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(belief, seq)
    WHERE v.belief = b.key AND v.seq > 0
    WITH v ORDER BY v.belief, v.seq LIMIT 1
    RETURN collect(v.reason) AS opened
}
CALL (b) {
    MATCH (b)-[l:CONTRADICTS]-(o:Belief)
    CALL (l) {
        MATCH (v:LinkVersion)
        USING INDEX SEEK v:LinkVersion(user, low, high, seq)
        WHERE v.user = $given.user AND v.low = l.low AND v.high = l.high AND v.seq > 0 AND v.kind = l.kind
            AND v.recorded_us <= $given.as_of
        RETURN v ORDER BY v.user DESC, v.low DESC, v.high DESC, v.seq DESC LIMIT 1
    }
    RETURN collect(v {.*}) AS links, collect(o) AS ends
}
CALL (b, ends) {
    OPTIONAL MATCH (b)-[:SPAWNED_FROM]->(p:Belief)
    UNWIND ends + [b, p] AS o
    WITH DISTINCT o WHERE o IS NOT NULL
    CALL (o) {
        MATCH (v:Revision)
        USING INDEX SEEK v:Revision(belief, seq)
        WHERE v.belief = o.key AND v.seq > 0 AND v.recorded_us <= $given.as_of
        RETURN v ORDER BY v.belief DESC, v.seq DESC LIMIT 1
    }
    RETURN collect({
        belief: o {
            .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
            .vector_key, .ordinal, .revised_us, .sums, .newest_id, .lifecycle, .context
        },
        left: v {.ordinal, .recorded_us, .sums, .newest_id, .lifecycle, .context}
    }) AS beliefs
}
RETURN seq, recorded_us, tallies, slots, ids, nats, observed, removed, reread, opened, links, beliefs

// name: revisions
MATCH (v:Revision)
USING INDEX SEEK v:Revision(user, seq)
WHERE v.user = $given.user AND v.seq > $given.after AND v.recorded_us <= $given.as_of
RETURN v {.*} AS row
ORDER BY v.user, v.seq LIMIT $given.limit

// name: revisions of belief
MATCH (v:Revision)
USING INDEX SEEK v:Revision(belief, seq)
WHERE v.belief = $given.belief AND v.seq > $given.after AND v.recorded_us <= $given.as_of
RETURN v {.*} AS row
ORDER BY v.belief, v.seq LIMIT $given.limit

// A signal has its revisions around it; other causes are no nodes, and found by an index.
// name: revisions by cause
CALL () {
    MATCH (s:Signal {key: $given.cause})<-[:CAUSED_BY]-(v:Revision)
    USING INDEX SEEK s:Signal(key)
    RETURN v
  UNION
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(cause, seq)
    WHERE v.cause = $given.cause AND v.seq > $given.after
    RETURN v
}
WITH v
WHERE v.seq > $given.after AND v.recorded_us <= $given.as_of
RETURN v {.*} AS row
ORDER BY v.seq LIMIT $given.limit

// name: latest revisions
UNWIND $given.keys AS key
CALL (key) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(belief, seq)
    WHERE v.belief = key AND v.seq < $given.before AND v.recorded_us <= $given.as_of
    RETURN v ORDER BY v.belief DESC, v.seq DESC LIMIT $given.limit
}
RETURN v {.*} AS row
ORDER BY v.seq DESC

// name: revision before
MATCH (v:Revision)
USING INDEX SEEK v:Revision(belief, seq)
WHERE v.belief = $given.belief AND v.seq < $given.seq
RETURN v {.*} AS row
ORDER BY v.belief DESC, v.seq DESC LIMIT 1

// name: link versions
MATCH (l:LinkVersion)
USING INDEX SEEK l:LinkVersion(user, seq)
WHERE l.user = $given.user AND l.seq > 0 AND l.kind IN $given.kinds AND l.recorded_us <= $given.as_of
RETURN l {.*} AS row
ORDER BY l.user, l.seq

// An edge is never taken away, so that those of a belief lead to every version of it.
// name: links of
UNWIND $given.keys AS key
MATCH (b:Belief {key: key})
USING INDEX SEEK b:Belief(key)
MATCH (b)-[l:CONTRADICTS|DUPLICATES]-(:Belief)
WHERE l.kind IN $given.kinds
WITH DISTINCT l
CALL (l) {
    MATCH (v:LinkVersion)
    USING INDEX SEEK v:LinkVersion(user, low, high, seq)
    WHERE v.user = $given.user AND v.low = l.low AND v.high = l.high AND v.seq > 0 AND v.kind = l.kind
        AND v.recorded_us <= $given.as_of
    RETURN v ORDER BY v.user DESC, v.low DESC, v.high DESC, v.seq DESC LIMIT 1
}
RETURN v {.*} AS row
ORDER BY v.seq

// What is there for people who look at the graph and is read by nothing else: the edges that lead away from each node, but
// for GENERATED_BY, and a few properties.
// name: shown
MATCH (u:User {key: $given.user})
USING INDEX SEEK u:User(key)
CALL (u) {
    RETURN 'user' AS record, u {} AS properties, u AS n
  UNION ALL
    MATCH (b:Belief)
    USING INDEX SEEK b:Belief(user, seq)
    WHERE b.user = $given.user AND b.seq > 0
    RETURN 'belief ' + b.id AS record, b {.confidence, .standing, .support, .opposition} AS properties, b AS n
  UNION ALL
    MATCH (s:Signal)
    USING INDEX SEEK s:Signal(user, seq)
    WHERE s.user = $given.user AND s.seq > 0
    RETURN 'signal ' + s.id AS record, s {} AS properties, s AS n
  UNION ALL
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(user, seq)
    WHERE v.user = $given.user AND v.seq > 0
    RETURN 'revision rev_' + v.seq AS record, v {} AS properties, v AS n
}
RETURN [record, properties, COLLECT {
    MATCH (n)-[e:HOLDS|SPAWNED_FROM|OBSERVED_IN|ABOUT|REVISES|CAUSED_BY|CONTRADICTS|DUPLICATES]->(o)
    RETURN [type(e), o.key, properties(e)]
}] AS row

// Everything of one unit of work. What comes in numbers is given as columns (`count` rows, a list for each property,
// null where nobody has it), so that a property's name is sent once and not with every row. Revisions come in runs with
// one cause. The beliefs that are referred to (`touched`) are found
// once; `place` is where one stands among them. Each part counts what it wrote; the store compares that with what it
// asked for, so that a reference to what this user does not have takes the whole unit back.
// name: save
MATCH (u:User {key: $given.user})
USING INDEX SEEK u:User(key)
SET u.seq = $given.seq, u.recorded_us = $given.recorded_us, u.tallies = $given.tallies
WITH u
CALL (u) {
    WITH u, $given.beliefs AS c
    UNWIND range(0, c.count - 1) AS i
    CREATE (u)-[:HOLDS]->(:Belief {
        user: $given.user, key: c.key[i], id: c.id[i], seq: c.seq[i], statement: c.statement[i],
        statement_key: c.statement_key[i], statement_digest: c.statement_digest[i],
        source: c.source[i], kind: c.kind[i], created_us: c.created_us[i],
        recorded_us: c.recorded_us[i], parent_id: c.parent_id[i], origin_id: c.origin_id[i],
        vector_key: c.vector_key[i], vector: c.vector[i], ordinal: c.ordinal[i],
        revised_us: c.revised_us[i], sums: c.sums[i], newest_id: c.newest_id[i],
        lifecycle: c.lifecycle[i], context: c.context[i]
    })
}
CALL (u) {
    UNWIND $given.touched AS key
    MATCH (b:Belief {key: key})
    USING INDEX SEEK b:Belief(key)
    RETURN collect(b) AS touched
}
CALL (touched) {
    WITH touched, $given.responses AS c
    UNWIND range(0, c.count - 1) AS i
    CREATE (r:Response {
        user: $given.user, key: c.key[i], id: c.id[i], seq: c.seq[i], text: c.text[i],
        attributes: c.attributes[i], habits: c.habits[i], observed_us: c.observed_us[i], recorded_us: c.recorded_us[i]
    })
    WITH touched, r, c.seq[i] AS seq, c.premises[i] AS premises
    UNWIND premises AS premise
    WITH r, seq, premise, touched[premise.place] AS b
    WHERE b IS NOT NULL
    CREATE (r)-[:GENERATED_BY {
        belief: premise.belief, response_seq: seq, position: premise.position, weight: premise.weight,
        adherence: premise.adherence, confidence_then: premise.confidence_then
    }]->(b)
}
CALL (u) {
    WITH $given.signals AS c
    UNWIND range(0, c.count - 1) AS i
    OPTIONAL MATCH (r:Response {key: c.response[i]})
    USING INDEX SEEK r:Response(key)
    OPTIONAL MATCH (b:Belief {key: c.belief[i]})
    USING INDEX SEEK b:Belief(key)
    CREATE (s:Signal {
        user: $given.user, key: c.key[i], id: c.id[i], seq: c.seq[i], kind: c.kind[i],
        value: c.value[i], text: c.text[i], tags: c.tags[i], response: c.response[i],
        belief_id: c.belief_id[i], context: c.context[i], observed_us: c.observed_us[i],
        recorded_us: c.recorded_us[i], retracted_us: c.retracted_us[i], note: c.note[i],
        retraction_note: c.retraction_note[i], interpretation: c.interpretation[i]
    })
    FOREACH (about IN CASE WHEN r IS NULL THEN [] ELSE [r] END | CREATE (s)-[:ABOUT]->(about))
    FOREACH (about IN CASE WHEN b IS NULL THEN [] ELSE [b] END | CREATE (s)-[:ABOUT]->(about))
    FOREACH (kind IN CASE WHEN c.kind[i] IN r.signal_kinds THEN [] ELSE [c.kind[i]] END |
        SET r.signal_kinds = coalesce(r.signal_kinds, []) + kind)
    RETURN count(r) + count(b) AS about
}
CALL (u) {
    UNWIND $given.parents AS row
    MATCH (b:Belief {key: row.belief})
    USING INDEX SEEK b:Belief(key)
    MATCH (parent:Belief {key: row.parent})
    USING INDEX SEEK parent:Belief(key)
    CREATE (b)-[:SPAWNED_FROM]->(parent)
    RETURN count(*) AS parents
}
CALL (u) {
    UNWIND $given.origins AS row
    MATCH (b:Belief {key: row.belief})
    USING INDEX SEEK b:Belief(key)
    MATCH (origin:Signal {key: row.origin})
    USING INDEX SEEK origin:Signal(key)
    CREATE (b)-[:SPAWNED_FROM]->(origin)
    RETURN count(*) AS origins
}
CALL (u) {
    UNWIND $given.retracted AS row
    MATCH (s:Signal {key: row.signal})
    USING INDEX SEEK s:Signal(key)
    WHERE s.retracted_us IS NULL
    SET s.retracted_us = $given.recorded_us, s.retraction_note = row.note
    RETURN count(*) AS retracted
}
CALL (u) {
    UNWIND $given.retracted AS row
    MATCH (s:Signal {key: row.signal})<-[o:OBSERVED_IN]-(:Belief)
    USING INDEX SEEK s:Signal(key)
    DELETE o
}
CALL (u) {
    UNWIND $given.links AS row
    MATCH (low:Belief {key: row.low})
    USING INDEX SEEK low:Belief(key)
    MATCH (high:Belief {key: row.high})
    USING INDEX SEEK high:Belief(key)
    CREATE (l:LinkVersion)
    SET l = row.version
    RETURN count(*) AS links
}
CALL (u) {
    UNWIND $given.contradictions AS row
    MATCH (low:Belief {key: row.low})
    USING INDEX SEEK low:Belief(key)
    MATCH (high:Belief {key: row.high})
    USING INDEX SEEK high:Belief(key)
    MERGE (low)-[l:CONTRADICTS]->(high)
    SET l = row.edge
}
CALL (u) {
    UNWIND $given.duplicates AS row
    MATCH (low:Belief {key: row.low})
    USING INDEX SEEK low:Belief(key)
    MATCH (high:Belief {key: row.high})
    USING INDEX SEEK high:Belief(key)
    MERGE (low)-[l:DUPLICATES]->(high)
    SET l = row.edge
}
CALL (touched) {
    UNWIND $given.causes AS cause
    OPTIONAL MATCH (s:Signal {key: cause.signal})
    USING INDEX SEEK s:Signal(key)
    WITH touched, s, cause, $given.revisions AS c
    UNWIND range(cause.first, cause.last) AS i
    WITH s, cause, c, i, touched[c.place[i]] AS b
    WHERE b IS NOT NULL
    CREATE (v:Revision {
        user: $given.user, seq: c.seq[i], belief: c.belief[i], ordinal: c.ordinal[i],
        before: c.before[i], after: c.after[i], nats: c.nats[i], action: c.action[i],
        reason: c.reason[i], cause: CASE WHEN s IS NULL THEN cause.key END, cause_kind: cause.kind,
        cause_id: cause.id, parameters_version: cause.parameters_version, recorded_us: cause.recorded_us,
        item_slot: c.item_slot[i], item_id: c.item_id[i], item_nats: c.item_nats[i],
        item_observed_us: c.item_observed_us[i], removed: c.removed[i], reread: c.reread[i],
        sums: c.sums[i], newest_id: c.newest_id[i], lifecycle: c.lifecycle[i], context: c.context[i]
    })-[:REVISES]->(b)
    FOREACH (signal IN CASE WHEN s IS NULL THEN [] ELSE [s] END | CREATE (v)-[:CAUSED_BY]->(signal))
    FOREACH (signal IN CASE WHEN s IS NOT NULL AND c.observed[i] THEN [s] ELSE [] END |
        CREATE (b)-[:OBSERVED_IN]->(signal))
    RETURN count(*) AS revisions
}
CALL (touched) {
    UNWIND $given.revised AS row
    WITH row, touched[row.place] AS b
    WHERE b IS NOT NULL
    SET b += row.state
    FOREACH (slot IN [slot IN row.word_slots WHERE NOT slot IN coalesce(b.word_slots, [])] |
        SET b.word_slots = coalesce(b.word_slots, []) + slot)
}
CALL (u) {
    UNWIND $given.heard AS row
    OPTIONAL MATCH (r:Response {key: row.response})-[g:GENERATED_BY]->()
    USING INDEX SEEK r:Response(key)
    WHERE row.items[g.belief] IS NOT NULL
    SET g.nats = row.items[g.belief][0], g.observed_us = row.items[g.belief][1], g.response_id = row.id
    WITH row, collect(g.belief) AS there
    UNWIND [belief IN keys(row.items) WHERE NOT belief IN there] AS belief
    MERGE (e:Evidence {key: belief + '/response/' + row.id})
    SET e.belief = belief, e.slot = 'response', e.id = row.id, e.nats = row.items[belief][0],
        e.observed_us = row.items[belief][1]
}
CALL (u) {
    UNWIND $given.said AS row
    MERGE (e:Evidence {key: row.key})
    SET e = row
}
CALL (u) {
    UNWIND $given.removed AS row
    OPTIONAL MATCH (e:Evidence {key: row.key})
    USING INDEX SEEK e:Evidence(key)
    DELETE e
    WITH row
    MATCH (r:Response {key: row.response})-[g:GENERATED_BY]->()
    USING INDEX SEEK r:Response(key)
    WHERE g.belief = row.belief
    REMOVE g.nats, g.observed_us, g.response_id
}
RETURN size(touched) AS touched, about, parents, origins, retracted, links, revisions

// name: erase
MATCH (u:User {key: $given.user})
USING INDEX SEEK u:User(key)
SET u.locked = NOT coalesce(u.locked, false)
WITH u
CALL (u) {
    MATCH (b:Belief)
    USING INDEX SEEK b:Belief(user, seq)
    WHERE b.user = $given.user AND b.seq > 0
    MATCH (e:Evidence)
    USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
    WHERE e.belief = b.key AND e.slot > '' AND e.observed_us IS NOT NULL AND e.id > ''
    DELETE e
}
CALL (u) {
    MATCH (v:Revision)
    USING INDEX SEEK v:Revision(user, seq)
    WHERE v.user = $given.user AND v.seq > 0
    DETACH DELETE v
    RETURN count(*) AS revisions
}
CALL (u) {
    MATCH (l:LinkVersion)
    USING INDEX SEEK l:LinkVersion(user, seq)
    WHERE l.user = $given.user AND l.seq > 0
    DETACH DELETE l
    RETURN count(*) AS links
}
CALL (u) {
    MATCH (s:Signal)
    USING INDEX SEEK s:Signal(user, seq)
    WHERE s.user = $given.user AND s.seq > 0
    DETACH DELETE s
    RETURN count(*) AS signals
}
CALL (u) {
    MATCH (r:Response)
    USING INDEX SEEK r:Response(user, seq)
    WHERE r.user = $given.user AND r.seq > 0
    DETACH DELETE r
    RETURN count(*) AS responses
}
CALL (u) {
    MATCH (b:Belief)
    USING INDEX SEEK b:Belief(user, seq)
    WHERE b.user = $given.user AND b.seq > 0
    DETACH DELETE b
    RETURN count(*) AS beliefs
}
DETACH DELETE u
RETURN beliefs, responses, signals, revisions, links
