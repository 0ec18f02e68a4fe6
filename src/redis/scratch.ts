import type { Redis } from 'ioredis';
import type { Scratch, TemplateText } from '../pipeline/ports.js';
import { unpackRecipients } from './chunk-codec.js';
import { chunkKeys, stagingKeys } from './keys.js';

/** Recipients, templates and what messages carry, as staging left them. */
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
    async contents(campaign, nonce, files) {
      const contents = new Map<string, Buffer>();
      for (const { digest } of files) {
        const content = await redis.hgetBuffer(stagingKeys(campaign, nonce).contents, digest);
        if (!content) return null;
        contents.set(digest, content);
      }
      return contents;
    },
    async hasContents(campaign, nonce, files) {
      if (files.length === 0) return true;
      const digests = new Set(files.map(({ digest }) => digest));
      return (await redis.hlen(stagingKeys(campaign, nonce).contents)) >= digests.size;
    },
  };
}
