-- as: superuser
-- The outbox from SQL: queueing, taking back, sending again, forgetting; sinks and their secrets; who may do what.
SET client_min_messages = warning;
SELECT plan(91);
\ir ../tools/raised.sql

-- Sinks
SELECT is(kpi.add_sink('hook', 'webhook', 'https://example.com:8443/secret/path?token=abc', secret => '{"hmac_key": "k1"}'), 'hook', 'a sink is added');
SELECT is((SELECT url FROM kpi.sink WHERE name = 'hook'), 'https://example.com:8443/...', 'its URL is shown masked');
SELECT ok(NOT EXISTS (SELECT FROM kpi.sink s WHERE s::text ~ 'secret/path|token|pw|k1'), 'nothing secret stands in kpi.sink');
SELECT is((SELECT url FROM kpi.sink_secret WHERE sink = 'hook'), 'https://example.com:8443/secret/path?token=abc', 'the URL itself is with the secrets');
SELECT is(kpi.add_sink('hook', 'webhook', 'env:HOOK_URL', '{"parallelism": 2}'), 'hook', 'a sink is replaced');
SELECT is((SELECT array_agg(url || options::text) FROM kpi.sink), ARRAY['env:HOOK_URL{"parallelism": 2}'], 'by the new one, whose reference is no secret');
SELECT is((SELECT secret FROM kpi.sink_secret), '{}', 'with its secrets');
CREATE TABLE t.activity AS SELECT query FROM pg_stat_activity WHERE false;
DO $$ BEGIN
    PERFORM kpi.add_sink('seen', 'webhook', 'https://example.com/xyzzy');
    PERFORM pg_stat_clear_snapshot();
    INSERT INTO t.activity SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid();
END $$;
SELECT is((SELECT query FROM t.activity), 'SELECT kpi.add_sink(...)', 'pg_stat_activity does not show what is added');
SELECT matches(t.raised($$SELECT kpi.add_sink('Hook', 'webhook', 'http://h/')$$), '^42602 "Hook" is not a name for a sink .*lower-case', 'a bad name');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'pigeon', 'http://h/')$$), '^22023 unknown kind of sink "pigeon" .*webhook', 'a kind that does not exist');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook')$$), '^22023 .*needs a url', 'no URL');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', secret => '{"password": "p"}')$$), '^22023 .*no secret "password" .*hmac_key', 'a secret the kind does not know');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', secret => '{"hmac_key": 1}')$$), '^22023 .*must be a text', 'a secret that is no text');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '[]')$$), '^22023 options .*JSON object', 'options that are no object');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '{"parallelism": 0}')$$), '^22023 .*from 1 to 100', 'no parallelism');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '{"rate": -1}')$$), '^22023 .*"rate"', 'a negative rate');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'file', 'alerts')$$), '^22023 a sink of kind file has no URL.*directory', 'a folder where a URL stands');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '{"timeot": 3}')$$), '^22023 a sink of kind webhook has no option "timeot".*timeout', 'an option that is mistyped');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 's3', '', '{"secret_access_key": "s"}')$$), '^22023 .*no option "secret_access_key".*argument secret', 'a secret among the options');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/a b')$$), '^22023 the URL of the sink holds a blank.*%20', 'a URL with a blank');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'gopher://h/')$$), '^22023 .*must begin with http:// or https://', 'a protocol that the kind does not speak');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'h.example/hook')$$), '^22023 .*must begin with http:// or https://', 'a URL without protocol');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://')$$), '^22023 the URL of the sink is not valid', 'a URL without host');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://u:p@h/')$$), '^22023 the URL of the sink holds a user.*authorization', 'a URL with a password');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '{"timeout": "long"}')$$), '^22023 .*"timeout"', 'a timeout that is no number');
SELECT matches(t.raised($$SELECT kpi.add_sink('h', 'webhook', 'http://h/', '{"headers": {"Host": "x"}}')$$), '^22023 .*Host', 'what the kind itself refuses');
SELECT matches(t.raised($$SELECT kpi.add_sink(NULL, 'webhook', 'http://h/')$$), '^22004 .*name', 'no name');
SELECT is((SELECT array_agg(name ORDER BY name) FROM kpi.sink), '{hook,seen}', 'nothing refused is left');

-- Never in a dump
SELECT is((SELECT array_agg(c::regclass::text ORDER BY 1) FROM pg_extension, unnest(extconfig) c
            WHERE extname = 'kpi_ext' AND c::regclass::text ~ '^kpi\.(sink|outbox|delivery)'), '{kpi.sink,kpi.sink_share}', 'a dump holds the sinks, not their secrets, and no message');

