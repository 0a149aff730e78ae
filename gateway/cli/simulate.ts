import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { startCamera } from '../../simulators/camera.ts';
import { type Campus, liveADay, rush, startCampus } from '../../simulators/campus.ts';
import { startFaceTerminal, terminalKinds } from '../../simulators/face-terminal.ts';
import { type FenceModel, fenceModels, startFences } from '../../simulators/fence.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import { readKey, startPanel } from '../../simulators/panel.ts';
import { startReader } from '../../simulators/reader.ts';
import { startSign } from '../../simulators/sign.ts';
import {
  milliseconds,
  parseScenario,
  play,
  type Simulator,
  type WireEnd,
} from '../../simulators/simulator.ts';
import { type Command, configOrErrors, UsageError, untilStopped } from './command.ts';

const cardFormats = ['rdm6300', 'ascii', 'wiegand26', 'wiegand34'] as const;

export const simulate: Command = {
  name: 'simulate',
  summary: ['Simulate a device, or a whole campus, over its real protocol', '用真实协议模拟设备或整个校园'],
  usage: `campus-gateway simulate panel   --to HOST:PORT --account 1234 [--udp] [--key-file FILE] [--cid] [--supervision 20s]
campus-gateway simulate fence   [--listen [HOST:]1502] [--rtu] | --serial PATH   [--unit 1] [--model ${fenceModels.join('|')}]
campus-gateway simulate reader  [--listen [HOST:]4001] | --serial PATH   [--format ${cardFormats.join('|')}]
campus-gateway simulate osdp    [--listen [HOST:]4001] | --serial PATH   [--address 0] [--key-file FILE]
campus-gateway simulate sign    [--listen [HOST:]4001] | --serial PATH
campus-gateway simulate face    --kind ${terminalKinds.join('|')}  --to URL [--serial-number SN] | --listen [HOST:]8081 [--password-file FILE]
campus-gateway simulate camera  [--listen [HOST:]8000] [--rtsp 8554] [--username admin] [--password-file FILE] [--discovery]
campus-gateway simulate campus  CONFIG [--rate 10]

Then type actions, one a line: "help" lists them (a campus: DEVICE ACTION). Standard input may be a pipe.
  --scenario FILE   play a scenario, see simulators/scenarios/
  --do "ACTION"     do one action at the start; may be repeated
  --for TIME        stop by itself, e.g. 30s
  --baud 9600       of a serial port
  --rate N          campus: live an ordinary day by itself, N actions a second
  --rush N --within 20m   campus: N cards, 1 to N, at its readers within a time, as at a school gate in the morning

  campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9"
  campus-gateway simulate fence --listen 1502
  campus-gateway simulate campus config/demo.yaml --scenario simulators/scenarios/night-intrusion.yaml`,

  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        to: { type: 'string' },
        account: { type: 'string', default: '1234' },
        udp: { type: 'boolean', default: false },
        cid: { type: 'boolean', default: false },
        'key-file': { type: 'string' },
        supervision: { type: 'string', default: '20s' },
        listen: { type: 'string' },
        serial: { type: 'string' },
        baud: { type: 'string', default: '9600' },
        rtu: { type: 'boolean', default: false },
        unit: { type: 'string', default: '1' },
        address: { type: 'string', default: '0' },
        model: { type: 'string', default: 'pulse-fence-2zone' },
        format: { type: 'string', default: 'rdm6300' },
        kind: { type: 'string', default: 'hikvision' },
        rtsp: { type: 'string', default: '8554' },
        username: { type: 'string', default: 'admin' },
        discovery: { type: 'boolean', default: false },
        'serial-number': { type: 'string' },
        'password-file': { type: 'string' },
        scenario: { type: 'string' },
        do: { type: 'string', multiple: true, default: [] },
        for: { type: 'string' },
        rate: { type: 'string' },
        rush: { type: 'string' },
        within: { type: 'string', default: '20m' },
      },
    });
    const end = (fallback: string): WireEnd => {
      if (values.serial !== undefined) return { serial: values.serial, baudRate: Number(values.baud) };
      return { listen: hostPort(values.listen ?? fallback) };
    };
    const [what, file] = positionals;
    let simulators: readonly Simulator[];
    let campus: Campus | undefined;
    if (what === 'panel') {
      if (values.to === undefined) throw new UsageError('--to HOST:PORT is needed');
      const keyFile = values['key-file'];
      const panel = startPanel({
        ...hostPort(values.to),
        account: values.account,
        transport: values.udp ? 'udp' : 'tcp',
        format: values.cid ? 'cid' : 'sia',
        supervision: milliseconds(values.supervision),
        ...(keyFile !== undefined && { key: readKey(keyFile) }),
        acknowledged: ({ sequence, data }) => process.stdout.write(`ACK ${sequence} ${data}\n`),
      });
      simulators = [panel];
    } else if (what === 'fence') {
      const model = oneOf(values.model, fenceModels) as FenceModel;
      const framing = values.rtu || values.serial !== undefined ? 'rtu' : 'tcp';
      simulators = await startFences({
        end: end('1502'),
        framing,
        units: [{ id: 'fence', unit: Number(values.unit), model }],
        switched: (coil, on) => process.stdout.write(`coil ${coil} ${on ? 'on' : 'off'}\n`),
      });
    } else if (what === 'reader') {
      simulators = [await startReader({ end: end('4001'), format: oneOf(values.format, cardFormats) })];
    } else if (what === 'osdp') {
      const keyFile = values['key-file'];
      const key = keyFile === undefined ? undefined : readKey(keyFile);
      simulators = await startOsdpReaders({
        end: end('4001'),
        readers: [{ id: 'reader', address: Number(values.address), key }],
        shown: (_id, text) => process.stdout.write(`shows "${text}"\n`),
      });
    } else if (what === 'sign') {
      const shows = (text: string) => process.stdout.write(`shows "${text}"\n`);
      simulators = [await startSign({ end: end('4001'), shows })];
    } else if (what === 'face') {
      const kind = oneOf(values.kind, terminalKinds);
      const { to, 'serial-number': serial, 'password-file': file } = values;
      if ((to === undefined) === (values.listen === undefined))
        throw new UsageError('--to URL or --listen PORT is needed');
      const password = file === undefined ? '' : firstLine(file);
      const listen = values.listen === undefined ? undefined : hostPort(values.listen);
      simulators = [await startFaceTerminal({ kind, to, serial, listen, password })];
    } else if (what === 'camera') {
      const file = values['password-file'];
      const { host, port } = hostPort(values.listen ?? '8000');
      const { username, discovery } = values;
      const rtspPort = Number(values.rtsp);
      const password = file === undefined ? {} : { password: firstLine(file) };
      const did = (words: string) => process.stdout.write(`${words}\n`);
      simulators = [await startCamera({ host, port, rtspPort, username, discovery, did, ...password })];
      process.stdout.write(`rtsp://${host}:${rtspPort}/main\n`);
    } else if (what === 'campus') {
      const config = configOrErrors(file);
      if (config === undefined) return 1;
      campus = await startCampus(config.devices, readKey);
      simulators = campus.simulators;
      for (const reason of campus.skipped) process.stderr.write(`${reason}\n`);
    } else throw new UsageError(`what to simulate? panel, fence, reader, osdp, sign, face, camera or campus`);

    const stop = new AbortController();
    const tell = (sentence: string) => process.stdout.write(`${sentence}\n`);
    const act = (line: string) => perform(line, simulators, campus !== undefined, tell);
    for (const { id } of simulators)
      tell(say(`${id} is simulated; type help`, `正在模拟 ${id}；输入 help 查看动作`));
    for (const line of values.do) await act(line);
    const input = createInterface({ input: process.stdin });
    input.on('line', (line) => void act(line));
    const played = (async () => {
      if (values.scenario !== undefined) {
        const scenario = parseScenario(readFileSync(values.scenario, 'utf8'), values.scenario);
        await play(scenario, simulators, tell, stop.signal);
        tell(say(`${scenario.title}: played`, `${scenario.title}：播放完毕`));
      }
      if (campus !== undefined && values.rate !== undefined)
        await liveADay(campus, Number(values.rate), stop.signal);
      if (campus !== undefined && values.rush !== undefined) {
        const cards = Array.from({ length: Number(values.rush) }, (_, i) => String(i + 1));
        const readers = simulators.filter(({ help }) => 'card NUMBER [FACILITY]' in help);
        await rush(readers, cards, milliseconds(values.within), stop.signal);
        tell(say(`${cards.length} cards were shown`, `已刷卡 ${cards.length} 次`));
      }
    })();
    const wrong = played.catch((error: Error) => (stop.signal.aborted ? undefined : error));
    await Promise.race([
      untilStopped(values.for === undefined ? undefined : milliseconds(values.for)),
      wrong.then((error) => error ?? new Promise(() => {})),
    ]);
    stop.abort();
    input.close();
    await Promise.all(simulators.map((simulator) => simulator.close()));
    const error = await wrong;
    if (error instanceof Error) throw error;
    return 0;
  },
};

