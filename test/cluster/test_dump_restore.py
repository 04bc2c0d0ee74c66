"""A dump of a tracked database, restored into a fresh cluster: nothing is lost, nothing is counted twice, capture goes on."""
import decimal
import os

import pytest

import cluster as clusters

SETUP = """
SET client_min_messages = error;
CREATE ROLE shop_owner; CREATE ROLE analyst LOGIN;
GRANT kpi_admin TO shop_owner;
CREATE SCHEMA "Shop" AUTHORIZATION shop_owner; CREATE SCHEMA a_shop AUTHORIZATION shop_owner;
GRANT USAGE ON SCHEMA "Shop" TO analyst;
SET ROLE shop_owner;
CREATE TYPE "Shop".mood AS ENUM ('good', 'bad');
CREATE TABLE "Shop"."Pay" (id int, "At" timestamptz NOT NULL, "Country" text, mood "Shop".mood, amount numeric) PARTITION BY RANGE ("At");
CREATE TABLE "Shop"."Pay 1" PARTITION OF "Shop"."Pay" FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE "Shop"."Pay 2" PARTITION OF "Shop"."Pay" FOR VALUES FROM ('2026-02-01') TO ('2027-01-01');
CREATE VIEW "Shop"."Facts" AS SELECT "At", "Country", mood, 1 AS payments, amount AS "Amount", id % 5 AS "Who" FROM "Shop"."Pay";
CREATE TABLE a_shop.lead (id int, at timestamptz, source text, n int);
CREATE VIEW a_shop.lead_facts AS SELECT at, source, n AS leads, n % 9 AS person FROM a_shop.lead;
CREATE VIEW "Shop".both_facts AS SELECT l.at, l.n AS both_n, p.amount AS both_amount FROM a_shop.lead l JOIN "Shop"."Pay" p USING (id);
SELECT kpi.track('"Shop"."Facts"', 'At', '{Country,mood}', 'pay', 'Europe/Madrid', hour_retention => '20 days', aggregates => '{"payers": {"distinct": "Who"}}');
SELECT kpi.track('a_shop.lead_facts', 'at', '{source}', 'lead', 'UTC', aggregates => '{"people": {"distinct": "person"}, "least": {"min": "person"}, "most": {"max": "person"}, "sizes": {"percentiles": "leads"}}');
SELECT kpi.track('"Shop".both_facts', 'at', '{}', 'both', 'UTC');
SELECT kpi.add_measure('lead', 'newest_lead', '{"last": "leads"}');
SELECT kpi.add_check('fresh', 'freshness', 'pay', parameters => '{"max_age": "90 days"}', severity => 'critical', every => '1 hour');
SELECT kpi.add_check('countries', 'null_rate', relation => '"Shop"."Pay"', column_name => 'Country');
SELECT kpi.add_check('drift', 'drift', 'lead', every => '1 second');
SELECT kpi.set_unit('Amount', currency => 'EUR', decimals => 1), kpi.set_target('Amount', 12.50, '2026-01-01', '2026-01-31', '{"Country": "MX"}');
SELECT kpi.mark_sensitive('"Shop"."Pay"', 'Country');
SELECT kpi.add_probe('days', 'SELECT count(*) FROM "Shop"."Facts"', slow => '10 s');
SELECT kpi.keep_history('leads', 90, '{source}');
GRANT SELECT ON "Shop"."Facts" TO analyst;
INSERT INTO "Shop"."Pay" SELECT g, timestamptz '2026-01-02 00:00Z' + g * interval '5 hours', (ARRAY['MX', 'ES', NULL])[1 + g % 3],
    (ARRAY['good', 'bad'])[1 + g % 2]::"Shop".mood, g * 0.5 FROM generate_series(1, 300) g;
INSERT INTO a_shop.lead SELECT g, now() - g * interval '7 hours', 's' || g % 4, g FROM generate_series(1, 100) g;
"""
WATCH = """SELECT name, kind, source, relation::text, column_name, parameters::text, severity, every::text, owner::text FROM kpi.check
 UNION ALL SELECT name, 'probe', NULL, NULL, NULL, sql, severity, every::text, owner::text FROM kpi.probe
 UNION ALL SELECT h.metric, 'history', h.grain, NULL, h."by"::text, f."values"::text, f.seen_at::text, h.days::text, h.role::text
      FROM kpi.history h JOIN kpi.first_seen f USING (metric, grain, "by")
 UNION ALL SELECT column_name, 'sensitive', NULL, relation::text, NULL, NULL, NULL, NULL, NULL FROM kpi.sensitive_column ORDER BY 1"""
VIEWS = {'lead': 'day, source, leads', 'both': 'day, both_n, both_amount'}
FACTS = {'lead': "SELECT (at AT TIME ZONE 'UTC')::date, source, sum(leads) FROM a_shop.lead_facts GROUP BY 1, 2",
         'both': """SELECT (at AT TIME ZONE 'UTC')::date, sum(both_n), sum(both_amount) FROM "Shop".both_facts GROUP BY 1"""}
