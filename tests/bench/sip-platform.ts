/**
 * A platform of GB/T 28181 for the benches, over UDP: lets whoever registers in, answers each message at once, and says
 * when an alarm came. By the standard, without our codec.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { freePort } from '../free-port.ts';
import { clock } from './load.ts';

const headerOf = (text: string, name: string) =>
  new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim() ?? '';

export interface SipPlatform {
  readonly port: number;
  readonly registered: Promise<void>;
  /** When an alarm came and was answered, by the id of its event (`eventId: true`). */
  readonly alarms: ReadonlyMap<string, number>;
  close(): void;
}

export async function sipPlatform(): Promise<SipPlatform> {
  const socket = createSocket('udp4');
  const port = await freePort();
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  const registered = Promise.withResolvers<void>();
  const alarms = new Map<string, number>();
  socket.on('message', (bytes, from) => {
    const text = bytes.toString('latin1');
    const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${headerOf(text, name)}`);
    const extra = text.startsWith('REGISTER')
      ? [`Contact: ${headerOf(text, 'Contact')}`, 'Expires: 3600']
      : [];
    const answer = ['SIP/2.0 200 OK', ...copied, ...extra, 'Content-Length: 0', '', ''].join('\r\n');
    socket.send(answer, from.port, from.address);
    if (text.startsWith('REGISTER')) registered.resolve();
    const id = /<CmdType>Alarm<.* ([0-9a-f-]{36})<\/AlarmDescription>/s.exec(text)?.[1];
    if (id !== undefined && !alarms.has(id)) alarms.set(id, clock());
  });
  return { port, registered: registered.promise, alarms, close: () => socket.close() };
}
