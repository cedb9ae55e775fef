// What a view of the farm means: how far a block is, how urgent, how a worker does. Nothing here touches the page.

import { duration, power } from './format.js';

/** Rungs of the ladder in their order; a block that L1 does not know climbs only those of the farm. */
const RUNGS = ['executing', 'mempool', 'proposed', 'revealed', 'committed', 'proving', 'proven', 'published', 'verified', 'finalized'];
const FARM_RUNGS = ['executing', 'proving', 'proven'];
const FALLEN = ['slashed', 'reorged', 'declined'];
/** Rounds of the proof. */
export const ROUNDS = 5;
/** A worker silent for longer is no news any more. */
const NEWS_MS = 600_000;

export const isOnL1 = (status) => status.block_commitment !== undefined;

const stageIsFinal = (stage) => ['done', 'refused', 'failed'].includes(stage);

/** Nothing more will happen to a block. */
export function isOver(status) {
  const { rung } = status.ladder;
  return rung === 'finalized' || FALLEN.includes(rung) || (!isOnL1(status) && stageIsFinal(status.stage));
}

/** The ladder's steps: each with its name and whether it is `done`, `now` or `ahead`; nothing for a block that fell off. */
export function ladder(status) {
  const { rung } = status.ladder;
  if (FALLEN.includes(rung)) return [];
  const rungs = isOnL1(status) ? RUNGS : FARM_RUNGS;
  const present = RUNGS.indexOf(rung);
  const state = (name) => {
    const place = RUNGS.indexOf(name);
    if (place === present) return isOver(status) ? 'done' : 'now';
    return place < present ? 'done' : 'ahead';
  };
  return rungs.map((name) => ({ name, state: state(name) }));
}

/** Where a block stands, in a word, and its tone: `good`, `bad`, `busy` or `calm`. */
export function standing(status) {
  const { rung } = status.ladder;
  if (rung === 'declined' && stageIsFinal(status.stage) && status.stage !== 'done') return { word: status.stage, tone: 'bad' };
  if (FALLEN.includes(rung)) return { word: rung, tone: 'bad' };
  if (status.stage === 'failed' && rung === 'proving') return { word: 'failed', tone: 'bad' };
  if (rung === 'proving' && status.stage === 'verifying') return { word: 'verifying', tone: 'busy' };
  if (['proven', 'verified', 'finalized'].includes(rung)) return { word: rung, tone: 'good' };
  return { word: rung, tone: ['executing', 'proving', 'published'].includes(rung) ? 'busy' : 'calm' };
}

/** Answers that are in, of all that there will be. */
export function progress({ status, groups }) {
  const wanted = ROUNDS * status.subtrees;
  if (status.stage === 'done') return { answered: wanted, wanted };
  const cells = groups.flatMap((group) => group.rounds.flat());
  return { answered: cells.filter((cell) => cell !== null).length, wanted };
}

/** What a block does now, in a line. */
export function doing({ status }) {
  const rows = `${status.subtrees} × ${power(2, status.rows_log2)} rows`;
  switch (status.stage) {
    case 'executing':
      return 'checked, executed and cut into subtrees';
    case 'proving':
      return status.round === 0
        ? `${rows}, about to begin`
        : `round ${status.round} of ${ROUNDS}, ${status.subtrees_done} of ${status.subtrees} subtrees · ${rows}`;
    case 'verifying':
      return `all rounds done, the root proof is being verified · ${rows}`;
    default:
      return status.subtrees > 0 ? rows : '';
  }
}

const ALARMS = ['none', 'tight', 'late'];

/** How urgent a block is: the worst of its promises; null when nothing is promised or left to do. */
export function urgency({ promises }) {
  const open = promises.filter((promise) => promise.alarm !== undefined);
  if (open.length === 0) return null;
  const slackOf = (promise) => promise.slack_seconds ?? -Infinity;
  const worst = open.reduce((a, b) => {
    const order = ALARMS.indexOf(b.alarm) - ALARMS.indexOf(a.alarm);
    return order > 0 || (order === 0 && slackOf(b) < slackOf(a)) ? b : a;
  });
  return { alarm: worst.alarm, text: slackText(worst), tone: { none: 'good', tight: 'warn', late: 'bad' }[worst.alarm] };
}

/** A promise's slack in words. */
export function slackText({ alarm, slack_seconds: slack, worst_slack_seconds: worst }) {
  if (slack === undefined) return 'late: nobody to prove it';
  if (slack < 0) return `late by ${duration(-slack)}`;
  if (alarm === 'tight') {
    const least = worst === undefined || worst < 0 ? 'none if things go badly' : `${duration(worst)} if they go badly`;
    return `tight: ${duration(slack)} to spare, ${least}`;
  }
  return `on time, ${duration(slack)} to spare`;
}

/** How a worker does: `silent`, `draining`, `live` or `left`. */
export function workerState({ live, draining }) {
  if (live) return draining ? 'draining' : 'live';
  return draining ? 'left' : 'silent';
}

/** Workers in the order in which they deserve a look: those just lost, those that drain, those that work, those long gone. */
export function workersInOrder(workers, now) {
  const rank = (worker) => {
    const state = workerState(worker);
    if (state === 'silent') return now - worker.heard_ms < NEWS_MS ? 0 : 3;
    return { draining: 1, live: 2, left: 4 }[state];
  };
  return workers.map((worker) => [rank(worker), worker]).sort((a, b) => a[0] - b[0]).map(([, worker]) => worker);
}

/** How many workers are in each state. */
export function workerCounts(workers, now) {
  const counts = { live: 0, draining: 0, silent: 0 };
  for (const worker of workers) {
    const state = workerState(worker);
    if (state === 'live' || state === 'draining') counts.live += 1;
    if (state === 'draining') counts.draining += 1;
    if (state === 'silent' && now - worker.heard_ms < NEWS_MS) counts.silent += 1;
  }
  return counts;
}

/** How many cells each worker has in a list of cells; those of nobody under null. */
export function shares(cells) {
  const found = new Map();
  for (const cell of cells) found.set(cell, (found.get(cell) ?? 0) + 1);
  return found;
}

/** Colours there are; docs/live-page.md says where they come from. */
const COLOURS = 8;

/** A letter and a colour for each worker, the same everywhere on the page as long as it is open. */
export class Marks {
  #places = new Map();

  of(name) {
    if (!this.#places.has(name)) this.#places.set(name, this.#places.size);
    const place = this.#places.get(name);
    const letter = (index) => String.fromCharCode(65 + index);
    const text = place < 26 ? letter(place) : letter((Math.floor(place / 26) - 1) % 26) + letter(place % 26);
    return { text, colour: place % COLOURS };
  }
}

/** Counts down between the steps in which L1 tells the time. */
export class Countdown {
  #since = new Map();

  /** What is left of `value` seconds at `now` milliseconds. */
  left(key, value, now) {
    const before = this.#since.get(key);
    if (before?.value !== value) this.#since.set(key, { value, now });
    return value - (now - this.#since.get(key).now) / 1000;
  }
}

/** A link to a transaction, when the chain's explorer is known. */
export function transactionLink(explorer, hash) {
  if (!explorer || !/^https?:\/\//.test(explorer)) return null;
  return `${explorer}/tx/${hash}`;
}
