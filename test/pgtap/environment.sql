-- as: superuser
-- Environments: loading, what counts and where it comes from, who may.
SET client_min_messages = warning;
SELECT plan(50);
\ir ../tools/raised.sql
CREATE FUNCTION t.shown(key text) RETURNS text LANGUAGE sql AS $$ SELECT value || ' from ' || source FROM kpi.config() WHERE name = key $$;
\set here `git rev-parse --show-toplevel 2>/dev/null || pwd`

-- Presets
SELECT is(kpi.threshold_value('leads_critical'), 50::numeric, 'a preset counts');
SELECT is(t.shown('leads_critical'), '50 from default', 'and is shown as one');
SELECT is(t.shown('refresh_schedule'), '0 */4 * * * from default', 'a schedule too');
SELECT is(t.shown('kpi.merge_interval'), '20 ms from default', 'settings are shown beside');
SET kpi.window_interval = 61;
SELECT is(t.shown('kpi.window_interval'), '61 s from setting', 'and what was set says so');
SELECT matches(t.raised($$SELECT kpi.threshold_value('leads_critcal')$$), '^22023 "leads_critcal" is no threshold .*Did you mean "leads_critical"', 'a name that is none');
SELECT matches(t.raised($$SELECT kpi.threshold_value('refresh_schedule')$$), '^22023 "refresh_schedule" is no threshold', 'a schedule is no threshold');
SELECT matches(t.raised($$SELECT kpi.threshold_value(NULL)$$), '^22004', 'NULL is no name');

-- A file
SELECT is(kpi.load_environment('dev', E'leads_critical: 7\nleads_warning: 9\nrefresh_schedule: "0 6 * * *"\n'), 3::bigint, 'what a file sets is counted');
SELECT is(kpi.threshold_value('leads_critical'), 50::numeric, 'nothing changes before it is chosen');
SET kpi.environment = dev;
SELECT is(kpi.threshold_value('leads_critical'), 7::numeric, 'chosen, it counts');
SELECT is(t.shown('leads_critical'), '7 from environment "dev"', 'and says where from');
SELECT is(kpi.threshold_value('payment_success_critical'), 92::numeric, 'what it leaves out has its preset');
SELECT is(kpi.load_environment('dev', 'leads_critical: 8'), 1::bigint, 'loaded again');
SELECT results_eq('SELECT name, value FROM kpi.threshold', $$VALUES ('leads_critical' COLLATE "C", '8')$$, 'it replaces what was there');
SELECT is(kpi.threshold_value('leads_warning'), 80::numeric, 'what was taken out has its preset again');

-- Wrong files change nothing
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', E'leads_warning: 90\nleads_critcal: 5')$$), '^22023 environment "dev", line 2: "leads_critcal" is no key .*Did you mean', 'an unknown key, with its line');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', E'a: &a [x]\nb: *a')$$), '^22023 environment "dev", line 1: a list', 'a bomb');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', 'analyze_after_refresh: on')$$), 'line 1: analyze_after_refresh: the word on', 'a doubtful word');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', E'leads_warning: 90\nleads_warning: 90')$$), 'line 2: "leads_warning" stands in line 1 already', 'a key twice');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', E'\ntime_zone: Mars/Olympus')$$), '^22023 environment "dev", line 2: "Mars/Olympus" is no time zone', 'a zone that is none');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', 'time_zone: UTC+5')$$), 'is no time zone', 'an offset is no zone: its sign misleads');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', 'dq_health_schedule: 0 25 * * *')$$), 'line 1: dq_health_schedule cannot be "0 25 \* \* \*": cron expression: "25" is no hour', 'a schedule that is none');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', repeat('#', 70000))$$), '^54000', 'too big');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', 'a: b: c')$$), '^22P02 environment "dev", line 1: no valid YAML', 'no YAML');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', '# nothing')$$), '^22023 .*sets nothing .*kpi.drop_environment', 'nothing');
SELECT matches(t.raised($$SELECT kpi.load_environment('Dev one', 'leads_critical: 1')$$), '^22023 "Dev one" is no name', 'a name that is none');
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', NULL)$$), '^22004', 'NULL is no file');
SELECT is(kpi.threshold_value('leads_critical'), 8::numeric, 'and nothing has changed');

