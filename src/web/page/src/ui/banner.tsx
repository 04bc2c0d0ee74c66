// Says above everything else that the numbers below are not current, and why.
import { usePage } from '../context';
import { NOTHING } from '../format';
import { failureText } from './panel';
import { Icon } from './icons';

export function Banner() {
    const { board, words } = usePage();
    const { t } = words;
    const summary = board.slots.summary;
    const why = board.staleness;
    const at = summary.data?.as_of ?? (board.lastGood || null);
    const time = at === null ? NOTHING : words.moment(at, board.timezone);
    let text = '';
    if (why === 'database') text = t('stale.database', { time });
    else if (why === 'source') text = t('stale.source', { reason: summary.data?.stale_reason ?? NOTHING });
    else if (why === 'old') text = t('stale.old', { time: words.moment(board.lastGood, board.timezone) });
    else if (summary.failure && summary.data) text = failureText(summary.failure, words);
    return (
        <div role="status" aria-live="polite" class="banner-place">
            {text && <p class="banner"><Icon name="alert" />{text}</p>}
        </div>
    );
}
