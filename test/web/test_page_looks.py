"""How the page looks and sounds: sizes, themes, languages, axe; in its full, empty, stale and failed states. Pictures of all of
them are kept in build/results/page."""
import re

import pytest
from browser import PAGE, ROLE, axe, picture, ready
from cluster import wait_until
from served_web import Web

SIZES = {360: 780, 1024: 900, 1920: 1080}


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


def test_a_chosen_theme_stays(site, open_page):
    page = ready(open_page(site))
    page.get_by_label('Theme').select_option('dark')
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == 'dark'
    assert sum(page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")) < 120
    ready(page).get_by_label('Theme').select_option('system')
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") is None


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
        page = open_page(web, expected='Failed to load resource')
        page.wait_for_function("() => document.querySelectorAll('.skeleton').length === 0", timeout=30000)
        picture(page, 'bare-1280')
        assert fits(page) and axe(page) == []


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
    page.get_by_role('button', name='90 days').click()
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
    assert page.locator('.failed').count() >= 5
    assert 'The database does not answer.' in page.locator('.performance').inner_text()
    picture(page, 'failed-1280')
    assert axe(page) == []
    page.unroute('**/api/kpi/*')
    page.locator('.performance').get_by_role('button', name='Try again').click()
    page.locator('.chart-canvas').wait_for()
