// Goal: each shape of a schema has its field, and what no field can show is left to JSON. Method: schemas
// as schemars makes them of Rust's types, without a browser.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fieldOf, fits } from '../assets/schema.js';
import { fill, labelOf, oneOf, wordsOf } from '../assets/words.js';

const DEFINITIONS = {
  Kind: { type: 'string', enum: ['fast', 'slow'], description: 'How fast' },
  Tree: { type: 'object', properties: { name: { type: 'string' }, children: { type: 'array', items: { $ref: '#/components/schemas/Tree' } } } },
};

/** The field of a member. */
function member(schema, required = ['it']) {
  const whole = fieldOf({ type: 'object', required, properties: { it: schema } }, DEFINITIONS, 'order');
  return whole.members[0][1];
}

test('single values have inputs', () => {
  assert.equal(member({ type: 'string' }).kind, 'text');
  assert.equal(member({ type: 'string', format: 'date' }).type, 'date');
  assert.equal(member({ type: 'string', format: 'uuid' }).type, 'text');
  assert.equal(member({ type: 'boolean' }).kind, 'flag');
  const { kind, isWhole, min, max } = member({ type: 'integer', minimum: 1, maximum: 9 });
  assert.deepEqual([kind, isWhole, min, max], ['number', true, 1, 9]);
  assert.equal(member({ type: 'number' }).isWhole, false);
});

test('listed values are chosen from', () => {
  const values = (schema) => member(schema).options.map(({ value }) => value);

  assert.deepEqual(values({ $ref: '#/components/schemas/Kind' }), ['fast', 'slow']);
  assert.deepEqual(values({ const: 1 }), [1]);
  assert.deepEqual(values({ oneOf: [{ enum: ['a', 'b'] }, { const: 'c', description: 'The last' }] }), ['a', 'b', 'c']);
  assert.deepEqual(values({ enum: ['a', null] }), ['a']);
});

test('what may be left out or null is known to be so', () => {
  for (const schema of [{ type: ['string', 'null'] }, { anyOf: [{ $ref: '#/components/schemas/Kind' }, { type: 'null' }] }, { enum: ['a', null] }]) {
    assert.equal(member(schema).isNullable, true, JSON.stringify(schema));
  }
  assert.equal(member({ type: 'string' }, []).isOptional, true);
  assert.deepEqual(member({ type: 'boolean' }, []).options.map(({ value }) => value), [true, false]);
  assert.equal(member({ type: 'boolean', default: false }, []).kind, 'flag');
});

test('what is said nearer counts', () => {
  const { label, hint, kind } = member({ $ref: '#/components/schemas/Kind', title: 'Speed', description: 'Of this one' });

  assert.deepEqual([label, hint, kind], ['Speed', 'Of this one', 'choice']);
  assert.equal(member({ allOf: [{ $ref: '#/components/schemas/Kind' }] }).hint, 'How fast');
  const { members } = member({ $ref: '#/components/schemas/Tree', required: ['tag'], properties: { tag: { const: 'tree' } } });
  assert.deepEqual(members.map(([name, { isOptional }]) => [name, isOptional]), [['name', true], ['children', true], ['tag', false]]);
});

test('what no field can show is left to JSON', () => {
  const shapes = [
    true, {}, { type: 'object' }, { type: 'object', additionalProperties: { type: 'string' } }, { type: ['string', 'integer'] },
    { type: 'array' }, { type: 'array', items: {} }, { type: 'array', prefixItems: [{ type: 'string' }] },
    { oneOf: [{ type: 'object', properties: { a: {} } }, { type: 'string' }] }, { allOf: [{ type: 'object' }, { type: 'object' }] },
    { type: 'object', properties: { a: {} }, oneOf: [{ properties: { b: {} } }, { properties: { c: {} } }] }, { const: { a: 1 } }, { $ref: '#/components/schemas/Kind', oneOf: [{ type: 'string' }, { type: 'number' }] }, { $ref: '#/components/schemas/Missing' },
  ];
  for (const shape of shapes) {
    assert.equal(member(shape).kind, 'json', JSON.stringify(shape));
  }
  const tree = member({ $ref: '#/components/schemas/Tree' });
  assert.deepEqual(tree.members.map(([name, { kind }]) => [name, kind]), [['name', 'text'], ['children', 'json']]);
  assert.equal(fieldOf({}, DEFINITIONS, 'order').kind, 'json');
});

test('members come in the order of the example', () => {
  const text = { type: 'string' };
  const properties = { a: text, b: text, c: { type: 'array', items: { type: 'object', properties: { d: text, e: text } } } };
  const whole = fieldOf({ type: 'object', properties }, {}, 'order', { c: [{ e: '', d: '' }], b: '', more: '' });

  assert.deepEqual(whole.members.map(([name]) => name), ['c', 'b', 'a']);
  assert.deepEqual(whole.members[0][1].entry.members.map(([name]) => name), ['e', 'd']);
});

test('a value that fields cannot give back does not fit', () => {
  const list = { type: 'object', properties: { it: { type: 'array', items: { type: 'string' } } } };
  const whole = fieldOf(list, {}, 'order');

  for (const value of [{}, { it: [] }, { it: ['a'] }, { it: ['a'], more: 1 }]) assert.ok(fits(whole, value), JSON.stringify(value));
  const date = (value) => fits(fieldOf({ type: 'string', format: 'date' }, {}, 'order'), value);

  assert.deepEqual([date('2026-11-22'), date('2026-11-22T09:00:00Z')], [true, false]);
  for (const value of [null, [], 'a', { it: 'a' }, { it: [1] }, { it: null }, { it: ['two\nlines'] }]) assert.ok(!fits(whole, value), JSON.stringify(value));
});

test('names are made readable', () => {
  assert.deepEqual(['dueDate', 'due_date', 'due-date', 'due'].map(labelOf), ['Due date', 'Due date', 'Due date', 'Due']);
  assert.deepEqual(['Items', 'Entries', 'Addresses', 'Status', 'Data'].map(oneOf), ['item', 'entry', 'address', 'entry', 'entry']);
  assert.equal(fill('{A} of {some}: {one}', wordsOf({ path: 'uploads', name: 'upload' })), 'An upload of uploads: upload');
  assert.deepEqual(['user', 'report', 'purchaseOrder', 'order'].map((name) => wordsOf({ path: '', name }).a), ['a user', 'a report', 'a purchase order', 'an order']);
});
