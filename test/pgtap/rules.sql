-- as: superuser
-- Every condition of a rule on both sides of its threshold and of "for", at a clock that is given: nothing sleeps.
-- The shop has 100 events a day, every hour alike; what a test changes it changes for one day.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(85);
CREATE SCHEMA t;
CREATE TABLE public.sale (at timestamptz NOT NULL, country text, ok boolean NOT NULL DEFAULT true, amount numeric NOT NULL DEFAULT 10);
CREATE VIEW public.sale_facts AS SELECT at, country, 1 AS sales, ok::int AS good_sales, amount AS takings FROM public.sale;
SELECT kpi.track('public.sale_facts', 'at', '{country}', 'sale', 'UTC', hour_retention => '3000 days', build => 'now') \gset
SELECT kpi.define('good_pct', '100.0 * good_sales / nullif(sales, 0)', '%') \gset
-- n events of a country, spread evenly over the hours [from_hour, to_hour) of a day
CREATE FUNCTION t.fill(day date, country text, n int, from_hour int DEFAULT 0, to_hour int DEFAULT 24, ok boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.sale SELECT day + from_hour * interval '1 hour' + (i - 0.5) * (to_hour - from_hour) * interval '1 hour' / n, country, ok FROM generate_series(1, n) i $$;
CREATE FUNCTION t.empty(day date, country text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
    DELETE FROM public.sale s WHERE s.at >= empty.day AND s.at < empty.day + 1 AND (empty.country IS NULL OR s.country = empty.country) $$;
DO $$ BEGIN PERFORM t.fill(d::date, 'MX', 60), t.fill(d::date, 'ES', 40) FROM generate_series('2026-01-01'::timestamp, '2026-03-09', '1 day') d; END $$;
SELECT kpi.add_sink('hook', 'webhook', 'http://127.0.0.1:9/') \gset

-- What the rule says at a moment, without incident
CREATE FUNCTION t.state(rule text) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce((SELECT string_agg(i.state || CASE WHEN i.segment <> '{}' THEN ' ' || (i.segment ->> 'country') ELSE '' END, ', ' ORDER BY i.segment::text)
                       FROM kpi.incident i WHERE i.rule = state.rule AND i.state <> 'resolved'), 'ok') $$;
CREATE FUNCTION t.at(clock timestamptz, rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kpi._evaluate_rules(clock);
    IF EXISTS (SELECT FROM kpi.incident WHERE kind = 'error' AND state <> 'resolved') THEN
        RETURN (SELECT details::text FROM kpi.incident WHERE kind = 'error' AND state <> 'resolved' LIMIT 1);
    END IF;
    RETURN t.state(rule);
END $$;
CREATE FUNCTION t.forget() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kpi.drop_rule(name) FROM kpi.rule;
    DELETE FROM kpi.incident; DELETE FROM kpi.incident_event; DELETE FROM kpi.incident_message;
END $$;

-- below, closed: the last day that is over, exactly
SELECT kpi.add_rule('Few', 'sales', 'below', 50, sinks => '{hook}', severity => 'critical') \gset
SELECT is(t.at('2026-03-10 00:30+00', 'Few'), 'ok', '100 a day are not below 50');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 50) \gset
SELECT is(t.at('2026-03-10 00:31+00', 'Few'), 'ok', '50 are not below 50');
DELETE FROM public.sale WHERE ctid = (SELECT ctid FROM public.sale WHERE at >= '2026-03-09' LIMIT 1);
SELECT is(t.at('2026-03-10 00:32+00', 'Few'), 'firing', '49 are');
SELECT is((SELECT title FROM kpi.incident WHERE rule = 'Few'), 'sales is 49, below 50', 'the title says it');
SELECT is((SELECT count(*) FROM kpi.outbox), 1::bigint, 'one message');
SELECT is((SELECT message->'details'->>'value' FROM kpi.outbox), '49', 'with its figures');
SELECT is(t.at('2026-03-10 05:00+00', 'Few'), 'firing', 'a closed day stays what it is');
SELECT is((SELECT count(*) FROM kpi.outbox), 2::bigint, 'said again after four hours');
SELECT t.fill('2026-03-09', 'ES', 1) \gset
SELECT is(t.at('2026-03-10 05:01+00', 'Few'), 'ok', 'until late rows mend it');
SELECT is((SELECT message->>'event' FROM kpi.outbox ORDER BY id DESC LIMIT 1), 'resolved', 'which is told');

-- for and keep_firing
SELECT kpi.alter_rule('Few', '{"for_": "15 minutes", "keep_firing": "10 minutes"}') \gset
DELETE FROM public.sale WHERE ctid = (SELECT ctid FROM public.sale WHERE at >= '2026-03-09' LIMIT 1);
SELECT is(t.at('2026-03-10 06:00+00', 'Few'), 'pending', 'bad, but not for long');
SELECT is((SELECT count(*) FROM kpi.outbox), 3::bigint, 'nobody is told yet');
SELECT is(t.at('2026-03-10 06:14:59+00', 'Few'), 'pending', 'a second before its time');
SELECT is(t.at('2026-03-10 06:15+00', 'Few'), 'firing', 'at its time');
SELECT t.fill('2026-03-09', 'ES', 1) \gset
SELECT is(t.at('2026-03-10 06:20+00', 'Few'), 'firing', 'good, but not for long');
SELECT is(t.at('2026-03-10 06:29:59+00', 'Few'), 'firing', 'a second before its end');
SELECT is(t.at('2026-03-10 06:30+00', 'Few'), 'ok', 'at its end');
DELETE FROM public.sale WHERE ctid = (SELECT ctid FROM public.sale WHERE at >= '2026-03-09' LIMIT 1);
SELECT is(t.at('2026-03-10 07:00+00', 'Few'), 'pending', 'bad again');
SELECT t.fill('2026-03-09', 'ES', 1) \gset
SELECT is(t.at('2026-03-10 07:05+00', 'Few'), 'ok', 'good before its time: nothing was');
SELECT is((SELECT count(*) FROM kpi.incident WHERE state <> 'resolved'), 0::bigint, 'and no row is left');
SELECT t.forget(), t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60), t.fill('2026-03-09', 'ES', 40) \gset

-- hysteresis
SELECT kpi.add_rule('Band', 'sales', 'below', 90, options => '{"hysteresis": 5}') \gset
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 93) \gset
SELECT is(t.at('2026-03-10 00:30+00', 'Band'), 'ok', 'between threshold and band nothing opens');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 89) \gset
SELECT is(t.at('2026-03-10 00:31+00', 'Band'), 'firing', 'below the threshold it does');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 93) \gset
SELECT is(t.at('2026-03-10 00:32+00', 'Band'), 'firing', 'between them nothing closes');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 95) \gset
SELECT is(t.at('2026-03-10 00:33+00', 'Band'), 'ok', 'beyond the band it does');
SELECT t.forget(), t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60), t.fill('2026-03-09', 'ES', 40) \gset

