// The state of the page: what was chosen, what was read, how fresh it is. Parts of the page subscribe and draw; nothing here
// knows the DOM beyond the address.
import { Api, Failure, type Parameters } from './api';
import { Live, type LiveState } from './live';
import { comparison, grainOf, length, range, type Grain } from './period';
import type { ServerEvent } from './sse';
import type { Acted, Explanation, Incidents, Meta, Metric, Point, Quality, Recent, Segments, Summary, Timeseries } from './types';
import { parse, serialize, type View } from './url';

/** One answer: the last good one stays while the next is on its way or has failed. */
export interface Slot<T> {
    data: T | null;
    failure: Failure | null;
    isLoading: boolean;
    /** When `data` came, ms. */
    at: number;
    /** What `data` answers: another question's answer is shown dimmed. */
    question: string;
    isCurrent: boolean;
}

export interface Slots {
    meta: Slot<Meta>;
    summary: Slot<Summary>;
    /** Revenue of the last 24 hours by hour, for the card. */
    hours: Slot<Timeseries>;
    series: Slot<Timeseries>;
    totals: Slot<Record<string, Point | null>>;
    segments: Slot<Segments>;
    incidents: Slot<Incidents>;
    quality: Slot<Quality>;
    recent: Slot<Recent>;
}

export type SlotName = keyof Slots;

const LIVE_SLOTS: SlotName[] = ['summary', 'hours', 'series', 'totals', 'segments', 'recent', 'incidents', 'quality'];
const PACE = 1000; // ms between two re-reads for events; the first event is answered at once
export const OLD = 60_000; // ms without a good answer: the numbers are called stale
const TABS = ['revenue', 'leads', 'payments', 'conversion_pct', 'payments_success_rate'];

function empty<T>(): Slot<T> {
    return { data: null, failure: null, isLoading: true, at: 0, question: '', isCurrent: false };
}

export class Board {
    view: View;
    live: LiveState = 'connecting';
    databaseIsDown = false;
    needsToken = false;
    lastGood = 0;
    readonly slots: Slots = {
        meta: empty(), summary: empty(), hours: empty(), series: empty(), totals: empty(), segments: empty(), incidents: empty(), quality: empty(),
        recent: empty(),
    };
    private readonly listeners = new Set<() => void>();
    private readonly requests = new Map<SlotName, AbortController>();
    private readonly stream: Live;
    private lastRefresh = 0;
    private waiting: ReturnType<typeof setTimeout> | undefined;
    private wanted = new Set<SlotName>();

    constructor(readonly api: Api, private readonly page: Window = window) {
        this.view = parse(page.location.search);
        this.stream = new Live({
            url: api.url('/api/kpi/events'),
            headers: () => api.headers(),
            onState: (state) => this.turn(state),
            onEvent: (event) => this.hear(event),
            onPoll: () => void this.refresh(LIVE_SLOTS),
            onUnauthorized: () => this.askForToken(),
        });
    }

    subscribe(listener: () => void): () => void {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
    }

    start(): void {
        this.page.addEventListener('popstate', () => {
            this.view = parse(this.page.location.search);
            void this.refresh(LIVE_SLOTS);
        });
        this.page.addEventListener('online', () => this.stream.wake());
        this.page.addEventListener('offline', () => this.stream.lose());
        this.page.document.addEventListener('visibilitychange', () => {
            if (this.page.document.visibilityState === 'visible') this.stream.wake();
        });
        // Ages and staleness grow without any answer.
        setInterval(() => this.tell(), 10_000);
        void this.readAll();
        this.stream.start();
    }

    /** Everything, from what there is to show on. */
    async readAll(): Promise<void> {
        await this.load('meta');
        await this.refresh(LIVE_SLOTS);
    }

    useToken(token: string): void {
        this.api.useToken(token);
        this.needsToken = false;
        this.tell();
        void this.readAll();
        this.stream.wake();
    }

    change(patch: Partial<View>): void {
        this.view = { ...this.view, ...patch };
        this.page.history.pushState(null, '', this.page.location.pathname + serialize(this.view, this.page.location.search));
        void this.refresh(LIVE_SLOTS.filter((name) => this.slots[name].question !== this.question(name)));
        this.tell();
    }

    // --- what the choices mean
    get metrics(): Metric[] {
        return this.slots.meta.data?.metrics ?? [];
    }

    metric(name: string): Metric | null {
        return this.metrics.find((one) => one.name === name) ?? null;
    }