-- Queueing
SELECT kpi.notify('hook', '{"a": 1}') AS one \gset
SELECT is((SELECT state || ' ' || message::text FROM kpi.outbox WHERE id = :one), 'pending {"a": 1}', 'a message waits');
BEGIN;
SELECT kpi.notify('hook', '{"a": 2}') AS two \gset
ROLLBACK;
SELECT is_empty('SELECT FROM kpi.outbox WHERE message = ''{"a": 2}''', 'what is rolled back is not sent');
SELECT kpi.notify('hook', '{"a": 3}', 'key') AS three \gset
SELECT is(kpi.notify('hook', '{"a": 4}', 'key'), :three::bigint, 'a known dedupe key is the earlier message');
SELECT is(kpi.notify('seen', '{"a": 4}', 'key') = :three, false, 'keys belong to their sink');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE sink = 'hook'), 2::bigint, 'nothing is queued twice');
SELECT ok(kpi.notify('hook', '{}', not_before => '2100-01-01 00:00+00') > 0, 'a message for later');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE due_at = '2100-01-01 00:00+00'), 1::bigint, 'not_before is kept');
SELECT kpi.notify('hook', '\x00ff'::bytea, 'image/png', 'a.png', '{"t": 1}', 'file', NULL, 'g') AS file \gset
SELECT is((SELECT row(content, content_type, object_key, message, dedupe_key, group_key)::text FROM kpi.outbox WHERE id = :file),
    '("\\x00ff",image/png,a.png,"{""t"": 1}",file,g)', 'content is kept with its type and name');
SELECT is((SELECT count(DISTINCT idempotency_key) FROM kpi.outbox), (SELECT count(*) FROM kpi.outbox), 'each message has its idempotency key');
SELECT matches(t.raised($$SELECT kpi.notify('nowhere', '{}')$$), '^42704 sink "nowhere" does not exist .*kpi.add_sink', 'a sink that does not exist');
SELECT matches(t.raised($$SELECT kpi.notify('hook', NULL)$$), '^22004 .*message', 'no message');
SELECT matches(t.raised($$SELECT kpi.notify('hook', '\x00'::bytea, NULL, NULL)$$), '^22023 .*content_type', 'a message that the kind refuses');
SELECT matches(t.raised($$SELECT kpi.notify('hook', '{}', group_key => '')$$), '^22023 group_key', 'an empty group');
SELECT matches(t.raised($$SELECT kpi.notify('hook', NULL::bytea, 'text/plain', NULL)$$), '^22004 .*content', 'no content');

-- A group is queued by one transaction at a time, under a lock that SQL cannot take
BEGIN;
SELECT kpi.notify('hook', '{}', group_key => 'ordered') \gset
SELECT is((SELECT array_agg(objsubid || mode ORDER BY mode) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
    '{5ExclusiveLock,5ShareLock}', 'the group is locked, the sink is shared');
ROLLBACK;

-- Taking back, sending again
SELECT lives_ok(format('SELECT kpi.cancel(%s)', :one), 'a waiting message is cancelled');
SELECT is((SELECT state FROM kpi.outbox WHERE id = :one AND settled_at IS NOT NULL), 'cancelled', 'and settled');
SELECT matches(t.raised(format('SELECT kpi.cancel(%s)', :one)), '^55000 message .* is cancelled already .*pending', 'not twice');
SELECT matches(t.raised('SELECT kpi.cancel(0)'), '^42704 message 0 does not exist', 'a message that does not exist');
SELECT lives_ok(format('SELECT kpi.redeliver(%s)', :one), 'a cancelled message is sent again');
SELECT is((SELECT state FROM kpi.outbox WHERE id = :one AND settled_at IS NULL), 'pending', 'it waits');
SELECT matches(t.raised(format('SELECT kpi.redeliver(%s)', :one)), '^55000 message .* is pending', 'a waiting message is not sent again');
UPDATE kpi.outbox SET state = 'sending', lease_until = now() + interval '1 minute' WHERE id = :one;
SELECT matches(t.raised(format('SELECT kpi.cancel(%s)', :one)), '^55000 message .* is being sent .*Wait', 'what is on its way cannot be taken back');
SELECT matches(t.raised(format('SELECT kpi.redeliver(%s)', :one)), '^55000 message .* is sending', 'nor sent again');
SELECT is((SELECT row(pending, sending, dead, breaker)::text FROM kpi.outbox_stats WHERE sink = 'hook'), '(3,1,0,closed)', 'the view counts');
SELECT ok((SELECT oldest > interval '0' FROM kpi.outbox_stats WHERE sink = 'hook'), 'and knows the oldest');
UPDATE kpi.outbox SET state = 'dead', lease_until = NULL, settled_at = now() - interval '31 days' WHERE id = :one;
INSERT INTO kpi.delivery (message, attempt, sink, started_at, outcome) VALUES (:one, 1, 'hook', now(), 'dead'), (:three, 1, 'hook', now(), 'delivered');
SELECT is((SELECT row(pending, dead, delivered_last_hour, failed_last_hour)::text FROM kpi.outbox_stats WHERE sink = 'hook'), '(3,1,1,1)', 'dead letters and attempts too');
INSERT INTO kpi.sink_state VALUES ('hook', 5, now() + interval '1 hour');
SELECT is((SELECT breaker FROM kpi.outbox_stats WHERE sink = 'hook'), 'open', 'an open breaker');
UPDATE kpi.sink_state SET open_until = now() - interval '1 s';
SELECT is((SELECT breaker FROM kpi.outbox_stats WHERE sink = 'hook'), 'half-open', 'half open');

-- Forgetting
SELECT is(kpi.purge('32 days'), 0::bigint, 'nothing is that old');
SELECT is(kpi.purge(), 1::bigint, 'old settled messages are deleted');
SELECT is((SELECT array_agg(message) FROM kpi.delivery), ARRAY[:three]::bigint[], 'with their attempts');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE state = 'pending' AND sink = 'hook'), 3::bigint, 'what waits is kept');

