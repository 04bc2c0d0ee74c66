-- as: superuser
-- Who may read and define. A reader needs SELECT on the facts view, nothing else; formulas run as the metric's owner.
CREATE ROLE kpi_test_owner;
CREATE ROLE kpi_test_reader;
CREATE ROLE kpi_test_stranger;
CREATE ROLE kpi_test_member IN ROLE kpi_test_owner;
GRANT EXECUTE ON FUNCTION kpi.track, kpi.define, kpi.undefine TO kpi_test_owner, kpi_test_reader;
CREATE SCHEMA shop AUTHORIZATION kpi_test_owner;
SET ROLE kpi_test_owner;
CREATE TABLE shop.sale (at timestamptz, place text, amount numeric);
CREATE VIEW shop.sale_facts AS SELECT at, place, 1 AS sales, amount AS takings FROM shop.sale;
SELECT kpi.track('shop.sale_facts', 'at', '{place}', name => 'sale', timezone => 'UTC');
INSERT INTO shop.sale VALUES ('2026-03-01 10:00', 'MX', 10), ('2026-03-01 11:00', 'ES', 5);
CREATE FUNCTION shop.whoami(numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'kpi_test_owner' THEN RAISE 'called as %', current_user; END IF;
    RETURN $1;
END $$;
REVOKE ALL ON FUNCTION shop.whoami FROM PUBLIC;
SELECT kpi.define('own_takings', 'shop.whoami(takings) / sales');
GRANT USAGE ON SCHEMA shop TO kpi_test_reader, kpi_test_stranger;
GRANT SELECT ON shop.sale_facts TO kpi_test_reader;
RESET ROLE;

SELECT plan(16);

SET ROLE kpi_test_reader;
SELECT is((SELECT value FROM kpi.query('{own_takings}', '2026-03-01', '2026-03-01')), 7.5, 'a reader reads; the formula runs as its owner');
SELECT is((SELECT sum(takings) FROM kpi_data.sale_daily), 15::numeric, 'the typed view too');
SELECT is(kpi.value('takings', '2026-03-01 12:00', '{"place": "MX"}'), 10::numeric, 'and kpi.value');
SELECT throws_ok($$SELECT kpi.define('mine', 'takings')$$, '42501', NULL, 'but defines nothing over it');
SELECT throws_ok($$SELECT kpi.undefine('own_takings')$$, '42501', NULL, 'and removes nothing');
SELECT throws_ok($$SELECT * FROM kpi_data.sale_delta$$, '42501', NULL, 'and does not see the tables beneath');

SET ROLE kpi_test_stranger;
SELECT throws_ok($$SELECT * FROM kpi.query('{takings}')$$, '42501', NULL, 'without SELECT on the view nothing');
SELECT throws_ok($$SELECT kpi.value('own_takings')$$, '42501', NULL, 'not by kpi.value');
SELECT throws_ok($$SELECT kpi.query_json('takings')$$, '42501', NULL, 'not by kpi.query_json');
SELECT throws_ok($$SELECT * FROM kpi_data.sale_daily$$, '42501', NULL, 'not by the typed view');
SELECT is_empty($$SELECT * FROM kpi.query()$$, 'no name: what may be read, which is nothing');
-- A predicate that tells what it is shown must not be shown rows before the right is checked.
CREATE FUNCTION pg_temp.peek(text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'saw %', $1 USING ERRCODE = 'P0001'; END $$;
SELECT throws_ok($$SELECT * FROM kpi_data.sale_daily WHERE pg_temp.peek(place)$$, '42501', NULL, 'a leaky predicate sees no row');

SET ROLE kpi_test_member;
SELECT lives_ok($$SELECT kpi.define('average', 'takings / sales')$$, 'a member of the owner defines');
RESET ROLE;
SELECT is((SELECT owner FROM kpi.metric WHERE name = 'average'), 'kpi_test_member'::regrole, 'and owns the metric');

-- security_invoker: the caller's own rights on the base count, and its row security.
ALTER VIEW shop.sale_facts SET (security_invoker = true);
SET ROLE kpi_test_reader;
SELECT throws_ok($$SELECT * FROM kpi.query('{takings}')$$, '42501', NULL, 'a security_invoker view needs SELECT on the base');
RESET ROLE;
GRANT SELECT ON shop.sale TO kpi_test_reader;
SET ROLE kpi_test_reader;
SELECT is((SELECT value FROM kpi.query('{takings}', '2026-03-01', '2026-03-01')), 15::numeric, 'with it the answer is the same');
RESET ROLE;

SELECT finish();
SELECT kpi.undefine('own_takings'), kpi.undefine('average');
SELECT kpi.untrack('sale');
DROP OWNED BY kpi_test_member, kpi_test_owner, kpi_test_reader, kpi_test_stranger CASCADE;
DROP ROLE kpi_test_member, kpi_test_owner, kpi_test_reader, kpi_test_stranger;
