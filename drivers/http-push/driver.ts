/**
 * Terminals that push over HTTP, and those whose endless answer is read: face terminals, visitor kiosks, doors of
 * other makers. A terminal is answered 200 when what it said is on disk, not before; 503 lets it try again.
 *
 *   POST /push/{device}            JSON, XML, a form, multipart with pictures; mapped by the profile
 *   /iclock/cdata?SN=...           ZKTeco's push
 */
import type { Clock, Timer } from '../contract/clock.ts';
import { defineDriver, type Host, type Session } from '../contract/driver.ts';
import { isLoopback } from '../contract/options.ts';
import { readSecretOf } from '../files.ts';
import { tell } from '../http-tap.ts';
import { createLogin, type Login } from '../login.ts';
import { terminalClashes, terminalProblems } from './checks.ts';
import { createIntake, type Message } from './intake.ts';
import { canBeAsked, fetchMissed } from './missed.ts';
import { lineOf, type Terminal, terminalOptions } from './options.ts';
import { profileSchema } from './profile.ts';
import { readStream } from './pull.ts';
import type { Pushing } from './push.ts';
import { servePort } from './serve.ts';

export const httpPush = defineDriver({
  name: 'http-push',
  title: { en: 'Face and visitor terminals over HTTP', zh: '人脸、访客终端（HTTP 推送）' },
  options: terminalOptions,
  profile: profileSchema,
  line: lineOf,

  problems: terminalProblems,
  clashes: terminalClashes,

  warnings({ options: { listen, supervision } }) {
    // A stream that ends is noticed; of one that pushes only silence tells.
    const unwatched =
      listen === undefined || supervision !== undefined
        ? []
        : [
            {
              path: ['listen'],
              en: 'without `supervision` it is never noticed that this terminal is dead: switch its heartbeat on, and write `supervision: 5m` or a few heartbeats',
              zh: '未设置 `supervision`，终端失效不会被发现：请在终端上启用心跳，并写 `supervision: 5m` 或数个心跳周期',
            },
          ];
    if (listen === undefined || isLoopback(listen.host)) return unwatched;
    return [
      ...unwatched,
      {
        path: ['listen'],
        en: 'terminals push over plain HTTP: who is on the way reads passwords, names and pictures. Keep them on a network of their own, or put a proxy with TLS before it',
        zh: '终端通过未加密的 HTTP 推送：途经的任何人都能读取密码、姓名和照片。请使用独立网络，或在前面部署 TLS 代理',
      },
    ];
  },

  listens: ({ options: { listen } }) =>
    listen === undefined ? [] : [{ path: ['listen', 'port'], ...listen, over: ['tcp'] }],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),

  async open(devices, host) {
    const terminals = (devices as readonly [Terminal, ...Terminal[]]).map((terminal) => ({
      terminal,
      intake: createIntake(terminal, host),
    })) as [Pushing, ...Pushing[]];
    const watch = superviser(devices as readonly Terminal[], host);
    const [only] = terminals;
    if (only.terminal.options.pull !== undefined)
      return pullFrom(only, only.terminal.options.pull, host, watch);
    const ended = Promise.withResolvers<void>();
    const server = await servePort(terminals, host, watch.heard);
    watch.start();
    return {
      ended: ended.promise,
      async close() {
        watch.close();
        await server.close();
        ended.resolve();
      },
    };
  },
});

/** When a terminal's stream was last heard, epoch ms: another session begins there. */
const heardAt = new WeakMap<Terminal, number>();
/** From when on it is to be asked yet what was missed, epoch ms; and since when that waits, by the clock of durations. */
const owed = new WeakMap<Terminal, { readonly since: number; readonly from: number }>();
/** How often its password was refused: another session knows. */
const logins = new WeakMap<Terminal, Login>();
function loginOf(
  terminal: Terminal,
  { username, passwordFile }: NonNullable<Terminal['options']['pull']>,
  clock: Clock,
): Login {
  const read = () => ({ username, password: readSecretOf(passwordFile) });
  const login = logins.get(terminal) ?? createLogin(clock, read);
  logins.set(terminal, login);
  return login;
}
/** A stream that ends sooner is not asked beside: the terminal has trouble enough. */
const SETTLED_MS = 10_000;
/** Unless that goes on: some firmware ends every stream after 10 s, and is never without trouble. */
const OWED_MOST_MS = 20_000;
const SOON_MS = 1000;
/** One that ended, and lived for so long, is asked for again at once: the terminal was not away. */
const LIVED_MS = 5000;
const AGAIN_MS = 200;
/** Of one that is silent that says nothing. */
const HEARD_MS = 60_000;
/** So far may its clock and ours be apart. */
const CLOCKS_MS = 600_000;

