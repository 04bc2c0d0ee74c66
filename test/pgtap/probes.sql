-- as: superuser
-- Probes: times, plans, what is slow, what fails; rights.
SET client_min_messages = warning;
SELECT plan(45);
\ir ../tools/raised.sql
GRANT USAGE ON SCHEMA t TO PUBLIC;
CREATE FUNCTION t.run(name text) RETURNS text LANGUAGE sql AS $$
    SELECT format('%s rows, slow %s, changed %s, error %s', r.rows, r.slow, r.plan_changed, r.error) FROM kpi.run_probes(name) r $$;
CREATE FUNCTION t.incident(fingerprint text) RETURNS text LANGUAGE sql AS $$
    SELECT i.state FROM kpi.incident i WHERE i.fingerprint = incident.fingerprint ORDER BY i.id DESC LIMIT 1 $$;
CREATE ROLE prober; GRANT kpi_admin TO prober;
CREATE ROLE prober_stranger; GRANT kpi_admin TO prober_stranger;
CREATE ROLE prober_watcher; GRANT kpi_reader TO prober_watcher;
CREATE ROLE prober_runner; GRANT kpi_operator TO prober_runner;
CREATE SCHEMA shop AUTHORIZATION prober;
SET ROLE prober;
CREATE TABLE shop.pay AS SELECT i AS id, 'MX' AS country FROM generate_series(1, 5000) i;
ANALYZE shop.pay;

-- Fast
SELECT kpi.add_probe('one', 'SELECT * FROM shop.pay WHERE id = 7;', slow => '10 s') \gset
SELECT is((SELECT sql FROM kpi.probe WHERE name = 'one'), 'SELECT * FROM shop.pay WHERE id = 7', 'a probe is one SELECT, without its semicolon');
SELECT is(t.run('one'), '1 rows, slow f, changed f, error ', 'it is run and its rows are counted');
SELECT cmp_ok((SELECT milliseconds FROM kpi.probe_run WHERE name = 'one'), '>', 0::float8, 'with its time');
SELECT is(t.incident('probe one'), NULL, 'fast: no incident');
SELECT is((SELECT plan->0->'Plan'->>'Node Type' FROM kpi.probe_plan WHERE name = 'one'), 'Seq Scan', 'its plan is kept');

-- Another plan
CREATE INDEX pay_id ON shop.pay (id);
SELECT is(t.run('one'), '1 rows, slow f, changed t, error ', 'another plan is noticed');
SELECT is(t.run('one'), '1 rows, slow f, changed f, error ', 'once');
SELECT is((SELECT count(*) FROM kpi.probe_plan WHERE name = 'one'), 2::bigint, 'both plans are there to be compared');
INSERT INTO shop.pay SELECT i, 'US' FROM generate_series(5001, 9000) i;
ANALYZE shop.pay;
SELECT is(t.run('one'), '1 rows, slow f, changed f, error ', 'other statistics are no other plan');
SELECT is((SELECT row(runs, failed, slow)::text FROM kpi.probe_stats WHERE name = 'one'), '(4,0,0)', 'four runs');
SELECT ok(min <= median AND median <= p95 AND p95 <= max AND last BETWEEN min AND max AND plan_changed_at IS NOT NULL, 'min, median, p95, max and last') FROM kpi.probe_stats WHERE name = 'one';

-- Slow
SELECT kpi.add_probe('nap', 'SELECT pg_sleep(0.05)', slow => '10 ms', severity => 'critical') \gset
SELECT is(t.run('nap'), '1 rows, slow t, changed f, error ', 'slower than its limit');
SELECT is(t.incident('probe nap'), NULL, 'once may be chance');
SELECT t.run('nap') \gset
SELECT is(t.incident('probe nap'), 'firing', 'twice in a row is an incident');
SELECT is((SELECT row(kind, severity, title)::text FROM kpi.incident WHERE fingerprint = 'probe nap'), '(probe,critical,"probe nap is slow")', 'of kind probe');
SELECT matches((SELECT details->'lines'->>0 FROM kpi.incident WHERE fingerprint = 'probe nap'), '^[0-9]+ ms, 2 times in a row above 10 ms$', 'which says how slow');
SELECT kpi.alter_probe('nap', sql => 'SELECT 1', slow => '10 s') \gset
SELECT t.run('nap') \gset
SELECT is(t.incident('probe nap'), 'resolved', 'a fast run resolves it');
SELECT kpi.alter_probe('nap', sql => 'SELECT pg_sleep(0.05)', slow => '10 ms') \gset
SELECT t.run('nap') \gset
SELECT is(t.incident('probe nap'), 'resolved', 'slow once again: nothing');
SELECT t.run('nap') \gset
SELECT is(t.incident('probe nap'), 'firing', 'twice: another incident');
SELECT kpi.alter_probe('nap', enabled => false) \gset
SELECT is(t.incident('probe nap'), 'resolved', 'switching a probe off resolves it');
RESET ROLE;
SET kpi.check_timeout = 1;
SET ROLE prober;
SELECT kpi.alter_probe('nap', sql => 'SELECT pg_sleep(60)', slow => '5 s') \gset
SELECT is(t.run('nap'), ' rows, slow t, changed f, error it took longer than 1 s', 'one that is cancelled is slow');
RESET ROLE; RESET kpi.check_timeout; SET ROLE prober;

