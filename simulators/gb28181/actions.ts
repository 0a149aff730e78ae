/** What a technician can have a simulated platform do, one line each; one after another, as they were typed. */
import type { Fields } from '../../drivers/platforms/gb28181/manscdp.ts';
import { type Action, actions, type Simulator } from '../simulator.ts';
import { beijingTime, fromBeijing, milliseconds, number } from '../words.ts';
import type { createAlarmLines } from './alarms.ts';
import type { Gateways } from './gateways.ts';
import type { Link } from './link.ts';
import {
  directions,
  guard,
  keyPicture,
  moveCommand,
  presetCommand,
  ptz,
  resetAlarm,
  restart,
} from './orders.ts';
import type { Questions } from './questions.ts';
import type { Carrier } from './receiver.ts';
import type { Subscriptions, Topic } from './subscriptions.ts';
import type { Look, Watching } from './watching.ts';

interface Parts {
  readonly link: Link;
  readonly gateways: Gateways;
  readonly questions: Questions;
  readonly watching: Watching;
  readonly subscriptions: Subscriptions;
  readonly alarms: ReturnType<typeof createAlarmLines>;
  readonly faults: { refusePercent: number; isSilent: boolean };
}

const DAY_MS = 86_400_000;
/** `now`, `-10m`, `08:30` (today), `2026-11-28T08:30:00`, Beijing's -> epoch ms. */
export function timeOf(text: string, now: number): number {
  if (text === 'now') return now;
  if (text.startsWith('-')) return now + milliseconds(text);
  const whole = /^\d\d:/.test(text) ? `${beijingTime(now).slice(0, 11)}${text}` : text;
  const ms = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(whole) ? fromBeijing(whole) : Number.NaN;
  if (Number.isNaN(ms))
    throw new Error(`"${text}" is no time such as now, -10m, 08:30 or 2026-11-28T08:30:00`);
  return ms;
}

function id20(text: string): string {
  if (!/^\d{20}$/.test(text)) throw new Error(`"${text}" is no id of 20 digits; catalog shows them`);
  return text;
}

const lookOptions: readonly string[] = ['tcp', 'seconds', 'speed'];

/** `--tcp=active` and `--tcp active` are the same; `-10m` is a word, and no option. @throws Error with a sentence. */
function partWords(words: readonly string[]) {
  const values: Record<string, string | undefined> = {};
  const rest: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const [, name, value] = /^--(\w+)(?:=(.*))?$/.exec(word) ?? [];
    if (name === undefined) rest.push(word);
    else if (!lookOptions.includes(name)) throw new Error(`${word}: there are --${lookOptions.join(', --')}`);
    else values[name] = value ?? words[++at] ?? '';
  }
  return { values, rest };
}

/** `CAMERA [FROM TO] [FILE]` and the options. */
function readLook(is: Look['is'], words: readonly string[], now: number): Look {
  const { values, rest: positionals } = partWords(words);
  const { tcp, seconds, speed } = values;
  if (tcp !== undefined && tcp !== 'passive' && tcp !== 'active') throw new Error('--tcp passive or active');
  const carrier: Carrier = tcp === undefined ? 'udp' : `tcp-${tcp}`;
  const camera = id20(positionals[0] ?? '');
  const times = is === 'Play' ? [] : positionals.slice(1, 3).map((text) => timeOf(text, now));
  const [from = 0, to = 0] = times.map((ms) => Math.floor(ms / 1000));
  if (is !== 'Play' && (times.length < 2 || from >= to)) throw new Error('FROM and TO: the earlier first');
  return {
    ...{ camera, is, carrier, from, to, file: positionals[is === 'Play' ? 1 : 3] },
    seconds: seconds === undefined ? undefined : number(seconds, 1, DAY_MS / 1000),
    speed: speed === undefined ? undefined : number(speed, 1, 8),
  };
}

/** Orders that the other side answers with 200 alone, or with a Response too (2016, 9.3.1). */
function orders({ link, questions }: Parts): Record<string, Action> {
  const { say, tell } = link;
  const quiet = async (target: string, name: string, more: Fields) => {
    const { response } = await link.message('Control', 'DeviceControl', id20(target), more);
    tell(
      say(`${name}: ${response.status} ${response.reason}`, `${name}：${response.status} ${response.reason}`),
    );
  };
  const answered = async (target: string | undefined, more: Fields) => {
    const to = target === undefined ? (await link.gateway()).id : id20(target);
    await questions.fields('Control', 'DeviceControl', to, more);
  };
  return {
    'ptz CAMERA DIRECTION [SPEED]': {
      help: `${directions.join(', ')}; speed 1 to 255, default 64`,
      run: async (camera = '', direction = '', speed = '64') => {
        if (!directions.includes(direction))
          throw new Error(`"${direction}" is none of ${directions.join(', ')}`);
        const command = moveCommand(direction, number(speed, 1, 255));
        await quiet(camera, `ptz ${command}`, ptz(command));
      },
    },
    'preset CAMERA N': {
      help: 'go to a preset, 1 to 255',
      run: async (camera = '', n = '') => {
        const command = presetCommand(number(n, 1, 255));
        await quiet(camera, `preset ${command}`, ptz(command));
      },
    },
    'iframe CAMERA': {
      help: 'ask for a key picture',
      run: async (camera = '') => await quiet(camera, 'iframe', keyPicture((await link.gateway()).isOf2022)),
    },
    'guard [ID]': { help: 'SetGuard; default: the gateway', run: (id) => answered(id, guard(true)) },
    'unguard [ID]': { help: 'ResetGuard; default: the gateway', run: (id) => answered(id, guard(false)) },
    'reset-alarm ID': { help: 'ResetAlarm of an alarm input', run: (id) => answered(id, resetAlarm) },
    reboot: {
      help: 'TeleBoot of the gateway: to see it refused',
      run: async () => await quiet((await link.gateway()).id, 'reboot', restart),
    },
  };
}

