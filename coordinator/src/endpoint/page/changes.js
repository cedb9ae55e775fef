// What is new in a view, in sentences: for the list on the page and for screen readers.

import { isOver, standing, workerState } from './farm.js';
import { shortId } from './format.js';

const byKey = (items, keyOf) => new Map(items.map((item) => [keyOf(item), item]));

/** Sentences about what differs between two views, each with its tone. */
export function changes(before, after) {
  return [...blockChanges(before, after), ...workerChanges(before, after), ...farmChanges(before, after)];
}

/** Where a block stands, as the end of a sentence about it. */
const STANDINGS = {
  executing: 'is being executed',
  mempool: 'waits in the mempool',
  proving: 'is being proven',
  verifying: 'is being verified',
  refused: 'was refused',
  failed: 'has failed',
  slashed: 'was slashed',
  reorged: 'was undone by L1',
  declined: 'was declined',
};

function blockChanges(before, after) {
  const found = [];
  const known = byKey(before.blocks, (block) => block.status.id);
  for (const { status, promises } of after.blocks) {
    const old = known.get(status.id);
    const name = `Block ${shortId(status.id)}`;
    const { word, tone } = standing(status);
    if (!old) {
      if (!isOver(status)) found.push({ text: `${name} was taken in`, tone: 'calm' });
      continue;
    }
    if (word !== standing(old.status).word) {
      const why = status.error ?? status.ladder.reason;
      const reason = tone === 'bad' && why ? `: ${why.code}` : '';
      found.push({ text: `${name} ${STANDINGS[word] ?? `is ${word}`}${reason}`, tone });
    }
    for (const { worker, subtree, round } of status.culprits.slice(old.status.culprits.length)) {
      found.push({ text: `${name}: ${worker} sent something wrong for subtree ${subtree} in round ${round}`, tone: 'bad' });
    }
    const alarms = byKey(old.promises, (promise) => promise.group);
    for (const { group, alarm } of promises) {
      const was = alarms.get(group)?.alarm ?? 'none';
      if (alarm === 'late' && was !== 'late') found.push({ text: `${name}, group ${group}: the proof will be late`, tone: 'bad' });
      if (alarm === 'tight' && was === 'none') found.push({ text: `${name}, group ${group}: the proof may be late`, tone: 'warn' });
      if (alarm === 'none' && was !== 'none') found.push({ text: `${name}, group ${group} is on time again`, tone: 'good' });
    }
  }
  return found;
}

const WORKER_WORDS = {
  live: { text: 'answers again', tone: 'good' },
  draining: { text: 'is draining', tone: 'calm' },
  left: { text: 'has left', tone: 'calm' },
  silent: { text: 'is silent', tone: 'bad' },
};

function workerChanges(before, after) {
  const found = [];
  const known = byKey(before.workers, (worker) => worker.worker);
  for (const worker of after.workers) {
    const old = known.get(worker.worker);
    const state = workerState(worker);
    if (!old) {
      found.push({ text: `Worker ${worker.worker} has joined`, tone: 'good' });
    } else if (workerState(old) !== state) {
      const { text, tone } = WORKER_WORDS[state];
      found.push({ text: `Worker ${worker.worker} ${text}`, tone });
    }
  }
  return found;
}

function farmChanges(before, after) {
  if (after.status.draining && !before.status.draining) return [{ text: 'The coordinator is draining', tone: 'warn' }];
  return [];
}

/** What is read aloud: not more than a few sentences. */
export function spoken(found) {
  const first = found.slice(0, 4).map(({ text }) => text);
  if (found.length > first.length) first.push(`and ${found.length - first.length} more changes`);
  return first.join('. ');
}
