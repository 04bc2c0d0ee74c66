#!/usr/bin/python3
"""The guided tour (make demo): loads 40,060 real bookings into a private server with the kpi_ext worker, shows their KPIs and
what reading them costs, serves the live page, then changes bookings for a minute. Server and page stay: make psql, make demo-stop."""
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '..', 'test', 'tools'), os.path.join(HERE, '..', 'test', 'cluster')]

import cluster as clusters  # noqa: E402
import live  # noqa: E402
import show  # noqa: E402
import truth  # noqa: E402
import web  # noqa: E402

DATABASE = 'kpi'
LICENCE = '''The bookings are real: N. Antonio, A. de Almeida, L. Nunes, "Hotel booking demand datasets", Data in Brief 22 (2019)
41-49, doi:10.1016/j.dib.2018.11.126, hotel H1. Licence: CC BY 4.0, https://creativecommons.org/licenses/by/4.0/.
Changed: a subset of the columns, renamed; dates in ISO form; derived columns; here the two moments. More: test/data/hotel_resort/README.md'''
TABLE = '''
    CREATE TABLE bookings (
        booking_id int PRIMARY KEY, booked_on date NOT NULL, arrival_on date, status_on date, status text, country text,
        market_segment text, distribution_channel text, customer_type text, deposit_type text, agent int, company int,
        repeated_guest int, booking_changes int, adults int, children int, babies int, nights int, adr numeric, amount numeric,
        booked_at timestamptz, status_at timestamptz);
    CREATE INDEX ON bookings (booked_on);
    CREATE INDEX ON bookings (status_on);
    CREATE INDEX ON bookings (booked_at);
    CREATE INDEX ON bookings (status_at);'''

# The archive has days only.
MOMENTS = "UPDATE bookings SET booked_at = booked_on AT TIME ZONE 'UTC', status_at = status_on AT TIME ZONE 'UTC'"

# What, how it is asked of kpi_ext, the same from the table.
READS = [
    ('revenue of one day', "SELECT kpi.value('revenue', '2017-08-15 12:00+00')",
     "SELECT sum(amount) FROM bookings WHERE status_on = '2017-08-15' AND status = 'Check-Out'"),
    ('revenue of 30 days, by day', "SELECT * FROM kpi.query('{revenue}', '2017-08-02', '2017-08-31')",
     "SELECT status_on, sum(amount) FILTER (WHERE status = 'Check-Out') FROM bookings "
     "WHERE status_on BETWEEN '2017-08-02' AND '2017-08-31' GROUP BY 1"),
    ('success rate of a year, by month', "SELECT * FROM kpi.query('{success_rate}', '2016-09-01', '2017-08-31', grain => 'month')",
     "SELECT date_trunc('month', status_on), 100.0 * count(*) FILTER (WHERE status = 'Check-Out') / count(*) FROM bookings "
     "WHERE status_on BETWEEN '2016-09-01' AND '2017-08-31' GROUP BY 1"),
    ('leads from Portugal, 12 weeks', "SELECT * FROM kpi.query('{leads}', '2017-06-12', '2017-08-31', '{\"country\": \"PRT\"}', grain => 'week')",
     "SELECT date_trunc('week', booked_on), count(*) FROM bookings "
     "WHERE country = 'PRT' AND booked_on BETWEEN '2017-06-12' AND '2017-08-31' GROUP BY 1"),
    ('revenue of two years, total', "SELECT * FROM kpi.query('{revenue}', '2015-09-01', '2017-08-31', grain => 'total')",
     "SELECT sum(amount) FROM bookings WHERE status_on BETWEEN '2015-09-01' AND '2017-08-31' AND status = 'Check-Out'"),
    ('all metrics of a year by country and source',
     "SELECT * FROM kpi.query(NULL, '2016-09-01', '2017-08-31', by => '{country,source}', grain => 'total', max_rows => 100000)",
     "SELECT country, market_segment, count(*), count(*) FILTER (WHERE status = 'Check-Out'), "
     "sum(amount) FILTER (WHERE status = 'Check-Out') FROM bookings WHERE status_on BETWEEN '2016-09-01' AND '2017-08-31' "
     "OR booked_on BETWEEN '2016-09-01' AND '2017-08-31' GROUP BY 1, 2"),
]


