/** A platform that goes, on the page that shows it: its true backlog, and how it drains. */
import { describe, it } from 'vitest';
import { platforms as words } from '../../gateway/console/web/words/platforms.ts';
import { browser } from './browser.ts';
import { forms, open, person, say } from './console/pages.ts';
import { school } from './console/school.ts';
import { need } from './tools.ts';

describe('a platform that is stopped', { timeout: 120_000 }, () => {
  it('shows what waits for it and nothing else, and drains, in both forms', async (context) => {
    need(context, 'mosquitto', 'chromium');
    const own = await school();
    await own.accounts();
    const one = await browser();
    const pages = await Promise.all(
      forms.map(async (form) => {
        const page = await open(await person(one, own, form), own, '/platforms');
        return { form, police: page.getByRole('region', { name: 'police' }) };
      }),
    );
    const all = async (run: (one: (typeof pages)[number]) => Promise<void>) => {
      await Promise.all(pages.map(run));
    };
    const says = (word: (typeof words)['connected' | 'away']) =>
      all(({ form, police }) => police.getByText(say(word, form), { exact: true }).waitFor());
    const shows = (text: (form: (typeof forms)[number]) => string | RegExp) =>
      all(({ form, police }) => police.locator('.backlog', { hasText: text(form) }).waitFor());
    await says(words.connected);
    await own.broker.stop();
    await says(words.away);
    // Two alarms that it wants, and forty words about the mains that it does not.
    await own.act('panel', 'press 9');
    await own.report('panel', Array.from({ length: 20 }, () => ['#1234|Nri1/AT0', '#1234|Nri1/AR0']).flat());
    await own.act('panel', 'release 9');
    await shows((form) => new RegExp(`^${say(words.events, form).replace('{n}', '2')}$`));
    await own.broker.start();
    await shows((form) => say(words.nothingWaits, form));
    await says(words.connected);
  });
});
