-- Named blocks. `:user` is users.pk; lists of ids come as JSON arrays. Newest first is by descending seq.
-- CROSS JOIN keeps SQLite to the order written: from the few ids wanted to the rows, never over a user's whole history;
-- so does INDEXED BY where it would rather search the table for all rows of the user.

-- name: find user
SELECT pk, seq, recorded_at, tallies FROM users WHERE tenant = :tenant AND id = :id

-- name: add user
INSERT INTO users (tenant, id, seq, recorded_at) VALUES (:tenant, :id, 0, 0) RETURNING pk

-- name: advance user
UPDATE users SET seq = :seq, recorded_at = :recorded_at, tallies = :tallies WHERE pk = :user

-- name: tenants
SELECT DISTINCT tenant FROM users ORDER BY tenant

-- name: users
SELECT id FROM users WHERE tenant = :tenant AND id > :after ORDER BY id LIMIT :limit

-- name: beliefs by id
SELECT b.id, b.seq, b.statement, b.statement_key, b.source, b.kind, b.created_at, b.recorded_at,
       b.parent, b.origin, v.key, b.ordinal, b.revised_at,
       b.base, b.half_life_days, b.memory_nats, b.reference_at, b.direct_for, b.direct_against, b.inferred_for,
       b.inferred_against, b.spoken, b.newest_at, b.newest_id, b.conflict, b.lifecycle, b.context, b.session_nats, b.heard_for, b.heard_against,
       b.change_nats, b.up_for, b.up_against, b.down_for, b.down_against, b.practice_nats
FROM json_each(:ids) AS wanted
CROSS JOIN beliefs AS b ON b.user = :user AND b.id = wanted.value
LEFT JOIN vectors AS v ON v.pk = b.vector
WHERE b.seq < :before AND b.recorded_at <= :as_of
ORDER BY b.seq DESC LIMIT :limit

-- name: beliefs
SELECT b.id, b.seq, b.statement, b.statement_key, b.source, b.kind, b.created_at, b.recorded_at,
       b.parent, b.origin, v.key, b.ordinal, b.revised_at,
       b.base, b.half_life_days, b.memory_nats, b.reference_at, b.direct_for, b.direct_against, b.inferred_for,
       b.inferred_against, b.spoken, b.newest_at, b.newest_id, b.conflict, b.lifecycle, b.context, b.session_nats, b.heard_for, b.heard_against,
       b.change_nats, b.up_for, b.up_against, b.down_for, b.down_against, b.practice_nats
FROM beliefs AS b
LEFT JOIN vectors AS v ON v.pk = b.vector
WHERE b.user = :user AND b.seq < :before AND b.recorded_at <= :as_of
ORDER BY b.seq DESC LIMIT :limit

-- name: beliefs revised
SELECT b.id, b.seq, b.statement, b.statement_key, b.source, b.kind, b.created_at, b.recorded_at,
       b.parent, b.origin, v.key, b.ordinal, b.revised_at,
       b.base, b.half_life_days, b.memory_nats, b.reference_at, b.direct_for, b.direct_against, b.inferred_for,
       b.inferred_against, b.spoken, b.newest_at, b.newest_id, b.conflict, b.lifecycle, b.context, b.session_nats, b.heard_for, b.heard_against,
       b.change_nats, b.up_for, b.up_against, b.down_for, b.down_against, b.practice_nats
FROM (SELECT r.belief FROM revisions AS r WHERE r.user = :user AND r.seq > :after GROUP BY +r.belief) AS revised
CROSS JOIN beliefs AS b ON b.user = :user AND b.id = revised.belief
LEFT JOIN vectors AS v ON v.pk = b.vector
ORDER BY b.seq DESC

-- name: first belief
SELECT b.recorded_at FROM beliefs AS b WHERE b.user = :user ORDER BY b.seq LIMIT 1

-- name: states as of
SELECT r.belief, r.ordinal, r.recorded_at,
       r.base, r.half_life_days, r.memory_nats, r.reference_at, r.direct_for, r.direct_against, r.inferred_for,
       r.inferred_against, r.spoken, r.newest_at, r.newest_id, r.conflict, r.lifecycle, r.context, r.session_nats, r.heard_for, r.heard_against,
       r.change_nats, r.up_for, r.up_against, r.down_for, r.down_against, r.practice_nats
