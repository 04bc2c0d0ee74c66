-- as: superuser
-- as_of of window capture: a day older than the window is as it was when it left it, whatever was recomputed since.
SET timezone = 'UTC';
CREATE TABLE o (at timestamptz, cur text, amount numeric);
CREATE TABLE fx (cur text PRIMARY KEY, r numeric);
INSERT INTO fx VALUES ('USD', 10);
INSERT INTO o SELECT now() - i * interval '1 hour', 'USD', 1 FROM generate_series(1, 480) i;
CREATE VIEW o_facts AS SELECT at, cur, amount * r AS mxn FROM o JOIN fx USING (cur);
SELECT plan(4);
SELECT kpi.track('o_facts', time_column => 'at', dimensions => '{cur}', timezone => 'UTC') \gset
CALL kpi.work();
-- Tracked a month ago, and worked on since.
UPDATE kpi.source SET created_at = now() - interval '30 days';
UPDATE fx SET r = 20;
SELECT clock_timestamp() AS changed \gset
SELECT kpi.wake() \gset
CALL kpi.work();
SELECT ok((SELECT bool_and(as_of < :'changed') FROM kpi.query('{mxn}', '10d') WHERE day < current_date - 4 AND value = 240), 'old days with the old rate do not claim to know the new one');
SELECT is((SELECT as_of FROM kpi.query('{mxn}', '10d') WHERE day = current_date - 7), (current_date - 7)::timestamptz + interval '3 days', 'they are as they were when they left the window');
SELECT ok((SELECT as_of > :'changed' FROM kpi.query('{mxn}', 'yesterday')), 'days of the window are as of the last recompute');
SELECT is((SELECT count(DISTINCT as_of) FROM kpi.query('{mxn}', '2d')), 1::bigint, 'all of them');
SELECT * FROM finish();
