-- as: superuser
-- Incidents through the door that checks, probes, runs and sinks use: opened once, kept, closed, armed again; what people do with them; who may.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(63);
\ir ../tools/raised.sql
CREATE ROLE keeper; GRANT kpi_admin TO keeper;
CREATE ROLE stranger; GRANT kpi_admin TO stranger;
CREATE ROLE watcher; GRANT kpi_reader TO watcher;
CREATE ROLE runner; GRANT kpi_operator TO runner;
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET ROLE keeper;
SELECT kpi.add_sink('hook', 'webhook', 'http://127.0.0.1:9/') \gset
SELECT kpi.add_sink('chat', 'slack', options => '{"channel": "C1"}', secret => '{"token": "xoxb-1"}') \gset
SELECT kpi.add_sink('mail', 'smtp', 'smtp://127.0.0.1:9', options => '{"from": "a@example.com", "to": "b@example.com", "tls": "none"}') \gset
RESET ROLE;
CREATE FUNCTION t.see(failing boolean, fingerprint text DEFAULT 'check orders', sinks text[] DEFAULT '{hook,chat}', details jsonb DEFAULT '{"lines": ["orders is 3 h old"], "source": "orders"}')
    RETURNS bigint LANGUAGE sql AS $$ SELECT kpi._observe(fingerprint, 'data', 'orders is stale', 'critical', failing, sinks, 'keeper', details) $$;

-- Opened once, kept, closed, armed again
SELECT is(t.see(false), NULL, 'nothing fails: no incident');
SELECT is_empty('SELECT FROM kpi.incident', 'and no row');
SELECT t.see(true) AS one \gset
SELECT is((SELECT row(state, severity, kind, title, role)::text FROM kpi.incident WHERE id = :one), '(firing,critical,data,"orders is stale",keeper)', 'a failure opens an incident');
SELECT is(t.see(true), :one::bigint, 'the next failure is the same incident');
SELECT is((SELECT count(*) FROM kpi.incident), 1::bigint, 'there is one');
SELECT is((SELECT array_agg(sink ORDER BY sink) FROM kpi.outbox), '{chat,hook}', 'one message to each sink');
SELECT is(t.see(NULL), :one::bigint, 'what is not known changes nothing');
SELECT is((SELECT message->>'event' FROM kpi.outbox WHERE sink = 'hook'), 'opened', 'the webhook hears of the opening');
SELECT is((SELECT message->'details'->>'source' FROM kpi.outbox WHERE sink = 'hook'), 'orders', 'with its details');
SELECT matches((SELECT message->>'plain' FROM kpi.outbox WHERE sink = 'chat'), '^🔴 CRITICAL orders is stale \(#K-' || :one || ' · since 20[0-9-]+ [0-9:]+, 0 min\)\norders is 3 h old$', 'the chat is told in words');
SELECT is(t.see(false), NULL, 'all is well: closed');
SELECT is((SELECT state FROM kpi.incident WHERE id = :one), 'resolved', 'the incident is resolved');
SELECT is((SELECT array_agg(sink ORDER BY id) FROM kpi.outbox WHERE message->>'event' = 'resolved' OR message ? 'edit'), '{chat,hook}', 'whoever was told is told');
SELECT is((SELECT message->>'edit' FROM kpi.outbox WHERE message ? 'edit'), (SELECT min(message)::text FROM kpi.incident_message WHERE incident = :one AND sink = 'chat'), 'in the chat the first message is changed');
SELECT matches((SELECT message->>'plain' FROM kpi.outbox WHERE message ? 'edit'), '^✅ RESOLVED orders is stale', 'to say that it is over');
SELECT is(t.see(false), NULL, 'still well');
SELECT is((SELECT count(*) FROM kpi.outbox), 4::bigint, 'said once');
SELECT t.see(true) AS two \gset
SELECT isnt(:two::bigint, :one::bigint, 'the next failure is another incident');
SELECT is((SELECT array_agg(kind ORDER BY at, ctid) FROM kpi.incident_event WHERE incident = :one), '{fired,told,told,resolved,told,told}', 'the story of an incident');
SELECT is((SELECT count(DISTINCT group_key) FROM kpi.outbox), 2::bigint, 'messages of one incident are sent in order');

