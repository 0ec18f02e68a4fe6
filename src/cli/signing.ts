import type { Secret } from '../config/secret.js';
import type { CampaignOptions } from '../domain/campaign.js';
import { readDkimKeys } from '../message/dkim-keys.js';
import { type DkimKey, DkimSigner } from '../message/dkim-signer.js';

interface DkimSettings {
  readonly dkim: Secret | null;
}

/** The keys that `--dkim` names. Throws FanmailError DKIM_KEY where one can't be used. */
export function keysOf({ dkim }: DkimSettings, cwd: string): readonly DkimKey[] {
  return dkim === null ? [] : readDkimKeys(dkim.reveal(), cwd);
}

/** Null where nothing is to be signed. */
export function signerOf(settings: DkimSettings, cwd: string): DkimSigner | null {
  const keys = keysOf(settings, cwd);
  return keys.length > 0 ? new DkimSigner(keys) : null;
}

/** What a campaign's options say of its keys. */
export function dkimOf(settings: DkimSettings, cwd: string): Pick<CampaignOptions, 'dkim'> {
  const keys = keysOf(settings, cwd);
  return keys.length > 0 ? { dkim: keys.map(({ identity }) => identity) } : {};
}