-- below, open: by the pace, when it is clear
SELECT kpi.add_rule('Pace', 'sales', 'below', 70, buckets => 'open') \gset
SELECT is(t.at('2026-03-10 00:05+00', 'Pace'), 'ok', 'five minutes after midnight nothing is clear');
SELECT is(t.at('2026-03-10 02:00+00', 'Pace'), 'ok', 'nor at two, with nothing yet');
SELECT is(t.at('2026-03-10 12:00+00', 'Pace'), 'firing', 'at noon it is: half the day and nothing');
SELECT t.fill('2026-03-10', 'MX', 50, 0, 12) \gset
SELECT is(t.at('2026-03-10 12:01+00', 'Pace'), 'ok', 'at its usual pace it is good');
SELECT t.empty('2026-03-10'), t.fill('2026-03-10', 'MX', 33, 0, 12) \gset
SELECT is(t.at('2026-03-10 12:02+00', 'Pace'), 'ok', 'a little below the pace is not clear');
SELECT is(t.at('2026-03-10 23:59+00', 'Pace'), 'firing', 'at the end of the day it is');
SELECT is(t.at('2026-03-11 00:10+00', 'Pace'), 'firing', 'midnight does not end it');
SELECT t.fill('2026-03-11', 'MX', 30, 0, 7) \gset
SELECT is(t.at('2026-03-11 07:00+00', 'Pace'), 'ok', 'a good morning does');
SELECT t.forget(), t.empty('2026-03-10'), t.empty('2026-03-11') \gset

-- above
SELECT kpi.add_rule('Many', 'sales', 'above', 120, buckets => 'open') \gset
SELECT t.fill('2026-03-10', 'MX', 120, 0, 10) \gset
SELECT is(t.at('2026-03-10 10:00+00', 'Many'), 'ok', '120 are not above 120');
SELECT t.fill('2026-03-10', 'MX', 1, 0, 10) \gset
SELECT is(t.at('2026-03-10 10:01+00', 'Many'), 'firing', '121 are, at any hour');
SELECT t.forget(), t.empty('2026-03-10') \gset

