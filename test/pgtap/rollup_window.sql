-- as: superuser
-- Window capture: the window follows the facts, older days wait for a rebuild, hours and days are those of trigger capture.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(24);
CREATE TABLE pay (id int PRIMARY KEY, at timestamptz, country text, amount numeric(12, 2), units int);
CREATE TABLE rate (country text PRIMARY KEY, factor numeric);
INSERT INTO rate VALUES ('MX', 2), ('ES', 1);
CREATE VIEW join_facts AS SELECT p.at, p.country, p.amount * r.factor AS value, p.units FROM pay p JOIN rate r USING (country);
SELECT kpi.track('join_facts', 'at', '{country}', 'w', 'Europe/Madrid', lookback => '3 days');
SELECT is((SELECT capture FROM kpi.source), 'window', 'a join has window capture');
INSERT INTO pay SELECT g, now() - g * interval '5 hours', (ARRAY['MX', 'ES'])[1 + g % 2], g, g FROM generate_series(1, 240) g;
CREATE FUNCTION faults() RETURNS bigint LANGUAGE sql AS $$SELECT count(*) FROM kpi.verify('w')$$;
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'the worker builds it');
SELECT is((SELECT sum(m1) FROM kpi_data.w_rollup_day WHERE level = 0), (SELECT sum(value) FROM join_facts), 'with every row');
SELECT is(faults(), 0::bigint, 'and verify agrees');
SELECT isnt((SELECT computed_at FROM kpi.source_state), NULL, 'computed_at is set');

INSERT INTO pay VALUES (300, now(), 'MX', 10, 1), (301, now() - interval '2 days', 'ES', 'NaN', 1);
DELETE FROM pay WHERE id = 3;
SELECT isnt(faults(), 0::bigint, 'nothing is captured at once');
SELECT computed_at AS was FROM kpi.source_state \gset
CALL kpi.work();
SELECT is(faults(), 0::bigint, 'the window catches up: late rows inside lookback');
SELECT cmp_ok((SELECT computed_at FROM kpi.source_state), '>', :'was', 'and computed_at moves');
DELETE FROM pay WHERE id = 301;
CALL kpi.work();
SELECT is(faults(), 0::bigint, 'NaN cancels');

INSERT INTO pay VALUES (302, now() - interval '20 days', 'MX', 5, 1);
CALL kpi.work();
SELECT isnt(faults(), 0::bigint, 'a late row outside lookback waits');
SELECT kpi.rebuild('w', now() - interval '21 days', now() - interval '19 days');
SELECT is(faults(), 0::bigint, 'for kpi.rebuild of its period');

-- An error of the facts is not swallowed.
UPDATE rate SET factor = 1e130000 WHERE country = 'MX';
UPDATE pay SET amount = 9999999999 WHERE country = 'MX';
CREATE OR REPLACE VIEW join_facts AS SELECT p.at, p.country, p.amount * r.factor * r.factor AS value, p.units FROM pay p JOIN rate r USING (country);
SELECT throws_ok($$SELECT kpi.rebuild('w')$$, '22003', NULL, 'a data error of the facts reaches the caller');
CALL kpi.work();
SELECT isnt((SELECT last_error FROM kpi.source_state), NULL, 'and the record of the worker');
UPDATE rate SET factor = 2 WHERE country = 'MX';
SELECT kpi.rebuild('w');
SELECT is(faults(), 0::bigint, 'until it is mended');
DELETE FROM pay;
SELECT kpi.rebuild('w');
SELECT is_empty('SELECT * FROM kpi_data.w_rollup_day', 'no row at all');
SELECT kpi.untrack('w');

-- The same buckets as trigger capture, over every kind of offset change.
CREATE TABLE event (at timestamptz, v int);
CREATE TABLE zone (name text);
INSERT INTO zone VALUES ('UTC'), ('Europe/Madrid'), ('Australia/Lord_Howe'), ('Asia/Kolkata'), ('Asia/Kathmandu'), ('America/Sao_Paulo'), ('Pacific/Apia');
INSERT INTO event SELECT timestamptz '2011-12-20Z' + g * interval '7 minutes 13.123 seconds', g FROM generate_series(1, 4000) g;
INSERT INTO event SELECT day + g * interval '5 minutes 1 second', g
  FROM unnest('{2026-03-28Z,2026-10-24Z,2026-04-04Z,2026-10-03Z,2018-11-03Z,2018-02-17Z}'::timestamptz[]) day, generate_series(1, 700) g;
