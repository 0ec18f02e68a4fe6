// Imported before a program, writes the files that it loads to $LOADED, a line each: modules as they come, CommonJS at the end.
import { appendFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import process from 'node:process';

const { LOADED } = process.env;
const hook = `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(${JSON.stringify(LOADED)}, url + '\\n');
  return next(url, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
const { cache } = createRequire(import.meta.url);
process.on('exit', () => appendFileSync(LOADED, Object.keys(cache).join('\n')));
