-- What kpi_web asks beside the functions that are for everybody.

CREATE FUNCTION kpi._incident_links(incident bigint) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Whoever is shown these links may use them: only who could acknowledge by itself gives them away.
    IF NOT pg_has_role('kpi_operator', 'USAGE') OR coalesce(current_setting('kpi.public_url', true), '') = '' THEN
        RETURN '{"acknowledge": null, "snooze": null}';
    END IF;
    RETURN jsonb_build_object('acknowledge', kpi.incident_link(incident, 'acknowledge'), 'snooze', kpi.incident_link(incident, 'snooze'));
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    -- Over since the list was read, or no key to sign with: one incident without links, not no list.
    RETURN '{"acknowledge": null, "snooze": null}';
END $$;
COMMENT ON FUNCTION kpi._incident_links(bigint) IS
    'Internal: the signed links of an open incident for a page; null for a role that is no kpi_operator, without kpi.public_url, and when it is over';
REVOKE ALL ON FUNCTION kpi._incident_links(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION kpi._incident_links(bigint) TO kpi_reader;
