"""Panels of the dashboard as plain data: what Grafana's JSON says of each, with one place for each thing that all of them share."""

POSTGRES = {'type': 'grafana-postgresql-datasource', 'uid': 'kpis-postgres'}
PROMETHEUS = {'type': 'prometheus', 'uid': 'prometheus'}

# The chosen countries and sources as filters of kpi.query. "All" is NULL, and then there is no filter: the totals are read, not every segment.
FILTERS = ("jsonb_strip_nulls(jsonb_build_object('country', nullif(to_jsonb(ARRAY[${country:sqlstring}]::text[]), '[null]'), "
           "'source', nullif(to_jsonb(ARRAY[${source:sqlstring}]::text[]), '[null]')))")
ZONE = '${zone:sqlstring}'


def steps(first, *rest):
    """Thresholds: a colour, then (value, colour) in ascending order."""
    return {'mode': 'absolute', 'steps': [{'color': first, 'value': None}, *({'color': color, 'value': value} for value, color in rest)]}


NEUTRAL = steps('blue')
LATENCY = steps('green', (100, 'yellow'), (500, 'red'))


class Layout:
    """Gives panels their numbers and places: rows of 24 columns, each as high as its panels."""

    def __init__(self):
        self.panels, self.x, self.y, self.height = [], 0, 0, 0

    def _end_row(self):
        self.x, self.y, self.height = 0, self.y + self.height, 0

    def row(self, title):
        self._end_row()
        self.panels.append({'type': 'row', 'id': len(self.panels) + 1, 'title': title, 'collapsed': False, 'panels': [],
                            'gridPos': {'x': 0, 'y': self.y, 'w': 24, 'h': 1}})
        self.y += 1

    def add(self, panel, width, height):
        if self.x + width > 24:
            self._end_row()
        self.panels.append({'id': len(self.panels) + 1, **panel, 'gridPos': {'x': self.x, 'y': self.y, 'w': width, 'h': height}})
        self.x, self.height = self.x + width, max(self.height, height)


def sql(text, format='table'):
    return {'refId': 'A', 'datasource': POSTGRES, 'editorMode': 'code', 'format': format, 'rawQuery': True, 'rawSql': text}


def promql(text, legend='', instant=False):
    return {'refId': 'A', 'datasource': PROMETHEUS, 'editorMode': 'code', 'expr': text, 'legendFormat': legend, 'instant': instant, 'range': not instant}


def _panel(kind, title, description, target, unit, thresholds, options, custom=None, overrides=(), **more):
    return {'type': kind, 'title': title, 'description': description, 'datasource': target['datasource'], 'targets': [target],
            'fieldConfig': {'defaults': {'unit': unit, 'thresholds': thresholds, 'color': {'mode': 'palette-classic' if kind == 'timeseries' else 'thresholds'},
                                         'custom': custom or {}}, 'overrides': list(overrides)},
            'options': options, **more}


def _reduced():
    return {'calcs': ['lastNotNull'], 'fields': '', 'values': False}


def stat(title, description, target, unit='short', thresholds=NEUTRAL):
    return _panel('stat', title, description, target, unit, thresholds,
                  {'colorMode': 'value', 'graphMode': 'none', 'justifyMode': 'auto', 'textMode': 'auto', 'orientation': 'auto', 'reduceOptions': _reduced()})


def bars(title, description, target, unit='short', thresholds=NEUTRAL):
    """One bar for each row: its first text column names it."""
    return _panel('bargauge', title, description, target, unit, thresholds,
                  {'displayMode': 'gradient', 'orientation': 'horizontal', 'showUnfilled': True, 'reduceOptions': {**_reduced(), 'values': True}})


def series(title, description, target, unit='short', thresholds=NEUTRAL, since=None, style='line', overrides=()):
    """since: a stretch of time of its own, whatever the dashboard shows."""
    custom = {'drawStyle': style, 'lineWidth': 2, 'fillOpacity': 60 if style == 'bars' else 10, 'showPoints': 'never', 'spanNulls': False}
    if thresholds is not NEUTRAL:
        custom['thresholdsStyle'] = {'mode': 'line'}
    return _panel('timeseries', title, description, target, unit, thresholds,
                  {'legend': {'displayMode': 'list', 'placement': 'bottom', 'showLegend': True, 'calcs': []}, 'tooltip': {'mode': 'multi', 'sort': 'desc'}},
                  custom, overrides, **({'timeFrom': since} if since else {}))


def field(name, **properties):
    """An override of one column: unit='percent', thresholds=..., cell='color-background'."""
    known = {'unit': 'unit', 'thresholds': 'thresholds', 'name': 'displayName', 'fill': 'custom.fillBelowTo', 'width': 'custom.lineWidth', 'opacity': 'custom.fillOpacity'}
    out = [{'id': known[key], 'value': value} for key, value in properties.items() if key in known]
    if 'cell' in properties:
        out.append({'id': 'custom.cellOptions', 'value': {'type': properties['cell']}})
    if 'states' in properties:
        colors = {text: {'color': color, 'index': i} for i, (text, color) in enumerate(properties['states'].items())}
        out.append({'id': 'mappings', 'value': [{'type': 'value', 'options': colors}]})
    return {'matcher': {'id': 'byName', 'options': name}, 'properties': out}


def table(title, description, target, overrides=()):
    return _panel('table', title, description, target, 'short', NEUTRAL, {'showHeader': True, 'cellHeight': 'sm'},
                  {'align': 'auto', 'cellOptions': {'type': 'auto'}, 'inspect': False}, overrides)
