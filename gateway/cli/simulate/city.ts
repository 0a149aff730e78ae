/** `simulate city`: campuses by the thousand at the level of MQTT, and what came of their events. */
import { parseArgs } from 'node:util';
import { say } from '../../../config/language.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf } from '../../../drivers/files.ts';
import {
  type CityProgress,
  type CityReport,
  cityFaults,
  type Latency,
  runCity,
} from '../../../simulators/city.ts';
import { printable } from '../../printable.ts';
import { type Terminal, UsageError, untilStopped } from '../command.ts';
import { lengthOf, numberOf, oneOf, timeOf, wholeOf } from '../values.ts';

/** A campus takes some 120 kB; what a machine and a broker have room for. */
const CAMPUSES_MAX = 20_000;
const ALARMS_MAX = 1_000_000;
/** From here on it is said that the simulator was late. */
const LATE_MS = 50;

/** @returns the exit status: 1 where something was lost. @throws where an option is wrong, or no broker is there. */
export async function simulateCity(args: readonly string[], terminal: Terminal): Promise<number> {
  const { urls, options } = readCityOptions(args);
  const stop = new AbortController();
  const { stdout, stderr, clock: time } = terminal;
  void untilStopped(terminal).then(() => stop.abort());
  const tell = (progress: CityProgress) => {
    if (stderr.isTTY) stderr.write(`\r${lineOf(progress, options.campuses)}   `);
  };
  const report = await runCity({ ...options, urls, time, signal: stop.signal, tell });
  if (stderr.isTTY) stderr.write('\n');
  stdout.write(`${reportOf(report, options.receipts).map(printable).join('\n')}\n`);
  return report.undelivered > 0 || (report.lost ?? 0) > 0 ? 1 : 0;
}

function readCityOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      to: { type: 'string', multiple: true, default: [] },
      campuses: { type: 'string', default: '1500' },
      rate: { type: 'string', default: '1' },
      alarms: { type: 'string', default: '0' },
      within: { type: 'string', default: '10s' },
      for: { type: 'string', default: '60s' },
      desk: { type: 'string', default: '0s' },
      receipts: { type: 'boolean', default: false },
      observe: { type: 'boolean', default: true },
      fault: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      protocol: { type: 'string' },
      username: { type: 'string' },
      ca: { type: 'string' },
    },
  });
  const { to: urls, username, ca } = values;
  if (urls.length === 0 || !urls.every((url) => URL.canParse(url)))
    throw new UsageError(
      say('--to URL: which broker? mqtt://HOST:1883', '--to URL：哪个平台？mqtt://主机:1883'),
    );
  const password = process.env['MQTT_PASSWORD'];
  return {
    urls,
    options: {
      campuses: wholeOf('campuses', values.campuses, 1, CAMPUSES_MAX),
      rate: numberOf('rate', values.rate, 0, 1000),
      alarms: wholeOf('alarms', values.alarms, 0, ALARMS_MAX),
      withinMs: timeOf('within', values.within, '0s', '1h'),
      forMs: lengthOf('for', values.for),
      deskMs: timeOf('desk', values.desk, '0s', '30d'),
      receipts: values.receipts,
      observe: values.observe,
      faults: values.fault.map((one) => oneOf('fault', one, cityFaults)),
      seed: wholeOf('seed', values.seed, 0, 4_294_967_295),
      mqtt: {
        ...(values.protocol !== undefined && {
          protocolVersion:
            oneOf('protocol', values.protocol, ['5', '4']) === '5' ? (5 as const) : (4 as const),
        }),
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password }),
        ...(ca !== undefined && { ca: readBytesOf(ca, CERTIFICATE_FILE_MAX) }),
      },
    },
  };
}

