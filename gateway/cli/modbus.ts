import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import type { ModbusDevice } from '../../drivers/modbus/driver.ts';
import { type Command, configOrErrors, type Terminal, UsageError } from './command.ts';
import { lengthOf, timeOf, wholeOf } from './values.ts';

const LAST_ADDRESS = 65_535;
const MOST_AT_ONCE = 2000;

const noDevice = async (name: string, others: readonly string[]) => {
  const { meant } = await import('./words.ts');
  return new UsageError(
    say(`there is no Modbus device ${name}`, `没有 Modbus 设备 ${name}`) + meant(name, others),
  );
};

/** As a gateway has it. undefined: the config is wrong, which was said. @throws UsageError. */
async function wholeDevice(file: string, name: string, terminal: Terminal) {
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return undefined;
  const devices = config.devices.filter(({ driver }) => driver === 'modbus');
  const device = devices.find(({ id }) => id === name) as ModbusDevice | undefined;
  if (device !== undefined) return device;
  throw await noDevice(
    name,
    devices.map(({ id }) => id),
  );
}

/** Its line and its unit, whatever else the config says. undefined: these are wrong, which was said. @throws UsageError. */
async function deviceAlone(file: string, name: string, terminal: Terminal) {
  const { bareDevice, tellErrors } = await import('./modbus/bare.ts');
  const found = bareDevice(file, name);
  if ('others' in found) throw await noDevice(name, found.others);
  if (!('errors' in found)) return found;
  tellErrors(found.errors, terminal);
  return undefined;
}

const english = `campus-gateway modbus read CONFIG DEVICE [--once] [--for TIME] [--every 500ms]
campus-gateway modbus read CONFIG DEVICE --function 3 [--from 0] [--count 32]

Shows the registers that the device's profile names, each with its raw value and what the profile makes of it, then a line for
each that changes, until Ctrl-C. So a profile is written in front of the device: touch the fence, and see which bit moves.

  --function N   1 coils, 2 discrete inputs, 3 holding, 4 input registers: whatever is there, not what the profile names;
                 what the device refuses is said. Only the device's connection and unit are looked at: the profile may
                 be wrong or not written yet, and so may the rest of the config
  --from N       the first address, from 0 as on the wire (0x10 is good too); manuals often count from 1
  --count N      so many
  --once         shows them and ends

Nothing is written to the device. On a serial port stop the gateway first: it holds the line.

  campus-gateway modbus read /etc/campus-gateway/campus.yaml fence-east
  campus-gateway modbus read /etc/campus-gateway/campus.yaml fence-east --function 4 --count 100 --once`;
const chinese = `campus-gateway modbus read CONFIG DEVICE [--once] [--for TIME] [--every 500ms]
campus-gateway modbus read CONFIG DEVICE --function 3 [--from 0] [--count 32]

显示设备模型中的寄存器，每个的原始值和模型给出的含义，此后每有变化显示一行，直到 Ctrl-C。这样可在设备前编写模型：触碰围栏，看哪一位变化。

  --function N   1 线圈、2 离散输入、3 保持寄存器、4 输入寄存器：读取实际存在的，而不是模型中的；设备拒绝的会说明。只看设备的连接和站号：
                 模型可以有误或尚未编写，配置的其余部分也可以
  --from N       起始地址，与线路上相同，从 0 开始（也可写 0x10）；手册常从 1 开始
  --count N      数量
  --once         显示一次即结束

不向设备写入。使用串口时请先停止网关：它占用线路。

  campus-gateway modbus read /etc/campus-gateway/campus.yaml fence-east
  campus-gateway modbus read /etc/campus-gateway/campus.yaml fence-east --function 4 --count 100 --once`;

export const modbus: Command = {
  name: 'modbus',
  summary: [
    'Read a Modbus device: its points and what stands in its registers',
    '读取 Modbus 设备的点和寄存器',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        function: { type: 'string' },
        from: { type: 'string', default: '0' },
        count: { type: 'string', default: '32' },
        every: { type: 'string', default: '500ms' },
        for: { type: 'string' },
        once: { type: 'boolean', default: false },
      },
    });
    const [what, file, name] = positionals;
    if (what !== 'read' || file === undefined || name === undefined)
      throw new UsageError(say('read, a config file and a device of it', 'read、配置文件及其中的设备'));
    const from = wholeOf('from', values.from, 0, LAST_ADDRESS);
    const count = wholeOf('count', values.count, 1, Math.min(MOST_AT_ONCE, LAST_ADDRESS + 1 - from));
    const fn = values.function === undefined ? undefined : wholeOf('function', values.function, 1, 4);
    const everyMs = timeOf('every', values.every, '20ms', '1d');
    const forMs = values.for === undefined ? undefined : lengthOf('for', values.for);
    const device = await (fn === undefined ? wholeDevice : deviceAlone)(file, name, terminal);
    if (device === undefined) return 1;
    const { readDevice } = await import('./modbus/read.ts');
    return await readDevice(
      device,
      {
        range: fn === undefined ? undefined : { function: fn as 1 | 2 | 3 | 4, from, count },
        everyMs,
        forMs,
        once: values.once,
      },
      terminal,
    );
  },
};
