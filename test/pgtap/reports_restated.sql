-- as: superuser
-- Reports say what has become of days and months since they were first seen (kpi.keep_history).
\ir ../tools/report_shop.sql
SELECT * FROM no_plan();
CREATE FUNCTION t.text(kind text, language text DEFAULT 'en', day date DEFAULT '2026-04-05', format text DEFAULT 'text') RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(kpi.report_content(r.id), 'UTF8') FROM kpi.make_report(kind, day, format, language) r $$;
CREATE FUNCTION t.restated(report text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT replace(replace(l, U&'\00A0', ' '), U&'\202F', ' ') FROM string_to_table(report, E'\n') l WHERE l ~ 'Restated|Corregido' $$;

-- As if the steward had seen each day and month as it was when it was over.
SELECT count(*) AS kept FROM unnest('{leads,revenue,conversion_pct}'::text[]) m, unnest('{day,month}'::text[]) g,
       LATERAL (SELECT kpi.keep_history(m, grain => g), kpi.keep_history(m, by => '{country}')) k \gset
RESET ROLE;
INSERT INTO kpi.first_seen (metric, grain, "by", bucket, formula, "values")
SELECT q.metric, g, b, q.bucket, m.formula, jsonb_build_array(jsonb_build_array(CASE b WHEN '{}' THEN '{}' ELSE '{"country": "MX"}' END::jsonb, q.value, NULL))
  FROM unnest('{day,month}'::text[]) g, unnest('{"{}","{country}"}'::name[][]) WITH ORDINALITY u(x, n), LATERAL (SELECT CASE n WHEN 1 THEN '{}'::name[] ELSE '{country}' END AS b) b,
       kpi.query('{leads,revenue,conversion_pct}', '2026-03-01', '2026-04-05', grain => g, max_rows => NULL) q JOIN kpi.metric m ON m.name = q.metric
 WHERE q.value IS NOT NULL AND (g = 'day' OR (b = '{}' AND q.day < '2026-04-01'));
SET ROLE p_owner;
SELECT is_empty('SELECT t.restated(t.text(k)) FROM unnest($${daily,weekly,monthly}$$::text[]) k', 'nothing is restated');
SELECT id AS before FROM kpi.make_report('daily', '2026-04-05', 'json') \gset

-- A payment that comes late, of 1 April.
INSERT INTO public.payments VALUES ('2026-04-01 10:00Z', 'MX', 'google', 'paid', 3.15);
SELECT results_eq($$SELECT r FROM t.restated(t.text('daily')) r WHERE r ~ 'Revenue'$$,
    $$SELECT format('! Restated since first seen: Revenue of Wed 1 Apr 2026 +%s%% (from %s to %s).', round(315.0 / v, 1), v, v + 3.15) FROM kpi.query('{revenue}', '2026-04-01', '2026-04-01') q, LATERAL (SELECT trim_scale(q.value - 3.15) AS v) v$$, 'a day, with what it was');
SELECT results_eq($$SELECT regexp_replace(t.restated(t.text('weekly')), '\(.*', '')$$, $$SELECT regexp_replace(t.restated(t.text('daily')), '\(.*', '')$$, 'in the weekly report too');
SELECT matches((SELECT * FROM t.restated(t.text('daily', 'es')) r WHERE r ~ 'Revenue'), '^! Corregido desde que se vio por primera vez: Revenue, mi[eé] 1 abr 2026: \+[0-9,]+ % \(de [0-9,]+ a [0-9,]+\)\.$', 'in Spanish');
SELECT is((SELECT * FROM t.restated(t.text('daily')) r WHERE r ~ 'Conversion'), '! Restated since first seen: Conversion pct of Wed 1 Apr 2026 +50.0 pp (from 50.0% to 100.0%).', 'and what follows from it');
SELECT is_empty($$SELECT t.restated(t.text('daily', day => '2026-03-31'))$$, 'a report that ends before it says nothing');
SELECT is((SELECT restates FROM kpi.make_report('daily', '2026-04-05', 'json')), :before::bigint, 'the report restates the one before');
SELECT matches(t.text('weekly', format => f), 'Restated since first seen', f) FROM unnest('{html,json}'::text[]) f;

-- Several days of March: one line, with the one that changed most; the month beside them.
INSERT INTO public.payments VALUES ('2026-03-10 10:00Z', 'MX', 'google', 'paid', 200), ('2026-03-12 10:00Z', 'MX', 'google', 'paid', 1);
INSERT INTO public.leads VALUES ('2026-03-21 10:00Z', 'MX', 'google');
SELECT set_eq($$SELECT regexp_replace(t.restated(t.text('monthly')), '[+(].*', '')$$, $$VALUES
    ('! Restated since first seen: Revenue of March 2026 '), ('! Restated since first seen: Revenue of 2 days, most of all Tue 10 Mar 2026 '),
    ('! Restated since first seen: Leads of March 2026 '), ('! Restated since first seen: Leads of Sat 21 Mar 2026 new '),
    ('! Restated since first seen: Conversion pct of March 2026 '), ('! Restated since first seen: Conversion pct of 2 days, most of all Tue 10 Mar 2026 ')$$, 'the month and its days');
SELECT matches((SELECT * FROM t.restated(t.text('monthly', 'es')) r WHERE r ~ 'Revenue, 2 d'), 'Revenue, 2 días, sobre todo mar 10 mar 2026: \+', 'in Spanish');

-- With filters the history by just these dimensions counts.
SELECT kpi.add_report('mexico', 'daily', '{}', '{text}', options => '{"metrics": ["revenue"], "filters": {"country": "MX"}}'),
       kpi.add_report('google', 'daily', '{}', '{text}', options => '{"metrics": ["revenue"], "filters": {"source": "google"}}') \gset
SELECT matches((SELECT * FROM t.restated(t.text('mexico'))), 'Revenue of 3 days, most of all Tue 10 Mar 2026', 'of a segment that has a history');
SELECT is_empty($$SELECT t.restated(t.text('google'))$$, 'not of one that has none');

-- Who may not read the numbers has no report; without a history nothing is said.
SELECT count(kpi.drop_history(m, grain => g)) AS dropped FROM unnest('{leads,revenue,conversion_pct}'::text[]) m, unnest('{day,month}'::text[]) g \gset
SELECT is_empty('SELECT t.restated(t.text(k)) FROM unnest($${daily,weekly,monthly}$$::text[]) k', 'a history that is dropped');
SELECT * FROM finish();
