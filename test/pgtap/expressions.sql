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
    ('to_char(wall, ''FMMonth'')', 'AT TIME ZONE|extract|to_char'), ('at::time', 'AT TIME ZONE'), ('at + interval ''1 day''', 'AT TIME ZONE'),
    ('at > now()', 'now|filter|not in the facts view'), ('current_date - d', 'not in the facts view'), ('current_user::text', '\w'), ('localtimestamp > wall', 'not in the facts view'),
    ('concat(t, a)', '\|\|'), ('format(''%s-%s'', t, a)', '\|\|'), ('t || a', '\|\|'), ('concat_ws(''-'', t, d)', '\|\|'),
    ('to_char(n, ''999D9'')', '\w'), ('d::text', '\w'), ('iv::text', '\w'), ('t::date', '\w'), ('t::timestamptz', 'AT TIME ZONE'),
    ('age(at)', '\w'), ('j::text || at', '\w'), ('t::regclass::text', '\w'), ('public.f_stable(t)', 'IMMUTABLE'), ('public.f_loose(n)', 'SET search_path'),
    ('arr::text', '\w'), ('row_to_json(ROW(at))::text', '\w'), ('pg_typeof(a)::text', '\w'), ('current_setting(''TimeZone'')', '\w'),
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
DECLARE name text := 'e' || e.id; message text; detail text; hint text;
BEGIN
    EXECUTE format('CREATE VIEW public.%I AS SELECT at, %s AS dim, sales AS %I FROM public.x', name, e.expression, 'm' || e.id);
    BEGIN
        PERFORM kpi.track(('public.' || name)::regclass, 'at', '{dim}', timezone => 'UTC', hour_retention => '100 years', build => 'now');
    EXCEPTION WHEN feature_not_supported THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
        RETURN matches(message || ' | ' || detail || ' | ' || hint, 'column dim (is not immutable: |calls function ).* \| \w.* \| .*(' || e.how || ')',
            'refused with its mend: ' || e.expression);
    END;
    RETURN is('exact', e.how, 'taken: ' || e.expression);
END $$;

SELECT plan((SELECT count(*)::int * 2 FROM t.expression) - (SELECT count(*)::int FROM t.expression WHERE how <> 'exact') + 2);
INSERT INTO public.x SELECT i, timestamptz '2024-03-30 12:00Z' + i * interval '103 minutes', timestamp '2024-03-30 12:00' + i * interval '97 minutes',
    date '2024-01-01' + i * 17, time '00:00' + i * interval '13 minutes', i * interval '11 minutes', i, i * 1.7, i / 40.0, 'a' || i % 4, nullif('v' || i % 3, 'v0'),
    (ARRAY['sad', 'happy', NULL])[i % 3 + 1]::public.mood, ARRAY[i % 5, i], jsonb_build_object('k', i % 3, 'n', i % 6), decode(to_hex(16 + i % 8), 'hex'), i % 3 = 0, 1
    FROM generate_series(1, 40) i;
SELECT t.try(e) FROM t.expression e ORDER BY id;
-- written under one set of settings, changed and deleted under another
SET timezone = 'Pacific/Kiritimati'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard'; SET extra_float_digits = -3; SET bytea_output = 'escape';
UPDATE public.x SET at = at + interval '1 hour', a = a + 1 WHERE id % 2 = 0;
SET timezone = 'America/Adak'; SET datestyle = 'SQL, DMY'; SET intervalstyle = 'iso_8601'; SET extra_float_digits = 3; SET search_path = pg_catalog;
DELETE FROM public.x WHERE id % 3 = 0;
SET timezone = 'UTC'; SET datestyle = 'ISO'; SET search_path = public, t;
SELECT t.same('e' || id, 'exact: ' || expression) FROM t.expression WHERE how = 'exact' ORDER BY id;
SELECT is((SELECT count(*) FROM kpi.source), (SELECT count(*) FROM t.expression WHERE how = 'exact'), 'all that can be exact are tracked');
SELECT is_empty('SELECT * FROM kpi.capture_error', 'and none of them raised');
SELECT finish();
