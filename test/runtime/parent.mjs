// Starts one child as the built program does, and says its pid; the test kills this one.
import { fork } from 'node:child_process';

const [child, journal] = process.argv.slice(2);
const { pid } = fork(child, [journal], { detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
process.send({ pid });
setInterval(() => {}, 1_000);