INSERT INTO event VALUES (NULL, 1), ('infinity', 1), ('-infinity', 1), ('1890-01-01Z', 1), ('2090-07-01Z', 1);
DO $$
DECLARE z zone; kind text; place int := 0;
BEGIN
    FOR z IN TABLE zone LOOP
        place := place + 1;
        FOREACH kind IN ARRAY '{trigger,window}'::text[] LOOP
            EXECUTE format('CREATE VIEW %1$s_facts_%2$s AS SELECT at, v AS %1$s_%2$s FROM event', kind, place);
            PERFORM kpi.track(format('%s_facts_%s', kind, place)::regclass, 'at', '{}', format('%s%s', kind, place), z.name, kind,
                              hour_retention => '300 years');
            PERFORM kpi.rebuild(format('%s%s', kind, place));
        END LOOP;
        EXECUTE format('CREATE VIEW difference_%1$s AS (SELECT day, hour, n, m1 FROM kpi_data.trigger%1$s_rollup_hour EXCEPT ALL '
                       'SELECT day, hour, n, m1 FROM kpi_data.window%1$s_rollup_hour) UNION ALL (SELECT day, hour, n, m1 FROM '
                       'kpi_data.window%1$s_rollup_hour EXCEPT ALL SELECT day, hour, n, m1 FROM kpi_data.trigger%1$s_rollup_hour)', place);
    END LOOP;
END $$;
SELECT is((SELECT sum(n) FROM kpi_data.window1_rollup_day), 8202::numeric, 'every event with a time is in a bucket');
SELECT is_empty((SELECT string_agg(format('SELECT * FROM difference_%s', g), ' UNION ALL ') FROM generate_series(1, 7) g), 'window and trigger capture know the same hours and days in 7 zones');
SELECT is_empty($$SELECT * FROM kpi.verify('window3') LIMIT 3$$, 'verify agrees: Lord Howe');
SELECT is((SELECT count(DISTINCT hour) FROM kpi_data.window3_rollup_hour WHERE day = '2026-04-05'), 25::bigint, 'Lord Howe sets its clocks back by half an hour: 25 local hours');
SELECT is((SELECT count(*) FROM kpi_data.window2_rollup_hour WHERE day = '2026-10-25'), 25::bigint, 'Madrid, autumn: 25 hours');

-- Time columns without a zone.
CREATE TABLE plain_event (at timestamp, day date, v int);
INSERT INTO plain_event SELECT timestamp '2026-03-28' + g * interval '7 min 3 s', date '2026-01-01' + g, g FROM generate_series(1, 500) g;
INSERT INTO plain_event VALUES ('infinity', '-infinity', 1), (NULL, NULL, 1);
CREATE TABLE pair (name text, kind text, time_column name, zone text);
INSERT INTO pair VALUES ('ts_trigger', 'trigger', 'at', 'Europe/Madrid'), ('ts_window', 'window', 'at', 'Europe/Madrid'),
    ('day_trigger', 'trigger', 'day', 'America/Sao_Paulo'), ('day_window', 'window', 'day', 'America/Sao_Paulo');
DO $$
DECLARE p pair;
BEGIN
    FOR p IN TABLE pair LOOP
        EXECUTE format('CREATE VIEW %1$s_facts AS SELECT %2$I, v AS %1$s_v FROM plain_event', p.name, p.time_column);
        PERFORM kpi.track((p.name || '_facts')::regclass, p.time_column, '{}', p.name, p.zone, p.kind, hour_retention => '300 years');
        PERFORM kpi.rebuild(p.name);
    END LOOP;
END $$;
SELECT is((SELECT sum(n) FROM kpi_data.ts_window_rollup_hour), 500::numeric, 'timestamp: every finite time');
SELECT results_eq('SELECT day, hour, n, m1 FROM kpi_data.ts_window_rollup_hour ORDER BY hour', 'SELECT day, hour, n, m1 FROM kpi_data.ts_trigger_rollup_hour ORDER BY hour', 'timestamp: the hours of trigger capture');
SELECT results_eq('SELECT day, hour, n, m1 FROM kpi_data.day_window_rollup_hour ORDER BY hour', 'SELECT day, hour, n, m1 FROM kpi_data.day_trigger_rollup_hour ORDER BY hour', 'date: the hours of trigger capture');
SELECT kpi.rebuild('ts_window', '2026-03-28', '2026-03-29');
SELECT is_empty($$SELECT * FROM kpi.verify('ts_window') UNION ALL SELECT * FROM kpi.verify('day_window')$$, 'verify agrees after a rebuild of a part');
SELECT * FROM finish();
