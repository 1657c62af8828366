// Puts the documents' types beside the declarations that the compiler made, which does not copy them.
import { copyFile } from 'node:fs/promises';

const here = (/** @type {string} */ path) => new URL(`../${path}`, import.meta.url);
await copyFile(here('src/types.d.ts'), here('types/types.d.ts'));
