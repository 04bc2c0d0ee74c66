// Light, dark, or as the system has it. public/theme.js applies a stored choice before the first paint.

export type Theme = 'system' | 'light' | 'dark';
const KEY = 'kpi.theme';

export function storedTheme(): Theme {
    const theme = document.documentElement.dataset.theme;
    return theme === 'light' || theme === 'dark' ? theme : 'system';
}

export function useTheme(theme: Theme): void {
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
        if (theme === 'system') localStorage.removeItem(KEY);
        else localStorage.setItem(KEY, theme);
    } catch {
        // Without storage the choice holds until the page is left.
    }
}

export function isDark(): boolean {
    const theme = storedTheme();
    return theme === 'system' ? matchMedia('(prefers-color-scheme: dark)').matches : theme === 'dark';
}
