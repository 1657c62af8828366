// How the page calls things: what is submitted here, by the collection's name, and members of it, by theirs.

/** @typedef {{ one: string, some: string, a: string }} Words `report`, `reports`, `a report` */

/** @param {{ path: string, name: string }} collection @returns {Words} */
export function wordsOf({ path, name }) {
  const one = spaced(name);
  return { one, some: spaced(path), a: withArticle(one) };
}

/** As it sounds in most words: an upload, a user, a unit. @param {string} word */
export function withArticle(word) {
  return `${/^([aeio]|u(?!s[aei]|ni|ti))/.test(word) ? 'an' : 'a'} ${word}`;
}

/** A text with its `{one}`, `{some}` and `{a}` filled in; `{One}` begins with a capital. @param {string} text @param {Words} words */
export function fill(text, words) {
  return text.replace(/\{(one|some|a)\}/gi, (_, /** @type {string} */ key) => {
    const word = words[/** @type {keyof Words} */ (key.toLowerCase())];
    return key === key.toLowerCase() ? word : capitalised(word);
  });
}

/** The label of a member: `Due date` for `dueDate`, `due_date` and `due-date`. @param {string} name */
export function labelOf(name) {
  return capitalised(spaced(name));
}

/** What one of those is called that a label speaks of: `item` of `Items`. @param {string} label */
export function oneOf(label) {
  const some = label.toLowerCase();
  if (/[^aeiou]ies$/.test(some)) return some.replace(/ies$/, 'y');
  if (/(ss|x|ch|sh)es$/.test(some)) return some.slice(0, -2);
  return /[^sui]s$/.test(some) ? some.slice(0, -1) : 'entry';
}

/** @param {string} text */
export function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** @param {string} name */
function spaced(name) {
  return name.replace(/([a-z\d])([A-Z])/g, '$1 $2').replace(/[-_\s]+/g, ' ').trim().toLowerCase();
}
