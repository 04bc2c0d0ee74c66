// The answers of kpi_web that the page reads, as src/web/openapi.json describes them. Times are ISO 8601 with offset, days
// YYYY-MM-DD, null is "no value".

export type Segment = Record<string, string | null>;
export type Good = 'up' | 'down' | 'none' | null;

export interface Metric {
    name: string;
    unit: string | null;
    good: Good;
    description: string | null;
    dimensions: string[];
}

export interface Meta {
    version: string;
    database: string;
    timezone: string | null;
    read_only: boolean;
    may_acknowledge: boolean;
    csrf: string;
    metrics: Metric[];
    dimensions: Record<string, (string | null)[]>;
}

export interface SummaryMetric {
    metric: string;
    unit: string | null;
    good: Good;
    today: number | null;
    today_elapsed: number | null;
    today_expected: number | null;
    last_week_so_far: number | null;
}

export interface Priority {
    priority: string | null;
    today: number | null;
    last_week_so_far: number | null;
}

export interface Summary {
    as_of: string | null;
    stale: boolean;
    stale_reason: string | null;
    timezone: string | null;
    revenue_last_hour: { value: number | null; compared: number | null };
    last_24h: { revenue: number | null; revenue_compared: number | null; leads: number | null; payments: number | null };
    leads_by_priority: Priority[];
    metrics: SummaryMetric[];
}

export interface Point {
    at: string;
    day: string;
    segment: Segment;
    value: number | null;
    compared: number | null;
    expected: number | null;
    lower: number | null;
    upper: number | null;
    is_anomaly: boolean | null;
    is_complete: boolean;
    elapsed_fraction: number | null;
    expected_so_far: number | null;
}

export interface Timeseries {
    metric: string;
    unit: string | null;
    good: Good;
    grain: string;
    timezone: string | null;
    as_of: string | null;
    points: Point[];
}

export interface SegmentValue {
    value: number | null;
    compared: number | null;
    share: number | null;
}

export interface SegmentRow {
    segment: Segment;
    values: Record<string, SegmentValue>;
    spark: (number | null)[];
}

export interface Segments {
    by: string[];
    metrics: string[];
    as_of: string | null;
    rows: SegmentRow[];
}

export interface Driver {
    rank: number;
    /** One value, several of one dimension (an array), or two dimensions. */
    segment: Record<string, string | null | (string | null)[]>;
    value: number | null;
    expected: number | null;
    change: number | null;
    share: number | null;
    rate_effect: number | null;
    mix_effect: number | null;
    presence: string | null;
}

export interface Explanation {
    metric: string;
    at: string;
    grain: string;
    compare: string;
    drivers: Driver[];
}

export interface Incident {
    id: number;
    severity: 'info' | 'warning' | 'critical';
    state: 'firing' | 'acknowledged' | 'resolved';
    kind: string;
    title: string;
    rule: string | null;
    metric: string | null;
    segment: Segment;
    assignee: string | null;
    acknowledged_by: string | null;
    started_at: string;
    fired_at: string | null;
    resolved_at: string | null;
    members: number;
    silenced_until: string | null;
    links: { acknowledge: string | null; snooze: string | null };
}

export interface Incidents {
    count: number;
    incidents: Incident[];
}

/** What became of a followed link. */
export interface Acted {
    message: string;
    result: { incident: number; state: Incident['state']; acknowledged_by: string | null } | null;
}

export interface Source {
    source: string;
    last_at: string | null;
    age_seconds: number | null;
    days_behind: number | null;
    dirty: boolean;
    lag_seconds: number | null;
}

export interface Check {
    name: string;
    kind: string;
    source: string | null;
    severity: string;
    state: string;
    ran_at: string | null;
    message: string | null;
}

export interface Quality {
    worker: { running: boolean | null; heartbeat_age_s: number | null };
    null_revenue_pct: number | null;
    sources: Source[];
    checks: Check[];
    views: { view: string; rows: number | null; max_day: string | null; days_behind: number | null; refreshed_at: string | null }[];
    probes: { name: string; slow_above_ms: number | null; median_ms: number | null; p95_ms: number | null; last_ms: number | null }[];
}

export interface Recent {
    kind: string;
    columns: string[];
    rows: unknown[][];
}
