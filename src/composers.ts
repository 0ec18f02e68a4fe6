import type { createSigners } from './dkim.js';
import type { EncodedContents } from './domain/attached-file.js';
import type { Campaign } from './domain/campaign.js';
import { tokensOf } from './domain/unsubscribe.js';
import { createComposer } from './message/composer.js';
import type { DkimSigner } from './message/dkim-signer.js';
import { compileTemplate } from './message/template.js';
import { testUnsubscribing } from './message/unsubscribe.js';
import type { TemplateText } from './pipeline/ports.js';
import type { Composer } from './pipeline/relay-ports.js';

const COMPOSERS_KEPT = 20;
/** Bytes of what their messages carry, at most. */
const CONTENTS_KEPT = 64 * 1024 * 1024;

/** Compiling a template and encoding what is the same for everyone is worth doing once per campaign. */
export function createComposers(signers: ReturnType<typeof createSigners>) {
  const kept = new Map<string, { readonly composer: Composer; readonly bytes: number }>();
  let bytes = 0;

  function keep(key: string, composer: Composer, contents: EncodedContents): void {
    const own = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
    for (const [oldest, { bytes: its }] of kept) {
      if (kept.size < COMPOSERS_KEPT && bytes + own <= CONTENTS_KEPT) break;
      kept.delete(oldest);
      bytes -= its;
    }
    kept.set(key, { composer, bytes: own });
    bytes += own;
  }

  return {
    of: async (
      campaign: Campaign,
      template: TemplateText,
      linkSecret: string | null,
      read: () => Promise<EncodedContents | null>,
    ): Promise<Composer | null> => {
      const key = `${campaign.id} ${campaign.nonce} ${linkSecret}`;
      const known = kept.get(key);
      if (known) return known.composer;
      const contents = await read();
      if (!contents) return null;
      // Another chunk may have made it meanwhile.
      const composer =
        kept.get(key)?.composer ??
        composerOf(campaign, template, { linkSecret, signer: signers.of(campaign), contents });
      if (!kept.has(key)) keep(key, composer, contents);
      return composer;
    },
  };
}

/** What a composer needs beside the campaign and its template. */
export interface ComposerParts {
  readonly contents: EncodedContents;
  /** Null: links to unsubscribe by are those of a test. */
  readonly linkSecret: string | null;
  readonly signer: DkimSigner | null;
}

export function composerOf(
  campaign: Pick<Campaign, 'id' | 'salt' | 'options'>,
  template: TemplateText,
  { linkSecret, signer, contents }: ComposerParts,
): Composer {
  const { id: campaignId, salt, options } = campaign;
  const { from, replyTo, topic } = options;
  const tests = testUnsubscribing(options.unsubscribe);
  const unsubscribing = tests && linkSecret ? { ...tests, tokenOf: tokensOf(linkSecret, topic) } : tests;
  return createComposer({
    ...{ template: compileTemplate(template), files: template.files, contents, filesEach: template.filesEach },
    ...{ from, replyTo, campaignId, salt, signer, unsubscribing },
  });
}
