import {
  cardFormats,
  fenceModels,
  receiverProtocols,
  registerAlgorithms,
  terminalKinds,
} from '../../simulators/kinds.ts';
import type { Command } from './command.ts';
import { readOptions } from './simulate/options.ts';

export const simulate: Command = {
  name: 'simulate',
  summary: [
    'Simulate a device, a whole campus, or a platform, over its real protocol',
    '用真实协议模拟设备、整个校园或平台',
  ],
  usage: `campus-gateway simulate panel   --to HOST:PORT --account 1234 [--udp] [--key-file FILE] [--cid] [--supervision 20s]
campus-gateway simulate receiver --to HOST:PORT | [--listen [HOST:]4001] | --serial PATH   [--account 1234] [--protocol ${receiverProtocols.join('|')}] [--cid]
campus-gateway simulate fence   [--listen [HOST:]1502] [--rtu] | --serial PATH   [--unit 1] [--model ${fenceModels.join('|')}]
campus-gateway simulate reader  [--listen [HOST:]4001] | --serial PATH   [--format ${cardFormats.join('|')}]
campus-gateway simulate osdp    [--listen [HOST:]4001] | --serial PATH   [--address 0] [--key-file FILE] [--checksum]
campus-gateway simulate sign    [--listen [HOST:]4001] | --serial PATH
campus-gateway simulate face    --kind ${terminalKinds.join('|')}  --to URL [--serial-number SN] | --listen [HOST:]8081 [--password-file FILE]
campus-gateway simulate camera  [--listen [HOST:]8000] [--rtsp 8554] [--username admin] [--password-file FILE] [--discovery]
campus-gateway simulate campus  CONFIG [--rate 10]
campus-gateway simulate gb28181-platform [--listen [HOST:]5060] [--id 20-DIGITS] [--domain DOMAIN] [--password-file FILE] [--algorithm ${registerAlgorithms.join('|')}] [--no-qop] [--out FOLDER]
campus-gateway simulate viid    [--listen [HOST:]8120] [--id 20-DIGITS] [--password-file FILE] [--out FOLDER]

Then type actions, one a line: "help" lists them (a campus: DEVICE ACTION). Standard input may be a pipe.
  --out FOLDER      of a platform: where video and pictures go; video otherwise here, pictures nowhere
  --scenario FILE   play a scenario, see simulators/scenarios/
  --do "ACTION"     do one action at the start; may be repeated
  --for TIME        stop by itself, e.g. 30s
  --baud 9600       of a serial port
  --rate N          campus: live an ordinary day by itself, N actions a second
  --rush N --within 20m   campus: N cards, 1 to N, at its readers within a time, as at a school gate in the morning

  campus-gateway simulate panel --to 127.0.0.1:5100 --account 1234 --do "press 9"
  campus-gateway simulate fence --listen 1502
  campus-gateway simulate gb28181-platform
  campus-gateway simulate viid --out pictures
  campus-gateway simulate campus config/demo.yaml --scenario simulators/scenarios/night-intrusion.yaml`,

  async run(args, terminal) {
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
