import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Live, POLL, SILENCE, type LiveState } from '../src/live';
import { EventParser, type ServerEvent } from '../src/sse';

function parsed(...pieces: string[]): ServerEvent[] {
    const events: ServerEvent[] = [];
    const parser = new EventParser((event) => events.push(event));
    pieces.forEach((piece) => parser.push(piece));
    return events;
}

describe('the event parser', () => {
    it('reads events, ids and lines of data', () => {
        expect(parsed('id: a-1\nevent: update\ndata: {"a":\ndata: 1}\n\ndata: x\n\n')).toEqual([
            { event: 'update', data: '{"a":\n1}', id: 'a-1' }, { event: 'message', data: 'x', id: 'a-1' },
        ]);
    });
    it('does not care where the network cuts', () => {
        const whole = 'id: 7\r\nevent: update\r\ndata: {"name":"a:b"}\r\n\r\n: ping\r\n\r\ndata:  two\r\n\r\n';
        expect(parsed(...whole)).toEqual(parsed(whole));
        expect(parsed(whole)).toEqual([{ event: 'update', data: '{"name":"a:b"}', id: '7' }, { event: 'message', data: ' two', id: '7' }]);
    });
    it('passes over comments, unknown fields and empty events', () => {
        expect(parsed(': ping\n\nevent: x\n\nnonsense\nfield: y\n\n')).toEqual([]);
    });
    it('remembers how long to wait', () => {
        const parser = new EventParser(() => undefined);
        parser.push('retry: 3000\nretry: soon\n');
        expect(parser.retry).toBe(3000);
    });
});

describe('the live state', () => {
    let states: LiveState[], events: ServerEvent[], polls: number, asked: Record<string, string>[];
    let answer: () => Promise<Response>;
    let push: (text: string) => void, cut: () => void;

    function stream(): Promise<Response> {
        let controller!: ReadableStreamDefaultController<Uint8Array>;
        const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
        push = (text) => controller.enqueue(new TextEncoder().encode(text));
        cut = () => controller.error(new Error('cut'));
        return Promise.resolve(new Response(body));
    }
    let one: Live;
    const live = () => new Live({
        url: '/api/kpi/events', headers: () => ({}), onState: (state) => states.push(state), onEvent: (event) => events.push(event),
        onPoll: () => void (polls += 1), onUnauthorized: () => states.push('offline'),
        fetch: (_, init) => {
            asked.push(init!.headers as Record<string, string>);
            return Promise.race([answer(), new Promise<never>((_, refuse) => init!.signal!.addEventListener('abort', () => refuse(new Error('aborted'))))])
                .then((response) => {
                    init!.signal!.addEventListener('abort', () => cut());
                    return response;
                });
        },
    });
    const settle = () => vi.advanceTimersByTimeAsync(0);
    async function begin(): Promise<void> {
        one = live();
        one.start();
        await settle();
    }

    beforeEach(() => {
        vi.useFakeTimers();
        states = []; events = []; polls = 0; asked = [];
        answer = stream;
    });
    afterEach(() => {
        one.stop();
        vi.useRealTimers();
    });

    it('is live from the first byte, and hands on events', async () => {
        await begin();
        expect(states).toEqual([]);
        push('id: r-1\nevent: snapshot\ndata: {}\n\n');
        await settle();
        expect(states).toEqual(['live']);
        expect(events.map((event) => event.event)).toEqual(['snapshot']);
        expect(polls).toBe(0);
    });

    it('polls while the stream is cut and comes back with the last id', async () => {
        await begin();
        push('id: r-9\ndata: 1\n\n');
        await settle();
        answer = () => Promise.reject(new Error('refused'));
        cut();
        await settle();
        expect(states).toEqual(['live', 'polling']);
        expect(polls).toBe(1);
        await vi.advanceTimersByTimeAsync(2 * POLL);
        expect(polls).toBe(3);
        answer = stream;
        await vi.advanceTimersByTimeAsync(POLL);
        push(': ping\n\n');
        await settle();
        expect(states).toEqual(['live', 'polling', 'live']);
        expect(asked.at(-1)!['Last-Event-ID']).toBe('r-9');
        const before = polls;
        await vi.advanceTimersByTimeAsync(POLL);
        expect(polls).toBe(before);
    });

    it('takes long silence for a dead connection', async () => {
        await begin();
        push(': ping\n\n');
        await settle();
        answer = () => Promise.reject(new Error('refused'));
        await vi.advanceTimersByTimeAsync(SILENCE + 1);
        expect(states).toEqual(['live', 'polling']);
    });

    it('asks for a token when that is missing, and goes on trying', async () => {
        answer = () => Promise.resolve(new Response('', { status: 401 }));
        await begin();
        expect(states).toEqual(['offline', 'polling']);
        await vi.advanceTimersByTimeAsync(1000);
        expect(asked.length).toBe(2);
    });

    it('tries at once when it is woken, and stops when told', async () => {
        answer = () => Promise.reject(new Error('refused'));
        await begin();
        one.wake();
        await settle();
        expect(asked.length).toBe(2);
        one.stop();
        await vi.advanceTimersByTimeAsync(10 * POLL);
        expect(asked.length).toBe(2);
    });
});
