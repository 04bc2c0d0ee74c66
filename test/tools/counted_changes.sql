-- For test/pgtap/counted_*.sql: rows that move, go, all go and come back, and a change that no trigger saw. Set `table`, which is the source too,
-- `check`, the function that compares, and `change`, what the UPDATE sets.
UPDATE public.:table SET at = at + interval '5 days' WHERE id % 13 = 0;
DELETE FROM public.:table WHERE id % 19 = 0;
SELECT :check('moved');
SELECT t.exact(:'table', 'moved: sums and verify');
BEGIN; TRUNCATE public.:table; SELECT :check('emptied'); ROLLBACK;
CREATE TABLE public.kept AS TABLE public.:table;
TRUNCATE public.:table;
INSERT INTO public.:table SELECT * FROM public.kept WHERE id % 3 > 0;
SELECT :check('emptied and filled anew');
CALL kpi.work();
SELECT :check('repaired');
\set trigger kpi_capture_ :table
ALTER TABLE public.:table DISABLE TRIGGER :trigger;
UPDATE public.:table SET :change WHERE id % 6 = 1;
ALTER TABLE public.:table ENABLE TRIGGER :trigger;
CALL kpi.work();
SELECT :check('what no trigger saw is added by the repair');
SELECT t.exact(:'table', 'repaired: sums and verify');
