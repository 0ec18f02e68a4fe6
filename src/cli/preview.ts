import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import type { Settings } from '../config/settings.js';
import { EXIT, FanmailError } from '../domain/errors.js';
import { createComposer } from '../message/composer.js';
import { compileTemplate } from '../message/template.js';
import { testUnsubscribing } from '../message/unsubscribe.js';
import { openFile } from './open-file.js';
import { pickRecipient } from './pick-recipient.js';
import { makePlan, type Plan, withTestUrl } from './plan.js';
import type { Session } from './session.js';
import { signerOf } from './signing.js';
import { unsubscribeOf } from './unsubscribe-options.js';
import { type Previewed, previewLines } from './view/preview.js';
import { previewPage } from './view/preview-page.js';
import { withFiles } from './with-files.js';

type PreviewSettings = Settings<'preview'>;

/** `fanmail preview`: the message to one recipient, as it would go out. */
export async function preview(settings: PreviewSettings, session: Session): Promise<number> {
  if (settings.out !== null) requireKnownEnding(settings.out);
  const message = await composeOne(settings, session.cwd);
  const { terminal, cwd } = session;
  if (settings.out !== null) {
    const path = resolve(cwd, settings.out);
    await writeOut(path, message);
    terminal.say(`Written to ${path}`);
  }
  if (settings.open) await openPage(message, session);
  if (settings.out === null && !settings.open) terminal.out(previewLines(message, terminal.outStyle).join('\n'));
  return EXIT.ok;
}

async function composeOne(settings: PreviewSettings, cwd: string): Promise<Previewed> {
  const signer = signerOf(settings, cwd);
  const unsubscribing = testUnsubscribing(unsubscribeOf(settings));
  const plan = await makePlan({ ...settings, limit: null }, { id: 'preview', name: settings.list });
  const { from, replyTo } = plan.sender;
  const template = withTestUrl(compileTemplate(plan.template), settings.unsubscribeUrl);
  const { recipient, contents: own } = await withFiles(await pickRecipient(plan, settings), plan);
  const { files, filesEach } = plan.template;
  const composer = createComposer({
    ...{ template, files, filesEach, contents: plan.contents, from, replyTo },
    ...{ campaignId: 'preview', salt: '', signer, unsubscribing },
  });
  const { content, signed } = composer.compose(recipient, own);
  await signed;
  const rendered = template.render(recipient.variables);
  const html = rendered.html === null ? null : withPictures(rendered.html, plan);
  return { ...rendered, html, from, replyTo, recipient, content };
}

/** HTML that shows what the message carries, also where there is no message. */
function withPictures(html: string, { template: { files = [] }, contents }: Plan): string {
  return files.reduce((shown, { cid, type, digest }) => {
    const base64 = contents.get(digest)?.toString('latin1').replaceAll('\r\n', '') ?? '';
    return cid === null ? shown : shown.replaceAll(`cid:${cid}`, `data:${type};base64,${base64}`);
  }, html);
}

function requireKnownEnding(out: string): void {
  if (/^\.(?:eml|html?)$/i.test(extname(out))) return;
  throw new FanmailError('OPTION_INVALID', `--out can't be "${out}"`, {
    hint: 'Allowed: a name that ends in .eml, for the whole message, or .html, for its HTML part.',
  });
}

/** Readable by its owner alone: it holds an address. */
async function writeOut(path: string, { content, html, recipient }: Previewed): Promise<void> {
  const whole = extname(path).toLowerCase() === '.eml';
  if (!whole && html === null) {
    throw new FanmailError('OPTION_INVALID', `the message to ${recipient.address} has no HTML part`, {
      hint: 'give --out a name that ends in .eml',
    });
  }
  await writeFile(path, whole ? content : (html ?? ''), { mode: 0o600 }).catch((cause: NodeJS.ErrnoException) => {
    const message = `${path} can't be written: ${cause.code ?? cause.message}`;
    throw new FanmailError('OPTION_INVALID', message, { cause, hint: 'give --out a file in a folder that is there' });
  });
}

async function openPage(message: Previewed, { terminal, places }: Session): Promise<void> {
  const file = join(await mkdtemp(join(tmpdir(), 'fanmail-preview-')), 'preview.html');
  const { subject, html, text, from, replyTo, recipient } = message;
  const headers = [
    ['From', from],
    ['To', `${recipient.address} (line ${recipient.line})`],
    ...(replyTo === null ? [] : [['Reply-To', replyTo] as const]),
  ] as const;
  await writeFile(file, previewPage({ headers, subject, html, text }), { mode: 0o600 });
  if (await openFile(file, places.path)) terminal.say(`Opened ${file}`);
  else terminal.say('Nothing here opens a browser; open this file in one:');
  terminal.out(file);
}
