// Light, dark, or as the system has it. The root element's data-theme is what is drawn; public/theme.js sets it before the first
// paint.

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'kpi.theme';

export function storedTheme(): Theme {
    try {
        const theme = localStorage.getItem(KEY);
        return theme === 'light' || theme === 'dark' ? theme : 'system';
    } catch {
        return 'system';
    }
}

let chosen: Theme = 'system';
let system: MediaQueryList | undefined;

function draw(): void {
    document.documentElement.dataset.theme = chosen !== 'system' ? chosen : system?.matches ? 'dark' : 'light';
}

/** Follows the system from now on, where nothing was chosen. */
export function followSystem(): void {
    chosen = storedTheme();
    system = matchMedia('(prefers-color-scheme: dark)');
    system.addEventListener('change', draw);
}

export function useTheme(theme: Theme): void {
    chosen = theme;
    draw();
    try {
        if (theme === 'system') localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
    } catch {
        // Without storage the choice holds until the page is left.
    }
}
