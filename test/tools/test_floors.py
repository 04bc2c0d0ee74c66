#!/usr/bin/python3
"""floors.py must see each kind of fault, and nothing in a clean house. Exit 1 with the cases it gets wrong."""
import sys

from floors import faults

CLEAN = {
    'core/error.hpp': [('<', 'string')],
    'pg/prelude.hpp': [('"', 'postgres.h'), ('"', 'core/error.hpp')],
    'pg/sql.hpp': [('"', 'core/error.hpp')],
    'pg/sql.cpp': [('"', 'pg/sql.hpp'), ('"', 'pg/prelude.hpp')],
    'engine/registry/metrics.cpp': [('"', 'pg/sql.hpp'), ('<', 'fmt/format.h')],
    'engine/capture/trigger.hpp': [('"', 'pg/prelude.hpp')],
    'monitor/rule.hpp': [('"', 'engine/registry/metrics.hpp')],
    'engine/registry/metrics.hpp': [],
    'net/wire/http.cpp': [('<', 'curl/curl.h')],
    'worker/loop.cpp': [('"', 'monitor/rule.hpp')],
    'entry/module.cpp': [('"', 'pg/prelude.hpp'), ('"', 'worker/loop.hpp')],
    'worker/loop.hpp': [],
    'engine/query/plan.hpp': [('"', 'engine/registry/metrics.hpp')],
    'engine/rollup/merge.cpp': [('"', 'engine/registry/metrics.hpp')],
    'net/sink/slack/api.hpp': [('"', 'net/wire/http.hpp')],
    'net/wire/http.hpp': [],
}
FAULTS = {  # name of the case: (file, its include, words of the message)
    'core sees a room above': ('core/error.hpp', ('"', 'pg/sql.hpp'), 'must not see pg/'),
    'siblings see each other': ('net/wire/http.cpp', ('"', 'pg/sql.hpp'), 'must not see pg/'),
    'engine sees monitor': ('engine/registry/metrics.cpp', ('"', 'monitor/rule.hpp'), 'must not see monitor/'),
    'monitor sees the worker': ('monitor/rule.hpp', ('"', 'worker/loop.hpp'), 'must not see worker/'),
    'a room sees entry': ('worker/loop.cpp', ('"', 'entry/module.cpp'), 'must not see entry/'),
    'PostgreSQL through a header': ('engine/registry/metrics.cpp', ('"', 'engine/capture/trigger.hpp'), 'sees PostgreSQL'),
    'PostgreSQL directly': ('pg/sql.cpp', ('"', 'postgres.h'), 'not in src/'),
    'curl outside net': ('worker/loop.cpp', ('<', 'curl/curl.h'), 'only net/'),
    'rollups see queries': ('engine/rollup/merge.cpp', ('"', 'engine/query/plan.hpp'), 'must not see engine/query/'),
    'the wire sees a sink': ('net/wire/http.cpp', ('"', 'net/sink/slack/api.hpp'), 'must not see net/sink/slack/'),
    'an unknown folder of a room': ('engine/attic/box.cpp', ('"', 'engine/registry/metrics.hpp'), 'must not see engine/'),
    'an unknown library': ('net/wire/http.cpp', ('<', 'zip/any.hpp'), 'belongs to no room'),
    'Boost outside web': ('net/wire/http.cpp', ('<', 'boost/asio.hpp'), 'only web/'),
    'web sees another room': ('web/pool.cpp', ('"', 'net/wire/http.hpp'), 'must not see net/'),
    'OpenSSL outside core, net and web': ('worker/loop.cpp', ('<', 'openssl/evp.h'), 'only core/, net/, web/'),
    'an unknown room': ('attic/box.cpp', ('<', 'string'), 'no room of the house'),
}


def main():
    wrong = [f'clean house: {fault}' for fault in faults(CLEAN)]
    for case, (path, include, words) in FAULTS.items():
        found = list(faults({**CLEAN, path: [*CLEAN.get(path, []), include]}))
        if not any(path in fault and words in fault for fault in found):
            wrong.append(f'{case}: not seen, but {found}')
    print('\n'.join(wrong))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
