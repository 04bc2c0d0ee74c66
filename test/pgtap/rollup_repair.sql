-- as: superuser
-- Repair, rebuild, verify, freeze, hour retention: damage is seen, mended once, and history stays where it shall.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(50);
CREATE TABLE pay (id int PRIMARY KEY, at timestamptz, country text, amount numeric);
CREATE VIEW pay_facts AS SELECT at, country, amount FROM pay;
SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'UTC', hour_retention => '5 days');
INSERT INTO pay SELECT g, date_trunc('day', now()) - g * interval '5 hours', (ARRAY['MX', 'ES', NULL])[1 + g % 3], g FROM generate_series(1, 240) g;
CREATE FUNCTION faults() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM kpi.verify('pay')$$;
CREATE FUNCTION total(OUT n int8, OUT amount numeric) LANGUAGE sql AS 'SELECT sum(n)::int8, sum(m1) FROM kpi_data.pay_rollup_day WHERE level = 0';

-- The first build.
SELECT isnt_empty('SELECT * FROM kpi.dirty', 'a source is born dirty');
SELECT is(faults(), 0::bigint, 'dirty days are no faults: reads take them from the facts view');
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'the worker builds it');
SELECT is(total(), (240::int8, 28920::numeric)::record, 'with every row, those captured before the build once');
SELECT is(faults(), 0::bigint, 'and verify agrees');
SELECT is((SELECT min(day) FROM kpi_data.pay_rollup_hour), (SELECT hours_from FROM kpi.source), 'hours only from hours_from on');

-- Damage that no mark tells of.
DELETE FROM kpi_data.pay_rollup_day WHERE day = current_date - 9;
SELECT isnt(faults(), 0::bigint, 'verify sees lost rows without a mark');
SELECT results_eq($$SELECT DISTINCT bucket, grain FROM kpi.verify('pay')$$,
                  $$SELECT (current_date - 9)::timestamptz, 'day'$$, 'in their bucket');
SELECT results_eq($$SELECT measure, expected, actual FROM kpi.verify('pay') WHERE segment = '{}' ORDER BY 1$$,
                  $$SELECT m, e, 0::numeric FROM (SELECT count(*)::numeric AS c, sum(amount) AS s FROM pay WHERE at::date = current_date - 9) x,
                    LATERAL (VALUES ('amount', s), ('row_count', c)) v (m, e) ORDER BY 1$$, 'with expected and actual');
SELECT is_empty(format($$SELECT * FROM kpi.verify('pay', %L, %L)$$, current_date - 8, current_date), 'a period is respected');
SELECT isnt_empty(format($$SELECT * FROM kpi.verify('pay', %L, %L)$$, now() - interval '9 days', now() - interval '9 days' + interval '1 second'), 'and widened to whole days');
INSERT INTO kpi.dirty VALUES ('pay', current_date - 9, current_date - 8, 'test');
SELECT is(faults(), 0::bigint, 'marked days are not compared');
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'the repair takes the mark away');
SELECT is(faults(), 0::bigint, 'and mends');
CREATE TABLE before AS SELECT ctid AS place, * FROM kpi_data.pay_rollup_day;
INSERT INTO kpi.dirty VALUES ('pay', '-infinity', 'infinity', 'test');
CALL kpi.work();
SELECT is_empty('SELECT ctid, * FROM kpi_data.pay_rollup_day EXCEPT SELECT * FROM before', 'a repair of what is right writes nothing');

-- Damage in one level or one grain: the difference of full segments does not show it, verify does, rebuild mends.
UPDATE kpi_data.pay_rollup_day SET m1 = m1 + 1 WHERE level = 0 AND day = current_date - 3;
UPDATE kpi_data.pay_rollup_hour SET n = n + 1 WHERE level = 1 AND d1 = 'MX' AND day = current_date - 2;
SELECT results_eq($$SELECT DISTINCT grain, segment::text, measure FROM kpi.verify('pay') ORDER BY 1$$,
                  $$VALUES ('day', '{}', 'amount'), ('hour', '{"country": "MX"}', 'row_count')$$, 'verify looks at every level and grain');
