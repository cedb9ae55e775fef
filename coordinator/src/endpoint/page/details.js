// All about one block, at #block=ID.

import { chip, culprits, fault, promises, proofLink, track } from './blocks.js';
import { element, facts, follow, setText, show } from './dom.js';
import { doing, standing, urgency } from './farm.js';
import { amount, bytes, count, dateAndTime, duration, plural } from './format.js';
import { grid, legend } from './grid.js';

const ID = /^#block=(?:0x)?([0-9a-f]{64})$/i;

/** The block that the address names. */
export const wanted = () => ID.exec(location.hash)?.[1].toLowerCase() ?? null;

/** Of a group: how long each round took, in the order in which it was done. */
function times(status, group) {
  const found = new Map();
  for (const { group: of, round, seconds } of status.rounds) {
    if (of === group) found.set(round, [...(found.get(round) ?? []), seconds]);
  }
  return found;
}

function statusRows(block, context) {
  const { status, begun_ms: begun } = block;
  const urgent = urgency(block);
  return [
    { name: 'Work', text: doing(block) },
    { name: 'Begun', text: begun === undefined ? '' : dateAndTime(begun) },
    { name: 'Time', text: begun === undefined && status.seconds === 0 ? '' : duration(status.seconds) },
    { name: 'Slack', text: urgent?.text ?? '' },
    { name: 'Deposits, in the token’s smallest unit', text: block.promises.map(({ deposit }) => amount(deposit).exact).join(' + '), wide: true },
    { name: 'Block', text: status.id, code: true },
    { name: 'Block commitment', text: status.block_commitment ?? '', code: true },
    ...block.promises.map(({ group, transaction }) => ({
      name: `Transaction of group ${group}`,
      text: transaction ?? '',
      code: true,
      link: context.linkTo(transaction),
    })),
  ];
}

function proofRows({ proof }) {
  if (!proof) return [];
  return [
    { name: 'Transfers', text: count(proof.transfers) },
    { name: 'Fees', text: `${count(proof.fees)} gwei` },
    { name: 'Length', text: bytes(proof.bytes), title: `${count(proof.bytes)} bytes` },
    { name: 'SHA-256', text: proof.sha256, code: true },
    { name: 'State root before', text: proof.start_root, code: true },
    { name: 'State root after', text: proof.end_root, code: true },
    { name: 'Data hash', text: proof.data_hash, code: true },
  ];
}

function groupPart(marks, alone) {
  const heading = element('h4');
  const rows = grid(marks, true);
  const node = element('section', {}, heading, rows.node);
  const update = ({ block, group }) => {
    const last = group.first_subtree + (group.rounds[0]?.length ?? 1) - 1;
    show(heading, !alone());
    setText(heading, `Group ${group.group}: subtrees ${group.first_subtree} to ${last}`);
    rows.update({ block, group, times: times(block.status, group.group) });
  };
  return { node, update };
}

/** The dialog. `update(view, now)` shows what the address names. */
export class Details {
  #dialog = document.querySelector('#details');
  #body = this.#dialog.querySelector('#details-body');
  #missing = this.#dialog.querySelector('#details-missing');
  #shown = null;
  /** The block when the view does not hold it. */
  #asked = { id: null, block: null, missing: null };
  #parts;
  #opened = false;
  /** The block that was closed while the address still names it. */
  #left = null;

  constructor({ marks, countdown }, render) {
    const rung = chip();
    const [steps, proof, promised, caught, why] = [track(true), proofLink(), promises(countdown), culprits(), fault()];
    const [state, proven, groups, who] = [facts(), facts(), element('div', { class: 'groups' }), legend(marks)];
    const gridHead = element('h3', {}, 'Answers by round and subtree');
    const proofHead = element('h3', {}, 'Proof');
    this.#parts = { rung, steps, proof, promised, caught, why, state, proven, groups, who, gridHead, proofHead, marks };
    const head = element('div', { class: 'head' }, rung.node, proof.node);
    this.#body.append(head, steps.node, why.node, caught.node, promised.node, state.node);
    this.#body.append(gridHead, groups, who.node, proofHead, proven.node);
    this.#dialog.querySelector('#details-close').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('click', (event) => {
      // Beside the dialog's content is its backdrop.
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener('close', () => this.#closed());
    addEventListener('hashchange', () => {
      this.#opened = wanted() !== null;
      this.#left = null;
      render();
    });
  }

  /** Closed by a key or a button: the address goes back to where it was. */
  #closed() {
    this.#shown = null;
    if (wanted() === null) return;
    if (this.#opened) {
      this.#left = wanted();
      history.back();
    } else {
      history.replaceState(null, '', location.pathname + location.search);
    }
  }

  update(view, context) {
    const id = wanted();
    if (id === null) {
      if (this.#dialog.open) this.#dialog.close();
      return;
    }
    if (id === this.#left) return;
    if (id !== this.#shown) {
      this.#shown = id;
      if (!this.#dialog.open) this.#dialog.showModal();
      this.#body.scrollTop = 0;
    }
    const named = ({ status }) => status.id === id || status.block_commitment === `0x${id}`;
    const block = view?.blocks.find(named) ?? this.#ask(id, view, context);
    show(this.#body, block !== null);
    show(this.#missing, block === null);
    setText(this.#dialog.querySelector('#details-title'), `Block ${id.slice(0, 8)}`);
    if (block) {
      this.#show(block, view, context);
    } else {
      setText(this.#missing, this.#asked.missing ?? 'Looking for the block …');
    }
  }

  /** A block that is too old for the view: only its status is known. */
  #ask(id, view, { render }) {
    if (this.#asked.id === id || !view) return this.#asked.id === id ? this.#asked.block : null;
    this.#asked = { id, block: null, missing: null };
    const done = (found) => {
      if (this.#asked.id !== id) return;
      Object.assign(this.#asked, found);
      render();
    };
    fetch(`/v1/blocks/${id}`, { cache: 'no-store' })
      .then(async (response) => {
        const body = await response.json();
        if (response.ok) return done({ block: { status: body, groups: [], workers: [], promises: [] } });
        return done({ missing: `[${body.code}] ${body.message}` });
      })
      .catch(() => done({ id: null, missing: 'The coordinator does not answer.' }));
    return null;
  }

  #show(block, view, { now, linkTo }) {
    const { status } = block;
    const parts = this.#parts;
    const { word, tone } = standing(status);
    parts.rung.update(tone, word);
    parts.proof.update(status);
    parts.steps.update(status);
    parts.why.update(status.ladder.reason ?? status.error);
    parts.caught.update(status);
    parts.promised.update(block, { view, now });
    parts.state.update(statusRows(block, { linkTo }));
    show(parts.gridHead, block.groups.length > 0);
    const items = block.groups.map((group) => ({ block, group }));
    follow(parts.groups, items, ({ group }) => `${status.id} ${group.group}`, () => groupPart(parts.marks, () => items.length < 2));
    parts.who.update(block);
    show(parts.proofHead, status.proof !== undefined);
    setText(parts.proofHead, status.proof ? `Proof of ${plural(status.proof.transfers, 'transfer')}` : '');
    parts.proven.update(proofRows(status));
  }
}
