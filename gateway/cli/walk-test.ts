import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { Config } from '../../config/schema.ts';
import { type Command, configOrErrors, UsageError } from './command.ts';
import { inForceOrErrors } from './in-force.ts';
import { oneOf, timeOf } from './values.ts';

const english = `campus-gateway walk-test FILE [--area ID]... [--for 1h] [--until-complete] [--out REPORT.pdf]
campus-gateway walk-test FILE --begin [--area ID]... [--for 1h]
campus-gateway walk-test FILE --end [--out REPORT.pdf]
campus-gateway walk-test FILE --list
campus-gateway walk-test FILE --report ID --out REPORT.pdf

Somebody walks the campus and trips each zone, button, reader, door and camera; a line is printed for each, with how long it
took to the disk, to the platforms and back to the lamp of who pressed. Platforms are told that it is a test: alarms of what
is under test bear a mark and move no siren, all else alarms as ever. It is the running gateway that tests: it goes on where
this terminal is closed, over restarts too, and ends by itself. Run by the gateway's user or by root.

  --area ID          an area under test; may be named again; default the whole campus
  --for TIME         it ends by itself after 1m to 8h; default 1h
  --until-complete   ends it once every point was tested
  --out FILE         writes the report: .pdf (by Chromium, else .html beside it), .html or .json
  --language en|zh   of the report; default this terminal's
  --begin            begins it and returns
  --end              ends the one that runs
  --list             the reports that are kept
  --report ID        one of them

What is heard and not told, as of a zone whose area is disarmed, counts as not tested (○): arm the area and trip it again.

Exit status 0 where every point was tested, 1 where some were not, or where something else is under test already, 3 where no
gateway answers.

  campus-gateway walk-test /etc/campus-gateway/campus.yaml --for 1h --out report.pdf`;
const chinese = `campus-gateway walk-test 配置 [--area 分区]... [--for 1h] [--until-complete] [--out 报告.pdf]
campus-gateway walk-test 配置 --begin [--area 分区]... [--for 1h]
campus-gateway walk-test 配置 --end [--out 报告.pdf]
campus-gateway walk-test 配置 --list
campus-gateway walk-test 配置 --report 编号 --out 报告.pdf

逐点步测：在校园内依次触发每个防区、按钮、读卡器、门和摄像机，每触发一个显示一行，并给出写盘、平台及回执灯的响应时间。平台会被告知这是测试：
测试范围内的报警带测试标记且不联动警号，其余照常报警。步测由运行中的网关进行，关闭本终端或重启网关后仍继续，到时自动结束。须以网关的用户或 root 执行。

  --area 分区        测试的分区，可重复；默认全校
  --for 时间         1m 到 8h 后自动结束；默认 1h
  --until-complete   所有点位都测过即结束
  --out 文件         写出报告：.pdf（需 Chromium，否则写 .html）、.html 或 .json
  --language en|zh   报告语言；默认随终端
  --begin            开始后即返回
  --end              结束正在进行的步测
  --list             列出保存的报告
  --report 编号      其中一份

已收到但未上报的点位（如所在区域未布防）计为未测（○）：请布防后再次触发。

退出状态：0 全部测过；1 有未测点位，或已有其他范围的步测；3 没有网关应答。

  campus-gateway walk-test /etc/campus-gateway/campus.yaml --for 1h --out report.pdf`;

async function noArea(area: string, { areas, file }: Config): Promise<UsageError> {
  if (areas.length === 0)
    return new UsageError(
      say(
        `there is no area ${area}, for ${file} has none: leave --area out, and the whole campus is walked`,
        `没有分区 ${area}，${file} 中未设分区：请去掉 --area，测试全校`,
      ),
    );
  const { meant } = await import('./words.ts');
  const ids = areas.map(({ id }) => id);
  return new UsageError(say(`there is no area ${area}`, `没有分区 ${area}`) + meant(area, ids));
}

export const walkTest: Command = {
  name: 'walk-test',
  summary: [
    'Try each point of a campus on a walk, and write the commissioning report',
    '逐点步测并生成验收报告',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        area: { type: 'string', multiple: true },
        for: { type: 'string', default: '1h' },
        'until-complete': { type: 'boolean', default: false },
        out: { type: 'string' },
        language: { type: 'string' },
        begin: { type: 'boolean', default: false },
        end: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        report: { type: 'string' },
      },
    });
    const { begin, end, list, report, out, area: areas } = values;
    if ([begin, end, list, report !== undefined].filter(Boolean).length > 1)
      throw new UsageError(
        say('one of --begin, --end, --list and --report', '--begin、--end、--list、--report 只能选一个'),
      );
    const forMs = timeOf('for', values.for, '1m', '8h');
    const language =
      values.language === undefined ? undefined : oneOf('language', values.language, ['en', 'zh'] as const);
    const { beginWalk, checkOut, endWalk, followWalk, listReports, tellReport } = await import(
      './walk-test/session.ts'
    );
    checkOut(out);
    const config =
      list || report !== undefined
        ? (await inForceOrErrors(positionals[0], terminal))?.config
        : await configOrErrors(positionals[0], terminal);
    if (config === undefined) return 1;
    const missing = areas?.find((area) => !config.areas.some(({ id }) => id === area));
    if (missing !== undefined) throw await noArea(missing, config);
    const { dataDir, file } = config;
    const untilComplete = values['until-complete'];
    const wanted = { dataDir, file, forMs, areas: areas ?? null, untilComplete, out, language };
    if (list) return await listReports(wanted, terminal);
    if (report !== undefined) return await tellReport(report, wanted, terminal);
    if (end) return await endWalk(wanted, terminal);
    if (!begin) return await followWalk(wanted, terminal);
    return (await beginWalk(wanted, terminal)) === undefined ? 1 : 0;
  },
};
