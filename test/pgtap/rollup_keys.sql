-- as: superuser
-- Keys of the rollups: levels, NULL against 'total', the equality of each type, long values.
SET client_min_messages = warning;
CREATE EXTENSION citext;
CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
SELECT plan(22);

CREATE TABLE event (at timestamptz, country text, source text, price numeric, code citext, label text COLLATE blind, v int);
CREATE VIEW none_facts AS SELECT at, 1 AS none_rows, v AS none_v FROM event;
CREATE VIEW one_facts AS SELECT at, country, v AS one_v FROM event;
CREATE VIEW two_facts AS SELECT at, country, source, v AS two_v FROM event;
CREATE VIEW number_facts AS SELECT at, price, v AS number_v FROM event;
CREATE VIEW citext_facts AS SELECT at, code, v AS citext_v FROM event;
CREATE VIEW blind_facts AS SELECT at, label, v AS blind_v FROM event;
CREATE TABLE source (name text, dimensions name[]);
INSERT INTO source VALUES ('none', '{}'), ('one', '{country}'), ('two', '{country,source}'), ('number', '{price}'),
                          ('citext', '{code}'), ('blind', '{label}');
SELECT kpi.track((name || '_facts')::regclass, 'at', dimensions, name, 'UTC', hour_retention => '300 years') FROM source;
SELECT kpi.rebuild(name) FROM source;
SELECT is_empty('SELECT * FROM kpi.dirty', 'the rebuild takes the marks of kpi.track away');

-- Three transactions, each merged: a key must find its row again, in any spelling that is equal.
INSERT INTO event VALUES
    ('2026-11-03 10:10Z', 'MX', 'web', 1.0, 'abc', 'Red', 1), ('2026-11-03 10:20Z', NULL, 'total', 1.00, 'ABC', 'RED', 2),
    ('2026-11-03 11:10Z', 'total', NULL, 1, 'abd', 'red', 4), ('2026-11-04 11:10Z', NULL, NULL, NULL, NULL, NULL, 8);
SELECT is(kpi.merge() > 0, true, 'merge() of every source says how many deltas it moved');
INSERT INTO event VALUES ('2026-11-03 10:30Z', NULL, NULL, 1.000, 'Abc', 'rED', 16), (NULL, 'MX', 'web', 2, 'x', 'x', 32),
    ('infinity', 'MX', 'web', 2, 'x', 'x', 64), ('-infinity', 'MX', 'web', 2, 'x', 'x', 128);
SELECT kpi.merge();
INSERT INTO event SELECT '2026-11-05 23:59:59.999Z', repeat('x', 8000), repeat('y', 8000), 1, 'long', 'long', g FROM generate_series(1, 2) g;
SELECT kpi.merge();
INSERT INTO event SELECT '2026-11-05 23:59Z', repeat('x', 8000), repeat('z', 8000), 1, 'long', 'long', 4;
SELECT kpi.merge();
SELECT is_empty(format('SELECT * FROM kpi.verify(%L)', name), 'verify finds nothing: ' || name) FROM source;

SELECT results_eq(
    'SELECT level::int, day, n, m1 FROM kpi_data.none_rollup_day ORDER BY day',
    $$VALUES (0, '2026-11-03'::date, 4::int8, 4::numeric), (0, '2026-11-04', 1, 1), (0, '2026-11-05', 3, 3)$$,
    'no dimension: one level, one row a day; events without a time are in no day');
SELECT results_eq(
    'SELECT level::int, d1, n, m1 FROM kpi_data.one_rollup_day WHERE day = ''2026-11-03'' ORDER BY level, d1 COLLATE "C"',
    $$VALUES (0, NULL, 4::int8, 23::numeric), (1, 'MX', 1, 1), (1, 'total', 1, 4), (1, NULL, 2, 18)$$,
    'one dimension: full and single are one level; NULL is a segment, not the total');
