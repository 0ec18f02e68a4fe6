import type { Campaign } from './domain/campaign.js';
import { type DkimIdentity, recordName } from './domain/dkim.js';
import { type DkimKey, DkimSigner } from './message/dkim-signer.js';

type Signed = Pick<Campaign, 'options'>;

/**
 * The DKIM keys of one process. A campaign says which keys sign it, and only this process's own settings hold keys: one
 * that lacks any of a campaign's keys sends nothing of it, since it would go out with fewer signatures than was asked for.
 */
export function createSigners(keys: readonly DkimKey[]) {
  let trouble: string | null = null;
  const find = (wanted: DkimIdentity) => keys.find(({ identity }) => isSame(identity, wanted));

  /** Why this process can't sign a campaign; null where it can. */
  function lacks({ options }: Signed): string | null {
    const missing = options.dkim?.find((wanted) => !find(wanted));
    if (!missing) return null;
    const another = keys.some(({ identity }) => recordName(identity) === recordName(missing));
    const what = another ? 'another DKIM key here than the campaign’s' : 'no DKIM key here';
    trouble = `${what} for ${recordName(missing)}: start this worker with the campaign's FANMAIL_DKIM`;
    return trouble;
  }

  return {
    lacks,
    /** Null where the campaign is not to be signed. */
    of(campaign: Signed): DkimSigner | null {
      const why = lacks(campaign);
      if (why !== null) throw new Error(why);
      const own = (campaign.options.dkim ?? []).flatMap((wanted) => find(wanted) ?? []);
      return own.length > 0 ? new DkimSigner(own) : null;
    },
    trouble: () => trouble,
  };
}

function isSame(own: DkimIdentity, wanted: DkimIdentity): boolean {
  return recordName(own) === recordName(wanted) && own.algorithm === wanted.algorithm && own.key === wanted.key;
}
