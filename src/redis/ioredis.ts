import { createRequire } from 'node:module';

/** Asked for as what it is, CommonJS: imported, Node would parse all of it for the names that it exports, a third of the time. */
export const ioredis = createRequire(import.meta.url)('ioredis') as typeof import('ioredis');
