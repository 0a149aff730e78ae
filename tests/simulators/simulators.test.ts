import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Dc09Frame } from '../../drivers/dc09/codec.ts';
import { dc09 } from '../../drivers/dc09/driver.ts';
import { readConfig } from '../../gateway/check.ts';
import { startCampus } from '../../simulators/campus.ts';
import type { PanelNews } from '../../simulators/panel/news.ts';
import { type PanelOptions, startPanel } from '../../simulators/panel.ts';
import { parseScenario, play, type Simulator } from '../../simulators/simulator.ts';
import { freePair } from '../free-port.ts';
import { fakeHost, freePort, stream, take, temporaryDirectory } from '../helpers.ts';

async function receiver(account: object = {}) {
  const port = await freePort();
  const options = dc09.options.parse({ listen: { port }, accounts: [{ account: '1234', ...account }] });
  const fake = fakeHost();
  const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], fake.host);
  onTestFinished(() => session.close());
  return { ...fake, port };
}

function panel(port: number, more: Partial<PanelOptions> = {}) {
  const acknowledged = stream<string>();
  const answers = stream<Dc09Frame>();
  const simulated = startPanel({
    host: '127.0.0.1',
    port,
    account: '1234',
    retry: 50,
    acknowledged: ({ data }) => acknowledged.push(data),
    answered: answers.push,
    ...more,
  });
  onTestFinished(() => simulated.close());
  return { ...simulated, acknowledged, answers };
}

describe('a simulated panel in trouble', () => {
  it('sends again what it corrupted, and every event arrives', async () => {
    const { port, reports, discards } = await receiver();
    const { acknowledged, do: act } = panel(port);
    await act('corrupt 2');
    for (let zone = 1; zone <= 10; zone++) await act(`trip ${zone}`);
    for (let zone = 1; zone <= 10; zone++) expect(await acknowledged.next()).toBe(`#1234|Nri1/BA${zone}`);
    expect(new Set(reports.rest().map(({ zone }) => zone?.number)).size).toBe(10);
    expect(discards.rest().length).toBeGreaterThan(0);
  });

  it.each(['tcp', 'udp'] as const)(
    'delivers over %s what happened while the wire was cut',
    async (transport) => {
      const { port, reports } = await receiver();
      const { acknowledged, do: act } = panel(port, { transport });
      await act('press 1');
      await acknowledged.next();
      await act('cut');
      await act('press 2');
      await act('mend');
      expect(await acknowledged.next()).toBe('#1234|Nri1/PA2');
      // What has no answer within 50 ms, on a busy machine, is sent again: the journal knows it by its key.
      const told = new Map(reports.rest().map(({ zone, repeat }) => [repeat?.key, zone?.number]));
      expect([...told.values()]).toEqual([1, 2]);
      expect([...told.keys()]).not.toContain(undefined);
    },
  );

  it('with a key and a clock two hours wrong is told NAK, sets its clock, and delivers', async () => {
    const keyFile = join(temporaryDirectory(), 'key');
    const key = Buffer.alloc(32, 9);
    writeFileSync(keyFile, key);
    const { port } = await receiver({ keyFile });
    const { acknowledged, answers, do: act } = panel(port, { key });
    await act('drift 2h');
    await act('press 9');
    expect(await acknowledged.next()).toBe('#1234|Nri1/PA9');
    expect((await answers.next()).id).toBe('NAK');
  });

  it('speaks Contact ID as well', async () => {
    const { port, reports } = await receiver();
    await panel(port, { format: 'cid' }).do('press 9');
    expect(await reports.next()).toMatchObject({
      kind: 'panic',
      zone: { number: 9 },
      codes: { contactId: 'E120' },
    });
  });

  it('is found silent, and says what it was told to once it speaks', async () => {
    const { port, links } = await receiver({ supervision: '200ms' });
    const { do: act } = panel(port, { supervision: 50 });
    expect(await links.next()).toMatchObject({ state: 'online' });
    await act('silent 400ms');
    expect(await links.next()).toMatchObject({ state: 'offline' });
    expect(await links.next()).toMatchObject({ state: 'online' });
  });

  it('sends garbage, and its next event arrives', async () => {
    const { port, discards } = await receiver();
    const { acknowledged, do: act } = panel(port);
    await act('press 1');
    await acknowledged.next();
    // No LF in it: such garbage only ends with the next frame.
    await act('garbage');
    await act('press 2');
    expect(await acknowledged.next()).toBe('#1234|Nri1/PA2');
    expect((await discards.next()).bytes).toBeGreaterThan(0);
  });
});

