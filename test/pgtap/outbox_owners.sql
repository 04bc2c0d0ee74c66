-- as: superuser
-- Sinks and messages belong to somebody: alice and bob are both kpi_admin, op is kpi_operator, eyes is kpi_reader.
SET client_min_messages = error;
\ir ../tools/roles.sql
SELECT t.fresh_roles('{kpi_alice,kpi_bob,kpi_op,kpi_eyes}') \gset
GRANT kpi_admin TO kpi_alice, kpi_bob;
GRANT kpi_operator TO kpi_op;
GRANT kpi_reader TO kpi_eyes;
GRANT USAGE ON SCHEMA t TO PUBLIC;
CREATE FUNCTION t.raised(statement text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE statement; RETURN 'ok';
    EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$;
CREATE EXTENSION IF NOT EXISTS pgtap;
SELECT plan(34);

SET ROLE kpi_alice;
SELECT kpi.add_sink('ops', 'webhook', 'http://h/ok', '{"headers": {"X-Team": "a"}}', '{"hmac_key": "k"}') \gset
SELECT kpi.notify('ops', '{"text": "revenue is low"}') AS first \gset
SELECT kpi.notify('ops', '{"text": "again"}', 'once') AS second \gset
SELECT is((SELECT owner::text FROM kpi.sink), 'kpi_alice', 'a sink belongs to whoever adds it');

SET ROLE kpi_bob;
SELECT is_empty('SELECT FROM kpi.sink', 'another kpi_admin does not see it');
SELECT is_empty('SELECT FROM kpi.outbox', 'nor its messages');
SELECT is_empty('SELECT FROM kpi.delivery', 'nor their attempts');
SELECT is_empty('SELECT FROM kpi.outbox_stats', 'nor its figures');
SELECT is(t.raised(s.statement), '42501 ' || s.message, s.statement) FROM (VALUES
    ($$SELECT kpi.add_sink('ops', 'webhook', 'http://h/bob')$$, 'sink "ops" belongs to another role'),
    ($$SELECT kpi.notify('ops', '{"text": "forged"}')$$, 'sink "ops" belongs to another role'),
    ($$SELECT kpi.notify('ops', 'x'::bytea, 'text/plain', 'k')$$, 'sink "ops" belongs to another role'),
    ($$SELECT * FROM kpi.test_sink('ops')$$, 'sink "ops" belongs to another role'),
    ($$SELECT kpi.drop_sink('ops')$$, 'sink "ops" belongs to another role'),
    ($$SELECT kpi.share_sink('ops', 'kpi_bob')$$, 'sink "ops" belongs to another role'),
    ($$SELECT kpi.unshare_sink('ops', 'kpi_bob')$$, 'sink "ops" belongs to another role'),
    (format('SELECT kpi.cancel(%s)', :first), format('message %s belongs to another role', :first)),
    (format('SELECT kpi.redeliver(%s)', :first), format('message %s belongs to another role', :first))) s (statement, message);
SELECT is(t.raised($$UPDATE kpi.sink SET url = 'x'$$) LIKE '42501%', true, 'and writes no table itself');

-- Shared: may send, and nothing else.
SET ROLE kpi_alice;
SELECT lives_ok($$SELECT kpi.share_sink('ops', 'kpi_bob')$$, 'the owner shares it');
SET ROLE kpi_bob;
SELECT ok(kpi.notify('ops', '{"text": "by bob"}') > 0, 'then the other may send to it');
SELECT is((SELECT count(*) FROM kpi.outbox) + (SELECT count(*) FROM kpi.sink), 0::bigint, 'without seeing it');
SELECT matches(t.raised($$SELECT kpi.add_sink('ops', 'webhook', 'http://h/bob')$$), '^42501', 'or changing it');
SET ROLE kpi_alice;
SELECT kpi.unshare_sink('ops', 'kpi_bob') \gset
SELECT is((SELECT count(*) FROM kpi.outbox), 3::bigint, 'the owner sees what others sent');
SET ROLE kpi_bob;
SELECT matches(t.raised($$SELECT kpi.notify('ops', '{}')$$), '^42501', 'no longer');

-- Purge takes one's own.
RESET ROLE;
UPDATE kpi.outbox SET state = 'dead', settled_at = now() - interval '1 day' WHERE id = :first;
SET ROLE kpi_bob;
SELECT is(kpi.purge('0 s'), 0::bigint, 'purge leaves others'' messages alone');
SELECT matches(t.raised($$SELECT kpi.purge('-1 day')$$), '^22023', 'and takes no negative age');

-- A sink that was dropped and a new one of the same name are two: old messages reach nobody.
SET ROLE kpi_alice;
SELECT kpi.drop_sink('ops') \gset
SET ROLE kpi_bob;
SELECT is(kpi.add_sink('ops', 'webhook', 'http://h/bob'), 'ops', 'the name is free again');
SELECT matches(t.raised(format('SELECT kpi.redeliver(%s)', :first)), '^42501', 'its new owner cannot have the old messages');
SELECT isnt(kpi.notify('ops', '{}', 'once'), :second::bigint, 'and a dedupe key of the old one is not his');
SET ROLE kpi_alice;
SELECT matches(t.raised(format('SELECT kpi.redeliver(%s)', :first)), '^55000 the sink of message', 'nor does the old owner send them to him');

-- The operator runs all, the reader sees figures.
SET ROLE kpi_op;
SELECT is((SELECT count(*) FROM kpi.outbox), 4::bigint, 'an operator sees all messages');
SELECT is(kpi.add_sink('ops', 'webhook', 'http://h/op'), 'ops', 'changes sinks of others');
SELECT is((SELECT owner::text FROM kpi.sink), 'kpi_bob', 'which stay theirs');
SELECT ok(kpi.purge('0 s') > 0, 'and purges');
SET ROLE kpi_eyes;
SELECT is((SELECT sink || pending FROM kpi.outbox_stats), 'ops1', 'a reader sees figures');
SELECT matches(t.raised('SELECT FROM kpi.outbox') || t.raised('SELECT FROM kpi.sink') || t.raised('SELECT kpi.notify(''ops'', ''{}'')'), '^42501.*42501.*42501', 'and nothing else');
SELECT ok(kpi.status() IS NOT NULL, 'beside kpi.status()');
RESET ROLE;
SELECT kpi.drop_sink('ops') \gset
SELECT * FROM finish();
DROP SCHEMA t CASCADE;
DROP OWNED BY kpi_alice, kpi_bob, kpi_op, kpi_eyes;
DROP ROLE kpi_alice, kpi_bob, kpi_op, kpi_eyes;
