// Building and changing elements: only text and attributes, never markup.

/** An element with attributes and children; strings become text. */
export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

/** The same for drawings. */
export function drawing(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Changes a node's text, if it is another one: what is selected or read aloud is not disturbed for nothing. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets an attribute, or takes it away with null. */
export function setAttribute(node, name, value) {
  if (value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

/** Shows a node or hides it. */
export function show(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

const lists = new WeakMap();

/**
 * Makes a parent's children follow a list. `create` makes `{ node, update }` for an item that is new; `update(item)` changes it.
 * Nodes of items that stay are kept, so that focus, selection and tooltips stay too.
 */
export function follow(parent, items, keyOf, create) {
  const before = lists.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const key = keyOf(item);
    after.set(key, before.get(key) ?? create(item));
  }
  for (const [key, { node }] of before) {
    if (!after.has(key)) node.remove();
  }
  const focused = document.activeElement;
  let place = parent.firstElementChild;
  for (const { node } of after.values()) {
    if (node === place) {
      place = place.nextElementSibling;
    } else {
      parent.insertBefore(node, place);
    }
  }
  // An element that is moved loses the focus.
  if (focused && focused !== document.activeElement && parent.contains(focused)) focused.focus();
  for (const item of items) after.get(keyOf(item)).update(item);
  lists.set(parent, after);
}

/** A list of names and values; what a value is missing for is left out. */
export function facts() {
  const node = element('dl', { class: 'facts' });
  const create = ({ name }) => {
    const value = element('dd');
    const row = element('div', {}, element('dt', {}, name), value);
    return {
      node: row,
      update: ({ text, code, wide, title, link }) => {
        setAttribute(row, 'class', code || wide ? 'wide' : null);
        if (code) {
          if (!value.firstElementChild) value.append(codeText());
          updateCode(value.firstElementChild, text, link);
        } else {
          setText(value, text);
        }
        setAttribute(value, 'title', title ?? null);
      },
    };
  };
  const update = (rows) => follow(node, rows.filter((row) => row.text), (row) => row.name, create);
  return { node, update };
}

/** A digest or a hash: all of it, selected by one click, with a button that copies it. */
function codeText() {
  const code = element('code', { class: 'digest' });
  const node = element('span', { class: 'copyable' }, code);
  if (navigator.clipboard) {
    const button = element('button', { type: 'button', class: 'quiet' }, 'Copy');
    button.addEventListener('click', async () => {
      try {
        await navigator.clipboard.writeText(code.textContent);
        setText(button, 'Copied');
      } catch {
        setText(button, 'Select it');
      }
      setTimeout(() => setText(button, 'Copy'), 1500);
    });
    node.append(button);
  }
  return node;
}

function updateCode(node, text, link) {
  const code = node.firstElementChild;
  if (code.textContent === text) return;
  code.replaceChildren(link ? element('a', { href: link, rel: 'noreferrer noopener', target: '_blank' }, text) : text);
}
