import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { printable } from '../printable.ts';
import { atMost, type Command, type Terminal } from './command.ts';
import { askGateway } from './health/ask.ts';
import type { HealthAnswer } from './health/show.ts';
import { inForceOrErrors } from './in-force.ts';

const english = `campus-gateway health FILE [--json | --compare BEFORE]

Asks the gateway that runs with this config, over the socket in its data folder or, for other users than its own and root,
through \`status\`: which devices answer, since when, why others do not, the faults and alarms that stand at each, and the
platforms. A device that was not heard of since the start has a question mark (in JSON null): it may be well and have said
nothing yet, as a panel or a terminal without \`supervision\`.

  --json            the answer as it is, for programs
  --compare BEFORE  only what is worse than in BEFORE, a file with an earlier answer (--json): the disk, a platform that was
                    connected, a driver whose devices answered; an upgrade is judged by it

Exit status 0 where it is healthy (with --compare: and nothing is worse), else 1. Healthy is a gateway whose disk takes events,
and so alarms: devices and platforms that are down, and faults, do not change it.

  campus-gateway health /etc/campus-gateway/campus.yaml
  campus-gateway health /etc/campus-gateway/campus.yaml --json > before.json`;
const chinese = `campus-gateway health FILE [--json | --compare BEFORE]

向使用该配置运行的网关查询状态，通过其数据目录中的套接字；网关用户和 root 以外的用户通过 \`status\`：哪些设备有应答、从何时起、
其他为何没有，各设备未恢复的故障和报警，以及各平台。启动后尚无消息的设备带问号（JSON 中为 null）：它可能正常，只是还没有说话，
例如没有设置 \`supervision\` 的主机或终端。

  --json            原样输出，供程序使用
  --compare BEFORE  只列出比 BEFORE（以前 --json 的输出文件）更差的：磁盘、曾经连接的平台、其设备曾有应答的驱动；升级以此判断

健康时退出状态为 0（加 --compare：没有变差），否则为 1。磁盘能保存事件、因而能保存报警的网关即为健康：设备和平台离线、故障不影响。

  campus-gateway health /etc/campus-gateway/campus.yaml
  campus-gateway health /etc/campus-gateway/campus.yaml --json > before.json`;

export const health: Command = {
  name: 'health',
  summary: ['Ask a running gateway how it is', '查询运行中的网关状态'],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, compare: { type: 'string' } },
    });
    atMost(1, positionals);
    const [file] = positionals;
    const { stdout, stderr, clock } = terminal;
    const config = (await inForceOrErrors(file, terminal))?.config;
    if (config === undefined) return 1;
    const before = values.compare === undefined ? undefined : readBefore(values.compare);
    const told = await askGateway(config, clock);
    if (told === undefined) {
      const place = config.status && `${config.status.host}:${config.status.port}`;
      const where = [config.dataDir, place].filter((one) => one !== undefined).join(', ');
      stderr.write(say(`no gateway answers at ${where}\n`, `${where} 没有网关响应\n`));
      return 1;
    }
    const { status, text, answer } = told;
    if (before !== undefined) {
      const driverOf = (device: string) => config.devices.find(({ id }) => id === device)?.driver;
      return tellWorse(before, answer ?? {}, driverOf, terminal);
    }
    if (values.json || answer === undefined) stdout.write(text);
    else {
      const { showHealth } = await import('./health/show.ts');
      for (const line of showHealth(answer)) stdout.write(`${printable(line)}\n`);
    }
    return status === 200 ? 0 : 1;
  },
};

/** @throws Error with a sentence where it is no answer of a gateway. */
function readBefore(file: string): HealthAnswer {
  try {
    const read: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (typeof read !== 'object' || read === null) throw new Error('it is no object');
    return read as HealthAnswer;
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      say(
        `${file} cannot be read as an answer of health --json: ${message}`,
        `${file} 不是 health --json 的输出：${message}`,
      ),
    );
  }
}

/** @returns the exit status. */
async function tellWorse(
  before: HealthAnswer,
  now: HealthAnswer,
  driverOf: (device: string) => string | undefined,
  { stdout }: Terminal,
): Promise<0 | 1> {
  const { worseThan } = await import('./health/compare.ts');
  const worse = worseThan(before, now, driverOf);
  for (const line of worse) stdout.write(`${printable(line)}\n`);
  return worse.length === 0 ? 0 : 1;
}
