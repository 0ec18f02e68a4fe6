import { describe, expect, it, vi } from 'vitest';
import type { RelayConnection } from '../../src/pipeline/relay-ports.js';
import type { ScriptEvent } from '../support/script-relay.js';
import { faultIn, mail, NEVER, plainUrl, pool, script, send, signal, take, takeOne } from './setting.js';

describe('taking', () => {
  it('opens nothing before it is asked, and no more than is asked for or allowed', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 3 });
    await new Promise((resolve) => setImmediate(resolve));
    expect(server.connections).toBe(0);
    const one = await takeOne(relay);
    expect(server.connections).toBe(1);
    const rest: RelayConnection[] = [];
    while (rest.length < 2) rest.push(...(await take(relay, 5)));
    expect(server.connections).toBe(3);
    const waiting = relay.take(1, NEVER);
    one.release();
    expect((await waiting).kind).toBe('connections');
    expect(server.connections).toBe(3);
  });

  it('gets all that one turn of the event loop set free', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 4 });
    const held: RelayConnection[] = [];
    while (held.length < 4) held.push(...(await take(relay, 4)));
    const waiting = relay.take(10, NEVER);
    for (const connection of held.slice(0, 3)) connection.release();
    const taken = await waiting;
    expect(taken.kind === 'connections' && taken.connections.length).toBe(3);
  });

  it('is shared fairly by those who wait', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 4 });
    const held: RelayConnection[] = [];
    while (held.length < 4) held.push(...(await take(relay, 4)));
    const waiting = [take(relay, 4), take(relay, 1), take(relay, 4)];
    for (const connection of held) connection.release();
    const shares = (await Promise.all(waiting)).map((connections) => connections.length);
    expect(shares).toEqual([2, 1, 1]);
  });

  it('is shared equally by campaigns, and goes first to who asked first within one', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 6 });
    const asks = (party: string, wants = 6) => relay.take({ party, wants }, NEVER);
    const held: RelayConnection[] = [];
    while (held.length < 6) held.push(...(await take(relay, 6)));
    // Two chunks of a large campaign come before one of a small one.
    const waiting = [asks('large'), asks('large'), asks('small')];
    for (const connection of held) connection.release();
    const first = await waiting[0];
    const small = await waiting[2];
    if (first?.kind !== 'connections' || small?.kind !== 'connections') throw new Error('no connections');
    expect([first.connections.length, small.connections.length]).toEqual([3, 3]);
    // Nobody has fewer: each keeps what it has from message to message.
    const [a] = first.connections;
    expect(a?.mayKeep()).toBe(true);
    // A third campaign has fewer than its share, and gets what the others let go.
    const third = asks('third');
    expect(a?.mayKeep()).toBe(false);
    a?.release();
    expect(await third).toMatchObject({ kind: 'connections' });
    const more = asks('third');
    expect([first.connections[1]?.mayKeep(), small.connections[0]?.mayKeep()]).toEqual([true, false]);
    small.connections[0]?.release();
    expect(await more).toMatchObject({ kind: 'connections' });
  });

  it('is passed on within a campaign before it is free, and not where another campaign has fewer', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 2 });
    const held: RelayConnection[] = [];
    while (held.length < 2) {
      const taken = await relay.take({ party: 'large', wants: 2 }, NEVER);
      if (taken.kind === 'connections') held.push(...taken.connections);
    }
    const [one, two] = held as [RelayConnection, RelayConnection];
    const passed: string[] = [];
    const next = (party: string) => {
      const follow = (connection: RelayConnection) => {
        passed.push(party);
        connection.release();
      };
      void relay.take({ party, wants: 1, follow }, NEVER);
    };
    const first = one.offer(mail());
    one.passOn(first.outcome);
    next('large');
    one.passOn(first.outcome);
    expect(passed).toEqual(['large']);
    next('small');
    one.passOn(first.outcome);
    first.deliver();
    await first.outcome;
    one.passOn(first.outcome);
    expect(passed).toEqual(['large']);
    two.release();
    expect(server.connections).toBe(2);
  });

  it('comes to everybody in turn, though one always asks for all', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 2 });
    let greedy = 0;
    let done = false;
    const hog = (async () => {
      while (!done) {
        for (const connection of await take(relay, 2)) {
          greedy++;
          await connection.send(mail());
        }
      }
    })();
    for (let i = 0; i < 20; i++) expect((await send(relay)).kind).toBe('sent');
    done = true;
    await hog;
    expect(greedy).toBeLessThan(80);
  });

  it('can be given up, and then leaves nothing behind', async () => {
    const server = await script();
    const relay = pool(plainUrl(server));
    const held = await takeOne(relay);
    const stop = new AbortController();
    const waiting = relay.take(1, stop.signal);
    stop.abort();
    expect(await waiting).toEqual({ kind: 'aborted' });
    expect(await relay.take(1, stop.signal)).toEqual({ kind: 'aborted' });
    held.release();
    expect((await send(relay)).kind).toBe('sent');
  });

  it('gives a connection until its message is done', async () => {
    const relay = pool(plainUrl(await script()));
    const connection = await takeOne(relay);
    await connection.send(mail());
    expect(() => connection.release()).toThrow('until its messages are done');
    expect(() => connection.send(mail())).toThrow('until its messages are done');
    expect((await send(relay)).kind).toBe('sent');
  });
});

