import assert from 'node:assert/strict';
import { test } from 'node:test';

import { changes, spoken } from '../../src/endpoint/page/changes.js';

const block = (rung, more = {}) => ({
  status: { id: 'ab'.repeat(32), stage: 'proving', culprits: [], ladder: { rung }, ...more.status },
  promises: more.promises ?? [],
});
const worker = (name, live = true, draining = false) => ({ worker: name, live, draining });
const view = (blocks = [], workers = [], draining = false) => ({ blocks, workers, status: { draining } });
const texts = (before, after) => changes(before, after).map(({ text }) => text);

test('nothing new is nothing said', () => {
  const same = view([block('proving')], [worker('a')]);
  assert.deepEqual(changes(same, structuredClone(same)), []);
});

test('blocks come, climb, fall and catch liars', () => {
  assert.deepEqual(texts(view(), view([block('executing')])), ['Block abababab was taken in']);
  assert.deepEqual(texts(view(), view([block('proven', { status: { stage: 'done' } })])), [], 'older than the page');
  const done = block('proven', { status: { stage: 'done' } });
  assert.deepEqual(texts(view([block('proving')]), view([done])), ['Block abababab is proven']);
  const failed = block('declined', { status: { stage: 'failed', error: { code: 'PY-C-111', message: 'm' } } });
  assert.deepEqual(texts(view([block('proving')]), view([failed])), ['Block abababab has failed: PY-C-111']);
  const lied = block('proving', { status: { culprits: [{ worker: 'a', subtree: 3, round: 2 }] } });
  assert.deepEqual(texts(view([block('proving')]), view([lied])), [
    'Block abababab: a sent something wrong for subtree 3 in round 2',
  ]);
});

test('promises become tight and late and good again', () => {
  const promised = (alarm) => view([block('proving', { promises: [{ group: 1, alarm }] })]);
  assert.deepEqual(texts(promised('none'), promised('tight')), ['Block abababab, group 1: the proof may be late']);
  assert.deepEqual(texts(promised('tight'), promised('late')), ['Block abababab, group 1: the proof will be late']);
  assert.deepEqual(texts(promised('late'), promised('late')), []);
  assert.deepEqual(texts(promised('late'), promised('none')), ['Block abababab, group 1 is on time again']);
});

test('workers join, fall silent, drain and leave', () => {
  const farm = (...workers) => view([], workers);
  assert.deepEqual(texts(farm(), farm(worker('a'))), ['Worker a has joined']);
  assert.deepEqual(texts(farm(worker('a')), farm(worker('a', false))), ['Worker a is silent']);
  assert.deepEqual(texts(farm(worker('a', false)), farm(worker('a'))), ['Worker a answers again']);
  assert.deepEqual(texts(farm(worker('a')), farm(worker('a', true, true))), ['Worker a is draining']);
  assert.deepEqual(texts(farm(worker('a', true, true)), farm(worker('a', false, true))), ['Worker a has left']);
  assert.deepEqual(texts(view(), view([], [], true)), ['The coordinator is draining']);
});

test('not more than a few sentences are read aloud', () => {
  const many = Array.from({ length: 10 }, (_, index) => ({ text: `change ${index}` }));
  assert.equal(spoken(many).split('. ').length, 5);
  assert.equal(spoken(many.slice(0, 2)), 'change 0. change 1');
});
