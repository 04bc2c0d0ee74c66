// Server-Sent Events, read from a stream. EventSource cannot send a bearer token and hides why it failed, so the page reads the
// stream itself.

export interface ServerEvent {
    event: string;
    data: string;
    /** The last id seen so far: goes back as Last-Event-ID. */
    id: string;
}

/** Takes text as it arrives, in pieces of any size, and hands on whole events. */
export class EventParser {
    private rest = '';
    private event = '';
    private data: string[] = [];
    private id = '';
    /** What the server asks to wait before a reconnect, in milliseconds. */
    retry: number | null = null;

    constructor(private readonly hand: (event: ServerEvent) => void) {}

    push(text: string): void {
        this.rest += text;
        // A lone \r at the end may be the first half of \r\n.
        const lines = this.rest.split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop()!;
        for (const line of lines) this.line(line);
    }

    private line(line: string): void {
        if (line === '') return this.finish();
        if (line.startsWith(':')) return; // a comment: the heartbeat
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'event') this.event = value;
        else if (name === 'data') this.data.push(value);
        else if (name === 'id' && !value.includes('\0')) this.id = value;
        else if (name === 'retry' && /^\d+$/.test(value)) this.retry = Number(value);
    }

    private finish(): void {
        if (this.data.length) this.hand({ event: this.event || 'message', data: this.data.join('\n'), id: this.id });
        this.event = '';
        this.data = [];
    }
}
