"""Random work on two tracked tables: what one transaction of a writer does, as SQL, from a random generator alone.

Source ev: a partitioned table, an expression that can divide by zero. Source pay: a plain table below a customer with cascades.
The same generator gives the same statements, so a seed replays what each session does (not how sessions interleave).
"""
SETUP = """
CREATE TABLE ev (id int, at timestamptz NOT NULL, kind text, amount numeric, b int DEFAULT 1, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (MINVALUE) TO ('2024-02-01');
CREATE TABLE ev_2 (junk int, b int DEFAULT 1, amount numeric, kind text, at timestamptz NOT NULL, id int NOT NULL);
ALTER TABLE ev_2 DROP junk;
ALTER TABLE ev ATTACH PARTITION ev_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE ev_3 PARTITION OF ev DEFAULT;
CREATE VIEW ev_facts AS SELECT at, kind, 1 AS evs, amount / b AS share, b AS batch FROM ev WHERE amount IS NOT NULL;
CREATE TABLE customer (id int PRIMARY KEY);
INSERT INTO customer SELECT generate_series(1, 40);
CREATE TABLE pay (id int PRIMARY KEY, customer int REFERENCES customer ON DELETE CASCADE ON UPDATE CASCADE, at timestamp, paid boolean, amount numeric);
CREATE VIEW pay_facts AS SELECT at, customer, paid, amount AS revenue, 1 AS pays, round(amount) AS rounded, id % 7 AS visitor FROM pay;
INSERT INTO ev SELECT i, timestamptz '2024-01-01' + i * interval '1 hour', 'k' || i % 4, i, i % 5 FROM generate_series(1, 2000) i;
INSERT INTO pay SELECT i, i % 40 + 1, timestamp '2024-03-01' + i * interval '1 hour', i % 2 = 0, i * 0.01 FROM generate_series(1, 1000) i;
SELECT kpi.track('ev_facts', 'at', '{kind}', 'ev', 'Europe/Madrid', hour_retention => '100 years',
    aggregates => '{"batches": {"distinct": "batch"}, "last_batch": {"max": "batch"}, "newest": {"last": "batch"}}');
SELECT kpi.track('pay_facts', 'at', '{customer,paid}', 'pay', 'America/New_York', hour_retention => '100 years',
    aggregates => '{"prices": {"distinct": "rounded"}, "visitors": {"distinct": "visitor"}, "dearest": {"max": "rounded"}, "cheapest": {"min": "rounded"}, "sizes": {"percentiles": "rounded"},
        "opening": {"first": "rounded"}, "closing": {"last": "rounded"}}');
"""
# What the facts views show, for plain SQL: rows that raise left out (NaN / 0 is NaN).
FACTS = {'pay': None, 'ev': """
    SELECT at, kind, 1 AS evs, amount / b AS share, b AS batch FROM (SELECT * FROM ev WHERE b <> 0 OR amount = 'NaN' OFFSET 0) g
     WHERE amount IS NOT NULL"""}


def span(rng):
    low = rng.randrange(2500)
    return f'BETWEEN {low} AND {low + rng.randrange(12)}'


def moment(rng):
    return rng.choice([f"'2024-01-01'::timestamptz + {rng.randrange(100000)} * interval '1 minute'", "'2024-03-31 00:59Z'", "'2024-10-27 01:30Z'",
                       "'infinity'"] + [f"'2024-02-{rng.randrange(1, 29):02} 12:00Z'"] * 3)


def number(rng):
    return rng.choice(['0', 'NULL', "'NaN'", "'Infinity'", "'-Infinity'", '1e25', '-0.000000000000000001', str(rng.randrange(-999, 999) / 8)])


def kind(rng):
    return rng.choice(['NULL', "''", "'k0'", "'k1'", "'k2'", f"'r{rng.randrange(30)}'"])


