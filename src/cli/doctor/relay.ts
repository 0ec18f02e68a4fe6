import type { RelayFault } from '../../domain/outcome.js';
import { type Probed, probeRelay } from '../../relay/probe.js';
import { describeRelay, identityOf, parseRelayUrl, type RelaySettings } from '../../relay/url.js';
import { count, duration } from '../../report/format.js';
import { type Examined, ok, problem, problemOf, warning } from './verdict.js';

const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Where a connection failed, after what had gone well before. */
const STEPS = [
  ['relay-connect', ['unreachable', 'greeting']],
  ['relay-tls', ['tls']],
  ['relay-login', ['login']],
] as const;

const WAYS_OUT: Readonly<Record<RelayFault['cause'], string>> = {
  unreachable: 'Check host and port in SMTP_URL; some networks block port 25, so try 587 or 465.',
  greeting: 'It may not want this machine, or be busy: try again later, or ask whoever runs it.',
  tls: 'smtps:// is TLS from the start (465), smtp:// with STARTTLS later (587). ?verify=false takes any certificate.',
  login: 'Check user and password in SMTP_URL; write @ : / ? # % as %40 %3A %2F %3F %23 %25.',
};

/** The relay of SMTP_URL: a session without a message. */
export async function examineRelay(url: string, signal: AbortSignal): Promise<Examined[]> {
  let settings: RelaySettings;
  try {
    settings = parseRelayUrl(url);
  } catch (error) {
    return [problemOf('relay-connect', error)];
  }
  const probed = await probeRelay(settings, signal);
  if (probed.kind === 'fault') return faulty(settings, probed.fault);
  const took = `connected to ${describeRelay(identityOf(settings))} in ${duration(probed.tookMs)}`;
  return [ok('relay-connect', took), aboutTls(settings, probed), aboutLogin(settings), ...aboutOffer(probed)];
}

function faulty(settings: RelaySettings, fault: RelayFault): Examined[] {
  const at = STEPS.findIndex(([, causes]) => (causes as readonly string[]).includes(fault.cause));
  const passed = at > 0 ? [ok('relay-connect', `${describeRelay(identityOf(settings))} answers`)] : [];
  return [...passed, problem(STEPS[at]?.[0] ?? 'relay-connect', fault.why, WAYS_OUT[fault.cause])];
}

function aboutTls({ host, login }: RelaySettings, { tls }: Probed): Examined {
  const name = 'relay-tls';
  if (tls === null) {
    if (/^(?:localhost|127\.|::1$)/.test(host)) return ok(name, 'not encrypted, on this machine');
    const what = login === null ? 'messages travel' : 'messages and the password travel';
    return warning(
      name,
      `not encrypted: ${what} in the clear`,
      'Use smtps://, or ?tls=required where it has STARTTLS.',
    );
  }
  const days = tls.validTo === null ? null : Math.floor((tls.validTo - Date.now()) / DAY_MS);
  const until = days === null ? '' : `, its certificate ends in ${count(days)} days`;
  if (!tls.trusted) {
    const hint = 'Anybody in between could read along: leave out ?verify=false, and name the host of the certificate.';
    return warning(name, `${tls.protocol}, with a certificate that is not trusted here`, hint);
  }
  if (days !== null && days < SOON_DAYS)
    return warning(name, `${tls.protocol}${until}`, 'Tell whoever runs the relay.');
  return ok(name, `${tls.protocol}${until}`);
}

function aboutLogin({ login }: RelaySettings): Examined {
  return ok('relay-login', login === null ? 'no login is asked for by SMTP_URL' : 'the login was accepted');
}

function aboutOffer({ extensions, size, sizeLimit }: Probed): Examined[] {
  const offers =
    extensions === null
      ? warning('relay-extensions', 'it did not tell its extensions after the login', null)
      : ok('relay-extensions', extensions.length > 0 ? `offers ${extensions.join(', ')}` : 'offers no extensions');
  const limit = sizeLimit === null ? 'no limit' : `at most ${count(sizeLimit)} bytes a message`;
  return [offers, ok('relay-size', size ? `SIZE: ${limit}` : 'it tells no SIZE')];
}
