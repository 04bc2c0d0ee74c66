-- as: superuser
-- Checks of data quality: every kind on both sides of its limit, their incidents, samples, rights.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(136);
\ir ../tools/raised.sql
-- What a check says to a Spaniard.
CREATE FUNCTION t.dice(name text) RETURNS text LANGUAGE sql SECURITY DEFINER SET kpi.language = es AS $$ SELECT r.state || ': ' || r.message FROM kpi.run_checks(name) r $$;
GRANT USAGE ON SCHEMA t TO PUBLIC;
CREATE FUNCTION t.state(name text) RETURNS text LANGUAGE sql AS $$ SELECT r.state FROM kpi.run_checks(name) r $$;
CREATE FUNCTION t.message(name text) RETURNS text LANGUAGE sql AS $$ SELECT r.state || ': ' || r.message FROM kpi.run_checks(name) r $$;
CREATE ROLE checker; GRANT kpi_admin TO checker;
CREATE ROLE checker_stranger; GRANT kpi_admin TO checker_stranger;
CREATE ROLE checker_watcher; GRANT kpi_reader TO checker_watcher;
CREATE ROLE checker_runner; GRANT kpi_operator TO checker_runner;
CREATE SCHEMA shop AUTHORIZATION checker;
SET ROLE checker;
CREATE TABLE shop.customer (id int PRIMARY KEY);
INSERT INTO shop.customer SELECT generate_series(1, 10);
CREATE TABLE shop.pay (id int, at timestamptz NOT NULL, country text, email text, amount numeric, customer int);
CREATE INDEX ON shop.pay (at);
INSERT INTO shop.pay SELECT i, date_trunc('day', now()) - i * interval '6 hours', 'MX', 'a@example.com', i % 100, 1 + i % 10 FROM generate_series(1, 200) i;
CREATE VIEW shop.pay_facts AS SELECT at, coalesce(country, '?') AS country, amount AS revenue, 1 AS payments, customer FROM shop.pay;
SELECT kpi.track('shop.pay_facts', 'at', '{country}', 'pay', 'UTC', build => 'now', aggregates => '{"payers": {"distinct": "customer"}}') \gset

-- freshness
SELECT kpi.add_check('fresh', 'freshness', 'pay', parameters => '{"max_age": "30 hours"}') \gset
SELECT is(t.state('fresh'), 'ok', 'freshness: the newest row is of 18:00 yesterday');
SELECT kpi.alter_check('fresh', '{"max_age": "1 hour"}') \gset
SELECT is(t.state('fresh'), 'failing', 'and too old for one hour');
SELECT kpi.add_check('fresh table', 'freshness', relation => 'shop.pay', parameters => '{"time_column": "at", "max_age": "30 hours"}') \gset
SELECT is((SELECT source FROM kpi.check WHERE name = 'fresh table'), 'pay', 'a check of the table behind a source is one of the source');
SELECT matches(t.message('fresh table'), '^ok: the newest row is of .* hours old, 30 hours allowed\)$', 'freshness says what it saw');
SELECT matches(t.dice('fresh table'), '^ok: la fila más reciente es de .* \(hace [0-9.]+ horas, permitido: 30 hours\)$', 'in Spanish too');
INSERT INTO shop.pay VALUES (0, now() + interval '10 days', 'MX', 'x', 1, 1);
SELECT is(t.state('fresh'), 'failing', 'a row of the future makes nothing fresh');
DELETE FROM shop.pay WHERE id = 0;
SELECT kpi.drop_check('fresh') \gset

