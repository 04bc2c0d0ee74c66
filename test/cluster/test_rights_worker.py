"""Code of one owner's facts view in the worker: nothing of it stays there, and the sources of others go on."""

SETUP = '''
    CREATE ROLE mallory;
    GRANT kpi_admin TO mallory;
    CREATE SCHEMA mallory AUTHORIZATION mallory;
    CREATE TABLE orders (at timestamptz DEFAULT now(), amount int);
    CREATE VIEW order_facts AS SELECT at, amount AS sold FROM orders;
    SELECT kpi.track('order_facts', 'at', timezone => 'UTC', name => 'orders');
    SET ROLE mallory;
    CREATE TABLE mallory.ev (at timestamptz DEFAULT now(), v int);
    INSERT INTO mallory.ev (v) VALUES (1);
    CREATE FUNCTION mallory.act() RETURNS int LANGUAGE plpgsql VOLATILE AS $$ BEGIN
        PERFORM set_config('default_transaction_read_only', 'on', false), set_config('search_path', 'mallory', false),
                set_config('application_name', 'mallory', false), set_config('statement_timeout', '1', false);
        %s
        RETURN 1;
    END $$;
    CREATE FUNCTION mallory.esc(x int) RETURNS int LANGUAGE plpgsql IMMUTABLE SET search_path = mallory AS $$
        DECLARE r int; BEGIN SELECT mallory.act() INTO r; RETURN x; END $$;
    CREATE VIEW mallory.ev_facts AS SELECT at, mallory.esc(v) AS v FROM mallory.ev;
    SELECT kpi.track('mallory.ev_facts', 'at', timezone => 'UTC', name => 'ev');
    RESET ROLE;'''
WORKER = "backend_type = 'kpi_ext worker' AND datname = current_database()"


def prepare(database, action):
    database.sql("DO $$ BEGIN IF to_regrole('mallory') IS NOT NULL THEN DROP OWNED BY mallory CASCADE; DROP ROLE mallory; END IF; END $$")
    for statement in [SETUP % action]:
        database.sql(statement)


def merged(database, source):
    return not database.sql(f"SELECT 1 FROM kpi.dirty WHERE source = '{source}' UNION ALL SELECT 1 FROM kpi_data.{source}_delta")


def tidy(database):
    database.sql('DROP OWNED BY mallory CASCADE; DROP ROLE mallory')


def test_settings_of_a_facts_function_do_not_stay_in_the_worker(database, wait_until):
    prepare(database, '')
    wait_until(lambda: merged(database, 'ev'), 'the source to be built')
    pid = database.sql(f'SELECT pid FROM pg_stat_activity WHERE {WORKER}')
    for n in range(3):
        database.sql(f'INSERT INTO mallory.ev (v) VALUES ({n}); INSERT INTO orders (amount) VALUES ({n})')
        wait_until(lambda: merged(database, 'ev') and merged(database, 'orders'), 'both sources to be merged')
    assert database.sql(f'SELECT pid, application_name FROM pg_stat_activity WHERE {WORKER}') == [(pid[0][0], 'kpi_ext worker')]
    assert database.sql("SELECT count(*) FROM kpi.verify('ev')") == [(0,)]
    tidy(database)


def test_a_facts_function_cannot_keep_a_lock_in_the_worker(database, wait_until):
    prepare(database, 'PERFORM pg_advisory_lock(42);')
    wait_until(lambda: database.sql("SELECT 1 FROM kpi.source_state WHERE source = 'ev' AND last_error LIKE '42501%'"), 'the refusal')
    assert database.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid < 3") == [(0,)]
    database.sql('INSERT INTO orders (amount) VALUES (1)')
    wait_until(lambda: merged(database, 'orders'), 'the other source to be merged')
    tidy(database)