-- ratio and change against baselines
SELECT kpi.add_rule('Ratio', 'takings', 'ratio', 0.7) \gset
SELECT kpi.add_rule('Rise', 'takings', 'change', 30, direction => 'up', baseline => 'weekday') \gset
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 70) \gset
SELECT is(t.at('2026-03-10 01:00+00', 'Ratio'), 'ok', '70 % of the average of seven days is not below 70 %');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 69) \gset
SELECT is(t.at('2026-03-10 01:01+00', 'Ratio'), 'firing', '69 % is');
SELECT is((SELECT title FROM kpi.incident WHERE rule = 'Ratio'), 'takings is 31 % below expected', 'by how much');
SELECT matches((SELECT details ->> 'lines' FROM kpi.incident WHERE rule = 'Ratio'), '"Drivers: ES -400 \(100 %\)"', 'the part that moved, and no other');
SELECT ok((SELECT (details ->> 'lines') !~ 'Ruled out' FROM kpi.incident WHERE rule = 'Ratio'), 'without checks and calendar nothing is ruled out');
SELECT kpi.drop_rule('Ratio'), kpi.add_check('errors', 'capture_errors', 'sale'), kpi.add_event('Party', 'promotion', '2020-01-01') \gset
SELECT count(*) FROM kpi.run_checks() \gset
SELECT kpi.add_rule('Ratio', 'takings', 'ratio', 0.7) \gset
SELECT is(t.at('2026-03-10 01:01:30+00', 'Ratio'), 'firing', 'again');
SELECT matches((SELECT details ->> 'lines' FROM kpi.incident WHERE rule = 'Ratio' AND state = 'firing'), '"Ruled out: data checks, calendar"', 'what was looked at is');
SELECT kpi.drop_check('errors'), kpi.drop_event(id) FROM kpi.event \gset
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 130) \gset
SELECT is(t.at('2026-03-10 01:02+00', 'Rise'), 'ok', '30 % more is not more than 30 % more');
SELECT t.fill('2026-03-09', 'MX', 1) \gset
SELECT is(t.at('2026-03-10 01:03+00', 'Rise'), 'firing', '31 % is');
SELECT t.forget(), t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60), t.fill('2026-03-09', 'ES', 40) \gset

-- a threshold of an environment; while that is not known the rule says so, and what is open stays
SELECT kpi.load_environment('dev', 'leads_critical: 70') \gset
SELECT kpi.add_rule('Named', 'sales', 'below', 10, options => '{"threshold_name": "leads_critical"}') \gset
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60) \gset
SET kpi.environment = dev;
SELECT is(t.at('2026-03-10 01:10+00', 'Named'), 'firing', '60 are below the 70 of the environment');
SET kpi.environment = nowhere;
SELECT kpi._evaluate_rules('2026-03-10 01:20+00') \gset
SELECT is(t.state('Named'), 'firing', 'an environment that was not loaded closes nothing');
SELECT matches((SELECT details ->> 'lines' FROM kpi.incident WHERE kind = 'error' AND state <> 'resolved'), '55000: environment .*nowhere.* was not loaded', 'but is an error');
RESET kpi.environment;
SELECT kpi.drop_environment('dev') \gset
SELECT t.forget(), t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60), t.fill('2026-03-09', 'ES', 40) \gset

-- a rate: by its trials
SELECT kpi.add_rule('Good', 'good_pct', 'below', 92, buckets => 'open') \gset
SELECT t.fill('2026-03-10', 'MX', 20, 0, 4, false), t.fill('2026-03-10', 'MX', 5, 0, 4) \gset
SELECT is(t.at('2026-03-10 04:00+00', 'Good'), 'ok', '20 % of 25 is too few to judge');
SELECT t.fill('2026-03-10', 'MX', 10, 0, 4) \gset
SELECT is(t.at('2026-03-10 04:01+00', 'Good'), 'firing', '43 % of 35 is not');
SELECT t.fill('2026-03-10', 'MX', 230, 0, 4) \gset
SELECT is(t.at('2026-03-10 04:02+00', 'Good'), 'ok', '92.5 % is good');
SELECT t.forget(), t.empty('2026-03-10') \gset

