-- as: superuser
-- How metrics are shown and what they are to reach: kpi.set_unit, kpi.set_target, and what reports make of them.
\ir ../tools/report_shop.sql
SELECT * FROM no_plan();
CREATE FUNCTION t.text(kind text, day date, language text DEFAULT 'en', format text DEFAULT 'text') RETURNS text LANGUAGE sql AS $$
    SELECT convert_from(kpi.report_content(r.id), 'UTF8') FROM kpi.make_report(kind, day, format, language) r $$;

-- Units, of measures' own metrics too.
SELECT lives_ok($$SELECT kpi.set_unit('revenue', currency => 'EUR', decimals => 1)$$, 'money, of a measure');
SELECT is((SELECT concat_ws(' ', unit, currency, decimals) FROM kpi.metric WHERE name = 'revenue'), 'EUR EUR 1', 'the currency is the unit');
SELECT matches(t.text('daily', '2026-04-05'), 'Revenue €[0-9.]+', 'a report shows it');
SELECT matches(t.raised($$SELECT kpi.set_unit('revenue', currency => 'eur')$$), '^22023 currency "eur" is no currency.*ISO 4217', 'no currency');
SELECT matches(t.raised($$SELECT kpi.set_unit('revenue', '%', 'EUR')$$), '^22023', 'per cent of money');
SELECT matches(t.raised($$SELECT kpi.set_unit('revenue', decimals => 11)$$), '^22023 argument "decimals"', 'eleven decimals');
SELECT matches(t.raised($$SELECT kpi.set_unit('revenu')$$), '^42704.*revenue', 'an unknown metric');
SELECT kpi.define('average', 'revenue / payments', 'EUR'), kpi.set_unit('average', 'EUR', decimals => 3), kpi.define('average', 'revenue / nullif(payments, 0)', 'EUR') \gset
SELECT is((SELECT decimals FROM kpi.metric WHERE name = 'average'), 3::smallint, 'the same unit keeps the rest');
SELECT kpi.define('average', 'revenue / nullif(payments, 0)', 's') \gset
SELECT is((SELECT decimals FROM kpi.metric WHERE name = 'average'), NULL, 'another does not');
SELECT kpi.undefine('average') \gset

-- Targets.
SELECT lives_ok($$SELECT kpi.set_target('leads', 310, '2026-04-01', '2026-04-30'), kpi.set_target('leads', 100, '2026-03-01', '2026-03-31'), kpi.set_target('conversion_pct', 80, '2026-01-01', '2026-12-31')$$, 'three targets');
SELECT matches(t.raised($$SELECT kpi.set_target('leads', 5, '2026-04-30', '2026-05-02')$$), '^55000 metric "leads" has a target of 2026-04-01 to 2026-04-30 already', 'days of another');
SELECT lives_ok($$SELECT kpi.set_target('leads', 300, '2026-04-01', '2026-04-30')$$, 'the same days again');
SELECT lives_ok($$SELECT kpi.set_target('leads', 300, '2026-04-10', '2026-04-20', '{"country": "MX"}')$$, 'another segment is another target');
SELECT matches(t.raised($$SELECT kpi.set_target('leads', 1, '2026-04-10', '2026-04-20', '{"contry": "MX"}')$$), '^22023', 'no such dimension');
SELECT matches(t.raised($$SELECT kpi.set_target('leads', 1, '2026-04-10', '2026-04-09')$$), '^22023 argument "last_day"', 'backwards');
SELECT matches(t.raised($$SELECT kpi.set_target('leads', 'NaN', '2026-04-10', '2026-04-12', '{"source": "x"}')$$), '^22023 argument "value"', 'not a number');

-- A month's figure has the whole target, its bars too; of a level that of its last day.
CREATE FUNCTION t.figure(kind text, day date, metric text) RETURNS jsonb LANGUAGE sql AS $$
    SELECT f->'target' FROM jsonb_array_elements(t.text(kind, day, 'en', 'json')::jsonb->'figures') f WHERE f->>'metric' = metric $$;
