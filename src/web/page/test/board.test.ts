import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api, Failure } from '../src/api';
import { Board } from '../src/board';

const METRICS = ['revenue', 'leads', 'payments', 'a', 'b', 'c', 'd', 'e'].map((name) => ({ name, unit: null, good: 'up', description: null, dimensions: ['country'] }));
type Answer = (path: string, parameters: Record<string, unknown>) => unknown;

/** A kpi_web that takes `delay` ms for an answer; its event stream is held by the test. */
class Served extends Api {
    delay = 100;
    asked: { path: string; parameters: Record<string, unknown> }[] = [];
    constructor(private readonly answer: Answer) {
        super();
    }

    override get<T>(path: string, parameters: Record<string, unknown> = {}, signal?: AbortSignal): Promise<T> {
        this.asked.push({ path, parameters });
        return new Promise((give, refuse) => {
            const stop = () => refuse(new Error('aborted'));
            signal?.addEventListener('abort', stop);
            setTimeout(() => {
                signal?.removeEventListener('abort', stop);
                try {
                    give(this.answer(path, parameters) as T);
                } catch (cause) {
                    refuse(cause);
                }
            }, this.delay);
        });
    }

    count(path: string): number {
        return this.asked.filter((one) => one.path === path).length;
    }
}

const usual: Answer = (path, parameters) => (path === '/api/meta' ? { metrics: METRICS, dimensions: {} }
    : path === '/api/kpi/timeseries' ? { metric: parameters.metric, points: [{ value: 7 }] } : { of: parameters });

describe('the board', () => {
    let served: Served, board: Board, push: (event: string, data: unknown) => void;
    let document: { visibilityState: string }, show: () => void;

    async function begin(answer: Answer = usual, search = ''): Promise<void> {
        let controller!: ReadableStreamDefaultController<Uint8Array>;
        vi.stubGlobal('fetch', () => Promise.resolve(new Response(new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) }))));
        push = (event, data) => controller.enqueue(new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
        show = () => {
            document.visibilityState = 'visible';
            (document as unknown as EventTarget).dispatchEvent(new Event('visibilitychange'));
        };
        const page = Object.assign(new EventTarget(), { document, location: { search, pathname: '/' }, history: { pushState: () => undefined } });
        served = new Served(answer);
        board = new Board(served, page as unknown as Window);
        board.start();
        await vi.advanceTimersByTimeAsync(300);
    }
    const update = () => push('update', { sources: { payments: [] } });

    beforeEach(() => void vi.useFakeTimers());
    afterEach(() => {
        vi.useRealTimers();
        vi.unstubAllGlobals();
    });

    it('reads everything, from what there is to show on', async () => {
        await begin();
        expect(served.asked[0]!.path).toBe('/api/meta');
        for (const slot of Object.values(board.slots)) expect(slot).toMatchObject({ failure: null, isLoading: false, isCurrent: true });
    });

    it('shows answers that are slower than the updates', async () => {
        await begin();
        served.delay = 2500;
        const before = board.slots.segments.at;
        for (let second = 0; second < 10; second += 1) {
            update();
            await vi.advanceTimersByTimeAsync(1000);
        }
        expect(board.slots.segments.at).toBeGreaterThan(before + 5000);
        // And the last update is read, too: what was on its way then may be older.
        await vi.advanceTimersByTimeAsync(6000);
        expect(board.slots.segments.at).toBeGreaterThan(before + 10_000);
        expect(board.slots.segments.isLoading).toBe(false);
    });

    it('shows what was chosen last, whatever was on its way', async () => {
        await begin();
        board.change({ country: ['MX'] });
        await vi.advanceTimersByTimeAsync(50);
        board.change({ country: [] });
        await vi.advanceTimersByTimeAsync(500);
        expect(board.slots.segments.data).toMatchObject({ of: { country: null } });
        expect(board.slots.summary.data).toMatchObject({ of: { country: null } });
    });

    it('filters the latest rows as well', async () => {
        await begin(usual, '?country=MX&source=google');
        expect(board.slots.recent.data).toMatchObject({ of: { kind: 'payments', country: ['MX'], source: ['google'] } });
    });

    it('keeps what failed apart from what was shown before', async () => {
        await begin((path, parameters) => {
            if (path === '/api/kpi/segments' && parameters.country) throw new Failure(504, '57014', 'too slow');
            return usual(path, parameters);
        });
        board.change({ country: ['MX'] });
        await vi.advanceTimersByTimeAsync(200);
        expect(board.slots.segments).toMatchObject({ failure: { status: 504 }, isCurrent: false });
        board.change({ country: [] });
        await vi.advanceTimersByTimeAsync(200);
        expect(board.slots.segments).toMatchObject({ failure: null, isCurrent: true });
    });

    it('has totals of the metrics that can be filtered, and none of the others', async () => {
        await begin((path, parameters) => {
            if (path === '/api/kpi/timeseries' && parameters.metric === 'leads') throw new Failure(400, '42704', 'metric "leads" has no dimension "country"');
            return usual(path, parameters);
        }, '?country=MX');
        expect(board.slots.totals).toMatchObject({ failure: null, data: { revenue: { value: 7 }, leads: null } });
    });

    it('takes a source that is not there for one without rows', async () => {
        await begin((path, parameters) => {
            if (path === '/api/kpi/recent') throw new Failure(404, 'not_found', 'there is no such thing');
            return usual(path, parameters);
        });
        expect(board.slots.recent).toMatchObject({ failure: null, data: { rows: [] } });
    });

    it('shows the chosen metric among the first ones', async () => {
        await begin();
        expect(board.tabs).toEqual(['revenue', 'leads', 'payments', 'a', 'b', 'c']);
        board.change({ metric: 'e' });
        expect(board.tabs).toEqual(['revenue', 'leads', 'payments', 'a', 'b', 'e']);
        board.change({ metric: 'nonsense' });
        expect([board.tabs[5], board.shownMetric]).toEqual(['c', 'revenue']);
    });

    it('asks for no numbers where there is no metric, until there is one', async () => {
        let metrics: unknown[] = [];
        await begin((path, parameters) => (path === '/api/meta' ? { metrics, dimensions: {} } : usual(path, parameters)));
        expect(board.isBare).toBe(true);
        expect(new Set(served.asked.map((one) => one.path))).toEqual(new Set(['/api/meta', '/api/kpi/incidents', '/api/kpi/quality']));
        metrics = METRICS;
        update();
        await vi.advanceTimersByTimeAsync(1500);
        expect(board.isBare).toBe(false);
        expect(board.slots.series.data).not.toBeNull();
    });

    it('reads what there is to show again when anything may have changed', async () => {
        await begin();
        update();
        await vi.advanceTimersByTimeAsync(1500);
        expect(served.count('/api/meta')).toBe(1);
        push('snapshot', { reason: 'reconnected', database: 'up' });
        await vi.advanceTimersByTimeAsync(1500);
        expect(served.count('/api/meta')).toBe(2);
    });

    it('reads nothing while nobody looks, and everything wanted when somebody does', async () => {
        await begin();
        document.visibilityState = 'hidden';
        const before = served.asked.length;
        for (let second = 0; second < 5; second += 1) {
            update();
            await vi.advanceTimersByTimeAsync(1000);
        }
        expect(served.asked.length).toBe(before);
        show();
        await vi.advanceTimersByTimeAsync(500);
        expect(served.count('/api/kpi/segments')).toBe(2);
    });
});
