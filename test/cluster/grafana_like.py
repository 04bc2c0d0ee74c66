"""What Grafana does with a query before PostgreSQL sees it: variables first, macros then, as its sources do.

    expand(sql, {'country': ['MX'], 'source': ALL, 'zone': 'UTC'}, since, until)    variables() of the dashboard say what they are

Only what the dashboard may use is known; anything else is an error, so that no panel relies on what nobody has tried.
"""
import datetime
import re

ALL = '$__all'
# template_srv: $name, [[name]], ${name:format}
VARIABLE = re.compile(r'\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?::([^}]+))?\}')
# macros.go: no ) inside the parentheses; arguments are split at commas
MACRO = re.compile(r'\$([_a-zA-Z0-9]+)\(([^)]*)\)')


def sqlstring(values):
    return ','.join("'" + value.replace("'", "''") + "'" for value in values)


def variable(definition, value, format):
    if value == ALL:
        return definition['allValue']  # as it is written, whatever the format
    values = value if isinstance(value, list) else [value]
    if format == 'sqlstring':
        return sqlstring(values)
    if format == 'raw':
        return values[0] if len(values) == 1 else ','.join(values)
    assert format is None, f'format {format} is not known here'
    # What the data source itself does to a variable without a format.
    return sqlstring(values) if definition['multi'] or definition['includeAll'] else values[0].replace("'", "''")


def macro(name, arguments, since, until):
    def literal(moment):
        return "'" + moment.astimezone(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%S.%fZ') + "'"
    if name == '__timeFilter':
        assert len(arguments) == 1 and arguments[0], 'one column'
        return f'{arguments[0]} BETWEEN {literal(since)} AND {literal(until)}'
    if name in ('__timeFrom', '__timeTo'):
        return literal(since if name == '__timeFrom' else until)
    raise AssertionError(f'unknown macro {name}')


def expand(sql, definitions, values, since, until):
    def substitute(match):
        name = match.group(1) or match.group(2) or match.group(4)
        format = match.group(3) or match.group(5)
        if name.startswith('__'):
            assert name in ('__timeFilter', '__timeFrom', '__timeTo'), f'unknown variable {name}'
            return match.group(0)
        assert name in definitions, f'${name} is no variable of the dashboard'
        return variable(definitions[name], values[name], format)
    # A replaced value is not looked at again.
    return MACRO.sub(lambda match: macro(match.group(1), match.group(2).split(','), since, until), VARIABLE.sub(substitute, sql))