-- missing periods
SELECT kpi.add_check('gaps', 'missing_periods', 'pay') \gset
SELECT is(t.message('gaps'), 'ok: the last 28 days have rows', 'missing_periods: no day is missing');
DELETE FROM shop.pay WHERE at >= date_trunc('day', now()) - interval '3 days' AND at < date_trunc('day', now()) - interval '2 days';
SELECT is(t.message('gaps'), format('failing: 1 of the last 28 days have no row, 0 allowed: %s', current_date - 3), 'a day without rows is named, from unmerged changes too');
SELECT is(t.dice('gaps'), format('failing: 1 de los últimos periodos (28 días) no tienen filas, se permiten 0: %s', current_date - 3), 'in Spanish too');
SELECT kpi.alter_check('gaps', '{"allowed": 1}') \gset
SELECT is(t.state('gaps'), 'ok', 'and may be allowed');
INSERT INTO shop.pay SELECT 1000 + i, date_trunc('day', now()) - interval '3 days' + i * interval '6 hours', 'MX', 'b', 5, 2 FROM generate_series(0, 3) i;
SELECT kpi.add_check('gaps by hour', 'missing_periods', 'pay', parameters => '{"grain": "hour", "periods": 24}') \gset
SELECT is((SELECT state || ' ' || value >= 'failing 18' FROM kpi.run_checks('gaps by hour')), true, 'by hour most of them are missing');
SELECT kpi.drop_check('gaps by hour') \gset

-- volume
SELECT kpi.add_check('volume', 'volume', 'pay') \gset
SELECT is(t.message('volume'), format('ok: %s has 4 rows, 1.00 times the 4 usual for its weekday', current_date - 1), 'volume: yesterday is usual');
INSERT INTO shop.pay SELECT 2000 + i, date_trunc('day', now()) - interval '1 hour', 'MX', 'b', 5, 2 FROM generate_series(1, 16) i;
SELECT is(t.message('volume'), format('ok: %s has 20 rows, 5.00 times the 4 usual for its weekday', current_date - 1), 'more than usual is fine by default; unmerged values are no rows');
SELECT kpi.alter_check('volume', '{"max_ratio": 4.9}') \gset
SELECT is(t.state('volume'), 'failing', 'unless there is a limit');
DELETE FROM shop.pay WHERE id > 2000;
DELETE FROM shop.pay WHERE at >= date_trunc('day', now()) - interval '1 day' AND at < date_trunc('day', now()) - interval '6 hours';
SELECT is(t.message('volume'), format('failing: %s has 1 rows, 0.25 times the 4 usual for its weekday', current_date - 1), 'fewer than half of usual fails');
SELECT is(t.dice('volume'), format('failing: %s tiene 1 filas, 0.25 veces las 4 habituales de su día de la semana', current_date - 1), 'in Spanish too');
SELECT kpi.drop_check('volume') \gset

-- null rate
SELECT kpi.add_check('nulls', 'null_rate', relation => 'shop.pay', column_name => 'country', parameters => '{"time_column": "at"}') \gset
SELECT is(t.state('nulls'), 'ok', 'null_rate: none is NULL');
INSERT INTO shop.pay SELECT 3000 + i, now() - interval '1 hour', NULL, 'null@example.com', 5, 2 FROM generate_series(1, 2) i;
SELECT is(t.state('nulls'), 'ok', '2 of at least 23 are below 10 %');
INSERT INTO shop.pay SELECT 3010 + i, now() - interval '1 hour', NULL, 'null@example.com', 5, 2 FROM generate_series(1, 2) i;
SELECT matches(t.message('nulls'), '^failing: country is NULL in 1[0-9.]+ % of 2[0-9] rows, 10 % allowed$', '4 of them are not');
SELECT matches(t.dice('nulls'), '^failing: country es NULL en el 1[0-9.]+ % de 2[0-9] filas, se permite el 10 %$', 'in Spanish too');
SELECT is((SELECT jsonb_array_length(sample) FROM kpi.check_result WHERE name = 'nulls' AND state = 'failing' ORDER BY at DESC LIMIT 1), 4, 'with a sample of the rows');
SELECT kpi.alter_check('nulls', '{"min_rows": 30}') \gset
SELECT is(t.state('nulls'), 'ok', 'too few rows say nothing');
UPDATE shop.pay SET country = '  ' WHERE id = 3012;
SELECT kpi.alter_check('nulls', '{"min_rows": null, "blank": true}') \gset
SELECT matches(t.message('nulls'), '^failing: country is NULL or blank in 1[0-9.]+ %', 'blanks count when asked');
SELECT kpi.alter_check('nulls', '{"sample_percent": 100}') \gset
SELECT t.state('nulls') \gset
SELECT is((SELECT state || ' ' || read FROM kpi.check_result WHERE name = 'nulls' ORDER BY at DESC LIMIT 1), 'failing sample', 'a sample of the table says that it is one');

