import { parseArgs } from 'node:util';
import { say } from '../../config/language.ts';
import { type Command, configOrErrors, UsageError } from './command.ts';
import { oneOf, wholeOf } from './values.ts';

/** 127 is everybody. */
const LAST_ADDRESS = 126;

const english = `campus-gateway osdp provision CONFIG [DEVICE...]
campus-gateway osdp set-line  CONFIG DEVICE --address N --baud N
campus-gateway osdp find      PORT [--baud N] [--answer-time 200ms] [--all]

  provision   Gives each reader with a keyFile its own key, over the one that every reader has from the factory.
              A key file that is not there is made (random, readable by its owner alone). A reader that has its
              key already is left alone; one that has another key must be reset first, by its maker's instructions.
  set-line    Gives a reader another address or baud rate; the config must then say the same.
  find        Looks for readers of which nobody knows how they are set, and prints a device of the config for each.
              Everybody (127) is asked who it is, at each baud rate; then each address where somebody was heard,
              or everywhere with --all. PORT: a serial port, or HOST:PORT of a serial server.
  DEVICE      default: all of the config

Stop the gateway first: it holds the line. Do this where nobody listens: the key travels under a key that
everybody knows.

  campus-gateway osdp find /dev/ttyUSB0
  campus-gateway osdp provision /etc/campus-gateway/campus.yaml gate-in`;
const chinese = `campus-gateway osdp provision CONFIG [DEVICE...]
campus-gateway osdp set-line  CONFIG DEVICE --address N --baud N
campus-gateway osdp find      PORT [--baud N] [--answer-time 200ms] [--all]

  provision   通过所有读卡器出厂时共有的密钥，给每个配有 keyFile 的读卡器写入自己的密钥。密钥文件不存在时自动生成（随机，仅所有者可读）。
              已有该密钥的读卡器不变；有其他密钥的须先按厂家说明复位。
  set-line    更改读卡器的地址或波特率；之后配置须与之一致。
  find        查找不知如何设置的读卡器，并为每个打印一段设备配置。以每种波特率向所有读卡器（127）询问，然后逐一询问有应答的波特率上的
              每个地址；加 --all 则询问所有波特率。PORT：串口，或串口服务器的 HOST:PORT。
  DEVICE      默认：配置中的全部

请先停止网关：它占用线路。请在无人监听之处进行：密钥是在人人皆知的密钥保护下传送的。

  campus-gateway osdp find /dev/ttyUSB0
  campus-gateway osdp provision /etc/campus-gateway/campus.yaml gate-in`;

export const osdp: Command = {
  name: 'osdp',
  summary: [
    'Find OSDP readers, give them their keys and their addresses',
    '查找 OSDP 读卡器，设置密钥和地址',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        address: { type: 'string' },
        baud: { type: 'string' },
        'answer-time': { type: 'string', default: '200ms' },
        all: { type: 'boolean', default: false },
      },
    });
    const [what, file, ...names] = positionals;
    if (what === 'find') {
      const { find } = await import('./osdp/find.ts');
      return await find({ port: file, ...values, answerTime: values['answer-time'] }, terminal);
    }
    if ((what !== 'provision' && what !== 'set-line') || file === undefined)
      throw new UsageError(
        say(
          'provision or set-line, and a config file; or find, and a port',
          'provision 或 set-line，及配置文件；或 find，及端口',
        ),
      );
    const { address, baud } = values;
    const { baudRates } = await import('../../drivers/osdp/find.ts');
    const wanted = {
      address: address === undefined ? undefined : wholeOf('address', address, 0, LAST_ADDRESS),
      baudRate: baud === undefined ? undefined : Number(oneOf('baud', baud, baudRates.map(String))),
    };
    const { makeKeys, provisionReaders, setLine } = await import('./osdp/readers.ts');
    if (what === 'provision') makeKeys(file, terminal);
    const config = await configOrErrors(file, terminal);
    if (config === undefined) return 1;
    const readers = config.devices.filter(
      ({ id, driver }) => driver === 'osdp' && (names.length === 0 || names.includes(id)),
    );
    const unknown = names.filter((name) => !readers.some(({ id }) => id === name));
    const [strange] = unknown;
    if (strange !== undefined) {
      const { meant } = await import('./words.ts');
      const all = config.devices.filter(({ driver }) => driver === 'osdp').map(({ id }) => id);
      throw new UsageError(
        say(`no OSDP reader: ${unknown.join(', ')}`, `没有 OSDP 读卡器：${unknown.join('、')}`) +
          meant(strange, all),
      );
    }
    if (what === 'provision') return await provisionReaders(readers, terminal);
    const [reader] = readers;
    const { address: newAddress, baudRate } = wanted;
    if (names.length !== 1 || reader === undefined || newAddress === undefined || baudRate === undefined)
      throw new UsageError(say('one DEVICE, --address and --baud', '一个设备、--address 和 --baud'));
    return await setLine(reader, { address: newAddress, baudRate }, terminal);
  },
};
