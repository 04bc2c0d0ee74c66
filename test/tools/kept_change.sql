-- For test/pgtap/reading_kept.sql: one change of the past, as its transaction, a delta and the rollups show it.
BEGIN;
CALL public.change(:'what');
SELECT public.wrong() AS own \gset
COMMIT;
SELECT results_eq(format('VALUES (%s::bigint, public.wrong())', :own), 'VALUES (0::bigint, 0::bigint)', :'what' || ': by its own transaction, and as a delta');
SELECT kpi.merge(source) FROM public.zone \g /dev/null
SELECT results_eq('SELECT max(public.kept(source)) < 8, public.wrong() FROM public.zone', 'VALUES (true, 0::bigint)', :'what' || ': merged');
CALL kpi.work();
SELECT ok(public.is_kept(8) AND public.wrong() = 0, :'what' || ': kept anew');
