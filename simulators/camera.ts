/**
 * An ONVIF camera: device, media, PTZ and event services over SOAP, pull-point subscriptions, snapshots, a real RTSP
 * stream, WS-Discovery; and everything that real ones do wrong.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, systemClock } from '../drivers/contract/clock.ts';
import { answerDiscovery } from './camera/discovery.ts';
import { type CameraEvents, createEvents, PULL_POINTS } from './camera/events.ts';
import { createGuard } from './camera/guard.ts';
import { type Answers, dateTime, deviceAnswers, motionAnswers } from './camera/services.ts';
import { envelope, fault, SOAP } from './camera/soap.ts';
import { standardAnswers } from './camera/standard.ts';
import { answerWhole } from './http.ts';
import { liveVideo, stillPicture } from './picture.ts';
import { type RtspServer, startRtsp } from './rtsp.ts';
import { type Action, actions, garbage, milliseconds, number, type Simulator } from './simulator.ts';

export interface CameraOptions {
  readonly id?: string;
  readonly host?: string;
  readonly port: number;
  readonly rtspPort: number;
  /** Where the port of the stream is taken it is at a free one: who asks the camera is told which. */
  readonly anyRtspPort?: boolean;
  readonly username?: string;
  readonly password?: string;
  /** HTTP digest, WS-UsernameToken, or either. */
  readonly auth?: 'digest' | 'token' | 'either';
  /** Names of its presets; PTZ turns the picture. */
  readonly presets?: readonly string[];
  /** Pictures a second. */
  readonly rate?: number;
  /** Answers WS-Discovery, on this port of the loopback or the network. */
  readonly discovery?: boolean;
  readonly did?: (what: string) => void;
  /** Of its waits and of its clock. */
  readonly time?: Clock;
}

export interface Camera extends Simulator {
  /** How many subscriptions there are. */
  readonly subscriptions: () => number;
  readonly viewers: () => number;
}

/** What is wrong with all of it. */
interface Trouble {
  /** Its clock is off by so much, ms. */
  clock: number;
  /** Until then (`elapsed`) it takes questions and answers none. */
  hangUntil: number;
  /** Until then (`elapsed`) it is away. */
  downUntil: number;
  /** So many answers are nonsense. */
  garbage: number;
}

export async function startCamera(options: CameraOptions): Promise<Camera> {
  const { id = 'camera', host = '127.0.0.1', port, rtspPort, rate = 15 } = options;
  const { username = 'admin', password, auth = 'either', did = () => {}, time = systemClock } = options;
  const trouble: Trouble = { clock: 0, hangUntil: 0, downUntil: 0, garbage: 0 };
  const now = () => time.wall() + trouble.clock;
  const base = `http://${host}:${port}`;
  let view = 0;
  let isMet = false;
  const rtsp = await startRtsp({
    host,
    port: rtspPort,
    orAny: options.anyRtspPort,
    source: liveVideo(() => view, rate),
    ...(password !== undefined && { username, password }),
  });
  const turn = (preset: number, name: string) => {
    view = preset;
    did(`preset ${name}`);
    rtsp.renew();
  };
  const beginAnew = () => {
    did('key picture');
    rtsp.renew();
  };
  const events = createEvents(base, now, time);
  const serial = createHash('md5').update(id).digest('hex').slice(0, 12);
  const stream = `rtsp://${host}:${rtsp.port}/main`;
  const answers: Answers = {
    ...standardAnswers({ host, serial }, PULL_POINTS),
    ...deviceAnswers({ base, serial, stream, rate, beginAnew }),
    ...motionAnswers(options.presets ?? ['gate', 'yard'], turn, did),
    CreatePullPointSubscription: events.subscribe,
  };
  const guard = createGuard({ username, password, auth }, now);
  /** Away for so long, ms; all that was open ends, and nothing of it is remembered. */
  const restart = (ms: number) => {
    trouble.downUntil = time.elapsed() + ms;
    events.forgetAll();
    server.drop();
    rtsp.drop();
  };

  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    if (time.elapsed() < trouble.downUntil) return request.socket.destroy();
    // Dead without a word: it takes the question and nothing comes.
    if (time.elapsed() < trouble.hangUntil) return;
    const body = await bodyOf(request);
    if (body === undefined) return request.socket.destroy();
    const { url = '' } = request;
    if (trouble.garbage > 0) {
      trouble.garbage--;
      response.end(garbage(200));
      return;
    }
    if (url.startsWith('/snapshot.jpg')) {
      if (guard.admitsPlain(request, response))
        answerWhole(response, 200, { 'Content-Type': 'image/jpeg' }, await stillPicture(view));
      return;
    }
    const operation =
      /<(?:[\w-]{1,30}:)?Body[^>]{0,500}>\s{0,500}<(?:[\w-]{1,30}:)?(\w{1,60})/.exec(body)?.[1] ?? '';
    const say = (text: string, status = 200) => answerWhole(response, status, { 'Content-Type': SOAP }, text);
    if (operation === 'GetSystemDateAndTime') return say(envelope(dateTime(now())));
    if (!guard.admits(request, response, body)) return;
    isMet = true;
    const key = /^\/onvif\/events\/(\d+)/.exec(url)?.[1];
    const answer =
      key === undefined
        ? answers[operation]?.(body, url)
        : await events.answer(key, operation, body, request.socket);
    if (answer === undefined && operation === 'CreatePullPointSubscription')
      return say(fault('MaxPullPoints', 'the maximum number of pull points is reached'), 500);
    if (operation === 'SystemReboot') {
      did('reboot');
      response.once('finish', () => restart(REBOOT_MS));
    }
    if (answer === null) return say(fault('InvalidArgVal', 'there is no such subscription'), 400);
    return answer === undefined ? say(fault('ActionNotSupported', operation), 400) : say(envelope(answer));
  };
  const server = await serveHttp({ host, port }, handle, () => time.elapsed() < trouble.downUntil);

  const discovery =
    options.discovery === true ? await answerDiscovery(`${base}/onvif/device_service`) : undefined;
  return {
    id,
    unheard: () => (isMet ? undefined : 'unasked'),
    subscriptions: () => events.count,
    viewers: rtsp.viewers,
    ...actions(id, {
      ...sightActions(events),
      ...troubleActions({ trouble, events, rtsp, drop: server.drop, restart, time }),
    }),
    async close() {
      server.close();
      discovery?.close();
      await rtsp.close();
    },
  };
}

