-- Formulas: what is refused, and where the error points.
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
CREATE TABLE sale (at timestamptz, country text, paid boolean, amount numeric);
CREATE VIEW sale_facts AS SELECT at, country, 1 AS sales, paid::int AS sales_paid, amount AS takings FROM sale;
SELECT kpi.track('sale_facts', 'at', '{country}', name => 'sale', timezone => 'UTC');
CREATE FUNCTION twice(numeric) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
CREATE FUNCTION drifting(numeric) RETURNS numeric VOLATILE LANGUAGE sql AS 'SELECT $1 * random()';

-- names
SELECT kpi.define('rate', '100.0 * sales_payd / sales');
SELECT kpi.define('rate', '100.0 * sale_facts.sales / sales');
SELECT kpi.define('Rate', 'sales');
SELECT kpi.define('9rate', 'sales');
SELECT kpi.define('rate', '42');
-- syntax, and one expression only
SELECT kpi.define('rate', '100.0 * (sales_paid / sales');
SELECT kpi.define('rate', '');
SELECT kpi.define('rate', 'sales, takings');
SELECT kpi.define('rate', 'sales FROM sale');
SELECT kpi.define('rate', 'sales AS x');
SELECT kpi.define('rate', 'sales) FROM sale; DROP TABLE sale; --');
-- what a formula cannot contain
SELECT kpi.define('rate', 'sales + (SELECT count(*) FROM sale)');
SELECT kpi.define('rate', 'sum(sales)');
SELECT kpi.define('rate', 'count(*) + sales');
SELECT kpi.define('rate', 'sum(sales) OVER ()');
SELECT kpi.define('rate', 'sales * $1');
SELECT kpi.define('rate', 'sales + generate_series(1, 3)');
SELECT kpi.define('rate', 'sales + extract(day FROM current_date)');
SELECT kpi.define('rate', 'sales * public.drifting(takings)');
SELECT kpi.define('rate', 'sales * twice(takings)');
SELECT kpi.define('rate', 'sales > 3');
SELECT kpi.define('rate', 'sales || '' pieces''');
-- what would fail in an empty bucket
SELECT kpi.define('rate', 'ln(sales)');
SELECT kpi.define('rate', 'sales', good => 'sideways');
-- a measure's own metric
SELECT kpi.define('sales', 'takings');
SELECT kpi.undefine('sales');

-- what works
SELECT kpi.define('paid_pct', '100.0 * sales_paid / sales', '%', description => 'Share of paid sales');
SELECT kpi.define('odd', 'mod(sales, 2) + sales % 2 + div(takings, sales) -- the rest');
SELECT kpi.define('score', 'CASE WHEN paid_pct > 50 THEN public.twice(paid_pct) ELSE greatest(odd, "sales" - 1) END');
SELECT kpi.define('log_sales', 'ln(nullif(sales, 0))', good => 'none');
SELECT name, formula, unit, good, description, owner = current_user::regrole AS mine FROM kpi.metric WHERE measure IS NULL ORDER BY name;
INSERT INTO sale VALUES ('2026-03-01 10:00', 'MX', true, 10), ('2026-03-01 11:00', 'ES', true, 5), ('2026-03-01 12:00', NULL, false, 7);
SELECT day, metric, round(value, 4) AS value FROM kpi.query('{sales,paid_pct,odd,score,log_sales}', '2026-03-01', '2026-03-02');
-- redefined
SELECT kpi.define('paid_pct', '1.0 * sales_paid / sales');
SELECT day, metric, round(value, 4) AS value FROM kpi.query('{paid_pct,score}', '2026-03-01', '2026-03-01');

-- cycles
SELECT kpi.define('paid_pct', 'paid_pct + 1');
SELECT kpi.define('paid_pct', 'sales + score');
-- removal
SELECT kpi.undefine('paid_pct');
SELECT kpi.undefine('scor');
SELECT kpi.undefine('score');
SELECT kpi.undefine('paid_pct');

-- reading: words, filters, dimensions
SELECT * FROM kpi.query('{taking}');
SELECT * FROM kpi.query('{sales}', 'fortnight');
SELECT * FROM kpi.query('{sales}', '2026-03-02', '2026-03-01');
SELECT * FROM kpi.query('{sales}', '7d', '30d');
SELECT * FROM kpi.query('{sales}', grain => 'decade');
SELECT * FROM kpi.query('{sales}', compare => 'last_year');
SELECT * FROM kpi.query('{sales}', grain => 'month', compare => 'week');
SELECT * FROM kpi.query('{sales}', by => '{land}');
SELECT * FROM kpi.query(NULL, by => '{land}');
SELECT * FROM kpi.query('{sales}', filters => '{"land": "MX"}');
SELECT * FROM kpi.query('{sales}', filters => '{"country": {"above": "M"}}');
SELECT * FROM kpi.query('{sales}', filters => '{"country": [["MX"]]}');
SELECT * FROM kpi.query('{sales}', filters => '["MX"]');
SELECT * FROM kpi.query('{sales}', max_rows => 0);
SELECT * FROM kpi.query('{sales,sales}');
SELECT * FROM kpi.query('{sales}', '2000y');
SELECT count(*) FROM kpi.query('{sales}', '1000-01-01', '2026-01-01');
SELECT kpi.value('sales', grain => 'total');

-- a part of a result would be wrong as soon as it is sorted: more rows than max_rows are an error
SELECT day, segment, value FROM kpi.query('{sales}', '2026-03-01', '2026-03-02', by => '{country}', max_rows => 4);
SELECT day, segment, value FROM kpi.query('{sales}', '2026-03-01', '2026-03-02', by => '{country}', max_rows => 6);
SELECT jsonb_pretty(kpi.query_json('takings', '2026-03-01', '2026-03-02', country => 'MX', "limit" => 1) #- '{data,0,as_of}');
SELECT kpi.query_json('takings', '2026-03-01', '2026-03-02', filters => '{"country": {"not": null}}') -> 'data' -> 0 -> 'value' AS known;
SELECT j -> 'count' AS count, j -> 'truncated' AS truncated, j -> 'data' -> 1 ->> 'date' AS last
  FROM kpi.query_json('sales', '2026-03-01', '2026-03-02', aggregate => 'daily') j;