-- samples and sensitive columns
SELECT kpi.mark_sensitive('shop.pay', 'email') \gset
SELECT is_empty('SELECT FROM kpi.check_result WHERE sample IS NOT NULL', 'marking a column deletes the samples');
SELECT t.state('nulls') \gset
SELECT is((SELECT (sample->0 ? 'id')::text || (sample->0 ? 'email')::text FROM kpi.check_result WHERE name = 'nulls' ORDER BY at DESC LIMIT 1), 'truefalse', 'a sensitive column is left out of samples');
SELECT kpi.add_check('emails', 'uniqueness', relation => 'shop.pay', column_name => 'email') \gset
SELECT is(t.state('emails'), 'failing', 'uniqueness of a sensitive column');
SELECT is((SELECT sample FROM kpi.check_result WHERE name = 'emails'), NULL, 'keeps no sample');
CREATE VIEW shop.hidden AS SELECT email AS x FROM shop.pay;
SELECT kpi.add_check('hidden', 'custom_sql', parameters => '{"sql": "SELECT x AS y FROM shop.hidden"}') \gset
SELECT is(t.state('hidden'), 'failing', 'SQL that reads it under another name');
SELECT is((SELECT sample FROM kpi.check_result WHERE name = 'hidden'), NULL, 'keeps none either');
SELECT kpi.mark_sensitive('shop.pay', 'email', false) \gset
SELECT t.state('hidden') \gset
SELECT is((SELECT jsonb_array_length(sample) FROM kpi.check_result WHERE name = 'hidden' ORDER BY at DESC LIMIT 1), 5, 'once it is sensitive no more, five rows');
SELECT kpi.drop_check('hidden'), kpi.drop_check('emails'), kpi.drop_check('nulls') \gset

-- range
SELECT kpi.add_check('amount', 'range', relation => 'shop.pay', column_name => 'amount', parameters => '{"min": 0, "max": 99}') \gset
SELECT is(t.state('amount'), 'ok', 'range: 0 to 99');
INSERT INTO shop.pay VALUES (4000, now(), 'MX', 'n', 'NaN', 1);
SELECT is(t.state('amount'), 'failing', 'NaN is in no range');
UPDATE shop.pay SET amount = -1 WHERE id = 4000;
SELECT is(t.message('amount'), 'failing: amount is outside 0 to 99 in 1 of 202 rows, 0 allowed', 'nor is -1');
SELECT is(t.dice('amount'), 'failing: amount está fuera de 0 a 99 en 1 de 202 filas, se permiten 0', 'in Spanish too');
SELECT kpi.alter_check('amount', '{"max_rows": 1}') \gset
SELECT is(t.state('amount'), 'ok', 'one may be allowed');
DELETE FROM shop.pay WHERE id = 4000;
GRANT USAGE ON SCHEMA shop TO checker_stranger;
SELECT kpi.define('share', '100.0 * payments / payments') \gset
SELECT kpi.add_check('share', 'range', 'pay', parameters => '{"metric": "share", "min": 0, "max": 100}') \gset
SELECT is(t.state('share'), 'ok', 'range of a metric');
SELECT kpi.alter_check('share', '{"max": 99}') \gset
SELECT matches(t.message('share'), '^failing: share is < 0 or > 99 on [0-9]+ of 8 days$', 'beyond it');
SELECT matches(t.dice('share'), '^failing: share es < 0 o > 99 en [0-9]+ de 8 días$', 'in Spanish too');
SELECT kpi.drop_check('share') \gset

