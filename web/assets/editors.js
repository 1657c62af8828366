// Which editor a field has.

import { ListEditor, ObjectEditor, OptionalEditor } from './group-editors.js';
import { ChoiceEditor, FlagEditor, NumberEditor, TextEditor } from './input-editors.js';
import { JsonEditor } from './json-editor.js';

/** @typedef {import('./schema.js').Field} Field */

/**
 * The editor of what is submitted: its members need no name around them.
 *
 * @param {Field} field
 * @param {unknown} value
 * @returns {import('./editor.js').Editor}
 */
export function wholeEditor(field, value) {
  return field.kind === 'object' ? new ObjectEditor(field, value ?? field.fallback, memberEditor, { isNamed: false }) : memberEditor(field, value);
}

/** @param {Field} field @param {unknown} value @returns {import('./editor.js').Editor} */
function memberEditor(field, value = field.fallback) {
  if (field.kind === 'object' && (field.isOptional || field.isNullable)) return new OptionalEditor(field, value, presentEditor);
  return presentEditor(field, value);
}

/** @param {Field} field @param {unknown} value @returns {import('./editor.js').Editor} */
function presentEditor(field, value) {
  switch (field.kind) {
    case 'text':
      return new TextEditor(field, value);
    case 'number':
      return new NumberEditor(field, value);
    case 'flag':
      return new FlagEditor(field, value);
    case 'choice':
      return new ChoiceEditor(field, value);
    case 'object':
      return new ObjectEditor(field, value, memberEditor);
    case 'list':
      return new ListEditor(field, value, memberEditor);
    case 'json':
      return new JsonEditor(field, value);
  }
}