SELECT results_eq(
    'SELECT level::int, d1, d2, n, m1 FROM kpi_data.two_rollup_day WHERE day = ''2026-11-03'' ORDER BY level, d1 COLLATE "C", d2 COLLATE "C"',
    $$VALUES (0, NULL, NULL, 4::int8, 23::numeric),
             (1, 'MX', NULL, 1, 1), (1, 'total', NULL, 1, 4), (1, NULL, NULL, 2, 18),
             (2, NULL, 'total', 1, 2), (2, NULL, 'web', 1, 1), (2, NULL, NULL, 2, 20),
             (3, 'MX', 'web', 1, 1), (3, 'total', NULL, 1, 4), (3, NULL, 'total', 1, 2), (3, NULL, NULL, 1, 16)$$,
    'two dimensions: four levels, each NULL apart from the total of its level');
SELECT results_eq(
    'SELECT level::int, d1 = 1, n FROM kpi_data.number_rollup_day WHERE day = ''2026-11-03'' ORDER BY level',
    'VALUES (0, NULL::bool, 4::int8), (1, true, 4)', '1, 1.0, 1.00 and 1.000 are one segment');
SELECT results_eq(
    'SELECT lower(d1::text), n FROM kpi_data.citext_rollup_day WHERE day = ''2026-11-03'' AND level = 1 ORDER BY 1',
    $$VALUES ('abc', 3::int8), ('abd', 1)$$, 'citext: spellings are one segment');
SELECT results_eq(
    'SELECT lower(d1 COLLATE "C") = ''red'' COLLATE "C", n FROM kpi_data.blind_rollup_day WHERE day = ''2026-11-03'' AND level = 1 ORDER BY 1',
    'VALUES (true, 4::int8)', 'a nondeterministic collation: spellings are one segment');
SELECT results_eq(
    'SELECT level::int, count(*), sum(n)::int8, max(length(d1)) FROM kpi_data.two_rollup_day WHERE day = ''2026-11-05'' GROUP BY level ORDER BY level',
    'VALUES (0, 1::int8, 3::int8, NULL::int), (1, 1, 3, 8000), (2, 2, 3, NULL), (3, 2, 3, 8000)',
    'values of 8000 characters fit, and differ in full');
SELECT results_eq(
    'SELECT level::int, hour, n FROM kpi_data.none_rollup_hour ORDER BY hour LIMIT 2',
    $$VALUES (0, '2026-11-03 10:00Z'::timestamptz, 3::int8), (0, '2026-11-03 11:00Z', 1)$$, 'hours are kept beside days');

-- The same segment lives in one row however often it is merged.
SELECT is((SELECT count(*) FROM (SELECT level, day, d1, d2 FROM kpi_data.two_rollup_day GROUP BY 1, 2, 3, 4 HAVING count(*) > 1) x),
          0::bigint, 'no key has two rows');
DELETE FROM event;
SELECT kpi.merge();
SELECT is_empty('SELECT * FROM kpi_data.two_rollup_day', 'a group without rows is deleted by the merge: days');
SELECT is_empty('SELECT * FROM kpi_data.two_rollup_hour', 'a group without rows is deleted by the merge: hours');
SELECT is_empty('SELECT * FROM kpi_data.two_delta', 'nothing is left to merge');

-- A publication of all tables needs a replica identity for the merge's UPDATE and DELETE.
ALTER TABLE event REPLICA IDENTITY FULL;
CREATE PUBLICATION everything FOR ALL TABLES;
INSERT INTO event VALUES ('2026-11-03 10:10Z', 'MX', 'web', 1.0, 'abc', 'Red', 1);
SELECT is(kpi.merge('two'), 1::bigint, 'merge with a publication FOR ALL TABLES: insert');
DELETE FROM event;
SELECT is(kpi.merge('two'), 1::bigint, 'merge with a publication FOR ALL TABLES: delete');
SELECT * FROM finish();
