-- as: superuser
-- Who may do what, and whose rights user-defined code runs with. Roles: owner (of a shop), eve (hostile), reader, writer.
\ir ../tools/exact.sql
GRANT USAGE ON SCHEMA t TO PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA t TO PUBLIC;
\ir ../tools/roles.sql
SELECT t.fresh_roles('{r_owner,r_next,r_eve,r_reader,r_writer}') \gset
GRANT kpi_admin TO r_owner, r_next, r_eve;
GRANT CREATE, USAGE ON SCHEMA public TO r_owner, r_next, r_eve;
GRANT USAGE ON SCHEMA public TO r_reader, r_writer;
SELECT plan(79);

-- kpi_admin has what writes, PUBLIC has none of it.
SELECT is(rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls, false, 'kpi_admin can do nothing else') FROM pg_roles WHERE rolname = 'kpi_admin';
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p WHERE p.pronamespace = 'kpi'::regnamespace AND p.provolatile = 'v' AND has_function_privilege('r_reader', p.oid, 'EXECUTE')$$,
    'nothing volatile is open to everybody');
SELECT is_empty($$SELECT f FROM unnest('{track,untrack,define,undefine,merge,rebuild,freeze,wake,work,refresh,watch_view,unwatch_view,install_sales,uninstall_sales,add_event,drop_event,load_holidays}'::text[]) f
    WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = 'kpi'::regnamespace AND p.proname = f AND has_function_privilege('kpi_admin', p.oid, 'EXECUTE'))$$,
    'kpi_admin may call what writes');
