import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { readResults } from '../support/audit.js';
import { startRelay } from '../support/cli.js';
import type { RelayFault, Scenario } from '../support/script-relay-main.js';
import type { Allowance } from './auditor.js';
import { auditFiles, childrenOf, type Field, launchArguments, listOf } from './field.js';

export type Stage = RelayFault['stage'];
type Action = RelayFault['action'];

export const DROP: Action = { pieces: [], after: 'destroy' };
export const SILENT: Action = { pieces: [] };
/** Doesn't even read any more. */
export const DEAF: Action = { pieces: [], after: 'pause' };

/** Before a message, only these two have an address of the campaign's own. */
const BEFORE_RCPT: readonly Stage[] = ['greeting', 'ehlo', 'starttls', 'handshake', 'auth', 'mail'];

/** The slow choice: every fault at every stage. Without it, one of each kind and each stage. */
export const ALL = process.env.FAULTS === 'all';

/** What is there only in the slow choice. */
export function slow<T>(...cases: readonly T[]): readonly T[] {
  return ALL ? cases : [];
}

export function every(times: number, stage: Stage, action: Action): RelayFault {
  return { stage, every: times, action };
}

export interface Plan {
  readonly id: string;
  readonly does: Omit<Scenario, 'record'>;
  readonly rows?: number;
  /** What it may cost, by what happened. */
  readonly allow?: (hits: readonly Hit[]) => Allowance;
  readonly options?: readonly string[];
  readonly template?: string;
  /** Everybody's first name. */
  readonly name?: string;
  /** Whether the operator gets a notice. */
  readonly notify?: boolean;
  /** `user:password@`, and what comes after the port. */
  readonly login?: string;
  readonly query?: string;
  readonly endsMs?: number;
}

/** A fault that happened, by the relay's own record. */
export interface Hit {
  readonly stage: Stage;
  readonly address: string;
}

/** Runs a campaign of its own through a relay of its own and audits it. */
export async function campaign(field: Field, plan: Plan) {
  const { id, rows = 300, login = '', query = '' } = plan;
  const record = join(field.place.folder, `record-${id}`);
  const relay = await startRelay({ record, ...plan.does });
  const smtp = `${relay.url.replace('smtp://', `smtp://${login}`)}${query}`;
  try {
    await launch(field, { ...plan, rows, smtp });
    await field.ended(id, plan.endsMs);
  } finally {
    await relay.stop();
  }
  return outcome(field, id, { rows, record, ...(plan.allow ? { allow: plan.allow } : {}) });
}

interface Launched extends Pick<Plan, 'id' | 'options' | 'template' | 'name' | 'notify'> {
  readonly rows: number;
  readonly smtp: string;
}

export async function launch(field: Field, { id, rows, smtp, options = [], ...plan }: Launched) {
  const list = `${id}.csv`;
  const { template = 'notice', name = 'Name', notify = true } = plan;
  writeFileSync(join(field.place.folder, list), listOf(id, rows).replaceAll(',Name', `,${name}`));
  const { code, err } = await field.place.run(
    launchArguments(id, smtp, ['--detach', ...options], { list, template, notify }),
  );
  if (code !== 0) throw new Error(`fanmail launch ended with ${code} and said:\n${err}`);
}

/** The audited results, and whom a fault met. */
export async function outcome(
  field: Field,
  id: string,
  { rows, record, allow }: { rows: number; record: string; allow?: NonNullable<Plan['allow']> },
) {
  const hits = hitsOf(record, id);
  const { place } = field;
  const summary = await auditFiles({ place, record, id, rows, allowed: allow?.(hits) ?? {} });
  const results = readResults(join(place.folder, 'fanmail-results', id, 'results.csv'));
  const unknown = results.filter(({ state }) => state === 'unknown').map(({ email }) => email);
  return { states: summary.states, rows: results, hits, hit: addresses(hits), unknown: unknown.sort() };
}

/** Whom the faults met, at these stages or at any, once each, in order. */
export function addresses(hits: readonly Hit[], ...stages: readonly Stage[]): string[] {
  const those = hits.filter(({ stage }) => stages.length === 0 || stages.includes(stage));
  return [...new Set(those.map(({ address }) => address))].sort();
}

/** What happened to a campaign's recipients; the operator's notice is nobody's recipient. */
export function hitsOf(record: string, id: string): Hit[] {
  const path = `${record}.faults`;
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines
    .map((line) => JSON.parse(line) as Hit)
    .filter(({ stage, address }) => BEFORE_RCPT.includes(stage) || address.endsWith(`@${id}.example.com`));
}

/** A certificate that nobody trusts, in the field's folder: for a scenario's `tls`. */
export function certificate({ place }: Pick<Field, 'place'>): { readonly key: string; readonly cert: string } {
  const [key, cert] = [join(place.folder, 'key.pem'), join(place.folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...args, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { key, cert };
}

/** For a plan of messages of 15 MB: more than the system takes while the relay doesn't read. */
export function large({ place }: Field): { rows: number; template: string; name: string } {
  const folder = join(place.folder, 'large');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'subject.hbs'), 'Large');
  writeFileSync(join(folder, 'text.hbs'), 'Hello {{first_name}}\n'.repeat(250));
  return { rows: 12, template: folder, name: 'n'.repeat(60_000) };
}

/** The most memory that any of a worker's processes ever had, in MB. */
export function peakMemory(worker: { readonly pid?: number | undefined }): number {
  const peaks = childrenOf(worker).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
  });
  return Math.max(...peaks);
}