const firstLine = (file: string) => readFileSync(file, 'utf8').split(/\r?\n/, 1)[0] ?? '';

async function perform(
  line: string,
  simulators: readonly Simulator[],
  named: boolean,
  tell: (sentence: string) => void,
) {
  if (line.trim() === '') return;
  if (line.trim() === 'help') {
    for (const { id, help } of simulators) {
      for (const [usage, words] of Object.entries(help))
        tell(`  ${named ? `${id} ` : ''}${usage.padEnd(24)} ${words}`);
    }
    return;
  }
  const space = line.indexOf(' ');
  const simulator = named ? simulators.find(({ id }) => id === line.slice(0, space)) : simulators[0];
  if (simulator === undefined) {
    tell(`DEVICE ACTION; devices: ${simulators.map(({ id }) => id).join(', ')}`);
    return;
  }
  await simulator.do(named ? line.slice(space + 1) : line).catch((error: Error) => tell(error.message));
}

function hostPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new UsageError(`"${text}" is no HOST:PORT`);
  return { host: colon > 0 ? text.slice(0, colon) : '127.0.0.1', port };
}

function oneOf<T extends string>(text: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === text);
  if (found === undefined) throw new UsageError(`"${text}" is none of ${allowed.join(', ')}`);
  return found;
}
