import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { type Command, UsageError } from './command.ts';

const english = `campus-gateway points export  CONFIG --csv LIST.csv | --xlsx LIST.xlsx
campus-gateway points import  LIST CONFIG [--dry-run] [--remove]
campus-gateway points replace CONFIG DEVICE KEY=VALUE... [--dry-run]

The point list of a campus as integrators exchange it: a row for each device, each panel behind a receiver, each zone.

  export     writes the list of a config: CSV (UTF-8, as Excel and WPS open it) or XLSX. An existing file is not overwritten
  import     takes a list into a config: names, places, areas, kinds of alarm, addresses, and devices and zones that are new.
             CSV in UTF-8 or GB18030, or XLSX; headings in English or Chinese, any order, any of them, in one of the first 20
             rows; columns such as No. and Remarks are passed over. An empty cell changes nothing, "-" takes out what stands
             there. What is wrong is told by row and column, and then nothing is changed.
             Of the config only what differs is written anew: comments stay
  replace    puts other hardware in the place of a device, under its id: with it stay its journal, states, zones, areas and rules.
             KEY as in the config, such as host, serial, connection.tcp; or address, as in a list. KEY=- takes a key out.
             Another driver is another device

  --dry-run  shows what would change, and changes nothing
  --remove   takes devices and zones out of the config that the list does not have

Columns: type, device, driver, address, unit, profile, account, zone, id, name, kind, area, alarms, place, options.
Exit status 0 done; 1 the list or the config is wrong; 3 a file cannot be read or written.

  campus-gateway points export /etc/campus-gateway/campus.yaml --xlsx points.xlsx
  campus-gateway points import points.xlsx /etc/campus-gateway/campus.yaml --dry-run
  campus-gateway points replace /etc/campus-gateway/campus.yaml yard address=10.0.0.57`;
const chinese = `campus-gateway points export  配置 --csv 点位表.csv | --xlsx 点位表.xlsx
campus-gateway points import  点位表 配置 [--dry-run] [--remove]
campus-gateway points replace 配置 设备编号 键=值... [--dry-run]

集成商交接用的点位表：每台设备、接收机下的每台主机、每个防区各一行。

  export     从配置导出：CSV（UTF-8，Excel、WPS 可直接打开）或 XLSX；不覆盖已有文件
  import     导入配置：名称、位置、区域、报警类型、地址，以及新增的设备和防区。CSV（UTF-8 或 GB18030）或 XLSX；
             列名中英文均可，顺序和多少不限，位于前 20 行之内；序号、备注等列不导入。空单元格不改动；“-”表示删除原值。
             有错误时按行、列指出，且不作任何改动。
             配置中只改写有变化之处，注释保留
  replace    原编号下更换硬件：记录、状态、防区、区域、规则随编号保留。键同配置，如 host、serial、connection.tcp；
             或 address，写法同点位表。键=- 表示删除。驱动不同则为另一台设备

  --dry-run  只显示将有的变化
  --remove   从配置中删除点位表里没有的设备和防区

列：类型、设备编号、驱动、地址、站号、型号、账号、防区号、点位编号、名称、报警类型、区域、布防方式、安装位置、其他参数。
退出状态：0 完成；1 点位表或配置有误；3 文件无法读写。

  campus-gateway points export /etc/campus-gateway/campus.yaml --xlsx points.xlsx
  campus-gateway points import points.xlsx /etc/campus-gateway/campus.yaml --dry-run
  campus-gateway points replace /etc/campus-gateway/campus.yaml yard address=10.0.0.57`;

export const points: Command = {
  name: 'points',
  summary: [
    'Exchange the point list as CSV or XLSX; replace a device',
    '导入、导出点位表（CSV、XLSX）；更换设备',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { positionals, values } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        csv: { type: 'string' },
        xlsx: { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        remove: { type: 'boolean', default: false },
      },
    });
    const [what, first, second, ...rest] = positionals;
    const { csv, xlsx, remove, 'dry-run': isTrial } = values;
    const { changePoints, exportPoints, importPoints } = await import('./points/files.ts');
    switch (what) {
      case 'export': {
        const out = csv ?? xlsx;
        if (
          first === undefined ||
          second !== undefined ||
          out === undefined ||
          (csv !== undefined && xlsx !== undefined)
        )
          throw new UsageError(
            say(
              'export: a config, and --csv LIST or --xlsx LIST',
              'export：配置文件，及 --csv 或 --xlsx 点位表',
            ),
          );
        return await exportPoints(first, out, csv === undefined ? 'xlsx' : 'csv', terminal);
      }
      case 'import':
        if (first === undefined || second === undefined || rest.length > 0)
          throw new UsageError(say('import: a list and a config', 'import：点位表和配置文件'));
        return await importPoints(first, second, { remove, isTrial }, terminal);
      case 'replace':
        if (first === undefined || second === undefined || rest.length === 0)
          throw new UsageError(
            say(
              'replace: a config, the id of a device, and KEY=VALUE',
              'replace：配置文件、设备编号和 键=值',
            ),
          );
        return await changePoints(first, second, rest, isTrial, terminal);
      default:
        throw new UsageError(say('export, import or replace', 'export、import 或 replace'));
    }
  },
};
