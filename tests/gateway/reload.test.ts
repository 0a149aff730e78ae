/** A config that changed, taken up by a gateway that runs: what changed and nothing else, all of it or nothing. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Aedes, type AedesPublishPacket, type Client } from 'aedes';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../gateway/check.ts';
import { openReader } from '../../gateway/journal/reader.ts';
import { startGateway } from '../../gateway/main.ts';
import { startPanel } from '../../simulators/panel.ts';
import { eventually, freePort, silentLog, temporaryDirectory } from '../helpers.ts';

/** A broker that notes which alarms came, and who came and went. */
async function platform() {
  const port = await freePort();
  const aedes = await Aedes.createBroker();
  const alarms: string[] = [];
  const seen = { connected: 0, left: 0 };
  aedes.on('client', () => void seen.connected++);
  aedes.on('clientDisconnect', () => void seen.left++);
  aedes.on('publish', ({ topic, payload }: AedesPublishPacket, client: Client | null) => {
    if (client === null || !topic.includes('/event/alarm/')) return;
    const { id, type, sequence } = JSON.parse(payload.toString()) as Record<
      'id' | 'type' | 'sequence',
      string
    >;
    // Of a disk that is slow just now an alarm comes from memory first, and once more with its number.
    if (type === 'cn.campus.alarm.raised' && Number(sequence) > 0) alarms.push(id);
  });
  const server = createServer({ noDelay: true }, aedes.handle);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    aedes.close();
  });
  return { url: `mqtt://127.0.0.1:${port}`, alarms, seen };
}

async function school(uplinks: readonly object[], first: object = {}) {
  const directory = temporaryDirectory();
  const file = join(directory, 'campus.yaml');
  const dataDir = join(directory, 'data');
  const [panelPort, status] = [await freePort(), await freePort()];
  const write = (those: readonly object[], more: object = {}) => {
    const devices = [
      { id: 'panel', driver: 'dc09', listen: { port: panelPort }, accounts: [{ account: '1234' }] },
    ];
    const campus = { id: '4503000001', name: '一中' };
    writeFileSync(
      file,
      JSON.stringify({ campus, dataDir, status: { port: status }, devices, uplinks: those, ...more }),
    );
    return readConfig(file, { forRunning: true });
  };
  const read = write(uplinks, first);
  if ('errors' in read) throw new Error(JSON.stringify(read.errors));
  const gateway = await startGateway({ config: read.config, log: silentLog });
  const close = () => gateway.close();
  onTestFinished(close);
  let acknowledged = 0;
  const panel = startPanel({
    ...{ host: '127.0.0.1', port: panelPort, account: '1234' },
    acknowledged: () => void acknowledged++,
  });
  onTestFinished(() => panel.close());
  const health = async () =>
    (await (await fetch(`http://127.0.0.1:${status}/health`)).json()) as Record<string, never>;
  const change = async (...to: Parameters<typeof write>) => {
    write(...to);
    return await gateway.reload();
  };
  const metricsText = async () => await (await fetch(`http://127.0.0.1:${status}/metrics`)).text();
  return { gateway, write, panel, change, health, metricsText, dataDir, close, told: () => acknowledged };
}

const uplink = (id: string, { url }: { url: string }, more: object = {}) => ({
  ...{ id, url, events: ['alarm.*'], reconnectSpread: '0s' },
  ...more,
});

