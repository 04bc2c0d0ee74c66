-- as: superuser
-- The shape of answers: filters, filling, open buckets, comparisons, types of dimensions, one snapshot.
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
CREATE COLLATION public.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE public.visit (at timestamptz, place text COLLATE public.blind, feeling public.mood, price numeric, code char(3));
CREATE VIEW public.visit_facts AS SELECT at, place, feeling, price AS cost, code, 1 AS visits FROM public.visit;
CREATE TABLE public.order_line (at timestamptz, place varchar(20), total bigint);
CREATE VIEW public.order_facts AS SELECT at, place, 1 AS orders, total FROM public.order_line;
SELECT kpi.track('public.visit_facts', 'at', '{place,feeling,code}', name => 'visit', timezone => 'UTC');
SELECT kpi.track('public.order_facts', 'at', '{place}', name => 'orders', timezone => 'UTC');
SELECT kpi.define('orders_per_visit', '1.0 * orders / visits');

INSERT INTO public.visit VALUES
    ('2026-01-31 10:00+00', 'Oslo', 'happy', 1.10, 'NO'), ('2026-01-31 11:00+00', 'OSLO', 'ok', 2.20, 'NO'),
    ('2026-02-28 10:00+00', 'Rome', 'sad', 4, 'IT'), ('2026-02-28 12:00+00', NULL, 'sad', 8, NULL),
    ('2026-03-31 10:00+00', 'Rome', NULL, 16, 'IT');
INSERT INTO public.order_line VALUES ('2026-01-31 10:30+00', 'Oslo', 100), ('2026-03-31 10:30+00', 'Paris', 50);

-- value of cost over the quarter with a filter
CREATE FUNCTION public.cost(filters jsonb) RETURNS numeric LANGUAGE sql AS $$
SELECT value FROM kpi.query('{cost}', '2026-01-01', '2026-03-31', $1, grain => 'total')
$$;

SELECT plan(43);

SELECT is(public.cost('{"place": "Oslo"}'), 3.30, 'equality by the view''s collation, which ignores case');
SELECT is(public.cost('{"place": ["oslo", "Rome"]}'), 23.30, 'a list');
SELECT is(public.cost('{"place": {"not": "OSLO"}}'), 28::numeric, 'negation keeps NULL');
SELECT is(public.cost('{"place": {"not": ["oslo", null]}}'), 20::numeric, 'unless NULL is excluded too');
SELECT is(public.cost('{"place": null}'), 8::numeric, 'no value');
SELECT is(public.cost('{"place": ["Rome", null]}'), 28::numeric, 'a value or none');
SELECT is(public.cost('{"place": {"not": null}}'), 23.30, 'any value');
SELECT is(public.cost('{"place": []}'), 0::numeric, 'an empty list matches nothing');
SELECT is(public.cost('{"place": {"not": []}}'), 31.30, 'excluding nothing keeps all');
SELECT is(public.cost('{"feeling": "sad"}'), 12::numeric, 'an enum');
SELECT throws_ok($$SELECT public.cost('{"feeling": "angry"}')$$, '22P02', NULL, 'a label that the enum lacks is an error');
SELECT is(public.cost('{"code": "IT"}'), 20::numeric, 'char(n) compares without its blanks');
SELECT is(public.cost('{"place": "Rome", "feeling": null, "code": "IT"}'), 16::numeric, 'every dimension pinned, one of them to NULL');
SELECT is(public.cost('{"place": "Rome", "feeling": "sad"}'), 4::numeric, 'two of three');
SELECT kpi.merge();
SELECT kpi.rebuild('visit');
SELECT is(public.cost('{"place": "oSLo"}'), 3.30, 'the same from the rollup: single level by hash');
SELECT is(public.cost('{"place": "Rome", "feeling": null, "code": ["IT", "XX"]}'), 16::numeric, 'and full level');
SELECT is(public.cost('{"place": null, "feeling": "sad", "code": null}'), 8::numeric, 'with NULLs');

-- filling
SELECT results_eq($$SELECT day, segment ->> 'place', value FROM kpi.query('{orders}', '2026-01-30', '2026-01-31', by => '{place}')$$,
    $$VALUES ('2026-01-30'::date, 'Oslo', 0::numeric), ('2026-01-31', 'Oslo', 1)$$, 'every bucket for every segment seen in the range, no other');
SELECT results_eq($$SELECT day, value FROM kpi.query('{orders_per_visit}', '2026-01-30', '2026-01-31')$$,
    $$VALUES ('2026-01-30'::date, NULL::numeric), ('2026-01-31', 0.5)$$, 'a ratio without denominator is NULL');
SELECT results_eq($$SELECT value FROM kpi.query('{orders}', '1999-01-01', '1999-01-02')$$, $$VALUES (0::numeric), (0)$$,
    'a total exists without rows');
SELECT is_empty($$SELECT * FROM kpi.query('{orders}', '1999-01-01', '1999-01-02', by => '{place}')$$, 'a segment does not');

-- several sources in one metric and in one query
SELECT results_eq($$SELECT segment ->> 'place', metric, round(value, 2) FROM kpi.query('{orders,visits,orders_per_visit}', '2026-02-01', '2026-03-31', by => '{place}', grain => 'total')$$,
    $$VALUES (NULL, 'visits', 1::numeric), (NULL, 'orders_per_visit', 0.00), ('Paris', 'orders', 1), ('Paris', 'orders_per_visit', NULL),
             ('Rome', 'visits', 2), ('Rome', 'orders_per_visit', 0.00)$$,
    'dimensions of other types meet as text; a metric shows only segments of its own sources');
