import { parseArgs } from 'node:util';

/** @throws where it does not understand them. */
export const readOptions = (args: string[]) =>
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
      scenario: { type: 'string' },
      do: { type: 'string', multiple: true, default: [] },
      for: { type: 'string' },
      rate: { type: 'string' },
      rush: { type: 'string' },
      within: { type: 'string', default: '20m' },
    },
  });
export type SimulateOptions = ReturnType<typeof readOptions>['values'];
