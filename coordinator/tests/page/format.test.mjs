import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ago, amount, bytes, duration, plural, rate, shortHash } from '../../src/endpoint/page/format.js';

test('durations show as much as matters', () => {
  const cases = [
    [-3, '0.0 secs'],
    [4.24, '4.2 secs'],
    [9.96, '10 secs'],
    [59.6, '1 min'],
    [3_599.4, '59 mins 59 secs'],
    [7_260, '2 hrs 1 min'],
    [90_000, '1 day 1 hr'],
  ];
  for (const [seconds, text] of cases) assert.equal(duration(seconds), text);
});

test('an amount is exact when it is short and a multiple of a power of ten when it is long', () => {
  assert.deepEqual(amount('0x0'), { short: '0', exact: '0' });
  assert.equal(amount('0xff').short, '255');
  const hundred = `0x${(100n * 10n ** 18n).toString(16)}`;
  assert.deepEqual(amount(hundred), { short: '100\u00a0×\u00a010¹⁸', exact: '100,000,000,000,000,000,000' });
  assert.equal(amount(`0x${(1_234_567n * 10n ** 15n).toString(16)}`).short, '1.234\u00a0×\u00a010²¹');
  assert.equal(amount(`0x${'f'.repeat(64)}`).short, '115.792\u00a0×\u00a010⁷⁵');
});

test('bytes, rates, relative times and words', () => {
  assert.equal(bytes(999), '999 byte');
  assert.equal(bytes(1_728), '1.7 kB');
  assert.equal(bytes(318_900_000), '319 MB');
  assert.equal(bytes(25e9), '25 GB');
  assert.deepEqual([0, 0.123, 12.34, 1_234.5].map(rate), ['0.0', '0.12', '12.3', '1,235']);
  assert.deepEqual([-5, 25_000, 61_000, 7_200_000].map((ms) => ago(ms)), ['now', '20 seconds ago', '1 minute ago', '2 hours ago']);
  assert.equal(ago(2_700, 1), '2 seconds ago');
  assert.deepEqual([plural(1, 'block'), plural(2, 'block')], ['1 block', '2 blocks']);
  assert.equal(shortHash(`0x${'ab'.repeat(32)}`), '0xababab…abab');
});
