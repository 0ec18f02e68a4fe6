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
      return packed ? unpackRecipients(packed) : null;
    },
    async template(campaign, nonce, digest) {
      const text = await redis.get(stagingKeys(campaign, nonce).template(digest));
      return text ? (JSON.parse(text) as TemplateText) : null;
    },
    async contents(campaign, nonce, files) {
      const digests = [...new Set(files.map(({ digest }) => digest))];
      const key = stagingKeys(campaign, nonce).contents;
      const found = await Promise.all(digests.map((digest) => redis.hgetBuffer(key, digest)));
      const contents = new Map<string, Buffer>();
      for (const [n, content] of found.entries()) {
        if (!content) return null;
        contents.set(digests[n] ?? '', content);
      }
      return contents;
    },
    async hasContents(campaign, nonce, { files = [], filesEach = 0 }) {
      const digests = new Set(files.map(({ digest }) => digest));
      const least = Math.max(digests.size, Math.min(filesEach, 1));
      return least === 0 || (await redis.hlen(stagingKeys(campaign, nonce).contents)) >= least;
    },
  };
}
