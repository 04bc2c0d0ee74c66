// Runs before the first paint, so that a chosen theme never flashes in the other one. src/theme.ts writes what is read here.
(function () {
    try {
        var theme = localStorage.getItem('kpi.theme');
        if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
    } catch (refused) { /* no storage: the system's theme */ }
})();
