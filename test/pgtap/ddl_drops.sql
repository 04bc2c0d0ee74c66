-- as: superuser
-- What is dropped takes its source along or is refused with its mend; what is left behind is nothing.
\ir ../tools/exact.sql
SELECT plan(43);
CREATE FUNCTION t.left_over() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT 'source ' || name FROM kpi.source UNION ALL SELECT 'measure ' || name FROM kpi.measure UNION ALL SELECT 'metric ' || name FROM kpi.metric
    UNION ALL SELECT 'mark of ' || source FROM kpi.dirty UNION ALL SELECT 'state of ' || source FROM kpi.source_state
    UNION ALL SELECT 'relation ' || relname FROM pg_class WHERE relnamespace = 'kpi_data'::regnamespace
    UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgname ~ '^kpi_(capture|truncate)_'
$$;
CREATE SCHEMA shop;
CREATE FUNCTION t.fresh() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    DROP SCHEMA IF EXISTS shop CASCADE;
    CREATE SCHEMA shop;
    CREATE TABLE shop.pay (id int, at timestamptz, country text, amount numeric, note text);
    CREATE VIEW shop.facts AS SELECT at, country, amount FROM shop.pay;
    INSERT INTO shop.pay SELECT g, timestamptz '2026-01-01 00:00Z' + g * interval '9 hours', 'c' || g % 3, g FROM generate_series(1, 40) g;
    PERFORM kpi.track('shop.facts', 'at', '{country}', 'pay', 'UTC', hour_retention => '50 years', build => 'now');
    PERFORM kpi.define('twice', 'amount * 2');
    RETURN 'ready';
END $$;

SELECT t.fresh();
SELECT throws_matching('DROP VIEW shop.facts', 'cannot drop the facts view of source "pay" because it is tracked', 'DROP VIEW of a tracked view is refused');
SELECT t.same('pay', 'and leaves everything as it was');
SELECT throws_ok('ALTER TABLE shop.pay DROP COLUMN country', '2BP01', NULL, 'a dimension column cannot go: the view uses it');
SELECT throws_ok('ALTER TABLE shop.pay ALTER amount TYPE text', '0A000', NULL, 'nor change its type');
SELECT throws_ok('DROP TABLE shop.pay', '2BP01', NULL, 'nor the table');
SELECT throws_like('ALTER TRIGGER kpi_capture_pay ON shop.pay RENAME TO mine', '%belongs to kpi_ext and cannot be renamed', 'nor the trigger be renamed');
SELECT throws_ok('CREATE OR REPLACE VIEW shop.facts AS SELECT at, country FROM shop.pay', '42P16', NULL, 'nor a measure be left out');
SELECT throws_like('CREATE OR REPLACE VIEW shop.facts AS SELECT at, country, amount FROM (SELECT * FROM shop.pay LIMIT 5) p', '%cannot be changed like this%', 'nor the view become one that capture cannot serve');
SELECT throws_like('CREATE TABLE shop.child () INHERITS (shop.pay)', '%cannot take part in inheritance%', 'nor the table be inherited');
SELECT throws_ok($$SELECT kpi.untrack('pay')$$, '2BP01', NULL, 'untrack waits for the metrics over it');
INSERT INTO shop.pay VALUES (41, '2026-01-02 10:00Z', 'MX', 5);
SELECT t.exact('pay', 'none of which has hurt capture');
SELECT lives_ok('ALTER TABLE shop.pay DROP COLUMN note', 'a column nobody uses may go');
INSERT INTO shop.pay VALUES (42, '2026-01-02 10:00Z', 'MX', 5);
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'and capture goes on');
SELECT t.exact('pay', 'exactly');

SELECT lives_ok('DROP VIEW shop.facts CASCADE', 'DROP VIEW ... CASCADE');
SELECT is_empty('SELECT t.left_over()', 'leaves nothing');
SELECT lives_ok($$INSERT INTO shop.pay VALUES (43, '2026-01-02 10:00Z', 'MX', 5)$$, 'and the table works');
SELECT t.fresh();
SELECT lives_ok('DROP TABLE shop.pay CASCADE', 'DROP TABLE ... CASCADE');
SELECT is_empty('SELECT t.left_over()', 'leaves nothing');
SELECT t.fresh();
SELECT lives_ok('DROP SCHEMA shop CASCADE', 'DROP SCHEMA ... CASCADE');
SELECT is_empty('SELECT t.left_over()', 'leaves nothing');
SELECT t.fresh();
SELECT kpi.undefine('twice');
SELECT lives_ok($$SELECT kpi.untrack('pay')$$, 'untrack');
SELECT is_empty('SELECT t.left_over()', 'leaves nothing');
SELECT is((SELECT count(*) FROM shop.facts), 40::bigint, 'but the facts view');

