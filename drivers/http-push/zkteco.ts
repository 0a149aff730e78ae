/**
 * ZKTeco's push (iclock, ADMS): the terminal asks for its settings, sends tables, and asks for orders now and then. It
 * drops from its memory what is answered as it expects, and sends again, for ever, what is not.
 *
 *   attendance   GET cdata?options=all -> settings; POST cdata?table=ATTLOG -> OK: rows
 *   access       GET cdata?options=all&DeviceType=acc -> OK; POST registry -> RegistryCode=; push -> settings;
 *                POST cdata?table=rtlog -> OK; table=tabledata&tablename=NAME -> NAME=rows
 *
 * Older firmware says cdata.aspx. From the documents that zkteco-tables.ts names.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Host } from '../contract/driver.ts';
import { bodyOf, hearingOf, type Pushing, statusOf } from './push.ts';
import { LINE_ENDS } from './zkteco-tables.ts';

/** What says only that it is there. What else it tells is counted: results of orders that nobody gave. */
const SAYINGS: readonly string[] = ['getrequest', 'ping'];

/** What it says in its address; names as firmware spells them. */
function queryOf({ query }: FastifyRequest) {
  const said = Object.entries(query as object).map(([name, value]) => [name.toLowerCase(), value] as const);
  const { sn, table, tablename, devicetype } = Object.fromEntries(said) as Readonly<Record<string, unknown>>;
  return { SN: sn, table, tablename, DeviceType: devicetype };
}
type Query = ReturnType<typeof queryOf>;

const textOf = (value: unknown) => (typeof value === 'string' ? value : '');
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** Only what happened is sent, as it happens: no templates of faces and fingers, no lists of users. */
const attendanceSettings = (serial: string) =>
  `GET OPTION FROM: ${serial}\nStamp=9999\nOpStamp=9999\nErrorDelay=30\nDelay=10\nTransFlag=1100000000\nRealtime=1\nEncrypt=0\n`;
const accessSettings = (serial: string) =>
  [
    'ServerVersion=3.0.1',
    'ServerName=campus-gateway',
    'PushVersion=3.0.1',
    'ErrorDelay=30',
    'RequestDelay=3',
    'TransTimes=00:00;14:00',
    'TransInterval=1',
    'TransTables=Transaction',
    'Realtime=1',
    `SessionID=${hashOf(`session ${serial}`)}`,
    'TimeoutSec=10',
    '',
  ].join('\n');
/** The same for a terminal at all times: it asks with it. */
const registryCode = (serial: string) => `RegistryCode=${hashOf(`registry ${serial}`)}\n`;

export function serveZkteco(server: FastifyInstance, terminals: readonly Pushing[], host: Host): void {
  /** The access terminals that registered since the port was opened. */
  const registered = new Set<string>();
  const whose = (request: FastifyRequest) => {
    const { SN } = queryOf(request);
    return terminals.find(
      ({ terminal: { options } }) => options.serial !== undefined && options.serial === SN,
    );
  };

  const greet = (serial: string, { DeviceType }: Query): string => {
    const isAccess = textOf(DeviceType).toLowerCase() === 'acc';
    if (registered.has(serial)) return `registry=ok\n${registryCode(serial)}${accessSettings(serial)}`;
    // It registers when it hears nothing but OK.
    return isAccess ? 'OK' : attendanceSettings(serial);
  };
  const handle = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const pushing = request.pushing as Pushing;
    const { id, options } = pushing.terminal;
    const serial = options.serial ?? '';
    const query = queryOf(request);
    const { '*': path = '' } = request.params as { '*'?: string };
    // Some firmware says the folder twice.
    const what = path
      .replace(/^iclock\//, '')
      .replace(/\.aspx$/i, '')
      .toLowerCase();
    const isTold = request.method === 'POST';
    if (what === 'cdata')
      return isTold
        ? await takeTable(pushing, query, { request, reply, host })
        : await reply.send(greet(serial, query));
    if (what === 'registry') {
      registered.add(serial);
      return await reply.send(registryCode(serial));
    }
    if (what === 'push') return await reply.send(accessSettings(serial));
    if (isTold && !SAYINGS.includes(what)) host.unmapped(id, `iclock/${what}`);
    return await reply.send('OK');
  };
  server.get('/iclock/*', { config: { whose } }, handle);
  server.post('/iclock/*', { config: { whose } }, handle);
}

async function takeTable(
  { intake, terminal }: Pushing,
  { table: named, tablename }: Query,
  {
    request,
    reply,
    host,
  }: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly host: Pick<Host, 'unmapped'>;
  },
): Promise<FastifyReply> {
  const outer = textOf(named);
  const isNested = outer.toLowerCase() === 'tabledata';
  const table = isNested ? textOf(tablename) : outer;
  const bytes = bodyOf(request);
  // Its parameters, with commas between; a picture, with its name before it.
  if (/^(options|attphoto)$/i.test(outer)) {
    host.unmapped(terminal.id, `iclock/${outer.toLowerCase()}`);
    return await reply.send('OK');
  }
  const taken = await intake({ contentType: 'text/plain', bytes, table, hearing: hearingOf(reply) });
  if (taken.is !== 'taken') return await reply.code(statusOf[taken.is]).send();
  if (isNested) return await reply.send(`${table}=${rowsIn(bytes)}`);
  return await reply.send(/^rt/i.test(outer) ? 'OK' : `OK: ${rowsIn(bytes)}`);
}

const rowsIn = (bytes: Buffer) =>
  bytes
    .toString('latin1')
    .split(LINE_ENDS)
    .filter((line) => line.trim() !== '').length;
