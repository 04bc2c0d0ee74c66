// Problems that are open: how bad, since when, who has it; and taking one.
import { useState } from 'preact/hooks';
import { Failure } from '../api';
import { usePage } from '../context';
import type { Incident } from '../types';
import { Empty, Panel, failureText } from './panel';

export function Incidents() {
    const { board, words } = usePage();
    const { t } = words;
    const slot = board.slots.incidents;
    const incidents = slot.data?.incidents ?? [];
    const tools = (
        <div class="segmented small" role="group" aria-label={t('incidents.title')}>
            {(['open', 'all'] as const).map((one) => (
                <button key={one} type="button" aria-pressed={board.view.incidents === one} onClick={() => board.change({ incidents: one })}>{t(`incidents.${one}`)}</button>
            ))}
        </div>
    );
    return (
        <Panel id="incidents" class="incidents" title={t('incidents.title')} slot={slot} reads={['incidents']} tools={tools} lines={4}>
            {incidents.length === 0
                ? <Empty title={t('incidents.none')} text={t('incidents.none.text')} icon="good" />
                : <ul class="incident-list">{incidents.map((one) => <Item key={one.id} incident={one} />)}</ul>}
        </Panel>
    );
}

function Item({ incident }: { incident: Incident }) {
    const { board, words, say } = usePage();
    const { t } = words;
    const [isBusy, setBusy] = useState(false);
    const zone = board.timezone;
    const segment = Object.entries(incident.segment).map(([dimension, value]) => `${words.name(dimension)}: ${words.value(dimension, value)}`);
    const take = async (link: string) => {
        setBusy(true);
        try {
            await board.acknowledge(link);
            say(t('incidents.done'));
        } catch (cause) {
            say(t('incidents.failed', { reason: cause instanceof Failure ? failureText(cause, words) : String(cause) }), true);
        }
        setBusy(false);
    };
    const link = incident.state === 'firing' && !board.slots.meta.data?.read_only ? incident.links.acknowledge : null;
    return (
        <li class={`incident ${incident.severity} ${incident.state}`}>
            <div class="incident-main">
                <p class="incident-title">
                    <span class={`tag ${incident.severity}`}>{t(`severity.${incident.severity}`)}</span>
                    <bdi>{incident.title}</bdi>
                </p>
                <p class="note">
                    {segment.length > 0 && <><bdi>{segment.join(' · ')}</bdi> · </>}
                    <time dateTime={incident.started_at}>{t('incidents.since', { time: words.moment(incident.started_at, zone) })}</time>
                    {incident.members > 0 && <> · {words.plural('incidents.members', incident.members)}</>}
                    {incident.silenced_until && <> · {t('incidents.silenced', { time: words.moment(incident.silenced_until, zone) })}</>}
                    {incident.assignee && <> · <bdi>{incident.assignee}</bdi></>}
                </p>
            </div>
            {link && (
                <button type="button" class="button" disabled={isBusy} aria-label={`${t('incidents.acknowledge')}: ${incident.title}`} onClick={() => void take(link)}>
                    {t(isBusy ? 'incidents.acknowledging' : 'incidents.acknowledge')}
                </button>
            )}
            {incident.state === 'acknowledged' && <span class="tag taken">{incident.acknowledged_by ? t('incidents.acknowledged', { name: incident.acknowledged_by }) : t('incidents.acknowledged.plain')}</span>}
            {incident.state === 'resolved' && <span class="tag good">{t('incidents.resolved')}</span>}
        </li>
    );
}
