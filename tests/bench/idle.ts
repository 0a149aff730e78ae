/** What the gateway takes when nothing happens: 200 simulated devices, or 64 cameras, all answering, nothing to report. */
import { setTimeout as delay } from 'node:timers/promises';
import { startFences } from '../../simulators/fence.ts';
import { freePort } from '../free-port.ts';
import { gateway, mosquitto, startCameras, stop, tell, usage } from './parts.ts';

const WIRES = 20;
const UNITS = 10;
const CAMERAS = 64;
const SECONDS = 20;

export async function idle(): Promise<void> {
  const broker = await mosquitto();
  const devices: object[] = [];
  for (let wire = 0; wire < WIRES; wire++) {
    const port = await freePort();
    const units = Array.from({ length: UNITS }, (_, i) => ({
      id: `fence-${wire}-${i}`,
      unit: i + 1,
      model: 'io-8zone' as const,
    }));
    await startFences({
      end: { listen: { host: '127.0.0.1', port } },
      framing: wire % 2 === 0 ? 'tcp' : 'rtu',
      units,
    });
    const connection = wire % 2 === 0 ? { tcp: `127.0.0.1:${port}` } : { serialServer: `127.0.0.1:${port}` };
    devices.push(
      ...units.map(({ id, unit }) => ({
        id,
        driver: 'modbus',
        connection,
        unit,
        profile: 'io-8zone',
        poll: '1s',
      })),
    );
  }
  const config = {
    campus: { id: '45000001', name: 'bench' },
    uplinks: [{ id: 'platform', url: `mqtt://127.0.0.1:${broker.port}` }],
  };
  const empty = await gateway({ ...config, devices: [] });
  const full = await gateway({ ...config, campus: { id: '45000002', name: 'bench' }, devices });
  const ports = await Promise.all(Array.from({ length: CAMERAS * 2 }, freePort));
  const cameras = Array.from({ length: CAMERAS }, (_, i) => ({
    port: ports[i * 2],
    rtspPort: ports[i * 2 + 1],
  }));
  const simulated = await startCameras(cameras);
  const filmed = await gateway({
    ...config,
    campus: { id: '45000003', name: 'bench' },
    devices: cameras.map(({ port }, i) => ({ id: `cam-${i}`, driver: 'onvif', host: '127.0.0.1', port })),
  });
  const all = [empty, full, filmed];
  await delay(10_000);
  const before = all.map(usage);
  await delay(SECONDS * 1000);
  const after = all.map(usage);
  for (const [i, name] of [
    'no device',
    `${WIRES * UNITS} devices, polled each second`,
    `${CAMERAS} cameras, their events pulled`,
  ].entries()) {
    const cpu = (((after[i]?.cpu ?? 0) - (before[i]?.cpu ?? 0)) / SECONDS) * 100;
    tell(`${name.padEnd(36)} RSS ${after[i]?.rss.toFixed(0)} MB   CPU ${cpu.toFixed(1)} % of a core`);
  }
  await Promise.all([...all.map((child) => stop(child)), stop(simulated, 'SIGKILL')]);
}
