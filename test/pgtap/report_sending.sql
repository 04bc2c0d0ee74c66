-- as: superuser
-- Reports of one's own and their sending: plans, announcements, the job's function, what is not recomputed.
\ir ../tools/report_shop.sql
SELECT * FROM no_plan();

-- Reports of one's own
RESET ROLE; SELECT set_config('kpi.allowed_hosts', 'hooks.example', false) \gset
SET ROLE p_owner;
SELECT kpi.add_sink('people', 'webhook', 'https://hooks.example/x'), kpi.add_sink('gate', 'pushgateway', 'https://hooks.example') \gset
CREATE FUNCTION t.said(report text) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(kpi.report_content(id), 'UTF8') FROM kpi.make_report(report, '2026-04-05', 'text') $$;
SELECT lives_ok($$SELECT kpi.add_report('mexico', 'weekly', '{people}', '{json,csv}', 'es', '{"metrics": ["revenue", "leads"], "filters": {"country": "MX"}, "by": ["source"], "top": 2}')$$, 'a report of some metrics and filters');
SELECT is((SELECT object_key FROM kpi.make_report('mexico', '2026-04-05')), 'reports/mexico/2026-04-05/kpi_mexico_2026-04-05.es.json', 'has its name, its first format and its language');
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('mexico', '2026-04-05', 'csv'))) l LIMIT 1), 'day,revenue,leads', 'and its columns');
SELECT matches(t.said('mexico'), E'^mexico · Semana .* · Solo country MX\n', 'it says what its filters leave');
SELECT kpi.alter_report('mexico', options => '{"title": "Nuestro México"}') \gset
SELECT matches(t.said('mexico'), '^Nuestro México · ', 'a title of its own');
SELECT kpi.alter_report('mexico', options => '{"title": null}') \gset
SELECT matches(t.raised($$SELECT kpi.alter_report('mexico', options => '{"title": 3}')$$), '^22023 option "title" must be a text', 'which is a text');
SELECT matches(t.raised($$SELECT kpi.add_report('mexico', 'daily', '{}')$$), '^42710', 'a name that is taken');
SELECT matches(t.raised($$SELECT kpi.add_report('daily', 'daily', '{}')$$), '^22023 "daily" cannot be the name of a report', 'a name that is reserved');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{peopel}')$$), '^42704 there is no sink "peopel".*Did you mean "people"', 'an unknown sink');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"metrics": ["revenu"]}')$$), '^42704', 'an unknown metric');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"filters": {"contry": "MX"}}')$$), '^22023', 'an unknown dimension');
SELECT matches(t.raised($$SELECT kpi.add_report('x', 'daily', '{}', options => '{"colour": "red"}')$$), '^22023 a report has no option "colour"', 'an unknown option');
SET ROLE p_other;
SELECT matches(t.raised($$SELECT kpi.drop_report('mexico')$$), '^42501', 'a stranger drops it not');
SELECT matches(t.raised($$SELECT kpi.make_report('mexico')$$), '^42501', 'nor makes it');
SELECT is_empty('SELECT 1 FROM kpi.report_plan', 'nor sees it');
SET ROLE p_owner;

-- Sending: once, by reference.
SELECT kpi.send_report('mexico', '2026-04-05') AS sent \gset
SELECT is((SELECT state || cardinality(uploads) FROM kpi.announcement WHERE id = :sent), 'uploading0', 'nothing to upload');
CALL kpi.work();
SELECT is((SELECT state FROM kpi.announcement WHERE id = :sent), 'announcing', 'so people are told');
SELECT results_eq(format($$SELECT message->>'kind', (message->>'report')::bigint, message->>'text' ~ 'mexico' FROM kpi.outbox WHERE id = ANY ((SELECT messages FROM kpi.announcement WHERE id = %s)::bigint[])$$, :sent),
    $$SELECT 'mexico', id, true FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$, 'of the report and its figures');
SELECT kpi.send_report('mexico', '2026-04-05') AS again \gset
CALL kpi.work();
SELECT is((SELECT messages FROM kpi.announcement WHERE id = :again), (SELECT messages FROM kpi.announcement WHERE id = :sent), 'the same version is told once');

-- The digest waits for the files: until they are given up, ten minutes at most (test_reports_sent.py, by the clock); with a link where a sink gives one.
SELECT kpi.add_sink('store', 's3', 'https://hooks.example', '{"bucket": "kpis", "region": "eu-west-1"}', '{"access_key_id": "a", "secret_access_key": "b"}') \gset
CREATE FUNCTION t.told(announcement bigint) RETURNS TABLE (state text, note text, text text) LANGUAGE sql AS $$
    SELECT a.state, a.note, (SELECT string_agg(o.message->>'text', '') FROM kpi.outbox o WHERE o.id = ANY (a.messages)) FROM kpi.announcement a WHERE a.id = announcement $$;
