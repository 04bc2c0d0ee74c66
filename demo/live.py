"""A minute of live bookings. Writers insert, update and delete, each change a transaction of its own; after each commit the
KPI is read, beside the same number counted from the table in the same statement; a listener waits for NOTIFY kpi_update."""
import json
import os
import random
import select
import threading
import time

import show

WRITERS = 2
PAUSE = 0.1  # seconds between two changes of a writer
REPORT = 5.0

# A real booking from the archive, made today: one in four is paid at once, the others wait.
INSERT = '''
    INSERT INTO bookings SELECT nextval('live_booking'), (now() AT TIME ZONE 'UTC')::date, arrival_on,
           CASE WHEN %(paid)s THEN (now() AT TIME ZONE 'UTC')::date END, CASE WHEN %(paid)s THEN status END, country,
           market_segment, distribution_channel, customer_type, deposit_type, agent, company, repeated_guest,
           booking_changes, adults, children, babies, nights, adr, amount, now(), CASE WHEN %(paid)s THEN now() END
      FROM bookings WHERE booking_id = %(like)s'''
# A waiting booking gets its last status today. It waits no longer than a few seconds here; months in the hotel.
UPDATE = '''
    UPDATE bookings SET status_on = (now() AT TIME ZONE 'UTC')::date, status_at = now(),
           status = CASE WHEN random() < 0.7 THEN 'Check-Out' WHEN random() < 0.9 THEN 'Canceled' ELSE 'No-Show' END
     WHERE booking_id = (SELECT booking_id FROM bookings WHERE booking_id > %(archive)s AND status IS NULL
                          ORDER BY booking_id LIMIT 1 FOR UPDATE SKIP LOCKED)'''
DELETE = '''
    DELETE FROM bookings WHERE booking_id = (SELECT booking_id FROM bookings WHERE booking_id > %(archive)s
                                              ORDER BY random() LIMIT 1 FOR UPDATE SKIP LOCKED)'''
CHANGES = [('inserts', INSERT, 6), ('updates', UPDATE, 3), ('deletes', DELETE, 1)]

# One statement, one snapshot: what the KPI says and what the table holds.
COMPARE = '''
    SELECT kpi.value('leads'), (SELECT count(*) FROM bookings WHERE booked_on = (now() AT TIME ZONE 'UTC')::date),
           kpi.value('revenue'), (SELECT coalesce(sum(amount), 0) FROM bookings
                                   WHERE status_on = (now() AT TIME ZONE 'UTC')::date AND status = 'Check-Out')'''


class Live:
    def __init__(self, connect, archive):
        self.connect = connect
        self.archive = archive  # last booking_id of the archive
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.counts = {name: 0 for name, _, _ in CHANGES}
        self.waiting = {}  # xid -> when its commit returned
        self.reads, self.announced = [], []
        self.compared = self.wrong = self.messages = 0
        self.failure = None

    def guard(self, work):
        try:
            work()
        except Exception as failure:  # told at the end, by the main thread
            self.failure = self.failure or failure
            self.stop.set()

    def write(self):
        connection, reader = self.connect(autocommit=False), self.connect()
        try:
            with connection.cursor() as cursor, reader.cursor() as look:
                while not self.stop.is_set():
                    self.change(connection, cursor)
                    self.look(look)
                    self.stop.wait(PAUSE)
        finally:
            connection.close()
            reader.close()

    def change(self, connection, cursor):
        name, statement, _ = random.choices(CHANGES, [weight for _, _, weight in CHANGES])[0]
        cursor.execute(statement, {'like': random.randint(1, self.archive), 'paid': random.random() < 0.25,
                                   'archive': self.archive})
        touched = cursor.rowcount
        cursor.execute('SELECT pg_current_xact_id_if_assigned()::text')
        xid = cursor.fetchone()[0]
        connection.commit()
        with self.lock:
            self.counts[name] += touched
            if touched:
                self.waiting[xid] = time.monotonic()

    def look(self, cursor):
        began = time.monotonic()
        cursor.execute("SELECT kpi.value('leads')")
        took = time.monotonic() - began
        cursor.execute(COMPARE)
        leads, booked, revenue, paid = cursor.fetchone()
        with self.lock:
            self.reads.append(took)
            self.compared += 1
            self.wrong += (leads or 0) != booked or (revenue or 0) != paid

    def listen(self):
        """A commit counts as announced at the first kpi_update after which its deltas are merged."""
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute('LISTEN kpi_update')
                while not self.stop.is_set():
                    if not select.select([connection], [], [], 0.2)[0]:
                        continue
                    connection.poll()
                    now = time.monotonic()
                    for message in connection.notifies:
                        json.loads(message.payload)
                        self.messages += 1
                    connection.notifies.clear()
                    cursor.execute('SELECT xmin::text FROM kpi_data.leads_delta '
                                   'UNION SELECT xmin::text FROM kpi_data.payments_delta')
                    unmerged = {row[0] for row in cursor.fetchall()}
                    with self.lock:
                        for xid in [xid for xid, at in self.waiting.items() if at < now and xid not in unmerged]:
                            self.announced.append(now - self.waiting.pop(xid))
        finally:
            connection.close()

    def report(self, began, cursor):
        cursor.execute("SELECT count(*) FROM (SELECT FROM kpi.verify('leads', now() - interval '1 day') "
                       "UNION ALL SELECT FROM kpi.verify('payments', now() - interval '1 day')) differences")
        differences = cursor.fetchone()[0]
        cursor.execute("SELECT kpi.value('leads'), kpi.value('payments'), kpi.value('revenue')")
        today = [show.number(value) for value in cursor.fetchone()]
        with self.lock:
            changes = ' '.join(str(self.counts[name]).rjust(len(name)) for name in self.counts)
            line = (f'  {time.monotonic() - began:4.0f} s  {changes}  {today[0]:>6} {today[1]:>8} {today[2]:>10}  '
                    f'{show.spread(self.reads):>27}  {show.spread(self.announced):>27}  {differences:>6}')
            self.reads, self.announced = [], []
        show.say(line)
        return differences

    def run(self, seconds):
        """Returns whether every comparison and every verify agreed."""
        show.say('            changes so far         today so far               KPI read, after a commit     '
                 'commit to NOTIFY kpi_update  verify')
        show.say('        inserts updates deletes   leads payments    revenue     median                     '
                 '   median                     finds')
        threads = [threading.Thread(target=self.guard, args=[self.write]) for _ in range(WRITERS)]
        threads.append(threading.Thread(target=self.guard, args=[self.listen]))
        began, found = time.monotonic(), 0
        for thread in threads:
            thread.start()
        connection = self.connect()
        try:
            with connection.cursor() as cursor:
                while time.monotonic() - began < seconds and not self.stop.wait(REPORT):
                    found += self.report(began, cursor)
        finally:
            self.stop.set()
            for thread in threads:
                thread.join()
            connection.close()
        if self.failure:
            raise self.failure
        show.say(f'  {self.compared} reads were compared with a count from the table in the same snapshot: '
                 f'{self.wrong or "none"} differed. {self.messages} messages told of {sum(self.counts.values())} changes.')
        return self.wrong == 0 and found == 0


def seconds_to_run():
    return float(os.environ.get('KPI_DEMO_SECONDS', '60'))
