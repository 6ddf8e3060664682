-- Named blocks. A scratch file of one audit: who has which responses, and what became of each signal of the log.

-- name: responses
CREATE TABLE responses (user TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (user, id)) WITHOUT ROWID

-- name: signals
CREATE TABLE signals (user TEXT, response TEXT, event TEXT, source TEXT, period TEXT, reason TEXT, text INTEGER,
                      place TEXT)

-- name: add response
INSERT OR IGNORE INTO responses VALUES (?, ?)

-- name: add signal
INSERT INTO signals VALUES (?, ?, ?, ?, ?, ?, ?, ?)

-- name: owners
CREATE INDEX owners ON responses (id)

-- name: trace
UPDATE signals SET reason = CASE
    WHEN EXISTS (SELECT 1 FROM responses AS r WHERE r.id = signals.response) THEN 'other_user'
    WHEN EXISTS (SELECT 1 FROM responses) THEN 'unknown_response'
    ELSE 'no_responses' END
WHERE reason IS NULL AND response IS NOT NULL
AND NOT EXISTS (SELECT 1 FROM responses AS r WHERE r.user = signals.user AND r.id = signals.response)

-- name: fates
SELECT event, source, period, reason, count(*) FROM signals GROUP BY event, source, period, reason
ORDER BY event, source, period, reason

-- name: texts
SELECT event, sum(text), sum(text AND (reason IS NULL OR reason = 'no_response_id')) FROM signals GROUP BY event

-- name: examples
SELECT reason, place FROM (
    SELECT reason, place, row_number() OVER (PARTITION BY reason ORDER BY rowid) AS nth FROM signals
    WHERE reason IS NOT NULL)
WHERE nth <= 3

-- name: users
SELECT count(*), coalesce(sum(orphan), 0) FROM (
    SELECT max(reason IS NULL) = 0 AS orphan FROM signals WHERE user IS NOT NULL GROUP BY user)

-- name: orphans
SELECT user FROM signals WHERE user IS NOT NULL GROUP BY user HAVING max(reason IS NULL) = 0
ORDER BY count(*) DESC, user LIMIT 5

-- name: missing
SELECT count(DISTINCT response) FROM signals WHERE reason IN ('unknown_response', 'no_responses')

-- name: missing ids
SELECT DISTINCT response FROM signals WHERE reason IN ('unknown_response', 'no_responses') ORDER BY response LIMIT 5

-- name: count responses
SELECT count(*) FROM responses
