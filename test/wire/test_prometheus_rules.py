"""prometheus/: Prometheus' own tools accept the files, and every alert is on the right side of its threshold and of its `for`."""
import json
import os
import re
import subprocess
import time
import urllib.request

import pytest
from prometheus_servers import get, prometheus, pushgateway, text_page

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOME = os.path.join(ROOT, 'prometheus')
ENVIRONMENTS = ('dev', 'stg', 'prod')
SHOP, SEGMENT = 'database="shop"', 'database="shop",country="MX",source="ads"'
BROKEN = 'kpi_metric_unreadable{database="shop",metric="revenue",sqlstate="22012"}'


def tool(*command, text=None):
    done = subprocess.run(command, cwd=HOME, input=text, text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def thresholds(environment):
    with open(os.path.join(ROOT, 'environments', environment + '.yaml')) as file:
        return {name: float(value) for name, value in re.findall(r'^(\w+): (-?[\d.]+)$', file.read(), re.M)}


def rules(environment):
    """name -> (`for` in minutes, severity), as the file has them."""
    with open(os.path.join(HOME, 'rules', environment + '.yaml')) as file:
        found = re.findall(r'- alert: (\w+)\n.*?\n +for: (\d+)m\n +labels: \{severity: (\w+), environment: (\w+)\}', file.read(), re.S)
    assert {name for *_, name in found} == {environment}
    return {alert: (int(minutes), severity) for alert, minutes, severity, _ in found}


@pytest.mark.parametrize('environment', ENVIRONMENTS)
def test_promtool_accepts_the_rules(environment):
    assert tool('promtool', 'check', 'rules', f'rules/{environment}.yaml')[0] == 0


@pytest.mark.parametrize('file', ['prometheus.yml', 'prometheus_pull.yml'])
def test_promtool_accepts_the_configuration(file):
    code, output = tool('promtool', 'check', 'config', file)
    assert code == 0 and '36 rules found' in output, output


def test_the_rules_of_the_old_stack_are_there():
    found = rules('prod')
    assert {name: found[name] for name in ('LowDailyLeads', 'LowRevenueVsAvg7d', 'LowPaymentSuccessRate', 'LowRevenueBySegment', 'LowLeadsBySegment')} == {
        'LowDailyLeads': (15, 'critical'), 'LowRevenueVsAvg7d': (30, 'critical'), 'LowPaymentSuccessRate': (15, 'warning'),
        'LowRevenueBySegment': (30, 'warning'), 'LowLeadsBySegment': (15, 'warning')}
    assert rules('dev').keys() == rules('stg').keys() == found.keys()


# --- both sides of each threshold and of each `for`: series as they are on a usual day, and what each alert changes in them.
# Six in the evening of a day that is as usual: three quarters of it are over.
LIMIT = 1000  # leads a day; far above every threshold
USUAL = {
    f'kpi_data_as_of_timestamp_seconds{{{SHOP}}}': 'now',
    f'kpi_last_closed_day_timestamp_seconds{{{SHOP}}}': 'now',
    f'kpi_worker_heartbeat_timestamp_seconds{{{SHOP}}}': 'now',
    'push_time_seconds{job="kpi_ext",database="shop"}': 'now',
    'up{job="pushgateway",instance="gateway:9091"}': 1,
    f'kpi_day_elapsed_ratio{{{SHOP}}}': 0.75,
    f'kpi_worker_up{{{SHOP}}}': 1,
    f'kpi_leads_today{{{SHOP}}}': 750, f'kpi_leads_expected_by_now{{{SHOP}}}': 750, f'kpi_leads_avg7d{{{SHOP}}}': LIMIT,
    f'kpi_leads_last_day{{{SHOP}}}': LIMIT, f'kpi_leads_pace{{{SHOP}}}': 1,
    f'kpi_leads_by_segment{{{SEGMENT}}}': 375, f'kpi_leads_avg7d_by_segment{{{SEGMENT}}}': 500,
    f'kpi_revenue_pace{{{SHOP}}}': 1, f'kpi_revenue_expected_by_now{{{SHOP}}}': 7500, f'kpi_revenue_avg7d{{{SHOP}}}': 10000,
    f'kpi_revenue_by_segment{{{SEGMENT}}}': 3750, f'kpi_revenue_avg7d_by_segment{{{SEGMENT}}}': 5000,
    f'kpi_payments_success_rate{{{SHOP}}}': 99, f'kpi_payments_today{{{SHOP}}}': 200,
    f'kpi_source_ok{{{SHOP},source="payments"}}': 1, f'kpi_capture_error_rows{{{SHOP},source="payments"}}': 5,
    f'kpi_outbox_dead{{{SHOP},sink="slack"}}': 0, f'kpi_outbox_oldest_age_seconds{{{SHOP},sink="slack"}}': 0,
    f'kpi_jobs_overdue{{{SHOP}}}': 0,
}


def values(value):
    """A series of promtool, one sample a minute for 100 minutes: 'now' follows the clock, which begins at 0."""
    if isinstance(value, str):
        return '0+60x100' if value == 'now' else value
    return f'{value}+0x100'


def changed(**changes):
    """The usual day with other values; kpi_x__shop would be long: names are enough where a metric has one series."""
    out = dict(USUAL)
    for name, value in changes.items():
        key, = [series for series in out if series.split('{')[0] == name]
        if value is None:
            del out[key]
        else:
            out[key] = value
    return out


def leads(per_day):
    """Leads of today at the pace of so many a day."""
    return changed(kpi_leads_today=per_day * 0.75)


def lead_segment(per_day):
    return changed(kpi_leads_by_segment=per_day * 0.75)


def old(metric, age):
    """A clock that stands still, so that its age is `age` seconds at minute 0."""
    return changed(**{metric: -age})


def cases(environment):
    """(alert, labels, series, minute at which it becomes true, or None for never)"""
    t = thresholds(environment)
    shop, segment = {'database': 'shop'}, {'database': 'shop', 'country': 'MX', 'source': 'ads'}
    payments, slack = {'database': 'shop', 'source': 'payments'}, {'database': 'shop', 'sink': 'slack'}
    for alert, key in (('LowDailyLeads', 'leads_critical'), ('LowDailyLeadsWarning', 'leads_warning')):
        limit = t[key]
        yield alert, shop, leads(limit - 0.4), 0
        yield alert, shop, leads(limit), None
        # by chance: a small shop that is a bit behind
        small = max(limit * 1.1, 1)
        chance = {'kpi_leads_avg7d': small, 'kpi_leads_expected_by_now': small * 0.75, 'kpi_leads_today': (limit - 0.4) * 0.75, 'kpi_leads_last_day': small}
        yield alert, shop, changed(**chance), None
        # a closed day, until today has made up for it
        yield alert, shop, changed(kpi_leads_last_day=limit - 0.4, kpi_leads_today=limit - 0.4, kpi_leads_expected_by_now=limit), 0
        yield alert, shop, changed(kpi_leads_last_day=limit, kpi_leads_expected_by_now=750), None
        yield alert, shop, changed(kpi_leads_last_day=limit - 0.4, kpi_leads_today=max(limit, 1)), 0 if max(limit, 1) < limit else None
        # the night: nothing is expected yet
        yield alert, shop, changed(kpi_leads_today=0, kpi_leads_expected_by_now=LIMIT * 0.24), None
        yield alert, shop, changed(kpi_leads_today=0, kpi_leads_expected_by_now=LIMIT * 0.25), 0
        yield alert, shop, changed(kpi_leads_today=0, kpi_leads_expected_by_now='NaN+0x100'), None
        yield alert, shop, changed(kpi_leads_today=0, kpi_leads_avg7d=0, kpi_leads_last_day=0, kpi_leads_expected_by_now=10), None
        yield alert, shop, changed(kpi_leads_today=None, kpi_leads_last_day=None), None
    for alert, key in (('LowRevenueVsAvg7d', 'revenue_vs_avg7d_critical'), ('LowRevenueVsAvg7dWarning', 'revenue_vs_avg7d_warning')):
        yield alert, shop, changed(kpi_revenue_pace=t[key] - 0.001), 0
        yield alert, shop, changed(kpi_revenue_pace=t[key]), None
        yield alert, shop, changed(kpi_revenue_pace=0, kpi_revenue_expected_by_now=2499), None
        yield alert, shop, changed(kpi_revenue_pace=0, kpi_revenue_expected_by_now=2500), 0
        yield alert, shop, changed(kpi_revenue_pace='NaN+0x100'), None
        yield alert, shop, changed(kpi_revenue_pace=None, kpi_revenue_expected_by_now=0, kpi_revenue_avg7d=0), None
        # numbers of a pusher that died: 30 minutes after its last word it has none
        yield alert, shop, changed(kpi_revenue_pace=0, kpi_data_as_of_timestamp_seconds='-1801+0x100'), None
    for alert, key in (('LowPaymentSuccessRate', 'payment_success_critical'), ('LowPaymentSuccessRateInfo', 'payment_success_warning')):
        yield alert, shop, changed(kpi_payments_success_rate=t[key] - 0.01), 0
        yield alert, shop, changed(kpi_payments_success_rate=t[key]), None
        yield alert, shop, changed(kpi_payments_success_rate=0, kpi_day_elapsed_ratio=0.24), None
        yield alert, shop, changed(kpi_payments_success_rate=0, kpi_payments_today=19), None
        yield alert, shop, changed(kpi_payments_success_rate=0, kpi_payments_today=None), 0
        yield alert, shop, changed(kpi_payments_success_rate=None), None  # no payment yet: no rate
    limit = t['revenue_by_segment_warning']
    yield 'LowRevenueBySegment', segment, changed(kpi_revenue_by_segment=3750 * (limit - 0.001)), 0
    yield 'LowRevenueBySegment', segment, changed(kpi_revenue_by_segment=3750 * limit + 0.001), None
    yield 'LowRevenueBySegment', segment, changed(kpi_revenue_by_segment=0, kpi_revenue_expected_by_now=4999), None
    yield 'LowRevenueBySegment', segment, changed(kpi_revenue_by_segment=0, kpi_revenue_avg7d_by_segment=0), None  # 0/0
    limit = t['leads_by_segment_warning']
    yield 'LowLeadsBySegment', segment, lead_segment(limit - 0.4), 0
    yield 'LowLeadsBySegment', segment, lead_segment(limit), None
    yield 'LowLeadsBySegment', segment, changed(kpi_leads_by_segment=0, kpi_leads_expected_by_now=499), None
    yield 'LowLeadsBySegment', segment, changed(kpi_leads_by_segment=0, kpi_leads_avg7d_by_segment=limit - 0.1), None  # never had so many

    gateway = {'job': 'pushgateway', 'instance': 'gateway:9091'}
    yield 'KpiScrapeFailing', gateway, changed(up=0), 0
    yield 'KpiScrapeFailing', gateway, USUAL, None
    yield 'KpiPushStale', shop, old('push_time_seconds', 0), 6  # older than 300 s at minute 6
    yield 'KpiPushStale', shop, USUAL, None
    yield 'KpiPushAbsent', {'job': 'kpi_ext'}, {}, 0
    yield 'KpiPushAbsent', {'job': 'kpi_ext'}, USUAL, None
    yield 'KpiPushAbsent', {'job': 'kpi_ext'}, changed(push_time_seconds=None), None  # scraped instead
    yield 'KpiNumbersAbsent', {}, changed(kpi_day_elapsed_ratio=None), 0
    yield 'KpiNumbersAbsent', {}, USUAL, None
    yield 'KpiDataStale', shop, old('kpi_data_as_of_timestamp_seconds', 0), 16
    yield 'KpiDataStale', shop, USUAL, None
    yield 'KpiDayNotClosed', shop, old('kpi_last_closed_day_timestamp_seconds', 93600), 1
    yield 'KpiDayNotClosed', shop, changed(kpi_last_closed_day_timestamp_seconds='-93600+60x100'), None
    yield 'KpiWorkerDown', shop, changed(kpi_worker_up=0), 0
    yield 'KpiWorkerDown', shop, changed(kpi_worker_up=None), None  # a standby, or a server without preload
    yield 'KpiWorkerStale', shop, old('kpi_worker_heartbeat_timestamp_seconds', 0), 6
    yield 'KpiWorkerStale', shop, changed(kpi_worker_heartbeat_timestamp_seconds='-300+60x100'), None
    yield 'KpiSourceBroken', payments, changed(kpi_source_ok=0), 0
    yield 'KpiSourceBroken', payments, USUAL, None
    yield 'KpiCaptureErrors', payments, changed(kpi_capture_error_rows='5x10 6x89'), 11
    yield 'KpiCaptureErrors', payments, USUAL, None
    broken = {'database': 'shop', 'metric': 'revenue', 'sqlstate': '22012'}
    yield 'KpiMetricUnreadable', broken, {**USUAL, BROKEN: 1}, 0
    yield 'KpiMetricUnreadable', broken, USUAL, None
    yield 'KpiDeadLetters', slack, changed(kpi_outbox_dead=1), 0
    yield 'KpiDeadLetters', slack, USUAL, None
    yield 'KpiOutboxStuck', slack, changed(kpi_outbox_oldest_age_seconds=900.5), 0
    yield 'KpiOutboxStuck', slack, changed(kpi_outbox_oldest_age_seconds=900), None
    yield 'KpiJobsOverdue', shop, changed(kpi_jobs_overdue=1), 0
    yield 'KpiJobsOverdue', shop, USUAL, None


# What is missing in one database only is not absent: these have a Prometheus of their own.
ABSENCE = ('KpiPushAbsent', 'KpiNumbersAbsent')


def promtool_test(series, checks):
    """`checks`: (selector of ALERTS, minute, labels of the alert that fires then, or None)"""
    expected = [{'expr': f'ALERTS{{{selector}}}', 'eval_time': f'{minute}m', 'exp_samples': [] if labels is None else [
        {'labels': 'ALERTS{' + ','.join(f'{name}="{value}"' for name, value in labels.items()) + '}', 'value': 1}]}
        for selector, minute, labels in checks]
    return {'interval': '1m', 'promql_expr_test': expected,
            'input_series': [{'series': name, 'values': values(value)} for name, value in series.items()]}


def promtool(folder, environment, tests):
    path = folder / 'test.yaml'  # JSON is YAML
    path.write_text(json.dumps({'rule_files': [f'{HOME}/rules/{environment}.yaml'], 'evaluation_interval': '1m', 'tests': tests}))
    code, output = tool('promtool', 'test', 'rules', str(path))
    assert code == 0, output[:6000]


@pytest.mark.parametrize('environment', ENVIRONMENTS)
def test_every_alert_on_both_sides(environment, tmp_path):
    """Each case is a database (a gateway) of its own in one Prometheus: promtool takes a second to set one up."""
    known, judged = rules(environment), {True: set(), False: set()}
    together, checks, tests = {}, [], []
    for number, (alert, labels, series, since) in enumerate(cases(environment)):
        judged[since is not None].add(alert)
        own = {} if alert in ABSENCE else {'"shop"': f'"shop{number}"', 'gateway:9091': f'gateway{number}:9091'}

        def renamed(text):
            for name, mine in own.items():
                text = text.replace(name, mine)
            return text

        minutes, severity = known[alert]
        labels = {name: renamed(f'"{value}"').strip('"') for name, value in labels.items()}
        alarm = {'alertname': alert, 'alertstate': 'firing', 'severity': severity, 'environment': environment, **labels}
        place = f',database="shop{number}"' if 'database' in labels else f',instance="{labels["instance"]}"' if 'instance' in labels else ''
        selector = f'alertname="{alert}",alertstate="firing"{place}'
        now = [(selector, 45, None)] if since is None else [(selector, since + minutes - 1, None), (selector, since + minutes, alarm)]
        if alert == 'KpiCaptureErrors' and since is not None:
            now.append((selector, since + 70, None))  # an hour later it is no news
        if alert in ABSENCE:
            tests.append(promtool_test(series, now))
        else:
            checks += now
            together.update({renamed(name): value for name, value in series.items()})
    assert judged[True] == judged[False] == set(known), 'each alert has a case on both sides'
    promtool(tmp_path, environment, [promtool_test(together, checks), *tests])


def test_a_usual_day_is_quiet_in_two_copies(tmp_path):
    """A number that is both pushed and scraped alarms nobody, and once when it is low."""
    def twice(series):
        return {name.replace('database=', f'job="kpi_ext",instance="{copy}",database=') if 'job=' not in name else name: value
                for copy in ('', 'db:9187') for name, value in series.items()}
    one = {'alertname': 'LowRevenueVsAvg7d', 'alertstate': 'firing', 'database': 'shop', 'environment': 'prod', 'severity': 'critical'}
    promtool(tmp_path, 'prod', [promtool_test(twice(series), [('severity="critical"', 60, expected)])
                                for series, expected in ((USUAL, None), (changed(kpi_revenue_pace=0.5), one))])


def test_the_words_of_every_alert(tmp_path):
    """On a Prometheus that scrapes a day on which everything is wrong: templates are filled in, and labels are where they belong."""
    bad = changed(
        push_time_seconds='old', kpi_data_as_of_timestamp_seconds='stale', kpi_last_closed_day_timestamp_seconds='old',
        kpi_worker_heartbeat_timestamp_seconds='old', kpi_worker_up=0, kpi_leads_today=1, kpi_leads_by_segment=1, kpi_revenue_pace=0.123,
        kpi_revenue_by_segment=1, kpi_payments_success_rate=12.34, kpi_source_ok=0, kpi_outbox_dead=2, kpi_outbox_oldest_age_seconds=7200,
        kpi_jobs_overdue=1)
    del bad['up{job="pushgateway",instance="gateway:9091"}']
    bad[BROKEN] = 1
    calls = iter(range(1000000))

    def page():
        now, grows = time.time(), next(calls)
        ages = {'now': now, 'stale': now - 1200, 'old': now - 100000}
        shown = {**bad, 'kpi_capture_error_rows{database="shop",source="payments"}': grows}
        return ''.join(f'{series} {ages.get(value, value)}\n' for series, value in shown.items())

    with open(os.path.join(HOME, 'rules', 'prod.yaml')) as file:
        (tmp_path / 'rules.yaml').write_text(re.sub(r'for: \d+m', 'for: 0s', file.read()))
    wanted = set(rules('prod')) - {'KpiPushAbsent', 'KpiNumbersAbsent'}
    with text_page(page) as target, open(tmp_path / 'log', 'wb') as log:
        server = prometheus(tmp_path, {'pushgateway': target, 'kpi_ext': '127.0.0.1:1'}, log)
        try:
            deadline, alerts = time.monotonic() + 60, {}
            while set(alerts) != wanted and time.monotonic() < deadline:
                time.sleep(0.3)
                alerts = {alert['labels']['alertname']: alert for alert in json.loads(get(server.url + '/api/v1/alerts'))['data']['alerts']}
        finally:
            server.stop()
    assert set(alerts) == wanted
    for name, alert in alerts.items():
        text = ' '.join(alert['annotations'].values())
        assert 'error' not in text.replace('kpi.capture_error', '').replace('raises an error', '').replace('after an error', '').replace('last error', ''), text
        assert '<no value>' not in text and '{{' not in text, text
        if name.startswith('Low') or name not in ('KpiScrapeFailing',):
            assert alert['annotations']['summary'].startswith('shop: '), text
    summaries = {name: alert['annotations']['summary'] for name, alert in alerts.items()}
    assert summaries['LowPaymentSuccessRate'] == 'shop: 12.34 % of the payments succeed'
    assert summaries['LowRevenueVsAvg7d'] == 'shop: revenue at 12.3% of what is usual by now'
    assert summaries['LowLeadsBySegment'] == 'shop: 1.333 leads a day of MX/ads, fewer than 20'
    assert summaries['KpiMetricUnreadable'] == 'shop: metric revenue cannot be read'
    assert summaries['KpiOutboxStuck'] == 'shop: a message to slack waits for 2h 0m 0s'


def test_a_gateway_keeps_numbers_and_their_age_tells(tmp_path):
    """Pushed until the alarm is there, and by nobody after it: the numbers stay for ever, and only the age of the push and of the data grows."""
    with open(os.path.join(HOME, 'rules', 'prod.yaml')) as file:
        text = re.sub(r'for: \d+m', 'for: 0s', file.read())
    for written, quick in (('kpi:push_age:seconds > 300', 'kpi:push_age:seconds > 4'), ('kpi:data_age:seconds < 1800', 'kpi:data_age:seconds < 4')):
        assert written in text
        text = text.replace(written, quick)
    (tmp_path / 'rules.yaml').write_text(text)
    with open(tmp_path / 'log', 'wb') as log:
        gateway = pushgateway(log)
        server = prometheus(tmp_path, {'pushgateway': gateway.url.removeprefix('http://')}, log)

        def send(method, body=None):
            urllib.request.urlopen(urllib.request.Request(gateway.url + '/metrics/job/kpi_ext/database/shop', body, method=method), timeout=5).close()

        def firing():
            found = json.loads(get(server.url + '/api/v1/query?query=ALERTS'))['data']['result']
            return {alert['metric']['alertname'] for alert in found}

        def soon(names, meanwhile=lambda: None):
            deadline = time.monotonic() + 40
            while firing() != names:
                assert time.monotonic() < deadline, (firing(), names)
                meanwhile()
                time.sleep(0.2)

        try:
            soon({'KpiPushAbsent', 'KpiNumbersAbsent'})
            low = changed(kpi_revenue_pace=0.1)

            def push():
                now = time.time()
                send('PUT', ''.join(f'{re.sub(".database=.shop.,?", "{", series)} {now if value == "now" else value}\n'
                                    for series, value in low.items() if not series.startswith(('up', 'push_'))).encode())
            soon({'LowRevenueVsAvg7d', 'LowRevenueVsAvg7dWarning'}, push)
            soon({'KpiPushStale'})
            assert 'kpi_revenue_pace' in get(gateway.url + '/metrics'), 'the gateway has forgotten nothing'
            send('DELETE')
            soon({'KpiPushAbsent', 'KpiNumbersAbsent'})
        finally:
            server.stop()
            gateway.stop()


# --- who is told
def test_amtool_accepts_the_routes():
    code, output = tool('amtool', 'check-config', 'alertmanager.yml')
    assert code == 0 and '7 inhibit rules' in output and '3 receivers' in output, output


@pytest.mark.parametrize('labels,receiver', [
    ('alertname=LowDailyLeads severity=critical environment=prod', 'oncall'),
    ('alertname=LowDailyLeadsWarning severity=warning environment=prod', 'team'),
    ('alertname=LowPaymentSuccessRateInfo severity=info environment=prod', 'team'),
    ('alertname=LowDailyLeads severity=critical environment=stg', 'team'),
    ('alertname=LowDailyLeads severity=critical environment=dev', 'nobody'),
    ('alertname=KpiPushAbsent severity=critical environment=prod', 'oncall')])
def test_routes(labels, receiver):
    code, output = tool('amtool', 'config', 'routes', 'test', '--config.file=alertmanager.yml', *labels.split())
    assert (code, output.split()[0]) == (0, receiver), output


def test_inhibitions_name_alerts_that_exist():
    known = rules('prod')
    with open(os.path.join(HOME, 'alertmanager.yml')) as file:
        text = file.read()
    patterns = {name for group in re.findall(r'alertname=~?"([^"]+)"', text) for name in group.split('|')} - {'Low.*'}
    assert patterns <= set(known), patterns - set(known)