FROM json_each(:ids) AS wanted
CROSS JOIN revisions AS r ON r.user = :user AND r.seq = (
    SELECT last.seq FROM revisions AS last INDEXED BY revisions_by_belief
    WHERE last.user = :user AND last.belief = wanted.value AND last.recorded_at <= :as_of
    ORDER BY last.seq DESC LIMIT 1)

-- name: beliefs by statement
SELECT b.id FROM json_each(:keys) AS wanted
CROSS JOIN beliefs AS b ON b.user = :user AND b.statement_key = wanted.value

-- name: component
WITH RECURSIVE component (id) AS (
    SELECT value FROM json_each(:beliefs)
    UNION SELECT g.belief FROM json_each(:responses) AS wanted
          CROSS JOIN generated_by AS g ON g.user = :user AND g.response = wanted.value
    UNION SELECT l.high FROM component CROSS JOIN links AS l INDEXED BY links_by_low
          ON l.user = :user AND l.kind = 'contradicts' AND l.low = component.id
          WHERE l.status = 'confirmed' AND NOT EXISTS (
              SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
              AND later.low = l.low AND later.high = l.high AND later.seq > l.seq)
    UNION SELECT l.low FROM component CROSS JOIN links AS l INDEXED BY links_by_high
          ON l.user = :user AND l.kind = 'contradicts' AND l.high = component.id
          WHERE l.status = 'confirmed' AND NOT EXISTS (
              SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
              AND later.low = l.low AND later.high = l.high AND later.seq > l.seq))
SELECT id FROM component

-- Whatever the status of a version, the edge is there.
-- name: surroundings
WITH RECURSIVE
start (id) AS (
    SELECT value FROM json_each(:beliefs)
    UNION SELECT g.belief FROM json_each(:responses) AS wanted
          CROSS JOIN generated_by AS g ON g.user = :user AND g.response = wanted.value),
walk (id, steps) AS (
    SELECT id, 0 FROM start
    UNION SELECT l.high, walk.steps + 1 FROM walk CROSS JOIN links AS l INDEXED BY links_by_low
          ON l.user = :user AND l.kind = 'contradicts' AND l.low = walk.id WHERE walk.steps < :depth
    UNION SELECT l.low, walk.steps + 1 FROM walk CROSS JOIN links AS l INDEXED BY links_by_high
          ON l.user = :user AND l.kind = 'contradicts' AND l.high = walk.id WHERE walk.steps < :depth),
together (id) AS (
    SELECT beside.belief FROM start
    CROSS JOIN generated_by AS beside ON beside.user = :user AND beside.response IN (
        SELECT g.response FROM generated_by AS g
        WHERE g.user = :user AND g.belief = start.id ORDER BY g.response_seq DESC LIMIT 50))
SELECT id FROM walk UNION SELECT id FROM together

-- name: links among
SELECT l.kind, l.low, l.high, l.seq, l.strength, l.detector, l.status, l.reason, l.recorded_at
FROM json_each(:ids) AS wanted
CROSS JOIN links AS l INDEXED BY links_by_low ON l.user = :user AND l.low = wanted.value
WHERE +l.high IN (SELECT value FROM json_each(:ids)) AND NOT EXISTS (
    SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
    AND later.low = l.low AND later.high = l.high AND later.seq > l.seq)
ORDER BY l.seq

-- name: links
SELECT l.kind, l.low, l.high, l.seq, l.strength, l.detector, l.status, l.reason, l.recorded_at
FROM links AS l
WHERE l.user = :user AND l.kind = :kind AND l.recorded_at <= :as_of AND NOT EXISTS (
    SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
    AND later.low = l.low AND later.high = l.high AND later.seq > l.seq AND later.recorded_at <= :as_of)
ORDER BY l.seq

-- name: links of
SELECT l.kind, l.low, l.high, l.seq, l.strength, l.detector, l.status, l.reason, l.recorded_at
FROM (
    SELECT l.low, l.high, l.seq FROM json_each(:beliefs) AS wanted
        CROSS JOIN links AS l INDEXED BY links_by_low ON l.user = :user AND l.low = wanted.value AND l.kind = :kind
    UNION SELECT l.low, l.high, l.seq FROM json_each(:beliefs) AS wanted
        CROSS JOIN links AS l INDEXED BY links_by_high ON l.user = :user AND l.high = wanted.value AND l.kind = :kind
    ) AS touched
