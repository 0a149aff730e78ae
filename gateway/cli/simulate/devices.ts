/** Starts what is to be simulated, as the options say. */
import { listenersOf } from '../../../config/check/ports.ts';
import { say } from '../../../config/language.ts';
import { readSecretOf } from '../../../drivers/files.ts';
import { startCamera } from '../../../simulators/camera.ts';
import { type Campus, startCampus } from '../../../simulators/campus.ts';
import { startFaceTerminal } from '../../../simulators/face-terminal.ts';
import { startFences } from '../../../simulators/fence.ts';
import { cardFormats, fenceModels, receiverProtocols, terminalKinds } from '../../../simulators/kinds.ts';
import { startOsdpReaders } from '../../../simulators/osdp.ts';
import type { PanelNews } from '../../../simulators/panel/news.ts';
import { readKey, startPanel } from '../../../simulators/panel.ts';
import { startReader } from '../../../simulators/reader.ts';
import { startReceiver } from '../../../simulators/receiver.ts';
import { startSign } from '../../../simulators/sign.ts';
import type { Simulator, WireEnd } from '../../../simulators/simulator.ts';
import { printable } from '../../printable.ts';
import { configOrErrors, type Terminal, UsageError } from '../command.ts';
import { hostPortOf, oneOf, ValueError } from '../values.ts';
import type { SimulateOptions } from './options.ts';
import { startGb28181, startViewLibrary } from './platforms.ts';

export interface Simulated {
  readonly simulators: readonly Simulator[];
  /** Where it is a whole campus, whose devices are told by name. */
  readonly campus?: Campus | undefined;
}
type Options = SimulateOptions & { readonly file?: string | undefined };
type Tell = (sentence: string) => void;

/** undefined: the config is wrong, and was told so. @throws UsageError. */
export async function startSimulated(
  what: string | undefined,
  options: Options,
  terminal: Terminal,
): Promise<Simulated | undefined> {
  if (what === 'campus') return await startWholeCampus(options, terminal);
  const start = Object.entries(starters).find(([name]) => name === what)?.[1];
  if (start === undefined)
    throw new UsageError(
      say(
        'what to simulate? panel, receiver, fence, reader, osdp, sign, face, camera, gb28181-platform, viid or campus',
        '模拟什么？panel、receiver、fence、reader、osdp、sign、face、camera、gb28181-platform、viid 或 campus',
      ),
    );
  return {
    simulators: await start(options, (sentence) => void terminal.stdout.write(`${printable(sentence)}\n`)),
  };
}

async function startWholeCampus({ file }: Options, terminal: Terminal): Promise<Simulated | undefined> {
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return undefined;
  const own = listenersOf(config).map(({ port }) => port);
  const campus = await startCampus(config.devices, readKey, own);
  for (const reason of campus.skipped) terminal.stderr.write(`${printable(reason)}\n`);
  return { simulators: campus.simulators, campus };
}

