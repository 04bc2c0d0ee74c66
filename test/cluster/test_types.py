"""Every type a dimension may have: from the writer through merge, repair, reading and filters to a dump and its restore. What cannot
be a dimension is refused by kpi.track, with a hint that mends when it is followed.

Each type is one row of TYPES: a name, the type as SQL, values that must stay apart, and spellings that must fall together.
"""
import os
import re

import psycopg2
import pytest

import cluster as clusters

SETUP = """
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE SCHEMA odd;
CREATE TYPE odd."Mood" AS ENUM ('good', 'bad', 'o''k');
CREATE TYPE odd.pair AS (a int, b char(3));
CREATE TYPE odd.timerange AS RANGE (subtype = time);
CREATE DOMAIN odd.code AS char(3) CHECK (value <> 'xxx');
CREATE DOMAIN odd.outer_code AS odd.code;
CREATE DOMAIN odd.cents AS numeric(8, 2);
CREATE DOMAIN odd.pairs AS odd.pair;
CREATE COLLATION odd.blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION odd."German" (provider = icu, locale = 'de-DE');
"""
TYPES = [
    ('char2', 'char(2)', ["'MX'", "'ES'", "'A'"], ["'A '"]),
    ('char6', 'char(6)', ["'US'", "'USA'"], ["'US  '"]),
    ('varchar', 'varchar(5)', ["'US'", "'US '", "'abcde'"], []),
    ('varchar_free', 'varchar', ["''", "'x'"], []),
    ('text', 'text', ["''", "' '", "'O''Brien \"x\"'", "repeat('long ', 3000)"], []),
    ('name', 'name', ["'a'", "'b'"], []),
    ('one_char', '"char"', ["'a'", "'b'"], []),
    ('citext', 'citext', ["'Mexico'", "'Spain'"], ["'MEXICO'"]),
    ('collated', 'text COLLATE odd."German"', ["'ä'", "'a'"], []),
    ('blind', 'text COLLATE odd.blind', ["'a'", "'b'"], ["'A'"]),
    ('bool', 'boolean', ['true', 'false'], []),
    ('int2', 'smallint', ['1', '-1'], []),
    ('int8', 'bigint', ['9007199254740993', '9007199254740992'], []),
    ('numeric', 'numeric', ['1.0', '1e-20', "'NaN'"], ['1.00']),
    ('numeric_ps', 'numeric(12, 2)', ['1.00', '123456789.25'], ['1.004']),
    ('numeric_neg', 'numeric(5, -2)', ['100', '12300'], ['140']),
    ('float4', 'real', ['0.1', '0', "'NaN'"], ["'-0'"]),
    ('float8', 'double precision', ['0.1', '1e300', "'Infinity'", '0'], ["'-0'"]),
    ('date', 'date', ["'2026-01-02'", "'0044-03-15 BC'", "'infinity'"], []),
    ('time', 'time(0)', ["'10:00'", "'10:01'"], ["'10:00:00.4'"]),
    ('timetz', 'timetz', ["'10:00+02'", "'10:00+03'"], []),
    ('timestamp', 'timestamp(3)', ["'2026-01-02 10:00:00.123'", "'2026-01-02 10:00:00.124'"], ["'2026-01-02 10:00:00.12301'"]),
    ('timestamptz', 'timestamptz(0)', ["'2026-01-02 10:00Z'", "'2026-01-02 10:01Z'"], ["'2026-01-02 12:00+02'"]),
    ('interval', 'interval(0)', ["'1 day'", "'1 hour'"], ["'24 hours'"]),
    ('interval_ds', 'interval day to second(3)', ["'1 day 00:00:01.5'", "'2 days'"], []),
    ('uuid', 'uuid', ["'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000002'"], []),
    ('inet', 'inet', ["'10.0.0.1'", "'10.0.0.1/8'"], []),
    ('cidr', 'cidr', ["'10.0.0.0/8'", "'10.0.0.0/9'"], []),
    ('macaddr', 'macaddr', ["'08:00:2b:01:02:03'", "'08:00:2b:01:02:04'"], []),
    ('bytea', 'bytea', [r"'\x00'", r"'\x'", r"'\x0001'"], []),
    ('jsonb', 'jsonb', ["""'{"a": 1}'""", "'null'", "'1'"], ["'1.0'"]),
    ('mood', 'odd."Mood"', ["'good'", "'bad'", "'o''k'"], []),
    ('domain', 'odd.code', ["'abc'", "'a'"], ["'a  '"]),
    ('domain2', 'odd.outer_code', ["'abc'", "'a'"], []),
    ('cents', 'odd.cents', ['1.25', '1.3'], ['1.254']),
    ('composite', 'odd.pair', ["(1, 'x')", "(1, NULL)", "(NULL, NULL)"], ["(1, 'x ')"]),
    ('composite_domain', 'odd.pairs', ["(1, 'x')", "(2, 'y')"], []),
    ('int4range', 'int4range', ["'[1,3)'", "'empty'", "'(,)'"], ["'[1,2]'"]),
    ('tstzrange', 'tstzrange', ["'[2026-01-01 00:00Z,2026-01-02 00:00Z)'", "'(2026-01-01 00:00Z,2026-01-02 00:00Z)'"], []),
    ('timerange', 'odd.timerange', ["'[10:00,11:00)'", "'[10:00,12:00)'"], []),
    ('multirange', 'nummultirange', ["'{[1,2),[3,4)}'", "'{}'"], ["'{[1.0,2),[3,4)}'"]),
    ('text_array', 'text[]', ["'{a,NULL}'", "'{}'", "'{{a},{b}}'"], []),
    ('char_array', 'char(2)[]', ["'{A,MX}'", "'{ES}'"], ["'{\"A \",MX}'"]),
    ('varchar_array', 'varchar(3)[]', ["'{abc}'", "'{ab}'"], []),
    ('numeric_array', 'numeric(6, 1)[]', ["'{1.5}'", "'{2}'"], ["'{1.51}'"]),
    ('mood_array', 'odd."Mood"[]', ["'{good}'", "'{bad,good}'"], []),
    ('domain_array', 'odd.code[]', ["'{abc}'", "'{a}'"], []),
    ('range_array', 'int4range[]', ["'{\"[1,3)\"}'", "'{}'"], []),
    ('composite_array', 'odd.pair[]', ["ARRAY[(1, 'x')::odd.pair]", "ARRAY[(2, 'x')::odd.pair]"], []),
    ('lsn', 'pg_lsn', ["'0/1'", "'0/2'"], []),
    ('oid', 'oid', ['1', '4294967295'], []),
    ('regclass', 'regclass', ["'pg_class'", "'pg_type'"], []),
    ('tid', 'tid', ["'(0,1)'", "'(0,2)'"], []),
    ('xid', 'xid', ["'1'", "'2'"], []),
]
# type, what the error and its hint say, the expression that the hint means
REFUSED = [
    ('bit(3)', r'd::text AS d', 'd::text'),
    ('bit varying(5)', r'd::text AS d', 'd::text'),
    ('bit(3)[]', r'elements are of type bit.*d::text\[\] AS d', 'd::text[]'),
    ('json', r'd::text AS d', 'd::text'),
    ('xml', r'd::text AS d', 'd::text'),
    ('tsvector', r'd::text AS d', 'd::text'),
    ('tsvector[]', r'elements are of type tsvector.*d::text\[\] AS d', 'd::text[]'),
    ('money', r'store it in the table', None),
    ('money[]', r'elements are of type money.*store it in the table', None),
    ('point', r'd\[0\] AS x, d\[1\] AS y', 'd[0]'),
    ('point[]', r'elements are of type point.*Leave it out', None),
    ('circle', r'Leave it out', None),
    ('odd_row', r'fields include one of type json.*\(d\)\.field AS field', '(d).n'),
    ('odd_row[]', r'Leave it out', None),
    ('money_range', r'', None),
]


