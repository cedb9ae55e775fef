// The list of blocks: those in work as cards with their grids, the others as rows.

import { element, follow, setAttribute, setText, show } from './dom.js';
import { doing, isOver, ladder, progress, standing, transactionLink, urgency } from './farm.js';
import { ago, amount, count, dateAndTime, duration, plural, shortHash, shortId } from './format.js';
import { grid, legend } from './grid.js';

/** Grids in the list at most; a block's details show all of its groups. */
const GROUPS_MAX = 4;

/** A coloured word. */
export function chip() {
  const node = element('span', { class: 'chip' });
  const update = (tone, text) => {
    setAttribute(node, 'class', `chip ${tone}`);
    setText(node, text);
  };
  return { node, update };
}

/** The ladder as a track of steps. */
export function track(named) {
  const node = element('ol', { class: named ? 'track named' : 'track', 'aria-label': 'Steps of the block' });
  const update = (status) => {
    const steps = ladder(status);
    show(node, steps.length > 0);
    follow(node, steps, (step) => step.name, ({ name }) => {
      const step = element('li', {}, element('span', {}, name));
      return {
        node: step,
        update: ({ state }) => {
          setAttribute(step, 'class', state);
          setAttribute(step, 'aria-current', state === 'now' ? 'step' : null);
        },
      };
    });
  };
  return { node, update };
}

/** A coded error. */
export function fault() {
  const code = element('code');
  const message = element('span');
  const node = element('p', { class: 'fault' }, code, ' ', message);
  const update = (error) => {
    show(node, error !== undefined);
    setText(code, error?.code ?? '');
    setText(message, error ? `${error.transaction === undefined ? '' : `transaction ${error.transaction}: `}${error.message}` : '');
  };
  return { node, update };
}

/** Who was caught. */
export function culprits() {
  const node = element('ul', { class: 'culprits' });
  const update = ({ culprits }) => {
    show(node, culprits.length > 0);
    const items = culprits.map((culprit, index) => ({ ...culprit, index }));
    follow(node, items, (item) => item.index, ({ worker, subtree, round }) => ({
      node: element('li', {}, `${worker} sent something wrong for subtree ${subtree} in round ${round} and gets no work`),
      update: () => {},
    }));
  };
  return { node, update };
}

/** The promises for a block's groups. */
export function promises(countdown) {
  const node = element('ul', { class: 'promises' });
  const update = ({ status, promises }, { view, now }) => {
    show(node, promises.length > 0);
    follow(node, promises, (promise) => promise.group, () => {
      const text = element('span');
      const hash = element('span', { class: 'hash' });
      return {
        node: element('li', {}, text, hash),
        update: (promise) => {
          setText(text, promiseText(promise, { view, now, left: countdown, id: status.id, alone: promises.length === 1 }));
          showTransaction(hash, promise.transaction, view.explorer_url);
        },
      };
    });
  };
  return { node, update };
}

function promiseText(promise, { view, now, left, id, alone }) {
  const parts = [`${alone ? '' : `Group ${promise.group}: `}${promise.state} for height ${count(promise.height)}`];
  parts.push(`deposit ${amount(promise.deposit).short}`);
  if (promise.window_seconds !== undefined) {
    const seconds = left.left(`${id} ${promise.group}`, promise.window_seconds, now);
    parts.push(seconds >= 0 ? `to be sent within ${duration(seconds)}` : `to be sent ${duration(-seconds)} ago`);
    const block = view.status.l1_block;
    const blocks = block === undefined ? '' : `, ${plural(Math.max(0, promise.prove_by - block), 'block')} from now`;
    parts.push(`window until L1 block ${count(promise.prove_by)}${blocks}`);
  }
  return parts.join(' · ');
}

function showTransaction(node, hash, explorer) {
  show(node, hash !== undefined);
  if (hash === undefined || node.title === hash) return;
  const link = transactionLink(explorer, hash);
  const short = element('code', {}, shortHash(hash));
  const shown = link ? element('a', { href: link, rel: 'noreferrer noopener', target: '_blank' }, short) : short;
  node.title = hash;
  node.replaceChildren(' · transaction ', shown);
}

/** A link to a block's proof. */
export function proofLink() {
  const node = element('a', { class: 'proof', download: '' }, 'Proof');
  const update = ({ id, proof }) => {
    show(node, proof !== undefined);
    if (!proof) return;
    setAttribute(node, 'href', `/v1/blocks/${encodeURIComponent(id)}/proof`);
    setAttribute(node, 'title', `The root proof, ${count(proof.bytes)} bytes, SHA-256 ${proof.sha256}`);
    setAttribute(node, 'aria-label', `Proof of block ${shortId(id)}, ${count(proof.bytes)} bytes`);
    setAttribute(node, 'download', `${id}.proof`);
  };
  return { node, update };
}

