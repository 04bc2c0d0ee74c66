// Keeps the page fresh: events while the stream stands, polling every 10 s while it does not, and back by itself.
import { EventParser, type ServerEvent } from './sse';

export type LiveState = 'connecting' | 'live' | 'polling' | 'offline';

export interface LiveOptions {
    url: string;
    headers: () => Record<string, string>;
    onState: (state: LiveState) => void;
    onEvent: (event: ServerEvent) => void;
    /** Called every 10 s without a stream. */
    onPoll: () => void;
    onUnauthorized: () => void;
    fetch?: typeof fetch;
}

export const POLL = 10_000; // ms
// kpi_web sends a comment every 15 s: longer silence is a dead connection that nobody has told us of.
export const SILENCE = 40_000;
const WAITS = [1000, 2000, 5000, 10_000]; // ms between attempts to come back

export class Live {
    private state: LiveState = 'connecting';
    private lastId = '';
    private attempt = 0;
    private stopped = false;
    private request: AbortController | null = null;
    private retryTimer: ReturnType<typeof setTimeout> | undefined;
    private pollTimer: ReturnType<typeof setInterval> | undefined;

    constructor(private readonly options: LiveOptions) {}

    start(): void {
        this.stopped = false;
        void this.connect();
    }

    stop(): void {
        this.stopped = true;
        clearTimeout(this.retryTimer);
        clearInterval(this.pollTimer);
        this.pollTimer = undefined;
        this.request?.abort();
    }

    /** Tries at once: the network came back, or the tab was shown again. */
    wake(): void {
        if (this.stopped || this.state === 'live') return;
        clearTimeout(this.retryTimer);
        this.attempt = 0;
        this.request?.abort();
        void this.connect();
    }

    /** The browser says that there is no network. */
    lose(): void {
        this.request?.abort();
        this.turn('offline');
    }

    private turn(state: LiveState): void {
        if (this.stopped) return;
        if (state === 'live') {
            clearInterval(this.pollTimer);
            this.pollTimer = undefined;
        } else if (state !== 'connecting' && this.pollTimer === undefined) {
            this.options.onPoll();
            this.pollTimer = setInterval(() => this.options.onPoll(), POLL);
        }
        if (state === this.state) return;
        this.state = state;
        this.options.onState(state);
    }

    private async connect(): Promise<void> {
        const request = (this.request = new AbortController());
        let watchdog: ReturnType<typeof setTimeout> | undefined;
        const alive = () => {
            clearTimeout(watchdog);
            watchdog = setTimeout(() => request.abort(), SILENCE);
        };
        alive();
        try {
            const headers: Record<string, string> = { Accept: 'text/event-stream', ...this.options.headers() };
            if (this.lastId) headers['Last-Event-ID'] = this.lastId;
            const response = await (this.options.fetch ?? fetch)(this.options.url, { headers, cache: 'no-store', signal: request.signal });
            if (response.status === 401) this.options.onUnauthorized();
            if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
            await this.read(response.body, alive);
        } catch {
            // Whatever it was, the answer is the same: poll, and try again.
        } finally {
            clearTimeout(watchdog);
        }
        if (this.request === request) this.retry();
    }

    private async read(body: ReadableStream<Uint8Array>, alive: () => void): Promise<void> {
        const parser = new EventParser((event) => {
            this.lastId = event.id || this.lastId;
            this.options.onEvent(event);
        });
        const decoder = new TextDecoder();
        const reader = body.getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            alive();
            // Live from the first byte on: headers alone may come from a proxy that buffers.
            this.attempt = 0;
            this.turn('live');
            parser.push(decoder.decode(value, { stream: true }));
        }
    }

    private retry(): void {
        if (this.stopped) return;
        const isOffline = typeof navigator !== 'undefined' && navigator.onLine === false;
        this.turn(isOffline ? 'offline' : 'polling');
        const wait = WAITS[Math.min(this.attempt++, WAITS.length - 1)]!;
        this.retryTimer = setTimeout(() => void this.connect(), wait);
    }
}
