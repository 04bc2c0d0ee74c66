-- as: superuser
-- Expressions of a facts view: each is refused with a hint, or gives the same sums whatever settings its writers have.
\ir ../tools/exact.sql
CREATE TYPE public.mood AS ENUM ('sad', 'happy');
CREATE FUNCTION public.f_immutable(x numeric) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN x * 2;
CREATE FUNCTION public.f_pinned(x timestamptz) RETURNS date LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog SET timezone = 'UTC'
    AS 'BEGIN RETURN x::date; END';
CREATE FUNCTION public.f_loose(x numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN x + one(); END';
CREATE FUNCTION public.f_stable(x text) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog AS 'SELECT $1';
CREATE TABLE public.x (id int, at timestamptz, wall timestamp, d date, tm time, iv interval, a int, n numeric, f float8, t text, v varchar(9), m public.mood,
    arr int[], j jsonb, b bytea, o boolean, sales numeric DEFAULT 1);

-- how: 'exact' or a part of the hint that the refusal must give.
CREATE TABLE t.expression (id int GENERATED ALWAYS AS IDENTITY, expression text, how text);
INSERT INTO t.expression (expression, how) VALUES
    ('at::date', 'AT TIME ZONE'), ('wall::timestamptz', 'AT TIME ZONE'), ('d::timestamptz', 'AT TIME ZONE'), ('at::timestamp', 'AT TIME ZONE'),
    ('date_trunc(''day'', at)', 'AT TIME ZONE'), ('date_trunc(''day'', at, ''Asia/Tokyo'')', 'AT TIME ZONE'), ('extract(hour FROM at)::int', 'AT TIME ZONE'),
    ('date_part(''dow'', at)::int', 'AT TIME ZONE'), ('to_char(at, ''YYYY-MM'')', 'AT TIME ZONE'), ('at::text', 'AT TIME ZONE'),
    ('to_char(wall, ''FMMonth'')', 'format it when reading'), ('at::time', 'AT TIME ZONE'), ('at + interval ''1 day''', 'AT TIME ZONE'),
    ('at > now()', 'not in the facts view'), ('current_date - d', 'not in the facts view'), ('current_user::text', 'column of the table'), ('localtimestamp > wall', 'not in the facts view'),
    ('concat(t, a)', '\|\|'), ('format(''%s-%s'', t, a)', '\|\|'), ('t || a', 'exact'), ('concat_ws(''-'', t, d)', '\|\|'),
    ('to_char(n, ''999D9'')', 'lc_numeric'), ('to_char(iv, ''HH24'')', 'format it when reading'), ('d::text', 'DateStyle'), ('iv::text', 'IntervalStyle'), ('t::date', 'make_date'), ('t::timestamptz', 'AT TIME ZONE'),
    ('age(at)', 'not in the facts view'), ('j::text || at', 'AT TIME ZONE'), ('t::regclass::text', 'column of the table'), ('public.f_stable(t)', 'IMMUTABLE'), ('public.f_loose(n)', 'SET search_path'),
    ('arr::text', 'take the column as it is'), ('row_to_json(ROW(at))::text', 'column of the table'), ('pg_typeof(a)::text', 'leave it to the query'),
    ('current_setting(''TimeZone'')', 'column of the table'), ('f::text', 'numeric'), ('t || f', 'numeric'), ('b::text', 'encode'), ('point(f, f)::text', 'p\[0\] AS x'), ('quote_ident(t)', 'column of the table'),
    ('(at AT TIME ZONE ''UTC'')::date', 'exact'), ('date_trunc(''month'', at AT TIME ZONE ''Europe/Madrid'')', 'exact'), ('extract(dow FROM at AT TIME ZONE ''Asia/Tokyo'')', 'exact'),
    ('extract(year FROM d)', 'exact'), ('date_bin(''15 minutes'', at, ''2000-01-01 00:00Z'')', 'exact'), ('t || ''-'' || coalesce(v, ''none'')', 'exact'),
    ('concat(t, v)', 'exact'), ('concat_ws(''/'', t, v, ''x'')', 'exact'), ('t || a::text', 'exact'), ('m::text', 'exact'), ('m', 'exact'), ('a / 7', 'exact'), ('n::int', 'exact'),
    ('round(n, 1)', 'exact'), ('upper(t) || lower(v)', 'exact'), ('CASE WHEN a > 5 THEN ''big'' WHEN a > 2 THEN NULL ELSE ''small'' END', 'exact'),
    ('j ->> ''k''', 'exact'), ('(j -> ''n'')::int', 'exact'), ('md5(t)', 'exact'), ('substring(t FROM 1 FOR 2)', 'exact'), ('regexp_replace(t, ''[0-9]+'', ''#'')', 'exact'),
    ('t ~ ''^a''', 'exact'), ('wall::date', 'exact'), ('wall - interval ''1 day''', 'exact'), ('iv > interval ''1 hour''', 'exact'), ('width_bucket(n, 0, 100, 5)', 'exact'),
    ('arr[1]', 'exact'), ('t = ANY (''{a1,b2}'')', 'exact'), ('a IN (1, 2, 3)', 'exact'), ('coalesce(nullif(t, ''''), ''empty'')', 'exact'), ('o IS TRUE', 'exact'),
    ('greatest(a, n)', 'exact'), ('encode(b, ''hex'')', 'exact'), ('public.f_immutable(n)', 'exact'), ('public.f_pinned(at)', 'exact'), ('length(t)', 'exact'), ('a::text::int', 'exact'),
    ('to_timestamp(a)', 'exact'), ('make_date(2024, 1 + a % 12, 1)', 'exact'), ('f > 0.5', 'exact'), ('n % 3', 'exact'), ('ARRAY[a, 1]', 'exact');

CREATE FUNCTION t.try(e t.expression) RETURNS text LANGUAGE plpgsql AS $$
DECLARE message text := 'not refused'; detail text; hint text;
BEGIN
    EXECUTE format('CREATE OR REPLACE VIEW public.refused AS SELECT at, %s AS dim, sales FROM public.x', e.expression);
    BEGIN
        PERFORM kpi.track('public.refused', 'at', '{dim}', timezone => 'UTC');
    EXCEPTION WHEN feature_not_supported THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    END;
    DROP VIEW public.refused;
    RETURN matches(concat_ws(' | ', message, detail, hint), 'column dim (is not immutable: |calls function ).* \| \w.* \| .*(' || e.how || ')',
        'refused with its mend: ' || e.expression);
END $$;
-- Five expressions a source: sources are dear, and a failure names its rows.
CREATE TABLE t.batch AS
    SELECT 'b' || id / 5 AS source, array_agg(expression ORDER BY id) AS expressions FROM t.expression WHERE how = 'exact' GROUP BY 1;
CREATE FUNCTION t.track(b t.batch) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE VIEW public.%I AS SELECT at, sales AS %I, %s FROM public.x', b.source, 'm' || b.source,
        (SELECT string_agg(format('%s AS d%s', e, i), ', ') FROM unnest(b.expressions) WITH ORDINALITY u (e, i)));
    RETURN kpi.track(('public.' || b.source)::regclass, 'at', ARRAY(SELECT ('d' || i)::name FROM generate_series(1, cardinality(b.expressions)) i),
        timezone => 'UTC', hour_retention => '100 years', build => 'now');
END $$;

SELECT plan((SELECT count(*)::int FROM t.expression WHERE how <> 'exact') + (SELECT count(*)::int * 2 FROM t.batch) + 2);
INSERT INTO public.x SELECT i, timestamptz '2024-03-30 12:00Z' + i * interval '103 minutes', timestamp '2024-03-30 12:00' + i * interval '97 minutes',
    date '2024-01-01' + i * 17, time '00:00' + i * interval '13 minutes', i * interval '11 minutes', i, i * 1.7, i / 40.0, 'a' || i % 4, nullif('v' || i % 3, 'v0'),
    (ARRAY['sad', 'happy', NULL])[i % 3 + 1]::public.mood, ARRAY[i % 5, i], jsonb_build_object('k', i % 3, 'n', i % 6), decode(to_hex(16 + i % 8), 'hex'), i % 3 = 0, 1
    FROM generate_series(1, 40) i;
SELECT t.try(e) FROM t.expression e WHERE how <> 'exact' ORDER BY id;
SELECT is(t.track(b), source, 'tracked: ' || array_to_string(expressions, ', ')) FROM t.batch b ORDER BY source;
-- written under one set of settings, changed and deleted under another
SET timezone = 'Pacific/Kiritimati'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -3; SET bytea_output = 'escape';
INSERT INTO public.x SELECT id + 100, at + interval '3 days', wall - interval '1 year', d + 400, tm, iv, a, n + 1, f, t, v, m, arr, j, b, o, 2 FROM public.x;
UPDATE public.x SET at = at + interval '1 hour', a = a + 1 WHERE id % 2 = 0;
SET timezone = 'America/Adak'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 3; SET bytea_output = 'hex';
SET search_path = pg_catalog;
UPDATE public.x SET at = at - interval '1 hour', f = f + 0.1 WHERE id % 5 = 0;
DELETE FROM public.x WHERE id % 3 = 0;
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET search_path = public, t;
SELECT t.exact(source, 'exact: ' || array_to_string(expressions, ', ')) FROM t.batch ORDER BY source;
SELECT is((SELECT count(*) FROM kpi.source), (SELECT count(*) FROM t.batch), 'all that can be exact are tracked');
SELECT is_empty('SELECT * FROM kpi.capture_error', 'and none of them raised');
SELECT finish();
