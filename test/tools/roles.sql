-- Roles of a test file: t.fresh_roles('{a,b}') makes them, without what they own when a run before has left them. In schema t, which it makes if need be.
CREATE SCHEMA IF NOT EXISTS t;
CREATE FUNCTION t.fresh_roles(roles text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
    FOREACH r IN ARRAY roles LOOP
        IF to_regrole(r) IS NOT NULL THEN EXECUTE format('DROP OWNED BY %1$s; DROP ROLE %1$s', r); END IF;
        EXECUTE format('CREATE ROLE %I', r);
    END LOOP;
END $$;
