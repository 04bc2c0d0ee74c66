"""kpi_web before a hot standby: reads are answered, events come by asking every 5 seconds, a promotion is noticed."""
import pytest

from conftest import Database, make_shop
from test_contract import QUESTIONS


@pytest.fixture
def pair(make_cluster):
    """A shop, and the standby of its cluster."""
    primary = make_cluster('web-standby')
    shop = make_shop(primary)
    standby = primary.standby(f'{primary.name}-copy')
    yield shop, standby
    standby.remove()


def test_a_hot_standby_is_read_and_its_promotion_noticed(pair, start_web, wait_until):
    shop, standby = pair
    copy = Database(standby, shop.name)
    wait_until(lambda: copy.sql('SELECT count(*) FROM pg_roles WHERE rolname = %s', ('kpi_web',)) == [(1,)], 'the standby to follow')
    web = start_web(copy)
    wait_until(lambda: web.get('/readyz').status == 200, 'the standby to answer')
    for question in [*QUESTIONS, '/metrics', '/api/kpi/export?format=xlsx', '/api/kpi/export?start_date=7d']:
        answer = web.get(question.replace('{', '%7B').replace('}', '%7D').replace('"', '%22'))
        assert answer.status == 200, (question, answer.body)
    meta = web.get('/api/meta')
    act = web.request('POST', '/api/kpi/incidents/act', '{"token": "x"}', {
        'Content-Type': 'application/json', 'Cookie': meta.headers['Set-Cookie'].split(';')[0], 'X-CSRF-Token': meta.json['csrf']})
    assert act.status == 403, act.body
    with web.events() as events:
        while not events.next()[1].get('summary'):
            pass
        before = web.get('/api/kpi/query?metric=payments&start_date=today&aggregate=total').json['data'][0]['value']
        shop.pay(9)
        wait_until(lambda: copy.sql("SELECT count(*) FROM payments") == shop.sql("SELECT count(*) FROM payments"), 'the row on the standby')
        data, _ = events.wait('update', 20)
        assert data['sources'] is None and data['views'] is None, 'anything may have changed'
        wait_until(lambda: web.get('/api/kpi/query?metric=payments&start_date=today&aggregate=total').json['data'][0]['value'] == before + 1,
                   'the row in an answer', 30)
        assert web.log().count('everything is read every 5 s') == 1
        assert standby.log().count('LISTEN') <= 3, 'it is not refused again and again'

        standby.promote()

        def announced():
            copy.pay(1)
            try:
                return events.wait('update', 10)[0]['sources'] is not None
            except TimeoutError:
                return False
        wait_until(announced, 'announcements of the promoted server', 60)
    assert web.get('/healthz').status == 200
