// The newest rows of the chosen countries and sources, as they are written.
import { usePage } from '../context';
import { NOTHING } from '../format';
import { Empty, Panel } from './panel';

const TIMES = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/;
const SUCCEEDED = 'payments_succeeded';
const STATES: Record<string, string> = { paid: 'good', succeeded: 'good', failed: 'bad', refunded: 'warn', high: 'critical', medium: 'warning', low: 'info' };

export function RecentRows() {
    const { board, words } = usePage();
    const { t } = words;
    const slot = board.slots.recent;
    const { columns, rows } = telling(slot.data?.columns ?? [], slot.data?.rows ?? []);
    const tools = (
        <div class="segmented small" role="group" aria-label={t('recent.title')}>
            {(['payments', 'leads'] as const).map((one) => (
                <button key={one} type="button" aria-pressed={board.view.recent === one} onClick={() => board.change({ recent: one })}>{words.name(one)}</button>
            ))}
        </div>
    );
    return (
        <Panel id="recent" class="recent" title={t('recent.title')} slot={slot} reads={['recent']} tools={tools} lines={6}>
            {rows.length === 0 ? <Empty title={t('recent.none')} text={t(board.isFiltered ? 'recent.noMatch' : 'recent.none.text')} icon="table" /> : (
                <div class="scroll" tabIndex={0} role="region" aria-label={words.name(board.view.recent)}>
                    <table class="rows">
                        <thead><tr>{columns.map((name, place) => <th key={name} scope="col" class={`col-${name} ${isNumber(rows[0]?.[place]) && name !== SUCCEEDED ? 'right' : ''}`}>{words.name(name === SUCCEEDED ? 'status' : name)}</th>)}</tr></thead>
                        <tbody>
                            {rows.map((row, line) => (
                                <tr key={`${line} ${String(row[0])}`}>
                                    {row.map((value, place) => <Cell key={columns[place]} column={columns[place] ?? ''} value={value} />)}
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
        </Panel>
    );
}

/** Columns worth their place: a facts view counts each row as 1 and marks what is rare with 0, the same down the whole column. */
export function telling(columns: string[], rows: unknown[][]): { columns: string[]; rows: unknown[][] } {
    const same = (place: number) => rows.every((row) => row[place] === rows[0]?.[place] && (row[place] === 0 || row[place] === 1));
    const kept = columns.map((_, place) => place).filter((place) => columns[place] === SUCCEEDED || !same(place));
    return { columns: kept.map((place) => columns[place]!), rows: rows.map((row) => kept.map((place) => row[place])) };
}

/** Of the last hours: the time says enough. */
function isToday(at: string): boolean {
    return Date.now() - Date.parse(at) < 20 * 3_600_000;
}

function isNumber(value: unknown): value is number {
    return typeof value === 'number';
}

function Cell({ column, value }: { column: string; value: unknown }) {
    const { board, words } = usePage();
    if (value === null || value === undefined) return <td>{NOTHING}</td>;
    if (column === SUCCEEDED) return <td><span class={`tag ${value ? 'good' : 'bad'}`}>{words.t(value ? 'recent.succeeded' : 'recent.failed')}</span></td>;
    // An id is a name, not an amount.
    if (isNumber(value)) return <td class="right">{column === 'id' ? String(value) : words.number(value, column === 'amount' || column === 'revenue' ? board.metric('revenue')?.unit : null)}</td>;
    const text = String(value);
    if (TIMES.test(text)) return <td class="time"><time dateTime={text} title={words.moment(text, board.timezone)}>{isToday(text) ? words.time(text, board.timezone) : words.moment(text, board.timezone)}</time></td>;
    if (column === 'status' || column === 'priority') return <td><span class={`tag ${STATES[text.toLowerCase()] ?? ''}`}><bdi>{words.value(column, text)}</bdi></span></td>;
    return <td class={`name col-${column}`}><bdi>{words.value(column, text)}</bdi></td>;
}
