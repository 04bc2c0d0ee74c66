#!/usr/bin/env python3
"""The backup alerts: what the old stack alarmed at, asked by Grafana from PostgreSQL every minute.

    alerts.py                  writes grafana/provisioning/alerting/kpi_backup_postgres.yaml, which Grafana loads
    alerts.py --check          only says whether it is what would be written
    alerts.py --api            prints the rules as Grafana's HTTP API takes them, one JSON a line
    alerts.py --put URL        makes the folder and puts them there; the token of a service account is read from GRAFANA_TOKEN

They fire only while the worker is silent, or when asked to (kpi.backup_alerts). A rule that came by file is changed by file:
use one of the two ways, not both.
"""
import json
import os
import re
import sys
import urllib.error
import urllib.request

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'provisioning', 'alerting', 'kpi_backup_postgres.yaml')
GROUP, FOLDER, FOLDER_UID, EVERY = 'kpi_backup_postgres', 'KPIs', 'kpis', 60

# What Grafana watches in Prometheus' place. How long it waits, and how grave it is, those files say: one place for both.
JUDGED = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'prometheus', 'rules', 'prod.yaml')
# name, does it have segments, what it says
RULES = [
    ('LowDailyLeads', False, 'Fewer leads today than leads_critical allows by this time of day'),
    ('LowRevenueVsAvg7d', False, 'Less revenue today than revenue_vs_avg7d_critical of the last 7 days allows by this time of day'),
    ('LowPaymentSuccessRate', False, 'Fewer payments succeed today than payment_success_critical allows'),
    ('LowRevenueBySegment', True, 'Less revenue today in {{ $labels.country }}/{{ $labels.source }} than revenue_by_segment_warning allows by this time of day'),
    ('LowLeadsBySegment', True, 'Fewer leads today in {{ $labels.country }}/{{ $labels.source }} than leads_by_segment_warning allows by this time of day'),
]


def judged():
    """Of each alert of Prometheus: how long it must hold, and its severity."""
    with open(JUDGED) as file:
        return {name: (wait, severity) for name, wait, severity in
                re.findall(r'^ +- alert: (\w+)$.*?^ +for: (\w+)$\n +labels: \{severity: (\w+),', file.read(), re.M | re.S)}


def rule(name, segments, summary):
    wait, severity = judged()[name]
    columns = 'country, source, ' if segments else ''
    question = {'refId': 'A', 'datasource': {'type': 'grafana-postgresql-datasource', 'uid': 'kpis-postgres'}, 'editorMode': 'code', 'format': 'table', 'rawQuery': True,
                'rawSql': f"SELECT {columns}firing::int AS firing FROM kpi.backup_alerts('{name}')", 'intervalMs': 1000, 'maxDataPoints': 43200}
    threshold = {'refId': 'C', 'type': 'threshold', 'expression': 'A', 'datasource': {'type': '__expr__', 'uid': '__expr__'},
                 'conditions': [{'type': 'query', 'evaluator': {'type': 'gt', 'params': [0]}, 'operator': {'type': 'and'}, 'query': {'params': ['C']}, 'reducer': {'type': 'last', 'params': []}}]}
    return {'uid': f'kpi-backup-{name.lower()}', 'title': f'{name} (backup)', 'condition': 'C',
            'data': [{'refId': 'A', 'relativeTimeRange': {'from': 600, 'to': 0}, 'datasourceUid': 'kpis-postgres', 'model': question},
                     {'refId': 'C', 'relativeTimeRange': {'from': 600, 'to': 0}, 'datasourceUid': '__expr__', 'model': threshold}],
            'for': wait, 'noDataState': 'OK', 'execErrState': 'Error', 'isPaused': False, 'labels': {'alert': name, 'severity': severity, 'backup': 'true'},
            'annotations': {'summary': summary, 'description': f"The worker of kpi_ext is silent, so Grafana speaks for it. Numbers: SELECT * FROM kpi.backup_alerts('{name}'). First steps: docs/runbooks.md."}}


def file_form():
    return {'apiVersion': 1, 'groups': [{'orgId': 1, 'name': GROUP, 'folder': FOLDER, 'interval': f'{EVERY}s', 'rules': [rule(*each) for each in RULES]}]}


def api_form():
    """A group, as PUT /api/v1/provisioning/folder/<uid>/rule-groups/<group> takes it."""
    rules = [{**rule(*each), 'orgID': 1, 'folderUID': FOLDER_UID, 'ruleGroup': GROUP} for each in RULES]
    return {'title': GROUP, 'folderUid': FOLDER_UID, 'interval': EVERY, 'rules': rules}


def yaml(value, indent=0):
    """Lists and mappings as blocks, the rest as JSON, which is YAML too."""
    blank = ' ' * indent
    if isinstance(value, dict) and value:
        return ''.join(f'{blank}{key}:' + ('\n' + yaml(item, indent + 2) if isinstance(item, (dict, list)) and item else f' {json.dumps(item, ensure_ascii=False)}\n')
                       for key, item in value.items())
    if isinstance(value, list) and value:
        return ''.join(f'{blank}- ' + (yaml(item, indent + 2)[indent + 2:] if isinstance(item, (dict, list)) and item else json.dumps(item, ensure_ascii=False) + '\n') for item in value)
    return blank + json.dumps(value, ensure_ascii=False) + '\n'


def text():
    return '# Written by grafana/alerts.py: change that. What they ask: docs/grafana.md.\n' + yaml(file_form())


def call(method, url, body):
    # Without the second header Grafana would let nobody change the rules in its pages.
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method, headers={
        'Content-Type': 'application/json', 'X-Disable-Provenance': 'true', 'Authorization': 'Bearer ' + os.environ['GRAFANA_TOKEN']})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.read()


def put(base):
    base = base.rstrip('/')
    try:
        call('POST', f'{base}/api/folders', {'uid': FOLDER_UID, 'title': FOLDER})
    except urllib.error.HTTPError as error:
        if error.code not in (409, 412):  # it is there
            raise
    call('PUT', f'{base}/api/v1/provisioning/folder/{FOLDER_UID}/rule-groups/{GROUP}', api_form())
    print(f'{len(RULES)} rules put into group {GROUP} of {base}')


def main(arguments):
    if arguments == ['--check']:
        with open(FILE) as file:
            same = file.read() == text()
        print(f'{FILE} is {"what" if same else "not what"} alerts.py writes')
        return 0 if same else 1
    if arguments == ['--api']:
        for each in api_form()['rules']:
            print(json.dumps(each, ensure_ascii=False))
        return 0
    if len(arguments) == 2 and arguments[0] == '--put':
        if not os.environ.get('GRAFANA_TOKEN'):
            print('GRAFANA_TOKEN is not set: the token of a service account that may write alert rules', file=sys.stderr)
            return 2
        try:
            put(arguments[1])
        except (OSError, ValueError) as error:
            detail = error.read().decode(errors='replace')[:500] if isinstance(error, urllib.error.HTTPError) else ''
            print(f'{arguments[1]}: {error} {detail}', file=sys.stderr)
            return 1
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    with open(FILE, 'w') as file:
        file.write(text())
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
