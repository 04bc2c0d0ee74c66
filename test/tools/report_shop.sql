-- What tests of reports report on: forty days of the sales pack, owned by p_owner, as whom it ends; t.lines reads a report.
\ir raised.sql
\ir roles.sql
SELECT t.fresh_roles('{p_owner,p_other,p_operator,p_reader}') \gset
GRANT kpi_admin TO p_owner, p_other; GRANT kpi_operator TO p_operator; GRANT kpi_reader TO p_reader;
GRANT CREATE, USAGE ON SCHEMA public TO p_owner; GRANT USAGE ON SCHEMA t TO PUBLIC; GRANT CREATE ON SCHEMA t TO p_owner;
SET ROLE p_owner;
SET timezone = 'America/Lima';
CREATE TABLE public.leads (created_at timestamptz, country text, source text);
CREATE TABLE public.payments (created_at timestamptz, country text, source text, status text, amount numeric);
INSERT INTO public.leads SELECT timestamptz '2026-03-01 12:00Z' + d * interval '1 day', 'MX', 'google' FROM generate_series(0, 39) d, generate_series(0, d % 5) n WHERE d <> 20;
INSERT INTO public.payments SELECT timestamptz '2026-03-01 13:00Z' + d * interval '1 day', 'MX', 'google', CASE WHEN n = 1 THEN 'failed' ELSE 'paid' END, 10.50 + n
  FROM generate_series(0, 39) d, generate_series(0, d % 3) n WHERE d <> 20;
SELECT count(*) AS installed FROM kpi.install_sales(timezone => 'UTC') \gset
SELECT kpi.rebuild(name) FROM kpi.source;
CREATE FUNCTION t.lines(report bigint) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT l FROM string_to_table(convert_from(kpi.report_content(report), 'UTF8'), E'\r\n') l $$;
