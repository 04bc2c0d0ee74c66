-- as: superuser
-- An open bucket is compared with its counterpart up to the same wall-clock time, to the row: against sums over the table by PostgreSQL's own calendar.
CREATE TABLE public.beat (at timestamptz, kind int);
CREATE INDEX ON public.beat (at);
-- Bursts on every full hour, and a row every 7 minutes.
INSERT INTO public.beat SELECT date_trunc('hour', now()) - i * interval '1 hour', i % 2 FROM generate_series(0, 24 * 75) i, generate_series(1, 5);
INSERT INTO public.beat SELECT now() - i * interval '7 minutes', i % 3 FROM generate_series(0, 90000) i;
ANALYZE public.beat;

CREATE TABLE public.zone (source text, zone text);
-- Offsets of whole and half hours, one that shifts by half an hour, and the one where the day began at the last full hour.
INSERT INTO public.zone VALUES ('utc', 'UTC'), ('berlin', 'Europe/Berlin'), ('kolkata', 'Asia/Kolkata'), ('howe', 'Australia/Lord_Howe'),
    ('midnight', (SELECT 'Etc/GMT' || CASE WHEN h <= 12 THEN '+' || h ELSE '-' || 24 - h END FROM (SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::int AS h) x));
SELECT format('CREATE VIEW public.%1$s_facts AS SELECT at, kind, 1 AS %1$s FROM public.beat', source),
       format('SELECT kpi.track(%L, ''at'', ''{kind}'', name => %L, timezone => %L)', 'public.' || source || '_facts', source, zone)
  FROM public.zone \gexec

-- Rows of the counterpart of the bucket that holds as_of.
CREATE FUNCTION public.past(zone text, as_of timestamptz, grain text, back interval, kind int) RETURNS numeric LANGUAGE sql AS $$
SELECT count(*) FROM public.beat
 WHERE at >= (date_trunc($3, $2 AT TIME ZONE $1) - $4) AT TIME ZONE $1 AND at < (($2 AT TIME ZONE $1) - $4) AT TIME ZONE $1
   AND ($5 IS NULL OR beat.kind = $5)
$$;
CREATE VIEW public.answer AS
SELECT z.source, c.grain, c.compare, f.kind, q.compared, public.past(z.zone, q.as_of, c.grain, c.back, f.kind) AS should
  FROM public.zone z
 CROSS JOIN (VALUES ('day', 'today', 'week', interval '7 days'), ('day', 'today', 'previous', '1 day'), ('day', 'today', 'month', '1 month'),
             ('day', 'today', 'year', '1 year'), ('week', '1w', 'previous', '7 days'), ('month', 'mtd', 'previous', '1 month'),
             ('quarter', 'qtd', 'previous', '3 months'), ('year', 'ytd', 'previous', '1 year'), ('hour', 'today', 'week', '7 days')) c(grain, start, compare, back)
 CROSS JOIN (VALUES (NULL), (1)) f(kind)
 CROSS JOIN LATERAL kpi.query(ARRAY[z.source], c.start, grain => c.grain, compare => c.compare,
                              filters => CASE WHEN f.kind IS NULL THEN '{}' ELSE jsonb_build_object('kind', f.kind) END) q
 WHERE q.elapsed_fraction < 1;
-- expected_so_far of today and of this week: the median of eight.
CREATE VIEW public.expectation AS
SELECT z.source, c.grain, f.kind, q.expected_so_far,
       (SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY n) + percentile_disc(0.5) WITHIN GROUP (ORDER BY n DESC)) / 2
          FROM (SELECT public.past(z.zone, q.as_of, c.grain, week * interval '7 days', f.kind) AS n FROM generate_series(1, 8) week) p) AS should
  FROM public.zone z
 CROSS JOIN (VALUES ('day', 'today'), ('week', '1w')) c(grain, start)
 CROSS JOIN (VALUES (NULL), (1)) f(kind)
 CROSS JOIN LATERAL kpi.query(ARRAY[z.source], c.start, grain => c.grain,
                              filters => CASE WHEN f.kind IS NULL THEN '{}' ELSE jsonb_build_object('kind', f.kind) END) q;