SELECT is(t.figure('monthly', '2026-03-31', 'leads')->>'value', '100', 'of the month');
SELECT is(t.figure('monthly', '2026-03-31', 'conversion_pct')->>'value', '80', 'of a ratio');
-- By pace: the weekdays of the eight weeks before.
SELECT is((t.figure('daily', '2026-04-05', 'leads')->>'value')::numeric, (
    WITH usual AS (SELECT extract(isodow FROM day) AS weekday, avg(value) AS v FROM kpi.query('{leads}', '2026-02-04', '2026-03-31') GROUP BY 1)
    SELECT round(sum(300 * v) FILTER (WHERE d = '2026-04-05') / sum(v), 8) FROM generate_series(timestamp '2026-04-01', '2026-04-30', '1 day') d JOIN usual ON weekday = extract(isodow FROM d)), 'a day has its part');
SELECT matches(t.text('daily', '2026-04-05'), '% of the target \d+\.\d ·', 'whose decimals are those that say something');
SELECT is(t.figure('weekly', '2026-04-05', 'revenue'), NULL, 'none without a target');
SELECT matches(t.text('daily', '2026-04-05'), 'Leads, April 2026: [0-9.]+ so far, [0-9.]+.% of what is due by .*5.Apr.* of 300', 'how far a target is that goes on');
SELECT matches(t.text('daily', '2026-04-05', 'es'), 'Leads, abril de 2026: .* de lo debido hasta el .* de 300', 'in Spanish');
SELECT doesnt_match(t.text('monthly', '2026-03-31'), 'so far', 'one that is over needs no pace');
SELECT matches(t.text('monthly', '2026-03-31', 'en', 'html'), 'class="target"', 'and is drawn');

-- Rights: as for kpi.define. Removing; what goes with its metric.
SET ROLE p_other;
SELECT matches(t.raised($$SELECT kpi.set_unit('revenue', 'kg')$$), '^42501', 'a stranger sets no unit');
SELECT matches(t.raised($$SELECT kpi.set_target('revenue', 1, '2026-04-01', '2026-04-30')$$), '^42501', 'nor a target');
SET ROLE p_owner;
SELECT kpi.set_target('leads', NULL, '2026-03-01', '2026-03-31') \gset
SELECT is((SELECT count(*) FROM kpi.target WHERE first_day = '2026-03-01'), 0::bigint, 'NULL removes it');

-- Several currencies are not added in silence.
CREATE TABLE public.booking (at timestamptz, currency text, price numeric, cost_usd numeric);
CREATE VIEW public.booking_facts AS SELECT at, currency, price, cost_usd, 1 AS bookings FROM public.booking;
INSERT INTO public.booking VALUES ('2026-04-05 10:00Z', 'EUR', 5, 1), ('2026-04-05 11:00Z', 'USD', 7, 1);
SELECT kpi.track('public.booking_facts', 'at', '{currency}', 'booking', 'UTC', build => 'now') \gset
SELECT kpi.define('price_twice', 'price * 2', 'EUR') \gset
SELECT matches(t.text('daily', '2026-04-05'), '! Price adds up amounts in several currencies as they are: EUR, USD\.', 'it is said');
SELECT matches(t.text('daily', '2026-04-05'), '! Price twice adds up amounts .*Price twice 24', 'of formulas too, which show no currency');
SELECT doesnt_match(t.text('daily', '2026-04-05'), '! bookings', 'counts are no amounts');
SELECT kpi.add_report('euros', 'daily', '{}', options => '{"metrics": ["price", "price_twice"], "filters": {"currency": "EUR"}}') \gset
SELECT matches(t.text('euros', '2026-04-05'), 'Price twice €10', 'of one currency it is money');
SELECT doesnt_match(t.text('euros', '2026-04-05'), 'several currencies', 'and nothing is said');
SELECT kpi.set_target('price', 1, '2026-04-01', '2026-04-30'), kpi.drop_report('euros') \gset
SELECT kpi.undefine('price_twice'), kpi.untrack('booking') \gset
SELECT is((SELECT count(*) FROM kpi.target WHERE metric = 'price'), 0::bigint, 'a target goes with its metric');
SELECT * FROM finish();
