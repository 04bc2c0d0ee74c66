-- as: superuser
-- A rebuild with little memory, whose sums go through temporary files by day, makes the very rows that one with much memory makes.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(9);
CREATE TABLE pay (id int, at timestamptz, country text, source text, customer int, amount numeric);
CREATE VIEW pay_facts AS SELECT at, country, source, customer, 1 AS payments, amount FROM pay;
INSERT INTO pay SELECT g, '2025-03-01 00:20Z'::timestamptz + (g * 7919 % 90000) * interval '1 minute', (ARRAY['MX', 'ES', NULL, 'a long name of a country'])[1 + g % 4],
    's' || g % 23, g % 50, CASE WHEN g % 401 = 0 THEN 'NaN' WHEN g % 701 = 0 THEN '-Infinity' WHEN g % 13 = 0 THEN NULL ELSE g * 0.01 END
  FROM generate_series(1, 20000) g;
INSERT INTO pay VALUES (0, '2025-03-05 00:30Z', 'MX', 's1', 1, 12345678901234567890123456789.5), (0, '2025-03-05 00:40Z', 'MX', 's1', 1, 1e-30);
SELECT kpi.track('pay_facts', 'at', '{country,source}', 'pay', 'America/Mexico_City', hour_retention => '100 years', aggregates => '{"customers": {"distinct": "customer"}}');
CREATE VIEW days AS SELECT level, day, n, d1, d2, v1, m1, m2, m2_nan, m2_pinf, m2_ninf FROM kpi_data.pay_rollup_day;
CREATE VIEW hours AS SELECT level, day, hour, n, d1, d2, v1, m1, m2, m2_nan, m2_pinf, m2_ninf FROM kpi_data.pay_rollup_hour;
-- Levels are written one after the other: with several parts the total of a later day stands behind the segments of an earlier one.
CREATE FUNCTION parts() RETURNS boolean LANGUAGE sql AS
    $$SELECT (SELECT max(ctid) FROM kpi_data.pay_rollup_day WHERE level = 0) > (SELECT min(ctid) FROM kpi_data.pay_rollup_day WHERE level = 3)$$;

SET maintenance_work_mem = '256MB';
SELECT kpi.rebuild('pay');
SELECT is(parts(), false, 'much memory: one part');
CREATE TABLE days_before AS SELECT * FROM days;
CREATE TABLE hours_before AS SELECT * FROM hours;
SELECT is((SELECT count(*) FROM kpi.verify('pay')), 0::bigint, 'which is right');
DELETE FROM kpi_data.pay_rollup_day;
DELETE FROM kpi_data.pay_rollup_hour;
VACUUM kpi_data.pay_rollup_day, kpi_data.pay_rollup_hour;

SET maintenance_work_mem = '1MB';
SET work_mem = '64kB';
SELECT kpi.rebuild('pay');
SELECT is(parts(), true, 'little memory: several parts');
SELECT is((SELECT count(*) FROM (TABLE days_before EXCEPT ALL TABLE days) x) + (SELECT count(*) FROM (TABLE days EXCEPT ALL TABLE days_before) x), 0::bigint, 'the same days');
SELECT is((SELECT count(*) FROM (TABLE hours_before EXCEPT ALL TABLE hours) x) + (SELECT count(*) FROM (TABLE hours EXCEPT ALL TABLE hours_before) x), 0::bigint,
          'the same hours');

CREATE TABLE places AS SELECT 'day' AS grain, ctid AS place FROM kpi_data.pay_rollup_day UNION ALL SELECT 'hour', ctid FROM kpi_data.pay_rollup_hour;
CREATE VIEW moved AS SELECT 'day' AS grain, ctid AS place, level, day FROM kpi_data.pay_rollup_day
    UNION ALL SELECT 'hour', ctid, level, day FROM kpi_data.pay_rollup_hour;
SELECT kpi.rebuild('pay');
SELECT is_empty('SELECT grain, place FROM moved EXCEPT SELECT * FROM places', 'a rebuild of what is right writes nothing');
-- In the first, some middle and the last part, and beyond them.
UPDATE kpi_data.pay_rollup_day SET n = n + 1 WHERE level = 3 AND d1 = 'MX' AND d2 = 's1' AND day IN ('2025-02-28', '2025-04-01', '2025-05-02');
DELETE FROM kpi_data.pay_rollup_hour WHERE day = '2025-03-20';
INSERT INTO kpi_data.pay_rollup_day (level, day, n) VALUES (0, '1999-01-01', 1), (0, '2030-01-01', 1), (3, '2025-04-01', 5);
SELECT isnt((SELECT count(*) FROM kpi.verify('pay')), 0::bigint, 'damage');
SELECT kpi.rebuild('pay');
SELECT is((SELECT count(*) FROM kpi.verify('pay')), 0::bigint, 'is mended');
SELECT is((SELECT count(*) FROM (TABLE days_before EXCEPT ALL TABLE days) x) + (SELECT count(*) FROM (TABLE hours EXCEPT ALL TABLE hours_before) x), 0::bigint, 'exactly');
