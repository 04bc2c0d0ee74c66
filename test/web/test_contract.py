"""Every answer is what openapi.json says, and openapi.json says all there is."""
import json
import os

import jsonschema
import pytest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
with open(os.path.join(ROOT, 'src', 'web', 'openapi.json')) as file:
    CONTRACT = json.load(file)

QUESTIONS = [
    '/api/meta', '/api/kpi/summary', '/api/kpi/summary?country=MX&country=ES', '/api/kpi/summary?filters={"source":"ads"}',
    '/api/kpi/timeseries', '/api/kpi/timeseries?metric=leads&start_date=30d&compare=week', '/api/kpi/timeseries?grain=month&start_date=6m&band=off',
    '/api/kpi/timeseries?metric=conversion_pct&start_date=7d&by=country&top=2&compare=previous', '/api/kpi/timeseries?start_date=30d&grain=total',
    '/api/kpi/segments', '/api/kpi/segments?by=country,source&metrics=revenue,leads,conversion_pct&start_date=30d&compare=previous&top=3',
    '/api/kpi/segments?start_date=24h&by=source', '/api/kpi/query', '/api/kpi/query?metric=revenue&aggregate=weekly&country=MX&limit=3',
    '/api/kpi/query?aggregate=hourly&start_date=yesterday', '/api/kpi/anomalies', '/api/kpi/anomalies?metric=leads&all=on&by=country&grain=day',
    '/api/kpi/explain', '/api/kpi/explain?metric=conversion_pct&compare=week&by=country&top=2', '/api/kpi/forecast?horizon=3',
    '/api/kpi/forecast?metric=leads&by=country&horizon=2&coverage=0.5', '/api/kpi/incidents', '/api/kpi/incidents?state=all&limit=5', '/api/kpi/quality',
    '/api/kpi/recent', '/api/kpi/recent?kind=leads&limit=3&country=MX', '/healthz', '/readyz',
]


def schema_of(path, status='200', method='get'):
    answer = CONTRACT['paths'][path][method]['responses'][status]
    return {**answer['content']['application/json']['schema'], 'components': CONTRACT['components']}


@pytest.mark.parametrize('question', QUESTIONS)
def test_an_answer_has_the_shape_of_the_contract(web, question):
    path, _, query = question.partition('?')
    answer = web.get(question.replace('{', '%7B').replace('}', '%7D').replace('"', '%22'))
    assert answer.status == 200, answer.body
    assert answer.headers['Content-Type'].startswith('application/json')
    jsonschema.Draft202012Validator(schema_of(path)).validate(answer.json)
    known = {parameter['name'] for parameter in CONTRACT['paths'][path]['get']['parameters']}
    assert {pair.split('=')[0] for pair in query.split('&') if pair} <= known


def test_each_parameter_of_the_contract_is_known_and_no_other(web):
    for path, methods in CONTRACT['paths'].items():
        if 'get' not in methods or '{' in path or path == '/incidents/act':
            continue
        for parameter in methods['get']['parameters']:
            if parameter['in'] == 'query':
                # Whatever the value is worth, the name is no surprise. HEAD: a stream has no end.
                question = f'{path}?{parameter["name"]}='
                if path == '/api/kpi/events':
                    assert web.request('HEAD', question).status == 200
                else:
                    assert b'unknown_parameter' not in web.get(question).body, question
        refused = web.get(f'{path}?no_such_thing=1')
        assert (refused.status, refused.json['error']['code']) == (400, 'unknown_parameter'), path
        # The refusal lists what there is: the contract has all of it.
        listed = refused.json['error']['hint']
        taken = set() if listed.startswith('There are none') else set(listed.removeprefix('There are: ').rstrip('.').split(', '))
        assert taken == {parameter['name'] for parameter in methods['get']['parameters'] if parameter['in'] == 'query'}, path


def test_each_choice_of_the_contract_is_one(web):
    """Whatever a parameter may be is answered, or has no meaning together with the others; never "no such choice"."""
    for path, methods in CONTRACT['paths'].items():
        for parameter in methods.get('get', {}).get('parameters', []):
            for choice in parameter['schema'].get('enum', []):
                answer = web.get(f'{path}?{parameter["name"]}={choice}')
                assert answer.status == 200, (path, parameter['name'], choice, answer.body)


def test_an_export_as_json_is_what_the_contract_says(web):
    answer = web.get('/api/kpi/export?format=json&metric=leads,conversion_pct&start_date=7d&compare=week&by=country')
    schema = CONTRACT['paths']['/api/kpi/export']['get']['responses']['200']['content']['application/json']['schema']
    assert answer.json
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(answer.json)
    assert {row['bucket'][10:] for row in answer.json} == {'T00:00:00+00:00'}


@pytest.mark.parametrize('method,question', [
    *(('GET', path) for path in ('/api/kpi/query?limit=-1', '/api/nothing', '/nothing', '/api/kpi/timeseries?metric=nothing', '/api/reports/x', '/metrics?top=0',
                                 '/healthz?x=1', '/api/kpi/events?x=1', '/api/kpi/export?metric=nothing', '/api/kpi/export?format=pdf', '/%ff')),
    ('PUT', '/'), ('POST', '/api/kpi/summary'), ('POST', '/api/kpi/incidents/act'), ('GET', '/api/kpi/incidents/act')])
def test_an_error_has_the_shape_of_the_contract(web, method, question):
    answer = web.request(method, question)
    assert 400 <= answer.status < 500 and answer.headers['Cache-Control'] == 'no-store'
    jsonschema.Draft202012Validator(schema_of('/api/kpi/query', 'default')).validate(answer.json)


def test_each_path_of_the_contract_says_what_its_errors_are():
    for path, methods in CONTRACT['paths'].items():
        for method, of_path in methods.items():
            error = of_path['responses'].get('default', {}).get('content', {}).get('application/json', {}).get('schema')
            assert error == {'$ref': '#/components/schemas/Error'}, (method, path)


def test_the_contract_is_served(web):
    assert web.get('/openapi.json').json == CONTRACT
    jsonschema.Draft202012Validator.check_schema({'components': CONTRACT['components']})
