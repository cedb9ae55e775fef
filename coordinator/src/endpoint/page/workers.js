// The table of workers.

import { element, follow, setAttribute, setText, show } from './dom.js';
import { workersInOrder, workerState } from './farm.js';
import { ago, bytes, count, dateAndTime, percent } from './format.js';
import { mark } from './grid.js';

/** Rows at most. */
const WORKERS_MAX = 500;
const COLUMNS = ['Worker', 'State', 'Device', 'Jobs', 'Sessions', 'Processor', 'Memory', 'Heard of'];
const TONES = { live: 'good', draining: 'warn', silent: 'bad', left: 'calm' };

/** On a phone a row is shown as a card, each value beside its column's name. */
function cell(column, ...children) {
  return element('td', { role: 'cell', 'data-column': COLUMNS[column] }, ...children);
}

function row(marks) {
  const sign = mark(marks);
  const name = element('span', { class: 'name' });
  const state = element('span', { class: 'chip' });
  const device = cell(2);
  const [jobs, sessions, processor, memory, heard] = [3, 4, 5, 6, 7].map((column) => cell(column));
  const title = element('th', { role: 'rowheader', scope: 'row', 'data-column': COLUMNS[0] }, sign.node, name);
  const node = element('tr', { role: 'row' }, title, cell(1, state), device, jobs, sessions, processor, memory, heard);
  const update = ({ worker, now }) => {
    const at = workerState(worker);
    sign.update(worker.worker);
    setText(name, worker.worker);
    setAttribute(node, 'data-worker', worker.worker);
    setAttribute(node, 'data-state', at);
    setAttribute(state, 'class', `chip ${TONES[at]}`);
    setText(state, at);
    setText(device, worker.device);
    // What a worker that is away had is of no use.
    const here = worker.live;
    setText(jobs, here ? `${count(worker.jobs)} of ${count(worker.capacity)}` : '–');
    setText(sessions, here ? count(worker.sessions) : '–');
    setText(processor, here ? percent(worker.cpu_permille / 1000) : '–');
    setText(memory, here ? bytes(worker.rss_bytes) : '–');
    setAttribute(memory, 'title', `Peak ${bytes(worker.peak_rss_bytes)}, machine ${bytes(worker.memory_total_bytes)}`);
    setText(heard, here ? 'now' : ago(now - worker.heard_ms, 1));
    setAttribute(heard, 'title', dateAndTime(worker.heard_ms));
  };
  return { node, update };
}

/** The section. */
export function workers(section, { marks }) {
  const [body, none, note] = ['#workers-body', '#no-workers', '#workers-note'].map((id) => section.querySelector(id));
  const table = section.querySelector('table');
  return (view, now) => {
    // By name, so that letters and colours are the same after a reload.
    view.workers.forEach(({ worker }) => marks.of(worker));
    const shown = workersInOrder(view.workers, now).slice(0, WORKERS_MAX);
    const items = shown.map((worker) => ({ worker, now }));
    follow(body, items, ({ worker }) => worker.worker, () => row(marks));
    show(table, items.length > 0);
    show(none, items.length === 0);
    const hidden = view.workers.length - shown.length;
    show(note, hidden > 0);
    setText(note, `${count(hidden)} more are not shown; GET /v1/farm and proofyard workers have all of them.`);
  };
}