-- Errors
CREATE MATERIALIZED VIEW shop.mv AS SELECT count(*) FROM shop.pay WITH NO DATA;
SELECT kpi.add_probe('view', 'SELECT * FROM shop.mv', slow => '10 s') \gset
SELECT matches(t.run('view'), 'error materialized view "mv" has not been populated', 'a view that is not filled');
SELECT is(t.incident('probe error view'), NULL, 'is building: no incident');
REFRESH MATERIALIZED VIEW shop.mv;
SELECT is(t.run('view'), '1 rows, slow f, changed f, error ', 'filled it is run');
DROP MATERIALIZED VIEW shop.mv;
SELECT t.run('view') \gset
SELECT is(t.incident('probe error view'), 'firing', 'dropped it is an error');
SELECT is((SELECT details->'lines'->>0 FROM kpi.incident WHERE fingerprint = 'probe error view'), 'SQLSTATE 42P01; kpi.probe_run has the text', 'which names the state');
SELECT is((SELECT failed FROM kpi.probe_stats WHERE name = 'view'), 2::bigint, 'failures are counted');
SELECT kpi.drop_probe('view') \gset
SELECT is(t.incident('probe error view'), 'resolved', 'dropping the probe resolves it');
SELECT is_empty($$SELECT name FROM kpi.probe_run WHERE name = 'view' UNION ALL SELECT name FROM kpi.probe_plan WHERE name = 'view'$$, 'and forgets its history');

-- What it must not do
CREATE FUNCTION shop.evil() RETURNS int LANGUAGE sql AS $$ INSERT INTO shop.pay VALUES (0, 'XX') RETURNING 1 $$;
SELECT kpi.add_probe('evil', 'SELECT shop.evil()') \gset
SELECT matches(t.run('evil'), 'cannot execute INSERT in a read-only transaction', 'a probe writes nothing');
SELECT kpi.drop_probe('evil') \gset
SELECT alike(t.raised($$SELECT kpi.add_probe('x', 'UPDATE shop.pay SET id = 1')$$), '22023 sql must be one SELECT%', 'nor is it an UPDATE');
SELECT alike(t.raised($$SELECT kpi.add_probe('x', 'EXPLAIN ANALYZE DELETE FROM shop.pay')$$), '22023 sql must be one SELECT%', 'nor an EXPLAIN');
SELECT is(t.raised($$SELECT kpi.add_probe('one', 'SELECT 1')$$), '42710 probe "one" exists already |  | Change it with kpi.alter_probe or remove it with kpi.drop_probe.', 'a name that is taken');
SELECT alike(t.raised($$SELECT kpi.add_probe('x', 'SELECT 1 FROM pay')$$), '42P01 % | Names in it need their schema%', 'a name without schema gets a hint');
SELECT is(t.raised($$SELECT kpi.add_probe('x', 'SELECT 1', slow => '0')$$), '22023 argument "slow" must be greater than 0 |  | ', 'slow is more than nothing');

-- Rights
RESET ROLE; SET ROLE prober_stranger;
SELECT alike(t.raised($$SELECT kpi.run_probes('one')$$), '42501 must be owner of probe "one"%', 'others do not run it');
SELECT alike(t.raised($$SELECT kpi.drop_probe('one')$$), '42501 %', 'nor drop it');
SELECT is_empty('SELECT name FROM kpi.probe_stats UNION ALL SELECT name FROM kpi.probe_run UNION ALL SELECT name FROM kpi.probe_plan', 'nor see it');
SELECT alike(t.raised($$SELECT kpi.add_probe('x', 'SELECT * FROM shop.pay')$$), '42501 %', 'nor read what they may not');
RESET ROLE; SET ROLE prober_watcher;
SELECT is((SELECT runs FROM kpi.probe_stats WHERE name = 'one'), 4::bigint, 'kpi_reader sees the times');
SELECT alike(t.raised('SELECT FROM kpi.probe_plan'), '42501 %', 'not the plans');
RESET ROLE; SET ROLE prober_runner;
SELECT is(t.run('one'), '1 rows, slow f, changed f, error ', 'kpi_operator runs those of all');

-- Due, by hand
RESET ROLE;
UPDATE kpi.probe_state SET due_at = CASE name WHEN 'one' THEN '-infinity' ELSE now() + interval '1 day' END::timestamptz;
CALL kpi.work();
SELECT is((SELECT count(*) FROM kpi.probe_run WHERE name = 'one'), 6::bigint, 'kpi.work() runs what is due');
SELECT ok(due_at BETWEEN now() + interval '29 minutes' AND now() + interval '31 minutes' AND begun_by IS NULL, 'and it is due again in 30 minutes') FROM kpi.probe_state WHERE name = 'one';
UPDATE kpi.probe_state SET due_at = '-infinity', begun_at = now(), begun_by = -5 WHERE name = 'one';
CALL kpi.work();
SELECT is((SELECT row(slow, error)::text FROM kpi.probe_run WHERE name = 'one' ORDER BY at DESC LIMIT 1), '(t,"the process ended while the probe ran")', 'one that killed its process says so');
SELECT * FROM finish();
