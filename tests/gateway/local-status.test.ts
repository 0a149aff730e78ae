/** The socket in the data folder, by which the machine's own tools ask how the gateway is, whatever the config says. */
import { once } from 'node:events';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../drivers/contract/clock.ts';
import { askToAct } from '../../gateway/cli/health/act.ts';
import { askGateway } from '../../gateway/cli/health/ask.ts';
import { worseThan } from '../../gateway/cli/health/compare.ts';
import { createLocalStatus, localSocket } from '../../gateway/observe/local.ts';
import { createMetrics } from '../../gateway/observe/metrics.ts';
import { temporaryDirectory } from '../helpers.ts';

async function serve(dataDir: string, healthy = true) {
  const said: string[] = [];
  const quiet = () => {};
  const log = {
    debug: quiet,
    info: quiet,
    error: quiet,
    warn: (_: object, line: string) => void said.push(line),
  };
  const health = async () => ({ healthy, details: { version: '1.2.3' } });
  const acts = {
    'log-level': async (given: unknown) => {
      if ((given as { device?: string }).device !== 'reader') throw new Error('there is no such device');
      return { until: 'then', given };
    },
  };
  const part = createLocalStatus({ dataDir, metrics: createMetrics(), health, acts, log });
  onTestFinished(() => part[Symbol.asyncDispose]());
  await part.start?.();
  return { said, close: () => part[Symbol.asyncDispose]() };
}
const ask = (dataDir: string) => askGateway({ dataDir, status: undefined }, systemClock);

describe('the socket in the data folder', () => {
  it('tells its user how the gateway is, without a port, and nobody else', async () => {
    const dataDir = temporaryDirectory();
    chmodSync(dataDir, 0o755);
    const { said, close } = await serve(dataDir);
    expect(await ask(dataDir)).toMatchObject({ status: 200, answer: { healthy: true, version: '1.2.3' } });
    expect(statSync(localSocket(dataDir)).mode & 0o777).toBe(0o600);
    expect(said).toEqual([]);
    await close();
    expect(await ask(dataDir)).toBeUndefined();
    expect((await serve(dataDir, false)).said).toEqual([]);
    expect(await ask(dataDir)).toMatchObject({ status: 503, answer: { healthy: false } });
  });

  it('is had again after a gateway that was killed, and where it cannot be had the gateway runs', async () => {
    const dataDir = temporaryDirectory();
    // What is left of one that was killed: nobody listens there.
    writeFileSync(localSocket(dataDir), '');
    expect((await serve(dataDir)).said).toEqual([]);
    expect((await ask(dataDir))?.status).toBe(200);
    const deep = join(temporaryDirectory(), 'x'.repeat(100));
    mkdirSync(deep);
    expect((await serve(deep)).said).toHaveLength(1);
    expect(await ask(deep)).toBeUndefined();
  });

  it('has done what it is asked, and says why it was not', async () => {
    const dataDir = temporaryDirectory();
    const level = (device: string) =>
      askToAct(dataDir, 'log-level', { device, level: 'debug', for: 60_000 }, systemClock);
    await expect(level('reader')).rejects.toThrow(/no gateway runs with/);
    const { close } = await serve(dataDir);
    expect(await level('reader')).toMatchObject({ until: 'then', given: { device: 'reader', for: 60_000 } });
    await expect(level('nobody')).rejects.toThrow('there is no such device');
    await expect(askToAct(dataDir, 'constructor', {}, systemClock)).rejects.toThrow('does not know that');
    await close();
  });

  it('is passed over for the port where it is not ours to open', async () => {
    const server = createServer((_request, response) => response.end('{"healthy":true}'));
    onTestFinished(() => void server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const status = { host: '127.0.0.1', port, names: [] };
    expect(await askGateway({ dataDir: temporaryDirectory(), status }, systemClock)).toMatchObject({
      answer: { healthy: true },
    });
  });
});

describe('a gateway after an upgrade', () => {
  const drivers: Readonly<Record<string, string>> = { a: 'dc09', b: 'dc09', c: 'modbus' };
  const worse = (before: object, now: object) =>
    worseThan(before, { healthy: true, ...now }, (device) => drivers[device]);

  it('is worse where its disk fails, a platform is gone, or all devices of a driver are', () => {
    const before = {
      devices: { a: true, b: true, c: true },
      uplinks: { police: { state: 'connected' }, city: { state: 'connecting' } },
    };
    expect(
      worse(before, {
        healthy: false,
        journal: { reason: 'EROFS' },
        devices: { a: false, b: false, c: true },
        uplinks: {
          police: { state: 'connecting', reason: 'bad certificate' },
          city: { state: 'connecting' },
        },
      }),
    ).toEqual([
      'the disk takes no events: EROFS',
      'the platform police was connected and is not: bad certificate',
      'no device of the driver dc09 answers any more; before, 2 did',
    ]);
  });

  it('is no worse for one device of many, for what was away before, what has not spoken yet, or what the config has no more', () => {
    const before = {
      devices: { a: true, b: true, c: false, gone: true },
      uplinks: { police: { state: 'connecting' }, old: { state: 'connected' } },
    };
    expect(
      worse(before, {
        devices: { a: false, b: null, c: false },
        uplinks: { police: { state: 'connecting' } },
      }),
    ).toEqual([]);
    expect(worse({}, {})).toEqual([]);
  });
});
