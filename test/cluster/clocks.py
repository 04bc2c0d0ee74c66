"""A server whose time of day the test sets: test/tools/clock.cpp, preloaded. `clocked` is a database of such a server; one that is
started again needs `with clock.preloaded():` around the start."""
import contextlib
import os
import struct
import subprocess
import time

import pytest

from watched import On

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'tools', 'clock.cpp')


class Clock:
    def __init__(self, path, library):
        self.path = path
        self.library = library
        self.set(0)

    def set(self, hours):
        # in place: the server's processes have mapped it
        with open(self.path, 'r+b' if self.path.exists() else 'wb') as file:
            file.write(struct.pack('=q', round(hours * 3600)))

    @contextlib.contextmanager
    def preloaded(self):
        """While a server is started, and for it alone."""
        mine = {'LD_PRELOAD': str(self.library), 'KPI_CLOCK_FILE': str(self.path)}
        os.environ.update(mine)
        try:
            yield
        finally:
            for name in mine:
                del os.environ[name]


def open_to_server(tmp_path):
    """The server's user may read what the test writes there."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder.name.startswith(('pytest-', 'popen-', 'test_')):
            folder.chmod(0o755)


@pytest.fixture
def clock(tmp_path):
    library = tmp_path / 'clock.so'
    subprocess.run(['g++', '-std=c++20', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-o', library, SOURCE], check=True)
    open_to_server(tmp_path)
    return Clock(tmp_path / 'offset', library)


@pytest.fixture
def clocked(make_cluster, clock):
    with clock.preloaded():
        cluster = make_cluster(config={'kpi.allowed_hosts': '127.0.0.1'})
    return On(cluster, cluster.create_database())


def offset(database):
    """Hours between the server's clock and ours."""
    return round((float(database.sql('SELECT extract(epoch FROM clock_timestamp())')[0][0]) - time.time()) / 3600)