-- Dropping
SELECT matches(t.raised($$SELECT kpi.drop_sink('nowhere')$$), '^42704 sink "nowhere" does not exist .*kpi.sink', 'drop of what is not there');
SELECT lives_ok($$SELECT kpi.drop_sink('hook')$$, 'a sink is dropped');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE sink = 'hook' AND state = 'cancelled' AND error = 'the sink was dropped'), 3::bigint, 'its messages are cancelled');
SELECT is_empty($$SELECT FROM kpi.sink_secret WHERE sink = 'hook' UNION ALL SELECT FROM kpi.sink_state$$, 'secrets and state are gone');
SELECT matches(t.raised(format('SELECT kpi.redeliver(%s)', :three)), '^55000 the sink of message .* was dropped', 'nothing is sent to it any more');

-- Delivering. No host is allowed, so what is sent is dead at once with the reason; nothing listens at port 1, so it is tried again.
DELETE FROM kpi.outbox;
DELETE FROM kpi.delivery;
SELECT kpi.add_sink('hook', 'webhook', 'http://192.0.2.1/xyzzy') \gset
SELECT kpi.notify('hook', '{"n": 1}', group_key => 'g') AS first \gset
SELECT kpi.notify('hook', '{"n": 2}', group_key => 'g') AS second \gset
SELECT kpi.notify('hook', '{"n": 3}', not_before => now() + interval '1 day') AS later \gset
CALL kpi.work();
SELECT is((SELECT array_agg(state || ' ' || attempts ORDER BY id) FROM kpi.outbox), '{dead 1,dead 1,pending 0}', 'blocked messages are dead after one attempt, those not due wait');
SELECT ok((SELECT bool_and(error <> '' AND error !~ 'xyzzy' AND settled_at IS NOT NULL AND lease_until IS NULL) FROM kpi.outbox WHERE state = 'dead'), 'with a reason that quotes no URL');
SELECT is((SELECT array_agg(outcome ORDER BY message, started_at) FROM kpi.delivery), '{dead,group,dead}', 'every attempt is recorded, and the dead head told its group');
SELECT is((SELECT error FROM kpi.delivery WHERE outcome = 'group' AND message = :second), format('message %s of this group is dead', :first), 'by number');
SET kpi.allowed_hosts = '127.0.0.1';
SELECT kpi.add_sink('down', 'webhook', 'http://127.0.0.1:1/', '{"max_attempts": 2}') \gset
SELECT kpi.notify('down', '{"n": 4}') AS down \gset
CALL kpi.work();
SELECT is((SELECT row(failures, open_until)::text FROM kpi.sink_state WHERE sink = 'down') IS NOT NULL, true, 'a receiver that is down counts');
UPDATE kpi.outbox SET due_at = now() WHERE id = :down AND state = 'pending';
CALL kpi.work();
SELECT is((SELECT row(state, attempts)::text FROM kpi.outbox WHERE id = :down), '(dead,2)', 'dead after the last attempt');
SELECT is((SELECT array_agg(outcome ORDER BY attempt) FROM kpi.delivery WHERE message = :down), '{retry,dead}', 'both recorded');
SELECT is((SELECT failures FROM kpi.sink_state WHERE sink = 'down'), 2, 'two failures in a row');
-- A sender that died: its row is taken back, counted, and tried by somebody else.
SELECT kpi.redeliver(:down);
UPDATE kpi.outbox SET state = 'sending', attempts = 3, claimed_at = now(), lease_until = now() + interval '1 minute', claimed_by = '1 0' WHERE id = :down;
SELECT kpi.notify('down', '{"n": 5}') AS held \gset
UPDATE kpi.outbox SET state = 'sending', attempts = 1, claimed_at = now(), lease_until = now() + interval '1 minute',
    claimed_by = (SELECT pid || ' ' || extract(epoch FROM backend_start) FROM pg_stat_activity WHERE pid = pg_backend_pid()) WHERE id = :held;
