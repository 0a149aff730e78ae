/**
 * Wire to siren: from a panel's bytes on TCP to the coil of a Modbus siren, with 1 rule and with 500; beside what no
 * gateway can go below: one write of that coil.
 */
import { setTimeout as delay } from 'node:timers/promises';
import modbusSerial, { ServerTCP } from 'modbus-serial';
import { startPanel } from '../../simulators/panel.ts';
import { freePort } from '../free-port.ts';
import { gateway, ms, quantile, stop, tell } from './parts.ts';

const PAUSE_MS = 20;

/** A siren: modbus-serial's server, which shares no code with ours. */
async function siren() {
  const port = await freePort();
  let sounds = () => {};
  const server = new ServerTCP(
    {
      getDiscreteInput: () => false,
      setCoil: (_address: number, on: boolean) => {
        if (on) sounds();
      },
    },
    { host: '127.0.0.1', port, unitID: 1 },
  );
  await new Promise<void>((resolve) => server.on('initialized', () => resolve()));
  return {
    port,
    next: () =>
      new Promise<number>((resolve) => {
        sounds = () => resolve(performance.now());
      }),
  };
}

/** Of `count` rules, one is set off; half of the others are about alarms too, and are looked at. */
const rules = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    id: `rule-${i}`,
    when:
      i === 0
        ? { kinds: ['panic'] }
        : i % 2 === 0
          ? { event: 'device.fault' }
          : {
              kinds: ['panic'],
              zones: [{ device: 'panel', zone: 1 + i }],
              between: { from: '22:00', to: '06:00' },
            },
    do: [{ target: 'io', action: 'activate', arguments: { output: 'siren' }, for: '10s' }],
  }));

async function measure(count: number, alarms: number): Promise<number[]> {
  const { port, next } = await siren();
  const panelPort = await freePort();
  const daemon = await gateway({
    campus: { id: '45000001', name: 'bench' },
    devices: [
      { id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts: [{ account: '1234' }] },
      {
        id: 'io',
        driver: 'modbus',
        connection: { tcp: `127.0.0.1:${port}` },
        profile: 'io-8zone',
        outputs: [{ id: 'siren', kind: 'siren', coil: 0 }],
      },
    ],
    rules: rules(count),
  });
  const panel = startPanel({ host: '127.0.0.1', port: panelPort, account: '1234' });
  const times: number[] = [];
  for (let i = 0; i < alarms; i++) {
    const sounding = next();
    const started = performance.now();
    void panel.report(`#1234|Nri1/PA${9 + (i % 2) * 1000}`);
    times.push((await sounding) - started);
    await delay(PAUSE_MS);
  }
  await panel.close();
  await stop(daemon);
  return times.slice(20);
}

/** The coil alone. */
async function coil(count: number): Promise<number[]> {
  const { port } = await siren();
  const master = new modbusSerial.default();
  await master.connectTCP('127.0.0.1', { port });
  master.setID(1);
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await master.writeCoil(0, true);
    times.push(performance.now() - started);
    await delay(PAUSE_MS);
  }
  return times.slice(20);
}

export async function linkage(args: string[]): Promise<void> {
  const alarms = Number(args[0] ?? 500);
  const alone = await coil(alarms);
  const one = await measure(1, alarms);
  const many = await measure(500, alarms);
  const row = (what: string, times: readonly number[]) =>
    tell(`${what.padEnd(24)} p50 ${ms(quantile(times, 0.5))}, p99 ${ms(quantile(times, 0.99))}`);
  row('one write of the coil', alone);
  row('wire to siren, 1 rule', one);
  row('wire to siren, 500 rules', many);
  tell(
    `p50 of 500 rules / 1 rule = ${(quantile(many, 0.5) / quantile(one, 0.5)).toFixed(2)}   (the limit is 500 ms)`,
  );
}