describe('a connection', () => {
  it('is replaced after so many messages, with QUIT', async () => {
    const quits: number[] = [];
    const server = await script({ behave: ({ stage, messages }) => void (stage === 'quit' && quits.push(messages)) });
    const relay = pool(plainUrl(server), { messagesPerConnection: 3 });
    for (let i = 0; i < 7; i++) expect((await send(relay)).kind).toBe('sent');
    expect(server.connections).toBe(3);
    await relay.close();
    expect(quits).toEqual([3, 3, 1]);
  });

  it('that the relay closes between messages is no fault', async () => {
    const server = await script({
      behave: ({ stage, messages }) =>
        stage === 'message' && messages === 1 ? { reply: '250 ok', after: 'end' } : undefined,
    });
    const relay = pool(plainUrl(server));
    for (let i = 0; i < 6; i++) {
      expect((await send(relay)).kind).toBe('sent');
      if (i % 2 === 1) await vi.waitUntil(() => server.open === 0);
    }
    expect(server.connections).toBe(3);
  });

  it('that is not used for long is closed, with QUIT', async () => {
    const quit = signal();
    const server = await script({ behave: ({ stage }) => void (stage === 'quit' && quit.resolve()) });
    const relay = pool(plainUrl(server), { idleMs: 50 });
    await send(relay);
    await quit.promise;
    await vi.waitUntil(() => server.open === 0);
    expect((await send(relay)).kind).toBe('sent');
    expect(server.connections).toBe(2);
  });

  it('too many for the relay is no fault while others are open', async () => {
    const server = await script({
      behave: ({ stage, connection }) =>
        stage === 'greeting' && connection > 2 ? { reply: '421 4.7.0 too many connections', after: 'end' } : undefined,
    });
    const relay = pool(plainUrl(server), { connections: 5 });
    let sent = 0;
    const sender = async () => {
      while (sent < 60) {
        const connections = await take(relay, 2);
        sent += connections.length;
        for (const outcome of await Promise.all(connections.map((c) => c.send(mail()))))
          expect(outcome.kind).toBe('sent');
      }
    };
    await Promise.all([sender(), sender(), sender()]);
    expect(server.accepted).toBe(sent);
    // Five at first; then it waits before it asks again.
    expect(server.connections).toBeLessThanOrEqual(6);
  });

  it('refused among others that are open is asked for again after a second, however many were refused at once', async () => {
    const times: number[] = [];
    const asked = signal();
    const server = await script({
      behave: ({ stage, connection }) => {
        if (stage !== 'greeting') return undefined;
        times.push(performance.now());
        if (times.length === 6) asked.resolve();
        return connection > 1 && connection < 6 ? { reply: '421 4.7.0 too many', after: 'end' } : undefined;
      },
    });
    const relay = pool(plainUrl(server), { connections: 5 });
    const held = await take(relay, 5);
    const more = relay.take(5, NEVER);
    await asked.promise;
    const wait = (times[5] ?? 0) - (times[4] ?? 0);
    expect(wait).toBeGreaterThan(900);
    expect(wait).toBeLessThan(1900);
    for (const connection of held) connection.release();
    expect((await more).kind).toBe('connections');
  });

  it('is asked for again at once when none is open, and got when the relay is back', async () => {
    let down = true;
    const server = await script({
      behave: ({ stage }) =>
        stage === 'greeting' && down ? { reply: '421 4.3.2 back soon', after: 'end' } : undefined,
    });
    const relay = pool(plainUrl(server), { connections: 4 });
    const from = performance.now();
    for (let i = 0; i < 3; i++) expect(faultIn(await relay.take(4, NEVER)).cause).toBe('greeting');
    expect(server.connections).toBe(4 + 2);
    expect(performance.now() - from).toBeLessThan(1500);
    down = false;
    expect((await send(relay)).kind).toBe('sent');
  });

  it('being opened is waited for, though another could not be', async () => {
    const server = await script({
      behave: ({ stage, connection }) => {
        if (stage !== 'greeting') return undefined;
        return connection === 1 ? { reply: '220 at last', delayMs: 100 } : { reply: '421 4.7.0 no', after: 'end' };
      },
    });
    const relay = pool(plainUrl(server), { connections: 2 });
    const [one, other] = await Promise.all(
      [relay.take(1, NEVER), relay.take(1, NEVER)].map((t) =>
        t.then((x) => {
          if (x.kind === 'connections') for (const c of x.connections) c.release();
          return x.kind;
        }),
      ),
    );
    expect([one, other]).toEqual(['connections', 'connections']);
  });
});