/** Of one that is told to restart; real ones take a minute or two. */
const REBOOT_MS = 3000;
/** Questions are short, whoever asks. */
const QUESTION_MAX = 100_000;
/** undefined: longer than any question. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > QUESTION_MAX) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString();
}

/** `isDown`: who connects is thrown out. */
async function serveHttp(
  at: { readonly host: string; readonly port: number },
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<unknown>,
  isDown: () => boolean,
) {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    if (isDown()) return socket.destroy();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(at);
  await once(server, 'listening');
  const drop = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    drop,
    close() {
      drop();
      server.close();
    },
  };
}

/** What it sees, and what breaks in it. */
const sightActions = ({ set, crossLine }: CameraEvents): Readonly<Record<string, Action>> => ({
  motion: { help: 'something moves', run: () => set('motion', true) },
  'motion-end': { help: 'and does not any more', run: () => set('motion', false) },
  line: { help: 'somebody crosses the line', run: crossLine },
  enter: { help: 'somebody is in the zone', run: () => set('inside', true) },
  leave: { help: 'and not any more', run: () => set('inside', false) },
  cover: { help: 'cover it', run: () => set('tamper', true) },
  uncover: { help: 'uncover it', run: () => set('tamper', false) },
  dark: { help: 'too dark', run: () => set('dark', true) },
  light: { help: 'light again', run: () => set('dark', false) },
  'signal-lost': { help: 'lose the picture', run: () => set('signal', true) },
  'signal-back': { help: 'get it back', run: () => set('signal', false) },
  'input on|off': { help: 'its digital input', run: (state) => set('input', state === 'on') },
  'storage-failed': { help: 'its card is broken', run: () => set('storage', true) },
  'storage-good': { help: 'its card is good', run: () => set('storage', false) },
});

/** What goes wrong. */
function troubleActions({
  trouble,
  events,
  rtsp,
  drop,
  restart,
  time,
}: {
  readonly trouble: Trouble;
  readonly events: CameraEvents;
  readonly rtsp: RtspServer;
  readonly drop: () => void;
  readonly restart: (ms: number) => void;
  readonly time: Clock;
}): Readonly<Record<string, Action>> {
  const { wrong } = events;
  return {
    'reboot TIME': {
      help: 'reboot: away for a time, and all subscriptions are forgotten',
      run: (length) => restart(milliseconds(length)),
    },
    'hang TIME': {
      help: 'take questions and answer none, for a time',
      run: (length) => {
        trouble.hangUntil = time.elapsed() + milliseconds(length);
        // What is being asked gets no answer either.
        events.hang();
      },
    },
    forget: { help: 'forget all subscriptions', run: events.forgetAll },
    'clock TIME': {
      help: 'put its clock off by a time, e.g. -8h',
      run: (length) => {
        trouble.clock = milliseconds(length);
      },
    },
    'close-after TIME': {
      help: 'close the socket of a question after a time; 0s: no more',
      run: (length) => {
        wrong.closeAfter = milliseconds(length);
      },
    },
    drop: { help: 'close all sockets', run: () => drop() },
    'address right|wrong|relative': {
      help: 'where it says that its subscriptions are',
      run: (which) => {
        wrong.address = which === 'wrong' || which === 'relative' ? which : 'right';
      },
    },
    'never-clear': {
      help: 'never say that something ended',
      run: () => {
        wrong.neverClears = true;
      },
    },
    'garbage COUNT': {
      help: 'answer so many questions with nonsense',
      run: (count) => {
        trouble.garbage = number(count, 0, 1000);
      },
    },
    'drop-viewers': { help: 'break off its streams', run: () => rtsp.drop() },
  };
}
