"""A real browser for the tests of the page: Debian's chromium, driven by Playwright from a virtual environment in build/playwright.

    site        kpi_web with the built page before a shop of 200 days (page_shop.sql), for the session; .url .shop
    open_page   a function: open_page(site, '/?period=7d', width=1024, dark=True, ...) -> a Playwright page. After the test: whatever
                the browser wrote to its console, a refused resource or style above all, is a failure unless the test expects it
conftest.py imports the fixtures.
"""
import datetime
import glob
import os
import re
import subprocess
import sys

import pytest
from cluster import Cluster, wait_until
from served_web import ROOT, Web

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.normpath(os.path.join(ROOT, 'build', 'page'))
PLACE = os.path.normpath(os.path.join(ROOT, 'build', 'playwright'))
PICTURES = os.path.normpath(os.path.join(ROOT, 'build', 'results', 'page'))
WANTED = ['playwright==1.65.2', 'greenlet==3.2.4', 'pyee==13.0.0', 'typing_extensions==4.16.0']
# Nothing of the browser's own may reach for the internet.
ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync']
READY = '[data-test=last-hour]'
ROLE = '''
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'kpi_web') THEN CREATE ROLE kpi_web LOGIN; END IF; END $$;
GRANT kpi_reader TO kpi_web;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO kpi_web;
'''

# Names that try to be markup.
HOSTILE = '''
INSERT INTO leads (created_at, country, source)
SELECT now() - i * interval '7 hours', '<img src=x onerror=alert(1)>', '"><script>alert(2)</script>' FROM generate_series(1, 60) i;
INSERT INTO payments (created_at, country, source, amount)
SELECT now() - i * interval '9 hours', '<img src=x onerror=alert(1)>', 'a partner whose name is longer than any column of a table should have to be', 60
  FROM generate_series(1, 50) i;
'''


def playwright():
    """The module, installed once, again only when WANTED or Python changes."""
    done, text = os.path.join(PLACE, 'installed.txt'), '\n'.join([sys.version, *WANTED])
    if not os.path.exists(done) or open(done, encoding='utf-8').read() != text:
        subprocess.run([sys.executable, '-m', 'venv', '--clear', PLACE], check=True)
        subprocess.run([os.path.join(PLACE, 'bin', 'pip'), 'install', '--quiet', '--no-input', '--disable-pip-version-check', '--no-deps', *WANTED], check=True)
        with open(done, 'w', encoding='utf-8') as mark:
            mark.write(text)
    found = glob.glob(os.path.join(PLACE, 'lib', 'python3*', 'site-packages'))[0]
    if found not in sys.path:
        sys.path.insert(0, found)
    import playwright.sync_api
    return playwright.sync_api


@pytest.fixture(scope='session')
def browser():
    with playwright().sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path='/usr/bin/chromium', args=ARGUMENTS)
        yield chromium
        chromium.close()


def afternoon():
    """A time zone in which it is four in the afternoon, whenever the tests run: the day is open and has a pace."""
    behind = (datetime.datetime.now(datetime.timezone.utc).hour - 16 + 24) % 24
    return f'Etc/GMT+{behind}' if behind <= 12 else f'Etc/GMT-{24 - behind}'


class Shop:
    def __init__(self, cluster, name=None, more=''):
        self.cluster, self.name = cluster, cluster.create_database(name)
        self.zone = afternoon()
        with open(os.path.join(HERE, 'page_shop.sql'), encoding='utf-8') as file:
            self.sql(f"SET timezone = '{self.zone}';\n{file.read()}{more}")
        self.sql(f"DO $$ BEGIN PERFORM kpi.install_sales(timezone => '{self.zone}'); END $$")
        self.sql(ROLE)
        wait_until(lambda: self.sql('SELECT count(*) = 0 FROM kpi.dirty')[0][0], 'the build of the shop')

    def sql(self, statement, parameters=None):
        return self.cluster.sql(statement, self.name, parameters=parameters)

    def pay(self, amount=25, country='MX', source='google'):
        self.sql("INSERT INTO payments (created_at, country, source, status, amount) VALUES (now(), %s, %s, 'paid', %s)", (country, source, amount))


@pytest.fixture(scope='session')
def site():
    cluster = Cluster(f'page-{os.getpid()}', preload=True)
    cluster.start()
    shop = Shop(cluster, more=HOSTILE)
    with Web(shop, KPIS_WEB_PAGE=PAGE) as web:
        web.shop = shop
        yield web
    cluster.remove()


@pytest.fixture
def open_page(browser):
    contexts, written = [], []

    def opened(web, path='/', width=1280, height=900, dark=False, locale='en-US', expected='', url=None, **options):
        context = browser.new_context(viewport={'width': width, 'height': height}, color_scheme='dark' if dark else 'light', locale=locale, **options)
        contexts.append(context)
        page = context.new_page()

        def hear(text):
            if not expected or not re.search(expected, text):
                written.append(text)
        page.on('console', lambda message: hear(f"{message.text} {message.location['url']}") if message.type in ('error', 'warning') else None)
        page.on('pageerror', lambda error: hear(str(error)))
        page.on('dialog', lambda dialog: (written.append(f'a dialog: {dialog.message}'), dialog.dismiss()))
        page.goto((url or web.url) + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not written, written


def picture(page, name, full_page=True):
    """Kept by the test run, for people to look at."""
    os.makedirs(PICTURES, exist_ok=True)
    page.screenshot(path=os.path.join(PICTURES, f'{name}.png'), full_page=full_page, animations='disabled')


def ready(page):
    """The numbers stand, every part has been read."""
    page.locator(READY).wait_for(timeout=30000)
    page.wait_for_function("() => document.querySelectorAll('.skeleton').length === 0", timeout=30000)
    return page


def axe(page):
    """Faults that axe finds, as lines; [] is clean."""
    with open(os.path.join(ROOT, 'src', 'web', 'page', 'node_modules', 'axe-core', 'axe.min.js'), encoding='utf-8') as file:
        page.evaluate(file.read())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")['violations']
    return [f"{fault['id']}: {node['target']} {node['failureSummary']}" for fault in found for node in fault['nodes']]
