// Editors of values that hold others: an object's members, a list's entries, and what may be left out as a whole.

import { absent, below, labelText, newId, notes } from './editor.js';
import { make, setText } from './dom.js';
import { isObject } from './schema.js';
import { withArticle } from './words.js';

/** @typedef {import('./editor.js').Editor} Editor */
/** @typedef {import('./editor.js').Fault} Fault */
/** @typedef {import('./editor.js').MakeEditor} MakeEditor */
/** @typedef {import('./schema.js').Field} Field */

const CONTROLS = 'input, select, textarea, button';
/** More entries than these are not made by hand. */
const ENTRIES_MAX = 20;
/** So many single values have room beside each other. */
const BESIDE_MAX = 2;

/** An object's members, one below the other. @implements {Editor} */
export class ObjectEditor {
  element;
  #fault;
  /** @type {Map<string, Editor>} */
  #members;
  /** Members that the schema does not name: they stay as they are. */
  #others;

  /**
   * @param {import('./schema.js').ObjectField} field
   * @param {unknown} value
   * @param {MakeEditor} makeEditor
   * @param {{ isNamed?: boolean }} [options] whether it needs a name of its own
   */
  constructor(field, value, makeEditor, { isNamed = true } = {}) {
    const known = isObject(value) ? value : {};
    const names = new Set(field.members.map(([name]) => name));
    this.#others = Object.fromEntries(Object.entries(known).filter(([name]) => !names.has(name)));
    this.#members = new Map(field.members.map(([name, member]) => [name, makeEditor(member, known[name])]));
    const { hint, fault, describedBy } = notes(field);
    this.#fault = fault;
    const elements = [...this.#members.values()].map(({ element }) => element);
    this.element = isNamed
      ? make('fieldset', { className: 'group', 'aria-describedby': describedBy },
        make('legend', {}, labelText(field)), hint, make('div', { className: 'members' }, ...elements), fault)
      : make('div', {}, make('div', { className: 'members' }, ...elements), fault);
  }

  /** @param {string} pointer @param {Fault[]} faults */
  read(pointer, faults) {
    const entries = [...this.#members].map(([name, editor]) => [name, editor.read(below(pointer, name), faults)]);
    return { ...Object.fromEntries(entries.filter(([, value]) => value !== undefined)), ...this.#others };
  }

  /** @param {string[]} segments */
  find(segments) {
    const [name = '', ...rest] = segments;
    return this.#members.get(name)?.find(rest) ?? { place: placeOf(this.element, this.#fault), rest: segments };
  }
}

/** A list's entries, to which one adds and from which one takes. @implements {Editor} */
export class ListEditor {
  element;
  #field;
  #makeEditor;
  #one;
  /** @type {Entry[]} */
  #entries = [];
  #list = make('ul', { className: 'entries' });
  #add;
  #fault;

  /** @param {import('./schema.js').ListField} field @param {unknown} value @param {MakeEditor} makeEditor */
  constructor(field, value, makeEditor) {
    this.#field = field;
    this.#makeEditor = makeEditor;
    this.#one = field.entry.label;
    const { hint, fault, describedBy } = notes(field);
    this.#fault = fault;
    this.#add = make('button', { type: 'button', className: 'quiet', 'aria-describedby': fault.id, onclick: () => this.#addOne() },
      `Add ${withArticle(this.#one.toLowerCase())}`);
    this.element = make('fieldset', { className: 'list', 'aria-describedby': describedBy },
      make('legend', {}, labelText(field)), this.#list, this.#add, hint, fault);
    const first = Array.from({ length: field.isOptional || field.isNullable ? 0 : Math.min(field.entriesMin, ENTRIES_MAX) });
    for (const entry of Array.isArray(value) ? value : first) this.#insert(entry);
    this.#number();
  }

  /** @param {string} pointer @param {Fault[]} faults */
  read(pointer, faults) {
    const { isOptional, isNullable } = this.#field;
    if (this.#entries.length === 0 && (isOptional || isNullable)) return absent(this.#field);
    return this.#entries.map(({ editor }, index) => editor.read(below(pointer, index), faults));
  }

  /** @param {string[]} segments */
  find(segments) {
    const [index = '', ...rest] = segments;
    return this.#entries[Number(index || NaN)]?.editor.find(rest) ?? { place: { control: this.#add, fault: this.#fault, isGroup: true }, rest: segments };
  }

  #addOne() {
    const { element } = this.#insert(undefined);
    this.#number();
    firstControl(element).focus();
  }

  /** @param {unknown} value */
  #insert(value) {
    const entry = new Entry(this.#field.entry, value, this.#makeEditor, () => this.#remove(entry));
    this.#entries.push(entry);
    this.#list.append(entry.element);
    return entry;
  }

  /** @param {Entry} entry */
  #remove(entry) {
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    entry.element.remove();
    this.#number();
    this.#add.focus();
  }

  #number() {
    for (const [index, entry] of this.#entries.entries()) entry.name(`${this.#one} ${index + 1}`);
    this.#add.disabled = this.#entries.length >= Math.min(this.#field.entriesMax, ENTRIES_MAX);
  }
}

/** One entry of a list. */
class Entry {
  element;
  editor;
  #group;
  #remove;

  /** @param {Field} field @param {unknown} value @param {MakeEditor} makeEditor @param {() => void} onRemove */
  constructor(field, value, makeEditor, onRemove) {
    this.editor = field.kind === 'object' ? new ObjectEditor(field, value ?? field.fallback, makeEditor, { isNamed: false }) : makeEditor(field, value);
    this.#remove = make('button', { type: 'button', className: 'quiet', onclick: onRemove }, '×');
    const { place } = this.editor.find([]);
    this.#group = make('div', { role: 'group', 'aria-describedby': place.isGroup ? place.fault.id : undefined }, this.editor.element, this.#remove);
    this.element = make('li', { className: isFlat(field) ? 'flat' : 'deep' }, this.#group);
  }

  /** @param {string} name */
  name(name) {
    this.#group.ariaLabel = name;
    this.#remove.ariaLabel = `Remove ${name.toLowerCase()}`;
  }
}

/** A group that may be left out as a whole. @implements {Editor} */
export class OptionalEditor {
  element = make('div', { className: 'optional' });
  #field;
  #makeEditor;
  /** @type {Editor | undefined} */
  #editor;
  #switch;
  #fault = make('p', { id: newId(), className: 'fault' });

  /** @param {Field} field @param {unknown} value @param {MakeEditor} makeEditor of what is not left out */
  constructor(field, value, makeEditor) {
    this.#field = field;
    this.#makeEditor = makeEditor;
    this.#switch = make('button', { type: 'button', className: 'quiet', 'aria-describedby': this.#fault.id, onclick: () => this.#turn() });
    this.#show(value ?? undefined);
  }

  /** @param {string} pointer @param {Fault[]} faults */
  read(pointer, faults) {
    return this.#editor ? this.#editor.read(pointer, faults) : absent(this.#field);
  }

  /** @param {string[]} segments */
  find(segments) {
    return this.#editor?.find(segments) ?? { place: { control: this.#switch, fault: this.#fault, isGroup: true }, rest: segments };
  }

  #turn() {
    this.#show(this.#editor ? undefined : {});
    (this.#editor ? firstControl(this.element) : this.#switch).focus();
  }

  /** @param {unknown} value */
  #show(value) {
    const { label } = this.#field;
    this.#editor = value === undefined ? undefined : this.#makeEditor(this.#field, value);
    setText(this.#switch, `${this.#editor ? 'Leave out' : 'Add'} ${label.toLowerCase()}`);
    this.element.replaceChildren(...(this.#editor ? [this.#editor.element] : []), this.#switch, this.#fault);
  }
}

/** Whether an entry has room on one line. @param {Field} field */
function isFlat(field) {
  if (field.kind !== 'object') return isSingle(field);
  return field.members.length <= BESIDE_MAX && field.members.every(([, member]) => isSingle(member));
}

/** @param {Field} field */
function isSingle({ kind }) {
  return kind === 'text' || kind === 'number' || kind === 'choice';
}

/** @param {HTMLElement} element @param {HTMLElement} fault @returns {import('./editor.js').Place} */
function placeOf(element, fault) {
  return { control: firstControl(element), fault, isGroup: true };
}

/** @param {HTMLElement} element @returns {HTMLElement} */
function firstControl(element) {
  return /** @type {HTMLElement} */ (element.querySelector(CONTROLS));
}