SELECT kpi.send_report('weekly', '2026-03-15', '{people,store}') AS late, kpi.send_report('weekly', '2026-03-22', '{people,store}') AS failed, kpi.send_report('weekly', '2026-03-29', '{people,store}', language => 'es') AS linked \gset
CALL kpi.work();
SELECT is((SELECT array_agg(state || cardinality(uploads) || cardinality(messages)) FROM kpi.announcement WHERE id IN (:late, :failed, :linked)), '{uploading10,uploading10,uploading10}', 'nobody is told while files are on their way');
SELECT kpi.cancel(uploads[1]) FROM kpi.announcement WHERE id = :failed \gset
RESET ROLE;
UPDATE kpi.outbox SET state = 'delivered', settled_at = now(), result = '{"url": "https://s3.example/x?signature=y"}' WHERE id = (SELECT uploads[1] FROM kpi.announcement WHERE id = :linked);
SET ROLE p_owner;
CALL kpi.work();
SELECT results_eq(format('SELECT state, note, text ~ note FROM t.told(%s)', :failed), $$VALUES ('announcing', 'Sent without the link: the file could not be uploaded.', true)$$, 'a file that is given up is not waited for, and the message says so');
SELECT results_eq(format('SELECT state, note, text ~ $$Abrir el archivo: https://s3.example/x\?signature=y\n$$ FROM t.told(%s)', :linked), $$VALUES ('announcing', NULL, true)$$, 'one that has arrived is linked');
SELECT lives_ok($$SELECT kpi.cancel(id) FROM kpi.outbox WHERE state = 'pending'$$, 'the messages are cancelled');
CALL kpi.work();
SELECT is((SELECT state FROM kpi.announcement WHERE id = :linked), 'done', 'settled messages end it');
SELECT kpi.notify_report('people', (SELECT id FROM kpi.report WHERE kind = 'mexico' AND format = 'json')) AS carried \gset
SELECT results_eq(format('SELECT o.content, o.object_key, o.content_type, o.report FROM kpi.outbox o WHERE id = %s', :carried),
    $$SELECT NULL::bytea, object_key, content_type, id FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$, 'a message refers to its report and holds no copy');
RESET ROLE;
SELECT matches(t.raised($$DELETE FROM kpi.report WHERE kind = 'mexico' AND format = 'json'$$), '^23503', 'which cannot go before the message');
UPDATE kpi.report SET made_at = now() - interval '401 days';
CALL kpi.work();
SELECT is((SELECT string_agg(kind || ' ' || format, ', ') FROM kpi.report WHERE kind = 'mexico'), 'mexico json', 'nor does retention take it');
SET ROLE p_owner;
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05')$$), '^22023 a report is sent to a sink', 'to nobody');
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05', '{gate}')$$), '^22023 sink "gate" is of kind pushgateway, which takes no reports.*kpi.publish', 'gauges are published');
SELECT matches(t.raised($$SELECT kpi.send_report('daily', '2026-04-05', '{gone}')$$), '^42704 there is no sink "gone"', 'to a sink that is not there');
SET ROLE p_other;
SELECT matches(t.raised(format('SELECT kpi.notify_report(%L, %s)', 'people', (SELECT 1))), '^42501', 'a stranger uses no sink of somebody else''s');

-- The job's function: one that fails stops no other.
SET ROLE p_owner;
SELECT lives_ok($$SELECT kpi.alter_report('mexico', options => '{"by": null, "top": null}', formats => '{text}')$$, 'an option goes back to its default');
SELECT is((SELECT options FROM kpi.report_plan), '{"metrics": ["revenue", "leads"], "filters": {"country": "MX"}}', 'so it does');
SELECT kpi.add_report('broken', 'weekly', '{}') \gset
RESET ROLE;
UPDATE kpi.report_plan SET options = '{"metrics": ["nothing"]}' WHERE name = 'broken';
SET ROLE p_owner;
SELECT is(kpi.run_reports('weekly'), 2::bigint, 'the weekly report and one of two plans');
SELECT is((SELECT concat_ws(' ', fingerprint, state, title) FROM kpi.incident WHERE kind = 'run'), 'report:broken firing report broken failed: 42704: metric "nothing" does not exist', 'the other is an incident');
SELECT kpi.alter_report('broken', options => '{"metrics": ["leads"]}') \gset
SELECT is(kpi.run_reports('weekly'), 3::bigint, 'mended');
SELECT is((SELECT state FROM kpi.incident WHERE fingerprint = 'report:broken'), 'resolved', 'which closes it');
SELECT lives_ok($$SELECT kpi.alter_report('broken', enabled => false), kpi.drop_report('mexico')$$, 'switched off; dropped');
SELECT is(kpi.run_reports('weekly'), 1::bigint, 'neither runs');
SELECT kpi.drop_report('broken') \gset

