-- as: superuser
-- Every function that takes a source takes the name of its facts view as well, as SQL writes it; the source's own name wins.
SET client_min_messages = warning;
CREATE SCHEMA shop; CREATE SCHEMA "Odd Shop";
CREATE TABLE shop.pay (at timestamptz NOT NULL, amount numeric);
CREATE TABLE "Odd Shop".pay (at timestamptz NOT NULL, amount numeric);
CREATE VIEW shop.facts AS SELECT at, amount AS revenue FROM shop.pay;
CREATE VIEW shop."Other Facts" AS SELECT at, amount AS other_revenue FROM shop.pay;
CREATE VIEW "Odd Shop".facts AS SELECT at, amount AS odd_revenue FROM "Odd Shop".pay;
CREATE VIEW shop.named AS SELECT at, amount AS named_revenue FROM shop.pay;
SELECT kpi.track('shop.facts', 'at', name => 'first', timezone => 'UTC', build => 'now') \gset
SELECT kpi.track('shop."Other Facts"', 'at', name => 'other', timezone => 'UTC', build => 'now') \gset
SELECT kpi.track('"Odd Shop".facts', 'at', name => 'odd', timezone => 'UTC', build => 'now') \gset
SELECT kpi.track('shop.named', 'at', name => 'plain', timezone => 'UTC', build => 'now') \gset
INSERT INTO shop.pay VALUES ('2026-01-01', 1);

SELECT plan(18);
SELECT lives_ok($$SELECT kpi.rebuild('shop.facts')$$, 'schema.view');
SELECT lives_ok($$SELECT kpi.rebuild('Shop.FACTS')$$, 'folded as SQL folds it');
SELECT lives_ok($$SELECT kpi.rebuild('"Odd Shop".facts')$$, 'a quoted schema');
SELECT lives_ok($$SELECT kpi.rebuild('Odd Shop.facts')$$, 'without its quotes');
SELECT lives_ok($$SELECT kpi.rebuild('"Other Facts"')$$, 'a view alone, quoted');
SELECT lives_ok($$SELECT kpi.rebuild('Other Facts')$$, 'a view alone');
SELECT lives_ok(format('SELECT kpi.rebuild(%L)', 'shop."Other Facts"'::regclass::text), 'the text of a regclass');
SET search_path = shop, public;
SELECT lives_ok(format('SELECT kpi.rebuild(%L)', 'shop.named'::regclass::text), 'the text of a regclass on the search path');
RESET search_path;
SELECT throws_ok($$SELECT kpi.rebuild('facts')$$, '42P09', '"facts" is the name of the facts views of several sources', 'two views of one name are no guess');
SELECT throws_ok($$SELECT kpi.rebuild('shop.fact')$$, '42704', 'source "shop.fact" does not exist', 'no such view');
SELECT is_empty($$SELECT * FROM kpi.verify('shop.named')$$, 'kpi.verify');
SELECT is(kpi.merge('shop.named'), kpi.merge('plain'), 'kpi.merge');
SELECT lives_ok($$SELECT kpi.freeze('shop.named', '2020-01-01')$$, 'kpi.freeze');
SELECT is((SELECT frozen_before FROM kpi.source WHERE name = 'plain'), '2020-01-01'::date, 'of that source');
SELECT lives_ok($$SELECT kpi.untrack('shop."Other Facts"')$$, 'kpi.untrack');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM kpi.source), 'first odd plain', 'of that source');
-- A source named like another one's view.
CREATE VIEW shop.late AS SELECT at, amount AS late_revenue FROM shop.pay;
SELECT kpi.track('shop.late', 'at', name => 'named', timezone => 'UTC') \gset
SELECT lives_ok($$SELECT kpi.untrack('named')$$, 'the name of a source wins over the name of a view');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM kpi.source), 'first odd plain', 'and leaves the view''s source alone');
SELECT finish();