const starters: Readonly<Record<string, (options: Options, tell: Tell) => Promise<readonly Simulator[]>>> = {
  async panel(options, tell) {
    if (options.to === undefined)
      throw new UsageError(
        say('--to HOST:PORT is needed: where it reports to', '请用 --to 主机:端口 给出上报地址'),
      );
    const keyFile = options['key-file'];
    const panel = startPanel({
      ...hostPortOf('to', options.to),
      account: options.account,
      transport: options.udp ? 'udp' : 'tcp',
      format: options.cid ? 'cid' : 'sia',
      supervision: options.supervision,
      ...(keyFile !== undefined && { key: readKey(keyFile) }),
      acknowledged: ({ sequence, data }) => tell(`ACK ${sequence} ${data}`),
      news: (news) => tell(panelSentence(news, options)),
    });
    return [panel];
  },
  async receiver(options, tell) {
    const receiver = await startReceiver({
      end: options.to === undefined ? endOf(options, '4001') : { dial: hostPortOf('to', options.to) },
      account: options.account,
      protocol: oneOf('protocol', options.protocol, receiverProtocols),
      format: options.cid ? 'cid' : 'sia',
      heartbeat: options.supervision,
      acknowledged: (line) => tell(`ACK ${line}`),
    });
    return [receiver];
  },
  async fence(options, tell) {
    const model = oneOf('model', options.model, fenceModels);
    return await startFences({
      end: endOf(options, '1502'),
      framing: options.rtu || options.serial !== undefined ? 'rtu' : 'tcp',
      units: [{ id: 'fence', unit: options.unit, model }],
      switched: (coil, on) => tell(`coil ${coil} ${on ? 'on' : 'off'}`),
    });
  },
  reader: async (options) => [
    await startReader({ end: endOf(options, '4001'), format: oneOf('format', options.format, cardFormats) }),
  ],
  async osdp(options, tell) {
    const keyFile = options['key-file'];
    const key = keyFile === undefined ? undefined : readKey(keyFile);
    return await startOsdpReaders({
      end: endOf(options, '4001'),
      readers: [{ id: 'reader', address: options.address, key, checksum: options.checksum }],
      shown: (_id, text) => tell(`shows "${text}"`),
    });
  },
  sign: async (options, tell) => [
    await startSign({ end: endOf(options, '4001'), shows: (text) => tell(`shows "${text}"`) }),
  ],
  async face({ kind, to, listen, username, 'serial-number': serial, 'password-file': file }) {
    if ((to === undefined) === (listen === undefined))
      throw new UsageError(
        say(
          '--to URL (where it pushes to) or --listen PORT (where it is read) is needed, one of them',
          '请给出 --to URL（推送地址）或 --listen 端口（被读取），二者之一',
        ),
      );
    const terminal = {
      kind: oneOf('kind', kind, terminalKinds),
      to: to === undefined ? undefined : urlOf(to),
      serial,
      username,
      listen: listen === undefined ? undefined : hostPortOf('listen', listen),
      password: file === undefined ? undefined : readSecretOf(file),
    };
    return [await startFaceTerminal(terminal)];
  },
  async camera({ listen, rtsp, username, discovery, 'password-file': file }, tell) {
    const { host, port } = hostPortOf('listen', listen ?? '8000');
    const password = file === undefined ? {} : { password: readSecretOf(file) };
    const camera = await startCamera({
      host,
      port,
      rtspPort: rtsp,
      username,
      discovery,
      did: tell,
      ...password,
    });
    tell(`rtsp://${host}:${rtsp}/main`);
    return [camera];
  },
  'gb28181-platform': async (options, tell) => [await startGb28181(options, tell)],
  viid: async (options, tell) => [await startViewLibrary(options, tell)],
};

/** Where a terminal pushes to; HOST:PORT will do. */
function urlOf(to: string): string {
  const url = /^https?:\/\//i.test(to) ? to : `http://${to}`;
  if (URL.canParse(url)) return url;
  throw new ValueError(
    say(
      `--to "${to}": a URL such as http://127.0.0.1:8081/push/face`,
      `--to "${to}"：应为 URL，如 http://127.0.0.1:8081/push/face`,
    ),
  );
}

/** What comes of what a panel sends, and what to look for. */
function panelSentence(news: PanelNews, { to, account, 'key-file': keyFile }: Options): string {
  switch (news.is) {
    case 'taken':
      return say(`${to} acknowledges what is sent (ACK)`, `${to} 已确认（ACK）`);
    case 'clock':
      return say('NAK: the time is wrong; the clock is set by it', 'NAK：时间有误；已按其校时');
    case 'not-understood':
      return keyFile === undefined
        ? say(
            `DUH: ${to} does not take it; does account ${account} have a keyFile there? Then --key-file`,
            `DUH：${to} 不接受；若对方为账号 ${account} 配置了 keyFile，请用 --key-file`,
          )
        : say(
            `DUH: ${to} does not take it; is ${keyFile} the keyFile of account ${account} there?`,
            `DUH：${to} 不接受；${keyFile} 与对方账号 ${account} 的 keyFile 是否一致？`,
          );
    case 'unanswered':
      return say(
        `no answer from ${to}, sent again: is a gateway there, is account ${account} in its config, and may it report from this address?`,
        `${to} 无应答，重发中：该处是否有网关？其配置中是否有账号 ${account}？是否允许从本机地址上报？`,
      );
    case 'closed':
      return say(`${to} closed the connection; tried again`, `${to} 关闭了连接；重连中`);
    case 'away':
      return say(
        `no connection to ${to} (${news.reason}); tried again`,
        `无法连接 ${to}（${news.reason}）；重试中`,
      );
  }
}

function endOf({ serial, baud, listen }: Options, fallback: string): WireEnd {
  if (serial !== undefined) return { serial, baudRate: baud };
  return { listen: hostPortOf('listen', listen ?? fallback) };
}
