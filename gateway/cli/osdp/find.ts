/** Readers on a line of which nobody knows how they are set. */
import { say } from '../../../config/language.ts';
import { type LineConnection, lineConnection } from '../../../drivers/line.ts';
import { baudRates, type Found, findReaders } from '../../../drivers/osdp/find.ts';
import { printable } from '../../printable.ts';
import { progress, type Terminal, UsageError, untilStopped } from '../command.ts';
import { timeOf, wholeOf } from '../values.ts';

interface Wanted {
  readonly port: string | undefined;
  readonly baud?: string | undefined;
  readonly answerTime: string;
  readonly all: boolean;
}

/** The line at each rate that is to be tried. @throws UsageError. */
function connectionsOf({ port, baud }: Wanted): readonly LineConnection[] {
  const isPath = port?.startsWith('/') === true;
  const rates = baud === undefined ? baudRates : [wholeOf('baud', baud, 300, 4_000_000)];
  const given = isPath ? rates.map((baudRate) => ({ serial: port, baudRate })) : [{ serialServer: port }];
  const parsed = given.map((one) => lineConnection.safeParse(one));
  if (port === undefined || parsed.some(({ success }) => !success) || (!isPath && baud !== undefined))
    throw new UsageError(
      say(
        'a serial port (/dev/...), with a --baud that it knows, or HOST:PORT of a serial server, which has its own',
        '串口（/dev/...，可指定 --baud），或串口服务器的 HOST:PORT（波特率由其自身设定）',
      ),
    );
  return parsed.flatMap(({ data }) => (data === undefined ? [] : [data]));
}

/** A device of the config. */
function deviceOf({ connection, address, id, checksum, secureChannel }: Found): string {
  const where =
    'serial' in connection
      ? `serial: ${connection.serial}, baudRate: ${connection.baudRate}`
      : `serialServer: "${connection.serialServer.host}:${connection.serialServer.port}"`;
  const about = [
    ...(id === undefined
      ? []
      : [`maker ${id.vendor}, model ${id.model}, serial ${id.serial}, firmware ${id.firmware}`]),
    ...(secureChannel ? [say('secure channel', '支持安全通道')] : []),
    ...(checksum ? [say('checksum', '校验和')] : []),
  ];
  const device = `- { id: reader-${address}, driver: osdp, connection: { ${where} }, address: ${address} }`;
  return about.length === 0 ? device : `${device} # ${about.join('; ')}`;
}

/** @returns the exit status: 1 where nobody was found. */
export async function find(wanted: Wanted, terminal: Terminal): Promise<0 | 1> {
  const connections = connectionsOf(wanted);
  const patience = timeOf('answer-time', wanted.answerTime, '20ms', '5s');
  const { stdout, stderr, clock } = terminal;
  const stop = new AbortController();
  void untilStopped(terminal).then(() => stop.abort());
  let found = 0;
  let bar = progress(terminal, say('rates tried', '已试波特率'), connections.length, 1);
  let left = connections.length;
  await findReaders({
    connections,
    patience,
    all: wanted.all,
    host: { clock, signal: stop.signal },
    found(reader) {
      found++;
      // A line of its own, below that of the bar.
      bar.end();
      stdout.write(`${printable(deviceOf(reader))}\n`);
    },
    asking(now) {
      if (now > left) {
        bar.end();
        bar = progress(terminal, say('addresses tried', '已试地址'), now, 1);
      }
      left = now;
      bar.step();
    },
  });
  bar.end();
  stderr.write(say(`${found} reader${found === 1 ? '' : 's'} answered\n`, `${found} 台读卡器应答\n`));
  return found > 0 ? 0 : 1;
}
