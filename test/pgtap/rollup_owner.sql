-- as: superuser
-- Whoever calls merge, rebuild, repair or verify: the SQL of a source runs as its owner, and a plain owner may do it all.
SET client_min_messages = warning;
CREATE ROLE shop;
GRANT CREATE, USAGE ON SCHEMA public TO shop;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA kpi TO shop;
SELECT plan(16);

SET ROLE shop;
CREATE TABLE pay (at timestamptz, country text, amount numeric);
CREATE TABLE rate (country text PRIMARY KEY, factor numeric);
INSERT INTO rate VALUES ('MX', 2);
-- A data error for everybody but shop.
CREATE FUNCTION only_shop(v numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog AS $$
BEGIN
    IF current_user <> 'shop' THEN RAISE EXCEPTION 'run by %', current_user; END IF;
    RETURN v;
END $$;
CREATE VIEW pay_facts AS SELECT at, country, only_shop(amount) AS amount FROM pay;
CREATE VIEW join_facts AS SELECT p.at, p.country, only_shop(p.amount * r.factor) AS value FROM pay p JOIN rate r USING (country);
SELECT kpi.track('pay_facts', 'at', '{country}', 'pay', 'UTC');
SELECT kpi.track('join_facts', 'at', '{country}', 'joined', 'UTC');
RESET ROLE;

INSERT INTO pay VALUES (now(), 'MX', 1), (now() - interval '9 days', 'MX', 2);
CALL kpi.work();
SELECT is_empty('SELECT * FROM kpi.dirty', 'the worker builds both');
SELECT is((SELECT sum(m1) FROM kpi_data.pay_rollup_day WHERE level = 0), 3::numeric, 'trigger capture, built as shop');
SELECT is((SELECT sum(m1) FROM kpi_data.joined_rollup_day WHERE level = 0), 6::numeric, 'window capture, built as shop');
INSERT INTO pay VALUES (now(), 'MX', 4);
SELECT lives_ok($$SELECT kpi.merge(), kpi.rebuild('pay'), kpi.rebuild('joined')$$, 'a superuser merges and rebuilds');
SELECT is_empty($$SELECT * FROM kpi.verify('pay') UNION ALL SELECT * FROM kpi.verify('joined')$$, 'and verifies, as shop');
SELECT is_empty('SELECT * FROM kpi.capture_error', 'no expression ran as another');

SET ROLE shop;
INSERT INTO pay VALUES (now(), 'MX', 8);
SELECT is(kpi.merge(), 1::bigint, 'the owner merges what is his');
SELECT lives_ok($$SELECT kpi.rebuild('pay', now() - interval '1 day')$$, 'rebuilds');
SELECT is_empty($$SELECT * FROM kpi.verify('pay')$$, 'verifies');
SELECT lives_ok($$SELECT kpi.freeze('pay', now() - interval '5 days')$$, 'and freezes');
SELECT throws_ok('CREATE TRIGGER t BEFORE UPDATE ON kpi_data.pay_rollup_day FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
                 '42501', NULL, 'but hangs no trigger on the tables that others merge');
SELECT throws_ok('ALTER TABLE kpi_data.pay_delta ADD CHECK (only_shop(n) = n)', '42501', NULL, 'nor a constraint');
SELECT throws_ok($$INSERT INTO kpi.dirty VALUES ('pay', '-infinity', 'infinity', 'x')$$, '42501', NULL, 'and writes no mark');
RESET ROLE;
SELECT is((SELECT tableowner FROM pg_tables WHERE tablename = 'pay_rollup_day'),
          (SELECT extowner::regrole::text::name FROM pg_extension WHERE extname = 'kpi_ext'), 'they belong to the extension''s owner');
-- A typed view that is missing has nothing to follow: handing over the other one would call itself.
DROP VIEW kpi_data.pay_daily;
SELECT lives_ok($$SELECT kpi.merge('pay')$$, 'a source is merged without its daily view');
SELECT lives_ok($$ALTER VIEW kpi_data.pay_hourly OWNER TO shop$$, 'and its other view may be altered');
SELECT finish();
SELECT kpi.untrack('pay'), kpi.untrack('joined');
DROP OWNED BY shop CASCADE;
DROP ROLE shop;
