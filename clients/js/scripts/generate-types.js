// Makes src/types.d.ts from openapi.json, the document of the service; with `--check`, fails if it is not what
// would be made; with `--from URL`, takes openapi.json from a service first.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

// By `require`, which also finds a package that is installed outside of the source tree.
const { default: generate, astToString } = createRequire(import.meta.url)('openapi-typescript');

const contract = new URL('../openapi.json', import.meta.url);
const types = new URL('../src/types.d.ts', import.meta.url);

const from = process.argv.indexOf('--from');
if (from > 0) {
  const answer = await fetch(process.argv[from + 1]);
  if (!answer.ok) throw new Error(`expected the document, found status ${answer.status}`);
  await writeFile(contract, await answer.text());
}

const { openapi, info, components } = JSON.parse(await readFile(contract, 'utf8'));
// The documents alone: the client has methods for the paths.
const documents = { openapi, info, paths: {}, components: { schemas: components.schemas } };
// Where orders may be any object, their type is one that any object has.
const options = { rootTypes: true, rootTypesNoSchemaPrefix: true, emptyObjectsUnknown: true, silent: true };
const source = await generate(documents, options);
const made = `// Made from the OpenAPI document by \`npm run types\`. Do not edit.\n\n${astToString(source)}`;

if (!process.argv.includes('--check')) {
  await writeFile(types, made);
} else if (made !== (await readFile(types, 'utf8'))) {
  console.error('clients/js/src/types.d.ts is not what the OpenAPI document gives; run `npm run types` in clients/js');
  process.exitCode = 1;
}