    /** The metric drawn: the chosen one, or the first there is when that one does not exist here. */
    get shownMetric(): string {
        return this.metrics.length === 0 || this.metric(this.view.metric) ? this.view.metric : (this.tabs[0] ?? this.view.metric);
    }

    /** Metrics shown above the chart: the usual five first, then the others. */
    get tabs(): string[] {
        const names = this.metrics.map((one) => one.name);
        if (names.length === 0) return TABS;
        return [...TABS.filter((name) => names.includes(name)), ...names.filter((name) => !TABS.includes(name))].slice(0, 6);
    }

    /** Dimensions that segments can be cut by. */
    get dimensions(): string[] {
        return this.metric(this.shownMetric)?.dimensions ?? Object.keys(this.slots.meta.data?.dimensions ?? { country: [] });
    }

    get by(): string {
        return this.dimensions.includes(this.view.by) ? this.view.by : (this.dimensions[0] ?? 'country');
    }

    get grain(): Grain {
        const { period, from, to, grain } = this.view;
        return grainOf(grain, length(period, from, to, Date.now()));
    }

    get days(): number {
        return length(this.view.period, this.view.from, this.view.to, Date.now());
    }

    get timezone(): string | null {
        return this.slots.meta.data?.timezone ?? this.slots.summary.data?.timezone ?? null;
    }

    get filters(): Parameters {
        const { country, source } = this.view;
        return { country: country.length ? country : null, source: source.length ? source : null };
    }

    get isFiltered(): boolean {
        return this.view.country.length + this.view.source.length > 0;
    }

    get range(): Parameters {
        const { period, from, to } = this.view;
        return { ...range(period, from, to, Date.now()) };
    }

    get seriesParameters(): Parameters {
        const grain = this.grain;
        return { metric: this.shownMetric, ...this.range, grain, compare: comparison(this.view.compare, grain), ...this.filters };
    }

    get segmentParameters(): Parameters {
        const metrics = [this.shownMetric, ...this.tabs.filter((name) => name !== this.shownMetric)].slice(0, 4);
        // Only metrics that know the dimension can be cut by it.
        const cut = metrics.filter((name, place) => place === 0 || (this.metric(name)?.dimensions ?? [this.by]).includes(this.by));
        return { by: this.by, metrics: cut.join(','), ...this.range, compare: comparison(this.view.compare, 'total'), top: 50, ...this.filters };
    }

    /** Why no numbers can be trusted to be current, or null. */
    get staleness(): 'database' | 'source' | 'old' | null {
        if (this.databaseIsDown) return 'database';
        if (this.slots.summary.data?.stale) return 'source';
        return this.lastGood && Date.now() - this.lastGood > OLD ? 'old' : null;
    }

    explain(metric: string, at: string, grain: 'hour' | 'day', compare: string, filters: Parameters, signal?: AbortSignal): Promise<Explanation> {
        return this.api.get<Explanation>('/api/kpi/explain', { metric, at, grain, compare, top: 8, ...this.filters, ...filters }, signal);
    }

    async acknowledge(link: string): Promise<void> {
        const token = new URL(link, this.page.location.href).searchParams.get('token') ?? '';
        const { result } = await this.api.post<Acted>('/api/kpi/incidents/act', { token }, this.slots.meta.data?.csrf ?? '');
        // Answers are kept for up to 5 s by kpi_web: what it said of this one is shown until it says so of all.
        const shown = this.slots.incidents.data?.incidents.find((one) => one.id === result?.incident);
        if (shown && result) Object.assign(shown, { state: result.state, acknowledged_by: result.acknowledged_by });
        this.tell();
        setTimeout(() => void this.load('incidents'), 6000);
    }

    // --- reading
    async refresh(names: SlotName[]): Promise<void> {
        if (this.needsToken) return;
        this.lastRefresh = Date.now();
        const all: SlotName[] = this.slots.meta.data ? names : ['meta', ...names];
        await Promise.all(all.map((name) => this.load(name)));
    }

    private question(name: SlotName): string {
        switch (name) {
            case 'summary':
            case 'hours': return JSON.stringify(this.filters);
            case 'series': return JSON.stringify(this.seriesParameters);
            case 'totals': return JSON.stringify([this.tabs, this.range, this.view.compare, this.filters]);
            case 'segments': return JSON.stringify(this.segmentParameters);
            case 'recent': return this.view.recent;
            case 'incidents': return this.view.incidents;
            default: return name;
        }
    }

