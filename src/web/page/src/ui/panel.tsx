// A panel with its designed states: loading, failed, empty, stale, and the numbers themselves.
import type { ComponentChildren } from 'preact';
import type { Failure } from '../api';
import type { Slot, SlotName } from '../reader';
import { usePage } from '../context';
import type { Words } from '../i18n';
import { Icon, type IconName } from './icons';

interface Props {
    id: string;
    title: string;
    slot: Slot<unknown>;
    reads: SlotName[];
    class?: string;
    tools?: ComponentChildren;
    /** Lines of the skeleton while nothing has come yet. */
    lines?: number;
    children: ComponentChildren;
}

export function failureText(failure: Failure, words: Words): string {
    if (failure.code === 'network') return words.t('error.network');
    if (failure.code === 'timeout') return words.t('error.timeout');
    return failure.hint ? `${failure.message} ${failure.hint}` : failure.message;
}

/** The last answer may be shown: it has come, and no other question has failed since. */
export function isShown(slot: Slot<unknown>): boolean {
    return slot.data !== null && (slot.failure === null || slot.isCurrent);
}

export function Panel({ id, title, slot, reads, tools, lines = 5, children, class: more = '' }: Props) {
    const { board, words } = usePage();
    const isOld = isShown(slot) && (slot.failure !== null || board.staleness !== null);
    const retry = () => void board.refresh(reads);
    const isWaiting = slot.data !== null && slot.isLoading && !slot.isCurrent;
    return (
        <section class={`panel ${more} ${isOld ? 'old' : ''} ${isWaiting ? 'waiting' : ''}`} aria-labelledby={`${id}-title`} aria-busy={slot.isLoading && !slot.data}>
            <header class="panel-head">
                <h2 id={`${id}-title`}>{title}</h2>
                {isOld && <span class="tag stale">{words.t('stale.mark')}</span>}
                {tools && <div class="tools">{tools}</div>}
            </header>
            {isShown(slot) ? children : slot.failure ? <Failed failure={slot.failure} onRetry={retry} /> : <Skeleton lines={lines} />}
            {isShown(slot) && slot.failure && board.staleness === null && board.slots.summary.failure === null && (
                <p class="note failed-note" role="status">
                    {failureText(slot.failure, words)} <button type="button" class="link" onClick={retry}>{words.t('error.retry')}</button>
                </p>
            )}
        </section>
    );
}

export function Failed({ failure, onRetry }: { failure: Failure; onRetry: () => void }) {
    const { words } = usePage();
    return (
        <div class="state failed" role="alert">
            <Icon name="cloud" />
            <p class="state-title">{words.t('error.title')}</p>
            <p>{failureText(failure, words)}</p>
            <button type="button" class="button" onClick={onRetry}>{words.t('error.retry')}</button>
        </div>
    );
}

export function Skeleton({ lines }: { lines: number }) {
    const { words } = usePage();
    return (
        <div class="skeleton" role="status">
            <span class="hidden">{words.t('loading')}</span>
            {Array.from({ length: lines }, (_, place) => <span key={place} class={`bone w${place % 4}`} />)}
        </div>
    );
}

export function Empty({ title, text, icon = 'search' }: { title: string; text: string; icon?: IconName }) {
    return (
        <div class={`state ${icon === 'good' ? 'calm' : ''}`}>
            <Icon name={icon} />
            <p class="state-title">{title}</p>
            <p>{text}</p>
        </div>
    );
}
