import { say } from '../../config/language.ts';
import {
  cardFormats,
  fenceModels,
  receiverProtocols,
  registerAlgorithms,
  terminalKinds,
} from '../../simulators/kinds.ts';
import type { Command } from './command.ts';
import { readOptions } from './simulate/options.ts';

const english = `campus-gateway simulate panel   --to HOST:PORT --account 1234 [--udp] [--key-file FILE] [--cid] [--supervision 20s]
campus-gateway simulate receiver --to HOST:PORT | [--listen [HOST:]4001] | --serial PATH   [--account 1234] [--protocol ${receiverProtocols.join('|')}] [--cid]
campus-gateway simulate fence   [--listen [HOST:]1502] [--rtu] | --serial PATH   [--unit 1] [--model ${fenceModels.join('|')}]
campus-gateway simulate reader  [--listen [HOST:]4001] | --serial PATH   [--format ${cardFormats.join('|')}]
campus-gateway simulate osdp    [--listen [HOST:]4001] | --serial PATH   [--address 0] [--key-file FILE] [--checksum]
campus-gateway simulate sign    [--listen [HOST:]4001] | --serial PATH
campus-gateway simulate face    --kind ${terminalKinds.join('|')}  --to URL [--serial-number SN] | --listen [HOST:]8081   [--username admin] [--password-file FILE]
campus-gateway simulate camera  [--listen [HOST:]8000] [--rtsp 8554] [--username admin] [--password-file FILE] [--discovery]
campus-gateway simulate campus  CONFIG [--rate 10]
campus-gateway simulate gb28181-platform [--listen [HOST:]5060] [--id 20-DIGITS] [--domain DOMAIN] [--password-file FILE] [--algorithm ${registerAlgorithms.join('|')}] [--no-qop] [--out FOLDER]
campus-gateway simulate city    --to URL [--to URL] [--campuses 1500] [--rate 1] [--alarms 300 --within 10s] [--for 60s] [--desk 0s] [--receipts] [--no-observe] [--fault power|storm] [--seed 1] [--protocol 5|4] [--username NAME] [--ca FILE]
campus-gateway simulate viid    [--listen [HOST:]8120] [--id 20-DIGITS] [--password-file FILE] [--out FOLDER]

Then type actions, one a line: "help" lists them (a campus: DEVICE ACTION). Standard input may be a pipe.
  --out FOLDER      of a platform: where video and pictures go; video otherwise here, pictures nowhere
  --scenario FILE   play a scenario, see simulators/scenarios/
  --do "ACTION"     do one action at the start; may be repeated
  --for TIME        stop by itself, e.g. 30s; exit status 1 where what it told was refused or not taken by then, or nobody asked it
  --baud 9600       of a serial port
  --rate N          campus: live an ordinary day by itself, N actions a second
  --rate, --alarms, --receipts, --fault   city: events a second of each campus; alarms of all, within a time; delivered is what
                    has a receipt; a tenth of it without power for a while, all lose their connection at once. It
                    subscribes to its own events and says what was lost, what came twice, how late; 1 where something was lost.
  --desk TIME       city: its alarms can be acknowledged and closed, by commands signed or not, and end after half a minute;
                    after --for the campuses stay there until all are closed, at most so long
  --rush N --within 20m   campus: N cards, 1 to N, at its readers within a time, as at a school gate in the morning

  campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9"
  campus-gateway simulate fence --listen 1502
  campus-gateway simulate gb28181-platform
  campus-gateway simulate viid --out pictures
  campus-gateway simulate city --to mqtt://127.0.0.1:1883 --campuses 1500 --rate 2 --alarms 300 --within 10s --receipts
  campus-gateway simulate campus config/demo.yaml --scenario simulators/scenarios/night-intrusion.yaml`;