function looks({ link, questions, watching }: Parts): Record<string, Action> {
  const { time } = link;
  const way = '[--tcp=passive|active] [--seconds=N]';
  const look =
    (is: Look['is']) =>
    async (...words: string[]) =>
      await watching.look(readLook(is, words, time.wall()));
  const player = (order: 'pause' | 'resume' | 'scale' | 'seek') => (value?: string) =>
    watching.player(order, Number(value ?? 0));
  return {
    [`play CAMERA [FILE] ${way}`]: {
      help: 'live video into a file; passive: the gateway connects, active: this platform does',
      run: look('Play'),
    },
    'records CAMERA FROM TO': {
      help: 'what is kept; Beijing time: now, -10m, 08:30, 2026-11-28T08:30:00',
      run: async (camera = '', from = '', to = '') => {
        const texts = [from, to].map((text) => beijingTime(timeOf(text, time.wall())).slice(0, 19));
        await questions.records(id20(camera), texts[0] ?? '', texts[1] ?? '');
      },
    },
    [`playback CAMERA FROM TO [FILE] ${way}`]: { help: 'as it was recorded', run: look('Playback') },
    [`download CAMERA FROM TO [FILE] ${way} [--speed=N]`]: {
      help: 'as fast as it comes',
      run: look('Download'),
    },
    pause: { help: 'the newest playback', run: player('pause') },
    resume: { help: 'the same', run: player('resume') },
    'scale FACTOR': { help: 'its speed, 0.25 to 8', run: player('scale') },
    'seek SECONDS': { help: 'from its beginning', run: player('seek') },
    'stop [CAMERA]': { help: 'end what is being looked at', run: (camera) => watching.stop(camera) },
  };
}

function faultActions({ link, gateways, faults }: Parts): Record<string, Action> {
  const { say, tell } = link;
  return {
    'refuse PERCENT': {
      help: 'fault: answer so many of all messages 503; 0: none',
      run: (percent = '') => {
        faults.refusePercent = number(percent, 0, 100);
      },
    },
    silent: {
      help: 'fault: hear and answer nothing, as one that is down',
      run: () => {
        faults.isSilent = true;
      },
    },
    answer: {
      help: 'hear and answer again',
      run: () => {
        faults.isSilent = false;
      },
    },
    forget: {
      help: 'fault: forget the registration, as after a restart',
      run: () => {
        gateways.forget();
        tell(
          say(
            'forgotten: the next keepalive or alarm is answered 403, and the gateway is to register anew',
            '已忘记注册：下一个心跳或报警将收到 403，网关应重新注册',
          ),
        );
      },
    },
  };
}

export function platformActions(parts: Parts): Pick<Simulator, 'help' | 'do' | 'ended'> {
  const { link, gateways, questions, watching, subscriptions, alarms } = parts;
  const { say, tell, time } = link;
  const target = async (id: string | undefined) => (id === undefined ? (await link.gateway()).id : id20(id));
  const topics: readonly string[] = ['catalog', 'alarm'] satisfies Topic[];
  const subscribe = async (topic: string, seconds: number) => {
    if (!topics.includes(topic)) throw new Error(`"${topic}" is none of ${topics.join(', ')}`);
    await subscriptions.subscribe(topic as Topic, seconds);
  };
  const ended = Promise.withResolvers<void>();
  const table = actions('the platform', {
    'catalog [ID]': {
      help: 'ask for the catalogue',
      run: async (id) => await questions.catalog(await target(id)),
    },
    'info [ID]': {
      help: 'DeviceInfo',
      run: async (id) => await questions.fields('Query', 'DeviceInfo', await target(id)),
    },
    'status [ID]': {
      help: 'DeviceStatus',
      run: async (id) => await questions.fields('Query', 'DeviceStatus', await target(id)),
    },
    'presets CAMERA': {
      help: 'PresetQuery',
      run: async (id = '') => await questions.fields('Query', 'PresetQuery', id20(id)),
    },
    ...looks(parts),
    ...orders(parts),
    'subscribe TOPIC [SECONDS]': {
      help: 'catalog or alarm, for 3600 s; again: refresh',
      run: (topic = '', seconds = '3600') => subscribe(topic, number(seconds, 1, 86_400)),
    },
    'unsubscribe TOPIC': { help: 'end it', run: (topic = '') => subscribe(topic, 0) },
    counts: {
      help: 'keepalives and alarms so far',
      run: () =>
        tell(
          say(
            `${gateways.keepalives} keepalives of this registration, ${alarms.count} alarms`,
            `本次注册收到心跳 ${gateways.keepalives} 次，报警 ${alarms.count} 条`,
          ),
        ),
    },
    ...faultActions(parts),
    'wait [SECONDS]': {
      help: 'for scripts: so long, or until nothing is being looked at',
      run: async (seconds) => {
        if (seconds === undefined) return await watching.idle();
        await time.wait(number(seconds, 0, 86_400) * 1000);
      },
    },
    quit: { help: 'end', run: () => ended.resolve() },
  });
  let before: Promise<unknown> = Promise.resolve();
  return {
    ended: ended.promise,
    help: table.help,
    do(line) {
      const done = before.then(() => table.do(line));
      before = done.catch(() => {});
      return done;
    },
  };
}