STATE = "SELECT name, capture, dimensions::text, timezone, hours_from, frozen_before, facts::text, base::text FROM kpi.source ORDER BY name"
TRIGGERS = """SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE tgname ~ '^kpi_(capture|truncate)_' ORDER BY 1, 2"""
GRANTS = """SELECT c.relname, a.grantee::regrole::text, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
 WHERE c.relnamespace = 'kpi_data'::regnamespace AND a.grantee > 0 AND a.grantee <> c.relowner ORDER BY 1, 2, 3"""


def plain(rows):
    """Sums compare by value: 7 is 7.0."""
    return sorted(str([float(value) if isinstance(value, (int, decimal.Decimal)) else str(value) for value in row]) for row in rows)


def exact(database, source):
    """The typed view shows what the facts view aggregates to."""
    shown = database.sql(f'SELECT {VIEWS[source]} FROM kpi_data.{source}_daily')
    return plain(shown) == plain(database.sql(FACTS[source]))


class Copy:
    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name

    def sql(self, statement, user=clusters.USER):
        return self.cluster.sql(statement, self.name, user)

    def tool(self, program, *arguments):
        return clusters.run(program, '-d', self.cluster.conninfo(self.name), *arguments).stdout

    def psql(self, path):
        return self.tool('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', path)


@pytest.fixture
def shop(make_cluster):
    cluster = make_cluster(preload=False)
    shop = Copy(cluster, cluster.create_database())
    shop.sql(SETUP)
    shop.sql("UPDATE kpi.history SET since = now() - interval '30 hours'")
    shop.sql('CALL kpi.work()')
    shop.sql("SELECT kpi.freeze('pay', '2026-01-11')")
    shop.sql("""DELETE FROM "Shop"."Pay" WHERE "At" < '2026-01-10 12:00Z'""")  # history that only the rollups know
    shop.sql("INSERT INTO a_shop.lead VALUES (1, now(), 'late', 7)")  # a delta that is not merged
    shop.sql("SELECT kpi.rebuild('both')")
    shop.sql("INSERT INTO kpi.dirty VALUES ('lead', '2026-03-01', '2026-03-02', 'a test')")
    return shop


@pytest.fixture
def fresh(make_cluster):
    def make(*roles):
        cluster = make_cluster(preload=False)
        for role in roles or ('shop_owner', 'analyst LOGIN'):
            cluster.sql(f'CREATE ROLE {role}')
        return Copy(cluster, cluster.create_database(extension=False))
    return make


KEPT = "day >= '2026-01-11'"
FROZEN = """SELECT day, payments, "Amount" FROM kpi_data.pay_daily WHERE day < '2026-01-11' ORDER BY 1, 2, 3"""
# Counted measures: of frozen days, which nothing else knows, and by day and segment.
FROZEN_PAYERS = "SELECT day, value FROM kpi.query('{payers}', '2026-01-01', '2026-01-10') ORDER BY 1"
PEOPLE = """SELECT day, segment ->> 'source', metric, value FROM kpi.query('{people,least,most}', '60d', by => '{source}', max_rows => NULL, expected => false)
 WHERE value > 0 OR value = 0 AND metric <> 'people' ORDER BY 1, 2, 3"""
PEOPLE_FACTS = """SELECT day, source, m, v FROM (SELECT (at AT TIME ZONE 'UTC')::date AS day, source, count(DISTINCT n % 9)::numeric AS a, min(n % 9) AS b, max(n % 9) AS c
                                  FROM a_shop.lead GROUP BY 1, 2) g, LATERAL (VALUES ('people', a), ('least', b), ('most', c)) k (m, v) ORDER BY 1, 2, 3"""
# Percentiles, each within 1 % of the value itself.
SIZES = """SELECT count(*) FROM kpi.query('{sizes}', '60d', expected => false) q
 JOIN (SELECT (at AT TIME ZONE 'UTC')::date AS day, percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS p FROM a_shop.lead GROUP BY 1) f USING (day)
 WHERE abs(q.value - f.p) <= 0.010001 * f.p"""
LIVE = f'SELECT day, sum(payments) FROM kpi_data.pay_daily WHERE {KEPT} GROUP BY 1 ORDER BY 1'
LIVE_FACTS = """SELECT ("At" AT TIME ZONE 'Europe/Madrid')::date, count(*) FROM "Shop"."Facts"
 WHERE ("At" AT TIME ZONE 'Europe/Madrid')::date >= '2026-01-11' GROUP BY 1 ORDER BY 1"""


def assert_reads(shop, copy):
    """Before any worker has touched the copy."""
    assert len(shop.sql(WATCH)) == 5 + shop.sql('SELECT count(*) FROM kpi.first_seen')[0][0] >= 6
    for query in (STATE, GRANTS, WATCH, 'SELECT name, formula, owner::text, unit, currency, decimals FROM kpi.metric ORDER BY name',
                  'SELECT metric, segment::text, first_day, last_day, value FROM kpi.target'):
        assert copy.sql(query) == shop.sql(query), query
    for source in ('lead', 'both'):
        assert exact(copy, source), source
    assert copy.sql(FROZEN) == shop.sql(FROZEN) and len(copy.sql(FROZEN)) > 10
    assert copy.sql(LIVE) == copy.sql(LIVE_FACTS) == shop.sql(LIVE)
    assert_counted(shop, copy)