SELECT is_empty($$SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN ('kpi'::regnamespace, 'kpi_data'::regnamespace) AND c.relkind IN ('r', 'v')
    AND has_table_privilege('kpi_admin', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES')$$, 'but writes no table itself');

-- An owner who is no superuser.
SET ROLE r_owner;
CREATE TABLE public.pay (id int, at timestamptz, country text, amount numeric);
CREATE VIEW public.pay_facts AS SELECT at, country, amount FROM public.pay;
SELECT is(kpi.track('public.pay_facts', 'at', '{country}', 'pay', 'UTC', hour_retention => '50 years'), 'pay', 'an owner tracks');
INSERT INTO public.pay SELECT g, timestamptz '2026-01-01 00:00Z' + g * interval '3 hours', 'c' || g % 3, g FROM generate_series(1, 100) g;
SELECT lives_ok($$SELECT kpi.rebuild('pay')$$, 'rebuilds');
INSERT INTO public.pay VALUES (101, '2026-01-03', 'MX', 7);
SELECT t.exact('pay', 'merges and verifies');
SELECT lives_ok($$SELECT kpi.freeze('pay', '-infinity')$$, 'freezes');
SELECT lives_ok('SELECT kpi.merge()', 'merges all that is its own');
SELECT throws_ok($$INSERT INTO kpi.source SELECT 'x', facts FROM kpi.source$$, '42501', NULL, 'but does not write the registry');
SELECT throws_ok($$CREATE TRIGGER t BEFORE INSERT ON kpi_data.pay_delta FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$$, '42501', NULL, 'hangs no trigger on a delta');
SELECT throws_ok($$CREATE RULE r AS ON INSERT TO kpi_data.pay_rollup_day DO ALSO SELECT 1$$, '42501', NULL, 'no rule on a rollup');
SELECT throws_ok('ALTER TABLE kpi_data.pay_rollup_day ADD x int', '42501', NULL, 'alters no rollup');
SELECT throws_ok('CREATE TABLE kpi_data.mine ()', '42501', NULL, 'makes nothing in kpi_data');
RESET ROLE;
INSERT INTO kpi.capture_error (source, sqlstate, message) VALUES ('pay', '22012', 'own'), ('of others', '22012', 'quotes data');
SET ROLE r_owner;
SELECT results_eq('SELECT message FROM kpi.capture_error', $$VALUES ('own')$$, 'sees the errors of its own source and no text of other people''s');
RESET ROLE;
DELETE FROM kpi.capture_error;

-- The calendar and the sales pack, by a member who owns its tables and nothing else.
CREATE SCHEMA r_shop AUTHORIZATION r_owner;
SET ROLE r_owner;
CREATE TABLE r_shop.leads (created_at timestamptz, country text, source text);
CREATE TABLE r_shop.payments (created_at timestamptz, country text, source text, status text, amount numeric);
SELECT lives_ok($$SELECT kpi.install_sales(timezone => 'UTC')$$, 'installs the sales pack');
SELECT lives_ok($$SELECT kpi.uninstall_sales()$$, 'and removes it');
SELECT ok(kpi.load_holidays('MX') > 0, 'loads holidays');
SELECT ok(kpi.drop_event(kpi.add_event('x', 'deploy', current_date)), 'enters a day into the calendar and takes it out');
SELECT throws_ok('DELETE FROM kpi.event', '42501', NULL, 'through these functions only');
RESET ROLE;
DROP SCHEMA r_shop CASCADE;

-- Another member of kpi_admin, who does not own it.
SET ROLE r_eve;
SELECT throws_ok($$SELECT kpi.rebuild('pay')$$, '42501', 'must be owner of source pay', 'rebuild is for the owner');
SELECT throws_ok($$SELECT kpi.merge('pay')$$, '42501', NULL, 'merge too');
SELECT throws_ok($$SELECT kpi.freeze('pay', '2026-01-01')$$, '42501', NULL, 'freeze too');
SELECT throws_ok($$SELECT kpi.untrack('pay')$$, '42501', NULL, 'untrack too');
SELECT is(kpi.merge(), 0::bigint, 'merge of everything leaves it alone');
SELECT throws_ok($$SELECT kpi.track('public.pay_facts', 'at', name => 'mine')$$, '42501', NULL, 'and track');
RESET ROLE;
GRANT SELECT ON public.pay TO r_eve;
SET ROLE r_eve;
CREATE VIEW public.eve_facts AS SELECT at, country, amount AS eve_amount FROM public.pay;
SELECT throws_ok($$SELECT kpi.track('public.eve_facts', 'at')$$, '42501', NULL, 'nor over a table of another owner by trigger');
RESET ROLE;
REVOKE SELECT ON public.pay FROM r_eve;
DROP VIEW public.eve_facts;

-- Reading: every door asks for SELECT on the facts view.
CREATE FUNCTION public.leak(numeric) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$BEGIN RAISE EXCEPTION 'leaked %', $1; END $$;
CREATE FUNCTION public.doors(suffix text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE door text;
BEGIN
    FOREACH door IN ARRAY ARRAY['SELECT * FROM kpi_data.pay_daily', 'SELECT * FROM kpi_data.pay_hourly', 'SELECT * FROM kpi.verify(''pay'')',
        'SELECT kpi._dirty_days(''pay'')', 'SELECT * FROM kpi._pending(NULL::kpi_data.pay_delta)',
        'SELECT * FROM kpi._facts(NULL::kpi_data.pay_delta, ''{[2026-01-01,2027-01-01)}'')', 'SELECT * FROM kpi._facts(NULL::kpi_data.pay_delta, NULL)',
        'SELECT * FROM kpi_data.pay_daily WHERE public.leak(amount)', 'SELECT * FROM kpi_data.pay_hourly WHERE public.leak(amount)',
        'SELECT * FROM kpi_data.pay_daily WHERE day < ''2026-01-09'' AND (country = ''c1'' OR public.leak(amount))',
        'SELECT * FROM kpi_data.pay_delta', 'SELECT * FROM kpi_data.pay_rollup_day', 'SELECT * FROM kpi_data.pay_rollup_hour'] LOOP
        RETURN NEXT throws_ok(door, '42501', NULL, suffix || ': ' || door);
    END LOOP;
END $$;
SET ROLE r_reader;
SELECT public.doors('a stranger');
RESET ROLE;
GRANT SELECT ON public.pay TO r_reader;
SET ROLE r_reader;
SELECT throws_ok('SELECT * FROM kpi_data.pay_daily', '42501', NULL, 'SELECT on the table does not help');
RESET ROLE;
REVOKE SELECT ON public.pay FROM r_reader;
GRANT SELECT ON public.pay_facts TO r_reader;
SET ROLE r_reader;
SELECT is(sum(amount), 5057::numeric, 'SELECT on the facts view opens the typed view') FROM kpi_data.pay_daily;
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'and verify');
SELECT is((SELECT sum(m1) FROM kpi._facts(NULL::kpi_data.pay_delta, '{(,)}')), 5057::numeric, 'and the facts');
SELECT throws_ok('SELECT * FROM kpi_data.pay_rollup_day', '42501', NULL, 'the tables behind stay closed');
RESET ROLE;
-- A writer sees nothing of what it writes.
GRANT INSERT ON public.pay TO r_writer;
SET ROLE r_writer;
BEGIN;
SELECT lives_ok($$INSERT INTO public.pay VALUES (102, '2026-01-04', 'ES', 3)$$, 'a writer needs no right of kpi_ext');
SELECT throws_ok('SELECT * FROM kpi._pending(NULL::kpi_data.pay_delta)', '42501', NULL, 'and gets none: its own changes');
COMMIT;
RESET ROLE;
SELECT t.exact('pay', 'but is captured');
-- security_invoker
ALTER VIEW public.pay_facts SET (security_invoker = on);
SET ROLE r_reader;
SELECT throws_ok('SELECT * FROM kpi_data.pay_daily', '42501', 'permission denied for table pay', 'security_invoker asks for the table too');
RESET ROLE;
GRANT SELECT ON public.pay TO r_reader;
SET ROLE r_reader;
SELECT is(sum(amount), 5060::numeric, 'and is content with it') FROM kpi_data.pay_daily;
RESET ROLE;

-- Row security: the owner passes it, so capture does; it must not be bound.
SET ROLE r_owner;
ALTER TABLE public.pay ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON public.pay FOR SELECT TO r_reader, r_owner USING (country = 'c1');
RESET ROLE;
SET ROLE r_reader;
SELECT throws_ok('SELECT * FROM kpi_data.pay_daily', '42501', NULL, 'row security that binds the reader closes the invoker''s view');
RESET ROLE;
ALTER VIEW public.pay_facts RESET (security_invoker);
SET ROLE r_owner;
SELECT t.exact('pay', 'row security that the owner passes changes nothing');
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'and capture goes on');
ALTER TABLE public.pay FORCE ROW LEVEL SECURITY;
CREATE POLICY write ON public.pay FOR INSERT WITH CHECK (true);
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'FORCE marks the source dirty');
SELECT lives_ok($$INSERT INTO public.pay VALUES (103, '2026-01-05', 'ES', 5)$$, 'writers go on');
SELECT throws_ok('SELECT * FROM kpi_data.pay_daily', '42501', NULL, 'readers get an error instead of a part');
SELECT throws_ok($$SELECT kpi.rebuild('pay')$$, '42501', NULL, 'rebuild too');
CREATE VIEW public.forced AS SELECT at, amount AS forced_amount FROM public.pay;
SELECT throws_like($$SELECT kpi.track('public.forced', 'at')$$, '%row security of public.pay binds the owner of the facts view', 'track refuses it');
ALTER TABLE public.pay NO FORCE ROW LEVEL SECURITY;
SELECT t.report(ARRAY(SELECT t.differences('pay', NULL)), 'without FORCE all is well again');
SELECT kpi.rebuild('pay');
INSERT INTO public.pay VALUES (104, '2026-01-06', 'ES', 6);
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'and capture goes on');
SELECT t.exact('pay', 'exactly');
RESET ROLE;