SELECT plan(15);
SELECT is((SELECT count(*)::int FROM public.answer), 90, 'an open bucket of every grain, zone and filter');
SELECT is_empty('SELECT * FROM public.answer WHERE compared IS DISTINCT FROM should', 'from facts that no rollup holds yet');
SELECT kpi.rebuild(source) FROM public.zone \g /dev/null
SELECT is_empty('SELECT * FROM public.answer WHERE compared IS DISTINCT FROM should', 'from rollups');
SELECT is_empty('SELECT * FROM public.expectation WHERE expected_so_far IS DISTINCT FROM should', 'what weeks had so far');
SELECT results_eq($$SELECT expected_so_far IS NULL, expected_so_far IS NULL FROM kpi.query('{utc}', 'today', expected => false)$$, $$VALUES (true, true)$$, 'not when nobody asks');
SELECT is((SELECT last_week_so_far FROM kpi.summary() WHERE metric = 'berlin'), (SELECT should FROM public.answer WHERE source = 'berlin' AND grain = 'day' AND compare = 'week' AND kind IS NULL),
    'kpi.summary says the same');

-- The table behind the facts view is looked at by who asks for the column, and by nobody else.
CREATE FUNCTION public.looks(read text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE before bigint; after bigint;
BEGIN
    SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) INTO before FROM pg_stat_xact_user_tables WHERE relname = 'beat';
    EXECUTE format('DO $x$ BEGIN PERFORM * FROM (%s) q; END $x$', read);
    SELECT coalesce(seq_scan, 0) + coalesce(idx_scan, 0) INTO after FROM pg_stat_xact_user_tables WHERE relname = 'beat';
    RETURN after - before;
END $$;
SELECT is(public.looks($$SELECT bucket, metric, value, is_complete FROM kpi.query('{utc}', '7d')$$), 0::bigint, 'other columns need no facts');
SELECT cmp_ok(public.looks($$SELECT bucket, expected_so_far FROM kpi.query('{utc}', '7d')$$), '>', 0::bigint, 'this one does');
SELECT is(public.looks($$SELECT expected_so_far, value / nullif(expected_so_far, 0) FROM kpi.query('{utc}', '7d') q WHERE expected_so_far IS NULL OR expected_so_far > 0$$),
    public.looks($$SELECT expected_so_far FROM kpi.query('{utc}', '7d')$$), 'once, however often a statement names it');
SELECT results_eq($$SELECT x.filter, (SELECT max(expected_so_far) FROM kpi.query('{utc}', 'today', filters => x.filter)) FROM (VALUES ('{"kind": 1}'::jsonb), ('{"kind": 0}'), ('{}')) x (filter)$$,
    $$SELECT f.filter, (SELECT (percentile_disc(0.5) WITHIN GROUP (ORDER BY n) + percentile_disc(0.5) WITHIN GROUP (ORDER BY n DESC)) / 2
        FROM (SELECT public.past('UTC', now(), 'day', week * interval '7 days', f.kind) AS n FROM generate_series(1, 8) week) p)
      FROM (VALUES ('{"kind": 1}'::jsonb, 1), ('{"kind": 0}', 0), ('{}', NULL)) f (filter, kind)$$, 'arguments that change from row to row in one statement');

-- A segment that has nothing yet today expects what it had by now.
BEGIN;
DELETE FROM public.beat WHERE kind = 2 AND at >= date_trunc('day', now(), 'UTC');
SELECT results_eq($$SELECT value, expected_so_far FROM kpi.query('{utc}', '7d', by => '{kind}') WHERE segment = '{"kind": 2}' ORDER BY bucket DESC LIMIT 1$$,
    $$SELECT 0::numeric, (percentile_disc(0.5) WITHIN GROUP (ORDER BY n) + percentile_disc(0.5) WITHIN GROUP (ORDER BY n DESC)) / 2
        FROM (SELECT public.past('UTC', now(), 'day', week * interval '7 days', 2) AS n FROM generate_series(1, 8) week) p$$, 'a segment without rows today');
ROLLBACK;

-- With rows of this transaction in the counterpart's last hour, and with deltas.
BEGIN;
INSERT INTO public.beat SELECT now() - interval '7 days' - i * interval '1 minute', 1 FROM generate_series(-5, 5) i;
SELECT count(*) AS own FROM public.answer WHERE compared IS DISTINCT FROM should \gset
COMMIT;
SELECT is(:own, 0, 'own changes');
SELECT is_empty('SELECT * FROM public.answer WHERE compared IS DISTINCT FROM should', 'deltas');
-- Hours that are not kept any more come from the facts view, the last one up to the same minute.
UPDATE kpi.source SET hours_from = current_date;
SELECT is_empty('SELECT * FROM public.answer WHERE compared IS DISTINCT FROM should', 'hours older than their retention');
-- Frozen days have no facts to look into: their hour counts by its elapsed share.
UPDATE kpi.source SET hours_from = '-infinity', frozen_before = current_date - 3;
SELECT ok((SELECT bool_and(abs(compared - should) <= 25) FROM public.answer WHERE grain = 'day' AND compare = 'week'), 'frozen days: within the rows of an hour');
SELECT finish();
