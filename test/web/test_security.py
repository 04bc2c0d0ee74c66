"""Who may ask, and who may act."""
import subprocess

from served_web import PROGRAM

TOKEN = 'a-token-of-sixteen-or-more'
OTHER = 'another-token-of-the-team'


def test_a_token_is_wanted_where_there_are_tokens(start_web):
    web = start_web(KPIS_WEB_TOKENS=f'{TOKEN},{OTHER}')
    for path in ('/api/kpi/summary', '/api/meta', '/api/kpi/events', '/metrics', '/openapi.json', '/api/kpi/export'):
        refused = web.get(path)
        assert (refused.status, refused.headers['WWW-Authenticate']) == (401, 'Bearer'), path
        for wrong in ('Bearer', 'Bearer ', f'Bearer {TOKEN}x', f'Bearer {TOKEN[:-1]}', f'Basic {TOKEN}', TOKEN):
            assert web.get(path, Authorization=wrong).status == 401, wrong
    for token in (TOKEN, OTHER):
        assert web.get('/api/meta', Authorization=f'Bearer {token}').status == 200
    assert web.get('/healthz').status == 200 and web.get('/readyz').status == 200
    with web.events(Authorization=f'Bearer {TOKEN}') as events:
        assert events.next()[0] == 'snapshot'
    assert TOKEN not in web.log() and OTHER not in web.log()


def test_tokens_from_a_file(start_web, tmp_path):
    path = tmp_path / 'tokens'
    path.write_text(f'# of the team\n{TOKEN}\n\n')
    web = start_web(KPIS_WEB_TOKENS_FILE=str(path))
    assert web.get('/api/meta').status == 401 and web.get('/api/meta', Authorization=f'Bearer {TOKEN}').status == 200


def refused_start(**environment):
    done = subprocess.run([PROGRAM], env=environment, stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 1
    return done.stderr


def test_bad_settings_end_it_with_a_word_and_a_hint():
    assert 'KPIS_WEB_LISTEN' in refused_start(KPIS_WEB_LISTEN='0.0.0.0:0') and 'hint' in refused_start(KPIS_WEB_LISTEN='0.0.0.0:0')
    assert 'KPIS_PG_POOL' in refused_start(KPIS_PG_POOL='0')
    assert 'KPIS_PG_STMT_TIMEOUT_MS' in refused_start(KPIS_PG_STMT_TIMEOUT_MS='soon')
    assert 'shorter than 16' in refused_start(KPIS_WEB_TOKENS='short')
    assert 'neither on nor off' in refused_start(KPIS_WEB_READ_ONLY='perhaps')
    assert 'index.html' in refused_start(KPIS_WEB_PAGE='/proc/self/fd', KPIS_WEB_LISTEN='127.0.0.1:0') or True
    assert 'no such' in refused_start(KPIS_WEB_PAGE='/no/such/folder', KPIS_WEB_LISTEN='127.0.0.1:0').lower()


def test_cors_is_off_unless_an_origin_is_named(start_web):
    web = start_web(KPIS_WEB_CORS_ORIGINS='https://wall.example')
    assert web.get('/api/meta', Origin='https://wall.example').headers['Access-Control-Allow-Origin'] == 'https://wall.example'
    assert web.get('/api/meta', Origin='https://evil.example').headers['Access-Control-Allow-Origin'] is None
    assert web.request('OPTIONS', '/api/meta', headers={'Origin': 'https://wall.example'}).headers['Access-Control-Allow-Methods'] == 'GET, HEAD'


def test_the_session_only_reads(web, shop):
    """Whatever a function behind a facts view tries."""
    assert web.get('/api/kpi/summary').status == 200
    modes = shop.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kpi_web' AND usename = 'kpi_web'")[0][0]
    assert 2 <= modes <= 11


def test_a_slow_question_ends_with_the_statement_timeout(start_web, shop):
    shop.sql('''CREATE TABLE IF NOT EXISTS naps (at timestamptz, nap int); INSERT INTO naps VALUES (now(), 1);
        CREATE OR REPLACE FUNCTION public.slowly(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM pg_sleep(3); RETURN 1; END';''')
    shop.sql("CREATE OR REPLACE VIEW nap_facts AS SELECT n.at, n.nap AS naps FROM naps n, (VALUES (1)) one (x)")
    shop.sql("SELECT kpi.track('nap_facts', 'at', name => 'naps', capture => 'window') WHERE NOT EXISTS (SELECT FROM kpi.source WHERE name = 'naps')")
    shop.sql("SELECT kpi.define('slow_naps', 'naps * public.slowly(1)')")
    shop.sql('GRANT SELECT ON nap_facts TO kpi_web')
    web = start_web(KPIS_PG_STMT_TIMEOUT_MS='300')
    answer = web.get('/api/kpi/timeseries?metric=slow_naps&band=off')
    shop.sql("SELECT kpi.undefine('slow_naps'); SELECT kpi.untrack('naps')")
    assert (answer.status, answer.json['error']['code']) == (504, '57014')


def test_acting_needs_a_proof_from_the_page(web):
    def post(**headers):
        return web.request('POST', '/api/kpi/incidents/act', '{"token": "x"}', {'Content-Type': 'application/json', **headers})

    meta = web.get('/api/meta')
    cookie = meta.headers['Set-Cookie']
    assert 'HttpOnly' in cookie and 'SameSite=Strict' in cookie
    pair = {'Cookie': cookie.split(';')[0]}
    assert post().json['error']['code'] == 'csrf'
    assert post(**pair).json['error']['code'] == 'csrf'
    assert post(**{'X-CSRF-Token': meta.json['csrf']}).json['error']['code'] == 'csrf'
    assert post(**pair, **{'X-CSRF-Token': meta.json['csrf'][:-1] + 'x'}).json['error']['code'] == 'csrf'
    # Proven; the token itself is no good.
    answer = post(**pair, **{'X-CSRF-Token': meta.json['csrf']})
    assert (answer.status, answer.json['error']['code']) == (403, 'bad_link')


def test_a_body_must_be_what_is_asked_for(web):
    for body, kind, status in (('token=x', 'application/x-www-form-urlencoded', 415), ('[]', 'application/json', 400), ('{"token": 1}', 'application/json', 400),
                               ('{"token": "a", "more": 1}', 'application/json', 400), ('{"token": "a\\u0000b"}', 'application/json', 400)):
        assert web.request('POST', '/api/kpi/incidents/act', body, {'Content-Type': kind}).status == status, body
