import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { startGateway } from '../../gateway/main.ts';
import { freePort, silentLog, stream, temporaryDirectory } from '../helpers.ts';
import { scriptedBroker } from '../scripted-broker.ts';

/** A door with a Hikvision terminal, whose contact and button the gateway watches, and a lock of the gateway's. */
async function door() {
  const broker = await scriptedBroker({});
  const directory = temporaryDirectory();
  const [terminal, lock] = await Promise.all([freePort(), freePort()]);
  const coils = stream<boolean>();
  const modbus = new ServerTCP(
    { getDiscreteInput: () => false, setCoil: (_address: number, on: boolean) => coils.push(on) },
    { host: '127.0.0.1', port: lock, unitID: 1 },
  );
  await new Promise<void>((resolve) => modbus.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => modbus.close(() => resolve())));
  const file = join(directory, 'campus.yaml');
  const config = {
    campus: { id: '45001', name: '一中' },
    uplinks: [{ id: 'police', url: `mqtt://127.0.0.1:${broker.port}`, events: ['access.*'] }],
    devices: [
      {
        id: 't',
        driver: 'http-push',
        profile: 'hikvision-face',
        listen: { port: terminal },
        from: ['127.0.0.1'],
      },
      {
        id: 'io',
        driver: 'modbus',
        connection: { tcp: `127.0.0.1:${lock}` },
        profile: 'io-8zone',
        outputs: [{ id: 'gate', kind: 'door', coil: 0, moment: '50ms' }],
      },
    ],
    access: {
      doors: [
        {
          id: 'gate',
          reader: 't',
          unlock: [{ target: 'io', output: 'gate' }],
          contact: { device: 't', zone: 1 },
          exitRequest: { device: 't', zone: 1 },
        },
      ],
    },
  };
  writeFileSync(file, JSON.stringify(config));
  const loaded = readConfig(file);
  if ('errors' in loaded) throw new Error(JSON.stringify(loaded.errors));
  const gateway = await startGateway({ config: loaded.config, log: silentLog });
  onTestFinished(() => gateway.close(0));
  expect(await coils.next()).toBe(false);
  let serialNo = 0;
  const say = async (majorEventType: number, subEventType: number, more: object = {}) => {
    const event = { majorEventType, subEventType, doorNo: 1, serialNo: ++serialNo, ...more };
    const body = JSON.stringify({
      dateTime: new Date().toISOString(),
      eventType: 'AccessControllerEvent',
      AccessControllerEvent: event,
    });
    const { status } = await fetch(`http://127.0.0.1:${terminal}/push/t`, { method: 'POST', body });
    expect(status).toBe(200);
  };
  const next = async () => (await broker.events.next()).topic.replace('campus/v1/45001/event/', '');
  const type = async () => (await broker.events.next()).body['type'];
  return { say, next, type, coils };
}

describe('a door that a terminal opens itself', () => {
  it('was not forced by whom the terminal let in, and is forced when the terminal says so, once', async () => {
    const { say, type } = await door();
    await say(5, 75, { employeeNoString: '1042' });
    expect(await type()).toBe('cn.campus.access.granted');
    await say(5, 25);
    expect(await type()).toBe('cn.campus.access.opened');
    await say(5, 26);
    expect(await type()).toBe('cn.campus.access.closed');
    await say(5, 27);
    expect(await type()).toBe('cn.campus.access.forced');
    await say(5, 26);
    expect(new Set([await type(), await type()])).toEqual(
      new Set(['cn.campus.access.closed', 'cn.campus.access.restored']),
    );
    await say(3, 1024);
    expect(await type()).toBe('cn.campus.access.granted');
  });

  it('moves for the button beside it, and not for one that was pressed while the terminal was cut off', async () => {
    const { say, type, coils } = await door();
    await say(5, 23, { currentEvent: false });
    expect(await type()).toBe('cn.campus.access.exit-requested');
    await say(5, 24);
    expect(await type()).toBe('cn.campus.access.exit-requested');
    expect(coils.rest()).toEqual([]);
    await say(5, 23, { currentEvent: true });
    expect(await coils.next()).toBe(true);
  });
});
