/** A screen at a gate, in a real browser, over a power cut of the gateway: it hangs on a wall, and nobody comes to mend it. */
import { describe, expect, it } from 'vitest';
import { gate, whyNot } from '../../gateway/console/web/words/gate.ts';
import { browser } from './browser.ts';
import { forms, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('a screen at a gate', { timeout: 120_000 }, () => {
  it.for(forms)('comes back by itself, and shows who may go: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    const screen = await (await person(await browser(), own, form)).newPage();
    await screen.goto(`${own.base}/gate/gate#${own.screenToken()}`);
    await screen.getByText(say(gate.ready, form)).waitFor();
    expect(screen.url()).toBe(`${own.base}/gate/gate`);
    await own.kill();
    await screen.getByText(say(gate.away, form)).waitFor();
    await own.start();
    await screen.getByText(say(gate.ready, form)).waitFor();
    // Somebody switched the screen off and on, too.
    await screen.reload();
    await screen.getByText(say(gate.ready, form)).waitFor();
    await own.heard('reader');
    await own.act('reader', 'card 100001');
    await screen.getByText('李小明').waitFor();
    // While the screen is green still: who comes next must not take it for theirs.
    await own.act('reader', 'card 100002');
    await screen.getByText(say(whyNot['not-bound'], form)).waitFor({ timeout: 1500 });
    expect(await screen.getByText('李小明').count()).toBe(0);
    await screen.getByText(say(gate.ready, form)).waitFor();
    // A screen opens no other door of the console.
    const answer = await screen.request.get(`${own.base}/api/alarms`);
    expect(answer.status()).toBe(403);
  });

  it('says that its token was withdrawn, and not first that the gateway is silent', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const { name, value } = await own.session('administrator');
    const ask = async (method: string, path: string, body?: object) =>
      await fetch(`${own.base}${path}`, {
        method,
        headers: {
          cookie: `${name}=${value}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    const made = await ask('POST', '/api/tokens', { label: 'wall', role: 'screen', days: null });
    const { id, token } = (await made.json()) as { id: string; token: string };
    const [form] = forms;
    const screen = await (await person(await browser(), own, form)).newPage();
    await screen.goto(`${own.base}/gate/gate#${token}`);
    await screen.getByText(say(gate.ready, form)).waitFor();
    expect((await ask('DELETE', `/api/tokens/${id}`)).status).toBe(204);
    const said = screen.getByText(say(gate.away, form)).or(screen.getByText(say(gate.noLogin, form)));
    await said.waitFor();
    expect(await said.textContent()).toBe(say(gate.noLogin, form));
  });
});