-- uniqueness
SELECT kpi.add_check('ids', 'uniqueness', relation => 'shop.pay', column_name => 'id') \gset
SELECT is(t.state('ids'), 'ok', 'uniqueness: no id twice');
INSERT INTO shop.pay SELECT 7, now(), 'MX', 'twice', 1, 1 FROM generate_series(1, 2);
SELECT is(t.message('ids'), 'failing: id is not unique in 2 of 203 rows, 0 allowed', 'one thrice');
SELECT is(t.dice('ids'), 'failing: id no es único en 2 de 203 filas, se permiten 0', 'in Spanish too');
SELECT is((SELECT sample FROM kpi.check_result WHERE name = 'ids' ORDER BY at DESC LIMIT 1), '[{"id": 7, "rows": 3}]', 'the sample has the key');
SELECT kpi.add_check('pairs', 'uniqueness', relation => 'shop.pay', parameters => '{"columns": ["id", "email"]}') \gset
SELECT is(t.state('pairs'), 'failing', 'of several columns');
DELETE FROM shop.pay WHERE email = 'twice';
SELECT is(t.state('pairs'), 'ok', 'and well again');
SELECT kpi.drop_check('pairs'), kpi.drop_check('ids') \gset

-- referential
SELECT kpi.add_check('customers', 'referential', relation => 'shop.pay', column_name => 'customer', parameters => '{"references": "shop.customer"}') \gset
SELECT is(t.state('customers'), 'ok', 'referential: every customer exists');
UPDATE shop.pay SET customer = CASE id WHEN 8 THEN 99 END WHERE id IN (8, 9);
SELECT is(t.message('customers'), 'failing: customer has no match in shop.customer in 1 of 201 rows, 0 allowed', 'one does not; NULL is no reference');
SELECT is(t.dice('customers'), 'failing: customer no tiene correspondencia en shop.customer en 1 de 201 filas, se permiten 0', 'in Spanish too');
SELECT kpi.drop_check('customers') \gset

-- accepted values
SELECT kpi.add_check('country', 'accepted_values', relation => 'shop.pay', column_name => 'country', parameters => '{"values": ["MX", "  "]}') \gset
SELECT is(t.state('country'), 'ok', 'accepted_values: all are; NULL is no value');
SELECT kpi.alter_check('country', '{"values": ["MX", "it''s"]}') \gset
SELECT is(t.message('country'), 'failing: country is none of the accepted values in 1 of 201 rows, 0 allowed', 'one is not');
SELECT kpi.drop_check('country') \gset

-- view size
CREATE MATERIALIZED VIEW shop.daily AS SELECT at::date AS day, count(*) FROM shop.pay GROUP BY 1 WITH NO DATA;
SELECT kpi.add_check('daily', 'view_size', relation => 'shop.daily', parameters => '{"min_days": 30}') \gset
SELECT is(t.state('daily'), 'building', 'view_size: a view made WITH NO DATA is building');
REFRESH MATERIALIZED VIEW shop.daily;
SELECT is(t.state('daily'), 'ok', 'filled, it has more than 30 days');
SELECT kpi.alter_check('daily', '{"min_days": 300}') \gset
SELECT matches(t.message('daily'), '^failing: shop.daily has 5[01] days, fewer than 300$', 'but not 300');
SELECT kpi.alter_check('daily', '{"min_days": null, "max_rows": 20}') \gset
SELECT is(t.message('daily'), 'failing: shop.daily has more than 20 rows', 'nor at most 20 rows');
CREATE TABLE shop.nothing ();
SELECT kpi.add_check('empty', 'view_size', relation => 'shop.nothing') \gset
SELECT is(t.message('empty'), 'failing: shop.nothing is empty', 'an empty one fails');
DROP MATERIALIZED VIEW shop.daily;
SELECT is(t.message('daily'), 'error: what it reads was dropped', 'dropped, it is not empty but gone');
SELECT kpi.drop_check('daily') \gset

