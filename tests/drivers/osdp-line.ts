import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../drivers/contract/clock.ts';
import type { Observation, Receipt } from '../../drivers/contract/observation.ts';
import { osdp } from '../../drivers/osdp/driver.ts';
import { type OsdpReader, startOsdpReaders } from '../../simulators/osdp.ts';
import { fakeHost, freePort, stream, temporaryDirectory } from '../helpers.ts';

export const KEY = '000102030405060708090a0b0c0d0e0f';
export const keyFile = (key = KEY) => {
  const file = join(temporaryDirectory(), 'scbk');
  writeFileSync(file, `${key}\n`);
  return file;
};
export const device = (port: number, address: number, more: object = {}) => ({
  id: `reader-${address}`,
  driver: 'osdp',
  options: osdp.options.parse({ connection: { serialServer: `127.0.0.1:${port}` }, address, ...more }),
});

/** Simulated readers on a line, and the driver at work on it. */
export async function line(
  readers: readonly (Omit<OsdpReader, 'id'> & { more?: object })[],
  store?: (observation: Observation) => Promise<Receipt>,
  time?: Clock,
) {
  const port = await freePort();
  const texts = stream<[string, string]>();
  const done = stream<string>();
  const simulators = await startOsdpReaders({
    end: { listen: { host: '127.0.0.1', port } },
    readers: readers.map((reader) => ({ ...reader, id: `reader-${reader.address}` })),
    shown: (id, text) => texts.push([id, text]),
    did: (id, what) => done.push(`${id} ${what}`),
  });
  onTestFinished(async () => {
    for (const one of simulators) await one.close();
  });
  const fake = fakeHost(store, time);
  const session = await osdp.open(
    readers.map(({ address, more }) => device(port, address, more)),
    fake.host,
  );
  session.ended.catch(() => {});
  onTestFinished(() => session.close());
  const card = (credential: object | undefined) =>
    fake.reports.find(
      ({ kind, credential: own }) => kind === 'credential' && (credential === undefined || own !== undefined),
    );
  const tell = (action: string, wanted: object, id = 'reader-0') =>
    session.execute?.({ id: 'c', device: id, action, arguments: { ...wanted } });
  return { ...fake, session, simulators, texts, done, tell, port, card };
}
/** A card as it is told. */
export const shown = (number: string, id = 'reader-0') => ({
  device: id,
  kind: 'credential',
  credential: { format: 'wiegand26', facility: 1, number },
});
