import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { type Command, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import { timeOf } from './values.ts';
import { who } from './who.ts';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

const english = `campus-gateway log-level FILE DEVICE LEVEL [--for TIME]

  DEVICE       its id in FILE
  LEVEL        debug, info, warn, error. debug tells each observation, each answer and each order, never cards or passwords
  --for TIME   for so long, then it is as before: 10m (default), 1s to 24h

Asks the gateway over its data folder: run it as its user, or as root. The audit says who did it.

  campus-gateway log-level /etc/campus-gateway/campus.yaml fence-east debug --for 30m
  journalctl -u campus-gateway -f | grep fence-east`;
const chinese = `campus-gateway log-level FILE DEVICE LEVEL [--for TIME]

  DEVICE       FILE 中的设备编号
  LEVEL        debug、info、warn、error。debug 记录每次观测、应答和命令，绝不记录卡号和密码
  --for TIME   持续时间，之后恢复原状：10m（默认），1s 到 24h

通过数据目录向网关请求：须以网关的用户或 root 执行。执行者记入审计。

  campus-gateway log-level /etc/campus-gateway/campus.yaml fence-east debug --for 30m
  journalctl -u campus-gateway -f | grep fence-east`;

export const logLevel: Command = {
  name: 'log-level',
  summary: [
    'Have a running gateway’s log say more or less of a device, for a while',
    '临时调整运行中网关对某台设备的日志级别',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { for: { type: 'string', default: '10m' } },
    });
    const [file, device, wanted, ...more] = positionals;
    if (device === undefined || wanted === undefined || more.length > 0)
      throw new UsageError(say('FILE, DEVICE and LEVEL', '请给出 FILE、DEVICE 和 LEVEL'));
    const level = LEVELS.find((one) => one === wanted);
    if (level === undefined)
      throw new UsageError(
        say(
          `"${wanted}" is no level; there are: ${LEVELS.join(', ')}`,
          `没有级别“${wanted}”；可用：${LEVELS.join('、')}`,
        ),
      );
    const forMs = timeOf('for', values.for, '1s', '24h');
    const config = (await inForceOrErrors(file, terminal))?.config;
    if (config === undefined) return 1;
    if (!config.devices.some(({ id }) => id === device)) {
      const { meant } = await import('./words.ts');
      const ids = config.devices.map(({ id }) => id);
      const sentence = say(`there is no device ${device}`, `没有设备 ${device}`) + meant(device, ids);
      terminal.stderr.write(`${printable(sentence)}\n`);
      return 1;
    }
    const { askToAct } = await import('./health/act.ts');
    const { until } = (await askToAct(
      config.dataDir,
      'log-level',
      { device, level, for: forMs, by: who() },
      terminal.clock,
    )) as {
      until: string;
    };
    terminal.stdout.write(say(`${device}: ${level} until ${until}\n`, `${device}：${level}，至 ${until}\n`));
    return 0;
  },
};
