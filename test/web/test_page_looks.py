"""How the page looks and sounds: sizes, themes, languages, axe; in its full, empty, stale and failed states. Pictures of all of
them are kept in build/results/page."""
import re

import pytest
from browser import PAGE, ROLE, Shop, axe, picture, ready
from cluster import wait_until
from served_web import Web

SIZES = {360: 780, 768: 1024, 1280: 900, 1440: 900, 1920: 1080}


@pytest.fixture(scope='module')
def much(site):
    class Much:
        cluster, name = site.shop.cluster, site.shop.cluster.create_database()
    names = [f'dimension_{i}' for i in range(1, 11)]
    Much.cluster.sql(MUCH.format(names=', '.join(names), columns=', '.join(f'{one} text' for one in names), quoted=', '.join(f"'{one}'" for one in names),
                                 values=', '.join(f"'v' || (i % {n})" for n in range(1, 11))), Much.name)
    Much.cluster.sql(ROLE, Much.name)
    wait_until(lambda: Much.cluster.sql('SELECT count(*) = 0 FROM kpi.dirty', Much.name)[0][0], 'the build')
    with Web(Much, KPIS_WEB_PAGE=PAGE) as web:
        yield web


def fits(page):
    return page.evaluate('document.documentElement.scrollWidth <= innerWidth')


@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
@pytest.mark.parametrize('width', SIZES)
def test_every_size_in_both_themes(site, open_page, width, dark):
    page = ready(open_page(site, width=width, height=SIZES[width], dark=dark))
    page.wait_for_function("() => document.querySelector('.chart-canvas canvas')?.width > 0")
    picture(page, f'full-{width}-{"dark" if dark else "light"}')
    assert fits(page)
    assert axe(page) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (sum(ground) < 120) == dark, ground


def test_pictures_for_the_readme(site, open_page):
    """docs/page-light.png and page-dark.png are copies of these: the shop without the names that try to be markup."""
    with Web(Shop(site.shop.cluster, 'shop'), KPIS_WEB_PAGE=PAGE) as web:
        for theme in ('light', 'dark'):
            page = ready(open_page(web, width=1280, height=1230, dark=theme == 'dark', device_scale_factor=1.5))
            page.wait_for_function("() => document.querySelector('.chart-canvas canvas')?.width > 0")
            page.locator('[data-state=live]').wait_for()
            assert page.get_by_text('alert(').count() == 0
            picture(page, f'readme-{theme}', full_page=False)
            page.close()


@pytest.mark.parametrize('language', ['en', 'es'])
@pytest.mark.parametrize('width', [360, 1024, 1280, 1440])
def test_the_pace_is_said_in_whole_parts(site, open_page, width, language):
    page = ready(open_page(site, f'?lang={language}', width=width, height=900))
    page.locator('.pace-note').wait_for()
    lines = page.evaluate("""[...document.querySelectorAll('.pace-note > *')].map((part) => part.getClientRects().length
        && Math.round(part.getBoundingClientRect().height / parseFloat(getComputedStyle(part).lineHeight)))""")
    assert lines == [1, 1] and fits(page), 'no part is broken over two lines'
    picture(page, f'pace-{width}-{language}')


