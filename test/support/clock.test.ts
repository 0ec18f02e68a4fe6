import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { CLOCK_MISSING, heldClock } from './clock.js';
import { freshRedis } from './redis.js';

const NINE = Date.UTC(2026, 11, 1, 9);

if (CLOCK_MISSING) console.info(CLOCK_MISSING);

describe.skipIf(CLOCK_MISSING)('a clock that a test holds', () => {
  it('is that of a redis-server, to the microsecond, and of what expires there', async () => {
    const clock = heldClock(NINE + 0.25);
    const server = await freshRedis({ clock });
    const redis = server.client();
    expect(await redis.time()).toEqual([NINE / 1000, 250].map(String));
    expect(await redis.eval("return redis.call('TIME')", 0)).toEqual([NINE / 1000, 250].map(String));
    await redis.set('a', 'b', 'PX', 1_000);
    clock.advance(999);
    expect(await redis.get('a')).toBe('b');
    clock.advance(2);
    await redis.ping();
    expect(await redis.get('a')).toBeNull();
    clock.stop(NINE - 86_400_000);
    expect(await redis.time()).toEqual([NINE / 1000 - 86_400, 0].map(String));
    await server.stop();
    clock.remove();
  });

  it('is that of a program of node, whose timers go on', () => {
    const clock = heldClock(NINE);
    clock.run(NINE);
    const script = 'const a = Date.now(); setTimeout(() => console.log(a, Date.now() - a), 50)';
    const out = execFileSync(process.execPath, ['-e', script], {
      env: { ...process.env, ...clock.env },
      encoding: 'utf8',
    });
    const [at = 0, passed = 0] = out.split(' ').map(Number);
    expect(at).toBeGreaterThanOrEqual(NINE);
    expect(at).toBeLessThan(NINE + 10_000);
    expect(passed).toBeGreaterThanOrEqual(45);
    expect(passed).toBeLessThan(5_000);
    clock.remove();
  });
});
