"""More databases than processes: they take turns, and it is said where an administrator looks."""
from watched import drained, make_source, new_database, running, verified, worker, workers


def test_twenty_databases_share_eight_slots(make_cluster, wait_until):
    cluster = make_cluster(config={'max_worker_processes': 8, 'kpi.max_workers': 100})
    databases = [new_database(cluster) for _ in range(20)]
    for database in databases:
        make_source(database)
        database.sql("INSERT INTO pay (country, amount) SELECT 'c' || i % 5, i FROM generate_series(1, 100) i")

    def all_served():
        assert len(workers(cluster)) <= 7, 'the launcher has one of the eight'
        return all(drained(database) for database in databases)
    wait_until(all_served, 'every database built and merged', seconds=180)
    assert all(worker(database)['rounds'] > 0 for database in databases), 'each by a worker of its own'
    # A ring is a reason for a turn: the later change of an early database is merged too.
    databases[0].sql("INSERT INTO pay (country, amount) VALUES ('late', 1)")
    wait_until(lambda: drained(databases[0]), 'the late merge', seconds=120)
    assert verified(databases[0])
    assert 'deadlock' not in cluster.log()


def test_exhausted_processes_are_reported_once_with_a_mend(make_cluster, wait_until):
    cluster = make_cluster(config={'max_worker_processes': 1, 'max_logical_replication_workers': 0})  # the launcher's
    database = new_database(cluster)
    make_source(database)
    database.sql("INSERT INTO pay (country, amount) VALUES ('x', 1)")
    cluster.wait_for_log(f'no free background worker for kpi_ext in database "{database.name}"')
    cluster.wait_for_log('HINT:  Raise max_worker_processes')
    wait_until(lambda: 'max_worker_processes' in (worker(database)['mend'] or ''), 'the mend in kpi.status()')
    for _ in range(5):
        database.sql('SELECT kpi.wake()')
    assert cluster.log().count('no free background worker') == 1, 'not once a try'
    database.sql('CALL kpi.work()')
    assert drained(database) and verified(database)


def test_kpi_max_workers_is_a_limit_of_its_own(make_cluster, wait_until):
    cluster = make_cluster(config={'kpi.max_workers': 0})
    database = new_database(cluster)
    cluster.wait_for_log('HINT:  Raise kpi.max_workers')
    wait_until(lambda: 'kpi.max_workers' in (worker(database)['mend'] or ''), 'the mend in kpi.status()')
    cluster.reload({'kpi.max_workers': 1})
    running(database, wait_until)


def test_without_room_for_the_launcher_status_says_so(make_cluster):
    cluster = make_cluster(config={'max_worker_processes': 1})  # taken by the logical replication launcher
    database = new_database(cluster)
    assert worker(database)['launcher_pid'] is None
    assert 'raise max_worker_processes' in worker(database)['mend']
