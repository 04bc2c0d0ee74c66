-- pg_restore --jobs loads the tables of an extension in any order: it forgets the foreign keys among them, and a metric that
-- comes before its measure would fail. Only the extension's own functions write these tables, and they keep the order; so
-- the check on the referencing side is off, and the cascade from the referenced side stays.
DO $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT g.tgrelid::pg_catalog.regclass AS relation, g.tgname
               FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_constraint c ON c.oid = g.tgconstraint
              WHERE c.contype = 'f' AND g.tgrelid = c.conrelid AND g.tgname LIKE 'RI\_ConstraintTrigger\_c\_%'
                AND c.connamespace = 'kpi'::pg_catalog.regnamespace
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', t.relation, t.tgname);
    END LOOP;
END $$;
