-- as: superuser
-- A change merged by hand, or a rebuild, makes watched views dirty as the worker's own merges do.
SET client_min_messages = warning;
SELECT plan(5);
CREATE TABLE pay (at timestamptz DEFAULT '2026-03-01 10:00+00', amount int DEFAULT 1);
INSERT INTO pay DEFAULT VALUES;
CREATE VIEW pay_facts AS SELECT at, 1 AS pays, amount FROM pay;
SELECT kpi.track('pay_facts', 'at', name => 'pay', timezone => 'UTC', build => 'now') \gset
CREATE MATERIALIZED VIEW mv AS SELECT day, pays FROM kpi_data.pay_daily;
SELECT kpi.watch_view('mv') \gset
SELECT kpi.refresh() \gset
SELECT is((SELECT sum(pays) FROM mv), 1::numeric, 'refreshed');
INSERT INTO pay DEFAULT VALUES;
SELECT kpi.merge('pay') \gset
SELECT kpi.refresh() \gset
SELECT is((SELECT sum(pays) FROM mv), 2::numeric, 'a merge by hand makes it dirty');
UPDATE kpi.view SET refreshed_at = clock_timestamp();
SELECT ok((SELECT merged_at < (SELECT refreshed_at FROM kpi.view) FROM kpi.source_state), 'quiet again');
TRUNCATE pay;
SELECT kpi.rebuild('pay') \gset
SELECT kpi.refresh() \gset
SELECT is((SELECT sum(pays) FROM mv), NULL, 'so does a rebuild that leaves nothing');
SELECT ok((SELECT merged_at IS NOT NULL FROM kpi.source_state WHERE source = 'pay'), 'kpi.status() says when');
SELECT * FROM finish();