-- drift
SELECT kpi.merge('pay') \gset
SELECT kpi.add_check('drift', 'drift', 'pay') \gset
SELECT is(t.message('drift'), 'ok: 2 days agree with the facts view', 'drift: rollups agree');
UPDATE kpi_data.pay_rollup_day SET n = n + 1 WHERE day = current_date - 1 AND level = 0;
SELECT is(t.state('drift'), 'failing', 'a sum that is off is seen on the last closed day');
SELECT kpi.rebuild('pay') \gset
SELECT is(t.state('drift'), 'ok', 'and mended by kpi.rebuild');
SELECT kpi.drop_check('drift') \gset

-- schema
SELECT kpi.add_check('columns', 'schema', relation => 'shop.customer') \gset
SELECT is((SELECT parameters FROM kpi.check WHERE name = 'columns'), '{"columns": {"id": "integer"}}', 'schema: what is, is what shall be');
ALTER TABLE shop.customer ADD note text;
SELECT is(t.state('columns'), 'ok', 'a new column is fine');
SELECT kpi.alter_check('columns', '{"exact": true}') \gset
SELECT is(t.message('columns'), 'failing: column note is new', 'unless it shall be exact');
ALTER TABLE shop.customer DROP note, ALTER id TYPE bigint;
SELECT is(t.message('columns'), 'failing: column id is bigint, not integer', 'another type is not');
ALTER TABLE shop.customer RENAME id TO key;
SELECT is(t.message('columns'), 'failing: column id is missing; column key is new', 'nor another name');
SELECT kpi.drop_check('columns') \gset

-- capture errors
SELECT kpi.add_check('skipped', 'capture_errors', 'pay') \gset
SELECT is(t.state('skipped'), 'ok', 'capture_errors: none');
RESET ROLE;
INSERT INTO kpi.capture_error (source, sqlstate, message, rows) VALUES ('pay', '22012', 'secret 1234', 3);
SET ROLE checker;
SELECT is(t.message('skipped'), 'failing: 3 rows contribute nothing because the facts view raised errors (22012) in the last 1 day; see kpi.capture_error', 'three rows, without their text');
SELECT kpi.drop_check('skipped') \gset

-- custom SQL, and what it tries
SELECT kpi.add_check('dear', 'custom_sql', parameters => '{"sql": "SELECT id FROM shop.pay WHERE amount >= 100; -- none"}') \gset
SELECT is(t.message('dear'), 'ok: 0 rows, 0 allowed', 'custom_sql: no row is well');
SELECT kpi.alter_check('dear', '{"sql": "SELECT id FROM shop.pay WHERE amount >= 98 ORDER BY id"}') \gset
SELECT matches(t.message('dear'), '^failing: [1-4] rows, 0 allowed$', 'a row is a failure');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "DELETE FROM shop.pay"}')$$), '22023 sql must be one SELECT%', 'a DELETE is refused');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "SELECT 1) x; DROP TABLE shop.pay; SELECT * FROM (SELECT 1"}')$$), '42601 %', 'half a statement is refused');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "SELECT 1; SELECT 2"}')$$), '22023 sql must be one SELECT%', 'two are');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "SELECT 1 INTO shop.made"}')$$), '22023 sql must be one SELECT%', 'SELECT INTO is');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "SELECT nosuch FROM shop.pay"}')$$), '42703 column "nosuch" does not exist%', 'an unknown column is seen at once');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'custom_sql', parameters => '{"sql": "SELECT 1 FROM pay"}')$$), '42P01 relation "pay" does not exist |  | Names in it need their schema: it runs with an empty search_path.', 'a name without schema gets a hint');
CREATE FUNCTION shop.evil(what text) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE what;
    RETURN;
