// The head of the page, its warnings and its figures; the list of what has changed.

import { element, follow, setAttribute, setText, show } from './dom.js';
import { isOver, urgency, workerCounts } from './farm.js';
import { ago, amount, count, duration, plural, power, rate, shortHash, timeOfDay } from './format.js';

/** Changes kept on the page. */
const CHANGES_MAX = 30;

const CONNECTION = {
  connecting: { word: 'connecting', tone: 'calm' },
  live: { word: 'live', tone: 'good' },
  polling: { word: 'polling', tone: 'warn' },
  lost: { word: 'reconnecting', tone: 'bad' },
};

/** State of the connection and when something was heard last. */
export function connection(node) {
  const [state, heard] = [node.querySelector('#connection'), node.querySelector('#heard')];
  const trouble = document.querySelector('#trouble');
  return ({ state: name, reason, heardMs, now }) => {
    const { word, tone } = CONNECTION[name];
    setAttribute(state, 'class', `chip ${tone}`);
    setText(state, word);
    const since = heardMs === null ? '' : now - heardMs < 3_000 ? `at ${timeOfDay(heardMs)}` : `at ${timeOfDay(heardMs)}, ${ago(now - heardMs)}`;
    setText(heard, since ? `last update ${since}` : 'no update yet');
    show(trouble, reason !== '');
    const old = heardMs === null ? '' : ` What is shown is of ${timeOfDay(heardMs)}.`;
    setText(trouble, `Not live: ${reason}.${name === 'lost' ? old : ''}`);
  };
}

/** What the coordinator is. */
export function farmLine(node) {
  return ({ version, status }) => {
    const parts = [`chain ${status.chain_id}`];
    parts.push(status.l1_block === undefined ? 'not on L1' : `L1 block ${count(status.l1_block)}`);
    if (status.prover) parts.push(`prover ${shortHash(status.prover)}`);
    parts.push(...status.classes.map(({ rows_log2: rows, transfers }) => `${power(2, rows)} rows, ${plural(transfers, 'transfer')} a subtree`));
    parts.push(`version ${version}`);
    setText(node, parts.join(' · '));
    setAttribute(node, 'title', status.prover ?? '');
  };
}

/** Warnings that hold as long as the coordinator runs so. */
export function warnings(insecure, draining) {
  return ({ status }) => {
    show(insecure, status.insecure_setup);
    show(draining, status.draining);
  };
}

function tile(node) {
  const [value, note] = [node.querySelector('.value'), node.querySelector('.note')];
  return (text, more, tone = '') => {
    setText(value, text);
    setText(note, more);
    setAttribute(node, 'data-tone', tone);
  };
}

/** The figures. */
export function tiles(list) {
  const [throughput, workers, blocks, quotes, deposits] = ['throughput', 'workers', 'blocks', 'quotes', 'deposits'].map((name) =>
    tile(list.querySelector(`#tile-${name}`)),
  );
  return (view, now) => {
    const { seconds, blocks: proven, transfers } = view.throughput;
    throughput(
      `${rate(seconds > 0 ? transfers / seconds : 0)}\u00a0/s`,
      `${proven > 0 ? `${plural(transfers, 'transfer')} of ${plural(proven, 'block')}` : 'no block'} in ${duration(Math.ceil(seconds / 10) * 10)}`,
    );
    const { live, draining, silent } = workerCounts(view.workers, now);
    const states = [draining > 0 ? `${count(draining)} draining` : '', silent > 0 ? `${count(silent)} silent` : ''].filter(Boolean);
    const toneOfWorkers = live === 0 ? 'bad' : silent > 0 ? 'warn' : '';
    workers(`${count(live)} of ${count(live + silent)}`, states.length > 0 ? states.join(', ') : 'all live', toneOfWorkers);
    const open = view.blocks.filter(({ status }) => !isOver(status));
    const { blocks: proving, free_blocks: free } = view.status;
    blocks(count(inWork(view)), `${count(proving)} in the farm, room for ${count(free)} more`);
    const { market } = view;
    quotes(market ? count(market.quotes_open) : '–', market ? 'that may still be drawn' : 'this farm is not on L1');
    const urgent = open.map((block) => urgency(block)?.alarm);
    const tone = urgent.includes('late') ? 'bad' : urgent.includes('tight') ? 'warn' : '';
    if (market) {
      const { short } = amount(market.deposits_at_risk);
      const token = market.deposit_token ? `, token ${shortHash(market.deposit_token)}` : '';
      deposits(short, `${plural(market.groups_committed, 'group')} to prove${token}`, tone);
    } else {
      deposits('–', 'nothing is promised', tone);
    }
  };
}

/** Blocks that are not over; a view may hold only the first of them. */
const inWork = ({ blocks, status }) => {
  const open = blocks.filter((block) => !isOver(block.status)).length;
  return open === blocks.length ? Math.max(open, status.blocks) : open;
};

/** The browser tab's title: what matters at a glance. */
export function title(view) {
  const alarms = view.blocks.map((block) => urgency(block)?.alarm);
  const open = inWork(view);
  const alarm = alarms.includes('late') ? 'LATE · ' : alarms.includes('tight') ? 'tight · ' : '';
  return `${alarm}${open > 0 ? `${count(open)} in work · ` : ''}Proofyard`;
}

/** The list of changes since the page was opened, newest first. */
export function recent(section) {
  const [list, none] = [section.querySelector('ol'), section.querySelector('#no-changes')];
  let kept = [];
  let number = 0;
  return (found, now) => {
    kept = [...found.map((change) => ({ ...change, at: now, number: ++number })).reverse(), ...kept].slice(0, CHANGES_MAX);
    show(none, kept.length === 0);
    follow(list, kept, (change) => change.number, ({ text, tone, at }) => {
      const time = element('time', { datetime: new Date(at).toISOString() }, timeOfDay(at));
      return { node: element('li', { 'data-tone': tone }, time, element('span', {}, text)), update: () => {} };
    });
  };
}
