-- as: superuser
-- As many measures as kpi.track takes: merge, repair, rebuild and verify keep within PostgreSQL's limits on columns.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(5);
CREATE TABLE wide (at timestamptz, country text, v numeric);
SELECT format('CREATE VIEW wide_facts AS SELECT at, country, %s FROM wide',
              (SELECT string_agg(format('v + %s AS measure_%s', g, g), ', ' ORDER BY g) FROM generate_series(1, 160) g)) \gexec
SELECT kpi.track('wide_facts', 'at', '{country}', 'wide', 'UTC');
INSERT INTO wide SELECT now() - g * interval '7 hours', (ARRAY['MX', 'ES', NULL])[1 + g % 3], g FROM generate_series(1, 50) g;
CREATE FUNCTION faults() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM kpi.verify('wide')$$;

CALL kpi.work();
SELECT is(faults(), 0::bigint, 'built');
INSERT INTO wide VALUES (now(), 'MX', 'NaN'), (now(), 'MX', 1);
SELECT kpi.merge();
SELECT is(faults(), 0::bigint, 'merged');
UPDATE kpi_data.wide_rollup_day SET m160 = m160 + 1 WHERE level = 0 AND day = (SELECT min(day) FROM kpi_data.wide_rollup_day);
SELECT results_eq($$SELECT measure, actual - expected FROM kpi.verify('wide')$$, $$VALUES ('measure_160', 1::numeric)$$, 'damage is seen');
SELECT kpi.rebuild('wide');
SELECT is(faults(), 0::bigint, 'rebuilt');
INSERT INTO kpi.dirty VALUES ('wide', '-infinity', 'infinity', 'test');
DELETE FROM kpi_data.wide_rollup_day WHERE level = 1;
CALL kpi.work();
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'repaired');
SELECT * FROM finish();
