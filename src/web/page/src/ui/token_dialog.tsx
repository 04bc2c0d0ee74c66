// Asks for the bearer token when kpi_web wants one.
import { useEffect, useRef } from 'preact/hooks';
import { usePage } from '../context';

export function TokenDialog() {
    const { board, words } = usePage();
    const { t } = words;
    const dialog = useRef<HTMLDialogElement>(null);
    useEffect(() => dialog.current!.showModal(), []);
    return (
        <dialog ref={dialog} class="token" aria-labelledby="token-title" onCancel={(event) => event.preventDefault()}>
            <form
                class="dialog-body"
                onSubmit={(event) => {
                    event.preventDefault();
                    const token = String(new FormData(event.currentTarget).get('token')).trim();
                    if (token) board.useToken(token);
                }}
            >
                <h2 id="token-title">{t('token.title')}</h2>
                <p class="intro">{t('token.text')}</p>
                {board.api.hasToken && <p class="refused" role="alert">{t('token.refused')}</p>}
                {/* A header carries nothing else. */}
                <label>{t('token.label')}<input type="password" name="token" autocomplete="off" pattern="[!-~]+" required autofocus /></label>
                <button type="submit" class="button primary">{t('token.use')}</button>
            </form>
        </dialog>
    );
}