/** A session of one terminal whose stream is read. */
function pullFrom(
  { terminal, intake }: Pushing,
  pull: NonNullable<Terminal['options']['pull']>,
  host: Host,
  watch: ReturnType<typeof superviser>,
): Session {
  const { id } = terminal;
  const { url } = pull;
  const stop = new AbortController();
  const login = loginOf(terminal, pull, host.clock);
  const signal = AbortSignal.any([stop.signal, host.signal]);
  const heard = () => {
    watch.heard(id);
    heardAt.set(terminal, host.clock.wall());
  };
  const take = async (message: Message) => {
    tell.heard(host.tap, id, () => ({ head: 'part', contentType: message.contentType, body: message.bytes }));
    // Nobody can be asked again: what the disk refuses gets a second chance here.
    if ((await intake(message)).is !== 'later') return;
    await host.clock.wait(1000, signal);
    await intake(message);
  };
  let asking: Timer | undefined;
  const catchUp = (since: number) => {
    const until = host.clock.wall() + CLOCKS_MS;
    const missed = { url, since, until, offset: pull.offset, login, signal, clock: host.clock };
    fetchMissed(missed, take).then(
      () => owed.delete(terminal),
      ({ message }: Error) => {
        if (!signal.aborted) host.discarded(id, 'what was missed, which it does not give', 0, message);
      },
    );
  };
  const owe = () => {
    if (pull.missed === 0 || !canBeAsked(url)) return;
    const { wall, elapsed } = host.clock;
    const before = owed.get(terminal);
    const since = Math.max(wall() - pull.missed, before?.since ?? heardAt.get(terminal) ?? 0);
    const from = before?.from ?? elapsed();
    owed.set(terminal, { since, from });
    const waitMs = elapsed() - from > OWED_MOST_MS ? SOON_MS : SETTLED_MS;
    asking = host.clock.after(waitMs, () => catchUp(since - CLOCKS_MS));
  };
  const over = () => asking?.stop();
  /** `wasThere`: it ended, and the terminal was there until then. */
  const readOnce = async (): Promise<{ readonly lost?: unknown; readonly wasThere: boolean }> => {
    let openedAt: number | undefined;
    let at = Number.NEGATIVE_INFINITY;
    const opened = () => {
      openedAt = host.clock.elapsed();
      owe();
      heard();
    };
    const message = async (one: Message) => {
      at = host.clock.elapsed();
      heard();
      await take(one);
    };
    const noise = (reason: string, bytes: number) => host.discarded(id, reason, bytes);
    try {
      await readStream(url, login, signal, host.clock, { opened, message, noise });
      return { wasThere: false };
    } catch (lost) {
      const now = host.clock.elapsed();
      const wasThere = openedAt !== undefined && now - openedAt >= LIVED_MS && now - at <= HEARD_MS;
      return { lost, wasThere };
    } finally {
      over();
    }
  };
  const readOn = async (): Promise<void> => {
    for (;;) {
      const { lost, wasThere } = await readOnce();
      if (!wasThere && lost === undefined) return;
      if (!wasThere) throw lost;
      await host.clock.wait(AGAIN_MS, signal);
      if (signal.aborted) return;
    }
  };
  const ended = readOn();
  watch.start();
  return {
    ended,
    async close() {
      watch.close();
      over();
      stop.abort();
    },
  };
}

/** Who is heard of, and who is not any more. */
function superviser(terminals: readonly Terminal[], host: Host) {
  const timers = new Map<string, Timer>();
  const watch = ({ id, options: { supervision } }: Terminal) => {
    if (supervision === undefined) return;
    timers.get(id)?.stop();
    const silent = () => host.link(id, 'offline', `silent for ${supervision / 1000} s`);
    timers.set(id, host.clock.after(supervision, silent));
  };
  const pauses = host.clock.onPause(() => {
    for (const terminal of terminals) if (timers.has(terminal.id)) watch(terminal);
  });
  return {
    /** From now on who is silent is offline. */
    start() {
      for (const terminal of terminals) watch(terminal);
    },
    heard(id: string) {
      host.link(id, 'online');
      const terminal = terminals.find((one) => one.id === id);
      if (terminal !== undefined) watch(terminal);
    },
    close() {
      pauses.stop();
      for (const timer of timers.values()) timer.stop();
    },
  };
}
