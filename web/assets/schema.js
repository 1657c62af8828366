// What a JSON Schema asks for, as fields of a form. What fields cannot show is left to JSON: a choice
// between shapes, an object of any members, and a type within itself.

import { capitalised, labelOf, oneOf } from './words.js';

/** @typedef {Record<string, any> | boolean} Schema */

/**
 * @typedef {object} Common what all fields have
 * @property {string} label
 * @property {string} hint what the schema says about it
 * @property {boolean} isOptional whether it may be left out
 * @property {boolean} isNullable
 * @property {unknown} fallback what it is if it is left out, or what it begins with
 *
 * @typedef {Common & { kind: 'text', type: 'text' | 'email' | 'url' | 'date' }} TextField
 * @typedef {Common & { kind: 'number', isWhole: boolean, min: number | undefined, max: number | undefined }} NumberField
 * @typedef {Common & { kind: 'flag' }} FlagField
 * @typedef {Common & { kind: 'choice', options: { value: unknown, label: string }[] }} ChoiceField
 * @typedef {Common & { kind: 'object', members: [string, Field][] }} ObjectField
 * @typedef {Common & { kind: 'list', entry: Field, entriesMin: number, entriesMax: number }} ListField
 * @typedef {Common & { kind: 'json' }} JsonField
 * @typedef {TextField | NumberField | FlagField | ChoiceField | ObjectField | ListField | JsonField} Field
 */

/** The inputs that browsers have for a format. @type {Record<string, TextField['type'] | undefined>} */
const TEXT_TYPES = { email: 'email', uri: 'url', date: 'date' };
/** Words of JSON Schema that no field obeys. */
const COMPOSED = ['oneOf', 'anyOf', 'allOf', 'not', 'if', 'prefixItems'];

/**
 * The field of what is submitted.
 *
 * @param {Schema} schema
 * @param {Record<string, Schema>} definitions
 * @param {string} name
 * @param {unknown} [example] whose order its members have, as that of a schema may be alphabetical
 */
export function fieldOf(schema, definitions, name, example) {
  return new Reader(definitions).field(schema, { name: labelOf(name), isOptional: false, above: [], example });
}

/**
 * Whether a field can show a value, and give it back.
 *
 * @param {Field} field
 * @param {unknown} value
 * @returns {boolean}
 */
