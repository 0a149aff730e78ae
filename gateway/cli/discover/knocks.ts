/**
 * Panels, receivers and terminals that report to this machine and are in no config. What comes is read as far as it
 * says who it is, and never acknowledged: whoever knocks keeps what he has to say for the gateway.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { dc09Decoder } from '../../../drivers/dc09/codec.ts';
import { receiverDecoder, understand } from '../../../drivers/receiver/codec.ts';
import type { DiscoverOptions, Found, HostPort, Look, Words } from './found.ts';
import { panelFound } from './panel.ts';
import { askWhoKnocked, portsOf } from './running.ts';

/** At one port at once; of one connection, bytes and ms. */
const CONNECTIONS_MAX = 64;
const BYTES_MAX = 65_536;
const CONNECTION_MS = 8000;
const HTTP = /^(GET|POST|PUT|HEAD|OPTIONS) (\S{1,2000}) HTTP\/1/;

/** Marks by which a maker's terminal is known, and its profile in config/profiles/; the first that fits. */
const terminals: readonly (readonly [RegExp, string])[] = [
  [/\/iclock\//i, 'zkteco-push'],
  [/EventNotificationAlert|AccessControllerEvent/, 'hikvision-face'],
  [/\/LAPI\/|RelatedPersonList|LibMatInfoList|PersonVerification/i, 'uniview-face'],
  [/"Events?"\s*:|AccessControl|"Action"\s*:\s*"Pulse"/, 'dahua-face'],
];

interface Knock {
  readonly from: string;
  readonly port: number;
  readonly bytes: Buffer;
}
const everywhere = (port: number): HostPort => ({ host: '0.0.0.0', port });

/** undefined: nothing in it says who knocks, yet or at all. */
function readKnock({ from, port, bytes }: Knock): Found | undefined {
  const text = bytes.toString('latin1');
  const [, , path = ''] = HTTP.exec(text) ?? [];
  if (path !== '') return terminalOf({ from, port, path, text });
  for (const one of dc09Decoder().push(bytes)) {
    if (!('frame' in one)) continue;
    const { account = /^#([0-9A-Za-z]{1,16})\|/.exec(one.frame.data ?? '')?.[1], cipherText } = one.frame;
    if (account !== undefined && /^[0-9A-Za-z]{3,16}$/.test(account))
      return panelFound(everywhere(port), account, from, cipherText !== undefined);
  }
  for (const one of receiverDecoder().push(bytes)) {
    const line = 'frame' in one ? understand(one.frame.text)?.line : undefined;
    if (line === undefined || line.is === 'other') continue;
    const account = 'account' in line && /[1-9A-F]/i.test(line.account) ? line.account : undefined;
    return {
      kind: 'receiver',
      driver: 'receiver',
      address: `${port} receiver`,
      device: {
        id: `receiver-${port}`,
        driver: 'receiver',
        listen: everywhere(port),
        accounts: [{ account: account ?? '1234' }],
      },
      words:
        account === undefined
          ? {
              en: `an alarm receiver at ${from}; put the accounts of its panels in the place of 1234`,
              zh: `${from} 的报警接收机；请将 1234 换成各主机的账号`,
            }
          : { en: `an alarm receiver at ${from}`, zh: `${from} 的报警接收机` },
    };
  }
  return undefined;
}

/** By where it knocks and by the words of its maker; nothing of whom it tells is kept. */
function terminalOf(knock: { from: string; port: number; path: string; text: string }): Found {
  const { from, port, path, text } = knock;
  const [, profile = 'hikvision-face'] = terminals.find(([mark]) => mark.test(`${path}\n${text}`)) ?? [];
  const isKnown = terminals.some(([mark]) => mark.test(`${path}\n${text}`));
  const serial = /[?&]SN=([\w-]{1,40})/.exec(path)?.[1];
  const id = `terminal-${serial ?? from.replace(/\W+/g, '-')}`;
  const plain = path.replace(/\?.*$/s, '').slice(0, 100);
  const aim: Words =
    profile === 'zkteco-push'
      ? { en: '', zh: '' }
      : {
          en: `; it knocks at ${plain}: set it to /push/${id}`,
          zh: `；请求路径 ${plain}：请在设备上改为 /push/${id}`,
        };
  const doubt: Words = isKnown
    ? { en: '', zh: '' }
    : { en: `; its maker is not known: ${profile} is an example`, zh: `；未识别厂商：${profile} 为示例` };
  return {
    kind: 'terminal',
    driver: 'http-push',
    address: `${port} ${serial ?? from}`,
    device: {
      id,
      driver: 'http-push',
      listen: everywhere(port),
      profile,
      ...(serial === undefined ? { from: [from] } : { serial }),
    },
    words: { en: `a terminal at ${from}${aim.en}${doubt.en}`, zh: `${from} 的终端${aim.zh}${doubt.zh}` },
  };
}

/** 503: it keeps what it has, and comes again. */
const LATER =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
/** A request whose body is there, or whose head says that none comes. */
function isWholeHttp(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  const length = Number(/^content-length:\s*(\d{1,9})/im.exec(text)?.[1] ?? 0);
  return end >= 0 && text.length >= Math.min(end + 4 + length, BYTES_MAX);
}

const plain = (address = '') => address.replace(/^::ffff:/, '');

function serve(socket: Socket, port: number, { clock }: DiscoverOptions, knocked: (knock: Knock) => boolean) {
  const from = plain(socket.remoteAddress);
  let bytes: Buffer = Buffer.alloc(0);
  const finish = () => {
    if (bytes.length > 0) knocked({ from, port, bytes });
    if (HTTP.test(bytes.toString('latin1', 0, 2100))) socket.end(LATER);
    else socket.destroy();
  };
  const late = clock.after(CONNECTION_MS, finish);
  socket.on('error', () => {});
  socket.once('close', () => late.stop());
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]).subarray(0, BYTES_MAX);
    const text = bytes.toString('latin1');
    const isHttp = HTTP.test(text);
    if (isHttp && !isWholeHttp(text)) return;
    if (!isHttp && bytes.length < BYTES_MAX && readKnock({ from, port, bytes }) === undefined) return;
    late.stop();
    finish();
  });
}