-- rolled back
SELECT t.fresh();
BEGIN;
DROP SCHEMA shop CASCADE;
ROLLBACK;
INSERT INTO shop.pay VALUES (44, '2026-01-02 10:00Z', 'MX', 5);
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'a DROP that is rolled back marks nothing');
SELECT t.same('pay', 'and capture goes on');

-- A capture trigger that is off: rebuild and the worker must not take the mark away while rows are still missed.
ALTER TABLE shop.pay DISABLE TRIGGER ALL;
INSERT INTO shop.pay VALUES (45, '2026-01-03 10:00Z', 'MX', 5);
SELECT t.same('pay', 'rows behind a disabled trigger are seen');
CALL kpi.work();
INSERT INTO shop.pay VALUES (46, '2026-01-04 10:00Z', 'MX', 5);
SELECT t.same('pay', 'after the worker''s round too');
SELECT kpi.rebuild('pay');
INSERT INTO shop.pay VALUES (47, '2026-01-05 10:00Z', 'MX', 5);
SELECT t.same('pay', 'and after a rebuild');
ALTER TABLE shop.pay ENABLE TRIGGER ALL;
SELECT is(tgenabled, 'A', 'ENABLE TRIGGER ALL makes it fire always') FROM pg_trigger WHERE tgname = 'kpi_capture_pay';
SELECT t.exact('pay', 'and all is well');

-- The same with the trigger of one partition.
CREATE TABLE shop.tree (at timestamptz, v int) PARTITION BY RANGE (at);
CREATE TABLE shop.leaf PARTITION OF shop.tree DEFAULT;
CREATE VIEW shop.tree_facts AS SELECT at, v AS leaves FROM shop.tree;
SELECT kpi.track('shop.tree_facts', 'at', '{}', 'tree', 'UTC', hour_retention => '50 years', build => 'now');
ALTER TABLE shop.leaf DISABLE TRIGGER ALL;
SELECT kpi.rebuild('tree');
INSERT INTO shop.tree VALUES ('2026-01-03 10:00Z', 5);
SELECT t.same('tree', 'a rebuild leaves the mark while a partition''s trigger is off');
ALTER TABLE shop.leaf ENABLE TRIGGER ALL;
SELECT t.exact('tree', 'and takes it away when it is on');
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'for good');

-- The extension itself.
BEGIN;
DROP EXTENSION kpi_ext CASCADE;
ROLLBACK;
INSERT INTO shop.pay VALUES (48, '2026-01-06 10:00Z', 'MX', 5);
SELECT t.same('pay', 'DROP EXTENSION that is rolled back changes nothing');
DROP FUNCTION t.left_over;
SELECT lives_ok('DROP EXTENSION kpi_ext CASCADE', 'DROP EXTENSION ... CASCADE');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgname ~ '^kpi_'$$, 'takes the triggers');
SELECT is_empty($$SELECT nspname FROM pg_namespace WHERE nspname IN ('kpi', 'kpi_data')$$, 'and the schemas');
SELECT lives_ok($$INSERT INTO shop.pay VALUES (49, '2026-01-06 10:00Z', 'MX', 5)$$, 'and the table works');
BEGIN;
CREATE EXTENSION kpi_ext;
SELECT kpi.track('shop.facts', 'at', '{country}', 'pay', 'UTC', build => 'now');
ROLLBACK;
SELECT lives_ok($$UPDATE shop.pay SET amount = amount + 1; DELETE FROM shop.pay WHERE id = 49$$, 'CREATE EXTENSION that is rolled back leaves nothing');
CREATE EXTENSION kpi_ext;
SELECT kpi.track('shop.facts', 'at', '{country}', 'pay', 'UTC', hour_retention => '50 years', build => 'now');
INSERT INTO shop.pay VALUES (50, '2026-01-07 10:00Z', 'MX', 5);
SELECT is_empty('SELECT 1 FROM kpi.dirty', 'created again, the extension captures');
SELECT t.exact('pay', 'exactly');
ALTER EXTENSION kpi_ext UPDATE;
INSERT INTO shop.pay VALUES (51, '2026-01-07 10:00Z', 'MX', 5);
SELECT t.exact('pay', 'ALTER EXTENSION ... UPDATE to the same version changes nothing');
SELECT finish();