SELECT results_eq($$SELECT metric, value FROM kpi.query(NULL, '2026-01-31', '2026-01-31')$$,
    $$VALUES ('cost', 3.30), ('orders', 1), ('orders_per_visit', 0.5), ('total', 100), ('visits', 2)$$, 'no name: every metric');
SELECT results_eq($$SELECT DISTINCT metric FROM kpi.query(NULL, '2026-01-31', '2026-01-31', by => '{feeling}') ORDER BY 1$$,
    $$VALUES ('cost'), ('visits')$$, 'that has the dimension');

-- comparisons over short months
SELECT results_eq($$SELECT day, value, compared FROM kpi.query('{cost}', '2026-03-28', '2026-03-31', compare => 'month')$$,
    $$VALUES ('2026-03-28'::date, 0::numeric, 12::numeric), ('2026-03-29', 0, 12), ('2026-03-30', 0, 12), ('2026-03-31', 16, 12)$$,
    'a day that February lacks meets its last');
SELECT results_eq($$SELECT day, value, compared FROM kpi.query('{cost}', '2026-02-01', '2026-03-31', grain => 'month', compare => 'month')$$,
    $$VALUES ('2026-02-01'::date, 12::numeric, 3.30), ('2026-03-01', 16, 12)$$, 'months meet months');
SELECT results_eq($$SELECT value, compared FROM kpi.query('{cost}', '2026-02-28', '2026-02-28', compare => 'month')$$,
    $$VALUES (12::numeric, 0::numeric)$$, '28 February meets 28 January');
SELECT results_eq($$SELECT day, value, compared FROM kpi.query('{cost}', '2026-01-31', '2026-01-31', compare => 'week')$$,
    $$VALUES ('2026-01-31'::date, 3.30, 0::numeric)$$, 'a week earlier');
SELECT results_eq($$SELECT segment ->> 'place', value, compared FROM kpi.query('{cost}', '2026-03-31', '2026-03-31', by => '{place}', compare => 'month')$$,
    $$VALUES ('Rome', 16::numeric, 4::numeric)$$, 'by segment');

-- open buckets, around now
CREATE TABLE public.tick (at timestamptz);
CREATE VIEW public.tick_facts AS SELECT at, 1 AS ticks FROM public.tick;
SELECT kpi.track('public.tick_facts', 'at', name => 'tick', timezone => 'UTC');
-- Every hour of the last nine weeks, one at its start.
INSERT INTO public.tick SELECT date_trunc('hour', now()) - i * interval '1 hour' FROM generate_series(0, 9 * 7 * 24) i;
SELECT results_eq($$SELECT is_complete, elapsed_fraction = 1 FROM kpi.query('{ticks}', 'yesterday')$$, $$VALUES (true, true)$$, 'yesterday is complete');
SELECT ok((SELECT NOT is_complete AND abs(elapsed_fraction - extract(epoch FROM as_of - bucket) / 86400) < 0.0001 FROM kpi.query('{ticks}', 'today')),
    'today is not; its share is that of the clock');
SELECT ok((SELECT expected_so_far = ceil(elapsed_fraction * 24) FROM kpi.query('{ticks}', 'today')),
    'expected so far: what the same weekdays had by now');
SELECT ok((SELECT compared = ceil(elapsed_fraction * 24) FROM kpi.query('{ticks}', 'today', compare => 'week')),
    'today is compared up to the same time');
SELECT is((SELECT compared FROM kpi.query('{ticks}', 'yesterday', compare => 'week')), 24::numeric, 'a complete day with a whole one');
SELECT ok((SELECT expected_so_far = ceil(elapsed_fraction * 168) FROM kpi.query('{ticks}', '1w', grain => 'week')),
    'a week so far');
SELECT is((SELECT expected_so_far FROM kpi.query('{ticks}', 'today', grain => 'month')), NULL, 'months expect nothing');
DELETE FROM public.tick WHERE at < now() - interval '15 days';
SELECT is((SELECT expected_so_far FROM kpi.query('{ticks}', 'today')), NULL, 'two weeks of history expect nothing');
SELECT ok((SELECT count(*) BETWEEN 1 AND 24 AND bool_and(bucket <= as_of) FROM kpi.query('{ticks}', 'today', grain => 'hour')),
    'without an end, hours stop at the current one');
SELECT is((SELECT count(*)::int FROM kpi.query('{ticks}', 'today', 'today', grain => 'hour')), 24, 'with one they do not');
SELECT is((SELECT compared FROM kpi.query('{ticks}', 'today', (current_date + 1)::text, compare => 'week') OFFSET 1), NULL,
    'tomorrow is compared with nothing');
SELECT results_eq($$SELECT metric, yesterday, yesterday_before, yesterday_change, days_7, days_7_before, days_7_change FROM kpi.summary() WHERE metric = 'ticks'$$,
    $$VALUES ('ticks', 24::numeric, 24::numeric, 0.0, 168::numeric, (SELECT count(*)::numeric FROM public.tick WHERE at >= current_date - 14 AND at < current_date - 7),
        (SELECT round(100 * (168 - count(*)) / nullif(count(*), 0)::numeric, 1) FROM public.tick WHERE at >= current_date - 14 AND at < current_date - 7))$$,
    'kpi.summary');

-- forced parallel plans see own changes
SET force_parallel_mode = on;
BEGIN;
INSERT INTO public.order_line VALUES ('2026-01-31 12:00+00', 'Oslo', 11);
SELECT value AS own FROM kpi.query('{total}', '2026-01-31', '2026-01-31') \gset
SELECT sum(total) AS own_view FROM kpi_data.orders_daily WHERE day = '2026-01-31' \gset
ROLLBACK;
RESET force_parallel_mode;
SELECT is(:own, 111, 'kpi.query under forced parallel mode');
SELECT is(:own_view, 111, 'the typed view too');
SELECT finish();