const chinese = `campus-gateway simulate panel   --to HOST:PORT --account 1234 [--udp] [--key-file FILE] [--cid] [--supervision 20s]
campus-gateway simulate receiver --to HOST:PORT | [--listen [HOST:]4001] | --serial PATH   [--account 1234] [--protocol ${receiverProtocols.join('|')}] [--cid]
campus-gateway simulate fence   [--listen [HOST:]1502] [--rtu] | --serial PATH   [--unit 1] [--model ${fenceModels.join('|')}]
campus-gateway simulate reader  [--listen [HOST:]4001] | --serial PATH   [--format ${cardFormats.join('|')}]
campus-gateway simulate osdp    [--listen [HOST:]4001] | --serial PATH   [--address 0] [--key-file FILE] [--checksum]
campus-gateway simulate sign    [--listen [HOST:]4001] | --serial PATH
campus-gateway simulate face    --kind ${terminalKinds.join('|')}  --to URL [--serial-number SN] | --listen [HOST:]8081   [--username admin] [--password-file FILE]
campus-gateway simulate camera  [--listen [HOST:]8000] [--rtsp 8554] [--username admin] [--password-file FILE] [--discovery]
campus-gateway simulate campus  CONFIG [--rate 10]
campus-gateway simulate gb28181-platform [--listen [HOST:]5060] [--id 20-DIGITS] [--domain DOMAIN] [--password-file FILE] [--algorithm ${registerAlgorithms.join('|')}] [--no-qop] [--out FOLDER]
campus-gateway simulate city    --to URL [--to URL] [--campuses 1500] [--rate 1] [--alarms 300 --within 10s] [--for 60s] [--desk 0s] [--receipts] [--no-observe] [--fault power|storm] [--seed 1] [--protocol 5|4] [--username NAME] [--ca FILE]
campus-gateway simulate viid    [--listen [HOST:]8120] [--id 20-DIGITS] [--password-file FILE] [--out FOLDER]

然后输入动作，每行一个：“help” 列出全部（校园：设备 动作）。标准输入可以是管道。
  --out FOLDER      平台：录像和图片存放处；默认录像存于当前目录，图片不保存
  --scenario FILE   播放场景，见 simulators/scenarios/
  --do "ACTION"     启动时执行一个动作；可重复
  --for TIME        到时自行停止，如 30s；届时所报内容被拒绝、未被接收或无人查询则退出状态为 1
  --baud 9600       串口波特率
  --rate N          校园：自动度过平常的一天，每秒 N 个动作
  --rate, --alarms, --receipts, --fault   城市：每个校园每秒的事件数；全部报警数及其时间；有回执才算送达；十分之一断电一段时间，
                    全部同时断线。它订阅自己的事件，说明丢失、重复和延迟；有丢失时退出状态为 1
  --desk TIME       城市：其报警可确认和结案（命令有无签名均可），半分钟后恢复；
                    --for 之后各校园继续在线，直到全部结案，最长为此时间
  --rush N --within 20m   校园：N 张卡（1 到 N）在一段时间内于读卡器刷卡，如同早晨的校门

  campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9"
  campus-gateway simulate fence --listen 1502
  campus-gateway simulate gb28181-platform
  campus-gateway simulate viid --out pictures
  campus-gateway simulate city --to mqtt://127.0.0.1:1883 --campuses 1500 --rate 2 --alarms 300 --within 10s --receipts
  campus-gateway simulate campus config/demo.yaml --scenario simulators/scenarios/night-intrusion.yaml`;

export const simulate: Command = {
  name: 'simulate',
  summary: [
    'Simulate a device, a whole campus, or a platform, over its real protocol',
    '用真实协议模拟设备、整个校园或平台',
  ],
  usage: say(english, chinese),

  async run(args, terminal) {
    if (args[0] === 'city')
      return await (await import('./simulate/city.ts')).simulateCity(args.slice(1), terminal);
    const { values, positionals } = readOptions(args);
    const [{ startSimulated }, { playAtTerminal }] = await Promise.all([
      import('./simulate/devices.ts'),
      import('./simulate/session.ts'),
    ]);
    const [what, file] = positionals;
    const started = await startSimulated(what, { ...values, file }, terminal);
    return started === undefined ? 1 : await playAtTerminal(started, values, terminal);
  },
};
