-- as: superuser
-- One value beyond double precision fails no detector: its bucket is missing, and says so.
CREATE TABLE t (at timestamptz, x numeric);
CREATE VIEW t_facts AS SELECT at, x AS huge FROM t;
SELECT plan(7);
SELECT kpi.track('t_facts', 'at', timezone => 'UTC', build => 'now') \gset
INSERT INTO t SELECT now() - i * interval '1 day', 1000 + i % 7 FROM generate_series(1, 80) i;
INSERT INTO t VALUES (now() - interval '10 days', '1e400');
SELECT is((SELECT count(*) FROM kpi.anomalies('huge', '30d') WHERE value = 'NaN'), 1::bigint, 'its bucket has no value for the detector');
SELECT is((SELECT type FROM kpi.anomalies('huge', '30d') WHERE value = 'NaN'), 'missing', 'and is called missing');
SELECT ok((SELECT count(*) > 20 FROM kpi.anomalies('huge', '30d') WHERE expected BETWEEN 900 AND 1100), 'the others are judged');
SELECT is((SELECT count(*) FROM kpi.forecast('huge') WHERE expected BETWEEN 900 AND 1100), 14::bigint, 'and forecast');
SELECT lives_ok($$SELECT * FROM kpi.explain('huge', to_char(now() - interval '10 days', 'YYYY-MM-DD'))$$, 'explain stands it too');

-- The largest values that count, whose sum is beyond what one of them may be.
INSERT INTO t VALUES (now(), '9e100003'), (now(), '9e100003');
SELECT ok((SELECT value = 18e100003::numeric FROM kpi.query('{huge}', 'today')), 'a sum may be larger than a value');
CALL kpi.work();
SELECT ok((SELECT value = 18e100003::numeric FROM kpi.query('{huge}', 'today')), 'from the rollup too');
SELECT * FROM finish();