describe('a simulated panel says what it gets, as it changes:', () => {
  const account = { account: '1234' };
  const told = (port: number, more: Partial<PanelOptions> = {}) => {
    const news = stream<PanelNews>();
    return { news, ...panel(port, { news: news.push, ...more }) };
  };
  const keyFile = () => {
    const file = join(temporaryDirectory(), 'key');
    writeFileSync(file, Buffer.alloc(32, 9));
    return file;
  };

  it('ACK, once', async () => {
    const { port } = await receiver();
    const { news, acknowledged, do: act } = told(port);
    await act('press 1');
    await act('press 2');
    for (const _ of [1, 2]) await acknowledged.next();
    expect(news.rest()).toEqual([{ is: 'taken' }]);
  });

  it.each<[string, Partial<PanelOptions>]>([
    ['under a wrong key', { key: Buffer.alloc(32, 8) }],
    ['in clear, where a key is a must', {}],
  ])('DUH, once, %s', async (_name, more) => {
    const { port } = await receiver({ keyFile: keyFile() });
    const { news, answers, do: act } = told(port, more);
    await act('press 1');
    for (const _ of [1, 2, 3]) expect((await answers.next()).id).toBe('DUH');
    expect(news.rest()).toEqual([{ is: 'not-understood' }]);
  });

  it('NAK, and then ACK, with a clock that is wrong', async () => {
    const { port } = await receiver({ keyFile: keyFile() });
    const { news, do: act } = told(port, { key: Buffer.alloc(32, 9) });
    await act('drift 2h');
    await act('press 1');
    expect(await take(news, 2)).toEqual([{ is: 'clock' }, { is: 'taken' }]);
  });

  it.each(['tcp', 'udp'] as const)(
    'no answer over %s, once, for an account that nobody knows',
    async (transport) => {
      const { port, discards } = await receiver();
      const { news, do: act } = told(port, { account: '9999', transport });
      await act('press 1');
      for (const _ of [1, 2, 3]) await discards.next();
      expect(news.rest()).toEqual([{ is: 'unanswered' }]);
    },
  );

  it('nobody there, and then somebody', async () => {
    const port = await freePort();
    const { news, do: act } = told(port);
    await act('press 1');
    expect(await news.next()).toEqual({ is: 'away', reason: 'ECONNREFUSED' });
    const options = dc09.options.parse({ listen: { port }, accounts: [account] });
    const session = await dc09.open([{ id: 'panel', driver: 'dc09', options }], fakeHost().host);
    expect(await news.next()).toEqual({ is: 'taken' });
    await session.close();
    expect(await take(news, 2)).toEqual([{ is: 'closed' }, { is: 'away', reason: 'ECONNREFUSED' }]);
  });

  it('nothing of a wire that it cut itself', async () => {
    const { port } = await receiver();
    const { news, acknowledged, do: act } = told(port);
    await act('press 1');
    await acknowledged.next();
    await act('cut');
    await act('press 2');
    await act('mend');
    await acknowledged.next();
    expect(news.rest()).toEqual([{ is: 'taken' }]);
  });

  it.each([true, false])('and sends its texts in UTF-8 (with a key: %s)', async (keyed) => {
    const { port, reports } = await receiver(keyed ? { keyFile: keyFile() } : {});
    const { do: act } = told(port, keyed ? { key: Buffer.alloc(32, 9) } : {});
    await act('send #1234|Nri1/BA63][L三楼实验室');
    expect(await reports.next()).toMatchObject({ zone: { number: 63 }, details: { location: '三楼实验室' } });
  });
});

