// The grid of a group: one row for each round, one cell for each subtree, coloured by the worker whose answer counts.

import { drawing, element, follow, setAttribute, setText } from './dom.js';
import { ROUNDS, shares } from './farm.js';
import { duration, plural } from './format.js';

/** Above this many subtrees cells carry no letters. */
const LETTERS_MAX = 32;
/** Above this many subtrees a row is a bar, where there is little room. */
const CELLS_MAX = 64;

/** A worker's letter on its colour. */
export function mark(marks) {
  const node = element('span', { 'aria-hidden': 'true' });
  return {
    node,
    update: (name) => {
      const { text, colour } = marks.of(name);
      setAttribute(node, 'class', `mark colour-${colour}`);
      setText(node, text);
    },
  };
}

/** Who answered, in words, most answers first. */
function spokenShares(cells, workers) {
  const found = [...shares(cells)].filter(([worker]) => worker !== null).sort((a, b) => b[1] - a[1]);
  return found.map(([worker, cells]) => `${workers[worker]} ${cells}`).join(', ');
}

/** A row of cells. */
function cells(marks) {
  const node = element('div', { class: 'cells', role: 'img' });
  const create = () => {
    const cell = element('span');
    return {
      node: cell,
      update: ({ worker, subtree, round, waiting, letters }) => {
        const found = worker === undefined ? null : marks.of(worker);
        setAttribute(cell, 'class', found ? `cell colour-${found.colour}` : `cell ${waiting ? 'waiting' : 'empty'}`);
        setText(cell, found && letters ? found.text : '');
        const answer = worker ?? (waiting ? 'waiting for an answer' : 'not asked yet');
        setAttribute(cell, 'title', `Subtree ${subtree}, round ${round}: ${answer}`);
      },
    };
  };
  const update = ({ group, round, answers, workers }) => {
    const size = answers.length > CELLS_MAX ? 'small' : answers.length > LETTERS_MAX ? 'medium' : 'large';
    setAttribute(node, 'class', `cells ${size}`);
    const items = answers.map((answer, index) => ({
      worker: answer === null ? undefined : workers[answer],
      subtree: group.first_subtree + index,
      round,
      waiting: round === group.round,
      letters: size === 'large',
    }));
    follow(node, items, (item) => item.subtree, create);
  };
  return { node, update };
}

/** A row as a bar, each worker's share in its colour. */
function bar(marks) {
  const node = drawing('svg', { class: 'bar', role: 'img', preserveAspectRatio: 'none' });
  const update = ({ answers, workers }) => {
    setAttribute(node, 'viewBox', `0 0 ${Math.max(1, answers.length)} 1`);
    let x = 0;
    const found = [...shares(answers)].filter(([worker]) => worker !== null).sort((a, b) => a[0] - b[0]);
    const parts = found.map(([worker, width]) => {
      const part = { key: worker, x, width, colour: marks.of(workers[worker]).colour };
      x += width;
      return part;
    });
    follow(node, parts, (part) => part.key, () => {
      const rect = drawing('rect', { y: '0', height: '1' });
      return {
        node: rect,
        update: ({ x, width, colour }) => {
          setAttribute(rect, 'x', String(x));
          setAttribute(rect, 'width', String(width));
          setAttribute(rect, 'class', `colour-${colour}`);
        },
      };
    });
  };
  return { node, update };
}

function row(marks, asBars) {
  const label = element('span', { class: 'round', 'aria-hidden': 'true' });
  const note = element('span', { class: 'note' });
  const filled = asBars ? bar(marks) : cells(marks);
  const node = element('div', { class: 'row' }, label, filled.node, note);
  const update = (item) => {
    const { group, round, answers, workers, times } = item;
    const inHand = answers.filter((answer) => answer !== null).length;
    setAttribute(node, 'class', `row ${round === group.round ? 'present' : ''}`);
    setText(label, String(round));
    setText(note, times?.length ? times.map(duration).join(', ') : `${inHand}/${answers.length}`);
    const who = spokenShares(answers, workers);
    const spoken = `Round ${round}: ${inHand} of ${plural(answers.length, 'subtree')} answered${who ? `: ${who}` : ''}`;
    setAttribute(filled.node, 'aria-label', spoken);
    filled.update(item);
  };
  return { node, update };
}

/**
 * A group's grid. `update` takes the block's view, the group, and how long its rounds took (round to seconds), where that is to be shown.
 */
export function grid(marks, wide) {
  const rows = element('div', { class: 'rows' });
  const node = element('div', { class: 'grid' }, rows);
  const update = ({ block, group, times }) => {
    const { workers } = block;
    const subtrees = group.rounds[0]?.length ?? 0;
    // What is done needs less room than what one waits for.
    const asBars = !wide && (subtrees > CELLS_MAX || block.status.stage === 'done');
    const items = Array.from({ length: ROUNDS }, (_, index) => ({
      group,
      round: index + 1,
      answers: group.rounds[index] ?? [],
      workers,
      times: times?.get(index + 1),
    }));
    follow(rows, items, (item) => `${item.round} ${asBars}`, () => row(marks, asBars));
  };
  return { node, update };
}

/** The workers of a block with their letters and how many answers of each count. */
export function legend(marks) {
  const node = element('ul', { class: 'legend' });
  const update = (block) => {
    const found = shares(block.groups.flatMap((group) => group.rounds.flat()));
    const items = block.workers.map((worker, place) => ({ worker, cells: found.get(place) ?? 0 }));
    items.sort((a, b) => a.worker.localeCompare(b.worker));
    follow(node, items.filter((item) => item.cells > 0), (item) => item.worker, ({ worker }) => {
      const sign = mark(marks);
      const name = element('span', { class: 'name' }, worker);
      const number = element('span', { class: 'number' });
      return {
        node: element('li', {}, sign.node, name, number),
        update: ({ worker, cells }) => {
          sign.update(worker);
          setText(number, plural(cells, 'answer'));
        },
      };
    });
  };
  return { node, update };
}