class Demo:
    def __init__(self):
        self.cluster = clusters.Cluster('demo', preload=True)
        self.address = None

    def connect(self, autocommit=True):
        return self.cluster.connect(DATABASE, autocommit=autocommit)

    def sql(self, statement, parameters=None):
        return self.cluster.sql(statement, DATABASE, parameters=parameters)

    def start(self):
        show.heading('1. A server of its own')
        self.cluster.remove()
        self.cluster.start()
        self.cluster.create_database(DATABASE)
        deadline = time.monotonic() + 60
        while not self.sql("SELECT kpi.status() -> 'worker' ->> 'running' = 'true'")[0][0]:
            if time.monotonic() > deadline:
                raise TimeoutError(f'the worker does not start, see {self.cluster.logfile}')
            time.sleep(0.1)
        version = self.sql('SHOW server_version')[0][0].split()[0]
        show.say(f'PostgreSQL {version} in {self.cluster.path}, database {DATABASE}, '
                 'CREATE EXTENSION kpi_ext done, its worker is running.')

    def load(self):
        show.heading('2. Real bookings of a hotel in Portugal, 2013 to 2017')
        show.say(LICENCE)
        self.sql(TABLE)
        began = time.monotonic()
        count = truth.copy_csv(self, 'hotel_resort/bookings.csv.gz', 'bookings')
        self.sql(MOMENTS)
        self.sql('ANALYZE bookings')
        show.say(f'\n{count:,} bookings loaded in {time.monotonic() - began:.1f} s.')

    def track(self):
        show.heading('3. From a table to KPIs: two views, kpi.track, kpi.define')
        with open(os.path.join(HERE, 'hotel.sql')) as file:
            text = file.read()
        show.say('demo/hotel.sql:\n')
        show.say('    ' + text.rstrip().replace('\n', '\n    ').replace('    \n', '\n'))
        began = time.monotonic()
        self.sql(text)
        show.say(f'\nTracked in {time.monotonic() - began:.2f} s. The worker now sums up the history, writers and readers go on:')
        self.watch_build(began)

    def watch_build(self, began):
        """Until nothing is dirty; one line a second at most, and the last."""
        said, left = 0.0, None
        while left != 0:
            left = self.sql('SELECT count(*) FROM kpi.dirty')[0][0]
            if left == 0 or time.monotonic() - said > 1:
                sizes = self.sql("SELECT (SELECT count(*) FROM kpi_data.leads_rollup_day), (SELECT count(*) FROM kpi_data.payments_rollup_day)")
                show.say(f'  {time.monotonic() - began:5.1f} s   leads: {sizes[0][0]:>7,} sums kept   payments: {sizes[0][1]:>7,} sums kept'
                         f'   {"everything is built" if left == 0 else "building"}')
                said = time.monotonic()
            if time.monotonic() - began > 120:
                raise TimeoutError(f'the build does not end: {self.sql("SELECT kpi.status()")[0][0]}')
            time.sleep(0.1)

    def check(self):
        columns = ['leads', 'leads_converted', 'payments', 'success', 'revenue', 'lost_revenue']
        rates = ['success_rate', 'conversion_rate']
        days = truth.Truth('hotel_resort/truth_day.csv', ['day'], columns, rates)
        found = truth.ask(self, columns, rates, '2013-01-01', '2017-12-31')
        for values in found.values():
            values.update({rate: values[rate] / 100 for rate in rates if rate in values})
        days.compare(found, 'the demo')
        show.say(f'\nEvery KPI of all {len(days.cells)} days with an event equals test/data/hotel_resort/truth_day.csv, '
                 'which was computed\nwithout this project.')

    def days(self):
        show.heading('4. The last 14 days of the data')
        show.say("SELECT ... FROM kpi.query('{leads,payments,success_rate,revenue,lost_revenue}', '2017-08-18', '2017-08-31')\n")
        metrics = ['leads', 'payments', 'success_rate', 'revenue', 'lost_revenue']
        found = truth.ask(self, metrics, [], '2017-08-18', '2017-08-31', label=lambda day: f'{day:%a %d %b %Y}')
        show.table(['day', 'leads', 'payments', 'success %', 'revenue', 'lost revenue'],
                   [[key[0], *(values.get(metric, 0) for metric in metrics)] for key, values in found.items()])
        show.say('\nLeads fade out because only bookings with an arrival up to 31 August 2017 are in the data.')

    def weeks(self):
        show.heading('5. Week against week, and the same week a year before')
        rows = []
        before = {day: value for day, value in self.sql(
            "SELECT day, compared FROM kpi.query('{revenue}', '2017-07-10', '2017-08-27', grain => 'week', compare => 'year')")}
        for day, value, compared in self.sql(
                "SELECT day, value, compared FROM kpi.query('{revenue}', '2017-07-10', '2017-08-27', grain => 'week', compare => 'week')"):
            rows.append([f'week of {day:%d %b %Y}', value, show.change(value, compared), show.change(value, before[day])])
        show.table(['', 'revenue', 'week before', 'year before'], rows)

    def reads(self):
        show.heading('6. What a read costs, the slowest first')
        rows = []
        with self.connect() as connection, connection.cursor() as cursor:
            for what, kpi, plain in READS:
                rows.append((what, self.time(cursor, kpi), self.time(cursor, plain)))
        connection.close()
        rows.sort(key=lambda row: -row[1])
        show.table(['read', 'kpi_ext', 'same from the table'],
                   [[what, show.milliseconds(kpi).rjust(10), show.milliseconds(plain).rjust(10)] for what, kpi, plain in rows])
        show.say('\nThe table is small here, so a scan of it is quick. What kpi_ext reads grows with the days and segments asked\n'
                 'for, not with the bookings: bench/reads/run.py shows it on a million payments.')

    @staticmethod
    def time(cursor, statement):
        samples = []
        for _ in range(7):
            began = time.perf_counter()
            cursor.execute(statement)
            cursor.fetchall()
            samples.append(time.perf_counter() - began)
        return statistics.median(samples[2:])

    def serve(self):
        show.heading('7. The live page')
        self.address = web.start(self.cluster, DATABASE)
        show.say(f'''kpi_web serves it, a program of its own beside the server, as a role that may only read. Open it now, bookings come in next:

    {self.address}?period=today
    {self.address}?period=custom&from=2017-05-01&to=2017-08-31&compare=year   the last summer of the archive against the one before

The same as numbers, and as events:
    curl '{self.address}api/kpi/query?metric=revenue&start_date=2017-08-01&end_date=2017-08-07'
    curl -N {self.address}api/kpi/events''')

    def live(self):
        seconds = live.seconds_to_run()
        show.heading(f'8. {seconds:.0f} seconds of live changes: watch the page')
        show.say(f'{live.WRITERS} writers insert, update and delete bookings, each change a transaction of its own. The KPIs are read right after\n'
                 'each commit; a listener waits for the worker to announce it.\n')
        archive = self.sql('SELECT max(booking_id) FROM bookings')[0][0]
        self.sql(f'CREATE SEQUENCE live_booking START {archive + 1}')
        agreed = live.Live(self.connect, archive).run(seconds)
        deadline = time.monotonic() + 30
        while self.sql('SELECT (SELECT count(*) FROM kpi_data.leads_delta) + (SELECT count(*) FROM kpi_data.payments_delta)')[0][0]:
            if time.monotonic() > deadline:
                raise TimeoutError('the worker does not merge')
            time.sleep(0.2)
        whole = self.sql("SELECT count(*) FROM (SELECT FROM kpi.verify('leads') UNION ALL SELECT FROM kpi.verify('payments')) d")[0][0]
        show.say(f'  Everything merged. kpi.verify over all days, segments and measures finds {whole or "no"} differences.')
        return agreed and whole == 0

    def goodbye(self):
        show.heading('9. Look around: the server goes on')
        show.say(f'''{self.address}   the live page, still there
make psql         a shell in this database, for example
                      SELECT * FROM kpi.query('{{leads,revenue}}', 'today', by => '{{country}}');
                      SELECT day, metric, value FROM kpi.query('{{revenue,success_rate}}', '2017-01-01', '2017-08-31', grain => 'month');
                      SELECT * FROM kpi_data.payments_daily ORDER BY day DESC LIMIT 10;
                      SELECT jsonb_pretty(kpi.status());
                  or change bookings and ask again
make demo-stop    stops both; make clean removes everything
docs/tutorial.md  the same with a table of your own''')


def main():
    demo = Demo()
    for step in (demo.start, demo.load, demo.track, demo.check, demo.days, demo.weeks, demo.reads):
        step()
    demo.serve()
    agreed = demo.live()
    demo.goodbye()
    return 0 if agreed else 'demo: KPIs and table disagree, see above'


if __name__ == '__main__':
    try:
        sys.exit(main())
    except (clusters.ClusterError, TimeoutError) as error:
        sys.exit(f'demo: {error}')
