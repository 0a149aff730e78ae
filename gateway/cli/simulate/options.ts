import { parseArgs } from 'node:util';
import { lengthOf, numberOf, RATES, timeOf, wholeOf } from '../values.ts';

const words = (args: string[]) =>
  parseArgs({
    args,
    allowPositionals: true,
    options: {
      to: { type: 'string' },
      account: { type: 'string', default: '1234' },
      udp: { type: 'boolean', default: false },
      protocol: { type: 'string', default: 'mlr2' },
      cid: { type: 'boolean', default: false },
      'key-file': { type: 'string' },
      supervision: { type: 'string', default: '20s' },
      listen: { type: 'string' },
      serial: { type: 'string' },
      baud: { type: 'string', default: '9600' },
      rtu: { type: 'boolean', default: false },
      unit: { type: 'string', default: '1' },
      address: { type: 'string', default: '0' },
      checksum: { type: 'boolean', default: false },
      model: { type: 'string', default: 'pulse-fence-2zone' },
      format: { type: 'string', default: 'rdm6300' },
      kind: { type: 'string', default: 'hikvision' },
      rtsp: { type: 'string', default: '8554' },
      username: { type: 'string', default: 'admin' },
      discovery: { type: 'boolean', default: false },
      'serial-number': { type: 'string' },
      'password-file': { type: 'string' },
      id: { type: 'string', default: '34020000002000000001' },
      domain: { type: 'string' },
      algorithm: { type: 'string', default: 'md5' },
      'no-qop': { type: 'boolean', default: false },
      out: { type: 'string' },
      scenario: { type: 'string' },
      do: { type: 'string', multiple: true, default: [] },
      for: { type: 'string' },
      rate: { type: 'string' },
      rush: { type: 'string' },
      within: { type: 'string', default: '20m' },
    },
  });
/** So many cards as a school has pupils, ten times. */
const RUSH_MAX = 100_000;

/** All values are looked at before anything begins. @throws where it does not understand them. */
export function readOptions(args: string[]) {
  const { values, positionals } = words(args);
  const { rate, rush, for: length, supervision, within, unit, address, baud, rtsp } = values;
  const numbers = {
    rate: rate === undefined ? undefined : numberOf('rate', rate, ...RATES),
    rush: rush === undefined ? undefined : wholeOf('rush', rush, 1, RUSH_MAX),
    for: length === undefined ? undefined : lengthOf('for', length),
    supervision: timeOf('supervision', supervision, '0s', '1d'),
    within: timeOf('within', within, '1s', '1d'),
    unit: wholeOf('unit', unit, 0, 255),
    // 127 is everybody.
    address: wholeOf('address', address, 0, 126),
    baud: wholeOf('baud', baud, 300, 4_000_000),
    rtsp: wholeOf('rtsp', rtsp, 1, 65_535),
  };
  return { positionals, values: { ...values, ...numbers } };
}
export type SimulateOptions = ReturnType<typeof readOptions>['values'];
