import type { Settings } from '../config/settings.js';
import { EXIT } from '../domain/errors.js';
import { homeOf, serverPlaces } from './context.js';
import { examineDisk, examineNode } from './doctor/machine.js';
import { examineEmbedded, examineOwnRedis } from './doctor/redis.js';
import { examineRelay } from './doctor/relay.js';
import { type Examined, ok, worst } from './doctor/verdict.js';
import type { Session } from './session.js';
import { doctorLines, doctorObject } from './view/doctor.js';

/** `fanmail doctor`: looks at all that a campaign needs, and says of each how it is and what to do. */
export async function doctor(settings: Settings<'doctor'>, session: Session): Promise<number> {
  const { terminal } = session;
  const examined = [
    examineNode(process.versions.node),
    ...(await redisAndDisk(settings, session)),
    ...(await relay(settings, session)),
  ];
  if (settings.json) terminal.out(JSON.stringify(doctorObject(examined)));
  else terminal.out(doctorLines(examined, terminal.outStyle).join('\n'));
  return worst(examined) === 'problem' ? EXIT.failure : EXIT.ok;
}

async function redisAndDisk(settings: Settings<'doctor'>, session: Session): Promise<Examined[]> {
  if (settings.redis !== null) {
    // Its disk is elsewhere; results are written here.
    const found = await examineOwnRedis(settings.redis.reveal(), session.log);
    return [...found, await examineDisk(session.cwd, 'results')];
  }
  const home = homeOf(settings, session);
  const found = await examineEmbedded({ home, places: serverPlaces(session) }, session.log);
  return [...found, await examineDisk(home, 'the embedded Redis')];
}

async function relay({ smtp }: Settings<'doctor'>, { quiet }: Session): Promise<Examined[]> {
  if (smtp === null) return [ok('relay-connect', 'no relay is configured: SMTP_URL or --smtp names one')];
  return examineRelay(smtp.reveal(), quiet);
}
