/** The gate in the morning and in the afternoon: real mosquitto, an independent door, a real browser. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServerTCP } from 'modbus-serial';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rush } from '../../simulators/campus.ts';
import { startOsdpReaders } from '../../simulators/osdp.ts';
import type { Simulator } from '../../simulators/simulator.ts';
import { quantile } from '../bench/parts.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { browser, openPage } from './browser.ts';
import { gateway, mosquitto, need, subscriber, until } from './tools.ts';

const READERS = 4;

/** Four readers on two lines, four doors of one I/O module, and who shows what when. */
async function gate(kind: 'in' | 'pickup') {
  const directory = temporaryDirectory();
  const lines = await Promise.all([freePort(), freePort()]);
  const shownAt = Array.from({ length: READERS }, (): number[] => []);
  const latencies: number[] = [];
  const readers: Simulator[] = [];
  for (const [i, port] of lines.entries()) {
    const own = await startOsdpReaders({
      end: { listen: { host: '127.0.0.1', port } },
      readers: [0, 1].map((address) => ({ id: `r${i * 2 + address}`, address })),
    });
    onTestFinished(() => own[0]?.close());
    readers.push(
      ...own.map((one, k) => ({
        ...one,
        do(action: string) {
          // What opens a door is a card of the list.
          if (Number(action.split(' ')[1]) < 50_000) shownAt[i * 2 + k]?.push(performance.now());
          return one.do(action);
        },
      })),
    );
  }
  const ioPort = await freePort();
  let opened = 0;
  const io = new ServerTCP(
    {
      getDiscreteInput: () => false,
      setCoil: (coil: number, on: boolean) => {
        const at = on ? shownAt[coil]?.shift() : undefined;
        if (at === undefined) return;
        opened++;
        latencies.push(performance.now() - at);
      },
    },
    { host: '127.0.0.1', port: ioPort, unitID: 1 },
  );
  await new Promise<void>((resolve) => io.on('initialized', () => resolve()));
  onTestFinished(() => new Promise<void>((resolve) => io.close(() => resolve())));
  const ids = Array.from({ length: READERS }, (_, i) => i);
  const config = {
    campus: { id: '4503000001', name: '第一小学' },
    dataDir: join(directory, 'data'),
    devices: [
      ...ids.map((i) => ({
        id: `r${i}`,
        driver: 'osdp',
        connection: { serialServer: `127.0.0.1:${lines[i >> 1]}` },
        address: i & 1,
        bounce: '50ms',
      })),
      {
        id: 'io',
        driver: 'modbus',
        connection: { tcp: `127.0.0.1:${ioPort}` },
        profile: 'io-8zone',
        outputs: ids.map((i) => ({ id: `gate-${i}`, kind: 'door', coil: i, moment: '300ms' })),
      },
    ],
    access: {
      credentialsFile: join(directory, 'cards.csv'),
      groups: [{ id: 'all', doors: ids.map((i) => `${kind}-${i}`) }],
      doors: ids.map((i) => ({
        id: `${kind}-${i}`,
        reader: `r${i}`,
        unlock: [{ target: 'io', output: `gate-${i}` }],
        ...(kind === 'in' ? { direction: 'in' } : { pickup: true }),
      })),
    },
  };
  return { directory, config, readers, latencies, opened: () => opened };
}

