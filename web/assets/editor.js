// What all editors of the form have: how a value is read, and where its faults are shown.

import { make } from './dom.js';

/** @typedef {import('./schema.js').Field} Field */
/** @typedef {import('./client.js').InvalidRequestError['faults'][number]} Fault */

/**
 * @typedef {object} Place where a fault is shown
 * @property {HTMLElement} control what has the focus then
 * @property {HTMLElement} fault the text beside it
 * @property {boolean} isGroup whether the control is only the first of what the fault is about
 *
 * @typedef {object} Found
 * @property {Place} place
 * @property {string[]} rest what the place has no field for
 *
 * @typedef {object} Editor a value as the user edits it
 * @property {HTMLElement} element
 * @property {(pointer: string, faults: Fault[]) => unknown} read the value, or `undefined` if it is left out; adds
 *   what is no value at all to the faults
 * @property {(segments: string[]) => Found} find the place of what is there, or of what holds it
 *
 * @typedef {(field: Field, value: unknown) => Editor} MakeEditor
 */

let count = 0;

/** An id that no other element has. */
export function newId() {
  count += 1;
  return `field-${count}`;
}

/** What stands for nothing. @param {Field} field */
export function absent({ isNullable, isOptional }) {
  return isNullable && !isOptional ? null : undefined;
}

/**
 * What is said below a field: what it is, and what is wrong with it.
 *
 * @param {Field} field
 * @returns {{ hint: HTMLElement | undefined, fault: HTMLElement, describedBy: string }}
 */
export function notes({ hint }) {
  const [hintId, faultId] = [newId(), newId()];
  return {
    hint: hint ? make('p', { id: hintId, className: 'hint' }, hint) : undefined,
    fault: make('p', { id: faultId, className: 'fault' }),
    describedBy: hint ? `${hintId} ${faultId}` : faultId,
  };
}

/** A label as it is shown. @param {Field} field */
export function labelText({ label, isOptional, isNullable }) {
  return isOptional || isNullable ? `${label} (optional)` : label;
}

/** A JSON Pointer (RFC 6901) one member further. @param {string} pointer @param {string | number} name */
export function below(pointer, name) {
  return `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** The members that a JSON Pointer goes through. @param {string} pointer */
export function segmentsOf(pointer) {
  return pointer.split('/').slice(1).map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'));
}