-- guards
SELECT kpi.add_rule('Guarded', 'sales', 'below', 100, min_change_pct => 20) \gset
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 81) \gset
SELECT is(t.at('2026-03-10 01:00+00', 'Guarded'), 'ok', 'below, but within 20 % of what is expected');
SELECT t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 80) \gset
SELECT is(t.at('2026-03-10 01:01+00', 'Guarded'), 'firing', 'below by 20 %');
SELECT kpi.alter_rule('Guarded', '{"min_volume": 101}') \gset
SELECT is(t.at('2026-03-10 01:02+00', 'Guarded'), 'ok', 'too small to be watched');
SELECT kpi.alter_rule('Guarded', '{"min_volume": null, "min_change_abs": 21}') \gset
SELECT is(t.at('2026-03-10 01:03+00', 'Guarded'), 'ok', 'below by 20, not by 21');
SELECT t.forget(), t.empty('2026-03-09'), t.fill('2026-03-09', 'MX', 60), t.fill('2026-03-09', 'ES', 40) \gset

-- percentile and anomaly
UPDATE public.sale SET amount = 9 + extract(day FROM at)::int % 3;
SELECT kpi.add_rule('Lowest', 'takings', 'percentile', 1, direction => 'down') \gset
SELECT kpi.add_rule('Odd', 'takings', 'anomaly', direction => 'both') \gset
SELECT is(t.at('2026-03-10 01:00+00', 'Lowest') || t.state('Odd'), 'okok', 'an ordinary day');
UPDATE public.sale SET amount = 5 WHERE at >= '2026-03-09';
SELECT is(t.at('2026-03-10 01:01+00', 'Lowest') || ' ' || t.state('Odd'), 'firing firing', 'half of it');
SELECT is((SELECT count(*) FROM kpi.incident WHERE parent IS NULL AND state = 'firing'), 1::bigint, 'is one problem: one of them speaks for both');
SELECT t.forget() \gset
UPDATE public.sale SET amount = 10;

-- no_data, vanished and new segments
SELECT kpi.add_rule('Dead', 'sales', 'no_data', buckets => 'open') \gset
SELECT is(t.at('2026-03-10 01:00+00', 'Dead'), 'ok', 'nothing for an hour may be');
SELECT is(t.at('2026-03-10 02:00+00', 'Dead'), 'firing', 'nothing where eight were expected may not');
SELECT t.fill('2026-03-10', 'MX', 1, 0, 2) \gset
SELECT is(t.at('2026-03-10 02:01+00', 'Dead'), 'ok', 'one is some');
SELECT t.forget(), t.empty('2026-03-10'), t.empty('2026-03-09', 'ES') \gset
SELECT kpi.add_rule('Gone', 'sales', 'vanished_segment', by => '{country}') \gset
SELECT kpi.add_rule('New', 'sales', 'new_segment', 5, by => '{country}') \gset
SELECT t.fill('2026-03-09', 'FR', 4) \gset
SELECT is(t.at('2026-03-10 01:00+00', 'Gone') || ' ' || t.state('New'), 'firing ES ok', 'a segment has gone; four of another are few');
SELECT t.fill('2026-03-09', 'FR', 1) \gset
SELECT is(t.at('2026-03-10 01:01+00', 'New'), 'firing FR', 'five are a new segment');
SELECT is((SELECT string_agg(title, '; ' ORDER BY rule) FROM kpi.incident), 'sales ES has vanished; new segment in sales: FR', 'as they are called');
SELECT t.forget(), t.empty('2026-03-09', 'FR'), t.fill('2026-03-09', 'ES', 40) \gset

-- Many segments are one incident
DO $$ BEGIN PERFORM t.fill(d::date, 'C' || c, 30) FROM generate_series('2026-01-01'::timestamp, '2026-03-09', '1 day') d, generate_series(1, 5) c; END $$;
SELECT kpi.add_rule('ByCountry', 'sales', 'ratio', 0.7, by => '{country}', sinks => '{hook}') \gset
DELETE FROM kpi.outbox;
SELECT t.empty('2026-03-09', 'C1'), t.empty('2026-03-09', 'C2') \gset
SELECT is(t.at('2026-03-10 01:00+00', 'ByCountry'), 'firing C1, firing C2', 'two segments are two incidents');
SELECT is((SELECT count(*) FROM kpi.outbox), 2::bigint, 'and two messages');
SELECT t.empty('2026-03-09', 'C3'), t.empty('2026-03-09', 'C4') \gset
SELECT is(t.at('2026-03-10 01:01+00', 'ByCountry'), 'firing C1, firing C2, firing C3, firing C4, firing', 'four are members of a fifth');
SELECT is((SELECT title || ' ' || (details->>'members') FROM kpi.incident WHERE rule = 'ByCountry' AND segment = '{}'), 'sales is low in 4 of 7 segments 4', 'which says how many');
SELECT is((SELECT count(*) FROM kpi.outbox), 3::bigint, 'with one message more');
DO $$ BEGIN PERFORM t.fill('2026-03-09', 'C' || c, 30) FROM generate_series(1, 4) c; END $$;
SELECT is(t.at('2026-03-10 01:02+00', 'ByCountry'), 'ok', 'all are back');
SELECT is((SELECT count(*) FROM kpi.outbox WHERE message->>'event' = 'resolved'), 3::bigint, 'whoever was told is told');
SELECT t.forget() \gset

