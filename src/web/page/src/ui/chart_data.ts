// From points to what the chart draws: columns of numbers, one place a bucket. No DOM here.
import type { Point } from '../types';

export interface Columns {
    /** Seconds. */
    at: number[];
    /** Closed buckets only. */
    value: (number | null)[];
    /** The last closed bucket and the open one: drawn as a dashed piece, because it is still growing. */
    open: (number | null)[];
    /** Comparison and range, of closed buckets. */
    compared: (number | null)[];
    lower: (number | null)[];
    upper: (number | null)[];
    /** Places of unusual points. */
    anomalies: number[];
    /** Place of the open bucket, -1 without one. */
    openAt: number;
    /** No bucket has a value or a comparison other than 0. */
    isEmpty: boolean;
}

/** Buckets that have not begun are not drawn. */
export function columns(points: Point[]): Columns {
    const shown = points.filter((point) => point.is_complete || point.elapsed_fraction === null || point.elapsed_fraction > 0);
    const openAt = shown.findIndex((point, place) => !point.is_complete && place === shown.length - 1);
    const closed = (of: (point: Point) => number | null) => shown.map((point, place) => (place === openAt ? null : of(point)));
    return {
        at: shown.map((point) => Date.parse(point.at) / 1000),
        value: shown.map((point, place) => (place === openAt ? null : point.value)),
        open: shown.map((point, place) => (openAt >= 0 && (place === openAt || place === openAt - 1) ? point.value : null)),
        // What an open bucket is compared with is cut at the same time of day: as a line it would always fall to the floor.
        compared: closed((point) => point.compared),
        lower: closed((point) => point.lower),
        upper: closed((point) => point.upper),
        anomalies: shown.flatMap((point, place) => (point.is_anomaly ? [place] : [])),
        openAt,
        isEmpty: shown.every((point) => point.value === null || point.value === 0) && shown.every((point) => !point.compared),
    };
}

/** Lowest and highest value of the axis: sums begin at 0, rates get room around what they do and begin at 0 at least when they are positive. */
export function axisRange(low: number | null, high: number | null, unit: string | null): [number, number] {
    const bottom = low ?? 0, top = high ?? 1;
    if (unit === '%') {
        const room = Math.max((top - bottom) * 0.25, 1);
        const lowest = Math.floor(bottom - room);
        return [bottom < 0 ? lowest : Math.max(0, lowest), Math.ceil(top + room)];
    }
    const highest = top > 0 ? top * 1.08 : bottom < 0 ? 0 : 1;
    return [bottom < 0 ? bottom * 1.08 : 0, highest];
}