/** @throws Error where the port cannot be had. */
async function listenAt(port: number, options: DiscoverOptions, knocked: (knock: Knock) => boolean) {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    serve(socket, port, options, knocked);
  });
  server.maxConnections = CONNECTIONS_MAX;
  const udp = createSocket('udp4');
  udp.on('message', (bytes, { address }) => knocked({ from: address, port, bytes }));
  const close = async () => {
    for (const socket of open) socket.destroy();
    await Promise.all([
      new Promise<void>((resolve) => server.close(() => resolve())),
      new Promise<void>((resolve) => udp.close(() => resolve())),
    ]);
  };
  try {
    const listening = [once(server, 'listening'), once(udp, 'listening')];
    server.listen({ port, host: '0.0.0.0' });
    udp.bind({ port, address: '0.0.0.0' });
    await Promise.all(listening);
  } catch (error) {
    await close().catch(() => {});
    throw error;
  }
  return { close };
}

export const waitForKnocks: Look = async (options, { found, note, progress }) => {
  const { listen = [], forMs, clock, signal, config } = options;
  const theirs = portsOf(config);
  const strange = new Set<string>();
  const knocked = (knock: Knock): boolean => {
    const one = readKnock(knock);
    if (one !== undefined) found(one);
    else if (!strange.has(`${knock.from} ${knock.port}`) && strange.size < CONNECTIONS_MAX) {
      strange.add(`${knock.from} ${knock.port}`);
      note({
        en: `${knock.from} said ${knock.bytes.length} bytes at port ${knock.port} that say nothing of who it is`,
        zh: `${knock.from} 向端口 ${knock.port} 发来 ${knock.bytes.length} 字节，无法识别`,
      });
    }
    return one !== undefined;
  };
  const listeners: { close(): Promise<void> }[] = [];
  for (const port of listen) {
    const device = theirs.get(port);
    if (device !== undefined) {
      note({
        en: `port ${port} is ${device}'s in the config: the gateway is asked who knocked there`,
        zh: `端口 ${port} 在配置中属于 ${device}：改为询问网关`,
      });
      continue;
    }
    try {
      listeners.push(await listenAt(port, options, knocked));
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      const taken = code === 'EADDRINUSE';
      note({
        en: `port ${port}: ${taken ? 'another program has it, such as a gateway that runs: left alone' : message}`,
        zh: `端口 ${port}：${taken ? '被其他程序（如运行中的网关）占用：跳过' : message}`,
      });
    }
  }
  const words: Words = { en: 'waiting for knocks', zh: '等待设备上报' };
  const from = clock.elapsed();
  const ticking = clock.every(Math.max(100, forMs / 50), () =>
    progress({ way: 'knock', words, done: Math.min(clock.elapsed() - from, forMs), total: forMs }),
  );
  try {
    await Promise.all([askWhoKnocked(options, { found, note }), clock.wait(forMs, signal)]);
  } finally {
    ticking.stop();
    for (const one of listeners) await one.close();
  }
};