CALL kpi.work();
SELECT is((SELECT row(state, attempts, attempts_before)::text FROM kpi.outbox WHERE id = :down), '(dead,4,2)', 'the message of a dead sender was sent again');
SELECT is((SELECT array_agg(attempt || ' ' || outcome ORDER BY attempt) FROM kpi.delivery WHERE message = :down), '{1 retry,2 dead,3 lost,4 dead}', 'and every attempt has its number');
SELECT is((SELECT count(*) FROM kpi.delivery WHERE message = :down AND outcome = 'lost'), 1::bigint, 'its lost attempt is recorded');
SELECT is((SELECT state FROM kpi.outbox WHERE id = :held), 'sending', 'what a living process sends is left to it');
-- The breaker opens at the fifth failure and nothing more is sent.
SELECT kpi.add_sink('down', 'webhook', 'http://127.0.0.1:1/', '{"parallelism": 1}') \gset
SELECT count(kpi.notify('down', jsonb_build_object('n', n))) FROM generate_series(1, 10) n;
CALL kpi.work();
SELECT is((SELECT breaker FROM kpi.outbox_stats WHERE sink = 'down'), 'open', 'five failures open the breaker');
SELECT ok((SELECT open_until BETWEEN now() AND now() + interval '11 s' FROM kpi.sink_state WHERE sink = 'down'), 'for seconds');
SELECT ok((SELECT count(*) >= 5 FROM kpi.outbox WHERE sink = 'down' AND state = 'pending' AND attempts = 0), 'the others were not tried');

-- What is settled is kept for kpi.outbox_retention.
UPDATE kpi.outbox SET settled_at = now() - interval '9 days' WHERE id = :first;
CALL kpi.work();
SELECT isnt_empty(format('SELECT FROM kpi.outbox WHERE id = %s', :first), 'nine days are less than the default');
SET kpi.outbox_retention = 8;
CALL kpi.work();
SELECT is_empty(format('SELECT FROM kpi.outbox WHERE id = %s UNION ALL SELECT FROM kpi.delivery WHERE message = %1$s', :first), 'and more than eight');
SELECT isnt_empty(format('SELECT FROM kpi.outbox WHERE id = %s', :second), 'younger ones are kept');

-- Who may
CREATE ROLE kpi_ob_admin IN ROLE kpi_admin;
CREATE ROLE kpi_ob_plain;
GRANT USAGE ON SCHEMA t TO kpi_ob_admin, kpi_ob_plain;
SET ROLE kpi_ob_plain;
SELECT is((SELECT array_agg(left(t.raised(s), 5)) FROM unnest(ARRAY['SELECT kpi.notify(''seen'', ''{}'')', 'SELECT kpi.add_sink(''x'', ''webhook'', ''http://h/'')',
    'SELECT kpi.drop_sink(''seen'')', 'SELECT kpi.cancel(1)', 'SELECT kpi.redeliver(1)', 'SELECT kpi.purge()', 'SELECT FROM kpi.sink', 'SELECT FROM kpi.outbox',
    'SELECT FROM kpi.delivery', 'SELECT FROM kpi.outbox_stats', 'SELECT FROM kpi.sink_secret']) s), array_fill('42501'::text, ARRAY[11]), 'a plain role may do nothing');
RESET ROLE;
SELECT kpi.share_sink('seen', 'kpi_ob_admin') \gset
SET ROLE kpi_ob_admin;
SELECT ok(kpi.notify('seen', '{}') > 0, 'kpi_admin queues');
SELECT is(kpi.add_sink('theirs', 'webhook', 'http://h/', secret => '{"hmac_key": "k"}'), 'theirs', 'and adds sinks');
SELECT is((SELECT array_agg(t.raised(s) ~ '^42501 permission denied .*pg_read_server_files') FROM unnest(ARRAY[
    $$SELECT kpi.add_sink('x', 'webhook', 'env:HOME')$$, $$SELECT kpi.add_sink('x', 'webhook', 'http://h/', secret => '{"hmac_key": "file:/etc/passwd"}')$$,
    $$SELECT kpi.add_sink('x', 'webhook', 'http://h/', '{"cacert": "/etc/passwd"}')$$]) s), '{t,t,t}', 'but not with the server''s files and environment');
SELECT matches(t.raised('SELECT FROM kpi.sink_secret'), '^42501', 'and reads no secret');
SELECT is((SELECT string_agg(sink, ' ') FROM kpi.outbox_stats), 'theirs', 'it sees the statistics of its own');
RESET ROLE;
SELECT * FROM finish();
DROP SCHEMA t CASCADE;
DROP ROLE kpi_ob_admin, kpi_ob_plain;
