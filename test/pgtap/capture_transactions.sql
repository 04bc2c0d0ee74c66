-- as: superuser
-- Savepoints, nested subtransactions, exception blocks, cascades and triggers: what counts is what commits.
\ir ../tools/exact.sql
CREATE TABLE public.customer (id int PRIMARY KEY, name text);
CREATE TABLE public.sale (id int PRIMARY KEY, customer int REFERENCES public.customer ON DELETE CASCADE ON UPDATE CASCADE,
    at timestamptz DEFAULT '2024-05-01 12:00Z', amount numeric, amount_with_tax numeric GENERATED ALWAYS AS (amount * 1.21) STORED);
CREATE VIEW public.sale_facts AS SELECT at, customer, 1 AS sales, amount AS revenue, amount_with_tax AS with_tax FROM public.sale;
INSERT INTO public.customer SELECT i, 'c' || i FROM generate_series(1, 20) i;
INSERT INTO public.sale (id, customer, amount) SELECT i, i % 20 + 1, i * 0.37 FROM generate_series(1, 40) i;
SELECT kpi.track('public.sale_facts', 'at', '{customer}', 'sale', 'UTC', hour_retention => '100 years', build => 'now') \gset

SELECT plan(24);
SELECT t.exact('sale', 'a generated column is a measure');

BEGIN;
SAVEPOINT a;
INSERT INTO public.sale VALUES (101, 1, DEFAULT, 10);
RELEASE a;
SELECT t.same('sale', 'a released savepoint, before the commit');
COMMIT;
SELECT t.exact('sale', 'a released savepoint');

BEGIN;
INSERT INTO public.sale VALUES (102, 2, DEFAULT, 10);
SAVEPOINT a;
INSERT INTO public.sale VALUES (103, 2, DEFAULT, 100);
UPDATE public.sale SET amount = -1 WHERE id <= 102;
SELECT t.same('sale', 'own changes of two levels');
ROLLBACK TO a;
SELECT t.same('sale', 'own changes after ROLLBACK TO');
INSERT INTO public.sale VALUES (104, 2, DEFAULT, 1000);
COMMIT;
SELECT is((SELECT sum(revenue) FROM kpi_data.sale_daily WHERE customer = 2), (SELECT sum(amount) FROM public.sale WHERE customer = 2),
    'what ROLLBACK TO undid is not counted');
SELECT t.exact('sale', 'a savepoint that was rolled back');

BEGIN;
DELETE FROM public.sale WHERE id < 10;
ROLLBACK;
SELECT is((SELECT count(*) FROM kpi_data.sale_delta), 0::bigint, 'a transaction that rolls back leaves no delta');
SELECT t.exact('sale', 'a transaction that was rolled back');

-- 8 levels, each with changes of its own to shared and private keys; odd ones are rolled back on the way out.
BEGIN;
SAVEPOINT l1; INSERT INTO public.sale VALUES (201, 1, DEFAULT, 1);
SAVEPOINT l2; INSERT INTO public.sale VALUES (202, 2, DEFAULT, 2); UPDATE public.sale SET amount = amount + 1 WHERE id = 201;
SAVEPOINT l3; INSERT INTO public.sale VALUES (203, 1, DEFAULT, 4); DELETE FROM public.sale WHERE id = 202;
SAVEPOINT l4;
SAVEPOINT l5; INSERT INTO public.sale VALUES (205, 5, '2024-07-01 00:00Z', 16);
SAVEPOINT l6; UPDATE public.sale SET customer = 6 WHERE id IN (201, 203, 205);
SAVEPOINT l7; DELETE FROM public.sale WHERE customer = 6;
SAVEPOINT l8; INSERT INTO public.sale VALUES (208, 8, DEFAULT, 64);
SELECT t.same('sale', '8 levels deep');
RELEASE l8;
ROLLBACK TO l7;
SELECT t.same('sale', 'the two innermost levels undone');
RELEASE l6;
SAVEPOINT l6; INSERT INTO public.sale VALUES (206, 6, DEFAULT, 32); RELEASE l6;
SELECT t.same('sale', 'released and opened again');
RELEASE l4;
ROLLBACK TO l3;
INSERT INTO public.sale VALUES (203, 3, DEFAULT, 400);
SELECT t.same('sale', 'levels merged upward, then undone together');
RELEASE l1;
COMMIT;
SELECT t.exact('sale', '8 nested levels, released and rolled back');

DO $$
BEGIN
    FOR i IN 300 .. 399 LOOP
        BEGIN
            INSERT INTO public.sale VALUES (i, i % 20 + 1, DEFAULT, i);
            BEGIN
                UPDATE public.sale SET amount = amount * 2 WHERE id = i;
                IF i % 3 = 0 THEN RAISE 'inner'; END IF;
            EXCEPTION WHEN raise_exception THEN
                INSERT INTO public.sale VALUES (i + 1000, 1, DEFAULT, 0.01);
            END;
            IF i % 5 = 0 THEN RAISE 'outer'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END $$;
SELECT is((SELECT count(*) FROM public.sale WHERE id >= 300), 107::bigint, 'the exception blocks did what they should');
SELECT t.exact('sale', 'PL/pgSQL exception blocks in each other');
DO $$
BEGIN
    FOR i IN 1 .. 5 LOOP
        INSERT INTO public.sale VALUES (400 + i, 1, DEFAULT, 1);
        IF i % 2 = 0 THEN COMMIT; ELSIF i = 3 THEN ROLLBACK; END IF;
    END LOOP;
END $$;
SELECT t.exact('sale', 'a DO block that commits and rolls back on its way');

DELETE FROM public.customer WHERE id = 5;
SELECT is_empty('SELECT 1 FROM kpi_data.sale_daily WHERE customer = 5', 'ON DELETE CASCADE takes the rows out');
SELECT t.exact('sale', 'ON DELETE CASCADE');
UPDATE public.customer SET id = 50 WHERE id = 6;
SELECT t.exact('sale', 'ON UPDATE CASCADE');

-- A deferred constraint trigger writes to the tracked table during COMMIT.
CREATE FUNCTION public.deferred() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.sale VALUES (new.id + 5000, 1, DEFAULT, 7);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON public.customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.deferred();
BEGIN;
INSERT INTO public.customer VALUES (60, 'sixty');
INSERT INTO public.sale VALUES (501, 60, DEFAULT, 1);
COMMIT;
SELECT is((SELECT count(*) FROM public.sale WHERE id = 5060), 1::bigint, 'the deferred trigger ran');
SELECT t.exact('sale', 'a deferred trigger');

-- The row that counts is the row that was stored (UPDATE OF would not fire here: the statement names another column).
CREATE FUNCTION public.before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.amount = 0 THEN RETURN NULL; END IF;
    new.amount := new.amount + 1000;
    new.customer := 7;
    RETURN new;
END $$;
CREATE TRIGGER early BEFORE INSERT OR UPDATE ON public.sale FOR EACH ROW EXECUTE FUNCTION public.before();
ALTER TABLE public.sale ADD note text;
UPDATE public.sale SET note = 'touched' WHERE id < 20;
SELECT is((SELECT sum(revenue) FROM kpi_data.sale_daily WHERE customer = 7), (SELECT sum(amount) FROM public.sale WHERE customer = 7),
    'a BEFORE trigger changes a column that the UPDATE does not name');
INSERT INTO public.sale VALUES (601, 1, DEFAULT, 1), (602, 1, DEFAULT, 0), (603, 2, DEFAULT, 2);
SELECT t.exact('sale', 'BEFORE triggers that change the row or skip it');
SELECT finish();
