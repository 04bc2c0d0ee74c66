-- What a statement raises, as "SQLSTATE message | detail | hint"; 'nothing was raised'. In schema t, which it makes if need be.
CREATE SCHEMA IF NOT EXISTS t;
CREATE FUNCTION t.raised(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE s text; m text; d text; h text;
BEGIN
    EXECUTE statement;
    RETURN 'nothing was raised';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS s = RETURNED_SQLSTATE, m = MESSAGE_TEXT, d = PG_EXCEPTION_DETAIL, h = PG_EXCEPTION_HINT;
    RETURN s || ' ' || m || ' | ' || d || ' | ' || h;
END $$;