function lineOf({ made, delivered, seen, connected, open }: CityProgress, campuses: number): string {
  const there = seen === undefined ? '' : say(`, ${seen} seen`, `，看到 ${seen}`);
  const desk = open === 0 ? '' : say(`, ${open} alarms to close`, `，待结案报警 ${open}`);
  return say(
    `${connected}/${campuses} connected, ${made} made, ${delivered} delivered${there}${desk}`,
    `在线 ${connected}/${campuses}，产生 ${made}，送达 ${delivered}${there}${desk}`,
  );
}

const ms = (value: number) => `${Math.round(value)} ms`;
const timesOf = ({ count, p50, p99, most }: Latency) =>
  count === 0 ? '-' : `p50 ${ms(p50)}, p99 ${ms(p99)}, ${say('at most', '最大')} ${ms(most)}`;

/** What desks did, and what is left of it: only a campus that is there can be told. */
function deskOf({ raised, taken, closed }: CityReport['desk']): string[] {
  const open = raised - closed;
  return [
    ...(taken + closed === 0
      ? []
      : [
          say(
            `${raised} alarms raised, ${taken} taken and ${closed} closed by a desk`,
            `产生报警 ${raised}，值班台确认 ${taken}，结案 ${closed}`,
          ),
        ]),
    ...(open === 0
      ? []
      : [
          say(
            `${open} alarms are over and not closed, and stay in the duty list: with --desk 30m the campuses wait for a desk to close them`,
            `${open} 个报警已恢复但未结案，仍留在值班列表中：用 --desk 30m 可让各校园在线等待值班台结案`,
          ),
        ]),
  ];
}

/** Lines for people. */
export function reportOf(report: CityReport, receipts: boolean): string[] {
  const { made, delivered, undelivered, lost, twice, backAfterMs } = report;
  const by = receipts ? say('by receipt', '以回执计') : say('by PUBACK', '以 PUBACK 计');
  return [
    say(
      `${made} events made, ${delivered} delivered (${by}), ${undelivered} undelivered`,
      `产生 ${made} 个事件，送达 ${delivered}（${by}），未送达 ${undelivered}`,
    ),
    ...(made > 0 && delivered === 0
      ? [
          say(
            'nothing was delivered: is the platform there, and may this user of the broker write and read all of campus/v1?',
            '全部未送达：平台是否在运行？该消息服务器用户是否有权读写 campus/v1 下的全部主题？',
          ),
        ]
      : []),
    lost === undefined
      ? say('nobody looked what of them came', '未观察实际到达情况')
      : report.isSettled
        ? say(`${lost} lost, ${twice} came twice`, `丢失 ${lost}，重复 ${twice}`)
        : say(
            `stopped early: ${lost} not seen yet, ${twice} came twice`,
            `提前停止：尚未看到 ${lost}，重复 ${twice}`,
          ),
    ...((lost ?? 0) > 0 && undelivered === 0 && report.isSettled
      ? [
          say(
            'the broker acknowledged them and did not pass them on: the queue of a slow consumer (mosquitto: max_queued_messages), or a node that it lost; receipts find that out',
            '平台确认后未转发：消费者较慢时队列溢出（mosquitto：max_queued_messages），或丢失了节点；使用回执可以发现',
          ),
        ]
      : []),
    `${say('latency', '延迟')}: ${timesOf(report.delivery)}`,
    ...(report.alarms.count > 0 ? [`${say('alarms', '报警')}: ${timesOf(report.alarms)}`] : []),
    ...deskOf(report.desk),
    ...(report.lateness.p99 < LATE_MS
      ? []
      : [
          say(
            `this machine was late itself, by ${timesOf(report.lateness)}: so much of the latencies is not the broker's`,
            `本机自身有延误：${timesOf(report.lateness)}；延迟中的这一部分不是平台造成的`,
          ),
        ]),
    ...(backAfterMs === undefined
      ? []
      : [
          say(
            `all connected again after ${(backAfterMs / 1000).toFixed(1)} s`,
            `${(backAfterMs / 1000).toFixed(1)} 秒后全部重新连接`,
          ),
        ]),
  ];
}