describe('ending', () => {
  it('lets what is on the wire finish, then says QUIT, and is over when every socket is closed', async () => {
    const reached = signal();
    const stages: string[] = [];
    const server = await script({
      behave: ({ stage }: ScriptEvent) => {
        stages.push(stage);
        if (stage !== 'message') return undefined;
        reached.resolve();
        return { reply: '250 slow', delayMs: 80 };
      },
    });
    const relay = pool(plainUrl(server), { connections: 2 });
    const busy = await takeOne(relay);
    const unused = await takeOne(relay);
    const outcome = busy.send(mail());
    await reached.promise;
    const waiting = relay.take(1, NEVER);
    const closed = relay.close();
    expect(relay.close()).toBe(closed);
    expect((await waiting).kind).toBe('aborted');
    unused.release();
    await closed;
    expect((await outcome).kind).toBe('sent');
    expect(stages.filter((stage) => stage === 'quit')).toHaveLength(2);
    expect((await relay.take(1, NEVER)).kind).toBe('aborted');
    await vi.waitUntil(() => server.open === 0);
  });

  it('ends a connection that is still being opened', async () => {
    const greeted = signal();
    const server = await script({
      behave: ({ stage }) => {
        if (stage === 'greeting') greeted.resolve();
        return stage === 'greeting' ? { pieces: [] } : undefined;
      },
    });
    const relay = pool(plainUrl(server), { timeouts: {} });
    const waiting = relay.take(1, NEVER);
    await greeted.promise;
    await relay.close();
    expect((await waiting).kind).toBe('aborted');
    await vi.waitUntil(() => server.open === 0);
  });

  it('before anything was opened is done at once', async () => {
    await pool('smtp://127.0.0.1:1?tls=none').close();
  });

  it('by abandoning ends what is taken: it sends nothing any more', async () => {
    const server = await script();
    const relay = pool(plainUrl(server));
    const connection = await takeOne(relay);
    relay.abandon();
    expect(await connection.send(mail())).toMatchObject({ kind: 'not-sent', stage: 'mail' });
    expect(server.accepted).toBe(0);
  });

  it('by abandoning leaves idle connections, and the pool goes on', async () => {
    const server = await script();
    const relay = pool(plainUrl(server), { connections: 1 });
    await send(relay);
    await new Promise((resolve) => setImmediate(resolve));
    relay.abandon();
    expect((await send(relay)).kind).toBe('sent');
    expect(server.connections).toBe(1);
  });
});
