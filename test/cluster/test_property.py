"""Random operations from several sessions, merges and repairs beside them, processes killed at random: always exact.

    KPI_SEED=<seed> KPI_STEPS=<transactions a session, 400 by default> make cluster TESTS=test_property.py
"""
import contextlib
import os
import random
import threading
import time

import psycopg2
import pytest

import facts
import workload

STEPS = int(os.environ.get('KPI_STEPS', 400))
WRITERS = 4
ROUNDS = 4
SECONDS = 60 if 'KPI_STEPS' not in os.environ else 10 ** 6  # a slow machine does fewer steps
# What concurrency alone may raise: conflicts, the sessions' own lock_timeout, savepoints that went with an error.
EXPECTED = ('40001', '40P01', '55P03', '23505', '23503', '3B001')


def is_lost(error):
    """A connection that was killed, or a server that is not there: no SQLSTATE came, or that of a shutdown."""
    return not isinstance(error, psycopg2.Error) or error.pgcode is None or error.pgcode.startswith('57P')


@contextlib.contextmanager
def tolerant(failures, what):
    try:
        yield
    except psycopg2.Error as error:
        if not is_lost(error) and error.pgcode not in EXPECTED:
            failures.append(f'{what}: {error.pgcode} {error}')


class Writer(threading.Thread):
    """Runs transactions until it has done its share of the round; reconnects when it is killed."""

    def __init__(self, database, number, seed, failures):
        super().__init__()
        self.database, self.number, self.failures = database, number, failures
        self.rng = random.Random(seed * 1000 + number)
        self.connection = None
        self.pid = None
        self.done = 0

    def connect(self):
        while True:
            with tolerant(self.failures, 'connect'):
                self.connection = self.database.connect()
                facts.rows(self.connection, "SET lock_timeout = '2s'")
                self.pid = self.connection.info.backend_pid
                return
            time.sleep(0.1)

    def run_round(self, steps, deadline):
        self.connect()
        for _ in range(steps):
            if time.monotonic() > deadline:
                break
            upheaval = self.rng.random() < 0.03
            self.transact(workload.upheaval(self.rng) if upheaval else workload.transaction(self.rng))
            self.done += 1
        self.connection.close()

    def transact(self, statements):
        name = f'w{self.number}-{self.done}'
        for statement in statements:
            try:
                facts.rows(self.connection, statement.replace('{name}', name))
            except psycopg2.Error as error:
                if not self.survives(error, statement):
                    return
        if statements[-1].startswith('PREPARE'):
            self.settle(name)

    def survives(self, error, statement):
        """Goes on after the savepoint before, when there is one; a lost connection ends the transaction."""
        if self.connection.closed or is_lost(error):
            self.connect()
            return False
        if error.pgcode not in EXPECTED:
            self.failures.append(f'{statement}: {error.pgcode} {error}')
        try:
            facts.rows(self.connection, 'ROLLBACK TO s1')
            return True
        except psycopg2.Error:
            with contextlib.suppress(psycopg2.Error):
                facts.rows(self.connection, 'ROLLBACK')
            if self.connection.closed:
                self.connect()
            return False

    def settle(self, name):
        """Another session ends it, as a transaction manager would."""
        with contextlib.suppress(psycopg2.Error):
            self.database.sql(f"{self.rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])} PREPARED '{name}'")


def keep_checking(database, stop, failures):
    """Any snapshot is exact, whatever runs; upheavals (not MVCC) are kept out by their lock."""
    while not stop.is_set():
        with tolerant(failures, 'reader'), contextlib.closing(database.connect()) as connection:
            facts.rows(connection, 'SELECT pg_advisory_lock_shared(1)')
            for source, view in workload.FACTS.items():
                failures += [f'reader: {source}: {problem}' for problem in facts.problems(connection, source, view)[:5]]
        time.sleep(0.2)


