"""Signed links: a page that asks, a form that acts, the same as JSON; the token is the authority."""
import re

import pytest

from served_web import Web


@pytest.fixture
def incident(shop):
    """One that fires, with a link that acknowledges it."""
    shop.sql("ALTER DATABASE \"%s\" SET kpi.public_url = 'http://kpis.example'" % shop.name)
    number = shop.sql("""SELECT kpi._observe('of the test', 'data', 'Rows <b>missing</b>', 'warning', true, '{}', 'postgres')""")[0][0]
    yield number
    shop.sql("SELECT kpi._observe('of the test', 'data', 'Rows are back', 'warning', false, '{}', 'postgres')")


def token(shop, number, action='acknowledge'):
    return shop.sql('SELECT kpi.incident_link(%s, %s)', (number, action))[0][0].split('token=')[1]


def state(shop, number):
    return shop.sql('SELECT state FROM kpi.incident WHERE id = %s', (number,))[0][0]


def test_the_link_asks_and_the_form_acts(web, shop, incident):
    link = f'/incidents/act?token={token(shop, incident)}'
    page = web.get(link)
    text = page.body.decode()
    assert page.status == 200 and '&lt;b&gt;missing' in text and '<b>missing' not in text and '<script' not in text
    assert state(shop, incident) == 'firing', 'opening a link must not act: scanners of mail do it'
    fields = dict(re.findall(r'name="(token|csrf)" value="([^"]+)"', text))
    cookie = page.headers['Set-Cookie'].split(';')[0]
    form = '&'.join(f'{name}={value}' for name, value in fields.items())
    headers = {'Content-Type': 'application/x-www-form-urlencoded', 'Cookie': cookie}
    assert web.request('POST', '/incidents/act', form, {'Content-Type': headers['Content-Type']}).status == 403
    done = web.request('POST', '/incidents/act', form, headers)
    assert done.status == 200 and b'Acknowledged' in done.body
    assert state(shop, incident) == 'acknowledged'
    assert b'<form' not in web.get(link).body, 'what is done needs no button'


def test_the_same_as_json(web, shop, incident):
    meta = web.get('/api/meta')
    headers = {'Content-Type': 'application/json', 'Cookie': meta.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': meta.json['csrf']}
    answer = web.request('POST', '/api/kpi/incidents/act', '{"token": "%s"}' % token(shop, incident, 'snooze'), headers)
    assert answer.status == 200 and answer.json['result']['incident'] == incident and answer.json['result']['hours'] == 4
    assert 'Silenced' in answer.json['message']


def test_whoever_acts_sees_it_at_once(web, shop, incident):
    """What was read a moment before is not shown again, though no worker has announced anything yet."""
    def listed():
        return {one['id']: one['state'] for one in web.get('/api/kpi/incidents?state=all&limit=49').json['incidents']}[incident]

    assert listed() == 'firing'
    meta = web.get('/api/meta')
    headers = {'Content-Type': 'application/json', 'Cookie': meta.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': meta.json['csrf']}
    assert web.request('POST', '/api/kpi/incidents/act', '{"token": "%s"}' % token(shop, incident), headers).status == 200
    assert listed() == 'acknowledged'


def test_a_bad_link_says_so(web):
    answer = web.get('/incidents/act?token=made-up')
    assert answer.status == 403 and b'cannot be used' in answer.body
    assert web.get('/incidents/act').status == 400


def test_where_it_only_reads_there_is_no_button(shop, incident):
    with Web(shop, KPIS_WEB_READ_ONLY='on') as web:
        page = web.get(f'/incidents/act?token={token(shop, incident)}')
        assert page.status == 200 and b'<form' not in page.body
        meta = web.get('/api/meta')
        assert meta.json['read_only'] is True
        answer = web.request('POST', '/api/kpi/incidents/act', '{"token": "x"}', {
            'Content-Type': 'application/json', 'Cookie': meta.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': meta.json['csrf']})
        assert (answer.status, answer.json['error']['code']) == (403, 'read_only')


def test_incidents_are_listed_and_over(web, shop, incident, wait_until):
    listed = web.get('/api/kpi/incidents?state=all&limit=50').json['incidents']
    mine = next(one for one in listed if one['id'] == incident)
    # A kpi_reader sees that data are wrong, not what they are.
    assert mine['severity'] == 'warning' and mine['kind'] == 'data' and 'missing' not in mine['title']