-- A distinct count by segment: leaders and a rest without a value, no cause.
CREATE TABLE public.visit (at timestamptz, site text, who int);
CREATE VIEW public.visit_facts AS SELECT at, site, 1 AS visits, who FROM public.visit;
INSERT INTO public.visit SELECT timestamptz '2026-03-01 12:00Z' + d * interval '1 day', 's' || n % 4, (d * n) % 9 FROM generate_series(0, 39) d, generate_series(0, 5) n;
SELECT kpi.track('public.visit_facts', 'at', '{site}', 'visit', 'UTC', build => 'now', aggregates => '{"people": {"distinct": "who"}}') \gset
SELECT lives_ok(format($$SELECT kpi.make_report('people_%s', '2026-04-05')$$, kind), kind || ' report of a distinct count')
  FROM (VALUES ('daily'), ('weekly'), ('monthly')) k(kind), LATERAL (SELECT kpi.add_report('people_' || kind, kind, '{people}', '{json}', 'en', '{"metrics": ["people"], "top": 2}')) a;
SELECT matches(convert_from(kpi.report_content((SELECT id FROM kpi.report WHERE kind = 'people_weekly')), 'UTF8'), '"title":"Site"', 'told by segment');
SELECT count(kpi.drop_report(name)) AS dropped FROM kpi.report_plan WHERE name LIKE 'people_%' \gset
SELECT kpi.untrack('visit') \gset

-- Without the pack: every metric that may be read. A day that a window has not covered is not over.
SELECT kpi.uninstall_sales();
SELECT matches(t.raised($$SELECT kpi.make_report('daily')$$), '^55000 there is no metric that you may read', 'nothing to report');
CREATE TABLE public.sale (at timestamptz, "amount, net" numeric);
CREATE VIEW public.sale_facts AS SELECT at, "amount, net", 1 AS "=sales" FROM public.sale;
INSERT INTO public.sale VALUES ('2026-04-01 01:00Z', 3.10);
SELECT kpi.track('public.sale_facts', 'at', capture => 'window', timezone => 'UTC', build => 'now') \gset
SELECT is((SELECT l FROM t.lines((SELECT id FROM kpi.make_report('daily', '2026-04-05'))) l LIMIT 1), $$day,"'=sales","amount, net"$$, 'names that a spreadsheet would take for a formula are not');
RESET ROLE;
UPDATE kpi.source_state SET computed_at = date_trunc('day', now(), 'UTC') - interval '1 minute';
SET ROLE p_owner;
SELECT is((SELECT upper(period) - 1 FROM kpi.make_report('daily')), (now() AT TIME ZONE 'UTC')::date - 2, 'the last day that its numbers cover whole');
SELECT matches(t.raised($$SELECT kpi.make_report('daily', (now() AT TIME ZONE 'UTC')::date - 1)$$), '^22023 \S+ is not over yet', 'the day after was not over when they were computed');
-- By schedule that is a failure: the day before would be told once more, or in silence.
SELECT matches(t.raised($$SELECT kpi.run_reports('daily')$$), '^55000 the numbers of metric "=sales" end with \S+.*window capture', 'a job says that yesterday is not there');
SELECT kpi.add_report('stale', 'daily', '{}', options => '{"metrics": ["amount, net"]}') \gset
SELECT is(kpi.run_reports('daily'), 0::bigint, 'beside plans too');
SELECT is((SELECT string_agg(fingerprint, ' ' ORDER BY fingerprint) FROM kpi.incident WHERE state = 'firing' AND kind = 'run' AND title ~ 'end with'), 'report:daily report:stale', 'each is an incident');
RESET ROLE;
UPDATE kpi.source_state SET computed_at = date_trunc('day', now(), 'UTC') + interval '1 second';
SET ROLE p_owner;
SELECT is(kpi.run_reports('daily'), 2::bigint, 'until it is recomputed');
SELECT is_empty($$SELECT 1 FROM kpi.incident WHERE state = 'firing' AND kind = 'run'$$, 'which ends them');
SELECT * FROM finish();