def keep_working(database, stop, rng, failures):
    """Merges and repairs by hand beside the worker's."""
    while not stop.is_set():
        step = rng.choice(['CALL kpi.work()', "SELECT kpi.merge('ev')", "SELECT kpi.merge('pay')", "SELECT kpi.rebuild('ev')",
                           "SELECT kpi.rebuild('pay', '2024-03-01', '2024-03-20')"])
        with tolerant(failures, step):
            database.sql(step)
        time.sleep(rng.random() / 2)


def kill(cluster, database, rng, writers, with_sigkill, failures):
    """Terminates a writer, the worker, or crashes one backend so that the whole cluster restarts."""
    with tolerant(failures, 'kill'):
        if with_sigkill:
            victim = rng.choice(writers).pid
            if victim in cluster.children():
                cluster.kill_backend(victim)
        elif rng.random() < 0.5:
            database.sql('SELECT pg_terminate_backend(%s)', (rng.choice(writers).pid,))
        else:
            database.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type LIKE 'kpi%' AND datname = current_database()")


def checkpoint(database, wait_until, rebuild):
    for (name,) in database.sql('SELECT gid FROM pg_prepared_xacts'):
        database.sql(f"COMMIT PREPARED '{name}'")

    def settled():
        database.sql('CALL kpi.work()')
        return database.sql('SELECT count(*) FROM kpi.dirty') == [(0,)]

    found = []
    with contextlib.closing(database.connect()) as connection:
        for stage in ('as it is', 'repaired and merged') + (('rebuilt',) if rebuild else ()):
            if stage == 'repaired and merged':
                wait_until(settled, 'the repair of everything')
            for source, view in workload.FACTS.items():
                if stage == 'rebuilt':
                    facts.rows(connection, 'SELECT kpi.rebuild(%s)', (source,))
                found += [f'{stage}: {source}: {problem}' for problem in facts.problems(connection, source, view)[:5]]
    return found


@pytest.mark.crashes
def test_random_operations_stay_exact(make_cluster, wait_until, seed):
    cluster = make_cluster(config={'deadlock_timeout': '200ms'})
    name = cluster.create_database()

    class Own:
        @staticmethod
        def sql(statement, parameters=None):
            return cluster.sql(statement, name, parameters=parameters)

        @staticmethod
        def connect(autocommit=True):
            return cluster.connect(name, autocommit=autocommit)

    facts.install(Own)
    Own.sql(workload.SETUP)
    failures = []
    rng = random.Random(seed)
    writers = [Writer(Own, number, seed, failures) for number in range(WRITERS)]
    began = time.monotonic()
    for turn in range(ROUNDS):
        deadline = began + SECONDS * (turn + 1) / ROUNDS
        stop = threading.Event()
        threads = [threading.Thread(target=writer.run_round, args=(STEPS // ROUNDS, deadline)) for writer in writers]
        others = [threading.Thread(target=keep_checking, args=(Own, stop, failures)),
                  threading.Thread(target=keep_working, args=(Own, stop, random.Random(seed + turn), failures))]
        for thread in threads + others:
            thread.start()
        crash_at = time.monotonic() + rng.uniform(2, 5) if turn % 2 == 1 else None
        while any(thread.is_alive() for thread in threads):
            time.sleep(rng.uniform(0.3, 1.5))
            due = crash_at is not None and time.monotonic() > crash_at
            kill(cluster, Own, rng, writers, due, failures)
            if due:
                crash_at = None
        stop.set()
        for thread in threads + others:
            thread.join(120)
            assert not thread.is_alive(), 'a session hangs'
        failures += checkpoint(Own, wait_until, rebuild=turn % 2 == 1)
        assert failures == [], f'seed {seed}, round {turn}, steps {[writer.done for writer in writers]}:\n' + '\n'.join(failures[:40])
    print(f'{sum(writer.done for writer in writers)} transactions in {time.monotonic() - began:.0f} s')
    assert all(writer.done > 0 for writer in writers)
    assert Own.sql("SELECT count(*) > 0 FROM ev") == [(True,)] and Own.sql('SELECT count(*) > 0 FROM kpi_data.ev_rollup_day') == [(True,)]
