// Starts the page.
import { render } from 'preact';
import { Api } from './api';
import { Board } from './board';
import { App } from './app';
import { followSystem } from './theme';
import './style/tokens.css';
import 'uplot/dist/uPlot.min.css';
import './style/base.css';
import './style/bar.css';
import './style/panels.css';
import './style/chart.css';
import './style/tables.css';

followSystem();
// The page may live below a path of a proxy: everything is asked for beside it.
const base = location.pathname.replace(/\/[^/]*$/, '');
const board = new Board(new Api(base));
render(<App board={board} />, document.getElementById('page')!);
board.start();
