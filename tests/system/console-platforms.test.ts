/** A platform that goes, on the page that shows it: its true backlog, and how it drains. */
import { describe, it } from 'vitest';
import { platforms as words } from '../../gateway/console/web/words/platforms.ts';
import { browser } from './browser.ts';
import { forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('a platform that is stopped', { timeout: 120_000 }, () => {
  it.for(forms)('shows what waits for it and nothing else, and drains: $name', async (form, context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const page = await open(await person(await browser(), own, form), own, '/platforms');
    const police = page.getByRole('region', { name: 'police' });
    await police.getByText(say(words.connected, form), { exact: true }).waitFor();
    await own.broker.stop();
    await police.getByText(say(words.away, form), { exact: true }).waitFor();
    // Two alarms that it wants, and forty words about the mains that it does not.
    await own.act('panel', 'press 9');
    await own.report('panel', Array.from({ length: 20 }, () => ['#1234|Nri1/AT0', '#1234|Nri1/AR0']).flat());
    await own.act('panel', 'release 9');
    const waits = say(words.events, form).replace('{n}', '2');
    await police.locator('.backlog', { hasText: new RegExp(`^${waits}$`) }).waitFor();
    await own.broker.start();
    await police.locator('.backlog', { hasText: say(words.nothingWaits, form) }).waitFor();
    await police.getByText(say(words.connected, form), { exact: true }).waitFor();
  });
});