    private answer(name: SlotName, signal: AbortSignal): Promise<unknown> {
        const { api, view } = this;
        switch (name) {
            case 'meta': return api.get('/api/meta', {}, signal);
            case 'summary': return api.get('/api/kpi/summary', this.filters, signal);
            case 'hours': return api.get('/api/kpi/timeseries', { ...range('24h', null, null, Date.now()), grain: 'hour', band: 'off', ...this.filters }, signal);
            case 'series': return api.get('/api/kpi/timeseries', this.seriesParameters, signal);
            case 'totals': return this.totals(signal);
            case 'segments': return api.get('/api/kpi/segments', this.segmentParameters, signal);
            case 'incidents': return api.get('/api/kpi/incidents', { state: view.incidents, limit: 50 }, signal);
            case 'quality': return api.get('/api/kpi/quality', {}, signal);
            case 'recent': return api.get('/api/kpi/recent', { kind: view.recent, limit: 12 }, signal);
        }
    }

    private async totals(signal: AbortSignal): Promise<Record<string, Point | null>> {
        const compare = comparison(this.view.compare, 'total');
        const read = async (metric: string): Promise<[string, Point | null]> => {
            const parameters = { metric, ...this.range, grain: 'total', compare, band: 'off', ...this.filters };
            const answer = await this.api.get<Timeseries>('/api/kpi/timeseries', parameters, signal);
            return [metric, answer.points[0] ?? null];
        };
        return Object.fromEntries(await Promise.all(this.tabs.map(read)));
    }

    private async load(name: SlotName): Promise<void> {
        const slot = this.slots[name] as Slot<unknown>;
        this.requests.get(name)?.abort();
        const request = new AbortController();
        this.requests.set(name, request);
        const question = this.question(name);
        slot.isLoading = true;
        slot.isCurrent = slot.question === question;
        this.tell();
        try {
            const data = await this.answer(name, request.signal);
            if (request.signal.aborted) return;
            Object.assign(slot, { data, failure: null, at: Date.now(), question });
            this.lastGood = Date.now();
        } catch (cause) {
            if (request.signal.aborted) return;
            slot.failure = cause instanceof Failure ? cause : new Failure(0, 'page', String(cause));
            if (slot.failure.status === 401) this.askForToken();
        }
        slot.isLoading = false;
        slot.isCurrent = slot.question === question;
        this.tell();
    }

    private askForToken(): void {
        this.needsToken = true;
        this.tell();
    }

    // --- events
    private turn(state: LiveState): void {
        this.live = state;
        this.tell();
    }

    private hear({ event, data }: ServerEvent): void {
        let message: Record<string, unknown>;
        try {
            message = JSON.parse(data);
        } catch {
            return; // not ours
        }
        if (event === 'database' || event === 'snapshot') this.databaseIsDown = message.database === 'down';
        if (event === 'database') return void (this.databaseIsDown ? this.tell() : this.schedule(LIVE_SLOTS));
        if (event !== 'update' && event !== 'snapshot') return;
        const hasSummary = Boolean(message.summary) && !this.isFiltered;
        if (hasSummary) this.accept(message.summary as Summary);
        // The first snapshot comes while the page reads everything anyway.
        if (event === 'snapshot' && message.reason === 'first') return this.tell();
        const all = event === 'snapshot' || message.sources === null;
        const names = LIVE_SLOTS.filter((name) => {
            if (name === 'summary') return !hasSummary;
            if (name === 'incidents') return all || message.incidents !== undefined;
            return name === 'quality' ? all || Date.now() - this.slots.quality.at > 15_000 : true;
        });
        this.schedule(names);
    }

    private accept(summary: Summary): void {
        this.requests.get('summary')?.abort();
        const question = this.question('summary');
        Object.assign(this.slots.summary, { data: summary, failure: null, at: Date.now(), question, isLoading: false, isCurrent: true });
        this.lastGood = Date.now();
        this.tell();
    }

    /** Reads soon: at once after a quiet second, else at the end of it. */
    private schedule(names: SlotName[]): void {
        names.forEach((name) => this.wanted.add(name));
        if (this.waiting !== undefined) return;
        const wait = Math.max(0, this.lastRefresh + PACE - Date.now());
        this.waiting = setTimeout(() => {
            this.waiting = undefined;
            const wanted = [...this.wanted];
            this.wanted.clear();
            void this.refresh(wanted);
        }, wait);
    }

    private tell(): void {
        this.listeners.forEach((listener) => listener());
    }
}
