#!/usr/bin/python3
"""Writes prometheus/rules/<environment>.yaml as kpi.prometheus_rules answers for environments/<environment>.yaml: `make prometheus`.

test/pgtap/environment.sql compares the committed files with the function.
"""
import os

from cluster import ROOT, scratch


def main():
    with scratch('prometheus-rules') as cluster:
        database = cluster.create_database()
        for file in sorted(os.listdir(os.path.join(ROOT, 'environments'))):
            name = file.removesuffix('.yaml')
            with open(os.path.join(ROOT, 'environments', file)) as source:
                cluster.sql('SELECT kpi.load_environment(%s, %s)', database, parameters=(name, source.read()))
            with open(os.path.join(ROOT, 'prometheus', 'rules', file), 'w') as target:
                target.write(cluster.sql('SELECT kpi.prometheus_rules(%s)', database, parameters=(name,))[0][0] + '\n')


if __name__ == '__main__':
    main()