-- One transaction with its messages
BEGIN;
SELECT t.see(true, 'rolled back') \gset
ROLLBACK;
SELECT is_empty($$SELECT FROM kpi.incident WHERE fingerprint = 'rolled back'$$, 'what is rolled back opened nothing');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE message->>'event' = 'opened'), 2::bigint, 'and told nobody');

-- A sink that cannot be used raises nothing
SELECT t.see(true, 'badly sunk', '{nowhere,mail}') AS bad \gset
SELECT is((SELECT array_agg(text ORDER BY text) FROM kpi.incident_event WHERE incident = :bad AND kind = 'untold'), ARRAY['nowhere: sink "nowhere" does not exist'], 'a sink that does not exist is noted');
SELECT matches((SELECT message->>'subject' FROM kpi.outbox WHERE sink = 'mail'), '^🔴 CRITICAL orders is stale', 'the others are told');
SELECT kpi._observe('foreign', 'probe', 'slow', 'warning', true, '{hook}', 'watcher') AS foreign \gset
SELECT matches((SELECT text FROM kpi.incident_event WHERE incident = :foreign AND kind = 'untold'), '^hook: permission denied', 'a sink of somebody else is not used');

-- People
SET ROLE keeper;
SELECT lives_ok(format('SELECT kpi.ack(%s)', :two), 'its role acknowledges');
SELECT is((SELECT state || ' ' || acknowledged_by FROM kpi.incident WHERE id = :two), 'acknowledged keeper', 'and is named');
SELECT is((SELECT array_agg(o.message->>'event' ORDER BY o.id) FROM kpi.outbox o JOIN kpi.incident_message m ON m.message = o.id WHERE m.incident = :two AND o.sink = 'hook'), '{opened,acknowledged}', 'the receivers know');
SELECT matches((SELECT o.message->>'plain' FROM kpi.outbox o JOIN kpi.incident_message m ON m.message = o.id WHERE m.incident = :two AND o.message ? 'edit'), 'acknowledged by keeper', 'in the chat it is written into the message');
SELECT lives_ok(format('SELECT kpi.ack(%s)', :two), 'twice changes nothing');
RESET ROLE;
SELECT is(t.see(true), :two::bigint, 'acknowledged it is the same incident');
SELECT is((SELECT state FROM kpi.incident WHERE id = :two), 'acknowledged', 'and stays so');
SET ROLE keeper;
SELECT lives_ok(format('SELECT kpi.assign(%s, %L)', :two, '@ana'), 'it is given to somebody');
SELECT is((SELECT assignee FROM kpi.incident WHERE id = :two), '@ana', 'who is known');
SELECT lives_ok(format('SELECT kpi.comment(%s, %L)', :two, 'the loader hangs'), 'a remark');
SELECT is((SELECT array_agg("by" || ' ' || kind ORDER BY at, ctid) FROM kpi.incident_event WHERE incident = :two AND "by" IS NOT NULL), '{"keeper acknowledged","keeper assigned","keeper comment"}', 'people are in the story');
SELECT lives_ok(format('SELECT kpi.feedback(%s, %L)', :two, 'expected'), 'it was expected');
SELECT is((SELECT row(kind, effect, scope)::text FROM kpi.event WHERE name = 'expected: orders is stale'), '(incident,ignore,{})', 'and is in the calendar');
SELECT matches(t.raised('SELECT kpi.feedback(' || :two || ', ''maybe'')'), '^22023 verdict cannot be "maybe".*false_alarm', 'a verdict that there is not');
SELECT matches(t.raised('SELECT kpi.ack(' || :one || ')'), '^55000 incident ' || :one || ' is resolved', 'what is over is not acknowledged');
SELECT matches(t.raised('SELECT kpi.ack(999999)'), '^42704 incident 999999 does not exist.*kpi.open_incident', 'nor what does not exist');
SELECT matches(t.raised('SELECT kpi.assign(' || :two || ', '''')'), '^22023 assignee must not be empty', 'nobody');

-- Silences
SELECT kpi.silence('{"kind": "data"}', now() + interval '1 hour', 'maintenance') AS silence \gset
RESET ROLE;
SELECT t.see(true, 'in silence') AS quiet \gset
SELECT is((SELECT state || ' ' || muted FROM kpi.incident WHERE id = :quiet), 'firing true', 'in a silence an incident opens');
SELECT is_empty(format('SELECT FROM kpi.incident_message WHERE incident = %s', :quiet), 'and tells nobody');
SELECT isnt((SELECT silenced_until FROM kpi.open_incident WHERE id = :quiet), NULL, 'which is shown');
SET ROLE stranger;
SELECT matches(t.raised('SELECT kpi.drop_silence(' || :silence || ')'), '^42501 silence', 'the silence of somebody else');
SELECT kpi.silence('{}', now() + interval '1 hour', 'all of mine') AS theirs \gset
SET ROLE keeper;
SELECT is(kpi.drop_silence(:silence), true, 'a silence is dropped');
SELECT is(kpi.drop_silence(:silence), false, 'once');
RESET ROLE;
SELECT is(t.see(true, 'in silence'), :quiet::bigint, 'the incident lives on');
SELECT matches((SELECT o.message->>'plain' FROM kpi.outbox o JOIN kpi.incident_message m ON m.message = o.id WHERE m.incident = :quiet AND o.sink = 'chat'), '^🔴 CRITICAL fires again, silence ended: orders', 'and says that the silence has ended, whatever others silence');
SET ROLE keeper;
SELECT matches(t.raised($$SELECT kpi.silence('[]', now() + interval '1 hour', 'x')$$), '^22023 matcher must be a JSON object', 'a matcher that is none');
SELECT matches(t.raised($$SELECT kpi.silence('{}', now(), 'x')$$), '^22023 until must be in the future', 'a silence that is over');
SELECT matches(t.raised($$SELECT kpi.silence('{}', now() + interval '1 hour', '')$$), '^22023 why', 'without a reason');

-- Who may
SELECT matches(t.raised($$SELECT kpi._observe('x', 'data', 'x', 'warning', true, '{}', 'keeper')$$), '^42501 permission denied for function _observe', 'the door is not everybody''s');
SET ROLE stranger;
SELECT is_empty('SELECT FROM kpi.incident', 'incidents of others are not seen');
SELECT is_empty('SELECT FROM kpi.open_incident', 'nor listed');
SELECT is_empty('SELECT FROM kpi.incident_event', 'nor their story');
SELECT matches(t.raised('SELECT kpi.ack(' || :two || ')'), '^42501 incident ' || :two || ' belongs to another role', 'nor acknowledged');
SET ROLE runner;
SELECT lives_ok(format('SELECT kpi.comment(%s, %L)', :two, 'looked at'), 'kpi_operator runs all');
SET ROLE watcher;
SELECT is((SELECT sum(firing) FROM kpi.incident_stats WHERE kind = 'data'), 2::numeric, 'kpi_reader sees how many');
SELECT matches(t.raised('SELECT title FROM kpi.open_incident'), '^42501', 'and not what');
RESET ROLE;

-- Spanish
SET kpi.language = 'es';
SELECT t.see(true, 'castellano', '{chat}') AS es \gset
SELECT matches((SELECT o.message->>'plain' FROM kpi.outbox o JOIN kpi.incident_message m ON m.message = o.id WHERE m.incident = :es), '^🔴 CRÍTICO orders is stale \(#K-[0-9]+ · desde ', 'a message in Spanish');
SELECT matches(t.raised($$SET kpi.language = 'fr'$$), '^22023 .*Use en or es', 'a language that there is not');
SELECT * FROM finish();
