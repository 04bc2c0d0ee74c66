// Numbers, times and names as the reader's language writes them. A missing value is an en dash, never a 0.
import type { Good } from './types';

export const NOTHING = '–';
const CURRENCY = /^[A-Z]{3}$/;

const numbers = new Map<string, Intl.NumberFormat>();

// Formatters cost far more to make than to use.
function formatter(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = language + JSON.stringify(options);
    let made = numbers.get(key);
    if (!made) numbers.set(key, (made = new Intl.NumberFormat(language, options)));
    return made;
}

export interface Formats {
    number(value: number | null, unit?: string | null): string;
    /** Short, for axes and small places: 12.3 K. */
    compact(value: number | null, unit?: string | null): string;
    /** A number for a place of its own: in full, from a thousand million on short. */
    figure(value: number | null, unit?: string | null): string;
    percent(fraction: number | null, digits?: number): string;
    time(at: string | number, zone?: string | null): string;
    date(at: string | number, zone?: string | null, style?: 'short' | 'long'): string;
    moment(at: string | number, zone?: string | null): string;
    /** Seconds as "3 min", "2 h". */
    duration(seconds: number): string;
    ago(seconds: number): string;
}

function withUnit(text: string, unit: string | null | undefined): string {
    return unit && unit !== '%' && !CURRENCY.test(unit) ? `${text}\u00a0${unit}` : text;
}

// Whole numbers and great ones without decimals, tiny ones with the digits that they have, all others like money.
function digits(value: number): Intl.NumberFormatOptions {
    const size = Math.abs(value);
    if (size > 0 && size < 0.01) return { maximumSignificantDigits: 2 };
    const most = Number.isInteger(value) || size >= 1000 ? 0 : 2;
    return { minimumFractionDigits: most, maximumFractionDigits: most };
}

const GREAT = 1e9;

function currency(unit: string | null | undefined): Intl.NumberFormatOptions {
    return unit && CURRENCY.test(unit) ? { style: 'currency', currency: unit } : {};
}

function when(language: string, options: Intl.DateTimeFormatOptions) {
    const made = new Map<string, Intl.DateTimeFormat>();
    return (at: string | number, zone?: string | null) => {
        const key = zone ?? '';
        let one = made.get(key);
        if (!one) made.set(key, (one = new Intl.DateTimeFormat(language, { ...options, timeZone: zone ?? undefined })));
        const date = new Date(at);
        return Number.isNaN(date.getTime()) ? NOTHING : one.format(date);
    };
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [[86400, 'day'], [3600, 'hour'], [60, 'minute'], [1, 'second']];

function step(seconds: number): [number, Intl.RelativeTimeFormatUnit] {
    for (const [size, unit] of STEPS) if (Math.abs(seconds) >= size) return [Math.round(seconds / size), unit];
    return [0, 'second'];
}

export function formats(language: string): Formats {
    const relative = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
    const short = when(language, { day: 'numeric', month: 'short' });
    const long = when(language, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
    const number: Formats['number'] = (value, unit) => {
        if (value === null || !Number.isFinite(value)) return NOTHING;
        if (unit === '%') return formatter(language, { style: 'percent', maximumFractionDigits: Math.abs(value) < 1 ? 2 : 1 }).format(value / 100);
        return withUnit(formatter(language, { ...digits(value), ...currency(unit) }).format(value), unit);
    };
    return {
        number,
        figure(value, unit) {
            if (value === null || Math.abs(value) < GREAT || unit === '%') return number(value, unit);
            return withUnit(formatter(language, { notation: 'compact', maximumSignificantDigits: 4, ...currency(unit) }).format(value), unit);
        },
        compact(value, unit) {
            if (value === null || !Number.isFinite(value)) return NOTHING;
            if (unit === '%') return formatter(language, { style: 'percent', maximumFractionDigits: 0 }).format(value / 100);
            return formatter(language, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
        },
        percent(fraction, most = 1) {
            if (fraction === null || !Number.isFinite(fraction)) return NOTHING;
            return formatter(language, { style: 'percent', maximumFractionDigits: most }).format(fraction);
        },
        time: when(language, { hour: '2-digit', minute: '2-digit' }),
        date: (at, zone, style = 'short') => (style === 'long' ? long : short)(at, zone),
        moment: when(language, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
        duration(seconds) {
            const [count, unit] = step(seconds);
            return formatter(language, { style: 'unit', unit, unitDisplay: 'short' }).format(Math.abs(count));
        },
        ago(seconds) {
            const [count, unit] = step(seconds);
            return relative.format(-count, unit);
        },
    };
}

export interface Change {
    /** Fraction of what it is compared with; percentage points for a unit of %. null: nothing to compare with. */
    amount: number | null;
    isPoints: boolean;
    /** For the eye: is it good news? */
    mood: 'better' | 'worse' | 'same';
    direction: 'up' | 'down' | 'same' | 'unknown';
}

/** What became of `compared`. A change that rounds to nothing is "same". */
export function change(value: number | null, compared: number | null, unit: string | null, good: Good): Change {
    const isPoints = unit === '%';
    if (value === null || compared === null || (!isPoints && compared === 0)) return { amount: null, isPoints, mood: 'same', direction: 'unknown' };
    const amount = isPoints ? value - compared : (value - compared) / Math.abs(compared);
    const isNothing = Math.abs(amount) < (isPoints ? 0.05 : 0.0005);
    const mood = isNothing || good === 'none' || good === null ? 'same' : amount > 0 === (good === 'up') ? 'better' : 'worse';
    return { amount, isPoints, mood, direction: isNothing ? 'same' : amount > 0 ? 'up' : 'down' };
}

/** +12.3 %, or +1.2 pp for rates. */
export function changeText(of: Pick<Change, 'amount' | 'isPoints'>, language: string): string {
    if (of.amount === null) return NOTHING;
    const options: Intl.NumberFormatOptions = { maximumFractionDigits: 1, signDisplay: 'exceptZero' };
    if (of.isPoints) return `${formatter(language, options).format(of.amount)}\u00a0pp`;
    const most = Math.abs(of.amount) >= 1 ? 0 : 1;
    return formatter(language, { ...options, style: 'percent', maximumFractionDigits: most }).format(of.amount);
}
