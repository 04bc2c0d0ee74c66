-- as: superuser
-- Links in messages about incidents: signed, expiring, good for one thing each, for whoever has them.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(68);
\ir ../tools/raised.sql
CREATE ROLE link_keeper; GRANT kpi_admin TO link_keeper;
CREATE ROLE link_runner; GRANT kpi_operator TO link_runner;
CREATE ROLE link_page; GRANT kpi_reader TO link_page;
CREATE ROLE link_nobody;
GRANT USAGE ON SCHEMA t TO PUBLIC;
SET ROLE link_keeper;
SELECT kpi.add_sink('hook', 'webhook', 'http://127.0.0.1:9/') \gset
SELECT kpi.add_sink('chat', 'slack', options => '{"channel": "C1"}', secret => '{"token": "xoxb-1"}') \gset
SELECT kpi.add_sink('mail', 'smtp', 'smtp://127.0.0.1:9', options => '{"from": "a@example.com", "to": "b@example.com", "tls": "none"}') \gset
RESET ROLE;
CREATE FUNCTION t.see(failing boolean, fingerprint text DEFAULT 'check orders', sinks text[] DEFAULT '{hook,chat,mail}')
    RETURNS bigint LANGUAGE sql AS $$ SELECT kpi._observe(fingerprint, 'data', 'orders < 3 & stale', 'critical', failing, sinks, 'link_keeper', '{"lines": ["orders is 3 h old"], "source": "orders"}') $$;
