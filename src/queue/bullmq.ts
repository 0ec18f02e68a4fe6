import { createRequire } from 'node:module';

/** Asked for as what it is, CommonJS: imported, Node would parse all of it for the names that it exports, a third of the time it takes. */
export const { DelayedError, FlowProducer, Job, Queue, Worker } = createRequire(import.meta.url)(
  'bullmq',
) as typeof import('bullmq');
