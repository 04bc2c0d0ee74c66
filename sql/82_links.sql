-- Links in messages about incidents: signed, expiring, good for one thing each. The page they lead to is kpi_web's.

CREATE TABLE kpi.link_key (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    key     bytea NOT NULL CHECK (pg_catalog.octet_length(key) >= 32),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE kpi.link_key IS 'The key that signs links in messages. For superusers only, and never in a dump: links of a database do nothing to a copy of it';

CREATE FUNCTION kpi.rotate_link_key() RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    BEGIN ATOMIC
        -- Version 4 UUIDs come from the strong random source of the server, 122 bits each.
        INSERT INTO kpi.link_key (key)
        SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
            ON CONFLICT (one) DO UPDATE SET key = excluded.key, made_at = clock_timestamp();
    END;
COMMENT ON FUNCTION kpi.rotate_link_key() IS 'Makes a new key for links in messages: all that were sent do nothing any more. For when messages have gone where they should not';
SELECT kpi.rotate_link_key();

CREATE FUNCTION kpi.incident_link(incident bigint, action text DEFAULT 'acknowledge') RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_incident_link';
COMMENT ON FUNCTION kpi.incident_link(bigint, text) IS
    'A link that acknowledges an incident or silences it, good for 72 hours, for whoever has it; action: acknowledge, snooze (4 hours), or snooze with hours, e.g. snooze 24. Needs kpi.public_url';
CREATE FUNCTION kpi.read_link(token text) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE CALLED ON NULL INPUT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_read_link';
COMMENT ON FUNCTION kpi.read_link(text) IS
    'What a link would do, or has done (done): incident, title, severity, state, since, acknowledged_by, action (acknowledge or snooze), hours and until of a snooze, expires_at, and the language for the page. Changes nothing. 28000: the token is not valid; 55000: it has expired';
CREATE FUNCTION kpi.follow_link(token text) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE CALLED ON NULL INPUT SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS 'MODULE_PATHNAME', 'kpi_ext_follow_link';
COMMENT ON FUNCTION kpi.follow_link(text) IS
    'Does what the link says, once; again it changes nothing. Returns what kpi.read_link then shows. The token is the authority: the story of the incident says that it was by link. 28000: the token is not valid; 55000: it has expired, or the incident is over';
REVOKE ALL ON FUNCTION kpi.rotate_link_key(), kpi.incident_link(bigint, text), kpi.read_link(text), kpi.follow_link(text) FROM PUBLIC;