export function fits(field, value) {
  if (value === undefined || field.kind === 'json') return true;
  if (value === null) return field.isNullable;
  switch (field.kind) {
    case 'text':
      // An input for a date shows nothing else.
      return typeof value === 'string' && (field.type === 'date' ? /^\d{4}-\d\d-\d\d$/ : /^[^\r\n]*$/).test(value);
    case 'number':
      return typeof value === 'number';
    case 'flag':
      return typeof value === 'boolean';
    case 'choice':
      return field.options.some((option) => option.value === value);
    case 'object':
      return isObject(value) && field.members.every(([name, member]) => fits(member, value[name]));
    case 'list':
      return Array.isArray(value) && value.every((entry) => fits(field.entry, entry));
  }
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @typedef {object} Site where a schema stands
 * @property {string} name its label, if the schema has no title
 * @property {boolean} isOptional
 * @property {string[]} above the references that led here
 * @property {unknown} [example] of what stands there
 */

/** Reads schemas that share definitions. */
class Reader {
  #definitions;

  /** @param {Record<string, Schema>} definitions */
  constructor(definitions) {
    this.#definitions = definitions;
  }

  /** @param {Schema} schema @param {Site} site @returns {Field} */
  field(schema, { name, isOptional, above, example }) {
    // The title of a type that is referred to would name all of its members alike.
    const label = isObject(schema) && schema['title'] ? String(schema['title']) : name;
    const { isNullable, shape, seen } = this.#resolve(schema, above);
    const common = { label, hint: String(shape?.['description'] ?? ''), isOptional, isNullable, fallback: shape?.['default'] };
    return (shape && this.#fieldOfShape(shape, common, { above: seen, example })) ?? { ...common, kind: 'json' };
  }

  /**
   * Follows references, and takes `null` out of what may be something or `null`.
   *
   * @param {Schema} schema
   * @param {string[]} seen
   * @returns {{ shape?: Record<string, any>, isNullable: boolean, seen: string[] }} no shape if no field can show it
   */
  #resolve(schema, seen) {
    if (!isObject(schema)) return { shape: {}, isNullable: false, seen };
    const { $ref, allOf, anyOf, oneOf, ...rest } = /** @type {Record<string, any>} */ (schema);
    const choices = anyOf ?? oneOf;
    const others = choices?.filter((/** @type {any} */ choice) => choice?.type !== 'null');
    /** @type {Schema | undefined} */
    let inner;
    // More at once than one can follow.
    if ([$ref, allOf, anyOf, oneOf].filter(Boolean).length > 1) return { isNullable: false, seen };
    if ($ref) {
      if (seen.includes($ref)) return { isNullable: false, seen };
      inner = this.#definitions[$ref.split('/').pop()] ?? {};
      seen = [...seen, $ref];
    } else if (allOf?.length === 1) {
      inner = allOf[0];
    } else if (others?.length === 1) {
      inner = others[0];
    }
    if (inner === undefined) return { shape: schema, isNullable: false, seen };
    const resolved = this.#resolve(inner, seen);
    if (!resolved.shape) return resolved;
    return { ...resolved, shape: joined(resolved.shape, rest), isNullable: resolved.isNullable || others?.length < choices?.length };
  }

  /**
   * @param {Record<string, any>} shape
   * @param {Common} common
   * @param {Pick<Site, 'above' | 'example'>} site
   * @returns {Field | undefined}
   */
  #fieldOfShape(shape, common, site) {
    const options = optionsOf(shape);
    if (options?.every(({ value }) => Object(value) !== value)) return choice(common, options);
    if (COMPOSED.some((word) => word in shape)) return undefined;
    const types = [shape['type'] ?? (shape['properties'] ? 'object' : undefined)].flat();
    const [type, ...more] = types.filter((type) => type !== 'null');
    if (more.length > 0) return undefined;
    common.isNullable ||= types.includes('null');
    switch (type) {
      case 'string':
        return { ...common, kind: 'text', type: TEXT_TYPES[shape['format']] ?? 'text' };
      case 'integer':
      case 'number':
        return { ...common, kind: 'number', isWhole: type === 'integer', min: shape['minimum'], max: shape['maximum'] };
      case 'boolean':
        // A box is ticked or not; that it is neither can only be chosen.
        if (common.isNullable || (common.isOptional && common.fallback === undefined)) return choice(common, [{ value: true, label: 'yes' }, { value: false, label: 'no' }]);
        return { ...common, kind: 'flag' };
      case 'object':
        return this.#object(shape, common, site);
      case 'array':
        return this.#list(shape, common, site);
    }
    return undefined;
  }

  /** @param {Record<string, any>} shape @param {Common} common @param {Pick<Site, 'above' | 'example'>} site @returns {ObjectField | undefined} */
  #object({ properties = {}, required = [] }, common, { above, example }) {
    const known = isObject(example) ? example : {};
    const names = new Set([...Object.keys(known).filter((name) => Object.hasOwn(properties, name)), ...Object.keys(properties)]);
    /** @type {[string, Field][]} */
    const members = [...names].map((name) =>
      [name, this.field(properties[name], { name: labelOf(name), isOptional: !required.includes(name), above, example: known[name] })]);
    return members.length > 0 ? { ...common, kind: 'object', members } : undefined;
  }

  /** @param {Record<string, any>} shape @param {Common} common @param {Pick<Site, 'above' | 'example'>} site @returns {ListField | undefined} */
  #list({ items = true, minItems = 0, maxItems = Infinity }, common, { above, example }) {
    const first = Array.isArray(example) ? example[0] : undefined;
    const entry = this.field(items, { name: capitalised(oneOf(common.label)), isOptional: false, above, example: first });
    // Many small pieces of JSON are harder to write than one.
    return entry.kind === 'json' ? undefined : { ...common, kind: 'list', entry, entriesMin: minItems, entriesMax: maxItems };
  }
}

/**
 * What two schemas ask for together; what the nearer one says of it counts.
 *
 * @param {Record<string, any>} far
 * @param {Record<string, any>} near
 */
function joined(far, near) {
  const members = { ...far['properties'], ...near['properties'] };
  const required = [...(far['required'] ?? []), ...(near['required'] ?? [])];
  return { ...far, ...near, ...(Object.keys(members).length > 0 && { properties: members, required }) };
}

/** @param {Common} common @param {ChoiceField['options']} options @returns {ChoiceField} */
function choice(common, options) {
  const values = options.filter(({ value }) => value !== null);
  return { ...common, kind: 'choice', options: values, isNullable: common.isNullable || values.length < options.length };
}

/**
 * The values that are listed, if the schema lists them: an `enum`, a `const`, or alternatives that are these.
 *
 * @param {any} schema
 * @returns {ChoiceField['options'] | undefined}
 */
function optionsOf(schema) {
  if (Array.isArray(schema?.enum)) return schema.enum.map((/** @type {unknown} */ value) => ({ value, label: String(value) }));
  if (schema?.const !== undefined) return [{ value: schema.const, label: schema.title ?? String(schema.const) }];
  if (schema?.type === 'null') return [{ value: null, label: '' }];
  const alternatives = schema?.oneOf ?? schema?.anyOf;
  const options = alternatives?.map(optionsOf);
  return options?.every(Boolean) ? options.flat() : undefined;
}
