-- as: superuser
-- The planner's statistics of the rollups exist as soon as there are rows, whoever runs autovacuum, and follow their growth.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(11);
CREATE TABLE pay (at timestamptz, country text, amount numeric);
CREATE VIEW pay_facts AS SELECT at, country, amount FROM pay;
SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'UTC');
CREATE FUNCTION analyzed() RETURNS text[] LANGUAGE sql AS
    $$SELECT array_agg(DISTINCT tablename::text ORDER BY tablename::text) FROM pg_stats WHERE schemaname = 'kpi_data' AND tablename !~ '_idx$'$$;

CALL kpi.work();
SELECT is(analyzed(), NULL, 'empty rollups have none');
SELECT is((SELECT analyzed_bytes FROM kpi.source_state), 0::bigint, 'and are not looked at again');
INSERT INTO pay SELECT now() - g * interval '5 hours', (ARRAY['MX', 'ES', NULL])[1 + g % 3], g FROM generate_series(1, 240) g;
CALL kpi.work();
SELECT is(analyzed(), '{pay_rollup_day,pay_rollup_hour}'::text[], 'the first rows bring statistics');
SELECT isnt_empty($$SELECT FROM pg_statistic s JOIN pg_class c ON c.oid = s.starelid WHERE c.relname ~ '^pay_rollup_hour_.*idx'$$,
                  'of the segment''s hash in the index too');
SELECT analyzed_bytes AS small FROM kpi.source_state \gset
INSERT INTO pay SELECT now(), 'MX', 1;
CALL kpi.work();
SELECT is((SELECT analyzed_bytes FROM kpi.source_state), :small::int8, 'a few rows more change nothing');
INSERT INTO pay SELECT now() - g * interval '1 minute', 'country ' || g % 97, g FROM generate_series(1, 20000) g;
CALL kpi.work();
SELECT cmp_ok((SELECT analyzed_bytes FROM kpi.source_state), '>', 10 * :small::int8, 'ten times more does');

SELECT kpi.rebuild('pay');
SELECT isnt((SELECT analyzed_bytes FROM kpi.source_state), NULL, 'a rebuild of what is right changes nothing');
DELETE FROM kpi_data.pay_rollup_hour;
SELECT kpi.rebuild('pay');
SELECT is((SELECT analyzed_bytes FROM kpi.source_state), NULL, 'one that writes many rows makes them due');
CALL kpi.work();
SELECT isnt((SELECT analyzed_bytes FROM kpi.source_state), NULL, 'and the next work collects them, outside the caller''s transaction');
-- As after pg_restore: the tables are full, and nobody has looked at them.
UPDATE pg_class SET reltuples = -1 WHERE relname IN ('pay_rollup_day', 'pay_rollup_hour');
CALL kpi.work();
SELECT ok((SELECT bool_and(reltuples > 0) FROM pg_class WHERE relname IN ('pay_rollup_day', 'pay_rollup_hour')), 'a restored copy gets its statistics too');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'numbers are as before');
SELECT * FROM finish();