END $$;
CREATE TABLE shop.tries (name text PRIMARY KEY, statement text, answer text);
INSERT INTO shop.tries VALUES
('writes', 'INSERT INTO shop.customer VALUES (77)', 'cannot execute INSERT in a read-only transaction'),
('becomes read-write', 'SET transaction_read_only = off', 'cannot set transaction read-write mode inside a read-only transaction'),
('drops', 'DROP TABLE shop.pay', 'cannot execute DROP TABLE in a read-only transaction'),
('becomes superuser', 'RESET ROLE', 'cannot set parameter "role" within security-definer function'),
('becomes another', 'SET SESSION AUTHORIZATION DEFAULT', 'cannot set parameter "session_authorization" within security-definer function'),
('locks for ever', 'SELECT pg_advisory_lock(1)', 'function pg_advisory_lock(bigint) cannot be called by code of a facts view or a formula'),
('locks rows', 'SELECT FROM shop.pay FOR UPDATE', 'cannot execute SELECT FOR UPDATE in a read-only transaction'),
('listens', 'LISTEN x', 'cannot execute LISTEN within security-restricted operation'),
('commits', 'COMMIT', 'EXECUTE of transaction commands is not implemented'),
('divides', 'SELECT 1 / 0', 'division by zero'),
('sleeps', 'SELECT pg_sleep(60)', 'it took longer than 1 s');
SELECT count(kpi.add_check(name, 'custom_sql', parameters => jsonb_build_object('sql', format('SELECT * FROM shop.evil(%L)', statement)))::text) FROM shop.tries \gset
SELECT kpi.add_check('sets', 'custom_sql', parameters => $${"sql": "SELECT set_config('search_path', 'shop', false), set_config('kpi.merge_interval', '11', false) WHERE false OR set_config('DateStyle', 'German', false) = ''"}$$) \gset
SELECT kpi.add_check('who', 'custom_sql', parameters => '{"sql": "SELECT current_user WHERE current_user <> ''checker''"}') \gset
RESET ROLE;
SET kpi.check_timeout = 1;
SELECT is((SELECT message FROM kpi.run_checks(name)), answer, 'custom_sql that ' || name) FROM shop.tries ORDER BY name;
SELECT matches(t.message('sets'), '^(ok|error)', 'custom_sql that sets');
SELECT is(current_setting('DateStyle'), 'ISO, MDY', 'leaves the session as it was');
SELECT is(t.state('who'), 'ok', 'run by a superuser it is run as its owner');
SELECT is((SELECT count(*) FROM shop.customer), 10::bigint, 'nothing was written');
SELECT is_empty($$SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()$$, 'nothing is locked');
SELECT is((SELECT count(*) FROM kpi.run_checks() r WHERE r.state = 'error'), 11::bigint, 'errors are their own: the others ran');
SELECT is((SELECT details->'lines'->>0 FROM kpi.incident WHERE fingerprint = 'check error writes'), 'SQLSTATE 25006; kpi.check_status has the text', 'a check that cannot be run opens an incident, without the text');
CREATE FUNCTION shop.nap() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(9); RETURN 1; END $$;
SELECT kpi.add_check('slow rows', 'custom_sql', parameters => '{"sql": "SELECT shop.nap() FROM shop.customer"}') \gset
SELECT is(t.message('slow rows'), 'failing: 10 rows, 0 allowed', 'time that runs out over the sample takes nothing from what was found');
SELECT kpi.drop_check('slow rows') \gset
RESET kpi.check_timeout;
SET ROLE checker;
SELECT count(kpi.drop_check(name)::text) FROM shop.tries \gset
SELECT is_empty($$SELECT FROM kpi.incident WHERE fingerprint LIKE 'check error %' AND state <> 'resolved'$$, 'dropping checks resolves their incidents');

-- One incident a source
SELECT kpi.alter_check('amount', '{"max_rows": null, "max": 50}', severity => 'critical') \gset
SELECT kpi.alter_check('gaps', '{"allowed": 0}') \gset
DELETE FROM shop.pay WHERE at >= date_trunc('day', now()) - interval '5 days' AND at < date_trunc('day', now()) - interval '4 days';
SELECT count(*) FROM kpi.run_checks() \gset
SELECT is((SELECT count(*) FROM kpi.incident WHERE fingerprint = 'data source pay' AND state = 'firing'), 1::bigint, 'checks of one source open one incident');
SELECT is((SELECT row(kind, title, severity, details->>'source', jsonb_array_length(details->'lines'))::text FROM kpi.incident WHERE fingerprint = 'data source pay' AND state = 'firing'),
    '(data,"data of pay fails its checks",critical,pay,2)', 'with the source, the worst severity and a line for each');
