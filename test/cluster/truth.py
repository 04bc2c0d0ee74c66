"""Real data with an independent ground truth (test/data/*/README.md), and the comparison of every number with it.

    copy_csv(database, 'hotel_resort/bookings.csv.gz', 'bookings')    loads a file into a table with columns of its names
    truth = Truth('hotel_resort/truth_day.csv', keys=['day'], sums=[...], ratios=[...])
    truth.compare(found, 'daily')      found: {(key, ...): {column: Decimal or None}}, NULL keys are None
    ask(database, sums, ratios, start_at, end_at, by=[...])      such a found, from kpi.query, keys (label of the bucket, *by)

Every cell is compared exactly. A key that is missing on one side counts as 0 for sums and NULL for ratios.
"""
import calendar
import csv
import gzip
import os
from decimal import ROUND_HALF_UP, Decimal

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data')


def open_csv(name):
    path = os.path.join(DATA, name)
    return gzip.open(path, 'rt', encoding='utf-8', newline='') if name.endswith('.gz') else open(
        path, encoding='utf-8', newline='')


def rows(name):
    with open_csv(name) as file:
        return list(csv.DictReader(file))


def number(text):
    return None if text == '' else Decimal(text)


def copy_csv(database, name, table):
    connection = database.connect()
    try:
        with connection.cursor() as cursor, open_csv(name) as file:
            header = file.readline().strip()
            cursor.copy_expert(f'COPY {table} ({header}) FROM STDIN (FORMAT csv)', file)
            return cursor.rowcount
    finally:
        connection.close()


class Truth:
    def __init__(self, name, keys, sums, ratios=(), where=lambda row: True):
        self.name = name
        self.sums, self.ratios = list(sums), list(ratios)
        self.cells = {tuple(row[key] or None for key in keys): {column: number(row[column]) for column in [*sums, *ratios]}
                      for row in rows(name) if where(row)}
        assert self.cells, f'{name} has no such rows'

    def compare(self, found, what, ratios=True):
        """Raises AssertionError that names the first differences."""
        differences = []
        for key in self.cells.keys() | found.keys():
            expected, actual = self.cells.get(key, {}), found.get(key, {})
            cells = [(column, expected.get(column) or 0, actual.get(column) or 0) for column in self.sums]
            if ratios:
                cells += [(column, expected.get(column), rounded(actual.get(column))) for column in self.ratios]
            differences += [(key, *cell) for cell in cells if cell[1] != cell[2]]
        differences.sort(key=str)
        assert not differences, (f'{what}: {len(differences)} cells differ from {self.name}; '
                                 f'(key, column, truth, kpi): {differences[:5]}')


def rounded(ratio):
    """As the truth files have it: 6 decimals, half up."""
    return None if ratio is None else ratio.quantize(Decimal('0.000001'), ROUND_HALF_UP)


def ask(database, sums, ratios, start_at, end_at, by=(), grain='day', label=str, rename=lambda metric: metric):
    """What kpi.query says: {(label(local day of the bucket), *segment): {metric: value}}. An answer by segment has a row for every
    day and segment; those that hold nothing are left on the server."""
    found = {}
    for day, segment, metric, value in database.sql(
            'SELECT day, segment, metric, value FROM kpi.query(%s, %s, %s, by => %s::name[], grain => %s, max_rows => 10000000) '
            'WHERE value <> 0 OR (value = 0 AND metric = ANY(%s))',
            ([*sums, *ratios], start_at, end_at, list(by), grain, list(ratios))):
        key = (label(day), *((segment or {}).get(dimension) for dimension in by))
        found.setdefault(key, {})[rename(metric)] = value
    return found


def ask_by_month(database, sums, ratios, years, by):
    """The same by day, a month at a time: a month has fewer segments than a year."""
    found = {}
    for year in years:
        for month in range(1, 13):
            last = calendar.monthrange(year, month)[1]
            found.update(ask(database, sums, ratios, f'{year}-{month:02}-01', f'{year}-{month:02}-{last}', by))
    return found
