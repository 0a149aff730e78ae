/**
 * A small view library of GA/T 1400 (视图库), to teach, to test and to find faults: gateways register, say that they are
 * there, and send faces, persons, vehicles and images, whose pictures go to a folder. It shares no code with the gateway's
 * uplink.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Clock } from '../drivers/contract/clock.ts';
import { systemClock } from '../drivers/contract/clock.ts';
import { answerWhole, createDigest } from './http.ts';
import { actions, PortTakenError, type Say, type Simulator } from './simulator.ts';
import { createDesk } from './viid/desk.ts';
import { kindsByPath, readObjects } from './viid/objects.ts';
import { createShelf, INVALID_OPERATION, type Status } from './viid/shelf.ts';
import { beijingTime, milliseconds, number } from './words.ts';

export interface ViidOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** The library's own 20 digits. */
  readonly id: string;
  readonly password: string;
  /** Where pictures go; undefined: nowhere. */
  readonly folder?: string | undefined;
  readonly time?: Clock;
  readonly say: Say;
  readonly tell: (sentence: string) => void;
}

export interface Viid extends Simulator {
  readonly port: number;
}

/** Some pictures of 5 MB in Base64. */
const BODY_MAX = 67_108_864;
const SMALL_MAX = 65_536;
const CONNECTIONS_MAX = 32;
const SLOW_MAX_MS = 600_000;
const TYPE = { 'Content-Type': 'application/VIID+JSON;charset=UTF-8' };
const SYSTEM = '/VIID/System/';

/** What each question of the system has in it (GA/T 1400.4-2017, 7.2.1). */
const systemObjects: Readonly<Record<string, string>> = {
  Register: 'RegisterObject',
  Keepalive: 'KeepaliveObject',
  UnRegister: 'UnRegisterObject',
};

/** `20261128233000` */
const compactTime = (ms: number) => beijingTime(ms).slice(0, 19).replace(/\D/g, '');

/** undefined: it is longer than `most`, or broke off. */
async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > most) return undefined;
      chunks.push(chunk as Buffer);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks);
}

/** Reads to the end: who still sends hears no answer. */
async function drain(request: IncomingMessage): Promise<void> {
  let size = 0;
  try {
    for await (const chunk of request) {
      size += (chunk as Buffer).length;
      if (size > BODY_MAX) return;
    }
  } catch {}
}