SELECT kpi.rebuild('pay', current_date - 3, current_date - 1);
SELECT is(faults(), 0::bigint, 'rebuild of a period mends it');
INSERT INTO kpi_data.pay_delta (hour, day, n, d1, m1) VALUES ('-infinity', current_date - 20, 1, 'MX', 1);
INSERT INTO kpi_data.pay_rollup_day (level, day, n, m1) VALUES (0, '2001-01-01', 1, 1);
SELECT is(faults(), 6::bigint, 'surplus rows are faults too');
SELECT kpi.rebuild('pay');
SELECT is(faults(), 0::bigint, 'rebuild of everything drops them');

-- A rebuild touches the rows that differ, and no other: what is right stays where it is.
CREATE TABLE places AS SELECT 'day' AS grain, ctid AS place, level, d1, day, NULL::timestamptz AS hour, n, m1 FROM kpi_data.pay_rollup_day
    UNION ALL SELECT 'hour', ctid, level, d1, day, hour, n, m1 FROM kpi_data.pay_rollup_hour;
CREATE VIEW moved AS SELECT 'day' AS grain, ctid AS place, level, d1, day, NULL::timestamptz AS hour, n, m1 FROM kpi_data.pay_rollup_day
    UNION ALL SELECT 'hour', ctid, level, d1, day, hour, n, m1 FROM kpi_data.pay_rollup_hour EXCEPT SELECT * FROM places;
SELECT kpi.rebuild('pay');
SELECT is_empty('SELECT * FROM moved', 'a rebuild of what is right writes nothing');
UPDATE kpi_data.pay_rollup_day SET m1 = m1 + 1 WHERE level = 1 AND d1 IS NULL AND day = current_date - 3;
INSERT INTO kpi_data.pay_rollup_day SELECT r.* FROM kpi_data.pay_rollup_day r, generate_series(1, 2) WHERE r.level = 0 AND r.day = current_date - 5;
INSERT INTO kpi_data.pay_rollup_hour SELECT r.* FROM kpi_data.pay_rollup_hour r WHERE r.level = 1 AND r.day = current_date - 2 AND r.d1 = 'MX';
INSERT INTO kpi_data.pay_rollup_hour (level, day, hour, n, m1) VALUES (0, current_date - 1, now() - interval '1 month', 1, 1);
DELETE FROM kpi_data.pay_rollup_day WHERE level = 1 AND d1 = 'ES' AND day = current_date - 7;
SELECT isnt(faults(), 0::bigint, 'a changed sum, copies, a surplus row and a lost one');
SELECT is_empty('SELECT level, d1, day, n, m1 FROM kpi_data.pay_rollup_day GROUP BY 1, 2, 3, 4, 5 HAVING count(*) = 2', 'three copies of one row');
SELECT kpi.rebuild('pay');
SELECT is(faults(), 0::bigint, 'are mended');
-- Of copies the first one stays.
SELECT results_eq('SELECT grain, level, count(*) FROM moved GROUP BY 1, 2 ORDER BY 1, 2', $$VALUES ('day', 1::int2, 2::bigint)$$,
                  'by writing these rows alone');
SELECT is((SELECT count(*) FROM kpi_data.pay_rollup_day) + (SELECT count(*) FROM kpi_data.pay_rollup_hour), (SELECT count(*) FROM places), 'once each');

-- A mark is cut down to what was not rebuilt.
INSERT INTO kpi.dirty VALUES ('pay', '-infinity', 'infinity', 'test');
SELECT kpi.rebuild('pay', current_date - 3, current_date - 1);
SELECT results_eq('SELECT "from", "to" FROM kpi.dirty ORDER BY 1',
                  $$VALUES ('-infinity'::date, current_date - 3), (current_date - 1, 'infinity')$$, 'what sticks out stays marked');
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'until it is repaired');
SELECT is(faults(), 0::bigint, 'and all is well');

