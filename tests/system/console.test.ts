/** The console in a real browser, with a real platform behind a real broker. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startFences } from '../../simulators/fence.ts';
import { freePort, temporaryDirectory } from '../helpers.ts';
import { browser, openPage } from './browser.ts';
import { gateway, mosquitto, need, until } from './tools.ts';

const PREFIX = 'campus/v1/4503000001';

describe('the console', { timeout: 60_000 }, () => {
  it('shows what is connected and what happens, and a warning until somebody has read it', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const broker = await mosquitto();
    const directory = temporaryDirectory();
    const [port, fencePort] = await Promise.all([freePort(), freePort()]);
    const [fence] = await startFences({
      end: { listen: { host: '127.0.0.1', port: fencePort } },
      framing: 'tcp',
      units: [{ id: 'fence', unit: 1, model: 'pulse-fence-2zone' }],
    });
    onTestFinished(() => fence?.close());
    const platform = await connectAsync(`mqtt://127.0.0.1:${broker.port}`);
    onTestFinished(() => platform.endAsync(true).then(() => {}));
    const events: { type: string; data: { details?: { by?: string; notice?: string } } }[] = [];
    platform.on('message', (_topic, payload) => events.push(JSON.parse(payload.toString())));
    await platform.subscribeAsync(`${PREFIX}/event/#`, { qos: 1 });
    await gateway(
      {
        campus: { id: '4503000001', name: '第一小学' },
        dataDir: join(directory, 'data'),
        console: { port },
        uplinks: [
          {
            id: 'police',
            url: `mqtt://127.0.0.1:${broker.port}`,
            commands: [{ actions: ['warn'], targets: ['gateway'] }],
          },
        ],
        devices: [
          {
            id: 'fence',
            name: '东围栏',
            driver: 'modbus',
            connection: { tcp: `127.0.0.1:${fencePort}` },
            profile: 'pulse-fence-2zone',
          },
        ],
      },
      directory,
    );
    const own = await browser();
    // Without the token, and with a wrong one, there is the login and nothing else.
    const page = await openPage(own, `http://127.0.0.1:${port}/`);
    await page.locator('#token').fill('a wrong token');
    await page.getByRole('button', { name: '登录' }).click();
    await page.getByText('令牌不正确').waitFor();
    expect(await page.locator('body').innerText()).not.toContain('第一小学');
    await page
      .locator('#token')
      .fill(readFileSync(join(directory, 'data/console.operator.token'), 'utf8').trim());
    await page.getByRole('button', { name: '登录' }).click();
    await page.getByRole('heading', { name: '第一小学' }).waitFor();
    await page.getByText('东围栏').first().waitFor();
    await page.getByText('在线').waitFor();

    await fence?.do('trip 1');
    await page.locator('tr.alarm', { hasText: '报警发生' }).first().waitFor();

    const id = randomUUID();
    const now = Date.now();
    await platform.publishAsync(
      `${PREFIX}/notice/${id}`,
      JSON.stringify({
        id,
        action: 'warn',
        issuedAt: new Date(now).toISOString(),
        expiresAt: new Date(now + 3_600_000).toISOString(),
        arguments: {
          severity: 'emergency',
          text: '台风预警：<b>停止</b>户外活动',
          validUntil: new Date(now + 3_600_000).toISOString(),
        },
      }),
      { qos: 1, retain: true },
    );
    // As it is written: what a platform sends is text, not a page.
    const notice = page.locator('.notice.emergency');
    await notice.getByText('台风预警：<b>停止</b>户外活动').waitFor();
    await notice.getByPlaceholder('您的姓名').fill('李主任');
    await notice.getByRole('button', { name: '已阅' }).click();
    await notice.getByText('李主任 已阅').waitFor();
    const read = () => events.find(({ type }) => type === 'cn.campus.notice.read');
    await until('the platform hears who read it', () => read() !== undefined);
    expect(read()?.data.details).toMatchObject({ notice: id, by: '李主任' });
  });
});

describe('a browser that is logged in', { timeout: 60_000 }, () => {
  it('at a gate goes on by itself after the gateway was away; an operator logs out', async (context) => {
    need(context, 'chromium');
    const directory = temporaryDirectory();
    const [port, readerPort] = await Promise.all([freePort(), freePort()]);
    const config = {
      campus: { id: '4503000001', name: '第一小学' },
      dataDir: join(directory, 'data'),
      console: { port },
      devices: [
        {
          id: 'r',
          driver: 'wiegand',
          connection: { serialServer: `127.0.0.1:${readerPort}` },
          format: 'ascii',
        },
      ],
      access: {
        groups: [{ id: 'g', doors: ['out'] }],
        doors: [{ id: 'out', reader: 'r', direction: 'out', pickup: true }],
      },
    };
    const token = (role: string) =>
      readFileSync(join(directory, `data/console.${role}.token`), 'utf8').trim();
    const before = await gateway(config, directory);
    const own = await browser();
    const screen = await openPage(own, `http://127.0.0.1:${port}/gate/out#${token('screen')}`);
    await screen.getByText('请刷卡').waitFor();
    const silent = screen.locator('#footer', { hasText: '网关无应答' });
    await silent.waitFor({ state: 'detached' });
    // A power cut: nothing is closed in order.
    await before.kill();
    await silent.waitFor();
    const after = await gateway(config, directory);
    await silent.waitFor({ state: 'detached' });
    await screen.getByText('请刷卡').waitFor();

    const operator = await openPage(own, `http://127.0.0.1:${port}/#${token('operator')}`);
    await operator.getByRole('heading', { name: '第一小学' }).waitFor();
    await operator.getByRole('button', { name: '退出登录' }).click();
    await operator.locator('#token').waitFor();
    await operator.goto(`http://127.0.0.1:${port}/`);
    await operator.locator('#token').waitFor();
    expect(await after.stop()).toBe(0);
  });
});
