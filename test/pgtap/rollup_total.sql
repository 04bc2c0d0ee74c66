-- kpi._total gives what sum() gives, whatever the size of its values.
SELECT plan(9);
CREATE TABLE given (what text, v numeric);
INSERT INTO given VALUES
    ('none', NULL), ('null beside', NULL), ('null beside', 1.5),
    ('scales', 1.5), ('scales', -0.25), ('scales', 3), ('scales', 0.000), ('cancel', 7.10), ('cancel', -7.1),
    ('edge', 9223372036854775807), ('edge', 1), ('edge', -3.001),
    ('scale', 922337203685477580), ('scale', 0.000000000000000001), ('scale', 1e-40), ('scale', 12345.6789),
    ('huge', 1e40), ('huge', 7), ('huge', -1e40), ('beyond', ('9' || repeat('0', 100000))::numeric),
    ('beyond', ('9' || repeat('0', 100000))::numeric), ('beyond', ('4' || repeat('0', 100003))::numeric), ('beyond', 0.5),
    ('specials', 'NaN'), ('specials', 1), ('positive', 'Infinity'), ('positive', -1e30), ('both', 'Infinity'), ('both', '-Infinity');
SELECT results_eq('SELECT what, kpi._total(v) FROM given GROUP BY what ORDER BY what',
    'SELECT what, sum(v) FROM given GROUP BY what ORDER BY what', 'of each group');
SELECT results_eq($$SELECT what, kpi._total(v)::text FROM given WHERE what IN ('null beside', 'scales', 'cancel', 'edge') GROUP BY 1 ORDER BY 1$$,
    $$SELECT what, sum(v)::text FROM given WHERE what IN ('null beside', 'scales', 'cancel', 'edge') GROUP BY 1 ORDER BY 1$$,
    'with the decimals of the values');
SELECT is(kpi._total(v), NULL, 'no value, no sum') FROM given WHERE what = 'none';
SELECT is(kpi._total(v), '-Infinity', 'an infinity stays') FROM (VALUES ('-Infinity'::numeric), (2)) t (v);
SELECT results_eq(
    $$SELECT g % 7, kpi._total((hashint8(g) * 1000003::numeric) / (10 ^ (g % 9))::numeric) FROM generate_series(1, 5000) g GROUP BY 1 ORDER BY 1$$,
    $$SELECT g % 7, sum((hashint8(g) * 1000003::numeric) / (10 ^ (g % 9))::numeric) FROM generate_series(1, 5000) g GROUP BY 1 ORDER BY 1$$,
    'thousands of them, at many scales');
SELECT results_eq(
    'SELECT g, kpi._total(v) OVER (ORDER BY g) FROM (SELECT g, 3000000000000000000 * g::numeric AS v FROM generate_series(1, 9) g) t ORDER BY g',
    'SELECT g, sum(v) OVER (ORDER BY g) FROM (SELECT g, 3000000000000000000 * g::numeric AS v FROM generate_series(1, 9) g) t ORDER BY g',
    'a running sum, over the edge of 64 bits');
SELECT is((SELECT kpi._total(v) FROM (SELECT repeat('7', 20000)::numeric AS v FROM generate_series(1, 3)) t),
    3 * repeat('7', 20000)::numeric, 'values of thousands of digits');
SET work_mem = '64kB';
SELECT results_eq(
    'SELECT g % 9000, kpi._total(g) FROM generate_series(1, 40000) g GROUP BY 1 ORDER BY 1',
    'SELECT g % 9000, sum(g::numeric) FROM generate_series(1, 40000) g GROUP BY 1 ORDER BY 1', 'groups beyond work_mem');
SELECT throws_ok('SELECT kpi._total_add(NULL, 1)', NULL, NULL, 'its transition is of no use alone');
SELECT * FROM finish();
