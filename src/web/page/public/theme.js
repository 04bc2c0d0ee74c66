// Runs before the first paint, so that the page never flashes in the other theme. src/theme.ts goes on from here.
(function () {
    var root = document.documentElement, chosen = null;
    try {
        chosen = localStorage.getItem('kpi.theme');
    } catch (refused) { /* no storage: the system's theme */ }
    if (chosen !== 'light' && chosen !== 'dark') chosen = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    root.dataset.theme = chosen;
})();
