// What was read, a slot a part of the page: the last good answer stays while the next is on its way or has failed.
import { Failure } from './api';
import type { Incidents, Meta, Point, Quality, Recent, Segments, Summary, Timeseries } from './types';

export interface Slot<T> {
    data: T | null;
    failure: Failure | null;
    isLoading: boolean;
    /** The question asked last; `failure` is its. */
    asked: string;
    /** When `data` came, ms. */
    at: number;
    /** What `data` answers: another question's answer is shown dimmed, and not at all once the new one has failed. */
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

export interface ReaderOptions {
    /** What a slot is asked now, as text to compare. */
    question: (name: SlotName) => string;
    answer: (name: SlotName, signal: AbortSignal) => Promise<unknown>;
    /** Something changed. */
    onChange: () => void;
    onUnauthorized: () => void;
}

interface Reading {
    question: string;
    request: AbortController;
    /** Asked for again meanwhile: its answer may be older than that. */
    isOutdated: boolean;
    end: Promise<void>;
}

function empty<T>(): Slot<T> {
    return { data: null, failure: null, isLoading: true, asked: '', at: 0, question: '', isCurrent: false };
}

export class Reader {
    readonly slots: Slots = {
        meta: empty(), summary: empty(), hours: empty(), series: empty(), totals: empty(), segments: empty(), incidents: empty(), quality: empty(),
        recent: empty(),
    };
    /** When the last good answer came, ms; 0: none yet. */
    lastGood = 0;
    private readonly readings = new Map<SlotName, Reading>();

    constructor(private readonly options: ReaderOptions) {}

    /** Reads a slot. Another question ends the read under way. The same one lets it finish and repeats it: updates that come
        faster than answers would otherwise end every read before it is answered. */
    read(name: SlotName): Promise<void> {
        const question = this.options.question(name);
        const before = this.readings.get(name);
        if (before?.question === question) {
            before.isOutdated = true;
            return before.end;
        }
        before?.request.abort();
        const reading: Reading = { question, request: new AbortController(), isOutdated: true, end: Promise.resolve() };
        this.readings.set(name, reading);
        return (reading.end = this.run(name, reading));
    }

    /** An answer that came by itself. */
    accept(name: SlotName, data: unknown): void {
        this.readings.get(name)?.request.abort();
        this.readings.delete(name);
        this.keep(name, data, this.options.question(name));
        Object.assign(this.slots[name], { isLoading: false, isCurrent: true });
        this.options.onChange();
    }

    private async run(name: SlotName, reading: Reading): Promise<void> {
        const slot: Slot<unknown> = this.slots[name];
        const { question, request: { signal } } = reading;
        if (slot.asked !== question) Object.assign(slot, { asked: question, failure: null });
        slot.isLoading = true;
        slot.isCurrent = slot.question === question;
        this.options.onChange();
        while (reading.isOutdated) {
            reading.isOutdated = false;
            try {
                const data = await this.options.answer(name, signal);
                if (signal.aborted) return;
                this.keep(name, data, question);
            } catch (cause) {
                if (signal.aborted) return;
                slot.failure = cause instanceof Failure ? cause : new Failure(0, 'page', String(cause));
                if (slot.failure.status === 401) this.options.onUnauthorized();
            }
            slot.isCurrent = slot.question === question;
            // What failed is asked again by the next update, not at once.
            if (slot.failure) break;
            if (reading.isOutdated) this.options.onChange();
        }
        this.readings.delete(name);
        slot.isLoading = false;
        this.options.onChange();
    }

    private keep(name: SlotName, data: unknown, question: string): void {
        this.lastGood = Date.now();
        Object.assign(this.slots[name], { data, failure: null, at: this.lastGood, question });
    }
}