-- Owners: another one for the table suspends capture, for both hands the source over.
ALTER TABLE public.pay OWNER TO r_eve;
SELECT lives_ok($$INSERT INTO public.pay VALUES (105, '2026-01-07', 'ES', 7)$$, 'a table that changed hands takes rows');
SELECT isnt_empty('SELECT 1 FROM kpi.dirty', 'and leaves the source dirty');
ALTER TABLE public.pay OWNER TO r_owner;
SELECT t.report(ARRAY(SELECT t.differences('pay', NULL)), 'until it is given back');
SET ROLE r_owner;
SELECT kpi.rebuild('pay');
RESET ROLE;
REASSIGN OWNED BY r_owner TO r_next;
INSERT INTO public.pay VALUES (106, '2026-01-08', 'ES', 8);
SET ROLE r_next;
SELECT throws_ok('SELECT * FROM kpi_data.pay_daily', '42501', NULL, 'REASSIGN OWNED leaves grants behind');
SELECT lives_ok($$SELECT kpi.merge('pay')$$, 'which follow at the next merge');
SELECT t.exact('pay', 'REASSIGN OWNED hands a source over');
SELECT is(owner, 'r_next'::regrole, 'with its metric') FROM kpi.metric WHERE name = 'amount';
RESET ROLE;
SELECT is(has_table_privilege('r_owner', 'kpi_data.pay_delta', 'INSERT'), false, 'and takes the rights from the old owner');
ALTER VIEW public.pay_facts OWNER TO r_owner;
ALTER TABLE public.pay OWNER TO r_owner;
CALL kpi.work();
SELECT is((SELECT relowner FROM pg_class WHERE oid = 'kpi_data.pay_daily'::regclass), 'r_owner'::regrole::oid, 'ALTER ... OWNER does, too');
SET ROLE r_owner;
SELECT t.exact('pay', 'exactly');
RESET ROLE;

