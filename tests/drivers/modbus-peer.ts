import { ServerTCP } from 'modbus-serial';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import { modbus } from '../../drivers/modbus/driver.ts';
import { type Profile, profileSchema } from '../../drivers/modbus/profile.ts';
import { fakeHost, freePort, stream } from '../helpers.ts';

export const profile: Profile = profileSchema.parse({
  title: { en: 'test', zh: '测试' },
  verified: false,
  maxGap: 1,
  points: [
    { function: 3, address: 0, bit: 2, zone: 1, kind: 'fence', cause: 'touched' },
    { function: 3, address: 0, bit: 6, kind: 'tamper' },
    { function: 3, address: 2, zone: 1, name: 'kilovolts', scale: 0.1 },
  ],
});

export const device = (connection: object, unit = 1, id = `fence-${unit}`, more: object = {}) => ({
  id,
  driver: 'modbus',
  options: modbus.options.parse({
    connection,
    unit,
    profile: 'x',
    poll: '20ms',
    timeout: '60ms',
    zones: [{ zone: 1, id: 'east-1' }],
    ...more,
  }),
  profile,
});

export async function open(devices: ReturnType<typeof device>[], time?: Clock) {
  const fake = fakeHost(undefined, time);
  const session = await modbus.open(devices, fake.host);
  onTestFinished(() => session.close());
  return { ...fake, session };
}

/** A fence whose TCP side is modbus-serial's server: a peer that shares no code with ours. */
export async function peer() {
  const port = await freePort();
  const registers = [0, 0, 65, 0];
  const inputs: boolean[] = [];
  const coils = stream<[address: number, on: boolean]>();
  const server = new ServerTCP(
    {
      getHoldingRegister: (address: number) => registers[address] ?? 0,
      setCoil: (address: number, on: boolean) => coils.push([address, on]),
      getDiscreteInput: (address: number) => inputs[address] === true,
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise<void>((resolve) => server.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return { registers, inputs, coils, connection: { tcp: `127.0.0.1:${port}` } };
}
