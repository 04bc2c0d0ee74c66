"""The invoices of test/data/online_retail: who cancels after buying, and how soon; who buys again. The truth is computed here from the
file, without PostgreSQL: to the minute, which must lie between the two counts of kpi.funnel, and to the hour and day, which they must equal."""
import datetime
import statistics
import zoneinfo
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal

import truth

SINCE, UNTIL, DAYS, HOURS = datetime.date(2011, 3, 15), datetime.date(2011, 6, 14), 14, 5
UTC = datetime.timezone.utc


def suffix(zone):
    return '_' + str(zone).split('/')[1].lower()


def invoices(status):
    """(customer, instant, country) of invoices with a customer; the times are read as UTC."""
    return [(int(row['customer_id']), datetime.datetime.fromisoformat(row['created_at']).replace(tzinfo=UTC), row['country'])
            for row in truth.rows('online_retail/invoices.csv.gz') if row['status'] == status and row['customer_id']]


def cut(grain, zone):
    if grain == 'hour':
        return lambda at: at - datetime.timedelta(minutes=at.astimezone(zone).minute, seconds=at.second)
    if grain == 'day':
        return lambda at: at.astimezone(zone).date()
    return lambda at: at


def until(grain, zone, begin, strict):
    if grain == 'day':
        return begin + datetime.timedelta(days=DAYS + (0 if strict else 1))
    local = begin.astimezone(zone).replace(tzinfo=None) + datetime.timedelta(days=DAYS)
    return local.replace(tzinfo=zone).astimezone(UTC) + datetime.timedelta(hours=HOURS)


def attempts(grain, zone, strict, by_country):
    """{(country or None): {customer: time until the cancellation, or None}} of the best attempts."""
    round_down = cut(grain, zone)
    cancelled = defaultdict(list)
    for customer, at, _ in invoices('cancelled'):
        cancelled[customer].append(round_down(at))
    out = defaultdict(dict)
    for customer, at, country in sorted(invoices('success'), key=lambda row: row[1]):
        if not SINCE <= at.astimezone(zone).date() <= UNTIL:
            continue
        begin = round_down(at)
        last = until(grain, zone, begin, strict)
        fits = [end for end in cancelled[customer] if (begin < end < last if strict else begin <= end <= last)]
        mine = out[country if by_country else None]
        if mine.get(customer) is None:
            mine[customer] = min(fits) - begin if fits else None
    return out


def reached(found):
    return sum(took is not None for took in found.values())


def check_funnel(database, grain, zone, by_country):
    name = suffix(zone)
    found = database.sql("SELECT segment ->> 'country', step, reached, certain, conversion_pct, extract(epoch FROM median_time)::float8, resolution "
                         'FROM kpi.funnel(%s, %s, %s, %s, %s, grain => %s)',
                         (['buyers' + name, 'cancellers' + name], str(SINCE), str(UNTIL), f'{DAYS} days {HOURS} hours', ['country'] if by_country else [], grain))
    most, surely, exact = (attempts(*how, by_country) for how in ((grain, zone, False), (grain, zone, True), ('exact', zone, False)))
    assert {row[0] for row in found} == most.keys() and len(found) == 2 * len(most)
    for country, step, count, certain, pct, median, resolution in found:
        assert resolution == grain
        if step == 1:
            assert count == certain == len(most[country])
            continue
        took = [took.total_seconds() for took in most[country].values() if took is not None]
        assert (count, certain) == (len(took), reached(surely[country])), (grain, zone, country)
        assert certain <= reached(exact[country]) <= count
        assert pct == (Decimal(100 * count) / len(most[country])).quantize(Decimal('0.01'), ROUND_HALF_UP)
        assert median == (statistics.median(took) if took else None)
    assert any(row[1] == 2 and row[3] < row[2] for row in found), 'some order is not known'


def check_retention(database, zone, grain, start):
    """start: the first day of the period that holds a day."""
    days = defaultdict(set)
    for customer, at, _ in invoices('success'):
        days[customer].add(at.astimezone(zone).date())
    size, back = defaultdict(int), defaultdict(int)
    starts = sorted({start(datetime.date(2010, 11, 29) + datetime.timedelta(days=i)) for i in range(400)})
    for seen in days.values():
        cohort = start(min(seen))
        size[cohort] += 1
        for period in {starts.index(start(day)) - starts.index(cohort) for day in seen}:
            back[cohort, period] += 1
    found = database.sql('SELECT cohort, period, size, returned FROM kpi.retention(%s, %s, %s, %s, 8)', ('buyers' + suffix(zone), '2011-01-03', '2011-07-31', grain))
    # The cohorts of the edges are those of the range's days only.
    inner = [row for row in found if datetime.date(2011, 1, 31) < row[0] < datetime.date(2011, 7, 25)]
    assert len(inner) > 40
    for cohort, period, members, returned in inner:
        assert (members, returned) == (size[cohort], back[cohort, period]), (grain, zone, cohort, period)


def test_funnels_and_cohorts_of_the_shop(unattended):
    database = unattended
    database.sql('CREATE TABLE invoices (invoice_no text PRIMARY KEY, created_at timestamptz, country text, source text, customer_id int, '
                 'status text, lines int, units int, amount numeric)')
    zones = [zoneinfo.ZoneInfo(name) for name in ('Europe/London', 'Asia/Tokyo')]
    for zone in zones:
        for measure, status in (('buyers', 'success'), ('cancellers', 'cancelled')):
            name = measure + suffix(zone)
            database.sql(f"CREATE VIEW {name}_facts AS SELECT created_at, country, 1 AS {name}_rows, customer_id FROM invoices WHERE status = '{status}'")
            database.sql('SELECT kpi.track(%s, %s, %s, %s, %s, hour_retention => %s, aggregates => %s)',
                         (f'{name}_facts', 'created_at', ['country'], name, str(zone), '100 years', '{"%s": {"distinct": "customer_id"}}' % name))
    database.sql('CALL kpi.work()')
    assert truth.copy_csv(database, 'online_retail/invoices.csv.gz', 'invoices') == 25900
    for merged in (False, True):
        if merged:
            database.sql('SELECT kpi.merge()')
        for zone in zones:
            for grain in ('hour', 'day'):
                check_funnel(database, grain, zone, False)
            check_funnel(database, 'hour', zone, True)
            check_retention(database, zone, 'month', lambda day: day.replace(day=1))
            check_retention(database, zone, 'week', lambda day: day - datetime.timedelta(days=day.weekday()))