function blockLink(id) {
  const link = element('a', { class: 'block-id', href: `#block=${id}`, title: id });
  link.append(element('span', { class: 'hidden' }, 'Details of block '), element('code', {}, shortId(id)));
  return link;
}

/** A block in work. */
function card(item, { marks, countdown }) {
  const { id } = item.block.status;
  const rung = chip();
  const hurry = chip();
  const time = element('span', { class: 'time' });
  const proof = proofLink();
  const head = element('div', { class: 'head' }, blockLink(id), rung.node, time, hurry.node, proof.node);
  const steps = track(false);
  const line = element('p', { class: 'doing' });
  const bar = element('progress', { max: '1', value: '0', 'aria-label': `Answers of block ${shortId(id)}` });
  const grids = element('div', { class: 'grids' });
  const more = element('p', { class: 'note' });
  const who = legend(marks);
  const [promised, caught, why] = [promises(countdown), culprits(), fault()];
  const node = element('li', { class: 'card', 'data-block': id }, head, steps.node, line, bar, grids, more, who.node, promised.node, caught.node, why.node);
  const update = ({ block, context }) => {
    const { status } = block;
    const { word, tone } = standing(status);
    rung.update(tone, word);
    setAttribute(node, 'data-rung', status.ladder.rung);
    const urgent = urgency(block);
    show(hurry.node, urgent !== null);
    if (urgent) hurry.update(urgent.tone, urgent.text);
    setText(time, duration(status.seconds));
    proof.update(status);
    steps.update(status);
    setText(line, doing(block));
    const { answered, wanted } = progress(block);
    setAttribute(bar, 'max', String(Math.max(1, wanted)));
    setAttribute(bar, 'value', String(answered));
    const groups = block.groups.slice(0, GROUPS_MAX);
    follow(grids, groups.map((group) => ({ block, group })), ({ group }) => group.group, () => grid(marks, false));
    show(bar, status.stage !== 'done');
    show(more, block.groups.length > groups.length);
    setText(more, `${plural(block.groups.length - groups.length, 'more group')} in the details`);
    who.update(block);
    promised.update(block, context);
    caught.update(status);
    why.update(status.ladder.reason ?? status.error);
  };
  return { node, update };
}

/** A block that is over. */
function line(item) {
  const { id } = item.block.status;
  const rung = chip();
  const what = element('span', { class: 'what' });
  const when = element('time', { class: 'when' });
  const proof = proofLink();
  const why = fault();
  const node = element('li', { class: 'over', 'data-block': id }, blockLink(id), rung.node, what, when, proof.node, why.node);
  const update = ({ block, context }) => {
    const { status, begun_ms: begun } = block;
    const { word, tone } = standing(status);
    rung.update(tone, word);
    setAttribute(node, 'data-rung', status.ladder.rung);
    const transfers = status.proof ? `${plural(status.proof.transfers, 'transfer')} in ` : '';
    const lied = status.culprits.length > 0 ? ` · ${plural(status.culprits.length, 'wrong message')}` : '';
    setText(what, `${transfers}${duration(status.seconds)}${lied}`);
    show(when, begun !== undefined);
    if (begun !== undefined) {
      const ended = begun + status.seconds * 1000;
      setText(when, ago(context.now - ended));
      setAttribute(when, 'datetime', new Date(ended).toISOString());
      setAttribute(when, 'title', dateAndTime(ended));
    }
    proof.update(status);
    why.update(status.ladder.reason ?? status.error);
  };
  return { node, update };
}

/** The section. */
export function blocks(section, tools) {
  const [working, over] = [section.querySelector('#in-work'), section.querySelector('#over')];
  const [none, overHead, overNote] = [section.querySelector('#no-blocks'), section.querySelector('#over-head'), section.querySelector('#over-note')];
  return (view, now) => {
    const context = { view, now };
    const items = view.blocks.map((block) => ({ block, context }));
    const inWork = items.filter(({ block }) => !isOver(block.status));
    const ended = items.filter(({ block }) => isOver(block.status));
    const key = ({ block }) => block.status.id;
    follow(working, inWork, key, (item) => card(item, tools));
    follow(over, ended, key, (item) => line(item));
    show(none, inWork.length === 0);
    show(overHead, ended.length > 0);
    show(overNote, ended.length > 0);
    setText(overNote, items.length >= 64 ? 'The newest 64 blocks are shown.' : '');
  };
}