-- Own changes that are not flushed when the rebuild looks.
BEGIN;
INSERT INTO pay VALUES (300, now(), 'MX', 7);
UPDATE pay SET amount = amount + 1 WHERE id = 10;
SELECT kpi.rebuild('pay');
SELECT is(faults(), 0::bigint, 'rebuild inside the writing transaction');
SAVEPOINT s;
DELETE FROM pay WHERE id < 5;
SELECT kpi.rebuild('pay');
ROLLBACK TO s;
COMMIT;
SELECT is(faults(), 0::bigint, 'is exact after its commit');
SELECT kpi.merge('pay');
SELECT is(faults(), 0::bigint, 'and after the merge');
SELECT is(total(), (241::int8, 28928::numeric)::record, 'nothing counts twice');

-- Hour retention.
UPDATE kpi.source SET hours_from = hours_from - 10;
SELECT kpi.rebuild('pay');
SELECT is((SELECT min(day) FROM kpi_data.pay_rollup_hour), (SELECT hours_from FROM kpi.source), 'more hours');
CALL kpi.work();
SELECT is((SELECT hours_from FROM kpi.source), current_date - 5, 'expire');
SELECT is((SELECT min(day) FROM kpi_data.pay_rollup_hour), current_date - 5, 'with their rows');
SELECT is(faults(), 0::bigint, 'and are not compared');
INSERT INTO pay VALUES (301, current_date - 8 + time '10:10', 'MX', 5);
DELETE FROM pay WHERE id = 100;
CALL kpi.work();
SELECT is((SELECT min(day) FROM kpi_data.pay_rollup_hour), current_date - 5, 'a late row makes no hour of an expired day');
SELECT is(faults(), 0::bigint, 'but counts for its day');

-- Frozen history.
SELECT total() AS kept \gset
INSERT INTO pay VALUES (302, current_date - 30 + time '10:10', 'FR', 1000);
SELECT kpi.freeze('pay', (current_date - 10)::timestamptz);
SELECT is((SELECT amount FROM total()), 29928 + 5 - 100::numeric, 'freeze merges first');
DELETE FROM pay WHERE at < current_date - 8;
SELECT isnt((SELECT count(*) FROM kpi_data.pay_delta), 0::bigint, 'the purge is captured');
SELECT is(faults(), 0::bigint, 'frozen days are not compared');
CREATE TABLE history AS SELECT * FROM kpi_data.pay_rollup_day WHERE day < current_date - 10;
CALL kpi.work();
SELECT kpi.rebuild('pay');
INSERT INTO kpi.dirty VALUES ('pay', '-infinity', 'infinity', 'test');
CALL kpi.work();
SELECT is_empty('(TABLE history EXCEPT ALL SELECT * FROM kpi_data.pay_rollup_day) UNION ALL (SELECT * FROM kpi_data.pay_rollup_day WHERE day < current_date - 10 EXCEPT ALL TABLE history)',
                'merge, rebuild and repair leave frozen days alone');
SELECT is_empty('SELECT * FROM kpi_data.pay_rollup_day WHERE day BETWEEN current_date - 10 AND current_date - 9', 'the purge counts for the others');
SELECT is_empty('SELECT * FROM kpi.dirty', 'marks over frozen days go');
SELECT kpi.freeze('pay', (current_date - 20)::timestamptz);
CALL kpi.work();
SELECT is((SELECT max(day) FROM kpi_data.pay_rollup_day WHERE day < current_date - 8), current_date - 21, 'an earlier date thaws: those days follow the facts again');
SELECT throws_ok($$SELECT kpi.freeze('pay', now() + interval '2 days')$$, '22023', 'cannot freeze days that are not over');
SELECT throws_ok($$SELECT kpi.freeze('pay', NULL)$$, '22004');

-- Whose source it is.
CREATE ROLE eve;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kpi TO eve;
SET ROLE eve;
SELECT throws_ok($$SELECT kpi.merge('pay')$$, '42501', 'must be owner of source pay');
SELECT throws_ok($$SELECT * FROM kpi.verify('pay')$$, '42501', 'permission denied for view pay_facts');
RESET ROLE;
SELECT throws_ok($$SELECT kpi.rebuild('nope')$$, '42704', 'source "nope" does not exist');
SELECT * FROM finish();
DROP OWNED BY eve;
DROP ROLE eve;