describe('a reload', () => {
  it('says and notes that the file cannot be read, and does not wait for ever at a pipe', async () => {
    const { gateway, health, dataDir, change } = await school([]);
    const file = join(dataDir, '../campus.yaml');
    rmSync(file);
    expect(await gateway.reload()).toMatchObject({
      done: false,
      why: { en: expect.stringContaining('could not be read: ENOENT') },
    });
    expect(await health()).toMatchObject({
      reloaded: { done: false, why: { en: expect.stringContaining('could not be read') } },
    });
    execFileSync('mkfifo', [file]);
    expect(await gateway.reload()).toMatchObject({
      done: false,
      why: { en: expect.stringContaining('is a pipe') },
    });
    rmSync(file);
    expect(await change([])).toMatchObject({ done: true });
  });

  it('moves one platform, and leaves the others, the devices and every alarm alone', async () => {
    const [police, old, next] = [await platform(), await platform(), await platform()];
    const { panel, change, health, told } = await school([
      uplink('police', police),
      uplink('education', old),
    ]);
    await panel.do('press 9');
    await eventually(() => expect([police.alarms.length, old.alarms.length]).toEqual([1, 1]));
    const moved = await change([uplink('police', police), uplink('education', next)]);
    expect(moved).toMatchObject({
      done: true,
      changes: [
        {
          section: 'uplinks',
          id: 'education',
          what: 'changed',
          keys: ['url'],
          zh: 'uplinks education：修改（url）',
        },
      ],
      version: 'v2',
    });
    await panel.do('press 8');
    await eventually(() => expect([police.alarms.length, next.alarms.length]).toEqual([2, 1]));
    expect(old).toMatchObject({ seen: { connected: 1, left: 1 }, alarms: { length: 1 } });
    expect(police.seen).toEqual({ connected: 1, left: 0 });
    expect(told()).toBe(2);
    expect(await health()).toMatchObject({ pid: process.pid, reloaded: { number: 1, done: true } });
  });

  it('takes up a new platform, and lets go of one that is gone with what is of now in the metrics', async () => {
    const [police, education] = [await platform(), await platform()];
    const { change, health, panel, metricsText } = await school([uplink('police', police)]);
    expect(await change([uplink('police', police), uplink('education', education)])).toMatchObject({
      changes: [{ id: 'education', what: 'added' }],
    });
    await panel.do('press 9');
    await eventually(() => expect(education.alarms).toHaveLength(1));
    expect(await change([uplink('education', education)])).toMatchObject({
      changes: [{ id: 'police', what: 'removed' }],
    });
    expect(Object.keys((await health())['uplinks'] ?? {})).toEqual(['education']);
    expect(police.seen).toEqual({ connected: 1, left: 1 });
    const metrics = await metricsText();
    expect(metrics).toContain('campus_uplink_connected{uplink="education"} 1');
    for (const name of ['connected', 'backlog_events', 'oldest_undelivered_age_seconds'])
      expect(metrics).not.toContain(`campus_uplink_${name}{uplink="police"`);
  });

  it('says that nothing changed where nothing did', async () => {
    const police = await platform();
    const { change } = await school([uplink('police', police)]);
    await eventually(() => expect(police.seen.connected).toBe(1));
    expect(await change([uplink('police', police)])).toMatchObject({ done: true, changes: [] });
    expect(police.seen).toEqual({ connected: 1, left: 0 });
  });

  it('of a wrong file, or of another campus, takes up nothing, says why, and notes it in the audit', async () => {
    const [police, next] = [await platform(), await platform()];
    const { change, health, close, dataDir } = await school([uplink('police', police)]);
    await eventually(() => expect(police.seen.connected).toBe(1));
    expect(await change([uplink('police', next, { evnts: [] })])).toMatchObject({
      done: false,
      changes: [],
      errors: [
        {
          line: expect.any(Number),
          en: expect.stringMatching(/^uplinks\[0\]\.evnts: unknown key/),
          zh: expect.stringMatching(/^uplinks\[0\]\.evnts: 未知/),
        },
      ],
    });
    const other = { campus: { id: '4503000002', name: '二中' } };
    expect(await change([uplink('police', next)], other)).toMatchObject({
      ...{ done: false, errors: [], why: { en: expect.stringMatching(/^campus\.id is another one/) } },
    });
    expect(await change([uplink('police', next)], { dataDir: 'elsewhere' })).toMatchObject({
      ...{ done: false, why: { zh: expect.stringMatching(/^dataDir 已更改/) } },
    });
    expect(await health()).toMatchObject({ reloaded: { number: 3, done: false, by: 'signal' } });
    expect([police.seen, next.seen.connected]).toEqual([{ connected: 1, left: 0 }, 0]);
    await close();
    const reader = openReader(dataDir);
    const kinds = reader.audit().entries.map(({ body }) => (JSON.parse(body) as { kind: string }).kind);
    reader.close();
    expect(kinds).toEqual(['config', 'config-refused', 'config-refused', 'config-refused']);
  });
});

