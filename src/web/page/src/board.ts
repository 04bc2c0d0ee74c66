// The state of the page: what was chosen, what that asks of kpi_web, how fresh the answers are. Parts of the page subscribe and
// draw; nothing here knows the DOM beyond the address and whether the tab is seen.
import { Failure, type Api, type Parameters } from './api';
import { Live, type LiveState } from './live';
import { comparison, grainOf, length, range, type Grain } from './period';
import { Reader, type SlotName, type Slots } from './reader';
import type { ServerEvent } from './sse';
import type { Acted, Explanation, Metric, Point, Recent, Summary, Timeseries } from './types';
import { parse, serialize, type View } from './url';

const LIVE_SLOTS: SlotName[] = ['summary', 'hours', 'series', 'totals', 'segments', 'recent', 'incidents', 'quality'];
// What there is to show changes rarely: read again when anything may have changed.
const ALL_SLOTS: SlotName[] = ['meta', ...LIVE_SLOTS];
const PACE = 1000; // ms between two re-reads for events; the first event is answered at once
export const OLD = 60_000; // ms without a good answer: the numbers are called stale
const USUAL = ['revenue', 'leads', 'payments', 'conversion_pct', 'payments_success_rate'];
const MOST_TABS = 6;

export class Board {
    view: View;
    live: LiveState = 'connecting';
    databaseIsDown = false;
    needsToken = false;
    readonly slots: Slots;
    private readonly listeners = new Set<() => void>();
    private readonly reader: Reader;
    private readonly stream: Live;
    private lastRefresh = 0;
    private waiting: ReturnType<typeof setTimeout> | undefined;
    private readonly wanted = new Set<SlotName>();

    constructor(readonly api: Api, private readonly page: Window = window) {
        this.view = parse(page.location.search);
        this.reader = new Reader({
            question: (name) => this.question(name),
            answer: (name, signal) => this.answer(name, signal),
            onChange: () => this.tell(),
            onUnauthorized: () => this.askForToken(),
        });
        this.slots = this.reader.slots;
        this.stream = new Live({
            url: api.url('/api/kpi/events'),
            headers: () => api.headers(),
            onState: (state) => this.turn(state),
            onEvent: (event) => this.hear(event),
            onPoll: () => this.schedule(LIVE_SLOTS),
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
            if (this.isHidden) return;
            this.stream.wake();
            if (this.wanted.size > 0) this.schedule([]);
        });
        // Ages and staleness grow without any answer.
        setInterval(() => this.tell(), 10_000);
        void this.refresh(LIVE_SLOTS);
        this.stream.start();
    }

    /** When the last good answer came, ms; 0: none yet. */
    get lastGood(): number {
        return this.reader.lastGood;
    }

    useToken(token: string): void {
        this.api.useToken(token);
        this.needsToken = false;
        this.tell();
        void this.refresh(LIVE_SLOTS);
        this.stream.wake();
    }

    change(patch: Partial<View>): void {
        this.view = { ...this.view, ...patch };
        this.page.history.pushState(null, '', this.page.location.pathname + serialize(this.view, this.page.location.search));
        // What is on its way, or failed, is of the choice before: that a slot holds what this one asks is not enough.
        void this.refresh(LIVE_SLOTS.filter((name) => {
            const { isLoading, failure, question } = this.slots[name];
            return isLoading || failure !== null || question !== this.question(name);
        }));
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

    /** The usual five first, then the others. */
    get metricNames(): string[] {
        const names = this.metrics.map((one) => one.name);
        if (names.length === 0) return USUAL;
        return [...USUAL.filter((name) => names.includes(name)), ...names.filter((name) => !USUAL.includes(name))];
    }

    /** Metrics shown above the chart: the first few, and the chosen one. */
    get tabs(): string[] {
        const first = this.metricNames.slice(0, MOST_TABS), chosen = this.view.metric;
        return first.includes(chosen) || !this.metric(chosen) ? first : [...first.slice(0, -1), chosen];
    }

    /** There is no metric, or none that kpi_web may read. */
    get isBare(): boolean {
        return this.slots.meta.data?.metrics.length === 0;
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
        setTimeout(() => void this.reader.read('incidents'), 6000);
    }

    // --- reading
    async refresh(names: SlotName[]): Promise<void> {
        if (this.needsToken) return;
        this.lastRefresh = Date.now();
        // What there is to show decides what to ask.
        let wanted = names;
        if (this.metrics.length === 0) {
            await this.reader.read('meta');
            wanted = LIVE_SLOTS.filter((name) => !this.isBare || name === 'incidents' || name === 'quality');
        }
        await Promise.all(wanted.map((name) => this.reader.read(name)));
    }

    private question(name: SlotName): string {
        switch (name) {
            case 'summary':
            case 'hours': return JSON.stringify(this.filters);
            case 'series': return JSON.stringify(this.seriesParameters);
            case 'totals': return JSON.stringify([this.tabs, this.range, this.view.compare, this.filters]);
            case 'segments': return JSON.stringify(this.segmentParameters);
            case 'recent': return JSON.stringify([this.view.recent, this.filters]);
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
            case 'recent': return this.recent(signal);
        }
    }

    private async totals(signal: AbortSignal): Promise<Record<string, Point | null>> {
        const compare = comparison(this.view.compare, 'total');
        const read = async (metric: string): Promise<[string, Point | null]> => {
            const parameters = { metric, ...this.range, grain: 'total', compare, band: 'off', ...this.filters };
            try {
                const answer = await this.api.get<Timeseries>('/api/kpi/timeseries', parameters, signal);
                return [metric, answer.points[0] ?? null];
            } catch (cause) {
                // One that lacks a filtered dimension has no value here; the others have theirs.
                if (cause instanceof Failure && cause.status === 400) return [metric, null];
                throw cause;
            }
        };
        return Object.fromEntries(await Promise.all(this.tabs.map(read)));
    }

    private async recent(signal: AbortSignal): Promise<Recent> {
        const kind = this.view.recent;
        try {
            return await this.api.get<Recent>('/api/kpi/recent', { kind, limit: 12, ...this.filters }, signal);
        } catch (cause) {
            // A shop without leads, say.
            if (cause instanceof Failure && cause.status === 404) return { kind, columns: [], rows: [] };
            throw cause;
        }
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
        if (hasSummary) this.reader.accept('summary', message.summary as Summary);
        // The first snapshot comes while the page reads everything anyway, unless the stream was long in coming.
        if (event === 'snapshot' && message.reason === 'first' && !this.slots.series.data) return this.tell();
        const all = event === 'snapshot' || message.sources === null;
        const names = (all ? ALL_SLOTS : LIVE_SLOTS).filter((name) => {
            if (name === 'summary') return !hasSummary;
            if (name === 'incidents') return all || message.incidents !== undefined;
            return name === 'quality' ? all || Date.now() - this.slots.quality.at > 15_000 : true;
        });
        this.schedule(names);
    }

    private get isHidden(): boolean {
        return this.page.document.visibilityState === 'hidden';
    }

    /** Reads soon: at once after a quiet second, else at the end of it. A tab that nobody sees reads when it is shown again. */
    private schedule(names: SlotName[]): void {
        names.forEach((name) => this.wanted.add(name));
        if (this.waiting !== undefined || this.isHidden) return;
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