-- Backtest
SELECT t.empty('2026-02-20'), t.empty('2026-02-21'), t.empty('2026-03-01'), t.fill('2026-03-01', 'MX', 30) \gset
SELECT kpi.add_rule('Past', 'sales', 'below', 50) \gset
SELECT kpi.backtest('Past', '2026-02-10 00:00+00', '2026-03-10 00:00+00') AS past \gset
SELECT is((SELECT string_agg((i->>'from')::timestamptz::date || ' ' || (i->>'buckets'), ', ') FROM jsonb_array_elements(:'past'::jsonb->'incidents') i),
    '2026-02-20 2, 2026-03-01 1', 'two days in a row are one incident, a third is another');
SELECT is((:'past'::jsonb->>'firings_a_week')::numeric, 0.5, 'in four weeks');
SELECT is((:'past'::jsonb->>'suggested_threshold')::numeric, 0::numeric, 'a threshold that would have let one bucket pass');
SELECT is((SELECT count(*) FROM kpi.incident), 0::bigint, 'nothing was opened');
SELECT t.forget() \gset

-- One that fails stops none of the others; data that are not trusted stop it
CREATE FUNCTION public.breaks(numeric) RETURNS numeric LANGUAGE sql IMMUTABLE AS 'SELECT 1 / (CASE WHEN $1 > 0 THEN 0 ELSE 1 END)';
SELECT kpi.define('broken', 'public.breaks(sales)') \gset
SELECT kpi.add_rule('Works', 'sales', 'below', 500) \gset
INSERT INTO kpi.rule (name, metric, condition, threshold, direction, role) VALUES ('Breaks', 'broken', 'below', 1, 'down', 'postgres');
SELECT kpi._evaluate_rules('2026-03-10 01:00+00') \gset
SELECT is((SELECT title FROM kpi.incident WHERE kind = 'error'), 'rule Breaks cannot be judged', 'a rule that fails is an incident');
SELECT matches((SELECT details->'lines'->>0 FROM kpi.incident WHERE kind = 'error'), '^22012: division by zero', 'with what it said');
SELECT is(t.state('Works'), 'firing', 'the others are judged');
SELECT is((SELECT state FROM kpi.rule_status WHERE name = 'Breaks'), 'error', 'and it is shown');
SELECT kpi.alter_rule('Breaks', '{"metric": "sales", "threshold": 0}') \gset
SELECT kpi._evaluate_rules('2026-03-10 01:01+00') \gset
SELECT is((SELECT state FROM kpi.incident WHERE kind = 'error'), 'resolved', 'mended, it is over');
SELECT kpi.drop_rule('Works') \gset
SELECT is((SELECT count(*) FROM kpi.incident WHERE rule = 'Works' AND state <> 'resolved'), 0::bigint, 'a rule that is dropped leaves nothing open');
SELECT kpi._observe('check sale', 'data', 'sale is stale', 'critical', true, '{}', 'postgres', '{"source": "sale"}') \gset
SELECT kpi.add_rule('Works', 'sales', 'below', 500) \gset
SELECT is(t.at('2026-03-10 02:00+00', 'Works'), 'ok', 'data that are not trusted are not judged');
SELECT is((SELECT state || ': ' || held_by FROM kpi.rule_status WHERE name = 'Works'), 'inhibited: sale is stale', 'which is shown');
SELECT kpi._observe('check sale', 'data', 'sale is stale', 'critical', false, '{}', 'postgres', '{"source": "sale"}') \gset
SELECT is(t.at('2026-03-10 02:01+00', 'Works'), 'firing', 'trusted again they are');
SELECT kpi.add_event('closed', 'holiday', '2026-03-09', effect => 'ignore') \gset
SELECT is(t.at('2026-03-10 02:02+00', 'Works'), 'ok', 'a day that the calendar says to ignore is ignored at once');

-- What it says without doing
SELECT is((SELECT verdict FROM kpi.test_rule('Works')), 'bad', 'test_rule says what it would say now');
CREATE ROLE visitor; GRANT kpi_admin TO visitor; SET ROLE visitor;
SELECT throws_ok($$SELECT kpi.alter_rule('Works', '{"enabled": false}')$$, '42501', NULL, 'the rule of somebody else is not changed');
RESET ROLE;
SELECT * FROM finish();