describe('a reload that fails or comes among alarms', () => {
  it('has all of before again where a part cannot be started, and says so', async () => {
    const [police, next] = [await platform(), await platform()];
    const { change, panel, health } = await school([uplink('police', police)]);
    await eventually(() => expect(police.seen.connected).toBe(1));
    // TEST-NET-3 (RFC 5737): an address that no machine has.
    const nowhere = { status: { host: '203.0.113.1', port: 9 } };
    expect(await change([uplink('police', next)], nowhere)).toMatchObject({
      done: false,
      changes: [{ section: 'status' }, { section: 'uplinks', id: 'police' }],
      why: { en: expect.stringContaining('could not be started, so the old config came back') },
    });
    await panel.do('press 9');
    await eventually(() => expect(police.alarms).toHaveLength(1));
    expect(await health()).toMatchObject({ reloaded: { done: false } });
    expect(await change([uplink('police', next)])).toMatchObject({ done: true });
  });

  it('of areas and rules keeps what is armed, and an entry delay that runs', async () => {
    const police = await platform();
    const more = (entryDelay: string) => ({
      areas: [
        {
          ...{ id: 'yard', name: `in ${entryDelay}`, exitDelay: '0s', entryDelay },
          zones: [1, 2].map((zone) => ({ device: 'panel', zone, type: 'delayed' })),
        },
      ],
      rules: [
        {
          ...{ id: entryDelay, when: { event: 'alarm.raised', kinds: ['panic'] } },
          do: [{ target: 'yard', action: 'arm', arguments: { by: 'rule' } }],
        },
      ],
    });
    const { panel, change, health } = await school([uplink('police', police)], more('2s'));
    const yard = async () => ((await health())['areas'] as { yard: string } | undefined)?.yard;
    await panel.do('press 9');
    await eventually(async () => expect(await yard()).toBe('armed'));
    await panel.do('trip 1');
    await eventually(async () => expect(await yard()).toBe('entry-delay'));
    expect(await change([uplink('police', police)], more('1s'))).toMatchObject({
      done: true,
      changes: [
        { section: 'areas', id: 'yard' },
        { id: '1s', what: 'added' },
        { id: '2s', what: 'removed' },
      ],
    });
    // The alarm of who came in, once, after what the new config leaves of the delay.
    await eventually(() => expect(police.alarms).toHaveLength(2));
    await eventually(async () => expect(await yard()).toBe('armed'));
    expect(police.seen).toEqual({ connected: 1, left: 0 });
  });

  it('loses nothing and tells nothing twice to whom it leaves, again and again while alarms come', async () => {
    const [police, education] = [await platform(), await platform()];
    const of = (round: number) =>
      uplink('education', education, { topicPrefix: `campus/v1/round-${round}`, window: 8 });
    const { panel, change, told } = await school([uplink('police', police), of(0)]);
    let stopped = false;
    const pressing = (async () => {
      for (let i = 0; !stopped; i++) await panel.report(`#1234|Nri1/PA${1 + (i % 900)}`);
    })();
    for (let round = 1; round <= 8; round++) {
      const before = told();
      await eventually(() => expect(told()).toBeGreaterThan(before));
      if (round % 4 === 0) expect(await change([{ id: 'education' }])).toMatchObject({ done: false });
      expect(await change([uplink('police', police), of(round)])).toMatchObject({
        changes: [{ id: 'education' }],
      });
    }
    stopped = true;
    await pressing;
    await eventually(() => expect(new Set(education.alarms).size).toBe(new Set(police.alarms).size));
    expect(new Set(police.alarms).size).toBeGreaterThanOrEqual(8);
    expect(told()).toBeGreaterThanOrEqual(new Set(police.alarms).size);
    expect(new Set(education.alarms)).toEqual(new Set(police.alarms));
    expect(police.alarms).toHaveLength(new Set(police.alarms).size);
    expect(police.seen).toEqual({ connected: 1, left: 0 });
  });
});