CROSS JOIN links AS l
    ON l.user = :user AND l.kind = :kind AND l.low = touched.low AND l.high = touched.high AND l.seq = touched.seq
WHERE l.recorded_at <= :as_of AND NOT EXISTS (
    SELECT 1 FROM links AS later WHERE later.user = l.user AND later.kind = l.kind
    AND later.low = l.low AND later.high = l.high AND later.seq > l.seq AND later.recorded_at <= :as_of)
ORDER BY l.seq

-- name: link versions
SELECT l.kind, l.low, l.high, l.seq, l.strength, l.detector, l.status, l.reason, l.recorded_at
FROM links AS l WHERE l.user = :user AND l.seq > :after ORDER BY l.seq

-- name: responses by id
SELECT r.id, r.text, r.attributes, r.observed_at, r.recorded_at, r.seq, r.habits
FROM json_each(:ids) AS wanted
CROSS JOIN responses AS r ON r.user = :user AND r.id = wanted.value
WHERE r.seq < :before AND r.recorded_at <= :as_of
ORDER BY r.seq DESC LIMIT :limit

-- name: responses
SELECT r.id, r.text, r.attributes, r.observed_at, r.recorded_at, r.seq, r.habits
FROM responses AS r
WHERE r.user = :user AND r.seq < :before AND r.recorded_at <= :as_of
ORDER BY r.seq DESC LIMIT :limit

-- name: premises
SELECT g.response, g.belief, g.weight, g.adherence, g.confidence_then
FROM json_each(:ids) AS wanted
CROSS JOIN generated_by AS g ON g.user = :user AND g.response = wanted.value
ORDER BY g.response, g.position

-- name: signals by id
SELECT s.id, s.kind, s.value, s.text, s.tags, s.response, s.belief, s.context, s.observed_at, s.recorded_at,
       s.retracted_at, s.note, s.retraction_note, s.seq, s.interpretation