describe('a school gate', { timeout: 180_000 }, () => {
  it('in the morning decides every card of 1,800 pupils, and loses none', async (context) => {
    need(context, 'mosquitto', 'mosquitto_sub');
    const PUPILS = 1800;
    const STRANGERS = 40;
    // Twenty minutes in half a one.
    const WITHIN_MS = 30_000;
    const broker = await mosquitto();
    const platform = await subscriber(broker.port, 'mqttv5');
    const { directory, config, readers, latencies, opened } = await gate('in');
    const pupils = Array.from({ length: PUPILS }, (_, i) => String(i + 1));
    writeFileSync(
      join(directory, 'cards.csv'),
      `number,facility,holder,groups\n${pupils.map((n) => `${n},1,p-${n},all`).join('\n')}\n`,
    );
    await gateway(
      {
        ...config,
        uplinks: [{ id: 'education', url: `mqtt://127.0.0.1:${broker.port}`, cardNumbers: 'plain' }],
      },
      directory,
    );
    const access = () => platform.all.filter(({ event }) => event.type.startsWith('cn.campus.access.'));
    const online = () => platform.all.filter(({ event }) => event.type === 'cn.campus.device.online').length;
    await until('all devices answer', () => online() === READERS + 1);

    const strangers = Array.from({ length: STRANGERS }, (_, i) => String(60_000 + i));
    const cards = [...pupils, ...strangers].sort(() => Math.random() - 0.5);
    await rush(readers, cards, WITHIN_MS, new AbortController().signal);
    await until('all cards came', () => access().length >= cards.length);

    const numbers = (type: string) =>
      access()
        .filter(({ event }) => event.type === `cn.campus.access.${type}`)
        .map(({ event }) => (event.data['credential'] as { number: string }).number)
        .toSorted((a, b) => Number(a) - Number(b));
    expect(numbers('granted')).toEqual(pupils);
    expect(numbers('unknown')).toEqual(strangers);
    expect(access()).toHaveLength(cards.length);
    await until('all doors opened', () => opened() === PUPILS);
    const ms = (q: number) => quantile(latencies, q).toFixed(0);
    process.stdout.write(
      `gate hour: ${PUPILS} pupils and ${STRANGERS} strangers in ${WITHIN_MS / 1000} s, 0 lost; card to door command p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, at most ${ms(1)} ms\n`,
    );
  });

  it('in the afternoon shows on its screen whose child may go, and why not', async (context) => {
    need(context, 'chromium');
    const { directory, config, readers } = await gate('pickup');
    writeFileSync(
      join(directory, 'cards.csv'),
      'number,facility,holder,groups,validUntil,children\n1,1,g-1,all,,c-1;c-2\n2,1,g-2,all,,\n3,1,g-3,all,2020-01-01,c-1\n',
    );
    writeFileSync(join(directory, 'persons.csv'), 'id,name,class\nc-1,李小明,一年级2班\nc-2,李小红,大一班\n');
    const port = await freePort();
    const access = { ...config.access, personsFile: join(directory, 'persons.csv') };
    const running = await gateway({ ...config, access, console: { port } }, directory);
    await until(
      'the readers answer',
      () => running.log.filter((line) => line.includes('answers')).length > READERS,
    );
    const token = readFileSync(join(directory, 'data/console.screen.token'), 'utf8').trim();
    const own = await browser();
    const page = await openPage(own, `http://127.0.0.1:${port}/gate/pickup-0`);
    await page.getByText('此屏幕未登录').waitFor();
    await page.addInitScript(
      'globalThis.heard = []; const start = OscillatorNode.prototype.start; OscillatorNode.prototype.start = function (...at) { heard.push(this.frequency.value); return start.apply(this, at); };',
    );
    // The same page with another hash is not loaded anew.
    await page.goto('about:blank');
    await page.goto(`http://127.0.0.1:${port}/gate/pickup-0#${token}`);
    await page.getByText('请刷卡').waitFor();

    /** Hertz, of what sounds: nobody mistakes one for the other. */
    const sounds = () => page.evaluate<number[]>('heard.splice(0)');
    const shows = async (card: string, how: string, ...words: string[]) => {
      const started = performance.now();
      await readers[0]?.do(`card ${card}`);
      await page.locator(`.screen.${how}`).waitFor();
      const took = performance.now() - started;
      const text = await page.locator('body').innerText();
      for (const word of words) expect(text).toContain(word);
      await page.getByText('请刷卡').waitFor();
      return took;
    };
    const took = await shows('1', 'granted', '李小明', '李小红', '一年级2班', '大一班');
    const good = await sounds();
    await shows('2', 'denied', '不能接走', '此卡未绑定学生');
    const refused = await sounds();
    expect([good.length, refused.length]).toEqual([2, 2]);
    expect(Math.min(...good)).toBeGreaterThan(2 * Math.max(...refused));
    await shows('3', 'denied', '不能接走', '李小明', '此卡已过期');
    await shows('9', 'denied', '未登记的卡');
    // At another gate: nothing here.
    await readers[1]?.do('card 1');
    // Names are on the screen and nowhere else.
    expect(running.log.join('\n')).not.toMatch(/李小/);
    process.stdout.write(`pick-up: card to screen ${took.toFixed(0)} ms\n`);
  });
});