def assert_counted(shop, copy):
    assert copy.sql(FROZEN_PAYERS) == shop.sql(FROZEN_PAYERS) and sum(value for _, value in copy.sql(FROZEN_PAYERS)) > 10
    assert copy.sql(PEOPLE) == copy.sql(PEOPLE_FACTS)
    assert copy.sql(SIZES) == copy.sql("SELECT count(DISTINCT (at AT TIME ZONE 'UTC')::date) FROM a_shop.lead")


def assert_goes_on(shop, copy):
    assert copy.sql(TRIGGERS) == shop.sql(TRIGGERS)
    assert all(enabled == 'A' for _, _, enabled in copy.sql(TRIGGERS))
    copy.sql('CALL kpi.work()')
    copy.sql('CALL kpi.work()')
    assert copy.sql('SELECT * FROM kpi.dirty') == []
    for source in ('pay', 'lead', 'both'):
        assert copy.sql(f"SELECT * FROM kpi.verify('{source}')") == [], source
    assert copy.sql(FROZEN) == shop.sql(FROZEN) and copy.sql(LIVE) == copy.sql(LIVE_FACTS)
    assert_counted(shop, copy)
    # Capture goes on, on every partition, also where triggers of users do not fire.
    copy.sql("""INSERT INTO "Shop"."Pay" VALUES (1, '2026-01-20', 'NEW', 'bad', 1), (2, '2026-05-05', 'NEW', 'good', 2);
                SET session_replication_role = replica;
                INSERT INTO "Shop"."Pay 1" VALUES (3, '2026-01-20', 'NEW', 'bad', 4);
                INSERT INTO "Shop"."Pay 2" VALUES (4, '2026-05-05', 'NEW', 'bad', 8); UPDATE a_shop.lead SET n = n + 1""")
    assert copy.sql('SELECT * FROM kpi.dirty') == []
    assert copy.sql("SELECT sum(\"Amount\"), sum(payments) FROM kpi_data.pay_daily WHERE \"Country\" = 'NEW'") == [(15, 4)]
    assert exact(copy, 'lead')
    copy.sql('CALL kpi.work()')
    # Checks and probes run there as here, and have told nobody.
    assert copy.sql('SELECT name, state FROM kpi.check_status ORDER BY 1') == [('countries', 'failing'), ('drift', 'ok'), ('fresh', 'failing')]
    assert copy.sql('SELECT name, runs > 0, failed FROM kpi.probe_stats') == [('days', True, 0)]
    assert copy.sql('SELECT * FROM kpi.outbox') == []
    assert [copy.sql(f"SELECT * FROM kpi.verify('{source}')") for source in ('pay', 'lead')] == [[], []]
    # The roles may do what they could.
    assert copy.sql('SELECT sum(payments) > 0 FROM kpi_data.pay_daily', 'analyst') == [(True,)]
    with pytest.raises(Exception, match='permission denied'):
        copy.sql('SELECT * FROM kpi_data.lead_daily', 'analyst')
    copy.sql('GRANT kpi_admin TO shop_owner')
    copy.sql("SET ROLE shop_owner; SELECT kpi.rebuild('lead'); SELECT kpi.untrack('both')")


def assert_same(shop, copy):
    assert_reads(shop, copy)
    assert ('lead', 'a test') in copy.sql('SELECT source, why FROM kpi.dirty')
    assert_goes_on(shop, copy)


def test_a_plain_dump(shop, fresh):
    copy = fresh()
    path = os.path.join(copy.cluster.path, 'dump.sql')
    shop.tool('pg_dump', '-f', path)
    copy.psql(path)
    assert_same(shop, copy)


def test_a_custom_dump_in_parallel(shop, fresh):
    copy = fresh()
    path = os.path.join(copy.cluster.path, 'dump')
    shop.tool('pg_dump', '-Fc', '-f', path)
    copy.tool('pg_restore', '-j', '2', '--exit-on-error', path)
    assert_same(shop, copy)
    # And over itself.
    clusters.run('pg_restore', '-d', copy.cluster.conninfo(copy.name), '--clean', '--if-exists', '--single-transaction', path)
    assert copy.sql('SELECT count(*) FROM "Shop"."Pay"') == shop.sql('SELECT count(*) FROM "Shop"."Pay"')
    assert_same(shop, copy)


@pytest.mark.parametrize('options', [[], ['--disable-triggers']])
def test_schema_and_data_apart(shop, fresh, options):
    copy = fresh()
    for part in ('--schema-only', '--data-only'):
        path = os.path.join(copy.cluster.path, part)
        shop.tool('pg_dump', part, *(options if part == '--data-only' else []), '-f', path)
        copy.psql(path)
    assert_reads(shop, copy)
    # ENABLE TRIGGER ALL left capture out of replication; where the registry came later than the table nobody saw it.
    for source in ('pay', 'lead'):
        copy.sql(f"SELECT kpi.rebuild('{source}')")
    assert_goes_on(shop, copy)