FROM json_each(:ids) AS wanted
CROSS JOIN signals AS s ON s.user = :user AND s.id = wanted.value
WHERE s.seq < :before AND s.recorded_at <= :as_of
    AND (:kinds IS NULL OR s.kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY s.seq DESC LIMIT :limit

-- name: signals about
SELECT s.id, s.kind, s.value, s.text, s.tags, s.response, s.belief, s.context, s.observed_at, s.recorded_at,
       s.retracted_at, s.note, s.retraction_note, s.seq, s.interpretation
FROM json_each(:about) AS wanted
CROSS JOIN signals AS s INDEXED BY signals_by_response ON s.user = :user AND s.response = wanted.value
WHERE s.seq < :before AND s.recorded_at <= :as_of
    AND (:kinds IS NULL OR s.kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY s.seq DESC LIMIT :limit

-- name: signals
SELECT s.id, s.kind, s.value, s.text, s.tags, s.response, s.belief, s.context, s.observed_at, s.recorded_at,
       s.retracted_at, s.note, s.retraction_note, s.seq, s.interpretation
FROM signals AS s
WHERE s.user = :user AND s.seq < :before AND s.recorded_at <= :as_of
    AND (:kinds IS NULL OR s.kind IN (SELECT value FROM json_each(:kinds)))
ORDER BY s.seq DESC LIMIT :limit

-- name: latest signals
SELECT s.id, s.kind, s.value, s.text, s.tags, s.response, s.belief, s.context, s.observed_at, s.recorded_at,
       s.retracted_at, s.note, s.retraction_note, s.seq, s.interpretation
FROM json_each(:about) AS wanted
CROSS JOIN signals AS s INDEXED BY signals_by_response ON s.user = :user AND s.response = wanted.value
WHERE s.retracted_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM signals AS later
    WHERE later.user = s.user AND later.response = s.response AND later.kind = s.kind
    AND later.retracted_at IS NULL
    AND (later.observed_at, later.seq) > (s.observed_at, s.seq))

-- name: items of responses
SELECT e.belief, e.slot, e.id, e.nats, e.observed_at
FROM json_each(:responses) AS wanted
CROSS JOIN generated_by AS g ON g.user = :user AND g.response = wanted.value
CROSS JOIN evidence AS e ON e.user = :user AND e.belief = g.belief AND e.slot = 'response' AND e.id = g.response

-- name: words
WITH RECURSIVE slots (slot) AS (
    SELECT min(slot) FROM evidence WHERE user = :user AND belief = :belief
    UNION ALL
    SELECT (SELECT min(e.slot) FROM evidence AS e WHERE e.user = :user AND e.belief = :belief AND e.slot > slots.slot)
    FROM slots WHERE slots.slot IS NOT NULL)
SELECT e.belief, e.slot, e.id, e.nats, e.observed_at
FROM slots JOIN evidence AS e ON e.user = :user AND e.belief = :belief AND e.slot = slots.slot AND e.id = (
    SELECT latest.id FROM evidence AS latest
    WHERE latest.user = :user AND latest.belief = :belief AND latest.slot = slots.slot
    AND latest.id NOT IN (SELECT value FROM json_each(:excluding))
    ORDER BY latest.observed_at DESC, latest.id DESC LIMIT 1)
WHERE slots.slot <> 'response'
ORDER BY e.observed_at DESC, e.id DESC

-- name: inferred
SELECT e.belief, e.slot, e.id, e.nats, e.observed_at
FROM evidence AS e
WHERE e.user = :user AND e.belief = :belief AND e.slot = 'response'
ORDER BY e.observed_at DESC, e.id DESC

-- name: evidence
SELECT e.observed_at, e.id, e.nats
FROM evidence AS e
WHERE e.user = :user AND e.belief = :belief AND e.slot = 'response'
ORDER BY e.observed_at DESC, e.id DESC

-- name: changes of evidence
SELECT item_slot, item_id, item_nats, item_observed_at, removed, reread
FROM revisions INDEXED BY revisions_by_belief
WHERE user = :user AND belief = :belief AND recorded_at <= :as_of
ORDER BY seq

-- name: revisions of belief
SELECT seq, belief, ordinal, before, after, nats, action, reason, cause_kind, cause, parameters_version, recorded_at,
       item_slot, item_id, item_nats, item_observed_at, removed, reread,
       base, half_life_days, memory_nats, reference_at, direct_for, direct_against, inferred_for,
       inferred_against, spoken, newest_at, newest_id, conflict, lifecycle, context, session_nats, heard_for, heard_against,
       change_nats, up_for, up_against, down_for, down_against, practice_nats
FROM revisions INDEXED BY revisions_by_belief
WHERE user = :user AND belief = :belief AND seq > :after AND recorded_at <= :as_of
ORDER BY seq LIMIT :limit

-- name: revision before
SELECT seq, belief, ordinal, before, after, nats, action, reason, cause_kind, cause, parameters_version, recorded_at,
       item_slot, item_id, item_nats, item_observed_at, removed, reread,
       base, half_life_days, memory_nats, reference_at, direct_for, direct_against, inferred_for,
       inferred_against, spoken, newest_at, newest_id, conflict, lifecycle, context, session_nats, heard_for, heard_against,
       change_nats, up_for, up_against, down_for, down_against, practice_nats
FROM revisions INDEXED BY revisions_by_belief
WHERE user = :user AND belief = :belief AND seq < :seq
ORDER BY seq DESC LIMIT 1

-- name: latest revisions
SELECT r.seq, r.belief, r.ordinal, r.before, r.after, r.nats, r.action, r.reason, r.cause_kind, r.cause,
       r.parameters_version, r.recorded_at, r.item_slot, r.item_id, r.item_nats, r.item_observed_at, r.removed, r.reread,
       r.base, r.half_life_days, r.memory_nats, r.reference_at, r.direct_for, r.direct_against, r.inferred_for,
       r.inferred_against, r.spoken, r.newest_at, r.newest_id, r.conflict, r.lifecycle, r.context,
       r.session_nats, r.heard_for, r.heard_against,
       r.change_nats, r.up_for, r.up_against, r.down_for, r.down_against, r.practice_nats
FROM json_each(:beliefs) AS wanted
CROSS JOIN revisions AS r ON r.user = :user AND r.seq IN (
    SELECT last.seq FROM revisions AS last INDEXED BY revisions_by_belief
    WHERE last.user = :user AND last.belief = wanted.value AND last.seq < :before AND last.recorded_at <= :as_of
    ORDER BY last.seq DESC LIMIT :limit)
ORDER BY r.seq DESC

-- name: revisions by cause
SELECT seq, belief, ordinal, before, after, nats, action, reason, cause_kind, cause, parameters_version, recorded_at,
       item_slot, item_id, item_nats, item_observed_at, removed, reread,
       base, half_life_days, memory_nats, reference_at, direct_for, direct_against, inferred_for,
       inferred_against, spoken, newest_at, newest_id, conflict, lifecycle, context, session_nats, heard_for, heard_against,
       change_nats, up_for, up_against, down_for, down_against, practice_nats
FROM revisions
WHERE user = :user AND cause = :cause AND seq > :after AND recorded_at <= :as_of
ORDER BY seq LIMIT :limit

-- name: revisions
SELECT seq, belief, ordinal, before, after, nats, action, reason, cause_kind, cause, parameters_version, recorded_at,
       item_slot, item_id, item_nats, item_observed_at, removed, reread,
       base, half_life_days, memory_nats, reference_at, direct_for, direct_against, inferred_for,
       inferred_against, spoken, newest_at, newest_id, conflict, lifecycle, context, session_nats, heard_for, heard_against,
       change_nats, up_for, up_against, down_for, down_against, practice_nats
FROM revisions
WHERE user = :user AND seq > :after AND recorded_at <= :as_of
ORDER BY seq LIMIT :limit

-- name: vectors of beliefs
SELECT b.id, v.value FROM beliefs AS b JOIN vectors AS v ON v.pk = b.vector
WHERE b.user = :user AND b.seq > :after AND b.recorded_at <= :as_of
    AND (NOT :live OR b.lifecycle IN ('open', 'tentative'))

-- name: add vector
INSERT INTO vectors (tenant, key, value) VALUES (:tenant, :key, :value) ON CONFLICT DO NOTHING

-- name: find vector
SELECT pk FROM vectors WHERE tenant = :tenant AND key = :key

-- name: add belief
INSERT INTO beliefs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: revise belief
UPDATE beliefs SET ordinal = ?, revised_at = ?,
    base = ?, half_life_days = ?, memory_nats = ?, reference_at = ?, direct_for = ?, direct_against = ?,
    inferred_for = ?, inferred_against = ?, spoken = ?, newest_at = ?, newest_id = ?, conflict = ?,
    lifecycle = ?, context = ?, session_nats = ?, heard_for = ?, heard_against = ?, change_nats = ?, up_for = ?,
    up_against = ?, down_for = ?, down_against = ?, practice_nats = ?
WHERE user = ? AND id = ?

-- name: add response
INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: add premise
INSERT INTO generated_by VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: add signal
INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: retract signal
UPDATE signals SET retracted_at = ?, retraction_note = ? WHERE user = ? AND id = ? AND retracted_at IS NULL

-- name: put item
INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user, belief, slot, id) DO UPDATE SET nats = excluded.nats, observed_at = excluded.observed_at

-- name: remove item
DELETE FROM evidence WHERE user = ? AND belief = ? AND slot = ? AND id = ?

-- name: add revision
INSERT INTO revisions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: add link
INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: count for erasure
SELECT (SELECT count(*) FROM beliefs WHERE user = :user), (SELECT count(*) FROM responses WHERE user = :user),
       (SELECT count(*) FROM signals WHERE user = :user), (SELECT count(*) FROM revisions WHERE user = :user),
       (SELECT count(*) FROM links WHERE user = :user)

-- name: vectors of user
SELECT DISTINCT vector FROM beliefs WHERE user = :user AND vector IS NOT NULL

-- name: delete user
DELETE FROM users WHERE pk = :user

-- name: delete unused vectors
DELETE FROM vectors WHERE pk IN (SELECT value FROM json_each(:vectors))
AND NOT EXISTS (SELECT 1 FROM beliefs WHERE beliefs.vector = vectors.pk)

-- name: get setting
SELECT value FROM settings WHERE name = :name

-- name: add setting
INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING

-- name: set setting
INSERT INTO settings (name, value) VALUES (:name, :value) ON CONFLICT DO UPDATE SET value = excluded.value

-- name: remove setting
DELETE FROM settings WHERE name = :name AND value = :value
