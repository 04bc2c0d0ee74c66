// Asking kpi_web. Every failure is a Failure: what happened in the server's words, and whether asking again may help.

export class Failure extends Error {
    constructor(
        /** HTTP status; 0: no answer at all (network, timeout). */
        readonly status: number,
        /** An SQLSTATE or a word such as `unauthorized`. */
        readonly code: string,
        message: string,
        readonly hint: string | null = null,
    ) {
        super(message);
    }
}

export type Parameters = Record<string, string | number | (string | null)[] | null | undefined>;

/** The query string: null and undefined are left out, lists are repeated, a null in a list is the empty value. */
export function queryString(parameters: Parameters): string {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        if (value === null || value === undefined) continue;
        for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one ?? ''));
    }
    const text = search.toString();
    return text ? `?${text}` : '';
}

const PATIENCE = 20_000; // ms; kpi_web itself gives up on a statement before
const PATIENCE_FOR_FILES = 300_000; // as long as kpi_web takes for an export

export class Api {
    /** Bearer token, when kpi_web wants one; kept for the tab only. */
    private token: string | null = read('kpi.token');

    constructor(private readonly base = '') {}

    get hasToken(): boolean {
        return this.token !== null;
    }

    useToken(token: string): void {
        this.token = token;
        write('kpi.token', token);
    }

    headers(): Record<string, string> {
        return this.token === null ? {} : { Authorization: `Bearer ${this.token}` };
    }

    url(path: string, parameters: Parameters = {}): string {
        return this.base + path + queryString(parameters);
    }

    get<T>(path: string, parameters: Parameters = {}, signal?: AbortSignal): Promise<T> {
        return this.send(this.url(path, parameters), {}, (response) => response.json() as Promise<T>, PATIENCE, signal);
    }

    post<T>(path: string, body: unknown, csrf: string): Promise<T> {
        const init = { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf } };
        return this.send(this.url(path), init, (response) => response.json() as Promise<T>, PATIENCE);
    }

    /** A file; it is written while its rows are read, which takes as long as it takes. */
    blob(path: string, parameters: Parameters): Promise<Blob> {
        return this.send(this.url(path, parameters), {}, (response) => response.blob(), PATIENCE_FOR_FILES);
    }

    /** The limit holds until the whole answer is there: a connection may fall silent in its middle. */
    private async send<T>(
        url: string, init: RequestInit & { headers?: Record<string, string> }, read: (response: Response) => Promise<T>, patience: number, signal?: AbortSignal,
    ): Promise<T> {
        const limit = new AbortController();
        const timer = setTimeout(() => limit.abort(), patience);
        const stop = () => limit.abort();
        signal?.addEventListener('abort', stop);
        try {
            const headers = { Accept: 'application/json', ...this.headers(), ...init.headers };
            const response = await fetch(url, { ...init, headers, credentials: 'same-origin', signal: limit.signal });
            if (!response.ok) throw await failure(response);
            return await read(response);
        } catch (cause) {
            if (signal?.aborted || cause instanceof Failure) throw cause;
            throw new Failure(0, limit.signal.aborted ? 'timeout' : 'network', String((cause as Error).message));
        } finally {
            clearTimeout(timer);
            signal?.removeEventListener('abort', stop);
        }
    }
}

async function failure(response: Response): Promise<Failure> {
    try {
        const { error } = await response.json();
        return new Failure(response.status, String(error.code), String(error.message), error.hint ?? null);
    } catch {
        return new Failure(response.status, 'http', `HTTP ${response.status} ${response.statusText}`.trim());
    }
}

// A browser may refuse storage altogether.
function read(key: string): string | null {
    try {
        return sessionStorage.getItem(key);
    } catch {
        return null;
    }
}

function write(key: string, value: string): void {
    try {
        sessionStorage.setItem(key, value);
    } catch {
        // The token lives as long as the page.
    }
}
