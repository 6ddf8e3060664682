// Named blocks, parameters only. There is one parameter, the map `$given`: for a list or a text of its own the server
// makes a plan for each class of sizes (0, 1, up to 10, …), and for several a plan for each combination of them.
// `$given.user` is the key of the user, lists of keys are keys of her nodes. Newest first is by descending seq. An
// ORDER BY repeats the property that is fixed, so that the order comes from the index. The hints keep the plans what
// they are: without them, statistics may one day make a scan of all users' nodes look cheaper.

// name: server
CALL dbms.components() YIELD name, versions
WHERE name = 'Neo4j Kernel'
RETURN versions[0] AS version

// name: store
OPTIONAL MATCH (s:Store {name: 'beliefgraph'})
RETURN s.version AS version, EXISTS { MATCH () } AS used

// name: set version
MERGE (s:Store {name: 'beliefgraph'})
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
// The whole traversal that an update starts from, under the same lock, in one round trip.
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
    OPTIONAL MATCH (e:Evidence {key: b.key + '/response/' + r.id})
    USING INDEX SEEK e:Evidence(key)
    RETURN collect(DISTINCT b) AS behind, collect(e {.*}) AS items,
        collect([r.id, g.position, b.id, g.weight, g.adherence, g.confidence_then]) AS premises
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
CALL (start) {
    CALL (start) {
        UNWIND start AS b
        MATCH (b)-[:CONTRADICTS* {status: 'confirmed'}]-(reached:Belief)
        RETURN DISTINCT reached
      UNION
        UNWIND start AS b
        UNWIND reduce(walked = [b], step IN range(1, $given.steps) | reduce(wider = walked, x IN walked |
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
RETURN seq, recorded_us, tallies, nearest, premises, items, signals, links, [r IN asked | r {.*}] AS responses, [b IN reached | b {
    .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
    .vector_key, .ordinal, .revised_us, .base, .half_life_days, .memory_nats, .reference_us, .direct_for,
    .direct_against, .inferred_for, .inferred_against, .spoken, .newest_us, .newest_id, .conflict, .lifecycle, .context,
    .session_nats, .heard_for, .heard_against, .change_nats, .up_for, .up_against,
    .down_for, .down_against, .practice_nats
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
    .vector_key, .ordinal, .revised_us, .base, .half_life_days, .memory_nats, .reference_us, .direct_for,
    .direct_against, .inferred_for, .inferred_against, .spoken, .newest_us, .newest_id, .conflict, .lifecycle, .context,
    .session_nats, .heard_for, .heard_against, .change_nats, .up_for, .up_against,
    .down_for, .down_against, .practice_nats
} AS row
ORDER BY b.user DESC, b.seq DESC LIMIT $given.limit

// name: beliefs by key
UNWIND $given.keys AS key
MATCH (b:Belief {key: key})
USING INDEX SEEK b:Belief(key)
WHERE b.seq < $given.before AND b.recorded_us <= $given.as_of
RETURN b {
    .id, .seq, .statement, .statement_key, .source, .kind, .created_us, .recorded_us, .parent_id, .origin_id,
    .vector_key, .ordinal, .revised_us, .base, .half_life_days, .memory_nats, .reference_us, .direct_for,
    .direct_against, .inferred_for, .inferred_against, .spoken, .newest_us, .newest_id, .conflict, .lifecycle, .context,
    .session_nats, .heard_for, .heard_against, .change_nats, .up_for, .up_against,
    .down_for, .down_against, .practice_nats
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
        .vector_key, .ordinal, .revised_us, .base, .half_life_days, .memory_nats, .reference_us, .direct_for,
        .direct_against, .inferred_for, .inferred_against, .spoken, .newest_us, .newest_id, .conflict, .lifecycle,
        .context, .session_nats, .heard_for, .heard_against, .change_nats, .up_for, .up_against,
    .down_for, .down_against, .practice_nats, vector: CASE WHEN b.seq > $given.after THEN b.vector END
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

// name: signals about
UNWIND $given.responses AS key
MATCH (r:Response {key: key})
USING INDEX SEEK r:Response(key)
UNWIND r.signal_kinds AS kind
MATCH (s:Signal)
USING INDEX SEEK s:Signal(response, kind, observed_us, seq)
WHERE s.response = r.key AND s.kind = kind AND s.observed_us IS NOT NULL AND s.seq < $given.before
    AND s.recorded_us <= $given.as_of
    AND ($given.kinds IS NULL OR s.kind IN $given.kinds)
RETURN s {.*} AS row
ORDER BY s.seq DESC LIMIT $given.limit

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

// name: inferred
MATCH (e:Evidence)
USING INDEX SEEK e:Evidence(belief, slot, observed_us, id)
WHERE e.belief = $given.belief AND e.slot = 'response' AND e.observed_us IS NOT NULL AND e.id > ''
RETURN e {.*} AS row
ORDER BY e.belief DESC, e.slot DESC, e.observed_us DESC, e.id DESC

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

// name: revisions by cause
MATCH (v:Revision)
USING INDEX SEEK v:Revision(cause, seq)
WHERE v.cause = $given.cause AND v.seq > $given.after AND v.recorded_us <= $given.as_of
RETURN v {.*} AS row
ORDER BY v.cause, v.seq LIMIT $given.limit

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

// Everything of one unit of work. What comes in numbers is given as columns (`count` rows, a list for each property),
// so that a property's name is sent once and not with every row. Each part counts what it wrote; the store compares that
// with what it asked for, so that a reference to what this user does not have takes the whole unit back.
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
        revised_us: c.revised_us[i], word_slots: c.word_slots[i], base: c.base[i],
        half_life_days: c.half_life_days[i], memory_nats: c.memory_nats[i],
        reference_us: c.reference_us[i], direct_for: c.direct_for[i],
        direct_against: c.direct_against[i], inferred_for: c.inferred_for[i],
        inferred_against: c.inferred_against[i], spoken: c.spoken[i], newest_us: c.newest_us[i],
        newest_id: c.newest_id[i], conflict: c.conflict[i], lifecycle: c.lifecycle[i],
        context: c.context[i], session_nats: c.session_nats[i], heard_for: c.heard_for[i],
        heard_against: c.heard_against[i], change_nats: c.change_nats[i], up_for: c.up_for[i],
        up_against: c.up_against[i], down_for: c.down_for[i], down_against: c.down_against[i],
        practice_nats: c.practice_nats[i]
    })
}
CALL (u) {
    WITH $given.responses AS c
    UNWIND range(0, c.count - 1) AS i
    CREATE (:Response {
        user: $given.user, key: c.key[i], id: c.id[i], seq: c.seq[i], text: c.text[i],
        attributes: c.attributes[i], habits: c.habits[i], observed_us: c.observed_us[i], recorded_us: c.recorded_us[i],
        signal_kinds: []
    })
}
CALL (u) {
    WITH $given.signals AS c
    UNWIND range(0, c.count - 1) AS i
    CREATE (:Signal {
        user: $given.user, key: c.key[i], id: c.id[i], seq: c.seq[i], kind: c.kind[i],
        value: c.value[i], text: c.text[i], tags: c.tags[i], response_id: c.response_id[i],
        response: c.response[i], belief_id: c.belief_id[i], context: c.context[i],
        observed_us: c.observed_us[i], recorded_us: c.recorded_us[i],
        retracted_us: c.retracted_us[i], note: c.note[i], retraction_note: c.retraction_note[i],
        interpretation: c.interpretation[i]
    })
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
    WITH $given.premises AS c
    UNWIND range(0, c.count - 1) AS i
    MATCH (r:Response {key: c.response[i]})
    USING INDEX SEEK r:Response(key)
    MATCH (b:Belief {key: c.belief[i]})
    USING INDEX SEEK b:Belief(key)
    CREATE (r)-[:GENERATED_BY {
        belief: b.key, response_seq: r.seq, position: c.position[i], weight: c.weight[i], adherence: c.adherence[i],
        confidence_then: c.confidence_then[i]
    }]->(b)
    RETURN count(*) AS premises
}
CALL (u) {
    UNWIND $given.about_responses AS row
    MATCH (s:Signal {key: row.signal})
    USING INDEX SEEK s:Signal(key)
    MATCH (r:Response {key: row.response})
    USING INDEX SEEK r:Response(key)
    CREATE (s)-[:ABOUT]->(r)
    SET r.signal_kinds = [kind IN r.signal_kinds WHERE kind <> row.kind] + row.kind
    RETURN count(*) AS about_responses
}
CALL (u) {
    UNWIND $given.about_beliefs AS row
    MATCH (s:Signal {key: row.signal})
    USING INDEX SEEK s:Signal(key)
    MATCH (b:Belief {key: row.belief})
    USING INDEX SEEK b:Belief(key)
    CREATE (s)-[:ABOUT]->(b)
    RETURN count(*) AS about_beliefs
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
CALL (u) {
    WITH $given.revisions AS c
    UNWIND range(0, c.count - 1) AS i
    MATCH (b:Belief {key: c.belief[i]})
    USING INDEX SEEK b:Belief(key)
    CREATE (v:Revision {
        user: $given.user, seq: c.seq[i], belief: c.belief[i], belief_id: c.belief_id[i],
        ordinal: c.ordinal[i], before: c.before[i], after: c.after[i], nats: c.nats[i],
        action: c.action[i], reason: c.reason[i], cause: c.cause[i], cause_kind: c.cause_kind[i],
        cause_id: c.cause_id[i], parameters_version: c.parameters_version[i],
        recorded_us: c.recorded_us[i], item_slot: c.item_slot[i], item_id: c.item_id[i],
        item_nats: c.item_nats[i], item_observed_us: c.item_observed_us[i], removed: c.removed[i],
        reread: c.reread[i],
        base: c.base[i], half_life_days: c.half_life_days[i], memory_nats: c.memory_nats[i],
        reference_us: c.reference_us[i], direct_for: c.direct_for[i],
        direct_against: c.direct_against[i], inferred_for: c.inferred_for[i],
        inferred_against: c.inferred_against[i], spoken: c.spoken[i], newest_us: c.newest_us[i],
        newest_id: c.newest_id[i], conflict: c.conflict[i], lifecycle: c.lifecycle[i],
        context: c.context[i], session_nats: c.session_nats[i], heard_for: c.heard_for[i],
        heard_against: c.heard_against[i], change_nats: c.change_nats[i], up_for: c.up_for[i],
        up_against: c.up_against[i], down_for: c.down_for[i], down_against: c.down_against[i],
        practice_nats: c.practice_nats[i]
    })-[:REVISES]->(b)
    WITH c, i, b, v
    OPTIONAL MATCH (s:Signal {key: c.signal[i]})
    USING INDEX SEEK s:Signal(key)
    FOREACH (cause IN CASE WHEN s IS NULL THEN [] ELSE [s] END | CREATE (v)-[:CAUSED_BY]->(cause))
    FOREACH (cause IN CASE WHEN s IS NULL OR NOT c.observed[i] THEN [] ELSE [s] END |
        CREATE (b)-[:OBSERVED_IN]->(cause))
    RETURN count(*) AS revisions
}
CALL (u) {
    UNWIND $given.revised AS row
    MATCH (b:Belief {key: row.belief})
    USING INDEX SEEK b:Belief(key)
    SET b += row.state, b.word_slots = b.word_slots + [slot IN row.word_slots WHERE NOT slot IN b.word_slots]
}
CALL (u) {
    WITH $given.items AS c
    UNWIND range(0, c.count - 1) AS i
    MERGE (e:Evidence {key: c.key[i]})
    SET e.belief = c.belief[i], e.belief_id = c.belief_id[i], e.slot = c.slot[i], e.id = c.id[i], e.nats = c.nats[i],
        e.observed_us = c.observed_us[i]
}
CALL (u) {
    UNWIND $given.removed AS key
    MATCH (e:Evidence {key: key})
    USING INDEX SEEK e:Evidence(key)
    DELETE e
}
RETURN parents, origins, premises, about_responses, about_beliefs, retracted, links, revisions

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
