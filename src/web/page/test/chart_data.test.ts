import { describe, expect, it } from 'vitest';
import type { Point } from '../src/types';
import { axisRange, columns } from '../src/ui/chart_data';
import { telling } from '../src/ui/recent';
import { byUrgency } from '../src/ui/now';
import { sparkPath } from '../src/ui/spark';

function point(day: number, value: number | null, more: Partial<Point> = {}): Point {
    return {
        at: `2026-11-0${day}T00:00:00+00:00`, day: `2026-11-0${day}`, segment: {}, value, compared: null, expected: null, lower: null, upper: null,
        is_anomaly: false, is_complete: true, elapsed_fraction: 1, expected_so_far: null, ...more,
    };
}
const open = { is_complete: false, elapsed_fraction: 0.4 };

describe('what the chart draws', () => {
    it('keeps the open bucket out of the line, and ties it to the last closed one', () => {
        const of = columns([point(1, 10), point(2, 20), point(3, 5, open)]);
        expect(of.value).toEqual([10, 20, null]);
        expect(of.open).toEqual([null, 20, 5]);
        expect(of.openAt).toBe(2);
        const more = { compared: 9, lower: 4, upper: 12 };
        const around = columns([point(1, 10, more), point(2, 1, { ...open, ...more })]);
        expect([around.compared, around.lower, around.upper]).toEqual([[9, null], [4, null], [12, null]]);
    });
    it('leaves out what has not begun', () => {
        const of = columns([point(1, 10), point(2, 3, open), point(3, 0, { is_complete: false, elapsed_fraction: 0 })]);
        expect(of.at).toHaveLength(2);
        expect(of.openAt).toBe(1);
    });
    it('has no open piece where everything is closed', () => {
        const of = columns([point(1, 10), point(2, 20, { is_anomaly: true })]);
        expect(of.open).toEqual([null, null]);
        expect(of.openAt).toBe(-1);
        expect(of.anomalies).toEqual([1]);
    });
    it('does not take a partial first bucket for the open one', () => {
        expect(columns([point(1, 10, { is_complete: false, elapsed_fraction: 0.5 }), point(2, 20)]).openAt).toBe(-1);
    });
    it('knows when there is nothing to show', () => {
        expect(columns([point(1, 0), point(2, null)]).isEmpty).toBe(true);
        expect(columns([point(1, 0, { compared: 3 })]).isEmpty).toBe(false);
        expect(columns([]).isEmpty).toBe(true);
    });
});

describe('the axis', () => {
    it('begins at 0 for sums', () => expect(axisRange(50, 100, null)).toEqual([0, 108]));
    it('leaves rates room, and no room below 0 where none is', () => {
        expect(axisRange(40, 60, '%')).toEqual([35, 65]);
        expect(axisRange(0.5, 1, '%')[0]).toBe(0);
        expect(axisRange(-110, -70, '%')).toEqual([-120, -60]);
    });
    it('goes below 0 where values do, and stands without values', () => {
        expect(axisRange(-100, 50, null)[0]).toBe(-108);
        expect(axisRange(-100, -50, null)).toEqual([-108, 0]);
        expect(axisRange(null, null, null)).toEqual([0, 1.08]);
        expect(axisRange(0, 0, null)).toEqual([0, 1]);
    });
});

describe('small pictures', () => {
    it('draws a flat line for equal values and takes no value for 0', () => {
        expect(sparkPath([5, 5], 10, 10)).toBe('M0.0 5.0L10.0 5.0');
        expect(sparkPath([null, 10], 10, 10)).toBe('M0.0 10.0L10.0 0.0');
        expect(sparkPath([100, 110, 105], 10, 10)).toBe('M0.0 10.0L5.0 0.0L10.0 5.0');
    });
    it('lists priorities by urgency, unknown ones after by size', () => {
        const rows = ['low', 'x', 'High', null, 'medium'].map((priority, n) => ({ priority, today: n, last_week_so_far: null }));
        expect(byUrgency(rows).map((row) => row.priority)).toEqual(['High', 'medium', 'low', null, 'x']);
    });
});

describe('the newest rows', () => {
    it('lose columns that say the same of every row', () => {
        const columns = ['at', 'payments', 'payments_succeeded', 'payments_without_amount', 'revenue'];
        expect(telling(columns, [['a', 1, 1, 0, 10], ['b', 1, 1, 0, 10]])).toEqual({ columns: ['at', 'payments_succeeded', 'revenue'], rows: [['a', 1, 10], ['b', 1, 10]] });
        expect(telling(columns, [['a', 1, 0, 1, 0], ['b', 1, 1, 0, 10]]).columns).toEqual(['at', 'payments_succeeded', 'payments_without_amount', 'revenue']);
        expect(telling(['at'], [])).toEqual({ columns: [], rows: [] });
    });
});
