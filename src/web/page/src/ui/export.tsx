// Saves what is shown as a file. With a bearer token a plain link would carry no token, so the file is fetched and handed over.
import type { Parameters } from '../api';
import { usePage } from '../context';
import { Icon } from './icons';
import { Menu } from './menu';
import { failureText } from './panel';
import { Failure } from '../api';

const FORMATS = ['csv', 'xlsx', 'json'] as const;

export function Export({ name, parameters }: { name: string; parameters: Parameters }) {
    const { board, words, say } = usePage();
    const { t } = words;
    const save = async (format: string) => {
        try {
            const url = URL.createObjectURL(await board.api.blob('/api/kpi/export', { ...parameters, format }));
            const link = Object.assign(document.createElement('a'), { href: url, download: `${name}.${format}` });
            link.click();
            setTimeout(() => URL.revokeObjectURL(url), 60_000);
        } catch (cause) {
            say(t('export.failed', { reason: cause instanceof Failure ? failureText(cause, words) : String(cause) }), true);
        }
    };
    return (
        <Menu class="export right" label={<><Icon name="download" /><span class="tool-text">{t('export')}</span></>} name={`${t('export')}: ${name}`}>
            {(close) => (
                <ul class="choices">
                    {FORMATS.map((format) => (
                        <li key={format}>
                            {board.api.hasToken
                                ? <button type="button" onClick={() => { void save(format); close(); }}>{t(`export.${format}`)}</button>
                                : <a href={board.api.url('/api/kpi/export', { ...parameters, format })} download={`${name}.${format}`} onClick={close}>{t(`export.${format}`)}</a>}
                        </li>
                    ))}
                </ul>
            )}
        </Menu>
    );
}
