-- One day of calls, into every table that the writer keeps, in one transaction. $DAY, $LENGTH, $CALLS and $SEQ are filled in by
-- fill.rs: the day's first moment, how long it is, how many calls, and the number before the first.
CREATE TEMP TABLE batch AS
WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n + 1 < $CALLS),
told AS (
    SELECT n, ($SEQ / 2 + n) AS number, $DAY + n * $LENGTH / $CALLS AS closed_at,
        -- Some hundreds of milliseconds mostly, some tens of seconds now and then.
        MIN((180 + n % 97 * 13) * CASE WHEN n % 61 = 0 THEN 24 WHEN n % 7 = 0 THEN 5 ELSE 1 END, n * $LENGTH / $CALLS) AS latency_ms,
        CASE WHEN n % 40 = 7 THEN 'refused' WHEN n % 50 = 3 THEN 'upstream_error' WHEN n % 90 = 5 THEN 'client_gone' ELSE 'ok' END AS status
    FROM n
)
SELECT told.n, number, $SEQ + told.n * 2 + 2 AS seq, closed_at, closed_at - latency_ms AS placed_at, latency_ms, status,
    printf('req_%012x7%03x8%015x', closed_at - latency_ms, number % 4096, number) AS request_id,
    keys.key_id, keys.project_id, models.name AS model, status <> 'refused' AS sent, number % 2 AS stream,
    models.deployment_id, models.provider_id, models.upstream_model, models.price_id, models.price,
    CASE WHEN status IN ('ok', 'client_gone') THEN 200 + number % 811 * 7 ELSE 0 END AS input,
    CASE WHEN status IN ('ok', 'client_gone') THEN 20 + number % 211 * 5 ELSE 0 END AS output
FROM told
JOIN keys ON keys.n = number * 2654435761 % (SELECT COUNT(*) FROM keys)
-- Each key calls two models.
JOIN models ON models.n = (keys.n + number / 7 % 2) % (SELECT COUNT(*) FROM models);

INSERT INTO ledger_entries (
    seq, kind, request_id, placed_at, closed_at, key_id, project_id, scopes, model, dialect, stream,
    provider_id, deployment_id, upstream_model, price_id, price, input, cache_read, cache_write_5m, cache_write_1h, output, reasoning,
    tier, provenance, status, http_status, attempts, latency_ms, first_token_ms, held, amount, debit_account, credit_account, hash
)
SELECT seq, 'call', request_id, placed_at, closed_at, key_id, project_id, key_id || ' ' || project_id, model, 'openai_chat', stream,
    IIF(sent, provider_id, NULL), IIF(sent, deployment_id, NULL), IIF(sent, upstream_model, NULL), IIF(sent, price_id, NULL),
    IIF(sent, price, NULL), input, 0, 0, 0, output, 0, 'standard', IIF(sent, 'provider', 'counted'), status,
    CASE status WHEN 'refused' THEN 402 WHEN 'upstream_error' THEN 502 ELSE 200 END, sent, latency_ms,
    IIF(stream AND sent, latency_ms / 4, NULL), 0, input * 150000 + output * 600000, key_id, IIF(sent, provider_id, ''), zeroblob (32)
FROM batch;

INSERT OR IGNORE INTO usage_subjects (project_id, key_id, model, provider_id)
SELECT DISTINCT project_id, key_id, IIF(sent, model, ''), IIF(sent, provider_id, '') FROM batch;

CREATE TEMP TABLE sums AS
SELECT placed_at / 900000 * 900000 AS bucket, subjects.id AS subject, COUNT(*) AS requests,
    SUM(status = 'upstream_error') AS errors, SUM(status = 'refused') AS refused, SUM(input) AS input, SUM(output) AS output,
    SUM(input * 150000 + output * 600000) AS amount
FROM batch
JOIN usage_subjects AS subjects ON subjects.project_id = batch.project_id AND subjects.key_id = batch.key_id
    AND subjects.model = IIF(sent, batch.model, '') AND subjects.provider_id = IIF(sent, batch.provider_id, '')
GROUP BY 1, 2;

INSERT INTO usage_rollups
SELECT span, bucket / span * span, who, SUM(requests), SUM(errors), SUM(refused), 0, SUM(input), 0, 0, 0, SUM(output),
    0, 0, 0, 0, 0, 0, 0, 0, 0, SUM(amount), 0
FROM (SELECT subject AS who, * FROM sums UNION ALL SELECT 0, * FROM sums), (SELECT 900000 AS span UNION ALL SELECT 86400000)
GROUP BY 1, 2, 3;

INSERT INTO spend (account, bucket, amount, entries, calls)
SELECT account, placed_at / 900000 * 900000, SUM(input * 150000 + output * 600000), COUNT(*), SUM(sent)
FROM (SELECT key_id AS account, * FROM batch UNION ALL SELECT project_id, * FROM batch
    UNION ALL SELECT provider_id, * FROM batch WHERE sent)
GROUP BY 1, 2;

CREATE TEMP TABLE timed AS
SELECT placed_at / 3600000 * 3600000 AS hour, provider_id, whole, ms, COUNT(*) AS calls
FROM (
    SELECT placed_at, provider_id, 1 AS whole, latency_ms AS ms FROM batch WHERE status = 'ok'
    UNION ALL SELECT placed_at, provider_id, 0, latency_ms / 4 FROM batch WHERE status = 'ok' AND stream
)
GROUP BY 1, 2, 3, 4;

CREATE TEMP TABLE stepped AS
SELECT hour, provider_id, whole,
    (ms >> doublings.n) + doublings.n * 8 AS step, SUM(calls) AS calls
FROM timed JOIN doublings ON IIF(ms < 8, doublings.n = 0, (ms >> doublings.n) BETWEEN 8 AND 15)
GROUP BY 1, 2, 3, 4;

INSERT INTO latency_rollups (bucket, provider_id, latency, first_token)
SELECT hour, provider_id, json_group_object(step, calls) FILTER (WHERE whole), json_group_object(step, calls) FILTER (WHERE NOT whole)
FROM stepped GROUP BY 1, 2;

UPDATE journal_state SET applied_seq = (SELECT MAX(seq) FROM ledger_entries);

DROP TABLE batch;
DROP TABLE sums;
DROP TABLE timed;
DROP TABLE stepped;