describe('a campus', () => {
  const camera = (id: string, port: number) => ({
    id,
    driver: 'onvif',
    options: { host: '127.0.0.1', port },
  });
  const streamOf = async (port: number) => {
    const body =
      '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetStreamUri/></s:Body></s:Envelope>';
    const answer = await fetch(`http://127.0.0.1:${port}/onvif/media_service`, { method: 'POST', body });
    return Number(/rtsp:\/\/127\.0\.0\.1:(\d+)\/main/.exec(await answer.text())?.[1]);
  };

  it('has cameras at neighbouring ports, and leaves the ports of others alone', async () => {
    const port = await freePair();
    const campus = await startCampus([camera('a', port), camera('b', port + 1)], () => Buffer.alloc(16), [
      port + 2,
    ]);
    onTestFinished(() => campus.close());
    const streams = await Promise.all([port, port + 1].map(streamOf));
    expect(new Set([...streams, port, port + 1, port + 2]).size).toBe(5);
  });

  it('keeps no port where another one is taken', async () => {
    const port = await freePair();
    const taken = createServer().listen(port + 1, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const box = (id: string, driver: string, at: number) => ({
      ...{ id, driver },
      options: {
        connection: { tcp: { host: '127.0.0.1', port: at } },
        unit: 1,
        profile: 'io-8zone',
        address: 0,
      },
    });
    const both = [box('a', 'modbus', port), box('b', 'osdp', port + 1)];
    await expect(startCampus(both, () => Buffer.alloc(16))).rejects.toThrow(`${port + 1}`);
    const free = createServer().listen(port, '127.0.0.1');
    await once(free, 'listening');
    free.close();
  });

  it('has the stream of a camera beside it, or elsewhere where that port is taken', async () => {
    const port = await freePair();
    const alone = await startCampus([camera('a', port)], () => Buffer.alloc(16));
    expect(await streamOf(port)).toBe(port + 1);
    await alone.close();
    const other = createServer().listen(port + 1, '127.0.0.1');
    await once(other, 'listening');
    onTestFinished(() => void other.close());
    const campus = await startCampus([camera('a', port)], () => Buffer.alloc(16));
    onTestFinished(() => campus.close());
    expect([0, port + 1]).not.toContain(await streamOf(port));
  });
});

describe('scenarios', () => {
  const folder = join(import.meta.dirname, '../../simulators/scenarios');

  it.each(readdirSync(folder))(
    '%s plays on the demo campus: each device is there and can do it',
    async (name) => {
      const loaded = readConfig(join(import.meta.dirname, '../../config/demo.yaml'));
      if ('errors' in loaded) throw new Error('the demo config is wrong');
      const campus = await startCampus(loaded.config.devices, () => Buffer.alloc(16));
      onTestFinished(() => campus.close());
      expect(campus.skipped).toEqual([]);
      const { steps, title } = parseScenario(readFileSync(join(folder, name), 'utf8'), name);
      const told: string[] = [];
      const hurried = steps.map(({ after: _after, ...step }) => step);
      await play({ title, steps: hurried }, campus.simulators, (sentence) => told.push(sentence));
      expect(told).toHaveLength(steps.length);
    },
  );

  it('that are none, or name a device or an action that is not there, are refused with a sentence', async () => {
    const one: Simulator = { id: 'a', help: {}, do: async () => {}, close: async () => {} };
    expect(() => parseScenario('steps: 3', 'x.yaml')).toThrow(/x\.yaml: a scenario is/);
    expect(() => parseScenario('steps: [{ do: press 9, after: soon }]', 'x.yaml')).toThrow(
      /"soon" is no time/,
    );
    await expect(play(parseScenario('steps: [{ device: b, do: x }]', 'x'), [one], () => {})).rejects.toThrow(
      /no simulated device b/,
    );
  });

  it('never crash their reader', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseScenario(text, 'x');
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