CREATE FUNCTION t.last(incident bigint, sink text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT o.message FROM kpi.outbox o JOIN kpi.incident_message m ON m.message = o.id WHERE m.incident = last.incident AND o.sink = last.sink ORDER BY o.id DESC LIMIT 1 $$;
-- RFC 2104, written down once more: what the library signs.
CREATE FUNCTION t.hmac(key bytea, said text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE inner_pad bytea := decode(repeat('36', 64), 'hex'); outer_pad bytea := decode(repeat('5c', 64), 'hex');
BEGIN
    FOR i IN 0 .. length(key) - 1 LOOP
        inner_pad := set_byte(inner_pad, i, get_byte(key, i) # 54);
        outer_pad := set_byte(outer_pad, i, get_byte(key, i) # 92);
    END LOOP;
    RETURN translate(encode(sha256(outer_pad || sha256(inner_pad || convert_to(said, 'UTF8'))), 'base64'), '+/=', '-_');
END $$;
CREATE FUNCTION t.token(said text, key bytea DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT said || '.' || t.hmac(coalesce(key, (SELECT k.key FROM kpi.link_key k)), E'kpi_ext link 1\n' || said) $$;

-- Without an address there are no links
SELECT t.see(true) AS one \gset
SELECT ok(NOT t.last(:one, 'chat') ? 'blocks' AND t.last(:one, 'hook') -> 'links' = '[]' AND t.last(:one, 'mail') ->> 'text' !~ 'http', 'without kpi.public_url messages have no links');
SELECT matches(t.raised('SELECT kpi.incident_link(' || :one || ')'), '^55000 kpi.public_url is not set.*ALTER DATABASE', 'and none can be made');
SELECT matches(t.raised(format('SET kpi.public_url = %L', url)), '^22023 .*https://kpi.example.com', 'not an address: ' || url)
  FROM unnest('{kpi.example.com,https://,https:///x,ftp://kpi.example.com,https://kpi.example.com/?a=b,https://kpi.example.com/#x,https://a@b,"https://kpi example.com","https://kpi.example.com/<x|y>"}'::text[]) url;
SET kpi.public_url = 'https://kpi.example.com/ops/';

-- What messages carry
SELECT t.see(true, 'two') AS two \gset
SELECT is((SELECT array_agg(b #>> '{text,text}') FROM jsonb_array_elements(t.last(:two, 'chat') #> '{blocks,1,elements}') b), '{Acknowledge,Snooze 4 h,Snooze 24 h}', 'the chat has buttons');
SELECT is((SELECT count(DISTINCT b ->> 'url') FROM jsonb_array_elements(t.last(:two, 'chat') #> '{blocks,1,elements}') b
            WHERE b ->> 'url' ~ ('^https://kpi\.example\.com/ops/incidents/act\?token=(a|s4|s24)\.' || :two || '\.[0-9]+\.[A-Za-z0-9_-]{43}$')), 3::bigint, 'with an address each');
SELECT matches(t.last(:two, 'chat') #>> '{blocks,0,text,text}', '^🔴 CRITICAL orders &lt; 3 &amp; stale \(.*\)\norders is 3 h old$', 'below the text, in which nothing is markup');
SELECT doesnt_match(t.last(:two, 'chat') ->> 'plain', 'token', 'what a locked screen shows has none');
SELECT matches(t.last(:two, 'mail') ->> 'text', E'\nAcknowledge: https://[^\n]*=a\\.[^\n]*\nSnooze 4 h: https://[^\n]*=s4\\.[^\n]*\nSnooze 24 h: https://[^\n]*=s24\\.[^\n]*$', 'a mail has them as text');
SELECT is((SELECT array_agg(concat_ws(' ', l ->> 'action', l ->> 'hours')) FROM jsonb_array_elements(t.last(:two, 'hook') -> 'links') l), '{acknowledge,"snooze 4","snooze 24"}', 'a program has them as data');
SELECT is_empty(format('SELECT FROM kpi.incident_event e WHERE e.incident = %s AND e.kind = ''untold''', :two), 'every sink takes them');
SET kpi.language = 'es';
SELECT t.see(true, 'tres', '{chat}') AS tres \gset
SELECT is((SELECT array_agg(b #>> '{text,text}') FROM jsonb_array_elements(t.last(:tres, 'chat') #> '{blocks,1,elements}') b), '{Reconocer,"Silenciar 4 h","Silenciar 24 h"}', 'in Spanish');
RESET kpi.language;
SELECT split_part(t.last(:two, 'hook') #>> '{links,0,url}', '=', 2) AS ack, split_part(t.last(:two, 'hook') #>> '{links,1,url}', '=', 2) AS snooze \gset

-- Looking changes nothing
SET ROLE link_page;
SELECT is(kpi.read_link(:'ack') - '{since,expires_at}'::text[], format('{"incident": %s, "title": "orders < 3 & stale", "severity": "critical", "state": "firing", "acknowledged_by": null, "action": "acknowledge", "hours": null, "done": false, "until": null, "language": "en"}', :two)::jsonb, 'a link shows what it would do');
SELECT ok((kpi.read_link(:'ack') ->> 'expires_at')::timestamptz BETWEEN now() + interval '71 hours' AND now() + interval '73 hours', 'for three days');
SELECT ok((kpi.read_link(:'snooze') ->> 'until')::timestamptz BETWEEN now() + interval '239 minutes' AND now() + interval '241 minutes', 'and until when it would be silent');
RESET ROLE;
SELECT is((SELECT state FROM kpi.incident WHERE id = :two), 'firing', 'nothing has happened');

-- What is not ours
SELECT is(t.token(substring(:'ack' FROM '^(.*)\.')), :'ack', 'the token is HMAC-SHA256 over what it says');
SELECT matches(t.raised(format('SELECT kpi.follow_link(%L)', bad)), '^28000 the token of the link is not valid.*rotate_link_key', 'refused: ' || why) FROM (VALUES
    ('', 'nothing'), ('a', 'no token'), (repeat('a.', 5000), 'far too long'), (left(:'ack', -1), 'a character less'), (:'ack' || 'A', 'a character more'),
    (overlay(:'ack' PLACING CASE right(:'ack', 1) WHEN 'A' THEN 'B' ELSE 'A' END FROM length(:'ack')), 'another character'),
    (regexp_replace(:'ack', '^a', 's4'), 'another action'), (regexp_replace(:'snooze', '^s4', 's168'), 'more hours'),
    (replace(:'ack', '.' || :two || '.', '.' || :one || '.'), 'another incident'), (regexp_replace(:'ack', '\.1', '.2'), 'a later end'),
    (t.token('a.' || :two || '.4000000000', '\x00'), 'another key'), ('a.' || :two || '.4000000000.' || t.hmac((SELECT key FROM kpi.link_key), 'a.' || :two || '.4000000000'), 'a signature for something else'))
    x (bad, why);
SELECT matches(t.raised(format('SELECT kpi.%s(%L)', f, t.token('a.' || :two || '.1700000000'))), '^55000 the token of the link has expired.*kpi.incident_link', f || ' of an old one') FROM unnest('{read_link,follow_link}'::text[]) f;
SELECT matches(t.raised(format('SELECT kpi.read_link(%L)', t.token('a.987654321.4000000000'))), '^42704 incident 987654321', 'an incident that is not');

-- Following acts, once
SET ROLE link_page;
SELECT is(kpi.follow_link(:'ack') - '{since,expires_at}'::text[], format('{"incident": %s, "title": "orders < 3 & stale", "severity": "critical", "state": "acknowledged", "acknowledged_by": "link", "action": "acknowledge", "hours": null, "done": true, "until": null, "language": "en"}', :two)::jsonb, 'whoever has the link acknowledges');
SELECT is(kpi.follow_link(:'ack') ->> 'state', 'acknowledged', 'again it is as before');
RESET ROLE;
SELECT is((SELECT array_agg("by" || ' ' || kind) FROM kpi.incident_event WHERE incident = :two AND "by" IS NOT NULL), '{"link acknowledged"}', 'the story says so, once');
SELECT ok(t.last(:two, 'chat') ->> 'plain' ~ 'acknowledged by link' AND t.last(:two, 'chat') ? 'edit' AND NOT t.last(:two, 'chat') ? 'blocks', 'the chat shows it and asks no more');

-- A snooze silences this incident alone
SELECT t.see(true, 'four') AS four \gset
SELECT split_part(t.last(:four, 'hook') #>> '{links,1,url}', '=', 2) AS snooze \gset
SET ROLE link_page;
SELECT kpi.follow_link(:'snooze') ->> 'until' AS until \gset
SELECT is(kpi.follow_link(:'snooze') ->> 'until', :'until', 'following again does not make it longer');
RESET ROLE;
SELECT is((SELECT array_agg(row(incident, matcher, role)::text) FROM kpi.silence), ARRAY[format('(%s,{},link_keeper)', :four)], 'there is one silence');
SELECT is((SELECT array_agg(id) FROM kpi.open_incident WHERE silenced_until IS NOT NULL), ARRAY[:four::bigint], 'of this incident, not of others like it');
SELECT is((SELECT count(*) FROM kpi.incident_event WHERE incident = :four AND kind = 'snoozed' AND "by" = 'link'), 1::bigint, 'in the story once');
SELECT ok(t.last(:four, 'chat') ->> 'plain' ~ 'snoozed until 20[0-9-]+ [0-9:]+$' AND t.last(:four, 'chat') ? 'edit' AND jsonb_array_length(t.last(:four, 'chat') #> '{blocks,1,elements}') = 1, 'the chat shows until when, and can still be acknowledged');
SELECT t.see(true, 'five') AS five \gset
SELECT ok(t.last(:five, 'chat') IS NOT NULL, 'another incident is told');
UPDATE kpi.silence SET until = now() - interval '1 second';
SELECT t.see(true, 'four') \gset
SELECT matches(t.last(:four, 'chat') ->> 'plain', 'fires again, silence ended', 'at its end it says so, though no repeat was due');
SELECT t.see(false, 'four') \gset
SELECT matches(t.raised(format('SELECT kpi.follow_link(%L)', t.token('s8.' || :four || '.4000000000'))), '^55000 incident ' || :four || ' is resolved', 'what is over is not snoozed');
SELECT is(kpi._incident_links(:four), '{"acknowledge": null, "snooze": null}', 'nor has it links for a page, whose list goes on');
SELECT is(kpi.follow_link(:'snooze') ->> 'done', 'true', 'a link that has acted still says so');

-- Who may
SET ROLE link_runner;
SELECT matches(kpi.incident_link(:five), 'token=a\.', 'kpi_operator makes links');
SELECT matches(kpi.incident_link(:five, 'snooze 168'), 'token=s168\.', 'for up to a week');
SELECT matches(t.raised(format('SELECT kpi.incident_link(%s, %L)', :five, action)), '^22023 action cannot be "' || action || '".*snooze 24', 'no action: ' || action) FROM unnest('{resolve,snooze 0,snooze 169,snooze -1,snooze 4h}'::text[]) action;
SELECT is((kpi.read_link(:'ack') ->> 'done') || (kpi.follow_link(:'ack') ->> 'done'), 'truetrue', 'sees what they lead to, and follows them');
SET ROLE link_nobody;
SELECT is(t.raised(format('SELECT kpi.%s(%s)', f, a)) ~ '^42501', true, f || ' is not everybody''s') FROM (VALUES ('read_link', quote_literal(:'ack')), ('follow_link', quote_literal(:'ack')), ('incident_link', '1'), ('rotate_link_key', '')) x (f, a);
SET ROLE link_keeper;
SELECT matches(t.raised('SELECT key FROM kpi.link_key'), '^42501', 'nobody reads the key');
SELECT lives_ok('SELECT kpi.rotate_link_key()', 'kpi_admin makes a new key');
RESET ROLE;
SELECT matches(t.raised(format('SELECT kpi.read_link(%L)', :'ack')), '^28000', 'after which old links do nothing');
SELECT * FROM finish();
