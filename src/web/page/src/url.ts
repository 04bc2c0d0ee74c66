// What the reader chose, kept in the address: a link shows a colleague the same view. Unknown words are left out, defaults are
// not written.
import { COMPARISONS, GRAINS, PERIODS, type Comparison, type Grain, type Period } from './period';

export interface View {
    period: Period;
    /** First and last day of a custom period. */
    from: string | null;
    to: string | null;
    compare: Comparison;
    metric: string;
    /** null: what suits the period. */
    grain: Grain | null;
    /** Chosen values; none: all. The empty string is the segment without a value. */
    country: string[];
    source: string[];
    /** Dimension of the segment table. */
    by: string;
    recent: 'payments' | 'leads';
    incidents: 'open' | 'all';
}

export const DEFAULTS: View = {
    period: '30d', from: null, to: null, compare: 'previous', metric: 'revenue', grain: null,
    country: [], source: [], by: 'country', recent: 'payments', incidents: 'open',
};

const MOST = 50; // values of one filter: longer addresses are refused on their way

function word<T extends string>(search: URLSearchParams, name: string, words: readonly T[], otherwise: T): T {
    const value = search.get(name);
    return words.find((one) => one === value) ?? otherwise;
}

function day(search: URLSearchParams, name: string): string | null {
    const value = search.get(name) ?? '';
    return /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)) ? value : null;
}

function several(search: URLSearchParams, name: string): string[] {
    return [...new Set(search.getAll(name))].slice(0, MOST);
}

export function parse(text: string): View {
    const search = new URLSearchParams(text);
    let [from, to] = [day(search, 'from'), day(search, 'to')];
    if (from && to && from > to) [from, to] = [to, from];
    let period = word(search, 'period', PERIODS, DEFAULTS.period);
    if (period === 'custom' && !(from && to)) period = DEFAULTS.period;
    if (period !== 'custom') from = to = null;
    return {
        period, from, to,
        compare: word(search, 'compare', COMPARISONS, DEFAULTS.compare),
        metric: search.get('metric') || DEFAULTS.metric,
        grain: GRAINS.find((one) => one === search.get('grain')) ?? null,
        country: several(search, 'country'),
        source: several(search, 'source'),
        by: search.get('by') || DEFAULTS.by,
        recent: word(search, 'recent', ['payments', 'leads'], DEFAULTS.recent),
        incidents: word(search, 'incidents', ['open', 'all'], DEFAULTS.incidents),
    };
}

/** The address's query string, `lang` and anything else of `kept` in front; empty for the default view. */
export function serialize(view: View, kept = ''): string {
    const search = new URLSearchParams();
    const old = new URLSearchParams(kept);
    const language = old.get('lang');
    if (language) search.set('lang', language);
    for (const [name, value] of Object.entries(view)) {
        if (Array.isArray(value)) value.forEach((one) => search.append(name, one));
        else if (value !== null && value !== DEFAULTS[name as keyof View]) search.set(name, value);
    }
    const text = search.toString();
    return text ? `?${text}` : '';
}