class Session:
    """One connection for all statements: there are thousands."""

    def __init__(self, database):
        self.connection = database.connect()

    def sql(self, statement, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []


def facts(type_name, expression='d'):
    return f'SELECT at, {expression} AS d, v AS v_{type_name} FROM t_{type_name}'


def make(db, name, type_sql):
    db.sql(f"""CREATE TABLE t_{name} (id int GENERATED ALWAYS AS IDENTITY, at timestamptz, d {type_sql}, v int);
               CREATE VIEW {name}_facts AS {facts(name)};
               SELECT kpi.track('{name}_facts', 'at', '{{d}}', '{name}', 'UTC')""")


def write(db, name, values):
    for i, value in enumerate(values):
        db.sql(f"INSERT INTO t_{name} (at, d, v) VALUES ('2026-11-20 10:00Z', {value}, {2 ** i}), ('2026-11-21 10:00Z', {value}, {2 ** i})")


def groups(db, name):
    """One row a group: a value as JSON, the same as text in JSON, and the sum."""
    return db.sql(f"""SELECT min(to_jsonb(d)::text), min(to_jsonb(d::text)::text), sum(v)::int
                        FROM t_{name} GROUP BY d ORDER BY 3""")


def check(db, name, step):
    """The hidden tables, kpi.query by segment, its filters and the typed view all say what the table says."""
    wrong = db.sql(f"SELECT * FROM kpi.verify('{name}')")
    assert wrong == [], (name, step, wrong)
    expected = groups(db, name)
    sums = [total for _, _, total in expected]
    shown = db.sql(f"SELECT value::int FROM kpi.query('{{v_{name}}}', '2026-11-20', '2026-11-21', by => '{{d}}', grain => 'total') ORDER BY 1")
    assert shown == [(total,) for total in sums], (name, step)
    for value, text, total in expected:
        # objects, arrays and null mean something else in a filter: such values are given as text
        for chosen in {text or 'null'} if value is not None and value[0] in '[{n' else {value or 'null', text or 'null'}:
            filters = f'{{"d": {chosen}}}'
            found = db.sql(f"SELECT value::int FROM kpi.query('{{v_{name}}}', '2026-11-20', '2026-11-21', %s, grain => 'total')", (filters,))
            assert found == [(total,)], (name, step, filters)
    typed = db.sql(f'SELECT sum(v_{name})::int FROM kpi_data.{name}_daily GROUP BY d ORDER BY 1')
    assert typed == [(total,) for total in sums], (name, step)


def merged(db, name):
    return db.sql(f"""SELECT (SELECT count(*) FROM kpi_data.{name}_delta), EXISTS (SELECT FROM kpi_data.{name}_rollup_day),
                             EXISTS (SELECT FROM kpi.dirty WHERE source = '{name}')""")[0]


def test_every_type_goes_all_the_way(unattended):
    db = Session(unattended)
    db.sql(SETUP)
    for name, type_sql, apart, together in TYPES:
        make(db, name, type_sql)
        write(db, name, apart)
        check(db, name, 'built from nothing')
    db.sql('CALL kpi.work()')
    for name, type_sql, apart, together in TYPES:
        assert len(groups(db, name)) == len(apart), name
        assert merged(db, name) == (0, True, False), name
        write(db, name, together + ['NULL'])
        check(db, name, 'with deltas')
        assert len(groups(db, name)) == len(apart) + 1, name
    db.sql('CALL kpi.work()')
    assert db.sql('SELECT source, last_error FROM kpi.source_state WHERE last_error IS NOT NULL') == []
    for name, type_sql, apart, together in TYPES:
        assert merged(db, name) == (0, True, False), name
        check(db, name, 'merged')
        db.sql(f"UPDATE t_{name} SET v = v + 100, at = at + interval '1 hour' WHERE id = 1; DELETE FROM t_{name} WHERE id = 2")
        check(db, name, 'changed')
        assert db.sql(f"SELECT kpi.merge('{name}') > 0") == [(True,)], name
        check(db, name, 'merged by hand')
        db.sql(f"SELECT kpi.rebuild('{name}')")
        check(db, name, 'rebuilt')

    cluster = unattended.cluster
    path = os.path.join(cluster.path, 'types.dump')
    clusters.run('pg_dump', '-Fc', '-f', path, '-d', cluster.conninfo(unattended.name))
    restored = cluster.create_database(extension=False)
    clusters.run('pg_restore', '--exit-on-error', '-d', cluster.conninfo(restored), path)
    copy = Session(type(unattended)(cluster, restored))
    for name, type_sql, apart, together in TYPES:
        assert groups(copy, name) == groups(db, name), name
        check(copy, name, 'restored')
        write(copy, name, apart)
        check(copy, name, 'restored and written to')
    copy.sql('CALL kpi.work()')
    copy.sql('CALL kpi.work()')
    for name, type_sql, apart, together in TYPES:
        assert merged(copy, name) == (0, True, False), name
        check(copy, name, 'restored and merged')
    shape = """SELECT format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation::text FROM pg_attribute a
                WHERE a.attrelid = 'kpi_data.%s_rollup_day'::regclass AND a.attname = 'd1'"""
    kept = {'char2': 'character(2)', 'numeric_ps': 'numeric(12,2)', 'domain2': 'character(3)', 'char_array': 'character(2)[]',
            'interval': 'interval(0)', 'varchar': 'character varying(5)'}
    for name, wanted in kept.items():
        assert copy.sql(shape % name)[0][0] == db.sql(shape % name)[0][0] == wanted


def refusal(db, statement):
    with pytest.raises(psycopg2.Error) as caught:
        db.sql(statement)
    error = caught.value
    assert not (error.diag.context or '').strip(), error.diag.context
    return error.pgcode, ' '.join(filter(None, [error.diag.message_primary, error.diag.message_detail, error.diag.message_hint]))


def test_what_cannot_be_a_dimension_is_refused_with_its_mend(database):
    database.sql(SETUP)
    database.sql("CREATE TYPE odd_row AS (n int, j json); CREATE TYPE money_range AS RANGE (subtype = money)")
    for place, (type_sql, says, mended) in enumerate(REFUSED):
        name = f'r{place}'
        database.sql(f'CREATE TABLE t_{name} (at timestamptz, d {type_sql}, v int); CREATE VIEW {name}_facts AS {facts(name)}')
        track = f"SELECT kpi.track('{name}_facts', 'at', '{{d}}', '{name}', 'UTC')"
        state, text = refusal(database, track)
        assert state == '42804' and 'dimension "d" is of type' in text and 'cannot be hashed' in text, (type_sql, state, text)
        assert re.search(says, text), (type_sql, text)
        if mended is None:
            continue
        database.sql(f"""DROP VIEW {name}_facts; CREATE VIEW {name}_facts AS {facts(name, mended)};
                         {track}; INSERT INTO t_{name} (at, v) VALUES ('2026-11-20 10:00Z', 5); SELECT kpi.rebuild('{name}')""")
        assert database.sql(f"SELECT * FROM kpi.verify('{name}')") == []


def test_as_many_measures_as_are_allowed_work_everywhere(unattended):
    db = unattended
    db.sql('CREATE TABLE t (at timestamptz, x numeric, ' + ', '.join(f'd{i} text' for i in range(12)) + ')')
    columns = ', '.join(f'd{i}' for i in range(12))
    for name, count in (('most', 160), ('more', 161), ('many', 420)):
        measures = ', '.join(f'x + {i} AS {name}_{i}' for i in range(count))
        db.sql(f'CREATE VIEW {name}_facts AS SELECT at, {columns}, {measures} FROM t')
    dimensions = '{' + columns + '}'
    db.sql(f"SELECT kpi.track('most_facts', 'at', '{dimensions}', 'most', 'UTC')")
    for name in ('more', 'many'):
        state, text = refusal(db, f"SELECT kpi.track('{name}_facts', 'at')")
        assert state == '54011' and 'at most 160 measures' in text and 'Track two views' in text, text
    insert = "INSERT INTO t SELECT '2026-11-20 10:00Z', %s, " + ', '.join(f"'{i}'" for i in range(12))
    db.sql(insert % "1.5" + "; " + insert % "'NaN'" + "; " + insert % "'Infinity'" + "; " + insert % "'-Infinity'" + "; " + insert % "repeat('9', 60)::numeric")
    db.sql('CALL kpi.work()')
    db.sql("DELETE FROM t WHERE x IN ('NaN', 'Infinity', '-Infinity')")
    db.sql('CALL kpi.work()')
    assert db.sql("SELECT * FROM kpi.verify('most')") == []
    assert db.sql('SELECT count(*) FROM kpi_data.most_delta') == [(0,)]
    db.sql("SELECT kpi.rebuild('most')")
    assert db.sql("SELECT * FROM kpi.verify('most')") == []
    assert db.sql("""SELECT count(*), sum(value) = 160 * (1.5 + repeat('9', 60)::numeric) + 2 * 12720
                       FROM kpi.query(NULL, '2026-11-20', '2026-11-20')""") == [(160, True)]
    assert db.sql('SELECT most_159 FROM kpi_data.most_daily') == db.sql('SELECT sum(x + 159) FROM t')
