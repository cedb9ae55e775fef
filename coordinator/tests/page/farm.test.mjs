import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Countdown,
  Marks,
  isOver,
  ladder,
  progress,
  slackText,
  standing,
  transactionLink,
  urgency,
  workerCounts,
  workersInOrder,
} from '../../src/endpoint/page/farm.js';

const status = (rung, more = {}) => ({ stage: 'proving', subtrees: 2, ...more, ladder: { rung } });
const onL1 = { block_commitment: `0x${'1'.repeat(64)}` };

test('a block is over when nothing more will happen', () => {
  assert.equal(isOver(status('proven', { stage: 'done' })), true);
  assert.equal(isOver(status('proven', { stage: 'done', ...onL1 })), false, 'L1 has not verified it yet');
  assert.equal(isOver(status('finalized', onL1)), true);
  assert.equal(isOver(status('slashed', { stage: 'failed', ...onL1 })), true);
  assert.equal(isOver(status('proving')), false);
});

test('a block says where it stands in a word', () => {
  assert.deepEqual(standing(status('declined', { stage: 'refused' })), { word: 'refused', tone: 'bad' });
  assert.deepEqual(standing(status('proving', { stage: 'verifying' })), { word: 'verifying', tone: 'busy' });
  assert.deepEqual(standing(status('finalized', { stage: 'done', ...onL1 })), { word: 'finalized', tone: 'good' });
  assert.equal(standing(status('committed', onL1)).tone, 'calm');
  assert.equal(standing(status('slashed', { stage: 'done', ...onL1 })).word, 'slashed');
});

test('the ladder has the steps that a block can climb', () => {
  const states = (block) => ladder(block).map(({ state }) => state).join(' ');
  assert.equal(states(status('proving')), 'done now ahead');
  assert.equal(states(status('proven', { stage: 'done' })), 'done done done');
  assert.equal(ladder(status('committed', onL1)).length, 10);
  assert.equal(states(status('committed', onL1)), 'done done done done now ahead ahead ahead ahead ahead');
  assert.deepEqual(ladder(status('reorged', onL1)), []);
});

test('progress counts answers, and what is done is whole without them', () => {
  const rounds = [[0, 1], [1, null], [null, null], [null, null], [null, null]];
  assert.deepEqual(progress({ status: status('proving'), groups: [{ rounds }] }), { answered: 3, wanted: 10 });
  assert.deepEqual(progress({ status: status('proven', { stage: 'done' }), groups: [] }), { answered: 10, wanted: 10 });
});

test('the worst promise says how urgent a block is', () => {
  const promise = (alarm, slack) => ({ alarm, slack_seconds: slack, worst_slack_seconds: slack - 10 });
  assert.equal(urgency({ promises: [] }), null);
  assert.equal(urgency({ promises: [{ state: 'settled' }] }), null);
  assert.equal(urgency({ promises: [promise('none', 80), promise('tight', 40), promise('tight', 12)] }).text.includes('12'), true);
  assert.equal(urgency({ promises: [promise('late', -4), promise('none', 80)] }).alarm, 'late');
  assert.equal(slackText({ alarm: 'late' }), 'late: nobody to prove it');
  assert.match(slackText(promise('late', -75)), /^late by 1/);
  assert.match(slackText(promise('tight', 5)), /none if things go badly$/);
});

test('workers that were just lost come first, those long gone last', () => {
  const worker = (name, live, draining, heard_ms = 1_000_000) => ({ worker: name, live, draining, heard_ms });
  const workers = [
    worker('gone', false, false, 0),
    worker('left', false, true),
    worker('live', true, false),
    worker('draining', true, true),
    worker('lost', false, false),
  ];
  const now = 1_100_000;
  assert.deepEqual(workersInOrder(workers, now).map(({ worker }) => worker), ['lost', 'draining', 'live', 'gone', 'left']);
  assert.deepEqual(workerCounts(workers, now), { live: 2, draining: 1, silent: 1 });
});

test('a worker keeps its letter and its colour', () => {
  const marks = new Marks();
  const names = Array.from({ length: 60 }, (_, index) => `worker-${index}`);
  const found = names.map((name) => marks.of(name));
  assert.deepEqual(found[0], { text: 'A', colour: 0 });
  assert.deepEqual([found[25].text, found[26].text, found[52].text], ['Z', 'AA', 'BA']);
  assert.equal(new Set(found.map(({ text }) => text)).size, 60);
  assert.deepEqual(marks.of('worker-7'), found[7]);
});

test('a window counts down between the steps of L1', () => {
  const countdown = new Countdown();
  assert.equal(countdown.left('a', 24, 1_000), 24);
  assert.equal(countdown.left('a', 24, 4_000), 21);
  assert.equal(countdown.left('b', 24, 4_000), 24);
  assert.equal(countdown.left('a', 12, 13_000), 12);
});

test('only web addresses become links', () => {
  assert.equal(transactionLink('https://explorer.example', '0x12'), 'https://explorer.example/tx/0x12');
  assert.equal(transactionLink('javascript:alert(1)//', '0x12'), null);
  assert.equal(transactionLink(undefined, '0x12'), null);
});