def statement(rng):
    """One statement that leaves the transaction usable unless it fails."""
    new = rng.randrange(2500)
    return rng.choice([
        lambda: f"INSERT INTO ev SELECT i, {moment(rng)}, {kind(rng)}, {number(rng)}, i % 3 FROM generate_series({new}, {new + rng.randrange(20)}) i "
                'ON CONFLICT DO NOTHING',
        lambda: f'INSERT INTO ev_2 (id, at, kind, amount) VALUES ({new}, {chr(39)}2024-02-{rng.randrange(1, 29):02} 10:00Z{chr(39)}, {kind(rng)}, {number(rng)}) '
                'ON CONFLICT DO NOTHING',
        lambda: f'UPDATE ev SET amount = amount + {number(rng)} WHERE id {span(rng)}',
        lambda: f'UPDATE ev SET kind = {kind(rng)}, b = {rng.randrange(3)} WHERE id {span(rng)}',
        lambda: f"UPDATE ev SET at = at + {rng.randrange(-40, 40)} * interval '1 day' WHERE isfinite(at) AND id {span(rng)}",
        lambda: f'UPDATE ev SET amount = NULL WHERE id {span(rng)}',
        lambda: f'DELETE FROM ev WHERE id {span(rng)}',
        lambda: f"INSERT INTO pay SELECT i, {rng.randrange(1, 41)}, timestamp '2024-03-10' + i * interval '9 minutes', i % 3 = 0, {number(rng)} "
                f'FROM generate_series({new}, {new + 5}) i ON CONFLICT (id) DO UPDATE SET amount = excluded.amount, paid = NULL',
        lambda: f'MERGE INTO pay p USING (SELECT i, i * 0.5 AS amount FROM generate_series({new}, {new + 9}) i) n ON p.id = n.i '
                'WHEN MATCHED AND n.i % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET amount = n.amount '
                f"WHEN NOT MATCHED THEN INSERT VALUES (n.i, {rng.randrange(1, 41)}, '2024-03-10 02:30', true, n.amount)",
        lambda: f'DELETE FROM customer WHERE id = {rng.randrange(1, 41)}',
        lambda: 'INSERT INTO customer SELECT generate_series(1, 40) ON CONFLICT DO NOTHING',
        lambda: f'UPDATE customer SET id = {rng.randrange(41, 60)} WHERE id = {rng.randrange(1, 60)}',
        lambda: f'DO $$ BEGIN FOR i IN {new} .. {new + 6} LOOP BEGIN UPDATE pay SET amount = amount + 1 WHERE id = i; '
                f"IF i % 2 = 0 THEN RAISE 'undo'; END IF; EXCEPTION WHEN raise_exception THEN DELETE FROM ev WHERE id = i; END; END LOOP; END $$",
    ])()


def transaction(rng):
    """(statement, ...) from BEGIN to its end; a PREPARE TRANSACTION has the name {name}."""
    out = ['BEGIN ISOLATION LEVEL ' + rng.choice(['READ COMMITTED'] * 4 + ['REPEATABLE READ', 'SERIALIZABLE'])]
    if rng.random() < 0.1:
        out.append('SET LOCAL session_replication_role = replica')
    open_savepoints = 0
    for _ in range(rng.randrange(1, 9)):
        step = rng.random()
        if step < 0.2:
            open_savepoints += 1
            out.append(f'SAVEPOINT s{open_savepoints}')
        elif step < 0.3 and open_savepoints:
            out.append(f'RELEASE s{open_savepoints}')
            open_savepoints -= 1
        elif step < 0.4 and open_savepoints:
            open_savepoints = rng.randrange(1, open_savepoints + 1)
            out.append(f'ROLLBACK TO s{open_savepoints}')
        else:
            out.append(statement(rng))
    out.append(rng.choice(['COMMIT'] * 7 + ['ROLLBACK', "PREPARE TRANSACTION '{name}'", "PREPARE TRANSACTION '{name}'"]))
    return out


def upheaval(rng):
    """A transaction with what is not MVCC; readers that compare with the table take the same lock, shared."""
    body = rng.choice([
        ['TRUNCATE ev_1'],
        ['TRUNCATE pay', 'INSERT INTO pay SELECT i, NULL, now(), false, i FROM generate_series(1, 50) i'],
        ['SAVEPOINT s', 'TRUNCATE ev', statement(rng), 'ROLLBACK TO s', f'DELETE FROM ev WHERE id {span(rng)}'],
        ['ALTER TABLE ev DETACH PARTITION ev_2', f'UPDATE ev_2 SET amount = {number(rng)} WHERE id {span(rng)}',
         "ALTER TABLE ev ATTACH PARTITION ev_2 FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')"],
        ['ALTER TABLE pay DISABLE TRIGGER ALL', f'UPDATE pay SET amount = {number(rng)} WHERE id {span(rng)}', 'ALTER TABLE pay ENABLE TRIGGER ALL'],
        ['ALTER TABLE ev_3 DISABLE TRIGGER ALL', f'DELETE FROM ev_3 WHERE id {span(rng)}', 'ALTER TABLE ev_3 ENABLE TRIGGER ALL'],
    ])
    return ['BEGIN', 'SELECT pg_advisory_xact_lock(1)', *body, rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])]
