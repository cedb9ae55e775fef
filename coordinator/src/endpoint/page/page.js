// The live page: takes the farm's views as they come and shows them; docs/live-page.md.

import { blocks } from './blocks.js';
import { changes, spoken } from './changes.js';
import { Details } from './details.js';
import { show } from './dom.js';
import { Countdown, Marks, transactionLink } from './farm.js';
import { connection, farmLine, recent, tiles, title, warnings } from './overview.js';
import { Stream } from './stream.js';
import { workers } from './workers.js';

const find = (selector) => document.querySelector(selector);
const tools = { marks: new Marks(), countdown: new Countdown() };
const showConnection = connection(find('header'));
const showRecent = recent(find('#recent'));
const parts = [
  farmLine(find('#farm')),
  warnings(find('#insecure'), find('#draining')),
  tiles(find('#tiles')),
  // Before the blocks: workers get their letters in the order of their names.
  workers(find('#workers'), tools),
  blocks(find('#blocks'), tools),
];

let view = null;
let offset = 0;
let link = { state: 'connecting', reason: '', heardMs: null };
let scheduled = false;

/** The coordinator's clock. */
const theirNow = () => Date.now() + offset;

const details = new Details(tools, () => schedule());
showRecent([], 0);

function render() {
  scheduled = false;
  showConnection({ ...link, now: Date.now() });
  if (view) {
    const now = theirNow();
    parts.forEach((part) => part(view, now));
    document.title = title(view);
    show(find('main'), true);
  }
  const linkTo = (hash) => transactionLink(view?.explorer_url, hash ?? '');
  details.update(view, { now: theirNow(), linkTo, render: schedule });
}

/** Several changes at once are shown once; not by animation frames, which a hidden tab does not have. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  setTimeout(render, 0);
}

function take(next, clocks) {
  offset = clocks;
  if (view) {
    const found = changes(view, next);
    if (found.length > 0) {
      showRecent(found, theirNow());
      find('#spoken').textContent = spoken(found);
    }
  }
  view = next;
  link.heardMs = Date.now();
  schedule();
}

function hear(state, reason) {
  if (state === 'lost' && link.state !== 'lost') find('#spoken').textContent = 'The connection to the coordinator is lost';
  if (state === 'live' && link.state === 'lost') find('#spoken').textContent = 'Connected again';
  link = { ...link, state, reason };
  schedule();
}

new Stream(take, hear).start();
setInterval(schedule, 1_000);
schedule();