-- eve's forged trigger, with EXECUTE that somebody gave and took again.
SET ROLE r_eve;
CREATE TABLE public.forged (id int, at timestamptz, country text, amount numeric);
SELECT throws_ok($$CREATE TRIGGER kpi_capture_pay AFTER INSERT ON public.forged FOR EACH ROW EXECUTE FUNCTION kpi.capture('pay')$$, '42501', NULL, 'eve may not use the capture function');
RESET ROLE;
GRANT EXECUTE ON FUNCTION kpi.capture(), kpi.capture_truncate() TO r_eve;
SET ROLE r_eve;
CREATE TRIGGER kpi_capture_pay AFTER INSERT ON public.forged FOR EACH ROW EXECUTE FUNCTION kpi.capture('pay');
CREATE TRIGGER kpi_truncate_pay AFTER TRUNCATE ON public.forged FOR EACH STATEMENT EXECUTE FUNCTION kpi.capture_truncate('pay');
SET client_min_messages = error;
INSERT INTO public.forged VALUES (1, '2026-01-09', 'MX', 1000000);
TRUNCATE public.forged;
SET client_min_messages = warning;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION kpi.capture(), kpi.capture_truncate() FROM r_eve;
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'her TRUNCATE marks nothing');
SELECT t.exact('pay', 'her rows count nowhere');

-- Code of eve's in a source of hers runs as eve, whoever writes, merges, rebuilds or reads.
CREATE SCHEMA eve AUTHORIZATION r_eve;
SET ROLE r_eve;
-- Such code may write nothing: who ran what shows in locks of the transaction.
CREATE FUNCTION eve.note(what text) RETURNS void LANGUAGE plpgsql AS $$BEGIN
    PERFORM pg_advisory_xact_lock(current_user::regrole::oid::int, array_position('{domain,view function,operator}', what)); END $$;
CREATE FUNCTION eve.spy(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$BEGIN PERFORM eve.note('view function'); RETURN x; END $$;
CREATE FUNCTION eve.valid(x text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM eve.note('domain'); RETURN true; END $$;
CREATE DOMAIN eve.land AS text CHECK (eve.valid(VALUE));
CREATE TYPE eve.mood AS ENUM ('good', 'bad');
CREATE FUNCTION eve.same(a eve.mood, b eve.mood) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM eve.note('operator'); RETURN true; END $$;
CREATE OPERATOR eve.= (LEFTARG = eve.mood, RIGHTARG = eve.mood, FUNCTION = eve.same);
CREATE TABLE eve.pay (at timestamptz, country eve.land, mood eve.mood, amount numeric);
CREATE VIEW eve.facts AS SELECT at, country, mood, eve.spy(amount) AS spied FROM eve.pay;
SELECT kpi.track('eve.facts', 'at', '{country,mood}', 'spied', 'UTC', hour_retention => '50 years');
RESET ROLE;
CREATE TEMP VIEW seen AS SELECT classid::regrole::text AS who, ('{domain,view function,operator}'::text[])[objid::int] AS what
    FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND pid = pg_backend_pid();
SET search_path = eve, public;
BEGIN;
INSERT INTO eve.pay SELECT timestamptz '2026-01-01 00:00Z' + g * interval '5 hours', 'c' || g % 3, (ARRAY['good', 'bad'])[1 + g % 2]::eve.mood, g FROM generate_series(1, 30) g;
-- the domain of a value that postgres stores is PostgreSQL's own check
SELECT is(string_agg(DISTINCT who || ': ' || what, ', '), 'postgres: domain, r_eve: view function', 'a superuser writes: the view''s function runs as eve') FROM pg_temp.seen;
COMMIT;
CALL kpi.work();
BEGIN;
SELECT count(*) FROM kpi_data.spied_daily;
SELECT kpi.rebuild('spied');
SELECT count(*) FROM kpi_data.spied_hourly;
UPDATE eve.pay SET amount = 1 + amount WHERE amount < 10;
SELECT kpi.merge('spied');
SELECT kpi.rebuild('spied');
SELECT count(*) FROM kpi.verify('spied');
SELECT is(string_agg(DISTINCT who, ', '), 'r_eve', 'a superuser builds, reads, writes, merges, rebuilds, verifies: all as eve') FROM pg_temp.seen WHERE what <> 'domain';
SELECT is_empty($$SELECT * FROM pg_temp.seen WHERE what = 'operator'$$, 'her operator is never used');
COMMIT;
RESET search_path;

-- DROP OWNED takes sources along.
DROP OWNED BY r_owner, r_next, r_eve, r_reader, r_writer CASCADE;
SELECT is_empty('SELECT name FROM kpi.source', 'DROP OWNED ... CASCADE forgets the sources');
SELECT is_empty($$SELECT relname FROM pg_class WHERE relnamespace = 'kpi_data'::regnamespace$$, 'and all that belongs to them');
SELECT finish();
DROP ROLE r_owner, r_next, r_eve, r_reader, r_writer;
