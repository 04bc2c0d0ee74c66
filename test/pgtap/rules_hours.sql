-- as: superuser
-- Hourly rules and the hours of the calendar: inside a deployment nothing is bad, outside of it everything is as ever.
SET client_min_messages = warning;
SET timezone = 'UTC';
SELECT plan(20);
CREATE SCHEMA t;
CREATE TABLE public.visit (at timestamptz NOT NULL, country text);
CREATE VIEW public.visit_facts AS SELECT at, country, 1 AS visits FROM public.visit;
SELECT kpi.track('public.visit_facts', 'at', '{country}', 'visit', 'UTC', hour_retention => '3000 days', build => 'now') \gset
INSERT INTO public.visit SELECT h + i * interval '5 minutes', CASE WHEN i < 6 THEN 'MX' ELSE 'ES' END
  FROM generate_series('2026-02-01'::timestamptz, '2026-03-09 23:00', interval '1 hour') h, generate_series(0, 11) i;
DELETE FROM public.visit WHERE at >= '2026-03-09' AND extract(hour FROM at AT TIME ZONE 'UTC') IN (14, 15, 18, 21);
CREATE FUNCTION t.at(clock timestamptz, rule text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM kpi._evaluate_rules(clock);
    RETURN (SELECT coalesce(string_agg(i.state, ', ' ORDER BY i.id), 'ok') FROM kpi.incident i WHERE i.rule = at.rule AND i.state <> 'resolved');
END $$;
SELECT kpi.add_rule('Few', 'visits', 'below', 5, grain => 'hour') \gset
SELECT is(t.at('2026-03-09 15:05+00', 'Few'), 'firing', 'an hour without visits is bad');
SELECT kpi.add_event('Release 8', 'deploy', start_at => '2026-03-09 14:20+00', end_at => '2026-03-09 15:40+00', effect => 'ignore') \gset
SELECT is(t.at('2026-03-09 15:06+00', 'Few'), 'ok', 'in a deployment it is expected, at once');
SELECT is(t.at('2026-03-09 16:05+00', 'Few'), 'ok', 'so is the hour that it only touches');
SELECT is(t.at('2026-03-09 19:05+00', 'Few'), 'firing', 'another hour of that day is bad');
SELECT is(t.at('2026-03-09 20:05+00', 'Few'), 'ok', 'and over with the next');
SELECT kpi.feedback(max(id), 'expected') FROM kpi.incident WHERE rule = 'Few' \gset
SELECT is((SELECT hours FROM kpi.event WHERE kind = 'incident'), '["2026-03-09 18:00+00","2026-03-09 19:00+00")'::tstzrange, 'said to be expected, its hours are in the calendar');
SELECT is(t.at('2026-03-09 19:06+00', 'Few'), 'ok', 'and are not bad any more');
-- A daily rule
SELECT kpi.add_rule('Day', 'visits', 'below', 270) \gset
SELECT is(t.at('2026-03-10 00:30+00', 'Day'), 'firing', 'a day is not excused by hours of it');
SELECT matches((SELECT title || ' ' || (details ->> 'event') FROM kpi.incident WHERE rule = 'Day'), 'Release 8', 'but names them');
SELECT kpi.feedback(max(id), 'expected') FROM kpi.incident WHERE rule = 'Day' \gset
SELECT is((SELECT lower(days) FROM kpi.event WHERE lower_inf(hours)), '2026-03-09'::date, 'a closed day that was expected is in the calendar, not the day on which it was seen');
SELECT is(t.at('2026-03-10 00:31+00', 'Day'), 'ok', 'and is over at once');
-- A week: its own days, all of which together excuse it
DELETE FROM kpi.event;
SELECT kpi.add_rule('Week', 'visits', 'below', 3000, grain => 'week') \gset
SELECT is(t.at('2026-03-09 01:00+00', 'Week'), 'firing', 'a week is bad');
SELECT kpi.feedback(max(id), 'expected') FROM kpi.incident WHERE rule = 'Week' \gset
SELECT is((SELECT lower(days) FROM kpi.event), '2026-03-02'::date, 'its days are in the calendar');
SELECT is(t.at('2026-03-09 01:01+00', 'Week'), 'ok', 'and it is over');
DELETE FROM kpi.event;
SELECT kpi.feedback(max(id), 'expected') FROM kpi.incident WHERE rule = 'Week' \gset
SELECT is((SELECT days FROM kpi.event), '[2026-03-02,2026-03-09)'::daterange, 'once it is over, those of the bad week alone');
UPDATE kpi.event SET days = '[2026-03-02,2026-03-08)';
SELECT is(t.at('2026-03-09 01:02+00', 'Week'), 'firing', 'six of its days do not excuse a week');
DELETE FROM kpi.event;

-- Outlooks are made in slices: one rule's a look when there is no time for more
SELECT count(kpi.drop_rule(name)::text) FROM kpi.rule \gset
SELECT count(kpi.add_rule(n, 'visits', 'below', 270)) FROM unnest('{A,B,C}'::text[]) n \gset
SELECT is(kpi._evaluate_rules('2026-03-10 02:30+00', 0), 1, 'a look without time judges');
SELECT is((SELECT count(*) FROM kpi.rule_memory), 1::bigint, 'makes those of one rule');
SELECT kpi._evaluate_rules('2026-03-10 02:30:01+00', 0) AS second \gset
SELECT kpi._evaluate_rules('2026-03-10 02:30:02+00', 0) AS third \gset
SELECT is((SELECT count(*) FROM kpi.rule_memory), 3::bigint, 'the next ones those of the others');
SELECT is((SELECT count(*) FROM kpi.incident WHERE rule IN ('A', 'B', 'C') AND state = 'firing'), 3::bigint, 'and then all are judged');
SELECT * FROM finish();