-- The shipped files
SELECT is(kpi.load_environment(name, pg_read_file(:'here' || '/environments/' || name || '.yaml')), 19::bigint, name || ' sets every key')
  FROM unnest('{dev,stg,prod}'::text[]) name;
SELECT is((SELECT array_agg(v ORDER BY o) FROM (SELECT o, (SELECT value::numeric FROM kpi.threshold WHERE environment = e AND name = 'leads_critical') AS v
             FROM unnest('{dev,stg,prod}'::text[]) WITH ORDINALITY u (e, o)) x), '{1,20,50}', 'dev is permissive, prod strict, stg between');

-- Rules for Prometheus
RESET kpi.environment;
SELECT is(kpi.prometheus_rules(name) || E'\n', pg_read_file(:'here' || '/prometheus/rules/' || name || '.yaml'), 'prometheus/rules/' || name || '.yaml is what the function says (if not: make prometheus)')
  FROM unnest('{dev,stg,prod}'::text[]) name;
SELECT matches(kpi.prometheus_rules(), 'kpi:leads_projected:day < 50 .*severity: critical, environment: default', 'without a name, what counts here');
SET kpi.environment = dev;
SELECT is(kpi.prometheus_rules(), kpi.prometheus_rules('dev'), 'in the environment that is chosen');
RESET kpi.environment;
SELECT matches(t.raised($$SELECT kpi.prometheus_rules('prd')$$), '^42704 environment "prd" was not loaded .*kpi.load_environment', 'an environment that was not loaded');
SELECT kpi.load_environment('half', 'leads_critical: 33') \gset
SELECT matches(kpi.prometheus_rules('half'), 'leads_projected:day < 33 .*kpi:revenue_pace:ratio < 0.70', 'what a file leaves out has its preset');
SELECT is(kpi.drop_environment('half'), 1::bigint, 'forgotten');

-- An environment that is not there
SET kpi.environment = prd;
SELECT matches(t.raised($$SELECT kpi.threshold_value('leads_critical')$$), '^55000 environment "prd" was not loaded .*kpi.load_environment', 'a rule does not run with the numbers of another environment');
SELECT matches((SELECT note FROM kpi.config() WHERE name = 'leads_critical'), 'environment "prd" was not loaded', 'kpi.config says so');
SELECT matches(t.raised($$SELECT kpi.prometheus_rules()$$), '^55000 environment "prd" was not loaded', 'nor do rules get the numbers of another one');
SET kpi.environment = stg;
SELECT is(kpi.drop_environment('stg'), 19::bigint, 'an environment is forgotten');
RESET kpi.environment;

-- Who may
DO $$ BEGIN
    IF to_regrole('e_admin') IS NOT NULL THEN DROP OWNED BY e_admin, e_operator; DROP ROLE e_admin, e_operator; END IF;
    CREATE ROLE e_admin; CREATE ROLE e_operator;
    GRANT kpi_admin TO e_admin; GRANT kpi_operator TO e_operator;
    GRANT USAGE ON SCHEMA t TO PUBLIC;
END $$;
SET ROLE e_admin;
SELECT matches(t.raised($$SELECT kpi.load_environment('dev', 'leads_critical: 1')$$), '^42501', 'one kpi_admin does not change the thresholds of all');
SELECT is(kpi.threshold_value('leads_critical'), 50::numeric, 'but reads what counts');
SELECT isnt(kpi.prometheus_rules('prod'), NULL, 'and makes rules of it');
SET ROLE e_operator;
SELECT is(kpi.load_environment('dev', 'leads_critical: 3'), 1::bigint, 'kpi_operator does');
SELECT is(t.raised($$SET kpi.environment = 'dev'$$), '42501 permission denied to set parameter "kpi.environment" |  | ', 'which environment it is, a superuser says');
RESET ROLE;
DROP ROLE e_admin, e_operator;
SELECT * FROM finish();
