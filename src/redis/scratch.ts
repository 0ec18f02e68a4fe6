import type { Redis } from 'ioredis';
import type { Scratch, TemplateText } from '../pipeline/ports.js';
import { unpackRecipients } from './chunk-codec.js';
import { chunkKeys, stagingKeys } from './keys.js';

/** Recipients and templates as staging left them. */
export function createScratch(redis: Redis): Scratch {
  return {
    async recipients(campaign, nonce, chunk) {
      const packed = await redis.getBuffer(chunkKeys(campaign, nonce, chunk).rows);
      // What can't be unpacked is as lost as what is gone; an error of Redis is not the data's.
      return packed ? unpackRecipients(packed).catch(() => null) : null;
    },
    async template(campaign, nonce) {
      const text = await redis.get(stagingKeys(campaign, nonce).template);
      return text ? (JSON.parse(text) as TemplateText) : null;
    },
  };
}