def test_a_chosen_theme_stays(site, open_page):
    page = ready(open_page(site))
    page.get_by_label('Theme').select_option('dark')
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == 'dark'
    assert sum(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")) < 120
    ready(page).get_by_label('Theme').select_option('system')
    page.reload()
    assert page.evaluate("[document.documentElement.dataset.theme, localStorage.getItem('kpi.theme')]") == ['light', None]
    # Where nothing is chosen it follows the system while it is open.
    page.emulate_media(color_scheme='dark')
    page.wait_for_function("() => document.documentElement.dataset.theme === 'dark'")


def test_in_spanish(site, open_page):
    page = ready(open_page(site, '/?lang=es', width=360, height=780))
    assert page.evaluate('document.documentElement.lang') == 'es'
    text = page.locator('body').inner_text()
    assert 'Ingresos, última hora' in text and 'En vivo' in text
    assert not re.search(r'\b(Revenue|Leads by|Loading|Acknowledge|Previous)\b|\{\w+\}', text)
    assert fits(page) and axe(page) == []
    page.get_by_label('Idioma').select_option('en')
    page.get_by_text('Revenue, last hour').wait_for()
    assert 'lang=en' in page.url
    ready(open_page(site, locale='es-MX')).get_by_text('Ingresos, última hora').wait_for()


def test_as_a_table(site, open_page):
    page = ready(open_page(site, '/?period=7d'))
    page.get_by_role('button', name='Show as table').click()
    rows = page.locator('.performance table.rows tbody tr')
    assert rows.count() == 7 and 'Still open' in rows.first.inner_text()
    assert axe(page) == []


def test_the_empty_state(site, open_page):
    page = open_page(site, '/?country=nowhere&period=7d')
    page.locator('.performance .state').wait_for()
    page.wait_for_function("() => document.querySelectorAll('.skeleton').length === 0")
    assert 'Nothing in this period' in page.locator('.segments').inner_text()
    picture(page, 'empty-1280')
    assert axe(page) == []


def test_a_database_without_any_metric(site, open_page):
    class Bare:
        cluster, name = site.shop.cluster, site.shop.cluster.create_database()
    Bare.cluster.sql(ROLE, Bare.name)
    with Web(Bare, KPIS_WEB_PAGE=PAGE) as web:
        page = open_page(web)
        page.get_by_text('There is no metric to show yet').wait_for(timeout=30000)
        page.wait_for_function("() => document.querySelectorAll('.skeleton').length === 0", timeout=30000)
        assert page.locator('.failed').count() == 0
        picture(page, 'bare-1280')
        assert fits(page) and axe(page) == []
        page.close()


MUCH = '''
CREATE TABLE payments (at timestamptz NOT NULL, country text, source text, {columns}, amount numeric);
INSERT INTO payments SELECT now() - i * interval '41 minutes', (ARRAY['שלום עולם', 'مرحبا بالعالم', 'MX', NULL])[1 + i % 4], 'گوگل ads', {values},
    CASE WHEN i % 5 = 0 THEN -1e12 * (1 + i % 7) ELSE 3.1e11 * (i % 4) END FROM generate_series(0, 1700) i;
CREATE INDEX ON payments (at);
CREATE VIEW payment_facts AS SELECT at, country, source, {names}, 1 AS payments, amount AS revenue, 0 AS chargebacks FROM payments;
SELECT kpi.track('payment_facts', time_column => 'at', dimensions => ARRAY['country', 'source', {quoted}], name => 'payments');
SELECT kpi.define('margin_' || i, '-100.0 * payments / (payments + ' || i || ')', unit => '%') FROM generate_series(1, 60) i;
'''


@pytest.mark.parametrize('width', [360, 1280])
def test_more_than_usual(site, open_page, much, width):
    """12 dimensions, 63 metrics, losses of billions, rates below 0, a metric of 0, names from right to left, and no leads."""
    page = ready(open_page(much, width=width, expected='404.*kind=leads'))
    page.wait_for_function("() => document.querySelector('.chart-canvas canvas')?.width > 0")
    picture(page, f'much-{width}')
    assert fits(page) and axe(page) == []
    rows = much.get('/api/kpi/segments?by=country&metrics=payments&start_date=90d').json['rows']
    counts = [row['values']['payments']['value'] for row in rows]
    assert counts == sorted(counts, reverse=True) and rows[0]['segment']['country'] is not None, 'rows without a country have their place by size'
    figures = page.locator('.metric-value').all()
    for one, next_one in zip(figures, figures[1:]):
        left, right = one.bounding_box(), next_one.bounding_box()
        assert left['x'] + left['width'] <= right['x'], 'a number runs into the next one'
    page.locator('.segments select').select_option('dimension_9')
    page.locator('.segment-rows', has_text='v8').wait_for()
    page.get_by_role('group', name='Latest rows').get_by_role('button', name='Leads').click()
    page.locator('.recent', has_text='No rows').wait_for()
    page.locator('.performance select').select_option('chargebacks')
    page.locator('.chart-canvas[aria-valuetext*=": 0."]').wait_for()
    page.locator('.performance select').select_option('margin_60')
    page.locator('.metric[aria-pressed=true]', has_text='Margin 60').wait_for()
    page.locator('.chart-canvas[aria-valuetext*="-"]').wait_for()
    picture(page, f'much-rates-{width}')


def test_failures_say_so_and_end(site, open_page):
    """The server goes before anything was shown; then it comes back."""
    web = Web(site.shop, KPIS_WEB_PAGE=PAGE).__enter__()
    page = open_page(web, expected='ERR_|Failed to load')
    ready(page)
    port = web.port
    web.__exit__()
    page.locator('[data-state=polling]').wait_for(timeout=10000)
    page.locator('.panel.old').first.wait_for(timeout=15000)
    assert page.locator('.tag.stale').count() > 3
    assert page.locator('[data-test=last-hour]').inner_text() != '', 'the last numbers stay, marked'
    picture(page, 'stale-1280')
    assert axe(page) == []
    # What was chosen since is not there: what stood there is not shown for it.
    page.get_by_role('button', name='90 days').click()
    page.locator('.performance .failed').wait_for()
    with Web(site.shop, KPIS_WEB_PAGE=PAGE, KPIS_WEB_LISTEN=f'127.0.0.1:{port}'):
        page.locator('[data-state=live]').wait_for(timeout=30000)
        wait_until(lambda: page.locator('.tag.stale').count() == 0, 'the marks to go')
        wait_until(lambda: page.locator('.chart-canvas').get_attribute('data-points') == '90', 'what was chosen meanwhile')


def test_nothing_can_be_read(site, open_page):
    """Answers are refused from the first one on: each part says so and offers to try again."""
    page = open_page(site, '/licences.txt', expected='ERR_|Failed to load')
    page.route('**/api/kpi/*', lambda route: route.fulfill(
        status=503, content_type='application/json', body='{"error": {"code": "57P03", "message": "The database does not answer.", "parameter": null, "hint": null}}'))
    page.goto(site.url)
    page.locator('.performance .failed').wait_for()
    wait_until(lambda: page.locator('.failed').count() >= 5, 'every part to say so')
    assert 'The database does not answer.' in page.locator('.performance').inner_text()
    picture(page, 'failed-1280')
    assert axe(page) == []
    page.unroute('**/api/kpi/*')
    page.locator('.performance').get_by_role('button', name='Try again').click()
    page.locator('.chart-canvas').wait_for()