/** `{"RegisterObject":{"DeviceID":"20 digits"}}`; undefined: there are none. */
function deviceIn(body: Buffer, name: string): string | undefined {
  try {
    const id: unknown = JSON.parse(body.toString())?.[name]?.DeviceID;
    return typeof id === 'string' && /^\d{20}$/.test(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

/** A question, and who asks. */
interface Asked {
  readonly path: string;
  /** `User-Identify`. */
  readonly device: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

interface Parts {
  readonly options: ViidOptions;
  readonly time: Clock;
  readonly desk: ReturnType<typeof createDesk>;
  readonly shelf: ReturnType<typeof createShelf>;
  readonly faults: { refuseEvery: number; slowMs: number };
}

/** What is answered to whoever is let in. */
function createAnswers({ options, time, desk, shelf }: Parts) {
  const { id, say, tell } = options;
  const statusOf = (path: string, status: Status) => ({
    ...{ RequestURL: path, StatusCode: status.code, StatusString: status.words, Id: status.id },
    LocalTime: compactTime(time.wall()),
  });
  const answer = ({ response }: Asked, status: number, body: object) =>
    answerWhole(response, status, TYPE, JSON.stringify(body));
  const refuse = (asked: Asked, status: number, words: string) =>
    answer(asked, status, {
      ResponseStatusObject: statusOf(asked.path, { code: INVALID_OPERATION, words, id: '' }),
    });
  const system = async (asked: Asked, name: string) => {
    const { path, device, request } = asked;
    const said = deviceIn((await bodyOf(request, SMALL_MAX)) ?? Buffer.alloc(0), name);
    if (said === undefined || said !== device) {
      tell(
        say(
          `${path}: ${name}.DeviceID and User-Identify "${device}" must be the same 20 digits`,
          `${path}：${name}.DeviceID 与 User-Identify "${device}" 必须是相同的 20 位编码`,
        ),
      );
      return refuse(asked, 400, `${name}.DeviceID`);
    }
    if (name === 'RegisterObject') desk.register(device);
    if (name === 'KeepaliveObject') desk.keepalive();
    if (name === 'UnRegisterObject') desk.leave(device);
    return answer(asked, 200, {
      ResponseStatusObject: statusOf(path, { code: 0, words: 'OK', id: device }),
    });
  };
  const take = async (asked: Asked) => {
    const { path, request } = asked;
    const kind = kindsByPath.get(path);
    if (kind === undefined) {
      tell(say(`${path}: not known here`, `${path}：此处不支持`));
      return refuse(asked, 404, 'not known here');
    }
    const body = await bodyOf(request, BODY_MAX);
    if (body === undefined) return refuse(asked, 413, 'too large');
    const objects = readObjects(kind, body);
    if (objects === undefined) {
      tell(say(`${path}: what came is no list of these`, `${path}：内容不是相应的对象列表`));
      return refuse(asked, 400, 'no list of these');
    }
    const statuses: object[] = [];
    for (const one of objects) statuses.push(statusOf(path, await shelf.take(one)));
    return answer(asked, 200, { ResponseStatusListObject: { ResponseStatusObject: statuses } });
  };
  return async (asked: Asked) => {
    const { path, request } = asked;
    if (path === `${SYSTEM}Time` && request.method === 'GET')
      return answer(asked, 200, {
        SystemTimeObject: { VIIDServerID: id, TimeMode: '1', LocalTime: compactTime(time.wall()) },
      });
    if (request.method !== 'POST') return refuse(asked, 405, 'POST');
    const name = path.startsWith(SYSTEM) ? systemObjects[path.slice(SYSTEM.length)] : undefined;
    return name === undefined ? await take(asked) : await system(asked, name);
  };
}

function viidActions({ options, desk, shelf, faults }: Parts): Pick<Simulator, 'help' | 'do' | 'ended'> {
  const { say, tell } = options;
  const ended = Promise.withResolvers<void>();
  const table = actions('the view library', {
    counts: {
      help: 'what came so far',
      run: () => {
        const { objects, pictures, again, refused } = shelf.counts;
        tell(
          say(
            `${objects} objects, ${again} of them again, ${refused} refused, ${pictures} pictures, ${desk.keepalives} keepalives`,
            `对象 ${objects} 个，重复 ${again} 个，拒绝 ${refused} 个，图片 ${pictures} 张，心跳 ${desk.keepalives} 次`,
          ),
        );
      },
    },
    'refuse-every N': {
      help: 'fault: say StatusCode 1 of every Nth object; 0: none',
      run: (n = '') => {
        faults.refuseEvery = number(n, 0, 1e6);
      },
    },
    'slow TIME': {
      help: 'fault: answer only after a time, such as 5s; 0s: at once',
      run: (text = '') => {
        faults.slowMs = Math.min(Math.max(0, milliseconds(text)), SLOW_MAX_MS);
      },
    },
    forget: {
      help: 'fault: forget who is registered: what comes is answered 401',
      run: () => desk.forget(),
    },
    quit: { help: 'end', run: () => ended.resolve() },
  });
  return { ...table, ended: ended.promise };
}

/** @throws PortTakenError, or what else the system says. */
export async function startViid(options: ViidOptions): Promise<Viid> {
  const { host, id, password, say, tell, time = systemClock } = options;
  const faults = { refuseEvery: 0, slowMs: 0 };
  const desk = createDesk({ say, tell, time });
  const parts: Parts = { options, time, desk, faults, shelf: createShelf({ ...options, faults }) };
  const digest = createDigest('viid', undefined, password);
  const answer = createAnswers(parts);
  /** Who is refused again and again is told of once. */
  let refused = '';
  const stop = new AbortController();
  const hear = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const device = String(request.headers['user-identify'] ?? '');
    if (faults.slowMs > 0) await time.wait(faults.slowMs, stop.signal);
    const isProved = path === `${SYSTEM}Register` ? digest.isProved(request) : desk.hear(device);
    if (!isProved) {
      if (request.headers.authorization !== undefined && refused !== device) {
        tell(say(`${device} was refused: a wrong password`, `${device} 被拒绝：密码错误`));
        refused = device;
      }
      await drain(request);
      return digest.challenge(response);
    }
    refused = '';
    await answer({ path, device, request, response });
  };
  const server = createServer((request, response) => {
    hear(request, response).catch((error: Error) => {
      tell(error.message);
      response.destroy();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? new PortTakenError(host, options.port) : error),
    );
    server.listen({ host, port: options.port }, resolve);
  });
  return {
    ...{ id: `viid ${id}`, port: (server.address() as { port: number }).port },
    ...viidActions(parts),
    async close() {
      stop.abort();
      desk.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