SELECT kpi.alter_check('amount', '{"max": 1000}') \gset
SELECT t.state('amount') \gset
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'data source pay' ORDER BY id DESC LIMIT 1), 'firing', 'it stays open while one fails');
SELECT kpi.alter_check('gaps', severity => 'info') \gset
SELECT t.state('gaps') \gset
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'data source pay' ORDER BY id DESC LIMIT 1), 'resolved', 'what is of severity info has');
SELECT is((SELECT row(state, severity, details ? 'source')::text FROM kpi.incident WHERE fingerprint = 'data minor pay'), '(firing,info,f)', 'an incident of its own, for which no rule keeps quiet');
SELECT kpi.alter_check('gaps', severity => 'warning') \gset
SELECT t.state('gaps') \gset
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'data source pay' ORDER BY id DESC LIMIT 1), 'firing', 'of severity warning it is one of the source again');
SELECT kpi.alter_check('gaps', enabled => false) \gset
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'data source pay' ORDER BY id DESC LIMIT 1), 'resolved', 'and ends when the last is switched off');
SELECT is_empty($$SELECT FROM kpi.run_checks() WHERE check_name = 'gaps'$$, 'a check that is off is not run with the others');
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'check empty'), 'firing', 'a check of no source has an incident of its own');
INSERT INTO shop.nothing DEFAULT VALUES;
SELECT is(t.state('empty'), 'ok', 'recovered');
RESET ROLE; SET kpi.language = 'es'; SET ROLE checker;
DELETE FROM shop.nothing; SELECT t.state('empty') \gset
SELECT is((SELECT title FROM kpi.incident WHERE fingerprint = 'check empty' AND state = 'firing'), 'el control empty falla', 'people read it in their language');
RESET ROLE; RESET kpi.language; SET ROLE checker;
INSERT INTO shop.nothing DEFAULT VALUES; SELECT t.state('empty') \gset
RESET ROLE; DELETE FROM kpi.incident WHERE title = 'el control empty falla'; SET ROLE checker;
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'check empty'), 'resolved', 'its incident is resolved');

-- What is wrong is said
SELECT is(t.raised($$SELECT kpi.add_check('x', 'freshnes', 'pay')$$), '22023 kind cannot be "freshnes" |  | Use one of "freshness", "missing_periods", "volume", "null_rate", "range", "uniqueness", "referential", "accepted_values", "view_size", "drift", "schema", "custom_sql", "capture_errors".', 'unknown kind');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'freshness', 'pay', parameters => '{"max_ago": "1 day"}')$$), '22023 a freshness check has no parameter "max_ago" |  | Perhaps you meant "max_age".', 'unknown parameter');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'freshness', 'pay', parameters => '{"max_age": 5}')$$), '22023 parameter "max_age" must be an interval as text, like "6 hours" |  | ', 'wrong type');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'freshness', 'pay', parameters => '{"max_age": "soon"}')$$), '22007 %', 'no interval');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'volume')$$), '22023 a volume check needs a source |  | ', 'no source');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'null_rate', relation => 'shop.pay')$$), '22004 a null_rate check needs column_name |  | It is the column that is judged.', 'no column');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'null_rate', relation => 'shop.pay', column_name => 'contry')$$), '42703 shop.pay has no column "contry" |  | Perhaps you meant "country".', 'unknown column');
SELECT is(t.raised($$SELECT kpi.add_check('x', 'freshness', 'nosuch')$$) ~ '^42704', true, 'unknown source');
SELECT is(t.raised($$SELECT kpi.add_check('amount', 'freshness', 'pay')$$), '42710 check "amount" exists already |  | Change it with kpi.alter_check or remove it with kpi.drop_check.', 'a name that is taken');
SELECT alike(t.raised($$SELECT kpi.add_check('x', 'freshness', 'pay', sinks => '{nosuch}')$$), '42704 sink "nosuch" does not exist%', 'unknown sink');
SELECT alike(t.raised($$SELECT kpi.run_checks('nosuch')$$), '42704 check "nosuch" does not exist%', 'unknown check');

