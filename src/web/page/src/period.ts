// What the chosen period and comparison mean for kpi_web: range, grains that make sense, comparisons that exist.

export const PERIODS = ['today', '24h', '7d', '30d', '90d', 'mtd', 'ytd', 'custom'] as const;
export const COMPARISONS = ['previous', 'week', 'month', 'year', 'none'] as const;
export const GRAINS = ['hour', 'day', 'week', 'month'] as const;
export type Period = (typeof PERIODS)[number];
export type Comparison = (typeof COMPARISONS)[number];
export type Grain = (typeof GRAINS)[number];

export interface Range {
    start_date: string;
    end_date?: string;
}

const HOUR = 3_600_000;

/** The period as kpi.query reads it; `now` in milliseconds decides where the last 24 hours begin: at a whole hour. */
export function range(period: Period, from: string | null, to: string | null, now: number): Range {
    if (period === 'custom') return from && to ? { start_date: from, end_date: to } : { start_date: '30d' };
    if (period === '24h') return { start_date: `${new Date(Math.floor(now / HOUR) * HOUR - 23 * HOUR).toISOString().slice(0, 19)}Z` };
    return { start_date: period };
}

/** Days in the period, about; decides the grains. */
export function length(period: Period, from: string | null, to: string | null, now: number): number {
    const today = new Date(now);
    switch (period) {
        case 'today':
        case '24h':
            return 1;
        case 'mtd':
            return today.getUTCDate();
        case 'ytd':
            return Math.ceil((now - Date.UTC(today.getUTCFullYear(), 0, 1)) / (24 * HOUR));
        case 'custom':
            return from && to ? Math.max(1, Math.round((Date.parse(to) - Date.parse(from)) / (24 * HOUR)) + 1) : 30;
        default:
            return Number.parseInt(period, 10);
    }
}

/** Grains worth drawing, the best one first: at least two buckets, at most some hundreds. */
export function grains(days: number): Grain[] {
    if (days <= 2) return ['hour'];
    if (days <= 13) return ['day', 'hour'];
    if (days <= 62) return ['day', 'week'];
    if (days <= 200) return ['day', 'week', 'month'];
    return ['week', 'day', 'month'];
}

export function grainOf(wanted: Grain | null, days: number): Grain {
    const possible = grains(days);
    return wanted && possible.includes(wanted) ? wanted : possible[0]!;
}

/** What to ask for at a grain: months have no counterpart a week earlier. */
export function comparison(wanted: Comparison, grain: Grain | 'total'): Exclude<Comparison, 'none'> | undefined {
    if (wanted === 'none') return undefined;
    if (wanted === 'week' && grain === 'month') return 'previous';
    return wanted;
}