-- Rights
RESET ROLE; SET ROLE checker_stranger;
SELECT alike(t.raised($$SELECT kpi.add_check('y', 'volume', 'pay')$$), '42501 must be owner of source "pay"%', 'only the owner of a source judges it');
SELECT alike(t.raised($$SELECT kpi.add_check('y', 'view_size', relation => 'shop.pay')$$), '42501 permission denied for shop.pay%', 'nobody reads what he may not');
SELECT alike(t.raised($$SELECT kpi.run_checks('amount')$$), '42501 must be owner of check "amount"%', 'nor runs what is another''s');
SELECT alike(t.raised($$SELECT kpi.alter_check('amount', '{}')$$), '42501 %', 'nor changes it');
SELECT alike(t.raised($$SELECT kpi.drop_check('amount')$$), '42501 %', 'nor drops it');
SELECT alike(t.raised($$SELECT kpi.mark_sensitive('shop.pay', 'email')$$), '42501 must be owner of shop.pay%', 'nor marks columns');
SELECT is_empty('SELECT FROM kpi.run_checks()', 'and runs his own, none');
SELECT is_empty('SELECT FROM kpi.check_status', 'and sees none');
SELECT is_empty('SELECT FROM kpi.check_result', 'nor results');
RESET ROLE; SET ROLE checker_watcher;
SELECT is((SELECT row(state, message)::text FROM kpi.check_status WHERE name = 'amount'), '(ok,)', 'kpi_reader sees the state, not the message');
SELECT alike(t.raised('SELECT FROM kpi.check_result'), '42501 %', 'nor the history');
SELECT alike(t.raised('SELECT kpi.run_checks()'), '42501 %', 'and runs nothing');
RESET ROLE; SET ROLE checker_runner;
SELECT is(t.state('amount'), 'ok', 'kpi_operator runs those of all');

-- Due, by hand
RESET ROLE;
UPDATE kpi.check_state SET due_at = now() + interval '1 hour';
UPDATE kpi.check_state SET due_at = '-infinity', ran_at = '-infinity' WHERE name = 'amount';
CALL kpi.work();
SELECT is((SELECT array_agg(name) FROM kpi.check_state WHERE ran_at >= now() - interval '1 minute' AND due_at < now() + interval '16 minutes' AND due_at > now() + interval '14 minutes'), '{amount}', 'kpi.work() runs what is due, and it is due again after its time');
UPDATE kpi.check_state SET due_at = '-infinity', begun_at = now(), begun_by = -5 WHERE name = 'amount';
CALL kpi.work();
SELECT is((SELECT row(state, message, begun_by)::text FROM kpi.check_state WHERE name = 'amount'), '(error,"the process ended while the check ran",)', 'a check that killed its process is not run again at once, and says so');
INSERT INTO kpi.check_result SELECT 'amount', now() - interval '40 days', 'ok', 1, 'old', 'window', '1 s', NULL FROM generate_series(1, 5);
CALL kpi.work();
SELECT is_empty($$SELECT FROM kpi.check_result WHERE message = 'old'$$, 'old results are forgotten');

-- The end of a source
SET ROLE checker;
SELECT kpi.alter_check('amount', '{"max": 50}') \gset
SELECT is(t.state('amount'), 'failing', 'it fails');
SELECT kpi.undefine('share'), kpi.untrack('pay') \gset
SELECT is_empty($$SELECT FROM kpi.check WHERE source = 'pay'$$, 'the checks of a source go with it');
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'data source pay' ORDER BY id DESC LIMIT 1), 'resolved', 'and so does its incident');
SELECT * FROM finish();
